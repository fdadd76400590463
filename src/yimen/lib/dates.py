"""Dates and times as people read them: long in formal Chinese documents, short on pages in the reader's language."""

from datetime import date, datetime, time

from django.utils.timezone import localtime
from django.utils.translation import get_language, ngettext

from yimen.lib.workdays import LOCAL_ZONE, Limit, Unit

WEEKDAYS = "一二三四五六日"
_WEEKDAYS = tuple(f"周{letter}" for letter in WEEKDAYS)
_WEEKDAYS_TRADITIONAL = tuple(f"週{letter}" for letter in WEEKDAYS)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def begin_of(day: date) -> datetime:
    """Return the moment a local day begins (CAL-10)."""
    return datetime.combine(day, time(), LOCAL_ZONE)


def _in_english() -> bool:
    return (get_language() or "").lower().startswith("en")


def _in_traditional() -> bool:
    return (get_language() or "").lower() == "zh-hant"


def weekday_names() -> tuple[str, ...]:
    """Return 周一 … 周日, 週一 … or Mon … Sun, in the reader's language."""
    if _in_english():
        return _WEEKDAYS_EN
    return _WEEKDAYS_TRADITIONAL if _in_traditional() else _WEEKDAYS


def month_name(month: int, year: int | None = None) -> str:
    """Return 11 月 or Nov, with its year 2026 年 11 月 or Nov 2026."""
    if _in_english():
        return _MONTHS[month - 1] + (f" {year}" if year else "")
    return (f"{year} 年 " if year else "") + f"{month} 月"


def short_day(day: date, *, year: bool = False, weekday: bool = False) -> str:
    """Return 11 月 26 日 or 26 Nov, with year and weekday as asked: 2026 年 11 月 26 日（周四）, Thu 26 Nov 2026."""
    name = weekday_names()[day.weekday()] if weekday else ""
    if _in_english():
        text = f"{day.day} {_MONTHS[day.month - 1]}" + (f" {day.year}" if year else "")
        return f"{name} {text}" if weekday else text
    text = (f"{day.year} 年 " if year else "") + f"{day.month} 月 {day.day} 日"
    return f"{text}（{name}）" if weekday else text


def long_day(day: date, *, weekday: bool = False) -> str:
    """Return 2026 年 11 月 18 日, with （周三） where the reader plans by it."""
    text = f"{day.year} 年 {day.month} 月 {day.day} 日"
    return f"{text}（周{WEEKDAYS[day.weekday()]}）" if weekday else text


def long_moment(at: datetime) -> str:
    """Return 2026 年 11 月 18 日 9:05, local time."""
    local = localtime(at)
    return f"{long_day(local.date())} {local.hour}:{local.minute:02d}"


def limit_words(limit: Limit) -> str:
    """Return 20 个工作日 or 20 working days, in the reader's language."""
    n = limit.number
    match limit.unit:
        case Unit.WORKDAY:
            text = ngettext("%(n)s 个工作日", "%(n)s 个工作日", n)
        case Unit.DAY:
            text = ngettext("%(n)s 天", "%(n)s 天", n)
        case Unit.HOUR:
            text = ngettext("%(n)s 小时", "%(n)s 小时", n)
        case Unit.MONTH:
            text = ngettext("%(n)s 个月", "%(n)s 个月", n)
    return text % {"n": n}
