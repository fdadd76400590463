"""Items and their drafts: made, written, marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.catalog import queries, rules
from yimen.catalog.actions.common import CODE_SCHEME
from yimen.catalog.actions.drafts import (
    FIELDS,
    LISTS,
    BadDraft,
    FaqDraft,
    FeeDraft,
    MaterialDraft,
    StepDraft,
    check_faqs,
    check_fees,
    check_materials,
    check_steps,
    checked,
    copy_rows,
    replace_rows,
    replace_steps,
)
from yimen.catalog.actions.editions import OPEN, expect_seen, record_item
from yimen.catalog.models import (
    FINGERPRINT,
    NO_MATERIALS,
    NOT_STATED,
    BasicItem,
    ItemMaterial,
    ItemType,
    ItemVersion,
    ScenarioOption,
    ServiceItem,
)
from yimen.catalog.models.items import COMMITMENT_MATERIALS, HANDLING, QUICK_MINUTES
from yimen.catalog.queries.basic import basic_for, places_above
from yimen.ledger.actions import Actor
from yimen.lib.errors import DomainError
from yimen.lib.text import listed
from yimen.people import access
from yimen.people.models import Department, Region


class CodeTaken(DomainError):
    """Another item of the region has this implementation code."""


class WaitsForItsDay(DomainError):
    """The next edition is approved already and not written into; take it back first."""


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
    local_catalog_code: str = "",
    basic: BasicItem | None = None,
) -> ItemVersion:
    """
    Make an item with a first draft and return the draft.

    basic: the entry of the basic catalogue it carries out (ITEM-1); without one, the entry with its basic code, if
    there is one. The draft begins with what the entry lays down: basis, legal limit, materials. A code of 33
    characters makes a handling item (业务办理项) under the item whose 31 characters it begins with.
    Raises rules.InvalidItemCode for codes that break the place's scheme (ITEM-5), CodeTaken, BadDraft.
    """
    access.require(by, "catalog.edit", department=department, region=region.pk)
    task_code, catalog_code = task_code.strip(), catalog_code.strip()
    local_task_code, local_catalog_code = local_task_code.strip(), local_catalog_code.strip()
    if basic is not None and not catalog_code:
        catalog_code = basic.catalog_code
    scheme = queries.local_rule(region, CODE_SCHEME, localdate(at), default=rules.CodeScheme.PRACTICE)
    rules.check_codes(task_code, catalog_code, local_task_code, rules.CodeScheme(scheme))
    rules.check_local_code(local_catalog_code)
    parent = None
    if scheme == rules.CodeScheme.PRACTICE:
        parts = rules.read_task_code(task_code)
        catalog_code = parts.catalog_code
        if parts.serial:
            parent = _parent(region, task_code)
    if basic is None and catalog_code:
        basic = basic_for(region, catalog_code)
    if basic is not None:
        _check_basic(basic, region, item_type, localdate(at))
    if item_type not in ItemType.values:
        raise BadDraft(_("没有“%(value)s”这种事项类型，请从列表里选。") % {"value": item_type})
    values = checked({"name": name, "case_type": case_type}, on=localdate(at))
    item, is_new = ServiceItem.objects.get_or_create(
        region=region,
        task_code=task_code,
        defaults={
            "department": department,
            "basic": basic,
            "parent": parent,
            "catalog_code": catalog_code,
            "local_task_code": local_task_code,
            "local_catalog_code": local_catalog_code,
            "name": values["name"],
            "item_type": item_type,
        },
    )
    if not is_new:
        raise CodeTaken(
            _("实施编码 %(code)s 已经给了“%(name)s”，请看是不是同一件事。") % {"code": task_code, "name": item.name}
        )
    version = ItemVersion(item=item, number=1, **values)
    if basic is not None:
        version.legal_basis = basic.legal_basis
        version.statutory_limit, version.statutory_unit = basic.statutory_limit, basic.statutory_unit
    version.save(force_insert=True)
    if basic is not None and parent is None:
        ItemMaterial.objects.bulk_create(
            ItemMaterial(version=version, position=number, name=row["name"], necessity=row["necessity"])
            for number, row in enumerate(basic.materials, 1)
        )
    data = {"version": 1, "task_code": task_code, "name": item.name, "item_type": item_type, "case_type": case_type}
    if basic is not None:
        data["basic"] = basic.catalog_code
    if parent is not None:
        data["parent"] = parent.task_code
    record_item(item, "catalog.item_created", by, at, data)
    return version


def _parent(region: Region, task_code: str) -> ServiceItem:
    parent = ServiceItem.objects.filter(region=region, task_code=task_code[:31]).first()
    if parent is None:
        raise rules.InvalidItemCode(
            _("33 位是业务办理项，要挂在事项 %(code)s 下面；这个事项还没有，请先建它。") % {"code": task_code[:31]}
        )
    return parent


def _check_basic(basic: BasicItem, region: Region, item_type: str, on: date) -> None:
    if basic.region_id not in places_above(region):
        raise BadDraft(_("基本目录里没有这一项，请再选一次。"))
    if basic.cancelled_on and basic.cancelled_on <= on:
        raise BadDraft(
            _("基本目录里的“%(name)s”%(day)s 起已取消，不能再建。")
            % {"name": basic.name, "day": basic.cancelled_on.isoformat()}
        )
    if item_type != basic.item_type:
        raise BadDraft(
            _("基本目录里“%(name)s”是%(type)s，事项类型要一样。")
            % {"name": basic.name, "type": basic.get_item_type_display()}
        )


@transaction.atomic
def save_draft(
    item: ServiceItem,
    fields: Mapping[str, Any],
    *,
    by: Actor,
    at: datetime,
    materials: Sequence[MaterialDraft] | None = None,
    steps: Sequence[StepDraft] | None = None,
    fees: Sequence[FeeDraft] | None = None,
    faqs: Sequence[FaqDraft] | None = None,
    no_materials: bool | None = None,
    handling: Mapping[str, Any] | None = None,
    seen: str | None = None,
) -> ItemVersion:
    """
    Write into the item's draft and return it; without a draft, a new one begins as a copy of the latest edition,
    with its forms and questions.

    Only the `fields` given change (names as in FIELDS); each list replaces the whole list, None leaves it.
    handling: by the keys of HANDLING, yes or no; for COMMITMENT_MATERIALS names of the list, for QUICK_MINUTES a
    number or None.
    seen: the mark_of() the edition that was edited, None for whatever stands. Nothing changed: nothing is recorded.
    Raises BadDraft with everything wrong, rules.BrokenFlow for steps without post, authority or limit (S1-23),
    ChangedMeanwhile when another than `seen` stands now, WaitsForItsDay, access.NotAllowed.
    """
    item, version = draft_of(item, by=by, seen=seen)
    wanted = _check_all(fields, version, materials, fees, faqs, localdate(at))
    if steps is not None:
        check_steps(steps)
    values = wanted.pop("fields")
    _fees_and_fields(version, values, wanted.get("fees"))

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
    for key, value in _handling(version, handling or {}, materials).items():
        if value != (version.extended.get(key) or type(value)()):
            version.extended[key] = changed[key] = value
    is_new = version._state.adding
    begin(version)
    if changed and not is_new:
        version.save(update_fields=[*FIELDS, "extended"])
    for kind, rows in wanted.items():
        if replace_rows(version, kind, rows):
            changed[kind] = rows
    if steps is not None and (rows := replace_steps(version, steps)) is not None:
        changed["steps"] = rows
    if changed or is_new:
        record_item(item, "catalog.draft_saved", by, at, {"version": version.number, "changed": changed})
    return version


def _handling(
    version: ItemVersion, given: Mapping[str, Any], materials: Sequence[MaterialDraft] | None
) -> dict[str, Any]:
    """Return how cases are handled as it is stored. Raises BadDraft for a proof that is not on the list."""
    if unknown := set(given) - set(HANDLING):
        raise BadDraft([_("没有“%(name)s”这一栏。") % {"name": min(unknown)}])
    names = {row.name for row in materials} if materials is not None else set[str]()
    if materials is None and not version._state.adding:
        names = set(version.materials.values_list("name", flat=True))
    proofs = [name.strip() for name in given.get(COMMITMENT_MATERIALS, ()) if name.strip()]
    if strange := [name for name in proofs if name not in names]:
        raise BadDraft([_("承诺可以代替的材料要在材料清单里，清单里没有：%(names)s。") % {"names": listed(strange)}])
    stored: dict[str, Any] = {key: bool(value) for key, value in given.items()}
    if COMMITMENT_MATERIALS in given:
        stored[COMMITMENT_MATERIALS] = proofs
    if QUICK_MINUTES in given:
        stored[QUICK_MINUTES] = int(given[QUICK_MINUTES]) if given[QUICK_MINUTES] else None
    return stored


def _check_all(
    fields: Mapping[str, Any],
    version: ItemVersion,
    materials: Sequence[MaterialDraft] | None,
    fees: Sequence[FeeDraft] | None,
    faqs: Sequence[FaqDraft] | None,
    on: date,
) -> dict[str, Any]:
    """Return what is to be stored. Raises BadDraft with the faults of all parts together."""
    found: dict[str, Any] = {}
    faults: list[str] = []
    parts: tuple[tuple[str, Any, Any], ...] = (
        ("fields", fields, lambda given: checked(given, on=on, standing=version)),
        ("materials", materials, check_materials),
        ("fees", fees, check_fees),
        ("faqs", faqs, check_faqs),
    )
    for kind, given, check in parts:
        if given is not None:
            try:
                found[kind] = check(given)
            except BadDraft as error:
                faults += error.reasons
    if faults:
        raise BadDraft(faults)
    return found


def _fees_and_fields(version: ItemVersion, values: dict[str, Any], fees: Sequence[Mapping[str, Any]] | None) -> None:
    """Let the fee lines and the fields of the edition say the same. Raises BadDraft when they cannot (LAW-21)."""
    if fees:
        if values.get("has_fee") is False:
            raise BadDraft(
                _("写了 %(count)d 项收费，就不能选不收费。请改成收费，或者去掉这些行。") % {"count": len(fees)}
            )
        values.setdefault("has_fee", True)
        for name, column in (("fee_note", "standard"), ("fee_basis", "basis")):
            if not values.get(name, getattr(version, name)).strip():
                lines = [f"{fee['name']}：{fee[column]}" if name == "fee_note" else fee[column] for fee in fees]
                values[name] = "；".join(dict.fromkeys(lines))
    elif fees is None and values.get("has_fee") is False and not version._state.adding and version.fees.exists():
        raise BadDraft(_("收费项目还列着，请先去掉这些行，再选不收费。"))
    said = {name: values.get(name, getattr(version, name)) for name in ("has_fee", "fee_basis")}
    if fault := rules.fee_fault(**said):
        raise BadDraft(fault)


def draft_of(item: ServiceItem, *, by: Actor, seen: str | None = None) -> tuple[ServiceItem, ItemVersion]:
    """
    Return the item, locked, and its draft to write into: the open one, or a new one that begin() has yet to save.

    For everything that writes into a draft, inside a transaction. Raises access.NotAllowed, ChangedMeanwhile,
    WaitsForItsDay.
    """
    item = ServiceItem.objects.select_for_update(of=("self",)).select_related("department").get(pk=item.pk)
    access.require(by, "catalog.edit", department=item.department, region=item.region_id)
    if seen is not None:
        expect_seen(queries.working_edition(item), seen)
    version = item.versions.filter(state__in=OPEN).first()
    if version and version.state == ItemVersion.State.APPROVED:
        raise WaitsForItsDay(
            _("第 %(number)d 版已经核准，%(day)s 起生效。要改请先收回。")
            % {"number": version.number, "day": f"{version.effective_on:%Y-%m-%d}"}
        )
    return item, version or _next_draft(item)


def begin(version: ItemVersion) -> None:
    """Save a draft that draft_of() began, with the lists, forms and questions of the edition before."""
    if not version._state.adding:
        return
    before = ItemVersion.objects.get(item_id=version.item_id, number=version.number - 1)
    version.save(force_insert=True)
    for name in (*LISTS, "steps", "forms", "check_points"):
        copy_rows(getattr(before, name).all(), version)
    questions = list(before.questions.prefetch_related("options"))
    options = [(row, option) for row in questions for option in row.options.all()]
    copy_rows(questions, version)
    for row, option in options:
        option.pk, option.question = option._meta.pk.get_default(), row
    ScenarioOption.objects.bulk_create([option for _row, option in options])


def _next_draft(item: ServiceItem) -> ItemVersion:
    latest = item.versions.order_by("-number").first()
    if latest is None:
        raise BadDraft(_("这个事项还没有任何版本，请先新建。"))
    values = {name: getattr(latest, name) for name in FIELDS}
    extended = {key: value for key, value in latest.extended.items() if key != FINGERPRINT}
    draft = ItemVersion(item=item, number=latest.number + 1, **values, extended=extended)
    draft.effective_on = draft.cancel_on = None
    return draft
