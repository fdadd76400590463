"""Asking units for their opinion on a draft, and giving it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.catalog import actions
from yimen.catalog.models import DraftReview, ItemVersion
from yimen.catalog.queries import reviews as queries
from yimen.people.models import Department
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.adding import form_page
from yimen.web.workbench.cases import CappedPaginator
from yimen.web.workbench.catalog.common import item_or_404
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page

PAGE = 20


class AskForm(forms.Form):
    departments = forms.ModelMultipleChoiceField(
        label=gettext_lazy("请哪些部门看"),
        queryset=Department.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("请至少选一个部门。")},
    )

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Department.objects.filter(region_id=region).order_by("name")
        self.fields["departments"].queryset = rows  # type: ignore[attr-defined]


@staff_page("catalog.edit", "catalog.publish", "catalog.review")
@require_safe
def reviews(request: StaffRequest) -> HttpResponse:
    """Drafts that wait for the opinion of my unit, and those it has spoken on."""
    found = queries.waiting_for(request.staff.department_id)
    page = CappedPaginator(found, PAGE).get_page(request.GET.get("page"))
    given = queries.given_by(request.staff.department_id)[:PAGE]
    return render(request, "workbench/catalog/reviews.html", {"page": page, "given": given})


def _ask_form(request: StaffRequest, pk: UUID, **more: Any) -> HttpResponse:
    found = item_or_404(request, pk)
    if not found.versions.filter(state=ItemVersion.State.DRAFT).exists():
        raise Http404
    form = AskForm(request.POST if request.method == "POST" else None, region=request.staff.region_id)
    return form_page(
        request,
        form,
        heading=_("请单位提意见"),
        word=_("请他们看"),
        back=reverse("workbench:item", args=[pk]),
        parent=found.name,
        lead=_("每个单位提一次意见；草稿再改，就要请他们再看。"),
        refused=more.get("refused", ""),
    )


@staff_page("catalog.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _asked(request, pk) if request.method == "POST" else _ask_form(request, pk)


@keyed("item-ask", stay=_ask_form)
def _asked(request: StaffRequest, pk: UUID) -> Done:
    found = item_or_404(request, pk)
    version = found.versions.filter(state=ItemVersion.State.DRAFT).first()
    form = AskForm(request.POST, region=request.staff.region_id)
    if version is None:
        raise Http404
    if not form.is_valid():
        raise Stay
    asked = actions.ask_review(version, form.cleaned_data["departments"], by=request.staff, at=timezone.now())
    return Done(reverse("workbench:item", args=[pk]), _("已请 %(count)d 个单位提意见。") % {"count": len(asked)})


@staff_page("catalog.review")
@require_POST
def give(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _given(request, pk)


def _mine(request: StaffRequest, pk: UUID) -> DraftReview:
    """A review of my region; whether I may speak for the unit is the action's to say."""
    rows = DraftReview.objects.filter(version__item__region_id=request.staff.region_id)
    review = rows.select_related("version", "department").filter(pk=pk).first()
    if review is None:
        raise Http404
    return review


def _stay(request: StaffRequest, pk: UUID, **more: Any) -> HttpResponse:
    """The form again, on a page of its own, with what was typed."""
    context = {
        "review": _mine(request, pk),
        "verdicts": DraftReview.Verdict.choices,
        "verdict": posted_text(request, "verdict"),
        "text": posted_text(request, "text"),
        "seen": posted_text(request, "seen"),
        "refused": more.get("refused", ""),
    }
    return render(request, "workbench/catalog/opinion.html", context)


@keyed("review-give", stay=_stay)
def _given(request: StaffRequest, pk: UUID) -> Done:
    review = _mine(request, pk)
    actions.give_opinion(
        review,
        posted_text(request, "verdict"),
        posted_text(request, "text"),
        by=request.staff,
        at=timezone.now(),
        seen=posted_text(request, "seen"),
    )
    return Done(reverse("workbench:reviews"), _("意见已记下。草稿再改，会再请您看。"))


urlpatterns = [
    path("reviews", reviews, name="reviews"),
    path("items/<uuid:pk>/ask", ask, name="item-ask"),
    path("reviews/<uuid:pk>", give, name="review-give"),
]
