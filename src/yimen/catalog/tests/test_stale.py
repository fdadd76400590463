"""Days a text writes out that the limits beside it no longer say."""

import pytest

from yimen.catalog import actions
from yimen.catalog.queries.scenario import stale_words
from yimen.catalog.rules.stale import stale_days
from yimen.catalog.tests.factories import NOW, make_item
from yimen.ledger.actions import SYSTEM


@pytest.mark.parametrize(
    ("text", "promised", "words"),
    [
        ("材料交齐，9 个工作日内给结果。", 3, "“说明”里写着 9 个工作日，现在承诺的是 3 个"),
        ("先看 9 个工作日，再看 8工作日，又 9 个工作日。", 3, "写着 9、8 个工作日"),
        ("9 个工作日内给结果。", None, "别处没有这个时限"),
        ("3 个工作日内给结果，最长 20 个工作日。", 3, ""),
        ("13 个工作日", 13, ""),
        ("办 9 天，9 小时，第 9 条。", 3, ""),
        ("", 3, ""),
    ],
    ids=["other", "several", "no promise", "known", "whole number", "other units", "empty"],
)
def test_days_no_limit_says_are_named(text, promised, words):
    found = stale_days({"说明": text}, {3, 13, 20}, promised)
    assert len(found) == bool(words) and words in "".join(found)


@pytest.mark.django_db
def test_a_promise_that_changes_leaves_no_old_days_on_the_leaflet_unnoticed():
    item = make_item(promised_days=15)
    draft = actions.save_draft(item, {"plain_text": "来一次，15 个工作日内给结果。"}, by=SYSTEM, at=NOW)
    assert stale_words(draft) == []
    draft = actions.save_draft(item, {"promised_limit": 3}, by=SYSTEM, at=NOW)
    (sentence,) = stale_words(draft)
    assert "大白话说明" in sentence and "15" in sentence and "3" in sentence
