"""
The `yimen` command.

Each subcommand is a module in yimen.commands, found by its file name (import_log.py is `yimen import-log`):

    HELP             one sentence
    NEEDS_DATABASE   True: DATABASE_URL, the running embedded server, or one started for the time of the command
    add_arguments(parser)
    run(args) -> int | None   the exit code; args.server is the embedded server, None with an outside one
    DATABASE_ROLE    "owner" for the few that change tables (optional)
    MIGRATES         False leaves tables that are not up to date alone (optional)

Every error a person can cause ends as one sentence on stderr and a code other than 0. YIMEN_DEBUG=1 shows the trace.
"""

import argparse
import contextlib
import importlib
import os
import pkgutil
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import NoReturn

from yimen.lib.supervise import die_with_parent

USAGE, FAILED, INTERRUPTED = 2, 1, 130


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yimen.settings")
    die_with_parent()
    debug = os.environ.get("YIMEN_DEBUG", "").strip().lower() in {"1", "true", "yes"}
    try:
        code = _run(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `yimen report … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        if debug:
            raise
        print(sentence(error), file=sys.stderr)
        return FAILED


def language() -> str:
    """Return the language of the person's terminal; Simplified Chinese where it says nothing."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        text = os.environ.get(name, "").lower()
        if text:
            if text.startswith("en"):
                return "en"
            return "zh-hant" if text.startswith(("zh_tw", "zh_hk", "zh_mo")) else "zh-hans"
    return "zh-hans"


def command_names() -> list[str]:
    from yimen import commands

    return sorted(
        info.name.replace("_", "-") for info in pkgutil.iter_modules(commands.__path__) if info.name != "tests"
    )


def load(name: str) -> ModuleType:
    return importlib.import_module(f"yimen.commands.{name.replace('-', '_')}")


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        from django.utils.translation import gettext as _

        print(
            _("%(message)s。用法见：%(program)s --help") % {"message": message, "program": self.prog}, file=sys.stderr
        )
        raise SystemExit(USAGE)


def _run(argv: list[str]) -> int:
    import django
    from django.utils import translation
    from django.utils.translation import gettext as _

    from yimen.lib import messages

    messages.refresh()
    django.setup()
    translation.activate(language())
    _speak_our_language()

    names = command_names()
    wanted = next((word for word in argv if not word.startswith("-")), "")
    parser = Parser(prog="yimen", description=_("一门：管理一座政务服务中心。"))
    subparsers = parser.add_subparsers(dest="command", required=True, metavar=_("命令"), parser_class=Parser)
    # One command is asked for: the others need not be loaded.
    for name in [wanted] if wanted in names else names:
        module = load(name)
        module.add_arguments(subparsers.add_parser(name, help=str(module.HELP), description=str(module.HELP)))
    try:
        args = parser.parse_args(argv)
    except SystemExit as end:
        return int(end.code or 0)
    module = load(args.command)
    with database_for(module, args) if module.NEEDS_DATABASE else contextlib.nullcontext():
        return int(module.run(args) or 0)


@contextlib.contextmanager
def database_for(module: ModuleType, args: argparse.Namespace) -> Iterator[None]:
    """Provide the database for a command, and leave its address in the environment for the processes it starts."""
    from django.conf import settings
    from django.db import connections

    from yimen.lib import database_url, embedded

    role = getattr(module, "DATABASE_ROLE", "app")
    args.server = None
    try:
        if settings.DATABASE_URL:
            from yimen.lib import external

            external.require_usable(settings.DATABASE_URL)
            if role == "owner":
                connections["default"].settings_dict |= database_url.parse(external.owner_url())
        else:
            args.server = embedded.Server(settings.HOME / "postgres")
            args.server.start()
            urls = args.server.urls
            os.environ |= {"DATABASE_URL": urls.app, "DATABASE_OWNER_URL": urls.owner}
            connections["default"].settings_dict |= database_url.parse(urls.owner if role == "owner" else urls.app)
            if getattr(module, "MIGRATES", True):
                from yimen.commands import migrate

                migrate.when_needed()
        yield
    finally:
        close_connections()
        if args.server:
            args.server.stop()


def close_connections() -> None:
    """Let go of every database connection of this process, the pool's too."""
    from django.db import connections
    from django.db.backends.postgresql.base import DatabaseWrapper

    for connection in connections.all(initialized_only=True):
        connection.close()
        if isinstance(connection, DatabaseWrapper):
            connection.close_pool()


def _speak_our_language() -> None:
    """Let argparse's few texts go through our catalogue."""
    from django.utils.translation import gettext as _

    texts = {
        "usage: ": _("用法："),
        "options": _("选项"),
        "positional arguments": _("参数"),
        "show this help message and exit": _("显示本说明"),
        "the following arguments are required: %s": _("缺少 %s"),
        "unrecognized arguments: %s": _("不认识 %s"),
        "ambiguous option: %(option)s could match %(matches)s": _("%(option)s 不明确，可能是 %(matches)s"),
        "invalid choice: %(value)r (choose from %(choices)s)": _("没有 %(value)r，可选：%(choices)s"),
        "invalid %(type)s value: %(value)r": _("%(value)r 不是有效的值"),
        "argument %(argument_name)s: %(message)s": "%(argument_name)s：%(message)s",
        "expected one argument": _("需要一个值"),
        "expected at least one argument": _("至少需要一个值"),
    }
    argparse._ = lambda text: texts.get(text, text)  # type: ignore[attr-defined]


def sentence(error: Exception) -> str:
    """Return what to tell the person about `error`, without values that may be personal."""
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.utils.translation import gettext as _

    if isinstance(error, ImproperlyConfigured) or not settings.configured:
        return str(error)

    import psycopg
    from django.db import Error as DjangoError
    from django.db import OperationalError, ProgrammingError

    from yimen.lib.errors import DomainError

    if isinstance(error, DomainError):
        return str(error)
    if isinstance(error, ProgrammingError) and isinstance(error.__cause__, psycopg.errors.UndefinedTable):
        return _("数据库的表还没有建好，请先运行 yimen migrate。")
    if isinstance(error, OperationalError | psycopg.OperationalError):
        lines = [line for line in str(error).splitlines() if line.strip()]
        return _("连不上数据库：%(why)s") % {
            "why": lines[0].removeprefix("connection failed: ").strip() if lines else type(error).__name__
        }
    if isinstance(error, OSError) and not isinstance(error, DjangoError):
        if isinstance(error, FileNotFoundError):
            return _("找不到文件 %(name)s。") % {"name": error.filename}
        if isinstance(error, PermissionError) and error.filename:
            return _("没有权限访问 %(name)s。") % {"name": error.filename}
        return _("系统报告错误：%(why)s %(name)s") % {"why": error.strerror or error, "name": error.filename or ""}
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else "?"
    return _("程序内部出错（%(kind)s，%(where)s）。设置 YIMEN_DEBUG=1 再运行一次可看到经过。") % {
        "kind": type(error).__name__,
        "where": where,
    }


if __name__ == "__main__":
    sys.exit(main())
