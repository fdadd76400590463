"""
What applicant and handler write to each other about a case; sealed, with files, marked as read.

A message asks nothing of the law: it is no correction notice (LAW-4), stops no clock and extends none.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases.actions.common import locked, record
from yimen.cases.models import Case, CaseMessage, Upload
from yimen.cases.queries.messages import TEXT
from yimen.lib import crypto
from yimen.lib.errors import DomainError
from yimen.lib.workdays import LOCAL_ZONE
from yimen.people import access
from yimen.people.models import Applicant, Department, Staff

MOST_TEXT = 2_000
MOST_FILES = 10
# So many messages an applicant may write about one case on one day.
MOST_A_DAY = 20


class EmptyMessage(DomainError):
    """Nothing was written, or too much."""


class TooManyMessages(DomainError):
    """The applicant has written too often about this case today."""


@transaction.atomic
def write(
    case_id: UUID, text: str, *, by: Applicant | Staff, at: datetime, uploads: Iterable[UUID] = ()
) -> CaseMessage:
    """
    Write to the other side of a case. Writing means having read what was there.

    uploads: READY files of the writer's, handed in with this case. Raises EmptyMessage, TooManyMessages,
    access.NotAllowed.
    """
    case, text = locked(case_id), text.strip()
    require(by, case)
    if len(text) > MOST_TEXT:
        raise EmptyMessage(_("一次最多写 %(n)s 个字，请分两次写。") % {"n": MOST_TEXT})
    wanted = list(dict.fromkeys(uploads))[:MOST_FILES]
    files = list(
        Upload.objects.filter(pk__in=wanted, case=case, owner=by.ledger_ref, state=Upload.State.READY, removed_at=None)
    )
    if not text and not files:
        raise EmptyMessage(_("还没有写，请写一句再发。"))
    is_staff = isinstance(by, Staff)
    if not is_staff:
        day = localdate(at)
        start = datetime(day.year, day.month, day.day, tzinfo=LOCAL_ZONE)
        if CaseMessage.objects.filter(case=case, by_staff=None, at__gte=start).count() >= MOST_A_DAY:
            raise TooManyMessages(_("今天已经写了 %(n)s 条，请明天再写，或者打电话。") % {"n": MOST_A_DAY})
    _mark_read(case, by, at)
    message = CaseMessage.objects.create(
        region_id=case.region_id,
        case=case,
        by_staff=by if isinstance(by, Staff) else None,
        text_sealed=crypto.seal(text, TEXT),
        at=at,
    )
    message.uploads.set(files)
    data = {"from": "staff" if is_staff else "applicant", "length": len(text), "files": len(files)}
    record(case, "case.message_sent", by=by, at=at, data=data | {"message": str(message.pk)})
    return message


@transaction.atomic
def read(case_id: UUID, *, by: Applicant | Staff, at: datetime) -> int:
    """Mark what the other side wrote as read; return how many messages were not. Raises access.NotAllowed."""
    case = locked(case_id)
    require(by, case)
    return _mark_read(case, by, at)


def _mark_read(case: Case, by: Applicant | Staff, at: datetime) -> int:
    unread = CaseMessage.objects.filter(case=case, read_at=None, by_staff__isnull=isinstance(by, Staff))
    return unread.update(read_at=at)


def require(by: Applicant | Staff, case: Case) -> None:
    """Raise access.NotAllowed unless `by` is the applicant, or staff of a department that deals with the case."""
    if isinstance(by, Applicant):
        if by.pk != case.applicant_id:
            raise access.NotAllowed(_("这件不是您的，您看不到。"))
        return
    if access.allowed(by, "cases.message", department=case.department, region=case.region_id):
        return
    for department in Department.objects.filter(pk__in=case.tasks.values("department")):
        if access.allowed(by, "cases.message", department=department, region=case.region_id):
            return
    access.require(by, "cases.message", department=case.department, region=case.region_id)
