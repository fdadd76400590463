"""The kernel: exact on real days, on formulas within its confidence, and kept to its promises by search."""

import csv
import itertools
import json
import random
from math import inf, sqrt
from statistics import fmean, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yimen.insight.simulation import engine, formulas, kernel
from yimen.insight.simulation.kernel import BadScenario, Customers, Policy, Server, run
from yimen.testing import shared

WAYS = [pytest.param(False, id="as it stands"), pytest.param(True, id="compiled")]


@pytest.fixture(params=WAYS)
def fast(request):
    if request.param:
        pytest.importorskip("numba")
    return request.param


# --- real days, formulas ---


def test_a_replayed_day_waits_exactly_as_the_reference(fast):
    days = json.loads(shared("data/queue/reference.json").read_text())["fcfs_replay"]
    assert sum(len(day["results"]) for day in days) == 18
    for day in days:
        with shared(f"data/queue/replay_{day['day']}.csv").open() as stream:
            rows = [(float(row["arrival_s"]), float(row["service_s"])) for row in csv.DictReader(stream)]
        customers = Customers(*zip(*rows, strict=True))
        for expected in day["results"]:
            waits = run(customers, [Server()] * expected["servers"], fast=fast).waits
            assert len(waits) == day["customers"]
            assert round(fmean(waits), 4) == expected["mean_wait_s"]
            assert max(waits) == expected["max_wait_s"]
            assert sum(wait > 0 for wait in waits) == expected["customers_who_wait"]


def _digits(value: float) -> int:
    return len(repr(value).partition(".")[2])


def test_the_closed_formulas_agree_to_every_digit_given():
    for vector in json.loads(shared("data/queue/formula_vectors.json").read_text())["vectors"]:
        rate = vector["arrivals_per_hour"] / 60
        if vector["model"] == "M/G/1":
            found = {
                "utilisation": rate * vector["mean_service_min"],
                "mean_wait_min": formulas.pollaczek_khinchine(rate, vector["mean_service_min"], vector["service_cv2"]),
            }
        else:
            steady = formulas.markov(rate, vector["service_per_hour"] / 60, vector["servers"])
            found = {
                "utilisation": steady.utilisation,
                "erlang_b": steady.lost,
                "prob_wait": steady.waits,
                "mean_wait_min": steady.mean_wait,
                "mean_queue": steady.mean_queue,
                "mean_time_in_system_min": steady.mean_time,
                "share_waiting_over_5_min": steady.waits_over(5),
            }
        for name, value in found.items():
            assert round(value, _digits(vector[name])) == pytest.approx(vector[name], abs=1e-12), (vector, name)


@pytest.mark.parametrize(
    "arrivals, services, servers", [(10, 12, 1), (20, 6, 4), (12, 4, 5)], ids=["M/M/1", "M/M/4", "M/M/5"]
)
def test_the_simulation_agrees_with_the_formula_within_its_confidence(arrivals, services, servers):
    means = []
    for seed in range(12):
        chance = random.Random(seed)
        came, at = [], 0.0
        for _n in range(4000):
            at += chance.expovariate(arrivals / 60)
            came.append(at)
        took = [chance.expovariate(services / 60) for _n in came]
        means.append(fmean(run(Customers(came, took), [Server()] * servers, fast=False).waits[500:]))
    expected = formulas.markov(arrivals / 60, services / 60, servers).mean_wait
    assert abs(fmean(means) - expected) < 3.1 * stdev(means) / sqrt(len(means))  # 99 % of Student's t with 11


def test_formulas_refuse_a_queue_that_grows_for_ever():
    for never in (lambda: formulas.markov(12, 12, 1), lambda: formulas.pollaczek_khinchine(1, 1, 0)):
        with pytest.raises(formulas.NotSteady):
            never()
    assert formulas.servers_needed(20 / 60, 6 / 60, within=5, share=0.8) == 5


# --- an independent simulation, as plain as can be ---


