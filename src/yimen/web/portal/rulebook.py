"""Rules of the house anybody may read: service promises and the like (S3-36)."""

from __future__ import annotations

from uuid import UUID

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_safe

from yimen.centre import queries
from yimen.web import context

PAGE = 20


@require_safe
def documents(request: HttpRequest) -> HttpResponse:
    found = queries.public_documents(context.center().region, on=timezone.localdate())
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/rulebook.html", {"page": page})


@require_safe
def document(request: HttpRequest, pk: UUID) -> HttpResponse:
    today = timezone.localdate()
    found = queries.get_document(context.center().region, pk)
    edition = queries.edition_on(found, today) if found and found.is_public else None
    if found is None or edition is None:
        raise Http404
    return render(request, "portal/rule.html", {"document": found, "edition": edition})


urlpatterns = [
    path("rulebook", documents, name="rulebook"),
    path("rulebook/<uuid:pk>", document, name="rule"),
]
