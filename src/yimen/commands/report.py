"""yimen report ledger --from DAY --to DAY: the ledger report on a terminal, as CSV or as JSON."""

import argparse
import sys
from datetime import date

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.lib.errors import DomainError

HELP = gettext_lazy("按台账统计收件、受理、办结、按时率和在办件")
NEEDS_DATABASE = True


class BadDate(DomainError):
    """Not a day."""


class WhichRegion(DomainError):
    """More than one place, or none, could be meant."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    reports = parser.add_subparsers(dest="what", required=True, metavar="ledger")
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


def run(args: argparse.Namespace) -> int | None:
    from yimen.insight import queries, sheets
    from yimen.insight.ledger_report import ledger_report

    start, end, today = day(args.start), day(args.end), timezone.localdate()
    region = args.region or _only_region()
    report = ledger_report(region, start, end, by=args.by, today=today)
    listed = queries.all_open_cases(region, min(end, today)) if args.open else None
    write = {"table": sheets.as_table, "csv": sheets.as_csv, "json": sheets.as_json}[args.format]
    text = write(report, listed)
    if args.bom and args.format == "csv":
        text = "\ufeff" + text
    if args.format == "csv":
        # csv ends its lines itself; a terminal's own translation would double them.
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
    else:
        sys.stdout.write(text)
    return None


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
