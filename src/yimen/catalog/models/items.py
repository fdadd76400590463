"""Service items (事项) with versions, materials and flow steps."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.lib.ids import uuid7
from yimen.lib.workdays import Limit, Unit
from yimen.people.models import Department, Region, Staff

# Keys of ItemVersion.extended that mean something to us; every other key is the source's own.
NOT_STATED = "not_stated"
NO_MATERIALS = "no_materials"
FINGERPRINT = "source_sha256"
# How its cases are handled: decided though a promised paper is still to come; names of the proofs a commitment may
# replace; decided by the organ above; its decisions touch a secret or privacy and are not published (LAW-18); promised
# at the window in so many minutes (S3-16).
DECIDE_WITH_GAP, COMMITMENT_MATERIALS = "decide_with_gap", "commitment_materials"
DECIDED_ABOVE, SECRET = "decided_above", "is_secret"
QUICK_MINUTES = "quick_minutes"
HANDLING = (DECIDE_WITH_GAP, COMMITMENT_MATERIALS, DECIDED_ABOVE, SECRET, QUICK_MINUTES)
SOURCE_CODE = "source_code"  # a code of the source that is too long or strange for our column

# Everything of a version a person writes; number, state and dates of publishing follow from acts.
FIELDS = (
    *("name", "everyday_names", "legal_basis", "power_source", "exercise_level", "organ_nature"),
    *("delegated_department", "statutory_limit", "statutory_unit", "statutory_note"),
    *("promised_limit", "promised_unit", "promised_note", "accept_condition", "procedure", "case_type", "channels"),
    *("special_procedures", "service_objects", "visit_count", "has_fee", "fee_note", "fee_basis", "place", "hours"),
    *("consult_way", "complaint_way", "result_name", "plain_text", "themes", "is_joint", "effective_on", "cancel_on"),
    *("universal_scope", "finishes_in_hall", "delivers_by_post", "pays_online", "takes_appointments", "on_terminals"),
    *("online_depth", "quantity_limit", "prohibitions", "visit_reason", "joint_organs", "intermediary"),
    *("result_type", "result_sample", "rights_and_duties", "town_code", "due_rule"),
)


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


class BasicItem(models.Model):
    """
    基本目录中的事项 (ITEM-1): one standard for everybody who carries it out under the same basic code (S2-12, ITEM-17).

    materials: [{"name", "necessity"}…] as every implementation must ask for them; empty when none were laid down.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT, help_text="the place whose catalogue it is")
    catalog_code = models.CharField(_("基本编码"), max_length=12)
    name = models.CharField(_("事项名称"), max_length=300)
    item_type = models.CharField(_("事项类型"), max_length=2, choices=ItemType.choices)
    legal_basis = models.TextField(_("设定依据"), blank=True)
    statutory_limit = models.PositiveSmallIntegerField(_("法定办结时限"), null=True, blank=True)
    statutory_unit = models.CharField(max_length=10, choices=LimitUnit.choices, default=LimitUnit.WORKDAY)
    materials = models.JSONField(default=list, blank=True)
    cancelled_on = models.DateField(_("取消日期"), null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "catalog_code"], name="basic_code_once")]
        indexes = [models.Index(fields=["region", "name"], name="basic_by_name")]

    def __str__(self) -> str:
        return self.name


class ReformRound(models.Model):
    """一轮流程再造 (S4-28): the editions changed for one purpose, so that before and after can be read together."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    name = models.CharField(_("名称"), max_length=80)
    begun_on = models.DateField(_("开始日期"))
    ended_on = models.DateField(_("结束日期"), null=True, blank=True)
    note = models.TextField(_("说明"), blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "name"], name="reform_round_once")]

    def __str__(self) -> str:
        return self.name


class ServiceItem(models.Model):
    """
    实施清单中的事项: one thing a citizen can apply for, at one organ. What it says is in its versions.

    catalog_code: 基本编码, 12 digits; task_code: 实施编码, 31 (column 36, ITEM-5); legacy codes beside them.
    parent: the item that this 业务办理项 (33 characters) is one situation of. should_enter: 应进驻大厅; exempt_reason:
    why it need not. Where it is handled now is in HallEntry.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    department = models.ForeignKey(Department, models.PROTECT, related_name="items")
    basic = models.ForeignKey(BasicItem, models.PROTECT, null=True, blank=True, related_name="items")
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="handling_items")
    catalog_code = models.CharField(max_length=12, blank=True)
    task_code = models.CharField(max_length=36)
    local_catalog_code = models.CharField(max_length=50, blank=True)
    local_task_code = models.CharField(max_length=50, blank=True)
    should_enter = models.BooleanField(_("应进驻大厅"), default=True)
    exempt_reason = models.CharField(_("不进驻的原因"), max_length=200, blank=True)
    source = models.CharField(max_length=40, blank=True, help_text="the list it was imported from; empty: made here")
    name = models.CharField(max_length=300, help_text="as in the published version, for lists")
    item_type = models.CharField(max_length=2, choices=ItemType.choices)
    published = models.OneToOneField("ItemVersion", models.PROTECT, null=True, blank=True, related_name="published_for")
    everyday_names = ArrayField(models.CharField(max_length=60), default=list, help_text="as published, for search")
    # Character pairs of everything a citizen may type (trigrams miss two-character words), and the item's number in
    # Posting.places. Whoever sets the tokens takes the number away (search.index); until it has another one the
    # tokens themselves are searched.
    tokens = ArrayField(models.TextField(), default=list)
    place = models.IntegerField(null=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "task_code"], name="item_code_once")]
        indexes = [
            # Not unique, so that a new number does not keep cases waiting that point at the item.
            models.Index(fields=["place"], name="item_by_place"),
            models.Index(
                fields=["region"], condition=models.Q(place=None, published__isnull=False), name="item_without_place"
            ),
            models.Index(fields=["region", "department", "name"], name="item_by_department"),
        ]

    def __str__(self) -> str:
        return self.name


