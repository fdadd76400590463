"""Lists and pages of cases: as many statements for forty rows as for one, and none that reads a big table through."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from yimen.cases import actions, queries
from yimen.cases.models import Case, CaseMessage, ClockStop, Recusal
from yimen.cases.tests.factories import make_case, make_version
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_center, make_department, make_staff
from yimen.web.portal import cases as portal_cases

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
# What grows with every case handled.
GROWING = {
    *("cases_case", "cases_task", "cases_clock", "cases_notice", "cases_casematerial", "cases_casemessage"),
    *("cases_upload", "cases_clockstop", "people_applicant", "ledger_event", "notify_message"),
    *("ratings_invitation", "certificates_certificate"),
}


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    clock = SimpleNamespace(now=NOW)
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    return clock


def client_of(staff) -> Client:
    client = Client()
    client.force_login(staff.user, backend=BACKEND)
    return client


def make_unit():
    organ = make_department(name="市场监管局（演示）")
    center = make_center()
    unit = SimpleNamespace(version=make_version(department=organ), clerk=make_staff(Role.CLERK, department=organ))
    unit.approver = make_staff(Role.APPROVER, department=organ, center=center)
    unit.leader = make_staff(Role.LEADER, department=organ, center=center)
    unit.supervisor = make_staff(Role.SUPERVISOR, department=organ)
    unit.case = accepted(unit)
    return unit


@pytest.fixture
def unit():
    return make_unit()


def opened(client: Client, case: Case) -> str:
    """The address of a citizen's case page, open in this browser."""
    session = client.session
    session[portal_cases._OPENED] = {case.query_no: [str(case.pk), NOW.timestamp() + 600]}
    session.save()
    return reverse("portal:case", args=[case.query_no])


def accepted(unit) -> Case:
    return actions.accept(make_case(version=unit.version, by=unit.clerk).pk, by=unit.clerk, at=NOW)


def ask_recusal(unit) -> None:
    who = make_staff(Role.APPROVER, department=unit.version.item.department)
    Recusal.objects.create(
        region=unit.case.region, case=unit.case, staff=who, reason="申请人的亲戚", asked_by="staff", asked_at=NOW
    )


def statements(client: Client, address: str) -> list[str]:
    """What the page asks the database, when nothing is asked for the first time."""
    assert client.get(address).status_code == 200
    with CaptureQueriesContext(connection) as seen:
        assert client.get(address).status_code == 200
    return [str(one["sql"]) for one in seen.captured_queries]


READERS = ("approver", "leader", "clerk", "supervisor")
LISTS = {
    "my tasks": ("approver", "/workbench/tasks", 11),
    "tasks of the unit": ("approver", "/workbench/tasks?whose=unit", 11),
    "what waits elsewhere": ("approver", "/workbench/tasks?whose=elsewhere", 8),
    "cases": ("leader", "/workbench/cases", 11),
    "cases of a status": ("leader", "/workbench/cases?status=accepted", 11),
    "cases of a type": ("leader", "/workbench/cases?type=promised", 11),
    "cases due": ("leader", "/workbench/cases?due=week", 11),
    "cases by the beginning of a number": ("leader", "/workbench/cases?q=QH-", 11),
    "workload": ("leader", "/workbench/workload", 8),
}


def test_lists_take_as_many_statements_for_forty_cases_as_for_one(unit):
    clients = {who: client_of(getattr(unit, who)) for who in ("approver", "leader")}
    few = {name: len(statements(clients[who], address)) for name, (who, address, _most) in LISTS.items()}
    for _n in range(39):
        accepted(unit)
    many = {name: len(statements(clients[who], address)) for name, (who, address, _most) in LISTS.items()}
    assert many == few
    assert {name: n for name, n in many.items() if n > LISTS[name][2]} == {}


@pytest.mark.parametrize("who", READERS)
def test_the_page_of_a_case_takes_few_statements_and_the_same_whatever_was_written(unit, who):
    client, address = client_of(getattr(unit, who)), f"/workbench/cases/{unit.case.query_no}"
    plain = len(statements(client, address))
    assert plain <= 15
    counts = []
    for _n in range(2):
        for _m in range(5):
            ask_recusal(unit)
        counts.append(len(statements(client, address)))
    # One statement for all of them; without any there was none.
    assert counts == [plain + 1] * 2


