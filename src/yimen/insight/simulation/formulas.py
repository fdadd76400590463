"""
Closed formulas of queues in their steady state: Erlang B and C, Pollaczek-Khinchine. Any unit of time, kept throughout.

load: arrivals × mean service, in servers kept busy (erlang).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp


class NotSteady(ValueError):
    """More comes than can be served: the queue grows for ever, or a figure is not one."""


def erlang_b(servers: int, load: float) -> float:
    """Return the share of calls lost where nobody can wait."""
    if servers < 0 or not load >= 0:
        raise NotSteady("servers and load count from 0")
    lost = 1.0
    for n in range(1, servers + 1):
        lost = load * lost / (n + load * lost)
    return lost


def erlang_c(servers: int, load: float) -> float:
    """Return the share of people who have to wait. Raises NotSteady unless load < servers."""
    if not 0 <= load < servers:
        raise NotSteady("the load has to be less than the servers")
    lost = erlang_b(servers, load)
    return servers * lost / (servers - load * (1 - lost))


@dataclass(frozen=True)
class Steady:
    """
    utilisation: share of time a server is busy. lost: Erlang B. waits: share who wait. mean_wait, mean_time (wait and
    service): in the unit of the rates. mean_queue: people.
    """

    servers: int
    arrivals: float
    services: float
    utilisation: float
    lost: float
    waits: float
    mean_wait: float
    mean_queue: float
    mean_time: float

    def waits_over(self, time: float) -> float:
        """Return the share of people who wait longer than `time`."""
        return self.waits * exp(-(self.servers * self.services - self.arrivals) * time)


def markov(arrivals: float, services: float, servers: int) -> Steady:
    """
    M/M/c: arrivals a unit of time, services a unit of time of one server. Raises NotSteady.
    """
    if not services > 0:
        raise NotSteady("a server has to serve somebody")
    load = arrivals / services
    waits = erlang_c(servers, load)
    mean_wait = waits / (servers * services - arrivals)
    return Steady(
        servers=servers,
        arrivals=arrivals,
        services=services,
        utilisation=load / servers,
        lost=erlang_b(servers, load),
        waits=waits,
        mean_wait=mean_wait,
        mean_queue=arrivals * mean_wait,
        mean_time=mean_wait + 1 / services,
    )


def pollaczek_khinchine(arrivals: float, mean_service: float, cv2: float) -> float:
    """
    M/G/1: return the mean wait. cv2: variance of a service over its mean squared. Raises NotSteady.
    """
    load = arrivals * mean_service
    if not (0 <= load < 1 and cv2 >= 0):
        raise NotSteady("the load has to be less than the one server")
    return load * mean_service * (1 + cv2) / (2 * (1 - load))


def servers_needed(arrivals: float, services: float, *, within: float, share: float, most: int = 10_000) -> int:
    """Return the fewest servers with which at least `share` of people wait at most `within`. Raises NotSteady."""
    for servers in range(max(1, int(arrivals / services)), most + 1):
        if arrivals < services * servers and 1 - markov(arrivals, services, servers).waits_over(within) >= share:
            return servers
    raise NotSteady(f"not even {most} servers are enough")
