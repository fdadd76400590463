"""
The personal checklist and forms as PDF: blank, as the sample shows it, or filled in. Always in Chinese.

Nothing that is drawn here is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.timezone import localdate

from yimen.catalog.leaflets import Place
from yimen.catalog.queries.checklists import Checklist
from yimen.catalog.rules import forms as rules
from yimen.lib import pdf, qr
from yimen.lib.dates import long_day


def checklist_pdf(found: Checklist, *, path: str, at: datetime) -> bytes:
    """Return the checklist as PDF, A5. path: of the page that its QR code opens again."""
    sheet = found.sheet
    data = {
        "name": sheet.name,
        "organ": sheet.organ,
        "said": [{"question": one.question.text, "answer": one.words} for one in found.said],
        "answers": [{"question": one.question, "answer": one.answer, "reason": one.reason} for one in sheet.answers],
        "bring": [{"name": one.name, "count": one.count, "need": one.need, "note": one.note} for one in sheet.bring],
        "fetched": [one.name for one in sheet.fetched],
        "steps": [{"name": one.name, "limit": one.limit} for one in sheet.steps],
        "forms": [one.title for one in sheet.forms],
        "place": sheet.place,
        "hours": sheet.hours,
        "phone": sheet.phone,
        "center": sheet.center.name,
        "version": sheet.version,
        "printed": long_day(localdate(at)),
        "code": found.code,
        "qr_svg": qr.svg(settings.BASE_URL + path),
        "issued_at": at.isoformat(),
    }
    return pdf.render("catalog/typst/checklist.typ", data)


def form_sheet(
    form: rules.Form,
    values: Mapping[str, Any] | None = None,
    *,
    item: str,
    center: Place,
    at: datetime,
    is_sample: bool = False,
) -> bytes:
    """
    Return the form as PDF, A4: blank without values. item: what it is handed in for; is_sample: every page says so.

    Values are printed as they are given: whoever holds the paper may read them.
    """
    return form_sheets([(form, values)], item=item, center=center, at=at, is_sample=is_sample)


def form_sheets(
    forms: Sequence[tuple[rules.Form, Mapping[str, Any] | None]],
    *,
    item: str,
    center: Place,
    at: datetime,
    is_sample: bool = False,
) -> bytes:
    """Return several forms with their values as one PDF, each on a page of its own; as form_sheet()."""
    data = {
        "item": item,
        "forms": [{"title": form.title, "rows": _rows(form, values or {})} for form, values in forms],
        "mark": "填写样例" if is_sample else "",
        "center": center.name,
        "phone": center.phone,
        "issued_at": at.isoformat(),
    }
    return pdf.render("catalog/typst/form.typ", data)


def _rows(form: rules.Form, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "label": one.label,
            "help": one.help,
            "value": _said(one, values.get(one.name)),
            "is_required": one.is_required,
            "is_long": one.kind == "long",
            "choices": list(one.choices) if one.kind == "choice" else ["是", "不是"] if one.kind == "yes_no" else [],
            "cells": 18 if one.kind in {"id_number", "credit_code"} else 0,
        }
        for one in rules.fields_of(form.schema)
    ]


def _said(one: rules.Field, value: Any) -> str:
    match value:
        case None:
            return ""
        case True | False:
            return "是" if value else "不是"
    return str(value)
