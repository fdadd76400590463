"""What is typed into an edition: its fields in sections, and the rows of its lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, cast

from django import forms
from django.forms import BaseFormSet, formset_factory
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.catalog.actions import FaqDraft, FeeDraft, MaterialDraft, StepDraft
from yimen.catalog.models import CaseType, FlowStep, ItemMaterial, ItemVersion, LimitUnit
from yimen.catalog.models.items import COMMITMENT_MATERIALS, HANDLING
from yimen.catalog.queries.dictionaries import terms_of
from yimen.people.models import Department
from yimen.web.workbench.catalog.common import clean_values, required

_YES_NO = (("0", gettext_lazy("不是")), ("1", gettext_lazy("是")))
# Words parted by 、 in one box; words ticked in a list; one word chosen from a list.
_TYPED = ("everyday_names", "themes", "joint_organs")
_TICKED = {"channels": "channel", "service_objects": "service_object", "exercise_level": "level"}
_CHOSEN = {
    "power_source": "power_source",
    "organ_nature": "organ_nature",
    "universal_scope": "universal_scope",
    "online_depth": "online_depth",
    "result_type": "result_type",
}


def _long(label: Any, rows: int = 3, help_text: Any = "") -> forms.CharField:
    return forms.CharField(label=label, required=False, widget=forms.Textarea({"rows": rows}), help_text=help_text)


def _short(label: Any, most: int | None = None, help_text: Any = "") -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=most, help_text=help_text)


def _number(label: Any, most: int, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=0, max_value=most, help_text=help_text)


def _day(label: Any, help_text: Any = "") -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        help_text=help_text,
        error_messages={"invalid": gettext_lazy("没有这一天，请写成 2027-02-08 这样。")},
    )


def _tick(label: Any) -> forms.BooleanField:
    return forms.BooleanField(label=label, required=False)


def _ticks(label: Any, help_text: Any = "") -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label, required=False, widget=forms.CheckboxSelectMultiple, help_text=help_text
    )


class EditionForm(forms.Form):
    """
    What a version says (ITEM-10, ITEM-11), in the sections of the guide. Typed lists are parted by 、 or ，.

    standing: the edition as it is; a word it has stays choosable though no code list knows it. on: the day the code
    lists are read for.
    """

    name = forms.CharField(label=gettext_lazy("事项名称"), max_length=300, **required(gettext_lazy("请填写事项名称。")))
    everyday_names = _short(
        gettext_lazy("大家平时怎么叫"), None, gettext_lazy("几个说法用顿号分开，找的时候都找得到。")
    )
    plain_text = _long(gettext_lazy("大白话说明"), 4, gettext_lazy("明白纸上印的就是这一段，句子短一点。"))
    service_objects = _ticks(gettext_lazy("谁能办"))
    themes = _short(gettext_lazy("主题"), None, gettext_lazy("例如：开店办企业、买房租房。"))
    result_name = _short(gettext_lazy("办好后拿到什么"), 120)
    result_type = forms.ChoiceField(label=gettext_lazy("审批结果类型"), required=False)
    result_sample = _long(gettext_lazy("审批结果样本"), 2, gettext_lazy("写样本的样子，或者样本的网址。"))

    legal_basis = _long(gettext_lazy("设定依据"))
    power_source = forms.ChoiceField(label=gettext_lazy("权力来源"), required=False)
    exercise_level = _ticks(gettext_lazy("行使层级"), gettext_lazy("几级一起办就都选上。"))
    organ_nature = forms.ChoiceField(label=gettext_lazy("实施主体性质"), required=False)
    delegated_department = _short(gettext_lazy("委托部门"), 120)
    universal_scope = forms.ChoiceField(label=gettext_lazy("通办范围"), required=False)
    town_code = _short(gettext_lazy("乡镇、村居代码"), 20)

    accept_condition = _long(gettext_lazy("受理条件"))
    prohibitions = _long(gettext_lazy("禁止性要求"), 2, gettext_lazy("没有就写“没有”。"))
    quantity_limit = _long(gettext_lazy("数量限制"), 2, gettext_lazy("没有就写“没有”。"))
    procedure = _long(gettext_lazy("办理流程"))
    case_type = forms.ChoiceField(label=gettext_lazy("办件类型"), choices=CaseType.choices)
    is_joint = forms.ChoiceField(label=gettext_lazy("几个部门联办"), choices=_YES_NO, required=False)
    joint_organs = _short(gettext_lazy("联办机构"), None, gettext_lazy("几个机构用顿号分开。"))
    special_procedures = _long(gettext_lazy("特别程序"), 2, gettext_lazy("检验、评审这些不算在时限里的时间。"))
    intermediary = _long(gettext_lazy("中介服务"), 2)
    rights_and_duties = _long(gettext_lazy("申请人权利和义务"), 2)
    decide_with_gap = _tick(gettext_lazy("容缺的材料还没补，也可以先作决定"))
    decided_above = _tick(gettext_lazy("由上级决定，我们只作初审"))
    commitment_materials = _long(
        gettext_lazy("哪些证明可以用告知承诺代替"), 2, gettext_lazy("写材料清单里的名称，几样用顿号分开。")
    )
    quick_minutes = _number(gettext_lazy("承诺窗口几分钟办好"), 240, gettext_lazy("没有这个承诺就空着。"))
    is_secret = _tick(gettext_lazy("决定涉及国家秘密、商业秘密或者个人隐私，不公开"))

    promised_limit = _number(gettext_lazy("承诺办结时限"), 9999)
    promised_unit = forms.ChoiceField(label=gettext_lazy("承诺时限单位"), choices=LimitUnit.choices)
    promised_note = _long(gettext_lazy("承诺办结时限说明"), 2)
    statutory_limit = _number(gettext_lazy("法定办结时限"), 9999)
    statutory_unit = forms.ChoiceField(label=gettext_lazy("法定时限单位"), choices=LimitUnit.choices)
    statutory_note = _long(gettext_lazy("法定办结时限说明"), 2)

    has_fee = forms.ChoiceField(
        label=gettext_lazy("收不收费"),
        choices=(("", gettext_lazy("还没定")), ("0", gettext_lazy("不收费")), ("1", gettext_lazy("收费"))),
        required=False,
    )
    fee_note = _short(gettext_lazy("收费标准"), None, gettext_lazy("空着就照下面的收费项目写。"))
    fee_basis = _short(gettext_lazy("收费依据"), None, gettext_lazy("收费要有法律或行政法规作依据。"))

    channels = _ticks(gettext_lazy("办理形式"))
    online_depth = forms.ChoiceField(label=gettext_lazy("网上办理深度"), required=False)
    visit_count = _number(gettext_lazy("到办事现场次数"), 99)
    visit_reason = _long(gettext_lazy("必须到现场的原因"), 2)
    place = _short(gettext_lazy("办理地点"))
    hours = _short(gettext_lazy("办理时间"))
    consult_way = _short(gettext_lazy("咨询方式"))
    complaint_way = _short(gettext_lazy("监督投诉方式"))
    finishes_in_hall = _tick(gettext_lazy("在大厅就能办结"))
    takes_appointments = _tick(gettext_lazy("可以预约"))
    on_terminals = _tick(gettext_lazy("自助终端能办"))
    pays_online = _tick(gettext_lazy("能网上缴费"))
    delivers_by_post = _tick(gettext_lazy("结果能寄到家"))

    effective_on = _day(gettext_lazy("计划生效日期"), gettext_lazy("空着就是发布当天；写以后的日子，到那天自动生效。"))
    cancel_on = _day(gettext_lazy("计划取消日期"), gettext_lazy("从这一天起不再受理，空着就是不取消。"))
    due_kind = forms.ChoiceField(
        label=gettext_lazy("到时候提醒谁来办"),
        required=False,
        choices=(
            ("", gettext_lazy("不提醒")),
            ("age", gettext_lazy("到了多少岁的人")),
            ("renewal", gettext_lazy("证快到期的人")),
        ),
    )
    due_years = _number(gettext_lazy("多少岁"), 150)
    due_months = _number(gettext_lazy("证有效几个月"), 600)
    due_before_days = _number(gettext_lazy("提前几天提醒"), 365)
    no_materials = forms.BooleanField(label=gettext_lazy("不用交材料"), required=False)

    SECTIONS = (
        ("what", gettext_lazy("是什么事"), "name"),
        ("ground", gettext_lazy("依据和权限"), "legal_basis"),
        ("how", gettext_lazy("怎么办"), "accept_condition"),
        ("limits", gettext_lazy("时限"), "promised_limit"),
        ("fees", gettext_lazy("收费标准和依据"), "has_fee"),
        ("where", gettext_lazy("去哪里、找谁"), "channels"),
        ("when", gettext_lazy("什么时候生效"), "effective_on"),
    )

    def __init__(self, *args: Any, standing: ItemVersion | None = None, on: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = {**_TICKED, **_CHOSEN}
        known = terms_of(list(kinds.values()), on)
        for name, kind in kinds.items():
            words = list(known[kind])
            kept = _words(getattr(standing, name)) if standing else []
            choices = [(word, word) for word in (*words, *(word for word in kept if word not in words))]
            blank = [("", _("还没写"))] if name in _CHOSEN else []
            self.fields[name].choices = [*blank, *choices]  # type: ignore[attr-defined]

    def section(self, key: str) -> list[forms.BoundField]:
        """Return the fields of a section; no_materials stands with its list."""
        begins = {name: begun for begun, _title, name in self.SECTIONS}
        current, found = "", []
        for field in self:
            current = begins.get(field.name, current)
            if current == key and field.name != "no_materials":
                found.append(field)
        return found

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        kind = said.get("due_kind", "")
        needed = {"age": ("due_years",), "renewal": ("due_months", "due_before_days")}.get(kind, ())
        for name in needed:
            if name not in self.errors and not said.get(name):
                self.add_error(name, _("请写一个大于 0 的数。"))
        return said

    def values(self) -> dict[str, Any]:
        """Return the fields for actions.save_draft."""
        chosen = {key: value for key, value in self.cleaned_data.items() if key not in {"no_materials", *HANDLING}}
        kind, years, months, before = (chosen.pop(f"due_{name}") for name in ("kind", "years", "months", "before_days"))
        rules = {
            "age": {"kind": "age", "years": years},
            "renewal": {"kind": "renewal", "months": months, "before_days": before},
        }
        chosen["due_rule"] = rules.get(kind, {})
        for key in _TYPED:
            chosen[key] = split_words(chosen[key])
        chosen["exercise_level"] = "、".join(chosen["exercise_level"])
        fee = chosen.pop("has_fee")
        if fee:
            chosen["has_fee"] = fee == "1"
        chosen["is_joint"] = chosen["is_joint"] == "1"
        return clean_values(chosen)

    def handling(self) -> dict[str, Any]:
        """Return how cases are handled, for actions.save_draft."""
        said = {key: self.cleaned_data[key] for key in HANDLING}
        return said | {COMMITMENT_MATERIALS: split_words(said[COMMITMENT_MATERIALS])}


def split_words(text: str) -> list[str]:
    """Return the words of a typed list, once each."""
    parts = text.replace("，", "、").replace(",", "、").replace("\n", "、").split("、")
    return list(dict.fromkeys(word.strip() for word in parts if word.strip()))


def _words(value: str | Sequence[str]) -> list[str]:
    return [word for word in value.split("、") if word] if isinstance(value, str) else list(value)


def edition_initial(version: ItemVersion) -> dict[str, Any]:
    values = {name: getattr(version, name) for name in EditionForm.base_fields if hasattr(version, name)}
    for key in _TYPED:
        values[key] = "、".join(values[key])
    values["exercise_level"] = _words(version.exercise_level)
    values["is_joint"] = "1" if version.is_joint else "0"
    values["has_fee"] = ("1" if version.has_fee else "0") if version.is_stated("has_fee") else ""
    values |= {f"due_{name}": value for name, value in version.due_rule.items()}
    values |= {key: version.extended.get(key) for key in HANDLING}
    values[COMMITMENT_MATERIALS] = "、".join(version.extended.get(COMMITMENT_MATERIALS) or ())
    return values | {"no_materials": version.needs_no_materials}


class MaterialForm(forms.Form):
    """A row of the list; an emptied name takes it out."""

    name = forms.CharField(label=gettext_lazy("材料名称"), max_length=500, required=False)
    necessity = forms.ChoiceField(
        label=gettext_lazy("要不要"), choices=ItemMaterial.Necessity.choices, initial="required"
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("原件还是复印件"), choices=ItemMaterial.Kind.choices, initial="original"
    )
    source = forms.ChoiceField(label=gettext_lazy("从哪里来"), choices=ItemMaterial.Source.choices, initial="applicant")
    copies = forms.IntegerField(
        label=gettext_lazy("份数"),
        min_value=0,
        max_value=99,
        initial=1,
        **required(gettext_lazy("请写要几份，不交纸质的写 0。")),
    )
    legal_basis = forms.CharField(label=gettext_lazy("要它的依据"), required=False)
    note = forms.CharField(label=gettext_lazy("怎么填"), required=False)
    form = forms.ChoiceField(label=gettext_lazy("材料形式"), required=False)
    paper_size = forms.CharField(label=gettext_lazy("纸质规格"), max_length=40, required=False)
    source_note = forms.CharField(label=gettext_lazy("来源渠道说明"), required=False)
    accept_standard = forms.CharField(label=gettext_lazy("受理标准"), required=False)
    form_key = forms.ChoiceField(label=gettext_lazy("要填的表"), required=False)

    FORMS = (
        ("", gettext_lazy("没有写")),
        ("paper", gettext_lazy("纸质")),
        ("electronic", gettext_lazy("电子")),
        ("both", gettext_lazy("纸质和电子")),
    )
    MAIN = ("name", "necessity", "kind", "source", "copies", "legal_basis", "note")

    def __init__(self, *args: Any, sheets: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kept = self.initial.get("form", "")
        forms_known = dict(self.FORMS)
        more = [] if kept in forms_known else [(kept, kept)]
        self.fields["form"].choices = [*self.FORMS, *more]  # type: ignore[attr-defined]
        lost = self.initial.get("form_key", "")
        gone = [] if not lost or lost in dict(sheets) else [(lost, lost)]
        self.fields["form_key"].choices = [("", _("不是表格")), *sheets, *gone]  # type: ignore[attr-defined]

    def main(self) -> list[forms.BoundField]:
        return [self[name] for name in self.MAIN]

    def more(self) -> list[forms.BoundField]:
        return [field for field in self if field.name not in self.MAIN]

    def has_more(self) -> bool:
        return any(field.errors or field.value() for field in self.more())


class FeeForm(forms.Form):
    """A fee; an emptied name takes it out."""

    name = forms.CharField(label=gettext_lazy("收费项目"), max_length=120, required=False)
    standard = forms.CharField(label=gettext_lazy("收费标准"), max_length=300, required=False)
    basis = forms.CharField(label=gettext_lazy("收费依据"), required=False)
    is_reducible = forms.BooleanField(label=gettext_lazy("可以减免"), required=False)
    reduction_basis = forms.CharField(label=gettext_lazy("减免依据"), required=False)


class FaqForm(forms.Form):
    """A question and its answer; both emptied take it out."""

    question = forms.CharField(label=gettext_lazy("大家问什么"), max_length=300, required=False)
    answer = forms.CharField(label=gettext_lazy("怎么答"), required=False, widget=forms.Textarea({"rows": 2}))


class StepForm(forms.Form):
    """A row of the flow; an emptied name and key take it out. Post, authority and limit are judged by the rules."""

    key = forms.SlugField(label=gettext_lazy("代号"), max_length=40, required=False)
    name = forms.CharField(label=gettext_lazy("步骤"), max_length=80, required=False)
    kind = forms.ChoiceField(label=gettext_lazy("种类"), choices=FlowStep.Kind.choices, initial="review")
    post = forms.CharField(label=gettext_lazy("岗位"), max_length=60, required=False)
    authority = forms.CharField(label=gettext_lazy("权限"), max_length=120, required=False)
    limit_days = forms.IntegerField(label=gettext_lazy("几个工作日"), min_value=0, max_value=999, required=False)
    after = forms.CharField(label=gettext_lazy("等哪几步做完（写代号）"), required=False)
    department = forms.ChoiceField(label=gettext_lazy("哪个部门办"), required=False)

    def __init__(self, *args: Any, departments: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["department"].choices = [("", _("本事项的部门")), *departments]  # type: ignore[attr-defined]


Materials = formset_factory(MaterialForm, extra=0, max_num=200, absolute_max=200)
Fees = formset_factory(FeeForm, extra=0, max_num=40, absolute_max=40)
Faqs = formset_factory(FaqForm, extra=0, max_num=60, absolute_max=60)
Steps = formset_factory(StepForm, extra=0, max_num=60, absolute_max=60)
LISTS: Mapping[str, type[BaseFormSet[Any]]] = {"m": Materials, "f": Fees, "q": Faqs, "s": Steps}


def rows_of(formset: type[BaseFormSet[Any]], rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Return what stands, as a formset begins with it."""
    return [{name: getattr(row, name) for name in _fields(formset)} for row in rows]


