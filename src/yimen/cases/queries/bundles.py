"""Applications for several items, and lists of people for one item: how far they are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from yimen.cases.models import Case
from yimen.cases.models.bundles import Batch, BatchPerson, BundleCase
from yimen.cases.queries.finding import unguess
from yimen.cases.rules.bundles import FAILED, GRANTED, RUNNING
from yimen.catalog.models import ItemVersion
from yimen.lib import mask
from yimen.people import access
from yimen.people.models import Staff

FORMS = "bundle.forms"


def state_of(case: Case) -> str:
    """Return what has become of a part's case, in the words of rules.bundles."""
    if case.status in {Case.Status.DECLINED, Case.Status.WITHDRAWN} or case.outcome == Case.Outcome.REFUSED:
        return FAILED
    return GRANTED if case.outcome == Case.Outcome.GRANTED else RUNNING


@dataclass(frozen=True)
class PartLine:
    """One item of an application. case: None until its turn comes; waits_for: names of what it waits for."""

    name: str
    case: Case | None
    state: str
    waits_for: Sequence[str]
    fed: Sequence[tuple[str, str]]

    @property
    def is_failed(self) -> bool:
        return self.state == FAILED


@dataclass(frozen=True)
class Progress:
    """All of an application on one page; done: parts that ended, of len(lines)."""

    bundle_case: BundleCase
    lines: Sequence[PartLine]
    stopped: str

    @property
    def done(self) -> int:
        return sum(line.state in {GRANTED, FAILED} for line in self.lines)

    @property
    def failed(self) -> list[str]:
        return [line.name for line in self.lines if line.is_failed]


def progress_of(bundle_case: BundleCase) -> Progress:
    """Return the parts in their order with what has become of each; one query."""
    cases = {str(case.item_id): case for case in bundle_case.cases.select_related("version", "department")}
    parts = bundle_case.chosen["parts"]
    names = {part["key"]: part["name"] for part in parts}
    lines = []
    for part in parts:
        case = cases.get(part["item"])
        waits = [] if case else [names[key] for key in part["after"]]
        fed = [(material, names[key]) for material, key in part["fed"].items()]
        lines.append(PartLine(part["name"], case, state_of(case) if case else "", waits, fed))
    return Progress(bundle_case, lines, bundle_case.chosen.get("stopped", ""))


def _loaded() -> QuerySet[BundleCase]:
    return BundleCase.objects.select_related("bundle", "applicant", "center")


def bundle_cases_for(staff: Staff) -> QuerySet[BundleCase]:
    """Return those `staff` may see: the region's, for whoever sees cases; what stands in each case is asked there."""
    if not access.allowed(staff, "cases.view") and not access.allowed(staff, "cases.receive"):
        return BundleCase.objects.none()
    return _loaded().filter(region_id=staff.region_id).order_by("-received_at")


def find_bundle_for_citizen(number: str, last_four: str, *, asker: str, at: datetime) -> BundleCase | None:
    """
    Return the application with this number whose applicant's phone ends so; None alike for either wrong.

    Call it after finding.find_for_citizen() found nothing: that one has counted the try; a right answer gives it back.
    """
    wanted = re.sub(r"[\s\-－—]", "", number).upper()
    if not re.fullmatch(r"[A-Z]{1,4}\d{11}", wanted) or not re.fullmatch(r"\d{4}", last_four.strip()):
        return None
    query_no = f"{wanted[:-11]}-{wanted[-11:-5]}-{wanted[-5:]}"
    found = _loaded().filter(query_no=query_no)
    one = next((each for each in found if each.applicant.phone_ends_with(last_four.strip())), None)
    if one is not None:
        unguess(asker, at)
    return one


# Batches


def edition_of(batch: Batch) -> ItemVersion:
    """Return the edition of the item a batch is received under: the newest until its first case is open."""
    item = batch.version.item
    if batch.status != Batch.Status.PLANNED or item.published is None:
        return batch.version
    item.published.item = item
    return item.published


def batches_for(staff: Staff) -> QuerySet[Batch]:
    if not access.allowed(staff, "cases.receive"):
        return Batch.objects.none()
    return (
        Batch.objects.filter(region_id=staff.region_id)
        .select_related("version", "center")
        .order_by("-on", "name", "pk")
    )


@dataclass(frozen=True)
class PersonLine:
    """One person of a batch: the number of his own case, its result and on how many days he came."""

    position: int
    who: str
    case: Case | None
    fault: str

    @property
    def visits(self) -> int:
        return len(self.case.visit_days) if self.case else 0


@dataclass(frozen=True)
class BatchReport:
    """What came of a batch. visits: days people came, the most of any person; results: how many of each."""

    lines: Sequence[PersonLine]

    @property
    def to_accept(self) -> int:
        return sum(line.case is not None and line.case.status == Case.Status.RECEIVED for line in self.lines)

    @property
    def turned_down(self) -> int:
        return sum(line.case is None and bool(line.fault) for line in self.lines)

    @property
    def received(self) -> int:
        return sum(line.case is not None for line in self.lines)

    @property
    def waiting(self) -> int:
        return sum(line.case is None and not line.fault for line in self.lines)

    @property
    def most_visits(self) -> int:
        return max((line.visits for line in self.lines), default=0)

    @property
    def visits_per_person(self) -> float:
        came = [line.visits for line in self.lines if line.case]
        return round(sum(came) / len(came), 2) if came else 0.0

    @property
    def more_than_once(self) -> list[PersonLine]:
        return [line for line in self.lines if line.visits > 1]

    @property
    def results(self) -> list[tuple[str, int]]:
        said: Counter[str] = Counter()
        for line in self.lines:
            if line.case is not None:
                said[str(line.case.get_outcome_display() or line.case.get_status_display())] += 1
        return said.most_common()


def batch_report(batch: Batch) -> BatchReport:
    """Return every person in the list's order, names masked; one query."""
    rows = BatchPerson.objects.filter(batch=batch).select_related("applicant", "case").order_by("position")
    return BatchReport(
        [
            PersonLine(row.position, mask.name(row.applicant.name) if row.applicant else "", row.case, row.fault)
            for row in rows
        ]
    )


def plan_parts(bundle_case: BundleCase) -> list[dict[str, Any]]:
    """Return the plan's parts as they were written down."""
    parts: list[dict[str, Any]] = bundle_case.chosen["parts"]
    return parts
