"""Papers the administration can look up itself (LAW-22)."""

from __future__ import annotations

from datetime import date

from django.db.models import Q, QuerySet

from yimen.catalog.models import SharedDocument
from yimen.catalog.rules.publishing import Sharing
from yimen.people.models import Region


def shared_documents(region: Region | str) -> QuerySet[SharedDocument]:
    """Return all the region has written down, also those that are over."""
    code = region if isinstance(region, str) else region.pk
    return SharedDocument.objects.filter(region_id=code).order_by("names", "pk")


def sharing_on(region: Region | str, on: date) -> list[Sharing]:
    """Return what can be looked up on the day `on`; `ended_on` is the last day. One query."""
    rows = shared_documents(region).filter(Q(ended_on=None) | Q(ended_on__gte=on), available_on__lte=on)
    return [Sharing(tuple(row.names), row.holder) for row in rows]
