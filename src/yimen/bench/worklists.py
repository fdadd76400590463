"""
A centre with very many cases: how long the list of cases, my tasks and the page of a case take then.

Two cases go through the actions, one of them to its end; the rest are copies of these two with their clocks, steps,
materials and first document, made by the database itself: numbers, applicants, units, days and hours their own, last
days by the calendar, one in fifty still running. The ledger is not copied: a case's page reads one stream of it by its
key.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

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
TABLES = ("cases_notice", "cases_case", "cases_task", "cases_casematerial", "cases_clock", "people_applicant")
# Tables filled at the same time.
AT_ONCE = 2


def fill(platform: Platform, seed: Seed, cases: int) -> float:
    """Make about so many cases and return the seconds it took."""
    began = time.monotonic()
    ended, running = _patterns(seed)
    rows = _rows(ended, running, _units(seed), cases)
    admin = platform.urls.admin
    with _roomy(admin), _last_days(admin, ended), ThreadPoolExecutor(AT_ONCE) as tables:
        # Every reference is to a row that some table of these will hold, so they are filled side by side.
        for done in [tables.submit(_fill_table, admin, table, copies) for table, copies in rows.items()]:
            done.result()
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("ANALYZE")
    return time.monotonic() - began


def _rows(ended: Case, running: Case, units: list[Any], cases: int) -> dict[str, list[_Copies]]:
    """What each table is to hold more, the widest first."""
    person = {
        "id": _id("'person'"),
        "name": "substr('赵钱孙李周吴郑王冯陈', 1 + n % 10, 1) || '演示' || n",
        "id_index": "sha256(('id' || n)::bytea)",
        "phone_index": "sha256(('phone' || n)::bytea)",
        "user_id": "NULL",
    }
    rows: dict[str, list[_Copies]] = {table: [] for table in TABLES}
    rows["people_applicant"].append(_Copies("t.id = %s", ended.applicant_id, person, PEOPLE))
    listed = "ARRAY[" + ", ".join(f"'{pk}'" for pk in units) + "]::uuid[]"
    for case, only in ((ended, False), (running, True)):
        where = f"n % {ONE_OPEN_IN} {'=' if only else '<>'} 0"
        days = f"(n / {ONE_OPEN_IN} % 10)" if only else "(20 + n % 1000)"
        due = f"(SELECT d.last_day FROM bench_due AS d WHERE d.kind = 'promised' AND d.days = {days})"
        # Not two at the same moment, as in life; all within the working hours before.
        shift = f"(({days} || ' days')::interval + (n::bigint * 7919 % 14400000 || ' ms')::interval)"
        unit = f"({listed})[1 + (n * 7 + n / {ONE_OPEN_IN}) % {UNITS}]"
        own, own_id = _id("'case'"), _id("t.id::text")
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
        clock = {"id": own_id, "case_id": own}
        clock |= {day: f"t.{day} - {days}::int" for day in ("started_on", "ended_on")}
        clock["due_on"] = due.replace("'promised'", "t.kind")
        step = {"id": own_id, "case_id": own, "department_id": unit, "due_on": due}
        step |= {"opened_at": f"t.opened_at - {shift}", "done_at": f"t.done_at - {shift}"}
        paper = {"id": own_id, "case_id": own, "number": "left(t.number, 40) || '-' || n", "wants_seal": "false"}
        paper |= {"verify_code": "substr(md5(t.id::text || n), 1, 20)", "issued_at": f"t.issued_at - {shift}"}
        for table, pattern, values in (
            ("cases_case", "t.id = %s", row),
            ("cases_clock", "t.case_id = %s", clock),
            ("cases_task", "t.case_id = %s", step),
            ("cases_casematerial", "t.case_id = %s", {"id": own_id, "case_id": own}),
            ("cases_notice", "t.case_id = %s AND t.kind = 'receipt'", paper),
        ):
            rows[table].append(_Copies(pattern, case.pk, values, cases, where))
    return rows


@dataclass(frozen=True)
class _Copies:
    """The rows of a table that fit `pattern` for `of`, once for every n from 1 to `count`, with `own` columns anew."""

    pattern: str
    of: UUID
    own: Mapping[str, str]
    count: int
    where: str = "true"


def _fill_table(admin: str, table: str, copies: list[_Copies]) -> None:
    with psycopg.connect(admin, autocommit=True) as connection:
        cursor = connection.cursor()
        # Copies of what the actions made: every reference is to a row that is or will be there.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET synchronous_commit = off")
        cursor.execute("SET maintenance_work_mem = '256MB'")
        with _without_indexes(cursor, table):
            for some in copies:
                _copy(cursor, table, some)
        cursor.execute(f"VACUUM {table}")


@contextmanager
def _without_indexes(cursor: Any, table: str) -> Iterator[None]:
    """Indexes and unique constraints of a table are put up again when it is full, which is several times quicker."""
    cursor.execute(
        "SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),"
        " format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))"
        " FROM pg_constraint WHERE conrelid = %(table)s::regclass AND contype = 'u'"
        " UNION ALL SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)"
        " FROM pg_index WHERE indrelid = %(table)s::regclass"
        " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))",
        {"table": table},
    )
    taken = cursor.fetchall()
    for drop, _make in taken:
        cursor.execute(drop)
    yield
    for _drop, make in taken:
        cursor.execute(make)


@contextmanager
def _roomy(admin: str) -> Iterator[None]:
    """Room for the whole load in the write-ahead log, so that no page is written out again and again meanwhile."""
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET max_wal_size = '16GB'")
        connection.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            connection.execute("ALTER SYSTEM RESET max_wal_size")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("CHECKPOINT")


@contextmanager
def _last_days(admin: str, pattern: Case) -> Iterator[None]:
    """A table of the last day of each of its clocks when they begin so many days earlier, as the calendar has it."""
    calendar = catalog.work_calendar()
    with psycopg.connect(admin, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_due (kind text, days int, last_day date, PRIMARY KEY (kind, days))")
        with cursor.copy("COPY bench_due (kind, days, last_day) FROM STDIN") as rows:
            for clock in pattern.clocks.all():
                limit = Limit(clock.limit, Unit(clock.unit))
                for days in range(20 + 1000):
                    started = clock.started_on - timedelta(days=days)
                    rows.write_row((clock.kind, days, rules.due(started, limit, (), calendar)[0]))
        cursor.execute("ANALYZE bench_due")
        try:
            yield
        finally:
            cursor.execute("DROP TABLE bench_due")


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


def _copy(cursor: Any, table: str, some: _Copies) -> None:
    cursor.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND table_schema = 'public'"
        " AND is_identity = 'NO' AND is_generated = 'NEVER'",
        [table],
    )
    columns = [name for (name,) in cursor.fetchall()]
    values = ", ".join(some.own.get(name, f't."{name}"') for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    # A percent sign in a statement with arguments is doubled.
    body = f"SELECT {values} FROM {table} AS t, generate_series(1, {some.count}) AS n WHERE {some.where} AND "
    cursor.execute(f"INSERT INTO {table} ({names}) {body.replace('%', '%%')}{some.pattern}", [some.of])


def bench(seed: Seed, *, seconds: float) -> tuple[list[Figure], dict[str, int]]:
    """Return how long each page takes in this process, and how many statements, for people of one unit and of all."""
    from django.test import Client

    from yimen.web.process import settle_memory

    settle_memory()  # as each web process does when it starts
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
