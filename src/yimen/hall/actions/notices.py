"""Writes: the notices screens, windows and the hall's page show between two days. For hall managers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.hall.actions.telling import tell_changed
from yimen.hall.models import Hall, Notice, Window
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Region, Staff

SECONDS = (5, 120)


class NoticeIncomplete(DomainError):
    """A title or text is missing, or the days are the wrong way round."""


@transaction.atomic
def post_notice(
    region: Region,
    *,
    title: str,
    text: str,
    from_day: date,
    until_day: date,
    by: Actor,
    at: datetime,
    kind: str = Notice.Kind.PUBLIC,
    hall: Hall | None = None,
    windows: Iterable[Window] = (),
    seconds: int = 15,
    position: int = 0,
) -> Notice:
    """
    Show a notice from one day through another: in a hall, or (None) in all of the region's; windows: only there.

    seconds: how long it stands when it is its turn. Raises NoticeIncomplete.
    """
    access.require(by, "hall.manage", region=region.pk)
    maker = by if isinstance(by, Staff) else None
    notice = Notice(region=region, made_by=maker)
    wanted = _apply(notice, title, text, from_day, until_day, kind, hall, windows, seconds, position)
    notice.save(force_insert=True)
    notice.windows.set(wanted)
    _record(notice, "hall.notice_posted", by, at)
    return notice


@transaction.atomic
def change_notice(
    notice_id: UUID,
    *,
    title: str,
    text: str,
    from_day: date,
    until_day: date,
    by: Actor,
    at: datetime,
    kind: str = Notice.Kind.PUBLIC,
    hall: Hall | None = None,
    windows: Iterable[Window] = (),
    seconds: int = 15,
    position: int = 0,
) -> Notice:
    """Change a notice; the screens follow within a second. Raises NoticeIncomplete, also for one that has ended."""
    notice = _locked(notice_id, by)
    if notice.ended_at is not None:
        raise NoticeIncomplete(_("这条公告已经撤下了，要再用请另发一条。"))
    before = notice.hall_id
    wanted = _apply(notice, title, text, from_day, until_day, kind, hall, windows, seconds, position)
    notice.save()
    notice.windows.set(wanted)
    _record(notice, "hall.notice_changed", by, at)
    if before != notice.hall_id:
        _tell(notice.region_id, before)
    return notice


@transaction.atomic
def end_notice(notice_id: UUID, *, by: Actor, at: datetime) -> Notice:
    """Take a notice down now; it is kept. A repeat changes nothing."""
    notice = _locked(notice_id, by)
    if notice.ended_at is None:
        notice.ended_at = at
        notice.save(update_fields=["ended_at"])
        _record(notice, "hall.notice_ended", by, at)
    return notice


def _locked(notice_id: UUID, by: Actor) -> Notice:
    notice = Notice.objects.select_for_update(no_key=True).get(pk=notice_id)
    access.require(by, "hall.manage", region=notice.region_id)
    return notice


def _apply(
    notice: Notice,
    title: str,
    text: str,
    from_day: date,
    until_day: date,
    kind: str,
    hall: Hall | None,
    windows: Iterable[Window],
    seconds: int,
    position: int,
) -> list[Window]:
    notice.title, notice.text = title.strip(), text.strip()
    if not notice.title or not notice.text:
        raise NoticeIncomplete(_("标题和内容都要写。"))
    if kind not in Notice.Kind.values:
        raise NoticeIncomplete(_("没有这种公告，请从列表里选。"))
    if until_day < from_day:
        raise NoticeIncomplete(_("结束的日子不能早于开始的日子。"))
    if not SECONDS[0] <= seconds <= SECONDS[1]:
        raise NoticeIncomplete(_("每次显示 5 到 120 秒。"))
    wanted = list(windows)
    if any(window.region_id != notice.region_id for window in wanted) or (
        hall is not None and hall.region_id != notice.region_id
    ):
        raise NoticeIncomplete(_("大厅和窗口要在本地区。"))
    if hall is not None and any(window.hall_id != hall.pk for window in wanted):
        raise NoticeIncomplete(_("选的窗口不在这个大厅。"))
    notice.kind, notice.hall, notice.from_day, notice.until_day = kind, hall, from_day, until_day
    notice.seconds, notice.position = seconds, position
    return wanted


def _record(notice: Notice, kind: str, by: Actor, at: datetime) -> None:
    data = {
        "kind": notice.kind,
        "title": notice.title,
        "from": notice.from_day.isoformat(),
        "until": notice.until_day.isoformat(),
        "hall": str(notice.hall_id) if notice.hall_id else None,
    }
    ledger.record(f"notice:{notice.pk}", kind, region=notice.region_id, by=by, at=at, data=data)
    _tell(notice.region_id, notice.hall_id)


def _tell(region: str, hall_id: UUID | None) -> None:
    halls = [hall_id] if hall_id else Hall.objects.filter(region_id=region).values_list("pk", flat=True)
    for pk in halls:
        tell_changed(pk)
