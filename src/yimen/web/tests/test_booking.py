"""Booking as a citizen: three pages, few fields, no script, no account."""

import re
from datetime import datetime, time, timedelta
from html.parser import HTMLParser

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from yimen.cases.tests.factories import make_version
from yimen.catalog.tests.factories import make_item
from yimen.hall.actions import appointments, plans
from yimen.hall.models import Appointment, Slot
from yimen.hall.queries import appointments as queries
from yimen.hall.tests.factories import make_hall, make_series
from yimen.ledger.actions import PUBLIC, SYSTEM
from yimen.ledger.models import Event
from yimen.lib.workdays import LOCAL_ZONE
from yimen.people.tests.factories import NOW, make_center, make_region
from yimen.web import checking

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def plan():
    center = make_center(make_region())
    hall = make_hall(center.region, center=center)
    series, item = make_series(hall), make_item()
    series.items.add(item)
    draft = plans.PlanDraft(
        "上午（演示）", series, [1, 2, 3, 4, 5], time(9), time(12), NOW.date(), party=2, buffer_minutes=30
    )
    return plans.save_plan(hall, draft, by=SYSTEM, at=NOW)


def item_of(plan):
    return plan.series.items.get()


class Fields(HTMLParser):
    """What a person must look at on a page: fields that are not hidden, a group of radio buttons counted once."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        of = dict(attrs)
        if tag in {"input", "select", "textarea"} and of.get("type") not in {"hidden", "submit"} and of.get("name"):
            self.names.add(of["name"])


def form_of(html: str, action: str) -> dict[str, str]:
    [form] = [one for one in re.findall(r"<form.*?</form>", html, re.S) if f'action="{action}' in one]
    hidden = {}
    for tag in re.findall(r'<input type="hidden"[^>]*>', form):
        hidden[re.search(r'name="([^"]*)"', tag)[1]] = re.search(r'value="([^"]*)"', tag)[1]
    return hidden


def free_slots(html: str) -> list[str]:
    return [
        re.search(r'value="([^"]*)"', tag)[1]
        for tag in re.findall(r'<input type="radio" name="slot"[^>]*>', html)
        if "disabled" not in tag
    ]


@pytest.mark.capability("S2-5")
def test_from_the_item_to_a_number_in_three_pages_and_ten_fields(plan, client: Client):
    code = item_of(plan).task_code
    guide = client.get(f"/items/{code}").content.decode()
    assert f'href="/items/{code}/book"' in guide
    pages, fields = 0, 0

    chosen = client.get(f"/items/{code}/book")
    html = chosen.content.decode()
    pages, fields = pages + 1, fields + len(Fields(html).names)
    body = form_of(html, f"/items/{code}/book") | {"slot": free_slots(html)[0], "party": "2"}
    kept = client.post(f"/items/{code}/book", body)
    assert kept.status_code == 303

    who = client.get(kept["Location"])
    html = who.content.decode()
    pages, fields = pages + 1, fields + len(Fields(html).names)
    body = form_of(html, f"{kept['Location']}/book") | {"name": "林小满（演示）", "phone": "13800000417"}
    done = client.post(f"{kept['Location']}/book", body)
    assert done.status_code == 303

    last = client.get(done["Location"])
    pages, fields = pages + 1, fields + len(Fields(last.content.decode()).names)
    one = Appointment.objects.get(status="booked")
    assert one.number in last.content.decode()
    assert (pages, fields) == (3, 5)
    assert pages <= 3
    assert fields <= 10
    assert "13800000417" not in guide + last.content.decode()
    # the same form sent twice is one booking
    again = client.post(f"{kept['Location']}/book", body)
    assert again["Location"] == done["Location"]
    assert Appointment.objects.filter(status="booked").count() == 1


def book(plan, phone="13800000417", hour=9):
    begins = datetime.combine(NOW.date() + timedelta(days=1), time(hour), LOCAL_ZONE)
    slot = Slot.objects.get(plan=plan, begins_at=begins)
    one = appointments.hold(slot.pk, item=item_of(plan), channel="web", by=PUBLIC, at=NOW)
    return appointments.book(one.pk, by=PUBLIC, at=NOW, name="林小满（演示）", phone=phone)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"name": "", "phone": "13800000417"}, "请填写来办事的人的姓名"),
        ({"name": "林小满", "phone": ""}, "请填写能找到您的电话"),
        ({"name": "林小满", "phone": "abc"}, "电话号码只有数字"),
        ({"name": "很" * 200, "phone": "13800000417"}, "处要改"),
    ],
    ids=["no-name", "no-phone", "letters", "long"],
)
def test_what_was_typed_wrong_is_said_kindly_and_kept(plan, client, body, said):
    slot = Slot.objects.filter(plan=plan).order_by("begins_at").last()
    one = appointments.hold(slot.pk, item=item_of(plan), channel="web", by=PUBLIC, at=NOW)
    page = client.post(f"/a/{one.token}/book", {**body, "_key": "a-key-of-a-form"})
    assert page.status_code == 422
    assert said in page.content.decode()
    one.refresh_from_db()
    assert one.status == "held"


@pytest.mark.parametrize("slot", ["", "x", "00000000-0000-4000-8000-000000000000"])
def test_no_time_chosen_is_said_kindly(plan, client, slot):
    path = f"/items/{item_of(plan).task_code}/book"
    page = client.post(path, {"_key": "another-key-of-a-form", "slot": slot, "party": "1"})
    assert page.status_code in {409, 422}
    assert Appointment.objects.count() == 0


def test_going_back_for_another_time_keeps_one_place_only(plan, client):
    path = f"/items/{item_of(plan).task_code}/book"
    slots = free_slots(client.get(path).content.decode())
    for n, slot in enumerate(slots[:3]):
        client.post(path, {"_key": f"key-number-{n}", "slot": slot, "party": "1"})
    assert list(Appointment.objects.order_by("made_at", "pk").values_list("status", flat=True)) == [
        "cancelled", "cancelled", "held",
    ]  # fmt: skip
    assert sum(Slot.objects.values_list("taken", flat=True)) == 1


def test_change_cancel_and_calendar_file(plan, client):
    one = book(plan)
    file = client.get(f"/a/{one.token}/calendar.ics")
    text = file.content.decode()
    assert file["Content-Type"] == "text/calendar; charset=utf-8"
    assert "DTSTART:20261119T010000Z\r\n" in text
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    unfolded = text.replace("\r\n ", "")
    assert one.number in unfolded
    assert "林小满" not in unfolded
    html = client.get(f"/a/{one.token}/move").content.decode()
    slot = free_slots(html)[-1]
    moved = client.post(f"/a/{one.token}/move", {"_key": "move-it-once", "slot": slot})
    assert moved.status_code == 303
    new = Appointment.objects.get(status="booked")
    assert new.number == f"{one.number}-2"
    assert client.get(f"/a/{one.token}")["Location"] == f"/a/{new.token}"
    client.post(f"/a/{new.token}/cancel", {"_key": "cancel-it-once"})
    assert "预约取消了" in client.get(f"/a/{new.token}").content.decode()
    assert client.get(f"/a/{new.token}/calendar.ics").status_code == 404
    assert sum(Slot.objects.values_list("taken", flat=True)) == 0


@pytest.mark.parametrize("path", ["/a/nothing", "/a/nothing/calendar.ics", "/w/nothing", "/items/none/book"])
def test_an_unknown_address_is_not_found(plan, client, path):
    assert client.get(path).status_code == 404


def test_a_wait_is_registered_offered_and_taken(plan, client):
    slot = Slot.objects.filter(plan=plan, day=NOW.date() + timedelta(days=1)).order_by("begins_at").first()
    Slot.objects.exclude(pk=slot.pk).update(closed_reason="停办")
    first = book(plan)
    book(plan, phone="13900000002")
    path = f"/items/{item_of(plan).task_code}/wait"
    body = {"_key": "wait-for-it-1", "name": "王小明（演示）", "phone": "13700000001"}
    wrong = client.post(path, {**body, "from_day": "2026-11-20", "until_day": "2026-11-19", "_key": "wait-wrong-1"})
    assert wrong.status_code == 409
    done = client.post(path, {**body, "from_day": "2026-11-18", "until_day": "2026-11-25"})
    assert done.status_code == 303
    assert "您排在第一个" in client.get(done["Location"]).content.decode()
    appointments.cancel(first.pk, by=PUBLIC, at=NOW)
    assert "有号了" in client.get(done["Location"]).content.decode()
    taken = client.post(f"{done['Location']}/take", {"_key": "take-it-once"})
    assert taken.status_code == 303
    assert Appointment.objects.filter(status="booked").count() == 2
    assert queries.by_token(taken["Location"].removeprefix("/a/")).status == "booked"


@pytest.mark.parametrize("state", ["held", "booked"])
def test_the_papers_are_checked_while_one_books_and_go_to_the_window(client, plan, state):
    item = make_version().item
    plan.series.items.add(item)
    slot = Slot.objects.filter(plan=plan, day__gt=NOW.date()).earliest("begins_at")
    one = appointments.hold(slot.pk, item=item, channel="web", by=PUBLIC, at=NOW)
    if state == "booked":
        appointments.book(one.pk, by=PUBLIC, at=NOW, name="王小明（演示）", phone="13800000417")
    path = f"/a/{one.token}/papers"
    assert f'href="{path}"' in client.get(f"/a/{one.token}").content.decode()
    page = client.get(path).content.decode()
    names = [line.name for line in checking.check(plan.region_id, str(item.pk), QueryDict()).materials]
    assert names and all(name in page for name in names) and "哪些还没有" in page
    assert client.post(path + "?a=", {"miss": "0", "_key": "papers"}).status_code == 303
    one.refresh_from_db()
    assert checking.said_of(one) == {"missing": names[:1], "of": len(names)}
    page = client.get(f"/a/{one.token}").content.decode()
    assert "您说还差 1 样" in page and names[0] in page
    [event] = Event.objects.filter(stream=one.stream, kind="hall.papers_checked")
    assert event.data["missing"] == 1 and names[0] not in str(event.data)
    if state == "held":
        appointments.book(one.pk, by=PUBLIC, at=NOW, name="王小明（演示）", phone="13800000417")
    ticket = appointments.check_in(one.pk, by=PUBLIC, at=slot.begins_at)
    assert checking.missing_of(ticket) == names[:1]
    with pytest.raises(appointments.AppointmentOver):
        appointments.keep_check(one.pk, {"missing": [], "of": 1}, by=PUBLIC, at=slot.begins_at)


def test_the_papers_of_an_appointment_that_is_over_are_not_asked(client, plan):
    slot = Slot.objects.filter(plan=plan, day__gt=NOW.date()).earliest("begins_at")
    one = appointments.hold(slot.pk, item=item_of(plan), channel="web", by=PUBLIC, at=NOW)
    appointments.cancel(one.pk, by=PUBLIC, at=NOW)
    assert client.get(f"/a/{one.token}/papers").status_code == 302
    assert client.post(f"/a/{one.token}/papers", {"_key": "late"}).status_code in (404, 409)
    assert client.get("/a/nobody/papers").status_code == 404
