"""A flow of another tool taken into a draft, with the questions its gateways ask."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.catalog import bpmn, queries
from yimen.catalog.actions.drafts import BadDraft, StepDraft
from yimen.catalog.actions.items import save_draft
from yimen.catalog.actions.scenario import save_questions
from yimen.catalog.models import ItemVersion, ServiceItem
from yimen.catalog.queries.scenario import questions_of
from yimen.catalog.rules.scenario import Option, Question
from yimen.ledger.actions import Actor
from yimen.lib.text import listed


@transaction.atomic
def save_flow(
    item: ServiceItem,
    steps: Sequence[StepDraft],
    *,
    by: Actor,
    at: datetime,
    questions: Sequence[bpmn.Question] = (),
    seen: str | None = None,
) -> ItemVersion:
    """
    Replace the steps of the item's draft as save_draft() does, and add the questions that came with them.

    A question the draft already asks under the same key stays as it is, if it has the options needed. Raises BadDraft
    when a step or a question depends on an option nobody is asked about, and what save_draft() and save_questions()
    raise.
    """
    standing = queries.working_edition(item)
    before = questions_of(standing) if standing else ()
    known = {one.key: one for one in before}
    added = [_question(one) for one in questions if one.key not in known]
    options = {name for one in (*before, *added) for name in one.names()}
    whens = [*(step.when for step in steps), *(one.when for one in questions)]
    wanted = dict.fromkeys(name for when in whens for name in when)
    if lost := [name for name in wanted if name not in options]:
        raise BadDraft(
            _("流程里用到的情形选项还没有：%(names)s。请先在情形引导里写好，或者去掉这些条件。")
            % {"names": listed(lost)}
        )
    version = save_draft(item, {}, steps=steps, by=by, at=at, seen=seen)
    if added:
        version = save_questions(item, [*before, *added], by=by, at=at)
    return version


def _question(one: bpmn.Question) -> Question:
    options = tuple(Option(key, label) for key, label in one.options)
    return Question(one.key, one.text[:200], options, is_multiple=one.is_multiple, when=one.when)
