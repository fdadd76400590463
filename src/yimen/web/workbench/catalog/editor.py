"""The editor's page of an item: what the edition says, in sections, and its lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import BaseFormSet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from yimen.catalog import actions, queries, rules
from yimen.catalog.models import DraftReview, ItemVersion, ServiceItem
from yimen.catalog.queries.basic import deviations_of
from yimen.catalog.queries.completeness import completeness_by_item
from yimen.catalog.queries.scenario import stale_words
from yimen.lib.errors import DomainError
from yimen.lib.text import listed
from yimen.people import access
from yimen.people.models import Department
from yimen.web.workbench.catalog.common import item_or_404
from yimen.web.workbench.catalog.forms import (
    LISTS,
    EditionForm,
    Faqs,
    Fees,
    Materials,
    Steps,
    edition_initial,
    faqs_of,
    fees_of,
    materials_of,
    rearranged,
    rows_of,
    step_rows,
    steps_of,
    typed_edition,
    typed_rows,
)
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page
from yimen.web.workbench.quality import READERS as FIGURES


@dataclass
class _Sheet:
    """The page's five forms over one edition."""

    version: ItemVersion
    departments: dict[str, Department]
    edition: EditionForm
    materials: BaseFormSet[Any]
    steps: BaseFormSet[Any]
    fees: BaseFormSet[Any]
    faqs: BaseFormSet[Any]

    @property
    def lists(self) -> dict[str, BaseFormSet[Any]]:
        return {"m": self.materials, "s": self.steps, "f": self.fees, "q": self.faqs}

    def is_valid(self) -> bool:
        # All, so that everything wrong is shown at once.
        return all([self.edition.is_valid(), *(one.is_valid() for one in self.lists.values())])


def _sheet(request: StaffRequest, version: ItemVersion, item: ServiceItem, act: str) -> _Sheet:
    """act: "" to read, "save" to judge what was posted, else a button of a row: what was typed, rearranged."""
    departments = {str(row.pk): row for row in Department.objects.filter(region_id=item.region_id).order_by("name")}
    today = localdate(timezone.now())
    posted = request.POST if act == "save" else None
    initial = edition_initial(version)
    begun = {
        "m": rows_of(Materials, version.materials.all()),
        "f": rows_of(Fees, version.fees.all()),
        "q": rows_of(Faqs, version.faqs.all()),
        "s": step_rows(version.steps.all()),
    }
    if act not in {"", "save"}:
        initial = typed_edition(EditionForm(standing=version, on=today), request.POST)
        begun = {prefix: typed_rows(request.POST, prefix) for prefix in LISTS}
        prefix, verb, number = [*act.split(":"), "", "", ""][:3]
        if prefix in begun:
            begun[prefix] = rearranged(begun[prefix], verb, int(number) if number.isdecimal() else -1)
    # A list that is empty begins with a row to write into.
    begun = {prefix: rows or [{}] for prefix, rows in begun.items()}
    return _Sheet(
        version,
        departments,
        EditionForm(posted, initial=initial, standing=version, on=today),
        Materials(
            posted,
            prefix="m",
            initial=begun["m"],
            form_kwargs={"sheets": [(form.key, form.title) for form in version.forms.all()]},
        ),
        Steps(
            posted,
            prefix="s",
            initial=begun["s"],
            form_kwargs={"departments": [(pk, row.name) for pk, row in departments.items()]},
        ),
        Fees(posted, prefix="f", initial=begun["f"]),
        Faqs(posted, prefix="q", initial=begun["q"]),
    )


