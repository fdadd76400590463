"""Refusals a person can understand: the text of a DomainError is written for whoever reads it."""


class DomainError(Exception):
    """Something the rules do not allow; str(error) says what happened and what to do next."""

    def __str__(self) -> str:
        return "".join(str(part) for part in self.args)
