"""一件事 for citizens: in which order, what to bring once, and how far one's own is."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from yimen.cases.models.bundles import BundleCase
from yimen.cases.queries import bundle_drafts
from yimen.cases.queries import bundles as cases
from yimen.catalog.queries import bundles as queries
from yimen.catalog.rules import bundles as rules
from yimen.people.models import User
from yimen.web import context
from yimen.web.bundles import receipt_pdf

_OPENED = "opened_bundles"


@require_safe
def every(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/bundles.html", {"bundles": queries.offered(context.center().region)})


@require_safe
def one(request: HttpRequest, code: str) -> HttpResponse:
    """The order of the items, and one list of what to bring for what he chose (`k`: optional items)."""
    bundle = queries.offered_bundle(context.center().region, code)
    if bundle is None:
        raise Http404
    parts = queries.parts_of(bundle)
    optional = [part for part in parts if part.is_optional]
    # Before he has chosen, everything is shown.
    keys = set(request.GET.getlist("k")) if "chosen" in request.GET else {part.key for part in optional}
    chosen = rules.chosen_parts(parts, keys)
    rows = {row.key: row for row in bundle.items.all()}
    names = {part.key: part.name for part in parts}
    given = rules.fed(chosen)
    values = {
        "bundle": bundle,
        "stages": [[(part, rows[part.key]) for part in stage] for stage in rules.stages(chosen)],
        "optional": [(part, part.key in keys) for part in optional],
        "lines": [(line, [names[key] for key in line.parts]) for line in rules.to_bring(chosen)],
        "fed": [
            (line.name, names[part.key], names[source])
            for part in chosen
            for line in part.materials
            if (source := given.get((part.key, line.position)))
        ],
        "is_online": bundle_drafts.offered_on_line(bundle),
        "query": urlencode([("k", part.key) for part in optional if "chosen" in request.GET and part.key in keys]),
        "saved": sum(len(part.materials) for part in chosen) - len(rules.to_bring(chosen)),
    }
    return render(request, "portal/bundle.html", values)


def open_bundle(request: HttpRequest, made: BundleCase, until: float) -> None:
    """Let this browser see the application until then."""
    opened = request.session.get(_OPENED, {})
    opened[made.query_no] = [str(made.pk), until]
    request.session[_OPENED] = opened


def opened_bundle(request: HttpRequest, number: str) -> BundleCase | None:
    """Return his own when he is logged in, or the application this browser asked for not too long ago."""
    applicant = getattr(request.user, "applicant", None) if isinstance(request.user, User) else None
    if applicant is not None and (own := bundle_drafts.own_bundle(applicant, number)) is not None:
        return own
    pk, until = request.session.get(_OPENED, {}).get(number, (None, 0.0))
    if pk is None or until < timezone.now().timestamp():
        return None
    return BundleCase.objects.select_related("bundle", "applicant", "center").get(pk=pk)


@require_safe
@never_cache
def progress(request: HttpRequest, number: str) -> HttpResponse:
    made = opened_bundle(request, number)
    if made is None:
        return redirect("portal:progress")
    return render(request, "portal/bundle_case.html", {"progress": cases.progress_of(made)})


@require_safe
@never_cache
def receipt(request: HttpRequest, number: str) -> HttpResponse:
    """His one receipt, for the browser that opened the application."""
    made = opened_bundle(request, number)
    if made is None or not made.verify_code:
        return redirect("portal:progress")
    return receipt_pdf(made)


urlpatterns = [
    path("bundle-cases/<str:number>/receipt", receipt, name="bundle-receipt"),
    path("bundles", every, name="bundles"),
    path("bundles/<slug:code>", one, name="bundle"),
    path("bundle-cases/<str:number>", progress, name="bundle-case"),
]
