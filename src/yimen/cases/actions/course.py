"""
What an act on a locked case reads, in one statement.

Afterwards `all()` of what was read costs nothing, and what an act asks besides (the calendar, a place's own words, its
numbers) is answered from what was read, for the rest of the act.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from typing import Any, cast
from uuid import UUID

from django.db.models import Model
from django.utils.timezone import localdate

from yimen.cases.documents import wording
from yimen.cases.models import Bar, Case, CaseMaterial, FeeSlip, Hearing, Notice, Quota, Task
from yimen.cases.queries import results
from yimen.catalog.models import (
    CalendarState,
    FlowStep,
    ItemMaterial,
    ItemVersion,
    LocalRule,
    ScenarioOption,
    ScenarioQuestion,
)
from yimen.catalog.queries import calendar
from yimen.certificates.models import Certificate
from yimen.lib import acts
from yimen.lib.reading import Given, Make, Together
from yimen.people.models import Applicant, ServiceCenter

_CASE, _DAY, _REGION = Given("case"), Given("day"), Given("region")

# Each as the act that uses it would ask.
_PARTS: dict[str, Make] = {
    "tasks": lambda: Task.objects.filter(case=_CASE).select_related("department").order_by("opened_at", "round"),
    "materials": lambda: CaseMaterial.objects.filter(case=_CASE).select_related("material"),
    "steps": lambda: FlowStep.objects.filter(version=Given("version")),
    "hearing": lambda: Hearing.objects.filter(case=_CASE).select_related("call_notice"),
    "bars": lambda: results.bars_on(Given("applicant"), Given("item"), _DAY),
    "quotas": lambda: results.quota_of(cast(Any, Given("item")), cast(Any, _DAY)),
    "fees": lambda: FeeSlip.objects.filter(case=_CASE, state=FeeSlip.State.DUE),
    "certificates": lambda: Certificate.objects.filter(region_id=_REGION, case_no=Given("case_no")),
    "notices": lambda: Notice.objects.filter(case=_CASE).defer("data").order_by("issued_at"),
    "words": lambda: wording.editions(_REGION, Given("kind"), _DAY),
    "rules": lambda: LocalRule.objects.filter(
        region_id=_REGION, key__in=list(wording.LOCAL_RULES), effective_on__lte=_DAY
    ).order_by("effective_on"),
    "calendar": lambda: CalendarState.objects.filter(pk=1),
}


def read(case: Case, *names: str, at: datetime, gives: str = "") -> dict[str, list[Any]]:
    """
    Read these parts of a locked case, and return their rows by name. gives: the kind of document the act gives.

    Call it first in an act (lib.acts).
    """
    day = localdate(at)
    asked = ("calendar", *names, *(("words",) if gives else ()))
    found = _together(asked).ask(
        case=case.pk, version=case.version_id, applicant=case.applicant_id, item=case.item_id, region=case.region_id,
        day=day, case_no=case.case_no, kind=gives,
    )  # fmt: skip
    for name in ("tasks", "materials"):
        if name in found:
            _fill(case, name, found[name])
    if "steps" in found:
        _fill(case.version, "steps", found["steps"])
    if "hearing" in found:
        case._state.fields_cache["hearing"] = next(iter(found["hearing"]), None)
    acts.remember(calendar.VERSION, found["calendar"][0].version)
    if "words" in found:
        acts.remember(wording.key(case.region_id, gives, day), next(iter(found["words"]), None))
    if "rules" in found:
        values: dict[str, int] = {rule.key: rule.value for rule in found["rules"]}
        for name in wording.LOCAL_RULES:
            acts.remember(calendar.rule_key(case.region_id, name, day), values.get(name))
    if "bars" in found:
        acts.remember(bar_key(case.applicant_id, case.item_id, day), next(iter(found["bars"]), None))
    if "quotas" in found:
        acts.remember(quota_key(case.item_id, day), bool(found["quotas"]))
    return found


def read_to_receive(
    item: UUID, version: UUID, *, region: str, center: UUID, known: UUID | None, at: datetime
) -> tuple[ItemVersion | None, ServiceCenter, Applicant | None]:
    """
    Read what taking papers in needs, in one statement: the edition with its questions and materials, the centre, an
    applicant known by his id, and for the act that follows in the same all_or_nothing() what receive() asks besides.
    """
    day = localdate(at)
    found = _TO_RECEIVE.ask(
        item=item, version=version, region=region, center=center, applicant=known, day=day, kind=Notice.Kind.RECEIPT
    )
    edition: ItemVersion | None = next(iter(found["version"]), None)
    applicant: Applicant | None = next(iter(found["applicant"]), None)
    if edition is not None:
        _fill(edition, "questions", found["questions"])
        _fill(edition, "materials", found["materials"])
        for question in found["questions"]:
            _fill(question, "options", [one for one in found["options"] if one.question_id == question.pk])
    acts.remember(calendar.VERSION, found["calendar"][0].version)
    acts.remember(wording.key(region, Notice.Kind.RECEIPT, day), next(iter(found["words"]), None))
    if applicant is not None:
        acts.remember(bar_key(applicant.pk, item, day), next(iter(found["bars"]), None))
    return edition, found["center"][0], applicant


_TO_RECEIVE = Together(
    version=lambda: ItemVersion.objects.filter(
        pk=Given("version"), item=Given("item"), item__region=_REGION
    ).select_related("item__department"),
    questions=lambda: ScenarioQuestion.objects.filter(version=Given("version")),
    options=lambda: ScenarioOption.objects.filter(question__version=Given("version")),
    materials=lambda: ItemMaterial.objects.filter(version=Given("version")),
    center=lambda: ServiceCenter.objects.filter(pk=Given("center")),
    applicant=lambda: Applicant.objects.filter(pk=Given("applicant"), region_id=_REGION),
    bars=_PARTS["bars"],
    words=_PARTS["words"],
    calendar=_PARTS["calendar"],
)


def also(case: Case, name: str, rows: list[Any]) -> None:
    """Count new rows among what was read."""
    if (known := getattr(case, "_prefetched_objects_cache", {}).get(name)) is not None:
        known._result_cache.extend(rows)


def bar_key(applicant: Any, item: Any, day: date) -> tuple[Any, ...]:
    return Bar, applicant, item, day


def quota_key(item: Any, day: date) -> tuple[Any, ...]:
    return Quota, item, day


@cache
def _together(names: tuple[str, ...]) -> Together:
    return Together(**{name: _PARTS[name] for name in names})


def _fill(parent: Model, name: str, rows: list[Any]) -> None:
    """Let parent.<name>.all() be these rows."""
    found: Any = getattr(parent, name).get_queryset()
    found._result_cache = rows
    found._prefetch_done = True
    if not hasattr(parent, "_prefetched_objects_cache"):
        parent._prefetched_objects_cache = {}  # type: ignore[attr-defined]
    parent._prefetched_objects_cache[name] = found  # type: ignore[attr-defined]
    field = type(parent)._meta.get_field(name).field  # type: ignore[union-attr]
    for row in rows:
        field.set_cached_value(row, parent)
