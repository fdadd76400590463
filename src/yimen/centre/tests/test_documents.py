from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.centre import actions, queries, rules
from yimen.centre.models import Document
from yimen.ledger.models import Event
from yimen.people import access
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, in_ledger, make_department, make_region, make_staff, outsider

TODAY = date(2026, 11, 18)


def staff():
    department = make_department()
    return (make_staff(role, department=department, for_region=True) for role in (Role.HALL_MANAGER, Role.LEADER))


def opened(by, **fields):
    values = {
        "number": "ZW-001",
        "title": "首问负责制",
        "kind": "rule",
        "text": "第一条 谁先接待谁负责。\n第二条 说清楚。",
        "effective_on": TODAY,
    }
    return actions.open_document(by.region, by.department, **(values | fields), by=by, at=NOW).document


@pytest.mark.django_db
@pytest.mark.capability("S3-36")
def test_a_rule_has_number_version_date_approver_and_keeps_its_old_version():
    writer, leader = staff()
    document = opened(writer)
    assert queries.edition_on(document, TODAY) is None
    actions.approve(document, 1, by=leader, at=NOW)
    first = queries.edition_on(document, TODAY)
    assert (document.number, first.number, first.effective_on, first.approved_by) == ("ZW-001", 1, TODAY, leader)

    later = TODAY + timedelta(days=10)
    text = "第一条 谁先接待谁负责到底。\n第二条 说清楚。"
    actions.save_edition(document, text=text, change="负责到底", effective_on=later, by=writer, at=NOW)
    assert queries.edition_on(document, later) == first  # a draft does not count
    second = actions.approve(document, 2, by=leader, at=NOW)
    assert queries.edition_on(document, TODAY) == first
    assert queries.edition_on(document, later) == second
    assert document.editions.get(number=1).text.startswith("第一条 谁先接待谁负责。")
    lines = rules.compared(first.text, second.text)
    assert [(line.sign, line.text) for line in lines] == [
        ("-", "第一条 谁先接待谁负责。"),
        ("+", "第一条 谁先接待谁负责到底。"),
        (" ", "第二条 说清楚。"),
    ]
    kinds = Event.objects.filter(stream=document.stream).order_by("seq").values_list("kind", flat=True)
    assert list(kinds) == [
        "centre.document_opened",
        "centre.edition_saved",
        "centre.edition_approved",
        "centre.edition_saved",
        "centre.edition_approved",
    ]


@pytest.mark.django_db
def test_whoever_wrote_it_does_not_approve_it():
    writer, _leader = staff()
    both = make_staff(Role.EDITOR, Role.LEADER, department=writer.department, for_region=True)
    document = opened(writer)
    actions.save_edition(document, text="另写的。", effective_on=TODAY, by=both, at=NOW)
    with pytest.raises(actions.SameHand):
        actions.approve(document, 1, by=both, at=NOW)
    with pytest.raises(access.NotAllowed):
        actions.approve(document, 1, by=writer, at=NOW)


@pytest.mark.django_db
def test_an_approved_edition_is_not_touched_again():
    writer, leader = staff()
    document = opened(writer)
    actions.approve(document, 1, by=leader, at=NOW)
    with pytest.raises(actions.NotADraft):
        actions.approve(document, 1, by=leader, at=NOW)
    edition = actions.save_edition(document, text="新的。", effective_on=TODAY, by=writer, at=NOW)
    assert edition.number == 2
    again = actions.save_edition(document, text="再改。", effective_on=TODAY, by=writer, at=NOW)
    assert (again.number, document.editions.count()) == (2, 2)


@pytest.mark.django_db
def test_an_edition_does_not_begin_before_the_one_it_replaces():
    writer, leader = staff()
    document = opened(writer)
    actions.approve(document, 1, by=leader, at=NOW)
    actions.save_edition(document, text="新的。", effective_on=TODAY - timedelta(days=1), by=writer, at=NOW)
    with pytest.raises(actions.BadDocument):
        actions.approve(document, 2, by=leader, at=NOW)


@pytest.mark.django_db
def test_a_repealed_rule_is_over_but_readable():
    writer, leader = staff()
    document = opened(writer)
    actions.approve(document, 1, by=leader, at=NOW)
    with pytest.raises(actions.BadDocument):
        actions.repeal(document, on=TODAY, reason="旧", by=leader, at=NOW)
    document = actions.repeal(document, on=TODAY, reason="合并到新制度", by=leader, at=NOW)
    assert queries.edition_on(document, TODAY) is None
    assert queries.edition_on(document, TODAY - timedelta(days=1)) is None  # it began today
    assert document.editions.get().text
    assert not in_ledger("合并到新制度")
    with pytest.raises(actions.NotADraft):
        actions.save_edition(document, text="又来。", effective_on=TODAY, by=writer, at=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fields",
    [{"number": " "}, {"title": ""}, {"kind": "law"}, {"text": " "}, {"number": "长" * 41}, {"title": "长" * 121}],
    ids=["no number", "no title", "no such kind", "no text", "long number", "long title"],
)
def test_what_is_missing_is_said(fields):
    writer, _leader = staff()
    with pytest.raises(actions.BadDocument):
        opened(writer, **fields)
    assert not Document.objects.exists()


@pytest.mark.django_db
def test_a_number_is_given_once():
    writer, _leader = staff()
    opened(writer)
    with pytest.raises(actions.NumberTaken):
        opened(writer)
    with pytest.raises(access.NotAllowed):
        opened(outsider(), number="ZW-002")


@pytest.mark.django_db
def test_the_public_reads_what_is_shown_and_in_force():
    writer, leader = staff()
    region = make_region().pk
    shown = opened(writer, is_public=True)
    opened(writer, number="ZW-002")
    assert not queries.public_documents(region, on=TODAY)
    actions.approve(shown, 1, by=leader, at=NOW)
    assert list(queries.public_documents(region, on=TODAY)) == [shown]
    assert not queries.public_documents(region, on=TODAY - timedelta(days=1))
    actions.set_public(shown, False, by=leader, at=NOW)
    assert not queries.public_documents(region, on=TODAY)


@pytest.mark.django_db
def test_rules_are_found_by_number_title_and_text_in_force():
    writer, leader = staff()
    region = make_region().pk
    one = opened(writer)
    other = opened(writer, number="FW-9", title="服务承诺", kind="promise", text="三个工作日办结。")
    actions.approve(other, 1, by=leader, at=NOW)

    def found(**how):
        return [each.number for each in queries.documents(region, on=TODAY, **how)]

    assert found() == ["FW-9", "ZW-001"]
    assert found(text="首问") == found(text="zw-0") == [one.number]
    assert found(text="三个工作日") == found(kind="promise") == found(state="standing") == ["FW-9"]
    assert found(text="谁先接待") == []  # nobody approved it yet
    assert found(state="draft") == ["ZW-001"]


@given(st.lists(st.sampled_from("甲乙丙丁"), max_size=8), st.lists(st.sampled_from("甲乙丙丁"), max_size=8))
def test_a_comparison_holds_both_texts(before, now):
    lines = rules.compared("\n".join(before), "\n".join(now))
    assert [line.text for line in lines if line.sign != "+"] == before
    assert [line.text for line in lines if line.sign != "-"] == now
