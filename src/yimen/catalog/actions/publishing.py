"""An edition from checked to published, in force on its day, and out of force again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.catalog import rules, search
from yimen.catalog.actions.common import LEAST_REASON
from yimen.catalog.actions.drafts import plain_step
from yimen.catalog.actions.editions import editors_of, expect_seen, record_item
from yimen.catalog.actions.reviews import outstanding
from yimen.catalog.models import ItemMaterial, ItemType, ItemVersion, ServiceItem
from yimen.catalog.queries.basic import deviations_of
from yimen.catalog.queries.powers import power_fault
from yimen.catalog.queries.scenario import scenario_faults
from yimen.catalog.queries.shared import sharing_on
from yimen.catalog.rules.notice import NoticeForm, NoticeMaterial, NoticeStep, notice_faults
from yimen.ledger.actions import SYSTEM, Actor
from yimen.lib.each import one_by_one
from yimen.lib.errors import DomainError
from yimen.people import access, reasons
from yimen.people.models import Staff


class NotReady(DomainError):
    """The edition cannot be published; `reasons` has one sentence for each thing to mend."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = list(reasons)
        super().__init__("".join(self.reasons))


class SameHand(DomainError):
    """Whoever edited an edition may not publish it."""


class NotADraft(DomainError):
    """Published editions are not edited and not published again (ITEM-16)."""


def publish_faults(version: ItemVersion, on: date) -> list[str]:
    """
    Return everything that would keep the edition from being published on the day `on`, a sentence each: the five
    openings, legal basis, limits, flow, materials, fees, power list, leaflet and notice, questions, the standard of
    its basic code (S1-4, S0-30, S2-12, LAW-21, LAW-22, LAW-26, ITEM-22).
    """
    item = version.item
    materials = list(version.materials.all())
    shared = sharing_on(item.region_id, on)
    edition = rules.Edition(
        name=version.name,
        needs_legal_basis=item.item_type != ItemType.PUBLIC_SERVICE,
        legal_basis=version.legal_basis,
        accept_condition=version.accept_condition,
        procedure=version.procedure,
        material_count=len(materials) if materials or version.needs_no_materials else None,
        is_immediate=version.is_immediate,
        statutory=version.statutory,
        promised=version.promised,
        has_fee=version.has_fee if version.is_stated("has_fee") else None,
        fee_note=version.fee_note,
        fee_basis=version.fee_basis,
        steps=tuple(plain_step(step) for step in version.steps.all()),
    )
    asked = [
        rules.AskedMaterial(row.name, row.legal_basis, row.source == ItemMaterial.Source.SHARED) for row in materials
    ]
    return [
        *rules.publish_faults(edition),
        *rules.material_faults(asked, shared),
        *_notice_faults(version, materials),
        *scenario_faults(version),
        *filter(None, [power_fault(item, on)]),
        *deviations_of(version, on, blocking=True),
    ]


def _notice_faults(version: ItemVersion, materials: Sequence[ItemMaterial]) -> list[str]:
    return notice_faults(
        [NoticeMaterial(row.name, row.form_key) for row in materials],
        [NoticeForm(form.key, form.title, bool(form.sample)) for form in version.forms.all()],
        [NoticeStep(step.name, step.post, step.authority) for step in version.steps.all()],
        version.complaint_way,
        version.plain_text,
    )


@transaction.atomic
def publish(
    version: ItemVersion, *, by: Actor, at: datetime, seen: str | None = None, despite: str = ""
) -> ItemVersion:
    """
    Publish a draft: from now on new cases run under it; running ones keep theirs (ITEM-16). With a planned day still
    to come the draft is approved instead, and put_in_force() publishes it on that day.

    seen: the mark_of() the draft that was checked, None for whatever stands. despite: why it is published although
    a unit that was asked has not agreed; it goes into the history.
    Raises NotReady with all reasons, SameHand when `by` had a hand in the draft, ChangedMeanwhile when it is no
    longer what was checked, NotADraft, access.NotAllowed.
    """
    item, version = _locked(version)
    access.require(by, "catalog.publish", department=item.department, region=item.region_id)
    if version.state != ItemVersion.State.DRAFT:
        raise NotADraft(_("第 %(number)d 版不是草稿，不用再发布。要改请先存一份新草稿。") % {"number": version.number})
    if seen is not None:
        expect_seen(version, seen)
    if isinstance(by, Staff) and by.ledger_ref in editors_of(version):
        raise SameHand(_("这一版您自己改过，请另一位发布人来核对发布。"))
    today = localdate(at)
    begins = max(version.effective_on or today, today)
    faults = publish_faults(version, begins)
    if version.cancel_on and version.cancel_on <= begins:
        faults.append(
            _("计划取消日期 %(day)s 已经到了，发布了也不能办。请改日期。") % {"day": version.cancel_on.isoformat()}
        )
    waiting = outstanding(version)
    despite = despite.strip()
    if waiting and len(despite) < LEAST_REASON:
        faults += [*waiting, _("要先发布，请写明为什么不等，至少 4 个字。")]
    if faults:
        raise NotReady(faults)
    reviewed: dict[str, object] = {"despite": despite, "outstanding": waiting} if waiting else {}
    if begins > today:
        version.state = ItemVersion.State.APPROVED
        version.save(update_fields=["state"])
        data = {"version": version.number, "effective_on": begins.isoformat(), **reviewed}
        record_item(item, "catalog.approved", by, at, data)
        return version
    return _put_in_force(item, version, by, at, reviewed)


