"""What ends, what is said, and what is seen around a case: priority, gaps, recusal, teams, stand-ins, the timeline."""

from contextlib import nullcontext
from datetime import timedelta

import pytest
from django.utils.timezone import localdate

from yimen.cases import actions, queries, telling
from yimen.cases.models import Case, Notice, Recusal
from yimen.cases.tests.test_people_around import AT, DAY, HOUR, accepted, ask, events, the_office
from yimen.ledger.actions import SYSTEM
from yimen.people import covers
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import make_applicant, make_department, make_staff

pytestmark = pytest.mark.django_db
WHY = "材料已经补齐，不再急用。"


@pytest.fixture
def office(db):
    return the_office()


@pytest.mark.parametrize(("who", "wrong"), [("leader", None), ("manager", None), ("clerk", NotAllowed)])
def test_a_priority_granted_is_ended_and_may_be_asked_for_again(office, who, wrong):
    case = accepted(office)
    grant = actions.answer_priority(ask(office, case).pk, is_granted=True, by=office.leader, at=AT)
    with pytest.raises(wrong) if wrong else nullcontext():
        actions.end_priority(grant.pk, reason=WHY, by=getattr(office, who), at=AT + HOUR)
    case.refresh_from_db()
    assert case.is_urgent is (wrong is not None)
    if wrong:
        return
    assert WHY not in str([event.data for event in events(case)])
    with pytest.raises(actions.WrongStep):
        actions.end_priority(grant.pk, reason=WHY, by=office.leader, at=AT + HOUR)
    assert ask(office, case).pk != grant.pk


@pytest.mark.parametrize("who", ["himself", "another"])
def test_the_applicant_asks_for_recusal_himself(office, who):
    case = accepted(office)
    by = case.applicant if who == "himself" else make_applicant(region=case.region)
    with nullcontext() if who == "himself" else pytest.raises(NotAllowed):
        asked = actions.ask_recusal(case.pk, office.approver, "他是我的近亲属。", asker="self", by=by, at=AT)
        assert asked.asked_by == case.applicant.ledger_ref
        actions.answer_recusal(asked.pk, is_granted=True, by=office.leader, at=AT)
        with pytest.raises(actions.Recused):
            actions.complete_task(case.tasks.get().pk, outcome="passed", opinion="", by=office.approver, at=AT)
    assert Recusal.objects.exists() is (who == "himself")


@pytest.mark.parametrize("member", ["in", "left", "ended"])
def test_who_is_in_a_team_sees_its_case_and_nothing_else(office, member):
    case = accepted(office)
    helper = make_staff(Role.SURVEYOR, department=make_department(case.region))
    assert queries.get_case_for(helper, case.query_no) is None
    members = [(helper, "协调"), (office.approver, "审查"), (office.other, "记录")]
    team = actions.form_team("项目专班", members, case_id=case.pk, by=office.leader, at=AT)
    if member == "left":
        actions.leave_team(team.members.get(staff=helper).pk, by=office.leader, at=AT)
    if member == "ended":
        type(team).objects.filter(pk=team.pk).update(ended_at=AT)
    assert (queries.get_case_for(helper, case.query_no) is not None) is (member == "in")
    with pytest.raises(NotAllowed):
        actions.complete_task(case.tasks.get().pk, outcome="passed", opinion="", by=helper, at=AT)


@pytest.mark.parametrize("covered", [True, False])
def test_the_b_post_standing_in_is_no_other_post(office, covered):
    case = accepted(office)
    own, other = (office.organ.posts.create(name=name) for name in ("审批岗", "综合岗"))
    office.approver.post, office.other.post = own, other
    office.approver.save(update_fields=["post"])
    office.other.save(update_fields=["post"])
    if covered:
        covers.begin(office.approver.pk, reason="出差", by=SYSTEM, at=AT, stand_in_id=office.other.pk)
    actions.complete_task(case.tasks.get().pk, outcome="passed", opinion="", by=office.other, at=AT + HOUR)
    (compared,) = queries.conformity_of([Case.objects.get(pk=case.pk)], today=localdate(AT))
    assert [one.kind for one in compared.found] == ([] if covered else ["post"])


def test_an_overdue_gap_is_told_to_the_applicant():
    assert telling.NEWS["case.gap_overdue"].goes_out
    assert "case.gap_overdue" in telling.KINDS


def test_each_line_of_the_timeline_has_its_own_document(office):
    case = accepted(office)
    clerk, version = office.approver, case.version
    fee = version.fees.create(position=0, name="工本费", standard="每证 10 元", basis="《演示条例》")
    other = version.fees.create(position=1, name="检验费", standard="每次 20 元", basis="《演示条例》")
    slips = [
        actions.issue_fee(case.pk, one.pk, amount=amount, by=clerk, at=AT + timedelta(minutes=n))
        for n, (one, amount) in enumerate([(fee, "10"), (other, "20")])
    ]
    actions.open_stop(case.pk, ground="testing", reason=WHY, needed_days=5, by=clerk, at=AT + DAY)
    rows = {(row.kind, row.at): row.notice for row in queries.timeline(case)}
    shown = [rows["case.fee_issued", AT + timedelta(minutes=n)] for n in range(2)]
    assert shown == [slip.notice for slip in slips]
    assert rows["case.stop_opened", AT + DAY].kind == Notice.Kind.STOP
