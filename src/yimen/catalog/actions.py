"""Writes: the work calendar, dated local rules, and items from draft to published and withdrawn."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any, cast

from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.catalog import calendar_data, queries, rules, search
from yimen.catalog.models import (
    FINGERPRINT,
    NO_MATERIALS,
    NOT_STATED,
    CalendarDay,
    CalendarState,
    CalendarYear,
    CaseType,
    FlowStep,
    ItemMaterial,
    ItemType,
    ItemVersion,
    LimitUnit,
    LocalRule,
    ServiceItem,
)
from yimen.ledger import actions as ledger
from yimen.ledger.actions import SYSTEM, Actor
from yimen.ledger.models import Event
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Department, Region, Staff

# The calendar belongs to no one place; its history stands under this code.
NATION = "000000"
LEAST_REASON = 4
CODE_SCHEME = "item_code_scheme"


# The work calendar


class BadCalendar(DomainError):
    """A day or a year that cannot stand in the work calendar."""


@dataclass(frozen=True)
class AnnouncedDay:
    """One day of a year's notice."""

    on: date
    is_workday: bool
    name: str


@dataclass(frozen=True)
class MovedDay:
    """A day that was worked and is off now, or the other way round."""

    on: date
    was_workday: bool
    is_workday: bool


@dataclass(frozen=True)
class YearChange:
    """
    What announcing a year did. moved: days whose meaning changed, as an empty day follows its weekday;
    kept: days somebody had set by hand, which the notice did not touch; is_new: the year was provisional before.
    """

    year: int
    moved: tuple[MovedDay, ...]
    kept: tuple[date, ...]
    is_new: bool


@transaction.atomic
def load_official_calendar(at: datetime) -> int:
    """
    Bring the shipped official days into the table and return how many rows were added or corrected.

    Years a place has announced itself and days it has set by hand stay as they are; a second run changes nothing.
    """
    _lock_calendar()
    known = {year.year: year.notice for year in CalendarYear.objects.all()}
    rows = CalendarDay.objects.in_bulk()
    added: list[CalendarDay] = []
    years: list[int] = []
    shipped = calendar_data.read()
    for official in calendar_data.years():
        notice = " ".join(official.notices)[:200]
        if known.get(official.year, notice) != notice:
            continue
        changed = [
            CalendarDay(on=day.date, is_workday=day.is_workday, name=day.name, notice=str(day.notice))
            for day in shipped
            if day.notice == official.year and _differs(rows.get(day.date), day)
        ]
        if official.year not in known:
            CalendarYear.objects.create(year=official.year, notice=notice)
        if changed or official.year not in known:
            added += changed
            years.append(official.year)
    if added:
        CalendarDay.objects.bulk_create(
            added, update_conflicts=True, unique_fields=["on"], update_fields=["is_workday", "name", "notice"]
        )
    for year in years:
        count = sum(day.notice == str(year) for day in added)
        _record_year(year, "catalog.calendar_loaded", SYSTEM, at, {"year": year, "days": count})
    return len(added)


def _differs(row: CalendarDay | None, day: calendar_data.OfficialDay) -> bool:
    if row is None:
        return True
    return row.notice == str(day.notice) and (row.is_workday, row.name) != (day.is_workday, day.name)


@transaction.atomic
def set_calendar_day(on: date, is_workday: bool, name: str, *, by: Actor, at: datetime, reason: str) -> MovedDay | None:
    """
    Set one day by hand; None when it already stood like that. Official loads leave such a day alone.

    Whoever acts on the answer recomputes open clocks (CAL-7). Raises BadCalendar without a name or a reason of at
    least four characters, access.NotAllowed.
    """
    access.require(by, "catalog.calendar")
    name, reason = name.strip(), reason.strip()
    if not name:
        raise BadCalendar(_("请写这一天叫什么，例如“国庆节”或“调休上班”。"))
    if len(reason) < LEAST_REASON:
        raise BadCalendar(_("请写明改这一天的依据，至少 4 个字，例如通知的文号。"))
    _lock_calendar()
    before = CalendarDay.objects.filter(pk=on).first()
    was_workday = before.is_workday if before else on.weekday() < 5
    if before and (before.is_workday, before.name) == (is_workday, name):
        return None
    notice = (CalendarDay.LOCAL + reason)[:200]
    CalendarDay.objects.update_or_create(
        pk=on, defaults={"is_workday": is_workday, "name": name[:40], "notice": notice}
    )
    data = {"on": on.isoformat(), "was_workday": was_workday, "is_workday": is_workday, "name": name, "reason": reason}
    _record_year(on.year, "catalog.calendar_day_set", by, at, data)
    return MovedDay(on, was_workday, is_workday)


