"""Alarms, the floor, figures and merged halls."""

from datetime import time, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localdate
from hypothesis import given
from hypothesis import strategies as st

from yimen.hall import actions, merging, queries
from yimen.hall.actions import alarms
from yimen.hall.models import (
    HallAlarm,
    HallZone,
    OpeningTime,
    Screen,
    Series,
    Ticket,
    TicketPeriod,
    Window,
    WindowPause,
    WindowSession,
)
from yimen.hall.queries import figures
from yimen.hall.queries.floor import floor
from yimen.hall.rules.alarms import AlarmKind, Helper, Pressed, due, is_over, propose
from yimen.hall.rules.reasons import light
from yimen.hall.tests.factories import call, make_hall, make_series, make_window, serve, take
from yimen.ledger.actions import PUBLIC, SYSTEM
from yimen.ledger.models import Event
from yimen.people import access
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_center, make_region, make_staff

QUIET = Pressed(waiting=0, most_of_item=0, longest=0, given=0, surge_at=31, wait_limit=30)


def pressed(**fields):
    return Pressed(**{**QUIET.__dict__, **fields})


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (QUIET, {}),
        (pressed(waiting=30, longest=30), {}),
        (pressed(waiting=31), {AlarmKind.SURGE: 31}),
        (pressed(waiting=40, most_of_item=31), {AlarmKind.SURGE: 40}),
        (pressed(waiting=1, longest=31), {AlarmKind.WAIT: 31}),
        (pressed(waiting=0, longest=31), {}),
        (pressed(given=90, warning_at=90, daily_cap=100), {AlarmKind.CAP: 90}),
        (pressed(given=89, warning_at=90, daily_cap=100), {}),
        (pressed(given=100, daily_cap=100), {AlarmKind.CAP: 100}),
    ],
)
def test_what_calls_for_an_alarm(found, wanted):
    assert due(found) == wanted


@given(
    st.builds(
        Pressed,
        waiting=st.integers(0, 100),
        most_of_item=st.integers(0, 100),
        longest=st.integers(0, 200),
        given=st.integers(0, 300),
        surge_at=st.integers(1, 60),
        wait_limit=st.integers(1, 90),
        warning_at=st.none() | st.integers(1, 300),
        daily_cap=st.none() | st.integers(1, 300),
    )
)
def test_what_is_due_is_never_over(found):
    for kind in AlarmKind:
        assert not (kind in due(found) and is_over(kind, found))


def window(number, **fields):
    defaults = {"calls_it": False, "is_integrated": False, "is_staffed": True, "is_paused": False, "is_idle": False}
    return Helper(window_id=uuid4(), number=number, **(defaults | fields))


@pytest.mark.parametrize(
    ("windows", "number"),
    [
        ([], None),
        ([window(1, calls_it=True)], None),
        ([window(1, calls_it=True), window(2, calls_it=True, is_staffed=False)], 2),
        (
            [
                window(2, calls_it=True, is_staffed=False),
                window(3, calls_it=True, is_staffed=False, is_integrated=True),
            ],
            3,
        ),
        ([window(2, calls_it=True, is_paused=True), window(3, calls_it=True, is_staffed=False)], 3),
        ([window(4, is_integrated=True, load=3), window(5, is_integrated=True, load=1)], 5),
        ([window(4), window(5, is_idle=True)], 5),
        ([window(4)], None),
    ],
)
def test_which_window_is_proposed(windows, number):
    found = propose(windows)
    assert (found.number if found else None) == number


@pytest.fixture
def crowd():
    """A hall with 30 people for one series, a window at work, and one that stands empty."""
    series = make_series()
    at_work, empty = make_window(series), make_window(series, staffed=False, number=5)
    for n in range(30):
        take(series, NOW + timedelta(seconds=n))
    manager = make_staff(Role.HALL_MANAGER, region=series.region)
    return SimpleNamespace(hall=series.hall, series=series, at_work=at_work, empty=empty, manager=manager)


@pytest.mark.capability("S0-1")
@pytest.mark.django_db
def test_31_waiting_raise_a_surge_with_a_window_to_open(crowd):
    soon = NOW + timedelta(minutes=1)
    assert alarms.watch(crowd.hall, by=SYSTEM, at=soon) == 0
    take(crowd.series, soon)
    assert alarms.watch(crowd.hall, by=SYSTEM, at=soon) == 1
    alarm = HallAlarm.objects.get()
    assert (alarm.kind, alarm.figure, alarm.proposed.number) == ("surge", 31, 5)
    assert alarms.watch(crowd.hall, by=SYSTEM, at=soon) == 0  # again: nothing more
    take(crowd.series, soon)
    alarms.watch(crowd.hall, by=SYSTEM, at=soon)
    alarm.refresh_from_db()
    assert alarm.figure == 32
    for n in range(11):
        serve(crowd.at_work, soon + timedelta(minutes=n), minutes=0)
    alarms.watch(crowd.hall, by=SYSTEM, at=soon + timedelta(minutes=12))
    alarm.refresh_from_db()
    assert alarm.ended_at == soon + timedelta(minutes=12)
    kinds = list(Event.objects.filter(kind__startswith="hall.alarm").order_by("pk").values_list("kind", flat=True))
    assert kinds == ["hall.alarm_raised", "hall.alarm_ended"]


