"""
Loading the service guides Guangdong publishes (ITEM-16).

The guides of Guangdong's service site, a JSON object a line. It takes every row that has a code, a name and an
organ; a value it cannot take is left out and named, never guessed. What the source does not say at all is listed in
the edition's `not_stated`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.catalog import rules, search
from yimen.catalog.actions.words import recount
from yimen.catalog.importers.common import AT_ONCE, LeftOut, Organ, Report, Unreadable, departments, event
from yimen.catalog.models import (
    FINGERPRINT,
    NO_MATERIALS,
    NOT_STATED,
    CaseType,
    ItemMaterial,
    ItemType,
    ItemVersion,
    ServiceItem,
)
from yimen.ledger.actions import Actor
from yimen.ledger.bulk import NewEvent, record_many
from yimen.lib.workdays import Limit, Unit
from yimen.people import access
from yimen.people.models import Region

SOURCE = "guangdong"
NONE = {"", "无", "无。", "null"}
LONGEST_LINE = 1_000_000
# What these guides never say; the columns' defaults mean nothing then.
SAYS_NOTHING_OF = ("case_type", "has_fee", "legal_basis", "procedure", "hours", "materials.necessity")

_LIMIT = re.compile(r"(\d{1,5})\((工作日|自然日|日|天|小时|月|个月)\)")
_UNITS = {
    "工作日": Unit.WORKDAY,
    "自然日": Unit.DAY,
    "日": Unit.DAY,
    "天": Unit.DAY,
    "小时": Unit.HOUR,
    "月": Unit.MONTH,
    "个月": Unit.MONTH,
}
# The province numbers types its own way (21 public service), so the words decide.
_TYPES = {str(label): ItemType(value) for value, label in ItemType.choices}
# Keys that became columns; the others are kept as the source has them.
_TAKEN = {
    *("TASK_CODE", "ORGCODE", "DEPT_NAME", "TASK_NAME", "AREACODE", "AREA_CODE_TEXT", "CATAID", "TASK_TYPE_TEXT"),
    *("matter_type", "matter_code", "matter_short", "matter_daily", "matter_level", "visit_number"),
    *("handle_location", "handle_time", "handle_time_limit", "accept_standard", "consult_phone", "complain_phone"),
    *("theme_category", "service_object_name", "material_intro"),
}


@dataclass
class Guide:
    """One row, read: what goes into the columns."""

    row: int
    code: str
    name: str
    organ_code: str
    organ_name: str
    credit_code: str
    region: str
    region_name: str
    item_type: str
    catalog_code: str
    local_code: str
    fields: dict[str, Any]
    materials: list[str]
    says_none: bool
    extended: dict[str, Any]
    fingerprint: str


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (number, text) of each non-empty line, packed or not. Raises Unreadable with a sentence."""
    name = path.name
    if not path.exists():
        raise Unreadable(_("找不到文件 %(name)s，请看路径。") % {"name": path})
    if not path.is_file():
        raise Unreadable(_("%(name)s 不是文件。请给出清单文件，一行一个 JSON。") % {"name": path})
    try:
        with path.open("rb") as file:
            is_packed = file.read(2) == b"\x1f\x8b"
        if name.endswith(".gz") and not is_packed:
            raise Unreadable(_("%(name)s 叫 .gz，内容却不是 gzip 压缩的，请看是不是下载坏了。") % {"name": name})
        with gzip.open(path) if is_packed else path.open("rb") as file:
            number = 0
            while raw := file.readline(LONGEST_LINE + 1):
                number += 1
                if len(raw) > LONGEST_LINE:
                    raise Unreadable(_("第 %(row)d 行太长，这不像一行一个事项的清单。") % {"row": number})
                # Bad bytes make bad JSON or bad words; both are reported with the row.
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8", errors="surrogateescape").strip()
                if text:
                    yield number, text
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise Unreadable(_("%(name)s 的压缩内容不完整或已损坏，请重新下载。") % {"name": name}) from None
    except OSError as error:
        raise Unreadable(_("读不了 %(name)s：%(why)s。") % {"name": name, "why": error.strerror or error}) from None


