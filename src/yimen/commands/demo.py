"""
`yimen demo`: serve with the demo centre.

yimen.demo offers prepare(now), which fills an empty database, notes(), lines to print in which {base} stands for the
address, and live(), which lives through the days before and lets people come and go until it is ended; that runs as a
process of its own, so that nobody waits for it.
"""

import argparse
import os
import shutil
import sys

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen import cli, demo
from yimen.commands import migrate, serve
from yimen.lib import embedded
from yimen.lib.errors import DomainError
from yimen.lib.supervise import Child

HELP = gettext_lazy("启动带演示数据的平台")
NEEDS_DATABASE = False  # --reset must come first


def add_arguments(parser: argparse.ArgumentParser) -> None:
    serve.add_arguments(parser)
    parser.add_argument("--reset", action="store_true", help=_("先删除全部数据，从头开始"))
    parser.add_argument("--quiet", action="store_true", help=_("只建好中心，没有往日的办件，也没有人来"))


def run(args: argparse.Namespace) -> int:
    os.environ["YIMEN_DEMO"] = "1"
    settings.DEMO = True
    if args.reset:
        reset()
    serve.check_port(args)
    if not settings.DATABASE_URL and not embedded.Server(settings.HOME / "postgres").data.exists():
        _say(_("第一次启动要建数据库、表和演示中心，一两分钟。"))
    with cli.database_for(serve, args):
        migrate.when_needed()
        if demo.is_missing():
            _say(_("正在建演示中心：机构、人员、事项、大厅……"))
        demo.prepare(timezone.now(), is_quiet=args.quiet)
        life = [] if args.quiet else [Child(_("演示大厅"), [sys.executable, "-m", "yimen.cli", "demo-life"])]
        return serve.serve(args, notes=demo.notes(), more=life)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def reset() -> None:
    """Delete the data and the uploads; the keys stay."""
    if settings.DATABASE_URL:
        raise DomainError(_("DATABASE_URL 指向外部数据库，这里不会删除它的数据。"))
    embedded.erase(settings.HOME / "postgres")
    shutil.rmtree(settings.HOME / "uploads", ignore_errors=True)
