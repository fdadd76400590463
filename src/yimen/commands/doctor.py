"""`yimen doctor`: look at everything the platform needs and say what to do."""

import argparse
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import Error, connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen import cli
from yimen.commands import migrate
from yimen.lib import external
from yimen.lib.errors import DomainError

HELP = gettext_lazy("检查数据库、字体、日历、静态文件和密钥，并说明如何处理")
NEEDS_DATABASE = False  # looked at here, so that the other checks run without one
MIGRATES = False

OK, NOTE, BAD = "ok", "note", "bad"
LEDGER_TABLES = ("ledger_event", "ledger_seal")
LEAST_FREE_BYTES = 1_000_000_000


@dataclass(frozen=True)
class Finding:
    level: str
    text: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> int:
    findings: list[Finding] = []
    with ExitStack() as stack:
        try:
            from yimen.commands import doctor

            stack.enter_context(cli.database_for(doctor, args))
        except (DomainError, psycopg.Error, Error) as error:
            findings.append(Finding(BAD, cli.sentence(error)))
        else:
            for check in DATABASE_CHECKS:
                findings += _findings(check)
        for check in OTHER_CHECKS:
            findings += _findings(check)
    words = {OK: "OK", NOTE: _("注意"), BAD: _("坏")}
    for finding in findings:
        print(f"{words[finding.level]}\t{finding.text}")
    return 1 if any(finding.level == BAD for finding in findings) else 0


def _findings(check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(check())
    except (DomainError, Error, psycopg.Error, OSError) as error:
        return [Finding(BAD, cli.sentence(error))]


def server() -> Iterator[Finding]:
    connection.ensure_connection()
    raw = connection.connection
    found = external.problems(getattr(raw, "_wrapped", raw))
    for problem in found:
        yield Finding(BAD, problem)
    if not found:
        version = connection.connection.info.parameter_status("server_version")
        yield Finding(OK, _("数据库 PostgreSQL %(version)s，可以检索中文。") % {"version": version})


def encoding() -> Iterator[Finding]:
    query = "SELECT pg_encoding_to_char(encoding), datctype FROM pg_database WHERE datname = current_database()"
    with connection.cursor() as cursor:
        name, character_type = cursor.execute(query).fetchone()
    good = name == "UTF8"
    text = _("数据库编码 %(name)s，语言环境 %(type)s。") % {"name": name, "type": character_type}
    yield Finding(OK if good else BAD, text if good else text + _("请用编码 UTF8 重新建库。"))


def role() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        name, *powers = cursor.execute(
            "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles"
            " WHERE rolname = current_user"
        ).fetchone()
        owned = cursor.execute(
            "SELECT count(*) FROM pg_class WHERE relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)"
        ).fetchone()[0]
    if any(powers) or owned:
        yield Finding(
            BAD,
            _("程序使用的数据库角色 %(name)s 权限过大（拥有 %(owned)d 个对象）：请让 DATABASE_URL 使用不拥有表的角色。")
            % {"name": name, "owned": owned},
        )
    else:
        yield Finding(OK, _("程序使用的数据库角色 %(name)s 不拥有任何表。") % {"name": name})


def ledger() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        for table in LEDGER_TABLES:
            if not cursor.execute("SELECT to_regclass(%s)", [table]).fetchone()[0]:
                yield Finding(BAD, _("账本的表 %(table)s 还没有建好：请运行 yimen migrate。") % {"table": table})
                continue
            rights = [
                right
                for right in ("UPDATE", "DELETE", "TRUNCATE")
                if cursor.execute("SELECT has_table_privilege(%s, %s)", [table, right]).fetchone()[0]
            ]
            if rights:
                yield Finding(
                    BAD,
                    _("账本 %(table)s 应当只增不改，但程序的角色有权 %(rights)s：请由所有者收回（REVOKE）。")
                    % {"table": table, "rights": ", ".join(rights)},
                )
            else:
                yield Finding(OK, _("账本 %(table)s 只增不改。") % {"table": table})


def migrations() -> Iterator[Finding]:
    waiting = migrate.pending()
    if waiting:
        yield Finding(BAD, _("表结构有 %(count)d 步没有更新：请运行 yimen migrate。") % {"count": len(waiting)})
    else:
        yield Finding(OK, _("表结构是最新的。"))


def calendar() -> Iterator[Finding]:
    from yimen.catalog.models import CalendarYear

    today = timezone.localdate()
    years = set(CalendarYear.objects.values_list("year", flat=True))
    if today.year not in years:
        yield Finding(
            BAD, _("日历缺少 %(year)d 年：期限只能暂算，请录入国务院办公厅的放假通知。") % {"year": today.year}
        )
    elif today.year + 1 not in years and today.month >= 11:
        yield Finding(
            NOTE, _("日历还没有 %(year)d 年：放假通知发布后请录入，跨年的期限目前是暂算。") % {"year": today.year + 1}
        )
    else:
        yield Finding(OK, _("日历已录入 %(first)d 至 %(last)d 年。") % {"first": min(years), "last": max(years)})


def fonts() -> Iterator[Finding]:
    from yimen.lib import pdf

    missing = [str(path) for path in pdf.FONTS if not Path(path).is_file()]
    if missing:
        yield Finding(BAD, _("缺少文书字体 %(names)s：请重新运行 make setup。") % {"names": ", ".join(missing)})
    else:
        yield Finding(OK, _("文书字体齐全。"))


def static_files() -> Iterator[Finding]:
    if settings.TESTING or settings.DEBUG or (settings.STATIC_ROOT / "staticfiles.json").is_file():
        yield Finding(OK, _("静态文件已收集。"))
    else:
        yield Finding(NOTE, _("静态文件还没有收集：yimen serve 启动时会自动收集。"))


def keys() -> Iterator[Finding]:
    folder = settings.HOME / "keys"
    paths = [folder, *folder.iterdir()] if folder.is_dir() else []
    open_to_others = [path for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o077]
    strangers = [path for path in paths if path.stat().st_uid != os.geteuid()]
    for path in open_to_others:
        yield Finding(BAD, _("密钥 %(path)s 别人也能读：请运行 chmod go= %(path)s。") % {"path": path})
    for path in strangers:
        yield Finding(NOTE, _("密钥 %(path)s 属于另一个账户。") % {"path": path})
    if not open_to_others and not strangers:
        yield Finding(OK, _("密钥只有本账户能读；请与数据库分开备份 %(folder)s。") % {"folder": folder})


def disk() -> Iterator[Finding]:
    settings.HOME.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.HOME).free
    if free >= LEAST_FREE_BYTES:
        yield Finding(OK, _("磁盘剩余 %(free).1f GB。") % {"free": free / 1e9})
    else:
        yield Finding(NOTE, _("磁盘只剩 %(free).1f GB：请清理，磁盘写满时数据库会停止。") % {"free": free / 1e9})


DATABASE_CHECKS = (server, encoding, role, migrations, ledger, calendar)
OTHER_CHECKS = (fonts, static_files, keys, disk)
