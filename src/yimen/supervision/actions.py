"""
Cards given, answered, appealed, decided upon; the rules that give them; leaders' walk-throughs.

Nothing here changes a case (SUP-12): cards, their entries and rules are rows of this room's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases import actions as cases
from yimen.cases.models import Case, Task
from yimen.catalog import queries as catalog
from yimen.catalog.models import ServiceItem
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib.dates import short_day
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Department, Region, Role, RoleGrant, Staff
from yimen.supervision import rules
from yimen.supervision.models import Card, CardEntry, Colour, SupervisionRule, Trigger, WalkThrough
from yimen.supervision.watching import Due, Lapse

ANSWER_DAYS, ANSWER_DAYS_KEY = 3, "card_answer_days"
APPEAL_DAYS, APPEAL_DAYS_KEY = 5, "card_appeal_days"
LEAST_TEXT, MOST_TEXT = 6, 2000
MOST_MINUTES, MOST_PROBLEMS = 1440, 20
_NAMEABLE = {Role.LEADER: rules.LEADER, Role.HALL_MANAGER: rules.MANAGER, Role.APPROVER: rules.APPROVER}


class TooLittleSaid(DomainError):
    """Whoever answers, appeals or decides says so in words."""


class NotNamed(DomainError):
    """Only the persons a card names answer it or appeal against it."""


class OneOfThem(DomainError):
    """Nobody decides on a card that names him, or that he gave himself."""


class NotNow(DomainError):
    """The card is no longer where this act belongs."""


class TooLate(DomainError):
    """The days for an appeal are over."""


class BadRule(DomainError):
    """The rule says nothing a card could be given by."""


class GivenAlready(DomainError):
    """The same card was given for the same thing."""


# -- giving -----------------------------------------------------------------------------------------------------------


def give_cards(region: str, due: Sequence[Due], *, by: Actor, at: datetime) -> list[Card]:
    """
    Give every card of `due` that is not there yet, and return those; safe to call late, twice and at once.

    The first one to look has the region's cards for itself until it commits, so the same lapse never gives two.
    """
    if not due:
        return []
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"supervision:{region}"])
        there = set(
            Card.objects.filter(region_id=region, occasion__in={one.lapse.occasion for one in due}).values_list(
                "occasion", "colour"
            )
        )
        new: dict[tuple[str, str], Due] = {}
        for one in due:
            key = (one.lapse.occasion, one.colour.value)
            if key not in there:
                new.setdefault(key, one)
        return [_give(*prepared, by=by, at=at) for prepared in _prepare(list(new.values()), at)]


def _prepare(new: Sequence[Due], at: datetime) -> list[tuple[Due, Case, rules.Named, date | None]]:
    """Load what the new cards need: their cases, who has them, who is head of what."""
    if not new:
        return []
    ids = {one.lapse.case for one in new}
    by_id = {case.pk: case for case in Case.objects.filter(pk__in=ids).select_related("center")}
    holders: dict[UUID, list[UUID | None]] = {}
    waiting = Task.objects.filter(case__in=ids, done_at=None).order_by("due_on")
    for pk, assignee in waiting.values_list("case_id", "assignee_id"):
        holders.setdefault(pk, []).append(assignee)
    departments = Department.objects.in_bulk({one.lapse.department for one in new})
    people = {region: people_of(region) for region in {one.region_id for one in departments.values()}}
    until = _days_after(next(iter(by_id.values())).region_id, at, ANSWER_DAYS_KEY, ANSWER_DAYS)
    prepared = []
    for one in new:
        lapse, case = one.lapse, by_id[one.lapse.case]
        hands = (*lapse.hands, *holders.get(case.pk, ()))
        named = rules.name_three(
            people[departments[lapse.department].region_id],
            department=lapse.department,
            hands=hands,
            otherwise=case.accepted_by_id or case.received_by_id,
        )
        prepared.append((one, case, named, None if one.colour == Colour.REMINDER else until))
    return prepared


def people_of(region: str) -> list[rules.Person]:
    """Return who may be named on a card, with the unit each role is granted for."""
    grants = RoleGrant.objects.filter(
        staff__region=region, role__in=_NAMEABLE, ended_at=None, staff__user__is_active=True
    ).values_list("staff_id", "role", "department_id", "staff__number")
    return [rules.Person(pk, _NAMEABLE[Role(role)], unit, number) for pk, role, unit, number in grants]


def _days_after(region: str, at: datetime, key: str, default: int) -> date:
    day = localdate(at)
    count = catalog.local_rule(region, key, day, default=default)
    return catalog.work_calendar().due(day, count).on


def _give(due: Due, case: Case, named: rules.Named, answer_by: date | None, *, by: Actor, at: datetime) -> Card:
    year = localdate(at).year
    serial = cases.next_number(case.region_id, "card", date(year, 1, 1))
    is_note = due.colour == Colour.REMINDER
    card = Card(
        region_id=case.region_id,
        number=f"{case.center.letters}监〔{year}〕{serial:05d}号",
        trigger=due.lapse.trigger,
        colour=due.colour,
        rule_id=due.rule.pk,
        occasion=due.lapse.occasion,
        case=case,
        department_id=due.lapse.department,
        facts=due.lapse.facts,
        state=Card.State.NOTED if is_note else Card.State.OPEN,
        issued_at=at,
        answer_by=answer_by,
        given_by=by if isinstance(by, Staff) else None,
        handler_id=named.handler,
        reviewer_id=named.reviewer,
        approver_id=named.approver,
    )
    card.save(force_insert=True)
    three = [str(pk) if pk else "" for pk in (named.handler, named.reviewer, named.approver)]
    data = {"number": card.number, "trigger": card.trigger, "colour": card.colour, "case": str(case.pk)}
    more = {"rule": str(due.rule.pk or ""), "department": str(card.department_id), "named": three}
    ledger.record(card.stream, "supervision.card_given", region=card.region_id, by=by, at=at, data=data | more)
    return card


@transaction.atomic
def give_by_hand(
    case_id: UUID, *, trigger: str, colour: str, facts: str, handler: UUID | None = None, by: Staff, at: datetime
) -> Card:
    """
    Give a card for what no rule can see, with the facts in words (SUP-2: 其他违规, or what an inspection found).

    handler: who did it, where that is known; else whoever has the case. Raises TooLittleSaid, GivenAlready for the
    same words twice, access.NotAllowed.
    """
    case = Case.objects.select_related("department").get(pk=case_id, region_id=by.region_id)
    access.require(by, "supervision.manage", department=case.department)
    if trigger not in Trigger.values or colour not in {Colour.YELLOW, Colour.RED}:
        raise BadRule(_("请选择违了哪一条，发黄牌还是红牌。"))
    said = _said(facts, _("请写明事实：什么时候、谁、做了什么，至少 %(n)s 个字。"))
    if handler is not None and not Staff.objects.filter(pk=handler, region_id=by.region_id).exists():
        raise BadRule(_("没有找到这位工作人员，请重新选。"))
    occasion = f"hand:{case.pk}:{sha256(said.encode()).hexdigest()[:16]}"
    lapse = Lapse(occasion, Trigger(trigger), case.pk, case.department_id, case.item_id, {"said": said}, (handler,))
    given = give_cards(case.region_id, [Due(lapse, rules.Rule(lapse.trigger, Colour(colour), {}))], by=by, at=at)
    if not given:
        raise GivenAlready(_("这件事已经发过同样的牌了，请到“监察牌”里看。"))
    return given[0]


# -- answering --------------------------------------------------------------------------------------------------------


def answer(card_id: UUID, *, text: str, correction: str, by: Staff, at: datetime) -> Card:
    """
    Answer a card: what happened, and what was put right (SUP-7). Late answers are taken; the card shows it.

    Raises NotNamed, TooLittleSaid, NotNow, access.NotAllowed.
    """
    with transaction.atomic():
        card = _locked(card_id, by, "supervision.answer")
        _expect_named(card, by)
        said = _said(text, _("请说明是怎么回事，至少 %(n)s 个字。"))
        done = _said(correction, _("请写明怎么整改的，至少 %(n)s 个字。"))
        return _enter(card, CardEntry.Kind.ANSWER, said, by=by, at=at, correction=done)


def appeal(card_id: UUID, *, text: str, by: Staff, at: datetime) -> Card:
    """
    Appeal against a card, once, within the days the place sets (SUP-7). A supervisor it does not name decides.

    Raises NotNamed, TooLittleSaid, TooLate, NotNow.
    """
    with transaction.atomic():
        card = _locked(card_id, by, "supervision.answer")
        _expect_named(card, by)
        said = _said(text, _("请写明为什么不服，至少 %(n)s 个字。"))
        if card.entries.filter(kind=CardEntry.Kind.APPEAL).exists():
            raise NotNow(_("这张牌已经申诉过一次了，请看处理决定。"))
        last = appeal_by(card)
        if localdate(at) > last:
            raise TooLate(_("申诉最晚要在 %(day)s提出，现在已经过了；可以在答复里说明。") % {"day": short_day(last)})
        return _enter(card, CardEntry.Kind.APPEAL, said, by=by, at=at)


def appeal_by(card: Card) -> date:
    """Return the last day for an appeal, by the rule of the day the card was given."""
    return _days_after(card.region_id, card.issued_at, APPEAL_DAYS_KEY, APPEAL_DAYS)


def decide(card_id: UUID, *, act: str, text: str, by: Staff, at: datetime) -> Card:
    """
    Decide on a card: "upheld" or "lifted" after an appeal, "closed" or "returned" after an answer, with reasons.

    An upheld card that was never answered still wants its answer, with new days; one answered before is over.
    Raises OneOfThem for whom the card names, TooLittleSaid, NotNow.
    """
    with transaction.atomic():
        card = _locked(card_id, by, "supervision.decide")
        if by.pk in card.named:
            raise OneOfThem(_("这张牌上有您的名字，要由另一位监督人员来处理。"))
        if act not in {"upheld", "lifted", "closed", "returned"}:
            raise NotNow(_("请选择怎么处理。"))
        said = _said(text, _("请写明理由，至少 %(n)s 个字，让当事人看得懂。"))
        return _enter(card, CardEntry.Kind(act), said, by=by, at=at)


def _locked(card_id: UUID, by: Staff, permission: str) -> Card:
    card = Card.objects.select_for_update(of=("self",)).select_related("department").get(pk=card_id)
    if permission == "supervision.answer":
        # Somebody named answers wherever he works; the card may be of another unit's step.
        access.require(by, permission)
    else:
        access.require(by, permission, department=card.department, region=card.region_id)
    return card


def _expect_named(card: Card, by: Staff) -> None:
    if by.pk not in card.named:
        raise NotNamed(_("这张牌没有您的名字，由牌上的承办人、审核人或者批准人来答复。"))


def _said(text: str, sentence: str) -> str:
    said = text.strip()[:MOST_TEXT]
    if len(said) < LEAST_TEXT:
        raise TooLittleSaid(sentence % {"n": LEAST_TEXT})
    return said


def _enter(card: Card, kind: CardEntry.Kind, text: str, *, by: Staff, at: datetime, correction: str = "") -> Card:
    state = rules.next_state(card.state, kind.value)
    if state is None:
        raise NotNow(
            _("这张牌现在是“%(state)s”，这一步做不了。请刷新看最新情况。") % {"state": card.get_state_display()}
        )
    CardEntry.objects.create(
        region_id=card.region_id, card=card, kind=kind, text=text, correction=correction, by=by, at=at
    )
    card.state = state
    if kind == CardEntry.Kind.UPHELD and card.entries.filter(kind=CardEntry.Kind.ANSWER).exists():
        card.state = Card.State.CLOSED
    if kind in {CardEntry.Kind.UPHELD, CardEntry.Kind.RETURNED}:
        card.answer_by = _days_after(card.region_id, at, ANSWER_DAYS_KEY, ANSWER_DAYS)
    if card.state in {Card.State.CLOSED, Card.State.LIFTED}:
        card.closed_at = at
    card.save(update_fields=["state", "answer_by", "closed_at"])
    # What was written may name people, and the ledger cannot forget: the words stay with the card.
    data = {"act": kind.value, "state": card.state, "length": len(text)}
    ledger.record(card.stream, f"supervision.card_{_VERBS[kind]}", region=card.region_id, by=by, at=at, data=data)
    return card


_VERBS = {
    CardEntry.Kind.ANSWER: "answered",
    CardEntry.Kind.APPEAL: "appealed",
    CardEntry.Kind.UPHELD: "decided",
    CardEntry.Kind.LIFTED: "decided",
    CardEntry.Kind.CLOSED: "decided",
    CardEntry.Kind.RETURNED: "decided",
}


# -- rules ------------------------------------------------------------------------------------------------------------


def checked_rule(
    *,
    trigger: str,
    colour: str,
    threshold: Mapping[str, int],
    effective_on: date,
    department: UUID | None = None,
    item: UUID | None = None,
    is_on: bool = True,
) -> rules.Rule:
    """Return the rule these values make. Raises BadRule, saying what to correct."""
    if trigger not in Trigger.values or colour not in Colour.values:
        raise BadRule(_("请选择看什么，发什么牌。"))
    limits = rules.LIMITS[Trigger(trigger)]
    for name, value in threshold.items():
        least, most = limits.get(name, (0, -1))
        if not least <= value <= most:
            raise BadRule(_("数字要在 %(least)s 到 %(most)s 之间。") % {"least": least, "most": most})
    if is_on and limits and not threshold:
        raise BadRule(_("请填写到什么程度发牌。"))
    return rules.Rule(Trigger(trigger), Colour(colour), dict(threshold), effective_on, department, item, is_on)


@transaction.atomic
def set_rule(
    region: Region | str,
    *,
    trigger: str,
    colour: str,
    threshold: Mapping[str, int],
    effective_on: date,
    department: UUID | None = None,
    item: UUID | None = None,
    is_on: bool = True,
    basis: str,
    by: Staff,
    at: datetime,
) -> SupervisionRule:
    """
    Set from a day on when a trigger gives a colour (SUP-4, SUP-5); what was given before stays. Rows are only added.

    Raises BadRule for numbers out of range, a day in the past, a second rule of the same scope and day, a unit or item
    of another region, or no basis; access.NotAllowed.
    """
    code = region.pk if isinstance(region, Region) else region
    access.require(by, "supervision.manage", region=code)
    checked_rule(
        trigger=trigger,
        colour=colour,
        threshold=threshold,
        effective_on=effective_on,
        department=department,
        item=item,
        is_on=is_on,
    )
    if effective_on < localdate(at):
        raise BadRule(_("不能早于今天：已经发的牌照当时的规则。"))
    if not basis.strip():
        raise BadRule(_("请写明依据的文件，会记进台账。"))
    if department and not Department.objects.filter(pk=department, region=code).exists():
        raise BadRule(_("没有找到这个部门，请重新选。"))
    if item and not ServiceItem.objects.filter(pk=item, region=code).exists():
        raise BadRule(_("没有找到这个事项，请重新选。"))
    row, is_new = SupervisionRule.objects.get_or_create(
        region_id=code,
        trigger=trigger,
        colour=colour,
        department=Department.objects.filter(pk=department).first() if department else None,
        item=ServiceItem.objects.filter(pk=item).first() if item else None,
        effective_on=effective_on,
        defaults={
            "threshold": dict(threshold),
            "is_on": is_on,
            "basis": basis.strip()[:200],
            "set_by": by,
            "set_at": at,
        },
    )
    if not is_new:
        raise BadRule(_("同样的规则从同一天起已经有一条了，不能改，请换一个日期。"))
    data = {"trigger": trigger, "colour": colour, "threshold": dict(threshold), "is_on": is_on}
    more = {"effective_on": effective_on.isoformat(), "department": str(department or ""), "item": str(item or "")}
    ledger.record(f"supervision:{code}:{row.pk}", "supervision.rule_set", region=code, by=by, at=at, data=data | more)
    return row


# -- walk-throughs ----------------------------------------------------------------------------------------------------


@transaction.atomic
def begin_campaign(region: Region | str, name: str, *, due_on: date, by: Staff, at: datetime) -> list[WalkThrough]:
    """
    Give each leader of the region two errands: ask once, handle once (换位体验, S4-26). Return those that are new.

    Under the same name again, leaders who came since get theirs. Raises DomainError without a name, for a day in the
    past and where there is no leader; access.NotAllowed.
    """
    code = region.pk if isinstance(region, Region) else region
    access.require(by, "supervision.manage", region=code)
    name = name.strip()[:80]
    if not name:
        raise DomainError(_("请给这一轮体验起个名字，比如“2026 年第四季度”。"))
    if due_on < localdate(at):
        raise DomainError(_("完成的日期不能早于今天。"))
    leaders = Staff.objects.filter(
        Q(grants__role=Role.LEADER, grants__ended_at=None), region_id=code, user__is_active=True
    ).distinct()
    there = set(WalkThrough.objects.filter(region_id=code, campaign=name).values_list("leader_id", "kind"))
    new = [
        WalkThrough(
            region_id=code, campaign=name, kind=kind, leader=leader, due_on=due_on, assigned_by=by, assigned_at=at
        )
        for leader in leaders.order_by("number")
        for kind in WalkThrough.Kind
        if (leader.pk, kind.value) not in there
    ]
    if not new and not there:
        raise DomainError(_("还没有哪位负责人开通了账号，请先找系统管理员。"))
    # Two who begin the same campaign at once: the constraint keeps one row each.
    WalkThrough.objects.bulk_create(new, ignore_conflicts=True)
    if new:
        stream = f"campaign:{new[0].pk}"
        data = {"campaign": name, "due_on": due_on.isoformat(), "count": len(new)}
        ledger.record(stream, "supervision.campaign_begun", region=code, by=by, at=at, data=data)
    return new


@transaction.atomic
def report_walk(
    walk_id: UUID,
    *,
    done_on: date,
    minutes: int,
    report: str,
    problems: Iterable[str] = (),
    item: UUID | None = None,
    by: Staff,
    at: datetime,
) -> WalkThrough:
    """
    Report one errand: the day, how many minutes it took, what it was like, which problems he met (S4-26).

    Only the leader himself, and once. Raises NotNamed, NotNow, TooLittleSaid, DomainError for a day to come or
    minutes out of range.
    """
    walk = WalkThrough.objects.select_for_update().get(pk=walk_id, region_id=by.region_id)
    if walk.leader_id != by.pk:
        raise NotNamed(_("这项体验由负责人本人去办、本人来写。"))
    if walk.done_on is not None:
        raise NotNow(_("这项体验已经交过报告了。"))
    said = _said(report, _("请写下办事的感受，至少 %(n)s 个字。"))
    if not localdate(walk.assigned_at) <= done_on <= localdate(at):
        raise DomainError(_("体验的日期要在布置之后、今天以前。"))
    if not 1 <= minutes <= MOST_MINUTES:
        raise DomainError(_("请填写用了多少分钟，1 到 %(n)s。") % {"n": MOST_MINUTES})
    if item and not ServiceItem.objects.filter(pk=item, region_id=walk.region_id).exists():
        raise DomainError(_("没有找到这个事项，请重新选。"))
    walk.done_on, walk.minutes, walk.report, walk.item_id = done_on, minutes, said, item
    walk.problems = [text.strip()[:200] for text in problems if text.strip()][:MOST_PROBLEMS]
    walk.save(update_fields=["done_on", "minutes", "report", "item", "problems"])
    data = {"kind": walk.kind, "minutes": minutes, "problems": len(walk.problems)}
    ledger.record(f"walk:{walk.pk}", "supervision.walk_reported", region=walk.region_id, by=by, at=at, data=data)
    return walk


__all__ = [
    "BadRule",
    "GivenAlready",
    "NotNamed",
    "NotNow",
    "OneOfThem",
    "TooLate",
    "TooLittleSaid",
    "answer",
    "appeal",
    "appeal_by",
    "begin_campaign",
    "checked_rule",
    "decide",
    "give_by_hand",
    "give_cards",
    "people_of",
    "report_walk",
    "set_rule",
]
