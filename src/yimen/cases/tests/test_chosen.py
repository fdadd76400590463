"""Cases of items with questions: what applies, what is refused, which steps open."""

import pytest

from yimen.cases import actions, queries
from yimen.cases.actions import Handed
from yimen.cases.models import Case, Clock
from yimen.catalog.rules import scenario
from yimen.catalog.tests.scenarios import make_scenario_item
from yimen.ledger.models import Event
from yimen.lib.errors import DomainError
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_applicant, make_center, make_department, make_staff

pytestmark = pytest.mark.django_db
HOT = ("who.person", "food.hot", "agent.self")
COLD = ("who.person", "food.cold", "agent.self")
FORM = {"apply": {"shop": "大山面馆", "area": 36}}


@pytest.fixture
def version():
    return make_scenario_item()


def receive(version, chosen=HOT, **more):
    region = version.item.region
    clerk = make_staff(Role.CLERK, department=make_department(region), for_region=True)
    applying = scenario.applying(version.materials.all(), chosen)
    return actions.receive(
        version,
        make_applicant(region=region),
        center=make_center(region),
        **{
            "materials": {one.pk: Handed("complete") for one in applying},
            "chosen": chosen,
            "by": clerk,
            "at": NOW,
        }
        | more,
    )


@pytest.mark.parametrize(
    "chosen, error",
    [
        pytest.param(HOT, None, id="complete"),
        pytest.param((), scenario.IncompleteAnswers, id="none"),
        pytest.param(HOT[:2], scenario.IncompleteAnswers, id="one missing"),
        pytest.param((*HOT, "who.nobody"), scenario.IncompleteAnswers, id="an option nobody knows"),
        pytest.param(("who.person", "food.stall"), scenario.DeadEnd, id="dead end"),
    ],
)
def test_only_complete_answers_are_received(version, chosen, error):
    if error is None:
        assert receive(version, chosen).chosen == list(HOT)
    else:
        with pytest.raises(error):
            receive(version, chosen)
        assert not Case.objects.exists()


def test_a_material_that_does_not_apply_cannot_be_asked_for(version):
    every = {one.pk: Handed("complete") for one in version.materials.all()}
    with pytest.raises(actions.UnlistedMaterial):
        receive(version, materials=every)


def test_only_what_applies_can_be_missing(version):
    case = receive(version, COLD, materials={})
    with pytest.raises(actions.MaterialsMissing, match="专间布局图") as caught:
        actions.accept(case.pk, by=case.received_by, at=NOW)
    assert "委托书" not in str(caught.value)


@pytest.mark.parametrize("chosen, steps, days", [(HOT, {"review", "decide"}, 9), (COLD, {"review", "visit"}, 12)])
def test_steps_that_do_not_apply_are_passed_over(version, chosen, steps, days):
    case = receive(version, chosen)
    actions.accept(case.pk, by=case.received_by, at=NOW)
    assert case.clocks.get(kind=Clock.Kind.PROMISED).limit == days
    approver = make_staff(Role.APPROVER, department=version.item.department)
    task = case.tasks.get()
    actions.complete_task(task.pk, outcome="passed", opinion="符合规定。", by=approver, at=NOW)
    assert {task.step_key for task in case.tasks.all()} == steps


def test_the_ledger_says_which_way_but_not_what_was_filled_in(version):
    case = receive(version, form_values=FORM)
    data = Event.objects.get(kind="case.received").data
    assert data["chosen"] == list(HOT) and data["forms"] == ["apply"]
    assert "大山面馆" not in str(list(Event.objects.values_list("data", flat=True)))
    [sheet] = queries.form_sheets(case)
    said = {field.name: text for field, text in sheet.rows}
    assert said["shop"] == "大山面馆" and said["owner"] == case.applicant.masked_name


@pytest.mark.parametrize(
    "values, word",
    [
        pytest.param({"apply": {"area": 36}}, "“店名”还没填", id="missing"),
        pytest.param({"apply": {"shop": "x", "area": 0}}, "不能小于 1", id="out of bounds"),
        pytest.param({"apply": {"shop": "x", "area": 3, "hack": 1}}, "没有“hack”", id="unknown field"),
        pytest.param({"other": {}}, "没有“other”这张表", id="unknown form"),
    ],
)
def test_values_that_do_not_fit_the_form_are_refused(version, values, word):
    with pytest.raises(DomainError, match=word):
        receive(version, form_values=values)
    assert not Case.objects.exists()


def test_numbers_of_the_applicant_are_kept_once_only(version):
    more = {"apply": {**FORM["apply"], "owner": "别人", "mobile": "13900000001"}}
    case = receive(version, form_values=more)
    assert queries.filled_forms(case) == FORM
