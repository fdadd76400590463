"""Flow charts: every step once, nothing overlapping, lines from box to box; the same facts as text (S1-22)."""

import re
from itertools import combinations, pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yimen.catalog import flowchart, rules
from yimen.catalog.flowchart import ChartStep
from yimen.catalog.rules import Step
from yimen.lib import layers

# A busy machine is no fault.
patient = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
SVG = "{http://www.w3.org/2000/svg}"


def make_step(key, after=(), *, when=(), days=1, **words):
    said = {"name": f"步骤{key}", "kind": "review", "post": "审查岗", "authority": "审查材料"} | words
    return ChartStep(Step(key, limit_days=days, after=tuple(after), when=tuple(when), **said), "市场监管局（演示）")


@st.composite
def flows(draw, most=9):
    """Flows without loops, in any order of listing, with words short and long."""
    count = draw(st.integers(0, most))
    words = st.text(alphabet="收件审查决定送达的，。《》abc XY<&\"'1 ", min_size=1, max_size=40)
    steps = []
    for n in range(count):
        after = draw(st.lists(st.integers(0, n - 1), max_size=3, unique=True)) if n else []
        when = draw(st.sampled_from([(), (), ("place.big",), ("place.big", "place.old"), ("kind.new", "place.big")]))
        kind = draw(st.sampled_from(["accept", "review", "visit"]))
        name, post, authority, department = (draw(words) for _n in range(4))
        before = tuple(f"s{m}" for m in after)
        step = Step(f"s{n}", name, kind, post, authority, draw(st.integers(0, 30)), before, when)
        steps.append(ChartStep(step, department, tuple("店面大" for _name in when)))
    return draw(st.permutations(steps))


def boxes(chart):
    return chart.drawing.nodes


@patient
@given(flows())
def test_boxes_never_overlap_and_stay_within_the_drawing(steps):
    drawing = flowchart.chart(steps).drawing
    for one, other in combinations(drawing.nodes.values(), 2):
        beside = one.x + one.width <= other.x + 0.01 or other.x + other.width <= one.x + 0.01
        below = one.y + one.height <= other.y + 0.01 or other.y + other.height <= one.y + 0.01
        assert beside or below
    for node in drawing.nodes.values():
        assert node.x >= -0.01 and node.y >= -0.01
        assert node.x + node.width <= drawing.width + 0.01 and node.y + node.height <= drawing.height + 0.01


@patient
@given(flows())
def test_each_step_appears_once_and_each_line_leads_from_box_to_box(steps):
    chart = flowchart.chart(steps)
    assert sorted(chart.drawing.nodes) == sorted([flowchart.START, flowchart.END, *(each.step.key for each in steps)])
    assert [fact.number for fact in chart.facts] == list(range(1, len(steps) + 1))
    for line in chart.drawing.lines:
        source, target = chart.drawing.nodes[line.source], chart.drawing.nodes[line.target]
        assert line.points[0] == pytest.approx((source.centre[0], source.y + source.height), abs=0.02)
        assert line.points[-1] == pytest.approx((target.centre[0], target.y), abs=0.02)
        assert all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(line.points)), "every part is level or upright"


@patient
@given(flows())
def test_no_line_crosses_a_box(steps):
    drawing = flowchart.chart(steps).drawing
    for line in drawing.lines:
        for (x1, y1), (x2, y2) in pairwise(line.points):
            for node in drawing.nodes.values():
                inside_x = min(x1, x2) < node.x + node.width - 0.05 and max(x1, x2) > node.x + 0.05
                inside_y = min(y1, y2) < node.y + node.height - 0.05 and max(y1, y2) > node.y + 0.05
                assert not (inside_x and inside_y)


@patient
@given(flows())
def test_the_lines_say_exactly_what_waits_for_what(steps):
    chart = flowchart.chart(steps)
    led = {}
    for line in chart.drawing.lines:
        led.setdefault(line.target, set()).add(line.source)
    plain = [each.step for each in steps]
    before = rules.all_before(plain)
    for step in plain:
        direct = led[step.key] - {flowchart.START}
        assert direct.union(*(before[name] for name in direct)) == before[step.key]


@patient
@given(flows())
def test_the_drawing_is_well_formed_the_same_every_time_and_accessible(steps):
    svg = flowchart.chart(steps).svg('演示“<事项>”&"', ident="a")
    assert svg == flowchart.chart(steps).svg('演示“<事项>”&"', ident="a")
    root = ET.fromstring(svg)
    assert root.get("role") == "img" and root.get("aria-labelledby") == "a-t a-d"
    assert root.find(f"{SVG}title").text == '演示“<事项>”&"的办理流程图' and root.find(f"{SVG}desc").text
    assert not re.search(r"\sstyle=|<style|<script|\son\w+=", svg), "the policy forbids inline styles and scripts"


