"""Steps taken and handed on, lists kept, words kept, many acts at once."""

from __future__ import annotations

import threading
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.db import connection

from yimen.cases import actions, lists
from yimen.cases.actions import bulk_acts
from yimen.cases.models import Case, OpinionTemplate, SavedFilter, Task
from yimen.cases.queries import worklists
from yimen.cases.queries.worklists import Desk
from yimen.cases.tests.factories import make_case, make_version
from yimen.ledger.models import Event
from yimen.ledger.once import DifferentBody
from yimen.people import access, covers
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_department, make_staff

pytestmark = pytest.mark.django_db
TODAY = NOW.date()


def later(minutes: int):
    return NOW + timedelta(minutes=minutes)


@pytest.fixture
def unit():
    """A unit with two approvers and a leader, and accepted cases whose review waits."""
    organ = make_department()
    version = make_version(department=organ)
    clerk = make_staff(Role.CLERK, department=organ)

    def case():
        found = make_case(version=version)
        return actions.accept(found.pk, by=clerk, at=later(1))

    return SimpleNamespace(
        organ=organ,
        version=version,
        clerk=clerk,
        case=case,
        one=make_staff(Role.APPROVER, department=organ),
        two=make_staff(Role.APPROVER, department=organ),
        leader=make_staff(Role.LEADER, department=organ),
    )


def step(case: Case) -> Task:
    return case.tasks.get(done_at=None)


def shown(staff, **desk) -> list:
    return list(worklists.steps_for(staff, Desk(**desk), today=TODAY))


def test_a_step_taken_leaves_the_others_lists_and_is_done_by_whoever_has_it(unit):
    task = step(unit.case())
    assert shown(unit.one) == shown(unit.two) == [task]
    actions.take_task(task.pk, by=unit.one, at=later(2))
    actions.take_task(task.pk, by=unit.one, at=later(3))  # again: nothing
    assert (shown(unit.one, whose="taken"), shown(unit.two)) == ([task], [])
    assert shown(unit.two, whose="team") == [task]
    with pytest.raises(actions.TakenByOther):
        actions.take_task(task.pk, by=unit.two, at=later(4))
    with pytest.raises(actions.TakenByOther):
        actions.complete_task(task.pk, outcome="passed", opinion="", by=unit.two, at=later(4))
    assert Event.objects.filter(kind="case.task_taken").count() == 1
    actions.complete_task(task.pk, outcome="passed", opinion="", by=unit.one, at=later(5))
    with pytest.raises(actions.WrongStep):
        actions.take_task(task.pk, by=unit.two, at=later(6))


@pytest.mark.parametrize("by", ["one", "leader"])
def test_a_step_is_handed_on_by_who_has_it_or_who_leads(unit, by):
    task = step(unit.case())
    actions.take_task(task.pk, by=unit.one, at=later(2))
    actions.hand_task(task.pk, unit.two.pk, reason="load", by=getattr(unit, by), at=later(3))
    assert shown(unit.two, whose="taken") == [task]
    row = Event.objects.get(kind="case.task_handed")
    assert (row.data["from"], row.data["to"], row.data["reason"]) == (str(unit.one.pk), str(unit.two.pk), "load")
    actions.hand_task(task.pk, None, reason="back", by=unit.two, at=later(4))
    assert shown(unit.one) == [task]


def test_a_step_is_not_handed_by_others_nor_to_others_nor_without_a_reason(unit):
    task = step(unit.case())
    actions.take_task(task.pk, by=unit.one, at=later(2))
    stranger = make_staff(Role.APPROVER, department=make_department())
    with pytest.raises(access.NotAllowed):
        actions.hand_task(task.pk, unit.two.pk, reason="load", by=unit.two, at=later(3))
    for to, reason in ((stranger.pk, "load"), (uuid4(), "load"), (unit.two.pk, ""), (unit.two.pk, "因为我想")):
        with pytest.raises(actions.BadHand):
            actions.hand_task(task.pk, to, reason=reason, by=unit.one, at=later(3))
    with pytest.raises(access.NotAllowed):
        actions.take_task(step(unit.case()).pk, by=stranger, at=later(3))


