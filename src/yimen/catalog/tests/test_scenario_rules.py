"""Which questions are asked, what answers switch on, and what is wrong with a set of them; oracles are naive."""

from itertools import chain, combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yimen.catalog.rules import scenario as rules
from yimen.catalog.rules.flows import Step
from yimen.catalog.rules.scenario import Option, Question, Scenario, Thing
from yimen.lib.workdays import Limit


def ask(key, *labels, when=(), multiple=False, **more):
    options = tuple(Option(label, f"{key} {label}", **more.get(label, {})) for label in labels)
    return Question(key, f"{key}？", options, is_multiple=multiple, when=tuple(when))


def step(key, kind, days, after=(), when=()):
    return Step(key, key, kind, "审批岗", "办理本事项", days, tuple(after), tuple(when))


WHO = ask("who", "person", "firm")
AGENT = ask("agent", "self", "other")
FOOD = ask("food", "hot", "cold", "none", multiple=True)
LICENCE = ask("licence", "yes", "no", when=["who.firm"], no={"dead_end": "先到 3 号窗口办执照。"})
FLOW = (
    step("accept", "accept", 0),
    step("review", "review", 2, ["accept"]),
    step("visit", "visit", 3, ["review"], ["food.cold"]),
    step("decide", "decide", 1, ["visit"]),
    step("deliver", "deliver", 0, ["decide"]),
)

NAMES = [f"{q}.{o}" for q in "abc" for o in "xyz"]
whens = st.lists(st.sampled_from(NAMES), max_size=4, unique=True)
answers = st.sets(st.sampled_from(NAMES), max_size=6)


@given(whens, answers)
def test_an_or_inside_a_question_and_an_and_across_questions(when, chosen):
    naive = all(any(f"{q}.{o}" in chosen for o in "xyz" if f"{q}.{o}" in when) for q in {name[0] for name in when})
    assert rules.applies(when, chosen) == naive


def test_what_hangs_on_nothing_is_for_everybody():
    assert rules.applies([], [])
    assert not rules.applies(["who.firm"], [])


@st.composite
def question_sets(draw):
    """Up to four questions; each may hang on options of the ones before it."""
    questions, known = [], []
    for key in "abcd"[: draw(st.integers(1, 4))]:
        letters = "xyz"[: draw(st.integers(1, 3))]
        when = draw(st.lists(st.sampled_from(known), max_size=2, unique=True)) if known else []
        dead = draw(st.sampled_from([*letters, "", "", ""]))
        questions.append(
            ask(
                key, *letters, when=when, multiple=draw(st.booleans()), **({dead: {"dead_end": "不办"}} if dead else {})
            )
        )
        known += [f"{key}.{letter}" for letter in letters]
    return questions


def naive_paths(questions):
    """Try every subset of options for every question, and keep what one could really have answered."""
    subsets = [
        [(), *chain.from_iterable(combinations(q.names(), n) for n in range(1, len(q.options) + 1))] for q in questions
    ]
    found = set()
    for picks in product(*subsets):
        chosen, ended, fits = set(), False, True
        for question, pick in zip(questions, picks, strict=True):
            asked = not ended and rules.applies(question.when, chosen)
            if not asked:
                fits = fits and not pick
                continue
            fits = fits and bool(pick) and (question.is_multiple or len(pick) == 1)
            chosen |= set(pick)
            ended = any(o.dead_end for o, name in zip(question.options, question.names(), strict=True) if name in pick)
        if fits:
            found.add(frozenset(chosen))
    return found


@settings(max_examples=60, deadline=None)
@given(question_sets())
def test_all_paths_are_exactly_those_somebody_could_answer(questions):
    paths = rules.all_paths(questions)
    assert {frozenset(path.chosen) for path in paths} == naive_paths(questions)
    assert len({path.chosen for path in paths}) == len(paths)
    for path in paths:
        again = rules.walk(questions, path.chosen)
        assert again.next is None
        assert (again.chosen, bool(again.dead_end)) == (path.chosen, bool(path.dead_end))


@settings(max_examples=60, deadline=None)
@given(question_sets(), st.sets(st.sampled_from([f"{q}.{o}" for q in "abcde" for o in "xyz"]), max_size=8))
def test_a_walk_keeps_only_what_was_asked_and_goes_on_where_it_stopped(questions, given_answers):
    found = rules.walk(questions, given_answers)
    assert set(found.chosen) <= given_answers
    assert rules.walk(questions, found.chosen) == found
    if found.next:
        assert found.next not in found.asked
        assert rules.applies(found.next.when, found.chosen)
        assert found.later <= len(questions)


@settings(max_examples=60, deadline=None)
@given(question_sets(), st.integers(1, 99))
def test_a_short_code_brings_the_answers_back(questions, number):
    for path in rules.all_paths(questions)[:20]:
        code = rules.short_code(number, questions, path.chosen)
        assert rules.code_number(code) == number
        assert set(rules.read_code(questions, f" {code.lower()} ")) == set(path.chosen)


def test_codes_that_mean_nothing_bring_nothing():
    assert rules.read_code([WHO], "3-Z") == ()
    assert rules.read_code([WHO], "") == ()
    assert rules.code_number("QH-261118-00417") is None


def test_two_answers_where_one_is_wanted_are_none():
    assert rules.walk([WHO], {"who.person", "who.firm"}).next == WHO


