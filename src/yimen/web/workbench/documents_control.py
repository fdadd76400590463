"""Rules of the house (制度文件): listed, written, approved by another, compared, printed (S3-36)."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.centre import actions, queries, rules
from yimen.centre.models import Document, DocumentEdition
from yimen.people import access, reasons
from yimen.people.models import Department
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.adding import form_page, required
from yimen.web.workbench.guard import StaffRequest, staff_page

PAGE = 20


class DocumentFilter(forms.Form):
    q = forms.CharField(label=gettext_lazy("找文件"), max_length=60, required=False)
    kind = forms.ChoiceField(
        label=gettext_lazy("种类"), choices=[("", gettext_lazy("不限")), *Document.Kind.choices], required=False
    )
    state = forms.ChoiceField(
        label=gettext_lazy("状态"),
        choices=[
            ("", gettext_lazy("不限")),
            ("standing", gettext_lazy("现行有效")),
            ("draft", gettext_lazy("有草稿")),
            ("repealed", gettext_lazy("已废止")),
        ],
        required=False,
    )


class EditionForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("正文"),
        max_length=actions.LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 18}),
        help_text=gettext_lazy("一条一行，比较的时候一行一行地比。"),
        **required(gettext_lazy("请写正文。")),
    )
    change = forms.CharField(
        label=gettext_lazy("这一版改了什么"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("一两句话，批准的人先看这里。第一版可以不写。"),
    )
    effective_on = forms.DateField(
        label=gettext_lazy("从哪天起生效"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        **required(gettext_lazy("请填写从哪天起生效。")),
    )


class NewDocumentForm(EditionForm):
    number = forms.CharField(
        label=gettext_lazy("文件编号"),
        max_length=40,
        help_text=gettext_lazy("例如：QHZW-GL-001。"),
        **required(gettext_lazy("请填写文件编号。")),
    )
    title = forms.CharField(label=gettext_lazy("名称"), max_length=120, **required(gettext_lazy("请填写名称。")))
    kind = forms.ChoiceField(label=gettext_lazy("种类"), choices=Document.Kind.choices)
    department = forms.ModelChoiceField(
        label=gettext_lazy("归谁管"),
        queryset=Department.objects.none(),
        empty_label=gettext_lazy("请选择"),
        **required(gettext_lazy("请选择归哪个部门管。")),
    )
    is_public = forms.BooleanField(label=gettext_lazy("批准以后在门户上公开"), required=False)
    field_order = ("number", "title", "kind", "department", "text", "effective_on", "is_public")

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["change"]
        rows = Department.objects.filter(region_id=region).order_by("name")
        self.fields["department"].queryset = rows  # type: ignore[attr-defined]


class RepealForm(forms.Form):
    on = forms.DateField(
        label=gettext_lazy("从哪天起废止"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        **required(gettext_lazy("请填写从哪天起废止。")),
    )
    reason = forms.CharField(
        label=gettext_lazy("为什么废止"),
        max_length=200,
        **required(gettext_lazy("请写明为什么废止，至少 4 个字。")),
    )


@staff_page()
@require_safe
def documents(request: StaffRequest) -> HttpResponse:
    form = DocumentFilter(request.GET)
    form.is_valid()
    chosen = form.cleaned_data
    found = queries.documents(
        request.staff.region_id,
        on=timezone.localdate(),
        text=chosen.get("q", "").replace("\x00", "").strip(),
        kind=chosen.get("kind", ""),
        state=chosen.get("state", ""),
    )
    context = {
        "form": form,
        "page": Paginator(found, PAGE).get_page(request.GET.get("page")),
        "is_narrowed": any(chosen.values()),
        "may_write": access.allowed(request.staff, "centre.write_rules"),
        "today": timezone.localdate(),
    }
    return render(request, "workbench/rulebook/list.html", context)


def _document(request: StaffRequest, pk: UUID) -> Document:
    found = queries.get_document(request.staff.region_id, pk)
    if found is None:
        raise Http404
    return found


def _new_page(request: StaffRequest, *, form: NewDocumentForm | None = None, refused: str = "") -> HttpResponse:
    region = request.staff.region_id
    initial = {"effective_on": timezone.localdate(), "department": request.staff.department_id}
    return form_page(
        request,
        form or NewDocumentForm(request.POST or None, region=region, initial=initial),
        heading=_("新立一份制度文件"),
        word=_("存成草稿"),
        back=reverse("workbench:rulebook"),
        parent=_("制度文件"),
        lead=_("先存草稿，请另一位负责人批准，到生效那天开始算数。"),
        refused=refused,
    )


@staff_page("centre.write_rules")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: StaffRequest) -> HttpResponse:
    return _open(request) if request.method == "POST" else _new_page(request)


@keyed("centre.open_document", stay=_new_page)
def _open(request: StaffRequest) -> Done:
    form = NewDocumentForm(request.POST, region=request.staff.region_id)
    if not form.is_valid():
        raise Stay(form=form)
    said = {name: _clean(value) for name, value in form.cleaned_data.items()}
    edition = actions.open_document(request.staff.region, by=request.staff, at=timezone.now(), **said)
    return Done(reverse("workbench:rulebook-document", args=[edition.document_id]), _("草稿存好了，等人批准。"))


def _clean(value: Any) -> Any:
    return value.replace("\x00", "") if isinstance(value, str) else value


def _one_page(request: StaffRequest, pk: UUID, *, refused: str = "", form: Any = None, **_context: Any) -> HttpResponse:
    document = _document(request, pk)
    today = timezone.localdate()
    editions = list(document.editions.select_related("approved_by", "drafted_by"))
    standing = queries.edition_on(document, today)
    draft = next((one for one in editions if not one.is_approved), None)
    wanted = _number(request.GET.get("edition"))
    shown = next((one for one in editions if one.number == wanted), None) or standing or editions[0]
    context = {
        "document": document,
        "editions": editions,
        "standing": standing,
        "draft": draft,
        "shown": shown,
        "today": today,
        "refused": refused,
        "form": form,
        "why_repealed": reasons.said_in(document.stream, actions.REPEALED) if document.repealed_on else [],
        "repeal_form": RepealForm(initial={"on": today}),
        "may_write": _may(request, "centre.write_rules", document),
        "may_approve": _may(request, "centre.approve_rules", document),
    }
    return render(request, "workbench/rulebook/document.html", context)


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 6 else 0


def _may(request: StaffRequest, permission: str, document: Document) -> bool:
    is_over = document.repealed_on is not None
    return not is_over and access.allowed(
        request.staff, permission, department=document.department, region=document.region_id
    )


@staff_page()
@require_safe
def one(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _one_page(request, pk)


@staff_page()
@require_safe
def compare(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Two editions line by line; without numbers, the latest and the one before."""
    document = _document(request, pk)
    editions = list(document.editions.all())
    by_number = {one.number: one for one in editions}
    after = by_number.get(_number(request.GET.get("now")), editions[0])
    before = by_number.get(_number(request.GET.get("before"))) or by_number.get(after.number - 1)
    lines = rules.compared(before.text if before else "", after.text)
    gone, come = rules.changed_count(lines)
    context = {"document": document, "editions": editions, "before": before, "after": after, "lines": lines}
    return render(request, "workbench/rulebook/compare.html", {**context, "gone": gone, "come": come})


