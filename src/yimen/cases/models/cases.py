"""Cases, their materials and tasks, the clocks they run under and the documents given out."""

from __future__ import annotations

from uuid import UUID

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


class HandlingMode(models.TextChoices):
    """How a case is handled, beside its national type code (CASE-4)."""

    OWN = "own", _("自办件")
    SUPPLEMENT = "supplement", _("补办件")
    COMMITMENT = "commitment", _("告知承诺件")
    UPWARD = "upward", _("上报件")
    JOINT = "joint", _("联办件")


class Case(models.Model):
    """
    One application for one item by one applicant.

    case_no: 办件编号, implementation code + yyyymmdd + 4 digits (CASE-9). query_no: the short one people type.
    due_on: the promised clock's end, stored for lists; computed by rules from the clock, never edited.
    chosen: the options of the version's questions ("question.option") that decide which materials and steps apply.
    forms_sealed: what was filled in, sealed JSON by form key; queries.form_sheets() opens it.
    visit_days: the local days on which somebody had to come to a hall for it; none for a case done online.
    quota_place: its place in the order of acceptance, for items with limited numbers (LAW-20).
    received_region: where it was taken in when that is another region's hall (HALL-17), else empty.
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
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    chosen = ArrayField(models.CharField(max_length=80), default=list, blank=True, verbose_name=_("情形"))
    forms_sealed = models.BinaryField(null=True, blank=True)
    handling_mode = models.CharField(max_length=12, choices=HandlingMode.choices, default=HandlingMode.OWN)
    visit_days = ArrayField(models.DateField(), default=list, blank=True)
    quota_place = models.PositiveIntegerField(null=True, blank=True)
    received_region = models.ForeignKey(Region, models.PROTECT, null=True, blank=True, related_name="+")
    is_urgent = models.BooleanField(default=False, help_text="a PriorityGrant puts it first")
    bundle_case = models.ForeignKey("BundleCase", models.PROTECT, null=True, blank=True, related_name="cases")
    batch = models.ForeignKey("Batch", models.PROTECT, null=True, blank=True, related_name="cases")
    is_demo = models.BooleanField(default=False)

    recused: list[UUID]  # who stands aside, where actions.common.locked() has read it

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["region", "case_no"], name="case_no_once"),
            models.UniqueConstraint(fields=["region", "query_no"], name="query_no_once"),
            models.UniqueConstraint(fields=["region", "item", "quota_place"], name="quota_place_once"),
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
            models.Index(fields=["region", "case_type", "received_at"], name="case_by_type"),
            models.Index(fields=["region", "department", "received_at"], name="case_by_department"),
            models.Index(fields=["region", "applicant"], name="case_by_applicant"),
            # Few beside all there are: which cases run, unit by unit, and which of them come first.
            models.Index(
                fields=["region", "department"],
                include=["id"],
                condition=models.Q(status="accepted"),
                name="case_open_by_unit",
            ),
            models.Index(
                fields=["region"], condition=models.Q(status="accepted", is_urgent=True), name="case_open_urgent"
            ),
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
        COMMITTED = "committed", _("承诺代替")

    class Form(models.TextChoices):
        """What was handed in: the paper itself, a copy of it, or a file."""

        ORIGINAL = "original", _("原件")
        COPY = "copy", _("复印件")
        ELECTRONIC = "electronic", _("电子件")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    case = models.ForeignKey(Case, models.CASCADE, related_name="materials")
    material = models.ForeignKey(ItemMaterial, models.PROTECT)
    state = models.CharField(max_length=10, choices=State.choices)
    note = models.CharField(max_length=200, blank=True)
    form = models.CharField(max_length=12, choices=Form.choices, blank=True)
    # Handed in before, with another case of the same applicant; or what a certificate of ours already shows.
    reused_from = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    certificate_no = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "case", "material"], name="case_material_once")]


class Task(models.Model):
    """
    An open or done step of a running case, waiting at a department's post.

    assignee: who took it, empty while anybody of the post may. round: counts from 1; going back opens the step again
    under the next one. region is the case's, also when the department is another region's (HALL-17).
    """

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
    round = models.PositiveSmallIntegerField(default=1)
    assignee = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    surveyors = models.ManyToManyField(Staff, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["region", "case", "step_key", "round"], name="task_once_per_round"),
            models.UniqueConstraint(
                fields=["region", "case", "step_key"], condition=models.Q(done_at=None), name="task_open_once"
            ),
        ]
        indexes = [
            models.Index(fields=["region", "assignee"], condition=models.Q(done_at=None), name="task_open_by_assignee"),
            # Wide enough to count what lies before whom without the rows themselves.
            models.Index(
                fields=["region", "department", "due_on"],
                include=["case", "kind", "post", "assignee"],
                condition=models.Q(done_at=None),
                name="task_open_by_unit",
            ),
            models.Index(
                fields=["region", "due_on", "opened_at"], condition=models.Q(done_at=None), name="task_open_by_day"
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
        LOWER_REVIEW = "lower", _("初审时限")

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


class QueryTries(models.Model):
    """Wrong guesses at progress queries, by asker and hour, so that numbers cannot be tried out (SEC-53)."""

    asker = models.BinaryField(help_text="blind index of the address")
    hour = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["asker", "hour"], name="query_tries_once")]
