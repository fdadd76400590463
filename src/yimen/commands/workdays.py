"""`yimen workdays FROM N`: the last day of a limit of N working days that begins with an event on FROM."""

import argparse
import re
import sys
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.catalog import calendar_data

HELP = gettext_lazy("算出从某天起第 N 个工作日是哪天")
NEEDS_DATABASE = False
USAGE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("start", metavar="FROM", type=_day, help=_("起算的那天，不计在内，例如 2026-11-22"))
    parser.add_argument("count", metavar="N", type=_count, help=_("工作日数，例如 20"))


def run(args: argparse.Namespace) -> int:
    try:
        due = calendar_data.shipped().due(args.start, args.count)
    except ValueError:
        print(_("这个期限超过了 9999 年，算不出来。"), file=sys.stderr)
        return USAGE
    # The word stays as it is in every language: scripts look for it (CAL-7).
    print(f"{due.on.isoformat()} provisional" if due.is_provisional else due.on.isoformat())
    return 0


def _day(text: str) -> date:
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(_("没有 %(text)s 这一天，请写成 2026-11-22 这样") % {"text": text}) from None


def _count(text: str) -> int:
    if not re.fullmatch(r"\d{1,7}", text, re.ASCII):
        raise argparse.ArgumentTypeError(_("%(text)s 不是工作日数，请写 0 或更大的整数") % {"text": text})
    return int(text)
