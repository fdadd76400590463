"""Numbers a place may set, from a day on."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.catalog.actions.common import LEAST_REASON
from yimen.catalog.models import (
    LocalRule,
)
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib.errors import DomainError
from yimen.people import access, reasons
from yimen.people.models import Region


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
    stream, kind = f"local_rule:{key}", "catalog.local_rule_set"
    said = reasons.keep(stream, kind, reason, region=code, by=by, at=at)
    data = {"key": key, "value": value, "effective_on": effective_on.isoformat()} | said
    ledger.record(stream, kind, region=code, by=by, at=at, data=data)
    return rule
