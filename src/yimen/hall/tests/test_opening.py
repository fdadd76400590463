"""Opening hours: weekdays, breaks, special days, closures, the work calendar."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.hall import actions, queries
from yimen.hall.models import Closure, OpeningTime
from yimen.hall.rules.opening import Opening, Shut, Times, opening, spans_of
from yimen.hall.tests.factories import make_hall, make_series, make_window
from yimen.lib.workdays import LOCAL_ZONE, Calendar
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import make_staff

HOLIDAY, WORKED, WEDNESDAY, SATURDAY = date(2026, 10, 1), date(2026, 10, 10), date(2026, 11, 18), date(2026, 11, 21)
CALENDAR = Calendar(frozenset({HOLIDAY}), frozenset({WORKED}), frozenset({2026}))
WEEK = [
    Times(weekday, None, time(opens), time(closes)) for weekday in range(1, 6) for opens, closes in ((9, 12), (14, 17))
]
WEEKEND = Times(6, None, time(9), time(11, 30), extended=True)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), LOCAL_ZONE)


def hours(found: Opening) -> list[tuple[str, str]]:
    return [(f"{span.opens_at:%H:%M}", f"{span.closes_at:%H:%M}") for span in found.spans]


@pytest.mark.parametrize(
    ("day", "rows", "wanted"),
    [
        (WEDNESDAY, WEEK, [("09:00", "12:00"), ("14:00", "17:00")]),
        (SATURDAY, WEEK, []),
        (SATURDAY, [*WEEK, WEEKEND], [("09:00", "11:30")]),
        (HOLIDAY, [*WEEK, Times(4, None, time(17), time(19), extended=True)], []),
        (WORKED, WEEK, [("09:00", "12:00"), ("14:00", "17:00")]),  # a Saturday that is worked has Monday's times
        (WORKED, [*WEEK, Times(6, None, time(8), time(10), extended=True)],
         [("08:00", "09:00"), ("09:00", "12:00"), ("14:00", "17:00")]),
        (WEDNESDAY, [*WEEK, Times(None, WEDNESDAY, None, None)], []),
        (WEDNESDAY, [*WEEK, Times(None, WEDNESDAY, time(10), time(11))], [("10:00", "11:00")]),
        (HOLIDAY, [*WEEK, Times(None, HOLIDAY, time(10), time(11), extended=True)], [("10:00", "11:00")]),
        (WEDNESDAY, [], [("00:00", "00:00")]),  # nobody has written hours down: all of a working day
        (SATURDAY, [], []),
    ],
    ids=["week", "weekend", "late service", "holiday", "worked", "worked late", "shut", "special", "special holiday",
         "unset", "unset weekend"],
)  # fmt: skip
def test_hours_of_a_day(day, rows, wanted):
    assert hours(opening(day, rows, CALENDAR)) == wanted


def test_a_closure_is_cut_out_and_says_why():
    shut = Shut(at(WEDNESDAY, 11), at(WEDNESDAY, 15), "停电检修")
    found = opening(WEDNESDAY, WEEK, CALENDAR, [shut])
    assert hours(found) == [("09:00", "11:00"), ("15:00", "17:00")]
    assert found.reasons == ("停电检修",)
    assert opening(WEDNESDAY + timedelta(days=1), WEEK, CALENDAR, [shut]).reasons == ()


@pytest.mark.parametrize(
    ("hour", "minute", "margin", "may"),
    [(8, 49, 10, False), (8, 50, 10, True), (13, 0, 10, True), (17, 10, 10, True), (17, 11, 10, False),
     (8, 50, 5, False)],
)  # fmt: skip
def test_staff_come_some_minutes_before_and_stay_as_long_after(hour, minute, margin, may):
    found = opening(WEDNESDAY, WEEK, CALENDAR)
    assert found.admits(at(WEDNESDAY, hour, minute), margin) is may


times = st.builds(
    lambda weekday, start, length, extended: Times(
        weekday, None, time(start), time(min(23, start + length), 59), extended=extended
    ),
    st.integers(1, 7), st.integers(0, 22), st.integers(0, 6), st.booleans(),
)  # fmt: skip
shuts = st.builds(
    lambda start, length: Shut(at(WEDNESDAY, 0) + timedelta(minutes=start), at(WEDNESDAY, 0) + timedelta(
        minutes=start + length), "x"), st.integers(-600, 1500), st.integers(1, 900),
)  # fmt: skip


@given(st.lists(times, max_size=12), st.lists(shuts, max_size=4))
def test_spans_are_in_order_apart_and_never_in_a_closure(rows, closures):
    found = opening(WEDNESDAY, rows, CALENDAR, closures)
    moments = [moment for span in found.spans for moment in (span.opens_at, span.closes_at)]
    assert moments == sorted(moments)
    assert all(span.opens_at < span.closes_at for span in found.spans)
    for shut in closures:
        assert all(shut.until_at <= span.opens_at or span.closes_at <= shut.from_at for span in found.spans)


@pytest.mark.django_db
def test_a_window_has_hours_of_its_own_and_shares_the_halls_closures():
    hall = make_hall()
    window = make_window(make_series(hall), staffed=False)
    other = make_window(hall.series.all(), staffed=False)
    row = {"region_id": hall.region_id, "hall": hall, "weekday": 3, "valid_from": WEDNESDAY - timedelta(days=30)}
    OpeningTime.objects.create(**row, opens=time(9), closes=time(17))
    OpeningTime.objects.create(**row, window=window, opens=time(13), closes=time(15))
    OpeningTime.objects.create(**row | {"valid_from": WEDNESDAY + timedelta(days=1)}, opens=time(1), closes=time(2))
    Closure.objects.create(
        region_id=hall.region_id, hall=hall, reason="消防演练", from_at=at(WEDNESDAY, 14), until_at=at(WEDNESDAY, 16)
    )
    back = at(WEDNESDAY, 9)
    Closure.objects.create(
        region_id=hall.region_id, hall=hall, reason="撤回", from_at=back, until_at=at(WEDNESDAY, 16), ended_at=back
    )
    assert hours(queries.opening_on(hall, WEDNESDAY)) == [("09:00", "14:00"), ("16:00", "17:00")]
    assert hours(queries.opening_on(hall, WEDNESDAY, window)) == [("13:00", "14:00")]
    assert hours(queries.opening_on(hall, WEDNESDAY, other)) == [("09:00", "14:00"), ("16:00", "17:00")]
    assert queries.opening_on(hall, WEDNESDAY).reasons == ("消防演练",)


@pytest.mark.django_db
def test_hours_are_set_from_today_on_and_single_days_in_their_place():
    hall, manager = make_hall(), make_staff(Role.HALL_MANAGER)
    moment = at(WEDNESDAY, 8)
    week = {day: spans_of("9:00-12:00，14:00－17:00".replace("－", "-")) for day in range(1, 6)}
    actions.set_week(hall.pk, week, extended={6: spans_of("9:00-11:30")}, by=manager, at=moment)
    assert hours(queries.opening_on(hall, WEDNESDAY)) == [("09:00", "12:00"), ("14:00", "17:00")]
    assert hours(queries.opening_on(hall, SATURDAY)) == [("09:00", "11:30")]
    actions.set_day(hall.pk, WEDNESDAY, [], by=manager, at=moment)
    assert hours(queries.opening_on(hall, WEDNESDAY)) == []
    actions.set_day(hall.pk, WEDNESDAY, None, by=manager, at=moment)
    later = moment + timedelta(days=7)
    actions.set_week(hall.pk, {3: spans_of("10:00-11:00")}, by=manager, at=later)
    assert hours(queries.opening_on(hall, WEDNESDAY)) == [("09:00", "12:00"), ("14:00", "17:00")]
    assert hours(queries.opening_on(hall, WEDNESDAY + timedelta(days=7))) == [("10:00", "11:00")]
    for wrong in ("12:00-9:00", "9:00-12:00 11:00-13:00"):
        with pytest.raises(actions.WrongSetting):
            actions.set_week(hall.pk, {1: spans_of(wrong)}, by=manager, at=moment)
    with pytest.raises(NotAllowed):
        actions.set_day(hall.pk, WEDNESDAY, [], by=make_staff(Role.CLERK), at=moment)


@pytest.mark.parametrize("text", ["nine", "9-12", "25:00-26:00", "9:00-12:00 x"])
def test_hours_that_cannot_be_read_are_refused(text):
    with pytest.raises(ValueError):
        spans_of(text)
