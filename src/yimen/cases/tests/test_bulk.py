"""Cases loaded many at once are the same, column by column and row by row, as cases handled one by one."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.forms.models import model_to_dict

from yimen.cases import actions, bulk
from yimen.cases.actions import Handed
from yimen.cases.models import Case
from yimen.cases.tests.factories import make_version
from yimen.catalog.models import LocalRule
from yimen.catalog.rules.scenario import IncompleteAnswers
from yimen.catalog.tests.scenarios import make_scenario_item
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import make_applicant, make_center, make_department, make_region, make_staff

pytestmark = pytest.mark.django_db

# A Thursday before the Dragon Boat holiday, 9:00 in Shanghai.
AT = datetime(2014, 5, 29, 1, 0, tzinfo=UTC)
STEP = timedelta(minutes=10)


@pytest.fixture
def cast():
    make_region()
    department = make_department()
    # A loaded case names one person for review and decision.
    LocalRule.objects.create(
        region_id=department.region_id, key="reviewer_may_decide", value=1, effective_on=date(2000, 1, 1)
    )
    return {
        "center": make_center(),
        "applicant": make_applicant(),
        "clerk": make_staff(Role.CLERK, department=make_department(), for_region=True),
        "approver": make_staff(Role.APPROVER, department=department),
        "department": department,
    }


def past(version, cast, *, until=4, at=AT):
    times = [at + STEP * n if n < until else None for n in range(4)]
    return bulk.PastCase(version, cast["applicant"], *times, clerk=cast["clerk"], decided_by=cast["approver"])


def by_hand(version, cast, *, until=4, at=AT):
    """The same through the actions; the immediate case is decided by its clerk's colleague too."""
    clerk, approver = cast["clerk"], cast["approver"]
    handed = {material.pk: Handed("complete") for material in version.materials.all()}
    case = actions.receive(version, cast["applicant"], center=cast["center"], materials=handed, by=clerk, at=at)
    if until > 1:
        actions.accept(case.pk, by=clerk, at=at + STEP)
    if until > 2:
        for task in case.tasks.filter(kind="review"):
            actions.complete_task(task.pk, outcome="passed", opinion="", by=approver, at=at + STEP * 2)
        actions.decide(case.pk, outcome="granted", by=approver, at=at + STEP * 2)
    if until > 3:
        actions.deliver(case.pk, how="window", by=clerk, at=at + STEP * 3)
    return Case.objects.get(pk=case.pk)


def columns(row, *without):
    return {key: value for key, value in model_to_dict(row).items() if key not in {"id", "case", *without}}


def history(case):
    rows = Event.objects.filter(stream=case.stream).order_by("seq")
    return [(row.region, row.seq, row.kind, row.actor, row.role, row.at, row.data) for row in rows]


