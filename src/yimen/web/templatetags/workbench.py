"""What the frame of the workbench knows: the doors its reader may open."""

from dataclasses import dataclass
from typing import Any

from django import template
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from yimen.people import access
from yimen.people.models import Staff
from yimen.web.templatetags import yimen

register = template.Library()
register.filter("limit_words", yimen.limit_words)


@dataclass(frozen=True)
class Door:
    """A page in the navigation: its address name, its word, and the rights of which one opens it."""

    name: str
    word: str | Promise
    permissions: tuple[str, ...]


DOORS = (
    Door("workbench:window", _("收件受理"), ("cases.receive",)),
    Door("workbench:tasks", _("我的任务"), ("cases.review", "cases.decide")),
    # Those who do not take papers in call and finish on the same page.
    Door("workbench:window", _("窗口叫号"), ("hall.call",)),
    Door("workbench:desk", _("导办台"), ("hall.take",)),
    Door("workbench:cases", _("办件"), ("cases.view",)),
    Door("workbench:catalog", _("事项"), ("catalog.edit", "catalog.publish")),
    Door("workbench:powers", _("权力清单"), ("powers.view",)),
    Door("workbench:entry", _("进驻"), ("powers.view",)),
    Door("workbench:reviews", _("提意见"), ("catalog.review",)),
    Door(
        "workbench:leaflets", _("明白纸"), ("hall.take", "hall.call", "hall.manage", "catalog.edit", "catalog.publish")
    ),
    Door("workbench:hall", _("大厅"), ("hall.manage",)),
    Door("workbench:calendar", _("工作日历"), ("catalog.calendar",)),
    Door("workbench:rules", _("本地规则"), ("catalog.calendar",)),
    Door("workbench:places", _("机构"), ("people.manage",)),
    Door("workbench:organisation", _("机构调整"), ("people.manage",)),
    Door("workbench:people", _("人员"), ("people.manage", "people.grant")),
    Door("workbench:ledger", _("台账"), ("ledger.read",)),
    Door("workbench:report", _("统计"), ("insight.view",)),
    Door("workbench:quality", _("质量"), ("catalog.edit", "catalog.publish", "insight.view")),
    Door("workbench:proactive", _("主动提醒"), ("notify.send", "catalog.edit")),
    Door(
        "workbench:rulebook",
        _("制度文件"),
        ("centre.write_rules", "centre.approve_rules", "cases.view", "hall.take", "catalog.publish"),
    ),
)


def doors_for(staff: Staff) -> list[tuple[str, str]]:
    """Return (address, word) of every page `staff` may open, in the order of the navigation."""
    found: dict[str, str] = {}
    for door in DOORS:
        if any(access.allowed(staff, permission) for permission in door.permissions):
            try:
                found.setdefault(reverse(door.name), str(door.word))
            except NoReverseMatch:
                continue
    return list(found.items())


@register.inclusion_tag("workbench/nav.html", takes_context=True)
def workbench_nav(context: template.Context) -> dict[str, Any]:
    request: HttpRequest = context["request"]
    staff = getattr(request.user, "staff", None)
    doors = doors_for(staff) if isinstance(staff, Staff) else []
    # The longest address that begins this one, so that a page below a list marks the list.
    here = max((url for url, _word in doors if request.path.startswith(url)), key=len, default="")
    return {"doors": [(url, word, url == here) for url, word in doors]}
