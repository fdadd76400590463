"""The window: who is in front of it, what they came for, and the clerk's next act."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yimen.cases import actions as cases
from yimen.cases import queries as case_queries
from yimen.cases.actions import course
from yimen.cases.models import Case, Clock
from yimen.catalog import queries as catalog
from yimen.catalog.models import FlowStep, ItemVersion, ServiceItem
from yimen.catalog.queries import scenario
from yimen.hall import actions as hall
from yimen.hall import queries as halls
from yimen.hall.models import Ticket, Window, WindowPause
from yimen.people import access
from yimen.people import actions as people
from yimen.people import queries as people_queries
from yimen.people.models import Applicant, Staff
from yimen.ratings import actions as ratings
from yimen.ratings.models import Invitation
from yimen.web.checking import answers_in, said_of
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench import forms, matter, receiving, verbs
from yimen.web.workbench.guard import StaffRequest, posted_id, staff_page

MOST_FOUND = 8
EARLIER_CASES = 5


def at_window(request: StaffRequest, *args: Any, **context: Any) -> HttpResponse:
    """
    The page, also after a POST that stays on it.

    context: refused (a sentence), item_id, number, form, form_faults, known: what the reader was busy with.
    """
    staff, now = request.staff, timezone.now()
    window = halls.window_of(staff)
    pauses = list(halls.pauses_for(staff))
    if window is None:
        chosen = {"windows": _windows(staff), "pauses": pauses}
        return render(request, "workbench/window_choose.html", chosen | context)
    ticket = halls.open_ticket(window)
    first = case_queries.ticket_priorities(staff.region_id, [ticket.pk]) if ticket else {}
    posted = request.POST if request.method == "POST" else None
    values: dict[str, Any] = {
        "window": window,
        "ticket": ticket,
        "priority": next(iter(first.values()), None),
        "waits": halls.waiting(window, now),
        "pauses": pauses,
        # Who stands in at his own window may leave it; who has sat down at another's gives it back.
        "sits_in": any(one.window_id == window.pk for one in pauses),
        "pause_reasons": WindowPause.Reason.choices,
        "asked": request.GET.get("q", "").replace("\x00", "").strip()[:60],
        "today": localdate(now),
        "may_receive": access.allowed(staff, "cases.receive"),
        "checked": said_of(ticket),
    }
    values |= verbs.more_context(staff, window, ticket, request)
    if served := _ticket_of(staff, request.GET.get("served", "")):
        values |= {"served": served, "rating_url": _rating_url(served)}
        # The number he goes on with elsewhere, to be handed to him.
        values["next"] = _ticket_of(staff, request.GET["next"], served.visit) if "next" in request.GET else None
    case, item = _matter(request, staff, ticket, context)
    if case is not None:
        values |= matter.shown(case, staff, now=now, posted=posted)
        values |= {"earlier": _earlier(staff, case.applicant, case), "version": case.version}
        if case.status == Case.Status.RECEIVED:
            planned = matter.previews(case.version, today=localdate(now), chosen=case.chosen)
            values |= {"clock": planned[Clock.Kind.PROMISED], "statutory": planned.get(Clock.Kind.STATUTORY)}
    elif not values["may_receive"]:
        pass  # calls and finishes only
    elif item is not None and item.published is not None:
        values |= _to_receive(request, item, item.published, context, ticket)
    elif values["asked"]:
        values["found"] = catalog.search(values["asked"], limit=MOST_FOUND, region=staff.region_id)
    if "version" in values:
        answered = case.chosen if case else values["answers"].walk.chosen
        steps = scenario.applying_steps(values["version"].steps.all(), answered)
        values["has_visit"] = any(step.kind == FlowStep.Kind.VISIT for step in steps)
    return render(request, "workbench/window.html", values | context)


@staff_page("cases.receive", "hall.call")
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    # A scanned checklist in the search box opens its item with its answers.
    if query := receiving.scanned(request.GET.get("q", "").replace("\x00", "").strip(), request.staff.region_id):
        return redirect(f"{reverse('workbench:window')}?{query}")
    return at_window(request)


@staff_page("cases.receive", "hall.call")
@require_safe
def waiting(request: StaffRequest) -> HttpResponse:
    """The queues alone, for the page to refresh."""
    window = halls.window_of(request.staff)
    if window is None:
        raise Http404
    now, shown = timezone.now(), request.GET.get("ticket", "")
    ticket = halls.open_ticket(window)
    context = {
        "window": window,
        "ticket": ticket,
        "waits": halls.waiting(window, now),
        "standing": halls.standing(window, now),
        # Somebody was called by itself, or at another screen of this window.
        "is_new": ticket is not None and str(ticket.pk) != shown,
    }
    return render(request, "workbench/waiting.html", context)


def _windows(staff: Staff) -> list[Window]:
    windows = Window.objects.filter(region_id=staff.region_id).select_related("hall", "staff")
    if staff.center_id:
        windows = windows.filter(hall__center_id=staff.center_id)
    return list(windows.order_by("hall__name", "number"))


def _ticket_of(staff: Staff, text: str, visit: UUID | None = None) -> Ticket | None:
    """The visit that has just ended here, to ask for a rating; or, with its visit, the ticket that follows."""
    try:
        ticket_id = UUID(text)
    except ValueError:
        return None
    mine = {"visit": visit} if visit else {"served_by": staff}
    found = Ticket.objects.filter(region_id=staff.region_id, pk=ticket_id, **mine)
    return found.select_related("case", "hall").first()


def _rating_url(ticket: Ticket) -> str:
    """The address behind the QR that asks for a rating; empty where ratings have no page."""
    token = Invitation.objects.filter(ticket=ticket).values_list("token", flat=True).first()
    try:
        return settings.BASE_URL + reverse("portal:rate", args=[token]) if token else ""
    except NoReverseMatch:
        return ""


def _matter(
    request: StaffRequest, staff: Staff, ticket: Ticket | None, context: dict[str, Any]
) -> tuple[Case | None, ServiceItem | None]:
    """What the page is about: the case or item asked for, else what the ticket brings."""
    number = context.get("number") or request.GET.get("case", "").replace("\x00", "")
    item_id = context.get("item_id") or request.GET.get("item", "").replace("\x00", "")
    if not (number or item_id or request.GET.get("q") or request.GET.get("other")) and ticket:
        number = ticket.case.query_no if ticket.case else ""
        item_id = str(ticket.item_id) if ticket.item_id and not number else ""
    case = case_queries.get_case_for(staff, number) if number else None
    item = catalog.published_item(staff.region_id, item_id) if item_id and case is None else None
    if (number or item_id) and case is None and item is None:
        raise Http404
    return case, item


def _earlier(staff: Staff, applicant: Applicant, present: Case | None = None) -> list[Case]:
    """What the reader may see of the applicant's other cases, the latest first."""
    found = case_queries.visible_to(staff).filter(applicant=applicant).select_related("version")
    if present:
        found = found.exclude(pk=present.pk)
    return list(found.order_by("-received_at")[:EARLIER_CASES])


