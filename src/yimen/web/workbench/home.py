"""The first page: today's door and what matters today, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yimen.cases import queries
from yimen.cases.models import Case
from yimen.cases.queries import archive, documents
from yimen.catalog.queries import powers
from yimen.catalog.rules.powers import Validity
from yimen.people import access
from yimen.people.models import Staff
from yimen.supervision import queries as supervision
from yimen.supervision.models import Card
from yimen.web.templatetags.workbench import doors_for
from yimen.web.workbench.guard import StaffRequest, staff_page


@dataclass(frozen=True)
class Matter:
    """One thing that matters today; kind is the chip's."""

    kind: str
    text: str
    url: str


@staff_page()
@require_safe
def home(request: StaffRequest) -> HttpResponse:
    today = localdate(timezone.now())
    doors = doors_for(request.staff)
    return render(
        request,
        "workbench/home.html",
        {
            "today": today,
            "door": doors[0] if doors else None,
            "doors": doors[1:],
            "matters": matters(request.staff, today),
        },
    )


def _cards(staff: Staff) -> list[Matter]:
    """Cards that name the reader and want an answer; for supervisors those that want a decision."""
    found, url = [], reverse("workbench:cards")
    if access.allowed(staff, "supervision.answer") and (n := supervision.waiting_count(staff)):
        found.append(Matter("wait", _("监察牌等我答复 %(n)s 张") % {"n": n}, f"{url}?mine=1"))
    if access.allowed(staff, "supervision.decide"):
        for state, words in (
            (Card.State.APPEALED, _("监察牌有申诉 %(n)s 张")),
            (Card.State.ANSWERED, _("监察牌的答复等核对 %(n)s 张")),
        ):
            if n := supervision.cards_for(staff).filter(state=state).count():
                found.append(Matter("wait", words % {"n": n}, f"{url}?state={state.value}"))
    return found


def matters(staff: Staff, today: date) -> list[Matter]:
    """Return what is overdue, due today or waiting, for the reader's roles; nothing when all is well."""
    found = []
    if access.allowed(staff, "cases.review") or access.allowed(staff, "cases.decide"):
        tasks = (
            queries.open_tasks(staff)
            .filter(due_on__lte=today)
            .aggregate(overdue=Count("pk", filter=Q(due_on__lt=today)), today=Count("pk", filter=Q(due_on=today)))
        )
        url = reverse("workbench:tasks")
        if n := tasks["overdue"]:
            found.append(Matter("bad", _("我的任务过期 %(n)s 件") % {"n": n}, url))
        if n := tasks["today"]:
            found.append(Matter("wait", _("我的任务今天到期 %(n)s 件") % {"n": n}, url))
    if access.allowed(staff, "powers.delegate"):
        ending = powers.delegations(staff.region_id, today, state=Validity.ENDING)
        if n := ending.count():
            url = reverse("workbench:entry-delegations") + "?state=ending"
            found.append(Matter("wait", _("授权书快到期 %(n)s 份") % {"n": n}, url))
    if access.allowed(staff, "templates.approve") and (n := documents.drafts_for(staff).count()):
        found.append(Matter("wait", _("文书模板的草稿等批准 %(n)s 份") % {"n": n}, reverse("workbench:templates")))
    found += _cards(staff)
    if access.allowed(staff, "archive.approve"):
        asked = archive.archives(staff, state=archive.State.ASKED, text="", on=today).order_by()
        if n := asked.count():
            url = reverse("workbench:archive") + f"?state={archive.State.ASKED.value}"
            found.append(Matter("wait", _("档案等批准销毁 %(n)s 份") % {"n": n}, url))
    if access.allowed(staff, "insight.view"):
        for month, jump in queries.noted_fee_jumps(staff.region_id, today).items():
            words = _("%(year)s 年 %(month)s 月收费 %(total)s 元，平常一个月 %(usual)s 元，请核对")
            said = {"year": month.year, "month": month.month, "total": f"{jump.total:,}", "usual": f"{jump.usual:,}"}
            found.append(Matter("bad", words % said, f"{reverse('workbench:fees')}?month={month:%Y-%m}"))
    if access.allowed(staff, "cases.view"):
        url = reverse("workbench:cases")
        running = Q(status=Case.Status.ACCEPTED)
        cases = (
            queries.visible_to(staff)
            # Not all that run: only what is counted.
            .filter(Q(status=Case.Status.RECEIVED) | running & Q(due_on__lte=today))
            .aggregate(
                overdue=Count("pk", filter=running & Q(due_on__lt=today)),
                today=Count("pk", filter=running & Q(due_on=today)),
                received=Count("pk", filter=Q(status=Case.Status.RECEIVED)),
            )
        )
        if n := cases["overdue"]:
            found.append(Matter("bad", _("办件超期 %(n)s 件") % {"n": n}, f"{url}?due=overdue"))
        if n := cases["today"]:
            found.append(Matter("wait", _("办件今天到期 %(n)s 件") % {"n": n}, f"{url}?due=today"))
        if (n := cases["received"]) and access.allowed(staff, "cases.accept"):
            found.append(Matter("info", _("收了还没受理 %(n)s 件") % {"n": n}, f"{url}?status=received"))
    return found
