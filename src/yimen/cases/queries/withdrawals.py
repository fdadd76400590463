"""Applications taken back and made again, which may hide a limit that was missed (SUP-10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.timezone import localdate

from yimen.cases.models import Case

MOST_PAIRS = 500


@dataclass(frozen=True)
class Pair:
    """A withdrawn case and the next one of the same applicant for the same item. days: between the two, local days."""

    withdrawn: Case
    again: Case

    @property
    def days(self) -> int:
        assert self.withdrawn.withdrawn_at is not None
        return (localdate(self.again.received_at) - localdate(self.withdrawn.withdrawn_at)).days


def withdrawn_and_again(region: str, *, since: datetime, among: QuerySet[Case] | None = None) -> list[Pair]:
    """
    Return the cases withdrawn after `since` whose applicant came again with the same item, the latest first, at most
    MOST_PAIRS. among: only these withdrawn cases. A pair is no proof of anything: it is shown to whoever looks.
    """
    later = Case.objects.filter(
        region_id=region,
        applicant=OuterRef("applicant"),
        item=OuterRef("item"),
        received_at__gte=OuterRef("withdrawn_at"),
    ).order_by("received_at")
    cases = Case.objects.filter(region_id=region, status=Case.Status.WITHDRAWN, withdrawn_at__gt=since).annotate(
        again=Subquery(later.values("pk")[:1])
    )
    if among is not None:
        cases = cases.filter(pk__in=among.values("pk"))
    found = list(
        cases.exclude(again=None)
        .select_related("version", "department", "applicant")
        .order_by("-withdrawn_at")[:MOST_PAIRS]
    )
    again = Case.objects.select_related("version").in_bulk([case.again for case in found])
    return [Pair(case, again[case.again]) for case in found]
