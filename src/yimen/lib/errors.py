"""Refusals a person can understand: the text of a DomainError is written for whoever reads it."""

from collections.abc import Callable


class DomainError(Exception):
    """Something the rules do not allow; str(error) says what happened and what to do next."""

    def __str__(self) -> str:
        return "".join(str(part) for part in self.args)


class TracedError(DomainError):
    """
    A refusal that must not go unnoticed: `trace` writes a ledger row about it, although the act itself is undone.

    Whoever undoes the act calls leave_trace() afterwards, outside what was undone.
    """

    def __init__(self, text: str, trace: Callable[[], object]) -> None:
        super().__init__(text)
        self._trace = trace

    def leave_trace(self) -> None:
        self._trace()
