"""A draft is reviewed by several units, and every opinion stands in the record."""

import pytest

from yimen.catalog import actions
from yimen.catalog.models import DraftReview
from yimen.catalog.queries.reviews import given_by, waiting_for
from yimen.catalog.tests.factories import NOW, make_department, make_draft, make_item, make_region
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import in_ledger, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast():
    own = make_department()
    units = [make_department(own.region, name=f"第 {n} 单位（演示）") for n in (1, 2)]
    return {
        "draft": make_draft(department=own),
        "units": units,
        "editor": make_staff(Role.EDITOR, department=own),
        "publisher": make_staff(Role.PUBLISHER, department=own),
        "reviewers": [make_staff(Role.APPROVER, department=unit) for unit in units],
    }


def ask(cast, *units):
    return actions.ask_review(cast["draft"], units or cast["units"], by=cast["editor"], at=NOW)


def change(cast, **fields):
    return actions.save_draft(cast["draft"].item, fields or {"place": "别处"}, by=cast["editor"], at=NOW)


@pytest.mark.capability("S1-16")
def test_several_units_record_their_opinions_and_only_then_it_is_published(cast):
    first, second = ask(cast)
    assert [review.department for review in waiting_for(cast["units"][0].pk)] == [first.department]
    with pytest.raises(actions.NotReady) as refused:
        actions.publish(cast["draft"], by=cast["publisher"], at=NOW)
    assert sum("还没有提意见" in reason for reason in refused.value.reasons) == 2

    actions.give_opinion(first, "agree", "", by=cast["reviewers"][0], at=NOW)
    actions.give_opinion(second, "change", "请写明多大的招牌要画图。", by=cast["reviewers"][1], at=NOW)
    with pytest.raises(actions.NotReady, match="请写明多大的招牌"):
        actions.publish(cast["draft"], by=cast["publisher"], at=NOW)
    assert not waiting_for(cast["units"][0].pk) and given_by(cast["units"][1].pk)
    rows = Event.objects.filter(stream=f"item:{cast['draft'].item_id}", kind="catalog.opinion_given").order_by("seq")
    assert [(row.actor, row.data["verdict"]) for row in rows] == [
        (cast["reviewers"][0].ledger_ref, "agree"),
        (cast["reviewers"][1].ledger_ref, "change"),
    ]

    assert not in_ledger("招牌要画图")

    change(cast, accept_condition="招牌超过 2 平方米要画图。")
    for reviewer, unit in zip(cast["reviewers"], cast["units"], strict=True):
        actions.give_opinion(waiting_for(unit.pk).get(), "agree", "", by=reviewer, at=NOW)
    assert actions.publish(cast["draft"], by=cast["publisher"], at=NOW).state == "published"


def test_an_opinion_is_void_when_the_draft_changes_and_the_unit_is_asked_again(cast):
    (review,) = ask(cast, cast["units"][0])
    actions.give_opinion(review, "agree", "", by=cast["reviewers"][0], at=NOW)
    assert actions.outstanding(cast["draft"]) == []
    change(cast)
    (opinion,) = actions.opinions_of(cast["draft"])
    assert not opinion.is_given and opinion.review.pk != review.pk
    assert len(actions.outstanding(cast["draft"])) == 1
    change(cast, place="又一个地方")
    assert cast["draft"].reviews.count() == 2, "asked anew once, not with every change"
    review.refresh_from_db()
    assert review.verdict == "agree", "what was said stays"


def test_the_publisher_may_go_ahead_with_a_reason_that_is_recorded(cast):
    ask(cast)
    for reason in ("", " 急 "):
        with pytest.raises(actions.NotReady, match="为什么不等"):
            actions.publish(cast["draft"], by=cast["publisher"], at=NOW, despite=reason)
    actions.publish(cast["draft"], by=cast["publisher"], at=NOW, despite="上级要求今天公布")
    row = Event.objects.get(stream=f"item:{cast['draft'].item_id}", kind="catalog.published")
    assert row.data["despite"] == "上级要求今天公布" and len(row.data["outstanding"]) == 2


def test_an_opinion_is_given_once_by_the_unit_that_was_asked(cast):
    (review,) = ask(cast, cast["units"][0])
    region_wide = make_staff(Role.EDITOR, department=cast["draft"].item.department)
    for stranger in (cast["reviewers"][1], region_wide, make_staff(Role.CLERK, department=cast["units"][0])):
        with pytest.raises(NotAllowed):
            actions.give_opinion(review, "agree", "", by=stranger, at=NOW)
    actions.give_opinion(review, "agree", "", by=cast["reviewers"][0], at=NOW)
    with pytest.raises(actions.NoReview, match="已经提过"):
        actions.give_opinion(review, "change", "后来又想改", by=cast["reviewers"][0], at=NOW)


def test_whoever_wrote_into_the_draft_does_not_speak_for_his_unit(cast):
    own = cast["draft"].item.department
    change(cast)
    (review,) = ask(cast, own)
    with pytest.raises(NotAllowed):
        actions.give_opinion(review, "agree", "", by=cast["editor"], at=NOW)
    actions.give_opinion(review, "agree", "", by=cast["publisher"], at=NOW)


@pytest.mark.parametrize("verdict, text", [("", ""), ("maybe", "也许"), ("change", " 改 "), ("agree", "长" * 2001)])
def test_an_opinion_that_says_nothing_is_refused(cast, verdict, text):
    (review,) = ask(cast, cast["units"][0])
    with pytest.raises(actions.NoReview):
        actions.give_opinion(review, verdict, text, by=cast["reviewers"][0], at=NOW)
    assert DraftReview.objects.get().given_at is None


def test_an_opinion_on_something_else_than_what_was_read_is_refused(cast):
    (review,) = ask(cast, cast["units"][0])
    seen = actions.mark_of(cast["draft"])
    change(cast)
    with pytest.raises(actions.ChangedMeanwhile):
        actions.give_opinion(review, "agree", "", by=cast["reviewers"][0], at=NOW, seen=seen)


def test_only_drafts_are_asked_about_and_only_units_of_the_place(cast):
    ask(cast)
    with pytest.raises(actions.NoReview):
        ask(cast)
    with pytest.raises(actions.NoReview):
        ask(cast, make_department(make_region("500001", "别处")))
    with pytest.raises(NotAllowed):
        actions.ask_review(cast["draft"], cast["units"], by=cast["publisher"], at=NOW)
    with pytest.raises(actions.NoReview):
        actions.ask_review(make_item().published, cast["units"], by=SYSTEM, at=NOW)


def test_a_draft_that_was_published_no_longer_waits_for_anybody(cast):
    ask(cast)
    actions.publish(cast["draft"], by=cast["publisher"], at=NOW, despite="上级要求今天公布")
    assert not waiting_for(cast["units"][0].pk)
