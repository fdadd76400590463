"""Writes: synonyms, searches that found nothing, questions people leave, and the counts search keeps."""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext as _

from yimen.catalog import lexicon, search
from yimen.catalog.actions.common import LEAST_REASON
from yimen.catalog.models import Inquiry, SearchMiss, Synonym
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib import crypto
from yimen.lib import text as texts
from yimen.lib.errors import DomainError
from yimen.people import access, identity, reasons
from yimen.people.models import Region, Staff

RIGHT = "catalog.edit"
LONGEST_WORD, LONGEST_MEANING, MOST_MEANINGS = 40, 60, 12
LONGEST_MISS, LEAST_INQUIRY, LONGEST_INQUIRY = 60, 4, 300
PHONE = "inquiry.phone"
# One recount at a time.
_RECOUNT = 7_301_119
_LONG_NUMBER = re.compile(r"[0-9０-９][0-9０-９\s-]{4,}[0-9０-９Xx]")


class BadSynonym(DomainError):
    """A synonym that could never help, or a row of a list that is none; the sentence says what to change."""


class BadInquiry(DomainError):
    """Nothing was asked, or the question was closed by somebody else meanwhile."""


@dataclass(frozen=True)
class SynonymDraft:
    """What an editor says of a word. Without meanings the word is a filler that search leaves out."""

    word: str
    means: tuple[str, ...]
    is_mutual: bool = False
    note: str = ""

    def checked(self) -> SynonymDraft:
        """Return it in the spelling search uses. Raises BadSynonym."""
        word = texts.one_spelling(self.word)
        means = tuple(dict.fromkeys(one.strip() for one in self.means if one.strip() and texts.one_spelling(one)))
        if not word:
            raise BadSynonym(_("请填写大家怎么说。"))
        if len(word) > LONGEST_WORD or any(len(one) > LONGEST_MEANING for one in means):
            most = {"word": LONGEST_WORD, "mean": LONGEST_MEANING}
            raise BadSynonym(_("大家的说法最多 %(word)d 个字，目录里的叫法每个最多 %(mean)d 个字。") % most)
        if len(word) == 1 and not word.isascii():
            raise BadSynonym(_("一个字的说法会出现在太多词里，请至少写两个字。"))
        if len(means) > MOST_MEANINGS:
            raise BadSynonym(_("目录里的叫法最多写 %(most)d 个，越贴近的越往前写。") % {"most": MOST_MEANINGS})
        if means and all(texts.one_spelling(one) == word for one in means):
            raise BadSynonym(_("目录里的叫法和大家的说法一样，不用加。"))
        return SynonymDraft(word, means, self.is_mutual and bool(means), self.note.strip()[:200])


@transaction.atomic
def save_synonym(region: Region | str, draft: SynonymDraft, *, by: Actor, at: datetime) -> Synonym:
    """
    Write what a word means in `region`; it counts from the next search on and comes before the shipped meaning.

    The same again records nothing. Raises BadSynonym, access.NotAllowed.
    """
    code = _code(region)
    access.require(by, RIGHT, region=code)
    draft = draft.checked()
    fields = {"means": list(draft.means), "is_mutual": draft.is_mutual, "note": draft.note}
    row, is_new = Synonym.objects.select_for_update().get_or_create(region_id=code, word=draft.word, defaults=fields)
    if is_new or any(getattr(row, name) != value for name, value in fields.items()):
        for name, value in fields.items():
            setattr(row, name, value)
        row.save(update_fields=[*fields])
        _record(code, f"synonym:{row.pk}", "catalog.synonym_saved", by, at, {"word": row.word, **fields})
    return row


@transaction.atomic
def delete_synonym(region: Region | str, word: str, *, by: Actor, at: datetime) -> bool:
    """Take the region's own meaning of `word` away, so that a shipped one counts again; False when there was none."""
    code = _code(region)
    access.require(by, RIGHT, region=code)
    row = Synonym.objects.select_for_update().filter(region_id=code, word=word).first()
    if row is None:
        return False
    _record(code, f"synonym:{row.pk}", "catalog.synonym_deleted", by, at, {"word": word})
    row.delete()
    return True


