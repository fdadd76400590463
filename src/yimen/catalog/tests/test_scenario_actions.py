"""Writing questions and forms into a draft: what is refused, what a repeat does, what goes with a lost answer."""

from dataclasses import replace

import pytest

from yimen.catalog import actions
from yimen.catalog.actions import scenario
from yimen.catalog.models import ItemVersion
from yimen.catalog.queries import scenario as queries
from yimen.catalog.rules.forms import BadForm, Field, Form, schema_of
from yimen.catalog.rules.scenario import Option, Question, short_code
from yimen.catalog.tests.factories import NOW, make_draft
from yimen.catalog.tests.scenarios import FORM, MATERIALS, QUESTIONS, make_scenario_draft, make_scenario_item
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.people import access
from yimen.people.models import Role
from yimen.people.tests.factories import make_department, make_staff

pytestmark = pytest.mark.django_db
WHO = QUESTIONS[0]


def save(draft, questions, **more):
    return scenario.save_questions(draft.item, questions, **{"by": SYSTEM, "at": NOW, **more})


def events():
    return Event.objects.filter(kind__in=["catalog.scenario_saved", "catalog.forms_saved"]).count()


@pytest.mark.parametrize(
    "questions, word",
    [
        pytest.param([replace(WHO, text=" ")], "问题还没写字", id="no text"),
        pytest.param([replace(WHO, text="问" * 201)], "最多写 200 个字", id="text too long"),
        pytest.param([replace(WHO, key="坏 代号")], "代号“坏 代号”", id="a bad key"),
        pytest.param([WHO, WHO], "代号一样", id="a key twice"),
        pytest.param([replace(WHO, options=(Option("a", ""),))], "有一个回答还没写字", id="an answer without words"),
        pytest.param([replace(WHO, options=(Option("a", "甲", promised_limit=-1),))], "现在是 -1", id="a bad limit"),
        pytest.param([replace(WHO, options=(Option("a", "甲\x00"),))], "看不见的坏字符", id="a NUL"),
        pytest.param(
            [replace(WHO, options=tuple(Option(f"a{n}", "甲") for n in range(13)))], "最多 12 个", id="too many"
        ),
    ],
)
def test_questions_that_cannot_be_stored_are_refused_whole(questions, word):
    draft = make_scenario_draft()
    before = queries.scenario_data(draft)
    with pytest.raises(actions.BadDraft, match=word):
        save(draft, questions)
    assert queries.scenario_data(draft) == before


def test_the_same_again_records_nothing():
    draft = make_scenario_draft()
    before = events()
    draft = save(draft, QUESTIONS, materials=MATERIALS)
    scenario.save_forms(draft.item, [FORM], by=SYSTEM, at=NOW)
    assert events() == before


@pytest.mark.parametrize("names, word", [(("who.nobody",), "没有的回答"), (("who.person",), "")])
def test_only_answers_there_are_can_switch_something_on(names, word):
    draft = make_draft()
    if word:
        with pytest.raises(actions.BadDraft, match=word):
            save(draft, [WHO], materials={"身份证": names})
    else:
        save(draft, [WHO], materials={"身份证": names})
        assert draft.materials.get(name="身份证").when == list(names)


def test_a_material_that_is_gone_is_named():
    with pytest.raises(actions.BadDraft, match="草稿里没有“户口本”"):
        save(make_draft(), [WHO], materials={"户口本": ("who.person",)})


def test_a_lost_answer_is_taken_out_of_everything_that_named_it():
    draft = make_scenario_draft()
    save(draft, QUESTIONS[1:2])
    assert draft.materials.get(name="身份证").when == []
    assert draft.materials.get(name="专间布局图").when == ["food.cold"]


@pytest.mark.parametrize("fresh", [True, False])
def test_nobody_writes_over_what_he_has_not_seen(fresh):
    draft = make_scenario_draft()
    seen = actions.mark_of(ItemVersion.objects.get(pk=draft.pk))
    if not fresh:
        save(draft, QUESTIONS[:1])
    if fresh:
        save(draft, QUESTIONS[:2], seen=seen)
    else:
        with pytest.raises(actions.ChangedMeanwhile):
            save(draft, QUESTIONS[:2], seen=seen)


