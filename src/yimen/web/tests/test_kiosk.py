import re
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.utils import timezone

from yimen.hall import actions
from yimen.hall.models import Ticket
from yimen.hall.tests.factories import call, make_hall, make_series, make_window, serve, take
from yimen.insight.forecasts import Range
from yimen.people.tests.factories import NOW
from yimen.web.kiosk import views
from yimen.web.limits import Limit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def morning(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


def form_of(client, address):
    """What a browser without script would send back."""
    page = client.get(address).content.decode()
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)"', page))


def test_a_ticket_without_script(client):
    series = make_series()
    make_window(series)
    start = client.get(f"/kiosk/{series.hall.code}/").content.decode()
    choose = re.search(r'class="k main" href="([^"]+)"', start)[1]
    take_address = re.search(r'href="([^"]+/take/[0-9a-f-]{36}/)"', client.get(choose).content.decode())[1]
    fields = form_of(client, take_address) | {"phone": "0042"}
    answer = client.post(take_address, fields)
    assert answer.status_code == 303
    slip = client.get(answer["Location"]).content.decode()
    ticket = Ticket.objects.get()
    assert (ticket.label, ticket.source, ticket.phone_last_four) == ("A001", "kiosk", "0042")
    assert "A001" in slip and "前面没有人" in slip and 'class="qr"' in slip
    assert "0042" not in slip


def test_a_double_tap_is_one_ticket(client):
    series = make_series()
    address = f"/kiosk/{series.hall.code}/take/{series.pk}/"
    fields = form_of(client, address)
    first, again = client.post(address, fields), client.post(address, fields)
    assert first["Location"] == again["Location"]
    assert Ticket.objects.count() == 1
    assert client.post(address, fields | {"phone": "1234"}).status_code == 422
    assert Ticket.objects.count() == 1


@pytest.mark.parametrize(("phone", "status"), [("", 303), ("0042", 303), ("42", 409), ("abcd", 409)])
def test_a_wrong_phone_end_is_said_and_kept(client, phone, status):
    series = make_series()
    answer = client.post(f"/kiosk/{series.hall.code}/take/{series.pk}/", {"_key": str(uuid4()), "phone": phone})
    assert answer.status_code == status
    assert Ticket.objects.count() == (status == 303)
    if status == 409:
        assert f'value="{phone}"' in answer.content.decode() and "4 个数字" in answer.content.decode()


def test_a_closed_series_is_not_offered_and_not_given(client):
    series = make_series(is_open=False)
    assert "现在不取号" in client.get(f"/kiosk/{series.hall.code}/").content.decode()
    address = f"/kiosk/{series.hall.code}/take/{series.pk}/"
    assert address not in client.get(f"/kiosk/{series.hall.code}/take/").content.decode()
    assert client.post(address, {"_key": "some-key"}).status_code == 409


def test_too_many_from_one_address_are_asked_to_wait(client, monkeypatch):
    monkeypatch.setattr(views, "tickets_limit", Limit(1))
    series = make_series()
    address = f"/kiosk/{series.hall.code}/take/{series.pk}/"
    assert client.post(address, {"_key": "key-1"}).status_code == 303
    refused = client.post(address, {"_key": "key-2"})
    assert (refused.status_code, refused["Retry-After"]) == (429, "30")
    assert "请稍等" in refused.content.decode()


@pytest.mark.parametrize(
    "address",
    ["/kiosk/nowhere/", "/kiosk/nowhere/take/", "/screen/nowhere/", "/t/00000000-0000-4000-8000-000000000000/"],
)
def test_what_is_not_there_is_404(client, address):
    assert client.get(address).status_code == 404


def test_another_halls_series_and_tickets_are_404(client):
    here, there = make_series(), make_series()
    ticket = take(there)
    assert client.get(f"/kiosk/{here.hall.code}/take/{there.pk}/").status_code == 404
    assert client.get(f"/kiosk/{here.hall.code}/tickets/{ticket.pk}/").status_code == 404
    assert client.get(f"/kiosk/{there.hall.code}/tickets/{ticket.pk}/").status_code == 200