@transaction.atomic
def announce_year(year: int, notice: str, days: Iterable[AnnouncedDay], *, by: Actor, at: datetime) -> YearChange:
    """
    Enter a year's official notice (CAL-1) and return what moved; days set by hand stay.

    notice: its number or address. Days may reach back into the last December. A second notice for the same year
    replaces the first. Raises BadCalendar, access.NotAllowed.
    """
    access.require(by, "catalog.calendar")
    wanted = _checked_days(year, notice, days)
    _lock_calendar()
    old = {day.on: day for day in CalendarDay.objects.filter(notice=str(year))}
    taken = {day.on: day for day in CalendarDay.objects.filter(on__in=wanted).exclude(notice=str(year))}
    kept = tuple(sorted(on for on in taken if taken[on].is_local))
    rows = [
        CalendarDay(on=on, is_workday=day.is_workday, name=day.name.strip()[:40], notice=str(year))
        for on, day in wanted.items()
        if on not in kept
    ]
    gone = old.keys() - {row.on for row in rows}
    before = {on: row.is_workday for on, row in (old | taken).items()}
    after = {row.on: row.is_workday for row in rows}
    moved = tuple(
        MovedDay(on, was, now)
        for on in sorted(after.keys() | gone)
        if (was := before.get(on, on.weekday() < 5)) != (now := after.get(on, on.weekday() < 5))
    )
    known = CalendarYear.objects.filter(pk=year).first()
    same = old.keys() == after.keys() and all(
        (old[row.on].is_workday, old[row.on].name) == (row.is_workday, row.name) for row in rows
    )
    if known and known.notice == notice.strip()[:200] and same:
        return YearChange(year, (), kept, is_new=False)
    CalendarDay.objects.filter(on__in=gone).delete()
    CalendarDay.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["on"], update_fields=["is_workday", "name", "notice"]
    )
    CalendarYear.objects.update_or_create(pk=year, defaults={"notice": notice.strip()[:200]})
    data = {
        "year": year,
        "notice": notice.strip(),
        "days": len(rows),
        "moved": [[day.on.isoformat(), day.was_workday, day.is_workday] for day in moved],
    }
    _record_year(year, "catalog.calendar_announced", by, at, data)
    return YearChange(year, moved, kept, is_new=known is None)


def _checked_days(year: int, notice: str, days: Iterable[AnnouncedDay]) -> dict[date, AnnouncedDay]:
    if not 1949 <= year <= 9998:
        raise BadCalendar(_("年份要写四位数，例如 2027。"))
    if not notice.strip():
        raise BadCalendar(_("请写通知的文号或网址，别人才查得到依据。"))
    wanted: dict[date, AnnouncedDay] = {}
    for day in days:
        values = {"day": day.on.isoformat(), "year": year}
        if day.on.year != year and (day.on.year, day.on.month) != (year - 1, 12):
            raise BadCalendar(_("%(day)s 不在 %(year)d 年（或上一年 12 月）里，请看日期。") % values)
        if day.on in wanted:
            raise BadCalendar(_("%(day)s 写了两次，请留一次。") % values)
        if not day.name.strip():
            raise BadCalendar(_("%(day)s 还没写叫什么。") % values)
        wanted[day.on] = day
    if not wanted:
        raise BadCalendar(_("这一年一天也没写。请把通知里的放假和调休日期贴进来。"))
    return wanted


def _lock_calendar() -> None:
    """Let one writer of the calendar through at a time."""
    CalendarState.objects.select_for_update().get(pk=1)


def _record_year(year: int, kind: str, by: Actor, at: datetime, data: dict[str, Any]) -> None:
    ledger.record(f"calendar:{year}", kind, region=NATION, by=by, at=at, data=data)


# Local rules


@transaction.atomic
def set_local_rule(
    region: Region | str, key: str, value: int, *, effective_on: date, reason: str, by: Actor, at: datetime
) -> LocalRule:
    """Set a number of a place from a day on; what was decided before keeps the older one."""
    code = region if isinstance(region, str) else region.pk
    access.require(by, "catalog.calendar", region=code)
    if len(reason.strip()) < LEAST_REASON:
        raise DomainError(_("请写明为什么改，至少 4 个字。"))
    rule, _is_new = LocalRule.objects.update_or_create(
        region_id=code, key=key, effective_on=effective_on, defaults={"value": value, "reason": reason.strip()[:200]}
    )
    data = {"key": key, "value": value, "effective_on": effective_on.isoformat(), "reason": reason.strip()}
    ledger.record(f"local_rule:{key}", "catalog.local_rule_set", region=code, by=by, at=at, data=data)
    return rule


