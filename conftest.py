"""
Every run gets its own PostgreSQL server, gone when the run ends, and every xdist worker its own database.

Tests speak as the application's role, which owns nothing; `owner_connection` and `admin_connection` are for the tests
that need more. With DATABASE_URL, DATABASE_OWNER_URL and DATABASE_ADMIN_URL set, that server is used instead.

Databases are copied from a migrated template, which is kept under .yimen/test-cache until a migration changes. The
server and all temporary files stand in memory where there is plenty: on disk a new database costs ten times as much.
"""

import contextlib
import fcntl
import gc
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TypeVar

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql

from yimen import testing
from yimen.lib import database_url, embedded, messages

# A busy machine is slow; that says nothing of the code.
settings.register_profile("yimen", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("yimen")

ROOT = Path(__file__).resolve().parent
ADDRESSES = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_ADMIN_URL")
KEPT_TEMPLATES = 4
MEMORY = Path("/dev/shm")  # noqa: S108 (a folder with a name of its own is made in it)
PLENTY = 6_000_000_000  # bytes; a run of the whole suite needs less than two
T = TypeVar("T")


def _key() -> str:
    """Return a name that changes with everything the template database is made from."""
    digest = hashlib.sha256(embedded.SETUP.encode() + b"with an installation")
    digest.update(embedded.version_of(embedded.binaries()).encode())
    digest.update(os.environ.get("DJANGO_SETTINGS_MODULE", "").encode())
    for pattern in (
        "src/yimen/**/migrations/*.py",
        "src/yimen/**/*.sql",
        "src/yimen/catalog/data/*",
        "requirements/base.txt",
    ):
        for path in sorted(ROOT.glob(pattern)):
            digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _make_template(urls: embedded.Urls) -> str:
    """Return the name of the migrated template database on this server, made when it is not there yet."""
    name = f"yimen_template_{_key()}"
    with psycopg.connect(urls.for_database("postgres").admin, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(2026)")  # released when the connection closes
        half = f"{name}_half"
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return name
        _create_database(connection, half, "template0")
        embedded.set_up_database(urls.for_database(half).admin)
        environment = os.environ | urls.for_database(half).environment()
        environment |= {"YIMEN_DB_ROLE": "owner", "YIMEN_DB_POOL": "0", "PYTHONPATH": str(ROOT / "src")}
        environment |= {"YIMEN_SECRET_KEY": "only-for-tests", "YIMEN_FIELD_KEY": "only-for-tests".ljust(64, "x")}
        done = subprocess.run(
            [sys.executable, "-m", "django", "migrate", "--skip-checks", "--verbosity", "0"],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise pytest.UsageError(f"The migrations do not run:\n{done.stderr}")
        connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(half), sql.Identifier(name)))
    return name


def _make_installation(urls: embedded.Urls, template: str) -> None:
    """Give the platform's own database the template's tables: a copy of this server is a migrated installation."""
    with psycopg.connect(urls.for_database("postgres").admin, autocommit=True) as connection:
        _create_database(connection, embedded.DATABASE, template)
    embedded.set_up_database(urls.admin)


def _create_database(connection: psycopg.Connection, name: str, template: str) -> None:
    database = sql.Identifier(name)
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))
    connection.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY file_copy").format(
            database, sql.Identifier(template), sql.Identifier(embedded.OWNER)
        )
    )
    connection.execute(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(database))


