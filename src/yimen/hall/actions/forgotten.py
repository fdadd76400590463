"""Writes: a window at which somebody forgot to sign out is closed, as of the last thing that happened there."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Max
from django.utils.timezone import localdate

from yimen.hall.actions import common, sessions
from yimen.hall.actions.windows import sign_out
from yimen.hall.models import Ticket, TicketPeriod, Window, WindowPause, WindowSession
from yimen.ledger.actions import Actor
from yimen.lib.acts import act
from yimen.lib.dates import begin_of

# A hall may serve past midnight (HALL-7): only where nothing has happened for so long has somebody gone home.
QUIET = timedelta(hours=3)


@act
def close_forgotten(window_id: UUID, *, by: Actor, at: datetime) -> bool:
    """
    Sign out whoever signed in at a window on an earlier day and has done nothing for QUIET; tell whether that was so.

    The time after the last act there is neither open, idle nor a pause. A number called and never closed is passed
    over; somebody who is still being served stays for the clerk to finish, and so does the window.
    """
    window = common.lock_window(window_id)
    session = WindowSession.objects.filter(region_id=window.region_id, window=window, until_at=None).first()
    if window.staff_id is None or session is None or session.from_at >= begin_of(localdate(at)):
        return False
    last = _last(window, session.from_at)
    held = common.open_ticket(window)
    if at - last < QUIET or (held is not None and held.status == Ticket.Status.SERVING):
        return False
    if held is not None:
        common.pass_on(common.lock_ticket(held.pk), by, at)
    sessions.end(window, last)
    pauses = list(WindowPause.objects.filter(window=window, until_at=None).values_list("pk", flat=True))
    sign_out(window.pk, by=by, at=at)
    WindowPause.objects.filter(pk__in=pauses).update(until_at=last)
    return True


def _last(window: Window, since: datetime) -> datetime:
    periods = TicketPeriod.objects.filter(region_id=window.region_id, window=window, from_at__gte=since)
    pauses = WindowPause.objects.filter(region_id=window.region_id, window=window, from_at__gte=since)
    times = [since]
    for rows in (periods, pauses):
        times += [moment for moment in rows.aggregate(Max("from_at"), Max("until_at")).values() if moment]
    return max(times)