class ItemVersion(models.Model):
    """
    One edition of an item with the fields of ITEM-10. Published editions are not edited: a change is a new one.

    An edition approved before its `effective_on` is published by a job on that day; from `cancel_on` on it no longer
    counts. Limits are a number with a unit; an empty number means none is set.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("草稿")
        APPROVED = "approved", _("已核准，等生效")
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
    # ITEM-11
    universal_scope = models.CharField(_("通办范围"), max_length=20, blank=True)
    finishes_in_hall = models.BooleanField(_("大厅内办结"), default=True)
    delivers_by_post = models.BooleanField(_("支持物流快递"), default=False)
    pays_online = models.BooleanField(_("支持网上支付"), default=False)
    takes_appointments = models.BooleanField(_("支持预约办理"), default=False)
    on_terminals = models.BooleanField(_("支持终端办理"), default=False)
    online_depth = models.CharField(_("网上办理深度"), max_length=40, blank=True)
    quantity_limit = models.TextField(_("数量限制"), blank=True)
    prohibitions = models.TextField(_("禁止性要求"), blank=True)
    visit_reason = models.TextField(_("必须到现场的原因"), blank=True)
    joint_organs = ArrayField(models.CharField(max_length=120), default=list, blank=True, verbose_name=_("联办机构"))
    intermediary = models.TextField(_("中介服务"), blank=True)
    result_type = models.CharField(_("审批结果类型"), max_length=40, blank=True)
    result_sample = models.TextField(_("审批结果样本"), blank=True)
    rights_and_duties = models.TextField(_("申请人权利和义务"), blank=True)
    town_code = models.CharField(_("乡镇、村居代码"), max_length=20, blank=True)
    # {"kind": "age", "years": 80} or {"kind": "renewal", "months": 12, "before_days": 30}: who is due for it (S3-2).
    due_rule = models.JSONField(default=dict, blank=True)
    round = models.ForeignKey(ReformRound, models.PROTECT, null=True, blank=True, related_name="versions")
    merged_from = models.ManyToManyField("self", symmetrical=False, blank=True, related_name="merged_into")
    # Fields of a source that nothing here decides on, under its own names.
    extended = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "number"], name="version_number_once"),
            models.UniqueConstraint(
                fields=["item"], condition=models.Q(state="published"), name="one_published_version"
            ),
            models.UniqueConstraint(
                fields=["item"], condition=models.Q(state__in=["draft", "approved"]), name="one_open_version"
            ),
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
    paper_size = models.CharField(_("纸质规格"), max_length=40, blank=True)
    source_note = models.TextField(_("来源渠道说明"), blank=True)
    # The key of the ItemForm that is this material: its blank sheet and its filled-in sample come from there.
    form_key = models.SlugField(max_length=40, blank=True)
    # Options ("question.option") that make it needed; empty: always. See rules.scenario.
    when = ArrayField(models.CharField(max_length=80), default=list, blank=True)

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


class ItemFee(models.Model):
    """One fee (ITEM-15). Without a legal basis it cannot stand (LAW-21)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey(ItemVersion, models.CASCADE, related_name="fees")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(_("收费项目名称"), max_length=120)
    standard = models.CharField(_("收费标准"), max_length=300)
    basis = models.TextField(_("收费依据"))
    is_reducible = models.BooleanField(_("允许减免"), default=False)
    reduction_basis = models.TextField(_("减免依据"), blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["version", "position"], name="fee_position_once"),
            models.CheckConstraint(condition=~models.Q(basis=""), name="fee_line_has_legal_basis"),
        ]

    def __str__(self) -> str:
        return self.name


