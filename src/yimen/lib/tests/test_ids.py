import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.lib import ids


def moment(made):
    return datetime.fromtimestamp((made.int >> 80) / 1000, UTC)


def test_an_id_is_a_uuid_of_version_7_that_carries_its_time():
    before = time.time()
    made = ids.uuid7()
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert before - 0.01 <= moment(made).timestamp() <= time.time() + 1


def test_ids_rise_within_a_process_even_from_many_threads():
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda _: [ids.uuid7() for _ in range(2_000)], range(8)))
    assert all(batch == sorted(batch) for batch in batches)
    assert len({made for batch in batches for made in batch}) == 16_000


def test_many_ids_at_once_are_like_as_many_one_by_one():
    before, texts, after = ids.uuid7(), ids.uuid7s(5_000), ids.uuid7()
    many = [UUID(text) for text in texts]
    assert [str(made) for made in many] == texts
    assert [before, *many, after] == sorted({before, *many, after})
    assert {(made.version, made.variant) for made in many} == {(7, "specified in RFC 4122")}
    assert ids.uuid7s(0) == []


@pytest.mark.parametrize("clock", [0, 1])
def test_ids_rise_though_the_clock_goes_back(monkeypatch, clock):
    first = ids.uuid7()
    monkeypatch.setattr(ids.time, "time_ns", lambda: clock)
    assert ids.uuid7() > first


@given(st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_an_id_for_history_carries_its_own_moment(at):
    made = ids.uuid7(at)
    assert made.version == 7
    assert abs((moment(made) - at).total_seconds()) < 0.002
    assert ids.uuid7(at) != made


def test_a_moment_without_zone_is_refused():
    with pytest.raises(ValueError):
        ids.uuid7(datetime(2026, 1, 1))


def test_a_code_has_no_letters_that_are_misread_and_never_repeats():
    codes = {ids.short_code(12) for _ in range(2_000)}
    assert len(codes) == 2_000
    assert not set("ILOU") & set("".join(codes))
    assert {len(code) for code in codes} == {12}


@pytest.mark.parametrize("typed", ["7K3M1Q02", "7k3m 1q02", "7K3M-IQO2", "7k3mlqo2"])
def test_a_code_is_read_as_people_type_it(typed):
    assert ids.read_code(typed) == "7K3M1Q02"
