"""The line each check prints."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Result:
    """
    held: acts acknowledged under load; survived: faults; bad: bad inputs tried; lost: acknowledged − found.

    notes: other figures; problems: every promise that did not hold, so an empty list is a pass.
    """

    id: str
    held: int = 0
    survived: int = 0
    bad: int = 0
    lost: int = 0
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def is_held(self) -> bool:
        return not self.problems and self.lost == 0

    def __str__(self) -> str:
        line = (
            f"{self.id} load held {self.held:,} / faults survived {self.survived:,}"
            f" / bad inputs tried {self.bad:,} / lost {self.lost:,}"
        )
        if self.notes:
            line += f" ({'; '.join(self.notes)})"
        return "\n".join([line, *(f"    BROKEN: {problem}" for problem in self.problems)])