@pytest.mark.capability("S3-18")
@pytest.mark.django_db
def test_a_wait_over_the_limit_of_the_hall_raises_an_alarm(crowd):
    crowd.hall.wait_limit = 20
    crowd.hall.save()
    alarms.watch(crowd.hall, by=SYSTEM, at=NOW + timedelta(minutes=20))
    assert not HallAlarm.objects.exists()
    alarms.watch(crowd.hall, by=SYSTEM, at=NOW + timedelta(minutes=21))
    assert [(one.kind, one.figure) for one in HallAlarm.objects.all()] == [("wait", 21)]


@pytest.mark.capability("S0-1")
@pytest.mark.django_db
def test_a_window_that_has_opened_is_no_longer_proposed(crowd):
    take(crowd.series)
    alarms.watch(crowd.hall, by=SYSTEM, at=NOW)
    assert HallAlarm.objects.get().proposed.number == 5
    shut = Window.objects.get(hall=crowd.hall, number=5)
    actions.sign_in(shut.pk, by=make_staff(Role.CLERK, region=crowd.hall.region), at=NOW)
    assert alarms.watch(crowd.hall, by=SYSTEM, at=NOW + timedelta(minutes=1)) == 1
    assert HallAlarm.objects.get().proposed is None
    assert alarms.watch(crowd.hall, by=SYSTEM, at=NOW + timedelta(minutes=2)) == 0


@pytest.mark.parametrize(
    ("longest", "waiting", "wanted"),
    [(0, 0, "go"), (14, 19, "go"), (0, 20, "wait"), (15, 1, "wait"), (30, 1, "stop")],
)
def test_the_light_says_how_long_and_how_many_wait(longest, waiting, wanted):
    assert light(longest, 30, waiting) == wanted


@pytest.mark.django_db
def test_an_alarm_is_answered_once_by_a_manager_and_never_deleted(crowd):
    take(crowd.series)
    alarms.watch(crowd.hall, by=SYSTEM, at=NOW)
    alarm = HallAlarm.objects.get()
    with pytest.raises(access.NotAllowed):
        alarms.answer_alarm(alarm.pk, text="已开 5 号窗口", by=make_staff(Role.CLERK, region=crowd.hall.region), at=NOW)
    for text in ("", "  ", "长" * 121):
        with pytest.raises(alarms.NoAnswer):
            alarms.answer_alarm(alarm.pk, text=text, by=crowd.manager, at=NOW)
    alarms.answer_alarm(alarm.pk, text="已开 5 号窗口", by=crowd.manager, at=NOW)
    with pytest.raises(alarms.NoAnswer):
        alarms.answer_alarm(alarm.pk, text="再说一次", by=crowd.manager, at=NOW)
    alarm.refresh_from_db()
    assert (alarm.answer, alarm.answered_by, alarm.ended_at) == ("已开 5 号窗口", crowd.manager, None)


@pytest.mark.django_db
def test_the_floor_shows_each_window_with_what_it_does_in_two_statements(crowd):
    busy = call(crowd.at_work, NOW)
    actions.start(busy.pk, by=crowd.at_work.staff, at=NOW + timedelta(minutes=1))
    idle, away = make_window(crowd.series, number=7), make_window(crowd.series, number=8)
    actions.pause(away.pk, reason="meal", by=away.staff, at=NOW)
    with CaptureQueriesContext(
        connection,
    ) as statements:
        found = floor(crowd.hall, NOW + timedelta(minutes=5))
    assert len(statements) == 2
    assert {place.number: place.state for place in found.places} == {
        crowd.at_work.number: "serving",
        5: "shut",
        idle.number: "idle",
        8: "paused",
    }
    serving = next(place for place in found.places if place.state == "serving")
    assert (serving.ticket, serving.minutes) == (busy.label, 4)
    assert (found.waiting, found.longest, found.open_count, found.paused_count) == (29, 4, 2, 1)


