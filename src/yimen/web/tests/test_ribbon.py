"""The ribbon only draws what the clock's pure function says."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.template import engines
from django.utils import translation

from yimen.cases import rules
from yimen.lib.workdays import Calendar, Limit
from yimen.web.templatetags import yimen


def view(accepted: date, limit: int, today: date, stops=(), **more) -> rules.ClockView:
    weekends = Calendar(frozenset(), frozenset(), frozenset({2025, 2026}))
    return rules.clock(accepted, Limit(limit), stops, weekends, today=today, **more)


def render(source: str, **values: object) -> str:
    return engines["django"].from_string(source).render(values)


STOP = rules.Stop(date(2026, 11, 11), date(2026, 11, 11), "检测")


def test_one_cell_a_day_and_each_says_itself_in_words():
    clock = view(date(2026, 11, 9), 4, date(2026, 11, 12), [STOP])
    html = render("{% ribbon clock %}", clock=clock)
    assert html.count('<li class="d ') == len(clock.days) == 8
    assert "依法停计 1 天" in html and "到期。" in html
    for said in ("受理日，不计", "第 1 天，共 4 天", "第 2 天，共 4 天，今天", "休息日，不计", "到期日"):
        assert said in html
    assert "d start from-1" in html and "d counted today" in html
    assert "暂定" not in html and "超期" not in html


def test_days_over_are_counted():
    html = render("{% ribbon clock %}{% strip clock %}", clock=view(date(2026, 11, 4), 2, date(2026, 11, 10)))
    assert "超期第 2 天，今天" in html and "已超 2 天" in html and '<i class="o t">' in html


def test_days_of_a_year_not_announced_are_dashed_and_say_so():
    html = render("{% ribbon clock %}", clock=view(date(2026, 12, 29), 4, date(2026, 12, 29)))
    assert "d prov" in html and "d due prov" in html and "暂定的到期日" in html


def test_above_thirty_days_wide_screens_get_the_strip():
    html = render("{% ribbon clock %}", clock=view(date(2026, 5, 4), 40, date(2026, 5, 4)))
    assert "strip fine" in html and "ribbon hand" in html


def test_the_sum_leads_to_the_due_date():
    html = render("{% reckon clock %}", clock=view(date(2026, 11, 9), 10, date(2026, 11, 18), [STOP]))
    for part in ("11 月 9 日", "10 个工作日", "依法停计", "1 天", "中间的休息日", "4 天", "11 月 24 日（周二）"):
        assert part in html


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
