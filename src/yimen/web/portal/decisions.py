"""许可公开: the licences that were granted, for anybody to look up (LAW-18)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from yimen.cases import queries
from yimen.web import context
from yimen.web.workbench.cases import CappedPaginator

PAGE = 20


@require_safe
def decisions(request: HttpRequest) -> HttpResponse:
    """By item, number of the document or beginning of a firm's name; a person's name is masked and not searchable."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:60]
    found = queries.public_decisions(context.center().region, text=text)
    page = CappedPaginator(found, PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/decisions.html", {"page": page, "text": text})


urlpatterns = [path("decisions", decisions, name="decisions")]