def spans(window, ticket, *parts):
    """Rows of (state, from, until) in minutes after NOW: a session, a pause or a period."""
    for state, begin, end in parts:
        times = {
            "from_at": NOW + timedelta(minutes=begin),
            "until_at": None if end is None else NOW + timedelta(minutes=end),
        }
        common = {"region_id": window.region_id, "window": window, "staff": window.staff, **times}
        if state == "open":
            WindowSession.objects.create(**common)
        elif state == "paused":
            WindowPause.objects.create(reason="meal", **common)
        else:
            TicketPeriod.objects.create(ticket=ticket, state=state, **common)


@pytest.mark.django_db
def test_idle_is_what_is_left_of_the_open_time():
    series = make_series()
    window = make_window(series)
    TicketPeriod.objects.all().delete()
    WindowSession.objects.all().delete()
    ticket = take(series)
    TicketPeriod.objects.all().delete()
    spans(window, ticket, ("open", 0, 60), ("called", 5, 6), ("serving", 6, 20), ("paused", 30, 40), ("open", 70, None))
    (found,) = figures.window_times(series.hall, localdate(NOW), localdate(NOW), now=NOW + timedelta(minutes=80))
    minutes = [seconds / 60 for seconds in (found.open, found.calling, found.serving, found.paused, found.idle)]
    assert minutes == [70, 1, 14, 10, 45]
    assert (found.people, found.busy_percent) == (1, 20)
    tomorrow = localdate(NOW) + timedelta(days=1)
    (none,) = figures.window_times(series.hall, tomorrow, tomorrow, now=NOW)
    assert (none.open, none.idle, none.busy_percent) == (0, 0, None)


@pytest.mark.capability("S1-58")
@pytest.mark.django_db
def test_visitors_are_counted_from_tickets_and_one_visit_counts_once():
    series = make_series()
    visit = uuid4()
    for n in range(3):
        ticket = take(series, NOW + timedelta(minutes=n))
        if n:
            Ticket.objects.filter(pk=ticket.pk).update(visit=visit)
    take(series, NOW + timedelta(days=1))
    found = figures.visitors([series.hall], localdate(NOW), localdate(NOW) + timedelta(days=5))
    assert [(one.key, one.tickets, one.visitors) for one in found] == [
        (localdate(NOW), 3, 2),
        (localdate(NOW) + timedelta(days=1), 1, 1),
    ]
    assert sum(one.tickets for one in figures.hours([series.hall], localdate(NOW), localdate(NOW))) == 3


@pytest.mark.django_db
def test_levels_count_who_was_called_in_time():
    series = make_series()
    windows = [make_window(series) for _n in range(3)]
    for _n in range(3):
        take(series, NOW)
    for window, minutes in zip(windows, (5, 15, 45), strict=True):
        call(window, NOW + timedelta(minutes=minutes))
    (found,) = figures.levels(series.hall, localdate(NOW), localdate(NOW))
    assert (found.taken, found.called, found.longest) == (3, 3, 45 * 60)
    assert [float(share) for _limit, share in found.shares] == [33.3, 66.7, 66.7]


@pytest.mark.django_db
def test_who_was_never_called_has_no_wait_and_a_hold_is_not_service():
    series = make_series()
    window = make_window(series)
    first, _waits = take(series, NOW), take(series, NOW)
    call(window, NOW + timedelta(minutes=20))
    actions.start(first.pk, by=window.staff, at=NOW + timedelta(minutes=21))
    actions.hold(first.pk, by=window.staff, at=NOW + timedelta(minutes=24))
    actions.call_back(window.pk, first.pk, by=window.staff, at=NOW + timedelta(minutes=60))
    actions.start(first.pk, by=window.staff, at=NOW + timedelta(minutes=61))
    actions.finish(first.pk, by=window.staff, at=NOW + timedelta(minutes=63))
    (found,) = figures.levels(series.hall, localdate(NOW), localdate(NOW))
    assert (found.taken, found.called, found.wait, found.service) == (2, 1, 20 * 60, 5 * 60)
    assert [float(share) for _limit, share in found.shares] == [0, 100, 100]
    for one in (figures.visitors, figures.hours):
        assert [row.wait for row in one([series.hall], localdate(NOW), localdate(NOW))] == [20 * 60]


@pytest.mark.django_db
def test_the_curve_has_a_point_each_quarter():
    series = make_series()
    window = make_window(series)
    begin = NOW.replace(minute=0, second=0)
    for minutes in (1, 2, 20):
        take(series, begin + timedelta(minutes=minutes))
    call(window, begin + timedelta(minutes=21))
    found = figures.quarters(series.hall, begin, begin + timedelta(minutes=45))
    assert [(one.taken, one.called) for one in found] == [(2, 0), (1, 1), (0, 0)]
    assert figures.quarters(series.hall, begin, begin) == []


