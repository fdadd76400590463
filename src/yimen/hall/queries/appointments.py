"""Reads: free times of an item, one's appointment, the day at the desk, figures by week and window."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Count, F, Prefetch, Q, QuerySet, Sum
from django.db.models.functions import TruncWeek
from django.utils.timezone import localdate

from yimen.catalog.models import ServiceItem
from yimen.hall import rules
from yimen.hall.models import Appointment, Campaign, Closure, Hall, Slot, SlotPlan, WaitListEntry, Window
from yimen.lib import crypto
from yimen.lib.workdays import LOCAL_ZONE
from yimen.people.models import Applicant

Status = Appointment.Status
OPEN = (Status.HELD, Status.BOOKED)


@dataclass(frozen=True)
class Free:
    """A time as people see it: left is what their channel may still bring."""

    slot: Slot
    left: int

    @property
    def is_full(self) -> bool:
        return self.left < 1


@dataclass(frozen=True)
class Day:
    """A day of the calendar with its times; extra: some of them are a campaign's."""

    day: date
    times: list[Free]

    @property
    def left(self) -> int:
        return sum(time.left for time in self.times)


def plans_for(item: ServiceItem, on: date, *, hall: Hall | None = None) -> list[SlotPlan]:
    """Return the plans one can book this item by today: on, valid, their campaign running (S0-2)."""
    named = Q(items=item)
    by_campaign = Q(items=None, campaign__items=item)
    by_series = Q(items=None, campaign=None, series__items=item)
    running = Q(campaign=None) | Q(campaign__from_day__lte=on, campaign__until_day__gte=on, campaign__ended_at=None)
    rows = SlotPlan.objects.filter(named | by_campaign | by_series, running, region_id=item.region_id, is_on=True)
    if hall is not None:
        rows = rows.filter(hall=hall)
    rows = rows.filter(Q(valid_until=None) | Q(valid_until__gte=on))
    return list(rows.select_related("hall", "window", "campaign", "staff").distinct().order_by("hall__code", "name"))


def halls_with_booking(item: ServiceItem, on: date) -> list[Hall]:
    """Return the halls where this item can be booked."""
    return list({plan.hall_id: plan.hall for plan in plans_for(item, on)}.values())


def not_made(plans: Iterable[SlotPlan], on: date) -> list[UUID]:
    """Return the plans whose slots are not made as far as they may be booked: made on demand."""
    return [
        plan.pk for plan in plans if plan.made_until is None or plan.made_until < on + timedelta(days=plan.days_ahead)
    ]


def free_times(plans: Iterable[SlotPlan], channel: str, at: datetime) -> list[Day]:
    """
    Return the days with times that can be booked now, full ones too, in order; two statements.

    Places kept too long count as free.
    """
    by_plan = {plan.pk: plan for plan in plans}
    if not by_plan:
        return []
    today = localdate(at)
    region = next(iter(by_plan.values())).region_id
    slots = list(
        Slot.objects.filter(region_id=region, plan__in=by_plan, day__gte=today, begins_at__gt=at, closed_reason="")
        .order_by("begins_at", "plan_id")
    )  # fmt: skip
    lapsed: dict[UUID, list[tuple[str, int]]] = {}
    old = Appointment.objects.filter(
        region_id=region, slot__in=[slot.pk for slot in slots], status=Status.HELD, hold_until__lte=at
    )
    for slot_id, by, party in old.values_list("slot_id", "channel", "party"):
        lapsed.setdefault(slot_id, []).append((by, party))
    days: dict[date, list[Free]] = {}
    for slot in slots:
        plan = slot.plan = by_plan[slot.plan_id]
        campaign = plan.campaign
        if slot.begins_at - timedelta(minutes=plan.buffer_minutes) <= at:
            continue
        if slot.day > today + timedelta(days=plan.days_ahead):
            continue
        if campaign is not None and not campaign.from_day <= slot.day <= campaign.until_day:
            continue
        for by, party in lapsed.get(slot.pk, ()):
            slot.taken = max(0, slot.taken - party)
            slot.taken_by = {**slot.taken_by, by: max(0, slot.taken_by.get(by, 0) - party)}
        left = rules.left_for(channel, places=slot.places, taken=slot.taken, quotas=plan.quotas, taken_by=slot.taken_by)
        days.setdefault(slot.day, []).append(Free(slot, left))
    return [Day(day, times) for day, times in sorted(days.items())]


