"""Cases, their materials, tasks, clocks and the documents given out."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.catalog.models import CaseType, FlowStep, ItemMaterial, ItemVersion, LimitUnit, ServiceItem
from yimen.lib import mask
from yimen.lib.ids import uuid7
from yimen.people.models import Applicant, Department, Region, ServiceCenter, Staff


class Counter(models.Model):
    """The last number given for (region, name, day); a row lock makes numbers gap-free."""

    region = models.ForeignKey(Region, models.PROTECT)
    name = models.CharField(max_length=80)
    day = models.DateField()
    value = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "name", "day"], name="case_counter_once")]


class Case(models.Model):
    """
    One application for one item by one applicant.

    case_no: 办件编号, implementation code + yyyymmdd + 4 digits (CASE-9). query_no: the short one people type.
    due_on: the promised clock's end, stored for lists; computed by rules from the clock, never edited.
    chosen: the options of the version's questions ("question.option") that decide which materials and steps apply.
    forms_sealed: what was filled in, sealed JSON by form key; queries.form_sheets() opens it.
    """

    class Status(models.TextChoices):
        RECEIVED = "received", _("待受理")
        ACCEPTED = "accepted", _("办理中")
        COMPLETED = "completed", _("已办结")
        DELIVERED = "delivered", _("已送达")
        DECLINED = "declined", _("不予受理")
        WITHDRAWN = "withdrawn", _("已撤回")

    class Outcome(models.TextChoices):
        GRANTED = "granted", _("准予")
        REFUSED = "refused", _("不予许可")

    class AcceptMode(models.TextChoices):
        DECIDED = "decided", _("已作出受理")
        DEEMED = "deemed", _("逾期未告知，视为受理")

    class Channel(models.TextChoices):
        """办理形式 (CASE-10); export codes 1, 2, 3, 4, 9."""

        WINDOW = "window", _("窗口")
        WEB = "web", _("电脑端")
        MOBILE = "mobile", _("移动端")
        POST = "post", _("快递")
        OTHER = "other", _("其他")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    center = models.ForeignKey(ServiceCenter, models.PROTECT)
    case_no = models.CharField(max_length=50)
    query_no = models.CharField(max_length=24)
    item = models.ForeignKey(ServiceItem, models.PROTECT)
    version = models.ForeignKey(ItemVersion, models.PROTECT)
    department = models.ForeignKey(Department, models.PROTECT)
    applicant = models.ForeignKey(Applicant, models.PROTECT, related_name="cases")
    case_type = models.CharField(max_length=10, choices=CaseType.choices)
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.WINDOW)
    ticket_no = models.CharField(max_length=12, blank=True)
    agent_name = models.CharField(_("代理人"), max_length=60, blank=True)
    status = models.CharField(max_length=12, choices=Status.choices)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)
    reasons = models.TextField(blank=True, help_text="why declined or refused; never empty then (LAW-17, LAW-3)")
    received_at = models.DateTimeField()
    received_by = models.ForeignKey(Staff, models.PROTECT, null=True, related_name="+")
    accepted_at = models.DateTimeField(null=True, blank=True)
    accept_mode = models.CharField(max_length=8, choices=AcceptMode.choices, blank=True)
    accepted_by = models.ForeignKey(Staff, models.PROTECT, null=True, related_name="+")
    completed_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    due_on = models.DateField(null=True, blank=True)
    due_is_provisional = models.BooleanField(default=False)
    completed_on_time = models.BooleanField(null=True, blank=True)
    chosen = ArrayField(models.CharField(max_length=80), default=list, blank=True, verbose_name=_("情形"))
    forms_sealed = models.BinaryField(null=True, blank=True)
    is_demo = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["region", "case_no"], name="case_no_once"),
            models.UniqueConstraint(fields=["region", "query_no"], name="query_no_once"),
            models.CheckConstraint(
                condition=~models.Q(status="accepted") | models.Q(accepted_at__isnull=False, due_on__isnull=False),
                name="accepted_case_has_due_date",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="declined") & ~models.Q(outcome="refused") | ~models.Q(reasons=""),
                name="refusal_has_reasons",
            ),
            models.CheckConstraint(
                condition=~models.Q(status__in=["completed", "delivered"])
                | models.Q(completed_at__isnull=False) & ~models.Q(outcome=""),
                name="completed_case_has_outcome",
            ),
        ]
        indexes = [
            models.Index(fields=["region", "accepted_at"], name="case_by_accepted"),
            models.Index(fields=["region", "completed_at"], name="case_by_completed"),
            models.Index(fields=["region", "received_at"], name="case_by_received"),
            models.Index(fields=["region", "due_on"], condition=models.Q(status="accepted"), name="case_open_by_due"),
            models.Index(fields=["region", "status", "received_at"], name="case_by_status"),
            models.Index(fields=["region", "applicant"], name="case_by_applicant"),
        ]

    def __str__(self) -> str:
        return self.query_no

    @property
    def stream(self) -> str:
        return f"case:{self.pk}"

    @property
    def masked_agent_name(self) -> str:
        return mask.name(self.agent_name)

    @property
    def is_open(self) -> bool:
        return self.status in {self.Status.RECEIVED, self.Status.ACCEPTED}


class CaseMaterial(models.Model):
    """What was handed in for one line of the item's list; nothing outside the list can be asked (LAW-22)."""

    class State(models.TextChoices):
        COMPLETE = "complete", _("齐")
        MISSING = "missing", _("缺")
        LATER = "later", _("后补")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    case = models.ForeignKey(Case, models.CASCADE, related_name="materials")
    material = models.ForeignKey(ItemMaterial, models.PROTECT)
    state = models.CharField(max_length=10, choices=State.choices)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "case", "material"], name="case_material_once")]


