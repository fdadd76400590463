"""Where the database is, for a connection outside Django's."""

from __future__ import annotations

from typing import Any

from django.db import connections


def address() -> dict[str, Any]:
    """Return what psycopg.connect() needs to reach the database Django speaks to now."""
    known = connections["default"].settings_dict
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    return {name: known[key] for name, key in names.items() if known[key]}
