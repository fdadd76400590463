"""Pages with one plain form that adds something or sets it."""

from __future__ import annotations

from typing import Any

from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from yimen.web.workbench.guard import StaffRequest

CODE_HINT = _("小写字母、数字和横线，例如 main；网址里用，定了不改。")


def required(sentence: str | Promise) -> dict[str, Any]:
    """What a field says when it is left empty."""
    return {"error_messages": {"required": sentence}}


def form_page(
    request: StaffRequest,
    form: Form,
    *,
    heading: str,
    word: str,
    back: str,
    parent: str,
    lead: str = "",
    refused: str = "",
) -> HttpResponse:
    """word: what the button does; back, parent: address and name of the list above."""
    context = {
        "form": form,
        "heading": heading,
        "word": word,
        "back": back,
        "parent": parent,
        "lead": lead,
        "refused": refused,
    }
    return render(request, "workbench/add.html", context)
