"""The half year of seed 001, exactly: 38,471 cases in ten departments from 2 January to 13 June 2014."""

import itertools
import time as clock
from collections import Counter
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from yimen.cases import actions, bulk
from yimen.cases.actions import Handed
from yimen.cases.models import Case, Clock
from yimen.cases.tests.factories import make_version
from yimen.catalog import queries as catalog
from yimen.catalog.models import LocalRule
from yimen.insight import queries
from yimen.insight.ledger_report import ledger_report
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.ledger.verify import verify
from yimen.lib.workdays import LOCAL_ZONE
from yimen.people.models import Role
from yimen.people.tests.factories import make_applicant, make_center, make_department, make_region, make_staff

FIRST, LAST = date(2014, 1, 2), date(2014, 6, 13)
IMMEDIATE, PROMISED, OPEN = 36_259, 2_212, 90
# Worked out by hand from the notice for 2014: 1 to 3 May off, Sunday 4 May worked, 31 May to 2 June off.
OPEN_ONES = {
    date(2014, 4, 30): (3, date(2014, 5, 6)),
    date(2014, 5, 29): (5, date(2014, 6, 4)),
    date(2014, 6, 11): (20, date(2014, 6, 16)),
    date(2014, 6, 12): (27, date(2014, 6, 17)),
    date(2014, 6, 13): (35, date(2014, 6, 18)),
}
NAMES = ["财政", "城管", "工商", "司法", "信访", "民政", "劳动保障", "群工站", "计生", "党政办"]


def at(day: date, minutes: int) -> datetime:
    return datetime.combine(day, time(9), LOCAL_ZONE) + timedelta(minutes=minutes)


class Cast:
    def __init__(self) -> None:
        self.region = make_region()
        self.center = make_center(self.region)
        self.people = [make_applicant(region=self.region) for _n in range(20)]
        departments = [make_department(self.region, name=f"{name}（演示）") for name in NAMES]
        self.immediate = [make_version(immediate=True, department=each) for each in departments]
        self.promised = [make_version(promised_days=3, department=each) for each in departments]
        for version in self.immediate:  # an inquiry: no papers, and the clerk who serves simply decides
            version.materials.all().delete()
            version.steps.all().delete()
        self.clerk = make_staff(Role.CLERK, department=departments[0], for_region=True)
        self.approver = make_staff(Role.APPROVER, department=departments[0], for_region=True)
        calendar = catalog.work_calendar()
        every = (FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1))
        self.days = [day for day in every if calendar.is_workday(day)]

    def rows(self):
        """More cases for the departments at the front, as in life; nothing is left to chance."""
        front = [n for n in range(10) for _times in range(10 - n)]
        for n in range(IMMEDIATE):
            day = self.days[n % len(self.days)]
            yield self.row(self.immediate[front[n % len(front)]], n, day, [0, 2, 8, 9])
        for n in range(PROMISED - OPEN):
            place = n % (len(self.days) - 3)
            end = self.days[place + n % 4]
            yield self.row(self.promised[front[n % len(front)]], n, self.days[place], [0, 5], end)
        number = itertools.count()
        for day, (count, _due) in OPEN_ONES.items():
            for _times in range(count):
                n = next(number)
                yield self.row(self.promised[n % 10], n, day, [0, 5])

    def row(self, version, n, day, minutes, end=None):
        moments = [at(day, minute + n % 400) for minute in minutes]
        if end:
            moments += [at(end, 410 + n % 60), at(end, 475)]
        moments += [None] * (4 - len(moments))
        return bulk.PastCase(version, self.people[n % 20], *moments, clerk=self.clerk, decided_by=self.approver)


