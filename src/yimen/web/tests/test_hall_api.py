import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client

from yimen.hall.models import Ticket
from yimen.hall.tests.factories import call, make_series, make_window, serve, take
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_region, make_staff, outsider
from yimen.web.api import hall as hall_api
from yimen.web.limits import Limit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def today(monkeypatch):
    """The API looks at the clock; here it is the factories' morning."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


def take_ticket(client, hall, *, key="", body=None, **headers):
    key = key or str(uuid4())
    return client.post(
        f"/api/v1/halls/{hall.code}/tickets",
        json.dumps(body or {"series": "A"}),
        content_type="application/json",
        headers={"idempotency-key": key, **headers},
    )


def test_a_citizen_takes_and_follows_a_ticket(client):
    series = make_series()
    take(series)
    made = take_ticket(client, series.hall)
    assert made.status_code == 201
    assert made.json() | {"id": "", "follow_url": ""} == {
        "id": "", "label": "A002", "status": "waiting", "series": "A", "day": "2026-11-18",
        "taken_at": "2026-11-18T01:05:00Z", "window": None, "people_ahead": 1, "wait": None, "follow_url": "",
    }  # fmt: skip
    shown = client.get(f"/api/v1/tickets/{made.json()['id']}")
    assert (shown.status_code, shown.json()["label"]) == (200, "A002")
    assert client.get(made.json()["follow_url"]).status_code == 200


def test_a_waiting_ticket_tells_its_range_in_whole_minutes(client):
    series = make_series()
    window = make_window(series)
    for n in range(10, 0, -1):
        take(series, NOW - timedelta(minutes=10 * n))
        serve(window, NOW - timedelta(minutes=10 * n), minutes=6)
    for _n in range(4):
        take(series)
    wait = client.get(f"/api/v1/tickets/{take(series).pk}").json()["wait"]
    (low, high), (least, most) = wait["likely"], wait["almost_sure"]
    assert least <= low <= high <= most and low >= 10 and high <= 60


def test_one_key_is_one_ticket_and_another_body_is_refused(client):
    series = make_series()
    make_series(series.hall, "B")
    first, again = (take_ticket(client, series.hall, key="the-same-key") for _turn in range(2))
    assert first.json() == again.json() and first.status_code == again.status_code
    other = take_ticket(client, series.hall, key="the-same-key", body={"series": "B"})
    assert (other.status_code, other.json()["code"]) == (422, "different_body")
    assert Ticket.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({}, 201, None),
        ({"key": "short"}, 422, "invalid"),
        ({"body": {"series": "Z"}}, 404, "not_found"),
        ({"body": {"series": "A", "item": str(uuid4())}}, 404, "not_found"),
        ({"body": {"series": "A", "phone_last_four": "12x4"}}, 409, "wrong_phone_end"),
        ({"body": {"series": ["A"]}}, 422, "invalid"),
        ({"body": {"series": "A\x00"}}, 400, "bad_request"),
    ],
)
def test_what_cannot_be_a_ticket_says_so_in_json(client, change, status, code):
    answer = take_ticket(client, make_series().hall, **change)
    assert answer.status_code == status
    if code:
        assert answer.json()["code"] == code and answer.json()["error"]


def test_a_closed_series_is_409_for_every_repeat(client):
    series = make_series(is_open=False)
    for _turn in range(2):
        answer = take_ticket(client, series.hall, key="closed-key")
        assert (answer.status_code, answer.json()["code"]) == (409, "series_closed")


def test_a_page_elsewhere_cannot_take_tickets(client):
    series = make_series()
    plain = client.post(
        f"/api/v1/halls/{series.hall.code}/tickets", '{"series": "A"}', content_type="text/plain",
        headers={"idempotency-key": "some-key-1"},
    )  # fmt: skip
    assert plain.status_code == 415
    assert client.post(f"/api/v1/halls/{series.hall.code}/tickets").status_code == 400


def test_no_such_hall_is_404(client):
    hall = make_series().hall
    hall.code = "nowhere"
    assert take_ticket(client, hall).json()["code"] == "not_found"
    hall.code = "%20"
    assert take_ticket(client, hall).status_code == 422


def test_one_address_cannot_empty_the_roll(client, monkeypatch):
    monkeypatch.setattr(hall_api, "tickets_limit", Limit(2))
    series = make_series()
    answers = [take_ticket(client, series.hall) for _turn in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert answers[2]["Retry-After"] == "30"


def test_a_limit_refills_with_time():
    limit = Limit(60, most_addresses=2)
    assert all(limit.allows("a", 0) for _turn in range(60)) and not limit.allows("a", 0)
    assert limit.allows("a", 1.0) and not limit.allows("a", 1.0)
    assert limit.allows("b", 1.0) and limit.allows("c", 1.0)  # a is forgotten


def test_a_limit_counts_a_key_once_and_for_its_address_only():
    limit = Limit(2)
    assert all(limit.allows("a", 0, key="one") for _turn in range(5))
    assert limit.allows("a", 0, key="two") and not limit.allows("a", 0, key="three")
    assert not limit.allows("a", 0) and limit.allows("a", 0, key="one")
    assert limit.allows("b", 0, key="one") and limit.allows("b", 0) and not limit.allows("b", 0)
    assert not all(limit.allows("a", 61.0, key=f"later {n}") for n in range(3))


def post(client, window, act, body=None, **headers):
    return client.post(
        f"/api/v1/windows/{window.pk}/{act}", json.dumps(body or {}), content_type="application/json", headers=headers
    )


def test_a_clerk_calls_and_finishes(client):
    series = make_series()
    window = make_window(series, number=3)
    take(series), take(series)
    client.force_login(window.staff.user)
    first, again = post(client, window, "call-next"), post(client, window, "call-next")
    assert first.json() == again.json()
    assert (first.json()["ticket"]["label"], first.json()["ticket"]["window"]) == ("A001", 3)
    done = post(client, window, "finish", {"ticket": first.json()["ticket"]["id"]})
    repeated = post(client, window, "finish", {"ticket": first.json()["ticket"]["id"]})
    assert done.json()["ticket"]["status"] == repeated.json()["ticket"]["status"] == "finished"
    assert post(client, window, "call-next").json()["ticket"]["label"] == "A002"
    assert post(client, window, "finish").status_code == 200
    nobody = post(client, window, "finish")
    assert (nobody.status_code, nobody.json()["code"]) == (409, "no_open_ticket")
    assert post(client, window, "call-next").json() == {"ticket": None}


def test_a_key_on_a_call_gives_the_same_answer_even_after_the_visit(client):
    series = make_series()
    window = make_window(series)
    take(series), take(series)
    client.force_login(window.staff.user)
    first = post(client, window, "call-next", **{"idempotency-key": "call-key-1"})
    post(client, window, "finish")
    assert post(client, window, "call-next", **{"idempotency-key": "call-key-1"}).json() == first.json()
    assert Ticket.objects.filter(status="waiting").count() == 1


@pytest.mark.parametrize(
    ("who", "status", "code"),
    [
        ("holder", 200, None),
        ("nobody", 401, "login_needed"),
        ("outsider", 403, "not_allowed"),
        ("colleague", 409, "not_at_window"),
        ("neighbour", 404, "not_found"),
    ],
)
def test_who_may_call(client, who, status, code):
    series = make_series()
    window = make_window(series)
    take(series)
    people = {
        "holder": lambda: window.staff,
        "outsider": outsider,
        "colleague": lambda: make_staff(Role.CLERK),
        "neighbour": lambda: make_staff(Role.CLERK, region=make_region("500001", "邻市")),
    }
    if who in people:
        client.force_login(people[who]().user)
    answer = post(client, window, "call-next")
    assert answer.status_code == status
    assert code is None or answer.json()["code"] == code


def test_a_call_needs_the_csrf_token():
    series = make_series()
    window = make_window(series)
    take(series)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(window.staff.user)
    assert post(strict, window, "call-next").json()["code"] == "csrf"
    assert Ticket.objects.filter(status="called").count() == 0


def test_another_windows_ticket_cannot_be_finished_here(client):
    series = make_series()
    here, there = make_window(series), make_window(series)
    take(series)
    ticket = call(there)
    client.force_login(here.staff.user)
    assert post(client, here, "finish", {"ticket": str(ticket.pk)}).status_code == 404


def test_the_schema_names_every_operation(client):
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    assert {path for path in paths if "ticket" in path or "window" in path} == {
        "/api/v1/halls/{hall}/tickets", "/api/v1/tickets/{ticket_id}",
        "/api/v1/windows/{window_id}/call-next", "/api/v1/windows/{window_id}/finish",
    }  # fmt: skip


def test_whoever_must_change_his_password_does_that_first(client):
    window = make_window(make_series())
    user = window.staff.user
    client.force_login(user)
    for must_change, status in ((True, 403), (False, 200)):
        type(user).objects.filter(pk=user.pk).update(must_change_password=must_change)
        answer = post(client, window, "call-next")
        assert answer.status_code == status
        if must_change:
            assert answer.json()["code"] == "not_allowed" and "密码" in answer.json()["error"]
            assert post(client, window, "finish").status_code == 403