def _locked(version: ItemVersion) -> tuple[ServiceItem, ItemVersion]:
    """Return the item, locked, and the edition as it stands."""
    items = ServiceItem.objects.select_for_update(of=("self",)).select_related("department", "basic", "published")
    item = items.get(pk=version.item_id)
    version = item.versions.get(pk=version.pk)
    version.item = item
    return item, version


def _put_in_force(
    item: ServiceItem, version: ItemVersion, by: Actor, at: datetime, more: dict[str, object]
) -> ItemVersion:
    replaced = item.versions.filter(state=ItemVersion.State.PUBLISHED).first()
    if replaced:
        replaced.state, replaced.cancel_on = ItemVersion.State.REPLACED, localdate(at)
        replaced.save(update_fields=["state", "cancel_on"])
    version.state, version.published_at = ItemVersion.State.PUBLISHED, at
    version.effective_on = version.effective_on or localdate(at)
    version.save(update_fields=["state", "published_at", "effective_on"])
    item.published, item.name = version, version.name
    search.index(item, version, item.department.name)
    item.save(update_fields=["published", "name", *search.INDEXED])
    data = {"version": version.number, "replaces": replaced.number if replaced else None, **more}
    record_item(item, "catalog.published", by, at, data)
    return version


@transaction.atomic
def take_back(version: ItemVersion, *, by: Actor, at: datetime) -> ItemVersion:
    """Make an approved edition a draft again, before its day. Raises NotADraft, access.NotAllowed."""
    item, version = _locked(version)
    access.require(by, "catalog.publish", department=item.department, region=item.region_id)
    if version.state != ItemVersion.State.APPROVED:
        raise NotADraft(_("第 %(number)d 版没有在等生效，不用收回。") % {"number": version.number})
    version.state = ItemVersion.State.DRAFT
    version.save(update_fields=["state"])
    record_item(item, "catalog.taken_back", by, at, {"version": version.number})
    return version


@transaction.atomic
def withdraw(item: ServiceItem, *, reason: str, by: Actor, at: datetime) -> ServiceItem:
    """
    Take the published edition out of use; running cases go on under it, and an edition waiting for its day becomes a
    draft again. Raises DomainError without a reason of at least four characters or when nothing is published,
    access.NotAllowed.
    """
    item = ServiceItem.objects.select_for_update(of=("self",)).select_related("department", "published").get(pk=item.pk)
    access.require(by, "catalog.publish", department=item.department, region=item.region_id)
    if len(reason.strip()) < LEAST_REASON:
        raise DomainError(_("请写明为什么停办，至少 4 个字。"))
    if item.published is None:
        raise DomainError(_("“%(name)s”现在没有发布，不用停办。") % {"name": item.name})
    item.versions.filter(state=ItemVersion.State.APPROVED).update(state=ItemVersion.State.DRAFT)
    return _out_of_force(item, reason.strip(), by, at)


def _out_of_force(item: ServiceItem, reason: str, by: Actor, at: datetime) -> ServiceItem:
    version = item.published
    assert version is not None
    version.state, version.cancel_on = (
        ItemVersion.State.WITHDRAWN,
        min(version.cancel_on or localdate(at), localdate(at)),
    )
    version.save(update_fields=["state", "cancel_on"])
    item.published = None
    item.save(update_fields=["published"])
    said = reasons.keep(f"item:{item.pk}", "catalog.withdrawn", reason, region=item.region_id, by=by, at=at)
    record_item(item, "catalog.withdrawn", by, at, {"version": version.number} | said)
    return item


@dataclass
class DayChanges:
    """What put_in_force() did: editions published and withdrawn, and those whose day came but that have faults."""

    published: int = 0
    withdrawn: int = 0
    held: int = 0


def put_in_force(at: datetime) -> DayChanges:
    """
    Publish every approved edition whose day has come and withdraw every published one whose last day is over.

    Each in a transaction of its own; may run twice or days late without harm: the planned dates stay. An edition that
    meanwhile got a fault (a power cancelled, a paper that can now be looked up) stays approved and is counted as held.
    """
    today, changes = localdate(at), DayChanges()
    due = ItemVersion.objects.filter(state=ItemVersion.State.APPROVED, effective_on__lte=today)

    @transaction.atomic
    def begin(pk: UUID) -> None:
        item, version = _locked(rows[pk])
        if version.state != ItemVersion.State.APPROVED or not version.effective_on or version.effective_on > today:
            return
        if publish_faults(version, today):
            changes.held += 1
            return
        _put_in_force(item, version, SYSTEM, at, {"planned": version.effective_on.isoformat()})
        changes.published += 1

    rows = {row.pk: row for row in due.select_related("item").order_by("effective_on", "pk")}
    one_by_one(rows, begin, what="not put in force: edition")
    over = ItemVersion.objects.filter(state=ItemVersion.State.PUBLISHED, cancel_on__lte=today)

    @transaction.atomic
    def end(pk: UUID) -> None:
        item, version = _locked(rows[pk])
        if version.state != ItemVersion.State.PUBLISHED or not version.cancel_on or version.cancel_on > today:
            return
        _out_of_force(item, _("计划取消日期 %(day)s 已到。") % {"day": version.cancel_on.isoformat()}, SYSTEM, at)
        changes.withdrawn += 1

    rows = {row.pk: row for row in over.select_related("item").order_by("cancel_on", "pk")}
    one_by_one(rows, end, what="not withdrawn: edition")
    return changes
