"""The report's figures are those of the ledger, balance, and keep to local days."""

from dataclasses import asdict
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from yimen.catalog.models import ServiceItem
from yimen.insight import queries
from yimen.insight.ledger_report import BY, COUNTS, BadPeriod, ledger_report
from yimen.insight.tests.factories import FIRST, Office, Told, moment
from yimen.ledger.bulk import NewEvent, record_many
from yimen.ledger.models import Event
from yimen.lib.dates import begin_of
from yimen.lib.workdays import LOCAL_ZONE
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import make_staff, outsider

pytestmark = pytest.mark.django_db
MARCH = (date(2026, 3, 1), date(2026, 3, 31))
TODAY = date(2026, 5, 20)


def told_by_ledger(region):
    """Every case as its ledger rows tell it, the case tables left aside."""
    cases: dict[str, Told] = {}
    for row in Event.objects.filter(region=region, kind__startswith="case.").order_by("seq"):
        case = cases.setdefault(row.stream, Told())
        name = {"case.decided": "finished"}.get(row.kind, row.kind.removeprefix("case."))
        if hasattr(case, name):
            setattr(case, name, row.at)
        case.case_type, case.department, case.item = (row.data[key] for key in ("case_type", "department", "item"))
        if row.kind == "case.accepted":
            case.due_on = date.fromisoformat(row.data["due_on"])
        if row.kind == "case.decided":
            case.on_time = row.data["on_time"]
    return list(cases.values())


def figures_of_ledger(cases, start, end):
    begin, until = begin_of(start), begin_of(end + timedelta(days=1))

    def within(at):
        return at is not None and begin <= at < until

    def open_at(case, at):
        ends = [each for each in (case.finished, case.withdrawn) if each]
        return case.accepted is not None and case.accepted < at and all(each >= at for each in ends)

    found = {name: sum(within(getattr(case, name)) for case in cases) for name in ("received", "accepted", "finished")}
    found["declined"] = sum(within(case.declined) for case in cases)
    found["withdrawn"] = sum(within(case.withdrawn) for case in cases)
    found["on_time"] = sum(within(case.finished) and case.on_time for case in cases)
    found["cohort_finished"] = sum(
        within(case.accepted) and case.finished is not None and case.finished < until for case in cases
    )
    found["carried_in"] = sum(open_at(case, begin) for case in cases)
    found["open"] = sum(open_at(case, until) for case in cases)
    found["open_overdue"] = sum(open_at(case, until) and case.due_on < min(end, TODAY) for case in cases)
    return found


def counts(row):
    return {name: value for name, value in asdict(row).items() if name in COUNTS}


@pytest.fixture
def office():
    office = Office()
    office.load(300)
    for n in range(6):
        case = office.accept(moment(FIRST + timedelta(days=n * 7)), version=n % 4)
        office.withdraw(case, moment(FIRST + timedelta(days=n * 7 + 20)))
        office.decline(moment(FIRST + timedelta(days=n * 9)), version=n % 4)
    return office


PERIODS = [
    MARCH,
    (date(2026, 3, 10), date(2026, 3, 10)),
    (date(2026, 3, 17), date(2026, 5, 4)),
    (date(2026, 4, 1), date(2026, 12, 31)),
    (date(2025, 1, 1), date(2025, 12, 31)),
]


@pytest.mark.parametrize("start, end", PERIODS)
def test_the_ledgers_rows_alone_give_the_same_figures(office, start, end):
    cases, region = told_by_ledger(office.region.pk), office.region.pk
    keys = {item.task_code: str(item.pk) for item in ServiceItem.objects.all()}
    for by in BY:
        report = ledger_report(region, start, end, by=by, today=TODAY)
        assert counts(report.total) == figures_of_ledger(cases, start, end)
        assert all(row.is_balanced for row in (*report.rows, report.total))
        for row in report.rows:
            if by == "month":
                first = date.fromisoformat(f"{row.key}-01")
                last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
                wanted = figures_of_ledger(cases, max(first, start), min(last, end))
                # A month's cohort is followed to the end of the whole period, so that months add up.
                wanted["cohort_finished"] = row.cohort_finished
            else:
                own = [case for case in cases if row.key == (keys[case.item] if by == "item" else getattr(case, by))]
                wanted = figures_of_ledger(own, start, end)
            assert counts(row) == wanted, (by, row.label)


@pytest.mark.parametrize("start, end", PERIODS)
def test_what_is_open_is_listed_one_by_one(office, start, end):
    report = ledger_report(office.region.pk, start, end, today=TODAY)
    listed = queries.open_cases(office.region.pk, end, per_page=1000)
    assert listed.paginator.count == len(listed.object_list) == report.total.open
    assert [case.due_on for case in listed] == sorted(case.due_on for case in listed)
    if end <= TODAY:
        assert sum(case.due_on < end for case in listed) == report.total.open_overdue


def test_a_case_carried_over_does_not_vanish_and_does_not_flatter():
    """TRAP-12: accepted in March, finished late in April, while one of April is still open."""
    office = Office()
    old = office.accept(moment(date(2026, 3, 24)))
    assert old.due_on == date(2026, 3, 31)
    office.finish(old, moment(date(2026, 4, 2)))
    office.accept(moment(date(2026, 4, 28)))
    march, april = ledger_report(office.region.pk, date(2026, 3, 1), date(2026, 4, 30), by="month", today=TODAY).rows
    assert (march.accepted, march.finished, march.open, march.open_overdue) == (1, 0, 1, 0)
    assert (april.carried_in, april.accepted, april.finished, april.on_time, april.open) == (1, 1, 1, 0, 1)
    assert (april.finish_rate, april.on_time_rate) == (Decimal(0), Decimal(0))
    alone = ledger_report(office.region.pk, date(2026, 4, 1), date(2026, 4, 30), today=TODAY).total
    assert (alone.carried_in, alone.finish_rate, alone.open) == (1, Decimal(0), 1)
    march_alone = ledger_report(office.region.pk, *MARCH, today=TODAY).total
    assert (march_alone.finish_rate, march_alone.open) == (Decimal(0), 1)  # it does not change afterwards


