"""
Questions put into SQL once: what does not change between two acts is not built again for each.

A question is written as Django querysets with Given("name") where a value will stand. Its SQL is made the first time it
is asked and prepared by the database; together() asks several as one statement.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models.base import ModelState
from django.db.models.expressions import Func, Value
from django.db.models.query import get_related_populators
from django.db.models.signals import post_init, pre_init

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


def any_of(column: str, ids: Given) -> Any:
    """The condition that the id in `column` is one of a list given with the question; its length changes no SQL."""
    made = Func(models.F(column), ids, template="%(expressions)s::uuid[])", output_field=models.BooleanField())
    made.arg_joiner = " = ANY("
    return made


class Maker:
    """
    Makes objects of a model from values of these fields, as Model.from_db() does, without asking of each field again
    what it is: a case and what it hangs on are some twenty objects of twenty fields.
    """

    def __init__(self, model: type[models.Model], names: Sequence[str]) -> None:
        self.model, self.names = model, tuple(names)
        self.is_plain = (
            model.__init__ is models.Model.__init__
            and model.from_db.__func__ is models.Model.from_db.__func__  # type: ignore[attr-defined]
            and not pre_init.has_listeners(model)
            and not post_init.has_listeners(model)
        )

    def made(self, values: Sequence[Any]) -> Any:
        if not self.is_plain:
            return self.model.from_db(DEFAULT_DB_ALIAS, self.names, values)
        one = self.model.__new__(self.model)
        one._state = state = ModelState()
        state.adding, state.db = False, DEFAULT_DB_ALIAS
        one.__dict__.update(zip(self.names, values, strict=True))
        return one

    def from_db(self, _db: str, _names: Sequence[str], values: Sequence[Any]) -> Any:
        """As Django's populators call it."""
        return self.made(values)


def _quicken(populators: Iterable[Any]) -> None:
    for each in populators:
        each.model_cls = Maker(each.model_cls, each.init_list)
        _quicken(each.related_populators)


class Shape:
    """The SQL of a queryset and how its rows become objects."""

    def __init__(self, make: Make) -> None:
        compiler = make().query.get_compiler(DEFAULT_DB_ALIAS)
        self.sql, self.params = compiler.as_sql()
        compiler.setup_query()
        self.select, self.info, self.annotations = compiler.select, compiler.klass_info, compiler.annotation_col_map
        self.readers = [_reader(getattr(each[0], "output_field", None)) for each in self.select]
        assert self.info is not None
        places = self.info["select_fields"]
        self.first, self.last = places[0], places[-1] + 1
        names = [self.select[place][0].target.attname for place in range(self.first, self.last)]
        self.maker = Maker(self.info["model"], names)
        populators: Any = get_related_populators  # the stubs are of a later Django
        self.related = populators(self.info, self.select, DEFAULT_DB_ALIAS)
        _quicken(self.related)
        converters = compiler.get_converters([each[0] for each in self.select])
        self.converters = [(place, convert, expression) for place, (convert, expression) in converters.items()]

    def given(self, values: Mapping[str, Any]) -> list[Any]:
        return [values[each.name] if isinstance(each, Given) else each for each in self.params]

    def objects(self, rows: Sequence[Sequence[Any]]) -> list[Any]:
        """Objects of rows as Python values, related ones filled in."""
        found = []
        for row in rows:
            one = self.maker.made(row[self.first : self.last])
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
    return [
        value if reader is None or value is None else reader(value)
        for reader, value in zip(shape.readers, row, strict=True)
    ]


def _reader(field: Any) -> Callable[[Any], Any] | None:
    """What makes a value of `field` as JSON carries it one as Python has it; None when it is that already."""
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    if base := getattr(field, "base_field", None):
        inner = _reader(base)
        return None if inner is None else lambda values: [None if one is None else inner(one) for one in values]
    return next((read for kind, read in _READERS if isinstance(field, kind)), None)


_READERS: list[tuple[type[models.Field[Any, Any]], Callable[[Any], Any]]] = [
    (models.UUIDField, UUID),
    (models.DateTimeField, datetime.fromisoformat),  # before dates: it is one
    (models.DateField, date.fromisoformat),
    (models.BinaryField, lambda value: bytes.fromhex(value.removeprefix("\\x"))),
    (models.DecimalField, lambda value: Decimal(str(value))),
]
