"""
The demo's appointments: plans, a campaign for school enrolment, who is booked today and soon, a wait list.

All names and numbers are invented; the numbers begin with 139 and end like nobody's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from django.db.models import F
from django.utils.timezone import localdate

from yimen.catalog.models import ServiceItem
from yimen.demo import centre
from yimen.hall.actions import appointments, campaigns, plans, waitlist
from yimen.hall.models import Appointment, Channel, Hall, Series, Slot, SlotPlan, Window
from yimen.ledger.actions import PUBLIC, SYSTEM
from yimen.lib.errors import DomainError
from yimen.people.models import Staff

NAMES = (
    "周小禾（演示）", "吴桂兰（演示）", "郑明亮（演示）", "孙秀英（演示）", "马建国（演示）", "朱小雨（演示）",
    "胡文静（演示）", "郭长海（演示）", "何春梅（演示）", "高志强（演示）", "罗玉珍（演示）", "梁一鸣（演示）",
)  # fmt: skip
WEEKDAYS = (1, 2, 3, 4, 5)


def build(now: datetime) -> None:
    """Make plans and bookings as of `now`; the hall and its items are there."""
    hall = Hall.objects.get(region_id=centre.REGION[0], code=centre.HALL[0])
    manager = Staff.objects.get(region_id=hall.region_id, user__username="manager")
    series = {one.letter: one for one in Series.objects.filter(hall=hall)}
    windows = {one.number: one for one in Window.objects.filter(hall=hall)}
    at, today = now - timedelta(days=1), localdate(now)

    def plan(name: str, letter: str, begins: time, ends: time, **more: object) -> SlotPlan:
        said = {"weekdays": WEEKDAYS, "valid_from": today - timedelta(days=30), "days_ahead": 10, **more}
        draft = plans.PlanDraft(name, series[letter], begins=begins, ends=ends, **said)  # type: ignore[arg-type]
        return plans.save_plan(hall, draft, by=manager, at=at)

    plan("综合业务，上午", "A", time(9), time(12), places=3, quotas={"web": 2})
    plan("综合业务，下午", "A", time(14), time(16, 30), places=3, party=3)
    plan("社保民政，7 号窗口", "S", time(9), time(11, 30), window=windows[7], minutes=30, places=1)
    homes = series["B"].items.filter(name__contains="房产档案")
    plan("房产查档，平时", "B", time(9), time(10), window=windows[6], minutes=30, places=1, days_ahead=5)
    season = campaigns.save_campaign(
        hall,
        name="入学查档集中办理（演示）",
        text="孩子报名要的房产档案，集中几天加开下午的号。",
        items=list(homes or series["B"].items.all()[:1]),
        from_day=today - timedelta(days=3),
        until_day=today + timedelta(days=11),
        by=manager,
        at=at,
    )
    plan("入学查档，下午加开", "B", time(13, 30), time(16, 30), campaign=season, minutes=15, places=2, days_ahead=7)
    people = iter(enumerate(NAMES * 4))
    for letter, count in (("A", 8), ("S", 3), ("B", 6)):
        items = list(series[letter].items.filter(published__isnull=False).order_by("name")[:4])
        _book(hall, items, people, count, now)
    _wait(hall, series["S"], people, now)


def _book(hall: Hall, items: list[ServiceItem], people: Iterator[tuple[int, str]], count: int, now: datetime) -> None:
    """Spread some bookings over the next days' slots, today's first."""
    if not items:
        return
    slots = Slot.objects.filter(plan__hall=hall, plan__series__items=items[0], begins_at__gt=now - timedelta(hours=1))
    chosen = list(slots.distinct().order_by("begins_at")[: count * 3])
    for n, slot in enumerate(chosen[:count] + chosen[count::2][:2]):
        k, name = next(people)
        at = slot.begins_at - timedelta(hours=20)
        channel = Channel.PHONE if n % 4 == 3 else Channel.WEB
        by = SYSTEM if channel == Channel.PHONE else PUBLIC
        try:
            one = appointments.hold(slot.pk, item=items[n % len(items)], channel=channel, by=by, at=min(at, now))
            appointments.book(one.pk, by=by, at=min(at, now), name=name, phone=f"1390000{5000 + k}")
            if n % 3 != 2:
                _check(one, missing=n % 3, at=min(at, now))
        except DomainError:
            continue


def _check(one: Appointment, *, missing: int, at: datetime) -> None:
    """What he said of his papers while he booked."""
    version = one.item.published if one.item else None
    if version is None:
        return
    names = list(version.materials.values_list("name", flat=True))
    said = {"version": version.number, "answers": [], "missing": names[:missing], "of": len(names)}
    appointments.keep_check(one.pk, said, by=PUBLIC, at=at)


def _wait(hall: Hall, series: Series, people: Iterator[tuple[int, str]], now: datetime) -> None:
    """Fill the first whole day of the queue and let two people wait for it."""
    free = Slot.objects.filter(plan__hall=hall, plan__series=series, day__gt=localdate(now)).order_by("begins_at")
    first, item = free.first(), series.items.filter(published__isnull=False).order_by("name").first()
    if first is None or item is None:
        return
    at = now - timedelta(hours=2)
    for slot in free.filter(day=first.day, taken__lt=F("places")):
        k, name = next(people)
        one = appointments.hold(slot.pk, item=item, channel=Channel.PHONE, by=SYSTEM, at=at)
        appointments.book(one.pk, by=SYSTEM, at=at, name=name, phone=f"1390000{5000 + k}")
    for k, name in enumerate(NAMES[:2]):
        waitlist.wait(
            hall, item, from_day=first.day, until_day=first.day, name=name, phone=f"1390000{6000 + k}",
            by=PUBLIC, at=now - timedelta(minutes=30 - k),
        )  # fmt: skip
