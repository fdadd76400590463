"""An application as far as it was filled in; everything that is somebody's own, for nobody else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from yimen.cases.models import ApplicationDraft, Case, CaseMaterial, CaseMessage, Upload
from yimen.cases.queries import forms as case_forms
from yimen.cases.queries.materials import earlier_materials
from yimen.cases.rules import applying as rules
from yimen.catalog.models import ItemMaterial, ItemVersion
from yimen.catalog.queries import scenario
from yimen.catalog.rules import forms as form_rules
from yimen.catalog.rules import scenario as scenario_rules
from yimen.lib import crypto
from yimen.lib.dates import limit_words
from yimen.people.models import Applicant

CONTENT = "draft.forms"
PAPER, REUSE, LATER = "paper", "reuse:", "later"


@dataclass(frozen=True)
class Content:
    """
    What stands in a draft. typed: by field of the merged form, as it was typed, right or wrong; handing: by material
    id "paper" (he brings it), "later" (where that is allowed) or "reuse:<CaseMaterial>".
    """

    typed: Mapping[str, str] = field(default_factory=dict)
    handing: Mapping[str, str] = field(default_factory=dict)


def content_of(draft: ApplicationDraft) -> Content:
    if draft.forms_sealed is None:
        return Content()
    found = json.loads(crypto.open_sealed(draft.forms_sealed, CONTENT))
    return Content(found.get("typed", {}), found.get("handing", {}))


def sealed(content: Content) -> bytes:
    found = {"typed": dict(content.typed), "handing": dict(content.handing)}
    return crypto.seal(json.dumps(found, ensure_ascii=False), CONTENT)


def drafts_of(applicant: Applicant) -> QuerySet[ApplicationDraft]:
    """Return the open applications of `applicant`, the latest first."""
    return (
        ApplicationDraft.objects.filter(
            region_id=applicant.region_id, applicant=applicant, case=None, bundle_case=None, deleted_at=None
        )
        .select_related("version", "version__item", "bundle")
        .order_by("-saved_at")
    )


def draft_for(applicant: Applicant, pk: UUID) -> ApplicationDraft | None:
    """Return one draft of his own, handed in or not; None alike for none, somebody else's and a deleted one."""
    return (
        ApplicationDraft.objects.filter(region_id=applicant.region_id, applicant=applicant, pk=pk, deleted_at=None)
        .select_related("version", "version__item", "version__item__department", "version__item__published", "case")
        .select_related("bundle", "bundle_case")
        .first()
    )


def upload_for(ref: str, pk: UUID) -> Upload | None:
    """Return one file of the owner's; None alike for none and somebody else's."""
    return Upload.objects.filter(pk=pk, owner=ref, removed_at=None).first()


@dataclass(frozen=True)
class MaterialLine:
    """
    One material as the applicant meets it. how: "" (nothing yet), "uploaded", "paper", "later", "reuse" or "shared";
    earlier: what he handed in before and may use again.
    """

    material: ItemMaterial
    uploads: Sequence[Upload]
    how: str
    earlier: Sequence[CaseMaterial] = ()
    reused: CaseMaterial | None = None
    coming: Sequence[Upload] = ()
    refused: Sequence[Upload] = ()

    @property
    def may_be_later(self) -> bool:
        return self.material.necessity == ItemMaterial.Necessity.GAP_ALLOWED

    @property
    def is_missing(self) -> bool:
        """Something has to be said about it before the application can be sent."""
        return not self.how and self.material.necessity != ItemMaterial.Necessity.OPTIONAL


@dataclass(frozen=True)
class Filling:
    """A draft with everything its pages need. faults: what is wrong in the forms as they stand."""

    draft: ApplicationDraft
    content: Content
    walk: scenario_rules.Walk
    forms: Sequence[form_rules.Form]
    merged: form_rules.Merged
    lines: Sequence[MaterialLine]
    faults: Sequence[form_rules.ValueFault]
    referred: frozenset[str]

    @property
    def missing(self) -> list[MaterialLine]:
        return [line for line in self.lines if line.is_missing]

    @property
    def steps(self) -> list[str]:
        """The steps this application has."""
        has = {"questions": bool(self.walk.asked or self.walk.next), "forms": bool(self.forms)}
        return [step for step in rules.STEPS if has.get(step, True)]

    @property
    def values(self) -> dict[str, dict[str, Any]]:
        """What was filled in, by form, as receive() takes it."""
        read = form_rules.read_values(self.merged.schema, self.content.typed)
        return form_rules.split_values(read, self.forms)

    def said(self) -> list[tuple[str, str]]:
        return [(one.text, scenario_rules.words_of(self.walk, one)) for one in self.walk.asked]


def filling(draft: ApplicationDraft, *, on: date) -> Filling:
    """Return the draft with its questions, forms, materials and what is wrong; a constant number of queries."""
    version, content = draft.version, content_of(draft)
    walk = scenario_rules.walk(scenario.questions_of(version), draft.chosen)
    forms = scenario_rules.applying(scenario.forms_of(version), walk.chosen)
    merged = form_rules.merge_forms(forms)
    referred = frozenset(form_rules.by_reference(merged.schema))
    read = form_rules.read_values(merged.schema, content.typed)
    faults = form_rules.check_values(merged.schema, read, today=on, without=referred) if forms else []
    return Filling(draft, content, walk, forms, merged, _lines(draft, walk, content, on), faults, referred)


