"""Writes to the list of papers that nobody has to bring (LAW-22)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.catalog.models import SharedDocument
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Region

MOST_NAMES = 20


class BadSharing(DomainError):
    """The row cannot be saved; the message says which part and why."""


@transaction.atomic
def set_shared_document(
    region: Region,
    *,
    names: Sequence[str],
    holder: str,
    available_on: date,
    by: Actor,
    at: datetime,
    ended_on: date | None = None,
    document: SharedDocument | None = None,
) -> SharedDocument:
    """
    Write down that a paper can be looked up, or change the row `document`. From `available_on` to `ended_on`
    inclusive no item that asks for it can be published. Raises BadSharing, access.NotAllowed.
    """
    access.require(by, "catalog.edit", region=region.pk)
    names = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    holder = holder.strip()
    if not names:
        raise BadSharing(_("请写这份材料叫什么，几种叫法都写上。"))
    if len(names) > MOST_NAMES or any(len(name) > 80 for name in names):
        raise BadSharing(_("最多 %(most)d 种叫法，每种最多 80 个字。") % {"most": MOST_NAMES})
    if not holder or len(holder) > 120:
        raise BadSharing(_("请写从哪里查，最多 120 个字。"))
    if any("\x00" in text for text in (*names, holder)):
        raise BadSharing(_("有一个看不见的坏字符，请重新输入。"))
    if ended_on and ended_on < available_on:
        raise BadSharing(
            _("最后一天 %(end)s 比第一天 %(begin)s 还早。")
            % {"end": ended_on.isoformat(), "begin": available_on.isoformat()}
        )
    row = SharedDocument(region=region)
    if document is not None:
        row = SharedDocument.objects.select_for_update().get(pk=document.pk, region=region)
    before = (row.names, row.holder, row.available_on, row.ended_on)
    row.names, row.holder, row.available_on, row.ended_on = names, holder, available_on, ended_on
    if document is not None and before == (names, holder, available_on, ended_on):
        return row
    row.save()
    data = {
        "names": names,
        "holder": holder,
        "available_on": available_on.isoformat(),
        "ended_on": ended_on.isoformat() if ended_on else None,
    }
    ledger.record(f"shared:{row.pk}", "catalog.sharing_set", region=region.pk, by=by, at=at, data=data)
    return row
