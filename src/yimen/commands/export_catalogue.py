"""yimen export-catalogue: the catalogue as a spreadsheet, JSON, linked data, or for the national upload."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from tqdm import tqdm

from yimen.lib.errors import DomainError

HELP = gettext_lazy("把事项目录导出成表格（xlsx、csv、jsonl）、CPSV-AP 的 JSON-LD，或者国家上报用的表（upspec）。")
NEEDS_DATABASE = True
FORMATS = ("xlsx", "csv", "jsonl", "jsonld", "upspec")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=FORMATS, default="xlsx", help=str(gettext_lazy("导出的样子")))
    where = gettext_lazy("写到哪个文件，- 是标准输出（xlsx 和 zip 不行）；upspec 写 .zip（每表一个 csv）或 .json")
    parser.add_argument("-o", "--output", default="-", metavar="FILE", help=str(where))
    parser.add_argument("--region", default="", help=str(gettext_lazy("哪个区划；不写就是本中心的区划")))
    parser.add_argument("--department", default="", help=str(gettext_lazy("只要一个部门：名称、代码或信用代码")))
    parser.add_argument("--drafts", action="store_true", help=str(gettext_lazy("有草稿的导出草稿，没发布的也导出")))
    base = gettext_lazy("JSON-LD 里的网址用什么开头，写本中心的网址")
    parser.add_argument("--base-url", default="urn:yimen", help=str(base))


def run(args: argparse.Namespace) -> int:
    """Return 0, or 1 when the upload tables lack something; DomainError for a region or department there is none of."""
    region = _region(args.region)
    department = _department(region, args.department)
    binary = args.format == "xlsx" or (args.format == "upspec" and not args.output.endswith(".json"))
    if args.output == "-":
        if binary:
            raise DomainError(_("这种格式要写到文件里，请用 -o 给出文件名。"))
        return _write(args, region, department, sys.stdout)
    path = Path(args.output)
    if not path.parent.is_dir():
        raise DomainError(_("没有文件夹 %(name)s，请先建好。") % {"name": path.parent})
    # Beside it first, so that a broken export never stands where a whole one did.
    with tempfile.NamedTemporaryFile(
        "wb" if binary else "w", dir=path.parent, prefix=".export-", delete=False, **({} if binary else _TEXT)
    ) as file:
        try:
            code = _write(args, region, department, file)
        except BaseException:
            os.unlink(file.name)
            raise
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)
    return code


_TEXT: dict[str, Any] = {"encoding": "utf-8", "newline": ""}


def _write(args: argparse.Namespace, region: str, department: Any, file: IO[Any]) -> int:
    from yimen.catalog import exports
    from yimen.exchange import cpsv, upspec
    from yimen.lib import sheet

    which = {"department": department, "drafts": args.drafts}
    if args.format == "upspec":
        write = upspec.write_json if args.output.endswith(".json") or args.output == "-" else upspec.write_zip
        summary = write(file, _bar(exports.editions(region, **which)), localdate(timezone.now()))
        _tell(summary)
        return 1 if summary.missing else 0
    if args.format == "xlsx":
        sheet.write_xlsx(file, [(_("事项"), _bar(exports.table(region, **which)))])
    elif args.format == "csv":
        file.writelines(sheet.write_csv(_bar(exports.table(region, **which))))
    elif args.format == "jsonl":
        file.writelines(_bar(exports.json_lines(region, **which)))
    else:
        file.writelines(cpsv.document(_bar(exports.editions(region, **which)), base=args.base_url))
    return 0


def _tell(summary: Any) -> None:
    said = "、".join(f"{table} {count}" for table, count in summary.counts.items())
    print(_("写了：%(said)s 行。") % {"said": said}, file=sys.stderr)
    for one in summary.missing[:20]:
        values = {"code": one.task_code, "item": one.item, "column": one.column, "reason": one.reason}
        print(_("%(code)s %(item)s：%(column)s%(reason)s") % values, file=sys.stderr)
    if summary.missing:
        values = {"n": len(summary.missing)}
        print(_("缺 %(n)d 处，都列在 missing 里；补好再上报。") % values, file=sys.stderr)


def _region(code: str) -> str:
    from yimen.people.models import Region
    from yimen.people.queries import only_region

    code = code or only_region()
    if not code:
        codes = list(Region.objects.values_list("pk", flat=True)[:2])
        code = codes[0] if len(codes) == 1 else ""
    if not code or not Region.objects.filter(pk=code).exists():
        raise DomainError(_("请用 --region 写明是哪个区划。"))
    return code


def _department(region: str, word: str) -> Any:
    from yimen.catalog.importers.common import known_departments

    if not word:
        return None
    found = known_departments([region]).get((region, word))
    if found is None:
        raise DomainError(_("没有叫“%(word)s”的部门。") % {"word": word[:60]})
    return found.pk


def _bar(rows: Iterable[Any]) -> Iterable[Any]:
    return tqdm(rows, unit=_("项"), desc=_("导出"), file=sys.stderr, disable=None)
