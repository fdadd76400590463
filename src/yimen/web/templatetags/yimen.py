"""Template tags and filters every page may use (a builtin: no {% load %} needed)."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import segno
from django import template
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

register = template.Library()

# The only drawings of the product; 24 x 24, one stroke width.
ICONS: Mapping[str, str] = {
    "check": '<path d="M5 12.5l4.5 4.5L19 7.5"/>',
    "clock": '<circle cx="12" cy="12" r="9"/><path d="M12 7v5.5l3.5 2"/>',
    "arrow": '<path d="M5 12h14M13 6l6 6-6 6"/>',
    "back": '<path d="M19 12H5M11 6l-6 6 6 6"/>',
    "pause": '<path d="M9 6v12M15 6v12"/>',
    "warn": '<path d="M12 4L2.5 20h19z"/><path d="M12 10v4.5M12 17.4v.1"/>',
    "cross": '<path d="M6 6l12 12M18 6L6 18"/>',
    "info": '<circle cx="12" cy="12" r="9"/><path d="M12 11v6M12 7.5v.1"/>',
    "search": '<circle cx="11" cy="11" r="7"/><path d="M16.5 16.5L21 21"/>',
    "person": '<circle cx="12" cy="8" r="4"/><path d="M4 21c1-5 4-7 8-7s7 2 8 7"/>',
    "calendar": '<path d="M4 6h16v15H4zM4 11h16M8 3v4M16 3v4"/>',
    "speech": '<path d="M4 5h16v11H10l-4 4v-4H4z"/>',
    "paper": '<path d="M6 3h8l4 4v14H6z"/><path d="M9 12h6M9 16h6"/>',
    "phone": '<path d="M6 3h4l1.5 5-2.5 2a12 12 0 005 5l2-2.5 5 1.5v4a2 2 0 01-2 2A16 16 0 014 5a2 2 0 012-2z"/>',
    "larger": '<path d="M3 19L9 5l6 14M5.2 14h7.6M17 10v9M14 13h6"/>',
    "key": '<circle cx="8" cy="15" r="4"/><path d="M11 12l9-9M17 6l3 3M14 9l2 2"/>',
}
# From very satisfied to very dissatisfied: the mouth is all that changes.
_MOUTHS: Mapping[str, str] = {
    "very_good": "M8 14q4 4.5 8 0",
    "good": "M8 14.5q4 3 8 0",
    "fair": "M8 15h8",
    "bad": "M8 16q4-2.5 8 0",
    "very_bad": "M8 16.5q4-4 8 0",
}
_CHIP_ICONS: Mapping[str, str] = {
    "info": "info", "wait": "clock", "go": "arrow", "pause": "pause", "done": "check", "bad": "warn", "off": "cross",
}  # fmt: skip
_WEEKDAYS: Mapping[str, tuple[str, ...]] = {
    "zh-hans": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    "zh-hant": ("週一", "週二", "週三", "週四", "週五", "週六", "週日"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon for the eye only; the word beside it is what everybody reads."""
    return mark_safe(f'<svg class="ic" viewBox="0 0 24 24" aria-hidden="true">{ICONS[name]}</svg>')  # noqa: S308 - our constants


@register.simple_tag
def mark() -> SafeString:
    """一 over an open 门."""
    return mark_safe(
        '<svg class="mark" viewBox="0 0 32 32" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="3">'
        '<path d="M2 4.5h28" stroke-width="4"/><path d="M6 30V12h20v18"/>'
        '<path d="M6 12l10 4.5V30H6z" fill="currentColor" stroke-linejoin="round"/></svg>'
    )


@register.simple_tag
def face(level: str) -> SafeString:
    """The drawn face of a rating level (very_good … very_bad)."""
    return mark_safe(  # noqa: S308 - our constants
        '<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="10"/>'
        f'<path d="M8.5 9v.6M15.5 9v.6{_MOUTHS[level]}"/></svg>'
    )


@register.inclusion_tag("components/chip.html")
def chip(kind: str, word: str) -> dict[str, str]:
    """A status chip, icon and word; kind: info, wait, go, pause, done, bad or off."""
    return {"css": "wait" if kind == "pause" else kind, "icon": _CHIP_ICONS[kind], "word": word}


@register.simple_tag
def once_key(key: str = "") -> SafeString:
    """The hidden field that makes a form count once however often it is sent."""
    return format_html('<input type="hidden" name="_key" value="{}">', key or uuid.uuid4())


@register.simple_tag
def qr(text: str, label: str = "") -> SafeString:
    """A QR code as inline SVG without style, so the strict policy shows it; label is what is read aloud."""
    drawing = segno.make(text, error="m").svg_inline(svgclass="qr", lineclass=None, border=2, omitsize=True)
    opening = format_html('<svg role="img" aria-label="{}" ', label or _("二维码"))
    return opening + mark_safe(drawing.removeprefix("<svg "))  # noqa: S308 - made of modules only


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: Any) -> str:
    """This page's query string with some values changed; None drops one."""
    request: HttpRequest = context["request"]
    values = request.GET.copy()
    for name, value in changes.items():
        if value is None:
            values.pop(name, None)
        else:
            values[name] = str(value)
    return f"?{values.urlencode()}"


def _language() -> str:
    language = (get_language() or "zh-hans").lower()
    return language if language in _WEEKDAYS else "zh-hans"


def _local(value: date | datetime) -> date:
    if isinstance(value, datetime):
        return timezone.localtime(value).date() if timezone.is_aware(value) else value.date()
    return value