def _free_memory() -> int:
    """Bytes that files in memory may take; 0 where there is no such place."""
    try:
        place = os.statvfs(MEMORY)
        available = re.search(r"MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text())
    except OSError:
        return 0
    return min(place.f_bavail * place.f_frsize, int(available[1]) * 1024) if available else 0


def _remove_old_runs(place: Path) -> None:
    """Clear away what runs left that were killed."""
    for folder in place.glob("yimen-run-*"):
        with contextlib.suppress(OSError), (folder / "claim").open("a") as claim:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


class Run:
    """The server of this run: an own one, an outside one, or (in an xdist worker) that of the run's first process."""

    def __init__(self) -> None:
        self.server: embedded.Server | None = None
        self.folder: Path | None = None
        self.claim: IO[str] | None = None
        self.urls: embedded.Urls | None = None
        self.template = ""

    def begin(self) -> embedded.Urls:
        if self.urls:
            return self.urls
        if os.environ.get("DATABASE_URL"):
            missing = [name for name in ADDRESSES if not os.environ.get(name)]
            if missing:
                raise pytest.UsageError(f"With DATABASE_URL, the tests also need {' and '.join(missing)}.")
            self.urls = embedded.Urls(*(os.environ[name] for name in ADDRESSES))
        else:
            self._own_server()
        assert self.urls
        self.template = os.environ.get("YIMEN_TEST_TEMPLATE", "") or _make_template(self.urls)
        return self.urls

    def export(self) -> None:
        """Tell the xdist workers, which inherit the environment."""
        os.environ |= self.begin().environment()
        os.environ["YIMEN_TEST_TEMPLATE"] = self.template

    def make_folder(self) -> None:
        """Make this run's folder, if it can be in memory, for the server and for every temporary file of the tests."""
        cache = self.cache()
        cache.mkdir(parents=True, exist_ok=True)
        place = MEMORY if _free_memory() > PLENTY else cache
        with (place / f"yimen-runs-{os.geteuid()}.lock").open("a") as lock:  # runs of other clones wait here too
            fcntl.flock(lock, fcntl.LOCK_EX)
            _remove_old_runs(place)
            self.folder = Path(tempfile.mkdtemp(prefix="yimen-run-", dir=place))
            self.folder.chmod(0o755)
            self.claim = (self.folder / "claim").open("a")
            fcntl.flock(self.claim, fcntl.LOCK_EX)  # held as long as this run lives
        if place == MEMORY:
            (self.folder / "tmp").mkdir()
            (self.folder / "tmp").chmod(0o755)
            os.environ["TMPDIR"] = tempfile.tempdir = str(self.folder / "tmp")

    @staticmethod
    def cache() -> Path:
        """What is kept from run to run."""
        return embedded.place_for(ROOT / ".yimen" / "test-cache", embedded.account_for(ROOT / "nowhere"))

    def _own_server(self) -> None:
        assert self.folder
        cache = self.cache()
        golden = cache / _key()
        with (cache / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # parallel runs wait for one of them to make the template
            if not (golden / "done").exists():
                with embedded.Server(self.folder / "postgres", fsync=False) as server:
                    _make_installation(server.urls, _make_template(server.urls))
                shutil.rmtree(golden, ignore_errors=True)
                golden.mkdir()
                self.copy(self.folder, golden)
            else:
                self.copy(golden, self.folder)
            (golden / "done").touch()
            templates = sorted(cache.glob("*/done"), key=lambda path: path.stat().st_mtime, reverse=True)
            for path in templates[KEPT_TEMPLATES:]:
                shutil.rmtree(path.parent, ignore_errors=True)
        self.server = embedded.Server(self.folder / "postgres", fsync=False)
        self.server.start()
        self.server.watch()
        self.urls = self.server.urls

    @staticmethod
    def copy(source: Path, target: Path) -> None:
        subprocess.run(["cp", "-a", source / "keys", source / "postgres", target], check=True)  # noqa: S603, S607

    def end(self) -> None:
        if self.server:
            self.server.stop()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
        if self.claim:
            self.claim.close()
        self.server = self.folder = self.urls = None


RUN = Run()
RUN_KEY = pytest.StashKey[Run]()
STATEMENTS = pytest.StashKey[testing.Statements]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--capabilities", action="store_true", help="list the acceptance rows the tests prove")
    parser.addoption("--another-server", action="store_true", help="only what may differ with the database server")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RUN_KEY] = RUN
    messages.refresh()
    if not hasattr(config, "workerinput"):
        RUN.make_folder()
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    config.stash[STATEMENTS] = testing.Statements(RUN.cache(), worker)
    # `-n 2` is known here as numprocesses; workers come later and find the addresses in their environment
    if (
        getattr(config.option, "numprocesses", None)
        and not hasattr(config, "workerinput")
        and not config.option.collectonly
    ):
        RUN.export()


def pytest_unconfigure(config: pytest.Config) -> None:
    RUN.end()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("another_server"):
        kept = [item for item in items if _differs_with_the_server(item)]
        # One process notes while others read: nothing is noted in these runs, so that all leave out the same.
        known = config.stash[STATEMENTS].read()
        here = {item.nodeid: known[item.nodeid] for item in kept if item.nodeid in known}
        always = {item.nodeid for item in kept if _is_about_the_server(item)}
        sent = {one for name in always & set(here) for one in here[name][1]}
        needless = testing.superfluous({name: one for name, one in here.items() if name not in always}, sent)
        kept = [item for item in kept if item.nodeid not in needless]
        config.hook.pytest_deselected(items=[item for item in items if item not in {*kept}])
        items[:] = kept
    # The long ones first, or one worker ends with them while the others have nothing left to take over.
    items.sort(key=lambda item: (not item.get_closest_marker("slow"), item.path.is_relative_to(ROOT / "src")))
    for item in items:
        rows = [row for marker in item.iter_markers("capability") for row in marker.args]
        if rows:
            item.user_properties.append(("capability", rows))


def pytest_collection_finish() -> None:
    """Spare the collector the thousands of things that stay to the end: an eighth of the time of a page's tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    started = time.monotonic()
    try:
        return (yield)
    finally:
        item.config.stash[STATEMENTS].note(item.nodeid, time.monotonic() - started)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not session.config.getoption("another_server"):
        session.config.stash[STATEMENTS].write()


def _is_about_the_server(item: pytest.Item) -> bool:
    """Locks, roles, several connections at once: more than statements."""
    fixtures = {"transactional_db", "server_urls", "owner_connection", "admin_connection"}
    mark = item.get_closest_marker("django_db")
    return bool(
        item.get_closest_marker("both_databases")
        or (mark and mark.kwargs.get("transaction"))
        or fixtures & set(getattr(item, "fixturenames", ()))
    )


def _differs_with_the_server(item: pytest.Item) -> bool:
    """Pages, commands and the demo say nothing to the database that the actions and reads below them do not say."""
    if item.get_closest_marker("both_databases"):
        return True
    if item.get_closest_marker("slow") or {"web", "commands", "demo"} & set(item.path.relative_to(ROOT).parts):
        return False
    fixtures = {"db", "transactional_db", "server_urls", "owner_connection", "admin_connection"}
    return bool(item.get_closest_marker("django_db") or fixtures & set(getattr(item, "fixturenames", ())))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not config.getoption("capabilities"):
        return
    outcomes: dict[str, dict[str, set[str]]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, rows in getattr(report, "user_properties", ()):
                if name != "capability" or (report.when != "call" and report.passed):
                    continue
                for row in rows:
                    outcomes.setdefault(row, {}).setdefault(report.outcome, set()).add(report.nodeid)
    listed = _acceptance_rows()
    proven = 0
    terminalreporter.section("capabilities")
    for row in sorted(outcomes, key=lambda row: [int(part) for part in re.findall(r"\d+", row)]):
        found = outcomes[row]
        state = "FAILED" if "failed" in found else "skipped" if "passed" not in found else "proven"
        proven += state == "proven" and (not listed or row in listed)
        known = listed.get(row, "not in the acceptance list" if listed else "")
        terminalreporter.write_line(f"{row:8} {state:8} {known}")
        for nodeid in sorted(set().union(*found.values())):
            terminalreporter.write_line(f"{'':17} {nodeid}")
    total = f" of {len(listed)}" if listed else " (the acceptance list is not beside this clone)"
    terminalreporter.write_line(f"{proven}{total} rows proven")


def _acceptance_rows() -> dict[str, str]:
    """Return the acceptance list's rows and their short names; nothing when it is not beside the clone."""
    path = Path(os.environ.get("YIMEN_SHARED", ROOT.parent / "shared")) / "domain" / "capabilities.md"
    if not path.exists():
        return {}
    cells = [line.split("|") for line in path.read_text().splitlines() if re.match(r"\| S\d+-\d+ \|", line)]
    return {row[1].strip(): row[4].strip() for row in cells}


class TestDatabase:
    """This process's database, put back to the template's state after each test that commits."""

    __test__ = False

    def __init__(self, run: Run, worker: str) -> None:
        self.name = f"yimen_test_{os.getpid()}_{worker}"
        self.server_urls = run.begin()
        self.template = run.template
        self.urls = self.server_urls.for_database(self.name)
        self.connection = psycopg.connect(self.server_urls.for_database("postgres").admin, autocommit=True)
        self.renew()

    def renew(self) -> None:
        if self.connection.closed or self.connection.broken:  # a test of faults may have killed the server
            self.connection = psycopg.connect(self.server_urls.for_database("postgres").admin, autocommit=True)
        _create_database(self.connection, self.name, self.template)

    def drop(self) -> None:
        if not self.connection.closed:
            with contextlib.suppress(psycopg.OperationalError):
                self.connection.execute(
                    sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(self.name))
                )
            self.connection.close()


