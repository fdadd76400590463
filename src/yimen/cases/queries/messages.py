"""What applicant and handler wrote to each other, opened for those who may see the case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from yimen.cases.models import Case, CaseMessage, Upload
from yimen.lib import crypto

# The columns they are sealed for.
TEXT, NAME = "message.text", "upload.name"
SHOWN = 100


@dataclass(frozen=True)
class File:
    pk: UUID
    name: str
    kind: str
    size: int


@dataclass(frozen=True)
class Written:
    """One message. is_staff: the handler wrote it, whose post is `post`; is_unread: the other side has not read it."""

    at: datetime
    text: str
    is_staff: bool
    post: str
    is_unread: bool
    files: Sequence[File]


def messages_of(case: Case) -> list[Written]:
    """Return what was written about a case, the oldest first; the last SHOWN of it. At most two statements."""
    rows = (
        CaseMessage.objects.filter(region_id=case.region_id, case=case)
        .select_related("by_staff__post", "by_staff__department")
        .prefetch_related("uploads")
        .order_by("-at")[:SHOWN]
    )
    return [_written(row) for row in reversed(rows)]


def _written(row: CaseMessage) -> Written:
    staff = row.by_staff
    post = ""
    if staff is not None:
        post = f"{staff.department.name} · {staff.post.name}" if staff.post else staff.department.name
    return Written(
        row.at,
        crypto.open_sealed(row.text_sealed, TEXT),
        staff is not None,
        post,
        row.read_at is None,
        [file_of(one) for one in row.uploads.all()],
    )


def file_of(upload: Upload) -> File:
    return File(upload.pk, crypto.open_sealed(upload.name_sealed, NAME), upload.kind, upload.size)
