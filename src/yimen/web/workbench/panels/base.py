"""What a card of a case's page is given, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.http import QueryDict
from django.utils.timezone import localdate

from yimen.cases import queries
from yimen.cases.models import AgentService, Case, Task
from yimen.ledger.models import Event
from yimen.people import access
from yimen.people.models import Department, Staff


@dataclass(frozen=True)
class Opened:
    """
    A case on somebody's page, read whole (queries.read_whole). there: which of the relations the cards name in READS
    have any row for it. posted, act: the form that came back and the name of its address, else None, "".
    """

    case: Case
    staff: Staff
    now: datetime
    there: frozenset[str] = frozenset()
    posted: QueryDict | None = None
    act: str = ""

    @cached_property
    def tasks(self) -> list[Task]:
        return list(self.case.tasks.all())

    @cached_property
    def events(self) -> list[Event]:
        return queries.events_of(self.case)

    @cached_property
    def agents(self) -> list[AgentService]:
        """Who acts and acted for the applicant, the present one first."""
        return queries.agents_of(self.case) if self.has("agents") else []

    def has(self, name: str) -> bool:
        """Tell whether the case has any row of that relation: what it has not, no card reads."""
        return name in self.there

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
