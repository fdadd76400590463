"""Appointments for staff, and for neighbouring systems."""

import json
from datetime import datetime, time, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from yimen.catalog.tests.factories import make_item
from yimen.hall.actions import appointments, campaigns, plans
from yimen.hall.models import Appointment, Campaign, Closure, OpeningTime, Slot, SlotPlan, Ticket
from yimen.hall.tests.factories import make_hall, make_series, make_window
from yimen.ledger.actions import PUBLIC, SYSTEM
from yimen.ledger.models import Event
from yimen.lib.workdays import LOCAL_ZONE
from yimen.people import reasons
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, in_ledger, make_center, make_region, make_staff

pytestmark = pytest.mark.django_db


class Clock:
    at = NOW


@pytest.fixture(autouse=True)
def _now(monkeypatch):
    Clock.at = NOW
    monkeypatch.setattr(timezone, "now", lambda: Clock.at)


@pytest.fixture
def plan():
    center = make_center(make_region())
    hall = make_hall(center.region, center=center)
    series = make_series(hall)
    series.items.add(make_item())
    window = make_window(series, staffed=False)
    draft = plans.PlanDraft("上午（演示）", series, [1, 2, 3, 4, 5], time(9), time(12), NOW.date(), window=window)
    return plans.save_plan(hall, draft, by=SYSTEM, at=NOW)


def login(plan, role):
    client = Client()
    client.force_login(make_staff(role, region=plan.hall.region, for_region=True).user)
    return client


def slot_of(plan, days=1, hour=9):
    begins = datetime.combine(NOW.date() + timedelta(days=days), time(hour), LOCAL_ZONE)
    return Slot.objects.get(plan=plan, begins_at=begins)


def book(plan, days=1, hour=9, phone="13800000417", name="林小满"):
    one = appointments.hold(
        slot_of(plan, days, hour).pk, item=plan.series.items.get(), channel="web", by=PUBLIC, at=NOW
    )
    return appointments.book(one.pk, by=PUBLIC, at=NOW, name=name, phone=phone)


@pytest.mark.parametrize("role", [Role.HALL_MANAGER, Role.CLERK, Role.SUPERVISOR])
def test_pages_open_for_those_whose_work_they_are(plan, role):
    one, client = book(plan), login(plan, role)
    books = role in {Role.HALL_MANAGER, Role.CLERK}
    pages = {
        f"appointments?day={one.slot.day}": books,
        f"appointments/{one.pk}": books,
        f"appointments/new?item={one.item_id}": books,
        "appointments/waiting": books,
        "appointments/figures": role != Role.CLERK,
        **dict.fromkeys(
            ("slot-plans", "slot-plans/new", f"slot-plans/{plan.pk}", "campaigns", "campaigns/new", "closures"),
            role == Role.HALL_MANAGER,
        ),
    }
    got = {path: client.get(f"/workbench/{path}") for path in pages}
    assert {path: page.status_code == 200 for path, page in got.items()} == pages
    shown = "".join(page.content.decode() for page in got.values())
    assert "13800000417" not in shown
    assert "林小满" not in shown


def test_the_day_at_the_desk(plan):
    one, gone = book(plan), book(plan, hour=10, phone="13900000002")
    Clock.at = one.slot.begins_at - timedelta(minutes=10)
    client = login(plan, Role.CLERK)
    assert one.number in client.get("/workbench/appointments?q=0417").content.decode()
    assert one.number in client.get(f"/workbench/appointments?q={one.number}").content.decode()
    assert one.number not in client.get("/workbench/appointments?q=0000").content.decode()
    body = {"_key": "check-in-at-desk", "appointment": str(one.pk)}
    for _twice in range(2):
        assert client.post("/workbench/appointments/check-in", body).status_code == 303
    assert Ticket.objects.get().source == Ticket.Source.APPOINTMENT
    early = client.post("/workbench/appointments/no-show", {"_key": "not-come-1", "appointment": str(gone.pk)})
    assert early.status_code == 409
    Clock.at = gone.slot.ends_at + timedelta(minutes=1)
    late = client.post("/workbench/appointments/no-show", {"_key": "not-come-2", "appointment": str(gone.pk)})
    assert late.status_code == 303
    assert Appointment.objects.get(pk=gone.pk).status == "no_show"


