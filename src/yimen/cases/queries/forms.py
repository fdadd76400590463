"""What was answered and filled in, for those who may see the case."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from yimen.cases.models import Case
from yimen.cases.queries.finding import visible_to
from yimen.catalog.queries import scenario
from yimen.catalog.rules import forms as form_rules
from yimen.catalog.rules import scenario as scenario_rules
from yimen.lib import crypto
from yimen.people.models import Applicant, Staff

# The column what was filled in is sealed for.
FORMS = "case.forms"


@dataclass(frozen=True)
class FormSheet:
    """A form as it was filled in: each field with what is read; personal values are masked."""

    title: str
    rows: list[tuple[form_rules.Field, str]]


def filled_forms(case: Case) -> dict[str, dict[str, Any]]:
    """Return what was filled in, by form key; values that stand with the applicant are not in it."""
    if case.forms_sealed is None:
        return {}
    found: dict[str, dict[str, Any]] = json.loads(crypto.open_sealed(bytes(case.forms_sealed), FORMS))
    return found


def form_sheets(case: Case) -> list[FormSheet]:
    """Return the forms of a case for those who may see it, personal values masked; [] when they came on paper."""
    filled = filled_forms(case)
    if not filled:
        return []
    applicant = case.applicant
    of_applicant = {
        "applicant.name": applicant.masked_name,
        "applicant.kind": applicant.get_kind_display(),
        "applicant.id_number": applicant.masked_id,
        "applicant.phone": applicant.masked_phone,
    }
    forms = [form for form in scenario.forms_of(case.version) if form.key in filled]
    referred = form_rules.referred(forms)
    return [
        FormSheet(
            form.title,
            [
                (field, of_applicant.get(referred[form.key].get(field.name, ""), shown))
                for field, shown in form_rules.rows_of(form.schema, filled[form.key])
            ],
        )
        for form in forms
    ]


def prefill_sources(staff: Staff, applicant: Applicant) -> dict[str, Any]:
    """
    Return what may be offered to a form of `applicant`, by field name: what he filled in in his latest case that
    `staff` may see. His own name, numbers and telephone are taken by reference (rules.forms.by_reference).
    """
    latest = visible_to(staff).filter(applicant=applicant, forms_sealed__isnull=False).order_by("-received_at").first()
    found: dict[str, Any] = {}
    for values in filled_forms(latest).values() if latest else ():
        found |= values
    return found


def answers_in_words(case: Case) -> list[tuple[str, str]]:
    """Return the questions a case was asked, each with its answer in words; [] for an item without questions."""
    if not case.chosen:
        return []
    walk = scenario_rules.walk(scenario.questions_of(case.version), case.chosen)
    return [(one.text, scenario_rules.words_of(walk, one)) for one in walk.asked]
