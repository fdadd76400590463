"""
工作简报 (S1-5): the notices of some days and the items published in them, each in its five openings.

Nothing is written for it: items are read from the catalogue's published editions, as guide and screens read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils.timezone import get_current_timezone, localtime
from django.utils.translation import gettext as _

from yimen.catalog.queries import guides
from yimen.hall.models import Notice
from yimen.hall.queries import screens as reads
from yimen.lib import pdf
from yimen.people.queries import main_center
from yimen.web.display import slides
from yimen.web.templatetags.yimen import day

TEMPLATE = "web/typst/bulletin.typ"
MOST_ITEMS = 60


@dataclass(frozen=True)
class Changed:
    """An item published in the period; is_new: it was not there before. openings: (head, text)."""

    code: str
    name: str
    organ: str
    on: date
    is_new: bool
    openings: list[tuple[str, str]]


@dataclass(frozen=True)
class Bulletin:
    """more: how many changed items are not listed."""

    center: str
    start: date
    end: date
    notices: list[Notice]
    items: list[Changed]
    more: int


def bulletin(region: str, start: date, end: date, *, on: date) -> Bulletin:
    """Return the bulletin of the local days start through end; `on`: today."""
    center = main_center()
    place = guides.place_of(center)
    begin, until = _begin(start), _begin(end + timedelta(days=1))
    changed = guides.guides(region).filter(published__published_at__gte=begin, published__published_at__lt=until)
    chosen = list(changed.order_by("-published__published_at", "task_code")[:MOST_ITEMS])
    sheets = guides.sheets_of([(item, None) for item in chosen], region, center=place, on=on)
    items = []
    for item, sheet in zip(chosen, sheets, strict=True):
        assert item.published and item.published.published_at
        published_on = localtime(item.published.published_at).date()
        rows = slides.five_openings(sheet)
        is_new = item.published.number == 1
        items.append(Changed(item.task_code, sheet.name, sheet.organ, published_on, is_new, rows))
    more = max(0, changed.count() - len(items)) if len(items) == MOST_ITEMS else 0
    notices = list(reads.notices_between(region, start, end))
    return Bulletin(center.name if center else "", start, end, notices, items, more)


def paper(found: Bulletin, *, at: datetime) -> bytes:
    """Return the bulletin as a PDF."""
    data = {
        "issued_at": at.isoformat(),
        "title": _("工作简报"),
        "center": found.center,
        "period": _("%(start)s至%(end)s") % {"start": day(found.start, "year"), "end": day(found.end, "year")},
        "notices_head": _("公告"),
        "notices": [
            {"title": one.title, "kind": str(one.get_kind_display()), "day": day(one.from_day), "text": one.text}
            for one in found.notices
        ],
        "no_notices": _("这段时间没有公告。"),
        "items_head": _("新开和改过的事项"),
        "items": [
            {
                "name": one.name,
                "note": _("%(organ)s，%(day)s%(what)s")
                % {"organ": one.organ, "day": day(one.on), "what": _("新开") if one.is_new else _("更新")},
                "rows": [list(row) for row in one.openings],
            }
            for one in found.items
        ],
        "no_items": _("这段时间没有事项变动。"),
        "more": _("另有 %(n)s 项，见网上办事指南。") % {"n": found.more} if found.more else "",
    }
    return pdf.render(TEMPLATE, data)


def _begin(on: date) -> datetime:
    return datetime.combine(on, time.min, get_current_timezone())
