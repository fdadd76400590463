"""Withdrawal at the applicant's wish."""

import pytest

from yimen.cases import actions, documents
from yimen.cases.models import Case
from yimen.cases.queries import withdrawn_and_again
from yimen.cases.tests.factories import make_case
from yimen.cases.tests.test_clocks import Scene, at_once, on
from yimen.cases.tests.test_corrections import AT, again_for, clerk_of, kinds
from yimen.ledger.actions import PUBLIC
from yimen.ledger.models import Event
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import make_applicant, make_center, make_department, make_staff

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("who", ["applicant", "clerk"])
@pytest.mark.parametrize("state", ["received", "accepted"])
def test_an_application_is_withdrawn_until_it_is_decided(who, state):
    if state == "received":
        case = make_case(at=AT)
    else:
        scene = Scene(promised_days=10)
        scene.stop(on(12))
        case = scene.case
    by = case.applicant if who == "applicant" else clerk_of(case)
    case = actions.withdraw(case.pk, reason="  ", by=by, at=on(20))
    assert (case.status, case.withdrawn_at) == (Case.Status.WITHDRAWN, on(20))
    assert not case.clocks.filter(ended_on=None).exists()
    assert not case.tasks.filter(done_at=None).exists() and not case.stops.filter(ended_on=None).exists()
    notice = case.notices.get(kind="withdrawal")
    assert documents.render(notice).startswith(b"%PDF") and "撤回原因" not in dict(notice.data["facts"])
    row = Event.objects.filter(stream=case.stream).order_by("-seq")[0]
    assert (row.kind, row.actor, row.data["was"]) == ("case.withdrawn", by.ledger_ref, state)
    for act in (
        lambda: actions.withdraw(case.pk, reason="", by=by, at=on(21)),
        lambda: actions.accept(case.pk, by=clerk_of(case), at=on(21)),
    ):
        with pytest.raises(actions.WrongStep):
            act()


def test_the_reason_stands_in_the_document_and_not_in_the_ledger():
    case = make_case(at=AT)
    actions.withdraw(case.pk, reason="王小明出国了，不办了", by=case.applicant, at=on(20))
    assert dict(case.notices.get(kind="withdrawal").data["facts"])["撤回原因"] == "王小明出国了，不办了"
    assert not any("王小明" in str(row.data) for row in Event.objects.filter(stream=case.stream))


@pytest.mark.parametrize("who", ["another applicant", "the public", "a guide", "another place's clerk"])
def test_nobody_else_withdraws_it(who):
    case = make_case(at=AT)
    by = {
        "another applicant": lambda: make_applicant(region=case.region),
        "the public": lambda: PUBLIC,
        "a guide": lambda: make_staff(Role.GUIDE, department=case.department),
        "another place's clerk": lambda: make_staff(Role.CLERK, department=make_department(case.region)),
    }[who]()
    with pytest.raises(NotAllowed):
        actions.withdraw(case.pk, reason="", by=by, at=on(20))
    assert kinds(case) == ["case.received"]


def test_a_decided_case_is_not_withdrawn():
    case = make_case(immediate=True, at=AT)
    clerk = clerk_of(case)
    actions.accept(case.pk, by=clerk, at=on(18))
    actions.decide(case.pk, outcome="granted", by=clerk, at=on(18))
    with pytest.raises(actions.WrongStep, match="不能撤回"):
        actions.withdraw(case.pk, reason="", by=case.applicant, at=on(18))


@pytest.mark.django_db(transaction=True)
def test_withdrawing_and_declining_at_once_one_wins():
    case = make_case(at=AT)
    clerk = clerk_of(case)
    answers = at_once(
        lambda: actions.withdraw(case.pk, reason="", by=case.applicant, at=on(18)),
        lambda: actions.decline(case.pk, reasons="这件事不用我们批准。", by=clerk, at=on(18)),
    )
    assert sum(isinstance(answer, actions.WrongStep) for answer in answers) == 1
    assert len(set(kinds(case)) & {"case.withdrawn", "case.declined"}) == 1


def test_withdrawn_and_applied_for_again_is_seen():
    """SUP-10: the same applicant, the same item, a new case after the withdrawal."""
    first, alone = make_case(at=AT), make_case(at=AT)
    actions.withdraw(first.pk, reason="", by=first.applicant, at=on(19))
    actions.withdraw(alone.pk, reason="", by=alone.applicant, at=on(19))
    again_for(first, on(20))  # another item
    assert withdrawn_and_again(first.region_id, since=AT) == []
    second = actions.receive(
        first.version, first.applicant, center=make_center(first.region), materials={}, by=clerk_of(first), at=on(20)
    )
    (pair,) = withdrawn_and_again(first.region_id, since=AT)
    assert (pair.withdrawn, pair.again) == (first, second) and pair.days == 1
    assert withdrawn_and_again(first.region_id, since=on(20)) == []
