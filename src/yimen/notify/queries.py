"""Messages as staff and the applicant see them."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db.models import Count, QuerySet, prefetch_related_objects

from yimen.lib.reading import Given, Question
from yimen.notify.models import Delivery, Message, OptOut
from yimen.people.models import Applicant

SHOWN = 10
# How often a gateway is asked to send one message before somebody telephones instead.
MOST_TRIES = 6


def counts(region: str) -> dict[UUID, dict[str, int]]:
    """Return by item how many notices about what falls due wait, were sent and were dropped."""
    rows = (
        Message.objects.filter(region_id=region, case_no="")
        .order_by()
        .values_list("item_id", "state")
        .annotate(n=Count("pk"))
    )
    found: dict[UUID, dict[str, int]] = {}
    for item, state, count in rows:
        found.setdefault(item, dict.fromkeys(Message.State.values, 0))[state] = count
    return found


def messages(region: str, *, item: UUID | None = None, state: str = "") -> QuerySet[Message]:
    """Return notices about what falls due with their applicants, the soonest due first."""
    found = Message.objects.filter(region_id=region, case_no="").select_related("applicant", "item")
    if item is not None:
        found = found.filter(item_id=item)
    if state:
        found = found.filter(state=state)
    return found.order_by("due_on", "pk")


def to_call(region: str) -> QuerySet[Delivery]:
    """
    Return the outbox: sent messages nobody has taken on yet, the oldest first. With a gateway, only those it could
    not send or may not.
    """
    waiting = Delivery.objects.filter(region_id=region, channel="outbox", done_at=None, taken_at=None)
    if settings.SMS_GATEWAY:
        waiting = waiting.filter(tries__gte=MOST_TRIES)
    return waiting.select_related("message__applicant", "message__item").order_by("made_at", "pk")


def for_applicant(applicant: Applicant) -> list[Message]:
    """Return what an applicant has been told, the latest first."""
    sent = Message.objects.filter(
        region_id=applicant.region_id, applicant=applicant, state=Message.State.SENT
    ).select_related("item")
    return list(sent.order_by("-sent_at")[:SHOWN])


def wants_none(applicant: Applicant, kind: str = OptOut.Kind.NOTICES) -> bool:
    return OptOut.objects.filter(applicant=applicant, kind=kind, ended_at=None).exists()


def told_about(applicant: Applicant, case_no: str) -> list[Message]:
    """Return what the applicant of a case was told about it, the latest first, each with its deliveries."""
    told: list[Message] = _TOLD.ask(region=applicant.region_id, applicant=applicant.pk, case_no=case_no)
    prefetch_related_objects(told, "deliveries")
    return told


_TOLD = Question(
    lambda: Message.objects.filter(
        region_id=Given("region"), applicant=Given("applicant"), state=Message.State.SENT, case_no=Given("case_no")
    ).order_by("-sent_at")[:50]
)


def unread(applicant: Applicant) -> int:
    """Return how many messages an applicant has not read."""
    mine = Message.objects.filter(region_id=applicant.region_id, applicant=applicant, state=Message.State.SENT)
    return mine.filter(read_at=None).count()
