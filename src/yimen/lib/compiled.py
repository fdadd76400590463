"""Objects from the rows of our own statements, without building a queryset for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, models

M = TypeVar("M", bound=models.Model)


class Rows(Generic[M]):
    """
    How rows of one table become objects. columns(): what a statement selects; one(): the object of its answer.

    The columns are named one by one, so it does not matter in which order the table has them.
    """

    def __init__(self, model: type[M]) -> None:
        self.model = model
        self.fields: list[Any] = list(model._meta.concrete_fields)
        self.names = [field.attname for field in self.fields]
        self.width = len(self.fields)
        self._converters = [
            (place, field) for place, field in enumerate(self.fields) if hasattr(field, "from_db_value")
        ]

    def columns(self, of: str = "") -> str:
        """of: what they belong to, "ticket" or "(found.o_window)"."""
        before = f"{of}." if of else ""
        return ", ".join(f'{before}"{field.column}"' for field in self.fields)

    def one(self, values: Sequence[Any]) -> M:
        row = list(values)
        for place, field in self._converters:
            if row[place] is not None:
                row[place] = field.from_db_value(row[place], None, connection)
        return self.model.from_db(DEFAULT_DB_ALIAS, self.names, row)
