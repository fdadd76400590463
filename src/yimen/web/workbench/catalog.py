"""The catalogue editor's pages: items from list to publishing, and the work calendar year by year."""

from __future__ import annotations

import io
from calendar import Calendar as Grid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import BaseFormSet, formset_factory
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.catalog import actions, queries, rules
from yimen.catalog.actions import AnnouncedDay, MaterialDraft, StepDraft
from yimen.catalog.models import (
    CalendarDay,
    CaseType,
    FlowStep,
    ItemMaterial,
    ItemType,
    ItemVersion,
    LimitUnit,
    ServiceItem,
)
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Department
from yimen.web.workbench.cases import CappedPaginator
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page

PAGE = 20
FIRST_YEAR, LAST_YEAR = 2007, 2100
LARGEST_FILE = 100_000
_LISTS = ("everyday_names", "channels", "service_objects", "themes")


# Forms


class ItemFilter(forms.Form):
    STATES = (
        ("", gettext_lazy("不限")),
        ("published", gettext_lazy("已发布")),
        ("draft", gettext_lazy("有草稿")),
        ("none", gettext_lazy("没有发布")),
    )
    q = forms.CharField(label=gettext_lazy("找事项"), max_length=60, required=False)
    department = forms.ModelChoiceField(
        label=gettext_lazy("部门"),
        queryset=Department.objects.none(),
        required=False,
        empty_label=gettext_lazy("不限"),
    )
    state = forms.ChoiceField(label=gettext_lazy("状态"), choices=STATES, required=False)

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Department.objects.filter(region_id=region).order_by("name")
        self.fields["department"].queryset = rows  # type: ignore[attr-defined]


def _required(sentence: Any) -> dict[str, Any]:
    return {"error_messages": {"required": sentence}}


def _clean(values: Mapping[str, Any]) -> dict[str, Any]:
    """Drop the one character no database takes."""
    return {key: value.replace("\x00", "") if isinstance(value, str) else value for key, value in values.items()}


class NewItemForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("事项名称"), max_length=300, **_required(gettext_lazy("请填写事项名称。"))
    )
    task_code = forms.CharField(
        label=gettext_lazy("实施编码"),
        max_length=36,
        help_text=gettext_lazy("31 位：18 位信用代码、1 位层级、12 位基本编码。"),
        **_required(gettext_lazy("请填写实施编码。")),
    )
    department = forms.ModelChoiceField(
        label=gettext_lazy("实施主体"),
        queryset=Department.objects.none(),
        empty_label=gettext_lazy("请选择"),
        **_required(gettext_lazy("请选择实施主体。")),
    )
    item_type = forms.ChoiceField(label=gettext_lazy("事项类型"), choices=ItemType.choices)
    case_type = forms.ChoiceField(label=gettext_lazy("办件类型"), choices=CaseType.choices, initial=CaseType.PROMISED)

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Department.objects.filter(region_id=region).order_by("name")
        self.fields["department"].queryset = rows  # type: ignore[attr-defined]


_YES_NO = (("0", gettext_lazy("不是")), ("1", gettext_lazy("是")))


def _long(label: Any, rows: int = 3) -> forms.CharField:
    return forms.CharField(label=label, required=False, widget=forms.Textarea({"rows": rows}))


def _day(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": gettext_lazy("没有这一天，请写成 2027-02-08 这样。")},
    )


