"""What the worker does for supervision: it follows the ledger and the clock; both may come late, twice or at once."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.timezone import localdate
from procrastinate.contrib.django import app

from yimen.ledger import followers
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.lib.each import is_cut_off, one_by_one
from yimen.people.models import Region
from yimen.supervision import actions, watching
from yimen.supervision.models import Trigger
from yimen.supervision.watching import Due

NAME = "supervision.follow"
# A first run over a long ledger stops here and goes on in the next.
MOST_ROUNDS = 40
# What lies further back calls for nothing any more: a first run over years of history must not rain cards. Only that
# something was typed in so late does.
MOST_AGE = timedelta(days=30)

log = logging.getLogger("yimen.supervision")


@app.periodic(cron="*/3 * * * *")
@app.task(name="supervision.watch", queueing_lock="supervision.watch", pass_context=False)
def watch(timestamp: int) -> None:
    at = timezone.now()
    for _round in range(MOST_ROUNDS):
        if not follow_new(at=at):
            break
    watch_clocks(at=at)


def follow_new(*, at: datetime) -> int:
    """Give the cards what was done since the last time calls for; return how many rows were looked at."""
    books: dict[str, watching.Book] = {}

    def handle(event: Event) -> None:
        if at - event.recorded_at > MOST_AGE:
            return
        book = books.get(event.region)
        if book is None:
            book = books[event.region] = watching.book_of(event.region)
        due = watching.of_event(event, book)
        if at - event.at > MOST_AGE:
            due = [one for one in due if one.lapse.trigger == Trigger.OFF_SYSTEM]
        actions.give_cards(event.region, due, by=SYSTEM, at=at)

    return followers.follow(NAME, watching.KINDS, handle, at=at)


def watch_clocks(*, at: datetime) -> int:
    """Give the cards the running clocks and open steps call for today, batch by batch; return how many are new."""
    count, today = 0, localdate(at)
    if watching.is_held_back():
        return 0
    for region in Region.objects.order_by("code"):
        try:
            due = watching.running(region.pk, watching.book_of(region), on=today)
            for batch in watching.batches(due):
                count += _give(region.pk, batch, at)
        except Exception as error:  # one region must not keep the others waiting
            if is_cut_off():
                raise
            log.error("region %s could not be watched: %s", region.pk, type(error).__name__)
    return count


def _give(region: str, batch: list[Due], at: datetime) -> int:
    try:
        return len(actions.give_cards(region, batch, by=SYSTEM, at=at))
    except Exception:
        if is_cut_off():
            raise
    # One of them cannot be given: each by itself, so that the others are.
    by_occasion = {f"{one.lapse.occasion} {one.colour}": one for one in batch}
    return one_by_one(
        by_occasion, lambda key: actions.give_cards(region, [by_occasion[key]], by=SYSTEM, at=at), what="no card for"
    )
