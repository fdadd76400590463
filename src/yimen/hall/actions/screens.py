"""Writes: the screens of a hall. For hall managers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.hall.actions.telling import tell_changed
from yimen.hall.models import Hall, HallZone, Screen, Window
from yimen.hall.rules import screens as rules
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib.errors import DomainError
from yimen.people import access


class ScreenTaken(DomainError):
    """Another screen or hall has this code."""


class ScreenIncomplete(DomainError):
    """A name, a zone or a window is missing, or how it speaks has the wrong form."""


# What may be set besides name and layout, with the fields' own defaults.
SETTINGS = (
    "high_contrast", "speaks", "repeats", "language", "speech", "second_language", "second_speech", "volume",
    "quiet_from", "quiet_until", "quiet_volume", "shows_notices", "shows_openings", "shows_figures",
)  # fmt: skip


@transaction.atomic
def set_up_screen(
    hall: Hall,
    *,
    code: str,
    name: str,
    layout: str,
    by: Actor,
    at: datetime,
    zone: HallZone | None = None,
    window: Window | None = None,
    halls: Iterable[Hall] = (),
    **settings: Any,
) -> Screen:
    """
    Add a screen; its code stands in its address. settings: see SETTINGS.

    Raises ScreenTaken, ScreenIncomplete, access.NotAllowed.
    """
    access.require(by, "hall.manage", region=hall.region_id)
    code = code.strip().lower()
    if not re.fullmatch("[a-z0-9][a-z0-9_-]{0,19}", code):
        raise ScreenIncomplete(_("代号用小写字母、数字和横线，最多 20 个，例如 east-1。"))
    Hall.objects.select_for_update(no_key=True).get(pk=hall.pk)
    is_hall = Hall.objects.filter(region_id=hall.region_id, code=code).exists()
    if is_hall or Screen.objects.filter(region_id=hall.region_id, code=code).exists():
        raise ScreenTaken(_("代号 %(code)s 已经有大厅或屏幕在用，请换一个。") % {"code": code})
    screen = Screen(region_id=hall.region_id, hall=hall, code=code)
    wanted = _apply(screen, name, layout, zone, window, halls, settings)
    screen.save(force_insert=True)
    screen.halls.set(wanted)
    _record(screen, "hall.screen_set_up", by, at)
    return screen


@transaction.atomic
def change_screen(
    screen_id: UUID,
    *,
    name: str,
    layout: str,
    by: Actor,
    at: datetime,
    zone: HallZone | None = None,
    window: Window | None = None,
    halls: Iterable[Hall] = (),
    **settings: Any,
) -> Screen:
    """Say what a screen shows and how it speaks; it follows within a second. Raises ScreenIncomplete."""
    screen = _locked(screen_id, by)
    wanted = _apply(screen, name, layout, zone, window, halls, settings)
    screen.save(update_fields=["name", "layout", "zone", "window", *SETTINGS])
    screen.halls.set(wanted)
    _record(screen, "hall.screen_changed", by, at)
    return screen


@transaction.atomic
def switch_screen(screen_id: UUID, is_on: bool, *, by: Actor, at: datetime) -> Screen:
    """Switch a screen's address on or off. A repeat changes nothing."""
    screen = _locked(screen_id, by)
    if screen.is_on != is_on:
        screen.is_on = is_on
        screen.save(update_fields=["is_on"])
        _record(screen, "hall.screen_switched_on" if is_on else "hall.screen_switched_off", by, at)
    return screen


def _locked(screen_id: UUID, by: Actor) -> Screen:
    screen = Screen.objects.select_for_update(of=("self",), no_key=True).select_related("hall").get(pk=screen_id)
    access.require(by, "hall.manage", region=screen.region_id)
    return screen


def _apply(
    screen: Screen,
    name: str,
    layout: str,
    zone: HallZone | None,
    window: Window | None,
    halls: Iterable[Hall],
    settings: Mapping[str, Any],
) -> list[Hall]:
    """Put what is wanted on the row, checked; return the further halls it shows."""
    screen.name = name.strip()
    if not screen.name:
        raise ScreenIncomplete(_("请填写名称。"))
    if layout not in Screen.Layout.values:
        raise ScreenIncomplete(_("没有这种屏幕，请从列表里选。"))
    screen.layout = layout
    screen.zone = zone if layout in (Screen.Layout.ZONE, Screen.Layout.NOTICES) else None
    screen.window = window if layout == Screen.Layout.WINDOW else None
    if layout == Screen.Layout.ZONE and (zone is None or zone.hall_id != screen.hall_id):
        raise ScreenIncomplete(_("请选择这块屏显示本大厅的哪个区。"))
    if layout == Screen.Layout.WINDOW and (window is None or window.hall_id != screen.hall_id):
        raise ScreenIncomplete(_("请选择这块屏挂在本大厅的哪个窗口。"))
    wanted = {hall.pk: hall for hall in halls if hall.pk != screen.hall_id} if layout == Screen.Layout.HALLS else {}
    if layout == Screen.Layout.HALLS and not wanted:
        raise ScreenIncomplete(_("请至少再选一个大厅，一起显示在这块屏上。"))
    if any(hall.region_id != screen.region_id for hall in wanted.values()):
        raise ScreenIncomplete(_("这个大厅不在本地区。"))
    for field in SETTINGS:
        if field in settings:
            setattr(screen, field, settings[field])
    _check_voice(screen)
    return list(wanted.values())


def _check_voice(screen: Screen) -> None:
    if not rules.is_language(screen.language) or (
        screen.second_language and not rules.is_language(screen.second_language)
    ):
        raise ScreenIncomplete(_("语言写成 zh-CN、yue-HK 这样的标记。"))
    if any(text and not rules.is_speech(text) for text in (screen.speech, screen.second_speech)):
        raise ScreenIncomplete(_("播报的话里要有 {label}（号码）和 {window}（窗口号），不能有别的括号。"))
    if bool(screen.second_language) != bool(screen.second_speech):
        raise ScreenIncomplete(_("第二种话要写明语言和整句话，两样都写。"))
    low, high = rules.REPEATS
    if not low <= screen.repeats <= high:
        raise ScreenIncomplete(_("每个号播报 1 到 5 遍。"))
    if not (0 <= screen.volume <= 100 and 0 <= screen.quiet_volume <= 100):
        raise ScreenIncomplete(_("音量是 0 到 100。"))
    if (screen.quiet_from is None) != (screen.quiet_until is None):
        raise ScreenIncomplete(_("安静时段的开始和结束都要写。"))


def _record(screen: Screen, kind: str, by: Actor, at: datetime) -> None:
    data = {"code": screen.code, "name": screen.name, "layout": screen.layout, "speaks": screen.speaks}
    ledger.record(f"screen:{screen.pk}", kind, region=screen.region_id, by=by, at=at, data=data)
    tell_changed(screen.hall_id)
