"""Ways of handling beyond the plain one: gaps, commitments, agents, priority, moves, teams, help before and during."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.cases.models.cases import Case, CaseMaterial, Task
from yimen.catalog.models import ServiceItem
from yimen.lib.ids import uuid7
from yimen.people.models import Applicant, Department, Region, ServiceCenter, Staff


class GapPromise(models.Model):
    """容缺受理: one material that may follow later, with the day it was promised for (HALL-11)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    case = models.ForeignKey(Case, models.CASCADE, related_name="gaps")
    material = models.OneToOneField(CaseMaterial, models.PROTECT, related_name="gap")
    promised_at = models.DateTimeField()
    due_on = models.DateField()
    made_up_at = models.DateTimeField(null=True, blank=True)
    made_up_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["region", "due_on"], condition=models.Q(made_up_at=None), name="gap_open_by_due")
        ]


class Commitment(models.Model):
    """
    告知承诺: a written commitment in place of proofs, checked later (HALL-12, OBE 40).

    materials: the CaseMaterial rows it replaces. is_kept: empty until checked; False leads to revocation and a bar.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    case = models.OneToOneField(Case, models.CASCADE, related_name="commitment")
    text = models.TextField()
    materials = models.ManyToManyField(CaseMaterial, related_name="+")
    notice = models.OneToOneField("Notice", models.PROTECT, null=True, blank=True, related_name="+")
    signed_at = models.DateTimeField()
    check_by = models.DateField()
    checked_at = models.DateTimeField(null=True, blank=True)
    checked_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    is_kept = models.BooleanField(null=True, blank=True)
    findings = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["region", "check_by"], condition=models.Q(checked_at=None), name="commitment_to_check")
        ]


class AgentService(models.Model):
    """
    代理、帮办代办: somebody acts for the applicant, with consent (LAW-24, HALL-9). Free when it is our staff.

    staff: the helper of the centre; else name and sealed number of an agent with a power of attorney, valid until
    valid_until for what scope says.
    """

    class Kind(models.TextChoices):
        ATTORNEY = "attorney", _("委托代理人")
        HELPER = "helper", _("帮办代办员")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    case = models.ForeignKey(Case, models.CASCADE, related_name="agents")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    staff = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=60, blank=True)
    id_sealed = models.BinaryField(null=True, blank=True)
    phone_sealed = models.BinaryField(null=True, blank=True)
    scope = models.CharField(max_length=200, blank=True)
    consent = models.CharField(max_length=200, help_text="how the applicant agreed: the paper, or the message")
    consented_at = models.DateTimeField()
    valid_until = models.DateField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case"], condition=models.Q(ended_at=None), name="one_agent_at_a_time"),
            models.CheckConstraint(condition=~models.Q(consent=""), name="agent_has_consent"),
        ]


class PriorityGrant(models.Model):
    """
    绿色通道、快办特办急办: first in line, for a reason and by somebody's approval (HALL-10). For a ticket (ticket_no
    with its day) or a case; nobody approves his own asking.
    """

    class Kind(models.TextChoices):
        FAST = "fast", _("快办")
        SPECIAL = "special", _("特办")
        URGENT = "urgent", _("急办")
        PROJECT = "project", _("重大项目绿色通道")
        CARE = "care", _("特殊关怀")

    class Reason(models.TextChoices):
        EXAM = "exam", _("参加考试急用")
        TRAVEL = "travel", _("紧急出境、出行")
        PROJECT = "project", _("重大项目")
        ILLNESS = "illness", _("就医急用")
        OLD = "old", _("老年人")
        DISABLED = "disabled", _("残疾人")
        PREGNANT = "pregnant", _("孕妇")
        SOLDIER = "soldier", _("军人、退役军人、消防救援人员")
        OTHER = "other", _("其他")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    reason = models.CharField(max_length=10, choices=Reason.choices)
    note = models.CharField(max_length=200, blank=True)
    case = models.ForeignKey(Case, models.CASCADE, null=True, blank=True, related_name="priorities")
    ticket = models.UUIDField(null=True, blank=True, help_text="hall.Ticket, which this room does not know")
    asked_by = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    approved_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    refused_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=200, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    end_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case"],
                condition=models.Q(approved_at=None, refused_at=None, case__isnull=False),
                name="one_priority_asked_per_case",
            ),
            models.CheckConstraint(
                condition=models.Q(case__isnull=False) | models.Q(ticket__isnull=False),
                name="priority_is_for_something",
            ),
        ]
        indexes = [
            models.Index(
                fields=["region", "asked_at"],
                condition=models.Q(approved_at=None, refused_at=None),
                name="priority_waiting",
            ),
            models.Index(fields=["region", "ticket"], name="priority_by_ticket"),
        ]


class CaseMove(models.Model):
    """
    A running case handed to another unit, level or region and back, under one case number (S2-16, LAW-10, HALL-17).

    due_on: by when the receiver has finished; opinion: what it sends back. The receiver never asks the applicant for
    what came along. It may hand the case on: moves not yet closed lie upon each other, and the last one sent says
    where the case is. task: the receiver's open task; its step_key begins with STEP and stands in no flow.
    """

    STEP = "move-"

    class Kind(models.TextChoices):
        UNIT = "unit", _("转其他部门")
        UP = "up", _("报上级")
        DOWN = "down", _("转下级")
        REGION = "region", _("转其他地区")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT, help_text="of the case")
    case = models.ForeignKey(Case, models.CASCADE, related_name="moves")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    sender = models.ForeignKey(Department, models.PROTECT, related_name="+")
    receiver = models.ForeignKey(Department, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300)
    opinion_sent = models.TextField(blank=True)
    sent_by = models.ForeignKey(Staff, models.PROTECT, null=True, related_name="+")
    sent_at = models.DateTimeField()
    due_on = models.DateField(null=True, blank=True)
    received_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    received_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    opinion = models.TextField(blank=True)
    task = models.OneToOneField(Task, models.PROTECT, null=True, blank=True, related_name="move")

    class Meta:
        ordering = ["sent_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "sender"], condition=models.Q(closed_at=None), name="one_open_move_per_sender"
            ),
            models.CheckConstraint(condition=~models.Q(sender=models.F("receiver")), name="move_goes_elsewhere"),
        ]
        indexes = [
            models.Index(fields=["receiver", "due_on"], condition=models.Q(closed_at=None), name="move_open_by_unit")
        ]


class Recusal(models.Model):
    """回避: somebody with an interest does not handle the case (SUP-11, LAL 48)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    case = models.ForeignKey(Case, models.CASCADE, related_name="recusals")
    staff = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=200)
    asked_by = models.CharField(max_length=80, help_text="ledger_ref: the person himself, the applicant, a leader")
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    is_granted = models.BooleanField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "staff"], name="recusal_once")]


