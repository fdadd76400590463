"""Lists sent in the browser: brought, checked as often as one likes, then taken once or put away (see importers)."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.catalog import importers
from yimen.catalog.importers import Mode, Report
from yimen.exchange.models import WaitingImport
from yimen.ledger import actions as ledger
from yimen.lib.errors import DomainError
from yimen.lib.tables import Limits, open_table
from yimen.people import access
from yimen.people.models import Staff

# What a browser may send; larger lists go through `yimen import-catalogue`.
LARGEST = 20_000_000
MOST_ROWS = {Mode.SOURCE: 20_000, Mode.DRAFT: 1_000}
MOST_ERRORS, MOST_ITEMS = 2_000, 200
KEPT_DAYS = 7


class AlreadyTaken(DomainError):
    """The list was taken or put away meanwhile."""


class NotTaken(DomainError):
    """There are errors in it; nothing was written."""


@transaction.atomic
def bring(
    content: bytes, name: str, *, mode: Mode, by: Staff, at: datetime, department: str = "", source: str = ""
) -> WaitingImport:
    """
    Keep a file and check it with the columns guessed from its headings. Files nobody took are let go after a week.

    Raises importers.Unreadable for a file that is no list, DomainError, access.NotAllowed.
    """
    access.require(by, "exchange.import")
    old = WaitingImport.objects.filter(region_id=by.region_id, taken_at=None, dropped_at=None)
    old.filter(sent_at__lt=at - timedelta(days=KEPT_DAYS)).update(content=b"", dropped_at=at)
    if len(content) > LARGEST:
        raise DomainError(
            _("文件超过 %(most)d MB，请分成几份，或者请管理员用 yimen import-catalogue 收。")
            % {"most": LARGEST // 1_000_000}
        )
    waiting = WaitingImport(
        region_id=by.region_id, name=Path(name).name[:120] or "list.csv", content=content, mode=mode.value,
        department=department, source=source, sent_by=by, sent_at=at,
    )  # fmt: skip
    with _file(waiting) as path:
        table = open_table(path, name=waiting.name, limits=_limits(mode))
        waiting.headings = list(table.headings)
        waiting.mapping = importers.guessed(table, {})
        if "name" in waiting.mapping.values():
            waiting.report = _told(_import(waiting, path, by=by, at=at, preview=True))
    waiting.save(force_insert=True)
    data = {"file": waiting.name, "size": len(content), "sha256": sha256(content).hexdigest()}
    ledger.record(f"import:{waiting.pk}", "exchange.list_brought", region=by.region_id, by=by, at=at, data=data)
    return waiting


@transaction.atomic
def check(
    pk: UUID, mapping: Mapping[str, str], *, mode: Mode, department: str, source: str, by: Staff, at: datetime
) -> WaitingImport:
    """Check the list again with other columns. Nothing of it is written. Raises as bring(), AlreadyTaken."""
    access.require(by, "exchange.import")
    waiting = _waiting(pk, by)
    waiting.mapping = {heading: mapping.get(heading, "") or "-" for heading in waiting.headings}
    waiting.mode, waiting.department, waiting.source = mode.value, department, source
    with _file(waiting) as path:
        waiting.report = _told(_import(waiting, path, by=by, at=at, preview=True))
    waiting.save(update_fields=["mapping", "mode", "department", "source", "report"])
    ledger.record(f"import:{pk}", "exchange.list_checked", region=waiting.region_id, by=by, at=at, data={"mode": mode})
    return waiting


@transaction.atomic
def take(pk: UUID, *, seen: str, skip_bad: bool, by: Staff, at: datetime) -> WaitingImport:
    """
    Write what the check promised, once, all or nothing.

    seen: mark_of() what was looked at. Raises AlreadyTaken for the second who comes, NotTaken when there are errors
    and they are not skipped, DomainError when somebody checked it otherwise meanwhile.
    """
    access.require(by, "exchange.import")
    waiting = _waiting(pk, by)
    if mark_of(waiting) != seen:
        raise DomainError(_("您打开以后，别人换了对应的栏目。请先看看现在的核对结果，再收。"))
    with _file(waiting) as path:
        report = _import(waiting, path, by=by, at=at, skip_bad=skip_bad)
    if not report.written:
        raise NotTaken(
            _("有 %(n)d 处错，一行也没有收。请改好文件再传，或者只收没错的行。") % {"n": report.left_out_count}
        )
    waiting.report, waiting.content = _told(report), b""
    waiting.taken_by, waiting.taken_at = by, at
    waiting.save(update_fields=["report", "content", "taken_by", "taken_at"])
    data = {key: waiting.report[key] for key in ("rows", "taken", "changed", "drafted", "unchanged", "refused")}
    ledger.record(f"import:{pk}", "exchange.list_taken", region=waiting.region_id, by=by, at=at, data=data)
    return waiting


@transaction.atomic
def put_away(pk: UUID, *, by: Staff, at: datetime) -> None:
    """Let the file go without taking it. Raises AlreadyTaken."""
    access.require(by, "exchange.import")
    waiting = _waiting(pk, by)
    waiting.content, waiting.dropped_at = b"", at
    waiting.save(update_fields=["content", "dropped_at"])
    ledger.record(f"import:{pk}", "exchange.list_put_away", region=waiting.region_id, by=by, at=at, data={})


def mark_of(waiting: WaitingImport) -> str:
    """Return a mark that changes with the columns and with what they are to become."""
    said = repr((sorted(waiting.mapping.items()), waiting.mode, waiting.department, waiting.source))
    return sha256(said.encode()).hexdigest()[:32]


def incoming_for(by: Staff) -> Any:
    """Return the lists of the reader's region, the latest first, without their contents; none without the right."""
    if not access.allowed(by, "exchange.import"):
        return WaitingImport.objects.none()
    found = WaitingImport.objects.filter(region_id=by.region_id).defer("content", "report", "mapping", "headings")
    return found.select_related("sent_by", "taken_by").order_by("-sent_at")


