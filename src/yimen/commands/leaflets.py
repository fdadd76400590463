"""yimen leaflets: leaflets of one item, a window, a unit or all, and the booklet, as PDF."""

from __future__ import annotations

import argparse
import os
import sys
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from tqdm import tqdm

from yimen.lib.errors import DomainError

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from yimen.catalog.models import ServiceItem

HELP = gettext_lazy("印明白纸：一件事、一个窗口、一个部门或全部；--booklet 印全部事项的汇编")
NEEDS_DATABASE = True


class NotFound(DomainError):
    """No such item, window or unit."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--item", action="append", metavar="CODE", help=_("事项的实施编码，可以写几次"))
    what.add_argument("--window", type=int, metavar="N", help=_("几号窗口办的事项"))
    what.add_argument("--department", metavar="CODE", help=_("部门的代号"))
    what.add_argument("--all", action="store_true", help=_("全部已发布的事项"))
    what.add_argument("--booklet", action="store_true", help=_("全部事项的汇编：封面、目录、每件事"))
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR|FILE", help=_("写到哪个文件或文件夹"))
    parser.add_argument("--per-page", type=int, choices=[1, 2, 4], default=1, help=_("一页印几张，默认 1（A5）"))
    parser.add_argument("--hall", default="", metavar="CODE", help=_("大厅代号，窗口号在几个大厅都有时要写"))
    parser.add_argument("--region", default="", help=_("行政区划代码；只有一个中心时不用写"))
    # For the worker: keeps the booklet in a folder that readers always find whole.
    parser.add_argument("--keep", action="store_true", help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    from yimen.catalog import booklets
    from yimen.catalog.queries import guides
    from yimen.commands.report import WhichRegion
    from yimen.people.queries import main_center, only_region

    region = args.region or only_region()
    if not region:
        raise WhichRegion(_("这里没有政务服务中心，或者不止一个行政区划，请用 --region 写明代码。"))
    at, began = timezone.now(), time.monotonic()
    center = guides.place_of(main_center())
    if args.booklet and args.keep:
        os.nice(10)  # the pages come first
        booklets.keep(args.output, region, center, at=at)
        return 0
    if args.booklet:
        as_file = args.output.suffix.lower() == ".pdf" and not args.output.is_dir()
        folder = args.output.parent if as_file else args.output
        folder.mkdir(parents=True, exist_ok=True)
        with tqdm(unit=_("项"), desc=_("排版"), file=sys.stderr, disable=None) as bar:

            def progress(done: int, count: int) -> None:
                bar.total = count
                bar.update(done - bar.n)

            files = booklets.write(
                folder, region, center, at=at, stem=args.output.stem if as_file else "booklet", progress=progress
            )
    else:
        files = _leaflets(args, region)
    took = time.monotonic() - began
    for file in files:
        print(file)
    print(_("共 %(count)d 个文件，用了 %(seconds).1f 秒。") % {"count": len(files), "seconds": took}, file=sys.stderr)
    return 0


def _leaflets(args: argparse.Namespace, region: str) -> list[Path]:
    """Write the leaflets into one file, a long run into several of PIECE leaflets each."""
    from yimen.catalog import prints
    from yimen.catalog.queries import guides
    from yimen.people.queries import main_center
    from yimen.web import leaflet_lists

    items, title = _wanted(args, region)
    count, at = items.count(), timezone.now()
    if not count:
        raise prints.NothingToPrint(_("这里还没有发布的事项，没有可印的。"))
    piece = leaflet_lists.PIECE - leaflet_lists.PIECE % args.per_page
    name = args.output if args.output.suffix.lower() == ".pdf" else args.output / "leaflets.pdf"
    name.parent.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    with (
        prints.in_chinese(),
        tqdm(total=count, unit=_("张"), desc=_("排版"), file=sys.stderr, disable=None) as bar,
    ):
        sheets = guides.sheets(items, region, center=guides.place_of(main_center()), on=timezone.localdate(at))
        while rows := list(islice(sheets, piece)):
            number = len(files) + 1
            files.append(name if count <= piece else name.with_stem(f"{name.stem}-{number}"))
            files[-1].write_bytes(prints.leaflets(rows, at=at, per_page=args.per_page, title=title))
            bar.update(len(rows))
    return files


def _wanted(args: argparse.Namespace, region: str) -> tuple[QuerySet[ServiceItem], str]:
    """Return the items to print, and the title of the file."""
    from yimen.hall.models import Window
    from yimen.people.models import Department
    from yimen.web import leaflet_lists

    if args.item:
        items = leaflet_lists.of_codes(region, args.item)
        known = set(items.values_list("task_code", flat=True))
        if missing := [code for code in args.item if code not in known]:
            raise NotFound(_("没有发布过编码是 %(codes)s 的事项。") % {"codes": "、".join(missing)})
        return items, _("明白纸")
    if args.window is not None:
        windows = Window.objects.filter(region_id=region, number=args.window).select_related("hall")
        if args.hall:
            windows = windows.filter(hall__code=args.hall)
        found = list(windows)
        if not found:
            raise NotFound(_("没有 %(number)s 号窗口。") % {"number": args.window})
        if len(found) > 1:
            halls = "、".join(one.hall.code for one in found)
            raise NotFound(
                _("几个大厅都有 %(number)s 号窗口，请用 --hall 写明：%(halls)s。")
                % {"number": args.window, "halls": halls}
            )
        return leaflet_lists.of_window(found[0]), _("%(window)s的明白纸") % {"window": found[0].name}
    if args.department:
        department = Department.objects.filter(region_id=region, code=args.department).first()
        if department is None:
            raise NotFound(_("没有代号是 %(code)s 的部门。") % {"code": args.department})
        return leaflet_lists.of_department(department), _("%(department)s的明白纸") % {"department": department.name}
    return leaflet_lists.of_all(region), _("全部事项的明白纸")
