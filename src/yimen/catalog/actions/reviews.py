"""Several units look at a draft before it is published, and say what they think of it (S1-16)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.catalog.actions.common import LEAST_REASON
from yimen.catalog.actions.editions import ChangedMeanwhile, editors_of, mark_of, opinions_of, record_item
from yimen.catalog.models import DraftReview, ItemVersion, ServiceItem
from yimen.ledger.actions import SYSTEM, Actor
from yimen.lib.errors import DomainError
from yimen.people import access, reasons
from yimen.people.models import Department, Staff

MOST_TEXT = 2000


class NoReview(DomainError):
    """There is nothing to ask or to answer; the message says why."""


@transaction.atomic
def ask_review(
    version: ItemVersion, departments: Iterable[Department], *, by: Actor, at: datetime
) -> list[DraftReview]:
    """
    Ask units for their opinion on a draft; one that was asked and need not be asked again is left out.

    Raises NoReview when it is no draft or no unit is new, access.NotAllowed.
    """
    item, version = _draft(version)
    access.require(by, "catalog.edit", department=item.department, region=item.region_id)
    departments = list({unit.pk: unit for unit in departments}.values())
    if any(unit.region_id != item.region_id for unit in departments):
        raise NoReview(_("只能请本地的部门提意见。"))
    standing = {opinion.review.department_id for opinion in opinions_of(version) if not opinion.is_void}
    wanted = [unit for unit in departments if unit.pk not in standing]
    if not wanted:
        raise NoReview(_("请选还没有问过的部门。"))
    reviews = [
        DraftReview(version=version, department=unit, asked_by=by if isinstance(by, Staff) else None, asked_at=at)
        for unit in wanted
    ]
    DraftReview.objects.bulk_create(reviews)
    data = {"version": version.number, "departments": [unit.name for unit in wanted]}
    record_item(item, "catalog.review_asked", by, at, data)
    return reviews


@transaction.atomic
def give_opinion(
    review: DraftReview, verdict: str, text: str, *, by: Actor, at: datetime, seen: str | None = None
) -> DraftReview:
    """
    Record a unit's opinion, once. text is needed for "change". It is void when the draft changes afterwards, and
    then the unit is asked again.

    Raises NoReview (given already, no draft any more, no text), ChangedMeanwhile when the draft is not what `seen`
    marks, access.NotAllowed for whoever is not of that unit or has written into the draft.
    """
    review = DraftReview.objects.select_related("department", "version").get(pk=review.pk)
    item, version = _draft(review.version)
    review = DraftReview.objects.select_for_update(of=("self",)).select_related("department").get(pk=review.pk)
    access.require(by, "catalog.review", department=review.department, region=item.region_id)
    if by is not SYSTEM and (not isinstance(by, Staff) or by.department_id != review.department_id):
        raise access.NotAllowed(_("这个意见由%(unit)s的人来提。") % {"unit": review.department.name})
    if isinstance(by, Staff) and by.ledger_ref in editors_of(version):
        raise access.NotAllowed(_("这一版您自己改过，请单位里另一位来提意见。"))
    if review.given_at:
        raise NoReview(_("这份意见已经提过了。草稿改了以后会再请您看。"))
    mark, text = mark_of(version), text.strip()
    if seen is not None and seen != mark:
        raise ChangedMeanwhile(_("您打开以后，别人改过这一版。请先看看现在的内容，再决定。"))
    if verdict not in DraftReview.Verdict.values:
        raise NoReview(_("请选同意，或者要修改。"))
    if verdict == DraftReview.Verdict.CHANGE and len(text) < LEAST_REASON:
        raise NoReview(_("请写明要改哪里，至少 4 个字。"))
    if len(text) > MOST_TEXT:
        raise NoReview(_("意见最多写 %(most)d 个字。") % {"most": MOST_TEXT})
    review.verdict, review.text, review.given_at, review.mark = verdict, text, at, mark
    review.given_by = by if isinstance(by, Staff) else None
    review.save(update_fields=["verdict", "text", "given_at", "mark", "given_by"])
    data = {"version": version.number, "department": review.department.name, "verdict": verdict}
    kind = "catalog.opinion_given"
    data |= reasons.keep(f"item:{item.pk}", kind, text, region=item.region_id, by=by, at=at)
    record_item(item, kind, by, at, data)
    return review


def _draft(version: ItemVersion) -> tuple[ServiceItem, ItemVersion]:
    item = ServiceItem.objects.select_for_update(of=("self",)).select_related("department").get(pk=version.item_id)
    version = item.versions.get(pk=version.pk)
    version.item = item
    if version.state != ItemVersion.State.DRAFT:
        raise NoReview(_("第 %(number)d 版不是草稿，不用再提意见。") % {"number": version.number})
    return item, version


def outstanding(version: ItemVersion) -> list[str]:
    """Return a sentence for each unit that was asked and has not agreed to the draft as it stands."""
    sentences = []
    for opinion in opinions_of(version):
        unit = opinion.review.department.name
        if opinion.is_void:
            sentences.append(_("%(unit)s提过意见以后草稿又改了，还没有再看。") % {"unit": unit})
        elif not opinion.is_given:
            sentences.append(_("%(unit)s还没有提意见。") % {"unit": unit})
        elif not opinion.is_agreed:
            sentences.append(_("%(unit)s要修改：%(text)s") % {"unit": unit, "text": opinion.review.text})
    return sentences
