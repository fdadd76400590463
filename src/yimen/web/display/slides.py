"""What takes turns on a screen beside the calls: notices, the five openings of items, three figures, facilities."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.conf import settings
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from yimen.catalog.leaflets import Sheet
from yimen.catalog.queries import guides
from yimen.hall.models import Hall, Notice, Screen
from yimen.hall.queries import screens as reads
from yimen.lib.text import listed
from yimen.people.models import ServiceCenter
from yimen.ratings import queries as ratings

SECONDS = 15
# So many items have their turn in one round; the next round takes the next ones.
ITEMS_A_ROUND = 6
ROUND_SECONDS = 120
MOST_MATERIALS = 6
FIGURES_SECONDS = 30


@dataclass(frozen=True)
class Figures:
    """
    愿意来, 办得快, 心情好 (S0-20). visits: numbers taken on each of the last seven days, today last.

    minutes: mean time at a window, None before anybody was seen; good_rate: 好评率 of 30 days in percent.
    """

    visits: list[tuple[date, int]]
    minutes: int | None
    good_rate: Decimal | None

    @property
    def today(self) -> int:
        return self.visits[-1][1]

    @property
    def bars(self) -> list[tuple[int, int, int, date, int]]:
        """Return x, y, height, day and count of each bar in a drawing 280 wide and 100 high."""
        most = max((count for _day, count in self.visits), default=0) or 1
        heights = [max(2, round(count * 100 / most)) for _day, count in self.visits]
        return [
            (n * 40, 100 - height, height, day, count)
            for n, ((day, count), height) in enumerate(zip(self.visits, heights, strict=True))
        ]

    @property
    def trend(self) -> str:
        """How the last seven days went, in words."""
        before = [count for _day, count in self.visits[:-1] if count]
        if not before:
            return _("今天 %(n)s 人来过") % {"n": self.today}
        mean = round(sum(before) / len(before))
        return _("今天 %(n)s 人来过，前几天平均 %(mean)s 人") % {"n": self.today, "mean": mean}

    @property
    def speed(self) -> str:
        if self.minutes is None:
            return _("今天还没有办完的")
        return ngettext("平均 %(n)s 分钟办好", "平均 %(n)s 分钟办好", self.minutes) % {"n": self.minutes}

    @property
    def mood(self) -> str:
        return _("近 30 天还没有评价") if self.good_rate is None else _("好评 %(rate)s%%") % {"rate": self.good_rate}


@dataclass(frozen=True)
class Slide:
    """One turn. kind: notice, openings, figures or facilities; rows: (head, text); short: the same in one line."""

    kind: str
    label: str
    title: str
    seconds: int = SECONDS
    text: str = ""
    rows: Sequence[tuple[str, str]] = ()
    short: str = ""
    figures: Figures | None = None
    tags: Sequence[str] = field(default_factory=tuple)


def slides(screen: Screen, now: datetime) -> list[Slide]:
    """Return what takes turns on a screen, in order."""
    halls, day = reads.halls_of(screen), localdate(now)
    found: list[Slide] = []
    if screen.shows_notices:
        at = screen.window if screen.layout == Screen.Layout.WINDOW else None
        found += [of_notice(one) for one in reads.notices_of(halls, day, window=at)]
    if screen.layout == Screen.Layout.WINDOW:
        return found
    if screen.shows_figures:
        found.insert(0, of_figures(figures(screen.hall, now)))
    if screen.layout != Screen.Layout.NOTICES:
        found.insert(0, help_line())
    if screen.shows_openings:
        found += openings(halls, now, center=screen.hall.center)
    if screen.shows_notices and (offered := of_facilities(screen.hall, day)):
        found.append(offered)
    return found


def help_line() -> Slide:
    text = _("过号不作废，找导办员接着办")
    return Slide("help", _("没听到叫号？"), _("没听到叫号？"), text=text, short=text)


def of_notice(notice: Notice) -> Slide:
    label = str(notice.get_kind_display())
    return Slide(
        "notice", label, notice.title, notice.seconds, text=notice.text, short=f"{notice.title}：{notice.text}"
    )


class _Kept:
    figures: dict[object, tuple[float, Figures]] = {}


def figures(hall: Hall, now: datetime) -> Figures:
    """Return the three figures of a hall, half a minute old at most."""
    known = _Kept.figures.get(hall.pk)
    if known and not settings.TESTING and time.monotonic() - known[0] < FIGURES_SECONDS:
        return known[1]
    day = localdate(now)
    visits = reads.visits_by_day(hall, day)
    seconds = reads.handling_seconds(hall, day, day)
    rated = ratings.figures(hall.region_id, *ratings.days_of("days30", day), center=hall.center_id)
    minutes = None if seconds is None else max(1, round(seconds / 60))
    found = Figures(visits, minutes, rated.good_rate)
    _Kept.figures[hall.pk] = (time.monotonic(), found)
    return found


def of_figures(found: Figures) -> Slide:
    heads = (_("愿意来"), _("办得快"), _("心情好"))
    rows = list(zip(heads, (found.trend, found.speed, found.mood), strict=True))
    short = "　".join(f"{head}：{text}" for head, text in rows)
    return Slide("figures", _("今天的大厅"), listed(heads), rows=rows, short=short, figures=found)


def openings(halls: Sequence[Hall], now: datetime, *, center: ServiceCenter) -> list[Slide]:
    """Return the five openings (五公开) of some of the items taken in these halls; each round takes the next ones."""
    region = halls[0].region_id
    pks = [hall.pk for hall in halls]
    items = guides.guides(region).filter(series__hall__in=pks).order_by("task_code", "pk").distinct()
    total = items.order_by().count()
    if not total:
        return []
    first = int(now.timestamp()) // ROUND_SECONDS * ITEMS_A_ROUND % total
    chosen = list(items[first : first + ITEMS_A_ROUND])
    chosen += list(items[: max(0, min(ITEMS_A_ROUND, total) - len(chosen))])
    place = guides.place_of(center)
    made = guides.sheets_of([(item, None) for item in chosen], region, center=place, on=localdate(now))
    return [of_item(sheet) for sheet in made]


def of_item(sheet: Sheet) -> Slide:
    rows = five_openings(sheet)
    texts = [text for _head, text in rows]
    short = _("%(name)s：%(limit)s，%(fee)s") % {"name": sheet.name, "limit": texts[3], "fee": texts[4]}
    return Slide("openings", _("五公开"), sheet.name, 20, rows=rows, tags=(sheet.organ,), short=short)


def five_openings(sheet: Sheet) -> list[tuple[str, str]]:
    """Return 服务内容, 办事程序, 申报材料, 办理时限, 收费标准及依据 as the item's published edition says (HALL-21)."""
    names = [line.name for line in sheet.bring]
    rest = len(names) - MOST_MATERIALS
    materials = listed(names[:MOST_MATERIALS]) or _("不用带材料")
    if rest > 0:
        materials = _("%(names)s等 %(n)s 样") % {"names": materials, "n": len(names)}
    if sheet.fees:
        fees = "；".join(f"{fee.name} {fee.standard}（{fee.basis}）" for fee in sheet.fees)
    else:
        fees = _("不收费") if sheet.has_fee is False else sheet.fee_note or _("不收费")
    steps = " → ".join(dict.fromkeys(step.name for step in sheet.steps if not step.is_conditional))
    return [
        (_("服务内容"), sheet.plain or sheet.condition or sheet.name),
        (_("办事程序"), steps or sheet.procedure),
        (_("申报材料"), materials),
        (_("办理时限"), sheet.promised),
        (_("收费标准及依据"), fees),
    ]


def of_facilities(hall: Hall, day: date) -> Slide | None:
    offered = list(reads.facilities(hall, on=day))
    if not offered:
        return None
    rows = [
        (one.name, one.place if one.works else _("正在修%(note)s") % {"note": f"，{one.note}" if one.note else ""})
        for one in offered[:12]
    ]
    working = [one.name for one in offered if one.works]
    short = _("大厅里有：%(names)s") % {"names": listed(working[:8])}
    return Slide("facilities", _("便民设施"), _("大厅里有这些，都可以用"), rows=rows, short=short)
