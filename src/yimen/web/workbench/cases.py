"""The list of cases, its export, and the page of one case."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yimen.cases import lists, queries
from yimen.cases.actions.bulk_acts import MOST as MOST_AT_ONCE
from yimen.cases.models import Case, Notice, SavedFilter
from yimen.cases.queries import worklists
from yimen.catalog.models import CaseType
from yimen.lib.crypto import open_sealed, seal
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people import actions as people
from yimen.web.templatetags.yimen import NOTHING, chip, clocks_drawn, day
from yimen.web.workbench import forms, matter, sheets
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page

PAGE = 20
# Counting further than anybody turns pages costs more than it tells.
MOST_COUNTED = 1000


class CappedPaginator(Paginator):
    """Counts to MOST_COUNTED and no further."""

    @cached_property
    def count(self) -> int:
        found: Any = self.object_list
        return int(found.order_by()[:MOST_COUNTED].count())

    @property
    def is_capped(self) -> bool:
        return self.count == MOST_COUNTED


class LeanPaginator(CappedPaginator):
    """
    Finds the rows of a page by their keys alone: whole rows are wide, and those of earlier pages are read too.

    read: returns the rows of a slice of the list, in its order.
    """

    def __init__(self, found: QuerySet[Any], per_page: int, read: Callable[[QuerySet[Any]], list[Any]]) -> None:
        super().__init__(found, per_page)
        self.read = read

    def page(self, number: int | str) -> Page[Any]:
        page = super().page(number)
        some: Any = page.object_list
        page.object_list = self.read(some)
        return page


class Searches:
    """
    Names looked for in this session, each under a mark that stands in the address in its place (SEC-19).

    Kept sealed, the last MOST of them, and gone with the session.
    """

    KEY, MOST, CONTEXT = "case_searches", 5, "cases.search"

    def __init__(self, request: StaffRequest) -> None:
        self.session = request.session

    def keep(self, text: str) -> str:
        """Return the mark of `text`."""
        mark = secrets.token_urlsafe(6)
        kept = [*self.session.get(self.KEY, []), [mark, seal(text, self.CONTEXT).hex()]]
        self.session[self.KEY] = kept[-self.MOST :]
        return mark

    def text_of(self, mark: str) -> str:
        """Return what was looked for; empty when it is forgotten."""
        sealed = dict(self.session.get(self.KEY, [])).get(mark)
        return open_sealed(bytes.fromhex(sealed), self.CONTEXT) if sealed else ""


def _wanted(request: StaffRequest, posted: QueryDict) -> tuple[forms.CaseFilter, lists.Wanted]:
    values = posted.copy()
    if mark := values.get("named"):
        values["q"] = Searches(request).text_of(mark)
    form = forms.CaseFilter(values, region=request.staff.region_id)
    chosen = form.chosen()
    return form, lists.Wanted(
        text=chosen.get("q", ""),
        status=chosen.get("status", ""),
        type=chosen.get("type", ""),
        due=chosen.get("due", ""),
        department=chosen.get("department"),
    )


@staff_page("cases.view")
@require_safe
def cases(request: StaffRequest) -> HttpResponse:
    now = timezone.now()
    typed = request.GET.get("q", "").strip()
    if typed and not lists.is_number(typed):
        messages.info(request, _("按姓名找，请在下面重新写一遍再按“找一找”：姓名不留在网址里。"))
        return redirect(_address(request.GET))
    form, wanted = _wanted(request, request.GET)
    found = lists.find(request.staff, wanted, today=localdate(now))
    page = LeanPaginator(found, PAGE, lists.page_of).get_page(request.GET.get("page"))
    return render(
        request,
        "workbench/cases.html",
        {
            "form": form,
            "page": page,
            "rows": _rows(page, localdate(now)),
            "is_narrowed": wanted != lists.Wanted(),
            "filters": worklists.saved_filters(request.staff, SavedFilter.Place.CASES),
            "place": SavedFilter.Place.CASES.value,
            "kept": {name: request.GET[name] for name in lists.KEPT[SavedFilter.Place.CASES] if request.GET.get(name)},
            "notice_kinds": Notice.Kind.choices,
            "may_deliver": access.allowed(request.staff, "cases.deliver"),
            "most": MOST_AT_ONCE,
            "most_exported": lists.MOST_EXPORTED,
        },
    )


def _rows(cases: Iterable[Case], today: date) -> list[dict[str, Any]]:
    """The lines of a list, each value as it is shown: a template that looks them up one by one takes twice as long."""
    clocks = queries.promised_views(cases, today=today)
    looks = clocks_drawn(clocks)
    types = {kind.value: str(kind.label) for kind in CaseType}
    chips = {state.value: chip(matter.CHIPS[state], str(state.label)) for state in Case.Status}
    late = chip("bad", _("已超期"))
    found = []
    for case in cases:
        clock = clocks.get(case.pk)
        strip, left = looks.get(case.pk, (NOTHING, NOTHING))
        found.append(
            {
                "pk": str(case.pk),
                "url": reverse("workbench:case", args=[case.query_no]),
                "number": case.query_no,
                "item": case.version.name,
                "who": case.applicant.masked_name,
                "unit": case.department.name,
                "type": types[case.case_type],
                "received": day(case.received_at, "short"),
                "strip": strip,
                "left": left,
                "chip": late if clock and clock.days_over and not clock.is_ended else chips[case.status],
            }
        )
    return found


@staff_page("cases.view")
@require_POST
def find(request: StaffRequest) -> HttpResponse:
    """Take what is looked for out of the form: a number goes into the address, a name into the session."""
    typed = posted_text(request, "q").strip()[:60]
    if not typed or lists.is_number(typed):
        return redirect(_address(request.POST, q=typed))
    if len(typed) < lists.LEAST_NAME:
        messages.error(request, _("按姓名找，至少写开头两个字。"))
        return redirect(_address(request.POST))
    return redirect(_address(request.POST, named=Searches(request).keep(typed)))


def _address(values: QueryDict, **more: str) -> str:
    kept = {name: values[name] for name in ("status", "type", "due", "department") if values.get(name)}
    query = urlencode(kept | {name: value for name, value in more.items() if value})
    return reverse("workbench:cases") + (f"?{query}" if query else "")


@staff_page("cases.view")
@require_POST
def export(request: StaffRequest) -> HttpResponse:
    """The filtered list for a spreadsheet program, without names, numbers or telephones."""
    now = timezone.now()
    _form, wanted = _wanted(request, request.POST)
    found = lists.export(request.staff, wanted, today=localdate(now), at=now)
    heads = [
        _("编号"),
        _("事项"),
        _("类型"),
        _("部门"),
        _("状态"),
        _("结果"),
        _("收件日"),
        _("受理日"),
        _("到期日"),
        _("办结日"),
    ]
    rows = (
        [
            case.query_no,
            case.version.name,
            case.get_case_type_display(),
            case.department.name,
            case.get_status_display(),
            case.get_outcome_display(),
            *(_day(value) for value in (case.received_at, case.accepted_at)),
            case.due_on.isoformat() if case.due_on else "",
            _day(case.completed_at),
        ]
        for case in found
    )
    return sheets.download(request, "cases", _("办件"), heads, rows, day=localdate(now))


def _day(value: datetime | None) -> str:
    return localdate(value).isoformat() if value else ""


def case_page(request: StaffRequest, number: str, **context: Any) -> HttpResponse:
    """The page of a case, also after a POST that stays on it."""
    case = queries.get_case_for(request.staff, number)
    if case is None:
        raise Http404
    posted = request.POST if request.method == "POST" else None
    shown = matter.shown(
        case,
        request.staff,
        now=timezone.now(),
        posted=posted,
        act=context.get("refused_act", ""),
        with_history=True,
    )
    return render(request, "workbench/case.html", shown | context)


@staff_page("cases.view")
@require_safe
def page(request: StaffRequest, number: str) -> HttpResponse:
    """words: of a kept opinion, which then stands in the field; with script the page does that itself."""
    asked = request.GET.get("words", "")
    kept = (
        next((one for one in worklists.opinion_templates(request.staff) if str(one.pk) == asked), None)
        if asked
        else None
    )
    if kept is None:
        return case_page(request, number)
    typed = {"opinion": kept.text, "reasons": kept.text, "outcome": kept.act}
    return case_page(request, number, typed=typed, refused_act="case-decline" if kept.act == "declined" else "")


@staff_page("people.reveal")
@require_POST
def reveal(request: StaffRequest, number: str) -> HttpResponse:
    """
    The applicant's ID or telephone number in clear, for a stated reason (SEC-19).

    Not keyed: a repeat is another look and another ledger row, and no answer with a number in it is kept.
    """
    case = queries.get_case_for(request.staff, number)
    if case is None:
        raise Http404
    field = posted_text(request, "field")
    try:
        value = people.reveal(
            case.applicant, field, reason=posted_text(request, "reason"), by=request.staff, at=timezone.now()
        )
    except DomainError as error:
        response = case_page(request, number, refused=str(error), refused_field="reveal-reason")
        response.status_code = 422
        return response
    return case_page(request, number, revealed={"field": field, "value": value})