@pytest.fixture(scope="session")
def django_db_setup(request: pytest.FixtureRequest, django_db_blocker) -> Iterator[TestDatabase]:
    """pytest-django's hook: our database instead of a test database made by Django."""
    from django.db import connections
    from django.test import TransactionTestCase

    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    database = TestDatabase(request.config.stash[RUN_KEY], worker)
    before = {name: os.environ.get(name) for name in ADDRESSES}
    os.environ |= database.urls.environment()  # for the commands that tests start
    connections["default"].settings_dict |= database_url.parse(database.urls.app)

    def renew(self: TransactionTestCase) -> None:
        # Django would TRUNCATE, which neither the application's role nor the ledger allows.
        connections["default"].close()
        database.renew()

    original = TransactionTestCase._fixture_teardown
    TransactionTestCase._fixture_teardown = renew
    connections["default"].execute_wrappers.append(request.config.stash[STATEMENTS])
    yield database
    TransactionTestCase._fixture_teardown = original
    with django_db_blocker.unblock():
        connections.close_all()
    database.drop()
    for name, value in before.items():
        os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)


@pytest.fixture(scope="module")
def once_for_module(django_db_setup: TestDatabase, django_db_blocker) -> Iterator[Callable[[Callable[[], T]], T]]:
    """
    Make costly rows once for the tests of a module: each begins with them, what it writes itself is taken back.

        @pytest.fixture(scope="module")
        def centre(once_for_module):
            return once_for_module(lambda: build.build(AT))

    Not for modules with transaction=True: those renew the database after each test. Python objects that are returned
    are shared; a test that changes one fetches its own.
    """
    from django.db import transaction

    with contextlib.ExitStack() as everything:
        with django_db_blocker.unblock():
            everything.enter_context(transaction.atomic())

        def make(rows: Callable[[], T]) -> T:
            with django_db_blocker.unblock():
                return rows()

        yield make
        with django_db_blocker.unblock():
            transaction.set_rollback(True)
            everything.close()


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Callable[[], Path]]:
    """Make new folders that the embedded server's account can enter too; pytest's own are closed to it."""
    made: list[Path] = []

    def make() -> Path:
        made.append(Path(tempfile.mkdtemp(prefix="yimen-test-")))
        made[-1].chmod(0o755)
        return made[-1]

    yield make
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def migrate_home() -> Callable[[Path], None]:
    """
    Put a migrated database and its keys into a new home, which a first start would take twenty seconds to make.

    Without a server of our own nothing is put there, and the first start makes them.
    """

    def fill(home: Path) -> None:
        golden = Run.cache() / _key()
        if (golden / "done").exists():
            home.mkdir(exist_ok=True)
            Run.copy(golden, home)

    return fill


