"""Site visits and hearings."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.cases.models.applying import Upload
from yimen.catalog.models import CheckPoint
from yimen.lib.ids import uuid7
from yimen.people.models import Region, Staff


class SiteVisit(models.Model):
    """
    现场核查 of a step: called, agreed, made by two or more, written down (LAW-13, LAW-15, S2-6 … S2-8, S2-33).

    asked_at begins the response clock, call_by ends it (local rule, two hours). script: what one call settles, in
    one form, by the keys of actions.SCRIPT; contact_sealed: whom to ask for and his telephone, as sealed JSON. A new
    visit follows one that was put off, missed or failed; visits of a task are ordered by `number`. missed_reason:
    why it was missed or put off.
    """

    class Status(models.TextChoices):
        TO_CALL = "to_call", _("等回电")
        AGREED = "agreed", _("已约好")
        DONE = "done", _("已核查")
        MISSED = "missed", _("没有查成")
        CANCELLED = "cancelled", _("改期")

    class Result(models.TextChoices):
        PASSED = "passed", _("合格")
        FAILED = "failed", _("不合格")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    case = models.ForeignKey("Case", models.CASCADE, related_name="visits")
    task = models.ForeignKey("Task", models.CASCADE, related_name="visits")
    number = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.TO_CALL)
    asked_at = models.DateTimeField()
    wished_for = models.CharField(max_length=200, blank=True, help_text="when the applicant would like it")
    call_by = models.DateTimeField()
    called_at = models.DateTimeField(null=True, blank=True)
    called_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    planned_for = models.DateTimeField(null=True, blank=True)
    address = models.CharField(max_length=200, blank=True)
    script = models.JSONField(default=dict, blank=True)
    contact_sealed = models.BinaryField(null=True, blank=True)
    notice = models.ForeignKey("Notice", models.PROTECT, null=True, blank=True, related_name="+")
    surveyors = models.ManyToManyField(Staff, blank=True, related_name="site_visits")
    started_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    result = models.CharField(max_length=10, choices=Result.choices, blank=True)
    remarks = models.TextField(blank=True)
    missed_reason = models.CharField(max_length=200, blank=True)
    signed_by = models.CharField(max_length=60, blank=True, help_text="who signed for the applicant on the spot")
    record = models.ForeignKey("Notice", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["task", "number"]
        constraints = [
            models.UniqueConstraint(fields=["task", "number"], name="visit_number_once"),
            models.CheckConstraint(
                condition=~models.Q(status="done") | models.Q(done_at__isnull=False) & ~models.Q(result=""),
                name="visit_done_has_result",
            ),
        ]
        indexes = [
            models.Index(fields=["region", "call_by"], condition=models.Q(status="to_call"), name="visit_to_call"),
            models.Index(fields=["region", "planned_for"], condition=models.Q(status="agreed"), name="visit_agreed"),
        ]


class VisitAnswer(models.Model):
    """What was found at one checkpoint; failure: which kind of failing, counted over many visits (S4-10)."""

    class Finding(models.TextChoices):
        PASSED = "passed", _("合格")
        FAILED = "failed", _("不合格")
        NOT_APPLICABLE = "na", _("不涉及")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    visit = models.ForeignKey(SiteVisit, models.CASCADE, related_name="answers")
    point = models.ForeignKey(CheckPoint, models.PROTECT, related_name="answers")
    finding = models.CharField(max_length=10, choices=Finding.choices)
    failure = models.CharField(max_length=40, blank=True, help_text="key of dictionary kind visit_failure")
    note = models.CharField(max_length=300, blank=True)
    photos = models.ManyToManyField(Upload, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["visit", "point"], name="visit_answer_once"),
            models.CheckConstraint(
                condition=~models.Q(finding="failed") | ~models.Q(failure=""), name="failed_point_says_why"
            ),
        ]


class Hearing(models.Model):
    """
    听证 (LAW-16): the right told, asked for within 5 working days, held within 20, notice 7 days before, a chair who
    did not examine the case, a signed record the decision rests on; free of charge.
    """

    class Status(models.TextChoices):
        TOLD = "told", _("已告知权利")
        WAIVED = "waived", _("没有要求听证")
        ASKED = "asked", _("要求听证")
        CALLED = "called", _("已通知举行")
        HELD = "held", _("已举行")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    case = models.OneToOneField("Case", models.CASCADE, related_name="hearing")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.TOLD)
    subject = models.TextField()
    told_at = models.DateTimeField()
    told_by = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    told_notice = models.OneToOneField("Notice", models.PROTECT, related_name="+")
    ask_by = models.DateField()
    asked_at = models.DateTimeField(null=True, blank=True)
    asked_by = models.CharField(max_length=120, blank=True)
    waiver_paper = models.CharField(max_length=200, blank=True, help_text="where the applicant's signed waiver is kept")
    hold_by = models.DateField(null=True, blank=True)
    called_at = models.DateTimeField(null=True, blank=True)
    call_notice = models.OneToOneField("Notice", models.PROTECT, null=True, blank=True, related_name="+")
    planned_for = models.DateTimeField(null=True, blank=True)
    held_at = models.DateTimeField(null=True, blank=True)
    place = models.CharField(max_length=160, blank=True)
    chair = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    is_open = models.BooleanField(default=True)
    record = models.TextField(blank=True)
    record_signed_by = models.JSONField(default=list)
    closed_at = models.DateTimeField(null=True, blank=True)


class InterestedParty(models.Model):
    """利害关系人: told, and heard (LAW-16). Names and telephones are sealed like an applicant's."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    case = models.ForeignKey("Case", models.CASCADE, related_name="parties")
    name_sealed = models.BinaryField()
    phone_sealed = models.BinaryField(null=True, blank=True)
    interest = models.CharField(max_length=200)
    told_at = models.DateTimeField(null=True, blank=True)
    statement = models.TextField(blank=True)
    stated_at = models.DateTimeField(null=True, blank=True)
