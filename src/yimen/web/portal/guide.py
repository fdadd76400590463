"""The guide of one item, from its sheet: four answers first, then everything, with official words explained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from yimen.cases.rules.applying import is_online
from yimen.catalog.flowchart import Chart, chart
from yimen.catalog.leaflets import Sheet
from yimen.catalog.models import ItemVersion, ServiceItem
from yimen.catalog.queries import guides, powers
from yimen.catalog.queries.flows import chart_steps
from yimen.catalog.queries.plain import plain_words
from yimen.catalog.rules import BrokenFlow, plain
from yimen.hall.queries.appointments import halls_with_booking
from yimen.people import points
from yimen.people.queries import main_center
from yimen.web import context


@dataclass(frozen=True)
class Piece:
    """A stretch of text; number: of the word's explanation at the end of the page, 0 for plain words."""

    said: str
    plain: str = ""
    number: int = 0


class Words:
    """The official words met on a page, in the order they came."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = words
        self.met: dict[str, str] = {}

    def explain(self, text: str) -> list[Piece]:
        """Return `text` in pieces; official ones are numbered as in `met`."""
        pieces = []
        for said, simple in plain.explained(text, self._words):
            if simple:
                self.met.setdefault(said, simple)
            pieces.append(Piece(said, simple, list(self.met).index(said) + 1 if simple else 0))
        return pieces


def find(code: str) -> ServiceItem:
    """Return the published item of this centre's region with its edition whole; 404 when there is none."""
    found = guides.guide(context.center().region, code)
    if found is None:
        raise Http404
    return found


def sheet_of(item: ServiceItem, *, version: ItemVersion | None = None, is_dated: bool = False) -> Sheet:
    """Return what the item says, in the reader's language; version: another edition than the published one."""
    center = guides.place_of(main_center())
    return guides.sheet_of(item, center=center, on=timezone.localdate(), version=version, is_dated=is_dated)


def chart_of(version: ItemVersion) -> Chart | None:
    """Return the flow chart of an edition with its steps and item loaded; None without steps or an order to draw."""
    steps = chart_steps(version)
    try:
        return chart(steps) if steps else None
    except BrokenFlow:
        return None


@require_safe
def page(request: HttpRequest, code: str) -> HttpResponse:
    """
    The guide. ?words=plain writes the plain word beside each official one, ?open=1 opens every head, ?point= shows a
    service point's door.
    """
    item = find(code)
    assert item.published
    return guide_page(request, item, item.published)


def guide_page(request: HttpRequest, item: ServiceItem, version: ItemVersion) -> HttpResponse:
    """The guide of an edition with its lists loaded, published or not: an editor looks at a draft the same way."""
    version.item = item
    sheet = sheet_of(item, version=version, is_dated=True)
    words = Words(plain_words(item.region_id))
    heads = _explained(words, ((head.key, head.label, head.text) for head in sheet.heads))
    point = points.open_point_of(item.region_id, request.GET["point"][:20]) if request.GET.get("point") else None
    values: dict[str, Any] = {
        "item": item,
        "version": version,
        "sheet": sheet,
        "heads": heads,
        "procedure": words.explain(sheet.procedure),
        "words": words.met,
        "is_plain": request.GET.get("words") == "plain",
        "is_open": request.GET.get("words") == "plain" or request.GET.get("open") == "1",
        "is_online": is_online(version.channels, version.online_depth),
        "is_at_once": powers.can_finish_at_window(item, timezone.localdate()),
        "point": point,
        "chart": chart_of(version),
        "can_book": bool(item.published_id and halls_with_booking(item, timezone.localdate())),
        "is_preview": version.pk != item.published_id,
    }
    return render(request, "portal/item.html", values)


def _explained(words: Words, rows: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, list[list[Piece]]]]:
    return [(key, label, [words.explain(line) for line in text.splitlines()]) for key, label, text in rows]
