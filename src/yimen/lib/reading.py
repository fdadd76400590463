"""
Questions put into SQL once: what does not change between two acts is not built again for each.

A question is written as Django querysets with Given("name") where a value will stand. Its SQL is made the first time it
is asked and prepared by the database; together() asks several as one statement.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models.expressions import Value
from django.db.models.query import get_related_populators

Make = Callable[[], models.QuerySet[Any]]


class Given(Value):
    """The place of a value that is known when the question is asked."""

    def __init__(self, name: str, output_field: models.Field[Any, Any] | None = None) -> None:
        super().__init__(None, output_field=output_field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]

    def resolve_expression(self, *args: Any, **kwargs: Any) -> Given:
        return self


class Shape:
    """The SQL of a queryset and how its rows become objects."""

    def __init__(self, make: Make) -> None:
        compiler = make().query.get_compiler(DEFAULT_DB_ALIAS)
        self.sql, self.params = compiler.as_sql()
        compiler.setup_query()
        self.select, self.info, self.annotations = compiler.select, compiler.klass_info, compiler.annotation_col_map
        self.fields = [getattr(each[0], "output_field", None) for each in self.select]
        assert self.info is not None
        places = self.info["select_fields"]
        self.first, self.last = places[0], places[-1] + 1
        self.names = [self.select[place][0].target.attname for place in range(self.first, self.last)]
        populators: Any = get_related_populators  # the stubs are of a later Django
        self.related = populators(self.info, self.select, DEFAULT_DB_ALIAS)
        converters = compiler.get_converters([each[0] for each in self.select])
        self.converters = [(place, convert, expression) for place, (convert, expression) in converters.items()]

    def given(self, values: Mapping[str, Any]) -> list[Any]:
        return [values[each.name] if isinstance(each, Given) else each for each in self.params]

    def objects(self, rows: Sequence[Sequence[Any]]) -> list[Any]:
        """Objects of rows as Python values, related ones filled in."""
        assert self.info is not None
        model, found = self.info["model"], []
        for row in rows:
            one = model.from_db(DEFAULT_DB_ALIAS, self.names, row[self.first : self.last])
            for populator in self.related:
                populator.populate(row, one)
            for name, place in self.annotations.items():
                setattr(one, name, row[place])
            found.append(one)
        return found

    def converted(self, row: Sequence[Any]) -> list[Any]:
        """A row as the driver gives it, as Python values."""
        values = list(row)
        for place, converters, expression in self.converters:
            for convert in converters:
                values[place] = convert(values[place], expression, connection)
        return values


class Question:
    """One queryset, asked again and again with other values."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._shape: Shape | None = None

    def ask(self, **given: Any) -> list[Any]:
        shape = self._shape = self._shape or Shape(self._make)
        with connection.cursor() as cursor:
            cursor.execute(shape.sql, shape.given(given))
            return shape.objects([shape.converted(row) for row in cursor.fetchall()])


class Together:
    """Several querysets asked in one statement; their rows travel as JSON."""

    def __init__(self, **parts: Make) -> None:
        self._parts = parts
        self._shapes: dict[str, Shape] = {}
        self._sql = ""

    def ask(self, **given: Any) -> dict[str, list[Any]]:
        if not self._sql:
            self._build()
        params = [value for shape in self._shapes.values() for value in shape.given(given)]
        with connection.cursor() as cursor:
            cursor.execute(self._sql, params)
            answers = cursor.fetchone()
        return {
            name: shape.objects([_read(shape, row) for row in _parsed(answer)]) if answer else []
            for (name, shape), answer in zip(self._shapes.items(), answers, strict=True)
        }

    def _build(self) -> None:
        shapes = {name: Shape(make) for name, make in self._parts.items()}
        asked = []
        for n, shape in enumerate(shapes.values()):
            columns = [f"c{place}" for place in range(len(shape.select))]
            row = ", ".join(f"q{n}.{column}" for column in columns)
            named = f"({shape.sql}) AS q{n}({', '.join(columns)})"
            asked.append(f"(SELECT json_agg(json_build_array({row})) FROM {named})")  # noqa: S608 - Django's own SQL
        self._shapes, self._sql = shapes, f"SELECT {', '.join(asked)}"


def fill(parent: models.Model, name: str, rows: list[Any]) -> None:
    """Let parent.<name>.all() be these rows."""
    found: Any = getattr(parent, name).get_queryset()
    found._result_cache = rows
    found._prefetch_done = True
    if not hasattr(parent, "_prefetched_objects_cache"):
        parent._prefetched_objects_cache = {}  # type: ignore[attr-defined]
    parent._prefetched_objects_cache[name] = found  # type: ignore[attr-defined]
    field = type(parent)._meta.get_field(name).field  # type: ignore[union-attr]
    for row in rows:
        field.set_cached_value(row, parent)


def _parsed(answer: Any) -> list[list[Any]]:
    return json.loads(answer, parse_float=Decimal) if isinstance(answer, str | bytes) else answer


def _read(shape: Shape, row: list[Any]) -> list[Any]:
    return [_value(field, value) for field, value in zip(shape.fields, row, strict=True)]


def _value(field: Any, value: Any) -> Any:
    """A value of `field` as JSON carries it, as Python has it."""
    if value is None or field is None:
        return value
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    if isinstance(field, models.UUIDField):
        return UUID(value)
    if isinstance(field, models.DateTimeField):
        return datetime.fromisoformat(value)
    if isinstance(field, models.DateField):
        return date.fromisoformat(value)
    if isinstance(field, models.BinaryField):
        return bytes.fromhex(value.removeprefix("\\x"))
    if isinstance(field, models.DecimalField):
        return Decimal(str(value))
    if hasattr(field, "base_field"):
        return [_value(field.base_field, one) for one in value]
    return value
