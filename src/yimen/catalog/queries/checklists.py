"""What one person needs of an item: the guide's sheet, cut down to his answers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

from yimen.catalog import leaflets
from yimen.catalog.leaflets import FormLine, Place, Sheet
from yimen.catalog.models import ItemVersion, ServiceItem
from yimen.catalog.queries import scenario
from yimen.catalog.queries.calendar import work_calendar
from yimen.catalog.queries.guides import sheet_of
from yimen.catalog.rules import scenario as rules
from yimen.lib.dates import limit_words


@dataclass(frozen=True)
class Said:
    """A question that was asked, and the answer in words."""

    question: rules.Question
    words: str


@dataclass(frozen=True)
class Checklist:
    """
    sheet: as the guide's, but only what applies; code: the short code that brings the answers back; walk: how far
    the answers go. Lists are whole only when walk.is_complete.
    """

    version: ItemVersion
    questions: tuple[rules.Question, ...]
    walk: rules.Walk
    sheet: Sheet
    code: str

    @property
    def said(self) -> list[Said]:
        return [Said(one, rules.words_of(self.walk, one)) for one in self.walk.asked]

    @property
    def forms(self) -> Sequence[FormLine]:
        return self.sheet.forms


def checklist(
    item: ServiceItem,
    version: ItemVersion,
    answers: Collection[str],
    *,
    center: Place,
    on: date,
    is_dated: bool = False,
) -> Checklist:
    """
    Return what `answers` come to, with the lists of `version` loaded; read on the day `on`.

    is_dated: say by which day, for somebody who is accepted that day. A constant number of queries.
    """
    questions = scenario.questions_of(version)
    walked = rules.walk(questions, answers)
    whole = sheet_of(item, center=center, on=on, version=version, is_dated=is_dated)
    promised = scenario.promise_for(version, walked.chosen, on, region=item.region_id, questions=questions)

    def needed(rows: Sequence[object]) -> list[bool]:
        return [rules.applies(getattr(row, "when", ()), walked.chosen) for row in rows]

    materials = tuple(
        replace(line, is_conditional=False)
        for line, stays in zip(whole.materials, needed(list(version.materials.all())), strict=True)
        if stays
    )
    steps = tuple(
        replace(line, is_conditional=False)
        for line, stays in zip(whole.steps, needed(list(version.steps.all())), strict=True)
        if stays
    )
    forms = tuple(line for line, stays in zip(whole.forms, needed(list(version.forms.all())), strict=True) if stays)
    four = leaflets.four_answers(
        version,
        materials,
        [line.name for line in steps],
        whole.fees,
        promised=promised,
        calendar=work_calendar() if is_dated else None,
        today=on if is_dated else None,
    )
    sheet = replace(
        whole,
        materials=materials,
        steps=steps,
        forms=forms,
        answers=tuple(four),
        promised=limit_words(promised) if promised.number else whole.promised,
    )
    return Checklist(version, questions, walked, sheet, rules.short_code(version.number, questions, walked.chosen))
