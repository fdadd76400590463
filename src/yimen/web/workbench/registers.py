"""One page that asks every register about one person (S0-9); nothing of it stands in an address."""

from __future__ import annotations

from django import forms
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from yimen.lib.errors import DomainError
from yimen.registers import actions
from yimen.registers.models import Register
from yimen.web.workbench.adding import required
from yimen.web.workbench.guard import StaffRequest, staff_page


class LookUpForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("姓名"), max_length=120, **required(gettext_lazy("请填写姓名。")))
    id_number = forms.CharField(
        label=gettext_lazy("证件号码"), max_length=30, **required(gettext_lazy("请填写证件号码。"))
    )
    purpose = forms.CharField(
        label=gettext_lazy("查来做什么"),
        max_length=actions.LONGEST_PURPOSE,
        help_text=gettext_lazy("例如：学区划分，本人申请。会记入台账。"),
        **required(gettext_lazy("请写明查来做什么。")),
    )


@never_cache
@staff_page("registers.look")
@transaction.non_atomic_requests
@require_http_methods(["GET", "HEAD", "POST"])
def look_up(request: StaffRequest) -> HttpResponse:
    """Ask and show; a reload asks again, which the browser says first and the ledger counts."""
    form, at = LookUpForm(request.POST or None, auto_id="%s"), timezone.now()
    context = {
        "form": form,
        "now": at,
        "registers": Register.objects.filter(region_id=request.staff.region_id, is_on=True).select_related(
            "department"
        ),
    }
    if not (request.method == "POST" and form.is_valid()):
        return render(request, "workbench/registers/look_up.html", context, status=400 if form.errors else 200)
    try:
        context["answers"] = actions.look_up(
            **form.cleaned_data, by=request.staff, at=at, region=request.staff.region_id
        )
    except DomainError as error:
        return render(request, "workbench/registers/look_up.html", context | {"refused": str(error)}, status=400)
    return render(request, "workbench/registers/look_up.html", context)


urlpatterns = [path("registers", look_up, name="registers")]
