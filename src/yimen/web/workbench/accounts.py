"""核对网上账户: at the window, with the paper in hand, an account becomes its owner's."""

from __future__ import annotations

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from yimen.cases.actions import applying
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.guard import StaffRequest, staff_page


class CheckForm(forms.Form):
    code = forms.CharField(
        label=gettext_lazy("确认码"),
        max_length=20,
        help_text=gettext_lazy("在申请人手机的“我的”里，8 个字"),
        error_messages={"required": gettext_lazy("请填确认码。")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}),
    )
    id_number = forms.CharField(
        label=gettext_lazy("证件上的号码"),
        max_length=30,
        help_text=gettext_lazy("看着证件原件填，不要问他；人和证件要对得上。"),
        error_messages={"required": gettext_lazy("请照证件填号码。")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}),
    )


def _page(request: StaffRequest, *, form: CheckForm | None = None, refused: str = "") -> HttpResponse:
    form = form or CheckForm(request.POST if request.method == "POST" else None)
    return render(request, "workbench/account_check.html", {"form": form, "refused": refused})


@staff_page("people.register")
@require_http_methods(["GET", "HEAD", "POST"])
def check(request: StaffRequest) -> HttpResponse:
    return _check(request) if request.method == "POST" else _page(request)


@keyed("people.confirm_account", stay=_page)
def _check(request: StaffRequest) -> Done:
    form = CheckForm(request.POST)
    if not form.is_valid():
        raise Stay(form=form)
    account = applying.confirm_account(
        form.cleaned_data["code"], form.cleaned_data["id_number"], by=request.staff, at=timezone.now()
    )
    said = _("%(name)s的网上账户核对好了，请他刷新手机看看。") % {"name": account.applicant.masked_name}
    return Done(reverse("workbench:account-check"), said)


urlpatterns = [path("accounts", check, name="account-check")]
