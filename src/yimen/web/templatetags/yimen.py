"""Template tags and filters every page may use (a builtin: no {% load %} needed)."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from django import template
from django.http import HttpRequest
from django.templatetags.i18n import TranslateNode, do_translate
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from yimen.cases.rules import ClockView, Day, DayKind
from yimen.lib import dates
from yimen.lib import qr as drawn
from yimen.lib import text as text_of
from yimen.lib.workdays import LOCAL_ZONE, Limit, Unit

register = template.Library()
K = TypeVar("K")
NOTHING = SafeString("")

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


class SaidOnce(TranslateNode):
    """A fixed text of a template, looked up once for each language."""

    def __init__(self, node: TranslateNode) -> None:
        super().__init__(node.filter_expression, node.noop, node.asvar, node.message_context)
        self.said: dict[str | None, str] = {}

    def render(self, context: template.Context) -> str:
        language = get_language()
        if (text := self.said.get(language)) is None:
            self.said[language] = text = super().render(context)
        return text


@register.tag("translate")
def translate(parser: template.base.Parser, token: template.base.Token) -> TranslateNode:
    """Django's own, which asks for the words again on every page; they are the same until the program ends."""
    node: TranslateNode = do_translate(parser, token)
    text = node.filter_expression
    is_fixed = isinstance(text.var, template.base.Variable) and text.var.literal is not None and not text.filters
    return SaidOnce(node) if is_fixed and not node.asvar and not node.message_context and not node.noop else node


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


@register.simple_tag
def chip(kind: str, word: str) -> SafeString:
    """A status chip, icon and word; kind: info, wait, go, pause, done, bad or off."""
    # Not a template of its own: a list draws one for every row.
    css = "wait" if kind == "pause" else kind
    return format_html('<span class="chip {}">{}{}</span>', css, icon(_CHIP_ICONS[kind]), word)


@register.simple_tag
def once_key(key: str = "") -> SafeString:
    """The hidden field that makes a form count once however often it is sent."""
    return format_html('<input type="hidden" name="_key" value="{}">', key or uuid.uuid4())


@register.simple_tag
def qr(text: str, label: str = "") -> SafeString:
    """A QR code; label says what it leads to."""
    return mark_safe(drawn.svg(text, label=label or _("二维码")))  # noqa: S308 - escaped there


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


def _local(value: date | datetime) -> date:
    if isinstance(value, datetime):
        return value.astimezone(LOCAL_ZONE).date() if timezone.is_aware(value) else value.date()
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
    with_year = form == "year" or on.year != timezone.now().astimezone(LOCAL_ZONE).year
    return dates.short_day(on, year=with_year, weekday=form != "short")


register.filter("month_name", dates.month_name)


@register.simple_tag
def weekday_letters() -> list[str]:
    """The heads of a calendar's columns: 一 … 日, or Mo … Su."""
    return [name[:2] if name.isascii() else name[-1] for name in dates.weekday_names()]


@register.filter
def listed(things: Iterable[Any], name: str = "") -> str:
    """Names in one line, 甲、乙 or A, B; `name` is the attribute to show."""
    return text_of.listed(str(getattr(thing, name) if name else thing) for thing in things)


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
def soft_break(label: str) -> SafeString:
    """A label of four or five characters breaks after the second where it must: 非常 / 不满意."""
    text = str(label)
    if text.isascii() or len(text) < 4:
        return format_html("{}", text)
    return format_html("{}<wbr>{}", text[:2], text[2:])


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


_STRIP = {
    DayKind.START: "s",
    DayKind.COUNTED: "c",
    DayKind.REST: "r",
    DayKind.STOPPED: "p",
    DayKind.LEFT: "l",
    DayKind.OVER: "o",
}


def _said(of: Day) -> tuple[str, str]:
    """What a day's cell says, and how it is read aloud."""
    if of.is_due:
        word = pgettext("day of a clock", "暂定") if of.is_provisional else _("到期")
        return word, _("暂定的到期日") if of.is_provisional else _("到期日")
    match of.kind:
        case DayKind.START:
            return pgettext("day of a clock", "受理"), _("受理日，不计")
        case DayKind.REST:
            return _("休"), _("休息日，不计")
        case DayKind.STOPPED:
            return _("停"), _("依法停计")
        case DayKind.OVER:
            return _("超 %(n)s") % {"n": of.n}, _("超期第 %(n)s 天") % {"n": of.n}
    if of.n is None:  # months and hours have no numbered days
        return "", _("期限以内") if of.kind is DayKind.LEFT else _("已经过去")
    return str(of.n), _("第 %(n)s 天，共 %(limit)s 天") % {"n": of.n, "limit": of.limit}


def _cell(of: Day, *, first: bool) -> Cell:
    word, full = _said(of)
    css, limit = of.kind.value, of.limit if of.kind in {DayKind.COUNTED, DayKind.LEFT} and not of.is_due else None
    if of.is_provisional and of.kind is DayKind.LEFT:
        css = "prov"
        if not of.is_due:
            full = pgettext("day of a clock", "%(what)s，暂定") % {"what": full}
    if of.is_due:
        css = "due prov" if of.is_provisional else "due"
    if of.is_today:
        css = f"{css} today"
        full = pgettext("day of a clock", "%(what)s，今天") % {"what": full}
        if not of.is_due:
            word, limit = _("今天"), None
    if first:
        css += f" from-{of.on.isoweekday()}"
    month = day(of.on, "short") if first or of.on.day == 1 or of.is_due else ""
    return Cell(css, of.on.day, word, limit, f"{day(of.on)} {full}", _drawn_as(of), month)


limit_words = dates.limit_words


