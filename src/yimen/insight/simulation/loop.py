"""
The event loop itself, over flat columns: runs as it stands on lists, and compiled on arrays (see engine.py).

Only plain loops, so that both ways give the same bits. Times are seconds of any origin; math.inf means never.

Order of events at the same moment: a server's shift begins, somebody arrives, a service ends.
"""

# ruff: noqa: SIM102 - flat on purpose: this is what is compiled
from __future__ import annotations

from math import inf
from typing import Any

STRICT, RATIO, AGEING, PRIORITY = 0, 1, 2, 3
# What a server remembers of its calls: -n after n of a higher rank in a row, n after n ordinary ones since the last of
# those, LONG before any (hall.rules.calling.ran).
LONG = 1000


def push(times: Any, servers: Any, size: int, time: float, server: int) -> None:
    """Add an entry to the heap of `size` entries; earliest first, then the lower server."""
    at = size
    while at > 0:
        up = (at - 1) // 2
        if times[up] < time or (times[up] == time and servers[up] < server):
            break
        times[at] = times[up]
        servers[at] = servers[up]
        at = up
    times[at] = time
    servers[at] = server


def pop(times: Any, servers: Any, size: int) -> None:
    """Drop the first entry of the heap of `size` entries."""
    last = size - 1
    time = times[last]
    server = servers[last]
    at = 0
    while True:
        down = 2 * at + 1
        if down >= last:
            break
        right = down + 1
        if right < last:
            if times[right] < times[down] or (times[right] == times[down] and servers[right] < servers[down]):
                down = right
        if time < times[down] or (time == times[down] and server < servers[down]):
            break
        times[at] = times[down]
        servers[at] = servers[down]
        at = down
    times[at] = time
    servers[at] = server


def insert(queue: int, who: int, key: Any, head: Any, tail: Any, after: Any, before: Any) -> None:
    """Put somebody into a queue by key, behind equal ones; nearly always at its end."""
    behind = tail[queue]
    while behind >= 0 and key[behind] > key[who]:
        behind = before[behind]
    before[who] = behind
    if behind < 0:
        after[who] = head[queue]
        head[queue] = who
    else:
        after[who] = after[behind]
        after[behind] = who
    if after[who] < 0:
        tail[queue] = who
    else:
        before[after[who]] = who


def remove_head(queue: int, head: Any, tail: Any, after: Any, before: Any) -> None:
    who = head[queue]
    head[queue] = after[who]
    if head[queue] < 0:
        tail[queue] = -1
    else:
        before[head[queue]] = -1


def works(server: int, now: float, interval: Any, begins: Any, ends: Any, first: Any) -> bool:
    """Whether a server may begin with somebody now; moves on to the interval that is not over yet."""
    at = interval[server]
    last = first[server + 1]
    while at < last and ends[at] <= now:
        at += 1
    interval[server] = at
    return bool(at < last and begins[at] <= now)


def ran(run: int, rank: int) -> int:
    """What a server remembers after calling somebody."""
    if rank > 0:
        return min(run, 0) - 1
    return min(run + 1, LONG) if run > 0 else 1


