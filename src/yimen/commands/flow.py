"""yimen flow import | export | chart: flows as BPMN 2.0 files and as drawings."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.lib.errors import DomainError

if TYPE_CHECKING:
    from yimen.catalog.bpmn import Report
    from yimen.catalog.models import ItemVersion

HELP = gettext_lazy("办理流程：收 BPMN 2.0 文件，导出，画流程图")
# Looking at a file needs none; what does opens it itself.
NEEDS_DATABASE = False


class NoSuchItem(DomainError):
    """No item, or more than one, has this code."""


class NotTaken(DomainError):
    """The file holds elements that cannot be taken; nothing was written."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", required=True, metavar="import | export | chart")
    take = acts.add_parser("import", help=_("看一份 BPMN 文件能收什么、不能收什么；加 --item 就存成草稿"))
    take.add_argument("file", type=Path, metavar="FILE", help=_("BPMN 2.0 文件，可以是 .gz"))
    take.add_argument("--format", choices=["text", "json"], default="text", help=_("输出格式，默认文字"))
    take.add_argument("--process", default="", metavar="ID", help=_("文件里有几个流程时，收哪一个"))
    take.add_argument("--item", default="", metavar="CODE", help=_("存成这个事项（实施编码）的草稿"))
    take.add_argument("--post", default="", help=_("文件没写岗位的步骤，都用这个岗位"))
    take.add_argument("--authority", default="", help=_("文件没写权限的步骤，都用这个权限"))
    take.add_argument("--days", type=int, default=None, help=_("文件没写时限的步骤，都用这么多个工作日"))
    give = acts.add_parser("export", help=_("把事项的流程写成 BPMN 2.0 文件"))
    give.add_argument("code", metavar="CODE", help=_("实施编码"))
    give.add_argument("-o", "--output", type=Path, default=None, metavar="FILE", help=_("写到哪个文件，默认屏幕"))
    draw = acts.add_parser("chart", help=_("把事项的流程画成 SVG 流程图"))
    draw.add_argument("code", metavar="CODE", help=_("实施编码"))
    draw.add_argument("-o", "--output", type=Path, default=None, metavar="FILE.svg", help=_("写到哪个文件，默认屏幕"))
    for each in (take, give, draw):
        each.add_argument("--region", default="", help=_("行政区划代码；只有一处有这个编码时不用写"))


def run(args: argparse.Namespace) -> int:
    """Return 0; 1 when the file cannot be read, or holds what cannot be taken and --item was given."""
    from yimen.cli import database_for

    module = sys.modules[__name__]
    if args.act == "import":
        report = _report(args.file, args.process)
        text = json.dumps(report.as_json(), ensure_ascii=False, indent=2) if args.format == "json" else _told(report)
        sys.stdout.write(text + "\n")
        if args.item:
            if not report.importable:
                raise NotTaken(_("有收不了的元素，没有写进草稿。"))
            with database_for(module, args):
                _save(args, report)
        return 0
    with database_for(module, args):
        version = _edition(args.code, args.region)
        _write(args.output, _exported(version) if args.act == "export" else _drawn(version))
    return 0


def _report(path: Path, process: str) -> "Report":
    from yimen.catalog import bpmn

    if not path.is_file():
        raise bpmn.UnreadableFlow(_("找不到文件 %(name)s。") % {"name": path})
    with path.open("rb") as stream:
        return bpmn.read(stream, path.name, process)


def _told(report: "Report") -> str:
    taken = _("、").join(f"{kind} {count}" for kind, count in sorted(report.taken.items())) or _("没有")
    lines = [_("收得了：%(taken)s") % {"taken": taken}]
    for each in report.refused:
        name = f"{each.id}“{each.name}”" if each.name else each.id or "-"
        lines.append(
            _("第 %(line)d 行 %(kind)s %(name)s：%(reason)s")
            % {"line": each.line, "kind": each.kind, "name": name, "reason": each.reason}
        )
    lines += [
        _("第 %(line)d 行 %(kind)s %(name)s：%(reason)s")
        % {"line": each.line, "kind": each.kind, "name": each.name or each.id or "-", "reason": each.text}
        for each in report.remarks
    ]
    if len(report.processes) > 1:
        names = _("、").join(f"{ident}“{name}”" if name else ident for ident, name in report.processes)
        lines.append(_("文件里有几个流程，用 --process 选一个：%(names)s。") % {"names": names})
    if report.importable:
        lines.append(_("可以导入，共 %(count)d 步。") % {"count": len(report.steps)})
    else:
        stops = sum(each.stops for each in report.refused)
        lines.append(_("不能导入：有 %(count)d 处改变先后的元素收不了，一步也没有收。") % {"count": stops})
    return "\n".join(lines)


def _save(args: argparse.Namespace, report: "Report") -> None:
    from yimen.catalog.actions import StepDraft
    from yimen.catalog.actions.flows import save_flow
    from yimen.ledger.actions import SYSTEM
    from yimen.people.models import Department

    item = _edition(args.item, args.region).item
    organs = {row.name: row for row in Department.objects.filter(region_id=item.region_id)}
    steps = [
        StepDraft(
            each.step.key,
            each.step.name,
            each.step.kind,
            each.step.post or args.post,
            each.step.authority or args.authority,
            args.days if each.step.limit_days is None else each.step.limit_days,
            None if each.department == item.department.name else organs.get(each.department),
            each.step.after,
            each.step.when,
        )
        for each in report.steps
    ]
    version = save_flow(item, steps, questions=report.questions, by=SYSTEM, at=timezone.now())
    sys.stderr.write(_("已写进“%(name)s”第 %(number)d 版草稿。\n") % {"name": version.name, "number": version.number})


def _edition(code: str, region: str) -> "ItemVersion":
    from yimen.catalog import queries
    from yimen.catalog.models import ServiceItem

    items = ServiceItem.objects.filter(task_code=code).select_related("department", "published")
    found = list(items.filter(region_id=region) if region else items)[:2]
    if len(found) > 1:
        raise NoSuchItem(_("有几个地方都有编码 %(code)s，请用 --region 写明行政区划代码。") % {"code": code})
    version = queries.working_edition(found[0]) if found else None
    if version is None:
        raise NoSuchItem(_("没有实施编码是 %(code)s 的事项。") % {"code": code})
    version.item = found[0]
    return version


def _exported(version: "ItemVersion") -> bytes:
    from yimen.catalog import bpmn
    from yimen.catalog.queries.flows import chart_steps

    item = version.item
    return bpmn.write(chart_steps(version), name=version.name, code=item.task_code, organ=item.department.name)


def _drawn(version: "ItemVersion") -> bytes:
    from yimen.catalog import flowchart
    from yimen.catalog.queries.flows import chart_steps

    return flowchart.chart(chart_steps(version)).svg(version.name).encode()


def _write(path: Path | None, content: bytes) -> None:
    if path is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        return
    path.write_bytes(content)
    sys.stderr.write(_("已写好 %(name)s。\n") % {"name": path})
