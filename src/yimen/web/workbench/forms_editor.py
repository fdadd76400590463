"""The editor's forms: fields as data, a filled-in sample, what several forms share, and how they look on paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import formset_factory
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from yimen.catalog import actions, papers, queries
from yimen.catalog.actions import scenario as acts
from yimen.catalog.models import ItemForm, ItemVersion
from yimen.catalog.queries import scenario
from yimen.catalog.rules import forms as rules
from yimen.catalog.rules.forms import Field, Form
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.web.portal.checklist import ask, place
from yimen.web.workbench.catalog.common import item_or_404
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page

NEW = "new"
EMPTY_ROWS = 3


class FormForm(forms.Form):
    title = forms.CharField(
        label=gettext_lazy("表名"), max_length=120, error_messages={"required": gettext_lazy("请写表名。")}
    )
    material = forms.ChoiceField(
        label=gettext_lazy("它是哪一样材料"),
        required=False,
        help_text=gettext_lazy("选了，办事指南的这样材料旁边就有空白表和填写样例。"),
    )

    def __init__(self, *args: Any, materials: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", _("不是清单里的材料")), *((name, name) for name in materials)]
        self.fields["material"].choices = choices  # type: ignore[attr-defined]


class FieldForm(forms.Form):
    """A field; an emptied label takes it out."""

    label = forms.CharField(label=gettext_lazy("问什么"), max_length=100, required=False)
    name = forms.CharField(
        label=gettext_lazy("代号"),
        max_length=40,
        required=False,
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("种类"), choices=[(key, word) for key, (word, _of) in rules.KINDS.items()], initial="text"
    )
    help = forms.CharField(label=gettext_lazy("怎么填"), max_length=300, required=False)
    is_required = forms.BooleanField(label=gettext_lazy("必须填"), required=False)
    prefill = forms.ChoiceField(
        label=gettext_lazy("从哪里带出来"),
        choices=[("", gettext_lazy("不带，请他填")), *rules.PREFILLS.items()],
        required=False,
    )
    choices = forms.CharField(
        label=gettext_lazy("选项（“选一个”才要）"),
        required=False,
        max_length=1000,
    )
    most = forms.IntegerField(label=gettext_lazy("最多几个字"), min_value=1, max_value=rules.MOST_TEXT, required=False)
    minimum = forms.FloatField(label=gettext_lazy("不小于"), required=False)
    maximum = forms.FloatField(label=gettext_lazy("不大于"), required=False)
    order = forms.IntegerField(label=gettext_lazy("次序"), min_value=1, max_value=999, required=False)


Fields = formset_factory(FieldForm, extra=0, max_num=rules.MOST_FIELDS, absolute_max=rules.MOST_FIELDS)


class Desk:
    """The item, its latest edition and the forms in it."""

    def __init__(self, request: StaffRequest, pk: UUID) -> None:
        self.item = item_or_404(request, pk)
        version = queries.working_edition(self.item)
        if version is None:
            raise Http404
        version.item = self.item
        self.version = version
        self.forms = scenario.forms_of(version)
        self.materials = list(version.materials.all())
        self.may_edit = access.allowed(request.staff, "catalog.edit", department=self.item.department)

    def form(self, key: str) -> Form:
        found = next((one for one in self.forms if one.key == key), None)
        if found is None:
            raise Http404
        return found

    def material_of(self, key: str) -> str:
        return next((row.name for row in self.materials if key and row.form_key == key), "")

    def context(self) -> dict[str, Any]:
        return {
            "item": self.item,
            "version": self.version,
            "may_edit": self.may_edit,
            "is_draft": self.version.state == ItemVersion.State.DRAFT,
            "seen": actions.mark_of(self.version),
        }


def _save(
    request: StaffRequest, desk: Desk, changed: Sequence[Form], materials: Mapping[str, str] | None = None
) -> list[str]:
    """Save and return [], else a sentence for each thing that kept it from being saved."""
    if not desk.may_edit:
        raise PermissionDenied
    try:
        acts.save_forms(
            desk.item,
            changed,
            materials=materials,
            by=request.staff,
            at=timezone.now(),
            seen=posted_text(request, "seen"),
        )
    except rules.BadForm as error:
        return error.faults
    except DomainError as error:
        return [str(error)]
    messages.success(request, _("草稿已保存。发布以前，大家看到的还是原来的。"))
    return []


@staff_page("catalog.edit", "catalog.publish")
@require_safe
def overview(request: StaffRequest, pk: UUID) -> HttpResponse:
    """All forms of the edition, and what is asked once when they are filled in together."""
    desk = Desk(request, pk)
    merged = rules.merge_forms(desk.forms)
    labels: dict[str, list[str]] = {}
    for form in desk.forms:
        for one in rules.fields_of(form.schema):
            labels.setdefault(one.name, []).append(one.label)
    context = desk.context() | {
        "rows": [(one, len(one.schema["properties"]), desk.material_of(one.key)) for one in desk.forms],
        "shared": [labels[name][0] for name in merged.shared],
        "clashes": [f"{name}（{' / '.join(labels[name])}）" for name in merged.clashes],
        "asked": len(merged.schema["properties"]),
        "sum": sum(len(one.schema["properties"]) for one in desk.forms),
    }
    return render(request, "workbench/forms/overview.html", context)


@staff_page("catalog.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, pk: UUID, key: str) -> HttpResponse:
    """Write a form's fields; key "new" adds a form."""
    desk = Desk(request, pk)
    old = None if key == NEW else desk.form(key)
    posted = request.POST if request.method == "POST" else None
    stored = [] if old is None else rules.fields_of(old.schema)
    form = FormForm(
        posted,
        materials=[row.name for row in desk.materials],
        initial={"title": old.title if old else "", "material": desk.material_of(key)},
    )
    rows: list[dict[str, Any]] = [_initial(one, place) for place, one in enumerate(stored, 1)]
    rows += [{}] * min(EMPTY_ROWS if rows else 2 * EMPTY_ROWS, rules.MOST_FIELDS - len(rows))
    fields = Fields(posted, prefix="f", initial=rows)
    refused, status = [], 200
    if posted is not None:
        status = 422
        if all([form.is_valid(), fields.is_valid()]):
            asked = _fields([row.cleaned_data for row in fields])
            refused = _twice(asked)
            if not refused:
                new = _form(desk, old, form.cleaned_data["title"], asked)
                changed = [new if one.key == new.key else one for one in desk.forms] + ([] if old else [new])
                refused = _save(request, desk, changed, _materials(desk, new.key, form.cleaned_data["material"]))
                if not refused:
                    return redirect("workbench:catalog-forms", pk)
    context = desk.context() | {"form": form, "fields": fields, "old": old, "refused": refused, "is_new": old is None}
    context["names"] = sorted({one.name for each in desk.forms for one in rules.fields_of(each.schema)})
    return render(request, "workbench/forms/edit.html", context, status=status)