def pick(
    server: int, now: float, arrival: Any, needs: Any, rank: Any, key: Any, patience: Any, skill: Any, groups: int,
    ranks: int, policy: Any, bonus: Any, head: Any, tail: Any, after: Any, before: Any, runs: Any, waiting: Any,
) -> int:  # fmt: skip
    """
    Take the next one for a server out of the queues; -1 when nobody waits for it.

    policy: kind, ordinary ones after each of a higher rank (ratio), cap on those of a higher rank in a row (0: none;
    not for strict). bonus: the head start of each rank, 0 but for ageing. Somebody of a higher rank whose time (key)
    has not come is called only when nobody else waits. Whoever has lost patience by now is dropped on the way.
    """
    kind = policy[0]
    ordinary = -1
    special = -1
    special_rank = -1
    special_score = 0.0
    early = -1
    for group in range(groups):
        if not skill[server * groups + group]:
            continue
        for of in range(ranks):
            queue = group * ranks + of
            who = head[queue]
            while who >= 0 and arrival[who] + patience[who] < now:
                remove_head(queue, head, tail, after, before)
                waiting[0] -= 1
                who = head[queue]
            if who < 0:
                continue
            if of == 0:
                if ordinary < 0 or key[who] < key[ordinary] or (key[who] == key[ordinary] and who < ordinary):
                    ordinary = who
                continue
            if key[who] > now:
                if early < 0 or key[who] < key[early] or (key[who] == key[early] and who < early):
                    early = who
                continue
            score = key[who] - bonus[of]
            if special >= 0:
                if kind != STRICT and kind != AGEING and of != special_rank:
                    if of < special_rank:
                        continue
                elif score > special_score or (score == special_score and who > special):
                    continue
            special = who
            special_rank = of
            special_score = score
    chosen = special
    if special < 0:
        chosen = ordinary if ordinary >= 0 else early
        if chosen < 0:
            return -1
    elif ordinary >= 0:
        is_before = special_score < key[ordinary] or (special_score == key[ordinary] and special < ordinary)
        if kind == STRICT:
            takes_special = is_before
        elif policy[2] > 0 and -runs[server] >= policy[2]:
            takes_special = False
        elif kind == RATIO:
            takes_special = policy[1] == 0 or runs[server] >= policy[1]
        elif kind == AGEING:
            takes_special = is_before
        else:
            takes_special = True
        if not takes_special:
            chosen = ordinary
    runs[server] = ran(runs[server], rank[chosen])
    remove_head(needs[chosen] * ranks + rank[chosen], head, tail, after, before)
    waiting[0] -= 1
    return chosen


def simulate(
    arrival: Any, service: Any, group: Any, rank: Any, key: Any, patience: Any,
    skill: Any, groups: int, ranks: int, begins: Any, ends: Any, first: Any, open_at: Any, open_by: Any, free_at: Any,
    policy: Any, bonus: Any,
    began: Any, by: Any,
    head: Any, tail: Any, after: Any, before: Any, times: Any, servers: Any, idle: Any, interval: Any, runs: Any,
    waiting: Any,
) -> None:  # fmt: skip
    """
    Serve the customers (in order of arrival) and write when each began (inf: never) and by whom (-1: nobody).

    free_at: when each server ends what it is doing at the start. runs go on from what they hold.
    """
    count = len(arrival)
    server_count = len(free_at)
    opens = len(open_at)
    for queue in range(groups * ranks):
        head[queue] = -1
        tail[queue] = -1
    idle_count = 0
    size = 0
    for server in range(server_count):
        interval[server] = first[server]
        if free_at[server] > -inf:
            push(times, servers, size, free_at[server], server)
            size += 1
            idle[server] = inf
        else:
            idle[server] = -inf
            idle_count += 1
    waiting[0] = 0
    for who in range(count):
        began[who] = inf
        by[who] = -1
        after[who] = -1
        before[who] = -1
    coming = 0
    opening = 0
    while coming < count or waiting[0] > 0:
        time_in = arrival[coming] if coming < count else inf
        time_open = open_at[opening] if opening < opens else inf
        time_done = times[0] if size > 0 else inf
        if time_open <= time_in and time_open <= time_done and time_open < inf:
            now = time_open
            server = open_by[opening]
            opening += 1
            if idle[server] == inf:
                continue
        elif time_in <= time_done and time_in < inf:
            now = time_in
            who = coming
            coming += 1
            chosen = -1
            if idle_count > 0:
                for server in range(server_count):
                    if idle[server] < inf and skill[server * groups + group[who]]:
                        if chosen < 0 or idle[server] < idle[chosen]:
                            if works(server, now, interval, begins, ends, first):
                                chosen = server
            if chosen < 0:
                insert(group[who] * ranks + rank[who], who, key, head, tail, after, before)
                waiting[0] += 1
                continue
            runs[chosen] = ran(runs[chosen], rank[who])
            began[who] = now
            by[who] = chosen
            idle[chosen] = inf
            idle_count -= 1
            push(times, servers, size, now + service[who], chosen)
            size += 1
            continue
        elif time_done < inf:
            now = time_done
            server = servers[0]
            pop(times, servers, size)
            size -= 1
            idle[server] = now
            idle_count += 1
        else:
            break
        if not works(server, now, interval, begins, ends, first):
            continue
        who = pick(
            server, now, arrival, group, rank, key, patience, skill, groups, ranks, policy, bonus,
            head, tail, after, before, runs, waiting,
        )  # fmt: skip
        if who >= 0:
            began[who] = now
            by[who] = server
            idle[server] = inf
            idle_count -= 1
            push(times, servers, size, now + service[who], server)
            size += 1


