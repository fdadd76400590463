"""What was forecast beside what really happened (tests only): agents came and went, callers hung up, nobody said so."""

import csv
import gzip
import io
import random
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from math import inf
from uuid import UUID

from yimen.insight.forecasts import playing
from yimen.insight.forecasts.fitting import Fit, Told, fit
from yimen.insight.forecasts.idling import still_away
from yimen.insight.forecasts.ranges import AT_ONCE
from yimen.insight.forecasts.state import Place, Seat, State
from yimen.insight.simulation.kernel import Policy
from yimen.testing import shared

SERIES = {name: UUID(int=n + 1) for n, name in enumerate(("PS", "NW", "NE", "TT", "IN", "PE"))}
HOUR, LAST, TURNAROUND = 3600, 60, 20.0
# The first half of the month served to choose by.
HELD_OUT = 14
A_DAY = 50
POLICY = Policy("ageing", head_start=90.0, cap=1000)  # known customers stand in the queue 90 s earlier


@dataclass(frozen=True)
class Call:
    came: float
    began: float  # infinity: hung up at `ended`
    ended: float
    series: UUID
    first: bool
    agent: str

    @property
    def kinds(self):
        return [(self.series, self.first), self.series]

    def waits(self, now):
        return self.came <= now < min(self.began, self.ended)


def _seconds(text):
    hours, minutes, seconds = text.split(":")
    return int(hours) * HOUR + int(minutes) * 60 + int(seconds)


def days():
    found = defaultdict(list)
    with gzip.open(shared("data/queue/calls_1999_02.csv.gz")) as packed:
        for row in csv.DictReader(io.TextIOWrapper(packed)):
            queued, who = int(row["queue_seconds"]), (SERIES[row["service"]], row["priority"] == "2")
            if row["outcome"] == "AGENT" and int(row["service_seconds"]) > 0:
                began = _seconds(row["service_start"])
                came = _seconds(row["queue_start"]) if queued else began
                ended = max(_seconds(row["service_end"]), began + 1)  # some ran past midnight
                found[row["date"]].append(Call(came, began, ended, *who, row["server"]))
            elif row["outcome"] == "HANG" and queued:
                came, ended = _seconds(row["queue_start"]), _seconds(row["queue_end"])
                found[row["date"]].append(Call(came, inf, ended, *who, ""))
    return [sorted(calls, key=lambda call: call.came) for _day, calls in sorted(found.items())]


def all_day(mine, now):
    """Signed in from the first call of the day until the last, whatever the agent did between."""
    return mine[-1].ended > now


def last_minutes(seconds):
    """Signed in so long after a call."""
    return lambda mine, now: max(call.ended for call in mine if call.began <= now) > now - seconds


def checked(signed_in):
    """
    Forecast for A_DAY callers of each day; of the held out days: the share within the 50 % range and the 90 % range,
    how many that were, and of those told within a minute how many were within the 90 % range.
    """
    told, skills, before, said, soon = [], defaultdict(set), [], [], []
    for number, calls in enumerate(days()):
        answered = sorted((call for call in calls if call.began < inf), key=lambda call: call.ended)
        chosen = random.Random(number).sample(answered, min(A_DAY, len(answered))) if number else []
        for me in sorted(chosen, key=lambda call: call.came):
            state = _state(me, calls, answered, skills, before, signed_in)
            played = playing.forecast(state, simulate=False).played.get(UUID(int=1))
            if played is None:
                continue
            waited = me.began - me.came
            known = [one for at, one in sorted(told, key=lambda each: -each[0]) if at < number * 24 * HOUR + me.came]
            found = playing._said(played, fit(known) if known else Fit())
            if found is not None and number >= HELD_OUT:
                (soon if found.p75 <= AT_ONCE else said).append(found.holds(waited))
            told.append((number * 24 * HOUR + me.began, Told(played, waited)))
        before = answered[-600:]
        for call in answered:
            skills[call.agent].add(call.series)
    half, nine = (sum(held[place] for held in said) / len(said) for place in (0, 1))
    return half, nine, len(said), sum(nine for _half, nine in soon) / len(soon)


def _state(me, calls, answered, skills, before, signed_in):
    now = me.came
    queue = [*(call for call in calls if call is not me and call.waits(now)), me]
    done = bisect_right(answered, now, key=lambda call: call.ended)
    gone = sum(1 for call in calls if call.began == inf and now - HOUR < call.ended <= now)
    hour = done - bisect_right(answered, now - HOUR, key=lambda call: call.ended)
    measured = defaultdict(list)
    for call in [*reversed(answered[max(done - 600, 0) : done]), *reversed(before)]:
        for kind in ("hall", *call.kinds):
            if len(measured[kind]) < LAST:
                measured[kind].append(call.ended - call.began + TURNAROUND)
    by_agent = defaultdict(list)
    for call in sorted(answered, key=lambda call: call.began):
        if call is not me:
            by_agent[call.agent].append(call)
    late = [call for call in calls if now - HOUR < call.came <= now and call is not me]
    seats = []
    for place, (agent, mine) in enumerate(sorted(by_agent.items())):
        past = [call for call in mine if call.began <= now]
        if not past or not (past[-1].ended > now or signed_in(mine, now)):
            continue
        able, busy = frozenset(skills[agent] | {call.series for call in past}), past[-1].ended > now
        waits = [(c.came - now, min(c.began, c.ended, now) - now) for c in late if c.series in able]
        away = 0.0 if busy else still_away(past[-1].ended + TURNAROUND - now, waits)
        seats.append(
            Seat(
                UUID(int=100 + place),
                able,
                busy=past[-1].kinds if busy else None,
                elapsed=now - past[-1].began if busy else 0.0,
                shifts=[(away, inf)],
            )
        )
    places = [
        Place(UUID(int=1 if call is me else 1000 + n), call.series, call.came - now, call.kinds, call.first)
        for n, call in enumerate(queue)
    ]
    return State(
        list(SERIES.values()),
        places,
        seats,
        measured,
        hall="hall",
        passes=[1.0],
        passed=gone / max(hour + gone, 1),
        policy=POLICY,
    )
