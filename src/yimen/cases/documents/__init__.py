"""
The documents a case gives out (LAW-6): numbered, with a check code, drawn from facts frozen when issued.

Formal documents are in Chinese whatever language the page is in. The PDF is made when somebody asks for it, from
the stored facts alone, so the same document comes out every time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.timezone import localdate, localtime

from yimen.cases import queries, rules
from yimen.cases.documents import store, wording
from yimen.cases.models import Case, CaseMaterial, Clock, Notice
from yimen.catalog import queries as catalog
from yimen.catalog.models import ItemMaterial, ItemType, LimitUnit
from yimen.lib import ids, pdf
from yimen.lib.dates import long_day, long_moment
from yimen.lib.workdays import Limit, Unit
from yimen.people.models import Department, Region

# The word in a document's number; every kind has its own, so numbers of different kinds never meet.
WORDS = {
    Notice.Kind.RECEIPT: "收",
    Notice.Kind.ACCEPTANCE: "受",
    Notice.Kind.DECLINE: "不受",
    Notice.Kind.DECISION: "决",
    Notice.Kind.CORRECTION: "补正",
    Notice.Kind.SUPPLEMENT: "补",
    Notice.Kind.COMMITMENT: "承诺",
    Notice.Kind.STOP: "特",
    Notice.Kind.EXTENSION: "延",
    Notice.Kind.HEARING_RIGHT: "听告",
    Notice.Kind.HEARING: "听",
    Notice.Kind.VISIT: "查",
    Notice.Kind.VISIT_RECORD: "查录",
    Notice.Kind.TRANSFER: "转",
    Notice.Kind.FEE: "缴",
    Notice.Kind.WITHDRAWAL: "撤回",
    Notice.Kind.DELIVERY: "送",
    Notice.Kind.REVOCATION: "撤",
}
ACCEPTING_LAW = "《中华人民共和国行政许可法》第三十二条"
DECIDING_LAW = "《中华人民共和国行政许可法》第三十八条"
# ARL Art 20; the months of a lawsuit are [GKU], so both are dated local rules a place may correct.
RECONSIDERATION_DAYS, LAWSUIT_MONTHS = 60, 6


@dataclass(frozen=True)
class Letter:
    """
    What a document says that has no body of its own below: Chinese sentences, no matter in which language the page is.

    facts: label and value after case number, item and applicant. head, rows: one table. has_remedies: names what can
    be done against it (LAW-17). seal: which one is put on.
    """

    opening: Sequence[str]
    facts: Sequence[tuple[str, str]] = ()
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    closing: Sequence[str] = ()
    has_remedies: bool = False
    seal: str = "行政审批专用章"


def made(
    case: Case, kind: Notice.Kind, *, at: datetime, letter: Letter | None = None, **facts: Any
) -> tuple[Notice, str]:
    """
    Return a new document for `case` with everything it says, and its number with {} where the count will stand; not
    yet written.

    letter: what it says, for kinds that have no body here.
    """
    template = wording.in_force(case.region_id, kind, localdate(at))
    with translation.override("zh-hans"):
        body = _letter(case, kind, at, letter) if letter else _BODIES[kind](case, at, **facts)
        data = worded(_frame(case, at) | body, kind, template.parts if template else {})
    notice = Notice(
        region_id=case.region_id,
        case=case,
        kind=kind,
        verify_code=ids.short_code(12),
        issued_at=at,
        data=data,
        template=template,
    )
    return notice, f"{case.center.letters}{WORDS[kind]}〔{localdate(at).year}〕{{}}号"


def worded(data: dict[str, Any], kind: str, parts: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return `data` with the words a place has for its documents put in and frozen (NoticeTemplate).

    data: what _frame() and a body gave; the seal a body names counts where the place names none.
    """
    words = wording.filled(wording.words_for(kind, parts), data["values"])
    own = {"before": words["opening"], "after": words["closing"], "query": words["query"], "contact": words["contact"]}
    seal = {"seal": words["seal"]} if "seal" in parts else {}
    return {key: value for key, value in data.items() if key != "values"} | own | seal


def pdf_of(notice: Notice) -> bytes:
    """Return the document as it is given out: with its electronic seal where one was put on, else render()."""
    signed = getattr(notice, "signed", None)
    if signed is not None and signed.signed_at is not None:
        stored = store.read(signed.path, sha256=signed.sha256)
        if stored is not None:
            return stored
    return render(notice)