# Items


class NotReady(DomainError):
    """The edition cannot be published; `reasons` has one sentence for each thing to mend."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = list(reasons)
        super().__init__("".join(self.reasons))


class SameHand(DomainError):
    """Whoever edited an edition may not publish it."""


class NotADraft(DomainError):
    """Published editions are not edited and not published again (ITEM-16)."""


class BadDraft(DomainError):
    """What was entered cannot be saved; the message says which part and why."""


class ChangedMeanwhile(DomainError):
    """Somebody else changed the edition after it was looked at."""


class CodeTaken(DomainError):
    """Another item of the region has this implementation code."""


@dataclass(frozen=True)
class MaterialDraft:
    """A material as it is typed (ITEM-12); its place is its place in the list."""

    name: str
    necessity: str = ItemMaterial.Necessity.REQUIRED
    kind: str = ItemMaterial.Kind.ORIGINAL
    form: str = ""
    source: str = ItemMaterial.Source.APPLICANT
    copies: int = 1
    note: str = ""
    accept_standard: str = ""
    legal_basis: str = ""


@dataclass(frozen=True)
class StepDraft:
    """A flow step as it is typed. department: None for the item's own; limit_days: working days."""

    key: str
    name: str
    kind: str
    post: str
    authority: str
    limit_days: int | None
    department: Department | None = None
    after: tuple[str, ...] = ()
    when: tuple[str, ...] = ()


_MATERIAL = tuple(MaterialDraft.__dataclass_fields__)

# Everything of a version a person writes; number, state and dates of publishing follow from acts.
FIELDS = (
    *("name", "everyday_names", "legal_basis", "power_source", "exercise_level", "organ_nature"),
    *("delegated_department", "statutory_limit", "statutory_unit", "statutory_note"),
    *("promised_limit", "promised_unit", "promised_note", "accept_condition", "procedure", "case_type", "channels"),
    *("special_procedures", "service_objects", "visit_count", "has_fee", "fee_note", "fee_basis", "place", "hours"),
    *("consult_way", "complaint_way", "result_name", "plain_text", "themes", "is_joint", "effective_on", "cancel_on"),
)
_NUMBERS = {"statutory_limit", "promised_limit", "visit_count"}
_CHOICES = {
    "case_type": CaseType.values,
    "statutory_unit": LimitUnit.values,
    "promised_unit": LimitUnit.values,
}


@transaction.atomic
def create_item(
    *,
    region: Region,
    department: Department,
    task_code: str,
    name: str,
    item_type: str,
    case_type: str,
    by: Actor,
    at: datetime,
    catalog_code: str = "",
    local_task_code: str = "",
) -> ItemVersion:
    """
    Make an item with an empty first draft and return the draft.

    Raises rules.InvalidItemCode for codes that break the place's scheme (ITEM-5), CodeTaken, BadDraft.
    """
    access.require(by, "catalog.edit", department=department, region=region.pk)
    from yimen.catalog import queries

    task_code, catalog_code = task_code.strip(), catalog_code.strip()
    scheme = queries.local_rule(region, CODE_SCHEME, localdate(at), default=rules.CodeScheme.PRACTICE)
    rules.check_codes(task_code, catalog_code, local_task_code, rules.CodeScheme(scheme))
    if scheme == rules.CodeScheme.PRACTICE:
        catalog_code = rules.read_task_code(task_code).catalog_code
    if item_type not in ItemType.values:
        raise BadDraft(_("没有这种事项类型，请从列表里选。"))
    values = _checked({"name": name, "case_type": case_type})
    item, is_new = ServiceItem.objects.get_or_create(
        region=region,
        task_code=task_code,
        defaults={
            "department": department,
            "catalog_code": catalog_code,
            "local_task_code": local_task_code,
            "name": values["name"],
            "item_type": item_type,
        },
    )
    if not is_new:
        raise CodeTaken(
            _("实施编码 %(code)s 已经给了“%(name)s”，请看是不是同一件事。") % {"code": task_code, "name": item.name}
        )
    version = ItemVersion.objects.create(item=item, number=1, **values)
    data = {"version": 1, "task_code": task_code, "name": item.name, "item_type": item_type, "case_type": case_type}
    _record_item(item, "catalog.item_created", by, at, data)
    return version


