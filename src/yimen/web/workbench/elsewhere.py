"""异地代收代办: taking papers in for another region's item, and what was taken in so (HALL-17)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yimen.cases.actions.elsewhere import SCOPES, receive_elsewhere
from yimen.cases.models import Case, CaseMaterial
from yimen.catalog.models import ServiceItem
from yimen.catalog.queries import scenario
from yimen.catalog.rules import scenario as rules
from yimen.web.once import Done, Stay, keyed
from yimen.web.portal.checklist import answers_of
from yimen.web.workbench import forms
from yimen.web.workbench.guard import StaffRequest, staff_page

FOUND, SHOWN = 20, 50


def _item(request: StaffRequest, pk: UUID) -> ServiceItem:
    found = ServiceItem.objects.filter(pk=pk, published__universal_scope__in=SCOPES)
    item = found.exclude(region=request.staff.region_id).select_related("published", "department", "region").first()
    if item is None:
        raise Http404
    return item


@staff_page("cases.receive")
@require_safe
def elsewhere(request: StaffRequest) -> HttpResponse:
    """Other regions' items that may be taken in here, by name, and what was taken in lately."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:60]
    region = request.staff.region_id
    items = ServiceItem.objects.filter(published__universal_scope__in=SCOPES, name__icontains=text)
    items = items.exclude(region=region).select_related("region", "department").order_by("region", "name")
    taken = Case.objects.filter(received_region=region).select_related("version", "region", "department")
    context = {
        "text": text,
        "items": list(items[:FOUND]) if text else [],
        "cases": list(taken.order_by("-received_at")[:SHOWN]),
    }
    return render(request, "workbench/elsewhere/list.html", context)


def _answers(sent: QueryDict) -> list[str]:
    return answers_of(
        str(value) for name, values in sent.lists() if name == "a" or name[:2] == "a-" for value in values
    )


def _form(request: StaffRequest, pk: UUID, *, refused: str = "", form: Any = None, **_context: Any) -> HttpResponse:
    item = _item(request, pk)
    posted = request.POST if request.method == "POST" else None
    assert item.published is not None
    questions = scenario.questions_of(item.published)
    given = _answers(posted if posted is not None else request.GET)
    walk = rules.walk(questions, given)
    rows = [one for one in rules.applying(item.published.materials.all(), walk.chosen) if one.source != "shared"]
    context = {
        "item": item,
        "asked": [
            (one, [(name, option, name in given) for name, option in zip(one.names(), one.options, strict=True)])
            for one in rules.askable(questions, given)
        ],
        "walk": walk,
        "is_settled": walk.is_complete and (not questions or "go" in request.GET or posted is not None),
        "form": form or forms.ApplicantForm(posted, today=localdate(timezone.now())),
        "rows": [(row, posted is not None and f"{forms.STATE}{row.pk}" in posted) for row in rows],
        "complete": CaseMaterial.State.COMPLETE,
        "refused": refused,
    }
    return render(request, "workbench/elsewhere/receive.html", context)


@staff_page("cases.receive")
@require_safe
def paper(request: StaffRequest, pk: UUID) -> HttpResponse:
    item = _item(request, pk)
    return _form(request, item.pk, form=forms.ApplicantForm(today=localdate(timezone.now())))


@staff_page("cases.receive")
@require_POST
@keyed("cases.receive_elsewhere", stay=_form)
def receive(request: StaffRequest, pk: UUID) -> Done:
    item, at = _item(request, pk), timezone.now()
    form = forms.ApplicantForm(request.POST, today=localdate(at))
    if not form.is_valid():
        raise Stay(form=form)
    assert item.published is not None
    said = {name: form.cleaned_data[name] for name in ("kind", "name", "id_number", "phone")}
    materials = forms.materials_of(request.POST)
    chosen = _answers(request.POST)
    case = receive_elsewhere(item.published, said, materials=materials, chosen=chosen, by=request.staff, at=at)
    words = _("收下了，编号 %(number)s。请把收件凭证给申请人，材料当天转给%(unit)s。")
    return Done(
        reverse("workbench:case", args=[case.query_no]),
        words % {"number": case.query_no, "unit": item.department.name} + forms.said_of_rare(said["name"]),
    )


urlpatterns = [
    path("elsewhere", elsewhere, name="elsewhere"),
    path("elsewhere/<uuid:pk>", paper, name="elsewhere-item"),
    path("elsewhere/<uuid:pk>/receive", receive, name="elsewhere-receive"),
]