def _to_receive(
    request: StaffRequest, item: ServiceItem, version: ItemVersion, context: dict[str, Any], ticket: Ticket | None
) -> dict[str, Any]:
    today = localdate(timezone.now())
    # A POST that names the item was about this form: what was typed into it comes back.
    posted = request.POST if "item_id" in context else None
    sent: QueryDict = posted or request.GET
    if posted is None and ticket is not None and ticket.item_id == item.pk and not _says(request.GET):
        sent = answers_in(ticket)  # he has answered already, at the kiosk or while he booked
    answers = receiving.answers(sent, item, version)
    if not answers.is_settled:
        return {"item": item, "version": version, "answers": answers}
    form = context.get("form") or forms.ApplicantForm(posted, today=today, known=_known(request) if posted else None)
    chosen = answers.walk.chosen
    clocks = matter.previews(version, today=today, chosen=chosen)
    return {
        "item": item,
        "version": version,
        "answers": answers,
        "form": form,
        "known": form.known,
        "rows": matter.material_rows(None, version, posted, chosen),
        "paper": receiving.paper(version, chosen, posted, request.staff, form.known, context.get("form_faults", ())),
        "clock": clocks[Clock.Kind.PROMISED],
        "statutory": clocks.get(Clock.Kind.STATUTORY),
        "earlier": _earlier(request.staff, form.known) if form.known else [],
    }


def _says(sent: QueryDict) -> bool:
    """Tell whether the clerk has asked, or asks again."""
    return any(name in ("a", "ask", "list") or name.startswith(receiving.QUESTION) for name in sent)


def _known(request: StaffRequest) -> Applicant | None:
    """The applicant found before, whom the form names by id only."""
    pk = _known_id(request)
    return people_queries.get_applicant_for(request.staff, pk) if pk else None


def _known_id(request: StaffRequest) -> UUID | None:
    """The id a form names him by, for those who may see applicants."""
    staff = request.staff
    if not (access.allowed(staff, "people.register") or access.allowed(staff, "people.reveal")):
        return None
    try:
        return UUID(request.POST.get("known", ""))
    except ValueError:
        return None


@staff_page("cases.receive")
@require_POST
def look_up(request: StaffRequest, item_id: UUID) -> HttpResponse:
    """
    Has somebody with this number been here? Then the form shows him masked. A POST: numbers never stand in addresses.

    other: another person after all; the fields come back empty.
    """
    today = localdate(timezone.now())
    if "other" in request.POST:
        return at_window(request, item_id=item_id, form=forms.ApplicantForm(today=today))
    typed = forms.ApplicantForm(request.POST, today=today)
    typed.is_valid()
    number = typed.cleaned_data.get("id_number")
    if not number:
        for name in set(typed.errors) - {"id_number", "kind"}:
            del typed.errors[name]
        return at_window(request, item_id=item_id, form=typed)
    known = people_queries.find_applicant(request.staff, typed.cleaned_data["kind"], number)
    if known is None:
        blank = forms.ApplicantForm(today=today, initial=request.POST.dict())
        return at_window(request, item_id=item_id, form=blank, is_new=True)
    return at_window(
        request, item_id=item_id, form=forms.ApplicantForm(today=today, known=known, initial=request.POST.dict())
    )