def test_the_desk_asks_the_same_for_one_booking_and_for_many(plan, django_assert_max_num_queries):
    client = login(plan, Role.CLERK)
    path = f"/workbench/appointments?day={slot_of(plan).day}"
    book(plan)
    client.get(path)
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(path)
    for n, hour in enumerate((9, 10, 10, 11, 11)):
        book(plan, hour=hour, phone=f"1390000000{n}")
    with django_assert_max_num_queries(len(few)):
        client.get(path)


def test_a_caller_is_booked_beyond_the_quota_only_by_the_manager_with_a_reason(plan):
    SlotPlan.objects.update(quotas={"phone": 0})
    item, slot = plan.series.items.get(), slot_of(plan)
    path = f"/workbench/appointments/new?item={item.pk}"
    body = {"slot": str(slot.pk), "channel": "phone", "party": "1", "name": "王小明", "phone": "13800000001"}
    refused = login(plan, Role.CLERK).post(path, body | {"_key": "caller-1", "over": "很急"})
    assert refused.status_code == 409
    assert "约满了" in refused.content.decode()
    done = login(plan, Role.HALL_MANAGER).post(path, body | {"_key": "caller-2", "over": "老人远道而来"})
    assert done.status_code == 303
    one = Appointment.objects.get(status="booked")
    assert one.over_limit_reason == "老人远道而来"
    assert Event.objects.filter(stream=one.stream, kind="hall.booked").get().data["over"] is True
    assert not in_ledger("老人远道而来")


@pytest.mark.parametrize(
    "do, kind", [("cancel", "hall.cancelled"), ("move", "hall.moved"), ("excuse", "hall.no_shows_excused")]
)
def test_what_staff_write_of_a_booking_stands_on_its_page_and_not_in_the_ledger(plan, do, kind):
    one, words = book(plan), "林小满住院了，家属来电"
    if do == "excuse":
        Clock.at = one.slot.ends_at + timedelta(hours=1)
        appointments.note_no_show(one.pk, by=SYSTEM, at=Clock.at)
    client, path = login(plan, Role.HALL_MANAGER), f"/workbench/appointments/{one.pk}"
    body = {"do": do, "reason": words, "slot": str(slot_of(plan, hour=11).pk), "_key": f"said-{do}"}
    assert client.post(path, body).status_code == 303
    assert words in client.get(path).content.decode()
    row = Event.objects.get(stream=one.stream, kind=kind)
    assert row.data["reason_length"] == len(words) and not in_ledger("林小满")
    assert [said.text for said in reasons.said_in(one.stream, kind)] == [words]


def test_a_plan_shows_its_effect_before_it_is_saved(plan):
    one, client = book(plan), login(plan, Role.HALL_MANAGER)
    body = {
        "name": "上午晚些", "series": str(plan.series_id), "weekdays": ["1", "2", "3", "4", "5"], "begins": "10:00",
        "ends": "12:00", "minutes": "30", "places": "2", "party": "1", "buffer_minutes": "30", "days_ahead": "14",
        "valid_from": NOW.date().isoformat(), "is_on": "on", "window": str(plan.window_id), "people": "move",
        "_key": "save-a-plan",
    }  # fmt: skip
    look = client.post(f"/workbench/slot-plans/{plan.pk}", body | {"do": "look"})
    assert look.status_code == 200
    said = look.content.decode()
    assert one.number in said and "1 个人改到别的时间" in said and "林*满" in said
    assert SlotPlan.objects.get().begins == time(9)
    unseen = client.post(f"/workbench/slot-plans/{plan.pk}", body | {"do": "save"})
    assert unseen.status_code == 422 and SlotPlan.objects.get().begins == time(9)  # nobody is moved unseen
    seen = look.context["shown"]["mark"]
    saved = client.post(f"/workbench/slot-plans/{plan.pk}", body | {"do": "save", "seen": seen})
    assert saved.status_code == 303
    one.refresh_from_db()
    assert (SlotPlan.objects.get().begins, one.status) == (time(10), "moved")
    wrong = client.post("/workbench/slot-plans/new", body | {"begins": "", "weekdays": [], "_key": "wrong-plan"})
    assert wrong.status_code == 422
    clash = client.post("/workbench/slot-plans/new", body | {"_key": "clash-plan"})
    assert clash.status_code == 409
    assert "错开时间" in clash.content.decode()


