"""Invitations to rate, and ratings."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.cases.models import Case
from yimen.hall.models import Ticket, Window
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


class Invitation(models.Model):
    """
    The link (QR) that opens one rating: for a visit (ticket) or a matter (case), never both.

    token: 128 random bits; whoever holds it may rate, nobody needs an account (RATE-7).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    token = models.CharField(max_length=32, unique=True)
    scope = models.CharField(max_length=10, choices=RatingScope.choices)
    ticket = models.OneToOneField(Ticket, models.PROTECT, null=True, blank=True, related_name="invitation")
    case = models.OneToOneField(Case, models.PROTECT, null=True, blank=True, related_name="invitation")
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
                condition=models.Q(scope="visit", ticket__isnull=False, case__isnull=True)
                | models.Q(scope="matter", ticket__isnull=True, case__isnull=False),
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
