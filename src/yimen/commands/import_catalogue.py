"""yimen import-catalogue FILE: load published service guides."""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from tqdm import tqdm

from yimen.lib.workdays import LOCAL_ZONE

HELP = gettext_lazy("把一份办事指南清单（JSONL 或 .jsonl.gz）收进事项库；收不了的逐行说明，重复运行不会重复收。")
NEEDS_DATABASE = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help=str(gettext_lazy("清单文件，一行一个事项")))
    where = gettext_lazy("收进哪个区划；不写就收进本中心的区划，还没有中心时按每行自己的区划")
    parser.add_argument("--region", default="", help=str(where))
    parser.add_argument("--quiet", action="store_true", help=str(gettext_lazy("不逐行说明，只给合计")))


def run(args: argparse.Namespace) -> int:
    """Return 0 when every row could be read, else 1; unreadable files raise importers.Unreadable."""
    from yimen.catalog import importers
    from yimen.ledger.actions import SYSTEM
    from yimen.people.queries import only_region

    region = args.region or only_region()
    at = timezone.now().astimezone(LOCAL_ZONE)
    report = importers.import_guangdong(args.file, by=SYSTEM, at=at, region_code=region, progress=_bar)
    out = sys.stdout.write
    if not args.quiet:
        for left in report.left_out:
            values = {
                "row": left.row,
                "code": left.code or "-",
                "field": left.field,
                "value": left.value,
                "reason": left.reason,
            }
            if left.field:
                out(_("第 %(row)d 行 %(code)s：%(field)s “%(value)s”没有照收。%(reason)s") % values + "\n")
            else:
                out(_("第 %(row)d 行 %(code)s：整行没有收。%(reason)s") % values + "\n")
        if report.rows > report.refused:
            out(_("来源没有写办件类型、收费、依据、流程和办理时间，这些留空，指南上会写明“来源没有写”。") + "\n")
    out(
        _(
            "共 %(rows)d 行：新收 %(taken)d 项，更新 %(changed)d 项，没有变化 %(unchanged)d 项，没有收 %(refused)d 行；"
            "材料 %(materials)d 样，不要材料的 %(none)d 项。"
        )
        % {
            "rows": report.rows,
            "taken": report.taken,
            "changed": report.changed,
            "unchanged": report.unchanged,
            "refused": report.refused,
            "materials": report.materials,
            "none": report.without_materials,
        }
        + "\n"
    )
    return 1 if report.refused else 0


def _bar(rows: Iterable[Any], count: int) -> Iterable[Any]:
    # disable=None: only on a terminal, so that logs and pipes stay clean.
    return tqdm(rows, total=count, unit=_("项"), desc=_("收进事项库"), file=sys.stderr, disable=None)
