"""Power lists and entry into the hall as tables: for a terminal, a spreadsheet or a program."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from yimen.catalog.models import ItemType, PowerBatch, PowerList
from yimen.catalog.queries.powers import Standing
from yimen.catalog.rules.powers import LEVEL_NAMES, Changed, Comparison, Count, Cut, EntryFault, Power
from yimen.insight.tables import WRITERS, Table


def part_name(part: Changed) -> str:
    return {
        Changed.NAME: _("名称"),
        Changed.TYPE: _("类型"),
        Changed.LEVEL: _("行使层级"),
        Changed.DEPARTMENT: _("部门"),
        Changed.BASIS: _("设定依据"),
    }[part]


def fault_name(fault: EntryFault) -> str:
    """Return one of the four reasons by the name everybody knows it by (S0-12)."""
    return {
        EntryFault.NOT_IN: _("应进不进"),
        EntryFault.TWO_COUNTERS: _("两头受理"),
        EntryFault.NOT_DELEGATED: _("进不授权"),
        EntryFault.HALF_DELEGATED: _("权不到位"),
    }[fault]


def level_name(level: str) -> str:
    return str(LEVEL_NAMES.get(level, "")) or _("没有写")


def _power(power: Power) -> dict[str, Any]:
    return {
        "code": power.code,
        "name": power.name,
        "type": str(ItemType(power.power_type).label),
        "level": level_name(power.level),
        "department": power.department,
    }


def _why(cut: Cut | None) -> str:
    return cut.said() if cut else ""


def comparison_rows(found: Comparison, cuts: Mapping[str, Cut]) -> list[dict[str, Any]]:
    """Return one row for each power that is not the same: removed with the batch that did it, added, changed."""
    rows = [{"change": _("去掉"), **_power(one), "why": _why(cuts.get(one.code))} for one in found.removed]
    rows += [{"change": _("新增"), **_power(one), "why": ""} for one in found.added]
    for pair in found.changed:
        parts = "、".join(part_name(part) for part in pair.what)
        rows.append({"change": _("修改"), **_power(pair.after), "why": parts})
    return rows


def _edition(power_list: PowerList, count: int) -> dict[str, Any]:
    on = power_list.effective_on
    return {
        "number": power_list.number,
        "name": power_list.name,
        "effective_on": on.isoformat() if on else None,
        "count": count,
    }


def comparison_text(before: PowerList, after: PowerList, found: Comparison, cuts: Mapping[str, Cut], form: str) -> str:
    """form: "csv" every power that is not the same; "json" all of it; "table" the counts (S2-25, S2-27)."""
    columns = {
        "change": _("变化"),
        "code": _("编码"),
        "name": _("职权名称"),
        "type": _("类型"),
        "level": _("行使层级"),
        "department": _("部门"),
        "why": _("哪一批，或改了什么"),
    }
    if form == "csv":
        return WRITERS["csv"](Table(columns, comparison_rows(found, cuts)))
    if form == "json":
        told = {
            "before": _edition(before, found.total.before),
            "after": _edition(after, found.total.after),
            "fewer_percent": _percent(found.total),
            "counts": {"removed": len(found.removed), "added": len(found.added), "changed": len(found.changed)},
            "by_level": [_count(one, level_name(one.key)) for one in found.by_level],
            "by_department": [_count(one, one.key) for one in found.by_department],
            "removed": [{**_power(one), "why": _why(cuts.get(one.code))} for one in found.removed],
            "added": [_power(one) for one in found.added],
            "changed": [
                {**_power(pair.after), "before": _power(pair.before), "what": [str(part) for part in pair.what]}
                for pair in found.changed
            ],
        }
        return json.dumps(told, ensure_ascii=False, indent=2) + "\n"
    values = {
        "before": before.number,
        "after": after.number,
        "were": f"{found.total.before:,}",
        "are": f"{found.total.after:,}",
        "removed": f"{len(found.removed):,}",
        "added": f"{len(found.added):,}",
        "changed": f"{len(found.changed):,}",
    }
    text = _("第 %(before)d 版 %(were)s 项，第 %(after)d 版 %(are)s 项") % values
    text += _("，减少 %(rate)s%%。\n") % {"rate": _percent(found.total)} if found.total.before else "。\n"
    text += _("去掉 %(removed)s 项，新增 %(added)s 项，修改 %(changed)s 项；逐项清单用 --format csv。\n") % values
    for word, counts, name in (
        (_("行使层级"), found.by_level, level_name),
        (_("部门"), found.by_department, lambda key: key or _("没有写")),
    ):
        heads = {"name": word, "before": _("原来（项）"), "after": _("现在（项）"), "fewer": _("减少（%）")}
        rows = [{"name": name(one.key), "before": one.before, "after": one.after, "fewer": one.fewer} for one in counts]
        text += "\n" + WRITERS["table"](Table(heads, rows))
    return text


def _percent(count: Count) -> str | None:
    return None if count.fewer is None else f"{count.fewer:f}"


def _count(count: Count, name: str) -> dict[str, Any]:
    return {"name": name, "before": count.before, "after": count.after, "fewer_percent": _percent(count)}


def batches_table(rows: Iterable[PowerBatch]) -> Table:
    """rows: as queries.powers.batches() gives them (S2-26)."""
    columns = {
        "number": _("批次"),
        "on": _("日期"),
        "document_no": _("文号"),
        "cancelled": _("取消（项）"),
        "delegated": _("下放（项）"),
        "edition": _("并入第几版"),
    }
    lines = [
        {
            "number": one.number,
            "on": one.on,
            "document_no": one.document_no,
            "cancelled": one.cancelled,  # type: ignore[attr-defined]
            "delegated": one.delegated,  # type: ignore[attr-defined]
            "edition": one.applied_to.number if one.applied_to else None,
        }
        for one in rows
    ]
    total = {key: sum(int(line[key]) for line in lines) for key in ("cancelled", "delegated")}
    return Table(columns, lines, total=total)


def standing_table(rows: Sequence[Standing], on: date) -> Table:
    """Items with how they stand, for the lists of what is not in the hall, not finished there, or has a gap."""
    columns = {
        "item": _("事项"),
        "code": _("实施编码"),
        "department": _("部门"),
        "entered_on": _("进驻日期"),
        "fault": _("问题"),
        "elsewhere": _("还在哪里受理"),
        "missing": _("还没授权的"),
        "exempt": _("不进驻的原因"),
    }
    lines = [
        {
            "item": one.name,
            "code": one.task_code,
            "department": one.department,
            "entered_on": one.entered_on,
            "fault": fault_name(one.fault) if one.fault else "",
            "elsewhere": one.elsewhere,
            "missing": "、".join(one.missing_names) if one.is_in else "",
            "exempt": one.exempt_reason,
        }
        for one in rows
    ]
    return Table(columns, lines, facts={"on": (_("日期"), on), "count": (_("项数"), len(lines))})
