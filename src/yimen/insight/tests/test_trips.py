"""How often people had to come: counted by the acts themselves, told by month and by item."""

from datetime import timedelta
from decimal import Decimal

import pytest

from yimen.cases import actions
from yimen.cases.actions import Handed
from yimen.cases.models import Case
from yimen.cases.tests.factories import make_case, make_version
from yimen.insight.ledger_report import BadPeriod
from yimen.insight.trips import trips
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_department, make_staff

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def unit():
    organ = make_department()
    return make_version(department=organ, immediate=True), make_staff(Role.CLERK, department=organ)


def case_of(
    unit, *, days: tuple[int, ...] = (), how: str = "window", fetched: int = 0, at=NOW, channel="window"
) -> Case:
    """A case received at `at`, materials brought after so many `days`, handed over `fetched` days later."""
    version, clerk = unit
    case = make_case(version=version, complete=not days, at=at, by=clerk)
    if channel != "window":
        Case.objects.filter(pk=case.pk).update(channel=channel, visit_days=[])
    for number, day in enumerate(days):
        row = list(case.materials.order_by("material__position"))[number]
        actions.note_materials(case.pk, {row.material_id: Handed("complete")}, by=clerk, at=at + day * DAY)
    rest = {row.material_id: Handed("complete", "", "electronic") for row in case.materials.exclude(state="complete")}
    if rest:
        actions.note_materials(case.pk, rest, by=clerk, at=at + max(days) * DAY)
    last = at + (max(days, default=0) + fetched) * DAY
    actions.accept(case.pk, by=clerk, at=last)
    actions.decide(case.pk, outcome="granted", by=clerk, at=last)
    return actions.deliver(case.pk, how=how, by=clerk, at=last)


@pytest.mark.parametrize(
    ("made", "days"),
    [
        ({}, 1),
        ({"days": (0,)}, 1),  # brought on the same day: one visit
        ({"days": (1, 2)}, 3),
        ({"fetched": 3}, 2),
        ({"fetched": 3, "how": "post"}, 1),
        ({"how": "electronic", "channel": "web"}, 0),
    ],
)
def test_each_day_on_which_somebody_came_counts_once(unit, made, days):
    case = case_of(unit, **made)
    case.refresh_from_db()
    assert len(case.visit_days) == days


@pytest.mark.capability("S2-11")
def test_average_visits_a_case_are_told_by_month(unit, django_assert_num_queries):
    october = NOW - 30 * DAY
    case_of(unit, at=october, days=(1, 2))
    case_of(unit, at=october)
    case_of(unit, how="post")
    region = unit[0].item.region_id
    with django_assert_num_queries(1):
        found = trips(region, (NOW - 60 * DAY).date(), NOW.date())
    assert [(one.label, one.cases, one.average) for one in found.months] == [
        ("2026-10", 2, Decimal("2.00")),
        ("2026-11", 1, Decimal("1.00")),
    ]
    assert (found.total.cases, found.total.visits, found.total.average) == (3, 5, Decimal("1.67"))


@pytest.mark.capability("S2-22")
def test_done_in_one_go_is_told_by_item(unit):
    case_of(unit)
    case_of(unit, days=(1,))
    other = make_version(immediate=True)
    clerk = make_staff(Role.CLERK, department=other.item.department)
    case_of((other, clerk), how="electronic", channel="web")
    undelivered = make_case(version=unit[0])
    assert undelivered.visit_days == [NOW.date()]
    found = trips(unit[0].item.region_id, NOW.date(), (NOW + 5 * DAY).date())
    assert [(one.label, one.rate, one.none) for one in found.items] == [
        (unit[0].name, Decimal(50), 0),
        (other.name, Decimal(100), 1),
    ]
    only = trips(unit[0].item.region_id, NOW.date(), NOW.date(), departments=[other.item.department_id])
    assert [one.label for one in only.items] == [other.name]


def test_a_period_without_cases_has_no_average(unit):
    found = trips(unit[0].item.region_id, NOW.date(), NOW.date())
    assert (found.total.cases, found.total.average, found.total.rate, found.months) == (0, None, None, [])
    with pytest.raises(BadPeriod):
        trips(unit[0].item.region_id, NOW.date(), NOW.date() - DAY)
