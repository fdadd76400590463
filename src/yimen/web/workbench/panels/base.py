"""What a card of a case's page is given, and what it gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.http import QueryDict
from django.utils.timezone import localdate

from yimen.cases.models import Case, Task
from yimen.people import access
from yimen.people.models import Department, Staff


@dataclass(frozen=True)
class Opened:
    """A case on somebody's page. posted, act: the form that came back and the name of its address, else None, ""."""

    case: Case
    staff: Staff
    tasks: Sequence[Task]
    now: datetime
    posted: QueryDict | None = None
    act: str = ""

    @property
    def today(self) -> date:
        return localdate(self.now)

    def may(self, permission: str, department: Department | None = None) -> bool:
        """Tell whether the reader holds `permission` for the case's department, or the one named."""
        case = self.case
        return access.allowed(self.staff, permission, department=department or case.department, region=case.region_id)

    def typed(self, *acts: str) -> QueryDict:
        """Return what stood in the form that came back, when it was one of these acts; else nothing."""
        return self.posted if self.posted is not None and self.act in acts else QueryDict()


@dataclass(frozen=True)
class Panel:
    """
    One card. facts: the template of what there is to know, always seen; acts: the template of its forms, folded
    under "还可以做" until opened; either may be empty. Both read `p`, which is `context`. aside: beside, not below.
    """

    key: str
    title: str
    facts: str = ""
    acts: str = ""
    context: dict[str, Any] = field(default_factory=dict)
    aside: bool = False
    is_open: bool = False
