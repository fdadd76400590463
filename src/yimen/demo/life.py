"""
People coming and going: a small event queue that drives the real actions, first for some past days, then live.

Every act happens at its own moment, in order, by the person whose post it is. Nothing here knows the rules; what
the rules refuse is simply not done.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import count
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.timezone import get_current_timezone, localdate, localtime
from stdnum.cn import ric, uscc

from yimen.cases import actions as cases
from yimen.cases.actions import Handed
from yimen.cases.models import Case, CaseMaterial, Task
from yimen.catalog import queries as catalog
from yimen.catalog.models import FlowStep, ItemVersion
from yimen.demo import (
    archives,
    bundles,
    centre,
    clocks,
    handling,
    people_around,
    results,
    scenario,
    supervision,
    visits,
)
from yimen.demo.over import hand_over
from yimen.hall import actions as hall
from yimen.hall.actions import forgotten
from yimen.hall.models import Hall, Series, Ticket, Window
from yimen.insight.forecasts import checks as forecasts
from yimen.ledger.actions import PUBLIC, SYSTEM
from yimen.lib.errors import DomainError
from yimen.people import actions as people
from yimen.people.models import Applicant, Staff
from yimen.ratings import actions as ratings
from yimen.supervision import watching

OPENS, CLOSES = time(9), time(17)
HISTORY_DAYS = 7
DAYS_AFTER_KNOWN = 2  # of them lie after the day of the known case
VISITORS_A_DAY = 36
# Seconds between arrivals while somebody watches; the hall is quieter outside office hours but never dead.
LIVE_GAP, QUIET_GAP = 75, 160
KNOWN_PHONE = "13900000417"
Act = Callable[[datetime], object]


class Life:
    """
    The simulated public and staff of the demo centre.

    seed: the same seed and the same times give the same day.
    """

    def __init__(self, seed: str) -> None:
        self.chance = random.Random(seed)
        self.hall = Hall.objects.select_related("center", "region").get(code=centre.HALL[0], region=centre.REGION[0])
        self.staff = {
            person.user.username: person
            for person in Staff.objects.filter(region=self.hall.region_id).select_related("user", "department")
        }
        self.approvers = {
            person.department_id: person for username, person in self.staff.items() if username.startswith("approver-")
        }
        self.series = {series.letter: series for series in Series.objects.filter(hall=self.hall)}
        self.windows = [
            window
            for window in Window.objects.filter(hall=self.hall).prefetch_related("series")
            if window.number not in centre.FREE_WINDOWS
        ]
        self.calls = {window.number: {series.letter for series in window.series.all()} for window in self.windows}
        wanted = {item.name: item for item in centre.ITEMS}
        versions = ItemVersion.objects.filter(published_for__region=self.hall.region_id).select_related(
            "item__department", "item__region"
        )
        self.items = [(wanted[version.name], version) for version in versions if version.name in wanted]
        self.queue: list[tuple[datetime, int, Act]] = []
        self.order = count()
        self.arrivals = count()
        self.idle: set[int] = set()
        self.served: set[UUID] = set()

    # --- the event queue ---

    def at(self, moment: datetime, act: Act) -> None:
        heapq.heappush(self.queue, (moment, next(self.order), act))

    def run(self, until: datetime) -> int:
        """Do everything that is due by `until`, in order; return how many acts were done."""
        done = 0
        while self.queue and self.queue[0][0] <= until:
            moment, _n, act = heapq.heappop(self.queue)
            try:
                act(moment)
            except DomainError:
                continue  # somebody at the keyboard did it first, or the rules said no
            done += 1
        return done

    # --- a day ---

    def open_windows(self, moment: datetime) -> None:
        for window in self.windows:
            self.at(moment, partial(self._sign_in, window))

    def close_windows(self, moment: datetime) -> None:
        for window in self.windows:
            self.at(moment, partial(self._sign_out, window))
        self.at(moment, lambda at: forecasts.check(at=at))

    def visitors(self, moments: Iterator[datetime] | list[datetime]) -> None:
        for moment in moments:
            self.at(moment, self._arrive)

    def _sign_in(self, window: Window, at: datetime) -> None:
        clerk = self._clerk(window)
        hall.sign_in(window.pk, by=clerk, at=at)
        self._next(window, at)

    def _sign_out(self, window: Window, at: datetime) -> None:
        self.idle.discard(window.number)
        hall.sign_out(window.pk, by=self._clerk(window), at=at)

    def _arrive(self, at: datetime) -> None:
        item, version = self.chance.choices(self.items, weights=[item.weight for item, _version in self.items])[0]
        tail = f"{self.chance.randrange(10_000):04d}"
        hall.take_ticket(
            self.series[item.series].pk,
            by=PUBLIC,
            at=at,
            source=Ticket.Source.KIOSK,
            item=version.item,
            phone_last_four=tail,
        )
        # What people are told is kept now and then, as the worker does every minute (docs/forecast.md).
        if next(self.arrivals) % 4 == 0:
            self.at(at + timedelta(seconds=2), lambda moment: forecasts.keep(self.hall, at=moment))
        idle = [window for window in self.windows if window.number in self.idle]
        # A second one, should the first be kept from calling; asking them all would be most of the work of a day.
        for window in [window for window in idle if item.series in self.calls[window.number]][:2]:
            self.at(at + timedelta(seconds=self.chance.randint(5, 20)), partial(self._next, window))

    def _next(self, window: Window, at: datetime) -> None:
        if window.number in self.idle:
            self.idle.discard(window.number)
        ticket = hall.call_next(window.pk, by=self._clerk(window), at=at)
        if ticket is None:
            self.idle.add(window.number)
        elif ticket.pk not in self.served:  # calling again gives the ticket already called
            self.served.add(ticket.pk)
            self._serve(window, ticket, at)

    def _serve(self, window: Window, ticket: Ticket, at: datetime) -> None:
        clerk = self._clerk(window)
        sits = at + timedelta(seconds=self.chance.randint(20, 70))
        if self.chance.random() < 0.04:
            gone = sits + timedelta(seconds=60)
            self.at(gone, lambda at: hall.pass_over(ticket.pk, by=clerk, at=at))
            self.at(gone + timedelta(seconds=2), partial(self._next, window))
            return
        item, version = self._matter(ticket)
        minutes = self.chance.uniform(*item.serve)
        ends = sits + timedelta(minutes=minutes)
        self.at(sits, lambda at: hall.start(ticket.pk, by=clerk, at=at))
        self.at(sits + timedelta(minutes=minutes * 0.3), lambda at: self._handle(version, ticket, clerk, at, ends))
        self.at(ends, lambda at: self._finish(ticket, clerk, at))
        self.at(ends + timedelta(seconds=self.chance.randint(10, 40)), partial(self._next, window))

    def _handle(self, version: ItemVersion, ticket: Ticket, clerk: Staff, at: datetime, ends: datetime) -> None:
        applicant = self._applicant(clerk, at, ticket.phone_last_four)
        states = CaseMaterial.State
        chosen = scenario.answers(version, self.chance)
        handed = scenario.applying_materials(version, chosen)
        case = cases.receive(
            version,
            applicant,
            center=self.hall.center,
            materials={material.pk: Handed(states.COMPLETE) for material in handed},
            chosen=chosen,
            by=clerk,
            at=at,
            ticket_no=ticket.label,
        )
        hall.link_case(ticket.pk, case, by=clerk, at=at)
        accepts = at + (ends - at) * 0.4
        if self.chance.random() < 0.02:
            said = {
                "reasons": "这件事归乡镇便民服务中心办，请带身份证到户口所在地的便民服务中心。",
                "ground": cases.Ground.NOT_OURS,
                "right_organ": "户口所在地的便民服务中心",
            }
            self.at(accepts, lambda at: cases.decline(case.pk, **said, by=clerk, at=at))
            return
        self.at(accepts, lambda at: cases.accept(case.pk, by=clerk, at=at))
        if version.is_immediate:
            granted = Case.Outcome.GRANTED
            self.at(at + (ends - at) * 0.7, lambda at: cases.decide(case.pk, outcome=granted, by=clerk, at=at))
            self.at(at + (ends - at) * 0.8, lambda at: hand_over(case.pk, by=clerk, at=at))

    def _finish(self, ticket: Ticket, clerk: Staff, at: datetime) -> None:
        hall.finish(ticket.pk, by=clerk, at=at)
        if self.chance.random() < 0.42:
            self.at(at + timedelta(minutes=self.chance.uniform(1, 6)), partial(self._rate, ticket.pk))

    def _rate(self, ticket_pk: Any, at: datetime) -> None:
        ticket = Ticket.objects.select_related("hall__center", "window", "served_by", "case").get(pk=ticket_pk)
        levels = ("very_good", "good", "fair", "bad", "very_bad")
        level = self.chance.choices(levels, weights=(78, 16, 3, 2, 1))[0]
        invitation = ratings.invite_for_visit(ticket, at=at)
        ratings.rate(invitation.token, level=level, channel="qr", at=at)
        if level in {"bad", "very_bad"}:
            reason, text = self.chance.choice(centre.BLAME)
            ratings.add_reasons(invitation.token, [reason], text, at=at)

    # --- the back office ---

    def office(self, moment: datetime) -> None:
        """Let reviewers, surveyors and approvers do what has lain long enough; some things lie too long."""
        self.at(moment, self._office)

    def _office(self, at: datetime) -> None:
        if not _in_hours(at):
            return
        # The cases staged for somebody to look at came without a ticket and stay as they are.
        tasks = (
            Task.objects.filter(region=self.hall.region_id, done_at=None, case__is_demo=True)
            .filter(Exists(Ticket.objects.filter(case=OuterRef("case"))))
            .exclude(kind__in=[FlowStep.Kind.RECEIVE, FlowStep.Kind.ACCEPT])
        )
        for task in tasks.select_related("case__version", "department"):
            if self._ready(task, at):
                try:
                    self._do(task, at)
                except DomainError:
                    continue

    def _ready(self, task: Task, at: datetime) -> bool:
        """About one in eighty waits for days; the rest are done in half an hour to six, results handed out at once."""
        dice = task.pk.int % 1009
        hours = 60 + dice % 120 if dice % 80 == 0 else 0.5 + dice % 50 / 9
        if task.kind == FlowStep.Kind.DELIVER:
            hours = 0
        elif task.kind == FlowStep.Kind.DECIDE and localtime(at).hour >= 16:
            return False  # what is decided today is handed out today
        return at - task.opened_at >= timedelta(hours=hours)

    def _do(self, task: Task, at: datetime) -> None:
        if task.kind == FlowStep.Kind.DECIDE:
            cases.decide(task.case_id, outcome=Case.Outcome.GRANTED, by=self.staff["leader"], at=at)
        elif task.kind == FlowStep.Kind.MAKE:
            cases.make_certificate(task.case_id, by=self.staff["clerk3"], at=at)
        elif task.kind == FlowStep.Kind.DELIVER:
            hand_over(task.case_id, by=self.staff["clerk3"], at=at)
        elif task.kind == FlowStep.Kind.VISIT:
            visits.look(task, [self.staff["surveyor1"], self.staff["surveyor2"]], at=at)
        else:
            approver = self.approvers[task.department_id]
            cases.complete_task(task.pk, outcome=Task.Outcome.PASSED, opinion="符合规定。", by=approver, at=at)

    # --- who comes ---

    def _matter(self, ticket: Ticket) -> tuple[centre.Item, ItemVersion]:
        for item, version in self.items:
            if version.item_id == ticket.item_id:
                return item, version
        return self.items[0]

    def _applicant(self, clerk: Staff, at: datetime, tail: str) -> Applicant:
        phone = f"1390000{tail or '0000'}"
        if self.chance.random() < 0.2:
            number = f"91500101MADE{self.chance.randrange(100_000):05d}"
            return people.register_applicant(
                region=self.hall.region,
                kind=Applicant.Kind.FIRM,
                name=f"{self.chance.choice(centre.SURNAMES)}记{self.chance.choice(centre.FIRMS)}（演示）",
                id_number=number + uscc.calc_check_digit(number),
                phone=phone,
                by=clerk,
                at=at,
                is_demo=True,
            )
        return people.register_applicant(
            region=self.hall.region,
            kind=Applicant.Kind.PERSON,
            name=f"{self.chance.choice(centre.SURNAMES)}{self.chance.choice(centre.GIVEN)}（演示）",
            id_number=invented_id(date(1940, 1, 1) + timedelta(days=self.chance.randrange(24_000))),
            phone=phone,
            by=clerk,
            at=at,
            is_demo=True,
        )

    def _clerk(self, window: Window) -> Staff:
        return self.staff[f"clerk{window.number}"]

    # --- going on after a stop ---

    def take_over(self, at: datetime) -> None:
        """Go on from whatever the database holds: windows with somebody at them, people waiting, shut windows."""
        open_now = Ticket.objects.filter(
            Q(status=Ticket.Status.CALLED) | Q(status=Ticket.Status.SERVING), hall=self.hall
        ).select_related("window")
        held = {ticket.window.number: ticket for ticket in open_now if ticket.window}
        for window in self.windows:
            forgotten.close_forgotten(window.pk, by=SYSTEM, at=at)  # the demo was stopped over night
            ticket = held.get(window.number)
            if ticket is not None:
                clerk, soon = self._clerk(window), at + timedelta(seconds=self.chance.randint(20, 150))
                self.at(soon, partial(self._finish, ticket, clerk))
                self.at(soon + timedelta(seconds=5), partial(self._again, window))
            else:
                self.at(at, partial(self._again, window))

    def _again(self, window: Window, at: datetime) -> None:
        hall.sign_in(window.pk, by=self._clerk(window), at=at)
        self._next(window, at)


def invented_id(born: date) -> str:
    """An identity number nobody has: sequence 000 is never issued."""
    number = f"500101{born:%Y%m%d}000"
    return number + ric.calc_check_digit(number + "0")


def begin(now: datetime) -> None:
    """Leave the case whose number the start prints; history() finds from it the days to be lived through."""
    calendar, today = catalog.work_calendar(), localdate(now)
    days = [day for back in range(40, 0, -1) if calendar.is_workday(day := today - timedelta(days=back))]
    _a_known_case(Life(f"{today}"), _local(days[-1 - DAYS_AFTER_KNOWN], time(10, 12)))
    visits.begin(now)
    results.begin(now)
    handling.begin(now)
    clocks.begin(now)
    supervision.begin(now)
    bundles.begin(now)
    people_around.begin(now)
    archives.begin(now)


def _history_days(known: date) -> list[date]:
    """Return the working days around that of the known case which end before the demo was first started."""
    calendar = catalog.work_calendar()
    until = [day for back in range(40, -1, -1) if calendar.is_workday(day := known - timedelta(days=back))]
    after = [day for on in range(1, 20) if calendar.is_workday(day := known + timedelta(days=on))]
    return until[DAYS_AFTER_KNOWN - HISTORY_DAYS :] + after[:DAYS_AFTER_KNOWN]


def history(now: datetime, progress: Callable[[int, int], None] = lambda done, everything: None) -> int:
    """
    Live through the last working days up to `now`, unless that was done; return how many days it took.

    May be stopped and called again: the days that were begun count as lived through. `progress(done, all)` follows
    every day.
    """
    known = known_case()
    if known is None:
        return 0
    life = Life(f"{localdate(known.received_at)}")
    days = [day for day in _history_days(localdate(known.received_at)) if day < localdate(now)]
    lived = set(Ticket.objects.filter(hall=life.hall, day__in=days).values_list("day", flat=True))
    days = [day for day in days if day not in lived]
    if not days:
        return 0
    with watching.held_back():
        _live_through(life, days, now, progress)
    return len(days)


def _live_through(life: Life, days: Sequence[date], now: datetime, progress: Callable[[int, int], None]) -> None:
    for n, day in enumerate(days):
        opens, closes = _local(day, OPENS), _local(day, CLOSES)
        life.open_windows(opens - timedelta(minutes=5))
        seconds = int((closes - opens).total_seconds()) - 1800
        life.visitors([opens + timedelta(seconds=life.chance.randrange(seconds)) for _n in range(VISITORS_A_DAY)])
        for hour in range(1, 9):
            life.office(opens + timedelta(hours=hour) - timedelta(minutes=1))
        life.close_windows(closes)
        _run(life, opens, closes + timedelta(minutes=30))
        progress(n + 1, len(days) + 1)
    today = localdate(now)
    opens = max(_local(today, OPENS), now - timedelta(hours=4)) if _in_hours(now) else now - timedelta(minutes=50)
    opens = max(opens, _local(today, time(0, 1)))
    life.open_windows(opens)
    moment = opens
    while (moment := moment + timedelta(seconds=life.chance.expovariate(1 / (LIVE_GAP * 1.6)))) < now:
        life.at(moment, life._arrive)
    for _n in range(6):
        life.at(now - timedelta(minutes=life.chance.uniform(1, 9)), life._arrive)
    life.office(now - timedelta(minutes=20))
    _run(life, opens, now)
    progress(len(days) + 1, len(days) + 1)


def _run(life: Life, opens: datetime, closes: datetime) -> None:
    """Run a day with a commit for each hour: fewer than one an act, and nobody at the keyboard waits long."""
    moment = opens
    while moment < closes:
        moment = min(moment + timedelta(hours=1), closes)
        with transaction.atomic():
            life.run(moment)


def go_on(life: Life, now: datetime, until: datetime) -> None:
    """Plan the arrivals and office work between `now` and `until`."""
    gap = LIVE_GAP if _in_hours(now) else QUIET_GAP
    moment = now
    while (moment := moment + timedelta(seconds=life.chance.expovariate(1 / gap))) < until:
        life.at(moment, life._arrive)
    life.office(until)


def _a_known_case(life: Life, at: datetime) -> None:
    """One case whose number and phone the start prints, so that anybody can try the progress query."""
    clerk = life.staff["clerk2"]
    version = next(version for item, version in life.items if item.code == "00201")
    applicant = people.register_applicant(
        region=life.hall.region,
        kind=Applicant.Kind.PERSON,
        name="林小满（演示）",
        id_number=invented_id(date(1988, 5, 20)),
        phone=KNOWN_PHONE,
        by=clerk,
        at=at,
        is_demo=True,
    )
    chosen = scenario.answers(version)
    handed = scenario.applying_materials(version, chosen)
    case = cases.receive(
        version,
        applicant,
        center=life.hall.center,
        materials={material.pk: Handed(CaseMaterial.State.COMPLETE) for material in handed},
        chosen=chosen,
        by=clerk,
        at=at,
    )
    cases.accept(case.pk, by=clerk, at=at + timedelta(minutes=6))


def known_case() -> Case | None:
    return (
        Case.objects.filter(region=centre.REGION[0], applicant__name="林小满（演示）", is_demo=True)
        .order_by("received_at")
        .first()
    )


def _local(day: date, at: time) -> datetime:
    return datetime.combine(day, at, tzinfo=get_current_timezone())


def _in_hours(at: datetime) -> bool:
    local = localtime(at)
    return catalog.work_calendar().is_workday(local.date()) and OPENS <= local.time() < CLOSES
