"""电子监察: the board of what is due, cards with what is done about them, ranking, rules, integrity checks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.catalog import queries as catalog
from yimen.catalog.models import ServiceItem
from yimen.lib.dates import short_day
from yimen.lib.errors import DomainError
from yimen.lib.sheet import write_csv
from yimen.people import access
from yimen.people.models import Department
from yimen.supervision import actions, integrity, queries, rules
from yimen.supervision.models import Card, Colour, Trigger
from yimen.supervision.queries import Wanted
from yimen.web.once import Done, keyed
from yimen.web.workbench.cases import LeanPaginator
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page

PAGE = 30
REFRESH_SECONDS = 60
SEEN = ("supervision.view", "supervision.answer", "supervision.decide")
CHIPS = {Colour.REMINDER: "info", Colour.YELLOW: "wait", Colour.RED: "bad"}
STATES = {
    Card.State.NOTED: "off",
    Card.State.OPEN: "wait",
    Card.State.ANSWERED: "go",
    Card.State.APPEALED: "pause",
    Card.State.UPHELD: "wait",
    Card.State.LIFTED: "off",
    Card.State.CLOSED: "done",
}
GRADES = {
    "excellent": ("done", gettext_lazy("优秀")),
    "good": ("go", gettext_lazy("良好")),
    "passed": ("wait", gettext_lazy("合格")),
    "failed": ("bad", gettext_lazy("不合格")),
}
# What a threshold's numbers are called on the form.
NUMBERS = {
    "days_left": gettext_lazy("还剩几个工作日时"),
    "percent": gettext_lazy("或者用掉百分之几时"),
    "days_over": gettext_lazy("超过几个工作日"),
    "days_late": gettext_lazy("事后几天才录入"),
    "minutes": gettext_lazy("从收件到办结不到几分钟"),
}

FIELDS = ("trigger", "colour", "department", "item", "effective_on", "is_on")


def chips(card: Card) -> tuple[str, str]:
    """The colours of a card's two chips: what it is, how it stands."""
    return CHIPS[Colour(card.colour)], STATES[Card.State(card.state)]


