"""Forecasts are kept as they were told and compared with what became of them."""

from datetime import timedelta

import pytest
from django.utils.timezone import localdate

from yimen.hall import actions
from yimen.hall.models import Hall, Ticket
from yimen.hall.tests.factories import call, make_hall, make_series, make_window, serve, take
from yimen.insight.forecasts import checks, of_hall
from yimen.insight.forecasts.checks import Share
from yimen.insight.forecasts.fitting import LEAST
from yimen.insight.models import ForecastCheck
from yimen.people.tests.factories import NOW

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def line():
    """A hall with one window, ten people served in six minutes each, one at the window and three who wait."""
    hall = make_hall(policy=Hall.Policy.STRICT)
    series = make_series(hall)
    window = make_window(series)
    for n in range(10, 0, -1):
        take(series, NOW - n * 10 * MINUTE)
        serve(window, NOW - n * 10 * MINUTE, minutes=6)
    take(series, NOW)
    call(window, NOW)
    tickets = [take(series, NOW + n * MINUTE / 10) for n in range(3)]
    return hall, window, tickets


def finish(window, at):
    ticket = Ticket.objects.get(window=window, status__in=["called", "serving"])
    actions.finish(ticket.pk, by=window.staff, at=at)


def test_each_ticket_is_kept_once_and_compared_once_it_is_called(line):
    hall, window, (first, *_others) = line
    assert checks.keep(hall, at=NOW + MINUTE) == 3
    assert checks.keep(hall, at=NOW + 2 * MINUTE) == 0
    finish(window, NOW + 6 * MINUTE)
    assert call(window, NOW + 7 * MINUTE).pk == first.pk
    assert checks.check(at=NOW + 8 * MINUTE) == 1 and checks.check(at=NOW + 9 * MINUTE) == 0
    kept = ForecastCheck.objects.get(ticket=first)
    assert kept.waited == 360 and kept.at == NOW + MINUTE and kept.p5 <= kept.p25 <= kept.p75 <= kept.p95
    assert ForecastCheck.objects.filter(waited=None).count() == 2
    found = checks.accuracy(hall, localdate(NOW), localdate(NOW))
    assert (found.total.said, found.total.known) == (3, 1)
    assert found.total.nine == (kept.p5 <= 360 <= kept.p95) and [day for day, _share in found.days] == [localdate(NOW)]
    assert [(name, share.said) for name, share in found.series] == [("A 综合窗口", 3)]
    assert checks.accuracy(make_hall(hall.region), localdate(NOW), localdate(NOW)).total.said == 0


def test_the_next_forecasts_learn_from_those_compared_and_what_is_learnt_from_is_kept_as_it_was(line):
    hall, _window, _tickets = line
    before = of_hall(hall, NOW + MINUTE).tickets
    checks.keep(hall, at=NOW + MINUTE)
    model = ForecastCheck.objects.exclude(played=None).order_by("-p75").first()
    assert model.played == [model.p5, model.p25, model.p75, model.p95]
    for n in range(LEAST):
        ticket = Ticket.objects.create(**_copied(model.ticket, n))
        ForecastCheck.objects.create(
            region=model.region, hall=hall, series=model.series, ticket=ticket, day=model.day, at=NOW - n * MINUTE,
            played=model.played, waited=4 * model.p75,
        )  # fmt: skip
    after = of_hall(hall, NOW + MINUTE)
    slow = after.tickets[model.ticket_id]
    assert slow.p25 > before[model.ticket_id].p95
    assert after.played[model.ticket_id] == before[model.ticket_id]


def _copied(ticket, n):
    names = ("region", "hall", "series", "queue_at", "taken_at", "source")
    return {name: getattr(ticket, name) for name in names} | {
        "day": ticket.day - timedelta(days=1), "number": 1000 + n, "label": f"Z{n:03d}", "status": "finished"
    }  # fmt: skip


def test_what_could_not_be_said_is_counted_as_silent():
    hall = make_hall()
    series = make_series(hall)
    take(series, NOW)
    checks.keep(hall, at=NOW)
    make_window(series)
    call(hall.windows.get(), NOW + MINUTE)
    checks.check(at=NOW + 2 * MINUTE)
    total = checks.accuracy(hall, localdate(NOW), localdate(NOW)).total
    assert (total.said, total.silent, total.known, total.half_percent, total.verdict) == (0, 1, 0, None, "few")


def test_who_was_told_within_a_minute_is_counted_apart(line):
    hall, _window, tickets = line
    for ticket, waited in zip(tickets, (20, 59, 300), strict=True):
        ForecastCheck.objects.create(
            region=hall.region, hall=hall, series=ticket.series, ticket=ticket, day=ticket.day, at=NOW, waited=waited,
            p5=0, p25=0, p75=60, p95=60,
        )  # fmt: skip
    total = checks.accuracy(hall, localdate(NOW), localdate(NOW)).total
    assert (total.said, total.known, total.soon, total.soon_right, total.soon_percent) == (3, 0, 3, 2, 67)


@pytest.mark.parametrize(("days", "left"), [(30, 3), (31, 0)], ids=["kept", "over"])
def test_what_was_told_long_ago_is_forgotten(line, settings, days, left):
    settings.FORECAST_KEPT_DAYS = 30
    checks.keep(line[0], at=NOW + MINUTE)
    assert checks.forget_old(at=NOW + timedelta(days=days)) == 3 - left
    assert checks.forget_old(at=NOW + timedelta(days=days)) == 0
    assert ForecastCheck.objects.count() == left


def test_whoever_was_held_meanwhile_is_left_out(line):
    hall, window, (first, _second, _third) = line
    checks.keep(hall, at=NOW + MINUTE)
    finish(window, NOW + 6 * MINUTE)
    call(window, NOW + 7 * MINUTE)
    actions.hold(first.pk, by=window.staff, at=NOW + 8 * MINUTE)
    assert checks.check(at=NOW + 9 * MINUTE) == 1  # held after its call: the wait counts
    ForecastCheck.objects.update(waited=None)
    Ticket.objects.filter(pk=first.pk).update(called_at=NOW + 20 * MINUTE)
    assert checks.check(at=NOW + 21 * MINUTE) == 0


@pytest.mark.parametrize(
    "share, verdict",
    [
        (Share(100, 0, 29, 15, 26), "few"),
        (Share(100, 0, 100, 50, 90), "right"),
        (Share(100, 0, 100, 30, 90), "narrow"),
        (Share(100, 0, 100, 50, 70), "narrow"),
        (Share(100, 0, 100, 75, 99), "wide"),
    ],
    ids=["few", "right", "half too seldom", "nine too seldom", "wide"],
)
def test_the_verdict_follows_the_shares(share, verdict):
    assert share.verdict == verdict
