"""A range in words: what people read on phones, kiosks and screens."""

import pytest

from yimen.insight.forecasts import Range
from yimen.web import waits


@pytest.mark.parametrize(
    "seconds, words, sure, short",
    [
        ((0, 0, 0, 0), "1 分钟以内", "十次有九次在 1 分钟以内", "1"),
        ((0, 20, 70, 200), "2 分钟以内", "十次有九次在 4 分钟以内", "2"),
        ((300, 610, 1130, 2100), "大约 10–20 分钟", "十次有九次在 5–35 分钟之间", "10–20"),
        ((60, 120, 120, 240), "大约 2 分钟", "十次有九次在 1–4 分钟之间", "2"),
        ((3000, 3700, 4900, 6000), "大约 60–90 分钟", "十次有九次在 50–100 分钟之间", "60–90"),
    ],
)
def test_a_range_in_words_is_round_and_never_narrower_than_the_seconds(seconds, words, sure, short):
    found = Range(*seconds)
    assert waits.range_words(found) == words
    assert waits.sure_words(found) == sure
    assert waits.short(found) == short
    (low, high), (least, most) = found.likely, found.almost_sure
    assert low * 60 <= found.p25 and found.p75 <= high * 60
    assert least * 60 <= found.p5 and found.p95 <= most * 60


def test_what_cannot_be_said_is_said_so():
    assert waits.range_words(None) == "暂时说不准"
    assert waits.sure_words(None) == waits.short(None) == ""
    assert waits.as_json(None) is None
