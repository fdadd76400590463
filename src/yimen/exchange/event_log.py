"""
Event logs of other systems, brought into the ledger as imported history.

Their rows stand under region "imported", stream "log:<name>:<case>", kind "log.event", actor "imported", so no figure
of our own counts them. The first row of a stream carries the case's attributes; the others refer to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from yimen.exchange import readers
from yimen.exchange.models import ImportedLog
from yimen.exchange.readers import LogEvent, Source, UnreadableLog
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor, Nobody
from yimen.ledger.bulk import NewEvent, record_many
from yimen.people import access

REGION = "imported"
KIND = "log.event"
IMPORTED = Nobody("imported")
MAX_NAME = 50


class AlreadyImported(UnreadableLog):
    """The same content, or another log under the same name, is there already; nothing was changed."""


@dataclass(frozen=True)
class Summary:
    """What a log holds. variants: different orders of activities; first_at and last_at: earliest and latest event."""

    sha256: str
    cases: int
    events: int
    activities: int
    variants: int
    first_at: datetime
    last_at: datetime
    oddities: tuple[str, ...]


def name_of(path: Path) -> str:
    """Return the name a log gets when none is given: the file's, without its endings."""
    return path.name.split(".")[0][:MAX_NAME]


def summarize(
    path: Path, *, max_bytes: int = readers.MAX_BYTES, progress: Callable[[int], None] | None = None
) -> Summary:
    """Read a log through to its end, keeping nothing but the counts. Raises UnreadableLog."""
    source = Source(path, max_bytes=max_bytes, progress=progress)
    activities: set[str] = set()
    variants: set[bytes] = set()
    cases = events = 0
    first = last = None
    for _case, group in groupby(readers.read(source), key=lambda event: event.case):
        cases += 1
        order = hashlib.sha256()
        for event in group:
            events += 1
            activities.add(event.activity)
            order.update(event.activity.encode() + b"\0")
            first = event.at if first is None or event.at < first else first
            last = event.at if last is None or event.at > last else last
        variants.add(order.digest())
    assert first is not None and last is not None
    return Summary(
        source.hash.hexdigest(), cases, events, len(activities), len(variants), first, last, tuple(source.oddities)
    )


def import_log(
    path: Path,
    *,
    by: Actor,
    at: datetime,
    name: str = "",
    max_bytes: int = readers.MAX_BYTES,
    progress: Callable[[int], None] | None = None,
) -> tuple[ImportedLog, Summary]:
    """
    Bring an event log into the ledger, all of it or nothing.

    The file is read twice: once to judge all of it, once to write. progress: told how many bytes of the file have
    been read, first 0 … size, then again.
    Raises UnreadableLog, AlreadyImported (the same content, or the name, is taken), access.NotAllowed.
    """
    access.require(by, "exchange.import")
    name = (name or name_of(path)).strip()
    if not name or len(name) > MAX_NAME or ":" in name or not name.isprintable():
        raise UnreadableLog(_("日志的名字要 1 到 %(n)s 个字，不能有冒号。请用 --name 另起一个。") % {"n": MAX_NAME})
    summary = summarize(path, max_bytes=max_bytes, progress=progress)
    _refuse_known(name, summary)
    try:
        with transaction.atomic():
            log = ImportedLog.objects.create(
                name=name,
                sha256=summary.sha256,
                case_count=summary.cases,
                event_count=summary.events,
                activity_count=summary.activities,
                first_at=summary.first_at,
                last_at=summary.last_at,
                imported_at=at,
            )
            source = Source(path, max_bytes=max_bytes, progress=progress)
            written = record_many(_rows(name, readers.read(source)))
            if written != summary.events or source.hash.hexdigest() != summary.sha256:
                raise UnreadableLog(_("文件在导入时被改动了，请等它写完再试。"))
            counts = {"cases": summary.cases, "events": summary.events, "sha256": summary.sha256}
            ledger.record(f"log:{name}", "log.imported", region=REGION, by=by, at=at, data=counts)
    except IntegrityError:
        _refuse_known(name, summary)  # somebody else brought it in meanwhile
        raise
    return log, summary


def _refuse_known(name: str, summary: Summary) -> None:
    if known := ImportedLog.objects.filter(sha256=summary.sha256).first():
        raise AlreadyImported(
            _("这份日志已经导入过了，名字是“%(name)s”，有 %(cases)s 件、%(events)s 条事件。这次没有改动任何内容。")
            % {"name": known.name, "cases": f"{known.case_count:,}", "events": f"{known.event_count:,}"}
        )
    if ImportedLog.objects.filter(name=name).exists():
        raise AlreadyImported(
            _("已经有一份叫“%(name)s”的日志，内容和这份不同。请用 --name 另起一个名字。") % {"name": name}
        )


def _rows(name: str, events: Iterator[LogEvent]) -> Iterator[NewEvent]:
    for event in events:
        data: dict[str, object] = {
            "activity": event.activity,
            "resource": event.resource,
            "lifecycle": event.lifecycle,
            "attributes": event.attributes,
        }
        if event.case_attributes:
            data["case_attributes"] = event.case_attributes
        stream = f"log:{name}:{event.case}"
        yield NewEvent(REGION, stream, KIND, IMPORTED.ledger_ref, IMPORTED.role_name, event.at, data)
