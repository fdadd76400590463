"""Accounts and roles, an applicant's page, and the ledger: what the three administrators and supervisors open."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from procrastinate.exceptions import AlreadyEnqueued

from yimen.ledger.jobs import verify as verify_job
from yimen.ledger.models import Event
from yimen.lib.errors import DomainError
from yimen.lib.sheet import safe_cell
from yimen.people import access, actions, audit, queries, reasons
from yimen.people.models import ADMINISTRATORS, Department, Post, Role, RoleGrant, ServiceCenter, Staff
from yimen.web.workbench.cases import CappedPaginator
from yimen.web.workbench.guard import StaffRequest, posted_id, posted_text, staff_page

PAGE = 20
_OFF = {"autocomplete": "off", "spellcheck": "false"}


class AccountFilter(forms.Form):
    STATES = (("", gettext_lazy("不限")), ("active", gettext_lazy("在用")), ("closed", gettext_lazy("已停用")))

    q = forms.CharField(label=gettext_lazy("找人"), max_length=60, required=False)
    state = forms.ChoiceField(label=gettext_lazy("状态"), choices=STATES, required=False)


class AccountForm(forms.Form):
    """A new account; the places offered are those of the region."""

    name = forms.CharField(
        label=gettext_lazy("姓名"),
        max_length=60,
        error_messages={"required": gettext_lazy("请填写姓名。")},
        widget=forms.TextInput(attrs=_OFF),
    )
    number = forms.CharField(
        label=gettext_lazy("工号"),
        max_length=20,
        help_text=gettext_lazy("群众看得到的号码，全地区不重复。"),
        error_messages={"required": gettext_lazy("请填写工号。")},
        widget=forms.TextInput(attrs=_OFF),
    )
    username = forms.CharField(
        label=gettext_lazy("登录名"),
        max_length=60,
        error_messages={"required": gettext_lazy("请填写登录名。")},
        widget=forms.TextInput(attrs=_OFF),
    )
    department = forms.ModelChoiceField(
        label=gettext_lazy("部门"),
        queryset=Department.objects.none(),
        empty_label=gettext_lazy("请选择"),
        error_messages={"required": gettext_lazy("请选择部门。")},
    )
    post = forms.ModelChoiceField(
        label=gettext_lazy("岗位"),
        queryset=Post.objects.none(),
        required=False,
        empty_label=gettext_lazy("以后再定"),
    )
    center = forms.ModelChoiceField(
        label=gettext_lazy("在哪个中心上班"),
        queryset=ServiceCenter.objects.none(),
        required=False,
        empty_label=gettext_lazy("不在中心"),
    )

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places: dict[str, Any] = {
            "department": Department.objects.filter(region_id=region).order_by("name"),
            "post": Post.objects.filter(department__region_id=region).select_related("department").order_by("name"),
            "center": ServiceCenter.objects.filter(region_id=region).order_by("name"),
        }
        for name, found in places.items():
            self.fields[name].queryset = found  # type: ignore[attr-defined]
        self.fields["post"].label_from_instance = lambda post: f"{post.department.name} {post.name}"  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        post, department = cleaned.get("post"), cleaned.get("department")
        if post and department and post.department_id != department.pk:
            self.add_error("post", _("这个岗位不在所选的部门。"))
        return cleaned


class LedgerFilter(forms.Form):
    begins_on = forms.DateField(
        label=gettext_lazy("从哪天"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    ends_on = forms.DateField(
        label=gettext_lazy("到哪天"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    kind = forms.ChoiceField(label=gettext_lazy("做了什么"), required=False)
    actor = forms.CharField(
        label=gettext_lazy("工号"), max_length=80, required=False, widget=forms.TextInput(attrs=_OFF)
    )
    stream = forms.CharField(
        label=gettext_lazy("对象开头"), max_length=160, required=False, widget=forms.TextInput(attrs=_OFF)
    )

    def __init__(self, *args: Any, kinds: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("", _("不限")), *((kind, kind) for kind in kinds)]  # type: ignore[attr-defined]

    def wanted(self) -> audit.Wanted:
        """Return the valid choices; one that is impossible is as good as none."""
        self.is_valid()
        chosen = {name: value for name, value in self.cleaned_data.items() if value}
        days: dict[str, date | None] = {name: chosen.get(name) for name in ("begins_on", "ends_on")}
        texts = {name: str(chosen.get(name, "")).replace("\x00", "").strip() for name in ("kind", "actor", "stream")}
        return audit.Wanted(begins_on=days["begins_on"], ends_on=days["ends_on"], **texts)


# -- accounts -----------------------------------------------------------------------------------------------------


@staff_page("people.manage", "people.grant")
@require_safe
def people(request: StaffRequest) -> HttpResponse:
    form = AccountFilter(request.GET)
    form.is_valid()
    chosen = {name: value.replace("\x00", "") for name, value in form.cleaned_data.items()}
    found = queries.find_staff(request.staff, text=chosen.get("q", ""), state=chosen.get("state", ""))
    page = CappedPaginator(found, PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "is_narrowed": any(chosen.values()),
        "may_manage": access.allowed(request.staff, "people.manage"),
    }
    return render(request, "workbench/people/list.html", context)


@staff_page("people.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def open_account(request: StaffRequest) -> HttpResponse:
    """Not keyed: an answer kept would keep the password, and a repeat finds its login name taken."""
    posted = request.POST if request.method == "POST" else None
    form = AccountForm(posted, region=request.staff.region_id)
    refused = ""
    if posted is not None and form.is_valid():
        password = actions.temporary_password()
        try:
            staff = actions.open_account(
                region=request.staff.region,
                password=password,
                by=request.staff,
                at=timezone.now(),
                **form.cleaned_data,
            )
        except DomainError as error:
            refused = str(error)
        else:
            return render(request, "workbench/people/opened.html", {"account": staff, "password": password})
    status = 422 if posted is not None else 200
    return render(request, "workbench/people/open.html", {"form": form, "refused": refused}, status=status)


def _account(request: StaffRequest, staff_id: UUID) -> Staff:
    account = queries.get_staff_for(request.staff, staff_id)
    if account is None:
        raise Http404
    return account


def _account_page(request: StaffRequest, account: Staff, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "account": account,
        "roles": [(role.value, role.label, role in ADMINISTRATORS) for role in Role],
        "departments": Department.objects.filter(region_id=account.region_id).order_by("name"),
        "may_manage": access.allowed(request.staff, "people.manage"),
        "may_grant": access.allowed(request.staff, "people.grant"),
        "is_myself": account.pk == request.staff.pk,
        # what was typed stays after a refusal
        "chosen_role": request.POST.get("role", ""),
        "chosen_department": request.POST.get("department", str(account.department_id)),
        "reason": posted_text(request, "reason"),
        "closed": [] if account.user.is_active else reasons.said_in(f"staff:{account.pk}", "people.account_closed"),
    }
    return render(request, "workbench/people/account.html", context | more, status=status)


@staff_page("people.manage", "people.grant")
@require_safe
def account(request: StaffRequest, staff_id: UUID) -> HttpResponse:
    return _account_page(request, _account(request, staff_id))


@staff_page("people.grant")
@require_POST
def grant(request: StaffRequest, staff_id: UUID) -> HttpResponse:
    found = _account(request, staff_id)
    department = None
    if request.POST.get("department"):
        wanted = posted_id(request, "department")
        department = Department.objects.filter(pk=wanted, region_id=found.region_id).first()
        if department is None:
            raise Http404
    try:
        actions.grant_role(
            found, posted_text(request, "role"), department=department, by=request.staff, at=timezone.now()
        )
    except DomainError as error:
        return _account_page(request, found, status=422, refused=str(error), refused_field="role")
    messages.success(request, _("已授权，对方下一次点击就生效。"))
    return redirect("workbench:people-account", staff_id)


@staff_page("people.grant")
@require_POST
def end_role(request: StaffRequest, staff_id: UUID) -> HttpResponse:
    found = _account(request, staff_id)
    held = RoleGrant.objects.filter(pk=posted_id(request, "grant"), staff=found).select_related("staff").first()
    if held is None:
        raise Http404
    try:
        actions.end_role(held, by=request.staff, at=timezone.now())
    except DomainError as error:
        return _account_page(request, found, status=422, refused=str(error))
    messages.success(request, _("已收回，对方下一次点击就生效。"))
    return redirect("workbench:people-account", staff_id)


@staff_page("people.manage")
@require_POST
def close(request: StaffRequest, staff_id: UUID) -> HttpResponse:
    found = _account(request, staff_id)
    try:
        actions.disable_account(found, reason=posted_text(request, "reason"), by=request.staff, at=timezone.now())
    except DomainError as error:
        return _account_page(request, found, status=422, refused=str(error), refused_field="close-reason")
    messages.success(request, _("账号已停用，对方下一次点击就退出。"))
    return redirect("workbench:people-account", staff_id)


@staff_page("people.manage")
@require_POST
def renew_password(request: StaffRequest, staff_id: UUID) -> HttpResponse:
    found = _account(request, staff_id)
    password = actions.temporary_password()
    try:
        actions.renew_password(found, password, by=request.staff, at=timezone.now())
    except DomainError as error:
        return _account_page(request, found, status=422, refused=str(error))
    return render(request, "workbench/people/opened.html", {"account": found, "password": password, "is_renewed": True})


# -- applicants ---------------------------------------------------------------------------------------------------


@staff_page("people.register", "people.reveal")
@require_safe
def applicant(request: StaffRequest, applicant_id: UUID) -> HttpResponse:
    return _applicant_page(request, applicant_id)


@staff_page("people.reveal")
@require_POST
def reveal(request: StaffRequest, applicant_id: UUID) -> HttpResponse:
    """Not keyed: a repeat is another look and another row, and no answer with a number in it is kept."""
    found = queries.get_applicant_for(request.staff, applicant_id)
    if found is None:
        raise Http404
    field = posted_text(request, "field")
    try:
        value = actions.reveal(found, field, reason=posted_text(request, "reason"), by=request.staff, at=timezone.now())
    except DomainError as error:
        return _applicant_page(request, applicant_id, status=422, refused=str(error), refused_field="reveal-reason")
    return _applicant_page(request, applicant_id, revealed={"field": field, "value": value})


def _applicant_page(request: StaffRequest, applicant_id: UUID, *, status: int = 200, **more: Any) -> HttpResponse:
    found = queries.get_applicant_for(request.staff, applicant_id)
    if found is None:
        raise Http404
    may_reveal = access.allowed(request.staff, "people.reveal", region=found.region_id)
    reason = posted_text(request, "reason") if status != 200 else ""
    context = {"applicant": found, "may_reveal": may_reveal, "reason": reason}
    return render(request, "workbench/people/applicant.html", context | more, status=status)


# -- the ledger ---------------------------------------------------------------------------------------------------


@staff_page("ledger.read")
@require_safe
def ledger(request: StaffRequest) -> HttpResponse:
    return _ledger_page(request, request.GET)


def _ledger_page(request: StaffRequest, values: Any, *, status: int = 200, **more: Any) -> HttpResponse:
    form = LedgerFilter(values, kinds=audit.kinds(request.staff))
    wanted = form.wanted()
    page = CappedPaginator(audit.rows(request.staff, wanted), PAGE).get_page(request.GET.get("page"))
    names = audit.names_of(request.staff, page.object_list)
    rows = [{"event": event, "who": _who(event, names), "roles": _roles(event), "data": _data(event)} for event in page]
    context = {
        "form": form,
        "page": page,
        "rows": rows,
        "health": audit.health(request.staff),
        "is_narrowed": wanted != audit.Wanted(),
        "filters": {name: value for name, value in values.items() if name in form.fields and value},
    }
    return render(request, "workbench/people/ledger.html", context | more, status=status)


@staff_page("ledger.read")
@require_POST
def export(request: StaffRequest) -> HttpResponse:
    """The filtered rows as CSV; the export is a row of the ledger itself, written before the file leaves."""
    now = timezone.now()
    wanted = LedgerFilter(request.POST, kinds=audit.kinds(request.staff)).wanted()
    try:
        events = audit.export(request.staff, wanted, at=now)
    except DomainError as error:
        return _ledger_page(request, request.POST, status=422, refused=str(error))
    names = audit.names_of(request.staff, events)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        [
            _("编号"),
            _("地区"),
            _("对象"),
            _("第几条"),
            _("做了什么"),
            _("谁"),
            _("角色"),
            _("时间"),
            _("内容"),
            _("哈希"),
        ]
    )
    for event in events:
        cells = [
            event.pk,
            event.region,
            event.stream,
            event.seq,
            event.kind,
            _who(event, names),
            _roles(event),
            localtime(event.at).isoformat(timespec="seconds"),
            _data(event),
            bytes(event.hash).hex(),
        ]
        writer.writerow([safe_cell(cell) for cell in cells])
    return HttpResponse(
        text.getvalue().encode("utf-8-sig"),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="ledger-{localdate(now):%Y%m%d}.csv"',
            "Cache-Control": "no-store",
        },
    )


@staff_page("ledger.read")
@require_POST
def verify(request: StaffRequest) -> HttpResponse:
    """The check may take minutes, so the worker does it; its result is a row of the ledger."""
    try:
        with transaction.atomic():
            verify_job.defer(timestamp=int(timezone.now().timestamp()))  # type: ignore[call-arg]
    except AlreadyEnqueued:
        messages.info(request, _("已经有一次核对在排队，结果出来会写在这里。"))
    else:
        messages.success(request, _("核对开始了，结果出来会写在这里；过一会儿刷新这一页。"))
    return redirect("workbench:ledger")


def _who(event: Event, names: dict[str, str]) -> str:
    words = {"system": _("系统"), "public": _("未登录的人")}
    return names.get(event.actor) or words.get(event.actor, event.actor)


def _roles(event: Event) -> str:
    labels = {"system": "", "public": "", "applicant": _("申请人"), **{role.value: str(role.label) for role in Role}}
    return "、".join(labels.get(role, role) for role in event.role.split(","))


def _data(event: Event) -> str:
    return json.dumps(event.data, ensure_ascii=False) if event.data else ""


urlpatterns = [
    path("people", people, name="people"),
    path("people/open", open_account, name="people-open"),
    path("people/<uuid:staff_id>", account, name="people-account"),
    path("people/<uuid:staff_id>/grant", grant, name="people-grant"),
    path("people/<uuid:staff_id>/end-role", end_role, name="people-end-role"),
    path("people/<uuid:staff_id>/close", close, name="people-close"),
    path("people/<uuid:staff_id>/password", renew_password, name="people-password"),
    path("applicants/<uuid:applicant_id>", applicant, name="people-applicant"),
    path("applicants/<uuid:applicant_id>/reveal", reveal, name="people-reveal"),
    path("ledger", ledger, name="ledger"),
    path("ledger/export", export, name="ledger-export"),
    path("ledger/verify", verify, name="ledger-verify"),
]
