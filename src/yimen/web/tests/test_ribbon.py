"""The ribbon only draws what the clock's pure function says."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.template import engines
from django.utils import translation

from yimen.web.templatetags import yimen


@dataclass(frozen=True)
class Day:
    on: date
    kind: str
    n: int | None = None
    limit: int | None = None
    is_today: bool = False
    is_due: bool = False
    is_provisional: bool = False


@dataclass(frozen=True)
class View:
    days: list[Day]
    sentence: str = "从 11 月 9 日算起，11 月 12 日到期。"


DAYS = [
    Day(date(2026, 11, 9), "start"),
    Day(date(2026, 11, 10), "counted", 1, 3),
    Day(date(2026, 11, 11), "stopped"),
    Day(date(2026, 11, 12), "counted", 2, 3, is_today=True),
    Day(date(2026, 11, 13), "due", 3, 3, is_due=True),
    Day(date(2026, 11, 14), "rest"),
    Day(date(2026, 11, 16), "over", 1, 3),
]


def render(source: str, **values: object) -> str:
    return engines["django"].from_string(source).render(values)


def test_one_cell_a_day_and_each_says_itself_in_words():
    html = render("{% ribbon clock %}", clock=View(DAYS))
    assert html.count('<li class="d ') == len(DAYS)
    assert 'aria-label="从 11 月 9 日算起' in html
    for said in (
        "受理",
        "第 1 天，共 3 天",
        "依法停计",
        "第 2 天，共 3 天，今天",
        "到期日",
        "休息日，不计",
        "超期第 1 天",
    ):
        assert said in html
    assert "d start from-1" in html and "d counted today" in html
    assert "暂定" not in html


def test_days_of_a_year_not_announced_are_dashed_and_say_so():
    days = [Day(date(2026, 12, 31), "start"), Day(date(2027, 1, 4), "left", 1, 2, is_provisional=True),
            Day(date(2027, 1, 5), "due", 2, 2, is_due=True, is_provisional=True)]  # fmt: skip
    html = render("{% ribbon clock %}", clock=View(days))
    assert "d prov" in html and "d due prov" in html and "暂定的到期日" in html


def test_above_thirty_days_wide_screens_get_the_strip():
    days = [Day(date.fromordinal(date(2026, 1, 1).toordinal() + n), "left", n + 1, 40) for n in range(40)]
    html = render("{% ribbon clock %}", clock=View(days))
    assert "strip fine" in html and "ribbon hand" in html


@pytest.mark.parametrize(
    "language, said",
    [("zh-hans", "11 月 26 日（周四）"), ("zh-hant", "11 月 26 日（週四）"), ("en", "Thu 26 Nov")],
)
def test_dates_as_people_say_them(monkeypatch, language, said):
    monkeypatch.setattr(yimen.timezone, "localdate", lambda: date(2026, 11, 18))
    with translation.override(language):
        assert yimen.day(date(2026, 11, 26)) == said
    assert yimen.day(date(2025, 1, 2)) == "2025 年 1 月 2 日（周四）"
    assert yimen.day(None) == ""


def test_times_are_local():
    late = datetime(2026, 11, 26, 16, 5, tzinfo=ZoneInfo("UTC"))
    assert yimen.clock_time(late) == "0:05"
    assert yimen.day(late, "short").endswith("11 月 27 日")


def test_a_form_counts_once_with_a_fresh_key():
    first, second = render("{% once_key %}"), render("{% once_key %}")
    assert 'name="_key"' in first and first != second


def test_a_qr_code_has_no_style():
    html = render("{% qr 'otpauth://totp/x?secret=y' %}")
    assert html.startswith("<svg") and "style" not in html
