"""yimen import-catalogue FILE: load published service guides, or any list of services."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from tqdm import tqdm

from yimen.lib.errors import DomainError
from yimen.lib.workdays import LOCAL_ZONE

if TYPE_CHECKING:
    from yimen.catalog.importers import Report

HELP = gettext_lazy(
    "把一份事项清单（xlsx、csv、jsonl，可以 gzip 压缩）收进事项库；收不了的逐行说明，重复运行不会重复收。"
)
NEEDS_DATABASE = True
SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, nargs="?", help=str(gettext_lazy("清单文件，一行一个事项")))
    columns = gettext_lazy(
        "哪一列是什么，写成 列名=栏目，例如 名称=name 编号=task_code；列名=- 表示不要这一列；不写就按表头猜"
    )
    parser.add_argument("--map", nargs="+", action="extend", default=[], metavar="COLUMN=FIELD", help=str(columns))
    where = gettext_lazy("收进哪个区划；不写就收进本中心的区划，还没有中心时按每行自己的区划")
    parser.add_argument("--region", default="", help=str(where))
    organ = gettext_lazy("实施主体：写列名，或者写所有行共同的部门名称")
    parser.add_argument("--department", default="", metavar="NAME|COLUMN", help=str(organ))
    named = gettext_lazy("这份清单叫什么，记作事项的来源；不写就用文件名")
    parser.add_argument("--source", default="", help=str(named))
    parser.add_argument("--sheet", default="", help=str(gettext_lazy("xlsx 里的哪一张表；不写就是第一张有内容的")))
    parser.add_argument("--preview", action="store_true", help=str(gettext_lazy("只核对，说出会怎样，什么也不写")))
    parser.add_argument("--skip-bad", action="store_true", help=str(gettext_lazy("有错的行不收，其余照收")))
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--draft", action="store_true", help=str(gettext_lazy("新事项收成草稿，等人核对发布")))
    what.add_argument("--publish", action="store_true", help=str(gettext_lazy("收成草稿，通过发布检查的马上发布")))
    parser.add_argument("--format", choices=("table", "json"), default="table", help=str(gettext_lazy("输出的样子")))
    parser.add_argument("--quiet", action="store_true", help=str(gettext_lazy("不逐行说明，只给合计")))


def run(args: argparse.Namespace) -> int:
    """Return 0 when every row could be taken, else 1; unreadable files raise importers.Unreadable."""
    from yimen.catalog import importers

    mapping, file = _mapping(args)
    is_plain = not (mapping or args.department or args.draft or args.publish or args.source)
    if is_plain and importers.is_guangdong(file):
        return _guangdong(args, file)
    return _list(args, file, mapping)


def _mapping(args: argparse.Namespace) -> tuple[dict[str, str], Path]:
    words, file = list(args.map), args.file
    if file is None and words and "=" not in words[-1]:
        # `--map A=B FILE`: the file was taken for one more column.
        file = Path(words.pop())
    if file is None:
        raise DomainError(_("请写清单文件的名字。"))
    mapping: dict[str, str] = {}
    for word in words:
        column, sign, field = word.rpartition("=")
        if not sign or not column.strip() or not field.strip():
            raise DomainError(_("--map 要写成 列名=栏目，例如 名称=name；看不懂“%(word)s”。") % {"word": word[:60]})
        mapping[column.strip()] = field.strip()
    return mapping, file


def _list(args: argparse.Namespace, file: Path, mapping: dict[str, str]) -> int:
    from yimen.catalog.importers import Mode, import_list
    from yimen.ledger.actions import SYSTEM
    from yimen.people.queries import only_region

    mode = Mode.DRAFT if args.draft else Mode.PUBLISH if args.publish else Mode.SOURCE
    report = import_list(
        file,
        by=SYSTEM,
        at=timezone.now().astimezone(LOCAL_ZONE),
        mapping=mapping,
        sheet=args.sheet,
        region_code=args.region or only_region(),
        department=args.department,
        source=args.source,
        mode=mode,
        preview=args.preview,
        skip_bad=args.skip_bad,
        progress=_bar,
    )
    if args.format == "json":
        _json(report, preview=args.preview)
    else:
        _table(report, preview=args.preview, quiet=args.quiet)
    return 1 if report.refused else 0


def _json(report: Report, *, preview: bool) -> None:
    told = {
        "rows": report.rows,
        "new": report.taken,
        "changed": report.changed,
        "drafts": report.drafted,
        "unchanged": report.unchanged,
        "merged": report.merged,
        "refused": report.refused,
        "published": report.published,
        "materials": report.materials,
        "preview": preview,
        "written": report.written,
        "source": report.source,
        "region": report.region,
        "columns": report.mapping,
        "items": [{"row": one.row, "code": one.code, "name": one.name, "what": one.what} for one in report.listed],
        "errors": [
            {"row": one.row, "code": one.code, "column": one.field, "value": one.value, "reason": one.reason}
            for one in report.left_out
        ],
        "error_count": report.left_out_count,
        "notes": report.notes,
    }
    sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")


def _table(report: Report, *, preview: bool, quiet: bool) -> None:
    out = sys.stdout.write
    if not quiet:
        pairs = "、".join(f"{heading} = {key}" for heading, key in report.mapping.items())
        out(_("按这样读：%(pairs)s。") % {"pairs": pairs} + "\n")
        if preview:
            _items(report)
        for left in report.left_out:
            values = {"row": left.row, "code": left.code or "-", "field": left.field, "value": left.value}
            if left.field:
                out(_("第 %(row)d 行 %(code)s：“%(field)s”是“%(value)s”。") % values + left.reason + "\n")
            else:
                out(_("第 %(row)d 行 %(code)s：") % values + left.reason + "\n")
        if report.left_out_count > len(report.left_out):
            out(_("还有 %(n)d 处没有列出。") % {"n": report.left_out_count - len(report.left_out)} + "\n")
    for note in report.notes:
        out(note + "\n")
    sums = {
        "rows": report.rows,
        "new": report.taken,
        "changed": report.changed,
        "drafts": report.drafted,
        "same": report.unchanged,
        "bad": report.refused,
        "merged": report.merged,
    }
    line = _(
        "共 %(rows)d 行：新收 %(new)d 项，更新 %(changed)d 项，改成草稿 %(drafts)d 项，没有变化 %(same)d 项，"
        "并进上一行 %(merged)d 行，有错 %(bad)d 行。"
    )
    out(line % sums + "\n")
    if preview:
        out(_("这是核对，什么也没有写。") + "\n")
    elif not report.written:
        out(_("有错，所以一行也没有收。改好再来；要先收没错的行，请加 --skip-bad。") + "\n")


def _items(report: Report) -> None:
    words = {"new": _("新"), "changed": _("更新"), "draft": _("草稿")}
    for one in report.listed[:SHOWN]:
        values = {"row": one.row, "what": words[one.what], "code": one.code, "name": one.name}
        sys.stdout.write(_("第 %(row)d 行 [%(what)s] %(code)s %(name)s") % values + "\n")
    rest = report.taken + report.changed + report.drafted - min(SHOWN, len(report.listed))
    if rest > 0:
        sys.stdout.write(_("还有 %(n)d 项没有列出，--format json 全部列出。") % {"n": rest} + "\n")


def _guangdong(args: argparse.Namespace, file: Path) -> int:
    """The province's own list: every row that can be read is taken, what was left out is named."""
    from yimen.catalog import importers
    from yimen.ledger.actions import SYSTEM
    from yimen.people.queries import only_region

    region = args.region or only_region()
    at = timezone.now().astimezone(LOCAL_ZONE)
    report = importers.import_guangdong(file, by=SYSTEM, at=at, region_code=region, preview=args.preview, progress=_bar)
    if args.format == "json":
        _json(report, preview=args.preview)
        return 1 if report.refused else 0
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
    if args.preview:
        out(_("这是核对，什么也没有写。") + "\n")
    return 1 if report.refused else 0


def _bar(rows: Iterable[Any], count: int | None) -> Iterable[Any]:
    # disable=None: only on a terminal, so that logs and pipes stay clean.
    return tqdm(rows, total=count, unit=_("项"), desc=_("收进事项库"), file=sys.stderr, disable=None)