@transaction.atomic
def save_draft(
    item: ServiceItem,
    fields: Mapping[str, Any],
    *,
    by: Actor,
    at: datetime,
    materials: Sequence[MaterialDraft] | None = None,
    steps: Sequence[StepDraft] | None = None,
    no_materials: bool | None = None,
    seen: str | None = None,
) -> ItemVersion:
    """
    Write into the item's draft and return it; without a draft, a new one begins as a copy of the latest edition.

    Only the `fields` given change (names as in FIELDS); `materials` and `steps` replace the whole list, None leaves
    it. seen: the mark_of() the edition that was edited, None for whatever stands. Nothing changed: nothing is recorded.
    Raises BadDraft, rules.BrokenFlow for steps without post, authority or limit (S1-23), ChangedMeanwhile when
    another than `seen` stands now, access.NotAllowed.
    """
    item = ServiceItem.objects.select_for_update(of=("self",)).select_related("department").get(pk=item.pk)
    access.require(by, "catalog.edit", department=item.department, region=item.region_id)
    if seen is not None:
        _expect_seen(queries.working_edition(item), seen)
    values = _checked(fields)
    if steps is not None:
        _check_steps(steps)
    version = item.versions.filter(state=ItemVersion.State.DRAFT).first() or _next_draft(item)
    is_new = version._state.adding
    for_fee = {name: values.get(name, getattr(version, name)) for name in ("has_fee", "fee_basis")}
    if fault := rules.fee_fault(**for_fee):
        raise BadDraft(fault)

    changed: dict[str, Any] = {}
    for name, value in values.items():
        is_default = name in version.extended.get(NOT_STATED, ())
        if getattr(version, name) != value or is_default:
            setattr(version, name, value)
            changed[name] = value.isoformat() if isinstance(value, date) else value
            if is_default:
                version.extended[NOT_STATED] = [other for other in version.extended[NOT_STATED] if other != name]
    if no_materials is not None and no_materials != version.needs_no_materials:
        version.extended[NO_MATERIALS] = changed[NO_MATERIALS] = no_materials
    if is_new:
        version.save(force_insert=True)
        _copy_lists(version, skip_materials=materials is not None, skip_steps=steps is not None)
    elif changed:
        version.save(update_fields=[*FIELDS, "extended"])
    if materials is not None and (rows := _material_rows(version, materials)) is not None:
        changed["materials"] = rows
    if steps is not None and (rows := _step_rows(version, steps)) is not None:
        changed["steps"] = rows
    if changed or is_new:
        _record_item(item, "catalog.draft_saved", by, at, {"version": version.number, "changed": changed})
    return version