def test_a_closure_lists_whom_it_hits_then_moves_them(plan):
    one, client = book(plan), login(plan, Role.HALL_MANAGER)
    day = one.slot.day.isoformat()
    body = {
        "window": "", "from_day": day, "from_time": "09:00", "until_day": day, "until_time": "09:30",
        "reason": "停电", "moves": "on", "_key": "close-the-hall",
    }  # fmt: skip
    look = client.post("/workbench/closures", body | {"do": "look"})
    assert one.number in look.content.decode()
    assert Closure.objects.count() == 0
    seen = look.context["shown"]["mark"]
    assert client.post("/workbench/closures", body | {"do": "save", "seen": seen}).status_code == 303
    one.refresh_from_db()
    assert one.status == "moved"
    closure = Closure.objects.get()
    back = client.post("/workbench/closures/reopen", {"_key": "open-it-again", "closure": str(closure.pk)})
    assert back.status_code == 303
    assert not slot_of(plan).closed_reason


def test_a_campaign_is_written_and_ended(plan):
    client = login(plan, Role.HALL_MANAGER)
    body = {
        "name": "入学查档", "items": str(plan.series.items.get().pk), "from_day": "2026-11-18",
        "until_day": "2026-11-30", "_key": "a-campaign", "do": "save",
    }  # fmt: skip
    assert client.post("/workbench/campaigns/new", body).status_code == 303
    found = Campaign.objects.get()
    assert client.post("/workbench/campaigns/new", body | {"_key": "x-2", "until_day": "2026-11-01"}).status_code == 409
    assert client.post(f"/workbench/campaigns/{found.pk}", {"do": "end", "_key": "end-it"}).status_code == 303
    found.refresh_from_db()
    assert found.ended_at


def test_weekly_figures_leave_as_a_file_and_the_ledger_knows(plan):
    book(plan)
    client = login(plan, Role.SUPERVISOR)
    assert "号窗口" in client.get("/workbench/appointments/figures").content.decode()
    file = client.post("/workbench/appointments/figures/export", {"format": "csv"})
    lines = file.content.decode("utf-8-sig").splitlines()
    assert lines[1].split(",")[:3] == ["2026-11-16", str(plan.window.number), "1"]
    assert Event.objects.get(kind="insight.exported").data["what"] == "bookings"
    excel = client.post("/workbench/appointments/figures/export", {"format": "xlsx"})
    assert excel.content[:2] == b"PK"


def test_people_of_another_region_find_nothing(plan):
    one = book(plan)
    stranger = Client()
    stranger.force_login(make_staff(Role.CLERK, region=make_region("510000", "别处"), for_region=True).user)
    assert stranger.get(f"/workbench/appointments/{one.pk}").status_code == 404
    body = {"_key": "not-mine-at-all", "appointment": str(one.pk)}
    assert stranger.post("/workbench/appointments/no-show", body).status_code == 404
    assert campaigns.hit_by(make_hall(), NOW, NOW + timedelta(days=9)) == []


def send(client, method, path, body=None, key="a-key-of-a-program"):
    return getattr(client, method)(
        f"/api/v1{path}", json.dumps(body or {}), content_type="application/json", headers={"Idempotency-Key": key}
    )


