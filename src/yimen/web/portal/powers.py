"""The public power list: what the organs may do, by whom, and what was cancelled or handed down (LAW-23, ITEM-22)."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from yimen.catalog.queries import powers as queries
from yimen.web import context
from yimen.web.workbench.powers import PAGE, PowerFilter, compared


@require_safe
def powers(request: HttpRequest) -> HttpResponse:
    """The edition in force, searchable, a page at a time."""
    region, today = context.center().region, timezone.localdate()
    edition = queries.power_list_in_force(region, today) if region else None
    if edition is None:
        return render(request, "portal/powers.html", {"edition": None})
    form = PowerFilter(request.GET, region=region)
    chosen = form.chosen()
    values = {
        "edition": edition,
        "form": form,
        "is_narrowed": any(chosen.values()),
        "page": Paginator(queries.entries(edition, **chosen), PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "portal/powers.html", values)


@require_safe
def changes(request: HttpRequest) -> HttpResponse:
    """What changed between two editions in force up to today, and every batch."""
    region, today = context.center().region, timezone.localdate()
    editions = [
        one for one in queries.editions(region) if one.published_at and one.effective_on and one.effective_on <= today
    ]
    batches = [one for one in queries.batches(region) if one.on <= today]
    values = {"editions": editions, "batches": batches}
    if len(editions) > 1:
        values |= compared(region, request.GET, editions)
    return render(request, "portal/powers_changes.html", values)