def _initial(one: Field, place: int) -> dict[str, Any]:
    names = ("label", "name", "kind", "help", "is_required", "prefill", "most", "minimum", "maximum")
    return {name: getattr(one, name) for name in names} | {"choices": "、".join(one.choices), "order": place}


def _fields(rows: Sequence[Mapping[str, Any]]) -> list[Field]:
    """The fields as they are typed, in the order they are numbered; without a number they keep their place."""
    kept = [row for row in rows if row.get("label", "").replace("\x00", "").strip()]
    taken = {row["name"].strip() for row in kept}
    found: list[tuple[int, int, Field]] = []
    for n, row in enumerate(kept, 1):
        text = {key: row[key].replace("\x00", "").strip() for key in ("label", "name", "help", "choices")}
        name = text["name"]
        while not name:
            name = next(f"field_{m}" for m in range(n, n + 200) if f"field_{m}" not in taken)
            taken.add(name)
        words = text["choices"].replace("，", "、").replace(",", "、").replace("\n", "、").split("、")
        one = Field(
            name,
            text["label"],
            row["kind"],
            text["help"],
            row["is_required"],
            row["prefill"],
            tuple(word.strip() for word in words if word.strip()) if row["kind"] == "choice" else (),
            row["most"],
            row["minimum"],
            row["maximum"],
        )
        found.append((row["order"] or n, n, one))
    return [one for _order, _n, one in sorted(found, key=lambda row: row[:2])]


def _twice(asked: Sequence[Field]) -> list[str]:
    names = [one.name for one in asked]
    return [
        _("代号“%(name)s”写了两次，请改一个。") % {"name": name}
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]


