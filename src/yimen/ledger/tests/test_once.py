import threading

import pytest
from django.db import connection, transaction

from yimen.ledger import actions
from yimen.ledger.actions import Nobody
from yimen.ledger.models import Event, Once
from yimen.ledger.once import KEPT, MOST_KEY_CHARACTERS, Answer, DifferentBody, KeyTooLong, forget_old, once
from yimen.ledger.tests.helpers import AT, CLERK, REGION
from yimen.lib.errors import DomainError

OTHER = Nobody("staff:2", "clerk")


def _act(produce, key="k1", *, by=CLERK, body=b"{}", act="test.act"):
    return once(act, key, by=by, at=AT, body=body, produce=produce)


def _effect(number=1):
    def produce():
        with connection.cursor() as cursor:  # writers of one stream queue on what they change
            cursor.execute("SELECT pg_advisory_xact_lock(1)")
        actions.record("test:one", "test.happened", region=REGION, by=CLERK, at=AT, data={"number": number})
        return Answer(201, {"number": number})

    return produce


@pytest.mark.django_db
def test_the_second_time_gives_the_first_answer_and_does_nothing():
    first, second = _act(_effect(1)), _act(_effect(2))
    assert (first.status, first.body, first.is_repeat) == (201, {"number": 1}, False)
    assert (second.status, second.body, second.is_repeat) == (201, {"number": 1}, True)
    assert Event.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("other", [{"key": "k2"}, {"by": OTHER}, {"act": "test.other"}, {"key": ""}])
def test_a_key_counts_for_one_person_and_one_act(other):
    _act(_effect(1))
    assert _act(_effect(2), **other).body == {"number": 2}


@pytest.mark.django_db
def test_a_key_used_for_something_else_is_refused():
    _act(_effect())
    with pytest.raises(DifferentBody):
        _act(_effect(), body=b'{"n": 2}')
    assert Event.objects.count() == 1


@pytest.mark.django_db
def test_a_key_too_long_to_keep_is_refused_not_cut():
    """Cut, both would be the same key."""
    longest = "k" * MOST_KEY_CHARACTERS
    assert _act(_effect(1), longest).body == {"number": 1}
    for end in "ab":
        with pytest.raises(KeyTooLong):
            _act(_effect(2), longest + end)
    assert Event.objects.count() == 1


@pytest.mark.django_db
def test_a_refusal_undoes_the_act_and_is_the_answer_from_then_on():
    def refuse():
        _effect()()
        raise DomainError("不行")

    answers = [_act(refuse), _act(_effect())]
    assert [(answer.status, answer.body["error"]) for answer in answers] == [(409, "不行")] * 2
    assert Event.objects.count() == 0


@pytest.mark.django_db
def test_a_fault_leaves_the_key_free():
    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        _act(fail)
    assert _act(_effect()).body == {"number": 1}


@pytest.mark.django_db
def test_answers_are_kept_for_two_days():
    _act(_effect())
    assert forget_old(AT + KEPT) == 0
    assert forget_old(AT + KEPT * 1.01) == 1
    assert not Once.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_at_once_have_one_effect():
    answers = []

    def ask(number):
        try:
            answers.append(_act(_effect(number)))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Event.objects.count() == 1
    assert len(answers) == 20
    assert len({answer.body["number"] for answer in answers}) == 1
    assert [answer.is_repeat for answer in answers].count(False) == 1