@staff_page("catalog.edit", "catalog.publish", "catalog.review")
@require_http_methods(["GET", "HEAD", "POST"])
def item(request: StaffRequest, pk: UUID) -> HttpResponse:
    """The latest edition as a form; saving writes the draft, or begins one. Buttons of rows only rearrange them."""
    found = item_or_404(request, pk)
    version = queries.working_edition(found)
    if version is None:
        raise Http404
    act = (request.POST.get("act") or "save") if request.method == "POST" else ""
    if act and not access.allowed(request.staff, "catalog.edit", department=found.department):
        raise PermissionDenied
    sheet = _sheet(request, version, found, act)
    if act != "save":
        seen = posted_text(request, "seen") if act else actions.mark_of(version)
        return _page(request, found, sheet, seen=seen, at=act.partition(":")[0])
    if not sheet.is_valid():
        return _page(request, found, sheet, seen=posted_text(request, "seen"), status=422)
    old_materials, old_steps = list(version.materials.all()), list(version.steps.all())
    try:
        actions.save_draft(
            found,
            sheet.edition.values(),
            materials=materials_of(sheet.materials, old_materials),
            steps=steps_of(sheet.steps, old_steps, sheet.departments),
            fees=fees_of(sheet.fees),
            faqs=faqs_of(sheet.faqs),
            no_materials=sheet.edition.cleaned_data["no_materials"],
            handling=sheet.edition.handling(),
            by=request.staff,
            at=timezone.now(),
            seen=posted_text(request, "seen"),
        )
    except actions.ChangedMeanwhile as error:
        stored = _stored(sheet)
        if not any(stored.values()):  # what was sent is what stands: the same form came twice
            return redirect("workbench:item", pk)
        # He sees on this page what the other wrote, so it carries the new mark.
        seen = actions.mark_of(version)
        return _page(request, found, sheet, seen=seen, refused=[str(error)], stored=stored, status=409)
    except (rules.BrokenFlow, actions.BadDraft) as error:
        return _page(request, found, sheet, seen=posted_text(request, "seen"), refused=error.reasons, status=422)
    except DomainError as error:
        return _page(request, found, sheet, seen=posted_text(request, "seen"), refused=[str(error)], status=422)
    messages.success(request, _("草稿已保存。发布以前，大家看到的还是原来的。"))
    return redirect("workbench:item", pk)


def _stored(sheet: _Sheet) -> dict[str, Any]:
    """What stands now where it is not what was typed: fields as (label, words), the lists by title."""
    form, version = sheet.edition, sheet.version
    fields = []
    for name in form.changed_data:
        value, choices = form.get_initial_for_field(form.fields[name], name), getattr(form.fields[name], "choices", ())
        shown = listed(value) if isinstance(value, list) else dict(choices).get(value, value)
        fields.append((form.fields[name].label, shown))
    lists = []
    for title, formset, rows in (
        (_("材料"), sheet.materials, list(version.materials.all())),
        (_("步骤"), sheet.steps, list(version.steps.all())),
        (_("收费"), sheet.fees, list(version.fees.all())),
        (_("常见问题"), sheet.faqs, list(version.faqs.all())),
    ):
        first = next(iter(formset.empty_form.fields))
        written = sum(1 for form in formset if form.cleaned_data.get(first))
        if formset.has_changed() or written != len(rows):
            lists.append((title, listed(str(row) for row in rows)))
    return {"fields": fields, "lists": lists}