@pytest.mark.parametrize("hour, minute, day", [(23, 59, 31), (0, 0, 1)])
def test_a_day_ends_at_local_midnight(hour, minute, day):
    """23:59 on 31 March in Shanghai is 15:59 UTC; a minute later it is April there (CAL-10)."""
    office = Office()
    on = date(2026, 3, 31) if day == 31 else date(2026, 4, 1)
    office.accept(datetime(on.year, on.month, on.day, hour, minute, tzinfo=LOCAL_ZONE), version=0)
    found = [ledger_report(office.region.pk, *days, today=TODAY).total.accepted for days in (MARCH, (on, on))]
    assert found == [int(day == 31), 1]


def test_a_case_is_overdue_the_day_after_its_day(office):
    office = Office("510000")
    case = office.accept(moment(date(2026, 3, 24)))
    for day, over, left in ((31, 0, 0), (30, 0, 1)):
        on = date(2026, 3, day)
        assert ledger_report(office.region.pk, on, on, today=on).total.open_overdue == over
        assert [(each.days_left, each.days_over) for each in queries.open_cases(office.region.pk, on)] == [(left, 0)]
    on = date(2026, 4, 7)  # 4 to 6 April are days off
    assert ledger_report(office.region.pk, on, on, today=on).total.open_overdue == 1
    (listed,) = queries.open_cases(office.region.pk, on)
    assert (listed.number, listed.days_over, listed.is_over) == (case.query_no, 4, True)


def test_imported_history_and_other_regions_are_not_counted():
    office, other = Office(), Office("510000")
    other.load(20)
    office.accept(moment(FIRST))
    heads = {"item": "x", "department": "x", "case_type": "immediate"}
    record_many(
        NewEvent("imported", f"log:receipt:{n}", kind, "imported", "", moment(FIRST), heads)
        for n in range(5)
        for kind in ("log.event", "case.accepted", "case.declined")
    )
    total = ledger_report(office.region.pk, *MARCH, today=TODAY).total
    assert (total.received, total.accepted, total.declined, total.open) == (1, 1, 0, 1)
    assert ledger_report("imported", *MARCH, today=TODAY).is_empty


def test_an_empty_period_has_no_rate_and_no_rows():
    report = ledger_report("500000", *MARCH, today=TODAY)
    assert (report.is_empty, list(report.rows)) == (True, [])
    assert (report.total.finish_rate, report.total.on_time_rate, report.total.is_balanced) == (None, None, True)


@pytest.mark.parametrize(
    "start, end, by",
    [
        (date(2026, 3, 2), date(2026, 3, 1), "month"),
        (date(2000, 1, 1), date(2026, 1, 1), "month"),
        (date(1, 1, 1), date(1, 2, 1), "month"),
        (*MARCH, "colour"),
    ],
)
def test_a_period_that_makes_no_sense_is_refused(start, end, by):
    with pytest.raises(BadPeriod):
        ledger_report("500000", start, end, by=by, today=TODAY)


@pytest.mark.parametrize("by", BY)
def test_the_statements_do_not_grow_with_the_cases(by, django_assert_num_queries, django_assert_max_num_queries):
    office = Office()
    for n in (1, 40):
        office.load(n, seed=n)
        with django_assert_num_queries(1 if by in {"case_type", "month"} else 2):
            ledger_report(office.region.pk, FIRST, date(2026, 6, 30), by=by, today=TODAY)
        with django_assert_max_num_queries(6):
            list(queries.open_cases(office.region.pk, date(2026, 6, 30), with_clock=True))


def test_a_department_sees_its_own_figures_and_a_stranger_none(office):
    own = make_staff(Role.LEADER, department=office.departments[0])
    whole = make_staff(Role.SUPERVISOR, department=office.departments[0], for_region=True)
    everything = ledger_report(office.region.pk, *MARCH, by="department", today=TODAY)
    part = queries.report_for(own, *MARCH, today=TODAY, group="department")
    assert [row.key for row in part.rows] == [str(office.departments[0].pk)]
    assert counts(part.rows[0]) == counts(next(row for row in everything.rows if row.key == part.rows[0].key))
    assert queries.report_for(whole, *MARCH, today=TODAY).total == everything.total
    assert {case.department for case in queries.open_cases_for(own, TODAY)} == {office.departments[0].name}
    for ask in (queries.report_for, lambda by, *_days, today: queries.open_cases_for(by, today)):
        with pytest.raises(NotAllowed):
            ask(outsider(), *MARCH, today=TODAY)


def test_open_cases_come_in_pages(office):
    first = queries.open_cases(office.region.pk, TODAY, per_page=10)
    second = queries.open_cases(office.region.pk, TODAY, per_page=10, page=2)
    assert len(first.object_list) == 10
    assert not {case.number for case in first} & {case.number for case in second}
    last = queries.open_cases(office.region.pk, TODAY, per_page=10, page=999)
    assert last.number == last.paginator.num_pages