def test_a_range_is_said_when_the_forecast_knows_one(client, monkeypatch):
    series = make_series()
    make_window(series)
    for _n in range(3):
        take(series)
    address = f"/kiosk/{series.hall.code}/take/"
    assert "前面 3 人" in (page := client.get(address).content.decode()) and "分钟" not in page
    known = SimpleNamespace(series={series.pk: Range(300, 600, 1200, 2100)}, tickets={})
    monkeypatch.setattr("yimen.web.waits.of_hall", lambda *_given: known)
    assert "前面 3 人，大约 10–20 分钟" in client.get(address).content.decode()


def test_the_phone_follows_its_ticket_through_every_state(client):
    series = make_series()
    window = make_window(series, number=3)
    others = [take(series) for _n in range(4)]
    ticket = take(series, NOW + timedelta(minutes=1))
    page = lambda: client.get(f"/t/{ticket.pk}/").content.decode()  # noqa: E731
    assert "前面还有 <b>4</b> 人" in page() and "快到了" not in page()
    for _other in others[:2]:
        serve(window)
    assert "前面还有 <b>2</b> 人" in page() and "快到了" in page()
    for _other in others[2:]:
        serve(window)
    assert "前面没有人了" in page()
    call(window)
    assert "is-called" in page() and "请到 <b>3</b> 号窗口" in page()
    actions.pass_over(ticket.pk, by=window.staff, at=NOW)
    assert "过号不作废" in page()
    ticket.refresh_from_db()
    Ticket.objects.filter(pk=ticket.pk).update(status=Ticket.Status.FINISHED)
    assert "这次办完了" in page() and "http-equiv" not in page()


def test_yesterdays_ticket_says_so(client, monkeypatch):
    ticket = take(make_series())
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(days=1))
    page = client.get(f"/t/{ticket.pk}/").content.decode()
    assert "今天要重新取" in page and "http-equiv" not in page


def test_a_ticket_page_is_kept_by_nobody_and_looks_again_without_script(client):
    ticket = take(make_series())
    answer = client.get(f"/t/{ticket.pk}/")
    assert "no-store" in answer["Cache-Control"]
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in answer.content.decode()


def test_the_screen_shows_calls_and_queues_without_names(client):
    series = make_series()
    window = make_window(series, number=3)
    for _n in range(3):
        take(series)
    call(window)
    answer = client.get(f"/screen/{series.hall.code}/")
    page = answer.content.decode()
    assert "A001" in page and "<b data-window>3</b>" in page and "<span data-people>2</span>" in page
    assert window.staff.name not in page
    assert "autoplay=(self)" in answer["Permissions-Policy"]
    assert "script-src 'self'" in answer["Content-Security-Policy"]


@pytest.mark.parametrize("address", ["/kiosk/", "/screen/"])
def test_with_one_hall_its_page_with_more_a_list(client, address):
    hall = make_hall()
    assert client.get(address)["Location"] == f"{address}{hall.code}/"
    other = make_hall(hall.region)
    assert f"{address}{other.code}/" in client.get(address).content.decode()


def test_pages_cost_the_same_for_one_ticket_and_twenty(client, django_assert_max_num_queries):
    series = make_series()
    make_window(series)
    take(series)
    costs = {}
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for turn in range(2):
        for address in ("/screen/{}/", "/kiosk/{}/", "/kiosk/{}/take/"):
            with CaptureQueriesContext(connection) as seen:
                client.get(address.format(series.hall.code))
            assert costs.setdefault(address, len(seen)) == len(seen)
        if turn == 0:
            for n in range(19):
                other = make_series(series.hall, chr(66 + n))
                make_window(other)
                take(series), take(other)
    # Most of it is the forecast, which is asked once in some seconds for everybody.
    assert max(costs[address] for address in costs if "kiosk" in address) <= 16, costs
    assert timezone.now() == NOW


@pytest.mark.parametrize(
    ("status", "lost"), [("waiting", 1), ("called", 1), ("passed", 1), ("held", 1), ("serving", 0)]
)
def test_the_number_of_an_earlier_day_is_not_called_any_more(client, monkeypatch, status, lost):
    ticket = take(make_series())
    window = make_window(ticket.series)
    Ticket.objects.filter(pk=ticket.pk).update(status=status, window=window if status != "waiting" else None)
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(days=1))
    page = client.get(f"/t/{ticket.pk}/").content.decode()
    assert ("今天要重新取" in page) is bool(lost)
    assert ("号窗口" in page) is not bool(lost)
