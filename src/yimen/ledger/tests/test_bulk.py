import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yimen.ledger import bulk, chain
from yimen.ledger.actions import Nobody, NotInTransaction, record
from yimen.ledger.bulk import NewEvent, record_many
from yimen.ledger.models import Event

AT = datetime(2026, 11, 18, 1, 5, 0, 123456, tzinfo=UTC)
CLERK = Nobody("staff:1", "clerk")
HARD = {
    "说明": '制表\t换行\n反斜\\杠\r"引号" \\N \\. 𠮷',
    "n": [10**20, -1, 0],
    "none": None,
    "true": True,
    "in": {"b": 1, "a": 2},
}
WRITTEN = ("region", "stream", "seq", "kind", "actor", "role", "at", "data", "previous", "hash")


def _rows(**where):
    return list(Event.objects.filter(**where).order_by("seq").values(*WRITTEN))


def _step(n=0, *, stream="case:one", data=None):
    return NewEvent("500000", stream, "cases.step", "staff:1", "clerk", AT + timedelta(seconds=n), data or {"n": n})


@pytest.mark.parametrize("data", [{}, HARD])
def test_many_rows_are_the_very_rows_record_would_have_made(db, data):
    written = []
    for write in ("one by one", "at once"):
        with transaction.atomic():
            rows = [_step(n, data=data) for n in range(3)]
            if write == "at once":
                record_many(rows)
            else:
                for row in rows:
                    record(row.stream, row.kind, region=row.region, by=CLERK, at=row.at, data=row.data)
            written.append(_rows())
            transaction.set_rollback(True)
    assert len(written[0]) == 3
    assert written[0] == written[1]


@pytest.mark.django_db
def test_streams_are_continued_across_parts(monkeypatch):
    monkeypatch.setattr(bulk, "AT_ONCE", 3)
    record("case:0", "cases.begun", region="500000", by=CLERK, at=AT)
    rows = [
        NewEvent("500000", f"case:{n % 2}", "cases.step", "staff:1", "clerk", AT + timedelta(seconds=n), {"n": n})
        for n in range(10)
    ]
    assert record_many(rows) == 10
    record("case:1", "cases.ended", region="500000", by=CLERK, at=AT)
    for stream, count in [("case:0", 6), ("case:1", 6)]:
        previous = chain.START
        found = _rows(stream=stream)
        assert [row["seq"] for row in found] == list(range(1, count + 1))
        for row in found:
            assert bytes(row["previous"]) == previous
            previous = bytes(row["hash"])


@pytest.mark.django_db(transaction=True)
def test_rows_outside_a_transaction_are_refused():
    with pytest.raises(NotInTransaction):
        record_many([])


@pytest.mark.parametrize("at, data", [(datetime(2026, 11, 18), {}), (AT, {"n": 1.5}), (AT, {1: "x"})])
def test_what_would_not_come_back_unchanged_is_refused(at, data):
    with pytest.raises(TypeError):
        chain.body("500000", "case:one", "cases.step", "staff:1", "clerk", at, data)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.dictionaries(st.text(), plain, max_size=4))
def test_a_body_is_canonical_json(data):
    row = ["r", "s", "k", "a", "o", "2026-11-18T01:05:00.123456+00:00", data]
    expected = json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert chain.body("r", "s", "k", "a", "o", AT, data) == expected.encode()


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.binary(min_size=32, max_size=32), max_size=40))
def test_the_growing_merkle_root_is_the_textbook_one(hashes):
    level = [chain.hashlib.sha256(b"\0" + leaf).digest() for leaf in hashes]
    while len(level) > 1:
        pairs = [chain.hashlib.sha256(b"\1" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[len(pairs) * 2 :]
    assert chain.merkle(hashes) == (level[0] if level else chain.START)


@pytest.mark.django_db
@pytest.mark.slow
def test_fifty_thousand_rows_are_written_quickly(capsys):
    rows = [
        NewEvent("500000", f"case:{n // 5}", "cases.step", "staff:1", "clerk", AT, {"number": str(n), "step": "a"})
        for n in range(50_000)
    ]
    started = time.perf_counter()
    record_many(rows)
    seconds = time.perf_counter() - started
    with capsys.disabled():
        print(f"\n  record_many: {len(rows) / seconds:,.0f} rows/s")
    assert Event.objects.count() == len(rows)


def test_the_documented_example_is_right():
    text = (Path(__file__).parents[4] / "docs" / "rules" / "ledger.md").read_text()
    body = chain.body("500000", "case:one", "cases.step", "staff:1", "clerk", AT, {})
    assert f"body {body.decode()}\n" in text
    assert f"hash {chain.digest(chain.START, 1, body).hex()}\n" in text
