"""What the window asks before it takes papers: the item's questions, and its forms where they are filled in here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from django.http import QueryDict
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases import queries as cases
from yimen.catalog import queries as catalog
from yimen.catalog.models import ItemVersion, ServiceItem
from yimen.catalog.queries import scenario
from yimen.catalog.rules import forms as form_rules
from yimen.catalog.rules import scenario as rules
from yimen.people.models import Applicant, Staff
from yimen.web.portal.checklist import answers_of, ask

HERE = "here"
FIELD, QUESTION = "f-", "q-"
LONGEST_LIST = 600


@dataclass(frozen=True)
class Answers:
    """
    The questions of the item as they stand at the window. asked: (question, [(name, option, is chosen)]) of all that
    can be asked now; said: the answers in words; error: why a checklist could not be read.
    """

    walk: rules.Walk
    asked: Sequence[tuple[rules.Question, list[tuple[str, rules.Option, bool]]]] = ()
    is_settled: bool = True
    error: str = ""

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(one.text, rules.words_of(self.walk, one)) for one in self.walk.asked]

    @property
    def query(self) -> str:
        """The answers as they stand in an address."""
        return ",".join(self.walk.chosen)


def answers(sent: QueryDict, item: ServiceItem, version: ItemVersion) -> Answers:
    """
    Return what has been answered. sent: `a`, and one field a question beginning with QUESTION, with names of options;
    `list` with a checklist's short code or address; `ask` to show the questions again.
    """
    questions = scenario.questions_of(version)
    if not questions:
        return Answers(rules.walk((), ()))
    fields = [value for name, values in sent.lists() if name.startswith(QUESTION) for value in values]
    given: Collection[str] = answers_of([*sent.getlist("a"), *fields])
    error = ""
    if brought := sent.get("list", "").replace("\x00", "").strip()[:LONGEST_LIST]:
        given = read_list(brought, item, version)
        if not given:
            error = _("这个清单号在这个事项里没有读出来，请对一对号，或者在下面直接选。")
    walk = rules.walk(questions, given)
    names = set(given)
    asked = [
        (one, [(name, option, name in names) for name, option in zip(one.names(), one.options, strict=True)])
        for one in rules.askable(questions, names)
    ]
    return Answers(walk, asked, is_settled=walk.is_complete and "ask" not in sent and not error, error=error)


def read_list(text: str, item: ServiceItem, version: ItemVersion) -> tuple[str, ...]:
    """Return the answers of a checklist of this item: its short code as typed, or its address as scanned."""
    if "?" not in text:
        return scenario.answers_of_code(version, text)
    address = urlsplit(text)
    if f"/items/{item.task_code}/" not in unquote(address.path) + "/":
        return ()
    return rules.walk(scenario.questions_of(version), answers_of(parse_qs(address.query).get("a", []))).chosen


def scanned(text: str, region: str) -> str:
    """Return the query that opens the item of a checklist's scanned address at the window; "" for any other text."""
    path = unquote(urlsplit(text).path) if text.startswith("http") else ""
    code = path.partition("/items/")[2].partition("/")[0]
    if not code or "/checklist" not in path:
        return ""
    found = catalog.published_item(region, code)
    return urlencode({"item": str(found.pk), "list": text[:LONGEST_LIST]}) if found else ""


@dataclass(frozen=True)
class Paper:
    """
    The forms that apply, asked as one. is_here: they are filled in at the window, not handed in on paper; from_him:
    labels of what is taken from the applicant; clashes: labels asked for each form apart.
    """

    titles: list[str]
    fields: list[dict[str, Any]]
    from_him: list[str]
    faults: Sequence[form_rules.ValueFault]
    is_here: bool = False
    shared_count: int = 0


def _forms(version: ItemVersion, chosen: Collection[str]) -> list[form_rules.Form]:
    return rules.applying(scenario.forms_of(version), chosen)


def paper(
    version: ItemVersion,
    chosen: Collection[str],
    posted: QueryDict | None,
    staff: Staff,
    known: Applicant | None,
    faults: Iterable[form_rules.ValueFault] = (),
) -> Paper | None:
    """Return what the page asks of the forms, None when none applies; values as typed, else from an earlier case."""
    applying = _forms(version, chosen)
    if not applying:
        return None
    merged = form_rules.merge_forms(applying)
    referred = form_rules.by_reference(merged.schema)
    fields = form_rules.fields_of(merged.schema)
    if posted is not None and any(posted.get(f"{FIELD}{one.name}", "").strip() for one in fields):
        typed = {one.name: posted.get(f"{FIELD}{one.name}", "") for one in fields}
        is_here = posted.get("forms") == HERE
    else:
        offered = cases.prefill_sources(staff, known) if known else {}
        kept = form_rules.fitting(merged.schema, offered, today=localdate())
        typed = {name: {True: "yes", False: "no"}.get(value, str(value)) for name, value in kept.items()}
        is_here = bool(kept)
    return Paper(
        titles=[one.title for one in applying],
        fields=ask(merged.schema, typed, faults, without=referred),
        from_him=[one.label for one in fields if one.name in referred],
        faults=list(faults),
        is_here=is_here,
        shared_count=len(merged.shared),
    )


def filled(
    version: ItemVersion, chosen: Collection[str], posted: QueryDict, *, today: date
) -> tuple[dict[str, dict[str, Any]] | None, list[form_rules.ValueFault]]:
    """Return the values by form, or what is wrong with them; (None, []) when the forms came on paper."""
    if posted.get("forms") != HERE or not (applying := _forms(version, chosen)):
        return None, []
    merged = form_rules.merge_forms(applying)
    typed = {one.name: posted.get(f"{FIELD}{one.name}", "") for one in form_rules.fields_of(merged.schema)}
    values = form_rules.read_values(merged.schema, typed)
    without = form_rules.by_reference(merged.schema)
    if faults := form_rules.check_values(merged.schema, values, today=today, without=without):
        return None, faults
    return form_rules.split_values(values, applying), []
