"""Dates and times as people read them in formal Chinese documents; pages have their own shorter forms."""

from datetime import date, datetime

from django.utils.timezone import localtime

WEEKDAYS = "一二三四五六日"


def long_day(day: date, *, weekday: bool = False) -> str:
    """Return 2026 年 11 月 18 日, with （周三） where the reader plans by it."""
    text = f"{day.year} 年 {day.month} 月 {day.day} 日"
    return f"{text}（周{WEEKDAYS[day.weekday()]}）" if weekday else text


def long_moment(at: datetime) -> str:
    """Return 2026 年 11 月 18 日 9:05, local time."""
    local = localtime(at)
    return f"{long_day(local.date())} {local.hour}:{local.minute:02d}"
