"""The demo's site visits: three days to a health permit, an elevator inspection, a call that is late."""

from datetime import timedelta

import pytest
from django.utils.timezone import localtime

from yimen.cases.models import Case, Hearing, Notice, SiteVisit
from yimen.cases.queries import visits as found
from yimen.catalog.models import ItemVersion
from yimen.catalog.queries import work_calendar
from yimen.catalog.rules.plans import day_of_steps
from yimen.demo import build, visits
from yimen.demo.tests.test_demo import OPENS
from yimen.people.models import Staff

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture(scope="module")
def begun(once_for_module):
    def begin() -> None:
        build.build(OPENS - timedelta(days=60))
        visits.begin(OPENS + timedelta(hours=6))

    return once_for_module(begin)


def case_of(name: str) -> Case:
    return Case.objects.select_related("version").get(applicant__name=f"{name}（演示）")


@pytest.mark.capability("S1-54")
def test_a_health_permit_follows_its_three_days_and_is_issued_on_the_third_afternoon(begun):
    case = case_of("杜三春")
    plan = day_of_steps(case.version.steps.all())
    assert {key: plan[key] for key in ("accept", "visit", "review", "decide", "deliver")} == {
        "accept": 1, "visit": 2, "review": 3, "decide": 3, "deliver": 3
    }  # fmt: skip
    calendar = work_calendar()
    first = localtime(case.accepted_at).date()
    done = {task.step_key: localtime(task.done_at) for task in case.tasks.all()}
    assert {key: 1 + calendar.count(first, moment.date()) for key, moment in done.items()} == {
        key: plan[key] for key in done
    }
    assert done["visit"].date() == localtime(SiteVisit.objects.get(case=case).done_at).date()
    assert done["review"].hour < 12 <= localtime(case.completed_at).hour
    assert (case.status, case.outcome, case.completed_on_time) == ("delivered", "granted", True)


@pytest.mark.capability("S2-2")
def test_the_elevator_inspection_exists_with_its_booking_visit_and_result(begun):
    assert ItemVersion.objects.filter(name="电梯定期检验", state="published").exists()
    case = case_of("尹平安")
    visit = SiteVisit.objects.get(case=case)
    assert (visit.asked_at, visit.result, case.outcome) == (case.received_at, "passed", "granted")
    kinds = set(case.notices.values_list("kind", flat=True))
    assert {Notice.Kind.VISIT, Notice.Kind.VISIT_RECORD, Notice.Kind.DECISION} <= kinds


def test_somebody_waits_for_a_call_and_a_kitchen_is_looked_at_again(begun):
    surveyor = Staff.objects.get(user__username="surveyor1")
    late = found.to_call(surveyor).get(case=case_of("季云梯"))
    assert late.wished_for and late.call_by < OPENS + timedelta(hours=6)
    assert found.agreed(surveyor).get(case=case_of("柏净")).number == 2
    counted = found.visit_failures(late.region_id, OPENS.date() - timedelta(days=10), OPENS.date())
    assert sum(one.count for one in counted) == 2
    assert Hearing.objects.get(case=case_of("招亮")).status == Hearing.Status.TOLD
