"""异地代收代办 (HALL-17): taken in at one place, accepted, clocked and decided at another."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest

from yimen.cases import actions, queries
from yimen.cases.actions import Handed, NotOffered
from yimen.cases.actions.elsewhere import receive_elsewhere
from yimen.cases.models import Case
from yimen.cases.tests.factories import make_version
from yimen.catalog.models import ItemMaterial, ScenarioOption, ScenarioQuestion
from yimen.ledger.models import Event
from yimen.lib.errors import DomainError
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import (
    make_center,
    make_department,
    make_region,
    make_staff,
    phone_number,
    resident_id,
)

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 18, 1, 5, tzinfo=UTC)
SAID = {"kind": "person", "name": "林小满", "id_number": resident_id(7), "phone": phone_number(7)}


def take_in(version, by):
    materials = {material.pk: Handed("complete") for material in version.materials.all()}
    return receive_elsewhere(version, SAID, materials=materials, by=by, at=AT)


@pytest.fixture
def far():
    """A clerk of another region, and an item of ours that is handled universally."""
    unit = make_department()
    make_center(unit.region)
    version = make_version(department=unit, universal_scope="跨省")
    clerk = make_staff(Role.CLERK, department=make_department(make_region("510100", "演示邻市")), for_region=True)
    return version, clerk


def test_the_place_that_takes_in_sees_it_and_the_place_that_decides_does_everything_else(far):
    version, clerk = far
    case = take_in(version, clerk)
    assert (case.region_id, case.received_region_id) == (version.item.region_id, clerk.region_id)
    assert case.notices.filter(kind="receipt").exists()
    assert queries.get_case_for(clerk, case.query_no) == case
    with pytest.raises(NotAllowed):
        actions.accept(case.pk, by=clerk, at=AT)
    ours = make_staff(Role.CLERK, department=make_department(case.region), for_region=True)
    accepted = actions.accept(case.pk, by=ours, at=AT + timedelta(days=1))
    assert accepted.clocks.filter(kind="promised").exists()
    (data,) = Event.objects.filter(kind="case.received").values_list("data", flat=True)
    assert data["received_region"] == clerk.region_id
    stranger = make_staff(Role.CLERK, department=make_department(make_region("520100", "演示远市")), for_region=True)
    assert queries.get_case_for(stranger, case.query_no) is None


@pytest.mark.parametrize("what", ["universal", "not universal", "of its own region", "not a clerk"])
def test_only_clerks_take_in_what_is_handled_universally_elsewhere(far, what):
    version, clerk = far
    if what == "not universal":
        type(version).objects.filter(pk=version.pk).update(universal_scope="")
        version.refresh_from_db()
    if what == "of its own region":
        clerk = make_staff(Role.CLERK, department=make_department(version.item.region), for_region=True)
    if what == "not a clerk":
        clerk = make_staff(Role.APPROVER, department=clerk.department)
    wrong = {"not a clerk": NotAllowed, "universal": None}.get(what, NotOffered)
    with pytest.raises(wrong) if wrong else nullcontext():
        take_in(version, clerk)
    assert Case.objects.exists() is (wrong is None)


def test_nobody_answers_in_five_days_and_the_deciding_place_is_bound(far):
    """The five working days run from the day the papers were taken in, wherever that was (LAW-5)."""
    version, clerk = far
    case = take_in(version, clerk)
    from yimen.cases import jobs

    assert jobs.accept_all_unanswered(at=AT + timedelta(days=6)) == 0
    assert jobs.accept_all_unanswered(at=AT + timedelta(days=9)) == 1
    case.refresh_from_db()
    assert (case.accept_mode, case.accepted_at) == ("deemed", case.received_at)


def test_the_answers_decide_there_what_is_asked_for_as_they_do_here(far):
    version, clerk = far
    question = ScenarioQuestion.objects.create(version=version, position=1, key="who", text="谁来办？")
    for position, key in enumerate(("self", "other"), 1):
        ScenarioOption.objects.create(question=question, position=position, key=key, label=key)
    letter = ItemMaterial.objects.create(version=version, position=9, name="授权委托书", when=["who.other"])
    with pytest.raises(DomainError):
        take_in(version, clerk)  # nothing was answered
    with pytest.raises(actions.UnlistedMaterial):
        receive_elsewhere(
            version, SAID, materials={letter.pk: Handed("complete")}, chosen=["who.self"], by=clerk, at=AT
        )
    assert not Case.objects.exists()
    alone = receive_elsewhere(version, SAID, materials={}, chosen=["who.self"], by=clerk, at=AT)
    agent = receive_elsewhere(version, SAID, materials={}, chosen=["who.other"], by=clerk, at=AT)
    assert (alone.chosen, agent.chosen) == (["who.self"], ["who.other"])
    names = [set(one.materials.values_list("material__name", flat=True)) for one in (alone, agent)]
    assert names[1] - names[0] == {"授权委托书"}
