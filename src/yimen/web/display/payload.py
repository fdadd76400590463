"""
What screens are told: figures and numbers, no citizen's name; at a window, the work card of whoever sits there.

A look reads a hall once; of_screen() makes of it what one layout shows, snapshot() what a client gets first, and
changes() what it gets afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext as _

from yimen.hall.models import Hall, HallZone, Screen
from yimen.hall.queries import boards
from yimen.hall.queries import screens as reads
from yimen.hall.queries.boards import CALLS_KEPT, CALLS_SHOWN, Call, Wait, WindowNow
from yimen.hall.rules.screens import is_quiet
from yimen.web import waits as words

# Lists of rows that are sent one by one.
ROWS = ("waits", "windows")
NOTICE = ("pk", "kind", "title", "text", "position", "seconds", "hall")


@dataclass(frozen=True)
class Standing:
    """What changes seldom, read anew when an act says so: zones, marks of notices and of the screens' rows."""

    hall: Hall
    day: date
    zones: list[Any]
    notices: str
    screens: dict[str, str]
    has_zone_screens: bool


@dataclass(frozen=True)
class Look:
    """One hall at one moment. minutes: how long each series takes, in words; setup: mark of what pages show."""

    standing: Standing
    at: datetime
    day: date
    calls: list[Call]
    zone_calls: dict[UUID, list[Call]]
    waits: list[Wait]
    minutes: dict[UUID, str]
    windows: list[WindowNow]
    setup: str

    @property
    def hall_id(self) -> UUID:
        return self.standing.hall.pk

    @property
    def name(self) -> str:
        return self.standing.hall.name

    @property
    def notices(self) -> str:
        return self.standing.notices

    @property
    def screens(self) -> dict[str, str]:
        return self.standing.screens


@dataclass(frozen=True)
class Spec:
    """What a screen shows, as far as its live part needs it; the first hall is its own."""

    code: str
    layout: str
    halls: tuple[UUID, ...]
    zone: UUID | None = None
    window: UUID | None = None
    mark: str = ""
    volume: int = 100
    quiet: tuple[time | None, time | None, int] = (None, None, 0)

    def volume_at(self, at: datetime) -> int:
        """How loud it speaks, in percent."""
        start, end, volume = self.quiet
        return volume if is_quiet(localtime(at).time(), start, end) else self.volume


def spec_of(screen: Screen) -> Spec:
    """Return what a screen shows; a hall's plain one has no mark."""
    halls = tuple(hall.pk for hall in reads.halls_of(screen))
    mark = "" if screen._state.adding else _mark(screen)
    quiet = (screen.quiet_from, screen.quiet_until, screen.quiet_volume)
    return Spec(screen.code, screen.layout, halls, screen.zone_id, screen.window_id, mark, screen.volume, quiet)


def standing(hall: Hall, day: date) -> Standing:
    """Read what changes seldom; four statements, one more for each screen of several halls."""
    notices = reads.notices_shown([hall], day).order_by("pk", "windows").values_list(*NOTICE, "windows")
    facilities = reads.facilities(hall, on=day).values_list("pk", "name", "place", "works", "note")
    own = list(reads.screens_of(hall))
    return Standing(
        hall=hall,
        day=day,
        zones=list(HallZone.objects.filter(region_id=hall.region_id, hall=hall).values_list("pk", "name", "position")),
        notices=_digest([list(notices), list(facilities)]),
        screens={one.code: _mark(one) for one in own},
        has_zone_screens=any(one.layout == Screen.Layout.ZONE for one in own),
    )


def look(hall: Hall, at: datetime, *, known: Standing | None = None) -> Look:
    """
    Read everything any screen of a hall shows; the same few statements whatever is going on.

    known: what an earlier look read of it, when no act has said that it changed; of another day it is not used.
    """
    day = localdate(at)
    if known is None or known.day != day:
        known = standing(hall, day)
    queues = boards.waits(hall.region_id, day, hall=hall.pk)
    windows = boards.windows_now(hall)
    forecast = words.latest(hall, at).series
    setup = [
        hall.name,
        known.zones,
        [(one.letter, one.name, one.zone, one.windows) for one in queues],
        [(one.number, one.name, one.zone_id, one.unit) for one in windows],
    ]
    return Look(
        standing=known,
        at=at,
        day=day,
        calls=boards.calls(hall, at, most=CALLS_KEPT),
        zone_calls=boards.calls_by_zone(hall, at) if known.has_zone_screens else {},
        waits=queues,
        minutes={one.series_id: words.short(forecast.get(one.series_id)) for one in queues if one.waiting},
        windows=windows,
        setup=_digest(setup),
    )


