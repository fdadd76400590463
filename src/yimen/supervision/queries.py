"""Reads of supervision: the board of what is due, cards, scores, what a rule would give, walk-throughs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Prefetch, Q, QuerySet
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases.models import Case
from yimen.catalog import queries as catalog
from yimen.ledger import actions as ledger
from yimen.lib.ids import uuid7
from yimen.lib.workdays import LOCAL_ZONE
from yimen.people import access
from yimen.people.models import Department, Region, Staff
from yimen.supervision import rules, watching
from yimen.supervision.models import Card, CardEntry, Colour, SupervisionRule, WalkThrough
from yimen.supervision.rules import Rule, Scale, Score

MOST_EXPORTED = 20_000
WAITING = (Card.State.OPEN, Card.State.ANSWERED, Card.State.APPEALED, Card.State.UPHELD)
SCALE = {
    "yellow": "card_points_yellow",
    "red": "card_points_red",
    "excellent": "card_grade_excellent",
    "good": "card_grade_good",
    "passed": "card_grade_passed",
}
CODES = {Colour.REMINDER: "1", Colour.YELLOW: "2", Colour.RED: "3"}


# -- cards ------------------------------------------------------------------------------------------------------------


T = TypeVar("T", Case, Card)


def _of_units(staff: Staff, rows: QuerySet[T]) -> QuerySet[T]:
    rows = rows.filter(region_id=staff.region_id)
    grants = [grant for grant in staff.granted if grant.role in access.PERMISSIONS["supervision.view"]]
    if not grants or not staff.user.is_active:
        return rows.none()
    if any(grant.department_id is None for grant in grants):
        return rows
    return rows.filter(department__in={grant.department_id for grant in grants})


def cards_for(staff: Staff) -> QuerySet[Card]:
    """Return the cards `staff` may see: those of the units of his grants, or of the whole region."""
    return _of_units(staff, Card.objects.all())


def cases_for(staff: Staff) -> QuerySet[Case]:
    """Return the cases he watches over: of the same units. The hall's manager counts them without opening any."""
    return _of_units(staff, Case.objects.all())


def naming(staff: Staff) -> QuerySet[Card]:
    """Return the cards that name `staff`, the latest first."""
    named = Q(handler=staff) | Q(reviewer=staff) | Q(approver=staff)
    return Card.objects.filter(named).order_by("-issued_at", "-pk")


def waiting_for(staff: Staff) -> QuerySet[Card]:
    """Return the cards that wait for an answer of `staff`, and those of his that still remind him of a running case."""
    wants = Q(state__in=[Card.State.OPEN, Card.State.UPHELD]) | Q(
        state=Card.State.NOTED, case__status=Case.Status.ACCEPTED
    )
    return naming(staff).filter(wants)


def waiting_count(staff: Staff) -> int:
    """Return how many cards name `staff` and want his answer: what the navigation shows."""
    return naming(staff).filter(state__in=[Card.State.OPEN, Card.State.UPHELD]).count()


def card_for(staff: Staff, pk: UUID) -> Card | None:
    """Return the card; None alike when there is none and when he may neither see it nor is named on it."""
    card = (
        Card.objects.filter(pk=pk)
        .select_related("case__version", "department", "handler", "reviewer", "approver", "rule", "given_by")
        .prefetch_related(Prefetch("entries", CardEntry.objects.select_related("by")))
        .first()
    )
    if card is None or not staff.user.is_active:
        return None
    if staff.pk in card.named or cards_for(staff).filter(pk=pk).exists():
        return card
    return None


def cards_of(case: Case) -> QuerySet[Card]:
    return Card.objects.filter(region_id=case.region_id, case=case).select_related("handler").order_by("-issued_at")


@dataclass(frozen=True)
class Wanted:
    """What a list of cards is narrowed to; empty does not narrow. late: the day for the answer has passed."""

    colour: str = ""
    trigger: str = ""
    state: str = ""
    department: UUID | None = None
    since: date | None = None
    until: date | None = None
    late: bool = False