def test_the_citizens_page_takes_few_statements(unit, client):
    assert len(statements(client, opened(client, unit.case))) <= 11


def test_what_there_is_of_a_case_is_known_by_one_statement(unit, django_assert_num_queries):
    names = {"stops", "extension", "messages", "teams", "cards", "hearing"}
    with django_assert_num_queries(1):
        assert queries.what_there_is(unit.case, names) == frozenset()
    stop = {"ground": ClockStop.Ground.TESTING, "reason": "要送检测机构检测。", "needed_days": 5}
    actions.open_stop(unit.case.pk, **stop, by=unit.leader, at=NOW)
    CaseMessage.objects.create(region=unit.case.region, case=unit.case, text_sealed=b"", at=NOW)
    assert queries.what_there_is(unit.case, names) == {"stops", "messages"}
    other = accepted(unit)
    assert queries.what_there_is(other, names) == frozenset()
    with django_assert_num_queries(0):
        assert queries.what_there_is(other, ()) == frozenset()


def scans(plan: dict[str, Any], tables: set[str]) -> list[dict[str, Any]]:
    """Every node of a plan that reads one of these tables."""
    found = [plan] if plan.get("Relation Name") in tables else []
    return found + [one for below in plan.get("Plans", ()) for one in scans(below, tables)]


def has_condition(scan: dict[str, Any], partial: set[str]) -> bool:
    """An index of the open rows alone is a condition, too."""
    if "Index Cond" in scan or scan.get("Index Name") in partial:
        return True
    return any(has_condition(below, partial) for below in scan.get("Plans", ()))


@pytest.mark.django_db(transaction=True)
def test_no_list_and_no_page_reads_a_growing_table_through(admin_connection, client):
    """As the database plans it when every table that grows holds a million rows."""
    unit = make_unit()
    asked = [
        *(statements(client_of(getattr(unit, who)), address) for who, address, _most in LISTS.values()),
        *(statements(client_of(getattr(unit, who)), f"/workbench/cases/{unit.case.query_no}") for who in READERS),
        statements(client, opened(client, unit.case)),
    ]
    with pretended(admin_connection) as tables, connection.cursor() as cursor:
        assert {"cases_case", "cases_task", "cases_clock", "ledger_event"} <= tables
        cursor.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE indpred IS NOT NULL")
        partial = {name for (name,) in cursor.fetchall()}
        for sql in dict.fromkeys(sql for page in asked for sql in page if sql.lstrip().startswith("SELECT")):
            cursor.execute("EXPLAIN (FORMAT JSON) " + sql)
            (plan,) = cursor.fetchone()
            [found] = json.loads(plan) if isinstance(plan, str) else plan
            read = scans(found["Plan"], tables)
            assert [one["Relation Name"] for one in read if not has_condition(one, partial)] == [], sql


@contextmanager
def pretended(admin: Any) -> Iterator[set[str]]:
    """
    Those of the growing tables that have a row here; the planner reckons with a million a page of them, and knows
    nothing of what other tests left in them.
    """
    before = admin.execute(
        "SELECT relname, reltuples, relpages FROM pg_class"
        " WHERE relname = ANY(%s) AND relkind = 'r' AND pg_relation_size(oid) > 0",
        [list(GROWING)],
    ).fetchall()
    change = "UPDATE pg_class SET reltuples = %s, relpages = %s WHERE relname = %s AND relkind = 'r'"
    forget = "DELETE FROM pg_statistic WHERE starelid IN (SELECT oid FROM pg_class WHERE relname = ANY(%s))"
    admin.execute(forget, [list(GROWING)])
    try:
        for name, _tuples, _pages in before:
            admin.execute(change, [1_000_000, 1, name])
        yield {name for name, _tuples, _pages in before}
    finally:
        for name, tuples, pages in before:
            admin.execute(change, [tuples, pages, name])
