"""Power lists with their batches, delegations, entry into the hall, and items that change hands."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.db.models import Max, Value
from django.db.models.functions import Greatest
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.catalog import search
from yimen.catalog.actions.common import LEAST_REASON
from yimen.catalog.models import (
    Delegation,
    FlowStep,
    HallEntry,
    ItemType,
    PowerBatch,
    PowerBatchLine,
    PowerEntry,
    PowerList,
    ServiceItem,
)
from yimen.catalog.queries import powers as queries
from yimen.catalog.rules import powers as rules
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.ledger.models import Event
from yimen.lib.dates import short_day
from yimen.lib.errors import DomainError
from yimen.lib.text import listed
from yimen.people import access, organisation, reasons
from yimen.people.models import Department, Post, Region, ServiceCenter, ServicePoint, Staff

# More than this is told as "and n more".
MOST_NAMED = 10


class BadPower(DomainError):
    """A line of a power list that cannot stand; the message says which part and why."""


class NotADraftList(DomainError):
    """Published editions of a power list are not edited."""


class ListNotReady(DomainError):
    """The edition cannot be published; the message says what to mend."""


class SameHandOnList(DomainError):
    """Whoever wrote an edition of the power list may not publish it."""


class CameBack(DomainError):
    """A cancelled power stands in the list again (ITEM-22)."""


class BadBatch(DomainError):
    """A batch that cannot be recorded or applied; the message says why."""


class AlreadyApplied(DomainError):
    """The batch is part of an edition already."""


class BadDelegation(DomainError):
    """A letter of delegation that cannot be recorded; the message says which part and why."""


class BadEntry(DomainError):
    """An entry into the hall, or leaving it, that cannot be."""


class NotDelegated(DomainError):
    """The unit may not move in yet; the message names the items without full delegation (S1-35)."""


@dataclass(frozen=True)
class PowerDraft:
    """One power as it is typed or read from a file. department: None when the list does not say."""

    code: str
    name: str
    power_type: str
    level: str = ""
    department: Department | None = None
    legal_basis: str = ""
    duties: str = ""


@dataclass(frozen=True)
class BatchLine:
    """One line of a batch; name may be empty when the code stands in the latest edition."""

    code: str
    action: str
    to: str = ""
    name: str = ""


# Power lists


@transaction.atomic
def begin_power_list(
    region: Region, *, by: Actor, at: datetime, name: str = "", powers: Sequence[PowerDraft] | None = None
) -> PowerList:
    """
    Begin the next edition: with `powers`, or as a copy of the latest published one.

    Raises NotADraftList while another draft waits, BadPower naming the line, access.NotAllowed.
    """
    access.require(by, "powers.edit", region=region.pk)
    _lock(region)
    if waiting := PowerList.objects.filter(region=region, published_at=None).first():
        raise NotADraftList(_("第 %(number)d 版还是草稿，请先发布或者接着改它。") % {"number": waiting.number})
    draft = _new_draft(region, name, copy=powers is None)
    if powers is not None:
        _fill(draft, powers)
    _record_list(draft, "powers.draft_begun", by, at, _summary(draft))
    return draft


@transaction.atomic
def fill_power_list(power_list: PowerList, powers: Sequence[PowerDraft], *, by: Actor, at: datetime) -> PowerList:
    """Replace everything a draft says. Raises NotADraftList, BadPower, access.NotAllowed."""
    draft = _locked_draft(power_list, by)
    draft.entries.all().delete()
    _fill(draft, powers)
    _record_list(draft, "powers.draft_filled", by, at, _summary(draft))
    return draft


@transaction.atomic
def save_power(power_list: PowerList, power: PowerDraft, *, by: Actor, at: datetime) -> PowerEntry:
    """Add a power to a draft, or change the one with its code. Raises NotADraftList, BadPower, access.NotAllowed."""
    draft = _locked_draft(power_list, by)
    checked = _checked(draft, power, "")
    if checked.department:
        access.require(by, "powers.edit", department=checked.department)
    values = {key: value for key, value in _values(checked).items() if key != "code"}
    before = draft.entries.filter(code=checked.code).select_related("department").first()
    if before and before.department:
        access.require(by, "powers.edit", department=before.department)
    if before and all(getattr(before, key) == value for key, value in values.items()):
        return before
    entry, _is_new = PowerEntry.objects.update_or_create(power_list=draft, code=checked.code, defaults=values)
    data = {"code": checked.code, "is_new": before is None, "changed": _plain(checked)}
    _record_list(draft, "powers.power_saved", by, at, data)
    return entry


@transaction.atomic
def drop_power(power_list: PowerList, code: str, *, reason: str, by: Actor, at: datetime) -> None:
    """Take a power out of a draft, for a stated reason. Raises NotADraftList, BadPower, access.NotAllowed."""
    draft = _locked_draft(power_list, by)
    reason = _reason(reason, _("请写明为什么去掉，至少 4 个字。"))
    entry = draft.entries.filter(code=code).select_related("department").first()
    if entry is None:
        raise BadPower(_("这一版里没有编码 %(code)s。") % {"code": code})
    if entry.department:
        access.require(by, "powers.edit", department=entry.department)
    entry.delete()
    _record_list(draft, queries.DROPPED, by, at, {"code": code, "name": entry.name}, reason=reason)


@transaction.atomic
def publish_power_list(
    power_list: PowerList, *, effective_on: date, by: Actor, at: datetime, reinstated_by: str = ""
) -> PowerList:
    """
    Publish a draft: from `effective_on` it is the list in force (ITEM-22).

    reinstated_by: the document that sets cancelled powers up again; without it, Raises CameBack when one stands in
    the list under its code or name. Raises SameHandOnList when `by` had a hand in the draft, ListNotReady when it is
    empty or would begin before the edition before it, NotADraftList, access.NotAllowed.
    """
    access.require(by, "powers.publish", region=power_list.region_id)
    _lock(power_list.region)
    draft = PowerList.objects.select_for_update().get(pk=power_list.pk)
    _expect_draft(draft)
    if isinstance(by, Staff) and by.ledger_ref in writers_of(draft):
        raise SameHandOnList(_("这一版您自己改过，请另一位发布人来核对发布。"))
    if not draft.entries.exists():
        raise ListNotReady(_("这一版还是空的，没有一项职权。"))
    latest = queries.latest_edition(draft.region_id)
    if latest and latest.effective_on and effective_on < latest.effective_on:
        raise ListNotReady(
            _("第 %(number)d 版从 %(day)s起生效，这一版不能比它早。")
            % {"number": latest.number, "day": short_day(latest.effective_on, year=True)}
        )
    back = _come_back(draft, latest, effective_on)
    reinstated_by = reinstated_by.strip()
    if back and not reinstated_by:
        named = listed(f"{power.code} {power.name}：{cut.said()}" for power, cut in back[:MOST_NAMED])
        raise CameBack(
            _("有 %(count)d 项已经取消或下放的职权又回到清单里：%(named)s。请去掉；依法重新设定的，写上文号再发布。")
            % {"count": len(back), "named": named}
        )
    draft.effective_on, draft.published_at = effective_on, at
    draft.save(update_fields=["effective_on", "published_at"])
    data = {"effective_on": effective_on.isoformat(), **_summary(draft)}
    if back:
        data |= {"reinstated_by": reinstated_by, "reinstated": [power.code for power, _cut in back]}
    _record_list(draft, "powers.published", by, at, data)
    return draft


def writers_of(power_list: PowerList) -> set[str]:
    """Return the ledger_ref of everyone who wrote into this edition."""
    rows = Event.objects.filter(region=power_list.region_id, stream=f"power_list:{power_list.pk}")
    return set(rows.exclude(kind="powers.published").values_list("actor", flat=True))


def _come_back(draft: PowerList, latest: PowerList | None, on: date) -> list[tuple[queries.Row, rules.Cut]]:
    known = set(latest.entries.values_list("code", flat=True)) if latest else set()
    return rules.come_back(queries.rows_of(draft), queries.standing_cuts(draft.region_id, on), known=known)


def _new_draft(region: Region, name: str, *, copy: bool) -> PowerList:
    latest = queries.latest_edition(region.pk)
    number = (PowerList.objects.filter(region=region).aggregate(top=Max("number"))["top"] or 0) + 1
    name = name.strip() or (latest.name if latest else _("%(region)s权力清单") % {"region": region.name})
    draft = PowerList.objects.create(region=region, number=number, name=name[:120])
    if copy and latest:
        rows = list(latest.entries.all())
        for row in rows:
            row.pk, row.power_list = row._meta.pk.get_default(), draft
        PowerEntry.objects.bulk_create(rows, batch_size=2000)
    return draft


def _fill(draft: PowerList, powers: Sequence[PowerDraft]) -> None:
    seen: dict[str, int] = {}
    rows = []
    for number, power in enumerate(powers, 1):
        checked = _checked(draft, power, _("第 %(number)d 项：") % {"number": number})
        if checked.code in seen:
            raise BadPower(
                _("第 %(number)d 项的编码 %(code)s 和第 %(other)d 项一样。")
                % {"number": number, "code": checked.code, "other": seen[checked.code]}
            )
        seen[checked.code] = number
        rows.append(PowerEntry(power_list=draft, **_values(checked)))
    PowerEntry.objects.bulk_create(rows, batch_size=2000)


def _checked(draft: PowerList, power: PowerDraft, where: str) -> PowerDraft:
    code, name = power.code.strip(), power.name.strip()
    if not code:
        raise BadPower(where + _("编码还没写。"))
    if len(code) > 40:
        raise BadPower(where + _("编码最多 40 个字符。"))
    if not name:
        raise BadPower(where + _("%(code)s 的职权名称还没写。") % {"code": code})
    if len(name) > 300:
        raise BadPower(where + _("%(code)s 的职权名称最多写 300 个字。") % {"code": code})
    if power.power_type not in ItemType.values:
        raise BadPower(where + _("%(code)s 的类型“%(value)s”不认识。") % {"code": code, "value": power.power_type})
    if power.level and power.level not in rules.LEVEL_NAMES:
        raise BadPower(where + _("%(code)s 的行使层级“%(value)s”不认识。") % {"code": code, "value": power.level})
    if power.department and power.department.region_id != draft.region_id:
        raise BadPower(where + _("%(code)s 的部门不在本地区。") % {"code": code})
    texts = {"legal_basis": power.legal_basis.strip(), "duties": power.duties.strip()}
    return PowerDraft(code, name, power.power_type, power.level, power.department, **texts)


def _values(power: PowerDraft) -> dict[str, Any]:
    return {name: getattr(power, name) for name in PowerDraft.__dataclass_fields__}


def _plain(power: PowerDraft) -> dict[str, Any]:
    return _values(power) | {"department": str(power.department.pk) if power.department else None}


def _summary(power_list: PowerList) -> dict[str, Any]:
    """How many powers the edition has and a mark of what they say, for the ledger."""
    mark, count = sha256(), 0
    columns = ("code", "name", "power_type", "level", "department", "legal_basis", "duties")
    for row in power_list.entries.order_by("code").values_list(*columns):
        mark.update(json.dumps([str(value) for value in row], ensure_ascii=False).encode())
        count += 1
    return {"number": power_list.number, "count": count, "mark": mark.hexdigest()}


def _locked_draft(power_list: PowerList, by: Actor) -> PowerList:
    access.require(by, "powers.edit", region=power_list.region_id)
    draft = PowerList.objects.select_for_update().get(pk=power_list.pk)
    _expect_draft(draft)
    return draft


def _expect_draft(power_list: PowerList) -> None:
    if power_list.published_at:
        raise NotADraftList(_("第 %(number)d 版已经发布，不能再改。要改请开始下一版。") % {"number": power_list.number})


def _record_list(
    power_list: PowerList, kind: str, by: Actor, at: datetime, data: dict[str, Any], *, reason: str = ""
) -> None:
    stream, region = f"power_list:{power_list.pk}", power_list.region_id
    data = data | reasons.keep(stream, kind, reason, region=region, by=by, at=at)
    ledger.record(stream, kind, region=region, by=by, at=at, data=data)


# Batches


@transaction.atomic
def record_batch(
    region: Region,
    *,
    number: int,
    on: date,
    document_no: str,
    lines: Sequence[BatchLine],
    by: Actor,
    at: datetime,
) -> PowerBatch:
    """
    Record a batch of cancelling and handing down (S2-26). It changes no edition until it is applied, but from its
    date on items with these codes cannot be published.

    Raises BadBatch naming the line, access.NotAllowed.
    """
    access.require(by, "powers.edit", region=region.pk)
    _lock(region)
    document_no = document_no.strip()
    if number < 1:
        raise BadBatch(_("批次从 1 开始。"))
    if not document_no:
        raise BadBatch(_("请填写文号。"))
    if PowerBatch.objects.filter(region=region, number=number).exists():
        raise BadBatch(_("第 %(number)d 批已经录入了。") % {"number": number})
    if not lines:
        raise BadBatch(_("这一批还没有写一项职权。"))
    names = queries.names_of_powers(region.pk, {line.code.strip() for line in lines})
    rows, seen = [], set()
    for place, line in enumerate(lines, 1):
        code, to = line.code.strip(), line.to.strip()
        name = line.name.strip() or names.get(code, "")
        where = _("第 %(place)d 行：") % {"place": place}
        if not code or code in seen:
            raise BadBatch(where + (_("编码 %(code)s 写了两次。") % {"code": code} if code else _("编码还没写。")))
        if not name:
            raise BadBatch(where + _("清单里没有编码 %(code)s，请核对，或者把名称也写上。") % {"code": code})
        if line.action not in PowerBatchLine.Action.values:
            raise BadBatch(where + _("请写“取消”或“下放”。"))
        if (line.action == PowerBatchLine.Action.DELEGATE) != bool(to):
            raise BadBatch(where + _("下放要写给谁；取消不用写。"))
        if len(code) > 40 or len(name) > 300 or len(to) > 120:
            raise BadBatch(where + _("写得太长了：编码 40 个字符，名称 300 个字，下放给谁 120 个字以内。"))
        seen.add(code)
        rows.append(PowerBatchLine(code=code, name=name, action=line.action, to=to))
    batch = PowerBatch.objects.create(region=region, number=number, on=on, document_no=document_no[:80])
    for row in rows:
        row.batch = batch
    PowerBatchLine.objects.bulk_create(rows, batch_size=2000)
    data = {"number": number, "on": on.isoformat(), "document_no": batch.document_no, **_by_action(rows)}
    _record_batch(batch, "powers.batch_recorded", by, at, data)
    return batch


@transaction.atomic
def apply_batch(batch: PowerBatch, *, by: Actor, at: datetime) -> PowerList:
    """
    Take the batch's powers out of the draft, or out of a new draft that begins as a copy of the latest edition.

    Raises AlreadyApplied, BadBatch naming codes that are not in the edition, access.NotAllowed.
    """
    access.require(by, "powers.edit", region=batch.region_id)
    _lock(batch.region)
    batch = PowerBatch.objects.select_for_update(of=("self",)).select_related("region", "applied_to").get(pk=batch.pk)
    if batch.applied_to:
        raise AlreadyApplied(
            _("第 %(batch)d 批已经并入第 %(number)d 版，不用再并。")
            % {"batch": batch.number, "number": batch.applied_to.number}
        )
    draft = PowerList.objects.select_for_update().filter(region=batch.region, published_at=None).first()
    draft = draft or _new_draft(batch.region, "", copy=True)
    lines = list(batch.lines.all())
    codes = {line.code for line in lines}
    there = set(draft.entries.filter(code__in=codes).values_list("code", flat=True))
    if missing := sorted(codes - there):
        raise BadBatch(
            _("第 %(number)d 版清单里没有这 %(count)d 个编码：%(codes)s。请先核对。")
            % {"number": draft.number, "count": len(missing), "codes": listed(missing[:MOST_NAMED])}
        )
    draft.entries.filter(code__in=codes).delete()
    batch.applied_to = draft
    batch.save(update_fields=["applied_to"])
    data = {"batch": batch.number, "removed": len(codes), **_by_action(lines)}
    _record_list(draft, "powers.batch_applied", by, at, data)
    return draft


def _by_action(lines: Iterable[PowerBatchLine]) -> dict[str, int]:
    return dict(Counter(str(line.action) for line in lines))


def _record_batch(batch: PowerBatch, kind: str, by: Actor, at: datetime, data: dict[str, Any]) -> None:
    ledger.record(f"power_batch:{batch.pk}", kind, region=batch.region_id, by=by, at=at, data=data)


# Delegations


@transaction.atomic
def grant_delegation(
    item: ServiceItem,
    *,
    acts: Collection[str],
    letter_no: str,
    signed_by: str,
    from_on: date,
    by: Actor,
    at: datetime,
    post: Post | None = None,
    point: ServicePoint | None = None,
    until_on: date | None = None,
) -> Delegation:
    """
    Record a unit's signed letter that lets a post in the hall, or a service point, act for an item (S1-35, S4-35).

    acts: kinds of steps; until_on: the last day, None for no end. Raises BadDelegation, access.NotAllowed.
    """
    item = _locked_item(item)
    access.require(by, "powers.delegate", department=item.department, region=item.region_id)
    letter_no, signed_by = letter_no.strip(), signed_by.strip()
    kinds = [kind for kind in FlowStep.Kind.values if kind in acts]
    if not kinds or len(kinds) != len(set(acts)):
        raise BadDelegation(_("请选授权做哪几步，从列表里选。"))
    if not (letter_no and signed_by):
        raise BadDelegation(_("请填写授权书文号和签发人，没有签发的授权不算数。"))
    if len(letter_no) > 80 or len(signed_by) > 60:
        raise BadDelegation(_("文号最多 80 个字，签发人最多 60 个字。"))
    if post is None and point is None:
        raise BadDelegation(_("请选授权给哪个岗位，或者哪个便民服务点。"))
    if (post and post.department.region_id != item.region_id) or (point and point.region_id != item.region_id):
        raise BadDelegation(_("这个岗位或服务点不在本地区。"))
    if point and point.closed_on and point.closed_on <= from_on:
        raise BadDelegation(_("%(name)s到那天已经撤销，授权给它不算数。") % {"name": point.name})
    if until_on and until_on < from_on:
        raise BadDelegation(_("到期日期比生效日期还早。"))
    same = Delegation.objects.filter(item=item, post=post, point=point, letter_no=letter_no, revoked_on=None)
    if same.exists():
        raise BadDelegation(_("%(letter)s 已经录入过了。") % {"letter": letter_no})
    lent = Delegation.objects.create(
        item=item,
        post=post,
        point=point,
        acts=kinds,
        letter_no=letter_no,
        signed_by=signed_by,
        from_on=from_on,
        until_on=until_on,
        entered_by=by if isinstance(by, Staff) else None,
    )
    data = {
        "delegation": str(lent.pk),
        "post": str(post.pk) if post else None,
        "point": str(point.pk) if point else None,
        "acts": kinds,
        "letter_no": letter_no,
        "from_on": from_on.isoformat(),
        "until_on": until_on.isoformat() if until_on else None,
    }
    _record_item(item, "powers.delegated", by, at, data)
    return lent


@transaction.atomic
def revoke_delegation(lent: Delegation, *, on: date, reason: str, by: Actor, at: datetime) -> Delegation:
    """
    End a delegation from the day `on`. Raises BadDelegation when it is revoked already or has no reason of four
    characters, access.NotAllowed.
    """
    item = _locked_item(lent.item)
    access.require(by, "powers.delegate", department=item.department, region=item.region_id)
    lent = Delegation.objects.select_for_update().get(pk=lent.pk)
    reason = _reason(reason, _("请写明为什么撤销，至少 4 个字。"), BadDelegation)
    if lent.revoked_on:
        raise BadDelegation(_("这份授权已经撤销了。"))
    if on < lent.from_on:
        on = lent.from_on
    lent.revoked_on = on
    lent.save(update_fields=["revoked_on"])
    data = {"delegation": str(lent.pk), "revoked_on": on.isoformat()}
    _record_item(item, queries.REVOKED, by, at, data, reason=reason)
    return lent


# Entry into the hall


@transaction.atomic
def enter_hall(
    item: ServiceItem, center: ServiceCenter, *, on: date, by: Actor, at: datetime, elsewhere: str = ""
) -> HallEntry:
    """
    Let an item be handled at a centre from a day on. elsewhere: the unit's own counter that still takes it, "" none.

    Raises BadEntry when it is in already, access.NotAllowed.
    """
    item = _locked_item(item)
    access.require(by, "powers.enter", region=item.region_id)
    if center.region_id != item.region_id:
        raise BadEntry(_("这个中心不在本地区。"))
    if HallEntry.objects.filter(item=item, center=center, left_on=None).exists():
        raise BadEntry(_("“%(name)s”已经进驻%(center)s了。") % {"name": item.name, "center": center.name})
    last = HallEntry.objects.filter(item=item, center=center).aggregate(left=Max("left_on"))["left"]
    if last and on < last:
        raise BadEntry(_("上次撤出是 %(day)s，这次进驻不能比它早。") % {"day": short_day(last, year=True)})
    entry = HallEntry.objects.create(item=item, center=center, entered_on=on, elsewhere=elsewhere.strip()[:160])
    data = {"center": str(center.pk), "on": on.isoformat(), "elsewhere": entry.elsewhere}
    _record_item(item, "powers.entered_hall", by, at, data)
    return entry


@transaction.atomic
def leave_hall(entry: HallEntry, *, on: date, reason: str, by: Actor, at: datetime) -> HallEntry:
    """From the day `on` the item is no longer handled at the centre. Raises BadEntry, access.NotAllowed."""
    entry, item = _locked_entry(entry, by)
    reason = _reason(reason, _("请写明为什么撤出，至少 4 个字。"), BadEntry)
    if on < entry.entered_on:
        raise BadEntry(_("撤出日期不能比进驻日期早。"))
    entry.left_on = on
    entry.save(update_fields=["left_on"])
    data = {"entry": str(entry.pk), "center": str(entry.center_id), "on": on.isoformat()}
    _record_item(item, queries.LEFT, by, at, data, reason=reason)
    return entry


@transaction.atomic
def set_elsewhere(entry: HallEntry, elsewhere: str, *, by: Actor, at: datetime) -> HallEntry:
    """Say which counter of the unit still takes the item; "" when it was closed (两头受理). Raises BadEntry."""
    entry, item = _locked_entry(entry, by)
    elsewhere = elsewhere.strip()[:160]
    if elsewhere != entry.elsewhere:
        data = {"center": str(entry.center_id), "before": entry.elsewhere, "elsewhere": elsewhere}
        entry.elsewhere = elsewhere
        entry.save(update_fields=["elsewhere"])
        _record_item(item, "powers.elsewhere_set", by, at, data)
    return entry


@transaction.atomic
def set_should_enter(
    item: ServiceItem, should_enter: bool, *, by: Actor, at: datetime, reason: str = ""
) -> ServiceItem:
    """Say whether the item belongs in the hall; why not is a sentence of its own. Raises BadEntry."""
    item = _locked_item(item)
    access.require(by, "powers.enter", region=item.region_id)
    reason = "" if should_enter else _reason(reason, _("请写明为什么不进驻，至少 4 个字。"), BadEntry)
    if (item.should_enter, item.exempt_reason) != (should_enter, reason):
        item.should_enter, item.exempt_reason = should_enter, reason
        item.save(update_fields=["should_enter", "exempt_reason"])
        _record_item(item, "powers.should_enter_set", by, at, {"should_enter": should_enter}, reason=reason)
    return item


@transaction.atomic
def move_in(department: Department, center: ServiceCenter, *, on: date, by: Actor, at: datetime) -> Department:
    """
    Let a unit move into a centre with all its published items that should enter (S1-35).

    Raises NotDelegated naming the items without a valid signed delegation that covers accepting and deciding,
    BadEntry for a unit that is in already or has nothing to bring, access.NotAllowed.
    """
    access.require(by, "powers.enter", region=department.region_id)
    department = Department.objects.select_for_update(no_key=True).get(pk=department.pk)
    if center.region_id != department.region_id:
        raise BadEntry(_("这个中心不在本地区。"))
    _not_later(on, at)
    # Nobody lets one of the items in, or takes a letter back, meanwhile.
    list(department.items.select_for_update(of=("self",)).order_by("pk").values_list("pk"))
    standing = [
        one for one in queries.standings(department.region_id, on, department=department.pk) if one.should_enter
    ]
    if not standing:
        raise BadEntry(_("%(name)s没有要进驻的事项。") % {"name": department.name})
    if missing := [one.name for one in standing if not one.is_fully_delegated]:
        raise NotDelegated(
            _("%(name)s还不能进驻：%(count)d 项没有充分授权（%(items)s）。请先补签授权书，写明受理和决定。")
            % {"name": department.name, "count": len(missing), "items": listed(missing[:MOST_NAMED])}
        )
    if department.is_resident and all(one.is_in for one in standing):
        raise BadEntry(_("%(name)s已经进驻了。") % {"name": department.name})
    entering = [one.item_id for one in standing if not one.is_in]
    HallEntry.objects.bulk_create(HallEntry(item_id=pk, center=center, entered_on=on) for pk in entering)
    data = {"center": str(center.pk), "on": on.isoformat(), "items": [str(pk) for pk in entering]}
    return organisation.become_resident(department, data, by=by, at=at)


# Items that change hands


@transaction.atomic
def transfer_items(
    source: Department,
    target: Department,
    items: Collection[ServiceItem],
    *,
    on: date,
    document_no: str,
    by: Actor,
    at: datetime,
) -> int:
    """
    Hand items over from one organ to another, a bureau above all (S4-34), and return how many.

    Running cases stay where they are. Delegations by the old organ end on that day: who no longer holds a power
    cannot lend it. Where the items came from stays in the ledger (queries.held_for_others).
    Raises BadEntry for items that are not the source's, without document, or for a target that is no bureau.
    """
    access.require(by, "powers.publish", region=source.region_id)
    document_no = document_no.strip()
    if target.region_id != source.region_id or target.pk == source.pk:
        raise BadEntry(_("请选本地区的另一个部门。"))
    if not target.is_bureau:
        raise BadEntry(_("%(name)s不是行政审批服务局，不能替别的部门行使职权。") % {"name": target.name})
    if not document_no:
        raise BadEntry(_("请填写文号：划转职权要有文件。"))
    _not_later(on, at)
    Department.objects.select_for_update(no_key=True).get(pk=target.pk)
    wanted = {item.pk for item in items}
    if not wanted:
        raise BadEntry(_("请选要划转的事项。"))
    locked = list(
        ServiceItem.objects.select_for_update(of=("self",))
        .filter(pk__in=wanted, department=source)
        .select_related("published")
        .order_by("pk")
    )
    if len(locked) != len(wanted):
        raise BadEntry(_("有 %(count)d 项不是%(name)s的。") % {"count": len(wanted) - len(locked), "name": source.name})
    for item in locked:
        item.department = target
        if item.published:
            search.index(item, item.published, target.name)
    ServiceItem.objects.bulk_update(locked, ["department", *search.INDEXED], batch_size=500)
    running = Delegation.objects.filter(item__in=wanted, revoked_on=None).exclude(until_on__lt=on)
    ended = running.update(revoked_on=Greatest("from_on", Value(on)))
    data: dict[str, Any] = {
        "from": str(source.pk),
        "to": str(target.pk),
        "on": on.isoformat(),
        "document_no": document_no[:80],
        "items": [str(item.pk) for item in locked],
        "delegations_ended": ended,
    }
    ledger.record(f"department:{target.pk}", queries.TRANSFERRED, region=source.region_id, by=by, at=at, data=data)
    return len(locked)


def _not_later(on: date, at: datetime) -> None:
    if on > localdate(at):
        raise BadEntry(_("%(day)s还没到，到那天再办。") % {"day": short_day(on, year=True)})


def _locked_item(item: ServiceItem) -> ServiceItem:
    return ServiceItem.objects.select_for_update(of=("self",)).select_related("department").get(pk=item.pk)


def _locked_entry(entry: HallEntry, by: Actor) -> tuple[HallEntry, ServiceItem]:
    item = _locked_item(entry.item)
    access.require(by, "powers.enter", region=item.region_id)
    entry = HallEntry.objects.select_for_update(of=("self",)).get(pk=entry.pk)
    if entry.left_on:
        raise BadEntry(_("“%(name)s”已经撤出了。") % {"name": item.name})
    return entry, item


def _record_item(
    item: ServiceItem, kind: str, by: Actor, at: datetime, data: dict[str, Any], *, reason: str = ""
) -> None:
    stream, region = f"item:{item.pk}", item.region_id
    data = data | reasons.keep(stream, kind, reason, region=region, by=by, at=at)
    ledger.record(stream, kind, region=region, by=by, at=at, data=data)


def _lock(region: Region) -> None:
    """Those who change the list of a place queue here."""
    Region.objects.select_for_update(no_key=True).get(pk=region.pk)


def _reason(text: str, sentence: str, error: type[DomainError] = BadPower) -> str:
    text = text.strip()
    if len(text) < LEAST_REASON:
        raise error(sentence)
    return text[:200]