def find_cards(cards: QuerySet[Card], wanted: Wanted, *, today: date) -> QuerySet[Card]:
    for name in ("colour", "trigger", "state", "department"):
        if value := getattr(wanted, name):
            cards = cards.filter(**{name: value})
    if wanted.since:
        cards = cards.filter(issued_at__gte=_begins(wanted.since))
    if wanted.until:
        cards = cards.filter(issued_at__lt=_begins(wanted.until + timedelta(days=1)))
    if wanted.late:
        cards = cards.filter(state__in=[Card.State.OPEN, Card.State.UPHELD], answer_by__lt=today)
    return cards.order_by("-issued_at", "-pk")


def page_of(some: QuerySet[Card]) -> list[Card]:
    """Return a slice of a list with what its lines show, two statements; only the keys are looked for and sorted."""
    keys = list(some.values_list("pk", flat=True))
    shown = ("case__query_no", "case__version__name", "department__name", "handler__name", "handler__number")
    rows = Card.objects.select_related("case__version", "department", "handler")
    own = [field.attname for field in Card._meta.concrete_fields if field.attname != "facts"]
    found = rows.only(*own, *shown).in_bulk(keys)
    return [found[key] for key in keys]


def _begins(day: date) -> datetime:
    return datetime.combine(day, time(), LOCAL_ZONE)


@transaction.atomic
def export_cards(staff: Staff, wanted: Wanted, *, at: datetime) -> list[list[str]]:
    """
    Return the supervision record with the columns of SUP-9 (GB/T 39046 table 11), at most MOST_EXPORTED rows.

    Who took how many is in the ledger. Raises access.NotAllowed.
    """
    access.require(staff, "supervision.view")
    head = [
        _("办件编号"), _("监察内容"), _("实施主体"), _("事项类型"), _("发牌时间"), _("监察编号"), _("规则编号"),
        _("预警类型代码"), _("状态时间"), _("处理结果"), _("责任部门"),
    ]  # fmt: skip
    found = find_cards(cards_for(staff), wanted, today=localdate(at)).select_related(
        "case__department", "case__item", "department", "rule"
    )
    rows = [head]
    for card in found.prefetch_related("entries")[:MOST_EXPORTED]:
        last = max((entry.at for entry in card.entries.all()), default=card.issued_at)
        rows.append(
            [
                card.case.case_no,
                f"{card.get_trigger_display()}：{card.case.item.name}",
                card.case.department.name,
                card.case.item.get_item_type_display(),
                _moment(card.issued_at),
                card.number,
                card.rule_no,
                CODES[Colour(card.colour)],
                _moment(last),
                card.get_state_display(),
                card.department.name,
            ]
        )
    data = {"what": "cards", "count": len(rows) - 1}
    ledger.record(f"export:{uuid7()}", "supervision.exported", region=staff.region_id, by=staff, at=at, data=data)
    return rows


def _moment(at: datetime) -> str:
    return at.astimezone(LOCAL_ZONE).strftime("%Y-%m-%d %H:%M:%S")


# -- the board --------------------------------------------------------------------------------------------------------


@dataclass
class Line:
    """One unit on the board: its running cases by their day, its open cards by colour."""

    department: Department
    today: int = 0
    overdue: int = 0
    week: int = 0
    yellow: int = 0
    red: int = 0

    @property
    def rank(self) -> tuple[int, ...]:
        return (-self.red, -self.overdue, -self.today, -self.yellow, -self.week)


@dataclass(frozen=True)
class Board:
    """What is due now. lines: the units that have anything, the worst first. late: answers whose day has passed."""

    lines: list[Line]
    late: int
    to_decide: int

    def total(self, name: str) -> int:
        return sum(getattr(line, name) for line in self.lines)

    @property
    def totals(self) -> dict[str, int]:
        return {name: self.total(name) for name in ("today", "overdue", "week", "yellow", "red")}


