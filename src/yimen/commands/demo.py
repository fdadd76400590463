"""
`yimen demo`: serve with the demo centre.

yimen.demo offers prepare(now) -> None, which fills an empty database and moves the demo's clock in a filled one, and
notes() -> list[str], lines to print in which {base} stands for the address.
"""

import argparse
import importlib
import importlib.util
import os
import shutil

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen import cli
from yimen.commands import migrate, serve
from yimen.lib import embedded
from yimen.lib.errors import DomainError

HELP = gettext_lazy("启动带演示数据的平台")
NEEDS_DATABASE = False  # --reset must come first


def add_arguments(parser: argparse.ArgumentParser) -> None:
    serve.add_arguments(parser)
    parser.add_argument("--reset", action="store_true", help=_("先删除全部数据，从头开始"))


def run(args: argparse.Namespace) -> int:
    os.environ["YIMEN_DEMO"] = "1"
    settings.DEMO = True
    if args.reset:
        reset()
    serve.check_port(args)
    with cli.database_for(serve, args):
        notes: list[str] = []
        if importlib.util.find_spec("yimen.demo"):
            migrate.when_needed()
            demo = importlib.import_module("yimen.demo")
            demo.prepare(timezone.now())
            notes = demo.notes()
        return serve.serve(args, notes=notes)


def reset() -> None:
    """Delete the data and the uploads; the keys stay."""
    if settings.DATABASE_URL:
        raise DomainError(_("DATABASE_URL 指向外部数据库，这里不会删除它的数据。"))
    embedded.erase(settings.HOME / "postgres")
    shutil.rmtree(settings.HOME / "uploads", ignore_errors=True)
