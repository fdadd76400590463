"""The people around the demo's cases are there to be seen."""

from datetime import timedelta

import pytest

from yimen.cases.models import AgentService, CaseTeam, ExpertRequest, Guidance, PriorityGrant, Recusal
from yimen.demo import build, handling, people_around
from yimen.demo.tests.test_demo import OPENS


@pytest.mark.slow
@pytest.mark.django_db
def test_everything_around_a_case_is_there_to_be_seen():
    now = OPENS + timedelta(hours=6)
    build.build(now - timedelta(days=60))
    handling.begin(now)
    people_around.begin(now)
    assert PriorityGrant.objects.filter(approved_by__isnull=False).count() == 1
    assert PriorityGrant.objects.filter(approved_at=None).count() == 1
    assert Guidance.objects.count() == 3
    for model in (AgentService, CaseTeam, ExpertRequest, Recusal):
        assert model.objects.count() == 1
