"""What is broken on purpose, so that a check that cannot fail is found out. Only broken.py installs it."""

from typing import Any

from django.apps import AppConfig


class BrokenConfig(AppConfig):
    name = "yimen.faults"

    def ready(self) -> None:
        from yimen.hall.actions import calling
        from yimen.ledger import once

        def each_time(act: str, key: str, *, produce: Any, **_rest: Any) -> Any:
            return produce()

        once.once = each_time
        look = calling._look

        def of_nobody(*asked: Any) -> Any:
            window, _held, queues = look(*asked)
            return window, None, queues

        calling._look = of_nobody  # type: ignore[assignment]
