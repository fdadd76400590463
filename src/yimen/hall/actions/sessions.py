"""Rows of who sat at a window from when to when; part of signing in, of standing in and of signing out."""

from __future__ import annotations

from datetime import datetime

from django.db.models.functions import Greatest

from yimen.hall.models import Window, WindowSession
from yimen.people.models import Staff


def begin(window: Window, staff: Staff, at: datetime) -> None:
    """Whoever sat there before no longer does. The window is locked."""
    end(window, at)
    WindowSession.objects.create(region_id=window.region_id, window=window, staff=staff, from_at=at)


def end(window: Window, at: datetime) -> None:
    WindowSession.objects.filter(region_id=window.region_id, window=window, until_at=None).update(
        until_at=Greatest("from_at", at)
    )
