from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from yimen.cases import queries as cases
from yimen.cases.models import Case, Notice
from yimen.catalog import queries as catalog
from yimen.catalog.models import ServiceItem
from yimen.hall import queries as hall
from yimen.lib.errors import DomainError
from yimen.notify import queries as notify
from yimen.people.models import Department
from yimen.ratings import queries as ratings
from yimen.ratings.models import RatingLevel
from yimen.ratings.rules import Figures
from yimen.web import context, documents
from yimen.web.portal import reads
from yimen.web.portal.forms import ProgressForm, VerifyForm
from yimen.web.portal.themes import BY_SLUG, THEMES

PAGE = 20
# How long a case stays open in the browser that asked for it.
OPEN_FOR = timedelta(minutes=30)
_OPENED = "opened_cases"


def _region() -> str:
    return context.center().region


def _page(request: HttpRequest, items: QuerySet[ServiceItem] | list[ServiceItem]) -> Any:
    return Paginator(items, PAGE).get_page(request.GET.get("page"))


def _boards() -> list[hall.Board]:
    now = timezone.now()
    return [hall.board(one, now) for one in hall.halls() if one.region_id == _region()]


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    region = _region()
    if not region:
        return render(request, "portal/empty.html")
    shown = catalog.items_by_department(region)
    return render(
        request,
        "portal/home.html",
        {
            "themes": THEMES,
            "department_count": len(shown),
            "item_count": sum(one.item_count for one in shown),  # type: ignore[attr-defined]
            "boards": _boards(),
            "ratings": _ratings_this_month(region),
            "now": timezone.now(),
        },
    )


def _ratings_this_month(region: str) -> Figures | None:
    figures = ratings.figures(region, *ratings.days_of("month", timezone.localdate()))
    return figures if figures.rateable or figures.total else None


@require_safe
def theme(request: HttpRequest, slug: str) -> HttpResponse:
    if slug not in BY_SLUG:
        raise Http404
    chosen = BY_SLUG[slug]
    page = _page(request, reads.items_of_themes(_region(), chosen.names))
    return render(request, "portal/items.html", {"heading": chosen.name, "hint": chosen.hint, "page": page})


@require_safe
def departments(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/departments.html", {"departments": catalog.items_by_department(_region())})


@require_safe
def department(request: HttpRequest, pk: UUID) -> HttpResponse:
    chosen = get_object_or_404(Department, region_id=_region(), pk=pk)
    page = _page(request, reads.items_of_department(_region(), pk))
    return render(request, "portal/items.html", {"heading": chosen.name, "phone": chosen.phone, "page": page})


@require_safe
def queues(request: HttpRequest) -> HttpResponse:
    """约: how long it takes now, and how to take a number."""
    return render(request, "portal/queues.html", {"boards": _boards(), "now": timezone.now()})


@never_cache
def progress(request: HttpRequest) -> HttpResponse:
    """Number and last four of the phone open the case in this browser for a while; neither is ever in an address."""
    form = ProgressForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                case = cases.find_for_citizen(
                    form.cleaned_data["number"],
                    form.cleaned_data["last_four"],
                    asker=request.META["REMOTE_ADDR"],
                    at=timezone.now(),
                )
            except DomainError as error:
                form.add_error(None, str(error))
                status = 429
            else:
                if case:
                    _open(request, case)
                    return redirect("portal:case", case.query_no)
                # The same answer for "no such number" and "not this phone".
                form.add_error(None, _("没有查到。请对一对编号和手机号后四位；凭证不在手边，打电话也能查。"))
    return render(request, "portal/progress.html", {"form": form}, status=status)


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    request.session.pop(_OPENED, None)
    if not request.session.keys():
        request.session.flush()
    return redirect("portal:home")


def _open(request: HttpRequest, case: Case) -> None:
    opened = request.session.get(_OPENED, {})
    opened[case.query_no] = [str(case.pk), (timezone.now() + OPEN_FOR).timestamp()]
    request.session[_OPENED] = opened


def _opened(request: HttpRequest, number: str) -> Case | None:
    pk, until = request.session.get(_OPENED, {}).get(number, (None, 0.0))
    if pk is None or until < timezone.now().timestamp():
        return None
    return Case.objects.select_related("item", "version", "department", "center", "applicant").get(pk=pk)


@require_safe
@never_cache
def case(request: HttpRequest, number: str) -> HttpResponse:
    found = _opened(request, number)
    if found is None:
        return redirect("portal:progress")
    clocks = cases.clock_views(found, today=timezone.localdate())
    values = {
        "case": found,
        "clock": clocks.get("promised") or clocks.get("statutory"),
        "statutory": clocks.get("statutory") if "promised" in clocks else None,
        "answer_due": cases.answer_due(found, catalog.work_calendar()),
        "rows": cases.timeline(found),
        "notices": found.notices.all(),
        "rating_token": reads.rating_token(found),
        "reminders": notify.for_applicant(found.applicant),
        "levels": RatingLevel.choices,
    }
    return render(request, "portal/case.html", values)


@require_safe
@never_cache
def document(request: HttpRequest, number: str, pk: UUID) -> HttpResponse:
    found = _opened(request, number)
    if found is None:
        return redirect("portal:progress")
    notice = get_object_or_404(Notice, region_id=found.region_id, case=found, pk=pk)
    return documents.pdf(notice, f"{notice.get_kind_display()}-{found.query_no}.pdf")


@never_cache
def verify(request: HttpRequest, code: str = "") -> HttpResponse:
    """Anybody may check that a printed document is real; the page says what it is, not about whom (CERT-11)."""
    if request.method == "POST":
        form = VerifyForm(request.POST)
        if form.is_valid():
            return redirect("portal:verify", code=form.cleaned_data["code"])
        return render(request, "portal/verify.html", {"form": form}, status=422)
    if not code:
        return render(request, "portal/verify.html", {"form": VerifyForm()})
    notice = reads.notice_by_code(code)
    values = {"form": VerifyForm(initial={"code": code}), "asked": True, "notice": notice}
    return render(request, "portal/verify.html", values, status=200 if notice else 404)


@require_safe
def unresolved(request: HttpRequest) -> HttpResponse:
    """办不成事反映窗口: where to turn when something could not be done."""
    return render(request, "portal/unresolved.html")
