"""What stops or lengthens a clock, and the one notice that says what is missing."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.lib.ids import uuid7
from yimen.people.models import Region, Staff


class ClockStop(models.Model):
    """
    特别程序: days that do not count, on one of the eight grounds of LAW-12 and with a written notice, or not at all.

    started_on is the first day not counted, ended_on the last one; empty while it runs. needed_days: natural days the
    applicant was told it takes; while it runs due dates are worked out with them, then with the days it really took.
    """

    class Ground(models.TextChoices):
        """LAL 45; a site visit is not among them (LAW-13)."""

        HEARING = "hearing", _("听证")
        TENDER = "tender", _("招标")
        AUCTION = "auction", _("拍卖")
        INSPECTION = "inspection", _("检验")
        TESTING = "testing", _("检测")
        QUARANTINE = "quarantine", _("检疫")
        APPRAISAL = "appraisal", _("鉴定")
        EXPERT_REVIEW = "expert_review", _("专家评审")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    case = models.ForeignKey("Case", models.CASCADE, related_name="stops")
    ground = models.CharField(max_length=16, choices=Ground.choices)
    reason = models.TextField()
    needed_days = models.PositiveSmallIntegerField()
    notice = models.OneToOneField("Notice", models.PROTECT, related_name="+")
    started_on = models.DateField()
    ended_on = models.DateField(null=True, blank=True)
    opened_by = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    closed_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    result = models.TextField(blank=True)

    class Meta:
        ordering = ["started_on", "opened_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["region", "case"], condition=models.Q(ended_on=None), name="one_open_stop_per_case"
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="stop_has_reason"),
            models.CheckConstraint(
                condition=models.Q(ended_on=None) | models.Q(ended_on__gte=models.F("started_on")),
                name="stop_ends_after_it_starts",
            ),
        ]

    @property
    def planned_last(self) -> date:
        """The last of the days the applicant was told it takes."""
        return self.started_on + timedelta(days=self.needed_days - 1)


class Extension(models.Model):
    """
    延长: once a case, asked for by the handler, approved by the organ's head (+10) or, for joint handling, the
    head of the government (+15), and told to the applicant with its reason (LAW-8, LAW-9).

    days: working days; they count only once approved.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    case = models.OneToOneField("Case", models.CASCADE, related_name="extension")
    days = models.PositiveSmallIntegerField()
    reason = models.TextField()
    asked_by = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    approved_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    refused_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=300, blank=True)
    notice = models.OneToOneField("Notice", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [models.CheckConstraint(condition=~models.Q(reason=""), name="extension_has_reason")]


class Correction(models.Model):
    """
    一次性补正告知: everything missing, told once and in writing (LAW-4). lines: CorrectionLine.

    answered_at: when all of it was there; the case then waits for acceptance with five new working days.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    case = models.OneToOneField("Case", models.CASCADE, related_name="correction")
    notice = models.OneToOneField("Notice", models.PROTECT, related_name="+")
    told_by = models.ForeignKey(Staff, models.PROTECT, null=True, related_name="+")
    told_at = models.DateTimeField()
    answer_by = models.DateField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)


class CorrectionLine(models.Model):
    """One material of the list, what is wrong with it, and when it was put right."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    correction = models.ForeignKey(Correction, models.CASCADE, related_name="lines")
    material = models.ForeignKey("CaseMaterial", models.PROTECT, related_name="+")
    what = models.CharField(max_length=300)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["correction", "material"], name="correction_line_once"),
            models.CheckConstraint(condition=~models.Q(what=""), name="correction_says_what"),
        ]