def _edit_page(
    request: StaffRequest, pk: UUID, *, form: EditionForm | None = None, refused: str = "", **_context: Any
) -> HttpResponse:
    document = _document(request, pk)
    latest = document.editions.first()
    return form_page(
        request,
        form or EditionForm(request.POST or None, initial=_initial(latest, timezone.localdate())),
        heading=_("改“%(title)s”") % {"title": document.title},
        word=_("存成草稿"),
        back=reverse("workbench:rulebook-document", args=[pk]),
        parent=document.title,
        lead=_("已经批准的一版不动，改的存成新草稿。"),
        refused=refused,
    )


def _initial(latest: DocumentEdition | None, today: date) -> dict[str, Any]:
    if latest is None:
        return {"effective_on": today}
    begins = latest.effective_on if not latest.is_approved else max(today, latest.effective_on)
    return {"text": latest.text, "change": "" if latest.is_approved else latest.change, "effective_on": begins}


@staff_page("centre.write_rules")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _save(request, pk) if request.method == "POST" else _edit_page(request, pk)


@keyed("centre.save_edition", stay=_edit_page)
def _save(request: StaffRequest, pk: UUID) -> Done:
    form = EditionForm(request.POST)
    if not form.is_valid():
        raise Stay(form=form)
    said = {name: _clean(value) for name, value in form.cleaned_data.items()}
    edition = actions.save_edition(_document(request, pk), by=request.staff, at=timezone.now(), **said)
    address = f"{reverse('workbench:rulebook-document', args=[pk])}?edition={edition.number}"
    return Done(address, _("第 %(n)s 版的草稿存好了，等人批准。") % {"n": edition.number})


@staff_page("centre.approve_rules")
@require_POST
@keyed("centre.approve", stay=_one_page)
def approve(request: StaffRequest, pk: UUID) -> Done:
    number = _number(request.POST.get("edition"))
    edition = actions.approve(_document(request, pk), number, by=request.staff, at=timezone.now())
    values = {"n": number, "day": edition.effective_on}
    return Done(reverse("workbench:rulebook-document", args=[pk]), _("第 %(n)s 版批准了，%(day)s 起生效。") % values)


@staff_page("centre.approve_rules")
@require_POST
@keyed("centre.repeal", stay=_one_page)
def repeal(request: StaffRequest, pk: UUID) -> Done:
    form = RepealForm(request.POST)
    if not form.is_valid():
        raise Stay(form=form)
    at = timezone.now()
    said = {name: _clean(value) for name, value in form.cleaned_data.items()}
    actions.repeal(_document(request, pk), by=request.staff, at=at, **said)
    return Done(reverse("workbench:rulebook-document", args=[pk]), _("废止了，各版都还能看。"))


@staff_page("centre.approve_rules")
@require_POST
@keyed("centre.set_public", stay=_one_page)
def set_public(request: StaffRequest, pk: UUID) -> Done:
    shown = request.POST.get("is_public") == "1"
    actions.set_public(_document(request, pk), shown, by=request.staff, at=timezone.now())
    message = _("门户上能看到了。") if shown else _("门户上不再显示。")
    return Done(reverse("workbench:rulebook-document", args=[pk]), message)


urlpatterns = [
    path("rulebook", documents, name="rulebook"),
    path("rulebook/new", new, name="rulebook-new"),
    path("rulebook/<uuid:pk>", one, name="rulebook-document"),
    path("rulebook/<uuid:pk>/edit", edit, name="rulebook-edit"),
    path("rulebook/<uuid:pk>/compare", compare, name="rulebook-compare"),
    path("rulebook/<uuid:pk>/approve", approve, name="rulebook-approve"),
    path("rulebook/<uuid:pk>/repeal", repeal, name="rulebook-repeal"),
    path("rulebook/<uuid:pk>/public", set_public, name="rulebook-public"),
]