def import_guangdong(
    path: Path,
    *,
    by: Actor,
    at: datetime,
    region_code: str = "",
    preview: bool = False,
    progress: Callable[[Iterable[Any], int], Iterable[Any]] = lambda rows, count: rows,
) -> Report:
    """
    Load a file of guides, all in one transaction, and tell what was and was not taken, row by row.

    region_code: where the items go; empty for the region each row names, which is made when missing. An item that
    did not change is left alone; a changed row makes a new published edition (ITEM-16) unless somebody here has
    edited the item since. preview: tell, but write nothing. Raises Unreadable for a file that is not such a list,
    access.NotAllowed.
    """
    access.require(by, "exchange.import")
    report = Report()
    guides: list[Guide] = []
    seen: dict[tuple[str, str], int] = {}
    for row, text in lines(path):
        report.rows += 1
        guide = _read(row, text, report)
        if guide is None:
            continue
        guide.region = region_code or guide.region
        place = (guide.region, guide.code)
        if place in seen:
            report.refuse(row, guide.code, _("实施编码和第 %(row)d 行重复，只收了前一行。") % {"row": seen[place]})
            continue
        seen[place] = row
        guides.append(guide)
    if not report.rows:
        raise Unreadable(_("%(name)s 是空的，里面一行也没有。") % {"name": path.name})
    if not guides and report.rows == report.refused:
        first = report.left_out[0]
        raise Unreadable(
            _("%(name)s 里没有一行能读成事项。第 %(row)d 行：%(reason)s")
            % {"name": path.name, "row": first.row, "reason": first.reason}
        )
    with transaction.atomic():
        _store(guides, report, by, at, named=bool(region_code), progress=progress)
        report.written = not preview
        transaction.set_rollback(preview)
        for region in Region.objects.filter(pk__in={guide.region for guide in guides if report.written}):
            recount(region)
    return report


# Reading a row


