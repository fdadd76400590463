"""Cards, the rules that give them, answers to them; leaders' walk-throughs."""

from __future__ import annotations

from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.cases.models import Case
from yimen.catalog.models import ServiceItem
from yimen.lib.ids import uuid7
from yimen.people.models import Department, Region, Staff


class Trigger(models.TextChoices):
    """What is watched: the eight of SUP-2, the reminder before a limit (SUP-3), and asking for more than the list."""

    NEAR_LIMIT = "near_limit", _("快到期")
    REFUSED_VALID = "refused_valid", _("该受理的没有受理")
    OVER_PROMISE = "over_promise", _("超过承诺时限")
    OVER_STATUTORY = "over_statutory", _("超过法定时限")
    STEP_OVERDUE = "step_overdue", _("环节超期")
    LATE_UPWARD = "late_upward", _("初审上报超期")
    NO_REASONS = "no_reasons", _("不予许可没有理由")
    OFF_SYSTEM = "off_system", _("在系统外办理")
    FEE_OUTSIDE = "fee_outside", _("清单外收费")
    UNLISTED_ASKED = "unlisted_asked", _("索要清单外的材料")
    OTHER = "other", _("其他违规")


class Colour(models.TextChoices):
    REMINDER = "reminder", _("提醒")
    YELLOW = "yellow", _("黄牌")
    RED = "red", _("红牌")


class SupervisionRule(models.Model):
    """
    When a trigger gives which colour, from a day on (SUP-4, SUP-5); the most particular one counts: item, then
    unit, then region. threshold: days left, days over or percent used, as the trigger takes it (rules.LIMITS).

    Rows are only added: a later one with the same day and scope is not possible, a later day replaces.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    trigger = models.CharField(max_length=20, choices=Trigger.choices)
    colour = models.CharField(max_length=10, choices=Colour.choices)
    department = models.ForeignKey(Department, models.PROTECT, null=True, blank=True, related_name="+")
    item = models.ForeignKey(ServiceItem, models.PROTECT, null=True, blank=True, related_name="+")
    threshold = models.JSONField(default=dict)
    effective_on = models.DateField()
    is_on = models.BooleanField(default=True)
    basis = models.CharField(max_length=200, blank=True)
    set_by = models.ForeignKey(Staff, models.PROTECT, null=True, related_name="+")
    set_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["region", "trigger", "colour", "department", "item", "effective_on"],
                nulls_distinct=False,
                name="supervision_rule_once",
            )
        ]


class Card(models.Model):
    """
    A sign given by rule (SUP-1): never deleted, only answered, appealed, decided upon. Names three persons (SUP-6).

    occasion: what it is given for, so that the same lapse never gives two: "promised:<case>", "step:<task>".
    The database refuses to delete a card or to change anything but state, answer_by and closed_at, and any change of
    one that is closed or lifted.
    """

    class State(models.TextChoices):
        NOTED = "noted", _("已提醒")
        OPEN = "open", _("等答复")
        ANSWERED = "answered", _("已答复")
        APPEALED = "appealed", _("申诉中")
        UPHELD = "upheld", _("维持")
        LIFTED = "lifted", _("撤销")
        CLOSED = "closed", _("已办结")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    number = models.CharField(max_length=40)
    trigger = models.CharField(max_length=20, choices=Trigger.choices)
    colour = models.CharField(max_length=10, choices=Colour.choices)
    rule = models.ForeignKey(SupervisionRule, models.PROTECT, null=True, blank=True, related_name="+")
    occasion = models.CharField(max_length=120)
    case = models.ForeignKey(Case, models.PROTECT, related_name="cards")
    department = models.ForeignKey(Department, models.PROTECT, related_name="+")
    facts = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    issued_at = models.DateTimeField()
    answer_by = models.DateField(null=True, blank=True)
    given_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    handler = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    reviewer = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    approver = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["region", "number"], name="card_number_once"),
            models.UniqueConstraint(fields=["region", "occasion", "colour"], name="card_once_per_occasion"),
        ]
        indexes = [
            models.Index(fields=["region", "issued_at"], name="card_by_issue"),
            models.Index(fields=["region", "department", "issued_at"], name="card_by_department"),
            models.Index(fields=["region", "case"], name="card_by_case"),
            models.Index(
                fields=["region", "department", "colour"],
                condition=models.Q(state__in=["open", "answered", "appealed", "upheld"]),
                name="card_open",
            ),
            models.Index(fields=["handler", "issued_at"], name="card_by_handler"),
            models.Index(fields=["reviewer", "issued_at"], name="card_by_reviewer"),
            models.Index(fields=["approver", "issued_at"], name="card_by_approver"),
            # What waits for somebody's answer is counted on every page of his.
            models.Index(
                fields=["handler"], condition=models.Q(state__in=["open", "upheld"]), name="card_waits_handler"
            ),
            models.Index(
                fields=["reviewer"], condition=models.Q(state__in=["open", "upheld"]), name="card_waits_reviewer"
            ),
            models.Index(
                fields=["approver"], condition=models.Q(state__in=["open", "upheld"]), name="card_waits_approver"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def stream(self) -> str:
        return f"card:{self.pk}"

    @property
    def named(self) -> set[UUID]:
        """The persons it names (SUP-6)."""
        return {one for one in (self.handler_id, self.reviewer_id, self.approver_id) if one}

    @property
    def rule_no(self) -> str:
        """The rule's number as SUP-9 exports it: the region's own by its day, else the one shipped."""
        when = f"{self.rule.effective_on:%Y%m%d}" if self.rule else "SUP-5"
        return f"{self.trigger}-{self.colour}-{when}"


class CardEntry(models.Model):
    """An answer to a card, an appeal, or what was decided on it; rows are only added."""

    class Kind(models.TextChoices):
        ANSWER = "answer", _("答复")
        APPEAL = "appeal", _("申诉")
        UPHELD = "upheld", _("维持")
        LIFTED = "lifted", _("撤销")
        CLOSED = "closed", _("办结")
        RETURNED = "returned", _("退回重新整改")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    card = models.ForeignKey(Card, models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    text = models.TextField()
    correction = models.TextField(blank=True, help_text="what was put right")
    by = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["at"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(text=""), name="card_entry_says_something"),
            models.CheckConstraint(
                condition=~models.Q(kind="answer") | ~models.Q(correction=""),
                name="card_answer_says_what_was_put_right",
            ),
            models.UniqueConstraint(fields=["card"], condition=models.Q(kind="appeal"), name="card_appealed_once"),
        ]


class WalkThrough(models.Model):
    """
    换位体验 (S4-26): a leader does one errand as a citizen does it: asks once, handles once; tracked until reported.
    """

    class Kind(models.TextChoices):
        INQUIRY = "inquiry", _("咨询一次业务")
        CERTIFICATE = "certificate", _("办理一次证件")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    campaign = models.CharField(max_length=80)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    leader = models.ForeignKey(Staff, models.PROTECT, related_name="walk_throughs")
    item = models.ForeignKey(ServiceItem, models.PROTECT, null=True, blank=True, related_name="+")
    due_on = models.DateField()
    done_on = models.DateField(null=True, blank=True)
    minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    report = models.TextField(blank=True)
    problems = models.JSONField(default=list, blank=True)
    assigned_by = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    assigned_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["region", "campaign", "kind", "leader"], name="walk_through_once")
        ]
