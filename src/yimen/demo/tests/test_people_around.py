"""The people around the demo's cases are there to be seen."""

from datetime import timedelta

import pytest

from yimen.cases import queries
from yimen.cases.models import AgentService, Case, CaseTeam, ExpertRequest, FeeSlip, Guidance, PriorityGrant, Recusal
from yimen.demo import build, handling, people_around, results
from yimen.demo.tests.test_demo import OPENS


@pytest.mark.slow
@pytest.mark.django_db
def test_everything_around_a_case_is_there_to_be_seen():
    now = OPENS + timedelta(hours=6)
    build.build(now - timedelta(days=60))
    handling.begin(now)
    people_around.begin(now)
    results.fees(results._Office(), now.date())
    assert PriorityGrant.objects.filter(approved_by__isnull=False).count() == 1
    assert PriorityGrant.objects.filter(approved_at=None).count() == 1
    assert Guidance.objects.count() == 3
    for model in (AgentService, CaseTeam, ExpertRequest, Recusal):
        assert model.objects.count() == 1
    taken_in = Case.objects.get(received_region__isnull=False)
    assert taken_in.chosen and taken_in.received_by.user.username == handling.FAR_CLERK
    assert FeeSlip.objects.filter(paid_at__isnull=False).count() >= 3
    assert queries.noted_fee_jumps(taken_in.region_id, now.date())
