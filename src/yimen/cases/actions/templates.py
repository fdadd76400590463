"""A place's own words on its documents: drafts, approved by another hand, in force from a day on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases.documents import wording
from yimen.cases.models import Notice, NoticeTemplate
from yimen.ledger import actions as ledger
from yimen.lib import pdf
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Region, Staff


class WordsRefused(DomainError):
    """These words may not stand on a document; findings says why, part by part."""

    def __init__(self, findings: list[wording.Finding]) -> None:
        self.findings = findings
        first = findings[0]
        part = wording.BY_KEY[first.part].name if first.part in wording.BY_KEY else first.part
        super().__init__(_("“%(part)s”：%(sentence)s") % {"part": part, "sentence": first.text})


class WrongDay(DomainError):
    """Words count from tomorrow at the earliest, so that one day's documents all say the same."""


class NotYourOwn(DomainError):
    """Whoever wrote an edition does not approve it."""


class NoDraft(DomainError):
    """There is no draft with this number."""


class DraftMoved(DomainError):
    """Somebody saved other words since these were looked at."""


def stamp(edition: NoticeTemplate | None) -> str:
    """Return what tells whether an edition is still as it was when somebody opened it; "" for none."""
    return f"{edition.number}-{edition.written_at.timestamp():.6f}" if edition is not None else ""


def cleaned(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts as they are kept: no space at the ends, no empty paragraph, no part like the standard's left."""
    kept: dict[str, Any] = {}
    for key, value in parts.items():
        if isinstance(value, str):
            kept[key] = " ".join(value.split())
        else:
            kept[key] = [text for text in (" ".join(str(one).split()) for one in value) if text]
    return kept


@transaction.atomic
def save_template(
    region: Region | str,
    kind: str,
    parts: Mapping[str, Any],
    *,
    effective_on: date,
    change: str = "",
    by: Staff,
    at: datetime,
    seen: str | None = None,
) -> NoticeTemplate:
    """
    Keep these words as the draft of the next edition for `kind`; a draft there already becomes this one.

    parts: only what shall differ from the standard (wording.PARTS). seen: stamp() of the newest edition when `by`
    began; None asks for no comparison. Raises access.NotAllowed, WordsRefused, WrongDay, DraftMoved.
    """
    code = region if isinstance(region, str) else region.pk
    access.require(by, "templates.write", region=code)
    words = {key: value for key, value in cleaned(parts).items() if value != wording.standard(kind).get(key)}
    found = wording.findings(words, can_print=pdf.missing_characters)
    if found:
        raise WordsRefused(found)
    if effective_on <= localdate(at):
        raise WrongDay(_("最早从明天起用：同一天发出的文书，话要一样。"))
    _lock(code, kind)
    mine = NoticeTemplate.objects.filter(region_id=code, kind=kind)
    latest = mine.select_related("written_by").order_by("-number").first()
    if latest is not None and seen is not None and seen != stamp(latest):
        raise DraftMoved(
            _("您打开以后，%(name)s又存了一次第 %(n)s 版。您写的还在下面；先看看那一版，再存就以您写的为准。")
            % {"name": latest.written_by.name, "n": latest.number}
        )
    if latest is not None and not latest.is_approved:
        draft = latest
    else:
        draft = NoticeTemplate(region_id=code, kind=kind, number=latest.number + 1 if latest else 1)
    draft.parts, draft.change, draft.effective_on = words, change.strip()[:300], effective_on
    draft.written_by, draft.written_at = by, at
    draft.save()
    _record(draft, "template.saved", by=by, at=at)
    return draft


@transaction.atomic
def approve_template(template_id: UUID, *, by: Staff, at: datetime, seen: str | None = None) -> NoticeTemplate:
    """
    Let a draft count from its day on; a day that has passed meanwhile becomes tomorrow.

    seen: stamp() of the draft `by` read; None asks for no comparison. Raises access.NotAllowed, NotYourOwn, NoDraft,
    DraftMoved.
    """
    draft = _locked_draft(template_id)
    access.require(by, "templates.approve", region=draft.region_id)
    if seen is not None and seen != stamp(draft):
        raise DraftMoved(_("您看的时候，这份草稿又改了。请把下面新的这份看一遍，再批准。"))
    if draft.written_by_id == by.pk:
        raise NotYourOwn(_("这一版是您自己写的，请另一位来批准。"))
    draft.approved_by, draft.approved_at = by, at
    draft.effective_on = max(draft.effective_on, localdate(at) + timedelta(days=1))
    draft.save(update_fields=["approved_by", "approved_at", "effective_on"])
    _record(draft, "template.approved", by=by, at=at)
    return draft


@transaction.atomic
def drop_template(template_id: UUID, *, by: Staff, at: datetime) -> None:
    """Throw a draft away; approved editions stay. Raises access.NotAllowed, NoDraft."""
    draft = _locked_draft(template_id)
    if not access.allowed(by, "templates.approve", region=draft.region_id):
        access.require(by, "templates.write", region=draft.region_id)
    _record(draft, "template.dropped", by=by, at=at)
    draft.delete()


def _locked_draft(template_id: UUID) -> NoticeTemplate:
    draft = NoticeTemplate.objects.select_for_update().filter(pk=template_id, approved_at=None).first()
    if draft is None:
        raise NoDraft(_("这份草稿已经批准或者不在了。请刷新看最新的一版。"))
    return draft


def _lock(region: str, kind: str) -> None:
    # Two first drafts of one kind have no row to queue on.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"template:{region}:{kind}"])


def _record(template: NoticeTemplate, kind: str, *, by: Staff, at: datetime) -> None:
    data = {
        "kind": template.kind,
        "number": template.number,
        "parts": template.parts,
        "from": template.effective_on.isoformat(),
    }
    stream = f"template:{template.region_id}:{Notice.Kind(template.kind).value}"
    ledger.record(stream, kind, region=template.region_id, by=by, at=at, data=data)