def step_rows(steps: Iterable[FlowStep]) -> list[dict[str, Any]]:
    found = []
    for step in steps:
        row = {name: getattr(step, name) for name in StepForm.base_fields}
        department = str(step.department_id) if step.department_id else ""
        found.append(row | {"after": " ".join(step.after), "department": department})
    return found


def _fields(formset: type[BaseFormSet[Any]]) -> Mapping[str, forms.Field]:
    return cast("type[forms.Form]", cast(Any, formset).form).base_fields


def typed_rows(data: QueryDict, prefix: str) -> list[dict[str, Any]]:
    """Return the rows of a list as they were typed, not judged."""
    names = _fields(LISTS[prefix])
    try:
        count = min(int(data.get(f"{prefix}-TOTAL_FORMS", "0")), 200)
    except ValueError:
        count = 0
    return [
        {
            name: bool(data.get(f"{prefix}-{n}-{name}"))
            if isinstance(field, forms.BooleanField)
            else data.get(f"{prefix}-{n}-{name}", "")
            for name, field in names.items()
        }
        for n in range(count)
    ]


def rearranged(rows: Sequence[dict[str, Any]], act: str, number: int) -> list[dict[str, Any]]:
    """Return the rows after "add", "up", "down" or "drop" on the row `number`; anything else leaves them."""
    moved = list(rows)
    if act == "add":
        return [*moved, {}]
    if not 0 <= number < len(moved):
        return moved
    if act == "drop":
        del moved[number]
    other = number - 1 if act == "up" else number + 1
    if act in {"up", "down"} and 0 <= other < len(moved):
        moved[number], moved[other] = moved[other], moved[number]
    return moved


