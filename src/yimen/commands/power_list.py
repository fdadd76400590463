"""yimen power-list import|compare|batches: editions of a place's power list from the command line."""

import argparse
import re
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.lib.errors import DomainError

if TYPE_CHECKING:
    from yimen.people.models import Region

HELP = gettext_lazy("权力清单：收进一版，比较两版，列出取消和下放的批次")
NEEDS_DATABASE = True
FORMATS = ["table", "csv", "json"]


class WhichEdition(DomainError):
    """There is no such edition, or no place, or more than one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="import|compare|batches")
    words = _("收进一版清单（xlsx 或 csv）并从这天起生效；有一行不对就整份不收")
    take = what.add_parser("import", help=words, description=words)
    take.add_argument("file", type=Path, metavar="FILE", help=_("清单文件，表头见 docs/powers.md"))
    take.add_argument("--on", required=True, type=_day, metavar="2026-01-01", help=_("从哪天起生效"))
    take.add_argument("--name", default="", help=_("这一版的名称，默认沿用上一版的"))
    take.add_argument("--draft", action="store_true", help=_("只存成草稿，由发布人在工作台核对发布"))
    take.add_argument("--reinstated-by", default="", metavar="文号", help=_("取消过的职权依法重新设定的，写明文号"))
    words = _("比较两版：少了多少，按层级和部门，哪些去掉、新增、修改")
    compare = what.add_parser("compare", help=words, description=words)
    compare.add_argument("before", type=int, metavar="A", help=_("第几版"))
    compare.add_argument("after", type=int, metavar="B", help=_("第几版"))
    compare.add_argument("--format", choices=FORMATS, default="table", help=_("输出格式，默认表格"))
    words = _("列出取消和下放的批次")
    batches = what.add_parser("batches", help=words, description=words)
    batches.add_argument("--format", choices=FORMATS, default="table", help=_("输出格式，默认表格"))
    for one in (take, compare, batches):
        one.add_argument("--region", default="", help=_("行政区划代码；只有一个中心时不用写"))


def run(args: argparse.Namespace) -> int | None:
    from yimen.people.models import Region
    from yimen.people.queries import only_region

    code = args.region or only_region()
    region = Region.objects.filter(pk=code).first()
    if region is None:
        raise WhichEdition(_("请用 --region 写明是哪个行政区划。"))
    return {"import": _import, "compare": _compare, "batches": _batches}[args.what](args, region)


def _import(args: argparse.Namespace, region: "Region") -> int:
    from django.db import transaction

    from yimen.catalog import power_lists
    from yimen.catalog.actions import powers
    from yimen.ledger.actions import SYSTEM

    try:
        rows = power_lists.read_power_list(args.file, region)
    except power_lists.BadList as error:
        for fault in error.faults:
            print(fault, file=sys.stderr)
        print(_("有 %(count)d 处要改，一行也没有收。") % {"count": len(error.faults)}, file=sys.stderr)
        return 1
    at = timezone.now()
    with transaction.atomic():
        edition = powers.begin_power_list(region, powers=rows, name=args.name, by=SYSTEM, at=at)
        if not args.draft:
            powers.publish_power_list(edition, effective_on=args.on, reinstated_by=args.reinstated_by, by=SYSTEM, at=at)
    values = {"number": edition.number, "count": f"{len(rows):,}", "day": args.on.isoformat()}
    said = (
        _("第 %(number)d 版是草稿，%(count)s 项。")
        if args.draft
        else _("第 %(number)d 版 %(count)s 项，%(day)s 起生效。")
    )
    print(said % values)
    return 0


def _compare(args: argparse.Namespace, region: "Region") -> int:
    from yimen.catalog.models import PowerList
    from yimen.catalog.queries import powers as queries
    from yimen.insight.power_tables import comparison_text

    editions = {one.number: one for one in PowerList.objects.filter(region=region)}
    for number in (args.before, args.after):
        if number not in editions:
            raise WhichEdition(_("没有第 %(number)d 版权力清单。") % {"number": number})
    before, after = editions[args.before], editions[args.after]
    _write(comparison_text(before, after, queries.compare(before, after), queries.cuts(region), args.format))
    return 0


def _batches(args: argparse.Namespace, region: "Region") -> int:
    from yimen.catalog.queries import powers as queries
    from yimen.insight.power_tables import batches_table
    from yimen.insight.tables import WRITERS

    _write(WRITERS[args.format](batches_table(queries.batches(region))))
    return 0


def _write(text: str) -> None:
    # csv ends its lines itself; a terminal's own translation would double them.
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())


def _day(text: str) -> date:
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(_("没有 %(text)s 这一天，请写成 2026-11-22 这样") % {"text": text}) from None
