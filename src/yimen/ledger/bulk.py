"""Writing many ledger rows at once: imports and generated years, with the same chain as actions.record()."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection

from yimen.ledger import chain
from yimen.ledger.actions import NotInTransaction

AT_ONCE = 20_000
IN_FLIGHT = 500

_HEADS = """
SELECT wanted.region, wanted.stream, head.seq, head.hash
FROM unnest(%s::text[], %s::text[]) AS wanted (region, stream)
JOIN LATERAL (
    SELECT seq, hash FROM ledger_event e
    WHERE e.region = wanted.region AND e.stream = wanted.stream ORDER BY seq DESC LIMIT 1
) AS head ON true
"""
_COPY = "COPY ledger_event (region, stream, seq, kind, actor, role, at, data, previous, hash) FROM STDIN"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A row to be written; actor and role as an Actor's ledger_ref and role_name."""

    region: str
    stream: str
    kind: str
    actor: str
    role: str
    at: datetime
    data: dict[str, Any] = field(default_factory=dict)


def record_many(rows: Iterable[NewEvent], *, new_streams: bool = False) -> int:
    """
    Add the rows in their order, each as the next of its stream, and return how many.

    The same rows and hashes as record() would make. Call it inside a transaction; nobody else may write
    these streams meanwhile, or one of the two fails on the unique (region, stream, seq).
    new_streams: each row begins a stream of its own, so nothing has to be looked up; one that is not new fails so too.
    """
    if not connection.in_atomic_block:
        raise NotInTransaction("record_many() belongs inside the transaction of what it records")
    count = 0
    source = iter(rows)
    while part := list(islice(source, AT_ONCE)):
        _copy(part, new_streams=new_streams)
        count += len(part)
    return count


def _copy(rows: list[NewEvent], *, new_streams: bool) -> None:
    with connection.cursor() as cursor:
        streams = [] if new_streams else list({(row.region, row.stream) for row in rows})
        cursor.execute(_HEADS, [[region for region, _ in streams], [stream for _, stream in streams]])
        heads = {(region, stream): (seq, bytes(hash_)) for region, stream, seq, hash_ in cursor}
        with cursor.copy(_COPY) as copy:
            for start in range(0, len(rows), IN_FLIGHT):  # the server stores one part while the next is made
                copy.write("".join(_lines(rows[start : start + IN_FLIGHT], heads)))


def _lines(rows: list[NewEvent], heads: dict[tuple[str, str], tuple[int, bytes]]) -> Iterator[str]:
    moment: datetime | None = None
    for row in rows:
        place = (row.region, row.stream)
        seq, previous = heads.get(place, (0, chain.START))
        if row.at is not moment:
            moment, at = row.at, chain.stamp(row.at)
        data = chain.canonical(row.data)
        body = chain.body_of(row.region, row.stream, row.kind, row.actor, row.role, at, data)
        hash_ = chain.digest(previous, seq + 1, body)
        heads[place] = (seq + 1, hash_)
        texts = (row.region, row.stream, str(seq + 1), row.kind, row.actor, row.role, at, data)
        # NUL, which no column can hold, stands for the end of a field until the rest is escaped.
        line = "\0".join(texts).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
        line = line.replace("\0", "\t")
        yield f"{line}\t\\\\x{previous.hex()}\t\\\\x{hash_.hex()}\n"