def render(notice: Notice, *, eseal: Mapping[str, Any] | None = None) -> bytes:
    """
    Return the document as PDF/A, the same bytes for the same facts.

    eseal: name, date and is_demo of the electronic seal that will be put on; None leaves the space for the stamp.
    """
    return pdf.render(template_of(notice), printed(notice, eseal=eseal))


def template_of(notice: Notice) -> str:
    """Return the typst template a document is drawn by."""
    return f"cases/typst/{notice.data.get('form', notice.kind)}.typ"


def printed(notice: Notice, *, eseal: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return everything that stands on a document, as its template reads it."""
    return notice.data | {
        "eseal": eseal,
        "number": notice.number,
        "verify_code": notice.verify_code,
        "verify_url": settings.BASE_URL + reverse("portal:verify", args=[notice.verify_code]),
        "issued_at": localtime(notice.issued_at).isoformat(),
    }


def _frame(case: Case, at: datetime) -> dict[str, Any]:
    center = case.center
    values = {
        "organ": case.department.name,
        "center": center.name,
        "address": center.address,
        "hours": center.hours,
        "phone": case.department.phone or center.phone,
        "site": settings.BASE_URL,
        "case_no": case.query_no,
        "item": case.version.name,
        "applicant": case.applicant.name,
        "date": long_day(localdate(at)),
    }
    return {
        "values": values,
        "organ": case.department.name,
        "addressee": case.applicant.name,
        "date": long_day(localdate(at)),
        "seal": "行政审批专用章",
        "foot": f"{center.name}，{center.address}",
        "case_no": case.query_no,
        "item": case.version.name,
        "applicant": case.applicant.name,
    }


def _receipt(case: Case, at: datetime, *, rows: Sequence[CaseMaterial]) -> dict[str, Any]:
    words = {
        CaseMaterial.State.COMPLETE: "",
        CaseMaterial.State.MISSING: "还缺",
        CaseMaterial.State.LATER: "后补",
        CaseMaterial.State.COMMITTED: "承诺代替",
    }
    shared = ItemMaterial.Source.SHARED
    notice_by = long_day(queries.answer_due(case, catalog.work_calendar()), weekday=True)
    return {
        "seal": "收件专用章",
        "received_at": long_moment(at),
        "received_by": f"工号 {case.received_by.number}" if case.received_by else "网上收件",
        "materials": [
            {
                "name": row.material.name,
                "form": ""
                if row.material.source == shared
                else f"{row.material.get_kind_display()} {row.material.copies} 份",
                "note": "数据共享，不用交"
                if row.material.source == shared
                else (words[CaseMaterial.State(row.state)] + " " + row.note).strip(),
            }
            for row in rows
        ],
        "next": f"最晚 {notice_by} 告诉您是否受理、还缺什么；到时没有消息，就算从今天起受理。",
    }


def _acceptance(case: Case, at: datetime, *, promised: Clock) -> dict[str, Any]:
    started_at = case.accepted_at or at
    day = localdate(started_at)
    is_deemed = case.accept_mode == Case.AcceptMode.DEEMED
    limit = Limit(promised.limit, Unit(promised.unit))
    view = rules.clock(day, limit, (), catalog.work_calendar(), today=day, started_at=started_at)
    due_on = long_day(view.due_on, weekday=True)
    words = limit_words(promised.limit, promised.unit) if promised.limit else "当日办结"
    terms = [{"label": "受理日，次日算第 1 天", "value": long_day(day)}, {"label": "承诺时限", "value": words}]
    if view.rest_days:
        terms.append({"label": "中间的休息日", "value": f"{view.rest_days} 天"})
    return {
        "is_deemed": is_deemed,
        "received_on": long_day(localdate(case.received_at)),
        "accepted_on": long_day(day),
        "promised": words,
        "statutory": _statutory(case),
        "due_on": due_on,
        "sum": [*terms, {"label": "最晚出结果", "value": due_on}],
        "due_note": f"{view.due_on.year} 年的放假安排还没有公布，这个日子是暂定的，公布后会重新计算。"
        if view.is_provisional
        else "",
        "basis": ACCEPTING_LAW,
        "handler": f"{case.department.name}，电话 {case.department.phone or case.center.phone}",
    }


def _statutory(case: Case) -> str:
    """The item's own limit; where it states none, the law's and where that stands; "" where there is none."""
    if case.version.statutory_limit is not None:
        return limit_words(case.version.statutory_limit, case.version.statutory_unit)
    clock = case.clocks.filter(kind=Clock.Kind.STATUTORY).first()
    return f"{limit_words(clock.limit, clock.unit)}（行政许可法第四十二条）" if clock else ""


def _decline(case: Case, at: datetime, *, right_organ: str = "", ground: str = "") -> dict[str, Any]:
    return {
        "ground": ground,
        "received_on": long_day(localdate(case.received_at)),
        "reasons": sentences(case.reasons),
        "basis": ACCEPTING_LAW,
        "right_organ": {"name": right_organ, "address": "", "phone": ""} if right_organ else None,
        "remedies": _remedies(case, at),
    }


def _correction(case: Case, at: datetime, *, lines: Sequence[tuple[CaseMaterial, str]], until: date) -> dict[str, Any]:
    center = case.center
    return {
        "seal": "收件专用章",
        "received_on": long_day(localdate(case.received_at)),
        "basis": ACCEPTING_LAW,
        "missing": [
            {"name": row.material.name, "problem": what, "how": row.material.note or "按左边写的补齐"}
            for row, what in lines
        ],
        "until": long_day(until, weekday=True),
        "how": f"交到{center.name}（{center.address}）任意综合窗口，也可以请人代交。",
    }


def _decision(
    case: Case,
    at: datetime,
    *,
    hearing: str = "",
    organ: Department | None = None,
    units: Sequence[Sequence[str]] = (),
) -> dict[str, Any]:
    """
    hearing: the record the decision rests on, as it is cited (LAL 48). organ: who decided, where that is not the
    case's own department (LAW-10). units: of a joint case, department, opinion and day, in the order they came
    (S2-13).
    """
    organ = organ or case.department
    granted = case.outcome == Case.Outcome.GRANTED
    is_licence = case.item.item_type == ItemType.LICENSE
    result = case.version.result_name
    law = DECIDING_LAW if is_licence else (sentences(case.version.legal_basis) or ["有关规定"])[0].rstrip("。；")
    return {
        "is_granted": granted,
        "is_licence": is_licence,
        "accepted_on": long_day(localdate(case.accepted_at or at)),
        "basis": f"{law}，并根据{hearing}" if hearing else law,
        "reasons": sentences(case.reasons),
        "result": {"name": result, "number": "", "valid": "", "delivery": "凭本决定书或办件编号到窗口领取，也可以邮寄"}
        if granted and result
        else None,
        "organ": organ.name,
        "units": [list(unit) for unit in units],
        "remedies": _remedies(case, at, organ.region if organ.region_id != case.region_id else None),
    }


def _letter(case: Case, kind: Notice.Kind, at: datetime, letter: Letter) -> dict[str, Any]:
    return {
        "form": "letter",
        "title": str(kind.label),
        "seal": letter.seal,
        "opening": list(letter.opening),
        "facts": [list(fact) for fact in letter.facts],
        "table": {"head": list(letter.head), "rows": [list(row) for row in letter.rows]} if letter.head else None,
        "closing": list(letter.closing),
        "remedies": _remedies(case, at) if letter.has_remedies else None,
    }


def _remedies(case: Case, at: datetime, region: Region | None = None) -> dict[str, str]:
    """region: of the organ that decided, where that is not the case's own."""
    day, place = localdate(at), region or case.region
    days = catalog.local_rule(case.region_id, "reconsideration_days", day, default=RECONSIDERATION_DAYS)
    months = catalog.local_rule(case.region_id, "lawsuit_months", day, default=LAWSUIT_MONTHS)
    return {
        "reconsideration_organ": f"{place.name}人民政府",
        "reconsideration_limit": f"{days} 日",
        "court": f"{place.name}人民法院",
        "lawsuit_limit": f"{months} 个月",
    }


def limit_words(number: int | None, unit: str) -> str:
    """Return "20 个工作日"; empty when there is no limit."""
    return f"{number} {LimitUnit(unit).label}" if number is not None else ""


def sentences(text: str) -> list[str]:
    """Return the lines of `text` that say something."""
    return [line.strip() for line in text.splitlines() if line.strip()]


_BODIES: dict[str, Callable[..., dict[str, Any]]] = {
    Notice.Kind.RECEIPT: _receipt,
    Notice.Kind.ACCEPTANCE: _acceptance,
    Notice.Kind.DECLINE: _decline,
    Notice.Kind.CORRECTION: _correction,
    Notice.Kind.DECISION: _decision,
}
