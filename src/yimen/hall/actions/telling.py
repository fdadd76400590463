"""Telling screens that more than a call has changed."""

from __future__ import annotations

from uuid import UUID

from django.db import connection

from yimen.hall.news import CHANNEL

# Ends the news when zones, notices, facilities or screens changed: looking for a call leaves those alone.
CHANGED = "!"


def tell_changed(hall_id: UUID) -> None:
    """The screens of the hall look at everything again once this has been committed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, f"{hall_id}{CHANGED}"])
