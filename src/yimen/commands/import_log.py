"""yimen import-log FILE: bring an event log of another system into the ledger."""

import argparse
import sys
from pathlib import Path

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

HELP = gettext_lazy("导入别的系统的事件日志（XES 或 CSV，可以是 .gz）")
NEEDS_DATABASE = True
BAR = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help=_("日志文件"))
    parser.add_argument("--name", default="", help=_("日志的名字，默认用文件名"))


def run(args: argparse.Namespace) -> int | None:
    from yimen.exchange import event_log
    from yimen.ledger.actions import SYSTEM

    if not args.file.is_file():
        raise event_log.UnreadableLog(_("找不到文件 %(name)s。") % {"name": args.file})
    bar = Bar(args.file.stat().st_size)
    try:
        log, found = event_log.import_log(args.file, name=args.name, by=SYSTEM, at=timezone.now(), progress=bar.update)
    finally:
        bar.clear()
    sys.stdout.write(
        _("已导入“%(name)s”：%(cases)s 件，%(events)s 条事件，%(activities)s 种环节，%(variants)s 种走法。\n")
        % {
            "name": log.name,
            "cases": f"{found.cases:,}",
            "events": f"{found.events:,}",
            "activities": found.activities,
            "variants": found.variants,
        }
    )
    first, last = (timezone.localtime(moment) for moment in (found.first_at, found.last_at))
    sys.stdout.write(
        _("时间从 %(first)s 到 %(last)s。它们单独存放，不计入本中心的统计。\n")
        % {"first": f"{first:%Y-%m-%d %H:%M}", "last": f"{last:%Y-%m-%d %H:%M}"}
    )
    for sentence in found.oddities:
        sys.stdout.write(_("请留意：%(sentence)s\n") % {"sentence": sentence})
    return None


class Bar:
    """Two passes over the file on one line of a terminal; silent elsewhere."""

    def __init__(self, size: int) -> None:
        self.size = max(size, 1)
        self.before = self.passes = 0
        self.shown = -1
        self.is_on = sys.stderr.isatty()

    def update(self, position: int) -> None:
        if position < self.before:
            self.passes += 1
        self.before = position
        percent = min(100, (self.passes * self.size + position) * 100 // (2 * self.size))
        if self.is_on and percent != self.shown:
            self.shown = percent
            filled = percent * BAR // 100
            sys.stderr.write(f"\r[{'#' * filled}{'.' * (BAR - filled)}] {percent:3d}%")
            sys.stderr.flush()

    def clear(self) -> None:
        if self.is_on and self.shown >= 0:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