def test_the_b_post_goes_on_with_what_a_has_in_hand(unit):
    task = step(unit.case())
    actions.take_task(task.pk, by=unit.one, at=later(2))
    covers.begin(unit.one.pk, stand_in_id=unit.two.pk, reason="", by=unit.leader, at=later(3))
    assert shown(unit.two) == [task]
    actions.complete_task(task.pk, outcome="passed", opinion="", by=unit.two, at=later(4))


def test_lists_by_day_and_unit(unit, django_assert_num_queries):
    for _n in range(3):
        unit.case()
    due_on = step(Case.objects.first()).due_on
    assert len(shown(unit.one, due="today")) == (3 if due_on == TODAY else 0)
    Task.objects.filter(done_at=None).update(due_on=TODAY - timedelta(days=1))
    assert len(shown(unit.one, due="overdue")) == 3
    assert shown(unit.one, due="week") == []
    assert len(shown(unit.leader, whose="unit", department=unit.organ.pk)) == 3
    assert worklists.due_counts(unit.one, today=TODAY)["overdue"] == 3
    with django_assert_num_queries(2):  # guests of other regions, and the list
        for task in shown(unit.one):
            assert task.case.version.name
            assert task.department.name
            assert task.case.applicant.masked_name


def test_what_waits_elsewhere_says_how_many_of_how_many_are_there(unit, django_assert_num_queries):
    from yimen.catalog.models import FlowStep

    others = [make_department(name=f"协办单位 {n}") for n in (1, 2)]
    for n, other in enumerate(others):
        FlowStep.objects.create(
            version=unit.version,
            position=10 + n,
            key=f"joint{n}",
            name="协办意见",
            kind=FlowStep.Kind.REVIEW,
            post="审批岗",
            authority="协办",
            limit_days=2,
            after=["accept"],
            department=other,
        )
    FlowStep.objects.filter(version=unit.version, key="decide").update(after=["review", "joint0", "joint1"])
    case = unit.case()
    approver = make_staff(Role.APPROVER, department=others[0])
    joint = case.tasks.get(step_key="joint0")
    assert joint.department == others[0]
    actions.complete_task(joint.pk, outcome="passed", opinion="", by=approver, at=later(3))
    assert unit.one.granted
    with django_assert_num_queries(3):
        (line,) = worklists.elsewhere(unit.one)
    assert (line.case, line.given, line.asked) == (case, 1, 3)
    assert [task.department for task in line.waiting] == [others[1]]
    assert worklists.elsewhere(approver) == []


def run(unit, act, ids, *, key="k1", by=None, body=b"same", **said):
    mark = bulk_acts.run(act, ids, key=key, body=body, by=by or unit.one, at=later(5), said=said)
    return bulk_acts.results(mark, by=by or unit.one)


def test_many_steps_at_once_each_by_itself_with_its_own_answer(unit):
    tasks = [step(unit.case()) for _n in range(3)]
    actions.take_task(tasks[1].pk, by=unit.two, at=later(2))
    ids = [task.pk for task in tasks]
    before = Event.objects.count()
    planned = bulk_acts.preview("pass", ids, by=unit.one, at=later(4), said={"opinion": "符合要求。"})
    assert [line.is_done for line in planned] == [True, False, True]
    assert Event.objects.count() == before
    done = run(unit, "pass", ids, opinion="符合要求。")
    assert [line.is_done for line in done] == [True, False, True]
    assert "在办" in done[1].text
    assert [line.number for line in done] == [task.case.query_no for task in tasks]
    assert Event.objects.filter(kind="case.task_done").count() == 2
    after = Event.objects.count()
    assert run(unit, "pass", ids, opinion="符合要求。") == done
    assert Event.objects.count() == after
    with pytest.raises(DifferentBody):
        run(unit, "pass", ids, body=b"other")


def test_many_acts_are_neither_none_nor_too_many_nor_on_what_is_not_ones_own(unit):
    with pytest.raises(bulk_acts.BadBulk):
        run(unit, "take", [])
    with pytest.raises(bulk_acts.BadBulk):
        run(unit, "take", [uuid4() for _n in range(bulk_acts.MOST + 1)])
    with pytest.raises(bulk_acts.BadBulk):
        run(unit, "decide", [uuid4()])
    stranger = make_staff(Role.APPROVER, department=make_department())
    task = step(unit.case())
    (line,) = run(unit, "take", [task.pk], by=stranger)
    assert (line.is_done, line.number) == (False, "")
    task.refresh_from_db()
    assert task.assignee is None