def _read(row: int, text: str, report: Report) -> Guide | None:
    try:
        # A lone half of a pair, from bad bytes or a bad escape, cannot be stored.
        text.encode()
        data = json.loads(text)
        json.dumps(data, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        report.refuse(row, "", _("这一行的文字编码不是 UTF-8。"))
        return None
    except (ValueError, RecursionError):
        report.refuse(row, "", _("这一行不是完整的 JSON。"))
        return None
    if not isinstance(data, dict):
        report.refuse(row, "", _("这一行不是一个事项（要用花括号括起来）。"))
        return None
    if "\\u0000" in text:
        data = _without_nul(data)
    source = _Row(row, data, report)
    code, name = source.word("TASK_CODE"), source.word("TASK_NAME")
    organ_code, organ_name = source.word("ORGCODE"), source.word("DEPT_NAME")
    region = source.word("AREACODE")
    for value, label, most in (
        (code, _("实施编码"), 36),
        (name, _("事项名称"), 300),
        (organ_code or organ_name, _("实施主体"), 120),
        (organ_name or organ_code, _("实施主体名称"), 120),
        (region, _("行政区划"), 12),
    ):
        if not value:
            report.refuse(row, code, _("没有%(label)s。") % {"label": label})
            return None
        if len(value) > most:
            values = {"label": label, "most": most}
            report.refuse(row, code[:40], _("%(label)s太长，最多 %(most)d 个字。") % values)
            return None
    if not re.fullmatch(r"[0-9A-Za-z-]+", code, re.ASCII):
        report.refuse(row, code, _("实施编码里有数字和字母以外的字。"))
        return None
    source.code = code
    materials = source.materials()
    credit_code, catalog_code = _codes(source, organ_code)
    return Guide(
        row=row,
        code=code,
        name=name,
        organ_code=re.sub(r"[^0-9A-Za-z_-]", "", organ_code)[:40],
        organ_name=organ_name or organ_code,
        credit_code=credit_code,
        region=region,
        region_name=source.word("AREA_CODE_TEXT")[:60],
        item_type=source.one_of(_TYPES, "TASK_TYPE_TEXT", "matter_type"),
        catalog_code=catalog_code,
        local_code=source.short("matter_code", 50),
        fields=_fields(source, name),
        materials=materials,
        says_none=source.says_none("material_intro"),
        extended=_extended(data),
        fingerprint=_fingerprint(data),
    )


def _fingerprint(data: dict[str, Any]) -> str:
    text = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _without_nul(value: Any) -> Any:
    """PostgreSQL stores no NUL."""
    match value:
        case str():
            return value.replace("\0", "")
        case dict():
            return {_without_nul(key): _without_nul(item) for key, item in value.items()}
        case list():
            return [_without_nul(item) for item in value]
    return value


def _codes(source: _Row, organ_code: str) -> tuple[str, str]:
    """Return the organ's credit code and the basic code, each "" (and reported) when it cannot be right."""
    catalog_code = source.word("CATAID")
    try:
        parts = rules.read_task_code(source.code)
    except rules.InvalidItemCode as error:
        source.leave("TASK_CODE", _("%(reason)s 原样收下，读不出信用代码。") % {"reason": error})
        return "", source.short("CATAID", 12)
    if catalog_code and catalog_code != parts.catalog_code:
        source.leave("CATAID", _("和实施编码里的基本编码不一样，按实施编码收。"))
    if not parts.is_organ_valid:
        reason = _("前 18 位 %(organ)s 通不过信用代码的校验（GB 32100），编码照收，不记为单位的信用代码。")
        source.leave("TASK_CODE", reason % {"organ": parts.organ})
        return "", parts.catalog_code
    if organ_code and organ_code != parts.organ[8:17]:
        source.leave("ORGCODE", _("和实施编码里的组织机构代码不一样，不记为单位的信用代码。"))
        return "", parts.catalog_code
    return parts.organ, parts.catalog_code


def _fields(source: _Row, name: str) -> dict[str, Any]:
    statutory, promised = source.limit("handle_time"), source.limit("handle_time_limit")
    if statutory and promised and rules.is_longer(promised, statutory):
        source.leave("handle_time_limit", _("承诺时限比法定时限还长，没有收。"))
        promised = None
    everyday = dict.fromkeys([source.short("matter_short", 60), source.short("matter_daily", 60)])
    return {
        "name": name,
        "everyday_names": [word for word in everyday if word and word != name],
        "exercise_level": source.short("matter_level", 20),
        "statutory_limit": statutory.number if statutory else None,
        "statutory_unit": statutory.unit.value if statutory else Unit.WORKDAY.value,
        "promised_limit": promised.number if promised else None,
        "promised_unit": promised.unit.value if promised else Unit.WORKDAY.value,
        "accept_condition": source.text("accept_standard"),
        "case_type": CaseType.OTHER.value,
        "service_objects": source.words("service_object_name", 20),
        "visit_count": source.number("visit_number"),
        "place": source.text("handle_location").removeprefix("办理地点：").strip(),
        "consult_way": source.text("consult_phone"),
        "complaint_way": source.text("complain_phone"),
        "themes": source.words("theme_category", 60),
    }


def _extended(data: dict[str, Any]) -> dict[str, Any]:
    """Return what has no column, under the source's names; its words for "none" are dropped."""
    return {
        key: value
        for key, value in data.items()
        if key not in _TAKEN and value is not None and not (isinstance(value, str) and value.strip() in NONE)
    }


@dataclass
class _Row:
    """Reads fields of one row and notes what could not be taken."""

    row: int
    data: dict[str, Any]
    report: Report
    code: str = ""

    def leave(self, key: str, reason: str, value: Any = None) -> None:
        shown = self.data.get(key) if value is None else value
        text = shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False)
        self.report.left(LeftOut(self.row, self.code, key, text[:80], reason))

    def text(self, key: str) -> str:
        value = self.data.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.leave(key, _("这里应当是文字。"))
            return ""
        value = value.strip()
        return "" if value in NONE else value

    def says_none(self, key: str) -> bool:
        """The row says there is none, as against saying nothing."""
        value = self.data.get(key)
        return isinstance(value, str) and value.strip("。 ") == "无"

    def word(self, key: str) -> str:
        """Text on one line, spaces made single."""
        return " ".join(self.text(key).split())

    def short(self, key: str, most: int) -> str:
        value = self.word(key)
        if len(value) > most:
            self.leave(key, _("太长，最多 %(most)d 个字。") % {"most": most})
            return ""
        return value

    def number(self, key: str) -> int | None:
        value = self.word(key)
        if not value:
            return None
        if not re.fullmatch(r"\d{1,4}", value, re.ASCII):
            self.leave(key, _("不是次数。"))
            return None
        return int(value)

    def limit(self, key: str) -> Limit | None:
        value = self.word(key)
        if not value:
            return None
        found = _LIMIT.fullmatch(value.replace("（", "(").replace("）", ")").replace(" ", ""))
        if not found or int(found[1]) > 32767:
            self.leave(key, _("不是“数字(工作日)”这样的时限，没有单位就不知道怎么数。"))
            return None
        return Limit(int(found[1]), _UNITS[found[2]])

    def one_of(self, words: dict[str, ItemType], *keys: str) -> str:
        for key in keys:
            if (value := self.word(key)) in words:
                return words[value].value
        if value := self.word(keys[0]):
            self.leave(keys[0], _("没有这种事项类型。"))
        return ""

    def words(self, key: str, most: int) -> list[str]:
        return [word for word in self._list(key) if self._fits(key, word, most)]

    def materials(self) -> list[str]:
        return [name for name in self._list("material_intro") if self._fits("material_intro", name, 500)]

    def _fits(self, key: str, word: str, most: int) -> bool:
        if len(word) > most:
            self.leave(key, _("太长，最多 %(most)d 个字。") % {"most": most}, word)
        return len(word) <= most

    def _list(self, key: str) -> list[str]:
        value = self.data.get(key)
        if value is None or (isinstance(value, str) and value.strip() in NONE):
            return []
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, list):
            self.leave(key, _("这里应当是一列文字。"))
            return []
        found = []
        for word in value:
            if not isinstance(word, str):
                self.leave(key, _("这里应当是一列文字。"), word)
            elif word.strip() not in NONE:
                found.append(" ".join(word.split()))
        return found


