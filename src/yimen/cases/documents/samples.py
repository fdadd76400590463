"""A document of every kind made of invented data, for previews and for measuring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import translation

from yimen.cases import documents
from yimen.cases.models import Notice
from yimen.people.models import ServiceCenter

_REMEDIES = {
    "reconsideration_organ": "演示县人民政府",
    "reconsideration_limit": "60 日",
    "court": "演示县人民法院",
    "lawsuit_limit": "6 个月",
}
_BODIES: dict[str, dict[str, Any]] = {
    Notice.Kind.RECEIPT: {
        "seal": "收件专用章",
        "received_at": "2026 年 11 月 18 日 9:05",
        "received_by": "工号 0312",
        "materials": [
            {"name": "食品经营许可申请书", "form": "原件 1 份", "note": ""},
            {"name": "经营场所平面图", "form": "原件 1 份", "note": "手画也行"},
            {"name": "营业执照", "form": "", "note": "数据共享，不用交"},
        ],
        "next": "最晚 2026 年 11 月 25 日（周三）告诉您是否受理、还缺什么；到时没有消息，就算从今天起受理。",
    },
    Notice.Kind.ACCEPTANCE: {
        "is_deemed": False,
        "received_on": "2026 年 11 月 18 日",
        "accepted_on": "2026 年 11 月 18 日",
        "promised": "9 个工作日",
        "statutory": "20 个工作日",
        "due_on": "2026 年 12 月 1 日（周二）",
        "sum": [
            {"label": "受理日，次日算第 1 天", "value": "2026 年 11 月 18 日"},
            {"label": "承诺时限", "value": "9 个工作日"},
            {"label": "最晚出结果", "value": "2026 年 12 月 1 日（周二）"},
        ],
        "due_note": "",
        "basis": documents.ACCEPTING_LAW,
        "handler": "演示县市场监督管理局，电话 0899-1234500",
    },
    Notice.Kind.DECLINE: {
        "received_on": "2026 年 11 月 18 日",
        "reasons": ["您的店在邻县，这项许可由店所在地的机关办理，不属于本机关职权范围。"],
        "basis": documents.ACCEPTING_LAW,
        "ground": "not_ours",
        "right_organ": {"name": "邻县市场监督管理局（演示）", "address": "和平路 1 号", "phone": "0899-7654321"},
        "remedies": _REMEDIES,
    },
    Notice.Kind.DECISION: {
        "is_granted": False,
        "is_licence": True,
        "accepted_on": "2026 年 11 月 18 日",
        "basis": documents.DECIDING_LAW,
        "reasons": ["后厨和厕所之间没有隔断，不符合《食品经营许可审查通则》的要求。"],
        "result": None,
        "remedies": _REMEDIES,
    },
    Notice.Kind.CORRECTION: {
        "seal": "收件专用章",
        "received_on": "2026 年 11 月 18 日",
        "basis": documents.ACCEPTING_LAW,
        "missing": [{"name": "经营场所平面图", "problem": "没有交", "how": "标出后厨、餐区和水池，手画也行"}],
        "until": "2026 年 11 月 25 日（周三）",
        "how": "交到任意综合窗口，也可以请人代交。",
    },
}


def template_of(kind: str) -> str:
    """Return the typst template of a kind."""
    return f"cases/typst/{kind if kind in _BODIES else 'letter'}.typ"


def sample(
    kind: str, parts: Mapping[str, Any], *, center: ServiceCenter | None = None, site: str = "http://127.0.0.1"
) -> dict[str, Any]:
    """Return everything that stands on a sample of this kind, with the words of `parts` (NoticeTemplate)."""
    values = {
        "organ": "演示县市场监督管理局",
        "center": center.name if center else "演示县政务服务中心",
        "address": center.address if center else "演示路 1 号",
        "hours": center.hours if center else "工作日 9:00–17:00",
        "phone": center.phone if center else "0899-1234500",
        "site": site,
        "case_no": "YS-261118-00417",
        "item": "食品经营许可（小餐饮店新办）",
        "applicant": "林小满（演示）",
        "date": "2026 年 11 月 18 日",
    }
    frame = {
        "values": values,
        "organ": values["organ"],
        "addressee": values["applicant"],
        "date": values["date"],
        "seal": "行政审批专用章",
        "foot": f"{values['center']}，{values['address']}",
        "case_no": values["case_no"],
        "item": values["item"],
        "applicant": values["applicant"],
        "number": "演〔2026〕样张",
        "verify_code": "7K3M9QX2ABCD",
        "verify_url": f"{site}/verify",
        "issued_at": "2026-11-18T09:05:00+08:00",
        "eseal": None,
    }
    return documents.worded(frame | _body(kind), kind, parts)


def _body(kind: str) -> dict[str, Any]:
    if kind in _BODIES:
        return _BODIES[kind]
    with translation.override("zh-hans"):
        title = str(Notice.Kind(kind).label)
    return {
        "title": title,
        "opening": ["这里是正文：说明什么事、为什么、依据哪一条。正文由办件的情况决定，不在模板里改。"],
        "facts": [["办到哪一步", "样张"]],
        "table": {"head": ["序号", "内容"], "rows": [["1", "样张"]]},
        "closing": ["这里是正文的结尾。"],
        "remedies": _REMEDIES if kind in {Notice.Kind.REVOCATION, Notice.Kind.HEARING_RIGHT} else None,
    }
