"""暂离 and AB角: pausing a window hands what waits to the B post, with A's authority, and the time is kept."""

from datetime import timedelta

import pytest

from yimen.hall import actions, queries
from yimen.hall.actions import forgotten
from yimen.hall.models import Ticket, WindowPause, WindowSession
from yimen.hall.tests.factories import call, make_hall, make_series, make_window, take
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.people import access, covers
from yimen.people.models import PostCover, Role, Staff
from yimen.people.tests.factories import NOW, make_department, make_staff

pytestmark = pytest.mark.django_db


def later(minutes: int):
    return NOW + timedelta(minutes=minutes)


def fresh(staff: Staff) -> Staff:
    """As the next request reads him."""
    return Staff.objects.select_related("user", "department").get(pk=staff.pk)


@pytest.fixture
def hall():
    """Two windows with a queue each, and a leader who may set B posts."""
    hall = make_hall()
    first, second = make_series(hall, "A"), make_series(hall, "B")
    return first, second, make_window(first), make_window(second), make_staff(Role.LEADER, for_region=True)


def stand_in_for(a, b, leader):
    return covers.set_stand_in(a.pk, b.pk, by=leader, at=NOW)


@pytest.mark.capability("S2-20")
def test_pausing_a_window_hands_its_tickets_to_the_b_post_and_the_time_is_kept(hall):
    first, _second, window, neighbour, leader = hall
    stand_in_for(window.staff, neighbour.staff, leader)
    called = (take(first, later(0)), take(first, later(1)))
    assert call(window, later(2)) == called[0]

    pause = actions.pause(window.pk, reason="break", by=window.staff, at=later(3))
    assert (pause.stand_in, pause.by_window) == (neighbour.staff, neighbour)
    assert [call(neighbour, later(4)).pk] == [called[0].pk]  # whoever had been called comes first
    with pytest.raises(actions.WindowPaused):
        call(window, later(5))
    assert [wait.letter for wait in queries.waiting(neighbour, later(5))] == ["A", "B"]

    actions.finish(called[0].pk, by=neighbour.staff, at=later(8))
    actions.resume(window.pk, by=window.staff, at=later(10))
    assert call(neighbour, later(11)) is None
    assert call(window, later(11)).pk == called[1].pk
    (kept,) = queries.pauses(window.region_id, NOW.date(), NOW.date())
    assert (kept.until_at - kept.from_at).total_seconds() == 420
    row = Event.objects.get(kind="hall.window_resumed")
    assert row.data["seconds"] == 420
    assert row.data["reason"] == "break"


def test_a_b_post_without_a_window_sits_down_here(hall):
    first, _second, window, _neighbour, leader = hall
    a, b = window.staff, make_staff(Role.CLERK, region=window.region)
    stand_in_for(a, b, leader)
    ticket = take(first)
    actions.pause(window.pk, reason="meal", by=a, at=later(1))
    assert actions.call_next(window.pk, by=b, at=later(2)).pk == ticket.pk
    with pytest.raises(actions.NotAtWindow):
        actions.call_next(window.pk, by=a, at=later(2))
    actions.start(ticket.pk, by=b, at=later(3))
    with pytest.raises(actions.TicketOpen):
        actions.resume(window.pk, by=a, at=later(3))
    actions.finish(ticket.pk, by=b, at=later(4))
    assert actions.resume(window.pk, by=a, at=later(5)).staff == a


def test_a_pause_without_a_b_post_leaves_the_queue_to_those_who_share_it(hall):
    first, _second, window, _neighbour, _leader = hall
    sharing = make_window(first)
    take(first)
    pause = actions.pause(window.pk, reason="unwell", by=window.staff, at=later(1))
    assert pause.stand_in is None
    assert actions.pause(window.pk, reason="meal", by=window.staff, at=later(2)) == pause
    assert queries.waiting(sharing, later(2))[0].open_windows == 1
    assert call(sharing, later(2)) is not None


def test_nobody_leaves_while_somebody_is_served_or_without_a_reason(hall):
    first, _second, window, neighbour, _leader = hall
    ticket = take(first)
    call(window)
    actions.start(ticket.pk, by=window.staff, at=NOW)
    with pytest.raises(actions.TicketOpen):
        actions.pause(window.pk, reason="break", by=window.staff, at=later(1))
    with pytest.raises(actions.WrongReason):
        actions.pause(neighbour.pk, reason="", by=neighbour.staff, at=later(1))
    with pytest.raises(actions.NotAtWindow):
        actions.pause(neighbour.pk, reason="break", by=window.staff, at=later(1))
    assert not WindowPause.objects.exists()


def test_signing_out_ends_a_pause_and_what_one_stood_in_for(hall):
    _first, _second, window, neighbour, leader = hall
    stand_in_for(window.staff, neighbour.staff, leader)
    pause = actions.pause(window.pk, reason="break", by=window.staff, at=later(1))
    actions.sign_out(neighbour.pk, by=neighbour.staff, at=later(2))
    pause.refresh_from_db()
    assert (pause.by_window, pause.until_at) == (None, None)
    assert not PostCover.objects.filter(until_at=None).exists()
    actions.sign_out(window.pk, by=window.staff, at=later(3))
    pause.refresh_from_db()
    assert pause.until_at == later(3)


