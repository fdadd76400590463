"""Writes: when a hall or one window is open, week by week and on single days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID

from django.db.models import Q
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.hall.actions import common, moving
from yimen.hall.actions.policies import WrongSetting
from yimen.hall.models import Hall, OpeningTime, Window
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib.acts import act
from yimen.people import access

Spans = Sequence[tuple[time, time]]


@dataclass(frozen=True)
class Hours:
    """Hours that were set. outcome: what became of those booked when it is no longer open."""

    hall: Hall
    outcome: moving.Outcome


@act
def set_week(
    hall_id: UUID, week: Mapping[int, Spans], *, by: Actor, at: datetime, extended: Mapping[int, Spans] | None = None
) -> Hall:
    """
    Set a hall's hours by weekday (1 Monday … 7 Sunday) from today on; a weekday without any is shut. What was before
    stays with its days. extended: 延时服务 (HALL-7). Slots are made again; who is booked keeps his time.

    Raises WrongSetting for hours that overlap or end too early.
    """
    hall, day = _locked(hall_id, by), localdate(at)
    for spans in (*week.values(), *(extended or {}).values()):
        _check(spans)
    old = OpeningTime.objects.filter(
        Q(valid_until=None) | Q(valid_until__gte=day), hall=hall, window=None, weekday__isnull=False
    )
    old.filter(valid_from__gte=day).delete()
    old.update(valid_until=day - timedelta(days=1))
    kinds = ((OpeningTime.Kind.REGULAR, week), (OpeningTime.Kind.EXTENDED, extended or {}))
    OpeningTime.objects.bulk_create(
        OpeningTime(
            region_id=hall.region_id, hall=hall, kind=kind, weekday=weekday, opens=opens, closes=closes, valid_from=day
        )
        for kind, rows in kinds
        for weekday, spans in rows.items()
        for opens, closes in spans
    )
    moving.remake(hall, window_id=None, by=by, at=at)
    data = {kind.value: {str(weekday): _plain(spans) for weekday, spans in rows.items()} for kind, rows in kinds}
    ledger.record(f"hall:{hall.pk}", "hall.hours_set", region=hall.region_id, by=by, at=at, data=data)
    return hall


@act
def set_window_week(
    window_id: UUID, week: Mapping[int, Spans | None], *, by: Actor, at: datetime, moves: str = "", expected: str = ""
) -> Hours:
    """
    Set one window's own hours by weekday from today on. A weekday that is not named follows the hall; None or no
    spans: the window is shut that day. Its slots are made again.

    moves: why those booked in its plans outside the new hours are moved to the next free time; "" leaves them as they
    are. expected: Outcome.mark of what the reader was shown. Raises WrongSetting, SeenOtherwise.
    """
    window = Window.objects.select_related("hall").get(pk=window_id)
    hall, day = _locked(window.hall_id, by), localdate(at)
    if not set(week) <= set(range(1, 8)):
        raise WrongSetting(_("请选周一到周日。"))
    for spans in week.values():
        _check(spans or ())
    old = OpeningTime.objects.filter(
        Q(valid_until=None) | Q(valid_until__gte=day), hall=hall, window=window, weekday__isnull=False
    )
    old.filter(valid_from__gte=day).delete()
    old.update(valid_until=day - timedelta(days=1))
    OpeningTime.objects.bulk_create(
        OpeningTime(
            region_id=hall.region_id, hall=hall, window=window, weekday=weekday, opens=opens, closes=closes,
            valid_from=day,
        )
        for weekday, spans in week.items()
        for opens, closes in _rows(spans)
    )  # fmt: skip
    data = {"window": window.number, "hours": {str(weekday): _plain(spans or ()) for weekday, spans in week.items()}}
    ledger.record(f"hall:{hall.pk}", "hall.window_hours_set", region=hall.region_id, by=by, at=at, data=data)
    return Hours(hall, _settle(hall, window, moves, expected, by, at))


@act
def set_day(
    hall_id: UUID,
    day: date,
    spans: Spans | None,
    *,
    by: Actor,
    at: datetime,
    window: Window | None = None,
    moves: str = "",
    expected: str = "",
) -> Hours:
    """
    Set the hours of one day in place of its weekday's; no spans: shut; None: as its weekday again. window: for this
    one alone. The slots are made again; moves and expected as in set_window_week.

    Raises WrongSetting also for a day that is over, SeenOtherwise.
    """
    hall = _locked(hall_id, by)
    if window is not None and window.hall_id != hall.pk:
        raise WrongSetting(_("这个窗口不在这个大厅。"))
    if day < localdate(at):
        raise WrongSetting(_("这一天已经过去了，请选今天或以后。"))
    _check(spans or ())
    OpeningTime.objects.filter(hall=hall, window=window, day=day).delete()
    if spans is not None:
        OpeningTime.objects.bulk_create(
            OpeningTime(
                region_id=hall.region_id, hall=hall, window=window, day=day, opens=opens, closes=closes,
                valid_from=localdate(at),
            )
            for opens, closes in _rows(spans)
        )  # fmt: skip
    data = {"day": day.isoformat(), "hours": None if spans is None else _plain(spans)}
    if window is not None:
        data["window"] = window.number  # type: ignore[assignment]
    ledger.record(f"hall:{hall.pk}", "hall.day_set", region=hall.region_id, by=by, at=at, data=data)
    return Hours(hall, _settle(hall, window, moves, expected, by, at))


def _rows(spans: Spans | None) -> Sequence[tuple[time | None, time | None]]:
    return spans or [(None, None)]


def _settle(hall: Hall, window: Window | None, moves: str, expected: str, by: Actor, at: datetime) -> moving.Outcome:
    touched = moving.remake(hall, window_id=window.pk if window else None, by=by, at=at)
    reason = moves.strip()
    outcome = moving.move_out(touched, reason=reason, by=by, at=at) if reason else moving.Outcome([], touched)
    outcome.expect(expected)
    return outcome


def _locked(hall_id: UUID, by: Actor) -> Hall:
    hall = Hall.objects.select_for_update(no_key=True).get(pk=hall_id)
    access.require(by, "hall.manage", region=hall.region_id)
    common.tell(hall.pk)
    return hall


def _check(spans: Spans) -> None:
    ordered = sorted(spans)
    if any(opens >= closes for opens, closes in ordered) or any(a[1] > b[0] for a, b in pairwise(ordered)):
        raise WrongSetting(_("开门要早于关门，上午和下午不能重叠，例如 9:00-12:00 14:00-17:00。"))


def _plain(spans: Spans) -> list[str]:
    return [f"{opens:%H:%M}-{closes:%H:%M}" for opens, closes in sorted(spans)]
