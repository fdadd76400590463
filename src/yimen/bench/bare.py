"""
A bare Django application on the same server, driver and database, without any duty: to see what is Django's.

Each request changes one row, writes another, in one transaction, and answers 303; eight requests are a life. No
session, no CSRF, no rights, no clocks, no documents, no ledger, no key.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import psycopg
from django.conf import settings

from yimen.bench.measure import Figure, figure, processor, run_for
from yimen.faults.client import Client
from yimen.faults.platform import Platform
from yimen.lib.supervise import PARENT

WHAT = "bare Django, 8 requests, HTTP"
REQUESTS, ROWS, PROCESSES, WARM = 8, 1_000, 2, 16
TABLES = f"""
CREATE TABLE IF NOT EXISTS bare_case (id int PRIMARY KEY, step int NOT NULL DEFAULT 0);
INSERT INTO bare_case SELECT n FROM generate_series(0, {ROWS - 1}) n ON CONFLICT DO NOTHING;
CREATE TABLE IF NOT EXISTS bare_event (id bigserial PRIMARY KEY, case_id int NOT NULL, at timestamptz NOT NULL);
GRANT SELECT, INSERT, UPDATE ON bare_case, bare_event TO yimen_app;
GRANT USAGE ON SEQUENCE bare_event_id_seq TO yimen_app;
"""


def bench(platform: Platform, *, seconds: float, clients: tuple[int, ...]) -> list[Figure]:
    """Lives a second and processor time a request, for each number of clients."""
    with psycopg.connect(platform.urls.owner) as owner:
        owner.execute(TABLES)
    rows = []
    with _serving(platform) as (port, pids):
        for many in clients:
            run_for(seconds, many, lambda n: _life(port, n), most=WARM * many)
            before = processor(pids), processor(platform.backend_pids())
            took = run_for(seconds, many, lambda n: _life(port, n))
            after = processor(pids), processor(platform.backend_pids())
            row = figure(WHAT, many, took, statements=2 * REQUESTS)
            requests = REQUESTS * (len(took) - 1)
            row.web_ms, row.database_ms = (
                (late - early) * 1000 / requests for early, late in zip(before, after, strict=True)
            )
            rows.append(row)
    return rows


def _life(port: int, n: int) -> Callable[[], None]:
    client, turn = Client(port), count(n * 97)

    def once() -> None:
        case = next(turn) % ROWS
        for _ in range(REQUESTS):
            reply = client.submit(f"/cases/{case}", {})
            if reply.status != 303:
                raise RuntimeError(f"{reply.status} of the bare application: {reply.text[:200]}")

    return once


@contextmanager
def _serving(platform: Platform) -> Iterator[tuple[int, list[int]]]:
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        listener.set_inheritable(True)
        command = [sys.executable, "-m", "yimen.bench.bare", str(listener.fileno())]
        environment = os.environ | {"DATABASE_URL": platform.urls.app, "YIMEN_DB_POOL": "1"}
        environment |= {
            "DJANGO_SETTINGS_MODULE": "yimen.settings",
            "YIMEN_HOME": str(platform.home),
            PARENT: str(os.getpid()),
        }
        running = [
            subprocess.Popen(command, env=environment, pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL)
            for _ in range(PROCESSES)
        ]
        try:
            yield listener.getsockname()[1], [one.pid for one in running]
        finally:
            for one in running:
                one.terminate()
            for one in running:
                one.wait()


def main() -> None:
    """One web process of the bare application; its settings are the platform's where both have them."""
    from yimen import settings as ours

    names = ("DATABASES", "TIME_ZONE", "USE_TZ", "BODY_SECONDS", "BODY_MAX_BYTES", "MAX_CONNECTIONS", "WEB_THREADS")
    settings.configure(
        **{name: getattr(ours, name) for name in (*names, "TRUSTED_PROXIES")},
        ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, MIDDLEWARE=[], INSTALLED_APPS=[],
        SECRET_KEY="-",
    )  # fmt: skip
    from django.core.wsgi import get_wsgi_application

    from yimen.lib import supervise
    from yimen.web import process
    from yimen.web.front import Gate, Threads

    supervise.die_with_parent()
    pages = Threads(get_wsgi_application(), settings.WEB_THREADS)
    gate = Gate(pages, seconds=settings.BODY_SECONDS, max_bytes=settings.BODY_MAX_BYTES, most=1_000)
    _define()
    process.settle_memory()
    process.Server(process.configuration(gate), None).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])


urlpatterns: list[Any] = []


def _define() -> None:
    """The models, the page and its address; made here, so that nobody who imports this module meets them."""
    from django.db import models, transaction
    from django.http import HttpRequest, HttpResponseRedirect
    from django.urls import path
    from django.utils import timezone

    class Case(models.Model):
        id = models.IntegerField(primary_key=True)
        step = models.IntegerField(default=0)

        class Meta:
            app_label, db_table = "bare", "bare_case"

    class Event(models.Model):
        case = models.ForeignKey(Case, models.DO_NOTHING)
        at = models.DateTimeField()

        class Meta:
            app_label, db_table = "bare", "bare_event"

    def act(request: HttpRequest, case: int) -> HttpResponseRedirect:
        with transaction.atomic():
            Case._default_manager.filter(pk=case).update(step=models.F("step") + 1)
            Event._default_manager.create(case_id=case, at=timezone.now())
        return HttpResponseRedirect(request.path, status=303)

    urlpatterns.append(path("cases/<int:case>", act))


if __name__ == "__main__":
    main()
