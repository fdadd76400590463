"""The editor's page of an item: what the edition says, its materials and its steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from django.views.decorators.http import require_http_methods

from yimen.catalog import actions, queries, rules
from yimen.catalog.actions import MaterialDraft, StepDraft
from yimen.catalog.models import (
    CaseType,
    FlowStep,
    ItemMaterial,
    ItemVersion,
    LimitUnit,
    ServiceItem,
)
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Department
from yimen.web.workbench.catalog.common import clean_values, item_or_404, required
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page

_LISTS = ("everyday_names", "channels", "service_objects", "themes")
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

    name = forms.CharField(label=gettext_lazy("事项名称"), max_length=300, **required(gettext_lazy("请填写事项名称。")))
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
        return clean_values(chosen)


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
        row: dict[str, Any] = clean_values(form.cleaned_data)
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
        row = clean_values(form.cleaned_data)
        if not row or not (row["key"] or row["name"].strip()):
            continue
        old = kept.get(row["key"])
        row["after"] = tuple(row["after"].replace("，", " ").replace("、", " ").replace(",", " ").split())
        row["key"] = row["key"] or f"step-{len(drafts) + 1}"
        row["department"] = departments.get(row["department"])
        drafts.append(StepDraft(**row, when=tuple(old.when) if old else ()))
    return drafts


@staff_page("catalog.edit", "catalog.publish")
@require_http_methods(["GET", "HEAD", "POST"])
def item(request: StaffRequest, pk: UUID) -> HttpResponse:
    """The latest edition as a form; saving writes the draft, or begins one."""
    found = item_or_404(request, pk)
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
        "faults": actions.publish_faults(version, localdate(timezone.now())) if is_draft else [],
        "may_edit": access.allowed(request.staff, "catalog.edit", department=found.department),
        "may_publish": access.allowed(request.staff, "catalog.publish", department=found.department),
    }
    return render(request, "workbench/catalog/item.html", context | more, status=status)


urlpatterns = [
    path("items/<uuid:pk>", item, name="item"),
]
