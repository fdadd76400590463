"""Reads: which kiosk an address means, what it offers, printers with their faults, guides and their help."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Count, Max, QuerySet

from yimen.catalog import queries as catalog
from yimen.catalog.models import ServiceItem
from yimen.hall.models import GuideCall, GuideDuty, GuideHelp, Hall, Kiosk, Printer, Series, SlipPrint, Ticket
from yimen.hall.queries.boards import Wait, series_of
from yimen.hall.queries.places import get_hall
from yimen.people.models import Staff

# A kiosk that said nothing for so long is taken for dead.
DEAD_AFTER = timedelta(minutes=5)
IDLE_SECONDS = 60


@dataclass(frozen=True)
class Stand:
    """Where somebody stands: a kiosk, or the plain one every hall has under its own code."""

    code: str
    hall: Hall
    kiosk: Kiosk | None = None
    offered: frozenset[UUID] = frozenset()

    @property
    def idle_seconds(self) -> int:
        return self.kiosk.idle_seconds if self.kiosk else IDLE_SECONDS

    @property
    def printer(self) -> Printer | None:
        printer = self.kiosk.printer if self.kiosk else None
        return printer if printer is not None and printer.is_on else None

    def offers(self, series_id: UUID) -> bool:
        return not self.offered or series_id in self.offered


def stand(code: str) -> Stand:
    """Return the kiosk of this code, or the plain one of the hall. Raises Hall.DoesNotExist, also for one put away."""
    kiosk = (
        Kiosk.objects.select_related("hall__center", "hall__region", "printer")
        .filter(code=code)
        .order_by("region_id")
        .first()
    )
    if kiosk is None:
        return Stand(code, get_hall(code))
    if not kiosk.is_on:
        raise Hall.DoesNotExist(code)
    offered = frozenset(kiosk.series.values_list("pk", flat=True))
    return Stand(code, kiosk.hall, kiosk, offered)


def waits_at(at_stand: Stand, at: datetime) -> list[Wait]:
    """Return the series one can take a number in there now."""
    return [wait for wait in series_of(at_stand.hall, at) if at_stand.offers(wait.series_id)]


def find_items(at_stand: Stand, text: str, *, limit: int = 6) -> list[tuple[ServiceItem, Series]]:
    """
    Return items that `text` means (names, everyday words, pinyin and its initials), each with an open series that takes
    it here; three statements and those of the search.
    """
    if not text.strip():
        return []
    found = catalog.search(text, limit=limit * 3, region=at_stand.hall.region_id)
    takes: dict[UUID, Series] = {}
    rows = Series.items.through.objects.filter(
        series__hall=at_stand.hall, series__is_open=True, serviceitem__in=[item.pk for item in found]
    ).select_related("series")
    for row in rows.order_by("-series__position", "-series__letter"):
        if at_stand.offers(row.series_id):
            takes[row.serviceitem_id] = row.series
    return [(item, takes[item.pk]) for item in found if item.pk in takes][:limit]


def kiosks_of(hall: Hall) -> QuerySet[Kiosk]:
    return (
        Kiosk.objects.filter(region_id=hall.region_id, hall=hall).select_related("printer").prefetch_related("series")
    )


def printers_of(hall: Hall) -> QuerySet[Printer]:
    return Printer.objects.filter(region_id=hall.region_id, hall=hall).order_by("name")


def last_slip(ticket: Ticket) -> SlipPrint | None:
    """Return the latest print of a ticket's slip."""
    return SlipPrint.objects.filter(region_id=ticket.region_id, ticket=ticket).first()


def faulty_printers(hall: Hall) -> list[Printer]:
    return list(printers_of(hall).filter(is_on=True).exclude(fault=""))


# Guides


def on_duty(hall: Hall, at: datetime) -> list[GuideDuty]:
    """Return who guides people now."""
    return list(
        GuideDuty.objects.filter(region_id=hall.region_id, hall=hall, from_at__lte=at, until_at__gt=at).select_related(
            "staff"
        )
    )


def duties(hall: Hall, start: datetime, until: datetime) -> list[GuideDuty]:
    """Return the roster from `start` until `until`."""
    return list(
        GuideDuty.objects.filter(region_id=hall.region_id, hall=hall, until_at__gt=start, from_at__lt=until)
        .select_related("staff")
        .order_by("from_at", "staff__name")
    )


def open_calls(hall: Hall) -> list[GuideCall]:
    """Return the calls nobody has answered, the oldest first."""
    return list(GuideCall.objects.filter(region_id=hall.region_id, hall=hall, answered_at=None).select_related("kiosk"))


def call_of(stand_: Stand, since: datetime) -> GuideCall | None:
    """Return the call made at this kiosk after `since`, open or answered."""
    return (
        GuideCall.objects.filter(
            region_id=stand_.hall.region_id, hall=stand_.hall, kiosk=stand_.kiosk, asked_at__gte=since
        )
        .select_related("answered_by")
        .order_by("-asked_at")
        .first()
    )


def helps_of(staff: Staff, day: date) -> QuerySet[GuideHelp]:
    """Return the help somebody gave on a local day, the latest first."""
    return GuideHelp.objects.filter(region_id=staff.region_id, staff=staff, at__date=day).select_related("ticket")


def help_counts(region: str, start: date, end: date) -> dict[UUID, tuple[int, datetime | None]]:
    """Return for each guide how much help they gave on the local days start through end, and when last."""
    rows = (
        GuideHelp.objects.filter(region_id=region, at__date__range=(start, end))
        .order_by()
        .values_list("staff")
        .annotate(n=Count("pk"), last=Max("at"))
    )
    return {staff: (n, last) for staff, n, last in rows}
