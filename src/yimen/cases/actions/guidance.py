"""办前辅导: help before anything is applied for. No clock runs, and it never costs anything (S4-4, S4-12)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.cases.actions.common import WrongStep, checked_reasons, locked, record
from yimen.cases.models import Guidance
from yimen.catalog.models import ServiceItem
from yimen.ledger import actions as ledger
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import ServiceCenter, Staff


class BadGuidance(DomainError):
    """The record is not complete, or does not belong to that case."""


@transaction.atomic
def note_guidance(
    item: ServiceItem,
    who: str,
    advice: str,
    *,
    center: ServiceCenter,
    by: Staff,
    at: datetime,
    is_on_site: bool = False,
) -> Guidance:
    """
    Keep what somebody was told before applying. who: the firm or shop as they call themselves.

    Makes no case and starts no clock; the fee is 0 and the database takes no other. Raises BadGuidance,
    ReasonsMissing for an empty advice, access.NotAllowed.
    """
    access.require(by, "cases.guide", region=item.region_id)
    if not who.strip():
        raise BadGuidance(_("请写辅导了谁，例如店名或者企业名。"))
    guidance = Guidance.objects.create(
        region_id=item.region_id,
        center=center,
        item=item,
        who=who.strip()[:120],
        at=at,
        by=by,
        is_on_site=is_on_site,
        advice=checked_reasons(advice),
    )
    data = {"item": item.task_code, "on_site": is_on_site, "fee": 0}
    ledger.record(f"guidance:{guidance.pk}", "guidance.noted", region=item.region_id, by=by, at=at, data=data)
    return guidance


@transaction.atomic
def link_guidance(guidance_id: UUID, case_id: UUID, *, by: Staff, at: datetime) -> Guidance:
    """
    Say which case the guidance led to; the case's clock does not change.

    Raises BadGuidance for another item and for help that came after acceptance, WrongStep when it is linked already,
    access.NotAllowed.
    """
    case = locked(case_id)
    guidance = Guidance.objects.select_for_update(of=("self",)).get(pk=guidance_id, region_id=case.region_id)
    access.require(by, "cases.guide", department=case.department, region=case.region_id)
    if guidance.case_id is not None:
        raise WrongStep(_("这次辅导已经连到一件办件上了。"))
    if guidance.item_id != case.item_id:
        raise BadGuidance(_("这次辅导说的是另一个事项，不能连到这件上。"))
    if case.accepted_at is not None and guidance.at > case.accepted_at:
        raise BadGuidance(_("受理以后的帮助不算办前辅导。"))
    guidance.case = case
    guidance.save(update_fields=["case"])
    record(case, "case.guidance_linked", by=by, at=at, data={"guidance": str(guidance.pk)})
    return guidance
