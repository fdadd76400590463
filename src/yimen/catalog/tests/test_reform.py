from datetime import date, timedelta

import pytest

from yimen.catalog import actions
from yimen.catalog.actions import MaterialDraft, reform
from yimen.catalog.models import ItemVersion, ScenarioOption, ScenarioQuestion
from yimen.catalog.queries.reform import compare_processes, drafts_outside, merge_links, rounds
from yimen.catalog.tests.factories import NOW, make_department, make_draft, make_item, make_step
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Role
from yimen.people.tests.factories import make_region, make_staff

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 18)


def editor(department=None):
    department = department or make_department()
    return make_staff(Role.EDITOR, department=department, for_region=True)


def test_a_round_gathers_drafts_until_it_ends():
    item, by = make_item(), editor()
    draft = actions.save_draft(item, {"promised_limit": 3}, by=by, at=NOW)
    opened = reform.open_round(item.region, " 第一轮 ", begun_on=TODAY, by=by, at=NOW)
    assert list(drafts_outside(item.region_id, opened)) == [draft]
    reform.put_in_round(opened, draft, by=by, at=NOW)
    assert [one.version_count for one in rounds(item.region_id)] == [1]
    assert not drafts_outside(item.region_id, opened)
    reform.take_out_of_round(draft, by=by, at=NOW)
    reform.put_in_round(opened, draft, by=by, at=NOW)
    reform.close_round(opened, ended_on=TODAY, by=by, at=NOW)
    with pytest.raises(reform.RoundOver):
        reform.close_round(opened, ended_on=TODAY, by=by, at=NOW)
    other = make_draft(department=item.department)
    with pytest.raises(reform.RoundOver):
        reform.put_in_round(opened, other, by=by, at=NOW)
    kinds = Event.objects.filter(kind__in=("catalog.round_opened", "catalog.round_set", "catalog.round_closed"))
    assert sorted(kinds.values_list("kind", flat=True)) == [
        "catalog.round_closed",
        "catalog.round_opened",
        *["catalog.round_set"] * 3,
    ]


def test_what_is_published_stays_in_its_round():
    item, by = make_item(), editor()
    opened = reform.open_round(item.region, "第一轮", begun_on=TODAY, by=by, at=NOW)
    with pytest.raises(reform.NotForRound):
        reform.put_in_round(opened, item.published, by=by, at=NOW)
    draft = actions.save_draft(item, {"promised_limit": 3}, by=by, at=NOW)
    reform.put_in_round(opened, draft, by=by, at=NOW)
    actions.publish(draft, by=SYSTEM, at=NOW)
    with pytest.raises(reform.NotForRound):
        reform.take_out_of_round(draft, by=by, at=NOW)
    assert ItemVersion.objects.get(pk=draft.pk).round == opened


def test_only_editors_of_the_place_open_and_fill_rounds():
    item, by = make_item(), editor()
    draft = actions.save_draft(item, {"promised_limit": 3}, by=by, at=NOW)
    opened = reform.open_round(item.region, "第一轮", begun_on=TODAY, by=by, at=NOW)
    clerk = make_staff(Role.CLERK, department=item.department)
    elsewhere = make_staff(Role.EDITOR, department=make_department())
    stranger = make_staff(Role.EDITOR, department=make_department(make_region("510000", "另一市")), for_region=True)
    for who in (clerk, stranger):
        with pytest.raises(access.NotAllowed):
            reform.open_round(item.region, "别的", begun_on=TODAY, by=who, at=NOW)
    for who in (clerk, elsewhere, stranger):
        with pytest.raises(access.NotAllowed):
            reform.put_in_round(opened, draft, by=who, at=NOW)
    far = reform.open_round(stranger.region, "远处", begun_on=TODAY, by=stranger, at=NOW)
    with pytest.raises(reform.NotForRound):
        reform.put_in_round(far, draft, by=by, at=NOW)


@pytest.mark.parametrize("name", ["", "  ", "长" * 81], ids=["empty", "blank", "too long"])
def test_a_round_needs_a_name_of_its_own(name):
    region = make_region()
    with pytest.raises(DomainError):
        reform.open_round(region, name, begun_on=TODAY, by=SYSTEM, at=NOW)
    reform.open_round(region, "第一轮", begun_on=TODAY, by=SYSTEM, at=NOW)
    with pytest.raises(reform.RoundTaken):
        reform.open_round(region, "第一轮", begun_on=TODAY, by=SYSTEM, at=NOW)


def test_a_round_does_not_end_before_it_begins():
    opened = reform.open_round(make_region(), "第一轮", begun_on=TODAY, by=SYSTEM, at=NOW)
    with pytest.raises(reform.RoundOver):
        reform.close_round(opened, ended_on=TODAY - timedelta(days=1), by=SYSTEM, at=NOW)