def get_incoming_for(by: Staff, pk: UUID) -> WaitingImport | None:
    """Return a list of the reader's region without its content; None also without the right."""
    if not access.allowed(by, "exchange.import"):
        return None
    found = WaitingImport.objects.defer("content").select_related("sent_by", "taken_by")
    return found.filter(region_id=by.region_id, pk=pk).first()


def _waiting(pk: UUID, by: Staff) -> WaitingImport:
    waiting = WaitingImport.objects.select_for_update(of=("self",)).filter(region_id=by.region_id, pk=pk).first()
    if waiting is None:
        raise DomainError(_("没有这份清单。"))
    if waiting.taken_at:
        raise AlreadyTaken(_("这份清单已经收过了，不用再收。"))
    if waiting.dropped_at:
        raise AlreadyTaken(_("这份清单已经收起来了，请重新上传。"))
    return waiting


def _limits(mode: Mode) -> Limits:
    return Limits(size=LARGEST, unpacked=LARGEST * 20, rows=MOST_ROWS.get(mode, 1_000))


def _import(waiting: WaitingImport, path: Path, *, by: Staff, at: datetime, **how: Any) -> Report:
    mode = Mode(waiting.mode)
    return importers.import_list(
        path, by=by, at=at, mapping=waiting.mapping, name=waiting.name, region_code=waiting.region_id,
        department=waiting.department, source=waiting.source, mode=mode, limits=_limits(mode), **how,
    )  # fmt: skip


class _file:
    """The content as a file for the time of a read."""

    def __init__(self, waiting: WaitingImport) -> None:
        self._waiting = waiting

    def __enter__(self) -> Path:
        self._folder = tempfile.TemporaryDirectory(prefix="yimen-import-")
        ending = "".join(Path(self._waiting.name).suffixes[-2:])[:20]
        path = Path(self._folder.name) / f"list{ending}"
        path.write_bytes(bytes(self._waiting.content))
        return path

    def __exit__(self, *_error: object) -> None:
        self._folder.cleanup()


def _told(report: Report) -> dict[str, Any]:
    counts = ("rows", "taken", "changed", "drafted", "unchanged", "merged", "refused", "materials", "left_out_count")
    return {name: getattr(report, name) for name in counts} | {
        "errors": [asdict(one) for one in sorted(report.left_out, key=lambda one: one.row)[:MOST_ERRORS]],
        "items": [asdict(one) for one in report.listed[:MOST_ITEMS]],
        "notes": report.notes[:50],
    }
