"""Writes: one hall is merged into another; its windows, queues and what was counted there go with it (S3-1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.hall import actions
from yimen.hall.models import (
    Appointment,
    Campaign,
    Closure,
    Facility,
    GuideCall,
    GuideDuty,
    Hall,
    HallAlarm,
    HallZone,
    Kiosk,
    Notice,
    OpeningTime,
    Printer,
    Screen,
    Series,
    SlotPlan,
    Ticket,
    WaitListEntry,
    Window,
)
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib.errors import DomainError
from yimen.people import access

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class CannotMerge(DomainError):
    """The two halls cannot become one now."""


@dataclass(frozen=True)
class Plan:
    """What a merge changes. windows and series: (one, its new number or letter); those that keep theirs too."""

    source: Hall
    into: Hall
    windows: list[tuple[Window, int]]
    series: list[tuple[Series, str]]
    tickets: int

    @property
    def renamed_windows(self) -> list[tuple[Window, int]]:
        return [(window, number) for window, number in self.windows if window.number != number]

    @property
    def renamed_series(self) -> list[tuple[Series, str]]:
        return [(series, letter) for series, letter in self.series if series.letter != letter]


def plan(source: Hall, into: Hall) -> Plan:
    """
    Return what merging `source` into `into` would change; nothing is written.

    A window or series whose number or letter is taken there gets the next free one. Raises CannotMerge.
    """
    if source.pk == into.pk:
        raise CannotMerge(_("请选两个不同的大厅。"))
    if source.region_id != into.region_id:
        raise CannotMerge(_("两个大厅不在一个地区，不能合并。"))
    if source.merged_into_id or into.merged_into_id:
        raise CannotMerge(_("已经并走的大厅不能再合并。"))
    numbers = set(Window.objects.filter(hall=into).values_list("number", flat=True))
    letters = set(Series.objects.filter(hall=into).values_list("letter", flat=True))
    windows = []
    for window in Window.objects.filter(hall=source).order_by("number"):
        number = window.number if window.number not in numbers else max(numbers) + 1
        numbers.add(number)
        windows.append((window, number))
    series = []
    for one in Series.objects.filter(hall=source).order_by("position", "letter"):
        letter = one.letter if one.letter not in letters else _free(letters)
        letters.add(letter)
        series.append((one, letter))
    return Plan(source, into, windows, series, Ticket.objects.filter(hall=source).count())


def _free(letters: set[str]) -> str:
    every = [*LETTERS, *(a + b for a in LETTERS for b in LETTERS)]
    return next(letter for letter in every if letter not in letters)


@transaction.atomic
def merge(source: Hall, into: Hall, *, by: Actor, at: datetime) -> Plan:
    """
    Move windows with their own hours, series with their alarms, zones, screens, kiosks, notices, facilities, slots and
    guides of `source` to `into`, under its centre. The hours of `source` as a hall end with it.

    What was counted stays: tickets keep their hall and day, and figures of `into` include those of what was merged into
    it, or into `source` before.
    Nobody may be waiting or at a window in `source`: it is done after closing. Raises CannotMerge, access.NotAllowed.
    """
    access.require(by, "hall.manage", region=source.region_id)
    list(Hall.objects.select_for_update().filter(pk__in=[source.pk, into.pk]).order_by("pk"))
    source.refresh_from_db()
    into.refresh_from_db()
    found = plan(source, into)
    status = Ticket.Status
    busy = Ticket.objects.filter(
        hall=source, day=localdate(at), status__in=[status.WAITING, status.CALLED, status.SERVING, status.HELD]
    )
    if busy.exists():
        raise CannotMerge(_("%(name)s里还有人在等或在办，等今天都办完再合并。") % {"name": source.name})
    if Window.objects.filter(hall=source, staff__isnull=False).exists():
        raise CannotMerge(_("%(name)s还有窗口没签退，都签退了再合并。") % {"name": source.name})
    zones = {zone.name: zone for zone in HallZone.objects.filter(hall=into)}
    for zone in HallZone.objects.filter(hall=source):
        same = zones.get(zone.name)
        if same is None:
            HallZone.objects.filter(pk=zone.pk).update(hall=into)
        else:
            for model in (Window, Series, Facility, Screen):
                model.objects.filter(zone=zone).update(zone=same)
            zone.delete()
    for window, number in found.windows:
        Window.objects.filter(pk=window.pk).update(hall=into, number=number)
    for one, letter in found.series:
        Series.objects.filter(pk=one.pk).update(hall=into, letter=letter)
    Appointment.objects.filter(hall=source, status__in=["held", "booked"]).update(hall=into)
    for kept in (Screen, Kiosk, Printer, Notice, Facility, SlotPlan, Campaign, HallAlarm):
        kept.objects.filter(hall=source).update(hall=into)
    for own in (OpeningTime, Closure):
        own.objects.filter(hall=source, window__isnull=False).update(hall=into)
    GuideDuty.objects.filter(hall=source, until_at__gt=at).update(hall=into)
    GuideCall.objects.filter(hall=source, answered_at=None).update(hall=into)
    WaitListEntry.objects.filter(hall=source, status__in=["waiting", "offered"]).update(hall=into)
    _show_instead(source, into)
    Hall.objects.filter(merged_into=source).update(merged_into=into)
    source.merged_into, source.merged_on = into, localdate(at)
    source.save(update_fields=["merged_into", "merged_on"])
    data = {
        "into": into.code,
        "windows": [[window.number, number] for window, number in found.windows],
        "series": [[one.letter, letter] for one, letter in found.series],
        "tickets": found.tickets,
    }
    ledger.record(f"hall:{source.pk}", "hall.merged", region=source.region_id, by=by, at=at, data=data)
    actions.tell(source.pk)
    actions.tell(into.pk)
    return found


def _show_instead(source: Hall, into: Hall) -> None:
    """Screens that show several halls show `into` where they showed `source`."""
    shown = Screen.halls.through.objects
    have = shown.filter(hall=into).values("screen")
    shown.filter(hall=source, screen__in=have).delete()
    shown.filter(hall=source).update(hall=into)
