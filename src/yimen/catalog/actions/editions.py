"""What every write into an edition shares: its mark, who wrote into it, and its history."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.utils.translation import gettext as _

from yimen.catalog.actions.drafts import FAQ, FEE, FIELDS, MATERIAL, step_data
from yimen.catalog.models import DraftReview, ItemVersion, ServiceItem
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.ledger.models import Event
from yimen.lib.errors import DomainError
from yimen.people.models import Staff

OPEN = (ItemVersion.State.DRAFT, ItemVersion.State.APPROVED)
# Whoever wrote one of these has had a hand in data["version"].
EDITS = (
    *("catalog.item_created", "catalog.draft_saved", "catalog.scenario_saved", "catalog.forms_saved"),
    "catalog.points_saved",
)


class ChangedMeanwhile(DomainError):
    """Somebody else changed the edition after it was looked at."""


def mark_of(version: ItemVersion) -> str:
    """Return a mark that changes with anything the edition says, its lists, forms and questions included."""
    said = {
        "edition": [str(version.pk), version.state],
        "fields": {name: getattr(version, name) for name in FIELDS},
        "extended": version.extended,
        "materials": [[getattr(row, name) for name in MATERIAL] for row in version.materials.all()],
        "steps": [step_data(row) for row in version.steps.all()],
        "fees": [[getattr(row, name) for name in FEE] for row in version.fees.all()],
        "faqs": [[getattr(row, name) for name in FAQ] for row in version.faqs.all()],
        "check_points": [
            [row.text, row.standard, row.is_mandatory, row.needs_photo] for row in version.check_points.all()
        ],
        "forms": [[row.key, row.title, row.schema, row.sample, row.when] for row in version.forms.all()],
        "questions": [
            [
                *(row.key, row.text, row.help, row.is_multiple, row.when),
                [
                    [option.key, option.label, option.note, option.promised_limit, option.dead_end]
                    for option in row.options.all()
                ],
            ]
            for row in version.questions.prefetch_related("options")
        ],
    }
    return sha256(json.dumps(said, default=str, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def expect_seen(version: ItemVersion | None, seen: str) -> None:
    if version is None or mark_of(version) != seen:
        raise ChangedMeanwhile(_("您打开以后，别人改过这一版。请先看看现在的内容，再决定。"))


def editors_of(version: ItemVersion) -> set[str]:
    """Return the ledger_ref of everyone who wrote into this edition."""
    rows = Event.objects.filter(
        region=version.item.region_id, stream=f"item:{version.item_id}", kind__in=EDITS, data__version=version.number
    )
    return set(rows.values_list("actor", flat=True))


@dataclass(frozen=True)
class Opinion:
    """
    Where one unit stands: its latest opinion, if any. is_void: the draft changed after it was given, so the unit is
    asked again.
    """

    review: DraftReview
    is_void: bool

    @property
    def is_given(self) -> bool:
        return self.review.given_at is not None and not self.is_void

    @property
    def is_agreed(self) -> bool:
        return self.is_given and self.review.verdict == DraftReview.Verdict.AGREE


def opinions_of(version: ItemVersion) -> list[Opinion]:
    """Return where each unit that was asked stands now, in the order they were first asked."""
    latest: dict[object, DraftReview] = {}
    for review in version.reviews.select_related("department", "given_by").order_by("asked_at", "pk"):
        latest[review.department_id] = review
    if not latest:
        return []
    mark = mark_of(version)
    is_open = version.state == ItemVersion.State.DRAFT
    return [
        Opinion(review, is_void=is_open and review.given_at is not None and review.mark != mark)
        for review in latest.values()
    ]


def _ask_again(version: ItemVersion, by: Actor, at: datetime) -> None:
    void = [opinion.review.department for opinion in opinions_of(version) if opinion.is_void]
    reviews = [
        DraftReview(version=version, department=unit, asked_by=by if isinstance(by, Staff) else None, asked_at=at)
        for unit in void
    ]
    DraftReview.objects.bulk_create(reviews)


def record_item(item: ServiceItem, kind: str, by: Actor, at: datetime, data: dict[str, Any]) -> None:
    """
    Write a row of the item's history.

    Kinds of EDITS count whoever acts as an editor of data["version"], and units whose opinion is void now are asked
    again.
    """
    ledger.record(f"item:{item.pk}", kind, region=item.region_id, by=by, at=at, data=data)
    if kind in EDITS:
        _ask_again(item.versions.get(number=data["version"]), by, at)