def naive(customers, servers, policy):
    """One moment after the other, looking at everybody each time."""
    n = len(customers.arrival)
    group = customers.group or [0] * n
    rank = customers.rank or [0] * n
    patience = customers.patience or [inf] * n
    agreed = customers.appointment or [None] * n
    joins = [
        a if a is not None and came <= a + kernel.GRACE else came
        for a, came in zip(agreed, customers.arrival, strict=True)
    ]
    began, by = [inf] * n, [-1] * n
    to_come = sorted(range(n), key=lambda who: (customers.arrival[who], who))
    place = {who: i for i, who in enumerate(to_come)}
    waiting = []
    busy = {s: server.busy_until for s, server in enumerate(servers) if server.busy_until > -inf}
    idle_since = {s: -inf for s in range(len(servers)) if s not in busy}
    opens = sorted((a, s) for s, server in enumerate(servers) for a, _b in _parts(server) if a > -inf)
    calls = [[] for _server in servers]  # of each server: whether it called somebody of a higher rank

    def able(s, who):
        return servers[s].skills is None or group[who] in servers[s].skills

    def here(s, now):
        return any(a <= now < b for a, b in _parts(servers[s]))

    def begin(who, s, now):
        began[who], by[who] = now, s
        calls[s].append(rank[who] > 0)
        busy[s] = now + customers.service[who]
        idle_since.pop(s)

    def call(s, now):
        if not here(s, now):
            return
        for who in [who for who in waiting if customers.arrival[who] + patience[who] < now and able(s, who)]:
            waiting.remove(who)
        mine = [who for who in waiting if able(s, who)]
        ready = [who for who in mine if rank[who] == 0 or joins[who] <= now]
        if not mine:
            return
        plain = min((who for who in ready if rank[who] == 0), key=lambda who: (joins[who], place[who]), default=None)

        def score(who):
            if policy.kind == "ageing":
                return joins[who] - policy.head_start * rank[who], place[who]
            if policy.kind == "strict":
                return joins[who], place[who]
            return -rank[who], joins[who], place[who]

        special = min((who for who in ready if rank[who]), key=score, default=None)
        if not ready:
            who = min(mine, key=lambda who: (joins[who], place[who]))
        elif plain is None or special is None:
            who = special if plain is None else plain
        elif policy.kind == "strict":
            who = min(plain, special, key=score)
        elif policy.cap and len(calls[s]) >= policy.cap and all(calls[s][-policy.cap :]):
            who = plain
        elif policy.kind == "ratio":
            since = calls[s][::-1].index(True) if True in calls[s] else inf
            who = special if since >= policy.ordinary_per_priority else plain
        elif policy.kind == "ageing":
            who = min(plain, special, key=score)
        else:
            who = special
        waiting.remove(who)
        begin(who, s, now)

    while True:
        events = [(opens[0][0], 0, opens[0][1])] if opens else []
        events += [(customers.arrival[to_come[0]], 1, to_come[0])] if to_come else []
        events += [(at, 2, s) for s, at in busy.items()]
        if not events:
            return began, by
        now, what, which = min(events)
        if what == 0:
            opens.pop(0)
            if which in idle_since:
                call(which, now)
        elif what == 1:
            to_come.pop(0)
            free = [s for s in idle_since if able(s, which) and here(s, now)]
            if not free:
                waiting.append(which)
                continue
            begin(which, min(free, key=lambda s: (idle_since[s], s)), now)
        else:
            del busy[which]
            idle_since[which] = now
            call(which, now)


def _parts(server):
    """The moments at which a server begins with people, found without the kernel's help."""
    marks = sorted({mark for part in (*server.shifts, *server.breaks) for mark in part})
    inside = [
        (a, b)
        for a, b in itertools.pairwise(marks)
        if any(x <= a and b <= y for x, y in server.shifts) and not any(x <= a and b <= y for x, y in server.breaks)
    ]
    joined = []
    for a, b in inside:
        if joined and joined[-1][1] == a:
            joined[-1] = (joined[-1][0], b)
        else:
            joined.append((a, b))
    return joined


# --- scenarios ---

moments = st.integers(0, 60)
lengths = st.integers(0, 25)
policies = st.builds(
    Policy,
    kind=st.sampled_from(["strict", "ratio", "ageing", "priority"]),
    ordinary_per_priority=st.integers(0, 3),
    head_start=st.integers(0, 40).map(float),
    cap=st.integers(0, 3),
)


@st.composite
def customer_columns(draw, most=24, groups=3):
    n = draw(st.integers(0, most))

    def column(of):
        return draw(st.lists(of, min_size=n, max_size=n))

    return Customers(
        arrival=column(moments),
        service=column(lengths),
        group=column(st.integers(0, groups - 1)),
        rank=column(st.sampled_from([0, 0, 0, 1, 2])),
        appointment=column(st.none() | moments) if draw(st.booleans()) else None,
        patience=column(st.sampled_from([inf, 0, 5, 30])) if draw(st.booleans()) else None,
    )