def _whole() -> QuerySet[Appointment]:
    return Appointment.objects.select_related(
        "slot__plan__window",
        "slot__plan__series",
        "slot__plan__campaign",
        "hall__center",
        "item",
        "ticket",
        "applicant",
    )


def by_token(token: str) -> Appointment:
    """Return an appointment by the address of its page; a moved one leads on. Raises Appointment.DoesNotExist."""
    one = _whole().get(token=token)
    while one.moved_to_id is not None:
        one = _whole().get(pk=one.moved_to_id)
    return one


def wait_by_token(token: str) -> WaitListEntry:
    """Raises WaitListEntry.DoesNotExist."""
    return WaitListEntry.objects.select_related("hall", "item", "offer__slot__plan", "applicant").get(token=token)


def ahead_in_list(entry: WaitListEntry) -> int:
    """Return how many wait for the same item before this one."""
    if entry.status != WaitListEntry.Status.WAITING:
        return 0
    before = Q(offers__lt=entry.offers) | Q(offers=entry.offers, made_at__lt=entry.made_at)
    return WaitListEntry.objects.filter(
        before, region_id=entry.region_id, hall=entry.hall_id, item=entry.item_id, status=entry.status
    ).count()


def of_applicant(applicant: Applicant, on: date) -> list[Appointment]:
    """Return his appointments, those to come first and then the latest."""
    mine = (
        _whole()
        .filter(region_id=applicant.region_id, applicant=applicant)
        .exclude(status__in=[Status.HELD, Status.LAPSED, Status.MOVED])
    )
    ahead = list(mine.filter(status=Status.BOOKED, slot__day__gte=on).order_by("slot__begins_at"))
    return ahead + list(mine.exclude(pk__in=[one.pk for one in ahead]).order_by("-slot__begins_at")[:10])


def waits_of(applicant: Applicant) -> list[WaitListEntry]:
    rows = WaitListEntry.objects.filter(
        region_id=applicant.region_id, applicant=applicant, status__in=["waiting", "offered"]
    )
    return list(rows.select_related("item", "hall").order_by("made_at"))


def phone_of(one: Appointment | WaitListEntry) -> str:
    context = "appointment.phone" if isinstance(one, Appointment) else "wait.phone"
    return crypto.open_sealed(bytes(one.phone_sealed), context) if one.phone_sealed else ""


def name_of(one: Appointment | WaitListEntry) -> str:
    context = "appointment.name" if isinstance(one, Appointment) else "wait.name"
    return crypto.open_sealed(bytes(one.name_sealed), context) if one.name_sealed else ""


def find_today(hall: Hall, text: str, at: datetime) -> list[Appointment]:
    """
    Return today's bookings of a hall by number, or by the last four digits of the telephone; [] for anything else.

    The whole number finds one; four digits may find several.
    """
    text = text.strip()
    rows = _whole().filter(region_id=hall.region_id, hall=hall, slot__day=localdate(at), status=Status.BOOKED)
    if len(text) == 4 and text.isdecimal():
        return [one for one in rows.order_by("slot__begins_at") if phone_of(one).endswith(text)]
    return list(rows.filter(Q(number=text) | Q(number__startswith=f"{text}-"))) if len(text) >= 8 else []


def day_list(hall: Hall, day: date, *, window: Window | None = None) -> list[Appointment]:
    """Return everybody booked on a local day, by time; held and lapsed ones are not among them."""
    rows = (
        _whole()
        .filter(region_id=hall.region_id, hall=hall, slot__day=day)
        .exclude(status__in=[Status.HELD, Status.LAPSED, Status.MOVED, Status.CANCELLED])
    )
    if window is not None:
        rows = rows.filter(slot__plan__window=window)
    return list(rows.order_by("slot__begins_at", "number"))


def get_for(region: str, pk: UUID) -> Appointment:
    """Raises Appointment.DoesNotExist for "not there" and "not your region" alike."""
    return _whole().get(region_id=region, pk=pk)


def plans(hall: Hall) -> list[SlotPlan]:
    rows = SlotPlan.objects.filter(region_id=hall.region_id, hall=hall)
    return list(
        rows.select_related("series", "window", "staff", "campaign")
        .prefetch_related(Prefetch("items", ServiceItem.objects.only("name", "region_id")))
        .order_by("-is_on", "name")
    )


def campaigns(hall: Hall) -> QuerySet[Campaign]:
    return (
        Campaign.objects.filter(region_id=hall.region_id, hall=hall)
        .annotate(plan_count=Count("plans"))
        .order_by("-from_day", "pk")
    )