def test_b_acts_with_the_authority_of_a_while_the_cover_runs_and_no_longer():
    organ, other = make_department(), make_department()
    a = make_staff(Role.APPROVER, department=organ)
    b = make_staff(Role.CLERK, department=other)
    leader = make_staff(Role.LEADER, department=organ)
    assert not access.allowed(b, "cases.review", department=organ)
    cover = covers.begin(a.pk, stand_in_id=b.pk, reason="培训", by=leader, at=NOW)
    acting = fresh(b)
    assert access.allowed(acting, "cases.review", department=organ)
    assert access.allowed(acting, "cases.receive", department=other)
    covers.end(cover.pk, by=b, at=later(5))
    assert not access.allowed(fresh(b), "cases.review", department=organ)


def test_a_cover_costs_no_statement_beside_the_grants(django_assert_num_queries):
    a, b = make_staff(Role.APPROVER), make_staff(Role.CLERK)
    covers.begin(a.pk, stand_in_id=b.pk, reason="", by=make_staff(Role.LEADER, for_region=True), at=NOW)
    acting = fresh(b)
    with django_assert_num_queries(1):
        assert access.allowed(acting, "cases.review", department=a.department)
        assert access.allowed(acting, "cases.receive")


def test_neither_an_administrators_role_nor_a_closed_account_passes_on():
    leader = make_staff(Role.LEADER, for_region=True)
    admin, b = make_staff(Role.SYSTEM_ADMIN), make_staff(Role.CLERK)
    covers.begin(admin.pk, stand_in_id=b.pk, reason="", by=leader, at=NOW)
    assert not access.allowed(fresh(b), "people.manage")
    gone = make_staff(Role.APPROVER)
    other = make_staff(Role.CLERK)
    covers.begin(gone.pk, stand_in_id=other.pk, reason="", by=leader, at=NOW)
    gone.user.is_active = False
    gone.user.save(update_fields=["is_active"])
    assert not access.allowed(fresh(other), "cases.review")


def test_who_is_covered_cannot_be_covered_again_nor_stand_in():
    leader = make_staff(Role.LEADER, for_region=True)
    a, b, c = make_staff(Role.CLERK), make_staff(Role.CLERK), make_staff(Role.CLERK)
    covers.begin(a.pk, stand_in_id=b.pk, reason="", by=leader, at=NOW)
    for primary, stand_in in ((a, c), (c, a)):
        with pytest.raises(covers.CoverRuns):
            covers.begin(primary.pk, stand_in_id=stand_in.pk, reason="", by=leader, at=NOW)


def test_nobody_lends_his_rights_to_whom_he_likes():
    a, b = make_staff(Role.CLERK), make_staff(Role.CLERK)
    for wrong in (
        lambda: covers.set_stand_in(a.pk, b.pk, by=a, at=NOW),
        lambda: covers.begin(a.pk, stand_in_id=b.pk, reason="", by=a, at=NOW),
        lambda: covers.begin(a.pk, reason="", by=b, at=NOW),
    ):
        with pytest.raises(access.NotAllowed):
            wrong()
    with pytest.raises(covers.BadStandIn):
        covers.begin(a.pk, reason="", by=a, at=NOW)


@pytest.mark.capability("S2-21")
def test_the_staff_screen_knows_how_many_wait_and_how_long_the_first_has(hall, django_assert_num_queries):
    first, second, window, _neighbour, _leader = hall
    assert queries.pressure(window.staff, NOW) == queries.Pressure(0, 0)
    take(first, later(0))
    take(second, later(5))
    with django_assert_num_queries(1):
        assert queries.pressure(window.staff, later(12)) == queries.Pressure(2, 12)
    call(window, later(12))
    assert queries.pressure(window.staff, later(12)) == queries.Pressure(1, 7)
    Ticket.objects.update(day=NOW.date() - timedelta(days=1))
    assert queries.pressure(window.staff, later(12)) == queries.Pressure(0, 0)


MORNING = NOW + timedelta(hours=23)  # 8:05 the next day


@pytest.mark.parametrize(
    ("acts", "closed"),
    [([], True), (["call"], True), (["call", "start"], False), (["pause"], True)],
    ids=["idle", "called", "serving", "away"],
)
def test_a_window_nobody_signed_out_of_is_closed_as_of_its_last_act(acts, closed):
    series = make_series()
    window, last = make_window(series), NOW
    ticket = take(series)
    for n, act in enumerate(acts, 1):
        last = NOW + timedelta(hours=n)
        if act == "call":
            call(window, last)
        elif act == "start":
            actions.start(ticket.pk, by=window.staff, at=last)
        else:
            actions.pause(window.pk, reason="meal", by=window.staff, at=last)
    assert not forgotten.close_forgotten(window.pk, by=SYSTEM, at=NOW + timedelta(hours=14))  # the same day
    assert forgotten.close_forgotten(window.pk, by=SYSTEM, at=MORNING) is closed
    assert not forgotten.close_forgotten(window.pk, by=SYSTEM, at=MORNING)
    window.refresh_from_db()
    assert (window.staff is None) is closed
    session = WindowSession.objects.get(window=window)
    assert session.until_at == (last if closed else None)
    assert not WindowPause.objects.filter(until_at__gt=last).exists()
    if closed:
        assert actions.sign_in(window.pk, by=make_staff(Role.CLERK, region=series.region), at=MORNING).staff


def test_a_hall_that_serves_past_midnight_is_left_alone():
    series = make_series()
    window = make_window(series)
    late = NOW + timedelta(hours=16)  # 1:05
    take(series, late)
    call(window, late)
    assert not forgotten.close_forgotten(window.pk, by=SYSTEM, at=late + timedelta(hours=2))
    assert forgotten.close_forgotten(window.pk, by=SYSTEM, at=late + timedelta(hours=3))
