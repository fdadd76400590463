"""Two jobs at once, two persons at one card: real threads on a real database, and the follower over the ledger."""

import threading
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection

from yimen.cases import actions as cases
from yimen.ledger.tests.helpers import settle
from yimen.people.tests.factories import NOW
from yimen.supervision import actions, jobs, watching
from yimen.supervision.models import Card
from yimen.supervision.tests.factories import accepted, after, make_office

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works):
    """Run each in a thread of its own, started together; return what each was refused with, or None."""
    start, ends = threading.Barrier(len(works)), [None] * len(works)

    def run(n, work):
        try:
            start.wait()
            work()
        except Exception as error:
            ends[n] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


def test_two_jobs_at_once_give_each_card_once():
    office = make_office()
    cases_ = [accepted(office, at=NOW + timedelta(hours=n)) for n in range(6)]
    at = after(cases_[0].due_on, 4)
    assert at_once(*[partial(jobs.watch_clocks, at=at)] * 4) == [None] * 4
    assert Card.objects.count() == 6 * 3
    numbers = sorted(int(number[-6:-1]) for number in Card.objects.values_list("number", flat=True))
    assert numbers == list(range(1, 19))


def test_while_history_is_written_no_case_gets_a_card_for_an_end_still_to_come():
    office = make_office()
    watch = partial(jobs.watch_clocks, at=after(accepted(office).due_on, 1))
    with watching.held_back():
        assert at_once(watch) == [None]
        assert not Card.objects.exists()
    assert at_once(watch) == [None]
    assert Card.objects.count() == 2


def test_of_an_answer_and_an_appeal_at_once_both_are_kept_and_nothing_twice():
    office = make_office()
    case = accepted(office)
    card = actions.give_by_hand(
        case.pk, trigger="other", colour="red", facts="让群众多跑了一趟。", handler=office.clerk.pk,
        by=office.supervisor, at=NOW,
    )  # fmt: skip
    answer = partial(
        actions.answer, card.pk, text="说明没有讲清楚。", correction="当天上门补办。", by=office.clerk, at=NOW
    )
    appeal = partial(actions.appeal, card.pk, text="不是窗口的责任。", by=office.leader, at=NOW)
    ends = at_once(answer, appeal, answer, appeal)
    kinds = sorted(card.entries.values_list("kind", flat=True))
    card.refresh_from_db()
    # Answered first, then appealed; or appealed first, and whoever answers is told to wait for the decision.
    assert card.state == Card.State.APPEALED
    assert kinds in (["answer", "appeal"], ["appeal"])
    assert sum(end is None for end in ends) == len(kinds)
    assert all(isinstance(end, actions.NotNow) for end in ends if end is not None)


def test_the_job_follows_the_ledger_once_however_often_it_runs():
    office = make_office()
    case = accepted(office)
    with pytest.raises(cases.UnpublishedFee) as refused:
        cases.issue_fee(case.pk, case.pk, amount="10", by=office.clerk, at=NOW)
    refused.value.leave_trace()
    settle()
    assert jobs.follow_new(at=NOW) == 2  # accepted, and the fee
    assert [card.trigger for card in Card.objects.all()] == ["fee_outside"]
    assert jobs.follow_new(at=NOW) == 0
    from yimen.ledger.models import Follower

    Follower.objects.filter(pk=jobs.NAME).update(tx=0, last_id=0)  # a follower that lost its place
    assert jobs.follow_new(at=NOW) == 2
    assert Card.objects.count() == 1