def closures(hall: Hall, on: datetime) -> QuerySet[Closure]:
    """Return closures that are or will be, and those of the last month."""
    since = on - timedelta(days=30)
    rows = Closure.objects.filter(region_id=hall.region_id, hall=hall, until_at__gt=since)
    return rows.select_related("window").order_by("-from_at")


def wait_list(hall: Hall) -> QuerySet[WaitListEntry]:
    """Return who waits or has an offer, in the order they are served."""
    return (
        WaitListEntry.objects.filter(region_id=hall.region_id, hall=hall, status__in=["waiting", "offered"])
        .select_related("item", "offer__slot")
        .order_by("offers", "made_at", "pk")
    )


@dataclass(frozen=True)
class Week:
    """
    Bookings of one week (Monday) at one window; window None: bookings for no particular window.

    booked counts everything booked but moved; places and used: of the slots of the week.
    """

    monday: date
    window: int | None
    booked: int
    came: int
    no_shows: int
    cancelled: int
    places: int = 0
    used: int = 0

    @property
    def use_percent(self) -> int | None:
        return round(100 * self.used / self.places) if self.places else None


def weeks(hall: Hall, start: date, end: date) -> list[Week]:
    """Return bookings by week and window for slots on the days from `start` through `end` (S1-57); two statements."""
    rows = (
        Appointment.objects.filter(region_id=hall.region_id, hall=hall, slot__day__range=(start, end))
        .exclude(status__in=[Status.HELD, Status.LAPSED, Status.MOVED])
        .annotate(monday=TruncWeek("slot__day"), window=F("slot__plan__window__number"))
        .values("monday", "window")
        .annotate(
            booked=Count("pk"),
            came=Count("pk", filter=Q(status__in=[Status.ARRIVED, Status.SERVED])),
            no_shows=Count("pk", filter=Q(status=Status.NO_SHOW)),
            cancelled=Count("pk", filter=Q(status=Status.CANCELLED)),
        )
        .order_by("monday", "window")
    )
    slots = (
        Slot.objects.filter(region_id=hall.region_id, plan__hall=hall, day__range=(start, end))
        .annotate(monday=TruncWeek("day"), window=F("plan__window__number"))
        .values("monday", "window")
        .annotate(all_places=Sum("places"), used=Sum("taken"))
        .order_by("monday", "window")
    )
    use = {(row["monday"], row["window"]): (row["all_places"], row["used"]) for row in slots}
    found = [Week(**row, places=pair[0], used=pair[1]) for row in rows
             for pair in [use.pop((row["monday"], row["window"]), (0, 0))]]  # fmt: skip
    found += [Week(monday, window, 0, 0, 0, 0, places, used) for (monday, window), (places, used) in use.items()]
    return sorted(found, key=lambda week: (week.monday, week.window or 9999), reverse=False)


def no_shows_of(region: str, index: bytes) -> int:
    return Appointment.objects.filter(
        region_id=region, phone_index=index, status=Status.NO_SHOW, excused_at=None
    ).count()


def local_begin(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), LOCAL_ZONE)


# -- what the worker looks for ----------------------------------------------------------------------------------------


def plans_to_make() -> list[UUID]:
    return list(SlotPlan.objects.filter(is_on=True).order_by("pk").values_list("pk", flat=True))


def holds_over(at: datetime) -> list[UUID]:
    rows = Appointment.objects.filter(status=Status.HELD, hold_until__lte=at)
    return list(rows.order_by("hold_until").values_list("pk", flat=True)[:1000])


def to_remind(at: datetime) -> list[UUID]:
    """Bookings of today and tomorrow that were not told today."""
    today = localdate(at)
    rows = Appointment.objects.filter(
        status=Status.BOOKED, slot__day__range=(today, today + timedelta(days=1)), slot__begins_at__gt=at
    ).filter(Q(reminded_at=None) | Q(reminded_at__lt=local_begin(today)))
    return list(rows.order_by("slot__begins_at").values_list("pk", flat=True)[:5000])


def not_come(at: datetime) -> list[UUID]:
    rows = Appointment.objects.filter(status=Status.BOOKED, slot__ends_at__lt=at)
    return list(rows.order_by("slot__ends_at").values_list("pk", flat=True)[:5000])


def waiting_entries() -> list[UUID]:
    rows = WaitListEntry.objects.filter(status=WaitListEntry.Status.WAITING)
    return list(rows.order_by("offers", "made_at").values_list("pk", flat=True)[:1000])