@pytest.fixture(scope="session")
def chromium_of_the_session() -> Iterator[object]:
    from yimen.web.tests.chromium import Chromium

    chromium = Chromium()
    yield chromium
    chromium.stop()


@pytest.fixture(scope="session")
def server_urls(django_db_setup: TestDatabase) -> embedded.Urls:
    """The addresses of this process's database, for the three roles."""
    return django_db_setup.urls


@pytest.fixture
def owner_connection(transactional_db: None, server_urls: embedded.Urls) -> Iterator[psycopg.Connection]:
    """A psycopg connection (autocommit) as the role that owns the tables."""
    with psycopg.connect(server_urls.owner, autocommit=True) as connection:
        yield connection


@pytest.fixture
def admin_connection(transactional_db: None, server_urls: embedded.Urls) -> Iterator[psycopg.Connection]:
    """A psycopg connection (autocommit) as the superuser."""
    with psycopg.connect(server_urls.admin, autocommit=True) as connection:
        yield connection


@pytest.fixture(autouse=True)
def _in_the_source_language() -> None:
    """A page asked for in another language leaves it switched on in its thread; the next test begins anew."""
    from django.utils import translation

    translation.deactivate()


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Nobody else writes to this database: whatever is written is committed, and followers see it at once.

    The real horizon waits for the oldest transaction of the whole server, so for the tests of another worker too.
    """
    from django.db import connection

    from yimen.exchange import clients
    from yimen.ledger import followers

    def newest() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
            return int(cursor.fetchone()[0])

    monkeypatch.setattr(followers, "horizon", newest)
    monkeypatch.setattr(clients, "horizon", newest)