def csv(rows: list[list[str]], name: str) -> HttpResponse:
    return HttpResponse(
        "".join(write_csv(rows)).encode(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


# -- the board --------------------------------------------------------------------------------------------------------


@staff_page("supervision.view")
@require_safe
def board(request: StaffRequest) -> HttpResponse:
    """What is due today, by unit; it comes again every minute by itself, without script, unless it is held."""
    now = timezone.now()
    held = request.GET.get("hold") == "1"
    context = {
        "board": queries.board(request.staff, today=localdate(now)),
        "now": now,
        "today": localdate(now),
        "held": held,
        "seconds": REFRESH_SECONDS,
        "may_open": access.allowed(request.staff, "cases.view"),
    }
    response = render(request, "workbench/supervision/board.html", context)
    if not held:
        # A header, so that whoever needs more time can hold the page by a link.
        response["Refresh"] = str(REFRESH_SECONDS)
    return response


# -- cards ------------------------------------------------------------------------------------------------------------


def _day(text: str) -> date | None:
    try:
        return parse_date(text.strip())
    except ValueError:
        return None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _wanted(values: Any) -> Wanted:
    def one_of(name: str, choices: list[str]) -> str:
        return values[name] if values.get(name, "") in choices else ""

    return Wanted(
        colour=one_of("colour", Colour.values),
        trigger=one_of("trigger", Trigger.values),
        state=one_of("state", Card.State.values),
        department=_uuid(values.get("department", "")),
        since=_day(values.get("since", "")),
        until=_day(values.get("until", "")),
        late=values.get("late") == "1",
    )


@staff_page(*SEEN)
@require_safe
def cards(request: StaffRequest) -> HttpResponse:
    """The cards that name the reader, or (for those who watch) all of his units."""
    staff, today = request.staff, localdate(timezone.now())
    watches = access.allowed(staff, "supervision.view")
    mine = not watches or request.GET.get("mine") == "1"
    wanted = _wanted(request.GET)
    found = queries.naming(staff) if mine else queries.cards_for(staff)
    found = queries.find_cards(found, wanted, today=today)
    page = LeanPaginator(found, PAGE, queries.page_of).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [(card, *chips(card)) for card in page],
        "mine": mine,
        "watches": watches,
        "today": today,
        "wanted": wanted,
        "colours": Colour.choices,
        "states": Card.State.choices,
        "triggers": Trigger.choices,
        "departments": Department.objects.filter(region=staff.region_id).order_by("code") if watches else [],
        "values": request.GET,
    }
    return render(request, "workbench/supervision/cards.html", context)


@staff_page("supervision.view")
@require_POST
def cards_export(request: StaffRequest) -> HttpResponse:
    at = timezone.now()
    rows = queries.export_cards(request.staff, _wanted(request.POST), at=at)
    return csv(rows, f"cards-{localdate(at):%Y%m%d}.csv")


def _card(request: StaffRequest, pk: UUID) -> Card:
    found = queries.card_for(request.staff, pk)
    if found is None:
        raise Http404
    return found


def _card_page(request: StaffRequest, pk: UUID, *, refused: str = "", **_context: Any) -> HttpResponse:
    card, staff, today = _card(request, pk), request.staff, localdate(timezone.now())
    entries = list(card.entries.all())
    is_named = staff.pk in card.named and access.allowed(staff, "supervision.answer")
    appeal_by = actions.appeal_by(card)
    kinds = {entry.kind for entry in entries}
    decides = (
        access.allowed(staff, "supervision.decide", department=card.department, region=card.region_id)
        and staff.pk not in card.named
    )
    can_appeal = rules.next_state(card.state, "appeal") and "appeal" not in kinds and today <= appeal_by
    context = {
        "card": card,
        "facts": card.facts | {"due_on": _day(card.facts.get("due_on", ""))},
        "entries": entries,
        "chips": chips(card),
        "today": today,
        "appeal_by": appeal_by,
        "is_late": card.state in {Card.State.OPEN, Card.State.UPHELD} and card.answer_by and card.answer_by < today,
        "answers": is_named and rules.next_state(card.state, "answer"),
        "appeals": is_named and can_appeal,
        "closes": decides and card.state == Card.State.ANSWERED,
        "judges": decides and card.state == Card.State.APPEALED,
        "may_open": access.allowed(staff, "cases.view"),
        "typed": request.POST,
        "refused": refused,
    }
    return render(request, "workbench/supervision/card.html", context)


@staff_page(*SEEN)
@require_safe
def card(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _card_page(request, pk)


@staff_page("supervision.answer")
@require_POST
@keyed("supervision.answer", stay=_card_page)
def answer(request: StaffRequest, pk: UUID) -> Done:
    _card(request, pk)
    actions.answer(
        pk,
        text=posted_text(request, "text"),
        correction=posted_text(request, "correction"),
        by=request.staff,
        at=timezone.now(),
    )
    return Done(reverse("workbench:card", args=[pk]), _("答复交上去了，等监督人员核对。"))


@staff_page("supervision.answer")
@require_POST
@keyed("supervision.appeal", stay=_card_page)
def appeal(request: StaffRequest, pk: UUID) -> Done:
    _card(request, pk)
    actions.appeal(pk, text=posted_text(request, "appeal"), by=request.staff, at=timezone.now())
    return Done(reverse("workbench:card", args=[pk]), _("申诉交上去了，由牌上没有名字的监督人员处理。"))


@staff_page("supervision.decide")
@require_POST
@keyed("supervision.decide", stay=_card_page)
def decide(request: StaffRequest, pk: UUID) -> Done:
    _card(request, pk)
    found = actions.decide(
        pk, act=posted_text(request, "act"), text=posted_text(request, "reasons"), by=request.staff, at=timezone.now()
    )
    values = {"number": found.number, "state": found.get_state_display()}
    return Done(reverse("workbench:card", args=[pk]), _("%(number)s：%(state)s。") % values)


@staff_page("supervision.view")
@require_safe
def ranking(request: StaffRequest) -> HttpResponse:
    today = localdate(timezone.now())
    month = _day(f"{request.GET.get('month', '')}-01") or today
    quarter = request.GET.get("by") == "quarter"
    month = min(max(month, date(2000, 1, 1)), today)
    found = queries.ranking(request.staff, month, quarter=quarter)
    context = {
        "found": found,
        "units": [(place, name, score, *GRADES[score.grade]) for place, name, score in found.units],
        "people": [(place, name, score, *GRADES[score.grade]) for place, name, score in found.people],
        "scale": queries.scale_of(request.staff.region_id, found.until),
        "quarter": quarter,
        "month": month,
    }
    return render(request, "workbench/supervision/ranking.html", context)


# -- rules ------------------------------------------------------------------------------------------------------------


def in_words(threshold: Mapping[str, int]) -> list[str]:
    """What a threshold says, in the order of the form; [] for what is simply met."""
    return [_word(name, threshold[name]) for name in NUMBERS if name in threshold]


def _word(name: str, n: int) -> str:
    match name:
        case "days_left":
            said = ngettext("还剩 %(n)s 个工作日", "还剩 %(n)s 个工作日", n)
        case "percent":
            said = _("用掉 %(n)s%% 的时间")
        case "days_over":
            said = ngettext("超过 %(n)s 个工作日", "超过 %(n)s 个工作日", n)
        case "days_late":
            said = ngettext("事后 %(n)s 天才录入", "事后 %(n)s 天才录入", n)
        case _:
            said = ngettext("从收件到办结不到 %(n)s 分钟", "从收件到办结不到 %(n)s 分钟", n)
    return said % {"n": n}


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isdecimal() and len(text) < 6 else None


def _item(request: StaffRequest, text: str) -> ServiceItem | None:
    """The published item with this name or code; refused when it is not one."""
    text = text.replace("\x00", "").strip()[:80]
    if not text:
        return None
    found = list(catalog.editable_items(request.staff.region_id, text=text, state="published")[:20])
    exact = [one for one in found if text in {one.name, one.task_code}]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if found:
        raise DomainError(_("有好几个事项叫这个，请写全名或者实施编码。"))
    raise DomainError(_("没有找到这个事项，请写已发布事项的名称。"))


def _proposed(request: StaffRequest, values: Any) -> tuple[rules.Rule, ServiceItem | None]:
    """The rule a form describes. Raises DomainError, saying what to correct."""
    trigger = values.get("trigger", "")
    limits = rules.LIMITS[Trigger(trigger)] if trigger in Trigger.values else {}
    threshold = {name: n for name in limits if (n := _number(values.get(name, ""))) is not None}
    item = _item(request, values.get("item", ""))
    day = _day(values.get("effective_on", ""))
    if day is None:
        raise DomainError(_("请填写从哪天起，写成 2026-11-18 这样。"))
    rule = actions.checked_rule(
        trigger=trigger,
        colour=values.get("colour", ""),
        threshold=threshold,
        effective_on=day,
        department=_uuid(values.get("department", "")),
        item=item.pk if item else None,
        is_on=values.get("is_on") != "0",
    )
    return rule, item


def _rules_page(request: StaffRequest, *, refused: str = "", **_context: Any) -> HttpResponse:
    staff, today = request.staff, localdate(timezone.now())
    values = request.POST if request.method == "POST" else request.GET
    own = list(queries.rules_of(staff.region_id))
    trigger = values.get("trigger", "")
    fields = []
    if trigger in Trigger.values:
        fields = [
            (name, NUMBERS[name], least, most, values.get(name, ""))
            for name, (least, most) in rules.LIMITS[Trigger(trigger)].items()
        ]
    tried, rule = None, None
    if values.get("try") == "1" or request.method == "POST":
        try:
            rule, _found = _proposed(request, values)
        except DomainError as error:
            refused = refused or str(error)
        else:
            if rule.trigger in rules.TIMED:
                tried = queries.try_rule(staff.region_id, rule, on=today)
    context = {
        "shipped": [
            (Trigger(one.trigger).label, Colour(one.colour).label, CHIPS[one.colour], in_words(one.threshold), one)
            for one in rules.SHIPPED
        ],
        "own": [(row, CHIPS[Colour(row.colour)], in_words(row.threshold)) for row in own],
        "triggers": Trigger.choices,
        "colours": Colour.choices,
        "departments": Department.objects.filter(region=staff.region_id).order_by("code"),
        "fields": fields,
        "may_set": access.allowed(staff, "supervision.manage"),
        "kept": [(name, values[name]) for name in (*FIELDS, *NUMBERS) if name in values],
        "rule": rule,
        "tried": tried,
        "today": today,
        "values": values,
        "refused": refused,
    }
    return render(request, "workbench/supervision/rules.html", context)


@staff_page("supervision.view", "supervision.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def rules_page(request: StaffRequest) -> HttpResponse:
    """Every rule in force and before; what a new one would give today; a POST sets it from a day on."""
    return _set_rule(request) if request.method == "POST" else _rules_page(request)


@keyed("supervision.set_rule", stay=_rules_page)
def _set_rule(request: StaffRequest) -> Done:
    rule, item = _proposed(request, request.POST)
    row = actions.set_rule(
        request.staff.region_id,
        trigger=rule.trigger,
        colour=rule.colour,
        threshold=rule.threshold,
        effective_on=rule.effective_on,
        department=rule.department,
        item=item.pk if item else None,
        is_on=rule.is_on,
        basis=posted_text(request, "basis"),
        by=request.staff,
        at=timezone.now(),
    )
    values = {"trigger": row.get_trigger_display(), "day": short_day(row.effective_on)}
    return Done(reverse("workbench:supervision-rules"), _("“%(trigger)s”的规则从 %(day)s起这样算。") % values)


# -- integrity --------------------------------------------------------------------------------------------------------


@staff_page("supervision.view")
@require_safe
def integrity_page(request: StaffRequest) -> HttpResponse:
    found = integrity.results(request.staff, today=localdate(timezone.now()))
    context = {
        "results": found,
        "hits": sum(len(one.hits) for one in found),
        "may_open": access.allowed(request.staff, "cases.view"),
        "most": integrity.MOST,
    }
    return render(request, "workbench/supervision/integrity.html", context)


urlpatterns = [
    path("supervision", board, name="supervision"),
    path("supervision/rules", rules_page, name="supervision-rules"),
    path("integrity", integrity_page, name="integrity"),
    path("cards", cards, name="cards"),
    path("cards/export", cards_export, name="cards-export"),
    path("cards/ranking", ranking, name="cards-ranking"),
    path("cards/<uuid:pk>", card, name="card"),
    path("cards/<uuid:pk>/answer", answer, name="card-answer"),
    path("cards/<uuid:pk>/appeal", appeal, name="card-appeal"),
    path("cards/<uuid:pk>/decide", decide, name="card-decide"),
]
