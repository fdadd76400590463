"""群众意见: what visitors said without login, answered or settled."""

from __future__ import annotations

from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from yimen.lib.errors import DomainError
from yimen.ratings import opinions
from yimen.ratings.models import Opinion
from yimen.web.once import Done, keyed
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page

PAGE = 20


def _page(request: StaffRequest, pk: UUID | None = None, *, refused: str = "", shown: str = "") -> HttpResponse:
    state = request.GET.get("state", Opinion.State.OPEN)
    found = opinions.opinions_for(request.staff, state=state)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    for one in page:
        one.topic_words = [  # type: ignore[attr-defined]
            opinions.TOPICS[key] for key in one.topics if key in opinions.TOPICS
        ]
    values = {
        "page": page,
        "state": state,
        "states": Opinion.State.choices,
        "refused": refused,
        "shown": shown,
        "shown_of": pk,
    }
    return render(request, "workbench/opinions/list.html", values)


@staff_page("ratings.opinions")
@require_safe
def opinions_list(request: StaffRequest) -> HttpResponse:
    return _page(request)


def _own(request: StaffRequest, pk: UUID) -> Opinion:
    return get_object_or_404(opinions.opinions_for(request.staff), pk=pk)


@staff_page("ratings.opinions")
@require_POST
@keyed("ratings.close_opinion", stay=_page)
def close(request: StaffRequest, pk: UUID) -> Done:
    _own(request, pk)
    opinions.close_opinion(pk, posted_text(request, "answer"), by=request.staff, at=timezone.now())
    return Done(reverse("workbench:visitor-opinions"), _("处理好了。"))


@staff_page("ratings.opinions")
@never_cache
@require_POST
def phone(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Show the telephone once; who looked, and why, is in the ledger."""
    _own(request, pk)
    try:
        shown = opinions.phone_of(pk, reason=posted_text(request, "reason"), by=request.staff, at=timezone.now())
    except DomainError as error:
        return _page(request, pk, refused=str(error))
    return _page(request, pk, shown=shown)


urlpatterns = [
    path("visitor-opinions", opinions_list, name="visitor-opinions"),
    path("visitor-opinions/<uuid:pk>/close", close, name="visitor-opinion-close"),
    path("visitor-opinions/<uuid:pk>/phone", phone, name="visitor-opinion-phone"),
]
