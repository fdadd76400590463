"""The page of figures: who may see it, what it says, and that it can be taken away."""

import csv
import io
import re
from datetime import date
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from yimen.insight import actions as insight
from yimen.insight.tests.factories import FIRST, Office, moment
from yimen.ledger.models import Event
from yimen.people.models import Department, Role
from yimen.people.tests.factories import make_staff, outsider

pytestmark = pytest.mark.django_db
NOW = moment(date(2026, 5, 20))
URL = "/workbench/report"


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    clock = SimpleNamespace(now=NOW)
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    return clock


@pytest.fixture
def office():
    office = Office()
    office.load(120)
    return office


def client_of(staff):
    client = Client()
    client.force_login(staff.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def leader(office, **fields):
    return client_of(make_staff(Role.LEADER, department=office.departments[0], for_region=True, **fields))


@pytest.mark.parametrize("role", [Role.LEADER, Role.HALL_MANAGER, Role.SUPERVISOR, Role.CLERK, Role.SYSTEM_ADMIN, None])
@pytest.mark.parametrize("url", [URL, f"{URL}/export"])
def test_those_who_may_see_figures_see_them(office, role, url):
    staff = make_staff(role, department=office.departments[0], for_region=True) if role else outsider()
    allowed = role in {Role.LEADER, Role.HALL_MANAGER, Role.SUPERVISOR}
    method = "post" if url.endswith("export") else "get"
    assert getattr(client_of(staff), method)(url).status_code == (200 if allowed else 403)
    assert getattr(Client(), method)(url).status_code == 302


@pytest.mark.parametrize("by", ["case_type", "department", "month", "item"])
def test_the_page_draws_its_chart_without_inline_style_or_script(office, by):
    page = leader(office).get(URL, {"start": "2026-03-01", "end": "2026-05-20", "by": by})
    text = page.content.decode()
    assert page.status_code == 200
    assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=", text)
    svg = re.search(r'<svg class="bars desk".*?</svg>', text, re.S).group()
    assert re.search(r'role="img" aria-label="2026-03-01 到 2026-05-20：[^"]*受理 [^"]*件，办结 [^"]*件', svg)
    assert set(re.findall(r'<rect x="(\d+)"', svg)) == {"0"}
    assert all(int(length) <= 1080 for length in re.findall(r'<rect [^>]*width="(\d+)"', svg))
    assert "受理（件）" in text and "按时办结率" in text and "在办的件怎么来的" in text


def test_the_open_cases_are_listed_with_their_days_and_strips(office):
    text = leader(office).get(URL, {"period": "year"}).content.decode()
    assert 'class="strip"' in text
    assert re.search(r"还没办结的，\d+ 件", text)
    assert "个工作日" in text
    assert office.applicant.name not in text


def test_without_cases_it_says_what_will_be_here():
    text = leader(Office()).get(URL).content.decode()
    assert "这段时间没有办件" in text and "没有积压" in text
    assert '<svg class="bars' not in text


@pytest.mark.parametrize(
    "values, part",
    [
        ({"start": "2026-13-01", "end": "2026-05-01"}, "开始日期要写成"),
        ({"start": "2026-05-02", "end": "2026-05-01"}, "结束日期在开始日期前面"),
        ({"start": "2026-05-02"}, "两个日期都选上"),
        ({"start": "1900-01-01", "end": "2026-01-01"}, "1950 年到 2200 年"),
        ({"start": "2001-01-01", "end": "2026-01-01"}, "一次最多统计 10 年"),
        ({"period": "decade"}, "decade"),
        ({"by": "x' OR 1=1"}, "x&#x27;"),
    ],
)
def test_a_bad_choice_is_answered_with_a_sentence(office, values, part):
    page = leader(office).get(URL, values)
    assert page.status_code == 400
    assert part in page.content.decode()
    assert leader(office).post(f"{URL}/export", values).status_code == 400


@pytest.mark.parametrize("page", ["0", "-1", "99999999999999", "x", "²"])
def test_any_page_number_gives_some_page(office, page):
    assert leader(office).get(URL, {"period": "year", "page": page}).status_code == 200


def test_the_export_holds_the_same_figures_and_no_formula(office):
    Department.objects.filter(pk=office.departments[0].pk).update(name="=HYPERLINK(1)")
    client = leader(office)
    values = {"start": "2026-03-01", "end": "2026-05-20", "by": "department"}
    page = client.post(f"{URL}/export", values)
    assert page.content.startswith("\ufeff".encode())
    assert page["Content-Disposition"] == 'attachment; filename="report-20260301-20260520.csv"'
    rows = list(csv.reader(io.StringIO(page.content.decode("utf-8-sig"))))
    assert any(row and row[0] == "'=HYPERLINK(1)" for row in rows)
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row)
    total = next(row for row in rows if row and row[0] == "合计")
    assert f"{int(total[2]):,}" in client.get(URL, values).content.decode()


def test_an_export_is_in_the_ledger_and_has_an_end(office, monkeypatch):
    boss = make_staff(Role.LEADER, department=office.departments[0], for_region=True)
    values = {"start": "2026-03-01", "end": "2026-05-20", "by": "department"}
    assert client_of(boss).get(f"{URL}/export", values).status_code == 405
    client_of(boss).post(f"{URL}/export", values)
    event = Event.objects.get(kind="insight.exported")
    assert (event.actor, event.region) == (boss.ledger_ref, boss.region_id)
    assert event.data["filter"] == values and event.data["is_cut"] is False and event.data["count"] > 3
    monkeypatch.setattr(insight, "MOST_EXPORTED", 3)
    told = client_of(boss).post(f"{URL}/export", values).content.decode()
    assert "只列最急的 3 件" in told
    assert Event.objects.filter(kind="insight.exported").last().data["count"] == 3


def test_a_departments_leader_sees_the_own_department_only(office):
    own = client_of(make_staff(Role.LEADER, department=office.departments[0]))
    text = own.get(URL, {"period": "year", "by": "department"}).content.decode()
    assert office.departments[0].name in text and office.departments[1].name not in text
    told = own.post(f"{URL}/export", {"period": "year", "by": "department"}).content.decode()
    assert office.departments[1].name not in told


def test_the_queries_do_not_grow_with_the_cases():
    office = Office()
    office.load(12)
    client, counts = leader(office), []
    for n in (1, 60):
        office.load(n, seed=n)
        client.get(URL, {"period": "year"})
        with CaptureQueriesContext(
            connection,
        ) as told:
            assert client.get(URL, {"period": "year", "by": "department"}).status_code == 200
        counts.append(len(told))
    assert counts[0] == counts[1] <= 20


def test_this_month_is_shown_when_nothing_is_chosen(office):
    office.accept(moment(date(2026, 5, 19)))
    text = leader(office).get(URL).content.decode()
    assert 'value="2026-05-01"' in text and 'value="2026-05-31"' in text
    assert FIRST.isoformat() not in text
