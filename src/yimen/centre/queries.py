"""Rules of the house as staff and the public read them."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from yimen.centre.models import Document, DocumentEdition


def _standing(on: date) -> QuerySet[DocumentEdition]:
    """The edition in force on a day, of the document outside."""
    approved = DocumentEdition.objects.filter(document=OuterRef("pk"), effective_on__lte=on)
    return approved.exclude(approved_at=None).order_by("-effective_on", "-number")


def documents(region: str, *, on: date, text: str = "", kind: str = "", state: str = "") -> QuerySet[Document]:
    """
    Return the rules of a region by number, each with `standing` (number of the edition in force, None without one),
    `standing_from` and `has_draft`.

    text: part of a number, a title or the text in force; state: "standing", "draft" (one is waiting), "repealed".
    """
    in_force = _standing(on)
    found = (
        Document.objects.filter(region_id=region)
        .select_related("department")
        .annotate(
            standing=Subquery(in_force.values("number")[:1]),
            standing_from=Subquery(in_force.values("effective_on")[:1]),
            has_draft=Exists(DocumentEdition.objects.filter(document=OuterRef("pk"), approved_at=None)),
        )
        .order_by("number")
    )
    if text:
        says_so = DocumentEdition.objects.filter(
            document=OuterRef("pk"), number=OuterRef("standing"), text__icontains=text
        )
        found = found.filter(Q(number__icontains=text) | Q(title__icontains=text) | Exists(says_so))
    if kind:
        found = found.filter(kind=kind)
    is_repealed = Q(repealed_on__lte=on)
    match state:
        case "standing":
            found = found.filter(~is_repealed, standing__isnull=False)
        case "draft":
            found = found.filter(has_draft=True)
        case "repealed":
            found = found.filter(is_repealed)
    return found


def get_document(region: str, pk: UUID) -> Document | None:
    return Document.objects.filter(region_id=region, pk=pk).select_related("department").first()


def edition_on(document: Document, on: date) -> DocumentEdition | None:
    """Return the edition in force on a day, None when none is, or when the rule is repealed by then."""
    if document.repealed_on and document.repealed_on <= on:
        return None
    approved = document.editions.exclude(approved_at=None).filter(effective_on__lte=on)
    return approved.select_related("approved_by").order_by("-effective_on", "-number").first()


def public_documents(region: str, *, on: date) -> QuerySet[Document]:
    """Return the rules anybody may read on a day: marked public, in force, not repealed."""
    return documents(region, on=on, state="standing").filter(is_public=True)
