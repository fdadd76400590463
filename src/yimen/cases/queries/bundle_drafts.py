"""
An application for several items (一件事) as far as it was filled in on line: one form, one set of materials.

What he said of a material stands under its plain name: whichever item wants it, he says it once.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from yimen.cases.models import ApplicationDraft, BundleCase, Case, Upload
from yimen.cases.queries import forms as case_forms
from yimen.cases.queries.applying import LATER, PAPER, REUSE, Content, MaterialLine, as_typed, content_of, edition_of
from yimen.cases.queries.materials import earlier_materials
from yimen.cases.rules import applying as rules
from yimen.catalog.models import ItemMaterial, ItemVersion
from yimen.catalog.models.bundles import ServiceBundle
from yimen.catalog.queries import bundles as catalog
from yimen.catalog.queries import scenario
from yimen.catalog.rules import bundles as bundle_rules
from yimen.catalog.rules import forms as form_rules
from yimen.catalog.rules import scenario as scenario_rules
from yimen.catalog.rules.bundles import Asked, Part
from yimen.catalog.rules.merging import same_name
from yimen.people.models import Applicant


def offered_on_line(bundle: ServiceBundle) -> bool:
    """Tell whether every item that cannot be left out can be applied for on line; bundle: as catalog.loaded()."""
    needed = [row for row in bundle.items.all() if not row.is_optional]
    return bool(needed) and all(_is_online(row) for row in needed)


def optional_on_line(bundle: ServiceBundle) -> list[Part]:
    """Return the items he may add on line."""
    rows = {row.key: row for row in bundle.items.all()}
    return [part for part in catalog.parts_of(bundle) if part.is_optional and _is_online(rows[part.key])]


def _is_online(row: Any) -> bool:
    version = row.item.published
    return version is not None and rules.is_online(version.channels, version.online_depth)


def editions_of(bundle: ServiceBundle) -> dict[str, str]:
    """Return the published edition of every item, by its key."""
    return {row.key: str(row.item.published_id) for row in bundle.items.all()}


def offered_to(draft: ApplicationDraft) -> ServiceBundle | None:
    """Return the bundle as it is offered now, None once it is not or cannot be applied for on line."""
    if draft.bundle_id is None:
        return None
    found = catalog.offered(draft.region_id).filter(pk=draft.bundle_id).first()
    return found if found is not None and offered_on_line(found) else None


@dataclass(frozen=True)
class Walks:
    """The questions of all chosen items together; the same words as scenario.Walk."""

    of: Mapping[str, scenario_rules.Walk]

    @property
    def next(self) -> scenario_rules.Question | None:
        return next((walk.next for walk in self.of.values() if walk.next), None)

    @property
    def dead_end(self) -> scenario_rules.Option | None:
        return next((walk.dead_end for walk in self.of.values() if walk.dead_end), None)

    @property
    def is_complete(self) -> bool:
        return all(walk.is_complete for walk in self.of.values())

    @property
    def chosen(self) -> dict[str, list[str]]:
        return {key: list(walk.chosen) for key, walk in self.of.items()}


@dataclass(frozen=True)
class BundleFilling:
    """A draft of several items with what its pages need; the same words as applying.Filling."""

    draft: ApplicationDraft
    bundle: ServiceBundle
    content: Content
    offers: Sequence[catalog.Offer]
    keys: frozenset[str]
    walk: Walks
    asked: Asked
    lines: Sequence[MaterialLine]
    faults: Sequence[form_rules.ValueFault]

    @property
    def forms(self) -> list[form_rules.Form]:
        return [form for of in self.asked.forms.values() for form in of]

    @property
    def merged(self) -> form_rules.Merged:
        return self.asked.merged

    @property
    def referred(self) -> frozenset[str]:
        return self.asked.without

    @property
    def missing(self) -> list[MaterialLine]:
        return [line for line in self.lines if line.is_missing]

    @property
    def optional(self) -> list[tuple[Part, bool]]:
        return [(part, part.key in self.keys) for part in optional_on_line(self.bundle)]

    @property
    def stages(self) -> list[list[Part]]:
        return bundle_rules.stages([one.part for one in self.offers])

    @property
    def steps(self) -> list[str]:
        asks = any(scenario.questions_of(one.version) for one in self.offers)
        has = {"questions": asks or bool(optional_on_line(self.bundle)), "forms": bool(self.forms)}
        return [step for step in rules.STEPS if has.get(step, True)]

    @property
    def values(self) -> dict[str, Any]:
        """What was filled in, as bundles.receive_bundle() takes it."""
        return form_rules.read_values(self.merged.schema, self.content.typed)

    @property
    def fed(self) -> list[tuple[str, str, str]]:
        """What nobody brings: (material, the item whose result it is, the item that needs it)."""
        given = bundle_rules.fed([one.part for one in self.offers])
        names = {one.part.key: one.part.name for one in self.offers}
        return [
            (line.name, names[source], one.part.name)
            for one in self.offers
            for line in one.part.materials
            if (source := given.get((one.part.key, line.position)))
        ]

    def said(self) -> list[tuple[str, str]]:
        chosen = [(str(_("一起办")), part.name) for part, is_chosen in self.optional if is_chosen]
        return chosen + [
            (one.text, scenario_rules.words_of(walk, one)) for walk in self.walk.of.values() for one in walk.asked
        ]


def filling(draft: ApplicationDraft, bundle: ServiceBundle, *, on: date) -> BundleFilling:
    """Return the draft with its questions, forms, materials and what is wrong. bundle: offered_to(draft)."""
    content = content_of(draft)
    may = {part.key for part in optional_on_line(bundle)}
    keys = frozenset(draft.plan.get("items", ())) & may
    answers: Mapping[str, Sequence[str]] = draft.plan.get("answers", {})
    walks = Walks(
        {
            one.part.key: scenario_rules.walk(scenario.questions_of(one.version), answers.get(one.part.key, ()))
            for one in catalog.offers(bundle, keys)
        }
    )
    offers = catalog.offers(bundle, keys, walks.chosen)
    asked = bundle_rules.asked_once(catalog.forms_by_part(offers, walks.chosen))
    read = form_rules.read_values(asked.merged.schema, content.typed)
    faults: Sequence[form_rules.ValueFault] = ()
    if any(asked.forms.values()):
        faults = form_rules.check_values(asked.merged.schema, read, today=on, without=asked.without)
    lines = _lines(draft, offers, asked, content, on)
    return BundleFilling(draft, bundle, content, offers, keys, walks, asked, lines, faults)


def material_lines(offers: Sequence[catalog.Offer]) -> list[tuple[bundle_rules.Bring, ItemMaterial]]:
    """Return what is brought once, each with the line of the first item that wants it."""
    by_key: dict[str, ItemMaterial] = {}
    for one in offers:
        positions = {line.position for line in one.part.materials}
        for material in one.version.materials.all():
            if material.position in positions:
                by_key.setdefault(same_name(material.name), material)
    brings = bundle_rules.to_bring([one.part for one in offers])
    return [(line, by_key[line.key]) for line in brings]


def _lines(
    draft: ApplicationDraft, offers: Sequence[catalog.Offer], asked: Asked, content: Content, on: date
) -> list[MaterialLine]:
    uploads: dict[str, list[Upload]] = {}
    for one in draft.uploads.filter(removed_at=None).select_related("material"):
        uploads.setdefault(same_name(one.material.name) if one.material else "", []).append(one)
    earlier = earlier_materials(Case(region_id=draft.region_id, applicant=draft.applicant), on)
    lines = []
    for bring, anchor in material_lines(offers):
        # What it is for all items together: the stricter need, and looked up when any of them may be.
        material = copy.copy(anchor)
        material.necessity = bring.necessity
        mine = uploads.get(bring.key, [])
        ready = [one for one in mine if one.state == Upload.State.READY]
        names = {line.name for one in offers for line in one.part.materials if same_name(line.name) == bring.key}
        offered = list(earlier.get(anchor.name, ())) if len(names) == 1 else []
        said = content.handing.get(bring.key, "")
        reused = next((one for one in offered if said == f"{REUSE}{one.pk}"), None)
        if bring.is_shared:
            how = "shared"
        elif ready:
            how = "uploaded"
        elif _is_filled(bring, offers, asked):
            how = "filled"
        elif reused is not None:
            how = "reuse"
        elif said == PAPER or (said == LATER and material.necessity == ItemMaterial.Necessity.GAP_ALLOWED):
            how = said
        else:
            how = ""
        coming = [one for one in mine if one.state == Upload.State.COMING]
        refused = [one for one in mine if one.state == Upload.State.REFUSED]
        lines.append(MaterialLine(material, ready, how, offered, reused, coming, refused))
    return lines


def _is_filled(bring: bundle_rules.Bring, offers: Sequence[catalog.Offer], asked: Asked) -> bool:
    """Whether the merged form holds it for every item that wants it."""
    keys = {part: {form.key for form in of} for part, of in asked.forms.items()}
    wanting = [
        (one.part.key, material)
        for one in offers
        if one.part.key in bring.parts
        for material in one.version.materials.all()
        if same_name(material.name) == bring.key
    ]
    return bool(wanting) and all(m.form_key and m.form_key in keys.get(part, ()) for part, m in wanting)


def editions(draft: ApplicationDraft) -> list[UUID]:
    """Return the editions whose lines the draft's files belong to."""
    return [UUID(one) for one in draft.plan.get("editions", {}).values()]


