"""Many windows and many citizens at once: real threads with connections of their own; and versions that must fail."""

import contextlib
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction
from django.db.models import Max

from yimen.hall import actions, rules
from yimen.hall.actions import calling, tickets
from yimen.hall.models import Ticket, Window
from yimen.hall.tests.factories import call, make_hall, make_series, make_window, take
from yimen.ledger.models import Event
from yimen.lib.errors import DomainError
from yimen.people.tests.factories import NOW, resident_id

pytestmark = pytest.mark.django_db(transaction=True)
THREADS, TICKETS, WINDOWS = 64, 2000, 50


def at_once(works: Iterable[Callable[[], None]]) -> list[Exception]:
    """Run every piece of work in a thread of its own, started together; return what went wrong."""
    works = list(works)
    start, wrong = threading.Barrier(len(works)), []

    def run(work: Callable[[], None]) -> None:
        try:
            start.wait()
            work()
        except Exception as error:
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def take_many(series, *, threads=THREADS, tickets=TICKETS, take_one=take) -> tuple[list[int], list[Exception]]:
    numbers: list[int] = []
    todo = iter(range(tickets))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                if next(todo, None) is None:
                    return
            numbers.append(take_one(series).number)

    return numbers, at_once([work] * threads)


def call_all(windows, *, call_one=call) -> tuple[list[tuple[int, str]], list[Exception]]:
    """Every window calls and finishes until nobody is left; returns (window, label) as the windows saw it."""
    seen: list[tuple[int, str]] = []

    def work(window: Window) -> Callable[[], None]:
        def run() -> None:
            while ticket := call_one(window):
                seen.append((window.number, ticket.label))
                actions.finish(ticket.pk, by=window.staff, at=NOW)

        return run

    return seen, at_once([work(window) for window in windows])


def wrong_numbers(numbers: list[int], wanted: int) -> list[str]:
    """The checker: numbers must be exactly 1..wanted, each once."""
    counts = Counter(numbers)
    twice = [f"{number} given {times} times" for number, times in counts.items() if times > 1]
    return twice + [f"{number} missing" for number in range(1, wanted + 1) if number not in counts]


def wrong_calls(seen: list[tuple[int, str]], wanted: int) -> list[str]:
    """The checker: everybody called, by one window each."""
    counts = Counter(label for _window, label in seen)
    twice = [f"{label} called {times} times" for label, times in counts.items() if times > 1]
    left = wanted - len(counts)
    return twice + ([f"{left} never called"] if left else [])


def broken_next_number(series, day, at):
    """count + 1: what the counter row is there to prevent."""
    taken = Ticket.objects.filter(series=series, day=day).count()
    time.sleep(0.001)
    return taken + 1, at


def broken_max_number(series, day, at):
    highest = Ticket.objects.filter(series=series, day=day).aggregate(Max("number"))["number__max"]
    time.sleep(0.001)
    return (highest or 0) + 1, at


def broken_call(window):
    """Select, then save without asking whether the ticket is still waiting."""
    ticket = Ticket.objects.filter(series__in=window.series.all(), status="waiting").order_by("number").first()
    if ticket is None:
        return None
    time.sleep(0.001)
    ticket.status, ticket.window = Ticket.Status.CALLED, window
    ticket.save(update_fields=["status", "window"])
    return ticket


@pytest.mark.both_databases
@pytest.mark.slow
def test_2000_tickets_from_64_threads_then_50_windows_call_them_all():
    series = make_series()
    numbers, wrong = take_many(series)
    assert not wrong
    assert wrong_numbers(numbers, TICKETS) == []
    times = list(Ticket.objects.order_by("number").values_list("taken_at", flat=True))
    assert times == sorted(times)

    windows = [make_window(series) for _n in range(WINDOWS)]
    seen, wrong = call_all(windows)
    assert not wrong
    assert wrong_calls(seen, TICKETS) == []
    assert not Ticket.objects.exclude(status=Ticket.Status.FINISHED).exists()
    assert Event.objects.filter(kind="hall.called").count() == TICKETS


