"""Service items (事项) with versions, materials, flow steps; the work calendar; dated local rules."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.lib.ids import uuid7
from yimen.lib.workdays import Limit, Unit
from yimen.people.models import Department, Region

# Keys of ItemVersion.extended that mean something to us; every other key is the source's own.
NOT_STATED = "not_stated"
NO_MATERIALS = "no_materials"
FINGERPRINT = "source_sha256"


class ItemType(models.TextChoices):
    """事项类型 by GB/T 39046 A.1 (ITEM-6)."""

    LICENSE = "01", _("行政许可")
    PENALTY = "02", _("行政处罚")
    FORCE = "03", _("行政强制")
    LEVY = "04", _("行政征收")
    PAYMENT = "05", _("行政给付")
    INSPECTION = "06", _("行政检查")
    CONFIRMATION = "07", _("行政确认")
    REWARD = "08", _("行政奖励")
    ADJUDICATION = "09", _("行政裁决")
    OTHER = "10", _("其他行政权力")
    PUBLIC_SERVICE = "20", _("公共服务")


class CaseType(models.TextChoices):
    """办件类型 by GB/T 39046 A.6 (CASE-1); the export codes are 1, 2 and 9."""

    IMMEDIATE = "immediate", _("即办件")
    PROMISED = "promised", _("承诺件")
    OTHER = "other", _("其他")


class LimitUnit(models.TextChoices):
    """What a limit is counted in (CAL-11)."""

    WORKDAY = "workday", _("个工作日")
    DAY = "day", _("日")
    HOUR = "hour", _("小时")
    MONTH = "month", _("个月")


class ServiceItem(models.Model):
    """
    实施清单中的事项: one thing a citizen can apply for, at one organ. What it says is in its versions.

    catalog_code: 基本编码, 12 digits; task_code: 实施编码, 31 (column 36, ITEM-5); legacy codes beside them.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    department = models.ForeignKey(Department, models.PROTECT, related_name="items")
    catalog_code = models.CharField(max_length=12, blank=True)
    task_code = models.CharField(max_length=36)
    local_task_code = models.CharField(max_length=50, blank=True)
    source = models.CharField(max_length=40, blank=True, help_text="the list it was imported from; empty: made here")
    name = models.CharField(max_length=300, help_text="as in the published version, for lists")
    item_type = models.CharField(max_length=2, choices=ItemType.choices)
    published = models.OneToOneField("ItemVersion", models.PROTECT, null=True, blank=True, related_name="published_for")
    # Character pairs of everything a citizen may type; trigrams miss two-character words.
    tokens = ArrayField(models.TextField(), default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "task_code"], name="item_code_once")]
        indexes = [
            GinIndex(fields=["tokens"], name="item_tokens", fastupdate=False),
            models.Index(fields=["region", "department", "name"], name="item_by_department"),
        ]

    def __str__(self) -> str:
        return self.name


