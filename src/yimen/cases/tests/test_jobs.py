"""Due dates follow the work calendar."""

from datetime import UTC, date, datetime

import pytest

from yimen.cases import actions, jobs, queries
from yimen.cases.actions import moving
from yimen.cases.tests.factories import make_case, make_version
from yimen.catalog import actions as catalog
from yimen.catalog.actions import AnnouncedDay
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.ledger.tests.helpers import settle
from yimen.lib.errors import DomainError
from yimen.people.models import Role
from yimen.people.tests.factories import make_department, make_staff

pytestmark = pytest.mark.django_db(transaction=True)

ACCEPTED = datetime(2026, 12, 28, 2, tzinfo=UTC)
ANNOUNCED = datetime(2026, 12, 29, 2, tzinfo=UTC)


def test_announcing_a_year_moves_provisional_dates_and_logs_each():
    """Ten working days from 28 December 2026: 11 January as long as 2027 is plain weekdays, later with days off."""
    case = make_case(promised_days=10, at=ACCEPTED)
    clerk = make_staff(Role.CLERK, department=make_department(case.region), for_region=True)
    case = actions.accept(case.pk, by=clerk, at=ACCEPTED)
    # 1 January 2027 belongs to the year not announced yet, so it counts as a plain Friday.
    assert (case.due_on, case.due_is_provisional) == (date(2027, 1, 11), True)
    settle()
    assert jobs.follow(at=ANNOUNCED) == 0

    days = [AnnouncedDay(date(2027, 1, 1), False, "元旦"), AnnouncedDay(date(2027, 1, 4), False, "元旦")]
    catalog.announce_year(2027, "演示通知", days, by=SYSTEM, at=ANNOUNCED)
    settle()
    assert jobs.follow(at=ANNOUNCED) == 1
    case.refresh_from_db()
    assert (case.due_on, case.due_is_provisional) == (date(2027, 1, 13), False)
    moved = Event.objects.filter(stream=case.stream, kind="case.due_moved")
    assert {(row.data["clock"], row.data["from"], row.data["to"]) for row in moved} >= {
        ("promised", "2027-01-11", "2027-01-13")
    }
    assert "1 月 11 日" in queries.timeline(case)[0].text and "1 月 13 日" in queries.timeline(case)[0].text
    assert jobs.follow(at=ANNOUNCED) == 0


def announce_new_year():
    days = [AnnouncedDay(date(2027, 1, 1), False, "元旦"), AnnouncedDay(date(2027, 1, 4), False, "元旦")]
    catalog.announce_year(2027, "演示通知", days, by=SYSTEM, at=ANNOUNCED)
    settle()


def test_the_open_task_moves_with_the_calendar():
    version = make_version(promised_days=9)
    version.steps.filter(kind="review").update(limit_days=4)
    case = make_case(version=version, at=ACCEPTED)
    clerk = make_staff(Role.CLERK, department=make_department(case.region), for_region=True)
    actions.accept(case.pk, by=clerk, at=ACCEPTED)
    assert case.tasks.get().due_on == date(2027, 1, 1)
    announce_new_year()
    assert jobs.follow(at=ANNOUNCED) == 1
    assert case.tasks.get().due_on == date(2027, 1, 5)


def test_a_clock_that_ended_since_it_was_listed_stays(monkeypatch):
    case = make_case(promised_days=10, at=ACCEPTED)
    clerk = make_staff(Role.CLERK, department=make_department(case.region), for_region=True)
    actions.accept(case.pk, by=clerk, at=ACCEPTED)
    announce_new_year()
    listed = queries.cases_to_move(case.region_id)
    assert listed == [case.pk]
    case.clocks.update(ended_on=ANNOUNCED.date())
    case.tasks.update(done_at=ANNOUNCED)
    monkeypatch.setattr(queries, "cases_to_move", lambda *_args, **_kwargs: listed)
    assert actions.move_due_dates(case.region_id, by=SYSTEM, at=ANNOUNCED) == 0
    assert not Event.objects.filter(stream=case.stream, kind="case.due_moved").exists()


def test_one_case_that_fails_holds_no_other_back_and_is_tried_again(monkeypatch):
    first = make_case(promised_days=10, at=ACCEPTED)
    clerk = make_staff(Role.CLERK, department=make_department(first.region), for_region=True)
    second = make_case(version=first.version, at=ACCEPTED)
    for case in (first, second):
        actions.accept(case.pk, by=clerk, at=ACCEPTED)
    announce_new_year()
    move = moving._move_case

    def fail_for_first(case_id, **more):
        if case_id == first.pk:
            raise DomainError("不行")
        return move(case_id, **more)

    monkeypatch.setattr(moving, "_move_case", fail_for_first)
    with pytest.raises(DomainError):
        jobs.follow(at=ANNOUNCED)
    monkeypatch.undo()
    assert jobs.follow(at=ANNOUNCED) == 1
    for case in (first, second):
        case.refresh_from_db()
        assert case.due_on == date(2027, 1, 13)
        moved = Event.objects.filter(stream=case.stream, kind="case.due_moved", data__clock="promised")
        assert moved.count() == 1
