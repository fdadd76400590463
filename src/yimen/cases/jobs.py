"""What the worker does for cases; every job may run twice without harm."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.utils import timezone
from django.utils.timezone import localdate
from procrastinate.contrib.django import app

from yimen.cases import actions, proactive, queries, telling
from yimen.cases.actions import archiving, bundles, certificate_seals, fees, sealing, uploads
from yimen.ledger import followers
from yimen.ledger.actions import SYSTEM
from yimen.lib.each import is_cut_off, one_by_one
from yimen.people.models import Region

NAME = "cases.follow_calendar"
KINDS = ("catalog.calendar_announced", "catalog.calendar_day_set", "catalog.calendar_loaded")


@app.periodic(cron="* * * * *")
@app.task(name=NAME, queueing_lock=NAME, pass_context=False)
def follow_calendar(timestamp: int) -> None:
    while follow(at=timezone.now()):
        pass


def follow(*, at: datetime) -> int:
    """
    Move the due dates of running cases after the work calendar changed (CAL-7); return how many rows were read.

    The cases are moved first, each in a transaction of its own, and only then are the rows that asked for it ticked
    off: whoever dies in between is followed by one who finds nothing left to move.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [NAME])
        if not cursor.fetchone()[0]:
            return 0
    try:
        # Rows that come while the cases move are not among these, so they are followed the next time.
        waiting = followers.behind(NAME, KINDS)
        if not waiting:
            return 0
        _move_all(at)
        return followers.follow(NAME, KINDS, lambda _event: None, at=at, limit=waiting)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [NAME])


def _move_all(at: datetime) -> None:
    failure = None
    for region in Region.objects.order_by("code"):
        try:
            actions.move_due_dates(region.pk, by=SYSTEM, at=at)
        except Exception as error:  # the other regions do not wait; the row that asked for it is not ticked off
            if is_cut_off():
                raise
            failure = failure or error
    if failure:
        raise failure


@app.periodic(cron="50 3 * * *")
@app.task(name="cases.check_due_dates", queueing_lock="cases.check_due_dates", pass_context=False)
def check_due_dates(timestamp: int) -> None:
    """Once a day all the same: a case accepted in the very moment of a change may have read the older calendar."""
    _move_all(timezone.now())


@app.periodic(cron="*/10 * * * *")
@app.task(name="cases.accept_unanswered", queueing_lock="cases.accept_unanswered", pass_context=False)
def accept_unanswered(timestamp: int) -> None:
    accept_all_unanswered(at=timezone.now())


def accept_all_unanswered(*, at: datetime) -> int:
    """Accept every case nobody answered in time, as of its receipt (LAW-5); return how many."""
    waiting = (pk for code in _regions() for pk in queries.unanswered(code, today=localdate(at)))
    return one_by_one(
        waiting, lambda pk: actions.accept_unanswered(pk, by=SYSTEM, at=at), what="not accepted by law: case"
    )


def _regions() -> list[str]:
    return list(Region.objects.order_by("code").values_list("code", flat=True))


@app.periodic(cron="20 3 * * *")
@app.task(name="cases.forget_tries", queueing_lock="cases.forget_tries", pass_context=False)
def forget_tries(timestamp: int) -> None:
    queries.forget_tries(at=timezone.now())


@app.periodic(cron="10 4 * * *")
@app.task(name="cases.find_due", queueing_lock="cases.find_due", pass_context=False)
def find_due(timestamp: int) -> None:
    """Look for people due for a service; staff decide which notices go out (S3-2)."""
    proactive.find_all_due(_regions(), by=SYSTEM, at=timezone.now())


@app.periodic(cron="5 0 * * *")
@app.task(name="cases.deem_renewals", queueing_lock="cases.deem_renewals", pass_context=False)
def deem_renewals(timestamp: int) -> None:
    deem_all_renewals(at=timezone.now())


