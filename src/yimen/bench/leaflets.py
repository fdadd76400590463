"""How fast leaflets are set: alone for a citizen, and as one run for a window."""

from __future__ import annotations

from datetime import datetime

from django.utils.timezone import localdate

from yimen.bench.measure import Figure, figure, run_for
from yimen.catalog import prints
from yimen.catalog.queries import guides
from yimen.people.models import ServiceCenter
from yimen.web import leaflet_lists

RUN = 66


def run(region: str, now: datetime, *, seconds: float) -> list[Figure]:
    """Return leaflets a second: one PDF each (with reading the item), and RUN of them in one file."""
    center = guides.place_of(ServiceCenter.objects.filter(region_id=region).first())
    on = localdate(now)
    items = leaflet_lists.of_all(region)
    codes = list(items.values_list("task_code", flat=True)[:RUN])

    def alone(n: int) -> object:
        with prints.in_chinese():
            item = guides.guide(region, codes[n % len(codes)])
            assert item
            return prints.leaflets([guides.sheet_of(item, center=center, on=on)], at=now)

    alone(0)  # the fonts are read once in a process
    numbers = iter(range(1, 10**9))
    took = run_for(seconds, 1, lambda _n: lambda: alone(next(numbers)))
    rows = [figure("leaflet PDF, one item", 1, took)]
    with prints.in_chinese():
        sheets = list(guides.sheets(items.filter(task_code__in=codes), region, center=center, on=on))

    def together() -> object:
        with prints.in_chinese():
            return prints.leaflets(sheets, at=now, per_page=2)

    took = run_for(seconds, 1, lambda _n: together)
    whole = figure(f"{len(sheets)} leaflets in one PDF", 1, took)
    each = Figure(
        "leaflets a second in such a run",
        1,
        whole.per_second * len(sheets),
        whole.median_ms / len(sheets),
        whole.p99_ms / len(sheets),
    )
    return [*rows, whole, each]
