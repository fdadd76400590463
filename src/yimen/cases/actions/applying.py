"""
Applying on line: a draft saved as it is filled in, sent once, and answered when something is missing (S1-6, LAW-24).

Savings are not acts and leave no ledger row: beginning, sending, deleting and taking back are and do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases import queries
from yimen.cases.actions.drafting import (
    NoDraft,
    NotOnline,
    NotReady,
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
from yimen.cases.actions.receiving import Handed, NotOffered, note_materials, receive
from yimen.cases.models import ApplicationDraft, Case, CaseMaterial, Correction, Upload
from yimen.cases.queries import applying as drafts
from yimen.cases.rules import applying as rules
from yimen.catalog.models import ItemMaterial, ItemVersion
from yimen.catalog.queries import scenario
from yimen.catalog.rules import forms as form_rules
from yimen.catalog.rules import scenario as scenario_rules
from yimen.lib import crypto
from yimen.people import citizens
from yimen.people.access import NotAllowed
from yimen.people.identity import InvalidIdentity, check_phone
from yimen.people.models import Account, Applicant, ServiceCenter, Staff

UNDO_FOR = timedelta(days=7)


@transaction.atomic
def begin(version: ItemVersion, applicant: Applicant, *, at: datetime, chosen: Iterable[str] = ()) -> ApplicationDraft:
    """
    Begin an application for `applicant` himself, prefilled with what he filled in earlier. chosen: answers he gave
    already, as far as they fit. Raises NotOnline, NotOffered.
    """
    item = version.item
    if item.published_id != version.pk or item.region_id != applicant.region_id:
        raise NotOffered(_("这个事项已经换了新版本，请刷新页面再点“网上办”。"))
    if not rules.is_online(version.channels, version.online_depth):
        raise NotOnline(_("这件事现在还不能网上办，请到窗口办，或者打电话问。"))
    expect_room(applicant)
    walk = scenario_rules.walk(scenario.questions_of(version), list(chosen))
    typed = drafts.prefilled(applicant, version, on=localdate(at))
    draft = ApplicationDraft.objects.create(
        region_id=applicant.region_id,
        applicant=applicant,
        version=version,
        chosen=list(walk.chosen),
        forms_sealed=drafts.sealed(drafts.Content(typed)) if typed else None,
        made_at=at,
        saved_at=at,
    )
    record(draft, "draft.begun", by=applicant, at=at, data={"item": item.task_code})
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
    Save what was typed, chosen or said about materials; what is left out stays as it was.

    edition: as the page knew it. The same content again changes nothing, whatever the edition; other content under an
    old edition raises OtherTab. Raises NoDraft.
    """
    draft = _own(draft_id, by)
    content = before = drafts.content_of(draft)
    if typed is not None:
        content = replace(content, typed=clipped(_known(draft), {**content.typed, **typed}))
    if handing is not None:
        content = replace(content, handing=_said(draft, {**content.handing, **handing}))
    answers = list(draft.chosen)
    if chosen is not None:
        answers = list(scenario_rules.walk(scenario.questions_of(draft.version), list(chosen)).chosen)
    is_same = content == before and answers == draft.chosen
    changed = {} if is_same else {"chosen": answers, "forms_sealed": drafts.sealed(content)}
    keep(draft, changed, edition=edition, step=step, at=at)
    return draft


@transaction.atomic
def renew(draft_id: UUID, *, by: Applicant, at: datetime) -> ApplicationDraft:
    """
    Go on under the item's newest edition: answers, values and files that still fit are carried over. A draft that is
    up to date stays as it is. Raises NoDraft, NotOffered when the item is no longer published.
    """
    draft = _own(draft_id, by)
    published = draft.version.item.published
    if published is None:
        raise NotOffered(_("这个事项现在不办了，您填的都还留着。请打电话问清楚再说。"))
    if published.pk == draft.version_id:
        return draft
    content = drafts.content_of(draft)
    new_of = {one.name: one for one in published.materials.all()}
    moved = {str(one.pk): new_of.get(one.name) for one in draft.version.materials.all()}
    handing = {str(new.pk): said for pk, said in content.handing.items() if (new := moved.get(pk))}
    for upload in draft.uploads.filter(material__isnull=False):
        upload.material = moved.get(str(upload.material_id))
        upload.save(update_fields=["material"])
    walk = scenario_rules.walk(scenario.questions_of(published), draft.chosen)
    asked = {one.name for one in form_rules.fields_of(form_rules.merge_forms(scenario.forms_of(published)).schema)}
    typed = {name: text for name, text in content.typed.items() if name in asked}
    was = draft.version.number
    draft.version, draft.chosen = published, list(walk.chosen)
    draft.forms_sealed = drafts.sealed(drafts.Content(typed, handing))
    draft.edition, draft.saved_at, draft.step = draft.edition + 1, at, "questions"
    draft.save(update_fields=["version", "chosen", "forms_sealed", "edition", "saved_at", "step"])
    record(draft, "draft.renewed", by=by, at=at, data={"was": was, "now": published.number})
    return draft


