"""
A centre with very many cases: how long the list of cases, my tasks and the page of a case take then.

Two cases go through the actions, one of them to its end; the rest are copies of these two with their clocks, steps,
materials and first document, made by the database itself: numbers, applicants, units, days and hours their own, last
days by the calendar, one in fifty still running. The ledger is not copied: a case's page reads one stream of it by its
key.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import psycopg
from django.utils import timezone

from yimen.bench.measure import Figure, figure, recording
from yimen.cases import actions, rules
from yimen.cases.actions import Handed
from yimen.cases.models import Case
from yimen.catalog import queries as catalog
from yimen.catalog.models import ItemVersion
from yimen.faults.platform import Platform
from yimen.faults.seed import Seed
from yimen.lib.workdays import Limit, Unit
from yimen.people.models import Applicant, Department, RoleGrant, ServiceCenter, Staff

UNITS, PEOPLE = 40, 100_000
ONE_OPEN_IN = 50
TABLES = ("people_applicant", "cases_case", "cases_clock", "cases_task", "cases_casematerial", "cases_notice")


def fill(platform: Platform, seed: Seed, cases: int) -> float:
    """Make about so many cases and return the seconds it took."""
    began = time.monotonic()
    ended, running = _patterns(seed)
    listed = "ARRAY[" + ", ".join(f"'{pk}'" for pk in _units(seed)) + "]::uuid[]"
    with psycopg.connect(platform.urls.admin, autocommit=True) as connection:
        cursor = connection.cursor()
        # Copies of what the actions made: every reference is to a row that is there.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET synchronous_commit = off")
        person = {
            "id": _id("'person'"),
            "name": "substr('赵钱孙李周吴郑王冯陈', 1 + n % 10, 1) || '演示' || n",
            "id_index": "sha256(('id' || n)::bytea)",
            "phone_index": "sha256(('phone' || n)::bytea)",
            "user_id": "NULL",
        }
        _last_days(cursor, ended)
        _copy(cursor, "people_applicant", "t.id = %s", [ended.applicant_id], person, PEOPLE)
        for case, only in ((ended, False), (running, True)):
            of_case = [case.pk]
            where = f"n % {ONE_OPEN_IN} {'=' if only else '<>'} 0"
            days = f"(n / {ONE_OPEN_IN} % 10)" if only else "(20 + n % 1000)"
            due = f"(SELECT d.last_day FROM bench_due AS d WHERE d.kind = 'promised' AND d.days = {days})"
            # Not two at the same moment, as in life; all within the working hours before.
            shift = f"(({days} || ' days')::interval + (n::bigint * 7919 % 14400000 || ' ms')::interval)"
            unit = f"({listed})[1 + (n * 7 + n / {ONE_OPEN_IN}) % {UNITS}]"
            own = _id("'case'")
            row: dict[str, str] = {
                "id": own,
                "case_no": "left(t.case_no, 40) || 'B' || to_hex(n)",
                "query_no": "'BN-' || to_char(t.received_at - " + shift + ", 'YYMMDD') || '-' || lpad(n::text, 7, '0')",
                "department_id": unit,
                "applicant_id": _id("'person'", f"(1 + n % {PEOPLE})"),
                "received_at": f"t.received_at - {shift}",
                "accepted_at": f"t.accepted_at - {shift}",
                "completed_at": f"t.completed_at - {shift}",
                "delivered_at": f"t.delivered_at - {shift}",
                "due_on": due,
            }
            _copy(cursor, "cases_case", "t.id = %s", of_case, row, cases, where)
            own_id = _id("t.id::text")
            clock = {"id": own_id, "case_id": own, "started_on": f"t.started_on - {days}::int"}
            clock["due_on"] = due.replace("'promised'", "t.kind")
            _copy(cursor, "cases_clock", "t.case_id = %s", of_case, clock, cases, where)
            step = {"id": own_id, "case_id": own, "department_id": unit, "due_on": due}
            step |= {"opened_at": f"t.opened_at - {shift}", "done_at": f"t.done_at - {shift}"}
            _copy(cursor, "cases_task", "t.case_id = %s", of_case, step, cases, where)
            _copy(cursor, "cases_casematerial", "t.case_id = %s", of_case, {"id": own_id, "case_id": own}, cases, where)
            paper = {"id": own_id, "case_id": own, "number": "left(t.number, 40) || '-' || n", "wants_seal": "false"}
            paper |= {"verify_code": "substr(md5(t.id::text || n), 1, 20)", "issued_at": f"t.issued_at - {shift}"}
            _copy(cursor, "cases_notice", "t.case_id = %s AND t.kind = 'receipt'", of_case, paper, cases, where)
        for table in TABLES:
            cursor.execute(f"VACUUM {table}")
        cursor.execute("ANALYZE")
    return time.monotonic() - began


def _last_days(cursor: Any, pattern: Case) -> None:
    """The last day of each of its clocks when they begin so many days earlier, as the calendar has it."""
    calendar = catalog.work_calendar()
    cursor.execute("CREATE TEMPORARY TABLE bench_due (kind text, days int, last_day date, PRIMARY KEY (kind, days))")
    with cursor.copy("COPY bench_due (kind, days, last_day) FROM STDIN") as rows:
        for clock in pattern.clocks.all():
            for days in range(20 + 1000):
                started = clock.started_on - timedelta(days=days)
                rows.write_row(
                    (clock.kind, days, rules.due(started, Limit(clock.limit, Unit(clock.unit)), (), calendar)[0])
                )


def _id(what: str, n: str = "n") -> str:
    """The n-th id of something, ascending as those of the platform are."""
    return f"('0190' || lpad(to_hex({n}), 12, '0') || substr(md5({what}), 1, 16))::uuid"


def _patterns(seed: Seed) -> tuple[Case, Case]:
    """One case delivered and one accepted, through the actions."""
    at = timezone.now() - timedelta(hours=1)
    clerk, center = _staff(seed, "clerk"), ServiceCenter.objects.get(pk=seed.center)
    found = []
    for n in range(2):
        version = ItemVersion.objects.select_related("item__department", "item__region").get(
            pk=seed.versions["promised"]
        )
        materials = {one.pk: Handed("complete") for one in version.materials.all()}
        applicant = Applicant.objects.get(pk=seed.applicants[n])
        case = actions.receive(version, applicant, center=center, materials=materials, by=clerk, at=at)
        found.append(actions.accept(case.pk, by=clerk, at=at))
    for task in found[0].tasks.filter(done_at=None, kind="review"):
        actions.complete_task(task.pk, outcome="passed", opinion="符合要求。", by=_staff(seed, "approver"), at=at)
    actions.decide(found[0].pk, outcome="granted", by=_staff(seed, "leader"), at=at)
    while found[0].tasks.filter(done_at=None, kind="make").exists():
        actions.make_certificate(found[0].pk, by=clerk, at=at)
    return actions.deliver(found[0].pk, how="window", by=clerk, at=at), found[1]


def _staff(seed: Seed, name: str) -> Staff:
    return Staff.objects.select_related("user", "department").get(pk=seed.staff[name])


def _units(seed: Seed) -> list[Any]:
    """UNITS departments; the first is the seed's own."""
    own = _staff(seed, "approver").department
    made = Department.objects.bulk_create(
        Department(region_id=seed.region, code=f"unit-{n}", name=f"演示单位 {n}") for n in range(1, UNITS)
    )
    return [own.pk, *(one.pk for one in made)]


