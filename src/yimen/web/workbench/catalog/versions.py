"""An edition from review to publishing and withdrawing."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yimen.catalog import actions
from yimen.catalog.models import (
    ItemVersion,
)
from yimen.lib.errors import DomainError
from yimen.web.workbench.catalog.common import item_or_404
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page


@staff_page("catalog.publish")
@require_POST
def publish(request: StaffRequest, pk: UUID) -> HttpResponse:
    found = item_or_404(request, pk)
    version = found.versions.filter(state=ItemVersion.State.DRAFT).first()
    if version is None:
        messages.error(request, _("没有草稿可以发布。"))
        return redirect("workbench:item", pk)
    try:
        actions.publish(version, by=request.staff, at=timezone.now(), seen=posted_text(request, "seen"))
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("已发布，大家现在看到的就是这一版。正在办的件仍按原来的版本办。"))
    return redirect("workbench:item", pk)


@staff_page("catalog.publish")
@require_POST
def withdraw(request: StaffRequest, pk: UUID) -> HttpResponse:
    try:
        actions.withdraw(
            item_or_404(request, pk), reason=posted_text(request, "reason")[:200], by=request.staff, at=timezone.now()
        )
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("已停办，大家查不到了。正在办的件接着办完。"))
    return redirect("workbench:item", pk)


urlpatterns = [
    path("items/<uuid:pk>/publish", publish, name="item-publish"),
    path("items/<uuid:pk>/withdraw", withdraw, name="item-withdraw"),
]