@pytest.mark.parametrize("role, allowed", [(Role.EDITOR, True), (Role.CLERK, False)])
def test_only_an_editor_of_the_department_writes(role, allowed):
    draft = make_scenario_draft()
    organ = draft.item.department
    staff = make_staff(role, department=organ if allowed else make_department(organ.region))
    for act in (
        lambda: save(draft, QUESTIONS[:1], by=staff),
        lambda: scenario.save_forms(draft.item, [], by=staff, at=NOW),
    ):
        if allowed:
            act()
        else:
            with pytest.raises(access.NotAllowed):
                act()


def test_whoever_wrote_questions_may_not_publish_them():
    draft = make_scenario_draft()
    both = make_staff(Role.EDITOR, Role.PUBLISHER, department=draft.item.department)
    save(draft, [*QUESTIONS[:2], replace(QUESTIONS[2], text="谁来窗口？")], by=both)
    with pytest.raises(actions.SameHand):
        actions.publish(draft, by=both, at=NOW)


@pytest.mark.parametrize(
    "form, word",
    [
        pytest.param(replace(FORM, title=""), "还没写表名", id="no title"),
        pytest.param(replace(FORM, schema={"type": "object", "properties": {}}), "还没有一个字段", id="no fields"),
        pytest.param(
            replace(FORM, sample={"shop": "x"}), "填写样例：“经营者姓名”还没填", id="a sample that does not fit"
        ),
        pytest.param(
            Form("f", "表", schema_of([Field("kind", "业态", "choice")])), "字段“业态”要有至少一个选项", id="no choices"
        ),
    ],
)
def test_forms_that_cannot_be_filled_in_are_refused(form, word):
    draft = make_scenario_draft()
    with pytest.raises(BadForm, match=word):
        scenario.save_forms(draft.item, [form], by=SYSTEM, at=NOW)
    assert queries.forms_of(draft) == [FORM]


def test_a_form_that_goes_leaves_its_material():
    draft = make_scenario_draft()
    assert draft.materials.get(name="食品安全管理制度").form_key == "apply"
    scenario.save_forms(draft.item, [], by=SYSTEM, at=NOW)
    assert draft.materials.get(name="食品安全管理制度").form_key == ""


def test_the_code_of_an_earlier_edition_is_read_with_its_own_questions():
    version = make_scenario_item()
    code = short_code(1, QUESTIONS, ["who.person", "food.hot", "agent.other"])
    # The second edition asks in another order, and one question less.
    draft = save(version, [QUESTIONS[1], QUESTIONS[0]])
    assert queries.answers_of_code(draft, code) == ("food.hot", "who.person")
    assert queries.answers_of_code(version, code) == ("who.person", "food.hot", "agent.other")
    assert queries.answers_of_code(draft, "9-A") == ()


def test_a_question_can_be_added_while_half_is_missing_but_not_published():
    draft = make_scenario_draft()
    save(draft, [*QUESTIONS, Question("more", "还有什么？")])
    with pytest.raises(actions.NotReady, match="“还有什么？”还没有写回答"):
        actions.publish(draft, by=SYSTEM, at=NOW)


def test_the_mark_of_an_edition_follows_its_questions_and_forms():
    draft = make_scenario_draft()
    marks = {actions.mark_of(ItemVersion.objects.get(pk=draft.pk))}
    save(draft, QUESTIONS[:2])
    marks.add(actions.mark_of(ItemVersion.objects.get(pk=draft.pk)))
    scenario.save_forms(draft.item, [replace(FORM, title="申请书")], by=SYSTEM, at=NOW)
    marks.add(actions.mark_of(ItemVersion.objects.get(pk=draft.pk)))
    assert len(marks) == 3
