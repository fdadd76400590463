"""
A case's whole life over HTTP in eight acts: receive, accept, two parallel reviews, decide, make the certificate,
deliver, rate; and the same statements sent raw beside it.

    python -m yimen.bench --lifecycle [--short]

The reviewers, the decider and the clerk are different people, each with a session of their own; every act carries a
key and is written in the ledger. The applicant has been here before. What lies between delivery and rating (the
invitation, which the worker makes) is written by the client in one statement, inside the time.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import psycopg
from django.utils import timezone

from yimen.bench import bare
from yimen.bench.measure import UUIDS, Figure, Replay, Statement, figure, processor, raw_client, recording, run_for
from yimen.cases.models import Case
from yimen.certificates.models import Certificate
from yimen.faults.client import Client
from yimen.faults.platform import Platform
from yimen.faults.seed import Seed, session_of
from yimen.lib.ids import uuid7
from yimen.ratings.models import RatingScope

ACTS = ("receive", "accept", "review", "second review", "decide", "make", "deliver", "rate")
WARM, WARM_SECONDS = 16, 40
WHAT = "lifecycle of 8 acts, HTTP"
# How a page is sent: path and fields; what comes back: status and Location.
Send = Callable[[str, dict[str, Any]], tuple[int, str]]

_lives = count()


class Unexpected(Exception):
    """The server answered something else than the act's success."""


@dataclass
class Desk:
    """Sessions of the four people who work on one client's cases."""

    clerk: str
    reviewers: tuple[str, str]
    decider: str


@dataclass
class Stage:
    """The item whose cases are lived through, its materials, and the desks, one for each client."""

    item: str
    version: str
    materials: list[str]
    applicants: list[str]
    desks: list[Desk]


def prepare(seed: Seed, desks: int) -> Stage:
    """Publish an item with two parallel reviews and a certificate, and open accounts for who works on it."""
    from yimen.catalog import search
    from yimen.catalog.models import CaseType, FlowStep, ItemMaterial, ItemType, ItemVersion, ServiceItem
    from yimen.ledger.actions import SYSTEM
    from yimen.people import actions as people
    from yimen.people.models import Role, Staff

    now = timezone.now()
    someone = Staff.objects.select_related("department", "center", "region").get(pk=seed.staff["clerk"])
    item = ServiceItem.objects.create(
        region=someone.region, department=someone.department, task_code=f"11500000MB2D06811W40001{90000000:08d}",
        name="食品生产许可（演示）", item_type=ItemType.LICENSE,
    )  # fmt: skip
    version = ItemVersion.objects.create(
        item=item, number=1, state=ItemVersion.State.PUBLISHED, name=item.name, legal_basis="《演示条例》第一条",
        case_type=CaseType.PROMISED, promised_limit=9, statutory_limit=20, result_name="演示许可证",
        themes=["开店办企业"],
    )  # fmt: skip
    item.published = version
    search.index(item, version, someone.department.name)
    item.save(update_fields=["published", *search.INDEXED])
    materials = ItemMaterial.objects.bulk_create(
        [
            ItemMaterial(version=version, position=1, name="申请表"),
            ItemMaterial(version=version, position=2, name="身份证", kind=ItemMaterial.Kind.BOTH),
            ItemMaterial(version=version, position=3, name="营业执照", source=ItemMaterial.Source.SHARED),
        ]
    )
    kinds, after = FlowStep.Kind, {
        "receive": [], "accept": ["receive"], "review": ["accept"], "review-2": ["accept"],
        "decide": ["review", "review-2"], "make": ["decide"], "deliver": ["make"],
    }  # fmt: skip
    FlowStep.objects.bulk_create(
        FlowStep(
            version=version, position=position, key=key, name=key, kind=kinds(key.partition("-")[0]), post="审批岗",
            authority="办理本事项", limit_days=1, after=waits,
        )
        for position, (key, waits) in enumerate(after.items())
    )  # fmt: skip

    def person(n: int) -> str:
        staff = people.open_account(
            region=someone.region, department=someone.department, center=someone.center, number=f"L{n:04d}",
            name="审批人（演示）", username=f"bench-lifecycle-{n}", password=None, by=SYSTEM, at=now,
            must_change_password=False,
        )  # fmt: skip
        people.grant_role(staff, Role.APPROVER, by=SYSTEM, at=now)
        return session_of(staff)

    numbers = count()
    clerks = [session for _window, session in seed.windows[:desks]]
    return Stage(
        str(item.pk),
        str(version.pk),
        [str(material.pk) for material in materials],
        seed.applicants,
        [Desk(clerk, (person(next(numbers)), person(next(numbers))), person(next(numbers))) for clerk in clerks],
    )


