"""
Who is due for a service, before they ask (S3-2): by age, or because what they were granted runs out.

Searches in batches, so that no run is long; goes on where the last one stopped, and begins anew the next day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases.models import Case
from yimen.catalog.models import ServiceItem
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib.each import one_by_one
from yimen.lib.ids import uuid7
from yimen.lib.workdays import LOCAL_ZONE, add_months
from yimen.notify import actions as notify
from yimen.notify.actions import Wish
from yimen.notify.models import DueSearch
from yimen.people import access
from yimen.people.models import Applicant
from yimen.people.queries import birth_dates

BATCH = 500
# One press of the button looks at so many people or cases; the nightly job at all of them.
AT_ONCE = 20 * BATCH
# People are told from a month before their birthday until a year after it.
AGE_BEFORE = timedelta(days=30)
AGE_AFTER_MONTHS = 12


def due_by_age(born_on: date, years: int, today: date) -> date | None:
    """Return the birthday on which somebody reaches `years`, if it is time to say so; None when not."""
    birthday = add_months(born_on, 12 * years)
    begins, ends = birthday - AGE_BEFORE, add_months(birthday, AGE_AFTER_MONTHS)
    return birthday if begins <= today <= ends else None


def due_by_renewal(granted_on: date, months: int, before_days: int, today: date) -> date | None:
    """Return the day what was granted runs out, if it is time to say so: from `before_days` before through that day."""
    ends = add_months(granted_on, months)
    return ends if ends - timedelta(days=before_days) <= today <= ends else None


def items_with_rule(region: str) -> QuerySet[ServiceItem]:
    """Return the published items that say who is due for them, by name."""
    found = ServiceItem.objects.filter(region_id=region, published__isnull=False).exclude(published__due_rule={})
    return found.select_related("published", "department").order_by("name", "pk")


@dataclass(frozen=True)
class Searched:
    """looked_at: people or cases; found: of these due; made: new messages; is_done: nobody is left for today."""

    looked_at: int
    found: int
    made: int
    is_done: bool


def find_due(item: ServiceItem, *, by: Actor, at: datetime, most: int = AT_ONCE) -> Searched:
    """
    Look for people due for `item` and propose a message to each; at most `most` are looked at.

    Every batch is a transaction of its own and tells how far it came. Raises access.NotAllowed.
    """
    access.require(by, "notify.send", region=item.region_id)
    looked = found = made = 0
    is_done = item.published is None or not item.published.due_rule
    while not is_done and looked < most:
        one = _batch(item, by=by, at=at)
        looked, found, made = looked + one.looked_at, found + one.found, made + one.made
        is_done = one.is_done
    return Searched(looked, found, made, is_done)


@transaction.atomic
def _batch(item: ServiceItem, *, by: Actor, at: datetime) -> Searched:
    today = localdate(at)
    search = _search(item, today)
    if search.finished_at is not None:
        return Searched(0, 0, 0, True)
    assert item.published is not None
    rule = item.published.due_rule
    looked, wishes = (_by_age if rule["kind"] == "age" else _by_renewal)(item, rule, search.after, today)
    made = notify.propose(item, wishes, by=by, at=at)
    search.after = looked[-1] if looked else search.after
    is_done = len(looked) < BATCH
    search.finished_at = at if is_done else None
    search.save(update_fields=["after", "finished_at"])
    if looked:
        data = {"item": item.task_code, "looked_at": len(looked), "found": len(wishes), "made": made}
        ledger.record(f"notify:{uuid7()}", "notify.searched", region=item.region_id, by=by, at=at, data=data)
    return Searched(len(looked), len(wishes), made, is_done)


def _search(item: ServiceItem, today: date) -> DueSearch:
    DueSearch.objects.get_or_create(item=item, defaults={"on": today})
    search = DueSearch.objects.select_for_update().get(item=item)
    if search.on != today:
        search.on, search.after, search.finished_at = today, None, None
        search.save(update_fields=["on", "after", "finished_at"])
    return search


def _by_age(item: ServiceItem, rule: Any, after: UUID | None, today: date) -> tuple[list[UUID], list[Wish]]:
    has_it = Case.objects.filter(item=item, applicant=OuterRef("pk"), status__in=_IN_HAND)
    people = Applicant.objects.filter(~Exists(has_it), region_id=item.region_id, kind=Applicant.Kind.PERSON)
    if after is not None:
        people = people.filter(pk__gt=after)
    batch = list(people.order_by("pk")[:BATCH])
    years = rule["years"]
    wishes = [
        _wish(item, pk, f"age-{years}", birthday, "age")
        for pk, born_on in birth_dates(batch, today)
        if (birthday := due_by_age(born_on, years, today))
    ]
    return [one.pk for one in batch], wishes


# Whoever has asked already, or has it, needs no reminder.
_IN_HAND = (Case.Status.RECEIVED, Case.Status.ACCEPTED, Case.Status.COMPLETED, Case.Status.DELIVERED)


def _by_renewal(item: ServiceItem, rule: Any, after: UUID | None, today: date) -> tuple[list[UUID], list[Wish]]:
    months, before = rule["months"], rule["before_days"]
    again = Case.objects.filter(
        item=item, applicant=OuterRef("applicant"), received_at__gt=OuterRef("completed_at"), status__in=_IN_HAND
    )
    granted = Case.objects.filter(
        ~Exists(again), region_id=item.region_id, item=item, outcome=Case.Outcome.GRANTED, completed_at__isnull=False
    )
    if after is not None:
        granted = granted.filter(pk__gt=after)
    batch = list(granted.order_by("pk").values_list("pk", "applicant_id", "completed_at")[:BATCH])
    wishes = [
        _wish(item, applicant, f"renewal:{pk}", ends, "renewal")
        for pk, applicant, completed_at in batch
        if completed_at and (ends := due_by_renewal(localdate(completed_at, LOCAL_ZONE), months, before, today))
    ]
    return [pk for pk, _applicant, _at in batch], wishes


def _wish(item: ServiceItem, applicant: UUID, occasion: str, due_on: date, kind: Literal["age", "renewal"]) -> Wish:
    day = _("%(year)s 年 %(month)s 月 %(day)s 日") % {"year": due_on.year, "month": due_on.month, "day": due_on.day}
    values = {"item": item.name, "day": day, "phone": item.department.phone or "12345"}
    if kind == "age":
        subject = _("您可以办“%(item)s”了")
        text = _("%(day)s起，您可以办“%(item)s”。来不了的，家里人可以代办，也可以请我们上门。怎么办请拨 %(phone)s。")
    else:
        subject = _("您的“%(item)s”快到期了")
        text = _("您办过的“%(item)s”到 %(day)s期满。要接着用，请在那天以前来续办。怎么办请拨 %(phone)s。")
    return Wish(applicant, occasion, due_on, (subject % values)[:120], text % values)


def find_all_due(regions: Iterable[str], *, by: Actor, at: datetime) -> int:
    """Look through everybody for every item of these regions; return how many messages are new."""
    made = []
    items = {item.pk: item for region in regions for item in items_with_rule(region)}
    one_by_one(
        items,
        lambda pk: made.append(find_due(items[pk], by=by, at=at, most=10**9).made),
        what="not looked for: item",
    )
    return sum(made)
