"""Items from draft to published and withdrawn."""

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

from yimen.catalog import queries, rules, search
from yimen.catalog.actions.common import CODE_SCHEME, LEAST_REASON
from yimen.catalog.models import (
    FINGERPRINT,
    NO_MATERIALS,
    NOT_STATED,
    CaseType,
    FlowStep,
    ItemMaterial,
    ItemType,
    ItemVersion,
    LimitUnit,
    ServiceItem,
)
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.ledger.models import Event
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Department, Region, Staff


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