def test_many_results_are_handed_over_at_once(unit):
    version = make_version(department=unit.organ, immediate=True)
    cases = []
    for _n in range(2):
        case = make_case(version=version)
        actions.accept(case.pk, by=unit.clerk, at=later(1))
        cases.append(actions.decide(case.pk, outcome="granted", by=unit.clerk, at=later(2)))
    open_case = unit.case()
    done = run(unit, "deliver", [case.pk for case in [*cases, open_case]], by=unit.clerk, how="post")
    assert [line.is_done for line in done] == [True, True, False]
    assert Case.objects.filter(status=Case.Status.DELIVERED).count() == 2


def test_lists_are_kept_without_what_was_typed_and_shared_with_the_unit(unit):
    values = {"status": "accepted", "q": "王小明", "named": "x", "due": ""}
    lists.save_filter("cases", "在办", values, is_shared=True, by=unit.one, at=NOW)
    found = SavedFilter.objects.get()
    assert found.values == {"status": "accepted"}
    lists.save_filter("cases", "在办", {"status": "completed"}, is_shared=False, by=unit.one, at=NOW)
    assert SavedFilter.objects.count() == 1
    assert worklists.saved_filters(unit.two, "cases") == []
    lists.save_filter("cases", "在办", {"status": "completed"}, is_shared=True, by=unit.one, at=NOW)
    assert worklists.saved_filters(unit.two, "cases") == [found]
    assert worklists.saved_filters(make_staff(Role.APPROVER), "cases") == []
    with pytest.raises(SavedFilter.DoesNotExist):
        lists.drop_filter(found.pk, by=unit.two, at=NOW)
    for place, name, chosen in (("cases", " ", values), ("cases", "空", {}), ("hall", "x", values)):
        with pytest.raises(lists.BadFilter):
            lists.save_filter(place, name, chosen, is_shared=False, by=unit.one, at=NOW)
    lists.drop_filter(found.pk, by=unit.one, at=NOW)
    assert not SavedFilter.objects.exists()


def test_words_are_kept_for_oneself_or_by_a_leader_for_the_unit(unit):
    own = actions.save_opinion("passed", "符合", "经审查，符合要求。", by=unit.one, at=NOW)
    shared = actions.save_opinion(
        "rejected", "场地不符", "场地不符合要求。", by=unit.leader, at=NOW, for_department=unit.organ
    )
    assert worklists.opinion_templates(unit.one) == [own, shared]
    assert worklists.opinion_templates(unit.two) == [shared]
    assert worklists.opinion_templates(unit.one, acts=["rejected"]) == [shared]
    actions.save_opinion("passed", "符合", "经审查，全部符合。", by=unit.one, at=NOW, pk=own.pk)
    assert OpinionTemplate.objects.get(pk=own.pk).text == "经审查，全部符合。"
    with pytest.raises(access.NotAllowed):
        actions.save_opinion("passed", "大家的", "好。", by=unit.one, at=NOW, for_department=unit.organ)
    with pytest.raises(access.NotAllowed):
        actions.remove_opinion(shared.pk, by=unit.one, at=NOW)
    with pytest.raises(OpinionTemplate.DoesNotExist):
        actions.remove_opinion(own.pk, by=unit.two, at=NOW)
    for act, title, text in (
        ("", "a", "b"),
        ("passed", "", "b"),
        ("passed", "符合", "又一条"),
        ("passed", "x" * 41, "b"),
    ):
        with pytest.raises(actions.BadOpinion):
            actions.save_opinion(act, title, text, by=unit.one, at=NOW)
    assert "场地" not in str([row.data for row in Event.objects.filter(kind__startswith="case.opinion")])


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_a_step_at_once_one_has_it():
    organ = make_department()
    clerk = make_staff(Role.CLERK, department=organ)
    case = actions.accept(make_case(version=make_version(department=organ)).pk, by=clerk, at=later(1))
    people = [make_staff(Role.APPROVER, department=organ) for _n in range(4)]
    task, start, said = step(case), threading.Barrier(4), []

    def take(person):
        start.wait()
        try:
            actions.take_task(task.pk, by=person, at=later(2))
            said.append(person)
        except actions.TakenByOther:
            said.append(None)
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    task.refresh_from_db()
    assert [person for person in said if person] == [task.assignee]
    assert Event.objects.filter(kind="case.task_taken").count() == 1