class CaseTeam(models.Model):
    """专班: named people who follow a case, or a project of several, from start to end (S4-5)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    name = models.CharField(max_length=80)
    note = models.CharField(max_length=300, blank=True)
    cases = models.ManyToManyField(Case, related_name="teams", blank=True)
    formed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)


class TeamMember(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    team = models.ForeignKey(CaseTeam, models.CASCADE, related_name="members")
    staff = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    duty = models.CharField(max_length=80)
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "staff"], condition=models.Q(left_at=None), name="team_member_once")
        ]


class Expert(models.Model):
    """专家库: who can be asked, and about what (S4-1)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    name = models.CharField(max_length=60)
    organisation = models.CharField(max_length=120)
    fields = models.JSONField(default=list, help_text="what they know, in words people search by")
    contact = models.CharField(max_length=80, blank=True)
    is_active = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)


class ExpertRequest(models.Model):
    """A question of a case to an expert, and the advice, kept word for word."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    case = models.ForeignKey(Case, models.CASCADE, related_name="expert_requests")
    expert = models.ForeignKey(Expert, models.PROTECT, related_name="requests")
    question = models.TextField()
    asked_by = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    advice = models.TextField(blank=True)
    advised_at = models.DateTimeField(null=True, blank=True)
    noted_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")


class Guidance(models.Model):
    """办前辅导: help before applying; no clock runs, and it never costs anything (S4-4, S4-12)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    center = models.ForeignKey(ServiceCenter, models.PROTECT)
    item = models.ForeignKey(ServiceItem, models.PROTECT, related_name="guidances")
    applicant = models.ForeignKey(Applicant, models.PROTECT, null=True, blank=True, related_name="guidances")
    who = models.CharField(max_length=120, help_text="the firm or shop, as they call themselves")
    at = models.DateTimeField()
    by = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    is_on_site = models.BooleanField(default=False)
    advice = models.TextField()
    case = models.ForeignKey(Case, models.PROTECT, null=True, blank=True, related_name="guidances")
    fee = models.DecimalField(max_digits=10, decimal_places=2, default=0)

    class Meta:
        ordering = ["-at"]
        constraints = [models.CheckConstraint(condition=models.Q(fee=0), name="guidance_is_free")]
        indexes = [models.Index(fields=["region", "at"], name="guidance_by_day")]
