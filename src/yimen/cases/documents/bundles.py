"""The one receipt of an application for several items (一件事, HALL-13), drawn from what was frozen when it came in."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.timezone import localdate, localtime

from yimen.cases.models import BundleCase, CaseMaterial
from yimen.lib import pdf
from yimen.lib.dates import long_day, long_moment

_WORDS = {
    CaseMaterial.State.COMPLETE: "收到",
    CaseMaterial.State.MISSING: "还缺",
    CaseMaterial.State.LATER: "后补",
    CaseMaterial.State.COMMITTED: "承诺代替",
}


def receipt_no(letters: str, day: date, serial: int) -> str:
    """Return the number of a receipt, "QH事收〔2026〕12号"."""
    return f"{letters}事收〔{day.year}〕{serial}号"


def receipt(made: BundleCase) -> bytes:
    """Return the receipt as PDF/A, the same bytes every time: every item, every paper once, one number to ask by."""
    center, lead, at = made.center, made.bundle.lead, made.received_at
    parts: list[dict[str, Any]] = made.chosen.get("parts", [])
    names = {part["key"]: part["name"] for part in parts}
    papers: dict[str, str] = {}
    for part in parts:
        for name, (state, *_rest) in part.get("materials", {}).items():
            papers.setdefault(name, _WORDS.get(CaseMaterial.State(state), ""))
    lines = [
        {"name": name, "form": "事项", "note": _waits([names.get(key, key) for key in part.get("after", ())])}
        for part, name in ((part, part["name"]) for part in parts)
    ]
    lines += [{"name": name, "form": "材料，各项共用", "note": word} for name, word in papers.items()]
    data = {
        "organ": lead.name,
        "number": made.receipt_no,
        "addressee": made.applicant.name,
        "applicant": made.applicant.name,
        "date": long_day(localdate(at)),
        "seal": "收件专用章",
        "issued_at": localtime(at).isoformat(),
        "verify_code": made.verify_code,
        "verify_url": settings.BASE_URL + reverse("portal:verify", args=[made.verify_code]),
        "contact": f"{lead.name}，电话 {lead.phone or center.phone}",
        "foot": f"{center.name}，{center.address}",
        "before": [],
        "after": [],
        "eseal": None,
        "case_no": made.query_no,
        "item": f"{made.bundle.name}（一件事，{len(parts)} 项）",
        "received_at": long_moment(at),
        "received_by": f"工号 {made.received_by.number}" if made.received_by else "网上收件",
        "materials": lines,
        "next": "每一项最晚五个工作日内告诉您是否受理；要等前一项办好的，前一项一办好就接着办，您不用再来交材料。",
        "query": f"凭总编号 {made.query_no} 和手机号后四位，在 {settings.BASE_URL} 或者大厅一次就能查到每一项。",
    }
    return pdf.render("cases/typst/receipt.typ", data)


def _waits(names: list[str]) -> str:
    return f"“{'”“'.join(names)}”办好以后接着办" if names else "马上办"