@st.composite
def several_servers(draw, groups=3):
    def server():
        parts = st.lists(st.tuples(moments, lengths).map(lambda p: (p[0], p[0] + p[1])), max_size=2)
        return Server(
            skills=draw(st.none() | st.frozensets(st.integers(0, groups - 1), min_size=1)),
            shifts=draw(st.just([(-inf, inf)]) | parts),
            breaks=draw(parts),
            busy_until=draw(st.sampled_from([-inf, -inf, 7.0])),
        )

    return [server() for _n in range(draw(st.integers(1, 4)))]


@settings(max_examples=300, deadline=None)
@given(customer_columns(), several_servers(), policies)
def test_it_does_what_an_independent_simulation_does(customers, servers, policy):
    outcome = run(customers, servers, policy, fast=False)
    began, by = naive(customers, servers, policy)
    assert (list(outcome.began), list(outcome.by)) == (began, by)


@settings(max_examples=60, deadline=None)
@given(customer_columns(most=60), several_servers(), policies)
def test_compiled_and_as_it_stands_give_the_same_bits(customers, servers, policy):
    pytest.importorskip("numba")
    plain, quick = (run(customers, servers, policy, fast=fast) for fast in (False, True))
    assert (list(plain.began), list(plain.by)) == (list(quick.began), list(quick.by))


@settings(max_examples=150, deadline=None)
@given(customer_columns(), several_servers(), policies)
def test_everybody_is_served_once_or_left_and_no_server_has_two(customers, servers, policy):
    outcome = run(customers, servers, policy, fast=False)
    left, spans = set(outcome.left), {}
    for who, (began, by) in enumerate(zip(outcome.began, outcome.by, strict=True)):
        assert (began < inf) == (by >= 0) and not (began < inf and who in left)
        if began == inf:
            continue
        server = servers[by]
        assert began >= customers.arrival[who]
        assert server.skills is None or customers.group[who] in server.skills
        assert any(a <= began < b for a, b in _parts(server))
        if customers.patience:
            assert began - customers.arrival[who] <= customers.patience[who]
        spans.setdefault(by, []).append((began, began + customers.service[who]))
    for by, found in spans.items():
        found.sort()
        assert all(first[1] <= second[0] for first, second in itertools.pairwise(found))
        assert found[0][0] >= servers[by].busy_until


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(moments, lengths), min_size=1, max_size=40), st.integers(1, 4))
def test_first_come_first_served_and_more_servers_never_wait_longer(rows, servers):
    arrival, service = zip(*sorted(rows, key=lambda row: row[0]), strict=True)
    customers = Customers(arrival, service)
    outcome = run(customers, [Server()] * servers, fast=False)
    assert list(outcome.began) == sorted(outcome.began)
    more = run(customers, [Server()] * (servers + 1), fast=False)
    assert all(after <= before for after, before in zip(more.waits, outcome.waits, strict=True))


def test_strict_is_first_come_first_called_whatever_the_rank():
    customers = Customers([0, 1, 2, 3], [5] * 4, rank=[0, 0, 1, 2])
    assert list(run(customers, [Server()], Policy("strict", cap=1), fast=False).began) == [0, 5, 10, 15]


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 5), st.integers(1, 30), st.integers(0, 30))
def test_the_ratio_is_kept_while_both_kinds_wait(n, ordinary, special):
    count = ordinary + special
    rank = [0] * ordinary + [1] * special
    outcome = run(
        Customers([0] * count, [1] * count, rank=rank), [Server(busy_until=1)], Policy("ratio", n), fast=False
    )
    order = [rank[who] for who in sorted(range(count), key=outcome.began.__getitem__)]
    both = min(ordinary // n, special)
    assert order[: both * (n + 1)] == ([1] + [0] * n) * both


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 4), st.integers(1, 20), st.integers(1, 60))
def test_no_more_priority_calls_in_a_row_than_the_cap(cap, ordinary, special):
    count = ordinary + special
    rank = [0] * ordinary + [1] * special
    outcome = run(
        Customers([0] * count, [1] * count, rank=rank), [Server(busy_until=1)], Policy("priority", cap=cap), fast=False
    )
    order = "".join(str(rank[who]) for who in sorted(range(count), key=outcome.began.__getitem__))
    assert "1" * (cap + 1) not in order[: order.rfind("0")]