@pytest.mark.parametrize("until", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", ["immediate", "promised", "default promise"])
def test_a_loaded_case_is_the_same_as_one_handled_by_hand(cast, kind, until):
    days = {"promised": 9, "default promise": None}.get(kind)
    version = make_version(immediate=kind == "immediate", promised_days=days, department=cast["department"])
    hand = by_hand(version, cast, until=until)
    assert bulk.load([past(version, cast, until=until)], center=cast["center"], by=SYSTEM) == 1
    loaded = Case.objects.exclude(pk=hand.pk).get()

    numbers = ("case_no", "query_no")
    assert columns(loaded, *numbers) == columns(hand, *numbers)
    assert [loaded.case_no[-4:], loaded.query_no[-5:]] == ["0002", "00002"]
    for name, order in (("clocks", "kind"), ("tasks", "step_key"), ("materials", "material")):
        rows = [[columns(row) for row in getattr(case, name).order_by(order)] for case in (loaded, hand)]
        assert rows[0] == rows[1] and (until == 1 or rows[0])
    told = [history(loaded), history(hand)]
    for rows, case in zip(told, (loaded, hand), strict=True):
        assert rows[0][-1].pop("case_no") == case.case_no
    assert told[0] == told[1]


def test_numbers_go_on_where_the_counters_stand_and_stay_free_of_gaps(cast):
    version = make_version(immediate=True, department=cast["department"])
    by_hand(version, cast, at=AT)
    rows = [past(version, cast, at=AT + timedelta(minutes=n)) for n in range(5)]
    rows += [past(version, cast, at=AT + timedelta(days=1, minutes=n)) for n in range(3)]
    bulk.load(reversed(rows), center=cast["center"], by=SYSTEM)
    by_hand(version, cast, at=AT + timedelta(days=1))
    numbers = Case.objects.order_by("received_at", "query_no").values_list("query_no", flat=True)
    assert sorted(int(number[-5:]) for number in numbers) == sorted([*range(1, 7), *range(1, 5)])
    assert len({case.case_no for case in Case.objects.all()}) == 10


def test_due_dates_follow_the_official_calendar(cast):
    version = make_version(promised_days=3, department=cast["department"])
    bulk.load([past(version, cast, until=2)], center=cast["center"], by=SYSTEM)
    assert Case.objects.get().due_on == date(2014, 6, 4)  # 31 May to 2 June were days off


def test_who_may_not_import_may_not_load(cast):
    version = make_version(department=cast["department"])
    with pytest.raises(NotAllowed):
        bulk.load([past(version, cast)], center=cast["center"], by=cast["clerk"])
    bulk.load([past(version, cast)], center=cast["center"], by=make_staff(Role.EDITOR, for_region=True))
    assert Case.objects.count() == 1


@pytest.mark.parametrize("fault", ["backwards", "gap", "visit", "old version"])
def test_what_the_actions_could_not_have_done_is_refused_and_leaves_nothing(cast, fault):
    good = make_version(department=cast["department"])
    version = make_version(visit=fault == "visit", department=cast["department"])
    row = past(version, cast)
    values = {name: getattr(row, name) for name in row.__slots__}
    if fault == "backwards":
        values["completed_at"] = AT - STEP
    elif fault == "gap":
        values["completed_at"] = None
    elif fault == "old version":
        version.item.published = None
        version.item.save(update_fields=["published"])
    with pytest.raises(bulk.CannotLoad):
        bulk.load([past(good, cast), bulk.PastCase(**values)], center=cast["center"], by=SYSTEM)
    assert not Case.objects.exists() and not Event.objects.filter(stream__startswith="case:").exists()


def test_loading_many_takes_as_few_statements_as_loading_one(cast, django_assert_max_num_queries):
    version = make_version(department=cast["department"])
    version.item.published  # noqa: B018 - read once
    cast["clerk"].role_name, cast["approver"].role_name
    with django_assert_max_num_queries(14):
        bulk.load([past(version, cast) for _n in range(200)], center=cast["center"], by=SYSTEM)


HOT, COLD = (("who.person", f"food.{food}", "agent.self") for food in ("hot", "cold"))


@pytest.mark.parametrize(
    "chosen, error",
    [
        pytest.param(HOT, None, id="complete"),
        pytest.param(HOT[:2], IncompleteAnswers, id="one missing"),
        pytest.param(COLD, bulk.CannotLoad, id="with a visit"),
    ],
)
def test_answers_decide_what_applies_to_a_loaded_case(cast, chosen, error):
    version = make_scenario_item(department=cast["department"])
    row = replace(past(version, cast), chosen=chosen)
    if error:
        with pytest.raises(error):
            bulk.load([row], center=cast["center"], by=SYSTEM)
        return
    bulk.load([row], center=cast["center"], by=SYSTEM)
    case = Case.objects.get()
    assert case.chosen == list(HOT)
    names = {row.material.name for row in case.materials.all()}
    assert "身份证" in names and not names & {"委托书", "专间布局图", "营业执照复印件"}
    assert {task.step_key for task in case.tasks.all()} == {"review", "decide", "deliver"}
    assert Event.objects.get(kind="case.received").data["chosen"] == list(HOT)