@dataclass
class Life:
    """
    One case after another through the pages.

    clerk … public: by whom a form is sent. ask: sends one statement of the harness itself. case, token: of the last
    case.
    """

    stage: Stage
    clerk: Send
    reviewers: tuple[Send, Send]
    decider: Send
    public: Send
    ask: Callable[[str, Sequence[Any]], list[Any]]
    case: str = ""
    token: str = ""

    def steps(self) -> list[tuple[str, Callable[[], Any]]]:
        """The acts of one new case in order, and between them what the worker would do (INVITE)."""
        stage, waiting = self.stage, list[UUID]()
        fields = {
            "version": stage.version, "known": stage.applicants[next(_lives) % len(stage.applicants)],
            **{f"state-{pk}": "complete" for pk in stage.materials},
        }  # fmt: skip

        def act(send: Send, path: str, fields: dict[str, Any]) -> str:
            status, where = send(path, fields)
            if status != 303:
                raise Unexpected(f"{status} for {path}")
            return where

        def receive() -> None:
            where = act(self.clerk, f"/workbench/window/receive/{stage.item}", fields)
            found = re.search(r"case=([A-Z0-9-]+)", where)
            if found is None:
                raise Unexpected(f"no case was received: {where}")
            self.case = found[1]

        def at(what: str) -> str:
            return f"/workbench/cases/{self.case}/{what}"

        def accept() -> None:
            act(self.clerk, at("accept"), {})
            waiting[:] = [row[0] for row in self.ask(_TASKS, [self.case])]

        def review(n: int) -> None:
            act(self.reviewers[n], at(f"tasks/{waiting[n]}"), {"outcome": "passed", "opinion": "符合要求"})

        def invite() -> None:
            now, self.token = timezone.now(), secrets.token_urlsafe(16)
            self.ask(_INVITE, [uuid7(), self.token, RatingScope.MATTER.value, now, now + timedelta(days=7), self.case])

        return [
            ("receive", receive),
            ("accept", accept),
            ("review", lambda: review(0)),
            ("second review", lambda: review(1)),
            ("decide", lambda: act(self.decider, at("decide"), {"outcome": "granted"})),
            ("make", lambda: act(self.decider, at("certificate"), {})),
            ("deliver", lambda: act(self.clerk, at("deliver"), {"how": "window"})),
            (INVITE, invite),
            ("rate", lambda: act(self.public, f"/r/{self.token}/level", {"level": "very_good"})),
        ]

    def once(self) -> None:
        for _name, step in self.steps():
            step()


INVITE = "invite"
# The cookie with the words of success; the page that follows an act shows them and ends it.
SAID = "messages"
_TASKS = (
    "SELECT t.id FROM cases_task t JOIN cases_case c ON c.id = t.case_id"
    " WHERE c.query_no = %s AND t.kind = 'review' ORDER BY t.step_key"
)
_INVITE = (
    "INSERT INTO ratings_invitation (id, region_id, token, scope, case_id, center_id, department_id, made_at,"
    " expires_at) SELECT %s, region_id, %s, %s, id, center_id, department_id, %s, %s FROM cases_case"
    " WHERE query_no = %s"
)


