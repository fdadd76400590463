"""Writes: idle windows are given the next person where the hall is set so."""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, Max, OuterRef

from yimen.hall.actions import calling, common
from yimen.hall.models import Hall, Ticket, Window
from yimen.lib.errors import DomainError

logger = logging.getLogger("yimen.hall")


def fill(hall_id: UUID, at: datetime) -> list[Ticket]:
    """
    Call the next person to each idle window of a hall that calls by itself, the longest idle first.

    Each call is a transaction of its own and locks its window, so two of these at once never call two to one. One that
    fails is left to the next act in the hall: no ticket is lost, the window calls as ever.
    """
    if not Hall.objects.filter(pk=hall_id, calls_by_itself=True).exists():
        return []
    busy = Ticket.objects.filter(region_id=OuterRef("region_id"), window=OuterRef("pk"), status__in=common.OPEN)
    idle = (
        Window.objects.filter(hall_id=hall_id, staff__isnull=False, paused_at=None)
        .exclude(Exists(busy))
        .select_related("staff__user")
        .annotate(last=Max("tickets__finished_at"))
        .order_by("last", "number")
    )
    called = []
    for window in idle:
        assert window.staff is not None
        try:
            with transaction.atomic():
                ticket = calling.call_next(window.pk, by=window.staff, at=at, by_itself=True)
        except DomainError as error:  # somebody was quicker
            logger.info("Nobody called by itself: %s", type(error).__name__)
            continue
        if ticket is not None:
            called.append(ticket)
    return called
