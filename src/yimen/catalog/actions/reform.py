"""Rounds of reform (S4-28), two processes made into one (S4-31), and who is due for an item (S3-2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from yimen.catalog import rules
from yimen.catalog.actions.drafts import FaqDraft, FeeDraft, MaterialDraft, StepDraft
from yimen.catalog.actions.items import OPEN, record_item, save_draft
from yimen.catalog.models import ItemVersion, ReformRound, ScenarioOption, ServiceItem
from yimen.catalog.rules import merging
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib.errors import DomainError
from yimen.lib.workdays import Limit
from yimen.people import access
from yimen.people.models import Region


class RoundTaken(DomainError):
    """Another round of the region has this name."""


class RoundOver(DomainError):
    """The round has ended, or its days are in the wrong order."""


class NotForRound(DomainError):
    """The edition cannot be put into the round, or taken out of it."""


class CannotMerge(DomainError):
    """These two items cannot be made into one draft."""


@transaction.atomic
def open_round(region: Region, name: str, *, begun_on: date, by: Actor, at: datetime, note: str = "") -> ReformRound:
    """Begin a round of reform. Raises RoundTaken, DomainError without a name, access.NotAllowed."""
    access.require(by, "catalog.edit", region=region.pk)
    name, note = name.strip(), note.strip()
    if not name:
        raise DomainError(_("请给这一轮起个名字。"))
    if len(name) > 80:
        raise DomainError(_("名字最多写 80 个字。"))
    try:
        with transaction.atomic():
            opened = ReformRound.objects.create(region=region, name=name, begun_on=begun_on, note=note)
    except IntegrityError:
        raise RoundTaken(_("已经有一轮叫“%(name)s”，请换个名字。") % {"name": name}) from None
    data = {"name": name, "begun_on": begun_on.isoformat()}
    ledger.record(f"round:{opened.pk}", "catalog.round_opened", region=region.pk, by=by, at=at, data=data)
    return opened


@transaction.atomic
def close_round(opened: ReformRound, *, ended_on: date, by: Actor, at: datetime) -> ReformRound:
    """End a round; what is in it stays. Raises RoundOver, access.NotAllowed."""
    opened = ReformRound.objects.select_for_update().get(pk=opened.pk)
    access.require(by, "catalog.edit", region=opened.region_id)
    if opened.ended_on is not None:
        raise RoundOver(_("“%(name)s”已经结束了。") % {"name": opened.name})
    if ended_on < opened.begun_on:
        raise RoundOver(_("结束日期在开始日期前面，请再看一次。"))
    opened.ended_on = ended_on
    opened.save(update_fields=["ended_on"])
    data = {"ended_on": ended_on.isoformat()}
    ledger.record(f"round:{opened.pk}", "catalog.round_closed", region=opened.region_id, by=by, at=at, data=data)
    return opened


@transaction.atomic
def put_in_round(opened: ReformRound, version: ItemVersion, *, by: Actor, at: datetime) -> ItemVersion:
    """
    Put an edition that is not published yet into a round (S4-28). Raises NotForRound, RoundOver, access.NotAllowed.
    """
    opened = ReformRound.objects.select_for_update().get(pk=opened.pk)
    version = _unpublished(version, opened.region_id, by)
    if opened.ended_on is not None:
        raise RoundOver(_("“%(name)s”已经结束了，放不进去。") % {"name": opened.name})
    if version.round_id == opened.pk:
        return version
    version.round = opened
    version.save(update_fields=["round"])
    data = {"version": version.number, "round": str(opened.pk)}
    record_item(version.item, "catalog.round_set", by, at, data)
    return version


@transaction.atomic
def take_out_of_round(version: ItemVersion, *, by: Actor, at: datetime) -> ItemVersion:
    """Take an edition out of its round while it is not published. Raises NotForRound, access.NotAllowed."""
    version = _unpublished(version, version.item.region_id, by)
    if version.round_id is None:
        return version
    data = {"version": version.number, "round": None, "was": str(version.round_id)}
    version.round = None
    version.save(update_fields=["round"])
    record_item(version.item, "catalog.round_set", by, at, data)
    return version


def _unpublished(version: ItemVersion, region: str, by: Actor) -> ItemVersion:
    item = ServiceItem.objects.select_for_update(of=("self",)).select_related("department").get(pk=version.item_id)
    access.require(by, "catalog.edit", department=item.department, region=item.region_id)
    if item.region_id != region:
        raise NotForRound(_("这个事项不是本地区的。"))
    version = ItemVersion.objects.get(pk=version.pk)
    version.item = item
    if version.state not in OPEN:
        raise NotForRound(_("第 %(number)d 版已经发布，归哪一轮不能再改。") % {"number": version.number})
    return version


@transaction.atomic
def merge(
    into: ServiceItem, other: ServiceItem, *, by: Actor, at: datetime, promised: int | None = None
) -> ItemVersion:
    """
    Begin a draft of `into` that also does what `other` does (S4-31), and return it; both stay as they are until
    somebody else publishes it.

    Materials and steps of both, what is the same once. promised: working days; None: the longer of the two promises.
    The stricter of the two legal limits counts. Questions, forms, fees and answers of both. Raises CannotMerge,
    rules.BrokenFlow, BadDraft, access.NotAllowed for either department.
    """
    items = {
        one.pk: one
        for one in ServiceItem.objects.select_for_update(of=("self",))
        .select_related("department", "published")
        .filter(pk__in=(into.pk, other.pk))
        .order_by("pk")
    }
    into, other = items[into.pk], items[other.pk]
    for one in (into, other):
        access.require(by, "catalog.edit", department=one.department, region=one.region_id)
    left, right = into.published, other.published
    if into.pk == other.pk or into.region_id != other.region_id:
        raise CannotMerge(_("请选本地区的两个不同事项。"))
    if left is None or right is None:
        raise CannotMerge(_("两个事项都要是已经发布的，才能合并。"))
    if into.versions.filter(state__in=OPEN).exists():
        raise CannotMerge(_("“%(name)s”已经有一份草稿，请先发布或者改完它。") % {"name": into.name})

    draft = save_draft(into, {}, by=by, at=at)
    renamed = _take_questions(draft, right)
    _take_forms(draft, right, renamed)
    pieces = merging.merge_steps(
        *([_piece(step, one) for step in version.steps.all()] for version, one in ((left, into), (right, other))),
        renamed=renamed,
        suffix=f"（{other.department.short_name or other.department.name}）",
    )
    departments = {str(into.department_id): None, str(other.department_id): other.department}
    for step in [*left.steps.select_related("department"), *right.steps.select_related("department")]:
        if step.department:
            departments[str(step.department_id)] = step.department
    departments[str(into.department_id)] = None
    draft = save_draft(
        into,
        _merged_fields(left, right, into, other, promised),
        materials=merging.merge_materials(_rows(left, MaterialDraft), _rows(right, MaterialDraft), renamed=renamed),
        steps=[StepDraft(**_plain(step), department=departments[piece.owner]) for step, piece in pieces],
        fees=_once(_rows(left, FeeDraft), _rows(right, FeeDraft)),
        faqs=_once(_rows(left, FaqDraft), _rows(right, FaqDraft)),
        no_materials=left.needs_no_materials and right.needs_no_materials,
        by=by,
        at=at,
    )
    draft.merged_from.set([left, right])
    data = {"version": draft.number, "from": [str(left.pk), str(right.pk)]}
    record_item(into, "catalog.merged", by, at, data)
    return draft


def _piece(step: Any, item: ServiceItem) -> merging.Piece:
    plain = rules.Step(
        step.key, step.name, step.kind, step.post, step.authority, step.limit_days, tuple(step.after), tuple(step.when)
    )
    return merging.Piece(plain, str(step.department_id or item.department_id))


def _plain(step: rules.Step) -> dict[str, Any]:
    return {each.name: getattr(step, each.name) for each in fields(step)}


_LISTS = {MaterialDraft: "materials", FeeDraft: "fees", FaqDraft: "faqs"}


def _rows(version: ItemVersion, draft: type[Any]) -> list[Any]:
    names = [each.name for each in fields(draft)]
    rows = getattr(version, _LISTS[draft]).all()
    values = ({name: getattr(row, name) for name in names} for row in rows)
    return [draft(**{name: tuple(v) if isinstance(v, list) else v for name, v in row.items()}) for row in values]


def _once(left: Sequence[Any], right: Sequence[Any]) -> list[Any]:
    return list(dict.fromkeys((*left, *right)))


def _merged_fields(
    left: ItemVersion, right: ItemVersion, into: ServiceItem, other: ServiceItem, promised: int | None
) -> dict[str, Any]:
    values: dict[str, Any] = {
        "everyday_names": list(dict.fromkeys((*left.everyday_names, *right.everyday_names)))[:40],
        "themes": list(dict.fromkeys((*left.themes, *right.themes))),
        "channels": [one for one in left.channels if one in right.channels] or left.channels,
        "service_objects": list(dict.fromkeys((*left.service_objects, *right.service_objects))),
        "legal_basis": _joined(left.legal_basis, right.legal_basis),
        "accept_condition": _joined(left.accept_condition, right.accept_condition),
        "result_name": _joined(left.result_name, right.result_name, mark="、")[:120],
        "special_procedures": _joined(left.special_procedures, right.special_procedures),
    }
    if right.has_fee:
        values |= {
            "has_fee": True,
            "fee_note": _joined(left.fee_note, right.fee_note),
            "fee_basis": _joined(left.fee_basis, right.fee_basis),
        }
    if into.department_id != other.department_id:
        values["is_joint"] = True
        values["joint_organs"] = list(dict.fromkeys((*left.joint_organs, other.department.name)))
    if not (left.is_immediate and right.is_immediate):
        slower = left if right.is_immediate else right if left.is_immediate else None
        longer = _promise(left, right) if slower is None else slower.promised
        limit = Limit(promised) if promised is not None else longer
        if limit is not None:
            values |= {"promised_limit": limit.number, "promised_unit": limit.unit.value}
        values["case_type"] = (slower or left).case_type
    if left.statutory is None or (
        right.statutory
        and right.statutory.unit == left.statutory.unit
        and right.statutory.number < left.statutory.number
    ):
        strict = right.statutory
        if strict is not None:
            values |= {"statutory_limit": strict.number, "statutory_unit": strict.unit.value}
    return values


def _promise(left: ItemVersion, right: ItemVersion) -> Limit | None:
    """The longer promise; between units the one that is certainly longer, else the left one."""
    if left.promised is None or right.promised is None:
        return left.promised or right.promised
    return right.promised if rules.is_longer(right.promised, left.promised) else left.promised


def _joined(left: str, right: str, *, mark: str = "\n") -> str:
    return mark.join(dict.fromkeys(text.strip() for text in (left, right) if text.strip()))


def _take_questions(draft: ItemVersion, right: ItemVersion) -> dict[str, str]:
    """Copy the other side's questions under keys that are free; return its options as they are called now."""
    questions = list(right.questions.prefetch_related("options"))
    taken = set(draft.questions.values_list("key", flat=True))
    first = (draft.questions.order_by("-position").values_list("position", flat=True).first() or 0) + 1
    renamed: dict[str, str] = {}
    keys: dict[str, str] = {}
    for question in questions:
        keys[question.key] = _free(question.key, taken)
        for option in question.options.all():
            renamed[f"{question.key}.{option.key}"] = f"{keys[question.key]}.{option.key}"
    for place, question in enumerate(questions, first):
        options = list(question.options.all())
        question.pk, question.version, question.position = question._meta.pk.get_default(), draft, place
        question.key = keys[question.key]
        question.when = [renamed.get(one, one) for one in question.when]
        question.save(force_insert=True)
        for option in options:
            option.pk, option.question = option._meta.pk.get_default(), question
        ScenarioOption.objects.bulk_create(options)
    return renamed


def _take_forms(draft: ItemVersion, right: ItemVersion, renamed: Mapping[str, str]) -> None:
    """Copy the forms the draft does not have yet; a form of the same key is the same form."""
    has = set(draft.forms.values_list("key", flat=True))
    place = (draft.forms.order_by("-position").values_list("position", flat=True).first() or 0) + 1
    for form in right.forms.exclude(key__in=has):
        form.pk, form.version, form.position = form._meta.pk.get_default(), draft, place
        form.when = [renamed.get(one, one) for one in form.when]
        form.save(force_insert=True)
        place += 1


def _free(key: str, taken: set[str]) -> str:
    base, n = key[:26], 2
    while key in taken:
        key, n = f"{base}-{n}", n + 1
    taken.add(key)
    return key


def set_due_rule(item: ServiceItem, rule: Mapping[str, Any], *, by: Actor, at: datetime) -> ItemVersion:
    """
    Write into the item's draft who is due for it (S3-2); {} for nobody. It counts once the draft is published.

    rule: {"kind": "age", "years": 80} or {"kind": "renewal", "months": 12, "before_days": 30}. Raises BadDraft,
    access.NotAllowed.
    """
    return save_draft(item, {"due_rule": dict(rule)}, by=by, at=at)
