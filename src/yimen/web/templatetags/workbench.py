"""What the frame of the workbench knows: the doors its reader may open."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from yimen.hall import queries as halls
from yimen.people import access
from yimen.people.models import Staff
from yimen.supervision import queries as supervision
from yimen.web.templatetags import yimen

register = template.Library()
Way = tuple[str, str, bool]  # address, word, whether the page shown is it or below it
QUEUE_RIGHTS = ("hall.call", "hall.take", "hall.manage")
register.filter("limit_words", yimen.limit_words)


@dataclass(frozen=True)
class Door:
    """
    A page in the navigation: its address name, its word, and the rights of which one opens it.

    below: pages elsewhere that belong to it; on them this door is marked.
    group: the menu of GROUPS it stands in for those with many doors; none for what is opened all day.
    """

    name: str
    word: str | Promise
    permissions: tuple[str, ...]
    below: tuple[str, ...] = ()
    group: str = ""


# The menus of the navigation, in their order. Those with few doors see them side by side, without menus.
GROUPS = {
    "cases": _("办件相关"),
    "catalog": _("事项和文书"),
    "centre": _("机构和规则"),
    "figures": _("统计和质量"),
    "watch": _("监察"),
}
FEW_DOORS = 7


DOORS = (
    Door("workbench:window", _("收件受理"), ("cases.receive",)),
    Door("workbench:tasks", _("我的任务"), ("cases.review", "cases.decide"), ("workbench:opinions",)),
    Door("workbench:visits", _("现场核查"), ("cases.review",)),
    # Those who do not take papers in call and finish on the same page.
    Door("workbench:window", _("窗口叫号"), ("hall.call",)),
    Door("workbench:desk", _("导办台"), ("hall.take",)),
    Door(
        "workbench:appointments",
        _("预约"),
        ("hall.book",),
        ("workbench:slot-plans", "workbench:campaigns", "workbench:closures"),
    ),
    Door("workbench:cases", _("办件"), ("cases.view",)),
    Door(
        "workbench:moves",
        _("转办和后补"),
        ("cases.view",),
        ("workbench:gaps", "workbench:commitments", "workbench:special"),
        group="cases",
    ),
    Door("workbench:registers", _("查登记"), ("registers.look",), group="cases"),
    Door("workbench:together", _("一件事和批量"), ("cases.receive",), group="cases"),
    Door("workbench:documents-print", _("批量打印"), ("cases.view",), group="cases"),
    Door("workbench:elsewhere", _("异地代收"), ("cases.receive",), ("workbench:elsewhere-item",), group="cases"),
    Door(
        "workbench:certificates",
        _("证照"),
        ("certificates.view",),
        ("workbench:quotas", "workbench:bars"),
        group="cases",
    ),
    Door(
        "workbench:priorities",
        _("优先和帮办"),
        ("cases.ask_priority", "cases.prioritize"),
        ("workbench:guidances", "workbench:teams", "workbench:experts", "workbench:conformity"),
        group="cases",
    ),
    Door("workbench:bars", _("不得再申请"), ("catalog.calendar",), group="cases"),
    Door("workbench:booking-figures", _("预约统计"), ("insight.view",), group="figures"),
    Door("workbench:fees", _("收费"), ("insight.view",), group="figures"),
    Door("workbench:publicity", _("双公示"), ("insight.view", "cases.publicize"), group="figures"),
    Door(
        "workbench:catalog",
        _("事项"),
        ("catalog.edit", "catalog.publish"),
        (
            "workbench:basics",
            "workbench:shared-documents",
            "workbench:dictionaries",
            "workbench:synonyms",
            "workbench:plain",
            "workbench:bundles",
        ),
        group="catalog",
    ),
    Door("workbench:powers", _("权力清单"), ("powers.view",), group="catalog"),
    Door(
        "workbench:templates", _("文书模板"), ("templates.write", "templates.approve", "seals.manage"), group="catalog"
    ),
    Door("workbench:archive", _("档案"), ("archive.read", "archive.keep", "archive.approve"), group="cases"),
    Door("workbench:entry", _("进驻"), ("powers.view",), ("workbench:organisation",), group="catalog"),
    Door("workbench:reviews", _("提意见"), ("catalog.review",), group="catalog"),
    Door(
        "workbench:leaflets",
        _("明白纸"),
        ("hall.take", "hall.call", "hall.manage", "catalog.edit", "catalog.publish"),
        group="catalog",
    ),
    Door(
        "workbench:floor",
        _("大厅现在"),
        ("hall.manage",),
        ("workbench:hall-days", "workbench:hall-alarms", "workbench:forecasts"),
    ),
    Door(
        "workbench:hall",
        _("大厅"),
        ("hall.manage",),
        (
            "workbench:hall-merge",
            "workbench:screens",
            "workbench:notices",
            "workbench:hall-places",
            "workbench:work-cards",
        ),
    ),
    Door("workbench:calendar", _("工作日历"), ("catalog.calendar",), group="centre"),
    Door("workbench:rules", _("本地规则"), ("catalog.calendar",), group="centre"),
    Door("workbench:dictionaries", _("代码表"), ("catalog.calendar",), ("workbench:imports",), group="centre"),
    Door("workbench:places", _("机构"), ("people.manage",), ("workbench:points",), group="centre"),
    Door("workbench:organisation", _("机构调整"), ("people.manage",), group="centre"),
    Door("workbench:people", _("人员"), ("people.manage", "people.grant"), group="centre"),
    Door("workbench:clients", _("系统接口"), ("exchange.manage",), group="centre"),
    Door("workbench:ledger", _("台账"), ("ledger.read",), group="figures"),
    Door("workbench:report", _("统计"), ("insight.view",), group="figures"),
    Door("workbench:workload", _("工作量"), ("insight.view",), group="figures"),
    Door("workbench:covers", _("AB 角"), ("people.cover",), group="centre"),
    Door(
        "workbench:quality",
        _("质量"),
        ("catalog.edit", "catalog.publish", "insight.view"),
        ("workbench:reform",),
        group="figures",
    ),
    Door("workbench:account-check", _("核对网上账户"), ("people.register",), group="centre"),
    Door("workbench:proactive", _("主动提醒"), ("notify.send", "catalog.edit"), group="catalog"),
    Door(
        "workbench:rulebook",
        _("制度文件"),
        ("centre.write_rules", "centre.approve_rules", "cases.view", "hall.take", "catalog.publish"),
        group="catalog",
    ),
    Door(
        "workbench:supervision",
        _("电子监察"),
        ("supervision.view",),
        ("workbench:supervision-rules", "workbench:integrity", "workbench:cards-ranking", "workbench:walks"),
        group="watch",
    ),
    Door("workbench:cards", _("监察牌"), ("supervision.answer", "supervision.decide"), group="watch"),
    Door("workbench:guides", _("导办"), ("hall.guide", "hall.manage")),
    Door("workbench:machines", _("自助机"), ("hall.manage",), group="centre"),
    Door("workbench:visitor-opinions", _("群众意见"), ("ratings.opinions",), group="watch"),
)


# The pages of one door, beside each other on each of them.
TABS = {
    "around": (
        Door("workbench:priorities", _("优先办理"), ("cases.ask_priority", "cases.prioritize")),
        Door("workbench:guidances", _("办前辅导"), ("cases.guide", "insight.view")),
        Door("workbench:teams", _("专班"), ("cases.view",)),
        Door("workbench:experts", _("专家库"), ("cases.ask_expert", "cases.experts")),
        Door("workbench:conformity", _("和流程对一对"), ("cases.view",)),
    ),
    "handling": (
        Door("workbench:moves", _("转来的件"), ("cases.view",)),
        Door("workbench:gaps", _("容缺待补"), ("cases.view",)),
        Door("workbench:commitments", _("承诺待核"), ("cases.view",)),
        Door("workbench:special", _("停计和延长"), ("cases.view",)),
    ),
    "catalog": (
        Door("workbench:items", _("事项"), ("catalog.edit", "catalog.publish")),
        Door("workbench:basics", _("基本目录"), ("catalog.edit", "catalog.publish", "insight.view")),
        Door("workbench:shared-documents", _("不用带的证件"), ("catalog.edit", "catalog.publish")),
        Door("workbench:dictionaries", _("代码表"), ("catalog.edit", "catalog.publish", "catalog.calendar")),
        Door("workbench:synonyms", _("大家的说法"), ("catalog.edit",)),
        Door("workbench:plain", _("行话和大白话"), ("catalog.edit",)),
        Door("workbench:imports", _("导入导出"), ("exchange.import",)),
        Door("workbench:bundles", _("一件事"), ("catalog.edit", "catalog.publish")),
    ),
    "entry": (
        Door("workbench:entry", _("进驻率和单位"), ("powers.view",)),
        Door("workbench:entry-items", _("进驻体检"), ("powers.view",)),
        Door("workbench:entry-delegations", _("授权书"), ("powers.view",)),
        Door("workbench:organisation", _("机构调整"), ("powers.view", "people.manage")),
    ),
    "supervision": (
        Door("workbench:supervision", _("今天到期"), ("supervision.view",)),
        Door("workbench:cards", _("监察牌"), ("supervision.answer", "supervision.decide")),
        Door("workbench:cards-ranking", _("排名"), ("supervision.view",)),
        Door("workbench:supervision-rules", _("监察规则"), ("supervision.view",)),
        Door("workbench:integrity", _("廉政风险"), ("supervision.view",)),
        Door("workbench:walks", _("换位体验"), ("supervision.view",)),
    ),
}


def _open_to(staff: Staff, tabs: str = "") -> dict[str, Door]:
    """Return the doors `staff` may open, by address, in their order: of the navigation, or of the tabs named."""
    return _opened_by(frozenset(grant.role for grant in staff.granted) if staff.user.is_active else frozenset(), tabs)


@cache
def _opened_by(roles: frozenset[str], tabs: str) -> dict[str, Door]:
    """The same for everybody with these roles, on every page."""
    found: dict[str, Door] = {}
    for door in TABS[tabs] if tabs else DOORS:
        if any(access.PERMISSIONS[permission] & roles for permission in door.permissions) and (url := _url(door.name)):
            found.setdefault(url, door)
    return found


@cache
def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def doors_for(staff: Staff) -> list[tuple[str, str]]:
    """Return (address, word) of every page `staff` may open, in the order of the navigation."""
    return [(url, str(door.word)) for url, door in _open_to(staff).items()]


@register.inclusion_tag("workbench/nav.html", takes_context=True)
def workbench_nav(context: template.Context) -> dict[str, Any]:
    request: HttpRequest = context["request"]
    staff = getattr(request.user, "staff", None)
    doors = _open_to(staff) if isinstance(staff, Staff) else {}
    # The longest address that begins this one, so that a page below a list marks the list.
    reach = {_url(name): url for url, door in doors.items() for name in door.below} | {url: url for url in doors}
    here = max((url for url in reach if url and request.path.startswith(url)), key=len, default="")
    words = {url: str(door.word) for url, door in doors.items()}
    if isinstance(staff, Staff) and (count := cards_waiting(staff, words)):
        words[_url("workbench:cards")] += gettext("（%(n)s）") % {"n": count}
    plain: list[Way] = []
    menus: dict[str, list[Way]] = {}
    for url, door in doors.items():
        beside = menus.setdefault(door.group, []) if door.group else plain
        beside.append((url, words[url], url == reach.get(here)))
    for group in GROUPS:
        # A menu of one would only hide its page.
        if group in menus and (len(doors) <= FEW_DOORS or len(menus[group]) == 1):
            plain += menus.pop(group)
    return {
        "doors": plain,
        "menus": [
            (str(word), any(is_here for _url, _word, is_here in menus[group]), menus[group])
            for group, word in GROUPS.items()
            if group in menus
        ],
    }


_CARDS_SECONDS, _MOST_COUNTED = 20, 2000
_cards: dict[UUID, tuple[float, int]] = {}


def cards_waiting(staff: Staff, doors: Collection[str]) -> int:
    """Return how many cards wait for an answer of `staff` (SUP-7), counted again every few seconds."""
    if _url("workbench:cards") not in doors or not access.allowed(staff, "supervision.answer"):
        return 0
    read_at, count = _cards.get(staff.pk, (0.0, 0))
    if settings.TESTING or time.monotonic() - read_at > _CARDS_SECONDS:
        if len(_cards) > _MOST_COUNTED:
            _cards.clear()
        count = supervision.waiting_count(staff)
        _cards[staff.pk] = (time.monotonic(), count)
    return count


@register.inclusion_tag("workbench/team/now.html", takes_context=True)
def hall_now(context: template.Context) -> dict[str, Any]:
    """Who waits in the hall, on every page of those who work with people there (S2-21, S2-23); one statement."""
    staff = getattr(context["request"].user, "staff", None)
    if not isinstance(staff, Staff) or not any(access.allowed(staff, right) for right in QUEUE_RIGHTS):
        return {}
    known = "pressure" in context
    return {"pressure": context["pressure"] if known else halls.pressure(staff, timezone.now())}


@register.simple_tag(takes_context=True)
def tabs(context: template.Context, name: str) -> list[tuple[str, str, bool]]:
    """Return (address, word, whether this is it) of the tabs called `name` its reader may open; none when only one."""
    request: HttpRequest = context["request"]
    staff = getattr(request.user, "staff", None)
    doors = _open_to(staff, name) if isinstance(staff, Staff) else {}
    if len(doors) < 2:
        return []
    return [(url, str(door.word), request.path == url) for url, door in doors.items()]