def _checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values as they are stored. Raises BadDraft naming the first wrong one."""
    values: dict[str, Any] = {}
    for name, value in fields.items():
        if name not in FIELDS:
            raise BadDraft(_("没有“%(name)s”这一栏。") % {"name": name})
        column = cast("models.Field[Any, Any]", ItemVersion._meta.get_field(name))
        label = str(column.verbose_name)
        if isinstance(value, str):
            value = value.strip()
        if name == "name" and not value:
            raise BadDraft(_("请填写事项名称。"))
        if name in _CHOICES and value not in _CHOICES[name]:
            raise BadDraft(_("“%(label)s”请从列表里选。") % {"label": label})
        is_list = isinstance(column, ArrayField)
        most = getattr(column, "base_field", column).max_length
        texts = value if is_list else [value]
        if most and any(isinstance(text, str) and len(text) > most for text in texts):
            raise BadDraft(_("“%(label)s”最多写 %(most)d 个字。") % {"label": label, "most": most})
        if (
            name in {"statutory_limit", "promised_limit", "visit_count"}
            and value is not None
            and not 0 <= value < 32768
        ):
            raise BadDraft(_("“%(label)s”要是 0 到 32767 的整数。") % {"label": label})
        values[name] = list(value) if isinstance(value, tuple) else value
    return values


def _check_steps(steps: Sequence[StepDraft]) -> None:
    if faults := rules.flow_faults([_plain(step) for step in steps]):
        raise rules.BrokenFlow(faults)
    for step in steps:
        if step.kind not in FlowStep.Kind.values:
            raise BadDraft(_("“%(name)s”这一步的种类请从列表里选。") % {"name": step.name})


def _plain(step: StepDraft | FlowStep) -> rules.Step:
    return rules.Step(
        step.key, step.name, step.kind, step.post, step.authority, step.limit_days, tuple(step.after), tuple(step.when)
    )


def _next_draft(item: ServiceItem) -> ItemVersion:
    latest = item.versions.order_by("-number").first()
    if latest is None:
        raise BadDraft(_("这个事项还没有任何版本，请先新建。"))
    values = {name: getattr(latest, name) for name in FIELDS}
    extended = {key: value for key, value in latest.extended.items() if key != FINGERPRINT}
    draft = ItemVersion(item=item, number=latest.number + 1, **values, extended=extended)
    draft.effective_on = draft.cancel_on = None
    return draft


def _copy_lists(version: ItemVersion, *, skip_materials: bool, skip_steps: bool) -> None:
    before = ItemVersion.objects.get(item_id=version.item_id, number=version.number - 1)
    if not skip_materials:
        _copy(before.materials.all(), version)
    if not skip_steps:
        _copy(before.steps.all(), version)


def _copy(rows: Iterable[Any], version: ItemVersion) -> None:
    copies = []
    for row in rows:
        row.pk, row.version = row._meta.pk.get_default(), version
        copies.append(row)
    type(copies[0]).objects.bulk_create(copies) if copies else None


def _material_rows(version: ItemVersion, drafts: Sequence[MaterialDraft]) -> list[dict[str, Any]] | None:
    """Replace the materials; None when they were the same already."""
    wanted = [asdict(draft) for draft in drafts]
    for number, row in enumerate(wanted, 1):
        row["name"] = row["name"].strip()
        if not row["name"]:
            raise BadDraft(_("第 %(number)d 样材料还没写名称。") % {"number": number})
        if len(row["name"]) > 500:
            raise BadDraft(_("第 %(number)d 样材料的名称最多写 500 个字。") % {"number": number})
        for field, choices in (
            ("necessity", ItemMaterial.Necessity),
            ("kind", ItemMaterial.Kind),
            ("source", ItemMaterial.Source),
        ):
            if row[field] not in choices.values:
                raise BadDraft(_("第 %(number)d 样材料有一栏没有从列表里选。") % {"number": number})
    if wanted == list(version.materials.values(*_MATERIAL)):
        return None
    version.materials.all().delete()
    ItemMaterial.objects.bulk_create(
        [ItemMaterial(version=version, position=number, **row) for number, row in enumerate(wanted, 1)]
    )
    return wanted


def _step_rows(version: ItemVersion, drafts: Sequence[StepDraft]) -> list[dict[str, Any]] | None:
    """Replace the steps; None when they were the same already."""
    rows = [
        FlowStep(
            version=version,
            position=number,
            key=draft.key,
            name=draft.name.strip(),
            kind=draft.kind,
            department=draft.department,
            post=draft.post.strip(),
            authority=draft.authority.strip(),
            limit_days=draft.limit_days or 0,
            after=list(draft.after),
            when=list(draft.when),
        )
        for number, draft in enumerate(drafts, 1)
    ]
    plain = [_step_data(row) for row in rows]
    if plain == [_step_data(row) for row in version.steps.all()]:
        return None
    version.steps.all().delete()
    FlowStep.objects.bulk_create(rows)
    return plain


def _step_data(step: FlowStep) -> dict[str, Any]:
    names = ("key", "name", "kind", "post", "authority", "limit_days", "after", "when")
    return {name: getattr(step, name) for name in names} | {
        "department": str(step.department_id) if step.department_id else None
    }


def publish_faults(version: ItemVersion) -> list[str]:
    """Return everything that still keeps the edition from being published, a sentence each (S1-4, LAW-21, LAW-26)."""
    count = version.materials.count()
    steps = tuple(_plain(step) for step in version.steps.all())
    return rules.publish_faults(
        rules.Edition(
            name=version.name,
            needs_legal_basis=version.item.item_type != ItemType.PUBLIC_SERVICE,
            legal_basis=version.legal_basis,
            accept_condition=version.accept_condition,
            procedure=version.procedure,
            material_count=count if count or version.needs_no_materials else None,
            is_immediate=version.is_immediate,
            statutory=version.statutory,
            promised=version.promised,
            has_fee=version.has_fee if version.is_stated("has_fee") else None,
            fee_note=version.fee_note,
            fee_basis=version.fee_basis,
            steps=steps,
        )
    )


@transaction.atomic
def publish(version: ItemVersion, *, by: Actor, at: datetime, seen: str | None = None) -> ItemVersion:
    """
    Publish a draft: from now on new cases run under it; running ones keep theirs (ITEM-16).

    seen: the mark_of() the draft that was checked, None for whatever stands. Raises NotReady with all reasons,
    SameHand when `by` had a hand in the draft, ChangedMeanwhile when it is no longer what was checked, NotADraft,
    access.NotAllowed.
    """
    item = ServiceItem.objects.select_for_update(of=("self",)).select_related("department").get(pk=version.item_id)
    access.require(by, "catalog.publish", department=item.department, region=item.region_id)
    version = item.versions.get(pk=version.pk)
    version.item = item
    if version.state != ItemVersion.State.DRAFT:
        raise NotADraft(_("第 %(number)d 版不是草稿，不用再发布。要改请先存一份新草稿。") % {"number": version.number})
    if seen is not None:
        _expect_seen(version, seen)
    if isinstance(by, Staff) and by.ledger_ref in editors_of(version):
        raise SameHand(_("这一版您自己改过，请另一位发布人来核对发布。"))
    faults = publish_faults(version)
    if version.effective_on and version.effective_on > localdate(at):
        faults.append(_("计划生效日期还没到，到那天再发布。"))
    if faults:
        raise NotReady(faults)
    replaced = item.versions.filter(state=ItemVersion.State.PUBLISHED).first()
    if replaced:
        replaced.state, replaced.cancel_on = ItemVersion.State.REPLACED, localdate(at)
        replaced.save(update_fields=["state", "cancel_on"])
    version.state, version.published_at = ItemVersion.State.PUBLISHED, at
    version.effective_on = version.effective_on or localdate(at)
    version.save(update_fields=["state", "published_at", "effective_on"])
    item.published, item.name, item.tokens = version, version.name, search.tokens_of(version, item.department.name)
    item.save(update_fields=["published", "name", "tokens"])
    data = {"version": version.number, "replaces": replaced.number if replaced else None}
    _record_item(item, "catalog.published", by, at, data)
    return version


def mark_of(version: ItemVersion) -> str:
    """Return a mark that changes with anything the edition says, its materials and steps included."""
    said = {
        "edition": [str(version.pk), version.state],
        "fields": {name: getattr(version, name) for name in FIELDS},
        "extended": version.extended,
        "materials": [[getattr(row, name) for name in _MATERIAL] for row in version.materials.all()],
        "steps": [_step_data(row) for row in version.steps.all()],
    }
    return sha256(json.dumps(said, default=str, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _expect_seen(version: ItemVersion | None, seen: str) -> None:
    if version is None or mark_of(version) != seen:
        raise ChangedMeanwhile(_("您打开以后，别人改过这一版。请先看看现在的内容，再决定。"))


def editors_of(version: ItemVersion) -> set[str]:
    """Return the ledger_ref of everyone who wrote into this edition."""
    rows = Event.objects.filter(
        region=version.item.region_id,
        stream=f"item:{version.item_id}",
        kind__in=("catalog.item_created", "catalog.draft_saved"),
        data__version=version.number,
    )
    return set(rows.values_list("actor", flat=True))


@transaction.atomic
def withdraw(item: ServiceItem, *, reason: str, by: Actor, at: datetime) -> ServiceItem:
    """
    Take the published edition out of use; running cases go on under it. Raises DomainError without a reason of at
    least four characters or when nothing is published, access.NotAllowed.
    """
    item = ServiceItem.objects.select_for_update(of=("self",)).select_related("department", "published").get(pk=item.pk)
    access.require(by, "catalog.publish", department=item.department, region=item.region_id)
    if len(reason.strip()) < LEAST_REASON:
        raise DomainError(_("请写明为什么停办，至少 4 个字。"))
    version = item.published
    if version is None:
        raise DomainError(_("“%(name)s”现在没有发布，不用停办。") % {"name": item.name})
    version.state, version.cancel_on = ItemVersion.State.WITHDRAWN, localdate(at)
    version.save(update_fields=["state", "cancel_on"])
    item.published = None
    item.save(update_fields=["published"])
    _record_item(item, "catalog.withdrawn", by, at, {"version": version.number, "reason": reason.strip()})
    return item


def _record_item(item: ServiceItem, kind: str, by: Actor, at: datetime, data: dict[str, Any]) -> None:
    ledger.record(f"item:{item.pk}", kind, region=item.region_id, by=by, at=at, data=data)