class ItemFaq(models.Model):
    """常见问题: a question people ask about the item, and the answer (ITEM-15)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey(ItemVersion, models.CASCADE, related_name="faqs")
    position = models.PositiveSmallIntegerField()
    question = models.CharField(_("问题"), max_length=300)
    answer = models.TextField(_("回答"))

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["version", "position"], name="faq_position_once")]

    def __str__(self) -> str:
        return self.question


class ItemForm(models.Model):
    """
    A form to fill in, as data. schema: JSON Schema (2020-12) of one object; sample: values that fit it (示例样表).

    Properties that several items of a bundle share have the same name and are asked once; "x-prefill" names where a
    value comes from, for example "applicant.name".
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey(ItemVersion, models.CASCADE, related_name="forms")
    position = models.PositiveSmallIntegerField()
    key = models.SlugField(max_length=40)
    title = models.CharField(_("表名"), max_length=120)
    schema = models.JSONField(default=dict)
    sample = models.JSONField(default=dict, blank=True)
    when = ArrayField(models.CharField(max_length=80), default=list, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["version", "key"], name="form_key_once")]

    def __str__(self) -> str:
        return self.title


class ScenarioQuestion(models.Model):
    """
    情形引导: a question that decides what somebody needs. `when`: asked only after one of these options was chosen.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey(ItemVersion, models.CASCADE, related_name="questions")
    position = models.PositiveSmallIntegerField()
    key = models.SlugField(max_length=30)
    text = models.CharField(_("问题"), max_length=200)
    help = models.CharField(_("说明"), max_length=300, blank=True)
    is_multiple = models.BooleanField(_("可以选几个"), default=False)
    when = ArrayField(models.CharField(max_length=80), default=list, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["version", "key"], name="question_key_once")]

    def __str__(self) -> str:
        return self.text


class ScenarioOption(models.Model):
    """
    An answer. Materials, steps, forms and questions name it as "question.option" in their `when`.

    promised_limit: working days promised when it is chosen, None to leave the item's; the shortest chosen counts
    only if it is not shorter than the flow. dead_end: why this way ends here and where to go instead; "" goes on.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    question = models.ForeignKey(ScenarioQuestion, models.CASCADE, related_name="options")
    position = models.PositiveSmallIntegerField()
    key = models.SlugField(max_length=30)
    label = models.CharField(_("回答"), max_length=200)
    note = models.CharField(_("说明"), max_length=300, blank=True)
    promised_limit = models.PositiveSmallIntegerField(_("承诺办结时限"), null=True, blank=True)
    dead_end = models.CharField(_("不能办的原因和去处"), max_length=300, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["question", "key"], name="option_key_once")]

    def __str__(self) -> str:
        return self.label


class DraftReview(models.Model):
    """
    One unit's opinion on a draft (S1-16): asked for, then given once. mark: what the draft said when it was given.
    """

    class Verdict(models.TextChoices):
        AGREE = "agree", _("同意")
        CHANGE = "change", _("要修改")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey(ItemVersion, models.CASCADE, related_name="reviews")
    department = models.ForeignKey(Department, models.PROTECT)
    asked_by = models.ForeignKey(Staff, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField()
    verdict = models.CharField(max_length=10, choices=Verdict.choices, blank=True)
    text = models.TextField(_("意见"), blank=True)
    given_by = models.ForeignKey(Staff, models.PROTECT, null=True, related_name="+")
    given_at = models.DateTimeField(null=True)
    mark = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["asked_at", "pk"]
        indexes = [models.Index(fields=["department"], condition=models.Q(given_at=None), name="review_waiting")]


class SharedDocument(models.Model):
    """
    A paper the administration can look up itself, so that nobody may be asked to bring it (LAW-22).

    names: every way material lists write it; holder: the register that has it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    names = ArrayField(models.CharField(max_length=80))
    holder = models.CharField(_("从哪里查"), max_length=120)
    available_on = models.DateField(_("从哪天起能查"))
    ended_on = models.DateField(_("到哪天为止"), null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["region"], name="shared_by_region")]

    def __str__(self) -> str:
        return self.names[0]


class DictionaryTerm(models.Model):
    """
    The code an export writes for one of our words, from a day on: national code lists change (ITEM-13, GKU).

    kind: "necessity", "material_kind", "material_source", "case_type" …; key: our word; code, label: theirs.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.SlugField(max_length=30)
    key = models.CharField(max_length=40)
    code = models.CharField(max_length=20)
    label = models.CharField(max_length=80)
    effective_on = models.DateField()

    class Meta:
        ordering = ["kind", "code"]
        constraints = [models.UniqueConstraint(fields=["kind", "key", "effective_on"], name="dictionary_term_once")]