def two_items():
    left = make_item(
        name="食品经营许可",
        promised_days=9,
        materials=[MaterialDraft("身份证", legal_basis="甲法"), MaterialDraft("布局图", legal_basis="甲法")],
    )
    right = make_item(
        name="公共场所卫生许可",
        promised_days=12,
        statutory_limit=15,
        legal_basis="《演示条例》第二条",
        materials=[MaterialDraft("身 份 证", legal_basis="乙法"), MaterialDraft("检测报告", legal_basis="乙法")],
        steps=[
            make_step("receive", name="收件"),
            make_step("accept", name="受理", after=("receive",)),
            make_step("visit", name="现场核查", limit_days=2, after=("accept",)),
            make_step("decide", limit_days=1, after=("visit",)),
            make_step("deliver", name="送达", after=("decide",)),
        ],
    )
    return left, right


@pytest.mark.capability("S4-31")
def test_two_processes_compared_and_merged_with_links_to_both():
    left, right = two_items()
    processes = compare_processes(left.published, right.published)
    both = [pair.left.name for pair in processes.steps if pair.is_both]
    assert both == ["收件", "受理", "决定", "送达"]
    assert [pair.right.name for pair in processes.steps if pair.left is None] == ["现场核查"]
    assert (processes.shared_materials, len(processes.materials)) == (1, 3)

    by = editor(left.department)
    draft = reform.merge(left, right, by=by, at=NOW)
    assert (draft.item, draft.state, draft.promised_limit, draft.statutory_limit) == (left, "draft", 12, 15)
    assert [one.name for one in draft.materials.all()] == ["身份证", "布局图", "检测报告"]
    assert [one.key for one in draft.steps.all()] == ["receive", "accept", "review", "visit", "decide", "deliver"]
    visit = draft.steps.get(key="visit")
    assert visit.department == right.department
    assert set(draft.steps.get(key="decide").after) == {"review", "visit"}
    assert draft.legal_basis == "《演示条例》第一条\n《演示条例》第二条"
    assert draft.joint_organs == [right.department.name]
    assert set(draft.merged_from.all()) == {left.published, right.published}

    assert [one.item for one in merge_links(left).came_from] == [right]
    assert [one.item for one in merge_links(right).went_into] == [left]
    assert not merge_links(make_item())
    left.refresh_from_db()
    assert left.published.number == 1  # both go on as before until somebody else publishes
    with pytest.raises(actions.SameHand):
        actions.publish(draft, by=make_publisher(by), at=NOW)
    published = actions.publish(draft, by=SYSTEM, at=NOW)
    assert published.state == "published"
    assert [one.number for one in merge_links(right).went_into] == [2]


def make_publisher(staff):
    from yimen.people import actions as people
    from yimen.people.models import Staff

    people.grant_role(staff, Role.PUBLISHER, department=None, by=SYSTEM, at=NOW)
    return Staff.objects.get(pk=staff.pk)


def test_the_promise_of_a_merged_process_can_be_chosen():
    left, right = two_items()
    assert reform.merge(left, right, promised=10, by=SYSTEM, at=NOW).promised_limit == 10


def test_questions_come_along_under_free_keys():
    left, right = two_items()
    for item, material in ((left, "布局图"), (right, "检测报告")):
        question = ScenarioQuestion.objects.create(version=item.published, position=1, key="who", text="您是？")
        ScenarioOption.objects.create(question=question, position=1, key="firm", label="公司")
        item.published.materials.filter(name=material).update(when=["who.firm"])
    draft = reform.merge(left, right, by=SYSTEM, at=NOW)
    assert list(draft.questions.values_list("key", flat=True)) == ["who", "who-2"]
    assert ScenarioOption.objects.filter(question__version=draft).count() == 2
    whens = dict(draft.materials.values_list("name", "when"))
    assert whens == {"身份证": [], "布局图": ["who.firm"], "检测报告": ["who-2.firm"]}


def test_what_cannot_be_merged_says_why():
    left, right = two_items()
    with pytest.raises(reform.CannotMerge):
        reform.merge(left, left, by=SYSTEM, at=NOW)
    with pytest.raises(reform.CannotMerge):
        reform.merge(left, make_draft(department=left.department).item, by=SYSTEM, at=NOW)
    far = make_item(department=make_department(make_region("510000", "另一市")))
    with pytest.raises(reform.CannotMerge):
        reform.merge(left, far, by=SYSTEM, at=NOW)
    mine_only = make_staff(Role.EDITOR, department=left.department)
    with pytest.raises(access.NotAllowed):
        reform.merge(left, right, by=mine_only, at=NOW)
    assert not left.versions.filter(state="draft").exists()
    actions.save_draft(left, {"promised_limit": 3}, by=SYSTEM, at=NOW)
    with pytest.raises(reform.CannotMerge, match="已经有一份草稿"):
        reform.merge(left, right, by=SYSTEM, at=NOW)


def test_a_due_rule_waits_in_the_draft():
    item = make_item()
    draft = reform.set_due_rule(item, {"kind": "age", "years": 80}, by=SYSTEM, at=NOW)
    assert draft.due_rule == {"kind": "age", "years": 80}
    item.refresh_from_db()
    assert item.published.due_rule == {}
    with pytest.raises(actions.BadDraft):
        reform.set_due_rule(item, {"kind": "age", "years": -1}, by=SYSTEM, at=NOW)