def board(staff: Staff, *, today: date) -> Board:
    """
    Return what is due today, overdue and due within a week, and the open cards, by unit; of the units he may see.

    Five statements however many cases: running ones are found by their due day.
    """
    week = today + timedelta(days=7)
    running = (
        cases_for(staff)
        .filter(status=Case.Status.ACCEPTED, due_on__lte=week)
        .values("department")
        .annotate(
            overdue=Count("pk", filter=Q(due_on__lt=today)),
            today=Count("pk", filter=Q(due_on=today)),
            week=Count("pk", filter=Q(due_on__gt=today)),
        )
        .order_by()
    )
    counts: dict[UUID, Counter[str]] = defaultdict(Counter)
    for row in running:
        counts[row["department"]].update({name: row[name] for name in ("overdue", "today", "week")})
    cards = cards_for(staff).filter(state__in=WAITING).order_by()
    for unit, colour, n in cards.values_list("department", "colour").annotate(n=Count("pk")):
        counts[unit][colour] += n
    units = Department.objects.in_bulk(counts)
    lines = [
        Line(
            units[pk],
            today=count["today"],
            overdue=count["overdue"],
            week=count["week"],
            yellow=count[Colour.YELLOW],
            red=count[Colour.RED],
        )
        for pk, count in counts.items()
    ]
    figures = cards.aggregate(
        late=Count("pk", filter=Q(state__in=[Card.State.OPEN, Card.State.UPHELD], answer_by__lt=today)),
        to_decide=Count("pk", filter=Q(state__in=[Card.State.ANSWERED, Card.State.APPEALED])),
    )
    return Board(sorted(lines, key=lambda line: (*line.rank, line.department.code)), **figures)


# -- scores -----------------------------------------------------------------------------------------------------------


def scale_of(region: Region | str, on: date) -> Scale:
    """Return the points and grades in force on a day (SUP-7, TRAP-7)."""
    shipped = Scale()
    values = {name: catalog.local_rule(region, key, on, default=getattr(shipped, name)) for name, key in SCALE.items()}
    return Scale(**values)