@pytest.mark.parametrize("broken", [broken_next_number, broken_max_number])
def test_the_checker_catches_numbers_made_by_counting(broken, monkeypatch, owner_connection):
    def insert(ticket, by, at):
        ticket.number, ticket.taken_at = broken(ticket.series, ticket.day, at)
        ticket.label, ticket.queue_at = rules.label(ticket.series.letter, ticket.number), ticket.taken_at
        ticket.save(force_insert=True)

    monkeypatch.setattr(tickets, "_insert", insert)
    numbers, wrong = take_many(make_series(), threads=16, tickets=120)
    assert wrong  # the unique number refuses, so citizens get errors instead of tickets
    assert wrong_numbers(numbers, 120)
    owner_connection.execute("ALTER TABLE hall_ticket DROP CONSTRAINT ticket_label_once")
    numbers, wrong = take_many(make_series(), threads=16, tickets=120)
    assert not wrong
    assert any("given" in problem for problem in wrong_numbers(numbers, 120))


def test_the_checker_catches_calls_without_a_check():
    series = make_series()
    for _n in range(40):
        take(series)
    windows = [make_window(series) for _n in range(8)]
    seen, _wrong = call_all(windows, call_one=broken_call)
    assert any("called" in problem for problem in wrong_calls(seen, 40))


def test_the_checker_and_the_real_calls_agree():
    series = make_series()
    for _n in range(40):
        take(series)
    seen, wrong = call_all([make_window(series) for _n in range(8)])
    assert not wrong
    assert wrong_calls(seen, 40) == []


def test_one_window_called_from_20_threads_gets_one_ticket():
    series = make_series()
    window = make_window(series)
    for _n in range(30):
        take(series)
    got: list[str] = []
    assert at_once([lambda: got.append(call(window).label)] * 20) == []
    assert got == ["A001"] * 20
    assert Event.objects.filter(kind="hall.called").count() == 1


def test_windows_calling_together_keep_the_order_of_both_series():
    """Each window takes whoever has waited longest in all it calls, even while others are calling (policy oracle)."""
    a = make_series()
    b = make_series(a.hall, "B")
    for n in range(40):
        take(a if n % 3 else b, NOW + timedelta(seconds=n))
    windows = [make_window([a, b]) for _n in range(8)]
    seen, wrong = call_all(windows)
    assert not wrong
    order = list(Event.objects.filter(kind="hall.called").order_by("tx").values_list("stream", "tx"))
    taken = {ticket.stream: ticket.taken_at for ticket in Ticket.objects.all()}
    # Eight windows at once: nobody is called before somebody who has waited longer than all of them take twice.
    places = [sorted(taken.values()).index(taken[stream]) for stream, _tx in order]
    assert all(abs(place - turn) < 2 * len(windows) for turn, place in enumerate(places))
    assert wrong_calls(seen, 40) == []


def test_rolled_back_takings_leave_no_gap_between_threads():
    series = make_series()
    numbers: list[int] = []

    def work(n: int) -> Callable[[], None]:
        def run() -> None:
            for turn in range(5):
                with transaction.atomic():
                    number = take(series).number
                    if (n + turn) % 3 == 0:
                        transaction.set_rollback(True)
                        continue
                numbers.append(number)

        return run

    assert at_once([work(n) for n in range(12)]) == []
    assert wrong_numbers(numbers, len(numbers)) == []


def test_over_midnight_both_days_count_from_one():
    series = make_series()
    midnight = NOW.replace(hour=0, minute=0) + timedelta(days=1)
    given: list[tuple[int, int]] = []

    def work(n: int) -> Callable[[], None]:
        def run() -> None:
            for turn in range(-3, 3):
                ticket = take(series, midnight + timedelta(seconds=turn, milliseconds=n))
                given.append((ticket.day.day, ticket.number))

        return run

    assert at_once([work(n) for n in range(10)]) == []
    for day in (18, 19):
        assert wrong_numbers([number for on, number in given if on == day], 30) == []


