"""What the demo shows of powers, entry and delegations."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from yimen.catalog.models import ServiceItem
from yimen.catalog.queries import powers as queries
from yimen.catalog.rules.powers import EntryFault, Validity
from yimen.demo import build, centre
from yimen.people.models import OrganisationChange

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 18, 1, 0, tzinfo=UTC)


def test_two_editions_twelve_batches_four_gaps_and_a_bureau():
    build.build(NOW - timedelta(days=60))
    region, today = centre.REGION[0], NOW.date()
    second, first = queries.editions(region)
    found = queries.compare(first, second).total
    assert (found.before, found.after, found.fewer) == (186, 70, Decimal("62.4"))
    assert [batch.number for batch in queries.batches(region)] == list(range(1, 13))
    assert all(queries.has_power(item, today) for item in ServiceItem.objects.filter(published__isnull=False))

    standing = queries.standings(region, today)
    audit = queries.audit(standing)
    assert all(audit[fault] for fault in EntryFault)
    assert queries.delegations(region, today, state=Validity.ENDING).count() == 1
    assert queries.finishing_items(region, today)
    months = [month.coverage.rate for month in queries.trend(region, today)]
    assert months[0] is not None and months[0] < months[-1]
    assert queries.presence(region).branches == 2
    assert [len(queries.held_for_others(region)), OrganisationChange.objects.count()] == [2, 1]
