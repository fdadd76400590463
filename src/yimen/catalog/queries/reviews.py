"""Drafts that wait for a unit's opinion (S1-16)."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from yimen.catalog.models import DraftReview, ItemVersion


def waiting_for(department: UUID) -> QuerySet[DraftReview]:
    """Return what a unit has been asked and not answered, the oldest first; only drafts that still are drafts."""
    rows = DraftReview.objects.filter(department_id=department, given_at=None, version__state=ItemVersion.State.DRAFT)
    return rows.select_related("version__item__department", "asked_by").order_by("asked_at", "pk")


def given_by(department: UUID) -> QuerySet[DraftReview]:
    """Return what a unit has said, the latest first."""
    rows = DraftReview.objects.filter(department_id=department, given_at__isnull=False)
    return rows.select_related("version__item__department", "given_by").order_by("-given_at", "pk")