@register.filter
def day(value: date | datetime | None, form: str = "") -> str:
    """
    A date as people say it: 11 月 26 日（周四）, Thu 26 Nov; the year too when it is not this year.

    form "short" leaves the weekday out, "year" always says the year.
    """
    if not value:
        return ""
    on = _local(value)
    weekday = _WEEKDAYS[_language()][on.weekday()]
    with_year = form == "year" or on.year != timezone.localdate().year
    if _language() == "en":
        text = f"{on.day} {_MONTHS[on.month - 1]}" + (f" {on.year}" if with_year else "")
        return text if form == "short" else f"{weekday} {text}"
    text = (f"{on.year} 年 " if with_year else "") + f"{on.month} 月 {on.day} 日"
    return text if form == "short" else f"{text}（{weekday}）"


@register.filter
def clock_time(value: datetime | None) -> str:
    """9:05, local."""
    if not value:
        return ""
    at = timezone.localtime(value) if timezone.is_aware(value) else value
    return f"{at.hour}:{at.minute:02d}"


@register.filter
def moment(value: datetime | None) -> str:
    """今天 9:05, 11 月 16 日（周一）16:20."""
    if not value:
        return ""
    if _local(value) == timezone.localdate():
        return _("今天 %(time)s") % {"time": clock_time(value)}
    return f"{day(value)} {clock_time(value)}"


@register.filter
def minutes(seconds: float | None) -> int | str:
    """Whole minutes of a length in seconds, at least 1 when there is anything to wait for."""
    return "" if seconds is None else max(round(seconds / 60), 1 if seconds > 0 else 0)


@register.filter
def thousands(value: float | None) -> str:
    """1,486."""
    return "" if value is None else f"{value:,}"


@register.filter
def field_id(errors: Any, name: str) -> str:
    return f"id_{name}"


@register.filter
def add_class(field: Any, css: str) -> SafeString:
    """A bound form field with our class, marked for assistive technology when it is wrong."""
    attrs = {"class": f"{css} bad" if field.errors else css}
    if field.errors:
        attrs |= {"aria-invalid": "true", "aria-describedby": f"{field.id_for_label}-error"}
    elif field.help_text:
        attrs["aria-describedby"] = f"{field.id_for_label}-hint"
    return field.as_widget(attrs=attrs)


@dataclass(frozen=True)
class Cell:
    """One day of the ribbon as drawn; `full` is what is read aloud."""

    css: str
    number: int
    word: str
    limit: int | None
    full: str
    strip: str
    month: str


_STRIP = {"start": "s", "counted": "c", "rest": "r", "stopped": "p", "left": "l", "due": "d", "over": "o"}


def _cell(day_: Any, *, first: bool) -> Cell:
    provisional = day_.is_provisional or day_.kind == "provisional"
    kind = "due" if day_.is_due else day_.kind
    css = "prov" if kind == "provisional" or (provisional and kind == "left") else kind
    if provisional and kind == "due":
        css = "due prov"
    limit = None
    if kind == "start":
        word = full = _("受理")
    elif kind == "rest":
        word, full = _("休"), _("休息日，不计")
    elif kind == "stopped":
        word, full = _("停"), _("依法停计")
    elif kind == "due":
        word = _("暂定") if provisional else _("到期")
        full = _("暂定的到期日") if provisional else _("到期日")
    elif kind == "over":
        word = _("超 %(n)s") % {"n": day_.n}
        full = _("超期第 %(n)s 天") % {"n": day_.n}
    else:
        word, limit = str(day_.n or ""), day_.limit
        full = _("第 %(n)s 天，共 %(limit)s 天") % {"n": day_.n, "limit": day_.limit}
        if provisional:
            full = pgettext("day of a clock", "%(what)s，暂定") % {"what": full}
    if day_.is_today:
        css, full = f"{css} today", pgettext("day of a clock", "%(what)s，今天") % {"what": full}
        if kind != "due":
            word, limit = _("今天"), None
    if first:
        css += f" from-{day_.on.isoweekday()}"
    strip = "v" if css.startswith("prov") else _STRIP.get(kind, "l")
    if day_.is_today:
        strip += " t"
    month = day(day_.on, "short") if first or day_.on.day == 1 or day_.is_due else ""
    return Cell(css, day_.on.day, word, limit, f"{day(day_.on)} {full}", strip, month)


@register.inclusion_tag("components/ribbon.html")
def ribbon(clock: Any) -> dict[str, Any]:
    """The clock ribbon of a ClockView; above 30 days wide screens get the fine strip."""
    cells = [_cell(d, first=i == 0) for i, d in enumerate(clock.days)]
    return {
        "cells": cells,
        "sentence": clock.sentence,
        "long": len(cells) > 30,
        "kinds": _kinds(clock.days),
        "weekdays": [name[-1] if _language() != "en" else name[:2] for name in _WEEKDAYS[_language()]],
    }


def _kinds(days: Iterable[Any]) -> list[tuple[str, str]]:
    """The key below a ribbon: only what occurs in it."""
    found = {"due" if d.is_due else d.kind for d in days}
    if any(d.is_provisional for d in days):
        found.add("provisional")
    key = {
        "start": ("start", _("受理日，不计")),
        "counted": ("counted", _("已计")),
        "stopped": ("stopped", _("依法停计")),
        "rest": ("rest", _("休息日")),
        "left": ("left", _("剩余")),
        "due": ("due", _("到期日")),
        "over": ("over", _("超期")),
        "provisional": ("prov", _("暂定，那年的放假安排还没公布")),
    }
    return [pair for kind, pair in key.items() if kind in found]


@register.inclusion_tag("components/strip.html")
def strip(clock: Any) -> dict[str, Any]:
    """The same clock one row high, for tables."""
    return {"cells": [_cell(d, first=False) for d in clock.days], "sentence": clock.sentence}
