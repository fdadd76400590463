"""Messages to applicants, their way out, and who wants none."""

from __future__ import annotations

import json

from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.catalog.models import ServiceItem
from yimen.lib import crypto, mask
from yimen.lib.ids import uuid7
from yimen.people.models import Applicant, Region, Staff

TO = "message.to"


class Message(models.Model):
    """
    One message to one applicant about one item on one occasion; the same occasion is never told twice.

    occasion: what it is about, "age-80" or "renewal:<case>:2027-01-31"; it names no person. due_on: the day the
    service falls due. text names nobody either: it is read on phones that others may hold. case_no: the case it
    tells about, as text, empty for notices about what falls due; an appointment's number likewise.

    Somebody without an account has no applicant: to_sealed holds the name and number to call, as JSON.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("等工作人员确认")
        SENT = "sent", _("已发出")
        DROPPED = "dropped", _("不用发")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    applicant = models.ForeignKey(Applicant, models.PROTECT, null=True, blank=True, related_name="messages")
    to_sealed = models.BinaryField(null=True, blank=True)
    item = models.ForeignKey(ServiceItem, models.PROTECT, related_name="+")
    occasion = models.CharField(max_length=80)
    due_on = models.DateField()
    subject = models.CharField(max_length=120)
    text = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    case_no = models.CharField(max_length=50, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    made_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    sent_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["region", "applicant", "item", "occasion"], name="message_once"),
            models.UniqueConstraint(
                fields=["region", "occasion"], condition=models.Q(applicant=None), name="message_once_without_account"
            ),
            models.CheckConstraint(
                condition=models.Q(applicant__isnull=False) | models.Q(to_sealed__isnull=False), name="message_to_whom"
            ),
        ]
        indexes = [
            models.Index(fields=["region", "item", "state", "due_on"], name="message_by_item"),
            models.Index(fields=["region", "applicant", "sent_at"], name="message_by_applicant"),
        ]

    def __str__(self) -> str:
        return self.subject

    @property
    def masked_name(self) -> str:
        return self.applicant.masked_name if self.applicant else mask.name(self._to()["name"])

    @property
    def masked_phone(self) -> str:
        return self.applicant.masked_phone if self.applicant else mask.phone(self._to()["phone"])

    @property
    def phone_to_call(self) -> str:
        """In clear, for the one moment it is sent; pages show masked_phone (SEC-19)."""
        return self.applicant.phone_to_call if self.applicant else self._to()["phone"]

    def _to(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(crypto.open_sealed(bytes(self.to_sealed or b""), TO))
        return found


class Delivery(models.Model):
    """
    A message on its way through one channel: the outbox. A gateway takes rows without `done_at`, looks the number up
    by the message and says how it went (docs/notify.md).

    tries: how often the gateway was asked, next_at: not again before; taken_at: it has the message, its receipt is to
    come. What it could not take waits for a call.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    message = models.ForeignKey(Message, models.PROTECT, related_name="deliveries")
    channel = models.CharField(max_length=20)
    made_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    is_delivered = models.BooleanField(null=True, blank=True)
    note = models.CharField(max_length=200, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True, blank=True)
    taken_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "channel"], name="delivery_once_per_channel")]
        indexes = [
            models.Index(fields=["channel", "made_at"], condition=models.Q(done_at=None), name="delivery_waiting")
        ]


class OptOut(models.Model):
    """An applicant who wants no such notices, or none by SMS, from `at` until `ended_at` (empty: still)."""

    class Kind(models.TextChoices):
        NOTICES = "notices", _("主动提醒")
        SMS = "sms", _("短信")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    applicant = models.ForeignKey(Applicant, models.PROTECT, related_name="opt_outs")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.NOTICES)
    at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["applicant", "kind"], condition=models.Q(ended_at=None), name="opted_out_once_of_each"
            )
        ]


class DueSearch(models.Model):
    """How far the search for people due for an item has come; a finished one begins anew on a later day."""

    item = models.OneToOneField(ServiceItem, models.CASCADE, primary_key=True, related_name="+")
    on = models.DateField()
    after = models.UUIDField(null=True)
    finished_at = models.DateTimeField(null=True)
