"""
异地代收代办 (HALL-17): papers taken in at another region's hall for an item of ours, which is decided here.

Who clocks what: the hall that takes the papers in checks that they are on the list and gives the receipt; nothing runs
there. The deciding organ answers within five working days of that day (LAW-4, LAW-5), accepts, and all clocks are its
own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.cases.actions.receiving import Handed, NotOffered, receive
from yimen.cases.models import Case
from yimen.catalog.models import ItemVersion
from yimen.ledger.actions import SYSTEM
from yimen.people import access
from yimen.people import actions as people
from yimen.people.models import ServiceCenter, Staff

# Words of the dictionary "universal_scope" under which other halls may take papers in.
SCOPES = frozenset({"全国", "跨省", "全省", "跨市", "跨县"})


@transaction.atomic
def receive_elsewhere(
    version: ItemVersion,
    said: Mapping[str, Any],
    *,
    materials: Mapping[UUID, Handed],
    chosen: Iterable[str] = (),
    by: Staff,
    at: datetime,
) -> Case:
    """
    Take papers in for another region's item; the case is that region's, and remembers where it was taken in.

    said: who applies, as people.register_applicant() asks; chosen: the answers to the item's questions, which say what
    is asked for and by when, as they do where it is decided. Raises NotOffered for an item of one's own region or one
    that is not handled universally; access.NotAllowed; and what receive() raises.
    """
    access.require(by, "cases.receive", region=by.region_id)
    item = version.item
    if item.region_id == by.region_id:
        raise NotOffered(_("这是本地的事项，请在窗口照常收件。"))
    if version.universal_scope not in SCOPES:
        raise NotOffered(_("这个事项没有列入通办，外地不能代收。请申请人联系办理的单位。"))
    center = ServiceCenter.objects.filter(region=item.region_id, parent=None).order_by("pk").first()
    if center is None:
        raise NotOffered(_("办理地还没有设政务服务中心，暂时不能代收。"))
    # Registered with the region that decides; who took the papers in stands in the case's own rows.
    applicant = people.register_applicant(region=item.region_id, by=SYSTEM, at=at, **said)
    return receive(
        version,
        applicant,
        center=center,
        materials=materials,
        chosen=chosen,
        by=by,
        at=at,
        channel=Case.Channel.WINDOW,
        taken_in=True,
    )