@patient
@given(st.text(max_size=80), st.floats(3, 30))
def test_wrapped_lines_fit_and_lose_nothing(text, ems):
    lines = flowchart.wrapped(text, ems)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(flowchart.measure(line) <= ems or len(line) == 1 for line in lines)


def test_a_line_does_not_begin_with_a_closing_sign():
    assert flowchart.wrapped("审查材料，提出意见。", 4.5) == ["审查材", "料，提出", "意见。"]


@pytest.mark.capability("S1-22")
def test_a_chart_shows_post_authority_step_and_limit_of_every_step():
    steps = [
        make_step("accept", name="受理", post="窗口综合受理岗", authority="决定受理或不予受理", days=0),
        make_step("fire", ["accept"], name="消防审查", post="消防岗", authority="核查消防条件", days=5),
        make_step("visit", ["accept"], name="现场核查", post="勘察岗", authority="到现场核查", days=3, when=["a.b"]),
        make_step("decide", ["fire", "visit"], name="决定", post="首席代表", authority="作出决定", days=1),
    ]
    chart = flowchart.chart(steps)
    words = "".join(ET.fromstring(chart.svg("演示事项")).itertext())
    for each in steps:
        for said in (each.step.name, each.step.post, each.step.authority):
            assert said in words
    for limit in ("时限：当天", "时限：5 个工作日", "时限：3 个工作日", "时限：1 个工作日"):
        assert limit in words
    assert chart.summary() == "共 4 步。第 2、3 步同时办。"
    assert chart.facts[3].order == "第 2、3 步做完就开始。"
    assert chart.facts[2].condition == "选了“a.b”才有这一步。"


def test_steps_at_the_same_time_stand_side_by_side():
    chart = flowchart.chart([make_step("a"), make_step("b", "a"), make_step("c", "a"), make_step("d", "bc")])
    nodes = boxes(chart)
    assert nodes["b"].y == nodes["c"].y and nodes["b"].x != nodes["c"].x
    assert nodes["a"].y < nodes["b"].y < nodes["d"].y


def test_a_loop_cannot_be_drawn():
    with pytest.raises(rules.BrokenFlow):
        flowchart.chart([make_step("a", "b"), make_step("b", "a")])
    with pytest.raises(layers.HasLoop):
        layers.draw([layers.Node("a", 1, 1), layers.Node("b", 1, 1)], [("a", "b"), ("b", "a")])


@patient
@given(flows(), st.data())
def test_bands_keep_their_nodes_within(steps, data):
    nodes = [layers.Node(each.step.key, 80, 40, data.draw(st.integers(0, 2))) for each in steps]
    edges = [(name, each.step.key) for each in steps for name in each.step.after]
    drawing = layers.draw(nodes, edges, gap=20, rank_gap=30, band_pad=10)
    for node in drawing.nodes.values():
        begin, end = drawing.bands[node.band]
        assert begin - 0.01 <= node.x and node.x + node.width <= end + 0.01
    for one, other in combinations(drawing.nodes.values(), 2):
        assert one.rank != other.rank or one.x + 80 <= other.x + 0.01 or other.x + 80 <= one.x + 0.01


def test_answers_of_one_question_are_alternatives_and_questions_all_count():
    step = Step("a", "核查", "visit", "勘察岗", "核查", 1, (), ("place.big", "place.old", "food.hot"))
    each = ChartStep(step, "市场监管局（演示）", ("大店", "老店", "热食"))
    assert flowchart.condition_words(each) == "“大店”或“老店”，并且选了“热食”"


@patient
@given(flows(), st.floats(200, 900))
def test_cut_for_pages_no_part_is_too_high_and_no_box_is_cut(steps, most):
    chart = flowchart.chart(steps)
    parts = chart.parts(most)
    assert parts[0][0] == 0 and parts[-1][1] == chart.height
    assert all(one[1] == other[0] for one, other in pairwise(parts))
    tops = [(node.y + flowchart.MARGIN, node.height) for node in chart.drawing.nodes.values()]
    for begin, end in parts:
        rows = {top for top, _height in tops if begin <= top < end}
        assert end - begin <= most + 60 or len(rows) == 1
        assert all(top + height <= end + 0.01 for top, height in tops if begin <= top < end)
