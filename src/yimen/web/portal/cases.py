"""查进度: a citizen's case, opened by number and telephone, and its documents."""

from datetime import timedelta
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from yimen.cases import queries as cases
from yimen.cases.models import Case, Notice
from yimen.cases.queries.applying import own_case
from yimen.cases.queries.bundles import find_bundle_for_citizen
from yimen.catalog import queries as catalog
from yimen.lib.errors import DomainError
from yimen.notify import queries as notify
from yimen.people.models import User
from yimen.ratings.models import RatingLevel
from yimen.web import documents
from yimen.web.portal import bundles, reads
from yimen.web.portal.cards import cards_of
from yimen.web.portal.cards import reads as reads_of_cards
from yimen.web.portal.forms import ProgressForm

# How long a case stays open in the browser that asked for it.
OPEN_FOR = timedelta(minutes=30)
_OPENED = "opened_cases"


@never_cache
def progress(request: HttpRequest) -> HttpResponse:
    """Number and last four of the phone open the case in this browser for a while; neither is ever in an address."""
    form = ProgressForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            asked = {name: form.cleaned_data[name] for name in ("number", "last_four")}
            try:
                case = cases.find_for_citizen(
                    **asked,
                    asker=request.META["REMOTE_ADDR"],
                    at=timezone.now(),
                )
            except DomainError as error:
                form.add_error(None, str(error))
                status = 429
            else:
                if case:
                    open_case(request, case)
                    return redirect("portal:case", case.query_no)
                if made := find_bundle_for_citizen(**asked, asker=request.META["REMOTE_ADDR"], at=timezone.now()):
                    bundles.open_bundle(request, made, until=(timezone.now() + OPEN_FOR).timestamp())
                    for part in made.cases.all():
                        open_case(request, part)
                    return redirect("portal:bundle-case", made.query_no)
                # The same answer for "no such number" and "not this phone".
                form.add_error(None, _("没有查到。请对一对编号和手机号后四位；凭证不在手边，打电话也能查。"))
    return render(request, "portal/progress.html", {"form": form}, status=status)


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    request.session.pop(_OPENED, None)
    if not request.session.keys():
        request.session.flush()
    return redirect("portal:home")


def open_case(request: HttpRequest, case: Case) -> None:
    """Let this browser see the case for OPEN_FOR."""
    opened = request.session.get(_OPENED, {})
    opened[case.query_no] = [str(case.pk), (timezone.now() + OPEN_FOR).timestamp()]
    request.session[_OPENED] = opened


def opened_case(request: HttpRequest, number: str) -> Case | None:
    """
    Return the case this browser may see now: the applicant's own who is logged in, or one it asked for by number and
    telephone not too long ago; None otherwise.
    """
    applicant = getattr(request.user, "applicant", None) if isinstance(request.user, User) else None
    if applicant is not None and (own := own_case(applicant, number)) is not None:
        return own
    pk, until = request.session.get(_OPENED, {}).get(number, (None, 0.0))
    if pk is None or until < timezone.now().timestamp():
        return None
    return Case.objects.select_related("version", "department", "applicant").get(pk=pk)


@require_safe
@never_cache
def case(request: HttpRequest, number: str) -> HttpResponse:
    return stay(request, number)


def stay(request: HttpRequest, number: str, refused: str = "") -> HttpResponse:
    """The case's page; refused: the sentence of a card's act that was not done."""
    found = opened_case(request, number)
    if found is None:
        return redirect("portal:progress")
    cases.read_course(found)
    there = cases.what_there_is(found, reads_of_cards() | {"invitation", "tickets"})
    has_moved = bool(there & {"stops", "extension"})
    clocks = cases.clock_views(found, today=timezone.localdate(), may_have_moved=has_moved)
    is_new = found.status == Case.Status.RECEIVED
    values = {
        "case": found,
        "clock": clocks.get("promised") or clocks.get("statutory"),
        "statutory": clocks.get("statutory") if "promised" in clocks else None,
        "delivery": clocks.get("delivery"),
        "answer_due": cases.answer_due(found, catalog.work_calendar()) if is_new else None,
        "waits": cases.waits_for_applicant(found),
        "rows": cases.timeline(found),
        "notices": found.notices.all(),
        "rating_token": reads.rating_token(found) if there & {"invitation", "tickets"} else "",
        "reminders": notify.for_applicant(found.applicant),
        "levels": RatingLevel.choices,
        "cards": cards_of(request, found, there, now=timezone.now()),
        "refused": refused,
    }
    return render(request, "portal/case.html", values)


@require_safe
@never_cache
def document(request: HttpRequest, number: str, pk: UUID) -> HttpResponse:
    found = opened_case(request, number)
    if found is None:
        return redirect("portal:progress")
    notice = get_object_or_404(Notice.objects.select_related("signed"), region_id=found.region_id, case=found, pk=pk)
    return documents.pdf(notice, f"{notice.get_kind_display()}-{found.query_no}.pdf")