@staff_page("cases.receive")
@require_POST
@keyed("cases.receive", stay=at_window)
def receive(request: StaffRequest, item_id: UUID) -> Done:
    staff, at = request.staff, timezone.now()
    window = my_window(request)
    version, center, known = course.read_to_receive(
        item_id,
        posted_id(request, "version"),
        region=staff.region_id,
        center=window.hall.center_id,
        known=_known_id(request),
        at=at,
    )
    if version is None:
        raise Http404
    form = forms.ApplicantForm(request.POST, today=localdate(at), known=known)
    if not form.is_valid():
        raise Stay(form=form)
    chosen = receiving.answers(request.POST, version.item, version).walk.chosen
    filled, form_faults = receiving.filled(version, chosen, request.POST, today=localdate(at))
    if form_faults:
        raise Stay(form=form, form_faults=form_faults)
    applicant = form.known or people.register_applicant(
        region=staff.region_id,
        kind=form.cleaned_data["kind"],
        name=form.cleaned_data["name"],
        id_number=form.cleaned_data["id_number"],
        phone=form.cleaned_data["phone"],
        by=staff,
        at=at,
    )
    ticket = my_ticket(request) if request.POST.get("ticket") else None
    case = cases.receive(
        version,
        applicant,
        center=center,
        materials=forms.materials_of(request.POST),
        by=staff,
        at=at,
        ticket_no=ticket.label if ticket else "",
        agent_name=form.cleaned_data["agent_name"],
        chosen=chosen,
        form_values=filled,
    )
    if ticket:
        hall.start(ticket.pk, by=staff, at=at)
        hall.link_case(ticket.pk, case, by=staff, at=at)
    return Done(
        f"{reverse('workbench:window')}?case={case.query_no}",
        _("收下了，编号 %(number)s。收件凭证可以打印给申请人。") % {"number": case.query_no}
        + forms.said_of_rare(applicant.name, form.cleaned_data["agent_name"]),
    )


@staff_page("hall.call")
@require_POST
@keyed("hall.sign_in", stay=at_window)
def sign_in(request: StaffRequest) -> Done:
    window = get_object_or_404(Window, pk=posted_id(request, "window"), region_id=request.staff.region_id)
    hall.sign_in(window.pk, by=request.staff, at=timezone.now())
    return Done(reverse("workbench:window"), _("签到了，%(number)s 号窗口开始叫号。") % {"number": window.number})


def my_window(request: StaffRequest) -> Window:
    window = halls.window_of(request.staff)
    if window is None:
        raise hall.NotAtWindow(_("您还没有在窗口签到，先签到再办。"))
    return window


def my_ticket(request: StaffRequest) -> Ticket:
    """The ticket the page showed; what has become of it since is for the act to judge."""
    return get_object_or_404(Ticket, pk=posted_id(request, "ticket"), region_id=request.staff.region_id)


@staff_page("hall.call")
@require_POST
@keyed("hall.sign_out", stay=at_window)
def sign_out(request: StaffRequest) -> Done:
    window = my_window(request)
    hall.sign_out(window.pk, by=request.staff, at=timezone.now())
    return Done(reverse("workbench:window"), _("签退了，%(number)s 号窗口停止叫号。") % {"number": window.number})


@staff_page("hall.call")
@require_POST
@keyed("hall.call_next", stay=at_window)
def call(request: StaffRequest) -> Done:
    ticket = hall.call_next(my_window(request).pk, by=request.staff, at=timezone.now())
    if ticket is None:
        return Done(reverse("workbench:window"), _("现在没有人在等。"))
    return Done(verbs.address(ticket), _("已叫 %(label)s。") % {"label": ticket.label})


@staff_page("hall.call")
@require_POST
@keyed("hall.recall", stay=at_window)
def recall(request: StaffRequest) -> Done:
    ticket = hall.recall(my_ticket(request).pk, by=request.staff, at=timezone.now())
    return Done(verbs.address(ticket), _("又叫了一遍 %(label)s。") % {"label": ticket.label})


@staff_page("hall.call")
@require_POST
@keyed("hall.start", stay=at_window)
def start(request: StaffRequest) -> Done:
    return Done(verbs.address(hall.start(my_ticket(request).pk, by=request.staff, at=timezone.now())))


@staff_page("hall.call")
@require_POST
@keyed("hall.finish", stay=at_window)
def finish(request: StaffRequest) -> Done:
    at = timezone.now()
    ticket = hall.finish(my_ticket(request).pk, by=request.staff, at=at)
    ratings.invite_for_visit(ticket, at=at)
    return Done(verbs.address(ticket, served=str(ticket.pk)), _("%(label)s 办完了。") % {"label": ticket.label})


@staff_page("hall.call")
@require_POST
@keyed("hall.pass_over", stay=at_window)
def pass_over(request: StaffRequest) -> Done:
    ticket = hall.pass_over(my_ticket(request).pk, by=request.staff, at=timezone.now())
    return Done(verbs.address(ticket), _("%(label)s 过号了，他来了可以找导办员接着办。") % {"label": ticket.label})
