"""A hall made ready: halls, series, windows; by the hall manager alone."""

import pytest

from yimen.catalog.tests.factories import make_item
from yimen.hall import actions, setup
from yimen.hall.tests.factories import make_hall, make_series, make_window, take
from yimen.ledger.models import Event
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_center, make_department, make_region, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager():
    return make_staff(Role.HALL_MANAGER, for_region=True)


def test_from_nothing_to_a_called_number(manager):
    by = {"by": manager, "at": NOW}
    hall = setup.open_hall(make_center(manager.region), code="Main", name="一楼大厅", **by)
    a = setup.open_series(hall, letter="a", name="综合", zone="东区", **by)
    b = setup.open_series(hall, letter="B", name="不动产", **by)
    assert (hall.code, a.letter, a.position, b.position) == ("main", "A", 0, 1)
    window = setup.open_window(hall, number=1, name="综合窗口", series=[a], **by)
    clerk = make_staff(Role.CLERK, region=manager.region)
    actions.sign_in(window.pk, by=clerk, at=NOW)
    ticket = take(b)
    assert actions.call_next(window.pk, by=clerk, at=NOW) is None
    setup.set_series_of_window(window.pk, [a, b], **by)
    assert actions.call_next(window.pk, by=clerk, at=NOW) == ticket
    kinds = set(Event.objects.filter(actor=manager.ledger_ref).values_list("kind", flat=True))
    assert kinds == {"hall.hall_opened", "hall.series_opened", "hall.window_set_up", "hall.window_series_set"}


def test_a_stopped_series_gives_no_numbers_until_it_is_resumed(manager):
    series = make_series(make_hall(manager.region))
    setup.let_take(series.pk, False, by=manager, at=NOW)
    with pytest.raises(actions.SeriesClosed):
        take(series)
    setup.let_take(series.pk, True, by=manager, at=NOW)
    setup.let_take(series.pk, True, by=manager, at=NOW)  # a repeat is no act
    take(series)
    told = Event.objects.filter(stream=f"series:{series.pk}").order_by("pk").values_list("kind", flat=True)
    assert list(told) == ["hall.series_stopped", "hall.series_resumed"]


def test_the_items_of_a_series_are_those_of_the_region(manager):
    series, item = make_series(make_hall(manager.region)), make_item(department=make_department(manager.region))
    setup.set_items_of_series(series.pk, [item], by=manager, at=NOW)
    assert list(series.items.all()) == [item]
    foreign = make_item(department=make_department(make_region("440000", "别处")))
    with pytest.raises(setup.NotHere):
        setup.set_items_of_series(series.pk, [foreign], by=manager, at=NOW)


def test_a_code_letter_or_number_counts_once(manager):
    series = make_series(make_hall(manager.region))
    hall, window = series.hall, make_window(series, staffed=False)
    by = {"by": manager, "at": NOW}
    for act in (
        lambda: setup.open_hall(hall.center, code=hall.code, name="又一个", **by),
        lambda: setup.open_series(hall, letter="a", name="又一队", **by),
        lambda: setup.open_window(hall, number=window.number, name="又一个", **by),
    ):
        with pytest.raises(setup.NameTaken):
            act()
    for act in (
        lambda: setup.open_hall(hall.center, code="厅", name="又一个", **by),
        lambda: setup.open_series(hall, letter="一", name="又一队", **by),
        lambda: setup.open_series(hall, letter="C", name=" ", **by),
        lambda: setup.open_window(hall, number=0, name="又一个", **by),
        lambda: setup.open_window(hall, number=9, name="又一个", kind="other", **by),
    ):
        with pytest.raises(setup.NotComplete):
            act()
    elsewhere = make_series(make_hall(manager.region))
    with pytest.raises(setup.NotHere):
        setup.set_series_of_window(window.pk, [elsewhere], **by)
    with pytest.raises(setup.NotHere):
        setup.open_window(hall, number=9, name="又一个", series=[elsewhere], **by)
    assert list(window.series.all()) == [series]


@pytest.mark.parametrize("role", [role for role in Role if role != Role.HALL_MANAGER])
def test_nobody_else_may(role):
    staff = make_staff(role)
    series = make_series(make_hall(staff.region))
    hall, window, count = series.hall, make_window(series, staffed=False), Event.objects.count()
    by = {"by": staff, "at": NOW}
    for act in (
        lambda: setup.open_hall(hall.center, code="two", name="二楼", **by),
        lambda: setup.open_series(hall, letter="B", name="又一队", **by),
        lambda: setup.let_take(series.pk, False, **by),
        lambda: setup.set_items_of_series(series.pk, [], **by),
        lambda: setup.open_window(hall, number=9, name="又一个", **by),
        lambda: setup.set_series_of_window(window.pk, [], **by),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert Event.objects.count() == count