class EditionForm(forms.Form):
    """What a version says (ITEM-10), in the groups of the guide. Words in lists are parted by 、 or ，."""

    name = forms.CharField(
        label=gettext_lazy("事项名称"), max_length=300, **_required(gettext_lazy("请填写事项名称。"))
    )
    everyday_names = forms.CharField(
        label=gettext_lazy("大家平时怎么叫"),
        required=False,
        help_text=gettext_lazy("几个说法用顿号分开，找的时候都找得到。"),
    )
    plain_text = _long(gettext_lazy("大白话说明"))
    service_objects = forms.CharField(label=gettext_lazy("谁能办"), required=False)
    themes = forms.CharField(label=gettext_lazy("主题"), required=False)
    result_name = forms.CharField(label=gettext_lazy("办好后拿到什么"), max_length=120, required=False)

    legal_basis = _long(gettext_lazy("设定依据"))
    power_source = forms.CharField(label=gettext_lazy("权力来源"), max_length=40, required=False)
    exercise_level = forms.CharField(
        label=gettext_lazy("行使层级"),
        max_length=20,
        required=False,
        help_text=gettext_lazy("例如：县级。几级一起办就都写上。"),
    )
    organ_nature = forms.CharField(label=gettext_lazy("实施主体性质"), max_length=20, required=False)
    delegated_department = forms.CharField(label=gettext_lazy("委托部门"), max_length=120, required=False)

    accept_condition = _long(gettext_lazy("受理条件"))
    procedure = _long(gettext_lazy("办理流程"))
    case_type = forms.ChoiceField(label=gettext_lazy("办件类型"), choices=CaseType.choices)
    channels = forms.CharField(
        label=gettext_lazy("办理形式"), required=False, help_text=gettext_lazy("例如：窗口办理、网上办理。")
    )
    is_joint = forms.ChoiceField(label=gettext_lazy("几个部门联办"), choices=_YES_NO, required=False)
    visit_count = forms.IntegerField(label=gettext_lazy("到办事现场次数"), required=False, min_value=0, max_value=99)

    promised_limit = forms.IntegerField(label=gettext_lazy("承诺办结时限"), required=False, min_value=0, max_value=9999)
    promised_unit = forms.ChoiceField(label=gettext_lazy("承诺时限单位"), choices=LimitUnit.choices)
    promised_note = _long(gettext_lazy("承诺办结时限说明"), 2)
    statutory_limit = forms.IntegerField(
        label=gettext_lazy("法定办结时限"), required=False, min_value=0, max_value=9999
    )
    statutory_unit = forms.ChoiceField(label=gettext_lazy("法定时限单位"), choices=LimitUnit.choices)
    statutory_note = _long(gettext_lazy("法定办结时限说明"), 2)
    special_procedures = forms.CharField(
        label=gettext_lazy("特别程序"),
        required=False,
        widget=forms.Textarea({"rows": 2}),
        help_text=gettext_lazy("检验、评审这些不算在时限里的时间。"),
    )

    has_fee = forms.ChoiceField(
        label=gettext_lazy("收不收费"),
        choices=(("", gettext_lazy("还没定")), ("0", gettext_lazy("不收费")), ("1", gettext_lazy("收费"))),
        required=False,
    )
    fee_note = forms.CharField(label=gettext_lazy("收费标准"), required=False)
    fee_basis = forms.CharField(
        label=gettext_lazy("收费依据"),
        required=False,
        help_text=gettext_lazy("收费要有法律或行政法规作依据。"),
    )

    place = forms.CharField(label=gettext_lazy("办理地点"), required=False)
    hours = forms.CharField(label=gettext_lazy("办理时间"), required=False)
    consult_way = forms.CharField(label=gettext_lazy("咨询方式"), required=False)
    complaint_way = forms.CharField(label=gettext_lazy("监督投诉方式"), required=False)

    effective_on = _day(gettext_lazy("计划生效日期"))
    cancel_on = _day(gettext_lazy("计划取消日期"))
    no_materials = forms.BooleanField(label=gettext_lazy("不用交材料"), required=False)

    GROUPS = (
        (gettext_lazy("是什么事"), "name"),
        (gettext_lazy("依据和权限"), "legal_basis"),
        (gettext_lazy("怎么办"), "accept_condition"),
        (gettext_lazy("时限"), "promised_limit"),
        (gettext_lazy("收费"), "has_fee"),
        (gettext_lazy("去哪里、找谁"), "place"),
        (gettext_lazy("什么时候生效"), "effective_on"),
    )

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Return the fields by group, each group from the field that begins it; no_materials stands with the list."""
        begins = {name: title for title, name in self.GROUPS}
        found: list[tuple[str, list[forms.BoundField]]] = []
        for field in self:
            if field.name in begins:
                found.append((str(begins[field.name]), []))
            if field.name != "no_materials":
                found[-1][1].append(field)
        return found

    def values(self) -> dict[str, Any]:
        """Return the fields for actions.save_draft."""
        chosen = {key: value for key, value in self.cleaned_data.items() if key != "no_materials"}
        for key in _LISTS:
            if key in chosen:
                words = chosen[key].replace("，", "、").replace(",", "、").replace("\n", "、").split("、")
                chosen[key] = list(dict.fromkeys(word.strip()[:60] for word in words if word.strip()))
        fee = chosen.pop("has_fee")
        if fee:
            chosen["has_fee"] = fee == "1"
        chosen["is_joint"] = chosen["is_joint"] == "1"
        return _clean(chosen)


def edition_initial(version: ItemVersion) -> dict[str, Any]:
    values = {name: getattr(version, name) for name in EditionForm.base_fields if name != "no_materials"}
    for key in _LISTS:
        if key in values:
            values[key] = "、".join(values[key])
    values["is_joint"] = "1" if version.is_joint else "0"
    values["has_fee"] = ("1" if version.has_fee else "0") if version.is_stated("has_fee") else ""
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
    copies = forms.IntegerField(label=gettext_lazy("份数"), min_value=0, max_value=99, initial=1)
    note = forms.CharField(label=gettext_lazy("怎么填"), required=False)
    legal_basis = forms.CharField(label=gettext_lazy("要它的依据"), required=False)


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


Materials = formset_factory(MaterialForm, extra=3, max_num=200, absolute_max=200)
Steps = formset_factory(StepForm, extra=2, max_num=60, absolute_max=60)


def _materials(formset: BaseFormSet[Any], before: Iterable[ItemMaterial]) -> list[MaterialDraft]:
    kept = {row.name: row for row in before}
    drafts = []
    for form in formset:
        row: dict[str, Any] = _clean(form.cleaned_data)
        if name := str(row.pop("name", "")).strip():
            old = kept.get(name)
            # Two columns have no place on this page; a material that keeps its name keeps them.
            more: dict[str, Any] = {"form": old.form, "accept_standard": old.accept_standard} if old else {}
            drafts.append(MaterialDraft(name, **row | more))
    return drafts


def _steps(
    formset: BaseFormSet[Any], before: Iterable[FlowStep], departments: Mapping[str, Department]
) -> list[StepDraft]:
    kept = {row.key: row for row in before}
    drafts: list[StepDraft] = []
    for form in formset:
        row = _clean(form.cleaned_data)
        if not row or not (row["key"] or row["name"].strip()):
            continue
        old = kept.get(row["key"])
        row["after"] = tuple(row["after"].replace("，", " ").replace("、", " ").replace(",", " ").split())
        row["key"] = row["key"] or f"step-{len(drafts) + 1}"
        row["department"] = departments.get(row["department"])
        drafts.append(StepDraft(**row, when=tuple(old.when) if old else ()))
    return drafts


# Items


@staff_page("catalog.edit", "catalog.publish")
@require_safe
def items(request: StaffRequest) -> HttpResponse:
    form = ItemFilter(request.GET, region=request.staff.region_id)
    form.is_valid()
    chosen = form.cleaned_data
    department = chosen.get("department")
    found = queries.editable_items(
        request.staff.region_id,
        text=chosen.get("q", "").replace("\x00", "").strip(),
        department=department.pk if department else None,
        state=chosen.get("state", ""),
    )
    page = CappedPaginator(found, PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "is_narrowed": any(chosen.values()),
        "may_edit": access.allowed(request.staff, "catalog.edit"),
    }
    return render(request, "workbench/catalog/items.html", context)


@staff_page("catalog.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def new_item(request: StaffRequest) -> HttpResponse:
    posted = request.POST if request.method == "POST" else None
    form = NewItemForm(posted, region=request.staff.region_id)
    refused = ""
    if posted is not None and form.is_valid():
        said = _clean(form.cleaned_data)
        try:
            version = actions.create_item(region=request.staff.region, by=request.staff, at=timezone.now(), **said)
        except DomainError as error:
            refused = str(error)
        else:
            messages.success(request, _("已新建，还是草稿，大家看不到。接着写指南。"))
            return redirect("workbench:item", version.item_id)
    status = 422 if posted is not None else 200
    return render(request, "workbench/catalog/new.html", {"form": form, "refused": refused}, status=status)


def _item(request: StaffRequest, pk: UUID) -> ServiceItem:
    item = queries.item_for(request.staff.region_id, pk)
    if item is None:
        raise Http404
    return item


@staff_page("catalog.edit", "catalog.publish")
@require_http_methods(["GET", "HEAD", "POST"])
def item(request: StaffRequest, pk: UUID) -> HttpResponse:
    """The latest edition as a form; saving writes the draft, or begins one."""
    found = _item(request, pk)
    version = queries.working_edition(found)
    if version is None:
        raise Http404
    posted = request.POST if request.method == "POST" else None
    old_materials, old_steps = list(version.materials.all()), list(version.steps.all())
    departments = {str(row.pk): row for row in Department.objects.filter(region_id=found.region_id).order_by("name")}
    form = EditionForm(posted, initial=edition_initial(version))
    materials = Materials(posted, prefix="m", initial=[_row(MaterialForm, row) for row in old_materials])
    steps = Steps(
        posted,
        prefix="s",
        initial=[_step_row(row) for row in old_steps],
        form_kwargs={"departments": [(pk, row.name) for pk, row in departments.items()]},
    )
    refused: list[str] = []
    status, stored = 200, None
    if posted is not None:
        status = 422
        if not access.allowed(request.staff, "catalog.edit", department=found.department):
            raise PermissionDenied
        # All three, so that everything wrong is shown at once.
        if all([form.is_valid(), materials.is_valid(), steps.is_valid()]):
            try:
                actions.save_draft(
                    found,
                    form.values(),
                    materials=_materials(materials, old_materials),
                    steps=_steps(steps, old_steps, departments),
                    no_materials=form.cleaned_data["no_materials"],
                    by=request.staff,
                    at=timezone.now(),
                    seen=posted_text(request, "seen"),
                )
            except actions.ChangedMeanwhile as error:
                stored = _stored(form, materials, steps, old_materials, old_steps)
                if not any(stored.values()):  # what was sent is what stands: the same form came twice
                    return redirect("workbench:item", pk)
                refused, status = [str(error)], 409
            except rules.BrokenFlow as error:
                refused = error.reasons
            except DomainError as error:
                refused = [str(error)]
            else:
                messages.success(request, _("草稿已保存。发布以前，大家看到的还是原来的。"))
                return redirect("workbench:item", pk)
    # A form that was refused because somebody else wrote carries the new mark: what he wrote is on the page now.
    seen = actions.mark_of(version) if status in {200, 409} else posted_text(request, "seen")
    more = {"refused": refused, "stored": stored, "seen": seen}
    return _item_page(request, found, version, form, materials, steps, status=status, **more)


def _stored(
    form: EditionForm,
    materials: BaseFormSet[Any],
    steps: BaseFormSet[Any],
    old_materials: Sequence[ItemMaterial],
    old_steps: Sequence[FlowStep],
) -> dict[str, Any]:
    """What stands now where it is not what was typed: fields as (label, words), the lists whole."""
    fields = []
    for name in form.changed_data:
        value, choices = form.get_initial_for_field(form.fields[name], name), getattr(form.fields[name], "choices", ())
        fields.append((form.fields[name].label, dict(choices).get(value, value)))
    kept_materials = [row["name"] for row in (each.cleaned_data for each in materials) if row.get("name")]
    kept_steps = [row["key"] for row in (each.cleaned_data for each in steps) if row.get("key")]
    is_other_list = materials.has_changed() or kept_materials != [row.name for row in old_materials]
    is_other_flow = steps.has_changed() or kept_steps != [row.key for row in old_steps]
    return {
        "fields": fields,
        "materials": old_materials if is_other_list else [],
        "steps": old_steps if is_other_flow else [],
        "lists": [title for title, is_other in ((_("材料"), is_other_list), (_("步骤"), is_other_flow)) if is_other],
    }


def _row(form: type[forms.Form], row: ItemMaterial | FlowStep) -> dict[str, Any]:
    return {name: getattr(row, name) for name in form.base_fields}


def _step_row(step: FlowStep) -> dict[str, Any]:
    department = str(step.department_id) if step.department_id else ""
    return _row(StepForm, step) | {"after": " ".join(step.after), "department": department}


def _item_page(
    request: StaffRequest,
    found: ServiceItem,
    version: ItemVersion,
    form: EditionForm,
    materials: BaseFormSet[Any],
    steps: BaseFormSet[Any],
    *,
    status: int,
    **more: Any,
) -> HttpResponse:
    is_draft = version.state == ItemVersion.State.DRAFT
    version.item = found
    context = {
        "item": found,
        "version": version,
        "is_draft": is_draft,
        "form": form,
        "materials": materials,
        "steps": steps,
        "faults": actions.publish_faults(version) if is_draft else [],
        "may_edit": access.allowed(request.staff, "catalog.edit", department=found.department),
        "may_publish": access.allowed(request.staff, "catalog.publish", department=found.department),
    }
    return render(request, "workbench/catalog/item.html", context | more, status=status)


@staff_page("catalog.publish")
@require_POST
def publish(request: StaffRequest, pk: UUID) -> HttpResponse:
    found = _item(request, pk)
    version = found.versions.filter(state=ItemVersion.State.DRAFT).first()
    if version is None:
        messages.error(request, _("没有草稿可以发布。"))
        return redirect("workbench:item", pk)
    try:
        actions.publish(version, by=request.staff, at=timezone.now(), seen=posted_text(request, "seen"))
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("已发布，大家现在看到的就是这一版。正在办的件仍按原来的版本办。"))
    return redirect("workbench:item", pk)


@staff_page("catalog.publish")
@require_POST
def withdraw(request: StaffRequest, pk: UUID) -> HttpResponse:
    try:
        actions.withdraw(
            _item(request, pk), reason=posted_text(request, "reason")[:200], by=request.staff, at=timezone.now()
        )
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("已停办，大家查不到了。正在办的件接着办完。"))
    return redirect("workbench:item", pk)


# The work calendar


class DayForm(forms.Form):
    on = forms.DateField(
        label=gettext_lazy("哪一天"),
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": gettext_lazy("请选哪一天。"),
            "invalid": gettext_lazy("没有这一天，请写成 2027-02-08 这样。"),
        },
    )
    is_workday = forms.ChoiceField(
        label=gettext_lazy("上不上班"), choices=(("0", gettext_lazy("休息")), ("1", gettext_lazy("上班")))
    )
    name = forms.CharField(
        label=gettext_lazy("叫什么"), max_length=40, **_required(gettext_lazy("请写这一天叫什么，例如“国庆节”。"))
    )
    reason = forms.CharField(
        label=gettext_lazy("依据"),
        max_length=190,
        help_text=gettext_lazy("通知的文号或原因，会记进台账。"),
        **_required(gettext_lazy("请写明改这一天的依据。")),
    )


class YearForm(forms.Form):
    year = forms.IntegerField(
        label=gettext_lazy("哪一年"),
        min_value=1949,
        max_value=LAST_YEAR,
        **_required(gettext_lazy("请写年份，例如 2027。")),
    )
    notice = forms.CharField(
        label=gettext_lazy("通知的文号或网址"),
        max_length=200,
        **_required(gettext_lazy("请写通知的文号或网址，别人才查得到依据。")),
    )
    lines = forms.CharField(
        label=gettext_lazy("放假和调休的日子"),
        required=False,
        max_length=LARGEST_FILE,
        widget=forms.Textarea({"rows": 10}),
        help_text=gettext_lazy("一行一天：2027-02-08,休,春节；补班写“班”。也可以上传 CSV。"),
    )
    file = forms.FileField(label=gettext_lazy("CSV 文件"), required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        text = cleaned.get("lines", "")
        if upload := cleaned.get("file"):
            if upload.size > LARGEST_FILE:
                raise forms.ValidationError(_("文件太大了，一年的日子不会超过 100 KB。"))
            try:
                text = upload.read().decode("utf-8-sig")
            except UnicodeDecodeError:
                raise forms.ValidationError(_("文件不是 UTF-8 编码的 CSV，请另存为 UTF-8 再上传。")) from None
        cleaned["days"] = read_days(text)
        return cleaned


_WORDS = {"休": False, "放假": False, "0": False, "班": True, "上班": True, "1": True}


def read_days(text: str) -> list[AnnouncedDay]:
    """Return the days of pasted lines "2027-02-08,休,春节". Raises ValidationError naming each bad line."""
    days: list[AnnouncedDay] = []
    faults: list[str] = []
    for number, line in enumerate(io.StringIO(text.replace("，", ",").replace("\x00", "")), 1):
        cells = [cell.strip().strip('"') for cell in line.split(",")]
        if not any(cells) or (number == 1 and cells[0] in {"date", "日期"}):
            continue
        try:
            on, word, name = date.fromisoformat(cells[0]), _WORDS[cells[1]], cells[2]
        except (ValueError, KeyError, IndexError):
            faults.append(_("第 %(number)d 行读不懂，请写成：2027-02-08,休,春节") % {"number": number})
            continue
        days.append(AnnouncedDay(on, word, name))
    if faults:
        raise forms.ValidationError(faults[:10])
    return days


@staff_page("catalog.calendar")
@require_safe
def calendar(request: StaffRequest, year: int | None = None) -> HttpResponse:
    year = year or localdate(timezone.now()).year
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Http404
    return _calendar_page(request, year, DayForm(), YearForm(initial={"year": year}))


def _calendar_page(
    request: StaffRequest, year: int, day_form: DayForm, year_form: YearForm, *, refused: str = "", status: int = 200
) -> HttpResponse:
    named = queries.calendar_days(year)
    known = queries.calendar_year(year)
    work = queries.work_calendar()
    grid = Grid()
    context = {
        "year": year,
        "known": known,
        "before": year - 1 if year > FIRST_YEAR else None,
        "after": year + 1 if year < LAST_YEAR else None,
        "months": [
            {
                "number": month,
                "weeks": [
                    [_cell(day, month, named, work) for day in week] for week in grid.monthdatescalendar(year, month)
                ],
                "count": sum(work.is_workday(day) for day in grid.itermonthdates(year, month) if day.month == month),
            }
            for month in range(1, 13)
        ],
        "named": sorted(named.values(), key=lambda day: day.on),
        "day_form": day_form,
        "year_form": year_form,
        "refused": refused,
    }
    return render(request, "workbench/catalog/calendar.html", context, status=status)


def _cell(day: date, month: int, named: dict[date, CalendarDay], work: Any) -> dict[str, Any] | None:
    if day.month != month:
        return None
    row, is_workday = named.get(day), work.is_workday(day)
    return {
        "day": day,
        "is_workday": is_workday,
        "name": row.name if row else "",
        # The words that stand in the cell: colour alone says nothing.
        "word": (_("班") if is_workday else _("休")) if row or not is_workday else "",
        "is_local": bool(row and row.is_local),
    }


@staff_page("catalog.calendar")
@require_POST
def set_day(request: StaffRequest) -> HttpResponse:
    form = DayForm(request.POST)
    year = localdate(timezone.now()).year
    if form.is_valid():
        said = form.cleaned_data
        year = min(max(said["on"].year, FIRST_YEAR), LAST_YEAR)
        try:
            moved = actions.set_calendar_day(
                said["on"],
                said["is_workday"] == "1",
                said["name"].replace("\x00", ""),
                reason=said["reason"].replace("\x00", ""),
                by=request.staff,
                at=timezone.now(),
            )
        except DomainError as error:
            return _calendar_page(request, year, form, YearForm(), refused=str(error), status=422)
        if moved is None:
            messages.info(request, _("这一天本来就是这样，没有改动。"))
        else:
            messages.success(request, _("已改好，记进了台账。在办件的到期日会照新日历重算。"))
        return redirect("workbench:calendar-year", year)
    return _calendar_page(request, year, form, YearForm(), status=422)


@staff_page("catalog.calendar")
@require_POST
def announce(request: StaffRequest) -> HttpResponse:
    form = YearForm(request.POST, request.FILES)
    year = localdate(timezone.now()).year
    refused = ""
    if form.is_valid():
        said = form.cleaned_data
        year = min(max(said["year"], FIRST_YEAR), LAST_YEAR)
        try:
            change = actions.announce_year(
                said["year"],
                said["notice"].replace("\x00", ""),
                said["days"],
                by=request.staff,
                at=timezone.now(),
            )
        except DomainError as error:
            refused = str(error)
        else:
            messages.success(
                request,
                _("%(year)d 年的安排已录入，有 %(count)d 天和原来不一样。")
                % {"year": year, "count": len(change.moved)},
            )
            if change.kept:
                days = "、".join(day.isoformat() for day in change.kept)
                messages.info(request, _("这些日子是手工改过的，没有动：%(days)s") % {"days": days})
            return redirect("workbench:calendar-year", year)
    return _calendar_page(request, year, DayForm(), form, refused=refused, status=422)


urlpatterns = [
    path("items", items, name="items"),
    path("items", items, name="catalog"),  # the name the navigation knows
    path("items/new", new_item, name="item-new"),
    path("items/<uuid:pk>", item, name="item"),
    path("items/<uuid:pk>/publish", publish, name="item-publish"),
    path("items/<uuid:pk>/withdraw", withdraw, name="item-withdraw"),
    path("calendar", calendar, name="calendar"),
    path("calendar/<int:year>", calendar, name="calendar-year"),
    path("calendar/day", set_day, name="calendar-day"),
    path("calendar/announce", announce, name="calendar-announce"),
]
