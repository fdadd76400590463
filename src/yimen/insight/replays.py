"""
A file of arrivals and services played again, first come first served, with a number of servers of your choice.

The file is CSV with the head arrival_s,service_s: seconds, in order of arrival (.gz too).
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path
from statistics import fmean, median
from typing import Any

from django.utils.translation import gettext as _

from yimen.insight.simulation import kernel
from yimen.insight.simulation.kernel import Customers, Server
from yimen.lib.errors import DomainError

HEADER = "arrival_s,service_s"
MOST_ROWS = 2_000_000
MOST_SECONDS = 1_000_000_000  # thirty years
MOST_SERVERS = 10_000
LIMITS = (60, 300, 600, 900, 1800)
_LONGEST_LINE = 1000
_SHOWN = 40
_NUMBER = re.compile(r"\d{1,12}(\.\d{1,9})?", re.ASCII)


class UnreadableReplay(DomainError):
    """The file is not of the form, or a line of it cannot be right; says which line, what it holds and why."""


@dataclass(frozen=True)
class Waits:
    """
    What the waits were. Seconds; shares from 0 to 1. p90 and p99: the least wait that so many did not exceed.

    over: share of people who waited longer than so many seconds. utilisation: share of the servers' time, from the
    first arrival to the last departure, that somebody was served.
    """

    servers: int
    customers: int
    mean_wait_s: float
    max_wait_s: float
    p50_wait_s: float
    p90_wait_s: float
    p99_wait_s: float
    customers_who_wait: int
    share_over: dict[str, float]
    utilisation: float
    first_arrival_s: float
    last_departure_s: float
    busy_seconds: float

    def as_json(self) -> dict[str, Any]:
        """Plain values; whole seconds without a point, means to four places."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def read(path: Path, *, sort: bool = False) -> Customers:
    """
    Return arrivals and services of a file. sort: let arrivals stand in any order, and put them in theirs.

    Raises UnreadableReplay, OSError.
    """
    arrival: list[float] = []
    service: list[float] = []
    with _lines(path) as lines:
        head = next(lines, (1, ""))[1].removeprefix("\ufeff")
        if not head and not arrival and path.stat().st_size == 0:
            raise UnreadableReplay(_("文件是空的，第 1 行应当是 %(header)s。") % {"header": HEADER})
        if head.replace(" ", "") != HEADER:
            raise _bad(1, head, _("第 1 行应当是 %(header)s") % {"header": HEADER})
        for number, line in lines:
            if not line:
                continue
            parts = [part.strip() for part in line.split(",")]
            if len(parts) != 2:
                raise _bad(number, line, _("每行是两个数：到达的秒数和办理的秒数"))
            for part in parts:
                if not _NUMBER.fullmatch(part):
                    why = _("不能是负数") if part.startswith("-") else _("不是秒数，请写成 25204 或 70.5 这样")
                    raise _bad(number, part, why)
                if float(part) > MOST_SECONDS:
                    raise _bad(number, part, _("超过了 %(most)s 秒") % {"most": f"{MOST_SECONDS:,}"})
            came, took = map(float, parts)
            if arrival and came < arrival[-1] and not sort:
                raise _bad(number, parts[0], _("比上一行到得早；行要按到达先后排，或者加 --sort"))
            if len(arrival) == MOST_ROWS:
                raise _bad(number, line, _("超过了 %(most)s 行") % {"most": f"{MOST_ROWS:,}"})
            arrival.append(came)
            service.append(took)
    if not arrival:
        raise UnreadableReplay(_("文件里只有第 1 行，没有人来过。"))
    if sort:
        order = sorted(range(len(arrival)), key=arrival.__getitem__)
        arrival, service = [arrival[n] for n in order], [service[n] for n in order]
    return Customers(arrival, service)


@contextmanager
def _lines(path: Path) -> Iterator[Iterator[tuple[int, str]]]:
    """Numbered lines of a text file, stripped; never more than a short line in memory."""

    def numbered() -> Iterator[tuple[int, str]]:
        number = 0
        try:
            while raw := stream.readline(_LONGEST_LINE + 1):
                number += 1
                if len(raw) > _LONGEST_LINE:
                    raise _bad(number, raw.decode("utf-8", "replace"), _("这一行太长"))
                line = raw.decode("utf-8").strip()
                if "\0" in line:
                    raise _bad(number, line, _("这不是文字文件"))
                yield number, line
        except UnicodeDecodeError as error:
            raise _bad(number, error.object[:20].decode("utf-8", "replace"), _("这不是 UTF-8 文字文件")) from error
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise _bad(number + 1, path.name, _("压缩文件坏了")) from error

    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
        yield numbered()


def _bad(number: int, value: str, why: str) -> UnreadableReplay:
    shown = "".join(char if char.isprintable() else "�" for char in value[: _SHOWN + 1])
    shown = shown[:_SHOWN] + "…" if len(shown) > _SHOWN else shown
    return UnreadableReplay(_("第 %(line)s 行“%(value)s”：%(why)s。") % {"line": number, "value": shown, "why": why})


def play(customers: Customers, servers: int, *, limits: Sequence[int] = LIMITS, fast: bool | None = None) -> Waits:
    """Serve everybody first come first served, without anybody leaving, and return what the waits were."""
    outcome = kernel.run(customers, [Server()] * servers, fast=fast)
    waits = sorted(map(float, outcome.waits))
    last = max(float(began) + took for began, took in zip(outcome.began, customers.service, strict=True))
    first, busy = min(customers.arrival), float(sum(customers.service))
    return Waits(
        servers=servers,
        customers=len(waits),
        mean_wait_s=fmean(waits),
        max_wait_s=waits[-1],
        p50_wait_s=median(waits),
        p90_wait_s=_rank(waits, 0.90),
        p99_wait_s=_rank(waits, 0.99),
        customers_who_wait=sum(wait > 0 for wait in waits),
        share_over={str(limit): sum(wait > limit for wait in waits) / len(waits) for limit in limits},
        utilisation=busy / (servers * (last - first)) if last > first else 0.0,
        first_arrival_s=first,
        last_departure_s=last,
        busy_seconds=busy,
    )


def _rank(ordered: Sequence[float], share: float) -> float:
    return ordered[max(ceil(share * len(ordered)) - 1, 0)]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, float):
        return int(value) if value.is_integer() else round(value, 4)
    return value
