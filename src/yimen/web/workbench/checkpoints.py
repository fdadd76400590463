"""The editor of an edition's checkpoints: what is looked at on the spot (S2-33)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import formset_factory
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from yimen.catalog import actions as catalog_actions
from yimen.catalog import queries
from yimen.catalog.actions.checkpoints import MOST_POINTS, PointDraft, save_check_points
from yimen.catalog.models import FlowStep, ItemVersion
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.web.workbench.catalog.common import item_or_404
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page

EMPTY_ROWS = 3


class PointForm(forms.Form):
    """A point; an emptied text takes it out, `place` moves it."""

    place = forms.IntegerField(label=gettext_lazy("第几项"), min_value=1, max_value=999, required=False)
    text = forms.CharField(label=gettext_lazy("看什么"), max_length=200, required=False)
    standard = forms.CharField(label=gettext_lazy("怎样算合格"), max_length=300, required=False)
    is_mandatory = forms.BooleanField(label=gettext_lazy("必查"), required=False, initial=True)
    needs_photo = forms.BooleanField(label=gettext_lazy("要拍照"), required=False)


Points = formset_factory(PointForm, extra=0, max_num=MOST_POINTS, absolute_max=MOST_POINTS + EMPTY_ROWS)


@staff_page("catalog.edit", "catalog.publish")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, pk: UUID) -> HttpResponse:
    """All points of the latest edition on one page; saving writes into the draft."""
    item = item_or_404(request, pk)
    version = queries.working_edition(item)
    if version is None:
        raise Http404
    may_edit = access.allowed(request.staff, "catalog.edit", department=item.department)
    posted = request.POST if request.method == "POST" else None
    known: list[dict[str, Any]] = [
        {
            "place": point.position,
            "text": point.text,
            "standard": point.standard,
            "is_mandatory": point.is_mandatory,
            "needs_photo": point.needs_photo,
        }
        for point in version.check_points.all()
    ]
    rows = Points(posted, prefix="c", initial=known + [{"is_mandatory": True}] * EMPTY_ROWS)
    refused, status = "", 200
    if posted is not None:
        if not may_edit:
            raise PermissionDenied
        status = 422
        if rows.is_valid():
            try:
                save_check_points(
                    item,
                    _drafts([row.cleaned_data for row in rows]),
                    by=request.staff,
                    at=timezone.now(),
                    seen=posted_text(request, "seen"),
                )
            except DomainError as error:
                refused = str(error)
            else:
                messages.success(request, _("草稿已保存。发布以前，核查还用原来的要点。"))
                return redirect("workbench:catalog-points", item.pk)
        else:
            refused = _("有几行写得不对，看标红的地方。")
    context = {
        "item": item,
        "version": version,
        "rows": rows,
        "count": len(known),
        "may_edit": may_edit,
        "is_draft": version.state == ItemVersion.State.DRAFT,
        "has_visit": version.steps.filter(kind=FlowStep.Kind.VISIT).exists(),
        "seen": posted_text(request, "seen") if posted is not None else catalog_actions.mark_of(version),
        "refused": refused,
    }
    return render(request, "workbench/catalog/check_points.html", context, status=status)


def _drafts(rows: list[dict[str, Any]]) -> list[PointDraft]:
    """In the order of their places; equal places keep the order of the page, no place goes to the end."""
    said = [row for row in rows if row.get("text", "").strip()]
    said.sort(key=lambda row: row.get("place") or 10_000)
    return [
        PointDraft(row["text"], row.get("standard", ""), bool(row["is_mandatory"]), bool(row["needs_photo"]))
        for row in said
    ]


urlpatterns = [path("items/<uuid:pk>/check-points", edit, name="catalog-points")]
