"""Several items at once (一件事), and one item for many people at once (批量)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.catalog.models import ItemVersion
from yimen.catalog.models.bundles import ServiceBundle
from yimen.lib.ids import uuid7
from yimen.people.models import Applicant, Region, ServiceCenter, Staff


class BundleCase(models.Model):
    """
    One application for several items (HALL-13): one form, one set of materials, one receipt, one result.

    forms_sealed: the answers, sealed JSON by part, form and field; cases: one a chosen item, opened when what they wait
    for is granted.
    chosen: the plan as it was when it began, in order: {"parts": [{"key", "item": "<id>", "name", "after": [keys],
    "answers": ["q.o"], "fed": {"<material name, plain>": "<key>"}, "materials": {"<same>": ["<state>", "<form>"]},
    "is_optional"}…], "stopped": why}. Later changes of the bundle do not touch it.
    """

    class Status(models.TextChoices):
        RUNNING = "running", _("办理中")
        DONE = "done", _("全部办结")
        STOPPED = "stopped", _("中止")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    center = models.ForeignKey(ServiceCenter, models.PROTECT)
    bundle = models.ForeignKey(ServiceBundle, models.PROTECT, related_name="applications")
    applicant = models.ForeignKey(Applicant, models.PROTECT, related_name="bundle_cases")
    query_no = models.CharField(max_length=24)
    # Its one receipt (收件凭证), for all items together.
    receipt_no = models.CharField(max_length=60, blank=True)
    verify_code = models.CharField(max_length=20, blank=True)
    chosen = models.JSONField(default=dict)
    forms_sealed = models.BinaryField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    received_at = models.DateTimeField()
    received_by = models.ForeignKey(Staff, models.PROTECT, null=True, related_name="+")
    finished_at = models.DateTimeField(null=True, blank=True)
    is_demo = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["region", "query_no"], name="bundle_query_no_once"),
            models.UniqueConstraint(
                fields=["region", "verify_code"], condition=~models.Q(verify_code=""), name="bundle_verify_code_once"
            ),
        ]
        indexes = [models.Index(fields=["region", "status", "received_at"], name="bundle_case_by_status")]

    def __str__(self) -> str:
        return self.query_no

    @property
    def stream(self) -> str:
        return f"bundle:{self.pk}"


class Batch(models.Model):
    """
    批量办理: one item for a list of people, on a day, at a place, with the units that come together (S4-7, S4-8).

    units: names of who takes part; checklist: [{"text", "done_at", "by"}…] of what is prepared beforehand.
    """

    class Status(models.TextChoices):
        PLANNED = "planned", _("准备中")
        RECEIVED = "received", _("已收件")
        CLOSED = "closed", _("已结束")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    center = models.ForeignKey(ServiceCenter, models.PROTECT)
    version = models.ForeignKey(ItemVersion, models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    on = models.DateField()
    place = models.CharField(max_length=160)
    units = models.JSONField(default=list)
    checklist = models.JSONField(default=list)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PLANNED)
    made_by = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    received_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["region", "on"], name="batch_by_day")]

    def __str__(self) -> str:
        return self.name


class BatchPerson(models.Model):
    """One row of the list: who, sealed, and the case it became; fault: why it did not (row by row)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    batch = models.ForeignKey(Batch, models.CASCADE, related_name="people")
    position = models.PositiveIntegerField()
    applicant = models.ForeignKey(Applicant, models.PROTECT, null=True, blank=True, related_name="+")
    case = models.OneToOneField("Case", models.PROTECT, null=True, blank=True, related_name="batch_person")
    fault = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "position"], name="batch_position_once"),
            models.UniqueConstraint(fields=["batch", "applicant"], name="batch_person_once"),
        ]
