"""Migrating quickly: what a migration only adds is added at once, and only the models it touches are rendered."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations import (
    AddConstraint,
    AddField,
    AddIndex,
    AlterField,
    CreateModel,
    DeleteModel,
    RemoveConstraint,
    RemoveField,
    RemoveIndex,
)
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.utils import resolve_relation

ADDS = (CreateModel, AddField, AddIndex, AddConstraint)
CHANGES = (AlterField, RemoveField, RemoveIndex, RemoveConstraint, DeleteModel)
Key = tuple[str, str]


class AtOnce(Operation):
    """
    Several ADDS that stand beside each other, or one of the CHANGES.

    One after the other, each renders most models of the project anew; here the models they touch, and what those refer
    to, are rendered once. A table made here is made with all that is added to it here.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = operations

    def state_forwards(self, app_label: str, state: Any) -> None:
        state.__dict__.pop("apps", None)  # the rendered models; rendered again when next asked for
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        touched = {(app_label, _model_of(operation)) for operation in self.operations}
        made = {operation.name_lower for operation in self.operations if isinstance(operation, CreateModel)}
        # Adding asks nothing of the models that point at these; changing a key does.
        alone = all(isinstance(operation, ADDS) for operation in self.operations)
        before, after = (narrow(state, touched, alone=alone) for state in (from_state, to_state))
        for operation in self.operations:
            if isinstance(operation, CreateModel) or _model_of(operation) not in made:
                operation.database_forwards(app_label, schema_editor, before, after)


def _model_of(operation: Any) -> str:
    on_model = isinstance(operation, CreateModel | DeleteModel)
    return str(operation.name_lower if on_model else operation.model_name_lower)


def narrow(state: Any, wanted: Iterable[Key], *, alone: bool = False) -> ProjectState:
    """Return a state of the `wanted` models, those that point at them (not `alone`), and all these refer to in turn."""
    wanted = set(wanted)
    pointing: set[Key] = (
        set()
        if alone
        else {key for key, model in state.models.items() if not set(_referred(key, model)).isdisjoint(wanted)}
    )
    found: dict[Key, ModelState] = {}
    todo = [*wanted, *pointing]
    while todo:
        key = todo.pop()
        if key not in found and key in state.models:
            found[key] = state.models[key]
            todo += _referred(key, found[key])
    return ProjectState(found, state.real_apps)


def _referred(key: Key, model: Any) -> Iterator[Key]:
    for field in model.fields.values():
        remote = field.remote_field
        for other in (getattr(remote, "model", None), getattr(remote, "through", None)):
            if other:
                yield resolve_relation(other, *key)
    for base in model.bases:
        if isinstance(base, str) or hasattr(base, "_meta"):
            yield resolve_relation(base, *key)


def grouped(operations: Sequence[Operation]) -> Iterator[Operation]:
    for adds, some in groupby(operations, key=lambda operation: isinstance(operation, ADDS)):
        if adds:
            yield AtOnce(list(some))
        else:
            yield from (AtOnce([one]) if isinstance(one, CHANGES) else one for one in some)


class Executor(MigrationExecutor):
    """Django's executor; many times as fast in an empty database, with the same tables in the end."""

    def _migrate_all_forwards(self, state: Any, plan: Any, full_plan: Any, fake: bool, fake_initial: bool) -> Any:
        # As Django's, without rendering all models before each migration.
        waiting = {migration for migration, _backwards in plan}
        for migration, _backwards in full_plan:
            if migration in waiting:
                state = self.apply_migration(state, migration, fake=fake, fake_initial=fake_initial)
        return state

    def apply_migration(self, state: Any, migration: Any, *args: Any, **options: Any) -> Any:
        quick = copy.copy(migration)
        quick.operations = list(grouped(migration.operations))
        return super().apply_migration(state, quick, *args, **options)
