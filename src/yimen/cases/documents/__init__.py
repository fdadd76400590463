"""
The documents a case gives out (LAW-6): numbered, with a check code, drawn from facts frozen when issued.

Formal documents are in Chinese whatever language the page is in. The PDF is made when somebody asks for it, from
the stored facts alone, so the same document comes out every time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.timezone import localdate, localtime

from yimen.cases import queries, rules
from yimen.cases.models import Case, CaseMaterial, Clock, Notice
from yimen.catalog import queries as catalog
from yimen.catalog.models import ItemMaterial, ItemType, LimitUnit
from yimen.lib import ids, pdf
from yimen.lib.dates import long_day, long_moment
from yimen.lib.workdays import Limit, Unit

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


def issue(
    case: Case, kind: Notice.Kind, *, serial: int, at: datetime, letter: Letter | None = None, **facts: Any
) -> Notice:
    """
    Keep a new document for `case` with everything it says; call inside the act that gives it.

    letter: what it says, for kinds that have no body here.
    """
    with translation.override("zh-hans"):
        body = _letter(case, kind, at, letter) if letter else _BODIES[kind](case, at, **facts)
        data = _frame(case, at) | body
    return Notice.objects.create(
        region_id=case.region_id,
        case=case,
        kind=kind,
        number=f"{case.center.letters}{WORDS[kind]}〔{localdate(at).year}〕{serial}号",
        verify_code=ids.short_code(12),
        issued_at=at,
        data=data,
    )


def render(notice: Notice) -> bytes:
    """Return the document as PDF/A."""
    data = notice.data | {
        "number": notice.number,
        "verify_code": notice.verify_code,
        "verify_url": settings.BASE_URL + reverse("portal:verify", args=[notice.verify_code]),
        "issued_at": localtime(notice.issued_at).isoformat(),
    }
    return pdf.render(f"cases/typst/{data.get('form', notice.kind)}.typ", data)


def _frame(case: Case, at: datetime) -> dict[str, Any]:
    center = case.center
    return {
        "organ": case.department.name,
        "addressee": case.applicant.name,
        "date": long_day(localdate(at)),
        "seal": "行政审批专用章",
        "contact": f"{case.department.name}，咨询电话 {case.department.phone or center.phone}",
        "foot": f"{center.name}，{center.address}",
        "case_no": case.query_no,
        "item": case.version.name,
        "applicant": case.applicant.name,
        "query": f"随时可以查进度：打开 {settings.BASE_URL}，输入办件编号和手机号后四位。",
    }


def _receipt(case: Case, at: datetime) -> dict[str, Any]:
    rows = case.materials.select_related("material").order_by("material__position")
    words = {CaseMaterial.State.COMPLETE: "", CaseMaterial.State.MISSING: "还缺", CaseMaterial.State.LATER: "后补"}
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


def _acceptance(case: Case, at: datetime) -> dict[str, Any]:
    started_at = case.accepted_at or at
    version, day = case.version, localdate(started_at)
    is_deemed = case.accept_mode == Case.AcceptMode.DEEMED
    promised = case.clocks.get(kind=Clock.Kind.PROMISED)
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
        "statutory": limit_words(version.statutory_limit, version.statutory_unit),
        "due_on": due_on,
        "sum": [*terms, {"label": "最晚出结果", "value": due_on}],
        "due_note": f"{view.due_on.year} 年的放假安排还没有公布，这个日子是暂定的，公布后会重新计算。"
        if view.is_provisional
        else "",
        "basis": ACCEPTING_LAW,
        "handler": f"{case.department.name}，电话 {case.department.phone or case.center.phone}",
    }


def _decline(case: Case, at: datetime, *, right_organ: str = "") -> dict[str, Any]:
    return {
        "received_on": long_day(localdate(case.received_at)),
        "reasons": sentences(case.reasons),
        "basis": ACCEPTING_LAW,
        "right_organ": {"name": right_organ, "address": "", "phone": ""} if right_organ else None,
        "remedies": _remedies(case, at),
    }


def _decision(case: Case, at: datetime) -> dict[str, Any]:
    granted = case.outcome == Case.Outcome.GRANTED
    is_licence = case.item.item_type == ItemType.LICENSE
    result = case.version.result_name
    return {
        "is_granted": granted,
        "is_licence": is_licence,
        "accepted_on": long_day(localdate(case.accepted_at or at)),
        "basis": DECIDING_LAW
        if is_licence
        else (sentences(case.version.legal_basis) or ["有关规定"])[0].rstrip("。；"),
        "reasons": sentences(case.reasons),
        "result": {"name": result, "number": "", "valid": "", "delivery": "凭本决定书或办件编号到窗口领取，也可以邮寄"}
        if granted and result
        else None,
        "remedies": _remedies(case, at),
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


def _remedies(case: Case, at: datetime) -> dict[str, str]:
    day = localdate(at)
    days = catalog.local_rule(case.region_id, "reconsideration_days", day, default=RECONSIDERATION_DAYS)
    months = catalog.local_rule(case.region_id, "lawsuit_months", day, default=LAWSUIT_MONTHS)
    return {
        "reconsideration_organ": f"{case.region.name}人民政府",
        "reconsideration_limit": f"{days} 日",
        "court": f"{case.region.name}人民法院",
        "lawsuit_limit": f"{months} 个月",
    }


def limit_words(number: int | None, unit: str) -> str:
    """Return "20 个工作日"; empty when there is no limit."""
    return f"{number} {LimitUnit(unit).label}" if number is not None else ""


def sentences(text: str) -> list[str]:
    """Return the lines of `text` that say something."""
    return [line.strip() for line in text.splitlines() if line.strip()]


_BODIES = {
    Notice.Kind.RECEIPT: _receipt,
    Notice.Kind.ACCEPTANCE: _acceptance,
    Notice.Kind.DECLINE: _decline,
    Notice.Kind.DECISION: _decision,
}
