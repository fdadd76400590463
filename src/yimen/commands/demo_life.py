"""`yimen demo-life`: people come and go in the demo centre; `yimen demo` keeps it running."""

import argparse
from functools import partial

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen import demo
from yimen.demo import build
from yimen.lib.errors import DomainError

HELP = gettext_lazy("让演示大厅里一直有人来办事（由 yimen demo 启动）")
NEEDS_DATABASE = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> int:
    if not build.exists():
        raise DomainError(_("还没有演示数据，请先运行 yimen demo。"))
    demo.live(partial(print, flush=True))
    return 0
