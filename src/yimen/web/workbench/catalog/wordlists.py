"""Code lists for exports, and papers nobody has to bring."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from yimen.catalog import actions
from yimen.catalog.models import DictionaryTerm, SharedDocument
from yimen.catalog.queries import dictionaries, shared
from yimen.catalog.rules.codelists import KINDS, OPEN_KINDS
from yimen.people import access, reasons
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.adding import form_page
from yimen.web.workbench.cases import CappedPaginator
from yimen.web.workbench.catalog.common import clean_values, required
from yimen.web.workbench.catalog.forms import split_words
from yimen.web.workbench.guard import StaffRequest, staff_page

PAGE = 20
READERS = ("catalog.edit", "catalog.publish", "catalog.calendar")
_NO_DAY = {"invalid": gettext_lazy("没有这一天，请写成 2027-02-08 这样。"), "required": gettext_lazy("请选日期。")}


def _date(label: Any, *, is_needed: bool = True) -> forms.DateField:
    widget = forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=is_needed, widget=widget, error_messages=_NO_DAY)


class TermForm(forms.Form):
    key = forms.CharField(label=gettext_lazy("我们的词"), max_length=20, **required(gettext_lazy("请写我们的词。")))
    code = forms.CharField(label=gettext_lazy("代码"), max_length=20, **required(gettext_lazy("请写代码。")))
    label = forms.CharField(
        label=gettext_lazy("对方的叫法"), max_length=80, **required(gettext_lazy("请写对方的叫法。"))
    )
    effective_on = _date(gettext_lazy("从哪天起"))
    reason = forms.CharField(
        label=gettext_lazy("依据"),
        max_length=190,
        help_text=gettext_lazy("标准号或通知的文号，会记进台账。"),
        **required(gettext_lazy("请写明依据。")),
    )


class SharingForm(forms.Form):
    names = forms.CharField(
        label=gettext_lazy("材料叫什么"),
        widget=forms.Textarea({"rows": 3}),
        help_text=gettext_lazy("几种叫法都写上，用顿号分开，例如：营业执照、个体户执照。"),
        **required(gettext_lazy("请写这份材料叫什么。")),
    )
    holder = forms.CharField(label=gettext_lazy("从哪里查"), max_length=120, **required(gettext_lazy("请写从哪里查。")))
    available_on = _date(gettext_lazy("从哪天起能查"))
    ended_on = _date(gettext_lazy("能查到哪天"), is_needed=False)


# Code lists


@staff_page(*READERS)
@require_safe
def lists(request: StaffRequest) -> HttpResponse:
    today = localdate(timezone.now())
    known = dictionaries.terms_of(list(KINDS), today)
    told = reasons.told_in([f"dictionary:{key}" for key in KINDS], actions.TERM_SET, region=actions.NATION)
    why = {(one.stream, one.data["key"], one.data["effective_on"]): one.said.text for one in told}
    in_force = {
        (stream, key): text for (stream, key, day), text in sorted(why.items()) if date.fromisoformat(day) <= today
    }
    coming = DictionaryTerm.objects.filter(effective_on__gt=today).order_by("effective_on", "kind", "code")[:PAGE]
    context = {
        "kinds": [
            {
                "key": key,
                "title": title,
                "terms": [(term, in_force.get((f"dictionary:{key}", term.key), "")) for term in known[key].values()],
                "is_open": key in OPEN_KINDS,
            }
            for key, title in KINDS.items()
        ],
        "coming": [
            (
                KINDS.get(row.kind, row.kind),
                row,
                why.get((f"dictionary:{row.kind}", row.key, f"{row.effective_on}"), ""),
            )
            for row in coming
        ],
        "may_edit": access.allowed(request.staff, "catalog.calendar"),
    }
    return render(request, "workbench/catalog/dictionaries.html", context)


def _term_page(request: StaffRequest, kind: str, **more: Any) -> HttpResponse:
    if kind not in KINDS:
        raise Http404
    today = localdate(timezone.now())
    initial: dict[str, Any] = {"effective_on": today}
    if (key := request.GET.get("key", "").replace("\x00", "")) and request.method != "POST":
        term = next((one for one in dictionaries.terms(kind, today) if one.key == key), None)
        if term:
            initial |= {"key": term.key, "code": term.code, "label": term.label}
    form = TermForm(request.POST if request.method == "POST" else None, initial=initial)
    return form_page(
        request,
        form,
        heading=str(KINDS[kind]),
        word=_("从那天起这样写"),
        back=reverse("workbench:dictionaries"),
        parent=_("代码表"),
        lead=_("写一个新词，编辑事项时就能选到。") if kind in OPEN_KINDS else _("这张表的词是固定的，只能改代码。"),
        refused=more.get("refused", ""),
    )


@staff_page("catalog.calendar")
@require_http_methods(["GET", "HEAD", "POST"])
def term(request: StaffRequest, kind: str) -> HttpResponse:
    return _term_set(request, kind) if request.method == "POST" else _term_page(request, kind)


@keyed("dictionary-term", stay=_term_page)
def _term_set(request: StaffRequest, kind: str) -> Done:
    if kind not in KINDS:
        raise Http404
    form = TermForm(request.POST)
    if not form.is_valid():
        raise Stay
    actions.set_term(kind, by=request.staff, at=timezone.now(), **clean_values(form.cleaned_data))
    return Done(reverse("workbench:dictionaries"), _("已记下，导出从那天起这样写。"))


# Papers nobody has to bring


@staff_page("catalog.edit", "catalog.publish")
@require_safe
def documents(request: StaffRequest) -> HttpResponse:
    page = CappedPaginator(shared.shared_documents(request.staff.region_id), PAGE).get_page(request.GET.get("page"))
    may_edit = access.allowed(request.staff, "catalog.edit")
    context = {"page": page, "today": localdate(timezone.now()), "may_edit": may_edit}
    return render(request, "workbench/catalog/shared.html", context)


def _document(request: StaffRequest, pk: UUID) -> SharedDocument:
    return get_object_or_404(SharedDocument, pk=pk, region_id=request.staff.region_id)


def _document_page(request: StaffRequest, pk: UUID | None = None, **more: Any) -> HttpResponse:
    found = _document(request, pk) if pk else None
    initial = {"available_on": localdate(timezone.now())}
    if found:
        initial = {
            "names": "、".join(found.names),  # type: ignore[dict-item]
            "holder": found.holder,  # type: ignore[dict-item]
            "available_on": found.available_on,
            "ended_on": found.ended_on,  # type: ignore[dict-item]
        }
    form = SharingForm(request.POST if request.method == "POST" else None, initial=initial)
    return form_page(
        request,
        form,
        heading=found.names[0] if found else _("加一种不用带的证件"),
        word=_("保存"),
        back=reverse("workbench:shared-documents"),
        parent=_("不用带的证件"),
        lead=_("我们自己查得到的，不能再要大家带；哪个事项还要，就发布不了。"),
        refused=more.get("refused", ""),
    )


@staff_page("catalog.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def document(request: StaffRequest, pk: UUID | None = None) -> HttpResponse:
    return _document_set(request, pk) if request.method == "POST" else _document_page(request, pk)


@keyed("shared-document", stay=_document_page)
def _document_set(request: StaffRequest, pk: UUID | None = None) -> Done:
    found = _document(request, pk) if pk else None
    form = SharingForm(request.POST)
    if not form.is_valid():
        raise Stay
    said = clean_values(form.cleaned_data)
    said["names"] = split_words(said["names"])
    actions.set_shared_document(request.staff.region, document=found, by=request.staff, at=timezone.now(), **said)
    return Done(reverse("workbench:shared-documents"), _("已记下。"))


urlpatterns = [
    path("dictionaries", lists, name="dictionaries"),
    path("dictionaries/<slug:kind>", term, name="dictionary-term"),
    path("shared-documents", documents, name="shared-documents"),
    path("shared-documents/new", document, name="shared-document-new"),
    path("shared-documents/<uuid:pk>", document, name="shared-document"),
]