@transaction.atomic
def import_synonyms(region: Region | str, rows: Iterable[tuple[int, SynonymDraft]], *, by: Actor, at: datetime) -> int:
    """
    Write all of (row number, draft) or nothing; return how many words there are.

    Raises BadSynonym naming every row that is wrong.
    """
    code = _code(region)
    access.require(by, RIGHT, region=code)
    drafts: dict[str, SynonymDraft] = {}
    wrong = []
    for number, draft in rows:
        try:
            checked = draft.checked()
            drafts[checked.word] = checked
        except BadSynonym as error:
            wrong.append(_("第 %(row)d 行：%(why)s") % {"row": number, "why": error})
    if wrong:
        raise BadSynonym("".join(wrong[:20]))
    for draft in drafts.values():
        save_synonym(code, draft, by=by, at=at)
    return len(drafts)


# Searches that found nothing


def note_miss(text: str, region: Region | str, *, at: datetime) -> None:
    """Count a person's search that found nothing: one statement. Long numbers are masked before they are written."""
    kept = masked(text)
    if not kept:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO catalog_searchmiss (id, region_id, text, count, first_at, last_at)
            VALUES (gen_random_uuid(), %(region)s, %(text)s, 1, %(at)s, %(at)s)
            ON CONFLICT ON CONSTRAINT search_miss_once DO UPDATE
            SET count = catalog_searchmiss.count + 1, last_at = excluded.last_at, settled_at = NULL
            """,
            {"region": _code(region), "text": kept, "at": at},
        )


def masked(text: str) -> str:
    """Return `text` on one line, cut, with every number of six digits or more as stars."""
    line = " ".join(text.replace("\x00", "").split())
    return _LONG_NUMBER.sub(lambda found: "*" * min(6, len(found[0])), line)[:LONGEST_MISS].strip()


@transaction.atomic
def settle_miss(miss_id: UUID, *, by: Actor, at: datetime) -> SearchMiss:
    """Say that a search is seen to; it comes back when somebody searches in vain again."""
    miss = SearchMiss.objects.select_for_update().get(pk=miss_id)
    access.require(by, RIGHT, region=miss.region_id)
    if miss.settled_at is None:
        miss.settled_at = at
        miss.save(update_fields=["settled_at"])
        _record(miss.region_id, f"search_miss:{miss.pk}", "catalog.miss_settled", by, at, {"count": miss.count})
    return miss


# Questions people leave


@transaction.atomic
def leave_inquiry(region: Region | str, text: str, phone: str, *, by: Actor, at: datetime) -> Inquiry:
    """
    Keep a question the catalogue did not answer. phone: may be empty; sealed, and deleted when the question is closed.

    Raises BadInquiry without a question, identity.InvalidIdentity for a telephone that cannot exist.
    """
    code = _code(region)
    said = " ".join(text.replace("\x00", "").split())
    if len(said) < LEAST_INQUIRY:
        raise BadInquiry(_("请写一写想办什么事，至少 %(least)d 个字。") % {"least": LEAST_INQUIRY})
    if len(said) > LONGEST_INQUIRY:
        raise BadInquiry(_("最多 %(most)d 个字，请写短一些。") % {"most": LONGEST_INQUIRY})
    sealed = crypto.seal(identity.check_phone(phone), PHONE) if phone.strip() else None
    inquiry = Inquiry.objects.create(region_id=code, text=said, phone_sealed=sealed, asked_at=at)
    data = {"has_phone": sealed is not None}
    _record(code, f"inquiry:{inquiry.pk}", "catalog.inquiry_left", by, at, data)
    return inquiry


@transaction.atomic
def close_inquiry(inquiry_id: UUID, answer: str, *, by: Staff, at: datetime) -> Inquiry:
    """
    Close a question: answered with what was told, or settled when `answer` is empty. The telephone is deleted.

    Raises BadInquiry when it is closed already.
    """
    inquiry = Inquiry.objects.select_for_update().get(pk=inquiry_id)
    access.require(by, RIGHT, region=inquiry.region_id)
    if inquiry.state != Inquiry.State.OPEN:
        raise BadInquiry(_("这个提问已经处理过了。"))
    answer = answer.strip()[:LONGEST_INQUIRY]
    inquiry.state = Inquiry.State.ANSWERED if answer else Inquiry.State.SETTLED
    inquiry.answer, inquiry.closed_by, inquiry.closed_at, inquiry.phone_sealed = answer, by, at, None
    inquiry.save(update_fields=["state", "answer", "closed_by", "closed_at", "phone_sealed"])
    _record(inquiry.region_id, f"inquiry:{inquiry.pk}", "catalog.inquiry_closed", by, at, {"state": inquiry.state})
    return inquiry


@transaction.atomic
def phone_of(inquiry_id: UUID, *, reason: str, by: Staff, at: datetime) -> str:
    """Return the telephone of an open question, "" when none was left; the look is in the ledger (SEC-19)."""
    inquiry = Inquiry.objects.select_for_update().get(pk=inquiry_id)
    access.require(by, RIGHT, region=inquiry.region_id)
    if inquiry.phone_sealed is None:
        return ""
    if len(reason.strip()) < LEAST_REASON:
        raise DomainError(_("请写明为什么要看，至少 4 个字；这会记入台账。"))
    stream, kind = f"inquiry:{inquiry.pk}", "catalog.inquiry_phone_shown"
    said = reasons.keep(stream, kind, reason.strip()[:200], region=inquiry.region_id, by=by, at=at)
    _record(inquiry.region_id, stream, kind, by, at, {"field": "phone"} | said)
    return crypto.open_sealed(bytes(inquiry.phone_sealed), PHONE)


# What search keeps


def new_places(count: int) -> list[int]:
    """Return numbers no item had before (ServiceItem.place), in order, for items that recount() will list."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('catalog_place') FROM generate_series(1, %s)", [count])
        return [place for (place,) in cursor.fetchall()]