@register.filter
def limit_in(number: int, unit: str) -> str:
    """20|limit_in:"workday" is 20 个工作日."""
    return limit_words(Limit(number, Unit(unit)))


def _days_words(n: int) -> str:
    return ngettext("%(n)s 天", "%(n)s 天", n) % {"n": n}


@register.filter
def clock_sentence(clock: ClockView) -> str:
    """The whole clock in one sentence, for those who listen to it and for narrow tables."""
    values = {"start": day(clock.start_on), "limit": limit_words(clock.limit), "due": day(clock.due_on)}
    if clock.is_stopped:
        return _("%(start)s受理，限 %(limit)s，现在暂停，预计 %(due)s到期。") % values
    if clock.days_over:
        return _("%(start)s受理，限 %(limit)s，%(due)s到期，已超 %(over)s 天。") % {**values, "over": clock.days_over}
    if clock.stopped_days:
        return _("%(start)s受理，限 %(limit)s，依法停计 %(stopped)s 天，%(due)s到期。") % {
            **values, "stopped": clock.stopped_days,
        }  # fmt: skip
    if clock.is_provisional:
        return _("%(start)s受理，限 %(limit)s，暂定 %(due)s到期。") % values
    return _("%(start)s受理，限 %(limit)s，%(due)s到期。") % values


@dataclass(frozen=True)
class SumLine:
    """One line of the sum that leads to the due date."""

    op: str
    label: str
    value: str
    why: str = ""


@register.inclusion_tag("components/reckon.html")
def reckon(clock: ClockView) -> dict[str, Any]:
    """The sum under the ribbon: start + limit + stops + extension + days off = due date."""
    lines = [
        SumLine("", _("受理，次日算第 1 天"), day(clock.start_on, "short")),
        SumLine("＋", _("承诺时限"), limit_words(clock.limit)),
    ]
    if clock.stopped_days:
        why = text_of.listed(f"{stop.ground} {stop.notice_no}".strip() for stop in clock.stops)
        lines.append(SumLine("＋", _("依法停计"), _days_words(clock.stopped_days), why))
    if clock.extended_days:
        more, why = Limit(clock.extended_days), clock.extension.notice_no if clock.extension else ""
        lines.append(SumLine("＋", _("经批准延长"), limit_words(more), why))
    if clock.rest_days:
        lines.append(SumLine("＋", _("中间的休息日"), _days_words(clock.rest_days)))
    label = _("到期日，暂定") if clock.is_provisional else _("到期日")
    return {"lines": [*lines, SumLine("＝", label, day(clock.due_on))]}


@register.inclusion_tag("components/ribbon.html")
def ribbon(clock: ClockView) -> dict[str, Any]:
    """The clock ribbon: one cell per calendar day; a long one is a fine strip on wide screens."""
    return {
        "cells": [_cell(each, first=i == 0) for i, each in enumerate(clock.days)],
        "sentence": clock_sentence(clock),
        "long": clock.is_long,
        "kinds": _kinds(clock.days),
        "weekdays": weekday_letters(),
    }


def _kinds(days: Iterable[Day]) -> list[tuple[str, str]]:
    """The key below a ribbon: only what occurs in it."""
    found = {"due" if each.is_due else each.kind.value for each in days}
    if any(each.is_provisional and each.kind is DayKind.LEFT and not each.is_due for each in days):
        found.add("prov")
    key = {
        "start": _("受理日，不计"),
        "counted": _("已计"),
        "stopped": _("依法停计"),
        "rest": _("休息日"),
        "left": _("剩余"),
        "due": _("到期日"),
        "over": _("超期"),
        "prov": _("暂定，那年的放假安排还没公布"),
    }
    return [(css, word) for css, word in key.items() if css in found]


@register.simple_tag
def strip(clock: ClockView) -> SafeString:
    """The same clock one row high, for tables."""
    cells = "".join(f'<i class="{_drawn_as(each)}"></i>' for each in clock.days)
    return format_html(
        '<span class="strip" role="img" aria-label="{}">{}</span>',
        clock_sentence(clock),
        mark_safe(cells),  # noqa: S308 - our constants
    )


@register.simple_tag
def time_left(clock: ClockView | None) -> SafeString:
    """How many days are left or over, and the last day, for tables; nothing for a clock that has ended."""
    if clock is None or clock.is_ended:
        return SafeString("")
    if clock.days_over:
        n = clock.days_over
        word = ngettext("超 %(counter)s 天", "超 %(counter)s 天", n) % {"counter": n}
    elif clock.days_left:
        n = clock.days_left
        word = ngettext("%(counter)s 天", "%(counter)s 天", n) % {"counter": n}
    else:
        word = _("已超期") if clock.is_past else _("今天")
    last = f"{day(clock.due_on)} {_('暂定')}" if clock.is_provisional else day(clock.due_on)
    return format_html("<b>{}</b><small>{}</small>", word, last)


def clocks_drawn(clocks: Mapping[K, ClockView]) -> dict[K, tuple[SafeString, SafeString]]:
    """The strip and the time left of each clock of a list; clocks that are one object are drawn once."""
    once = {id(clock): clock for clock in clocks.values()}
    looks = {at: (strip(clock) if clock.limit.number else NOTHING, time_left(clock)) for at, clock in once.items()}
    return {key: looks[id(clock)] for key, clock in clocks.items()}


def _drawn_as(of: Day) -> str:
    """The classes of a cell of the strip; its words are not drawn, so they are not made."""
    is_open = of.is_provisional and of.kind is DayKind.LEFT and not of.is_due
    css = "v" if is_open else "d" if of.is_due else _STRIP[of.kind]
    return f"{css} t" if of.is_today else css
