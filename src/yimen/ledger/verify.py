"""
Is the ledger what it was? Every row, every chain, every seal, and the seals against a copy kept outside.

Reads row by row from the server, so memory does not grow with the ledger.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from yimen.ledger import chain
from yimen.ledger.seals import Line, read_outside

Progress = Callable[[int, int], None]
Position = tuple[int, int]

EVERY = 10_000
_CHAINS = """
SELECT tx, id, region, stream, seq, kind, actor, role,
       to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'), data::text, previous, hash
FROM ledger_event ORDER BY region, stream, seq, tx, id
"""
_LEAVES = """
SELECT tx, id, hash, (extract(epoch FROM recorded_at) * 1000000)::bigint FROM ledger_event ORDER BY tx, id
"""
_SEALS = "SELECT sealed_at, tx, last_id, row_count, root, chained FROM ledger_seal ORDER BY id"


@dataclass(frozen=True)
class Fault:
    """
    What is wrong, and where.

    at: the position (tx, id); for a missing row that of the row before it, for a seal its end.
    stream, seq, row_id: the row; row_id is None for a missing one. Empty for what only a seal tells: then
    after and until are the ids between which something changed.
    """

    at: Position
    what: str
    region: str = ""
    stream: str = ""
    seq: int | None = None
    row_id: int | None = None
    after: int | None = None
    until: int | None = None

    def __str__(self) -> str:
        if self.stream:
            values = {"region": self.region, "stream": self.stream, "seq": self.seq, "what": self.what}
            if self.row_id is None:
                return _("%(region)s %(stream)s 第 %(seq)d 条：%(what)s") % values
            return _("%(region)s %(stream)s 第 %(seq)d 条（id %(row_id)d）：%(what)s") % {
                **values,
                "row_id": self.row_id,
            }
        return _("id %(after)s 之后到 %(until)s：%(what)s") % {
            "after": self.after,
            "until": self.until,
            "what": self.what,
        }


@dataclass(frozen=True)
class Report:
    """
    fault: the first thing wrong by position, None when all is well; seconds: how long it took.

    unsealed_count: rows younger than the last seal; outside_count: seals compared with the outside file.
    is_renumbered: the rows carry transaction numbers this server has not reached yet, as after restoring a
    logical dump; seals and followers then wait until it has (docs/rules/ledger.md).
    """

    row_count: int
    stream_count: int
    seal_count: int
    unsealed_count: int
    outside_count: int
    sealed_until: datetime | None
    is_renumbered: bool
    seconds: float
    fault: Fault | None

    @property
    def is_intact(self) -> bool:
        return self.fault is None

    @property
    def rows_per_second(self) -> int:
        return round(self.row_count / self.seconds) if self.seconds else 0


class _First:
    """Keeps the fault with the lowest position; of two at one place the one that names a row."""

    def __init__(self) -> None:
        self.fault: Fault | None = None

    def add(self, fault: Fault) -> None:
        if self.fault is None or fault.at < self.fault.at:
            self.fault = fault


def verify(outside: Path | None = None, progress: Progress | None = None) -> Report:
    """
    Check the whole ledger as it is at this moment, and compare its seals with the file or folder `outside`.

    progress: called with (rows done, rows in all) every EVERY rows; each row counts twice, once for its chain
    and once for its seal. Raises ValueError when a line of `outside` cannot be read, FileNotFoundError without it.
    """
    if outside is not None and not outside.exists():
        raise FileNotFoundError(2, "not there", str(outside))
    started = time.perf_counter()
    alone = not connection.in_atomic_block
    with transaction.atomic():
        if alone:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        total, is_renumbered = _size()
        tell = _Teller(progress, total * 2)
        first = _First()
        row_count, stream_count = _check_chains(first, tell)
        seal_count, unsealed_count, outside_count, sealed_until = _check_seals(first, tell, outside)
    tell.end()
    return Report(
        row_count=row_count,
        stream_count=stream_count,
        seal_count=seal_count,
        unsealed_count=unsealed_count,
        outside_count=outside_count,
        sealed_until=sealed_until,
        is_renumbered=is_renumbered,
        seconds=time.perf_counter() - started,
        fault=first.fault,
    )


class _Teller:
    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0

    def step(self) -> None:
        self.done += 1
        if self.progress and self.done % EVERY == 0:
            self.progress(self.done, self.total)

    def end(self) -> None:
        if self.progress:
            self.progress(self.total, self.total)


def _size() -> tuple[int, bool]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), coalesce(max(tx) >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint, false)"
            " FROM ledger_event"
        )
        count, is_renumbered = cursor.fetchone()
        return int(count), bool(is_renumbered)


def _rows(query: str) -> Iterator[tuple[Any, ...]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(query)
        while rows := cursor.fetchmany(2000):
            yield from rows


def _check_chains(first: _First, tell: _Teller) -> tuple[int, int]:
    """Recompute every row's hash and its link to the row before it in the stream."""
    count = streams = 0
    here: tuple[str, str] | None = None
    head, last_seq, before = chain.START, 0, (0, 0)
    for tx, row_id, region, stream, seq, kind, actor, role, at, data, previous, hash_ in _rows(_CHAINS):
        count += 1
        tell.step()
        if (region, stream) != here:
            here, head, last_seq, before = (region, stream), chain.START, 0, (0, 0)
            streams += 1
        place = {"region": region, "stream": stream}
        try:
            body = chain.body_of(region, stream, kind, actor, role, at, chain.encode(json.loads(data)))
            is_right = chain.digest(bytes(previous), seq, body) == bytes(hash_)
        except (OverflowError, ValueError):
            is_right = False
        if not is_right:  # then its stream and number prove nothing either
            first.add(Fault((tx, row_id), _("内容和写入时不同"), **place, seq=seq, row_id=row_id))
        elif seq <= last_seq:
            first.add(Fault((tx, row_id), _("序号不对"), **place, seq=seq, row_id=row_id))
        elif seq > last_seq + 1:
            first.add(Fault(before, _("这一条不见了"), **place, seq=last_seq + 1))
        elif bytes(previous) != head:
            first.add(Fault((tx, row_id), _("和前一条接不上，前一条被换过"), **place, seq=seq, row_id=row_id))
        head, last_seq, before = bytes(hash_), seq, (tx, row_id)
    return count, streams