def _page(
    request: StaffRequest,
    found: ServiceItem,
    sheet: _Sheet,
    *,
    seen: str,
    status: int = 200,
    refused: Sequence[str] = (),
    stored: dict[str, Any] | None = None,
    at: str = "",
) -> HttpResponse:
    """at: the list somebody is rearranging, which stays open."""
    version = sheet.version
    version.item = found
    today = localdate(timezone.now())
    is_draft = version.state == ItemVersion.State.DRAFT
    is_open = is_draft or version.state == ItemVersion.State.APPROVED
    opinions = actions.opinions_of(version) if is_open else []
    mine = next((one for one in opinions if one.review.department_id == request.staff.department_id), None)
    complete = completeness_by_item([found.pk]).get(found.pk)
    faults = actions.publish_faults(version, max(version.effective_on or today, today)) if is_open else []
    context = {
        "item": found,
        "version": version,
        "is_draft": is_draft,
        "is_waiting": is_open and not is_draft,
        "form": sheet.edition,
        "sections": _sections(sheet, {name for name, _label in complete.missing} if complete else set(), at),
        "materials": sheet.materials,
        "steps": sheet.steps,
        "fees": sheet.fees,
        "faqs": sheet.faqs,
        "list_errors": sum(1 for one in sheet.lists.values() for form in one if form.is_bound and form.errors),
        "faults": faults,
        # What a citizen would read beside the new limits; only a person can tell whether it is meant.
        "stale": [*_doubtful_code(found), *stale_words(version)] if is_open else [],
        # Those that keep it from being published stand there already.
        "deviations": [sentence for sentence in deviations_of(version, today) if sentence not in faults],
        "opinions": opinions,
        "outstanding": actions.outstanding(version) if is_draft else [],
        "my_review": mine.review if mine and mine.review.given_at is None and is_draft else None,
        "verdicts": DraftReview.Verdict.choices,
        "complete": complete,
        "seen": seen,
        "refused": refused,
        "stored": stored,
        "may_edit": not (is_open and not is_draft)
        and access.allowed(request.staff, "catalog.edit", department=found.department),
        "may_publish": access.allowed(request.staff, "catalog.publish", department=found.department),
        "may_open_parts": any(access.allowed(request.staff, right) for right in ("catalog.edit", "catalog.publish")),
        "may_open_figures": any(access.allowed(request.staff, right) for right in FIGURES),
        "today": today,
    }
    return render(request, "workbench/catalog/item.html", context, status=status)


def _doubtful_code(found: ServiceItem) -> list[str]:
    """Point out a credit code that fails its check digit: published lists do hold such codes, so it is not refused."""
    try:
        parts = rules.read_task_code(found.task_code)
    except rules.InvalidItemCode:
        return []  # another scheme, whose codes say nothing
    if parts.is_organ_valid:
        return []
    return [_("编码里的信用代码“%(organ)s”校验位不对，请对一对。") % {"organ": parts.organ}]


# Which parts of the completeness check stand in which section.
_PARTS = {
    "what": {"name", "everyday_names", "plain_text", "service_objects", "themes", "result_name", "result_type"}
    | {"result_sample"},
    "ground": {"legal_basis", "power_source", "exercise_level", "organ_nature", "universal_scope"},
    "how": {"accept_condition", "prohibitions", "quantity_limit", "procedure", "rights_and_duties"},
    "limits": {"promised_limit", "statutory_limit"},
    "fees": {"has_fee", "fee_note", "fee_basis"},
    "where": {"channels", "online_depth", "visit_count", "visit_reason", "place", "hours", "consult_way"}
    | {"complaint_way"},
    "when": set[str](),
    "materials": {"materials", "material_basis", "forms"},
    "steps": {"steps"},
    "faqs": {"faqs"},
}


def _sections(sheet: _Sheet, missing: set[str], at: str) -> dict[str, dict[str, Any]]:
    """Return the sections in order: title, fields, how many parts are missing, whether it stands open."""
    form = sheet.edition
    listed_in = {"materials": ("m", sheet.materials), "steps": ("s", sheet.steps), "faqs": ("q", sheet.faqs)}
    found: dict[str, dict[str, Any]] = {}
    titles = {key: title for key, title, _name in form.SECTIONS}
    order = ("what", "ground", "how", "limits", "fees", "where", "materials", "steps", "faqs", "when")
    for key in order:
        fields = form.section(key) if key in titles else []
        has_errors = form.is_bound and any(field.errors for field in fields)
        formsets = [listed_in[key]] if key in listed_in else [("f", sheet.fees)] if key == "fees" else []
        has_errors = has_errors or any(one.is_bound and not one.is_valid() for _prefix, one in formsets)
        count = len(_PARTS[key] & missing)
        found[key] = {
            "key": key,
            "title": titles.get(key) or {"materials": _("材料"), "steps": _("步骤"), "faqs": _("常见问题")}[key],
            "fields": fields,
            "missing": count,
            "has_errors": has_errors,
            "is_open": has_errors or key == "what" or any(prefix == at for prefix, _one in formsets),
        }
    return found


urlpatterns = [
    path("items/<uuid:pk>", item, name="item"),
]