KILLED = """
import os, signal, sys, django
django.setup()
from datetime import datetime
from uuid import UUID
from django.db import transaction
from yimen.hall import actions
from yimen.hall.models import Window
window, when, point = UUID(sys.argv[1]), datetime.fromisoformat(sys.argv[2]), sys.argv[3]
by = Window.objects.get(pk=window).staff
with transaction.atomic():
    actions.call_next(window, by=by, at=when)
    if point == "before":
        os.kill(os.getpid(), signal.SIGKILL)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("point", "calls"), [("before", 1), ("after", 1)])
def test_a_web_process_killed_before_it_answers_loses_no_call(point, calls, tmp_path):
    """Killed before or after the commit: the window asks again and has exactly one ticket."""
    series = make_series()
    window = make_window(series)
    take(series), take(series)
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "yimen.settings",
        "YIMEN_HOME": str(tmp_path),
        "YIMEN_DB_POOL": "0",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    arguments = [sys.executable, "-c", KILLED, str(window.pk), NOW.isoformat(), point]
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == -9, done.stderr
    assert call(window).label == "A001"
    assert call(window).label == "A001"
    assert Event.objects.filter(kind="hall.called").count() == calls


@pytest.mark.both_databases
@pytest.mark.slow
def test_the_head_is_found_by_index_among_20_000_tickets(admin_connection):
    series = make_series()
    window = make_window(series)
    take(series)
    admin_connection.execute(
        "INSERT INTO hall_ticket (id, region_id, hall_id, series_id, day, number, label, status, source,"
        " phone_last_four, care, again_reason, is_priority, queue_at, taken_at, call_count)"
        " SELECT gen_random_uuid(), region_id, hall_id, series_id, day, n, 'A' || n,"
        " CASE WHEN n % 2 = 0 THEN 'waiting' ELSE 'finished' END, 'kiosk', '', '', '', false,"
        " taken_at + n * interval '1 second', taken_at + n * interval '1 second', 0"
        " FROM hall_ticket, generate_series(2, 20000) AS n"
    )
    admin_connection.execute("ANALYZE hall_ticket")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size('hall_ticket') / 8192")
        pages = cursor.fetchone()[0]
        cursor.execute(calling.HEADS, [window.pk, NOW.date(), [], 8])
        assert [head[3] for head in cursor.fetchone()[-1]] == [1, 2, 4, 6, 8, 10, 12, 14]
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + calling.HEADS, [window.pk, NOW.date(), [], 8])
        read = json.loads(answer) if isinstance(answer := cursor.fetchone()[0], str) else answer
    touched = read[0]["Plan"]["Shared Hit Blocks"] + read[0]["Plan"]["Shared Read Blocks"]
    assert pages > 300 and touched < 60, (pages, touched)
    assert call(window).label == "A001"


def test_one_clerk_signs_in_at_one_of_many_windows_at_once():
    series = make_series()
    windows = [make_window(series) for _n in range(6)]
    clerk = windows[0].staff
    for window in windows:
        actions.sign_out(window.pk, by=window.staff, at=NOW)
    wrong = at_once([partial(actions.sign_in, window.pk, by=clerk, at=NOW) for window in windows])
    assert [type(error).__name__ for error in wrong] == ["WindowTaken"] * 5
    assert Window.objects.filter(staff=clerk).count() == 1


def test_a_series_gives_exactly_its_cap_to_many_at_once():
    series = make_series(daily_cap=30, warning_at=25)
    numbers, wrong = take_many(series, threads=12, tickets=80)
    assert wrong_numbers(numbers, 30) == []
    assert {type(error).__name__ for error in wrong} == {"SeriesFull"}


def test_one_card_at_ten_kiosks_at_once_gets_one_number():
    series = make_series()
    got: list[str] = []
    card = resident_id(4242)
    wrong = at_once([lambda: got.append(take(series, id_number=card).label)] * 10)
    assert got == ["A001"]
    assert [type(error).__name__ for error in wrong] == ["AlreadyWaiting"] * 9
    assert all("A001" in str(error) for error in wrong)
    assert take(series).number == 2  # whoever was refused gave the number back


def test_both_tickets_of_a_visit_are_never_called_at_once():
    a = make_series()
    b = make_series(a.hall, "B")
    windows = [make_window(a), make_window(b)]
    for _n in range(12):
        visit = take(a).pk
        Ticket.objects.filter(pk=visit).update(visit=visit)
        take(b, visit=visit)
    for _turn in range(12):
        assert at_once([partial(call, window) for window in windows]) == []
        together = list(Ticket.objects.filter(status="called").values_list("visit", flat=True))
        assert together and len(together) == len(set(together))
        for ticket in Ticket.objects.filter(status="called").select_related("window__staff"):
            actions.finish(ticket.pk, by=ticket.window.staff, at=NOW)


def test_idle_windows_are_never_given_two():
    """Eight people take numbers at once in a hall that calls by itself, four windows are idle."""
    series = make_series(make_hall(calls_by_itself=True))
    windows = [make_window(series) for _n in range(4)]
    assert at_once([partial(take, series) for _n in range(8)]) == []
    called = Ticket.objects.filter(status="called")
    assert sorted(called.values_list("window__number", flat=True)) == [1, 2, 3, 4]
    assert sorted(called.values_list("number", flat=True)) == [1, 2, 3, 4]
    first = called.get(window=windows[0])
    assert at_once([partial(actions.finish, first.pk, by=windows[0].staff, at=NOW)] * 4) == []
    assert called.filter(window=windows[0]).count() == 1
    assert Event.objects.filter(kind="hall.called").count() == 5


def test_all_verbs_at_once_leave_each_ticket_with_one_window():
    """Clerks call, hold, transfer, call back, pass and undo at once; afterwards ledger, periods and tickets agree."""
    a = make_series(make_hall(policy="ratio", ratio=2, cap=2))
    b = make_series(a.hall, "B")
    windows = [make_window([a, b]) for _n in range(6)]
    for n in range(60):
        take(b if n % 3 == 0 else a, NOW + timedelta(seconds=n), care="old" if n % 4 == 0 else "")
    later = NOW + timedelta(minutes=5)

    def clerk(window: Window, seed: int) -> Callable[[], None]:
        draw = random.Random(seed)

        def refused(do: Callable[[], object]) -> None:
            with contextlib.suppress(DomainError):
                do()

        def run() -> None:
            by = window.staff
            for _turn in range(25):
                ticket = None
                with contextlib.suppress(DomainError):
                    ticket = actions.call_next(window.pk, by=by, at=later)
                if ticket is None:
                    for one in Ticket.objects.filter(window=window, status__in=["held", "passed"])[:1]:
                        refused(partial(actions.call_back, window.pk, one.pk, by=by, at=later))
                    continue
                verb = draw.choice(["finish", "finish", "finish", "hold", "pass", "window", "series", "undo", "undone"])
                other = draw.choice(windows)
                match verb:
                    case "finish" | "undone":
                        refused(partial(actions.start, ticket.pk, by=by, at=later))
                        refused(partial(actions.finish, ticket.pk, by=by, at=later))
                        if verb == "undone":
                            refused(partial(actions.undo, ticket.pk, by=by, at=later))
                            refused(partial(actions.finish, ticket.pk, by=by, at=later))
                    case "hold":
                        refused(partial(actions.hold, ticket.pk, by=by, at=later))
                    case "pass":
                        refused(partial(actions.pass_over, ticket.pk, by=by, at=later))
                    case "window":
                        refused(partial(actions.transfer, ticket.pk, to_window=other, by=by, at=later))
                    case "series":
                        refused(partial(actions.transfer, ticket.pk, to_series=draw.choice([a, b]), by=by, at=later))
                    case "undo":
                        refused(partial(actions.undo, ticket.pk, by=by, at=later))

        return run

    assert at_once([clerk(window, seed) for seed, window in enumerate(windows)]) == []
    rows = list(Ticket.objects.prefetch_related("periods"))
    states = {"waiting", "called", "serving", "held"}
    for ticket in rows:
        running = [period.state for period in ticket.periods.all() if period.until_at is None]
        assert running == ([ticket.status] if ticket.status in states else []), ticket.label
    told = told_by_the_ledger()
    assert {ticket.label: ticket.status for ticket in rows} == told
    assert len(rows) == 60 and Counter(ticket.window_id for ticket in rows if ticket.status in ("called", "serving"))


def told_by_the_ledger() -> dict[str, str]:
    """The oracle: where each ticket's own rows say it is."""
    after = {
        "hall.taken": "waiting", "hall.called": "called", "hall.called_back": "called", "hall.started": "serving",
        "hall.finished": "finished", "hall.passed": "passed", "hall.held": "held", "hall.transferred": "waiting",
    }  # fmt: skip
    told: dict[str, list[str]] = {}
    for event in Event.objects.filter(stream__startswith="ticket:").order_by("stream", "seq"):
        states = told.setdefault(event.data["label"], [])
        if event.kind == "hall.undone":
            states.pop()
        else:
            states.append(after[event.kind])
    return {label: states[-1] for label, states in told.items()}


def test_each_window_keeps_the_ratio_while_many_call():
    """Priority is counted window by window, under its lock: exact however many call at once."""
    series = make_series(make_hall(policy="ratio", ratio=2))
    for n in range(90):
        take(series, NOW + timedelta(seconds=n), care="old" if n % 2 else "")
    windows = [make_window(series) for _n in range(5)]
    assert call_all(windows, call_one=partial(call, at=NOW + timedelta(minutes=5)))[1] == []
    left = {1: 45, 0: 45}
    since: dict[int, int] = {}
    for event in Event.objects.filter(kind="hall.called").order_by("id"):
        first, window = event.data["first"], event.data["window"]
        # Near the end of a class another window may just have taken its last one.
        if min(left.values()) > len(windows):
            assert bool(first) is (since.get(window, 99) >= 2), (event.data, since)
        left[first] -= 1
        since[window] = 0 if first else since.get(window, 99) + 1
