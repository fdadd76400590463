"""Invitations to rate, and ratings."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.cases.models import Case
from yimen.hall.models import GuideHelp, Hall, Kiosk, Ticket, Window
from yimen.lib.ids import uuid7
from yimen.people.models import Department, Region, ServiceCenter, Staff


class RatingLevel(models.TextChoices):
    """Named, because the numbers run in both directions (RATE-2, RATE-3); the last two are bad reviews."""

    VERY_GOOD = "very_good", _("非常满意")
    GOOD = "good", _("满意")
    FAIR = "fair", _("基本满意")
    BAD = "bad", _("不满意")
    VERY_BAD = "very_bad", _("非常不满意")

    @property
    def is_bad(self) -> bool:
        return self in {RatingLevel.BAD, RatingLevel.VERY_BAD}


class RatingScope(models.TextChoices):
    VISIT = "visit", _("一次一评")
    MATTER = "matter", _("一事一评")
    HELP = "help", _("导办一评")


class Invitation(models.Model):
    """
    The link (QR) that opens one rating: for a visit (ticket), a matter (case) or a guide's help, for one of them.

    token: 128 random bits; whoever holds it may rate, nobody needs an account (RATE-7).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    token = models.CharField(max_length=32, unique=True)
    scope = models.CharField(max_length=10, choices=RatingScope.choices)
    ticket = models.OneToOneField(Ticket, models.PROTECT, null=True, blank=True, related_name="invitation")
    case = models.OneToOneField(Case, models.PROTECT, null=True, blank=True, related_name="invitation")
    help = models.OneToOneField(GuideHelp, models.PROTECT, null=True, blank=True, related_name="invitation")
    center = models.ForeignKey(ServiceCenter, models.PROTECT)
    department = models.ForeignKey(Department, models.PROTECT, null=True, blank=True)
    window = models.ForeignKey(Window, models.PROTECT, null=True, blank=True)
    staff = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["region", "made_at"], name="invitation_by_day")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scope="visit", ticket__isnull=False, case__isnull=True, help__isnull=True)
                | models.Q(scope="matter", ticket__isnull=True, case__isnull=False, help__isnull=True)
                | models.Q(scope="help", ticket__isnull=True, case__isnull=True, help__isnull=False),
                name="invitation_for_one_thing",
            ),
        ]


class Rating(models.Model):
    """One rating; a second for the same visit or matter is refused by the unique invitation (RATE-4)."""

    class Channel(models.TextChoices):
        QR = "qr", _("扫码")
        WEB = "web", _("电脑端")
        MOBILE = "mobile", _("移动端")
        TABLET = "tablet", _("窗口评价器")
        KIOSK = "kiosk", _("自助终端")
        PHONE = "phone", _("电话")
        SMS = "sms", _("短信")
        PAPER = "paper", _("评议单")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    invitation = models.OneToOneField(Invitation, models.PROTECT, related_name="rating")
    level = models.CharField(max_length=10, choices=RatingLevel.choices)
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.QR)
    reasons = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    text = models.TextField(blank=True)
    rated_at = models.DateTimeField()
    added_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["region", "rated_at"], name="rating_by_time")]

    @property
    def stream(self) -> str:
        return f"rating:{self.pk}"


class Opinion(models.Model):
    """
    意见: what any visitor wants to say, without login or name (S3-30). The telephone is sealed and may be empty.

    answer: what was told or done; settled opinions needed no answer.
    """

    class Kind(models.TextChoices):
        PRAISE = "praise", _("表扬")
        SUGGESTION = "suggestion", _("建议")
        COMPLAINT = "complaint", _("不满意")

    class State(models.TextChoices):
        OPEN = "open", _("等答复")
        ANSWERED = "answered", _("已答复")
        SETTLED = "settled", _("不用答复")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    center = models.ForeignKey(ServiceCenter, models.PROTECT)
    hall = models.ForeignKey(Hall, models.PROTECT, null=True, blank=True, related_name="+")
    kiosk = models.ForeignKey(Kiosk, models.PROTECT, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    text = models.TextField(max_length=500, blank=True)
    topics = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    phone_sealed = models.BinaryField(null=True, blank=True)
    given_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    answer = models.CharField(max_length=300, blank=True)
    closed_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-given_at", "pk"]
        indexes = [models.Index(fields=["region", "state", "given_at"], name="opinion_by_state")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="open", closed_at=None)
                | (~models.Q(state="open") & ~models.Q(closed_at=None)),
                name="opinion_closed_once",
            )
        ]