@pytest.mark.parametrize("head_start", [0, 60, 600])
def test_ageing_never_starves_an_ordinary_person(head_start):
    """More of a higher rank than can be served: by rank alone the ordinary one waits to the end, ageing calls him."""
    arrival, rank = list(range(0, 4000, 10)), [1] * 400
    arrival[5], rank[5] = 50, 0
    customers = Customers(arrival, [25] * 400, rank=rank)
    by_rank = run(customers, [Server()], Policy("priority"), fast=False)
    ageing = run(customers, [Server()], Policy("ageing", head_start=head_start), fast=False)
    assert by_rank.began[5] == max(by_rank.began)
    younger = [who for who in range(400) if rank[who] and arrival[who] - head_start > arrival[5]]
    assert all(ageing.began[5] < ageing.began[who] for who in younger)


def test_somebody_of_a_higher_rank_before_his_time_is_called_only_when_nobody_else_waits():
    customers = Customers([0, 1, 2], [10, 10, 10], rank=[0, 1, 0], appointment=[None, 500, None])
    assert list(run(customers, [Server()], Policy("priority"), fast=False).began) == [0, 20, 10]


def test_somebody_with_an_appointment_joins_at_its_time_but_not_when_he_comes_long_after():
    busy = [Server(busy_until=5000)]
    customers = Customers([0, 100, 4000], [1, 1, 1], appointment=[None, 50, 200])
    assert [n for _at, n in sorted(zip(run(customers, busy, fast=False).began, (0, 1, 2), strict=True))] == [0, 1, 2]
    early = Customers([0, 100, 110], [1, 1, 1], appointment=[600, None, None])
    assert list(run(early, busy, fast=False).began) == [5002, 5000, 5001]


@pytest.mark.parametrize(
    "customers, servers, policy",
    [
        (Customers([0], [1, 2]), [Server()], Policy()),
        (Customers([0], [-1]), [Server()], Policy()),
        (Customers([inf], [1]), [Server()], Policy()),
        (Customers([0], [float("nan")]), [Server()], Policy()),
        (Customers([0], [1], group=[-1]), [Server()], Policy()),
        (Customers([0], [1]), [], Policy()),
        (Customers([0], [1]), [Server(shifts=[(5, 1)])], Policy()),
        (Customers([0], [1]), [Server()], Policy("whoever shouts")),
        (Customers([0], [1]), [Server()], Policy("ratio", -1)),
    ],
    ids=["lengths", "negative", "never", "no number", "group", "no server", "shift", "policy", "ratio"],
)
def test_a_scenario_that_cannot_be_is_refused(customers, servers, policy):
    with pytest.raises(BadScenario):
        run(customers, servers, policy, fast=False)


def test_drawn_numbers_are_even_and_the_same_for_a_seed():
    state, again = kernel.seeded(7), kernel.seeded(7)
    drawn = [engine.loop.draw(state) for _n in range(20_000)]
    assert drawn[:50] == [engine.loop.draw(again) for _n in range(50)]
    assert min(drawn) > 0 and max(drawn) < 1 and abs(fmean(drawn) - 0.5) < 0.01
    assert all(abs(sum(n / 10 <= x < (n + 1) / 10 for x in drawn) - 2000) < 200 for n in range(10))


def test_playing_the_same_queue_often_draws_from_what_was_measured(fast):
    sampling = kernel.Sampling(
        kind=[0, 0, -1],
        passed=[0, 0, 0],
        comes=[1, 1, 1],
        measured=[(100, 200, 300), (5,)],
        pass_kind=1,
        busy_kind=[0],
        elapsed=[150],
        spread=0.0,
    )
    customers = Customers([0, 0, 0], [0, 0, 0])
    out = list(kernel.play(customers, [Server()], Policy(), sampling, plays=200, seed=3, fast=fast))
    first, second, asks = out[0::3], out[1::3], out[2::3]
    assert set(first) == {50, 150}  # 200 or 300 less what has passed
    assert {b - a for a, b in zip(first, second, strict=True)} == {100, 200, 300}
    assert {b - a for a, b in zip(second, asks, strict=True)} == {100, 200, 300}
    plain = kernel.play(customers, [Server()], Policy(), sampling, plays=200, seed=3, fast=False)
    assert out == list(plain)
