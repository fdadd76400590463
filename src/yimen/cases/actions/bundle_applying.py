"""
一件事 on line (HALL-13, LAW-24): one draft, one form, one set of files; sent once, it is one application whose items
begin one after the other. save(), renew() and submit() read as those of applying do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases.actions.bundles import receive_bundle
from yimen.cases.actions.drafting import (
    NotOnline,
    OtherTab,
    Outdated,
    clipped,
    expect_ready,
    expect_room,
    handed,
    keep,
    no_draft,
    record,
)
from yimen.cases.actions.receiving import NotOffered
from yimen.cases.models import ApplicationDraft, Case
from yimen.cases.models.bundles import BundleCase
from yimen.cases.queries import applying as drafts
from yimen.cases.queries import bundle_drafts as queries
from yimen.catalog.models import ItemMaterial
from yimen.catalog.models.bundles import ServiceBundle
from yimen.catalog.queries import bundles as catalog
from yimen.catalog.rules.merging import same_name
from yimen.people.models import Applicant, ServiceCenter

ASKED, ITEM = "~", "item~"  # "<item>~<question>.<option>", "item~<item>": how a page names an answer


@transaction.atomic
def begin(
    bundle: ServiceBundle, applicant: Applicant, *, at: datetime, items: Collection[str] = ()
) -> ApplicationDraft:
    """
    Begin one application for all items of `bundle` for `applicant` himself, prefilled with what he filled in earlier.

    items: keys of the optional ones. Raises NotOffered, NotOnline.
    """
    offer = catalog.offered_bundle(applicant.region_id, bundle.code)
    if offer is None or offer.pk != bundle.pk:
        raise NotOffered(_("这件事现在不能一起办，请从单个事项办起。"))
    if not queries.offered_on_line(offer):
        raise NotOnline(_("这件事里有的事项还不能网上办，请带材料到窗口，一次收齐。"))
    expect_room(applicant)
    may = {part.key for part in queries.optional_on_line(offer)}
    version = catalog.offers(offer, ())[0].version
    draft = ApplicationDraft(
        region_id=applicant.region_id,
        applicant=applicant,
        version=version,
        bundle=offer,
        plan={"items": sorted(set(items) & may), "answers": {}, "editions": queries.editions_of(offer)},
        made_at=at,
        saved_at=at,
    )
    draft.save(force_insert=True)
    if typed := queries.prefilled(draft, offer, on=localdate(at)):
        draft.forms_sealed = drafts.sealed(drafts.Content(typed))
        draft.save(update_fields=["forms_sealed"])
    record(draft, "draft.begun", by=applicant, at=at, data={"bundle": offer.code})
    return draft


@transaction.atomic
def save(
    draft_id: UUID,
    *,
    edition: int,
    by: Applicant,
    at: datetime,
    typed: Mapping[str, str] | None = None,
    chosen: Iterable[str] | None = None,
    handing: Mapping[str, str] | None = None,
    step: str = "",
) -> ApplicationDraft:
    """
    As applying.save(). chosen: "item~<key>" for an optional item, "<key>~<question>.<option>" for an answer.

    Raises OtherTab, NoDraft, NotOffered.
    """
    draft = _own(draft_id, by)
    offer = _offered(draft)
    content = before = drafts.content_of(draft)
    plan: dict[str, Any] = dict(draft.plan)
    if chosen is not None:
        plan |= _said(list(chosen))
    if typed is not None:
        content = drafts.Content(clipped(queries.fields_known(offer), {**content.typed, **typed}), content.handing)
    if handing is not None:
        content = drafts.Content(content.typed, {**content.handing, **_by_name(draft, handing)})
    is_same = content == before and plan == draft.plan
    changed = {} if is_same else {"plan": plan, "forms_sealed": drafts.sealed(content)}
    keep(draft, changed, edition=edition, step=step, at=at)
    return draft


@transaction.atomic
def renew(draft_id: UUID, *, by: Applicant, at: datetime) -> ApplicationDraft:
    """Go on under the newest editions: answers, values and files that still fit stay. Raises NoDraft, NotOffered."""
    draft = _own(draft_id, by)
    offer = _offered(draft)
    editions = queries.editions_of(offer)
    if draft.plan.get("editions") == editions:
        return draft
    draft.plan = {**draft.plan, "editions": editions}
    draft.version = catalog.offers(offer, ())[0].version
    draft.edition, draft.saved_at, draft.step = draft.edition + 1, at, "questions"
    draft.save(update_fields=["plan", "version", "edition", "saved_at", "step"])
    record(draft, "draft.renewed", by=by, at=at, data={"bundle": offer.code})
    return draft


@transaction.atomic
def submit(
    draft_id: UUID, *, edition: int, center: ServiceCenter, by: Applicant, at: datetime, channel: str = Case.Channel.WEB
) -> BundleCase:
    """
    Send it: one application with one receipt; the items that wait for nothing are received at once. Sent before, the
    same comes back. Raises Outdated, OtherTab, NotReady, NoDraft, results.Barred; nothing is written then.
    """
    draft = _rows().filter(pk=draft_id, region_id=by.region_id, applicant=by, deleted_at=None).first()
    if draft is None:
        raise no_draft()
    if draft.bundle_case_id is not None:
        return BundleCase.objects.get(pk=draft.bundle_case_id)
    offer = _offered(draft)
    if draft.plan.get("editions") != queries.editions_of(offer):
        raise Outdated(_("办事指南刚换了新版。请看一看有什么不同，再交上来；您填的都还在。"))
    if edition != draft.edition:
        raise OtherTab(draft)
    filled = queries.filling(draft, offer, on=localdate(at))
    expect_ready(filled)
    made = receive_bundle(
        offer,
        by,
        center=center,
        chosen=filled.keys,
        answers=filled.walk.chosen,
        form_values=filled.values if filled.forms else None,
        materials={same_name(line.material.name): handed(line) for line in filled.lines if line.how},
        draft=draft,
        channel=channel,
        by=by,
        at=at,
    )
    draft.saved_at, draft.forms_sealed = at, None  # it stands in the application now
    draft.save(update_fields=["saved_at", "forms_sealed"])
    record(draft, "draft.submitted", by=by, at=at, data={"bundle_case": str(made.pk)})
    return made


def _rows() -> Any:
    return (
        ApplicationDraft.objects.select_for_update(of=("self",)).select_related("bundle").filter(bundle__isnull=False)
    )


def _own(draft_id: UUID, by: Applicant) -> ApplicationDraft:
    draft: ApplicationDraft | None = (
        _rows().filter(pk=draft_id, region_id=by.region_id, applicant=by, deleted_at=None, bundle_case=None).first()
    )
    if draft is None:
        raise no_draft()
    return draft


def _offered(draft: ApplicationDraft) -> ServiceBundle:
    offer = queries.offered_to(draft)
    if offer is None:
        raise NotOffered(_("这件事现在不能在网上一起办了，您填的都还留着。请打电话问清楚再说。"))
    return offer


def _said(chosen: list[str]) -> dict[str, Any]:
    """The plan's items and answers; what does not fit is dropped when it is read."""
    answers: dict[str, list[str]] = {}
    for one in chosen:
        key, tilde, name = one.partition(ASKED)
        if tilde and not one.startswith(ITEM) and "." in name:
            answers.setdefault(key, []).append(name)
    items = {one.removeprefix(ITEM) for one in chosen if one.startswith(ITEM)}
    return {"items": sorted(items), "answers": {key: sorted(set(names)) for key, names in sorted(answers.items())}}


def _by_name(draft: ApplicationDraft, handing: Mapping[str, str]) -> dict[str, str]:
    names = dict(ItemMaterial.objects.filter(version__in=queries.editions(draft)).values_list("pk", "name"))
    by_text = {str(pk): same_name(name) for pk, name in names.items()}
    return {by_text[pk]: said[:60] for pk, said in handing.items() if pk in by_text and said}
