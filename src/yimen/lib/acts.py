"""
One act is one transaction, and its writes are one statement.

Inside `act`, save() and add() and tell() only note what is to be written; it is sent as one statement when the act
ends, or before anything else is asked of the database, so that nobody reads a state that was left. Outside an act they
write at once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from django.db import connection, models, transaction
from django.db.models.expressions import BaseExpression

P = ParamSpec("P")
R = TypeVar("R")

_noted: ContextVar[Noted | None] = ContextVar("noted", default=None)


def act(do: Callable[P, R]) -> Callable[P, R]:
    """
    Make `do` atomic, as transaction.atomic does, and send what it notes as one statement at its end.

    In all_or_nothing() there is no savepoint, and what is noted may be sent with what follows. Somebody who wants to go
    on there after its DomainError calls it in an atomic block of his own.
    """

    @wraps(do)
    def whole(*args: P.args, **kwargs: P.kwargs) -> R:
        noted = _noted.get()
        if noted is None or not noted.is_whole:
            with _noting() as noted:
                return do(*args, **kwargs)
        noted.depth += 1
        try:
            return do(*args, **kwargs)
        finally:
            noted.depth -= 1
            if not noted.depth:
                noted.kept.clear()

    return whole


def part(do: Callable[P, R]) -> Callable[P, R]:
    """
    Make `do` an act, or part of the act it is called in: what it notes is then sent with the rest, and its error is the
    error of the whole.
    """
    alone = act(do)

    @wraps(do)
    def either(*args: P.args, **kwargs: P.kwargs) -> R:
        return alone(*args, **kwargs) if _noted.get() is None else do(*args, **kwargs)

    return either


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """A transaction that is undone as a whole by whatever fails in it, and writes together what its acts note."""
    with _noting(is_whole=True):
        yield


@contextmanager
def _noting(*, is_whole: bool = False) -> Iterator[Noted]:
    with transaction.atomic():
        if (outer := _noted.get()) is not None:
            outer.send()
        noted = Noted(is_whole=is_whole)
        token = _noted.set(noted)
        try:
            with connection.execute_wrapper(noted.send_first):
                yield noted
                noted.send()
        finally:
            _noted.reset(token)


def is_all_or_nothing() -> bool:
    noted = _noted.get()
    return noted is not None and noted.is_whole


def save(row: models.Model, *fields: str) -> None:
    """Write these fields of a row that is there."""
    noted = _noted.get()
    values = _values(row, fields) if noted is not None else None
    if noted is None or values is None:
        row.save(update_fields=fields)
    else:
        noted.update(row, values)


def add(rows: Iterable[models.Model]) -> None:
    """Write new rows."""
    rows, noted = list(rows), _noted.get()
    for row in rows:
        values = _values(row, ()) if noted is not None else None
        if noted is None or values is None:
            row.save(force_insert=True)
        else:
            noted.insert(row, values)


def add_numbered(row: models.Model, name: str, counter: str, values: Sequence[Any], words: str) -> None:
    """
    Write a new row whose field `name` is `words` with a number in it, as in "QH受〔2026〕{}号".

    counter: a statement that counts one further and returns the number. The row has its number once it is sent.
    """
    noted = _noted.get()
    known = _values(row, ()) if noted is not None else None
    if noted is None or known is None:
        with connection.cursor() as cursor:
            cursor.execute(counter, values)
            setattr(row, name, words.format(cursor.fetchone()[0]))
        row.save(force_insert=True)
        return
    if any(part.statement == counter and part.params == list(values) for part in noted.parts):
        noted.send()  # one statement counts a counter once
    before, after = words.split("{}")
    number = f"n{len(noted.parts)}"
    noted.parts.append(Part(counter, list(values), name=number))
    ((_field, column, _type),) = _columns(type(row), (name,))
    known[column] = (f"%s || (SELECT * FROM {number})::text || '{after}'", before)  # noqa: S608 - our own words
    noted.insert(row, known)
    noted.numbers.append((number, lambda value: setattr(row, name, words.format(value))))


def send(statement: str, values: Sequence[Any]) -> None:
    """Send one INSERT, UPDATE or DELETE of our own; several in one act must not touch the same rows."""
    noted = _noted.get()
    if noted is None:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
    else:
        noted.parts.append(Part(statement, list(values)))


def tell(call: str, values: Sequence[Any]) -> None:
    """Call a database function for what it does, once everything noted is written."""
    noted = _noted.get()
    if noted is None:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {call}", values)
    else:
        noted.calls.append(Part(call, list(values)))


def ask(statement: str, values: Sequence[Any]) -> Any:
    """Send one statement of our own with everything noted, and return the first value it answers, None for no row."""
    noted = _noted.get()
    if noted is None:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return next(iter(cursor.fetchone() or ()), None)
    found: list[Any] = []
    noted.parts.append(Part(statement, list(values), name="asked"))
    noted.numbers.append(("asked", found.append))
    noted.send()
    return found[0]


def remember(key: Hashable, value: Any) -> None:
    """
    Keep something for the rest of this act, so that it is not read again; before an act, for the one that follows in
    the same all_or_nothing(). Outside both nothing is kept.
    """
    if (noted := _noted.get()) is not None:
        noted.kept[key] = value


def remembered(key: Hashable, default: Any = None) -> Any:
    noted = _noted.get()
    return default if noted is None else noted.kept.get(key, default)


def forget(key: Hashable) -> None:
    if (noted := _noted.get()) is not None:
        noted.kept.pop(key, None)


UNREAD: Any = object()


@dataclass
class Part:
    """
    One statement of the one that is sent; row and values: what an INSERT or UPDATE of a row writes. name: what others
    of the same call its answer.
    """

    statement: str
    params: list[Any] = field(default_factory=list)
    row: models.Model | None = None
    values: dict[str, tuple[str, Any]] = field(default_factory=dict)
    is_new: bool = False
    name: str = ""

    def render(self) -> tuple[str, list[Any]]:
        if self.row is None:
            return self.statement, self.params
        return _insert(self) if self.is_new else _update(self)


class Noted:
    """What an act will write, and what it has read once."""

    def __init__(self, *, is_whole: bool = False) -> None:
        self.is_whole, self.depth = is_whole, 0
        self.parts: list[Part] = []
        self.calls: list[Part] = []
        self.numbers: list[tuple[str, Callable[[Any], None]]] = []
        self.kept: dict[Hashable, Any] = {}
        self._is_sending = False

    def insert(self, row: models.Model, values: dict[str, tuple[str, Any]]) -> None:
        self.parts.append(Part("", row=row, values=values, is_new=True))
        row._state.adding, row._state.db = False, connection.alias

    def update(self, row: models.Model, values: dict[str, tuple[str, Any]]) -> None:
        for part in self.parts:
            if part.row is not None and type(part.row) is type(row) and part.row.pk == row.pk:
                part.values |= values
                return
        self.parts.append(Part("", row=row, values=values))

    def send_first(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """An execute_wrapper: whatever else is asked comes after what was noted, and what is undone is not sent."""
        if sql.startswith("ROLLBACK TO SAVEPOINT"):  # before every savepoint everything was sent
            self.parts, self.calls, self.numbers = [], [], []
        self.send()
        return execute(sql, params, many, context)

    def send(self) -> None:
        if self._is_sending or not (self.parts or self.calls):
            return
        self._is_sending = True
        try:
            parts, calls, numbers = _joined(self.parts), self.calls, self.numbers
            self.parts, self.calls, self.numbers = [], [], []
            rendered = [part.render() for part in parts]
            told = [part.render() for part in calls]
            if len(rendered) == 1 and not told and not numbers:
                statement = rendered[0][0]
            else:
                heads = ", ".join(
                    f"{part.name or f'w{n}'} AS ({sql})"
                    for n, (part, (sql, _params)) in enumerate(zip(parts, rendered, strict=True))
                )
                answers = [f"(SELECT * FROM {name})" for name, _take in numbers]  # noqa: S608 - our own names
                answers += [sql for sql, _params in told]
                statement = (f"WITH {heads} " if heads else "") + "SELECT " + (", ".join(answers) or "1")
            with connection.cursor() as cursor:
                cursor.execute(statement, [value for _sql, params in (*rendered, *told) for value in params])
                if numbers:
                    for (_name, take), value in zip(numbers, cursor.fetchone(), strict=False):
                        take(value)
        finally:
            self._is_sending = False


def _values(row: models.Model, fields: Sequence[str]) -> dict[str, tuple[str, Any]] | None:
    """Return (placeholder, value) by column; None for what only the ORM can write."""
    found = {}
    for each, column, plain in _columns(type(row), tuple(fields)):
        value = getattr(row, each.attname)
        if plain is not None and (value is None or type(value) is plain):
            found[column] = ("%s", value)
            continue
        value = each.get_db_prep_save(each.pre_save(row, not fields), connection)
        if isinstance(value, BaseExpression):
            return None
        placeholder = each.get_placeholder(value, None, connection) if hasattr(each, "get_placeholder") else "%s"
        found[column] = (placeholder, value)
    return found


# Fields whose values of this type the driver takes as they are; whole numbers must say how long they are.
_PLAIN: dict[type[Any], type[Any]] = {
    models.CharField: str,
    models.TextField: str,
    models.BooleanField: bool,
    models.UUIDField: UUID,
    models.DateField: date,
}


@lru_cache(maxsize=500)
def _columns(model: type[models.Model], names: tuple[str, ...]) -> list[tuple[Any, str, type[Any] | None]]:
    """The fields, their columns, and the type of values that need no preparing."""
    meta = model._meta
    fields: list[Any] = [meta.get_field(name) for name in names] if names else list(meta.local_concrete_fields)
    return [(each, str(each.column), _plain(each)) for each in fields]


def _plain(field: Any) -> type[Any] | None:
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return None
    if type(field) in (models.ForeignKey, models.OneToOneField):
        return UUID if type(field.target_field) is models.UUIDField else None
    return _PLAIN.get(type(field))


def _joined(parts: list[Part]) -> list[Part]:
    """New rows of one table that stand together become one INSERT."""
    found: list[Part] = []
    for part in parts:
        last = found[-1] if found else None
        if last is not None and part.is_new and last.is_new and type(part.row) is type(last.row):
            more = ", ".join(placeholder for placeholder, _value in part.values.values())
            last.params += [value for _placeholder, value in part.values.values()]
            last.statement += f", ({more})"
        else:
            found.append(part)
    return found


def _insert(part: Part) -> tuple[str, list[Any]]:
    assert part.row is not None
    columns = ", ".join(f'"{column}"' for column in part.values)
    first = ", ".join(placeholder for placeholder, _value in part.values.values())
    values = [value for _placeholder, value in part.values.values()]
    table = part.row._meta.db_table
    statement = f'INSERT INTO "{table}" ({columns}) VALUES ({first}){part.statement}'  # noqa: S608 - our own columns
    return statement, [*values, *part.params]


def _update(part: Part) -> tuple[str, list[Any]]:
    assert part.row is not None
    meta = part.row._meta
    pairs = ", ".join(f'"{column}" = {placeholder}' for column, (placeholder, _value) in part.values.items())
    values = [value for _placeholder, value in part.values.values()]
    assert meta.pk is not None
    statement = f'UPDATE "{meta.db_table}" SET {pairs} WHERE "{meta.pk.column}" = %s'  # noqa: S608 - our own columns
    return statement, [*values, part.row.pk]