def _form(desk: Desk, old: Form | None, title: str, asked: Sequence[Field]) -> Form:
    """The form with these fields; values of the sample that no longer fit are left out."""
    schema = rules.schema_of(asked)
    if old is None:
        taken = set(ItemForm.objects.filter(version__item=desk.item).values_list("key", flat=True))
        key = next(f"form-{n}" for n in range(1, 10_000) if f"form-{n}" not in taken)
        return Form(key, title.replace("\x00", "").strip(), schema)
    wrong = {fault.name for fault in rules.check_values(schema, old.sample, today=localdate())}
    sample = {name: value for name, value in old.sample.items() if name not in wrong}
    complete = not {one.name for one in asked if one.is_required} - sample.keys()
    return replace(old, title=title.replace("\x00", "").strip(), schema=schema, sample=sample if complete else {})


def _materials(desk: Desk, key: str, chosen: str) -> dict[str, str]:
    """Which material is this form now: the one chosen, and no other."""
    before = desk.material_of(key)
    return ({before: ""} if before and before != chosen else {}) | ({chosen: key} if chosen else {})


@staff_page("catalog.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def sample(request: StaffRequest, pk: UUID, key: str) -> HttpResponse:
    """Fill in the sample that citizens are shown; invented people only."""
    desk = Desk(request, pk)
    form = desk.form(key)
    refused: list[str] = []
    faults: list[rules.ValueFault] = []
    if request.method == "POST":
        typed = {one.name: request.POST.get(f"f-{one.name}", "") for one in rules.fields_of(form.schema)}
        values = rules.read_values(form.schema, typed)
        faults = rules.check_values(form.schema, values, today=localdate())
        if not faults:
            changed = [replace(one, sample=values) if one.key == key else one for one in desk.forms]
            refused = _save(request, desk, changed)
            if not refused:
                return redirect("workbench:catalog-forms", pk)
    else:
        typed = {name: {True: "yes", False: "no"}.get(value, str(value)) for name, value in form.sample.items()}
    context = desk.context() | {"form": form, "fields": ask(form.schema, typed, faults), "faults": faults}
    status = 422 if faults or refused else 200
    return render(request, "workbench/forms/sample.html", context | {"refused": refused}, status=status)


@staff_page("catalog.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: StaffRequest, pk: UUID, key: str) -> HttpResponse:
    """Take a form out of the draft, after a second look."""
    desk = Desk(request, pk)
    form = desk.form(key)
    refused: list[str] = []
    if request.method == "POST":
        refused = _save(request, desk, [one for one in desk.forms if one.key != key])
        if not refused:
            return redirect("workbench:catalog-forms", pk)
    context = desk.context() | {"form": form, "material": desk.material_of(key), "refused": refused}
    return render(request, "workbench/forms/delete.html", context, status=422 if refused else 200)


@staff_page("catalog.edit", "catalog.publish")
@require_safe
def paper(request: StaffRequest, pk: UUID, key: str, kind: str) -> HttpResponse:
    """The form as it is being written: "blank" or "sample" as PDF, "schema" as JSON Schema."""
    desk = Desk(request, pk)
    form = desk.form(key)
    if kind == "schema":
        return JsonResponse(dict(form.schema), json_dumps_params={"ensure_ascii": False, "indent": 2})
    if kind not in {"blank", "sample"} or (kind == "sample" and not form.sample):
        raise Http404
    is_sample = kind == "sample"
    values = form.sample if is_sample else None
    made = papers.form_sheet(
        form, values, item=desk.version.name, center=place(), at=timezone.now(), is_sample=is_sample
    )
    name = content_disposition_header(False, f"{form.title}.pdf") or "inline"
    return HttpResponse(made, content_type="application/pdf", headers={"Content-Disposition": name})


urlpatterns = [
    path("items/<uuid:pk>/forms", overview, name="catalog-forms"),
    path("items/<uuid:pk>/forms/<slug:key>/edit", edit, name="form-edit"),
    path("items/<uuid:pk>/forms/<slug:key>/sample", sample, name="form-sample-edit"),
    path("items/<uuid:pk>/forms/<slug:key>/delete", delete, name="form-delete"),
    path("items/<uuid:pk>/forms/<slug:key>/<slug:kind>.pdf", paper, name="form-paper"),
    path("items/<uuid:pk>/forms/<slug:key>/<slug:kind>.json", paper, name="form-schema"),
]
