"""Where a flow stands after steps went back: pure, over random flows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.cases.rules.modes import Stand, flow_now, following, is_joint, kinds_between


@st.composite
def flows(draw):
    """Up to seven steps; each waits for earlier ones only."""
    count = draw(st.integers(1, 7))
    return {
        str(n): draw(st.lists(st.sampled_from([str(m) for m in range(n)]), unique=True) if n else st.just([]))
        for n in range(count)
    }


def through(steps, choose, backs):
    """Walk a flow to its end as actions do, sending back up to `backs` times; return the history of stands."""
    stands, number = {}, 1
    for _turn in range(200):
        flow = flow_now(steps, stands)
        assert not set(flow.opening) & flow.done
        for key in flow.opening:
            assert set(steps[key]) <= flow.done
            stands[key] = Stand(number, False)
        waiting = sorted(key for key, stand in stands.items() if not stand.is_done)
        done = sorted(flow_now(steps, stands).done)
        if not waiting and not (backs and done):
            return stands
        if backs and done and choose([True, False]):
            key, backs, number = choose(done), backs - 1, number + 1
            for after in following(steps, key):
                if after in stands and not stands[after].is_done:
                    stands[after] = Stand(stands[after].round, True)
            stands[key] = Stand(number, False)
            again = flow_now(steps, stands)
            # What followed counts no more; what did not stands.
            assert not (following(steps, key) | {key}) & again.done
            assert set(done) - following(steps, key) - {key} <= again.done
        elif waiting:
            key = choose(waiting)
            stands[key] = Stand(stands[key].round, True)
    raise AssertionError("a flow that never ends")


@given(flows(), st.data(), st.integers(0, 3))
def test_every_flow_comes_to_its_end_however_often_it_goes_back(steps, data, backs):
    stands = through(steps, lambda choices: data.draw(st.sampled_from(choices)), backs)
    assert flow_now(steps, stands).done == set(steps)


def test_a_parallel_step_stands_while_the_other_goes_back():
    steps = {"a": [], "b": [], "join": ["a", "b"]}
    stands = {"a": Stand(2, False), "b": Stand(1, True), "join": Stand(1, True)}
    flow = flow_now(steps, stands)
    assert (flow.done, flow.opening, flow.stale) == ({"b"}, (), {"join"})
    stands["a"] = Stand(2, True)
    assert flow_now(steps, stands).opening == ("join",)


def test_two_departments_make_a_case_joint():
    assert [
        is_joint("own", others, says_so=says)
        for others, says in [([None, None], False), ([None, "own"], False), ([None, "other"], False), ([], True)]
    ] == [False, False, True, True]


@pytest.mark.parametrize(
    ("here", "there", "kinds"),
    [
        ("county", "county", {"unit"}),
        ("county", "city", {"up"}),
        ("county", "province", {"up"}),
        ("city", "county", {"down"}),
        ("county", "neighbour", {"region"}),
        ("county", "lone", {"region", "down"}),
        ("lone", "county", {"region", "up"}),
    ],
)
def test_the_level_follows_from_what_lies_above(here, there, kinds):
    above = {"county": ["city", "province"], "neighbour": ["city", "province"], "city": ["province"]}
    found = kinds_between(here, there, above_here=above.get(here, ()), above_there=above.get(there, ()))
    assert found == kinds