def what_changed(draft: ApplicationDraft, bundle: ServiceBundle | None) -> list[str]:
    """Return what is asked differently from when it was begun, by item; [] when nothing or no longer offered."""
    if bundle is None:
        return []
    seen, now = draft.plan.get("editions", {}), editions_of(bundle)
    if seen == now:
        return []
    old = {str(one.pk): one for one in ItemVersion.objects.filter(pk__in=[UUID(pk) for pk in seen.values()])}
    said = []
    for row in bundle.items.all():
        version = row.item.published
        before = old.get(seen.get(row.key, ""))
        if before is not None and version is not None and before.pk != version.pk:
            said += [f"{version.name}：{text}" for text in rules.changes(edition_of(before), edition_of(version))]
    return said or [_("办事指南换了新版，要您填的没有变。")]


def form_fields(filled: BundleFilling) -> list[form_rules.Field]:
    """Return the fields he fills in himself; what stands with the applicant is not among them."""
    return [one for one in form_rules.fields_of(filled.merged.schema) if one.name not in filled.referred]


def fields_known(bundle: ServiceBundle) -> set[str]:
    """Return every name a field of the one form can have, whatever he chooses."""
    known: set[str] = set()
    for row in bundle.items.all():
        for form in scenario.forms_of(row.item.published) if row.item.published else ():
            for one in form_rules.fields_of(form.schema):
                known |= {one.name, f"{row.key}/{form.key}.{one.name}"}
    return known


def prefilled(draft: ApplicationDraft, bundle: ServiceBundle, *, on: date) -> dict[str, str]:
    """Return what it may start with, by field: what he filled in himself in his latest case."""
    latest = (
        Case.objects.filter(region_id=draft.region_id, applicant=draft.applicant, forms_sealed__isnull=False)
        .order_by("-received_at")
        .first()
    )
    known: dict[str, Any] = {}
    for values in case_forms.filled_forms(latest).values() if latest else ():
        known |= values
    schema = filling(draft, bundle, on=on).merged.schema
    return as_typed(form_rules.fitting(schema, known, today=on)) if known else {}


def my_bundles(applicant: Applicant) -> QuerySet[BundleCase]:
    """Return his applications for several items, the latest first."""
    return (
        BundleCase.objects.filter(region_id=applicant.region_id, applicant=applicant)
        .select_related("bundle", "applicant", "center")
        .order_by("-received_at")
    )


def own_bundle(applicant: Applicant, number: str) -> BundleCase | None:
    """Return one of his own by its number; None alike for none and somebody else's."""
    return my_bundles(applicant).filter(query_no=number.strip().upper()).first()