@pytest.fixture
def two_halls():
    region = make_region()
    old, new = make_hall(region, center=make_center(region)), make_hall(region, center=make_center(region))
    parts = [(make_series(hall, zone="东区"), hall) for hall in (old, new)]
    windows = [make_window(series, staffed=False, number=1) for series, _hall in parts]
    manager = make_staff(Role.HALL_MANAGER, region=region)
    return SimpleNamespace(old=old, new=new, series=[s for s, _h in parts], windows=windows, manager=manager)


@pytest.mark.capability("S3-1")
@pytest.mark.django_db
def test_two_halls_become_one_and_their_history_stays(two_halls):
    old, new = two_halls.old, two_halls.new
    clerk = make_staff(Role.CLERK, region=old.region)
    for window, series in zip(two_halls.windows, two_halls.series, strict=True):
        take(series, NOW)
        window.staff = actions.sign_in(window.pk, by=clerk, at=NOW).staff
        serve(window, NOW, minutes=1)
        actions.sign_out(window.pk, by=clerk, at=NOW)
    later = NOW + timedelta(days=1)
    plan = merging.plan(old, new)
    assert [(window.number, number) for window, number in plan.renamed_windows] == [(1, 2)]
    assert [(series.letter, letter) for series, letter in plan.renamed_series] == [("A", "B")]
    with pytest.raises(access.NotAllowed):
        merging.merge(old, new, by=clerk, at=later)
    merging.merge(old, new, by=two_halls.manager, at=later)
    assert sorted(Window.objects.filter(hall=new).values_list("number", flat=True)) == [1, 2]
    assert sorted(Series.objects.filter(hall=new).values_list("letter", flat=True)) == ["A", "B"]
    assert HallZone.objects.filter(hall=new).count() == 1
    old.refresh_from_db()
    assert (old.merged_into, old.center_id) == (new, two_halls.old.center_id)
    both = figures.visitors([new, old], localdate(NOW), localdate(NOW))
    assert [(one.tickets) for one in both] == [2]
    assert sum(level.finished for level in figures.levels(new, localdate(NOW), localdate(NOW))) == 2
    assert queries.waiting(Window.objects.get(pk=two_halls.windows[0].pk), later)[0].letter == "B"


@pytest.mark.capability("S3-1")
@pytest.mark.django_db
def test_a_merged_hall_leaves_nothing_behind(two_halls):
    old, new, manager, day = two_halls.old, two_halls.new, two_halls.manager, timedelta(days=1)
    series, window = two_halls.series[0], two_halls.windows[0]
    actions.set_limits(series.pk, daily_cap=1, warning_at=1, surge_at=9, by=manager, at=NOW)
    actions.set_window_week(window.pk, {1: [(time(9), time(11))]}, by=manager, at=NOW)
    actions.leave(take(series, NOW).pk, by=PUBLIC, at=NOW)
    assert alarms.watch(old, by=SYSTEM, at=NOW) == 1
    screen = Screen.objects.create(region=old.region, hall=new, code="both", name="两个大厅")
    screen.halls.set([old, new])
    merging.merge(old, new, by=manager, at=NOW)
    assert list(screen.halls.all()) == [new]
    assert OpeningTime.objects.filter(hall=new, window=window).exists()
    # Its alarm goes on, once, and ends with the day.
    assert alarms.watch(new, by=SYSTEM, at=NOW) == 0
    assert alarms.watch(new, by=SYSTEM, at=NOW + day) == 1
    assert not HallAlarm.objects.filter(ended_at=None).exists()
    # Its address leads on, it is in no list, and what was counted there goes with the hall into a third.
    assert queries.get_hall(old.code) == new
    assert [hall.pk for hall in queries.halls()] == [hall.pk for hall in queries.halls_for(manager)] == [new.pk]
    third = make_hall(old.region, center=new.center)
    merging.merge(new, third, by=manager, at=NOW + day)
    assert {hall.pk for hall in third.merged.all()} == {old.pk, new.pk}
    assert queries.get_hall(old.code) == third


@pytest.mark.django_db
def test_halls_with_people_in_them_or_of_other_regions_are_not_merged(two_halls):
    old, new = two_halls.old, two_halls.new
    by = {"by": two_halls.manager, "at": NOW}
    ticket = take(two_halls.series[0], NOW)
    with pytest.raises(merging.CannotMerge):
        merging.merge(old, new, **by)
    Ticket.objects.filter(pk=ticket.pk).update(status="passed")
    actions.sign_in(two_halls.windows[0].pk, by=make_staff(Role.CLERK, region=old.region), at=NOW)
    with pytest.raises(merging.CannotMerge):
        merging.merge(old, new, **by)
    for source, into in ((old, old), (make_hall(make_region("500101")), new)):
        with pytest.raises(merging.CannotMerge):
            merging.plan(source, into)
    assert not Event.objects.filter(kind="hall.merged").exists()
