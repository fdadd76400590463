"""
yimen report: figures on a terminal, as CSV or as JSON.

ledger: cases by the ledger; compression, quality, reduction: the catalogue; efficiency: handling times in two
periods; failures: why applications fail.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.lib.errors import DomainError

if TYPE_CHECKING:
    from yimen.insight.tables import Table

HELP = gettext_lazy("按台账统计收件、受理、办结、按时率和在办件")
NEEDS_DATABASE = True


class BadDate(DomainError):
    """Not a day."""


class WhichRegion(DomainError):
    """More than one place, or none, could be meant."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    reports = parser.add_subparsers(dest="what", required=True, metavar="REPORT")
    _catalogue_arguments(reports)
    ledger = reports.add_parser("ledger", help=str(HELP), description=str(HELP))
    ledger.add_argument("--from", dest="start", required=True, metavar="2026-01-01", help=_("从哪天起"))
    ledger.add_argument("--to", dest="end", required=True, metavar="2026-03-31", help=_("到哪天止，含当天"))
    ledger.add_argument(
        "--by",
        choices=["case_type", "department", "month", "item"],
        default="case_type",
        help=_("按什么分，默认办件类型"),
    )
    ledger.add_argument("--format", choices=["table", "csv", "json"], default="table", help=_("输出格式，默认表格"))
    ledger.add_argument("--open", action="store_true", help=_("再逐件列出期末在办的件和到期日"))
    ledger.add_argument("--bom", action="store_true", help=_("CSV 开头加 BOM，方便电子表格软件打开"))
    ledger.add_argument("--region", default="", help=_("行政区划代码；只有一个中心时不用写"))


def _catalogue_arguments(reports: Any) -> None:
    def add(name: str, words: str, **days: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = reports.add_parser(name, help=words, description=words)
        for option, meaning in days.items():
            parser.add_argument(f"--{option.replace('_', '-')}", required=True, metavar="2026-01-01", help=meaning)
        parser.add_argument("--format", choices=["table", "csv", "json"], default="table", help=_("输出格式，默认表格"))
        parser.add_argument("--bom", action="store_true", help=_("CSV 开头加 BOM，方便电子表格软件打开"))
        parser.add_argument("--region", default="", help=_("行政区划代码；只有一个中心时不用写"))
        return parser

    compression = add("compression", _("承诺时限比法定短多少（压缩率）"))
    compression.add_argument("--by", choices=["unit", "item"], default="unit", help=_("按单位还是按事项，默认单位"))
    add("quality", _("目录里要看一看的：草稿、大白话、时限、授权"))
    add(
        "efficiency",
        _("两段时间办理时间的变化和效率指数"),
        old_from=_("前一段从哪天起"),
        old_to=_("前一段到哪天止，含当天"),
        new_from=_("后一段从哪天起"),
        new_to=_("后一段到哪天止，含当天"),
    )
    add("reduction", _("两天之间少了几步、少带几样"), first=_("原来，截至哪天"), last=_("现在，截至哪天"))
    failing = add("failures", _("每个事项最常见的问题"))
    failing.add_argument("--from", dest="start", required=True, metavar="2026-01-01", help=_("从哪天起"))
    failing.add_argument("--to", dest="end", required=True, metavar="2026-03-31", help=_("到哪天止，含当天"))


def run(args: argparse.Namespace) -> int | None:
    if args.what != "ledger":
        from yimen.insight.tables import WRITERS

        table = _table(args, args.region or _only_region())
        _write(WRITERS[args.format](table), is_csv=args.format == "csv", bom=args.bom)
        return None
    from yimen.insight import queries, sheets
    from yimen.insight.ledger_report import ledger_report

    start, end, today = day(args.start), day(args.end), timezone.localdate()
    region = args.region or _only_region()
    report = ledger_report(region, start, end, by=args.by, today=today)
    listed = queries.all_open_cases(region, min(end, today)) if args.open else None
    write = {"table": sheets.as_table, "csv": sheets.as_csv, "json": sheets.as_json}[args.format]
    _write(write(report, listed), is_csv=args.format == "csv", bom=args.bom)
    return None


def _table(args: argparse.Namespace, region: str) -> Table:
    from yimen.catalog.models import ServiceItem
    from yimen.insight import catalogue_figures as figures
    from yimen.insight import catalogue_sheets as sheets
    from yimen.insight import quality
    from yimen.insight.failures import failures
    from yimen.insight.handling import trend
    from yimen.insight.rules import Period

    match args.what:
        case "compression":
            report = figures.compression_report(region)
            return sheets.compression_by_item(report) if args.by == "item" else sheets.compression_by_unit(report)
        case "quality":
            return sheets.quality_sheet(quality.findings(region, on=timezone.localdate()))
        case "efficiency":
            old, new = Period(day(args.old_from), day(args.old_to)), Period(day(args.new_from), day(args.new_to))
            return sheets.trend_sheet(trend(region, old, new))
        case "reduction":
            return sheets.reduction_sheet(figures.reduction_report(region, day(args.first), day(args.last)))
        case _:
            found = failures(region, day(args.start), day(args.end))
            items = ServiceItem.objects.filter(pk__in={one.item for one in found})
            return sheets.failures_sheet(found, {str(pk): name for pk, name in items.values_list("pk", "name")})


def _write(text: str, *, is_csv: bool, bom: bool) -> None:
    if is_csv:
        text = "\ufeff" + text if bom else text
        # csv ends its lines itself; a terminal's own translation would double them.
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
    else:
        sys.stdout.write(text)
    return


def day(text: str) -> date:
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise BadDate(_("“%(text)s”不是一个日期，请写成 2026-01-31 这样。") % {"text": text[:20]})


def _only_region() -> str:
    from yimen.people.models import ServiceCenter
    from yimen.people.queries import only_region

    if region := only_region():
        return region
    if ServiceCenter.objects.exists():
        raise WhichRegion(_("这里有不止一个行政区划，请用 --region 写明代码。"))
    raise WhichRegion(_("这里还没有政务服务中心，没有可统计的内容。先运行 yimen demo，或建立中心。"))
