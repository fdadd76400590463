"""Official words and their plain ones, and a check of any text."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from yimen.catalog.actions import plain as actions
from yimen.catalog.queries import plain as queries
from yimen.web.once import Done, Stay, keyed
from yimen.web.templatetags.plain import Findings, findings_of
from yimen.web.workbench.adding import required
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page

PAGE = 40
MOST_TEXT = 5000


class WordForm(forms.Form):
    official = forms.CharField(label=gettext_lazy("行话"), max_length=40, **required(gettext_lazy("请填写行话。")))
    plain = forms.CharField(
        label=gettext_lazy("大白话"),
        max_length=80,
        required=False,
        help_text=gettext_lazy("自带的词留空，本地就不再提醒它。"),
    )


@dataclass(frozen=True)
class Row:
    """A word as it holds here; is_own: this place said so."""

    word: str
    plain: str
    is_own: bool


def _page(
    request: StaffRequest,
    *,
    form: WordForm | None = None,
    refused: str = "",
    findings: Findings | None = None,
    tried: str = "",
) -> HttpResponse:
    text = request.GET.get("q", "").strip()[:40].replace("\x00", "")
    own = {row.word: row.plain for row in queries.own_words(request.staff.region)}
    words = {**queries.shipped_words(), **own}
    rows = [Row(word, said, word in own) for word, said in words.items() if not text or text in word or text in said]
    rows.sort(key=lambda row: (not row.is_own, row.word))
    context = {
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "text": text,
        "form": form or WordForm(request.POST or None) if request.path == reverse("workbench:plain") else WordForm(),
        "refused": refused,
        "findings": findings,
        "is_empty": findings.is_empty if findings is not None else True,
        "tried": tried,
    }
    return render(request, "workbench/plain/page.html", context)


@staff_page("catalog.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: StaffRequest) -> HttpResponse:
    return _set(request) if request.method == "POST" else _page(request)


@keyed("catalog.set_jargon", stay=_page)
def _set(request: StaffRequest) -> Done:
    form = WordForm(request.POST)
    if not form.is_valid():
        raise Stay(form=form)
    said = form.cleaned_data
    row = actions.set_word(
        request.staff.region, said["official"], said["plain"], by=request.staff, at=timezone.now()
    )  # fmt: skip
    return Done(reverse("workbench:plain"), _("“%(word)s”记下了。") % {"word": row.word})


@staff_page("catalog.edit")
@require_POST
@keyed("catalog.drop_jargon", stay=_page)
def drop(request: StaffRequest) -> Done:
    word = posted_text(request, "word")
    actions.drop_word(request.staff.region, word, by=request.staff, at=timezone.now())
    return Done(reverse("workbench:plain"), _("“%(word)s”照自带的说法。") % {"word": word[:40]})


@staff_page("catalog.edit", "catalog.publish")
@require_POST
def check(request: StaffRequest) -> HttpResponse:
    """What is not plain in a text; a POST because texts are long, nothing is kept."""
    text = posted_text(request, "text") or posted_text(request, "plain_text")
    findings = findings_of(text[:MOST_TEXT], request.staff.region_id)
    if request.headers.get("HX-Request"):
        values = {"findings": findings, "is_empty": findings.is_empty}
        return render(request, "workbench/plain/findings.html", values)
    return _page(request, findings=findings, tried=text)


urlpatterns = [
    path("plain", page, name="plain"),
    path("plain/drop", drop, name="plain-drop"),
    path("plain/check", check, name="plain-check"),
]