def _copy(
    cursor: Any, table: str, pattern: str, of: list[Any], own: Mapping[str, str], count: int, where: str = "true"
) -> None:
    """Insert the rows of `table` that fit `pattern` once for every n from 1 to count, with `own` columns anew."""
    cursor.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND table_schema = 'public'"
        " AND is_identity = 'NO' AND is_generated = 'NEVER'",
        [table],
    )
    columns = [name for (name,) in cursor.fetchall()]
    values = ", ".join(own.get(name, f't."{name}"') for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    # A percent sign in a statement with arguments is doubled.
    body = f"SELECT {values} FROM {table} AS t, generate_series(1, {count}) AS n WHERE {where} AND "
    cursor.execute(f"INSERT INTO {table} ({names}) {body.replace('%', '%%')}{pattern}", of)


def bench(seed: Seed, *, seconds: float) -> tuple[list[Figure], dict[str, int]]:
    """Return how long each page takes in this process, and how many statements, for people of one unit and of all."""
    from django.test import Client

    approver, leader = _staff(seed, "approver"), _staff(seed, "leader")
    unit = Department.objects.get(region=seed.region, code="unit-1")
    numbers = list(
        Case.objects.filter(region=seed.region, query_no__startswith="BN-", status="accepted", department=unit)
        .order_by("pk")
        .values_list("query_no", flat=True)[:200]
    )
    RoleGrant.objects.filter(staff=approver).update(department=unit)
    some = Case.objects.select_related("applicant").get(query_no=numbers[0])
    pages = [
        ("my tasks", approver, ["/workbench/tasks"]),
        ("tasks of the whole unit", approver, ["/workbench/tasks?whose=unit"]),
        ("cases of a unit", approver, ["/workbench/cases"]),
        ("case page", approver, [f"/workbench/cases/{number}" for number in numbers]),
        ("cases of the region", leader, ["/workbench/cases"]),
        ("cases of the region, overdue", leader, ["/workbench/cases?due=overdue"]),
        ("cases by status and unit", leader, [f"/workbench/cases?status=delivered&department={unit.pk}"]),
        ("case by its number", leader, [f"/workbench/cases?q={some.query_no}"]),
        ("tasks of the region", leader, ["/workbench/tasks?whose=unit"]),
        ("first page", leader, ["/workbench/"]),
        ("workload of the region", leader, ["/workbench/workload"]),
    ]
    rows, counts = [], {}
    for what, who, paths in pages:
        client = Client(headers={"host": "127.0.0.1"})
        client.force_login(who.user, backend="allauth.account.auth_backends.AuthenticationBackend")
        if client.get(paths[0]).status_code != 200:
            raise RuntimeError(f"{client.get(paths[0]).status_code} for {paths[0]}")
        with recording() as sent:
            client.get(paths[0])
        counts[what] = len(sent)
        took: list[float] = []
        until = time.perf_counter() + seconds
        while (began := time.perf_counter()) < until or len(took) < 5:
            client.get(paths[len(took) % len(paths)])
            took.append(time.perf_counter() - began)
        rows.append(figure(what, 1, [sum(took), *took]))
    return rows, counts