def deem_all_renewals(*, at: datetime) -> int:
    """Grant every renewal asked for in time and undecided at the end of its expiry day (LAW-19); return how many."""
    waiting = (pk for code in _regions() for pk in queries.lapsed_renewals(code, today=localdate(at)))
    return one_by_one(waiting, lambda pk: actions.deem_renewed(pk, by=SYSTEM, at=at), what="not deemed renewed: case")


@app.periodic(cron="10 7 * * *")
@app.task(name="cases.note_overdue_gaps", queueing_lock="cases.note_overdue_gaps", pass_context=False)
def note_overdue(timestamp: int) -> None:
    note_overdue_gaps(at=timezone.now())


def note_overdue_gaps(*, at: datetime) -> int:
    """Leave one ledger row for each promised material whose day has passed (HALL-11); return how many are new."""
    waiting = (pk for code in _regions() for pk in queries.overdue_gaps(code, today=localdate(at)))
    return one_by_one(waiting, lambda pk: actions.note_overdue_gap(pk, by=SYSTEM, at=at), what="not noted: gap")


@app.periodic(cron="15 6 * * *")
@app.task(name="cases.note_fee_jumps", queueing_lock="cases.note_fee_jumps", pass_context=False)
def note_fee_jumps(timestamp: int) -> None:
    """Every morning: a month whose fees are far above the usual is on the first page of whoever leads (S1-60)."""
    at = timezone.now()
    one_by_one(
        _regions(), lambda code: fees.note_fee_jumps(code, by=SYSTEM, at=at) > 0, what="fees not watched: region"
    )


@app.periodic(cron="* * * * *")
@app.task(name=telling.NAME, queueing_lock=telling.NAME, pass_context=False)
def tell_applicants(timestamp: int) -> None:
    """Within the minute: a result reaches the applicant's page well inside five (S1-32)."""
    while telling.tell_new(at=timezone.now()):
        pass


@app.periodic(cron="40 3 * * *")
@app.task(name="cases.remove_loose_uploads", queueing_lock="cases.remove_loose_uploads", pass_context=False)
def remove_loose_uploads(timestamp: int) -> None:
    while uploads.remove_loose(at=timezone.now()):
        pass
    uploads.sweep(at=timezone.now())


@app.periodic(cron="20 2 * * *")
@app.task(name="cases.reseal_uploads", queueing_lock="cases.reseal_uploads", pass_context=False)
def reseal_uploads(timestamp: int) -> None:
    """Files from before they were sealed, and all of them after a new key was put in front."""
    uploads.reseal_all()


@app.periodic(cron="* * * * *")
@app.task(name="cases.seal_documents", queueing_lock="cases.seal_documents", pass_context=False)
def seal_documents(timestamp: int) -> None:
    """Put the electronic seals on what was issued, and finish what a crash left planned."""
    while sealing.seal_waiting(at=timezone.now(), most=100):
        pass
    while certificate_seals.seal_waiting(at=timezone.now(), most=100):
        pass


@app.periodic(cron="30 1 * * *")
@app.task(name="cases.archive_finished", queueing_lock="cases.archive_finished", pass_context=False)
def archive_finished(timestamp: int) -> None:
    """Pack the cases whose time has come; remove what a crash left of deleted archives."""
    archiving.archive_all(at=timezone.now())
    archiving.sweep_deleted()


@app.periodic(cron="* * * * *")
@app.task(name="cases.follow_bundles", queueing_lock="cases.follow_bundles", pass_context=False)
def follow_bundles(timestamp: int) -> None:
    """Within the minute: what waited for a result begins (HALL-13)."""
    while follow_all_bundles(at=timezone.now()):
        pass


def follow_all_bundles(*, at: datetime) -> int:
    """Go on with the bundles whose cases have moved; return how many ledger rows were read."""
    return followers.follow("cases.follow_bundles", bundles.KINDS, lambda event: bundles.follow(event, at=at), at=at)
