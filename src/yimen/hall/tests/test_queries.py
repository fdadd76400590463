from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from yimen.hall import actions, queries
from yimen.hall.models import Ticket
from yimen.hall.tests.factories import call, make_hall, make_series, make_window, serve, take
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_department, make_staff

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=30)


def test_the_board_shows_the_newest_calls_first_and_who_still_waits():
    a = make_series()
    b = make_series(a.hall, "B", name="不动产")
    windows = [make_window([a], number=1), make_window([a], number=2), make_window([b], number=9)]
    for n in range(3):
        take(a, NOW + timedelta(seconds=n)), take(b, NOW + timedelta(seconds=n))
    for n, window in enumerate(windows):
        call(window, NOW + timedelta(minutes=n))
    board = queries.board(a.hall, LATER)
    assert [(one.label, one.window) for one in board.calls] == [("B001", 9), ("A002", 2), ("A001", 1)]
    assert [(wait.letter, wait.waiting, wait.windows) for wait in board.waits] == [("A", 1, "1–2"), ("B", 2, "9")]


def test_a_recall_is_the_newest_call_again():
    series = make_series()
    first, second = make_window(series), make_window(series)
    take(series), take(series)
    ticket = call(first, NOW)
    call(second, NOW + timedelta(seconds=5))
    before = queries.board(series.hall, LATER)
    actions.recall(ticket.pk, by=first.staff, at=NOW + timedelta(seconds=9))
    after = queries.board(series.hall, LATER)
    assert [one.label for one in before.calls] == ["A002", "A001"]
    assert [one.label for one in after.calls] == ["A001", "A002"]
    assert after.calls[0].key not in {one.key for one in before.calls}


def test_yesterday_is_not_on_the_board():
    series = make_series()
    window = make_window(series)
    take(series), take(series)
    serve(window)
    board = queries.board(series.hall, NOW + timedelta(days=1))
    assert (board.calls, board.waits[0].waiting) == ([], 0)


def test_minutes_come_from_the_last_twenty_finished():
    series = make_series()
    window = make_window(series)
    for _n in range(30):
        take(series)
    for n in range(5):
        serve(window, NOW + timedelta(minutes=n), minutes=60)  # a slow start, forgotten later
    for n in range(20):
        serve(window, NOW + timedelta(hours=2, minutes=n), minutes=4)
    wait = queries.waiting(window, LATER)[0]
    assert (wait.waiting, wait.service_seconds, wait.minutes) == (5, 240.0, 20)
    make_window(series)
    assert queries.waiting(window, LATER)[0].minutes == 10


def test_unknown_minutes_are_none():
    series = make_series()
    window = make_window(series)
    take(series)
    last = take(series)
    assert queries.ahead_of(last) == queries.Ahead(1, None)
    serve(window)
    assert queries.ahead_of(last) == queries.Ahead(0, 0)
    newest = take(series, LATER)
    actions.sign_out(window.pk, by=window.staff, at=NOW)
    assert queries.ahead_of(newest) == queries.Ahead(1, None)  # nobody calls now


def test_whoever_is_called_has_nobody_ahead():
    series = make_series()
    window = make_window(series)
    take(series)
    assert queries.ahead_of(call(window)) == queries.Ahead(0, None)


def test_long_queues_are_warned_of():
    series = make_series(name="社保医保")
    window = make_window(series)
    for _n in range(13):
        take(series)
    assert queries.board(series.hall, LATER).busiest is None
    serve(window, minutes=5)
    assert queries.board(series.hall, LATER).busiest.name == "社保医保"


def test_the_day_in_figures():
    series = make_series()
    window = make_window(series)
    for _n in range(4):
        take(series)
    serve(window, NOW + timedelta(minutes=10))
    passed = call(window, NOW + timedelta(minutes=20))
    actions.pass_over(passed.pk, by=window.staff, at=LATER)
    call(window, LATER)
    assert queries.today(series.hall, LATER) == queries.Today(
        taken=4, waiting=1, at_windows=1, finished=1, passed=1, wait_seconds=1200.0, open_windows=1
    )
    assert queries.today(make_hall(), LATER).wait_seconds is None


def test_only_open_series_are_offered():
    series = make_series()
    make_series(series.hall, "B", is_open=False)
    assert [one.letter for one in queries.series_of(series.hall, NOW)] == ["A"]
    assert [one.letter for one in queries.board(series.hall, NOW).waits] == ["A", "B"]


def test_a_window_of_another_region_is_not_there():
    window = make_window(make_series())
    stranger = make_staff(Role.CLERK, region=make_department_elsewhere().region)
    assert queries.get_window_for(window.staff, window.pk) == window
    with pytest.raises(type(window).DoesNotExist):
        queries.get_window_for(stranger, window.pk)
    assert queries.window_of(window.staff) == window
    assert queries.window_of(stranger) is None


def make_department_elsewhere():
    from yimen.people.tests.factories import make_region

    return make_department(make_region("500001", "邻市"))


def test_items_lead_to_the_series_that_takes_them():
    from yimen.catalog.models import CaseType, ItemVersion, ServiceItem

    series = make_series()
    closed = make_series(series.hall, "B", is_open=False)
    department = make_department()
    found = []
    for n, name in enumerate(["食品经营许可", "食品生产许可", "社保登记"]):
        item = ServiceItem.objects.create(
            region=series.region, department=department, task_code=f"{n:036d}", name=name, item_type="01"
        )
        item.published = ItemVersion.objects.create(
            item=item, number=1, name=name, state="published", case_type=CaseType.PROMISED, everyday_names=["开饭店"]
        )
        item.save(update_fields=["published"])
        found.append(item)
    series.items.set(found[:1])
    closed.items.set(found[1:])
    for text, names in [
        ("食品", ["食品经营许可"]),
        ("开饭店", ["食品经营许可"]),
        ("社保", []),
        (" ", []),
        ("食品 生产", []),
    ]:
        assert [item.name for item, _series in queries.items_in(series.hall, text)] == names, text
    assert queries.items_in(series.hall, "食品")[0][1] == series


@pytest.mark.parametrize(
    ("read", "cost"),
    [
        (lambda hall, window, ticket: queries.board(hall, NOW), 2),
        (lambda hall, window, ticket: queries.waiting(window, NOW), 1),
        (lambda hall, window, ticket: queries.ahead_of(ticket), 2),
        (lambda hall, window, ticket: queries.today(hall, NOW), 2),
        (lambda hall, window, ticket: queries.series_of(hall, NOW), 1),
    ],
)
@pytest.mark.parametrize("tickets", [1, 20])
def test_reads_cost_the_same_for_one_ticket_and_twenty(read, cost, tickets):
    series = make_series()
    window = make_window(series)
    for _n in range(tickets):
        take(series)
        serve(window)
        last = take(series)
    with CaptureQueriesContext(connection) as seen:
        read(series.hall, window, last)
    assert len(seen) == cost
    assert Ticket.objects.filter(status="finished").count() == tickets
