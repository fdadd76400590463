"""The arithmetic of power lists, delegations and entry, without a database."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.catalog.rules import powers as rules
from yimen.catalog.rules.powers import Changed, Cut, EntryFault, Validity

ON = date(2026, 11, 18)


@dataclass(frozen=True)
class Power:
    code: str
    name: str = "演示职权"
    power_type: str = "01"
    level: str = "3"
    department: str = "演示局"
    basis: str = "x"


@dataclass(frozen=True)
class Lent:
    from_on: date = ON
    until_on: date | None = None
    revoked_on: date | None = None


@pytest.mark.parametrize(
    "before, after, shown",
    [(9300, 3500, "62.4"), (46, 20, "56.5"), (3, 3, "0"), (3, 0, "100"), (2, 3, "-50.0"), (10000, 9999, "0.1")],
)
def test_how_many_percent_fewer(before, after, shown):
    assert rules.reduction(before, after) == Decimal(shown)


def test_without_anything_before_there_is_no_rate():
    assert rules.reduction(0, 5) is None


def test_169_of_232_is_72_84():
    found = rules.Coverage(232, 169)
    assert (found.rate, found.others) == (Decimal("72.84"), 63)


powers = st.builds(
    Power,
    code=st.integers(0, 30).map(str),
    name=st.sampled_from(["甲", "乙"]),
    power_type=st.sampled_from(["01", "02"]),
    level=st.sampled_from(["3", "4"]),
    department=st.sampled_from(["甲局", "乙局"]),
    basis=st.sampled_from(["a", "b"]),
)
editions = st.lists(powers, max_size=25, unique_by=lambda power: power.code)


@given(editions, editions)
def test_a_comparison_leaves_nothing_out_and_counts_nothing_twice(before, after):
    found = rules.compare(before, after)
    old, new = {power.code for power in before}, {power.code for power in after}
    assert {power.code for power in found.removed} == old - new
    assert {power.code for power in found.added} == new - old
    assert found.total.before - len(found.removed) + len(found.added) == found.total.after
    for counts in (found.by_level, found.by_department):
        assert sum(count.before for count in counts) == len(before)
        assert sum(count.after for count in counts) == len(after)
    for pair in found.changed:
        assert pair.what == tuple(one for one in Changed if getattr(pair.before, one) != getattr(pair.after, one))


@given(editions)
def test_an_edition_compared_with_itself_is_the_same(edition):
    found = rules.compare(edition, edition)
    assert not (found.removed or found.added or found.changed)


def test_each_changed_part_is_named():
    before = Power("1")
    after = replace(before, name="新名", power_type="07", basis="y")
    (pair,) = rules.compare([before], [after]).changed
    assert pair.what == (Changed.NAME, Changed.TYPE, Changed.BASIS)


CUT = Cut("1", "演示职权", 7, date(2014, 5, 6), "演府发〔2014〕7号")


def test_an_item_without_power_says_what_is_missing():
    fault = rules.power_fault
    assert fault(needs_power=False, code="1", is_listed=False) == ""
    assert fault(needs_power=True, code="1", is_listed=True) == ""
    assert "没有 1 这一项" in fault(needs_power=True, code="1", is_listed=False)
    assert "还没有公布权力清单" in fault(needs_power=True, code="1", is_listed=False, has_list=False)
    said = fault(needs_power=True, code="1", is_listed=True, cut=CUT)
    assert "第 7 批已取消" in said and "2014 年 5 月 6 日" in said and "演府发〔2014〕7号" in said
    assert "下放给镇政府" in fault(needs_power=True, code="1", is_listed=False, cut=replace(CUT, to="镇政府"))


def test_what_was_cancelled_is_recognised_by_code_and_by_name_under_a_new_code():
    same, renamed, other = Power("1", name="别的名字"), Power("2", name="演示  职权"), Power("3", name="别的")
    found = rules.come_back([same, renamed, other], [CUT])
    assert [power.code for power, _cut in found] == ["1", "2"]
    # A power that stood there before under the same name is not the cancelled one come back.
    assert [power.code for power, _cut in rules.come_back([renamed], [CUT], known={"2"})] == []
    # Handed down, the name may well be used by others.
    assert rules.come_back([renamed], [replace(CUT, to="镇政府")]) == []


@pytest.mark.parametrize(
    "lent, state",
    [
        (Lent(), Validity.VALID),
        (Lent(from_on=ON + timedelta(1)), Validity.COMING),
        (Lent(until_on=ON), Validity.ENDING),
        (Lent(until_on=ON + timedelta(30)), Validity.ENDING),
        (Lent(until_on=ON + timedelta(31)), Validity.VALID),
        (Lent(from_on=ON - timedelta(9), until_on=ON - timedelta(1)), Validity.ENDED),
        (Lent(revoked_on=ON), Validity.REVOKED),
        (Lent(revoked_on=ON + timedelta(1)), Validity.VALID),
    ],
    ids=["open", "coming", "last-day", "month", "longer", "over", "revoked", "revoked-tomorrow"],
)
def test_how_a_delegation_stands(lent, state):
    assert rules.validity(lent, ON) is state


GOOD = {
    "should_enter": True,
    "is_in": True,
    "elsewhere": "",
    "acts": ["accept", "decide"],
    "kinds": ["accept", "decide"],
}


@pytest.mark.parametrize(
    "changes, fault",
    [
        ({}, None),
        ({"is_in": False}, EntryFault.NOT_IN),
        ({"is_in": False, "should_enter": False}, None),
        ({"elsewhere": "局里二楼"}, EntryFault.TWO_COUNTERS),
        ({"acts": None}, EntryFault.NOT_DELEGATED),
        ({"acts": ["receive", "accept"]}, EntryFault.HALF_DELEGATED),
        ({"acts": ["decide"], "kinds": ["receive", "decide", "deliver"]}, None),
        ({"acts": ["accept"], "kinds": []}, EntryFault.HALF_DELEGATED),
        ({"elsewhere": "局里", "acts": None}, EntryFault.TWO_COUNTERS),
    ],
    ids=["good", "not-in", "excused", "two", "none", "half", "no-accept-step", "no-flow", "first-of-two"],
)
def test_the_four_reasons_and_no_other(changes, fault):
    assert rules.entry_fault(**(GOOD | changes)) is fault
    assert len(EntryFault) == 4


@given(
    st.booleans(),
    st.booleans(),
    st.sampled_from(["", " ", "局里"]),
    st.none() | st.sets(st.sampled_from(["receive", "accept", "decide"])),
    st.sets(st.sampled_from(["receive", "accept", "decide"])),
)
def test_an_item_in_the_hall_without_fault_is_fully_delegated(should, is_in, elsewhere, acts, kinds):
    fault = rules.entry_fault(should_enter=should, is_in=is_in, elsewhere=elsewhere, acts=acts, kinds=kinds)
    if is_in and fault is None:
        assert acts is not None and rules.needed_acts(kinds) <= acts and not elsewhere.strip()
    if not is_in:
        assert fault is (EntryFault.NOT_IN if should else None)


def test_shown_as_finished_at_the_window_only_with_the_right_to_decide():
    assert rules.finishes_at_window(is_immediate=True, acts=["accept", "decide"])
    assert not rules.finishes_at_window(is_immediate=True, acts=["receive", "accept"])
    assert not rules.finishes_at_window(is_immediate=False, acts=["accept", "decide"])