class Task(models.Model):
    """An open or done step of a running case, waiting at a department's post."""

    class Outcome(models.TextChoices):
        PASSED = "passed", _("通过")
        REJECTED = "rejected", _("不通过")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    case = models.ForeignKey(Case, models.CASCADE, related_name="tasks")
    department = models.ForeignKey(Department, models.PROTECT)
    step_key = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=FlowStep.Kind.choices)
    post = models.CharField(max_length=60)
    opened_at = models.DateTimeField()
    due_on = models.DateField()
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(Staff, models.PROTECT, null=True, related_name="+")
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)
    opinion = models.TextField(blank=True)
    surveyors = models.ManyToManyField(Staff, blank=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "case", "step_key"], name="task_once_per_step")]
        indexes = [
            models.Index(
                fields=["region", "department", "due_on"], condition=models.Q(done_at=None), name="task_open_by_due"
            ),
        ]


class Clock(models.Model):
    """
    时限: kind, start and limit; due_on follows from them, the stops and the calendar (rules.due).

    started_on is the local day of the starting act and is not counted (LAW-2).
    """

    class Kind(models.TextChoices):
        PROMISED = "promised", _("承诺时限")
        STATUTORY = "statutory", _("法定时限")
        DELIVERY = "delivery", _("送达时限")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    case = models.ForeignKey(Case, models.CASCADE, related_name="clocks")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    started_on = models.DateField()
    limit = models.PositiveSmallIntegerField()
    unit = models.CharField(max_length=10, choices=LimitUnit.choices, default=LimitUnit.WORKDAY)
    due_on = models.DateField()
    is_provisional = models.BooleanField(default=False)
    ended_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "case", "kind"], name="clock_once_per_kind")]
        indexes = [
            models.Index(fields=["region", "due_on"], condition=models.Q(ended_on=None), name="clock_running_by_due"),
        ]


class Notice(models.Model):
    """
    A numbered document given to the applicant (LAW-6); the PDF is drawn from `data`, which never changes.

    verify_code: printed on it, so that anybody can check it is real (CERT-11).
    """

    class Kind(models.TextChoices):
        RECEIPT = "receipt", _("收件凭证")
        ACCEPTANCE = "acceptance", _("受理通知书")
        DECLINE = "decline", _("不予受理决定书")
        DECISION = "decision", _("行政决定书")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    case = models.ForeignKey(Case, models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    number = models.CharField(max_length=60)
    verify_code = models.CharField(max_length=20)
    issued_at = models.DateTimeField()
    data = models.JSONField()

    class Meta:
        ordering = ["issued_at"]
        constraints = [
            models.UniqueConstraint(fields=["region", "case", "kind"], name="notice_once_per_kind"),
            models.UniqueConstraint(fields=["region", "number"], name="notice_number_once"),
            models.UniqueConstraint(fields=["region", "verify_code"], name="verify_code_once"),
        ]


class QueryTries(models.Model):
    """Wrong guesses at progress queries, by asker and hour, so that numbers cannot be tried out (SEC-53)."""

    asker = models.BinaryField(help_text="blind index of the address")
    hour = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["asker", "hour"], name="query_tries_once")]
