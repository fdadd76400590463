"""How an item is handled, step by step, for anybody: who does it, by what right, in how many days (S3-13)."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from yimen.catalog import flowchart, queries
from yimen.catalog.models import ItemVersion
from yimen.catalog.queries.flows import chart_steps
from yimen.web import context
from yimen.web.workbench.flow import flow_file


def _published(code: str) -> ItemVersion:
    found = queries.published_item(context.center().region, code)
    if found is None or found.published is None:
        raise Http404
    version = found.published
    version.item = found
    return version


@require_safe
def page(request: HttpRequest, code: str) -> HttpResponse:
    version = _published(code)
    steps = chart_steps(version)
    values = {"item": version.item, "version": version, "chart": flowchart.chart(steps) if steps else None}
    return render(request, "portal/flow.html", values)


@require_safe
def file(request: HttpRequest, code: str, form: str) -> HttpResponse:
    return flow_file(_published(code), form, is_download=form == "bpmn")


urlpatterns = [
    path("items/<str:code>/flow", page, name="flow"),
    path("items/<str:code>/flow.pdf", file, {"form": "pdf"}, name="flow_pdf"),
    path("items/<str:code>/flow.svg", file, {"form": "svg"}, name="flow_svg"),
    path("items/<str:code>/flow.bpmn", file, {"form": "bpmn"}, name="flow_bpmn"),
]