@transaction.atomic
def delete(draft_id: UUID, *, by: Applicant, at: datetime) -> None:
    """Throw a draft away; restore() brings it back within UNDO_FOR. Raises NoDraft."""
    draft = _own(draft_id, by)
    draft.deleted_at = at
    draft.save(update_fields=["deleted_at"])
    record(draft, "draft.deleted", by=by, at=at)


@transaction.atomic
def restore(draft_id: UUID, *, by: Applicant, at: datetime) -> ApplicationDraft:
    """Bring a deleted draft back, files included. Raises NoDraft when it is too late or there is none."""
    draft = _rows().filter(pk=draft_id, region_id=by.region_id, applicant=by, case=None, bundle_case=None).first()
    if draft is None or (draft.deleted_at is not None and draft.deleted_at < at - UNDO_FOR):
        raise NoDraft(_("这份申请已经找不回来了，请从办事指南重新开始。"))
    if draft.deleted_at is not None:
        draft.deleted_at = None
        draft.save(update_fields=["deleted_at"])
        record(draft, "draft.restored", by=by, at=at)
    return draft


@transaction.atomic
def submit(
    draft_id: UUID, *, edition: int, center: ServiceCenter, by: Applicant, at: datetime, channel: str = Case.Channel.WEB
) -> Case:
    """
    Send the application: it becomes a received case, with its receipt, at once. Sent before, the same case comes back.

    edition: of the check page he read. Raises Outdated, OtherTab, NotReady (its `step` is where to go), NoDraft.
    """
    draft = (
        _rows()
        .select_related("version__item__department")
        .filter(pk=draft_id, region_id=by.region_id, applicant=by, deleted_at=None, bundle=None)
        .first()
    )
    if draft is None:
        raise no_draft()
    if draft.case_id is not None:
        return Case.objects.get(pk=draft.case_id)
    if draft.version.item.published_id != draft.version_id:
        raise Outdated(_("办事指南刚换了新版。请看一看有什么不同，再交上来；您填的都还在。"))
    if edition != draft.edition:
        raise OtherTab(draft)
    filling = drafts.filling(draft, on=localdate(at))
    expect_ready(filling)
    case = receive(
        draft.version,
        by,
        center=center,
        materials={line.material.pk: handed(line) for line in filling.lines if line.how},
        by=by,
        at=at,
        channel=channel,
        chosen=filling.walk.chosen,
        form_values=filling.values,
    )
    Upload.objects.filter(draft=draft, state=Upload.State.READY, removed_at=None).update(case=case)
    draft.case, draft.saved_at = case, at
    draft.forms_sealed = None  # it stands in the case now
    draft.save(update_fields=["case", "saved_at", "forms_sealed"])
    record(draft, "draft.submitted", by=by, at=at, data={"case": str(case.pk)})
    return case