# Storing


def _store(
    guides: list[Guide],
    report: Report,
    by: Actor,
    at: datetime,
    *,
    named: bool,
    progress: Callable[[Iterable[Any], int], Iterable[Any]],
) -> None:
    regions = _regions(guides, report, by, at, named=named)
    guides = [guide for guide in guides if guide.region in regions]
    organs = departments(
        [Organ(guide.region, guide.organ_code, guide.organ_name, guide.credit_code) for guide in guides], by, at
    )
    known = {
        (item.region_id, item.task_code): item
        for item in ServiceItem.objects.select_for_update(of=("self",))
        .filter(region_id__in=regions, task_code__in=[guide.code for guide in guides])
        .select_related("published")
    }
    numbers = dict(
        ItemVersion.objects.filter(item__in=known.values())
        .order_by("item_id", "number")
        .values_list("item_id", "number")
    )
    items: list[ServiceItem] = []
    changed: list[ServiceItem] = []
    versions: list[ItemVersion] = []
    materials: list[ItemMaterial] = []
    events: list[NewEvent] = []
    replaced: list[ItemVersion] = []
    for guide in progress(guides, len(guides)):
        item = known.get((guide.region, guide.code))
        department = organs[(guide.region, guide.organ_code or guide.organ_name)]
        if item is not None:
            if refusal := _refusal(item):
                report.refuse(guide.row, guide.code, refusal)
                continue
            assert item.published is not None
            if item.published.extended.get(FINGERPRINT) == guide.fingerprint:
                report.unchanged += 1
                continue
            replaced.append(item.published)
            report.changed += 1
            changed.append(item)
        else:
            item = ServiceItem(region_id=guide.region, task_code=guide.code, source=SOURCE)
            report.taken += 1
            items.append(item)
        before = numbers.get(item.pk, 0)
        version = _version(item, guide, before + 1, at)
        item.department, item.name, item.item_type = department, guide.name, guide.item_type
        item.catalog_code, item.local_task_code = guide.catalog_code, guide.local_code
        search.index(item, version, department.name)
        versions.append(version)
        materials += [
            ItemMaterial(version=version, position=number, name=name) for number, name in enumerate(guide.materials, 1)
        ]
        data: dict[str, Any] = {"version": version.number, "source": SOURCE, "sha256": guide.fingerprint}
        data |= {"replaces": before} if before else {"task_code": guide.code}
        events.append(event(guide.region, f"item:{item.pk}", "catalog.imported", by, at, data))
    report.materials = sum(len(guide.materials) for guide in guides)
    report.without_materials = sum(guide.says_none for guide in guides)
    for old in replaced:
        old.state, old.cancel_on = ItemVersion.State.REPLACED, localdate(at)
    ItemVersion.objects.bulk_update(replaced, ["state", "cancel_on"], batch_size=AT_ONCE)
    # Items and editions point at each other; the keys are checked at the end of the transaction.
    for version in versions:
        version.item.published = version
    ServiceItem.objects.bulk_create(items, batch_size=AT_ONCE)
    ItemVersion.objects.bulk_create(versions, batch_size=AT_ONCE)
    ItemMaterial.objects.bulk_create(materials, batch_size=AT_ONCE)
    columns = ["published", "department", "name", "item_type", "catalog_code", "local_task_code", *search.INDEXED]
    ServiceItem.objects.bulk_update(changed, columns, batch_size=AT_ONCE)
    record_many(events)