@pytest.mark.both_databases
@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.timeout(600)
@pytest.mark.capability("S1-11", "S1-12", "S1-13")
def test_the_half_year_of_seed_001_exactly():
    cast = Cast()
    before = clock.monotonic()
    assert bulk.load(cast.rows(), center=cast.center, by=SYSTEM) == IMMEDIATE + PROMISED
    seconds = clock.monotonic() - before

    report = ledger_report(cast.region.pk, FIRST, LAST, today=LAST)
    total, (immediate, promised) = report.total, report.rows
    assert (total.received, total.accepted, total.finished, total.open) == (38_471, 38_471, 38_381, 90)
    assert total.finish_rate == Decimal("99.77")
    assert (immediate.label, immediate.accepted, immediate.finished) == ("即办件", 36_259, 36_259)
    assert (immediate.finish_rate, immediate.open) == (Decimal(100), 0)
    assert (promised.label, promised.accepted, promised.finished) == ("承诺件", 2_212, 2_122)
    assert (promised.finish_rate, promised.open, promised.open_overdue) == (Decimal("95.93"), 90, 8)
    assert total.on_time_rate == Decimal(100)
    assert all(row.is_balanced for row in (*report.rows, total))

    by_department = ledger_report(cast.region.pk, FIRST, LAST, today=LAST, by="department")
    assert len(by_department.rows) == 10
    by_month = ledger_report(cast.region.pk, FIRST, LAST, today=LAST, by="month")
    assert [row.key for row in by_month.rows] == [f"2014-{n:02d}" for n in range(1, 7)]
    for each in (by_department, by_month):
        assert each.total == total
        assert all(row.is_balanced for row in each.rows)

    listed = queries.open_cases(cast.region.pk, LAST, per_page=100)
    assert listed.paginator.count == len(listed.object_list) == 90
    assert Counter((case.accepted_on, case.due_on) for case in listed) == {
        (day, due): count for day, (count, due) in OPEN_ONES.items()
    }
    assert {case.days_over for case in listed if case.due_on == date(2014, 6, 4)} == {7}
    assert {case.days_left for case in listed if case.due_on == date(2014, 6, 18)} == {3}
    assert len({case.number for case in listed}) == 90

    assert Event.objects.filter(kind="case.accepted").count() == 38_471
    assert Event.objects.filter(kind="case.decided").count() == 38_381
    assert Clock.objects.filter(kind="promised", ended_on=None).count() == 90
    print(f"\n38,471 cases loaded in {seconds:.1f} s, {Event.objects.count():,} ledger rows")

    checked = verify()
    assert (checked.is_intact, checked.row_count) == (True, Event.objects.count())

    # A loaded case names one person for review and decision.
    LocalRule.objects.create(region=cast.approver.region, key="reviewer_may_decide", value=1, effective_on=LAST)
    hand = drive(cast, cast.immediate[0], LAST)
    loaded = Case.objects.filter(version=cast.immediate[0]).exclude(pk=hand.pk).first()
    assert shape(loaded) == shape(hand)
    hand = drive(cast, cast.promised[0], LAST)
    loaded = Case.objects.filter(version=cast.promised[0], status="delivered").exclude(pk=hand.pk).first()
    assert shape(loaded) == shape(hand)


def drive(cast, version, day):
    """The same through the real actions."""
    handed = {material.pk: Handed("complete") for material in version.materials.all()}
    case = actions.receive(
        version, cast.people[0], center=cast.center, materials=handed, by=cast.clerk, at=at(day, 500)
    )
    actions.accept(case.pk, by=cast.clerk, at=at(day, 501))
    for task in case.tasks.filter(kind="review"):
        actions.complete_task(task.pk, outcome="passed", opinion="", by=cast.approver, at=at(day, 502))
    actions.decide(case.pk, outcome="granted", by=cast.approver, at=at(day, 502))
    return actions.deliver(case.pk, how="window", by=cast.clerk, at=at(day, 503))


def shape(case):
    rows = Event.objects.filter(stream=case.stream).order_by("seq")
    filled = {each.attname for each in Case._meta.concrete_fields if getattr(case, each.attname) not in ("", None)}
    told = [(row.seq, row.kind, row.actor, row.role, sorted(row.data)) for row in rows]
    return told, filled, sorted(case.tasks.values_list("step_key", "outcome"))


@pytest.mark.django_db
@pytest.mark.capability("S1-33")
def test_the_ledger_row_appears_at_finish_and_cannot_be_edited():
    version = make_version(immediate=True)
    cast = make_staff(Role.CLERK, department=version.item.department, for_region=True)
    handed = {material.pk: Handed("complete") for material in version.materials.all()}
    case = actions.receive(version, make_applicant(), center=make_center(), materials=handed, by=cast, at=at(LAST, 0))
    actions.accept(case.pk, by=cast, at=at(LAST, 1))
    finished = Event.objects.filter(stream=case.stream, kind="case.decided")
    assert not finished.exists()
    actions.decide(case.pk, outcome="granted", by=cast, at=at(LAST, 2))
    row = finished.get()
    assert (row.data["outcome"], row.at, row.actor) == ("granted", at(LAST, 2), cast.ledger_ref)
    for statement in (
        'UPDATE ledger_event SET data = \'{"outcome": "refused"}\'',
        "UPDATE ledger_event SET at = now()",
        "DELETE FROM ledger_event",
        "TRUNCATE ledger_event CASCADE",
    ):
        with pytest.raises(ProgrammingError, match=r"permission denied|append-only"), transaction.atomic():
            connection.cursor().execute(statement)
    row.refresh_from_db()
    assert row.data["outcome"] == "granted"