def test_a_program_books_looks_and_gives_back(plan, client):
    hall, item = plan.hall.code, plan.series.items.get()
    times = client.get(f"/api/v1/halls/{hall}/items/{item.pk}/slots").json()
    assert times[0]["left"] == 2
    body = {"slot": times[0]["id"], "item": str(item.pk), "name": "林小满", "phone": "13800000417"}
    first, again = (send(client, "post", f"/halls/{hall}/appointments", body) for _n in range(2))
    assert (first.status_code, again.json()) == (201, first.json())
    assert Appointment.objects.filter(status="booked").count() == 1
    assert "13800000417" not in first.content.decode()
    other = send(client, "post", f"/halls/{hall}/appointments", body | {"party": 2})
    assert other.status_code == 422
    path = f"/appointments/{first.json()['token']}"
    assert client.get(f"/api/v1{path}").json()["number"] == first.json()["number"]
    gone = [send(client, "delete", path, key=f"give-back-{n}").json()["status"] for n in range(2)]
    assert gone == ["cancelled", "cancelled"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"slot": "x"}, 422), ({"phone": "abcdef"}, 409), ({"party": 0}, 422), ({"party": 9}, 409), ({"name": ""}, 422),
        ({"slot": "00000000-0000-4000-8000-000000000000"}, 409),
        ({"item": "00000000-0000-4000-8000-000000000000"}, 404),
    ],
    ids=["slot", "phone", "nobody", "party", "name", "no-slot", "no-item"],
)  # fmt: skip
def test_what_a_program_sends_wrong_is_refused(plan, client, change, status):
    body = {
        "slot": str(slot_of(plan).pk),
        "item": str(plan.series.items.get().pk),
        "name": "林",
        "phone": "13800000417",
    }
    done = send(client, "post", f"/halls/{plan.hall.code}/appointments", body | change)
    assert done.status_code == status
    assert Appointment.objects.filter(status__in=["held", "booked"]).count() == 0


def test_a_special_day_shows_whom_it_hits_and_is_taken_back(plan):
    one, client = book(plan), login(plan, Role.HALL_MANAGER)
    path, day = f"/workbench/hall/{plan.hall_id}/days", one.slot.day
    body = {"day": day.isoformat(), "window": "", "hours": "", "people": "move", "why": "", "_key": "shut-a-day"}
    look = client.post(path, body)
    assert look.status_code == 422 and one.number in look.content.decode()
    assert not OpeningTime.objects.exists()
    done = client.post(path, body | {"seen": look.context["shown"]["mark"]})
    one.refresh_from_db()
    assert (done.status_code, one.status) == (303, "moved")
    assert "不开" in client.get(path).content.decode()
    assert client.post(path, {"back": f"{day.isoformat()}:", "_key": "as-usual"}).status_code == 303
    assert "没有特别的日子" in client.get(path).content.decode()
    free = body | {"day": (day + timedelta(days=3)).isoformat(), "_key": "hits-nobody"}
    assert client.post(path, free).status_code == 303
    assert (
        Event.objects.filter(kind="hall.day_set").count() == 3 and Event.objects.filter(kind="hall.moved").count() == 1
    )
    assert client.post(path, body | {"hours": "nine", "_key": "unread"}).status_code == 422
    assert login(plan, Role.CLERK).get(path).status_code == 403


def test_a_window_keeps_its_own_hours(plan):
    client, path = login(plan, Role.HALL_MANAGER), f"/workbench/hall/windows/{plan.window_id}/hours"
    body = {f"own{day}": "hall" for day in range(1, 8)} | {f"day{day}": "" for day in range(1, 8)}
    empty = client.post(path, body | {"own4": "own", "_key": "no-hours"})
    assert empty.status_code == 422 and "请填几点到几点" in empty.content.decode()
    body |= {"own4": "own", "day4": "9:00-11:30", "own5": "shut", "people": "keep", "_key": "own-hours"}
    assert client.post(path, body).status_code == 303
    page = client.get(path).content.decode()
    assert 'value="09:00-11:30"' in page and page.count("selected") >= 7
    assert OpeningTime.objects.filter(window=plan.window_id).count() == 2
