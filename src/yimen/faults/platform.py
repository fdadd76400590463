"""
A whole platform of its own: `yimen serve` on a free loopback port, its own home, its own database.

Everything it starts is a child of this process and ends with it, even by kill -9.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from yimen.lib import embedded
from yimen.lib.supervise import PARENT

START_SECONDS = 90
STOP_SECONDS = 30


def configure() -> Path:
    """
    Set Django up for this process with keys of its own and return the folder everything of this run lives in.

    Call it once, first; the folder is the caller's to remove.
    """
    folder = Path(tempfile.mkdtemp(prefix="yimen-faults-"))
    folder.chmod(0o755)  # the database's account must be able to pass
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "yimen.faults.settings",
        "YIMEN_HOME": str(folder / "harness"),
        "YIMEN_SECRET_KEY": secrets.token_urlsafe(40),
        "YIMEN_FIELD_KEY": secrets.token_urlsafe(40),
        "YIMEN_DB_POOL": "0",
    }
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_ADMIN_URL", "YIMEN_DEMO", "YIMEN_DEBUG", PARENT):
        os.environ.pop(name, None)
    import django

    django.setup()
    return folder


@contextlib.contextmanager
def orm(urls: embedded.Urls) -> Iterator[None]:
    """Let Django in this process speak to that database, in this and every other thread."""
    from django.db import connections

    from yimen.lib import database_url

    connections["default"].close()
    connections["default"].settings_dict |= database_url.parse(urls.app)
    os.environ["DATABASE_URL"] = urls.app
    try:
        yield
    finally:
        connections["default"].close()
        os.environ.pop("DATABASE_URL", None)


class Platform:
    """
    One running platform.

    home: its YIMEN_HOME, already migrated and seeded (seed.prepare). environment: more settings for `yimen serve`,
    or None for a name that must be absent.
    """

    def __init__(self, home: Path, environment: dict[str, str | None] | None = None, *, worker: bool = False) -> None:
        self.home = home
        self.environment = environment or {}
        self.worker = worker
        self.log = home / "serve.log"
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.urls = embedded.Server(home / "postgres").urls

    def start(self) -> None:
        """Start, or start again on the same port; returns when it answers. Call it from the main thread."""
        assert threading.current_thread() is threading.main_thread()  # the kernel ties the child to this thread
        values: dict[str, str | None] = {
            **os.environ,
            "YIMEN_HOME": str(self.home),
            "YIMEN_DB_POOL": "1",
            "YIMEN_LOG_LEVEL": "WARNING",
            PARENT: str(os.getpid()),
            **self.environment,
        }
        command = [sys.executable, "-m", "yimen.cli", "serve", "--port", str(self.port)]
        with self.log.open("ab") as log:
            written = log.tell()
            self.process = subprocess.Popen(
                command if self.worker else [*command, "--no-worker"],
                env={name: value for name, value in values.items() if value is not None},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            said = self.log.read_bytes()[written:].decode(errors="replace")
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/", said):
                self.port = int(found[1])
                return
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"the platform did not start:\n{self.last_words()}")

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self) -> Platform:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def last_words(self) -> str:
        """What it printed last."""
        return self.log.read_text(errors="replace")[-3000:]

    # -- its processes -------------------------------------------------------------------------------------------

    def web_pids(self) -> list[int]:
        return [pid for pid, words in self._children() if b"yimen.web.process" in words]

    def postmaster_pid(self) -> int | None:
        return next((pid for pid, words in self._children() if words.split(b"\0")[0].endswith(b"/postgres")), None)

    def backend_pids(self) -> list[int]:
        """The database's processes that serve the application."""
        postmaster = self.postmaster_pid()
        return [pid for pid, words in children_of(postmaster) if b"yimen_app" in words] if postmaster else []

    def open_descriptors(self) -> int:
        """How many files and sockets the web processes hold, all together."""
        count = 0
        for pid in self.web_pids():
            with contextlib.suppress(OSError):
                count += len(os.listdir(f"/proc/{pid}/fd"))
        return count

    def memory_mb(self) -> float:
        """Resident memory of the web processes in MB, all together."""
        pages = 0
        for pid in self.web_pids():
            with contextlib.suppress(OSError):
                pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def _children(self) -> list[tuple[int, bytes]]:
        return children_of(self.process.pid) if self.process and self.process.poll() is None else []

    # -- its database --------------------------------------------------------------------------------------------

    def rows(self, statement: Any, arguments: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Ask the database as the superuser, past the platform and any proxy."""
        with psycopg.connect(self.urls.admin, autocommit=True) as connection:
            return connection.execute(statement, arguments).fetchall()


def children_of(parent: int) -> list[tuple[int, bytes]]:
    """Return (pid, command line with NULs) of every child of `parent`."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError):
            facts = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            if int(facts[1]) == parent and facts[0] != "Z":
                found.append((int(entry), Path(f"/proc/{entry}/cmdline").read_bytes()))
    return found


def copy_home(golden: Path, home: Path) -> Path:
    """Return `home`, a copy of a prepared home whose server does not run."""
    subprocess.run(["cp", "-a", str(golden), str(home)], check=True)
    return home


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