@pytest.mark.parametrize(
    "given_answers, error",
    [
        pytest.param(["who.person", "agent.self"], None, id="complete"),
        pytest.param(["who.person"], rules.IncompleteAnswers, id="one missing"),
        pytest.param(["who.firm", "licence.no"], rules.DeadEnd, id="dead end"),
        pytest.param(["who.person", "agent.self", "licence.yes"], rules.IncompleteAnswers, id="not asked"),
    ],
)
def test_only_complete_answers_that_lead_somewhere_are_taken(given_answers, error):
    questions = [WHO, LICENCE, AGENT]
    if error is None:
        assert rules.check_answers(questions, given_answers) == tuple(given_answers)
    else:
        with pytest.raises(error):
            rules.check_answers(questions, given_answers)


def test_a_step_that_does_not_apply_is_passed_over():
    assert rules.flow_for(FLOW, ["food.hot"])["decide"] == ("review",)
    assert rules.flow_for(FLOW, ["food.cold"])["decide"] == ("visit",)
    assert rules.takes(rules.steps_for(FLOW, ["food.hot"])) == 3
    assert rules.takes(rules.steps_for(FLOW, ["food.cold"])) == 6


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.sets(st.integers(0, 6)), st.booleans()), min_size=1, max_size=7),
)
def test_passing_over_keeps_the_order_of_what_is_left(shape):
    steps = [
        step(f"s{n}", "review", 1, [f"s{m}" for m in sorted(after) if m < n], [] if stays else ["a.x"])
        for n, (after, stays) in enumerate(shape)
    ]

    def all_before(key, flow):
        return {name for direct in flow[key] for name in {direct, *all_before(direct, flow)}}

    whole = {one.key: one.after for one in steps}
    left = rules.flow_for(steps, [])
    assert set(left) == {one.key for one in steps if not one.when}
    for key in left:
        assert all_before(key, left) == all_before(key, whole) & set(left)


def test_the_promise_of_an_option_counts_only_when_the_flow_can_keep_it():
    questions = [ask("q", "fast", "slow", multiple=True, fast={"promised_limit": 2}, slow={"promised_limit": 5})]
    both = ["q.fast", "q.slow"]
    assert rules.promise_for(questions, both, flow_takes=1, promised=9) == 2
    assert rules.promise_for(questions, both, flow_takes=4, promised=9) == 5
    assert rules.promise_for(questions, both, flow_takes=6, promised=9) == 5
    assert rules.promise_for(questions, [], flow_takes=4, promised=9) == 9


MATERIALS = (Thing("身份证", ("who.person",)), Thing("营业执照", ("who.firm",)), Thing("委托书", ("agent.other",)))
GOOD = Scenario((WHO, LICENCE, AGENT, FOOD), MATERIALS, FLOW, promised=6)


def texts(scenario, **more):
    return [finding.text for finding in rules.findings(scenario, **more) if finding.keeps_back]


def test_a_whole_set_has_no_fault():
    assert texts(GOOD) == []
    assert rules.scenario_faults(GOOD.questions, GOOD.materials, GOOD.steps, GOOD.promised) == []


@pytest.mark.parametrize(
    "change, word",
    [
        pytest.param(
            {"questions": (WHO, LICENCE, AGENT, FOOD, Question("q", "空？"))}, "还没有写回答", id="no options"
        ),
        pytest.param({"materials": (*MATERIALS, Thing("章程", ("who.nobody",)))}, "没有的回答", id="names nothing"),
        pytest.param({"questions": (LICENCE, WHO, AGENT, FOOD)}, "前面没有的回答", id="asked before its ground"),
        pytest.param(
            {"questions": (*GOOD.questions, ask("q", "x", when=["who.person", "licence.yes"]))},
            "没有人会被问到",
            id="a question nobody reaches",
        ),
        pytest.param(
            {"materials": (*MATERIALS, Thing("章程", ("who.person", "licence.yes")))},
            "哪种情形都用不上",
            id="unreached",
        ),
        pytest.param({"promised": 5}, "比承诺的时限还长", id="slower than promised"),
        pytest.param({"materials": MATERIALS[1:]}, "一样材料也不要", id="a path without materials"),
        pytest.param(
            {"steps": (*FLOW[:3], step("decide", "decide", 1, ["visit"], ["food.cold"]), FLOW[4])},
            "没有一步作决定",
            id="a path without a decision",
        ),
        pytest.param(
            {"questions": (ask("who", "person", person={"dead_end": "不办"}), *GOOD.questions[2:]), "materials": ()},
            "怎么答都办不成",
            id="nothing but dead ends",
        ),
        pytest.param({"questions": (WHO, WHO, *GOOD.questions[1:])}, "代号都是", id="a key twice"),
    ],
)
def test_each_fault_is_found(change, word):
    from dataclasses import replace

    assert any(word in text for text in texts(replace(GOOD, **change)))


def test_a_promise_longer_than_the_law_is_a_fault():
    questions = (ask("who", "person", person={"promised_limit": 21}),)
    assert any("法定时限" in text for text in texts(Scenario(questions, promised=9), statutory=Limit(20)))
    assert texts(Scenario(questions, promised=9), statutory=Limit(21)) == []


def test_two_ways_that_come_to_the_same_are_worth_knowing_but_no_fault():
    scenario = Scenario((WHO,), (Thing("身份证"),), (), promised=3)
    [finding] = rules.findings(scenario)
    assert not finding.keeps_back
    assert "完全一样" in finding.text


def test_more_paths_than_anybody_could_look_at_are_refused():
    questions = [ask(f"q{n}", *"abcdefghijkl", multiple=True) for n in range(3)]
    with pytest.raises(rules.TooManyPaths, match="5000"):
        rules.all_paths(questions)
    assert any("5000" in text for text in texts(Scenario(tuple(questions))))


def test_without_questions_there_is_one_way():
    [path] = rules.all_paths([])
    assert path.is_complete
    assert texts(Scenario((), (Thing("身份证"),), FLOW[:2], promised=9)) == []