@transaction.atomic
def recount(region: Region | str) -> int:
    """
    List afresh which published items of `region` hold each token (Posting); return how many tokens there are.

    Only for speed: what changed since is searched all the same. Some seconds and 30 MB for 100,000 items.
    """
    code = _code(region)
    places: defaultdict[str, array[int]] = defaultdict(partial(array, "i"))
    items = 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_RECOUNT])
        # An item somebody is publishing gets its number the next time.
        cursor.execute(
            """
            UPDATE catalog_serviceitem SET place = nextval('catalog_place') WHERE id IN (
                SELECT id FROM catalog_serviceitem
                WHERE region_id = %s AND place IS NULL AND published_id IS NOT NULL FOR NO KEY UPDATE SKIP LOCKED
            )
            """,
            [code],
        )
        cursor.execute("DELETE FROM catalog_posting WHERE region_id = %s", [code])
        held = """
            COPY (
                SELECT place, array_to_string(tokens, ' ') FROM catalog_serviceitem
                WHERE region_id = %s AND place IS NOT NULL AND published_id IS NOT NULL ORDER BY place
            ) TO STDOUT
        """
        with cursor.copy(held, [code]) as rows:
            for row in rows:
                place, tokens = bytes(row).decode().split("\t")
                number = int(place)
                for token in tokens.split():
                    places[token].append(number)
                items += 1
        with cursor.copy("COPY catalog_posting (region_id, token, items, places) FROM STDIN") as copy:
            copy.write_row((code, "", items, b""))
            for token, holding in places.items():
                if len(token) <= search.LONGEST_QUERY:
                    copy.write_row((code, token, len(holding), search.packed(holding)))
    return len(places)


def _code(region: Region | str) -> str:
    return region if isinstance(region, str) else region.pk


def _record(region: str, stream: str, kind: str, by: Actor, at: datetime, data: dict[str, Any]) -> None:
    ledger.record(stream, kind, region=region, by=by, at=at, data=data)


def drafts_of(rows: Iterable[tuple[int, list[str]]]) -> Iterable[tuple[int, SynonymDraft]]:
    """Return the drafts of a sheet: word, meanings with | or 、 between, 互相 or empty, note."""
    for number, cells in rows:
        word, means, mutual, note = [*(cell.strip() for cell in cells), "", "", "", ""][:4]
        if word or means:
            parts = lexicon.split(means.replace("、", lexicon.BETWEEN).replace("，", lexicon.BETWEEN))
            yield number, SynonymDraft(word, tuple(parts), mutual in {"互相", "1", "是", "yes"}, note)
