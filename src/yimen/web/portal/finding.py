"""Finding an item: the search page, suggestions while typing, and a question for what is not in the catalogue."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from yimen.catalog import actions
from yimen.catalog import queries as catalog
from yimen.ledger.actions import PUBLIC
from yimen.lib.errors import DomainError
from yimen.people import identity
from yimen.web import context
from yimen.web.limits import Limit
from yimen.web.once import Done, Stay, key_of, keyed
from yimen.web.portal import reads

PAGE, SUGGESTED, LONGEST = 20, 8, 60
# A hall's machines share an address; a program that makes up words is not counted, and may not fill the table.
misses_limit = Limit(30)
inquiries_limit = Limit(6)


class TooManyQuestions(DomainError):
    """Somebody at this address left more questions in a minute than a person asks."""


class InquiryForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("您想办什么事"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("照平常说的写，不用写姓名和证件号码。"),
        error_messages={"required": gettext_lazy("请写一写想办什么事。")},
    )
    phone = forms.CharField(
        label=gettext_lazy("电话（可以不留）"),
        max_length=30,
        required=False,
        help_text=gettext_lazy("留了我们给您回话，回完就删掉。"),
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel"}),
    )


def _asked(request: HttpRequest) -> str:
    return request.GET.get("q", "").strip()[:LONGEST].replace("\x00", "")


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    text = _asked(request)
    number = request.GET.get("page", "1")
    page = max(1, int(number)) if number.isascii() and number.isdecimal() and len(number) < 4 else 1
    region = context.center().region
    found = catalog.search(text, limit=PAGE, offset=(page - 1) * PAGE, region=region)
    values: dict[str, Any] = {"text": text, "found": found, "page": page, "has_next": page * PAGE < found.total}
    if text and not found.total and region:
        values |= {"nearest": reads.nearest(region, text), "form": InquiryForm(initial={"text": text})}
        if misses_limit.allows(request.META["REMOTE_ADDR"]):
            actions.note_miss(text, region, at=timezone.now())
    return render(request, "portal/search.html", values)


@require_safe
def suggest(request: HttpRequest) -> JsonResponse:
    """What is typed so far may mean these; nothing is kept of it."""
    found = catalog.suggested(_asked(request), SUGGESTED, region=context.center().region)
    rows = [
        {"name": item.name, "note": item.department, "url": reverse("portal:item", args=[item.pk])} for item in found
    ]
    return JsonResponse({"items": rows}, headers={"Cache-Control": "private, max-age=60"})


def _ask_page(request: HttpRequest, *, form: InquiryForm | None = None, refused: str = "") -> HttpResponse:
    values = {"form": form or InquiryForm(request.POST or None, initial={"text": _asked(request)}), "refused": refused}
    return render(request, "portal/ask.html", values)


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """A question for the people behind the counter."""
    if not context.center().region:
        return redirect("portal:home")
    return _leave(request) if request.method == "POST" else _ask_page(request)


@keyed("portal.ask", stay=_ask_page)
def _leave(request: HttpRequest) -> Done:
    form = InquiryForm(request.POST)
    if not form.is_valid():
        raise Stay(form=form)
    if not inquiries_limit.allows(request.META["REMOTE_ADDR"], key=key_of(request)):
        raise TooManyQuestions(_("这一会儿提问的人太多，请过一分钟再交，您写的还在。"))
    said = form.cleaned_data
    try:
        actions.leave_inquiry(context.center().region, said["text"], said["phone"], by=PUBLIC, at=timezone.now())
    except (identity.InvalidIdentity, actions.BadInquiry) as error:
        form.add_error("phone" if isinstance(error, identity.InvalidIdentity) else "text", str(error))
        raise Stay(form=form) from None
    if said["phone"]:
        message = _("收到了。工作人员看过就给您回电话。")
    else:
        message = _("收到了，谢谢您告诉我们。没有留电话，我们不能给您回话；急着办请打电话或者到大厅问导办员。")
    return Done(reverse("portal:search"), message)
