"""档案: archives of finished cases, how long they are kept, handed over, deleted by two hands, 销毁清册."""

from __future__ import annotations

import tempfile
from typing import Any
from uuid import UUID

from django import forms
from django.core.paginator import Paginator
from django.db import transaction
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.cases.actions import archiving as actions
from yimen.cases.models import ArchivePackage
from yimen.cases.queries import archive as queries
from yimen.catalog.models import ServiceItem
from yimen.ledger import actions as ledger
from yimen.lib.errors import DomainError
from yimen.lib.sheet import write_xlsx
from yimen.people import access
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.adding import required
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page

PAGE = 20
READERS = ("archive.read", "archive.keep", "archive.approve")


class ArchiveFilter(forms.Form):
    q = forms.CharField(label=gettext_lazy("档号或办件编号"), max_length=60, required=False)
    state = forms.ChoiceField(label=gettext_lazy("状态"), choices=queries.State.choices, required=False)


class RetentionForm(forms.Form):
    item = forms.ModelChoiceField(
        label=gettext_lazy("哪个事项"),
        queryset=ServiceItem.objects.none(),
        empty_label=gettext_lazy("其他全部事项"),
        required=False,
    )
    years = forms.IntegerField(
        label=gettext_lazy("保管几年"),
        min_value=1,
        max_value=100,
        required=False,
        help_text=gettext_lazy("空着就是永久保管。从办完的下一年 1 月 1 日起算。"),
    )
    effective_on = forms.DateField(
        label=gettext_lazy("从哪天起办完的"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("今天或以后；已经归档的照原来的期限。"),
        **required(gettext_lazy("请填写从哪天起。")),
    )
    basis = forms.CharField(
        label=gettext_lazy("依据"),
        max_length=200,
        help_text=gettext_lazy("哪个文件定的保管期限。"),
        **required(gettext_lazy("请写依据。")),
    )

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = ServiceItem.objects.filter(region_id=region).order_by("name")
        self.fields["item"].queryset = rows  # type: ignore[attr-defined]


def _list_page(request: StaffRequest, *, refused: str = "", **_context: Any) -> HttpResponse:
    form = ArchiveFilter(request.GET)
    form.is_valid()
    state = form.cleaned_data.get("state") or queries.State.KEPT
    text = form.cleaned_data.get("q", "").replace("\x00", "").strip()
    found = queries.archives(request.staff, state=state, text=text, on=timezone.localdate())
    context = {
        "form": form,
        "page": Paginator(found, PAGE).get_page(request.GET.get("page")),
        "state": state,
        "states": queries.State.choices,
        "is_narrowed": bool(text),
        "today": timezone.localdate(),
        "refused": refused,
        "may_approve": access.allowed(request.staff, "archive.approve"),
    }
    return render(request, "workbench/archive/list.html", context)


@staff_page(*READERS)
@require_safe
def archives(request: StaffRequest) -> HttpResponse:
    return _list_page(request)


def _archive(request: StaffRequest, pk: UUID) -> ArchivePackage:
    found = queries.get_archive(request.staff, pk)
    if found is None:
        raise Http404
    return found


def _one_page(request: StaffRequest, pk: UUID, *, refused: str = "", **_context: Any) -> HttpResponse:
    row, today = _archive(request, pk), timezone.localdate()
    is_ended = row.keep_until is not None and row.keep_until < today
    context = {
        "row": row,
        "today": today,
        "is_ended": is_ended,
        "refused": refused,
        "typed": request.POST,
        "may_open": access.allowed(request.staff, "cases.view", department=row.case.department),
        "may_read": access.allowed(request.staff, "archive.read") and row.deleted_at is None,
        "may_keep": access.allowed(request.staff, "archive.keep") and row.deleted_at is None,
        "may_approve": access.allowed(request.staff, "archive.approve") and row.deletion_asked_at is not None,
    }
    return render(request, "workbench/archive/one.html", context)


@staff_page(*READERS)
@require_safe
def one(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _one_page(request, pk)


@staff_page("archive.read")
@require_POST
def download(request: StaffRequest, pk: UUID) -> HttpResponseBase:
    """The file, sent in pieces. Not keyed: a repeat is another download and another ledger row."""
    _archive(request, pk)
    try:
        row, file = actions.read_archive(pk, by=request.staff, at=timezone.now())
    except DomainError as error:
        response = _one_page(request, pk, refused=str(error))
        response.status_code = 409
        return response
    name = f"{row.number}-{row.edition}.zip"
    answer = FileResponse(file.open("rb"), as_attachment=True, filename=name, content_type="application/zip")
    answer["Cache-Control"] = "no-store"
    return answer


@staff_page("archive.keep")
@require_POST
@keyed("archive.hand_over", stay=_one_page)
def hand_over(request: StaffRequest, pk: UUID) -> Done:
    row = actions.hand_over(
        _archive(request, pk).pk, to=posted_text(request, "to"), by=request.staff, at=timezone.now()
    )
    return Done(reverse("workbench:archive-one", args=[pk]), _("%(number)s 记为已移交。") % {"number": row.number})


@staff_page("archive.keep")
@require_POST
@keyed("archive.ask_deletion", stay=_one_page)
def ask(request: StaffRequest, pk: UUID) -> Done:
    ground = posted_text(request, "ground")
    row = actions.ask_deletion(_archive(request, pk).pk, ground=ground, by=request.staff, at=timezone.now())
    message = _("%(number)s 的销毁申请交上去了，等另一位批准。") % {"number": row.number}
    return Done(reverse("workbench:archive-one", args=[pk]), message)


@staff_page("archive.approve")
@require_POST
@keyed("archive.answer_deletion", stay=_one_page)
def answer(request: StaffRequest, pk: UUID) -> Done:
    answered = posted_text(request, "answer")
    if answered not in {"yes", "no"}:
        raise Stay(refused=_("请选择同意销毁，或者不同意。"))
    row = actions.answer_deletion(
        _archive(request, pk).pk, approve=answered == "yes", by=request.staff, at=timezone.now()
    )
    said = _("%(number)s 已经销毁，登记留在销毁清册里。") if row.deleted_at else _("%(number)s 不销毁，继续保管。")
    return Done(reverse("workbench:archive-one", args=[pk]), said % {"number": row.number})


def _rules_page(
    request: StaffRequest, *, form: RetentionForm | None = None, refused: str = "", **_context: Any
) -> HttpResponse:
    region, today = request.staff.region_id, timezone.localdate()
    context = {
        "rules": queries.retention_rules(region),
        "form": form or RetentionForm(request.POST or None, region=region, initial={"effective_on": today}),
        "may_keep": access.allowed(request.staff, "archive.keep"),
        "years": actions.ARCHIVE_YEARS,
        "refused": refused,
    }
    return render(request, "workbench/archive/rules.html", context)


@staff_page(*READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def rules(request: StaffRequest) -> HttpResponse:
    """How long archives are kept; a POST sets a rule from a day on."""
    return _set_rule(request) if request.method == "POST" else _rules_page(request)


@keyed("archive.set_retention", stay=_rules_page)
def _set_rule(request: StaffRequest) -> Done:
    form = RetentionForm(request.POST, region=request.staff.region_id)
    if not form.is_valid():
        raise Stay(form=form)
    said = dict(form.cleaned_data) | {"basis": form.cleaned_data["basis"].replace("\x00", "")}
    actions.set_retention(request.staff.region, by=request.staff, at=timezone.now(), **said)
    return Done(reverse("workbench:archive-rules"), _("保管期限定好了。"))


@staff_page(*READERS)
@require_POST
def register(request: StaffRequest) -> HttpResponse:
    """销毁清册: every archive that was deleted, as a workbook; the export is a row of the ledger."""
    now, region = timezone.now(), request.staff.region_id
    rows = queries.archives(request.staff, state=queries.State.DELETED, text="", on=localdate(now))
    head = [
        _("档号"),
        _("办件编号"),
        _("事项"),
        _("归档日期"),
        _("保管到"),
        _("销毁理由"),
        _("申请人"),
        _("批准人"),
        _("销毁时间"),
        "SHA-256",
    ]
    lines = [
        [
            row.number,
            row.case.query_no,
            row.case.version.name,
            localdate(row.made_at).isoformat(),
            row.keep_until.isoformat() if row.keep_until else "",
            row.deletion_ground,
            row.deletion_asked_by.number if row.deletion_asked_by else "",
            row.deleted_by.number if row.deleted_by else "",
            localtime(row.deleted_at).isoformat(" ", "minutes") if row.deleted_at else "",
            row.sha256,
        ]
        for row in rows
    ]
    with transaction.atomic():
        ledger.record(
            f"export:{request.staff.pk}",
            "archive.register_exported",
            region=region,
            by=request.staff,
            at=now,
            data={"rows": len(lines)},
        )
    with tempfile.TemporaryFile() as file:
        write_xlsx(file, [(_("销毁清册"), [head, *lines])])
        file.seek(0)
        content = file.read()
    headers = {
        "Content-Disposition": f'attachment; filename="deleted-{localdate(now):%Y%m%d}.xlsx"',
        "Cache-Control": "no-store",
    }
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return HttpResponse(content, content_type=kind, headers=headers)


urlpatterns = [
    path("archive", archives, name="archive"),
    path("archive/rules", rules, name="archive-rules"),
    path("archive/register", register, name="archive-register"),
    path("archive/<uuid:pk>", one, name="archive-one"),
    path("archive/<uuid:pk>/file", download, name="archive-file"),
    path("archive/<uuid:pk>/hand-over", hand_over, name="archive-hand-over"),
    path("archive/<uuid:pk>/ask-deletion", ask, name="archive-ask"),
    path("archive/<uuid:pk>/answer-deletion", answer, name="archive-answer"),
]