def typed_edition(form: EditionForm, data: QueryDict) -> dict[str, Any]:
    """Return the fields as they were typed, not judged."""
    found: dict[str, Any] = {}
    for name, field in form.fields.items():
        if isinstance(field, forms.MultipleChoiceField):
            found[name] = data.getlist(name)
        elif isinstance(field, forms.BooleanField):
            found[name] = bool(data.get(name))
        else:
            found[name] = data.get(name, "")
    return found


def _said(formset: BaseFormSet[Any]) -> Iterator[dict[str, Any]]:
    for form in formset:
        yield clean_values(form.cleaned_data)


def materials_of(formset: BaseFormSet[Any], before: Iterable[ItemMaterial]) -> list[MaterialDraft]:
    kept = {row.name: tuple(row.when) for row in before}
    drafts = []
    for row in _said(formset):
        if name := str(row.pop("name", "")).strip():
            # Which answers ask for a material is said with the questions; one that keeps its name keeps them.
            drafts.append(MaterialDraft(name, **row, when=kept.get(name, ())))
    return drafts


def fees_of(formset: BaseFormSet[Any]) -> list[FeeDraft]:
    return [
        FeeDraft(**row)
        for row in _said(formset)
        if row and any(row[name].strip() for name in ("name", "standard", "basis"))
    ]


def faqs_of(formset: BaseFormSet[Any]) -> list[FaqDraft]:
    return [FaqDraft(**row) for row in _said(formset) if row and (row["question"].strip() or row["answer"].strip())]


def steps_of(
    formset: BaseFormSet[Any], before: Iterable[FlowStep], departments: Mapping[str, Department]
) -> list[StepDraft]:
    kept = {row.key: row for row in before}
    drafts: list[StepDraft] = []
    for row in _said(formset):
        if not row or not (row["key"] or row["name"].strip()):
            continue
        old = kept.get(row["key"])
        row["after"] = tuple(row["after"].replace("，", " ").replace("、", " ").replace(",", " ").split())
        row["key"] = row["key"] or f"step-{len(drafts) + 1}"
        row["department"] = departments.get(row["department"])
        drafts.append(StepDraft(**row, when=tuple(old.when) if old else ()))
    return drafts
