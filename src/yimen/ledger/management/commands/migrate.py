"""Django's migrate with our executor (yimen.lib.schema)."""

from typing import Any

from django.core.management.commands import migrate

from yimen.lib.schema import Executor


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        migrate.MigrationExecutor = Executor  # type: ignore[attr-defined]
        super().handle(*args, **options)
