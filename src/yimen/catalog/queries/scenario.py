"""An edition's questions and forms as plain values, and what one way of answering comes to."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from yimen.catalog.models import FlowStep, ItemForm, ItemVersion, ScenarioQuestion
from yimen.catalog.queries.items import promise_of
from yimen.catalog.rules import forms as form_rules
from yimen.catalog.rules import scenario as rules
from yimen.catalog.rules.flows import Step
from yimen.catalog.rules.limits import working_days_in
from yimen.catalog.rules.stale import stale_days
from yimen.lib.workdays import Limit, Unit
from yimen.people.models import Region


def questions_of(version: ItemVersion) -> tuple[rules.Question, ...]:
    """Return the questions of an edition with their options, in order; two queries, none where they are read."""
    if "questions" in getattr(version, "_prefetched_objects_cache", ()):
        return tuple(plain_question(row) for row in version.questions.all())
    return tuple(plain_question(row) for row in version.questions.prefetch_related("options"))


def plain_question(row: ScenarioQuestion) -> rules.Question:
    options = tuple(
        rules.Option(option.key, option.label, option.note, option.promised_limit, option.dead_end)
        for option in row.options.all()
    )
    return rules.Question(row.key, row.text, options, row.help, row.is_multiple, tuple(row.when))


def forms_of(version: ItemVersion) -> list[form_rules.Form]:
    """Return the forms of an edition, in order; one query."""
    return [plain_form(row) for row in version.forms.all()]


def plain_form(row: ItemForm) -> form_rules.Form:
    return form_rules.Form(row.key, row.title, row.schema, row.sample, tuple(row.when))


def form_of(version: ItemVersion, key: str) -> form_rules.Form | None:
    """Return one form of an edition, None when it has none of that key."""
    row = version.forms.filter(key=key).first()
    return plain_form(row) if row else None


def _plain_step(step: FlowStep) -> Step:
    return Step(
        step.key, step.name, step.kind, step.post, step.authority, step.limit_days, tuple(step.after), tuple(step.when)
    )


def scenario_of(version: ItemVersion) -> rules.Scenario:
    """Return everything answers decide on in an edition; a constant number of queries."""
    return rules.Scenario(
        questions_of(version),
        tuple(rules.Thing(row.name, tuple(row.when)) for row in version.materials.all()),
        tuple(_plain_step(row) for row in version.steps.all()),
        tuple(rules.Thing(row.title, tuple(row.when)) for row in version.forms.all()),
        promised_days(version),
    )


def promised_days(version: ItemVersion) -> int | None:
    """Return the working days a flow of the edition may take; None when it promises nothing."""
    if version.promised is not None:
        return working_days_in(version.promised)
    return 0 if version.is_immediate else None


def stale_words(version: ItemVersion) -> list[str]:
    """Return a sentence for each of the edition's texts on leaflets that names days none of its limits says."""
    options = [option.promised_limit for one in questions_of(version) for option in one.options]
    limits = [limit.number for limit in (version.promised, version.statutory) if limit and limit.unit == Unit.WORKDAY]
    known = {*limits, *(step.limit_days for step in version.steps.all()), *filter(None, options)}
    texts = {_("大白话说明"): version.plain_text, _("承诺办结时限说明"): version.promised_note}
    return stale_days(texts, known, promised_days(version))


def scenario_faults(version: ItemVersion) -> list[str]:
    """Return what in the questions keeps the edition from being published, a sentence each."""
    found = rules.findings(scenario_of(version), statutory=version.statutory)
    return [finding.text for finding in found if finding.keeps_back]


def scenario_data(version: ItemVersion) -> dict[str, Any]:
    """Return questions, forms and what hangs on answers as plain JSON: for marks, comparisons and exports."""
    return {
        "questions": [
            {
                "key": question.key,
                "text": question.text,
                "help": question.help,
                "is_multiple": question.is_multiple,
                "when": list(question.when),
                "options": [
                    {
                        "key": option.key,
                        "label": option.label,
                        "note": option.note,
                        "promised_limit": option.promised_limit,
                        "dead_end": option.dead_end,
                    }
                    for option in question.options
                ],
            }
            for question in questions_of(version)
        ],
        "forms": [
            {
                "key": form.key,
                "title": form.title,
                "schema": form.schema,
                "sample": form.sample,
                "when": list(form.when),
            }
            for form in forms_of(version)
        ],
        "materials": {row.name: list(row.when) for row in version.materials.all() if row.when},
        "steps": {row.key: list(row.when) for row in version.steps.all() if row.when},
    }


def promise_for(
    version: ItemVersion,
    chosen: Collection[str],
    on: date,
    *,
    region: Region | str,
    questions: Iterable[rules.Question] | None = None,
) -> Limit:
    """
    Return what is promised to a case of `version` with these answers, accepted on the day `on`.

    A limit of a chosen option counts before the item's, as rules.promise_for() says; else promise_of(). questions:
    the edition's, where the caller has them already.
    """
    if chosen:
        asked = questions_of(version) if questions is None else questions
        steps = [_plain_step(row) for row in version.steps.all()]
        flow = rules.takes(rules.steps_for(steps, chosen))
        days = rules.promise_for(asked, chosen, flow_takes=flow, promised=None)
        if days is not None:
            return Limit(days)
    return promise_of(version, on, region=region)


def applying_steps(steps: Iterable[FlowStep], chosen: Collection[str]) -> list[FlowStep]:
    """Return the steps that apply, unsaved copies where what they wait for differs from what is stored."""
    rows = list(steps)
    flow = rules.flow_for(rows, chosen)
    kept = [row for row in rows if row.key in flow]
    for row in kept:
        row.after = list(flow[row.key])
    return kept


def answers_of_code(version: ItemVersion, code: str) -> tuple[str, ...]:
    """
    Return the answers a short code of this item stands for, as far as they still fit `version`.

    Codes of earlier editions are read with the questions of their own edition.
    """
    number = rules.code_number(code)
    if number is None:
        return ()
    own = version if number == version.number else version.item.versions.filter(number=number).first()
    if own is None:
        return ()
    answers = rules.read_code(questions_of(own), code)
    return answers if own.pk == version.pk else rules.walk(questions_of(version), answers).chosen
