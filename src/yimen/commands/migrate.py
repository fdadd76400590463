"""`yimen migrate`: bring the tables up to date, as the role that owns them."""

import argparse
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import psycopg
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, ProgrammingError, connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.lib.errors import DomainError

HELP = gettext_lazy("更新数据库的表结构")
NEEDS_DATABASE = True
DATABASE_ROLE = "owner"
MIGRATES = False
TRIES = 40
LOCK = 20261122  # two that start at once must not migrate at once


class StillLocked(DomainError):
    """Somebody's long transaction kept the tables locked."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help=_("只检查，不更新；有未完成的更新时退出码为 1"))


def run(args: argparse.Namespace) -> int:
    waiting = pending()
    if args.check:
        for app, name in waiting:
            print(f"{app}.{name}")
        return 1 if waiting else 0
    migrate()
    if waiting:
        print(_("表结构已更新：%(count)d 步。") % {"count": len(waiting)}, file=sys.stderr)
    return 0


def pending() -> list[tuple[str, str]]:
    """Return the migrations on disk that this database has not seen; quick, because none is imported."""
    on_disk = {
        (config.label, path.stem)
        for config in apps.get_app_configs()
        for path in (Path(config.path) / "migrations").glob("[!_]*.py")
    }
    with connection.cursor() as cursor:
        try:
            done = set(cursor.execute("SELECT app, name FROM django_migrations").fetchall())
        except ProgrammingError:
            done = set()
    return sorted(on_disk - done)


def migrate() -> None:
    """Migrate as the connected role, waiting 300 ms for a lock and trying again rather than making everybody queue."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [settings.MIGRATION_LOCK_TIMEOUT])
    try:
        for turn in range(TRIES):
            try:
                call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
                return
            except OperationalError as error:
                if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                    raise
                time.sleep(min(2.0, 0.2 * turn) + random.random() / 5)  # noqa: S311
        raise StillLocked(_("表一直被占用，结构没有更新：请等长时间的导入或报表结束后再试。"))
    finally:
        connection.close()


def when_needed() -> bool:
    """Migrate in a process of its own, as the owner, when something is pending; says whether it did."""
    waiting = pending()
    if not waiting:
        return False
    connection.close()
    print(_("正在更新表结构，共 %(count)d 步……") % {"count": len(waiting)}, file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "yimen.cli", "migrate"]
    done = subprocess.run(command, env=os.environ | {"YIMEN_DB_ROLE": "owner", "YIMEN_DB_POOL": "0"}, check=False)  # noqa: S603
    if done.returncode:
        raise DomainError(_("表结构没有更新成功，原因见上。"))
    return True
