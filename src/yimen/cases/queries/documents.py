"""Documents as others may see them: is it real, does it still stand, what is on paper that the fonts cannot print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from yimen.cases.models import Case, Notice, NoticeTemplate
from yimen.lib import pdf
from yimen.people.models import Staff


class Standing(TextChoices):
    """Whether a document still counts."""

    IN_FORCE = "in_force", _("在效")
    REVOKED = "revoked", _("已被撤销")
    REPLACED = "replaced", _("已被后来的文书代替")
    CHANGED = "changed", _("在效，后来有变更")
    ENDED = "ended", _("已终止，申请人撤回了申请")


# A later document and what it does to earlier ones of its case.
_EFFECTS: dict[str, tuple[Standing, frozenset[str]]] = {
    Notice.Kind.REVOCATION: (Standing.REVOKED, frozenset({Notice.Kind.DECISION})),
    Notice.Kind.WITHDRAWAL: (
        Standing.ENDED,
        frozenset({Notice.Kind.RECEIPT, Notice.Kind.ACCEPTANCE, Notice.Kind.CORRECTION, Notice.Kind.SUPPLEMENT}),
    ),
    Notice.Kind.HEARING: (Standing.REPLACED, frozenset({Notice.Kind.HEARING})),
    Notice.Kind.VISIT: (Standing.REPLACED, frozenset({Notice.Kind.VISIT})),
    Notice.Kind.EXTENSION: (Standing.CHANGED, frozenset({Notice.Kind.ACCEPTANCE})),
    Notice.Kind.STOP: (Standing.CHANGED, frozenset({Notice.Kind.ACCEPTANCE})),
    Notice.Kind.TRANSFER: (Standing.CHANGED, frozenset({Notice.Kind.ACCEPTANCE})),
}
_WEIGHT = [Standing.IN_FORCE, Standing.CHANGED, Standing.REPLACED, Standing.ENDED, Standing.REVOKED]


@dataclass(frozen=True)
class Checked:
    """A document somebody asks about: what may be said of it to anybody (CERT-11)."""

    notice: Notice
    standing: Standing
    by: Notice | None

    @property
    def is_in_force(self) -> bool:
        return self.standing in {Standing.IN_FORCE, Standing.CHANGED}


def standing(notice: Notice, others: Iterable[Notice]) -> tuple[Standing, Notice | None]:
    """Return whether `notice` still counts and the later document of its case that says otherwise; no query."""
    found: tuple[Standing, Notice | None] = (Standing.IN_FORCE, None)
    for other in sorted(others, key=lambda one: (one.issued_at, one.pk)):
        effect, kinds = _EFFECTS.get(other.kind, (Standing.IN_FORCE, frozenset()))
        later = (other.issued_at, other.pk) > (notice.issued_at, notice.pk)
        if later and notice.kind in kinds and _WEIGHT.index(effect) >= _WEIGHT.index(found[0]):
            found = effect, other
    return found


def check(code: str) -> Checked | None:
    """Return the document with this check code as stored; None when there is none."""
    notice = (
        Notice.objects.select_related("case__department", "case__version", "case__applicant", "signed__seal")
        .filter(verify_code=code)
        .first()
    )
    if notice is None:
        return None
    return Checked(notice, *standing(notice, notice.case.notices.exclude(pk=notice.pk)))


@dataclass(frozen=True)
class Unprintable:
    """Characters the fonts of documents lack, and where they stand."""

    characters: tuple[str, ...]
    codes: tuple[str, ...]

    @property
    def text(self) -> str:
        return "、".join(f"{each}（{code}）" for each, code in zip(self.characters, self.codes, strict=True))


def unprintable(case: Case, notices: Sequence[Notice] = ()) -> Unprintable | None:
    """
    Return what would be printed as 〓 on the documents of a case; None when everything can be printed. No query.

    Looks at the names and at every word frozen in `notices`.
    """
    texts = [case.applicant.name, case.agent_name]
    for notice in notices:
        texts += _leaves(notice.data)
    missing = pdf.missing_characters("".join(texts))
    return Unprintable(tuple(missing), tuple(f"U+{ord(one):04X}" for one in missing)) if missing else None


def _leaves(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [leaf for each in value for leaf in _leaves(each)] if isinstance(value, list) else []


@dataclass(frozen=True)
class KindOfWords:
    """One kind of document on the editor's list: what counts today, what comes, what waits for approval."""

    kind: str
    name: str
    now: NoticeTemplate | None
    coming: NoticeTemplate | None
    draft: NoticeTemplate | None


def template_list(region: str, on: date) -> list[KindOfWords]:
    """Return every kind of document with its words, in one statement."""
    by_kind: dict[str, list[NoticeTemplate]] = {}
    rows = NoticeTemplate.objects.filter(region_id=region).select_related("written_by", "approved_by")
    for row in rows.order_by("-effective_on", "-number"):
        by_kind.setdefault(row.kind, []).append(row)
    found = []
    for kind in Notice.Kind:
        mine = by_kind.get(kind, [])
        approved = [one for one in mine if one.is_approved]
        found.append(
            KindOfWords(
                kind=kind.value,
                name=str(kind.label),
                now=next((one for one in approved if one.effective_on <= on), None),
                coming=next((one for one in reversed(approved) if one.effective_on > on), None),
                draft=next((one for one in mine if not one.is_approved), None),
            )
        )
    return found


def drafts_for(staff: Staff) -> QuerySet[NoticeTemplate]:
    """Return the drafts somebody else wrote: those `staff` could approve."""
    return NoticeTemplate.objects.filter(region_id=staff.region_id, approved_at=None).exclude(written_by=staff)


def editions(region: str, kind: str) -> list[NoticeTemplate]:
    """Return every edition of a kind's words, the newest first."""
    mine = NoticeTemplate.objects.filter(region_id=region, kind=kind)
    return list(mine.select_related("written_by", "approved_by").order_by("-number"))