def draw(state: Any) -> float:
    """Return the next number between 0 and 1 (both left out): MRG32k3a of L'Ecuyer (1999), state of six integers."""
    first = (1403580 * state[1] - 810728 * state[0]) % 4294967087
    state[0] = state[1]
    state[1] = state[2]
    state[2] = first
    second = (527612 * state[5] - 1370589 * state[3]) % 4294944443
    state[3] = state[4]
    state[4] = state[5]
    state[5] = second
    return ((first - second) % 4294967087 + 0.5) * 2.328306549295728e-10


def sample_runs(
    plays: int, state: Any, kind: Any, passed: Any, comes: Any, values: Any, begin_of: Any, pass_kind: int,
    busy_kind: Any, elapsed: Any, spread: float, out: Any,
    arrival: Any, service: Any, group: Any, rank: Any, key: Any, patience: Any,
    skill: Any, groups: int, ranks: int, begins: Any, ends: Any, first: Any, open_at: Any, open_by: Any, free_at: Any,
    policy: Any, bonus: Any,
    began: Any, by: Any,
    head: Any, tail: Any, after: Any, before: Any, times: Any, servers: Any, idle: Any, interval: Any, runs: Any,
    waiting: Any, runs_before: Any,
) -> None:  # fmt: skip
    """
    Play the same queue `plays` times with services drawn anew; out[play * customers + who] is when each began.

    values[begin_of[k]:begin_of[k + 1]]: the measured seconds of kind k, ascending. kind: each customer's, -1 takes no
    time (somebody who only asks how long it would be). passed: chance that nobody comes when called, which takes a
    time of kind pass_kind; comes: chance that he is there at all. busy_kind: what each server is busy with since
    `elapsed` seconds, -1 when free at time 0. spread: standard deviation of the day's own pace.
    """
    count = len(arrival)
    for play in range(plays):
        pace = -6.0
        for _n in range(12):
            pace += draw(state)
        pace = min(max(1.0 + spread * pace, 0.4), 2.5)
        for who in range(count):
            of = kind[who]
            patience[who] = inf
            if of < 0:
                service[who] = 0.0
                continue
            if comes[who] < 1.0 and draw(state) >= comes[who]:
                service[who] = 0.0
                patience[who] = -1.0
                continue
            if passed[who] > 0.0 and draw(state) < passed[who]:
                of = pass_kind
            low = begin_of[of]
            service[who] = values[low + int(draw(state) * (begin_of[of + 1] - low))] * pace
        for server in range(len(free_at)):
            runs[server] = runs_before[server]
            of = busy_kind[server]
            if of < 0:
                continue
            low = begin_of[of]
            high = begin_of[of + 1]
            while low < high and values[low] * pace <= elapsed[server]:
                low += 1
            if low < high:
                free_at[server] = values[low + int(draw(state) * (high - low))] * pace - elapsed[server]
            else:
                # Longer than anything measured: about as much again as half of an ordinary one.
                low = begin_of[of]
                free_at[server] = values[low + int(draw(state) * (high - low))] * pace * 0.5
        simulate(
            arrival, service, group, rank, key, patience,
            skill, groups, ranks, begins, ends, first, open_at, open_by, free_at, policy, bonus, began, by,
            head, tail, after, before, times, servers, idle, interval, runs, waiting,
        )  # fmt: skip
        for who in range(count):
            out[play * count + who] = began[who]
