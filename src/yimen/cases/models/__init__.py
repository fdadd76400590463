"""Cases, their materials, tasks, clocks and the documents given out."""

from yimen.cases.models.cases import Case, CaseMaterial, Clock, Counter, Notice, QueryTries, Task

__all__ = [
    "Case",
    "CaseMaterial",
    "Clock",
    "Counter",
    "Notice",
    "QueryTries",
    "Task",
]
