"""What the pages of the catalogue share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import Http404

from yimen.catalog import queries
from yimen.catalog.models import (
    ServiceItem,
)
from yimen.web.workbench.guard import StaffRequest


def required(sentence: Any) -> dict[str, Any]:
    return {"error_messages": {"required": sentence}}


def clean_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Drop the one character no database takes."""
    return {key: value.replace("\x00", "") if isinstance(value, str) else value for key, value in values.items()}


def item_or_404(request: StaffRequest, pk: UUID) -> ServiceItem:
    item = queries.item_for(request.staff.region_id, pk)
    if item is None:
        raise Http404
    return item