def _lines(draft: ApplicationDraft, walk: scenario_rules.Walk, content: Content, on: date) -> list[MaterialLine]:
    materials = scenario_rules.applying(draft.version.materials.all(), walk.chosen)
    uploads: dict[UUID | None, list[Upload]] = {}
    for one in draft.uploads.filter(removed_at=None):
        uploads.setdefault(one.material_id, []).append(one)
    earlier = earlier_materials(Case(region_id=draft.region_id, applicant=draft.applicant), on)
    form_keys = {form.key for form in scenario.forms_of(draft.version)}
    lines = []
    for material in materials:
        mine = uploads.get(material.pk, [])
        ready = [one for one in mine if one.state == Upload.State.READY]
        offered = list(earlier.get(material.name, ()))
        said = content.handing.get(str(material.pk), "")
        reused = next((one for one in offered if said == f"{REUSE}{one.pk}"), None)
        if material.source == ItemMaterial.Source.SHARED:
            how = "shared"
        elif ready:
            how = "uploaded"
        elif material.form_key and material.form_key in form_keys:
            how = "filled"
        elif reused is not None:
            how = "reuse"
        elif said == PAPER or (said == LATER and material.necessity == ItemMaterial.Necessity.GAP_ALLOWED):
            how = said
        else:
            how = ""
        lines.append(
            MaterialLine(
                material,
                ready,
                how,
                offered,
                reused,
                [one for one in mine if one.state == Upload.State.COMING],
                [one for one in mine if one.state == Upload.State.REFUSED],
            )
        )
    return lines


def prefilled(applicant: Applicant, version: ItemVersion, *, on: date) -> dict[str, str]:
    """Return what a new application may start with, by field: what he filled in himself in his latest case."""
    latest = (
        Case.objects.filter(region_id=applicant.region_id, applicant=applicant, forms_sealed__isnull=False)
        .order_by("-received_at")
        .first()
    )
    offered: dict[str, Any] = {}
    for values in case_forms.filled_forms(latest).values() if latest else ():
        offered |= values
    if not offered:
        return {}
    merged = form_rules.merge_forms(scenario.forms_of(version))
    kept = form_rules.fitting(merged.schema, offered, today=on)
    return as_typed(kept)


def as_typed(values: Mapping[str, Any]) -> dict[str, str]:
    """Return values as somebody would have typed them."""
    words = {True: "yes", False: "no"}
    return {name: words[value] if isinstance(value, bool) else str(value) for name, value in values.items()}


def form_fields(draft: ApplicationDraft) -> list[form_rules.Field]:
    """Return the fields he fills in himself; what stands with the applicant is not among them."""
    chosen = scenario_rules.walk(scenario.questions_of(draft.version), draft.chosen).chosen
    merged = form_rules.merge_forms(scenario_rules.applying(scenario.forms_of(draft.version), chosen))
    referred = form_rules.by_reference(merged.schema)
    return [one for one in form_rules.fields_of(merged.schema) if one.name not in referred]


def what_changed(draft: ApplicationDraft) -> list[str]:
    """Return what the item's published edition asks differently from the one the draft was begun under."""
    published = draft.version.item.published
    if published is None or published.pk == draft.version_id:
        return []
    said = rules.changes(edition_of(draft.version), edition_of(published))
    return said or [_("办事指南换了新版，要您填的没有变。")]


def edition_of(version: ItemVersion) -> rules.Edition:
    """Return what an applicant meets in this edition."""
    fields = [one.label for form in scenario.forms_of(version) for one in form_rules.fields_of(form.schema)]
    return rules.Edition(
        materials={one.name: str(one.get_necessity_display()) for one in version.materials.all()},
        questions=[one.text for one in scenario.questions_of(version)],
        fields=list(dict.fromkeys(fields)),
        promise=limit_words(version.promised) if version.promised else str(version.get_case_type_display()),
    )


# What is mine


def my_cases(applicant: Applicant) -> QuerySet[Case]:
    """Return his cases, the latest first, each with `unread`: messages of the handler he has not read."""
    unread = (
        CaseMessage.objects.filter(case=OuterRef("pk"), by_staff__isnull=False, read_at=None)
        .order_by()
        .values("case")
        .annotate(n=Count("pk"))
        .values("n")
    )
    return (
        Case.objects.filter(region_id=applicant.region_id, applicant=applicant)
        .select_related("version", "department")
        .prefetch_related("clocks")
        .annotate(unread=Subquery(unread))
        .order_by("-received_at")
    )


def own_case(applicant: Applicant, number: str) -> Case | None:
    """Return a case of his own by its number; None alike for none and somebody else's."""
    return (
        Case.objects.select_related("version", "department", "applicant")
        .filter(Q(query_no=number.strip().upper()), region_id=applicant.region_id, applicant=applicant)
        .first()
    )