def months_of(month: date, *, quarter: bool = False) -> tuple[date, date]:
    """Return the first day of the month (or its quarter) and the first day after it."""
    first = month.replace(day=1, month=(month.month - 1) // 3 * 3 + 1) if quarter else month.replace(day=1)
    last = first.month + (3 if quarter else 1)
    return first, date(first.year + (last - 1) // 12, (last - 1) % 12 + 1, 1)


@dataclass(frozen=True)
class Ranking:
    """Units and persons of a month or quarter, best first with their places; lifted cards do not count."""

    since: date
    until: date
    units: list[tuple[int, str, Score]]
    people: list[tuple[int, str, Score]]


def ranking(staff: Staff, month: date, *, quarter: bool = False) -> Ranking:
    """
    Return the ranking of the units in the hall, and of the persons who answered for a card (SUP-7).

    A unit without a card has all points; of persons only those with a card are listed.
    """
    since, until = months_of(month, quarter=quarter)
    scale = scale_of(staff.region_id, until - timedelta(days=1))
    cards = (
        cards_for(staff)
        .filter(issued_at__gte=_begins(since), issued_at__lt=_begins(until))
        .exclude(state=Card.State.LIFTED)
        .order_by()
    )
    by_unit, by_person = defaultdict[UUID, Counter[str]](Counter), defaultdict[UUID, Counter[str]](Counter)
    for unit, person, colour, n in cards.values_list("department", "handler", "colour").annotate(n=Count("pk")):
        by_unit[unit][colour] += n
        if person:
            by_person[person][colour] += n
    units = {
        unit.pk: unit.name
        for unit in Department.objects.filter(Q(region=staff.region_id, is_resident=True) | Q(pk__in=by_unit))
        if unit.pk in by_unit or access.allowed(staff, "supervision.view", department=unit)
    }
    people = {one.pk: str(one) for one in Staff.objects.filter(pk__in=by_person)}
    return Ranking(
        since,
        until - timedelta(days=1),
        rules.ranked((name, rules.score(by_unit.get(pk, {}), scale)) for pk, name in units.items()),
        rules.ranked((name, rules.score(by_person[pk], scale)) for pk, name in people.items()),
    )


# -- rules ------------------------------------------------------------------------------------------------------------


def rules_of(region: Region | str) -> QuerySet[SupervisionRule]:
    """Return every rule the region ever set, the latest first."""
    return (
        SupervisionRule.objects.filter(region=region)
        .select_related("department", "item", "set_by")
        .order_by("-effective_on", "-pk")
    )


@dataclass(frozen=True)
class Tried:
    """What a rule would give today: how many cards in all, and the first of the cases with what they are late by."""

    count: int
    there: int
    is_cut: bool
    rows: list[tuple[Case, dict[str, Any], bool]]


MOST_TRIED, SHOWN = 2000, 30


def try_rule(region: str, rule: Rule, *, on: date) -> Tried:
    """
    Return which open cases would get which card if `rule` counted today (is_cut: at least MOST_TRIED).

    Cases that have the card already are counted in `there`. Nothing is written.
    """
    probe = Rule(rule.trigger, rule.colour, rule.threshold, on, rule.department, rule.item, rule.is_on)
    book = watching.book_of(region, probe)
    hits = (
        due
        for due in watching.running(region, book, on=on)
        if due.rule is probe or (due.rule.pk is None and due.rule == probe)
    )
    found = list(islice(hits, MOST_TRIED))
    given = set(
        Card.objects.filter(region_id=region, occasion__in=[due.lapse.occasion for due in found]).values_list(
            "occasion", "colour"
        )
    )
    has = [(due, (due.lapse.occasion, due.colour.value) in given) for due in found]
    first = has[:SHOWN]
    by_id = Case.objects.select_related("version", "department").in_bulk([due.lapse.case for due, _has in first])
    return Tried(
        len(found),
        sum(is_there for _due, is_there in has),
        len(found) == MOST_TRIED,
        [(by_id[due.lapse.case], due.lapse.facts, is_there) for due, is_there in first],
    )


# -- walk-throughs ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Walker:
    """A leader and his two errands, inquiry and certificate."""

    leader: Staff
    walks: dict[str, WalkThrough]

    @property
    def done_count(self) -> int:
        return sum(walk.done_on is not None for walk in self.walks.values())


def campaigns(region: Region | str) -> list[str]:
    """Return the names of the rounds, the latest first."""
    rows = WalkThrough.objects.filter(region=region).order_by("-assigned_at").values_list("campaign", flat=True)
    return list(dict.fromkeys(rows))


def walkers(region: Region | str, campaign: str) -> list[Walker]:
    """Return the leaders of a round in the order of their numbers, each with what is done and not done (S4-26)."""
    rows: Iterable[WalkThrough] = (
        WalkThrough.objects.filter(region=region, campaign=campaign)
        .select_related("leader__department", "item")
        .order_by("leader__number", "-kind")
    )
    by_leader: dict[UUID, list[WalkThrough]] = defaultdict(list)
    for row in rows:
        by_leader[row.leader_id].append(row)
    return [Walker(walks[0].leader, {walk.kind: walk for walk in walks}) for walks in by_leader.values()]


def walk_of(staff: Staff, pk: UUID) -> WalkThrough | None:
    """Return an errand of his own."""
    return WalkThrough.objects.filter(pk=pk, leader=staff).select_related("item").first()


@transaction.atomic
def export_walks(staff: Staff, campaign: str, *, at: datetime) -> list[list[str]]:
    """Return a round as rows: who, which errand, done or not, day, minutes, problems, report. Noted in the ledger."""
    access.require(staff, "supervision.view")
    rows = [[_("负责人"), _("单位"), _("体验"), _("完成"), _("日期"), _("分钟"), _("事项"), _("发现的问题"), _("报告")]]
    for walker in walkers(staff.region_id, campaign):
        for walk in walker.walks.values():
            rows.append(
                [
                    walker.leader.name,
                    walker.leader.department.name,
                    walk.get_kind_display(),
                    _("已完成") if walk.done_on else _("未完成"),
                    walk.done_on.isoformat() if walk.done_on else "",
                    str(walk.minutes or ""),
                    walk.item.name if walk.item else "",
                    "；".join(walk.problems),
                    walk.report,
                ]
            )
    data = {"what": "walks", "count": len(rows) - 1}
    ledger.record(f"export:{uuid7()}", "supervision.exported", region=staff.region_id, by=staff, at=at, data=data)
    return rows