def _refusal(item: ServiceItem) -> str:
    """Return why the source's row may not touch this item, or ""."""
    if item.source != SOURCE:
        return _("这个实施编码是本地建的事项“%(name)s”，没有覆盖它。") % {"name": item.name}
    if item.published is None:
        return _("这个事项在本地已经停办，没有重新发布。")
    if FINGERPRINT not in item.published.extended:
        return _("本地已经改出第 %(number)d 版，没有用来源的内容覆盖它。") % {"number": item.published.number}
    return ""


def _version(item: ServiceItem, guide: Guide, number: int, at: datetime) -> ItemVersion:
    not_stated = [*SAYS_NOTHING_OF, *([] if guide.materials or guide.says_none else ["materials"])]
    extended = guide.extended | {FINGERPRINT: guide.fingerprint, NOT_STATED: not_stated}
    if guide.says_none:
        extended[NO_MATERIALS] = True
    return ItemVersion(
        item=item,
        number=number,
        state=ItemVersion.State.PUBLISHED,
        published_at=at,
        effective_on=localdate(at),
        extended=extended,
        **guide.fields,
    )


def _regions(guides: list[Guide], report: Report, by: Actor, at: datetime, *, named: bool) -> set[str]:
    """Return the codes of the regions rows may go to, making those that only the file knows."""
    wanted = {guide.region: guide.region_name for guide in guides}
    there = set(Region.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    for code in sorted(wanted.keys() - there):
        if named:
            raise Unreadable(_("没有代码是 %(code)s 的区划，请先建好，或者不写 --region。") % {"code": code})
        if not wanted[code]:
            for guide in guides:
                if guide.region == code:
                    report.refuse(guide.row, guide.code, _("区划 %(code)s 没有名称，建不了。") % {"code": code})
            continue
        Region.objects.create(code=code, name=wanted[code])
        record_many([event(code, f"region:{code}", "people.region_added", by, at, {"name": wanted[code]})])
        there.add(code)
    return there


def is_guangdong(path: Path) -> bool:
    """Tell whether the first line is such a guide."""
    try:
        _number, text = next(lines(path))
        data = json.loads(text)
    except (Unreadable, StopIteration, ValueError, RecursionError):
        return False
    return isinstance(data, dict) and {"TASK_CODE", "TASK_NAME"} <= data.keys()