class ItemVersion(models.Model):
    """
    One edition of an item with the fields of ITEM-10. Published editions are not edited: a change is a new one.

    Limits are a number with a unit; an empty number means none is set.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("草稿")
        PUBLISHED = "published", _("已发布")
        REPLACED = "replaced", _("已被替换")
        WITHDRAWN = "withdrawn", _("已停办")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    item = models.ForeignKey(ServiceItem, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(_("事项版本"))
    state = models.CharField(max_length=12, choices=State.choices, default=State.DRAFT)
    effective_on = models.DateField(_("计划生效日期"), null=True, blank=True)
    cancel_on = models.DateField(_("计划取消日期"), null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)

    name = models.CharField(_("事项名称"), max_length=300)
    everyday_names = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    legal_basis = models.TextField(_("设定依据"), blank=True)
    power_source = models.CharField(_("权力来源"), max_length=40, blank=True)
    exercise_level = models.CharField(_("行使层级"), max_length=20, blank=True)
    organ_nature = models.CharField(_("实施主体性质"), max_length=20, blank=True)
    delegated_department = models.CharField(_("委托部门"), max_length=120, blank=True)
    statutory_limit = models.PositiveSmallIntegerField(_("法定办结时限"), null=True, blank=True)
    statutory_unit = models.CharField(max_length=10, choices=LimitUnit.choices, default=LimitUnit.WORKDAY)
    statutory_note = models.TextField(_("法定办结时限说明"), blank=True)
    promised_limit = models.PositiveSmallIntegerField(_("承诺办结时限"), null=True, blank=True)
    promised_unit = models.CharField(max_length=10, choices=LimitUnit.choices, default=LimitUnit.WORKDAY)
    promised_note = models.TextField(_("承诺办结时限说明"), blank=True)
    accept_condition = models.TextField(_("受理条件"), blank=True)
    procedure = models.TextField(_("办理流程"), blank=True)
    case_type = models.CharField(_("办件类型"), max_length=10, choices=CaseType.choices)
    channels = ArrayField(models.CharField(max_length=20), default=list, blank=True, verbose_name=_("办理形式"))
    special_procedures = models.TextField(_("特别程序"), blank=True)
    service_objects = ArrayField(models.CharField(max_length=20), default=list, blank=True, verbose_name=_("服务对象"))
    visit_count = models.PositiveSmallIntegerField(_("到办事现场次数"), null=True, blank=True)
    has_fee = models.BooleanField(_("是否收费"), default=False)
    fee_note = models.TextField(_("收费标准"), blank=True)
    fee_basis = models.TextField(_("收费依据"), blank=True)
    place = models.TextField(_("办理地点"), blank=True)
    hours = models.TextField(_("办理时间"), blank=True)
    consult_way = models.TextField(_("咨询方式"), blank=True)
    complaint_way = models.TextField(_("监督投诉方式"), blank=True)
    result_name = models.CharField(_("审批结果名称"), max_length=120, blank=True)
    plain_text = models.TextField(_("大白话说明"), blank=True)
    themes = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    is_joint = models.BooleanField(_("联办件"), default=False)
    # ITEM-11 fields that nothing decides on yet, under the names of the source.
    extended = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "number"], name="version_number_once"),
            models.UniqueConstraint(
                fields=["item"], condition=models.Q(state="published"), name="one_published_version"
            ),
            models.UniqueConstraint(fields=["item"], condition=models.Q(state="draft"), name="one_draft_version"),
            # LAW-21: no fee without a legal basis.
            models.CheckConstraint(
                condition=models.Q(has_fee=False) | ~models.Q(fee_basis=""), name="fee_has_legal_basis"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"

    @property
    def is_immediate(self) -> bool:
        return self.case_type == CaseType.IMMEDIATE

    @property
    def promised(self) -> Limit | None:
        return None if self.promised_limit is None else Limit(self.promised_limit, Unit(self.promised_unit))

    @property
    def statutory(self) -> Limit | None:
        return None if self.statutory_limit is None else Limit(self.statutory_limit, Unit(self.statutory_unit))

    def is_stated(self, field: str) -> bool:
        """False when the list it was imported from says nothing about `field`, so its default means nothing."""
        return field not in self.extended.get(NOT_STATED, ())

    @property
    def needs_no_materials(self) -> bool:
        """Somebody said that nothing has to be handed in; an empty list alone may just be unfinished."""
        return bool(self.extended.get(NO_MATERIALS))


class ItemMaterial(models.Model):
    """申请材料 (ITEM-12)."""

    class Necessity(models.TextChoices):
        REQUIRED = "required", _("必要")
        OPTIONAL = "optional", _("非必要")
        GAP_ALLOWED = "gap_allowed", _("容缺后补")

    class Kind(models.TextChoices):
        ORIGINAL = "original", _("原件")
        COPY = "copy", _("复印件")
        BOTH = "both", _("原件和复印件")

    class Source(models.TextChoices):
        APPLICANT = "applicant", _("申请人自备")
        GOVERNMENT = "government", _("政府部门核发")
        SHARED = "shared", _("数据共享，不用带")
        OTHER = "other", _("其他")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey(ItemVersion, models.CASCADE, related_name="materials")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=500)
    necessity = models.CharField(max_length=12, choices=Necessity.choices, default=Necessity.REQUIRED)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.ORIGINAL)
    form = models.CharField(_("材料形式"), max_length=20, blank=True)
    source = models.CharField(max_length=12, choices=Source.choices, default=Source.APPLICANT)
    copies = models.PositiveSmallIntegerField(default=1)
    note = models.TextField(_("填报须知"), blank=True)
    accept_standard = models.TextField(_("受理标准"), blank=True)
    legal_basis = models.TextField(_("要求提供材料的依据"), blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["version", "position"], name="material_position_once")]

    def __str__(self) -> str:
        return self.name


class FlowStep(models.Model):
    """
    One step of a version's flow, as data: it opens when every step in `after` is done.

    limit_days: working days from opening; the longest path fits the promise.
    """

    class Kind(models.TextChoices):
        RECEIVE = "receive", _("收件")
        ACCEPT = "accept", _("受理")
        REVIEW = "review", _("审查")
        VISIT = "visit", _("现场核查")
        EXPERT = "expert", _("专家评审")
        DECIDE = "decide", _("决定")
        MAKE = "make", _("制证")
        DELIVER = "deliver", _("送达")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey(ItemVersion, models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    key = models.SlugField(max_length=40)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    department = models.ForeignKey(Department, models.PROTECT, null=True, blank=True)
    post = models.CharField(_("岗位"), max_length=60)
    authority = models.CharField(_("权限"), max_length=120)
    limit_days = models.PositiveSmallIntegerField()
    after = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    when = ArrayField(models.CharField(max_length=80), default=list, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="step_key_once"),
            # S1-23: a step without post and authority cannot exist; a limit is never empty.
            models.CheckConstraint(condition=~models.Q(post="") & ~models.Q(authority=""), name="step_has_post"),
        ]

    def __str__(self) -> str:
        return self.name


class CalendarYear(models.Model):
    """A year whose days off have been announced, and the notice that says so (CAL-1)."""

    year = models.PositiveSmallIntegerField(primary_key=True)
    notice = models.CharField(max_length=200, blank=True)
    loaded_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return str(self.year)


class CalendarDay(models.Model):
    """
    A day somebody has spoken about: mostly one that is not what its weekday says (CAL-2).

    notice: the year of the official notice, "2026", or after LOCAL the reason of the person who set the day.
    """

    LOCAL = "本地："

    on = models.DateField(primary_key=True)
    is_workday = models.BooleanField()
    name = models.CharField(max_length=40)
    notice = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["on"]

    def __str__(self) -> str:
        return f"{self.on} {self.name}"

    @property
    def is_local(self) -> bool:
        """Set by hand; loading or announcing official days leaves it alone."""
        return self.notice.startswith(self.LOCAL)


class CalendarState(models.Model):
    """One row whose `version` a trigger renews with every change of the calendar, so that readers can keep a copy."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    version = models.UUIDField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="calendar_state_is_one_row")]


class LocalRule(models.Model):
    """A number a place may set, from a day on; the latest row not after the day asked for counts."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    key = models.CharField(max_length=60)
    value = models.IntegerField()
    effective_on = models.DateField()
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "key", "effective_on"], name="local_rule_once")]