def of_screen(spec: Spec, looks: Sequence[Look]) -> dict[str, Any]:
    """Return what the screen shows now, as plain JSON; looks: one for each of its halls, its own first."""
    first, is_one = looks[0], len(looks) == 1
    told: dict[str, Any] = {
        "day": first.day.isoformat(),
        "setup": _digest([spec.mark, *(one.setup for one in looks)]),
        "notices": _digest([one.notices for one in looks]),
        "volume": spec.volume_at(first.at),
    }
    match spec.layout:
        case Screen.Layout.WINDOW:
            window = next((one for one in first.windows if one.id == spec.window), None)
            held = [Call(window.key, window.label, window.number)] if window and window.key else []
            return told | {"calls": [_call(call) for call in held], "window": of_window(window)}
        case Screen.Layout.ZONE:
            calls = first.zone_calls.get(spec.zone, []) if spec.zone else []
            queues = [wait for wait in first.waits if in_zone(wait, spec.zone, first.windows)]
            told["calls"] = [_call(call) for call in calls]
            told["waits"] = [_wait(wait, first) for wait in queues]
            told["surge"] = surge_of(queues, first.minutes)
        case Screen.Layout.NOTICES:
            told["calls"] = []
        case Screen.Layout.MAP:
            told["calls"] = []
            told["windows"] = [{"number": one.number, "state": one.state, "label": one.label} for one in first.windows]
        case _:
            pairs = [(call, one) for one in looks for call in one.calls]
            pairs.sort(key=lambda pair: pair[0].key.rsplit("-", 1)[1], reverse=True)
            told["calls"] = [_call(call, "" if is_one else one.name) for call, one in pairs[:CALLS_KEPT]]
            told["waits"] = [_wait(wait, one, is_one=is_one) for one in looks for wait in one.waits]
            said = {series: minutes for one in looks for series, minutes in one.minutes.items()}
            told["surge"] = surge_of([wait for one in looks for wait in one.waits], said)
    return told


def snapshot(told: dict[str, Any], at: datetime) -> dict[str, Any]:
    """Return the whole board for a client that has nothing; now: seconds since 1970, to tell how old a call is."""
    return told | {"calls": told["calls"][:CALLS_SHOWN], "now": round(at.timestamp(), 3)}


def changes(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """
    Return what differs: of the lists of rows only those that changed; empty when nothing did.

    calls: those shown, and before them every one that `old` does not have.
    """
    changed: dict[str, Any] = {}
    for name, value in new.items():
        if name in ROWS:
            if rows := [row for row in value if row not in old.get(name, ())]:
                changed[name] = rows
        elif name == "calls":
            known = {call["key"] for call in old["calls"]}
            fresh = sum(call["key"] not in known for call in value)
            shown = value[: max(CALLS_SHOWN, fresh)]
            if shown[:CALLS_SHOWN] != old["calls"][:CALLS_SHOWN]:
                changed[name] = shown
        elif value != old.get(name):
            changed[name] = value
    return changed


def of_window(window: WindowNow | None) -> dict[str, Any]:
    """Return what stands on the screen over a window."""
    if window is None:
        return {"state": "closed", "label": "", "serving": False, "card": None, "away": ""}
    return {
        "state": window.state,
        "label": window.label,
        "serving": window.is_serving,
        "card": asdict(window.card) if window.card else None,
        "away": away_words(window),
    }


def away_words(window: WindowNow) -> str:
    """Why nobody sits at a window and where to go, or who sits here for whom; nothing otherwise."""
    away = window.away
    if away is None:
        return ""
    if not window.is_paused:
        return _("原来的同志%(reason)s，由%(name)s接着办") % {"reason": away.reason, "name": away.stand_in}
    if away.at_window:
        values = {"reason": away.reason, "number": away.at_window, "name": away.stand_in}
        return _("%(reason)s，请到 %(number)s 号窗口，%(name)s接着办") % values
    return _("%(reason)s，请留意叫号，别的窗口会叫您") % {"reason": away.reason}


def in_zone(wait: Wait, zone: UUID | None, windows: Sequence[WindowNow]) -> bool:
    """Tell whether a series belongs to a zone: it is said to, or a window there calls it."""
    there = {window.number for window in windows if window.zone_id == zone}
    return wait.zone_id == zone or not there.isdisjoint(wait.numbers)


def surge_of(queues: Sequence[Wait], said: Mapping[UUID, str]) -> str:
    """
    The sentence that warns of the longest of these queues, or nothing.

    said: the minutes each series is told to take, so that one screen does not say two different ones.
    """
    busy = [wait for wait in queues if wait.is_busy]
    if not busy:
        return ""
    busiest = max(busy, key=lambda wait: (wait.surges, wait.minutes or 0, wait.waiting))
    if busiest.proposed is not None:
        values = {"name": busiest.name, "people": busiest.waiting, "window": busiest.proposed}
        return _("%(name)s人多，%(people)s 人在等，建议加开 %(window)s 号窗口") % values
    minutes = said.get(busiest.series_id)
    if not minutes:
        return _("%(name)s人多，前面 %(people)s 人") % {"name": busiest.name, "people": busiest.waiting}
    return _("%(name)s人多，要等约 %(minutes)s 分钟") % {"name": busiest.name, "minutes": minutes}


def _call(call: Call, hall: str = "") -> dict[str, Any]:
    told: dict[str, Any] = {"key": call.key, "label": call.label, "window": call.window}
    return told | {"hall": hall} if hall else told


def _wait(wait: Wait, found: Look, *, is_one: bool = True) -> dict[str, Any]:
    return {
        "letter": wait.letter if is_one else f"{wait.letter}-{found.hall_id.hex[-6:]}",
        "people": wait.waiting,
        "minutes": found.minutes.get(wait.series_id, ""),
        "busy": wait.is_busy,
    }


def _mark(screen: Screen) -> str:
    """Changes with every setting of a screen that its page was drawn from."""
    left_out = {"id", "region"}
    values = [getattr(screen, one.attname) for one in Screen._meta.concrete_fields if one.name not in left_out]
    return _digest([*values, [hall.pk for hall in reads.halls_of(screen)]])


def _digest(values: object) -> str:
    return hashlib.blake2s(repr(values).encode(), digest_size=6).hexdigest()
