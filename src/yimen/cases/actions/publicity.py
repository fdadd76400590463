"""双公示: that what was granted has been uploaded where licences are made public (LAW-18)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.cases import queries
from yimen.cases.actions.common import locked, record
from yimen.cases.models import Notice, PublicityUpload
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Staff

MOST_AT_ONCE = 200


@transaction.atomic
def note_uploaded(notice_ids: Collection[UUID], *, by: Staff, at: datetime) -> int:
    """
    Mark the decisions with these documents as uploaded; those marked before stay as they are. Returns how many are new.

    Raises DomainError for none, too many, or one that is not made public; access.NotAllowed.
    """
    if not notice_ids or len(notice_ids) > MOST_AT_ONCE:
        raise DomainError(_("请勾选已经上传的决定，一次最多 %(n)s 件。") % {"n": MOST_AT_ONCE})
    public = queries.public_decisions(by.region_id).filter(pk__in=set(notice_ids))
    found: dict[UUID, Notice] = {notice.pk: notice for notice in public}
    if len(found) != len(set(notice_ids)):
        raise DomainError(_("有的决定不公开，或者已经撤销，请刷新页面再选。"))
    count = 0
    for notice in sorted(found.values(), key=lambda one: str(one.case_id)):
        case = locked(notice.case_id)
        access.require(by, "cases.publicize", department=case.department, region=case.region_id)
        _row, is_new = PublicityUpload.objects.get_or_create(
            notice=notice, defaults={"region_id": case.region_id, "uploaded_at": at, "uploaded_by": by}
        )
        if is_new:
            record(case, "case.decision_published", by=by, at=at, data={"notice": notice.number})
        count += is_new
    return count
