"""How fast two editions of a power list are compared, and how every item's entry into the hall is judged."""

from __future__ import annotations

from datetime import datetime

from django.utils.timezone import localdate

from yimen.bench.measure import Figure, figure, run_for
from yimen.catalog.actions import powers as actions
from yimen.catalog.queries import powers as queries
from yimen.ledger.actions import SYSTEM
from yimen.people.models import Region

BEFORE, AFTER = 9300, 3500


def run(region: str, now: datetime, *, seconds: float) -> list[Figure]:
    """Return: two editions compared with their lists; all published items judged by the four reasons."""
    place, on = Region.objects.get(pk=region), localdate(now)
    editions = []
    for count in (BEFORE, AFTER):
        powers = [
            actions.PowerDraft(f"44{n:07d}000", f"演示职权 {n}", "01", str(n % 4 + 1), None, f"《演示条例》第{n}条")
            for n in range(count)
        ]
        draft = actions.begin_power_list(place, powers=powers, name="演示清单", by=SYSTEM, at=now)
        editions.append(actions.publish_power_list(draft, effective_on=on, by=SYSTEM, at=now))
    before, after = editions
    took = run_for(seconds, 1, lambda _n: lambda: queries.compare(before, after))
    rows = [figure(f"power lists of {BEFORE:,} and {AFTER:,} compared", 1, took)]
    items = len(queries.standings(region, on))
    took = run_for(seconds, 1, lambda _n: lambda: queries.audit(queries.standings(region, on)))
    return [*rows, figure(f"entry of {items:,} items judged", 1, took)]
