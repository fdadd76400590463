"""Writes to the checkpoints of a draft (现场核查要点, S2-33)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.catalog.actions.drafts import BadDraft
from yimen.catalog.actions.editions import record_item
from yimen.catalog.actions.items import begin, draft_of
from yimen.catalog.models import CheckPoint, ItemVersion, ServiceItem
from yimen.ledger.actions import Actor

MOST_POINTS = 60


@dataclass(frozen=True)
class PointDraft:
    """One checkpoint as it is typed."""

    text: str
    standard: str = ""
    is_mandatory: bool = True
    needs_photo: bool = False


COLUMNS = tuple(field.name for field in fields(PointDraft))


@transaction.atomic
def save_check_points(
    item: ServiceItem, points: Sequence[PointDraft], *, by: Actor, at: datetime, seen: str | None = None
) -> ItemVersion:
    """
    Replace the checkpoints of the item's draft and return it; without a draft one begins as save_draft() begins it.

    seen: as in save_draft(). Nothing changed: nothing is recorded. Raises BadDraft with everything wrong,
    ChangedMeanwhile, WaitsForItsDay, access.NotAllowed.
    """
    item, version = draft_of(item, by=by, seen=seen)
    wanted = [asdict(one) | {"text": one.text.strip(), "standard": one.standard.strip()} for one in points]
    _check(points)
    begin(version)
    if wanted == list(version.check_points.values(*COLUMNS)):
        return version
    version.check_points.all().delete()
    CheckPoint.objects.bulk_create(
        CheckPoint(version=version, position=number, **row) for number, row in enumerate(wanted, 1)
    )
    data = {"version": version.number, "changed": {"check_points": wanted}}
    record_item(item, "catalog.points_saved", by, at, data)
    return version


def _check(points: Sequence[PointDraft]) -> None:
    faults = []
    if len(points) > MOST_POINTS:
        faults.append(_("最多 %(most)d 个核查要点。") % {"most": MOST_POINTS})
    texts = [one.text.strip() for one in points]
    if not all(texts):
        faults.append(_("有一个核查要点还没写字。"))
    if repeated := {text for text in texts if text and texts.count(text) > 1}:
        faults.append(_("“%(text)s”写了两遍。") % {"text": min(repeated)[:40]})
    for one in points:
        if "\x00" in one.text + one.standard:
            faults.append(_("有一个看不见的坏字符，请重新输入。"))
        if len(one.text.strip()) > 200 or len(one.standard.strip()) > 300:
            faults.append(_("“%(text)s”太长：要点最多 200 个字，标准最多 300 个字。") % {"text": one.text.strip()[:20]})
    if faults:
        raise BadDraft(faults)