def _check_seals(first: _First, tell: _Teller, outside: Path | None) -> tuple[int, int, int, datetime | None]:
    """Recompute every seal over the rows now under it, and compare it with the outside file."""
    leaves = _rows(_LEAVES)
    row = next(leaves, None)
    lines = _Outside(outside)
    count, chained, start = 0, chain.START, (0, 0)
    sealed_until: datetime | None = None
    for sealed_at, tx, last_id, row_count, root, stored in _rows(_SEALS):
        seal = Line(sealed_at, tx, last_id, row_count, bytes(root), bytes(stored))
        count += 1
        tree, newest = chain.Merkle(), None
        while row is not None and (row[0], row[1]) <= (tx, last_id):
            tree.add(_leaf(row))
            newest = (row[0], row[1])
            tell.step()
            row = next(leaves, None)
        problem = lines.compare(seal)
        when = {"at": localtime(sealed_at).strftime("%Y-%m-%d %H:%M:%S")}
        if tree.count != row_count:
            found = _("%(at)s 封存时有 %(then)d 条，现在有 %(now)d 条") % {**when, "then": row_count, "now": tree.count}
        elif tree.root() != seal.root or newest != (tx, last_id):
            found = _("%(at)s 封存之后，这里的记录被改过") % when
        elif chain.sealed(chained, sealed_at, tx, last_id, row_count, seal.root) != seal.chained:
            found = _("%(at)s 的封印和前一枚接不上，封印被改过、加过或少了") % when
        else:
            found = problem % when if problem else ""
        if found:
            first.add(Fault((tx, last_id), found, after=start[1], until=last_id))
        chained, start, sealed_until = seal.chained, (tx, last_id), sealed_at
    unsealed = 0
    while row is not None:
        unsealed += 1
        tell.step()
        row = next(leaves, None)
    if left := lines.left():
        when = {"at": localtime(left.sealed_at).strftime("%Y-%m-%d %H:%M:%S")}
        what = _("外部文件里有 %(at)s 的封印，数据库里没有了") % when
        first.add(Fault((left.tx, left.last_id), what, after=start[1], until=left.last_id))
    return count, unsealed, lines.count, sealed_until


def _leaf(row: tuple[Any, ...]) -> bytes:
    tx, row_id, hash_, recorded_us = row
    try:
        return chain.leaf(bytes(hash_), tx, row_id, recorded_us)
    except OverflowError:  # a number no row was ever written with
        return bytes(hash_)


class _Outside:
    """The outside file, read along with the seals; it may begin later and end earlier than they do."""

    def __init__(self, path: Path | None) -> None:
        self._lines = read_outside(path) if path else iter(())
        self._next = next(self._lines, None)
        self.count = 0

    def compare(self, seal: Line) -> str:
        """Return what is wrong with this seal, empty when nothing is or the file does not speak of it."""
        line = self._next
        if line is None or (self.count == 0 and (seal.tx, seal.last_id) < (line.tx, line.last_id)):
            return ""
        self._next = next(self._lines, None)
        self.count += 1
        if line == seal:
            return ""
        return _("%(at)s 的封印和外部文件里的不同，记录和封印都被重写过")

    def left(self) -> Line | None:
        return self._next
