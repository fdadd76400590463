"""监察牌 of a case: what it was given, and a supervisor's card by hand (SUP-2). Nothing here changes the case."""

from __future__ import annotations

from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yimen.people import access
from yimen.people.models import Staff
from yimen.supervision import actions, queries
from yimen.supervision.models import Colour, Trigger
from yimen.web.once import Done, keyed
from yimen.web.workbench import acts
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page
from yimen.web.workbench.panels.base import Opened, Panel
from yimen.web.workbench.supervision import chips

GIVE, READS = "case-card", ("cards",)
BY_HAND = (Trigger.OTHER, Trigger.OFF_SYSTEM, Trigger.FEE_OUTSIDE, Trigger.UNLISTED_ASKED, Trigger.REFUSED_VALID)


def panel(opened: Opened) -> Panel | None:
    case, staff = opened.case, opened.staff
    if not any(access.allowed(staff, one) for one in ("supervision.view", "supervision.answer")):
        return None
    watches = opened.may("supervision.view")
    given = queries.cards_of(case) if opened.has("cards") else []
    found = [card for card in given if watches or staff.pk in card.named]
    may_give = opened.may("supervision.manage")
    if not found and not may_give:
        return None
    people: list[Staff] = []
    if may_give:
        ids = {case.received_by_id, case.accepted_by_id}
        ids |= {pk for task in opened.tasks for pk in (task.done_by_id, task.assignee_id)}
        people = list(Staff.objects.filter(pk__in=[pk for pk in ids if pk]).order_by("number"))
    return Panel(
        "cards",
        _("发监察牌"),
        facts="workbench/panels/cards.html" if found else "",
        acts="workbench/panels/card_give.html" if may_give else "",
        context={
            "case": case,
            "rows": [(card, *chips(card)) for card in found],
            "triggers": [(one.value, one.label) for one in BY_HAND],
            "colours": [(one.value, one.label) for one in (Colour.YELLOW, Colour.RED)],
            "people": people,
            "typed": opened.typed(GIVE),
        },
        is_open=opened.act == GIVE,
    )


@staff_page("supervision.manage")
@require_POST
@keyed("supervision.give_by_hand", stay=acts.stay)
def give(request: StaffRequest, number: str) -> Done:
    case = acts.case_of(request, number)
    handler = Staff.objects.filter(region=case.region_id, number=posted_text(request, "handler")).first()
    card = actions.give_by_hand(
        case.pk,
        trigger=posted_text(request, "trigger"),
        colour=posted_text(request, "colour"),
        facts=posted_text(request, "card_facts"),
        handler=handler.pk if handler else None,
        by=request.staff,
        at=timezone.now(),
    )
    return acts.done(request, case, _("%(number)s 发出去了，承办人和批准人马上能看到。") % {"number": card.number})


urlpatterns = [path("cases/<number:number>/card", give, name=GIVE)]
