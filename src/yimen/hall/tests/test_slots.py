"""Slots as pure functions: whatever plans, hours, breaks and closures there are."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.hall.rules import Arrival, Pattern, Span, arrival, blocked_through, left_for, slots_of_day
from yimen.lib.workdays import LOCAL_ZONE

DAY = date(2026, 11, 18)  # a Wednesday
MIDNIGHT = datetime(2026, 11, 18, tzinfo=LOCAL_ZONE)


def at(text: str) -> datetime:
    hours, minutes = text.split(":")
    return MIDNIGHT + timedelta(hours=int(hours), minutes=int(minutes))


def span(text: str) -> Span:
    return Span(*map(at, text.split("-")))


def made(pattern: Pattern, opening: str, shut: str = "", kept: str = "", **more) -> list[str]:
    spans = [[span(each) for each in text.split()] for text in (opening, shut, kept)]
    found = slots_of_day(pattern, DAY, opening=spans[0], shut=spans[1], kept=spans[2], zone=LOCAL_ZONE, **more)
    return [f"{one.begins_at:%H:%M}" for one in found]


def pattern(begins="09:00", ends="12:00", minutes=30, weekdays=(1, 2, 3, 4, 5), first=DAY, last=None) -> Pattern:
    return Pattern(frozenset(weekdays), time.fromisoformat(begins), time.fromisoformat(ends), minutes, first, last)


@pytest.mark.parametrize(
    ("plan", "where", "expected"),
    [
        (pattern(), {"opening": "8:30-17:00"}, "09:00 09:30 10:00 10:30 11:00 11:30"),
        (pattern(minutes=50), {"opening": "8:30-17:00"}, "09:00 09:50 10:40"),
        (pattern(ends="15:00", minutes=60), {"opening": "9:00-12:00 14:00-17:00"}, "09:00 10:00 11:00 14:00"),
        (pattern(), {"opening": "8:30-17:00", "shut": "9:50-10:10"}, "09:00 10:30 11:00 11:30"),
        (pattern(), {"opening": "8:30-17:00", "kept": "9:00-10:00"}, "10:00 10:30 11:00 11:30"),
        (pattern(), {"opening": "9:00-10:00 10:00-11:00"}, "09:00 09:30 10:00 10:30"),
        (pattern(), {"opening": ""}, ""),
        (pattern(weekdays=(6,)), {"opening": "8:30-17:00"}, ""),
        (pattern(weekdays=(6,)), {"opening": "8:30-9:30", "weekday": 6}, "09:00"),
        (pattern(first=DAY + timedelta(days=1)), {"opening": "8:30-17:00"}, ""),
        (pattern(last=DAY - timedelta(days=1), first=date(2026, 1, 1)), {"opening": "8:30-17:00"}, ""),
    ],
    ids=["morning", "rest-left", "break", "closure", "kept", "touching", "shut-day", "weekday", "worked-weekend",
         "not-yet", "over"],
)  # fmt: skip
def test_slots_come_from_plan_hours_breaks_and_closures(plan, where, expected):
    assert made(plan, **where) == expected.split()


minutes_of_day = st.integers(0, 24 * 12 - 1).map(lambda n: n * 5)
spans = st.lists(
    st.tuples(minutes_of_day, st.integers(1, 60)).map(
        lambda pair: Span(MIDNIGHT + timedelta(minutes=pair[0]), MIDNIGHT + timedelta(minutes=pair[0] + 5 * pair[1]))
    ),
    max_size=5,
)
patterns = st.builds(
    lambda a, b, step: Pattern(
        frozenset({3}), time(min(a, b) // 60, min(a, b) % 60), time(max(a, b) // 60, max(a, b) % 60), step, DAY
    ),
    minutes_of_day,
    minutes_of_day,
    st.integers(5, 120),
)


@given(patterns, spans, spans, spans)
def test_no_slot_lies_outside_opening_in_a_closure_or_over_another(plan, opening, shut, kept):
    slots = slots_of_day(plan, DAY, opening=opening, shut=shut, kept=kept, zone=LOCAL_ZONE)
    whole = plan.on(DAY, LOCAL_ZONE)
    for slot in slots:
        assert slot.inside(whole)
        assert slot.ends_at - slot.begins_at == timedelta(minutes=plan.minutes)
        assert not any(slot.overlaps(one) for one in (*shut, *kept))
        minutes = int((slot.ends_at - slot.begins_at).total_seconds()) // 60
        for n in range(minutes):  # every minute is open
            now = slot.begins_at + timedelta(minutes=n)
            assert any(one.begins_at <= now < one.ends_at for one in opening)
    assert all(not a.overlaps(b) for a in slots for b in slots if a != b)


@given(patterns, spans, spans)
def test_a_closure_takes_slots_away_and_moves_none(plan, opening, shut):
    before = slots_of_day(plan, DAY, opening=opening, zone=LOCAL_ZONE)
    after = slots_of_day(plan, DAY, opening=opening, shut=shut, zone=LOCAL_ZONE)
    assert set(after) == {slot for slot in before if not any(slot.overlaps(one) for one in shut)}


@given(
    st.integers(1, 20),
    st.dictionaries(st.sampled_from(["web", "phone", "desk"]), st.integers(0, 8), max_size=3),
    st.lists(st.sampled_from(["web", "phone", "desk", "kiosk", "api"]), max_size=60),
)
def test_channels_never_take_more_than_places_or_quotas(places, quotas, wishes):
    quotas = {} if sum(quotas.values()) > places else quotas
    taken, by = 0, {}
    for channel in wishes:
        if left_for(channel, places=places, taken=taken, quotas=quotas, taken_by=by) >= 1:
            taken, by = taken + 1, {**by, channel: by.get(channel, 0) + 1}
    assert taken <= places
    assert all(by.get(channel, 0) <= quota for channel, quota in quotas.items())
    shared = sum(n for channel, n in by.items() if channel not in quotas)
    assert shared <= places - sum(quotas.values())
    if len(wishes) == 60 and set(wishes) == {"web", "phone", "desk", "kiosk", "api"} and not quotas:
        assert taken == places


@pytest.mark.parametrize(
    ("minutes", "how"), [(-31, "early"), (-30, "on_time"), (0, "on_time"), (15, "on_time"), (16, "late")]
)
def test_who_comes_early_waits_and_who_comes_late_stands_behind(minutes, how):
    begins = at("10:00")
    now = begins + timedelta(minutes=minutes)
    assert arrival(begins, now, early_minutes=30, late_minutes=15) is Arrival(how)


@pytest.mark.parametrize(
    ("days", "on", "until"),
    [
        ("11-01 11-08", "11-18", None),
        ("11-01 11-08 11-15", "11-18", "12-15"),
        ("11-01 11-08 11-15", "12-15", "12-15"),
        ("11-01 11-08 11-15", "12-16", None),
        ("05-01 08-08 11-15", "11-18", None),
        ("09-01 09-08 09-15 11-15", "11-18", "12-15"),
    ],
    ids=["two-only", "blocked", "last-day", "over", "too-long-ago", "within"],
)
def test_three_no_shows_in_ninety_days_block_for_thirty(days, on, until):
    missed = [date.fromisoformat(f"2026-{day}") for day in days.split()]
    through = blocked_through(missed, date.fromisoformat(f"2026-{on}"), times=3, within=90, block=30)
    assert through == (date.fromisoformat(f"2026-{until}") if until else None)
