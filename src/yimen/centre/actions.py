"""
Rules of the house (S3-36): written by one, approved by another, replaced by the next edition, repealed from a day on.

Nothing is deleted: every approved edition stays as it was.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from yimen.centre.models import Document, DocumentEdition
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.ledger.models import Event
from yimen.lib.errors import DomainError
from yimen.people import access, reasons
from yimen.people.models import Department, Region, Staff

LONGEST_TEXT = 200_000
REPEALED = "centre.document_repealed"
LEAST_REASON = 4


class BadDocument(DomainError):
    """What was entered cannot be saved; the message says which part and why."""


class NumberTaken(DomainError):
    """Another rule of the region has this number."""


class SameHand(DomainError):
    """Whoever wrote an edition may not approve it."""


class NotADraft(DomainError):
    """There is nothing to approve, or the rule has been repealed."""


@transaction.atomic
def open_document(
    region: Region,
    department: Department,
    *,
    number: str,
    title: str,
    kind: str,
    text: str,
    effective_on: date,
    by: Actor,
    at: datetime,
    is_public: bool = False,
) -> DocumentEdition:
    """Make a rule with its first edition as a draft. Raises NumberTaken, BadDocument, access.NotAllowed."""
    access.require(by, "centre.write_rules", department=department, region=region.pk)
    number, title = _short(number, 40, _("文件编号")), _short(title, 120, _("名称"))
    if kind not in Document.Kind.values:
        raise BadDocument(_("请从列表里选种类。"))
    try:
        with transaction.atomic():
            document = Document.objects.create(
                region=region, department=department, number=number, title=title, kind=kind, is_public=is_public
            )
    except IntegrityError:
        raise NumberTaken(_("编号 %(number)s 已经有文件在用，请换一个。") % {"number": number}) from None
    data = {"number": number, "title": title, "kind": kind, "is_public": is_public}
    _record(document, "centre.document_opened", by, at, data)
    return _save(document, text, "", effective_on, by=by, at=at)


@transaction.atomic
def save_edition(
    document: Document, *, text: str, effective_on: date, by: Actor, at: datetime, change: str = ""
) -> DocumentEdition:
    """
    Write into the rule's draft, or begin the next edition. Raises BadDocument, NotADraft for a repealed rule,
    access.NotAllowed.
    """
    document = _locked(document)
    access.require(by, "centre.write_rules", department=document.department, region=document.region_id)
    if document.repealed_on is not None:
        raise NotADraft(_("“%(title)s”已经废止，要用请另立一份。") % {"title": document.title})
    return _save(document, text, change, effective_on, by=by, at=at)


def _save(
    document: Document, text: str, change: str, effective_on: date, *, by: Actor, at: datetime
) -> DocumentEdition:
    text, change = text.replace("\r\n", "\n").strip(), change.strip()
    if not text:
        raise BadDocument(_("请写正文。"))
    if len(text) > LONGEST_TEXT or len(change) > 300:
        raise BadDocument(_("正文最多 %(most)d 个字，改了什么最多 300 个字。") % {"most": LONGEST_TEXT})
    latest = document.editions.first()
    edition = latest
    if edition is None or edition.is_approved:
        number = latest.number + 1 if latest else 1
        edition = DocumentEdition(document=document, number=number, drafted_at=at, drafted_by=_staff(by))
    said = (edition.text, edition.change, edition.effective_on)
    if said == (text, change, effective_on):
        return edition
    edition.text, edition.change, edition.effective_on = text, change, effective_on
    edition.save()
    data = {"edition": edition.number, "effective_on": effective_on.isoformat(), "length": len(text)}
    _record(document, "centre.edition_saved", by, at, data)
    return edition


@transaction.atomic
def approve(document: Document, number: int, *, by: Actor, at: datetime) -> DocumentEdition:
    """
    Approve a draft; it counts from its `effective_on`. Raises SameHand when `by` wrote in it, NotADraft,
    BadDocument when it would begin before the edition it replaces, access.NotAllowed.
    """
    document = _locked(document)
    access.require(by, "centre.approve_rules", department=document.department, region=document.region_id)
    edition = document.editions.filter(number=number).first()
    if edition is None or edition.is_approved or document.repealed_on is not None:
        raise NotADraft(_("这一版不是草稿，不用再批准。"))
    if isinstance(by, Staff) and by.ledger_ref in writers_of(edition):
        raise SameHand(_("这一版您自己写过，请另一位负责人来批准。"))
    before = document.editions.exclude(approved_at=None).first()
    if before and edition.effective_on < before.effective_on:
        raise BadDocument(_("生效日期不能早于上一版的生效日期，请先改日期。"))
    edition.approved_at, edition.approved_by = at, _staff(by)
    edition.save(update_fields=["approved_at", "approved_by"])
    data = {"edition": number, "effective_on": edition.effective_on.isoformat()}
    _record(document, "centre.edition_approved", by, at, data)
    return edition


@transaction.atomic
def repeal(document: Document, *, on: date, reason: str, by: Actor, at: datetime) -> Document:
    """Let a rule end on a day (废止); its editions stay readable. Raises BadDocument, NotADraft, access.NotAllowed."""
    document = _locked(document)
    access.require(by, "centre.approve_rules", department=document.department, region=document.region_id)
    if document.repealed_on is not None:
        raise NotADraft(_("“%(title)s”已经废止了。") % {"title": document.title})
    if len(reason.strip()) < LEAST_REASON:
        raise BadDocument(_("请写明为什么废止，至少 4 个字。"))
    document.repealed_on = on
    document.save(update_fields=["repealed_on"])
    said = reasons.keep(document.stream, REPEALED, reason.strip()[:200], region=document.region_id, by=by, at=at)
    _record(document, REPEALED, by, at, {"on": on.isoformat()} | said)
    return document


@transaction.atomic
def set_public(document: Document, is_public: bool, *, by: Actor, at: datetime) -> Document:
    """Show the rule on the portal, or no longer. Raises access.NotAllowed."""
    document = _locked(document)
    access.require(by, "centre.approve_rules", department=document.department, region=document.region_id)
    if document.is_public != is_public:
        document.is_public = is_public
        document.save(update_fields=["is_public"])
        _record(document, "centre.document_shown", by, at, {"is_public": is_public})
    return document


def writers_of(edition: DocumentEdition) -> set[str]:
    """Return the ledger_ref of everyone who wrote into this edition."""
    rows = Event.objects.filter(
        region=edition.document.region_id,
        stream=edition.document.stream,
        kind="centre.edition_saved",
        data__edition=edition.number,
    )
    return set(rows.values_list("actor", flat=True))


def _locked(document: Document) -> Document:
    return Document.objects.select_for_update(of=("self",)).select_related("department").get(pk=document.pk)


def _staff(by: Actor) -> Staff | None:
    return by if isinstance(by, Staff) else None


def _short(text: str, most: int, label: str) -> str:
    text = text.strip()
    if not text:
        raise BadDocument(_("请填写%(label)s。") % {"label": label})
    if len(text) > most:
        raise BadDocument(_("%(label)s最多写 %(most)d 个字。") % {"label": label, "most": most})
    return text


def _record(document: Document, kind: str, by: Actor, at: datetime, data: dict[str, Any]) -> None:
    ledger.record(document.stream, kind, region=document.region_id, by=by, at=at, data=data)
