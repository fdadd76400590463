"""
The columns a catalogue has in a spreadsheet: the same for writing a list and for reading one, ours or anybody's.

A column's cell is text. Lists are parted by 、 when written (and by ； ; | or line breaks when read); materials, fees,
questions and steps have a line each: a plain line is the name, a line in braces says more (JSON).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import date, datetime
from functools import cache
from typing import Any, cast

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from yimen.catalog.actions import FIELDS, FaqDraft, FeeDraft, MaterialDraft, StepDraft
from yimen.catalog.actions.drafts import due_rule_fault
from yimen.catalog.models import CaseType, ItemMaterial, ItemType, ItemVersion, LimitUnit
from yimen.lib.text import normalise
from yimen.lib.workdays import Unit

# What a source says instead of nothing.
NOTHING = frozenset({"", "无", "无。", "null", "none", "-", "--", "—", "/", "n/a"})
YES = frozenset({"是", "有", "对", "true", "yes", "y", "1", "x", "√", "✓", "收费", "支持", "需要"})
NO = frozenset({"否", "无", "不是", "没有", "false", "no", "n", "0", "不收费", "不支持", "不需要"})
_BETWEEN = re.compile(r"\s*[、，；;|\n]+\s*")
_LIMIT = re.compile(r"(\d{1,6})\s*个?\s*(?:\(|（)?\s*([^\d()（）]*?)\s*(?:\)|）)?")
_UNITS = {
    "工作日": Unit.WORKDAY,
    "个工作日": Unit.WORKDAY,
    "workday": Unit.WORKDAY,
    "workdays": Unit.WORKDAY,
    "working days": Unit.WORKDAY,
    "自然日": Unit.DAY,
    "日": Unit.DAY,
    "天": Unit.DAY,
    "day": Unit.DAY,
    "days": Unit.DAY,
    "小时": Unit.HOUR,
    "时": Unit.HOUR,
    "hour": Unit.HOUR,
    "月": Unit.MONTH,
    "month": Unit.MONTH,
}
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d")


class Wrong(Exception):
    """A cell that cannot be taken; the text is the reason, for whoever filled it in."""


@dataclass(frozen=True)
class Column:
    """
    key: what --map calls it; label: its heading; also: other headings it is known by; upload: its name in the
    national upload tables, "" where we know none; most: characters; is_shown: only written, never read.
    """

    key: str
    label: str
    kind: str
    most: int | None = None
    also: tuple[str, ...] = ()
    upload: str = ""
    is_shown: bool = False

    @property
    def heading(self) -> str:
        return self.label


# Headings other lists use, beside our own words and the names of the national tables.
_ALSO: Mapping[str, str] = {
    "task_code": "实施编码 事项编码 事项代码 编码 代码 code id identifier task_code item_code lgsl",
    "catalog_code": "基本编码 基本目录编码 cataid",
    "local_task_code": "matter_code",
    "name": "事项名称 名称 事项 服务名称 业务名称 项目名称 事项名 name title service task_name matter_name description "
    "uniformeproductnaam 办理事项",
    "item_type": "事项类型 类型 权力类型 职权类型 type item_type task_type_text matter_type 事项类别",
    "department": "实施主体 部门 实施部门 单位 责任部门 责任单位 主管部门 实施机构 办理部门 department dept_name organ "
    "agency authority 实施主体名称 受理机构",
    "department_code": "实施主体编码 部门编码 单位编码 orgcode dept_code",
    "everyday_names": "大家平时怎么叫 常用名 俗称 别名 简称 alias aliases synonyms matter_daily matter_short 通俗名",
    "legal_basis": "设定依据 法律依据 依据 办理依据 实施依据 by_law grondslaglabel legal",
    "exercise_level": "行使层级 层级 级别 matter_level use_level tier",
    "statutory_limit": "法定办结时限 法定时限 法定期限 handle_time anticipate_day",
    "promised_limit": "承诺办结时限 承诺时限 承诺期限 办理时限 办结时限 handle_time_limit promise_day",
    "accept_condition": "受理条件 办理条件 申请条件 accept_standard 适用范围",
    "procedure": "办理流程 流程 办事程序 procedure",
    "service_objects": "服务对象 办理对象 谁能办 service_object_name server_type audience",
    "visit_count": "到办事现场次数 到现场次数 跑动次数 visit_number limit_scene_num",
    "place": "办理地点 地点 地址 handle_location address place",
    "hours": "办理时间 办公时间 工作时间 hours",
    "consult_way": "咨询方式 咨询电话 联系电话 consult_phone phone",
    "complaint_way": "监督投诉方式 投诉电话 监督电话 complain_phone",
    "result_name": "审批结果名称 结果名称 办理结果 证照名称",
    "plain_text": "大白话说明 说明 简介 摘要 summary text content",
    "themes": "主题 主题分类 theme_category theme themes topic category",
    "materials": "申请材料 申报材料 材料 所需材料 材料清单 material_intro materials documents 材料名称",
    "has_fee": "是否收费 收费",
    "fee_note": "收费标准",
    "fee_basis": "收费依据",
    "case_type": "办件类型",
    "channels": "办理形式 办理方式",
}
# The names national upload tables use, as far as rules.md and the glossary give them.
UPLOAD_NAMES: Mapping[str, str] = {
    "task_code": "task_code",
    "catalog_code": "catalog_code",
    "local_task_code": "local_task_code",
    "local_catalog_code": "local_catalog_code",
    "department": "dept_name",
    "department_code": "dept_code",
    "exercise_level": "use_level",
    "legal_basis": "by_law",
    "service_objects": "server_type",
    "accept_condition": "accept_condition",
    "statutory_limit": "anticipate_day",
    "statutory_unit": "anticipate_type",
    "promised_limit": "promise_day",
    "promised_unit": "promise_type",
    "visit_count": "limit_scene_num",
    "online_depth": "online_handle_depth",
    "universal_scope": "handle_area",
    "number": "task_version",
    "effective_on": "plan_effective_date",
}
_LABELS = {
    "everyday_names": gettext_lazy("大家平时怎么叫"),
    "themes": gettext_lazy("主题"),
    "statutory_unit": gettext_lazy("法定时限单位"),
    "promised_unit": gettext_lazy("承诺时限单位"),
    "due_rule": gettext_lazy("提醒办法"),
}
_LISTS: Mapping[str, tuple[Any, type[Any], str]] = {
    "materials": (gettext_lazy("申请材料"), MaterialDraft, "name"),
    "fees": (gettext_lazy("收费项目"), FeeDraft, ""),
    "faqs": (gettext_lazy("常见问题"), FaqDraft, ""),
    "steps": (gettext_lazy("办理步骤"), StepDraft, ""),
}
CHOICES: Mapping[str, type[models.TextChoices]] = {
    "item_type": ItemType,
    "case_type": CaseType,
    "statutory_unit": LimitUnit,
    "promised_unit": LimitUnit,
}
IGNORE = "-"


@cache
def columns() -> dict[str, Column]:
    """Return every column, by key, in the order they are written. Headings are the official Chinese words."""
    with override("zh-hans"):
        found = [
            _item("task_code", _("实施编码"), 200),
            _item("catalog_code", _("基本编码"), 12),
            _item("local_task_code", _("本地实施编码"), 50),
            _item("local_catalog_code", _("本地基本编码"), 50),
            _item("item_type", _("事项类型"), None, "choice"),
            _item("department", _("实施主体"), 120),
            _item("department_code", _("实施主体编码"), 40),
            *map(_edition, FIELDS),
            *(Column(key, str(label), "lines", also=_also(key)) for key, (label, _draft, _plain) in _LISTS.items()),
            Column("no_materials", _("不用交材料"), "bool", also=("no_materials",)),
            Column("extended", _("来源的其他内容"), "json", also=("extended",)),
            *(
                Column(key, label, "text", also=(key,), upload=UPLOAD_NAMES.get(key, ""), is_shown=True)
                for key, label in (
                    ("number", _("事项版本")),
                    ("state", _("事项状态")),
                    ("source", _("来源")),
                    ("parent", _("所属事项的实施编码")),
                    ("region", _("行政区划")),
                )
            ),
        ]
    return {column.key: column for column in found}


def _also(key: str) -> tuple[str, ...]:
    return tuple(filter(None, (key, UPLOAD_NAMES.get(key, ""), *_ALSO.get(key, "").split())))


def _item(key: str, label: str, most: int | None, kind: str = "text") -> Column:
    return Column(key, label, kind, most, _also(key), UPLOAD_NAMES.get(key, ""))


def _edition(key: str) -> Column:
    column = cast("models.Field[Any, Any]", ItemVersion._meta.get_field(key))
    label = str(_LABELS.get(key) or column.verbose_name)
    kind, most = "text", column.max_length
    if key in CHOICES:
        kind = "choice"
    elif isinstance(column, ArrayField):
        kind, most = "list", column.base_field.max_length
    elif isinstance(column, models.BooleanField):
        kind = "bool"
    elif isinstance(column, models.DateField):
        kind = "date"
    elif isinstance(column, models.PositiveSmallIntegerField):
        kind = "limit" if key.endswith("_limit") else "number"
    elif isinstance(column, models.JSONField):
        kind = "json"
    return Column(key, label, kind, most, _also(key), UPLOAD_NAMES.get(key, ""))


def plain(heading: str) -> str:
    """Return a heading in one spelling: no spaces, brackets or signs, lower case."""
    return normalise(re.sub(r"[(（\[【].*?[)）\]】]", "", heading)).replace(" ", "") or normalise(heading).replace(
        " ", ""
    )


@cache
def _names() -> dict[str, str]:
    names: dict[str, str] = {}
    for column in columns().values():
        for word in (column.key, column.label, *column.also):
            names.setdefault(plain(word), column.key)
    return names


def column_named(word: str) -> Column | None:
    """Return the column somebody calls so: our key, its Chinese heading, its national name, a usual heading."""
    key = _names().get(plain(word))
    return columns()[key] if key else None


def guess(headings: Iterable[str]) -> dict[str, str]:
    """Return heading → key for the headings that are known; of two for one column the better name wins."""
    found: dict[str, str] = {}
    taken: dict[str, tuple[int, str]] = {}
    for heading in headings:
        column = column_named(heading)
        if column is None:
            continue
        names = [plain(word) for word in (column.key, column.label, *column.also)]
        rank = names.index(plain(heading))
        if column.key in taken:
            if taken[column.key][0] <= rank:
                continue
            del found[taken[column.key][1]]
        taken[column.key] = (rank, heading)
        found[heading] = column.key
    return found


# Reading


def read(column: Column, cell: Any) -> Any:
    """
    Return what a cell says, None for nothing. Raises Wrong with the reason.

    A limit is (number, unit or None). Text keeps its lines; what must fit one line has its spaces made single.
    """
    if isinstance(cell, str):
        cell = cell.strip()
        if column.kind not in {"lines", "list", "bool"} and cell.lower() in NOTHING:
            return None
    if cell is None or cell == "":
        return None
    return _READ[column.kind](column, cell)


def _flat(cell: Any) -> str:
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, int | float):
        return str(int(cell)) if float(cell).is_integer() else str(cell)
    if isinstance(cell, list) and all(isinstance(one, str | int | float) for one in cell):
        return "\n".join(map(str, cell))
    if not isinstance(cell, str):
        raise Wrong(_("这里应当是文字。"))
    return cell


def _clean(text: str) -> str:
    if "\0" in text:
        raise Wrong(_("有一个看不见的坏字符，请重新输入。"))
    return text.strip()


def _read_text(column: Column, cell: Any) -> str:
    text = _clean(_flat(cell))
    if column.most:
        text = " ".join(text.split())
        if len(text) > column.most:
            raise Wrong(
                _("太长，最多 %(most)d 个字，这里有 %(count)d 个。") % {"most": column.most, "count": len(text)}
            )
    return text


def _read_list(column: Column, cell: Any) -> list[str] | None:
    words = cell if isinstance(cell, list) else _BETWEEN.split(_clean(_flat(cell)))
    found = []
    for word in words:
        if not isinstance(word, str):
            raise Wrong(_("这里应当是一列文字。"))
        word = " ".join(_clean(word).split())
        if word.lower() in NOTHING:
            continue
        if column.most and len(word) > column.most:
            raise Wrong(_("“%(word)s”太长，每个最多 %(most)d 个字。") % {"word": word[:20], "most": column.most})
        found.append(word)
    return list(dict.fromkeys(found)) or None


def _read_number(column: Column, cell: Any) -> int | None:
    text = _flat(cell).strip()
    found = re.fullmatch(r"(\d{1,9})\s*次?", text, re.ASCII)
    if not found or int(found[1]) > 32767:
        raise Wrong(_("要是 0 到 32767 的整数。"))
    return int(found[1])


def _read_limit(column: Column, cell: Any) -> tuple[int, str | None] | None:
    text = _flat(cell).strip()
    if text in {"即办", "当场办结", "即时办结"}:
        return 0, Unit.WORKDAY.value
    found = _LIMIT.fullmatch(text)
    if not found or int(found[1]) > 32767:
        raise Wrong(_("不是时限。请写成 20 个工作日、3 天、24 小时这样，最多 32767。"))
    word = found[2].strip().lower().removeprefix("个")
    if not word:
        return int(found[1]), None
    if word not in _UNITS:
        raise Wrong(_("没有“%(unit)s”这种时限单位，请写工作日、天、小时或月。") % {"unit": word[:10]})
    return int(found[1]), _UNITS[word].value


def _read_bool(column: Column, cell: Any) -> bool | None:
    if isinstance(cell, bool):
        return cell
    text = _flat(cell).strip().lower()
    if text in YES:
        return True
    if text in NO:
        return False
    if text in NOTHING:
        return None
    raise Wrong(_("要写是或否。"))


def _read_date(column: Column, cell: Any) -> date:
    text = _flat(cell).strip().split(" ")[0].split("T")[0]
    for form in _DATES:
        try:
            day = datetime.strptime(text, form).date()  # noqa: DTZ007
        except ValueError:
            continue
        if 1949 <= day.year < 2200:
            return day
    raise Wrong(_("没有这一天，请写成 2027-02-08 这样。"))


def _read_choice(column: Column, cell: Any) -> str:
    text = _flat(cell).strip()
    value = words_of(column.key).get(normalise(text).replace(" ", ""))
    if value is None:
        kinds = "、".join(dict.fromkeys(label for label in _labels(column.key).values()))
        raise Wrong(_("没有这一种，可以写：%(kinds)s。") % {"kinds": kinds})
    return value


@cache
def _labels(key: str) -> dict[str, str]:
    with override("zh-hans"):
        return {str(value): str(label).removeprefix("个") for value, label in CHOICES[key].choices}


@cache
def words_of(key: str) -> dict[str, str]:
    """Return what may be written for a choice → our value."""
    words: dict[str, str] = {}
    for value, label in _labels(key).items():
        words[normalise(value).replace(" ", "")] = value
        words[normalise(label).replace(" ", "")] = value
    if key == "item_type":
        words |= {"其他": "10", "其他类别": "10", "其他权力": "10", "许可": "01", "审批": "01", "公共服务事项": "20"}
        words |= {str(int(value)): value for value in _labels(key)}
    elif key == "case_type":
        words |= {"1": "immediate", "2": "promised", "9": "other", "即办": "immediate", "承诺": "promised"}
    else:
        words |= {word.replace(" ", ""): unit.value for word, unit in _UNITS.items()}
        words |= {"1": "workday", "2": "day", "3": "hour", "4": "month"}
    return words


def _read_json(column: Column, cell: Any) -> dict[str, Any]:
    data = cell
    if isinstance(cell, str):
        try:
            data = json.loads(_clean(cell))
        except (ValueError, RecursionError):
            raise Wrong(_("不是完整的 JSON。")) from None
    if not isinstance(data, dict) or "\\u0000" in json.dumps(data):
        raise Wrong(_("不是用花括号括起来的 JSON。"))
    if column.key == "due_rule" and (fault := due_rule_fault(data)):
        raise Wrong(fault)
    return data


def _read_lines(column: Column, cell: Any) -> list[dict[str, Any]] | None:
    """Materials, fees, questions or steps, each as what differs from a plain one."""
    _label, draft, plain_key = _LISTS[column.key]
    lines: Sequence[Any] = cell if isinstance(cell, list) else _flat(cell).splitlines()
    if len(lines) == 1 and isinstance(lines[0], str) and plain_key and not lines[0].lstrip().startswith("{"):
        # A plain cell may have its names in one line.
        lines = re.split(r"\s*[；;|]+\s*", lines[0])
    found = []
    for line in lines:
        data = line
        if isinstance(line, str):
            line = _clean(line)
            if line.lower() in NOTHING:
                continue
            if line.startswith("{"):
                try:
                    data = json.loads(line)
                except (ValueError, RecursionError):
                    raise Wrong(_("有一行用花括号开头，却不是完整的 JSON。")) from None
            elif plain_key:
                name = " ".join(line.split())
                if len(name) > _LONGEST_NAME:
                    reason = _("“%(word)s”太长，每个最多 %(most)d 个字。")
                    raise Wrong(reason % {"word": name[:20], "most": _LONGEST_NAME})
                found.append({plain_key: name})
                continue
            else:
                raise Wrong(_("这里每行要是用花括号括起来的 JSON，导出的表里有样子。"))
        if not isinstance(data, dict):
            raise Wrong(_("这里应当是一列文字。"))
        found.append(_line(draft, data))
    return found or None


def _line(draft: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    known = {field.name: field for field in fields(draft)}
    row: dict[str, Any] = {}
    for key, value in data.items():
        if key not in known:
            raise Wrong(_("没有“%(key)s”这一栏。") % {"key": key[:40]})
        default = _default(known[key])
        wanted = type(default) if default is not MISSING and default is not None else None
        is_list = wanted in (tuple, list)
        if is_list and not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
            raise Wrong(_("“%(key)s”应当是一列文字。") % {"key": key})
        if wanted in (int, bool) and type(value) is not wanted:
            raise Wrong(_("“%(key)s”的值不对。") % {"key": key})
        if not is_list and wanted not in (int, bool) and key != "limit_days" and not isinstance(value, str):
            raise Wrong(_("“%(key)s”应当是文字。") % {"key": key})
        if key == "limit_days" and not (value is None or (type(value) is int and 0 <= value < 32768)):
            raise Wrong(_("“%(key)s”的值不对。") % {"key": key})
        if "\0" in str(value):
            raise Wrong(_("有一个看不见的坏字符，请重新输入。"))
        row[key] = value
    for key, field in known.items():
        if _default(field) is MISSING and not row.get(key) and key != "limit_days":
            raise Wrong(_("有一行没写“%(key)s”。") % {"key": key})
    name = row.get("name", "")
    if draft is MaterialDraft and len(name) > _LONGEST_NAME:
        raise Wrong(_("“%(word)s”太长，每个最多 %(most)d 个字。") % {"word": name[:20], "most": _LONGEST_NAME})
    for key, choices in _LINE_CHOICES.items():
        if draft is MaterialDraft and key in row and row[key] not in choices.values:
            raise Wrong(_("“%(key)s”没有“%(value)s”这一种。") % {"key": key, "value": str(row[key])[:20]})
    return row


_LONGEST_NAME = 500
_LINE_CHOICES: Mapping[str, type[models.TextChoices]] = {
    "necessity": ItemMaterial.Necessity,
    "kind": ItemMaterial.Kind,
    "source": ItemMaterial.Source,
}


def _default(field: Any) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


_READ: Mapping[str, Callable[[Column, Any], Any]] = {
    "text": _read_text,
    "list": _read_list,
    "number": _read_number,
    "limit": _read_limit,
    "bool": _read_bool,
    "date": _read_date,
    "choice": _read_choice,
    "json": _read_json,
    "lines": _read_lines,
}


# Writing


def write(column: Column, value: Any) -> str:
    """Return the cell that read() gives back as `value`."""
    if value is None or value == "" or value == [] or value == {} or value == ():
        return ""
    match column.kind:
        case "list":
            return "、".join(value)
        case "bool":
            return "是" if value else "否"
        case "date":
            return str(value.isoformat())
        case "choice":
            return _labels(column.key).get(str(value), str(value))
        case "json":
            return json.dumps(value, ensure_ascii=False, sort_keys=True)
        case "lines":
            return "\n".join(_written(column, row) for row in value)
    return str(value)


def shortened(column: Column, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a line of a list says beyond a plain one."""
    said = {}
    for key, default in _defaults(column.key).items():
        value = row.get(key)
        value = list(value) if isinstance(value, tuple) else value
        if value is not None and value != (list(default) if isinstance(default, tuple) else default):
            said[key] = value
    return said


@cache
def _defaults(key: str) -> dict[str, Any]:
    return {field.name: _default(field) for field in fields(_LISTS[key][1])}


def _written(column: Column, row: Mapping[str, Any]) -> str:
    """One line: the plain name when it says no more."""
    said, plain_key = shortened(column, row), _LISTS[column.key][2]
    name = str(said.get(plain_key, ""))
    is_plain = list(said) == [plain_key] and not re.search(r"[；;|\n\r{]", name) and name.lower() not in NOTHING
    return name if is_plain and " ".join(name.split()) == name else json.dumps(said, ensure_ascii=False)
