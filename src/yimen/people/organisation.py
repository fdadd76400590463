"""How organs change: sections merged, units that move into the hall."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib.errors import DomainError
from yimen.lib.text import listed
from yimen.people import access
from yimen.people.models import Department, OrganisationChange, Region

MOST_SECTIONS = 500
LONGEST_SECTION = 80


class BadChange(DomainError):
    """A change of organisation that cannot be recorded; the message says which part and why."""


@transaction.atomic
def record_change(
    region: Region,
    *,
    name: str,
    on: date,
    before: Sequence[str],
    after: Sequence[str],
    by: Actor,
    at: datetime,
    document_no: str = "",
    department: Department | None = None,
) -> OrganisationChange:
    """
    Record which sections there were and are (S1-34); counts follow from the lists.

    department: None for a change over several units. Raises BadChange, access.NotAllowed.
    """
    access.require(by, "people.manage", region=region.pk)
    if department and department.region_id != region.pk:
        raise BadChange(_("这个部门不在本地区。"))
    name = name.strip()
    if not name:
        raise BadChange(_("请填写调整名称。"))
    lists = {}
    for word, sections in ((_("调整前"), before), (_("调整后"), after)):
        tidy = [text for section in sections if (text := " ".join(section.split()))]
        twice = sorted({text for text in tidy if tidy.count(text) > 1})
        if not tidy:
            raise BadChange(_("%(word)s的科室还没写，一行一个。") % {"word": word})
        if twice:
            raise BadChange(_("%(word)s里写了两次：%(names)s。") % {"word": word, "names": listed(twice)})
        if len(tidy) > MOST_SECTIONS or any(len(text) > LONGEST_SECTION for text in tidy):
            raise BadChange(_("一次最多 500 个科室，名称最多 80 个字。"))
        lists[word] = tidy
    olds, news = lists.values()
    change = OrganisationChange.objects.create(
        region=region,
        department=department,
        name=name[:120],
        on=on,
        document_no=document_no.strip()[:80],
        before=olds,
        after=news,
    )
    data = {"name": change.name, "on": on.isoformat(), "before": len(olds), "after": len(news)}
    ledger.record(f"organisation:{change.pk}", "people.organisation_changed", region=region.pk, by=by, at=at, data=data)
    return change


@transaction.atomic
def become_resident(department: Department, data: dict[str, Any], *, by: Actor, at: datetime) -> Department:
    """
    Say that the unit is in the hall, and record it with `data`. Whether it may is for the caller to have judged:
    its items are the catalogue's (catalog.actions.powers.move_in).
    """
    access.require(by, "powers.enter", region=department.region_id)
    department.is_resident = True
    department.save(update_fields=["is_resident"])
    stream, kind = f"department:{department.pk}", "people.moved_in"
    ledger.record(stream, kind, region=department.region_id, by=by, at=at, data=data)
    return department