def over_http(stage: Stage, port: int, url: str, n: int) -> Life:
    """A life through the real server; every person has a connection of their own."""
    database = psycopg.connect(url, autocommit=True)

    def sender(session: str) -> Send:
        client = Client(port, session)

        def send(path: str, fields: dict[str, Any]) -> tuple[int, str]:
            reply = client.submit(path, fields, key=uuid4().hex)
            client.cookies.pop(SAID, None)
            return reply.status, reply.headers.get("location", "")

        return send

    def ask(statement: str, values: Sequence[Any]) -> list[Any]:
        cursor = database.execute(statement, values)
        return cursor.fetchall() if cursor.description else []

    return _at_desk(stage, n, sender, ask)


def _at_desk(stage: Stage, n: int, sender: Callable[[str], Send], ask: Any) -> Life:
    desk = stage.desks[n]
    first, second = desk.reviewers
    return Life(stage, sender(desk.clerk), (sender(first), sender(second)), sender(desk.decider), sender(""), ask)


@dataclass
class Recorded:
    """The statements of each act of one life, BEGIN and COMMIT left out. fresh: texts that must be unique in them."""

    acts: dict[str, list[Statement]] = field(default_factory=dict)
    fresh: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        return {name: len(self.acts[name]) for name in ACTS}


def record(stage: Stage) -> Recorded:
    """Live one life through Django's test client, the process being warm, and note what the database is sent."""
    from django.db import connection
    from django.test import Client as TestClient

    found = Recorded()

    def sender(session: str) -> Send:
        client = TestClient(headers={"host": "127.0.0.1"})
        client.cookies["yimen_session"] = session

        def send(path: str, fields: dict[str, Any]) -> tuple[int, str]:
            found.fresh.append(uuid4().hex)
            response = client.post(path, fields | {"_key": found.fresh[-1]})
            client.cookies.pop(SAID, None)
            return response.status_code, response.headers.get("Location", "")

        return send

    def ask(statement: str, values: Sequence[Any]) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    life = _at_desk(stage, 0, sender, ask)
    life.once()
    found.fresh.clear()
    for name, step in life.steps():
        with recording() as sent:
            step()
        found.acts[name] = [one for one in sent if one[0] != _TASKS]
    case = Case.objects.get(query_no=life.case)
    found.fresh += [case.case_no, case.query_no, life.token]
    for kept in (case.notices, Certificate.objects.filter(case_no=case.case_no)):
        found.fresh += [text for pair in kept.values_list("number", "verify_code") for text in pair]
    return found


def bench(
    stage: Stage, platform: Platform, *, seconds: float, clients: tuple[int, ...] = (1, 8)
) -> tuple[list[Figure], dict[str, int]]:
    """Lives a second over HTTP beside the same statements raw, for each number of clients; and statements an act."""
    first, second = record(stage), record(stage)
    # What two lives have in common was there before them.
    known = set(UUIDS.findall(repr(first.acts))) & set(UUIDS.findall(repr(second.acts))) | {*stage.applicants}
    order = [*ACTS[:-1], INVITE, ACTS[-1]]
    replay = Replay([second.acts[name] for name in order], known, second.fresh)
    url, rows = platform.urls.app, []
    for many in clients:
        # Until every connection of the pool has its statements planned for good: seven rounds each.
        run_for(WARM_SECONDS, many, lambda n: over_http(stage, platform.port, url, n).once, most=WARM * many)
        raw = run_for(seconds, many, lambda n: raw_client(url, replay))
        before = _processors(platform)
        took = run_for(seconds, many, lambda n: over_http(stage, platform.port, url, n).once)
        after = _processors(platform)
        row = figure(WHAT, many, took, statements=sum(second.counts().values()))
        row.raw_per_second = (len(raw) - 1) / raw[0]
        acts = len(ACTS) * (len(took) - 1)
        row.web_ms, row.database_ms = ((late - early) * 1000 / acts for early, late in zip(before, after, strict=True))
        rows.append(row)
    return [*rows, *bare.bench(platform, seconds=seconds, clients=clients)], second.counts()


def _processors(platform: Platform) -> tuple[float, float]:
    """Seconds used so far by the web processes, and by the database's that serve the application."""
    return processor(platform.web_pids()), processor(platform.backend_pids())