@transaction.atomic
def answer_correction(case_id: UUID, *, by: Applicant, at: datetime) -> Case:
    """
    Hand in what the correction notice asked for: every line with a new file counts as there, and when all are, the five
    working days begin anew (LAW-4, see note_materials()). Files: uploads.take(case=…, material=…) since the notice.

    Raises NotReady when no line has a file, WrongStep after acceptance, NotAllowed for somebody else's case.
    """
    case = Case.objects.select_for_update(of=("self",)).select_related("applicant").get(pk=case_id)
    if case.applicant_id != by.pk:
        raise NotAllowed(_("这件不是您的，您办不了。"))
    correction = Correction.objects.filter(case=case, answered_at=None).first()
    if correction is None:
        raise NotReady("materials", _("现在没有要补的材料。"))
    lines = correction.lines.filter(done_at=None).select_related("material")
    sent = set(
        Upload.objects.filter(
            case=case, state=Upload.State.READY, removed_at=None, ready_at__gte=correction.told_at
        ).values_list("material_id", flat=True)
    )
    handed = {
        line.material.material_id: Handed(CaseMaterial.State.COMPLETE, form=CaseMaterial.Form.ELECTRONIC)
        for line in lines
        if line.material.material_id in sent
    }
    if not handed:
        raise NotReady("materials", _("还没有传文件，请先传，再点“交上去”。"))
    return note_materials(case.pk, handed, by=by, at=at)


# Being believed


@transaction.atomic
def confirm_account(code: str, id_number: str, *, by: Staff, at: datetime) -> Account:
    """At a window, with the paper in hand; see citizens.confirm(). What he began on line goes along."""
    account, before = citizens.confirm(code, id_number, by=by, at=at)
    _move_files(before, account.applicant)
    return account


def prove_by_case(account: Account, number: str, phone: str, *, asker: str, at: datetime) -> Account:
    """
    Believe an account that knows a case: its number, the whole telephone given with it, and, as signed up, the
    applicant's number and name. One wrong answer is like another and counts as a wrong guess, so call it outside any
    transaction that a refusal undoes.

    Raises citizens.NotTheSame, queries.TooManyTries.
    """
    wrong = citizens.NotTheSame(_("没有对上。请对照收件凭证再填一次，或者带上证件到窗口，一分钟就好。"))
    try:
        whole = check_phone(phone)
    except InvalidIdentity:
        whole = ""
    case = queries.find_for_citizen(number, whole[-4:], asker=asker, at=at)
    if case is not None and not _fits(account, case.applicant, whole):
        queries.find_for_citizen("", "", asker=asker, at=at)  # a case that is not his was a wrong guess too
        case = None
    with transaction.atomic():
        account = Account.objects.select_for_update(of=("self",)).select_related("applicant").get(pk=account.pk)
        if case is None:
            raise wrong
        before = account.applicant
        try:
            account = citizens.link(account, by=account.applicant, at=at, how="case")
        except citizens.NotTheSame:
            raise wrong from None
        _move_files(before, account.applicant)
        return account


def _fits(account: Account, known: Applicant, phone: str) -> bool:
    return (
        bytes(known.id_index) == bytes(account.declared_index)
        and known.kind == account.applicant.kind
        and known.region_id == account.region_id
        and known.name == account.applicant.name
        and bytes(known.phone_index) == crypto.blind_index(phone, "applicant.phone")
    )


def _move_files(before: Applicant, now: Applicant) -> None:
    if before.pk != now.pk:
        Upload.objects.filter(region_id=before.region_id, owner=before.ledger_ref).update(owner=now.ledger_ref)


def _rows() -> Any:
    # Not the case: a row joined to a locked one is as old as the question, the locked one as new as the lock.
    return ApplicationDraft.objects.select_for_update(of=("self",)).select_related(
        "version", "version__item", "version__item__published"
    )


def _own(draft_id: UUID, by: Applicant) -> ApplicationDraft:
    draft: ApplicationDraft | None = (
        _rows()
        .filter(pk=draft_id, region_id=by.region_id, applicant=by, deleted_at=None, case=None, bundle_case=None)
        .first()
    )
    if draft is None:
        raise no_draft()
    return draft


def _known(draft: ApplicationDraft) -> set[str]:
    """Names of the fields some form of the edition asks."""
    known: set[str] = set()
    for form in scenario.forms_of(draft.version):
        for one in form_rules.fields_of(form.schema):
            known |= {one.name, f"{form.key}.{one.name}"}
    return known


def _said(draft: ApplicationDraft, handing: Mapping[str, str]) -> dict[str, str]:
    known = {str(pk) for pk in ItemMaterial.objects.filter(version=draft.version_id).values_list("pk", flat=True)}
    return {pk: said[:60] for pk, said in handing.items() if pk in known and said}
