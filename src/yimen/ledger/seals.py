"""
Seals over the ledger: a Merkle root every minute, in the database and in a file outside it (assurance lesson 4).

The outside file has one line for each seal, SEALS/<yyyy-mm>.log: sealed_at tx last_id count root chained.
Only what left the machine convicts somebody who owns the database, so copy these files away.
"""

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from yimen.ledger import chain
from yimen.ledger.followers import horizon
from yimen.ledger.models import Seal
from yimen.lib.errors import DomainError

# One seal at a time in the whole database.
_TURN = 20_261_118
LEAVES = (
    "SELECT tx, id, hash, (extract(epoch FROM recorded_at) * 1000000)::bigint FROM ledger_event"
    " WHERE (tx, id) > (%s, %s) AND tx < %s ORDER BY tx, id"
)


class SealsDisagree(DomainError):
    """The outside file ends with a seal the database does not have."""


@dataclass(frozen=True)
class Line:
    """A seal as the outside file has it. Raises ValueError when made from anything else."""

    sealed_at: datetime
    tx: int
    last_id: int
    count: int
    root: bytes
    chained: bytes

    @classmethod
    def of(cls, seal: Seal) -> "Line":
        return cls(
            seal.sealed_at.astimezone(UTC), seal.tx, seal.last_id, seal.row_count, bytes(seal.root), bytes(seal.chained)
        )

    @classmethod
    def read(cls, text: str) -> "Line":
        at, tx, last_id, count, root, chained = text.split()
        return cls(
            datetime.fromisoformat(at), int(tx), int(last_id), int(count), bytes.fromhex(root), bytes.fromhex(chained)
        )

    def __str__(self) -> str:
        place = f"{self.tx} {self.last_id} {self.count}"
        return f"{chain.stamp(self.sealed_at)} {place} {self.root.hex()} {self.chained.hex()}"


@transaction.atomic
def seal(at: datetime) -> Seal | None:
    """
    Seal the rows after the last seal, up to the oldest transaction still running, and return the new seal.

    None when there is nothing new or somebody else is sealing right now. publish() then writes it outside.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_TURN])
        if not cursor.fetchone()[0]:
            return None
    last = Seal.objects.order_by("-pk").first()
    tx, last_id = (last.tx, last.last_id) if last else (0, 0)
    tree = chain.Merkle()
    before = horizon()
    with connection.chunked_cursor() as cursor:
        cursor.execute(LEAVES, [tx, last_id, before])
        for tx, last_id, hash_, recorded_us in cursor:
            tree.add(chain.leaf(bytes(hash_), tx, last_id, recorded_us))
    if not tree.count:
        return None
    previous = bytes(last.chained) if last else chain.START
    at = max(at, last.sealed_at) if last else at  # a clock put back does not put seals back
    root = tree.root()
    return Seal.objects.create(
        tx=tx,
        last_id=last_id,
        row_count=tree.count,
        root=root,
        chained=chain.sealed(previous, at, tx, last_id, tree.count, root),
        sealed_at=at,
    )


def publish(folder: Path | None = None) -> int:
    """
    Append to the outside files every seal they do not have yet, and return how many.

    A crash between seal() and publish() is made up for by the next call. Raises SealsDisagree when the files
    end with a seal that the database does not have.
    """
    folder = folder or settings.SEALS
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        last = _last_line(folder)
        seals = Seal.objects.order_by("pk")
        if last:
            known = seals.filter(tx=last.tx, last_id=last.last_id).first()
            if known is None or Line.of(known) != last:
                at = {"at": chain.stamp(last.sealed_at)}
                raise SealsDisagree(
                    _("外部文件的最后一枚封印（%(at)s）不在数据库里，台账可能被改过。请运行 yimen ledger verify。") % at
                )
            seals = seals.filter(pk__gt=known.pk)
        count = 0
        for line in map(Line.of, seals.iterator()):
            _append(folder / f"{line.sealed_at:%Y-%m}.log", f"{line}\n")
            count += 1
    return count


def read_outside(path: Path) -> Iterator[Line]:
    """
    Yield the lines of one outside file or of all in a folder, oldest first.

    A last line cut short by a crash is left out. Raises ValueError, naming file and line, for anything else.
    """
    files = sorted(path.glob("*.log")) if path.is_dir() else [path]
    for file in files:
        with file.open(encoding="ascii", errors="replace") as lines:
            for number, text in enumerate(lines, 1):
                if not text.endswith("\n") and file == files[-1]:
                    return
                try:
                    yield Line.read(text)
                except ValueError:
                    raise ValueError(f"{file.name}:{number}") from None


def _last_line(folder: Path) -> Line | None:
    for file in sorted(folder.glob("*.log"), reverse=True):
        with file.open("r+b") as content:
            end = content.seek(0, os.SEEK_END)
            content.seek(max(0, end - 1000))
            tail = content.read()
            whole = tail[: tail.rfind(b"\n") + 1]
            if len(whole) < len(tail):  # a crash in the middle of a line
                content.truncate(end - len(tail) + len(whole))
        if whole.strip():
            return Line.read(whole.decode("ascii").strip().splitlines()[-1])
    return None


def _append(path: Path, text: str) -> None:
    is_new = not path.exists()
    with path.open("a", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
