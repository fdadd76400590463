"""Power lists as they come: a spreadsheet or CSV of one edition, read whole or refused with every wrong line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from yimen.catalog.actions.powers import PowerDraft
from yimen.catalog.models import ItemType
from yimen.catalog.rules.powers import LEVEL_NAMES
from yimen.lib.errors import DomainError
from yimen.lib.tables import Limits, open_table
from yimen.people.models import Department, Region

# How headings are written; the first of each is ours.
HEADINGS: Mapping[str, Sequence[str]] = {
    "code": ("编码", "职权编码", "权力编码", "事项编码", "基本编码", "code"),
    "name": ("职权名称", "权力名称", "事项名称", "名称", "name"),
    "power_type": ("类型", "职权类型", "权力类型", "事项类型", "职权类别", "权力类别", "power_type", "type"),
    "level": ("行使层级", "层级", "level"),
    "department": ("部门", "实施主体", "实施部门", "行使主体", "department"),
    "legal_basis": ("设定依据", "实施依据", "依据", "legal_basis", "basis"),
    "duties": ("责任事项", "责任", "duties"),
}
REQUIRED = ("code", "name", "power_type")
LIMITS = Limits(size=100_000_000, unpacked=400_000_000, rows=200_000, columns=100, text=50_000)
MOST_TOLD = 200


@dataclass(frozen=True)
class Fault:
    """One cell that cannot be taken. row: as a spreadsheet counts, headings included."""

    row: int
    field: str
    value: str
    reason: str

    def __str__(self) -> str:
        values = {"row": self.row, "field": self.field, "value": self.value[:40], "reason": self.reason}
        if not self.field:
            return _("第 %(row)d 行：%(reason)s") % values
        return _("第 %(row)d 行，%(field)s“%(value)s”：%(reason)s") % values


class BadList(DomainError):
    """Nothing was taken; `faults` has one for each wrong cell, in the file's order."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = list(faults)
        super().__init__(
            _("有 %(count)d 处要改，一行也没有收。%(first)s") % {"count": len(self.faults), "first": self.faults[0]}
        )


def read_power_list(path: Path, region: Region, *, name: str = "") -> list[PowerDraft]:
    """
    Return the powers of a file by its headings (HEADINGS), in its order; types and levels by code or by name,
    departments by name, short name or code.

    Raises tables.Unreadable for what is no list, BadList with every wrong cell.
    """
    table = open_table(path, name=name, expect=[words[0] for words in HEADINGS.values()], limits=LIMITS)
    places = _places(table.headings)
    if missing := [HEADINGS[key][0] for key in REQUIRED if key not in places]:
        raise BadList([Fault(table.heading_row, "", "", _("没有“%(name)s”这一列。") % {"name": missing[0]})])
    types = {word: value for value, label in ItemType.choices for word in (value, value.lstrip("0"), str(label))}
    types["其他类别"] = ItemType.OTHER
    levels = _levels()
    organs = _departments(region)
    powers: list[PowerDraft] = []
    faults: list[Fault] = []
    first: dict[str, int] = {}
    for record in table.rows():
        cells = {key: str(record.values.get(heading, "") or "").strip() for key, heading in places.items()}

        def wrong(key: str, reason: str, row: int = record.number, cells: Mapping[str, str] = cells) -> None:
            faults.append(Fault(row, HEADINGS[key][0], cells.get(key, ""), reason))

        if record.problem:
            faults.append(Fault(record.number, "", "", record.problem))
        for key, most in (("code", 40), ("name", 300)):
            if not cells[key]:
                wrong(key, _("不能空着。"))
            elif len(cells[key]) > most:
                wrong(key, _("最多写 %(most)d 个字。") % {"most": most})
        if cells["code"] in first:
            wrong("code", _("和第 %(row)d 行一样。") % {"row": first[cells["code"]]})
        first.setdefault(cells["code"], record.number)
        if cells["power_type"] not in types:
            wrong("power_type", _("没有这种类型。"))
        if cells.get("level", "") not in levels:
            wrong("level", _("没有这一级。"))
        if cells.get("department", "") not in organs:
            wrong("department", _("本地没有这个部门，请先在“机构”里加上。"))
        if len(faults) >= MOST_TOLD:
            break
        if not faults:
            powers.append(
                PowerDraft(
                    code=cells["code"],
                    name=cells["name"],
                    power_type=types[cells["power_type"]],
                    level=levels[cells.get("level", "")],
                    department=organs[cells.get("department", "")],
                    legal_basis=cells.get("legal_basis", ""),
                    duties=cells.get("duties", ""),
                )
            )
    if not faults and not powers:
        faults.append(Fault(table.heading_row, "", "", _("表头下面一行也没有。")))
    if faults:
        raise BadList(faults)
    return powers


def _places(headings: Sequence[str]) -> dict[str, str]:
    """Return field → the heading that stands for it."""
    there = {heading.strip().lower(): heading for heading in headings}
    found = {}
    for key, words in HEADINGS.items():
        heading = next((there[word] for word in words if word in there), None)
        if heading is not None:
            found[key] = heading
    return found


def _levels() -> dict[str, str]:
    found = {"": ""}
    for value, label in LEVEL_NAMES.items():
        found |= {value: value, str(label): value}
    return found | {"国家": "1", "省": "2", "市": "3", "县": "4", "区级": "4", "镇": "5", "乡镇": "5", "村": "6"}


def _departments(region: Region) -> dict[str, Department | None]:
    found: dict[str, Department | None] = {}
    for department in Department.objects.filter(region=region).order_by("-pk"):
        found |= dict.fromkeys((department.code, department.short_name, department.name), department)
    found[""] = None
    return found
