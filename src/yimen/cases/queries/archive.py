"""Archives as lists: by the end of their retention, waiting for a deletion, deleted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from yimen.cases.models import ArchivePackage, RetentionRule
from yimen.people.models import Staff

SOON = timedelta(days=180)


class State(TextChoices):
    """Which archives a list shows."""

    KEPT = "kept", _("在库")
    SOON = "soon", _("半年内到期")
    ENDED = "ended", _("保管期满")
    ASKED = "asked", _("等批准销毁")
    HANDED_OVER = "handed_over", _("已移交")
    DELETED = "deleted", _("已销毁")


def archives(staff: Staff, *, state: str, text: str, on: date) -> QuerySet[ArchivePackage]:
    """
    Return the archives of the reader's region in this state, those whose retention ends first before the others.

    text: part of the archive's or the whole of the case's number. Those kept for ever come last.
    """
    rows = ArchivePackage.objects.filter(region_id=staff.region_id).select_related(
        "case__version", "case__department", "deletion_asked_by", "deleted_by"
    )
    rows = rows.filter(_STATES.get(state, _STATES[State.KEPT])(on))
    if text:
        rows = rows.filter(Q(number__icontains=text) | Q(case__query_no=text.upper()) | Q(case__case_no=text))
    if state == State.DELETED:
        return rows.order_by("-deleted_at", "pk")
    return rows.order_by("keep_until", "made_at", "pk")


_STATES: dict[str, Callable[[date], Q]] = {
    State.KEPT: lambda on: Q(deleted_at=None),
    State.SOON: lambda on: Q(deleted_at=None, keep_until__gte=on, keep_until__lte=on + SOON),
    State.ENDED: lambda on: Q(deleted_at=None, keep_until__lt=on),
    State.ASKED: lambda on: Q(deleted_at=None, deletion_asked_at__isnull=False),
    State.HANDED_OVER: lambda on: Q(deleted_at=None, handed_over_at__isnull=False),
    State.DELETED: lambda on: Q(deleted_at__isnull=False),
}


def get_archive(staff: Staff, pk: UUID) -> ArchivePackage | None:
    """Return an archive of the reader's region; None alike when there is none."""
    rows = ArchivePackage.objects.filter(region_id=staff.region_id, pk=pk)
    return rows.select_related("case__version", "case__department", "deletion_asked_by", "deleted_by").first()


def retention_rules(region: str) -> list[RetentionRule]:
    """Return the rules of a region, those for every item first, the newest first."""
    rows = RetentionRule.objects.filter(region_id=region).select_related("item")
    return sorted(rows, key=lambda one: (one.item.name if one.item else "", -one.effective_on.toordinal()))
