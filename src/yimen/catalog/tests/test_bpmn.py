"""BPMN 2.0: what is written comes back, what cannot be taken is named, bad files do no harm."""

import gzip
import io
import json
import tracemalloc
from collections import Counter
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.catalog import bpmn, rules
from yimen.catalog.bpmn.names import DC, DD, DI, MODEL
from yimen.catalog.bpmn.read import guess
from yimen.catalog.flowchart import ChartStep
from yimen.catalog.rules import Step
from yimen.catalog.tests.test_flowchart import make_step, patient
from yimen.testing import shared

HEAD = f'<definitions xmlns="{MODEL}" id="defs" targetNamespace="x">'
LEGAL = st.characters(min_codepoint=0x20, max_codepoint=0xFFFD, exclude_categories=["Cs"])
WORDS = st.text(LEGAL, min_size=1, max_size=20).filter(lambda text: text.strip())
KEYS = st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True)


def document(body, *, process="<process id='p'>{}</process>"):
    return (HEAD + process.format(body) + "</definitions>").encode()


def flow(ident, source, target, **attributes):
    more = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<sequenceFlow id="{ident}" sourceRef="{source}" targetRef="{target}"{more}/>'


def drawn(nodes, lines):
    """Nodes as "tag:id", lines as "from>to", numbered f1, f2 …, or as "id:from>to"."""
    body = "".join("<{} id='{}'/>".format(*node.split(":")) for node in nodes.split())
    for n, line in enumerate(lines.split(), 1):
        ident, _colon, ends = line.rpartition(":")
        body += flow(ident or f"f{n}", *ends.split(">"))
    return body


def read(content, name="a.bpmn", process=""):
    return bpmn.read(io.BytesIO(content), name, process)


def read_path(path, process=""):
    with path.open("rb") as stream:
        return bpmn.read(stream, path.name, process)


def refused(report):
    return {each.id: each.reason for each in report.refused}


@st.composite
def flows(draw):
    keys = draw(st.lists(KEYS, min_size=1, max_size=8, unique=True))
    steps = []
    for n, key in enumerate(keys):
        after = draw(st.lists(st.sampled_from(keys[:n]), max_size=3, unique=True)) if n else []
        when = draw(st.lists(st.sampled_from(["place.big", "place.old", "kind.new"]), max_size=2, unique=True))
        kind = draw(st.sampled_from(["receive", "accept", "review", "visit", "expert", "decide", "make", "deliver"]))
        step = Step(
            key, draw(WORDS), kind, draw(WORDS), draw(WORDS), draw(st.integers(0, 32767)), tuple(after), tuple(when)
        )
        steps.append(ChartStep(step, draw(WORDS), tuple(draw(WORDS).strip() for _name in when)))
    return draw(st.permutations(steps))


# Written and read again


@patient
@given(flows())
def test_what_is_written_comes_back_exactly(steps):
    report = read(bpmn.write(steps, name="演示事项", code="X", organ="演示局"))
    assert report.importable, report.refused
    assert [each.step for each in report.steps] == [each.step for each in steps]
    assert [each.department for each in report.steps] == [each.department for each in steps]
    assert report.chart_steps() == steps
    assert not report.questions and not any(each.kind_is_guess or each.missing for each in report.steps)


@patient
@given(flows())
def test_the_same_flow_is_the_same_file_with_a_whole_diagram(steps):
    content = bpmn.write(steps, name="演示事项", code="X", organ="演示局")
    assert content == bpmn.write(steps, name="演示事项", code="X", organ="演示局")
    root = ET.fromstring(content)
    drawn = {each.get("bpmnElement") for each in root.iter(f"{{{DI}}}BPMNShape")}
    lines = {each.get("bpmnElement"): each for each in root.iter(f"{{{DI}}}BPMNEdge")}
    process = root.find(f"{{{MODEL}}}process")
    flows = {each.get("id"): each for each in process.iter(f"{{{MODEL}}}sequenceFlow")}
    nodes = {
        each.get("id")
        for each in process
        if each.tag.rpartition("}")[2] not in {"sequenceFlow", "laneSet", "documentation"}
    }
    lanes = {each.get("id") for each in process.iter(f"{{{MODEL}}}lane")}
    assert drawn == nodes | lanes | {"pool"} and set(lines) == set(flows)
    assert nodes == {each.text for each in process.iter(f"{{{MODEL}}}flowNodeRef")}, "each node in one lane"
    bounds = {
        shape.get("bpmnElement"): [
            float(shape.find(f"{{{DC}}}Bounds").get(name)) for name in ("x", "y", "width", "height")
        ]
        for shape in root.iter(f"{{{DI}}}BPMNShape")
    }
    lane_of = {
        node.text: lane.get("id")
        for lane in process.iter(f"{{{MODEL}}}lane")
        for node in lane.iter(f"{{{MODEL}}}flowNodeRef")
    }
    for ident in nodes:
        x, y, width, height = bounds[ident]
        left, top, wide, high = bounds[lane_of[ident]]
        assert left <= x and x + width <= left + wide and top <= y and y + height <= top + high
    for ident, edge in lines.items():
        points = [(float(p.get("x")), float(p.get("y"))) for p in edge.iter(f"{{{DD}}}waypoint")]
        source, target = (bounds[flows[ident].get(name)] for name in ("sourceRef", "targetRef"))
        assert points[0] == pytest.approx((source[0] + source[2], source[1] + source[3] / 2), abs=0.02)
        assert points[-1] == pytest.approx((target[0], target[1] + target[3] / 2), abs=0.02)


def schema():
    """The OMG's schema, as SpiffWorkflow ships it."""
    etree = pytest.importorskip("lxml.etree")
    parser = pytest.importorskip("SpiffWorkflow.bpmn.parser")
    return etree, etree.XMLSchema(etree.parse(str(Path(parser.__file__).parent / "schema" / "BPMN20.xsd")))


@pytest.fixture(scope="module")
def omg():
    return schema()


@patient
@given(flows())
def test_what_is_written_is_valid_against_the_schema(omg, steps):
    etree, judge = omg
    judge.assertValid(etree.fromstring(bpmn.write(steps, name="演示<事项>", code="X", organ="演示局")))


def test_another_tool_opens_it_and_runs_it_in_the_order_we_mean():
    parser = pytest.importorskip("SpiffWorkflow.bpmn.parser").BpmnParser()
    from lxml import etree
    from SpiffWorkflow import TaskState
    from SpiffWorkflow.bpmn.workflow import BpmnWorkflow

    steps = [make_step("a"), make_step("b", "a"), make_step("c", "a"), make_step("d", "bc"), make_step("e", "a")]
    content = bpmn.write(steps, name="演示事项", code="X", organ="演示局").replace(
        b'isExecutable="false"', b'isExecutable="true"'
    )
    parser.add_bpmn_xml(etree.fromstring(content).getroottree())
    workflow = BpmnWorkflow(parser.get_spec("process"))
    together = []
    while not workflow.is_completed():
        ready = workflow.get_tasks(state=TaskState.READY)
        if names := sorted(
            each.task_spec.bpmn_name for each in ready if (each.task_spec.bpmn_id or "").startswith("step_")
        ):
            together.append(names)
        for task in ready:
            task.run()
    assert together == [["步骤a"], ["步骤b", "步骤c", "步骤e"], ["步骤d"]]


def test_a_file_changed_in_another_tool_says_what_its_lines_say_now():
    steps = [make_step("a"), make_step("b", "a"), make_step("c", "b")]
    content = bpmn.write(steps, name="演示事项", code="X", organ="演示局").decode()
    # Somebody drew a, c, b instead.
    changed = content.replace('sourceRef="step_a" targetRef="step_b"', 'sourceRef="step_a" targetRef="step_c"', 1)
    changed = changed.replace('sourceRef="step_b" targetRef="step_c"', 'sourceRef="step_c" targetRef="step_b"', 1)
    changed = changed.replace('sourceRef="step_c" targetRef="end"', 'sourceRef="step_b" targetRef="end"', 1)
    found = {each.step.key: each.step for each in read(changed.encode()).steps}
    assert {key: step.after for key, step in found.items()} == {"a": (), "c": ("a",), "b": ("c",)}
    assert found["b"] == replace(steps[1].step, after=("c",)), "post, authority and limit stay with the step"


# The visible files

REFERENCE = (
    *(
        f"miwg/{name}.bpmn"
        for name in ("A.1.0", "A.2.0", "A.3.0", "A.4.0", "B.1.0", "C.1.0", "C.1.1", "C.2.0", "C.3.0")
    ),
    "receipt_discovered.bpmn.gz",
    "running-example.bpmn",
    *(
        f"spiff/{name}.bpmn"
        for name in ("Approvals", "ParallelOrder", "boundary_timer_on_task", "exclusive_gateway_no_default", "lanes")
    ),
)
# What of them can be taken: steps by name with the names of those before them.
TAKEN = {
    "miwg/A.1.0.bpmn": {"Task 1": set(), "Task 2": {"Task 1"}, "Task 3": {"Task 2"}},
    "miwg/A.2.0.bpmn": {"Task 1": set(), "Task 2": {"Task 1"}, "Task 3": {"Task 1"}, "Task 4": {"Task 1"}},
    "spiff/exclusive_gateway_no_default.bpmn": {"ValueGreaterThanOne": set(), "ValueLessThanOne": set()},
    "spiff/ParallelOrder.bpmn": {f"Task {n}": set() for n in (1, 2, 3, 4)},
    "spiff/lanes.bpmn": {
        "Request Feature": set(),
        "Clarifying Questions?": {"Request Feature"},
        "Clarify Request": {"Clarifying Questions?"},
        "Implement Feature": {"Clarifying Questions?", "Clarify Request"},
        "Send to testing": {"Implement Feature"},
        "SubProcessTask": {"Send to testing"},
    },
    # Its review may lead back to the approval; that line is named and not needed.
    "miwg/C.1.1.bpmn": {
        "Assign Approver": set(),
        "Approve Invoice": {"Assign Approver"},
        "Rechnung klären": {"Approve Invoice"},
        "Prepare Bank Transfer": {"Approve Invoice"},
        "Archive Invoice": {"Prepare Bank Transfer"},
    },
}
# Files with several processes, of which one has to be chosen.
CHOSEN = {
    ("miwg/A.4.0.bpmn", "WFP-6-1"): {"Task 1": set(), "Task 2": {"Task 1"}},
    ("miwg/A.4.0.bpmn", "WFP-6-2"): {
        "Task 3": set(),
        "Task 4": {"Task 3"},
        "Task 5": {"Task 4"},
        "Task 6": {"Task 3"},
    },
    ("miwg/B.1.0.bpmn", "WFP-6-1"): {
        "Abstract Task 1": set(),
        "User Task 2": {"Abstract Task 1"},
        "Service Task 3": {"User Task 2"},
    },
    ("miwg/C.1.0.bpmn", "bpmn-miwg-test-case-c.1.0"): {
        "Assign Approver": set(),
        "Approve Invoice": {"Assign Approver"},
        "Rechnung klären": {"Approve Invoice"},
        "Prepare Bank Transfer": {"Approve Invoice"},
        "Archive Invoice": {"Prepare Bank Transfer"},
    },
    ("miwg/C.2.0.bpmn", "WFP-Page_1-4"): {
        "Pick items": set(),
        "Place in bin": {"Pick items"},
        "Receive and Package items": {"Place in bin"},
        "Send to carrier dock": {"Receive and Package items"},
    },
}


@pytest.mark.parametrize("name", REFERENCE)
def test_each_visible_file_is_taken_or_every_element_is_named(name):
    expected = json.loads(shared("data/bpmn/reference.json").read_text())["files"][name]
    report = read_path(shared("data/bpmn") / name)
    assert report.root == expected["root"]
    assert dict(report.elements) == expected["elements"]
    assert (report.shapes, report.edges) == (expected["shapes"], expected["edges"])
    everything_is_counted(report)
    assert all(each.reason and each.line for each in report.refused)
    assert report.importable == (name in TAKEN) == (not any(each.stops for each in report.refused))
    assert order_of(report) == TAKEN.get(name, {})
    json.dumps(report.as_json())


def everything_is_counted(report):
    left = Counter(each.kind for each in report.refused)
    for kind, count in report.elements.items():
        assert count == report.taken.get(kind, 0) + left[kind] + report.ignored.get(kind, 0), kind


def order_of(report):
    """Steps by name with the names of those directly before them."""
    names = {each.step.key: each.step.name for each in report.steps}
    return {each.step.name: {names[key] for key in each.step.after} for each in report.steps}


@pytest.mark.parametrize(("name", "process"), sorted(CHOSEN))
def test_of_several_processes_the_chosen_one_is_taken_and_the_others_are_named(name, process):
    path = shared("data/bpmn") / name
    unchosen = read_path(path)
    assert not unchosen.importable and process in [ident for ident, _name in unchosen.processes]
    report = read_path(path, process)
    assert report.importable and order_of(report) == CHOSEN[name, process]
    everything_is_counted(report)
    others = {ident for ident, _name in report.processes} - {process}
    assert others <= {each.id for each in report.refused if each.kind == "process"}


def test_a_process_the_file_does_not_have_is_refused_with_those_it_has():
    with pytest.raises(bpmn.UnreadableFlow, match="没有流程“gone”，有的是：p。"):
        read(document("<task id='a'/>"), process="gone")


def test_reference_names_every_visible_file():
    assert set(json.loads(shared("data/bpmn/reference.json").read_text())["files"]) == set(REFERENCE)


@pytest.mark.parametrize("name", sorted(TAKEN))
def test_what_was_taken_goes_out_and_comes_back(name):
    report = read_path(shared("data/bpmn") / name)
    filled = [
        replace(each, step=replace(each.step, post="审查岗", authority="审查", limit_days=1))
        for each in report.chart_steps()
    ]
    again = read(bpmn.write(filled, name="演示", code="X", organ="演示局"))
    assert again.chart_steps() == filled


# What can be taken


def test_alternatives_become_a_question_and_parallel_ways_steps_side_by_side():
    body = (
        "<task id='a' name='受理'/><exclusiveGateway id='g' name='店面多大？'/><task id='b' name='书面审查'/>"
        "<task id='c' name='现场核查'/><task id='d' name='消防审查'/><task id='e' name='环保审查'/>"
        "<task id='f' name='决定'/>"
        + drawn(
            "startEvent:s exclusiveGateway:m parallelGateway:p1 parallelGateway:p2 endEvent:z",
            "s>a a>g b>m c>m m>p1 p1>d p1>e d>p2 e>p2 p2>f f>z",
        )
        + flow("small", "g", "b", name="50 平方米以下")
        + flow("large", "g", "c", name="更大")
    )
    report = read(document(body))
    steps = {each.step.key: each.step for each in report.steps}
    assert report.importable
    assert [(one.key, one.text, one.options) for one in report.questions] == [
        ("g", "店面多大？", (("o1", "50 平方米以下"), ("o2", "更大")))
    ]
    assert (steps["b"].when, steps["c"].when, steps["d"].when) == (("g.o1",), ("g.o2",), ())
    assert steps["d"].after == steps["e"].after == ("b", "c") and steps["f"].after == ("d", "e")
    assert [steps[key].kind for key in "abcdef"] == ["accept", "review", "visit", "review", "review", "decide"]


def test_an_option_says_the_condition_of_its_line():
    report = read_path(shared("data/bpmn/spiff/exclusive_gateway_no_default.bpmn"))
    (question,) = report.questions
    assert [label for _key, label in question.options] == ["Greater（x > 1）", "Less（x < 1）"]


def test_a_way_that_ends_early_leaves_the_rest_to_the_other_answer():
    nodes = "startEvent:s task:a exclusiveGateway:g task:b task:c endEvent:y endEvent:z"
    report = read(document(drawn(nodes, "s>a a>g g>y g>b b>c c>z")))
    assert [each.step.when for each in report.steps] == [(), ("g.o2",), ("g.o2",)]


def test_lanes_say_the_post_and_the_lane_around_them_the_unit():
    body = (
        "<laneSet id='ls'><lane id='l1' name='市场监管局（演示）'><childLaneSet id='cls'>"
        "<lane id='l2' name='审查岗'><flowNodeRef>a</flowNodeRef></lane></childLaneSet></lane></laneSet>"
        "<startEvent id='s'/><userTask id='a' name='审查'/>" + flow("f", "s", "a")
    )
    (step,) = read(document(body)).steps
    assert (step.department, step.step.post, step.missing) == (
        "市场监管局（演示）",
        "审查岗",
        ("authority", "limit_days"),
    )


_START, _XOR, _AND = "startEvent:s ", "exclusiveGateway:", "parallelGateway:"
BAD = {
    "a circle": (drawn(_START + f"task:a task:b {_XOR}h", "s>h h>a a>b back:b>h"), {"back": "往回走"}),
    "a join that waits for ever": (
        drawn(_START + f"{_XOR}g task:a task:b {_AND}j task:c", "s>g g>a g>b a>j b>j j>c"),
        {"j": "一直等下去"},
    ),
    "a step done twice": (drawn(_START + f"{_AND}g task:a task:b task:c", "s>g g>a g>b a>c b>c"), {"c": "做好几遍"}),
    "two beginnings": (drawn(_START + "startEvent:t task:a", "s>a t>a"), {"t": "已经有一个开始"}),
    "a step nobody comes to": (drawn(_START + "task:a task:b", "s>a"), {"b": "走不到"}),
    "a timer at the side": (
        drawn(_START + "task:a", "s>a")
        + "<boundaryEvent id='t' attachedToRef='a'><timerEventDefinition id='d'/></boundaryEvent>",
        {"t": "打断", "d": "收不了"},
    ),
    "a line to nowhere": (drawn(_START + "task:a", "s>a a>gone"), {"f2": "文件里没有它"}),
    "a number twice": (drawn(_START + "task:a task:a", "s>a"), {"a": "重复"}),
    "a circle with a step of its own": (
        drawn(_START + f"{_XOR}m task:a {_XOR}g task:again endEvent:e", "s>m m>a a>g g>e g>again back:again>m"),
        {"back": "往回走"},
    ),
    "a circle around half of what is done at once": (
        drawn(
            _START + f"{_XOR}m {_AND}k task:a task:b {_XOR}g {_AND}j endEvent:e",
            "s>m m>k k>a k>b a>g back:g>m g>j b>j j>e",
        ),
        {"back": "同时办"},
    ),
    "a start that is an error": (
        drawn("task:a", "s>a") + "<startEvent id='s'><errorEventDefinition id='d'/></startEvent>",
        {"s": "才开始", "d": "收不了", "f1": "连着"},
    ),
    "an end that compensates": (
        drawn(_START + "task:a", "s>a a>e") + "<endEvent id='e'><compensateEventDefinition id='d'/></endEvent>",
        {"e": "收不了", "d": "收不了", "f2": "连着"},
    ),
    "a link to elsewhere": (
        drawn(_START + "task:a", "s>a a>l")
        + "<intermediateThrowEvent id='l'><linkEventDefinition id='d'/></intermediateThrowEvent>",
        {"l": "收不了", "f2": "连着"},
    ),
    "waiting for what comes first": (
        drawn(_START + "eventBasedGateway:g task:a", "s>g g>a"),
        {"g": "先发生", "f1": "连着", "f2": "连着"},
    ),
    "a condition without a gateway": (
        drawn(_START + "task:a task:b", "s>a")
        + "<sequenceFlow id='c' sourceRef='a' targetRef='b'><conditionExpression/></sequenceFlow>",
        {"c": "网关"},
    ),
    "too long a name": (
        drawn(_START, "s>a") + f"<task id='a' name='{'长' * 81}'/>",
        {"a": "最多写 80", "f1": "连着"},
    ),
    "more ways than anybody can check": (
        drawn("startEvent:g0", "")
        + "".join(
            drawn(
                f"{_XOR}x{n} task:a{n} task:b{n} {_XOR}g{n}",
                f"p{n}:g{n - 1}>x{n} q{n}:x{n}>a{n} r{n}:x{n}>b{n} t{n}:a{n}>g{n} u{n}:b{n}>g{n}",
            )
            for n in range(1, 30)
        ),
        None,
    ),
    "an end that cuts others off": (
        drawn(_START + f"{_AND}g task:a task:b", "s>g g>a g>b a>e")
        + "<endEvent id='e'><terminateEventDefinition/></endEvent>",
        {"e": "打断同时在办"},
    ),
    "nothing to do": (drawn(_START + "endEvent:e", "s>e"), {"p": "一步也没有"}),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_what_cannot_be_said_with_steps_is_named_and_nothing_taken(name):
    body, expected = BAD[name]
    report = read(document(body))
    assert not report.importable and not report.steps and not report.questions
    found = refused(report)
    if expected is None:
        assert any("太多种走法" in reason for reason in found.values())
    else:
        assert set(found) == set(expected)
        for ident, words in expected.items():
            assert words in found[ident]
    everything_is_counted(report)


def test_a_line_back_from_a_decision_is_named_and_the_rest_taken():
    report = read(document(drawn(_START + f"task:a task:b {_XOR}g {_XOR}h", "s>h h>a a>g back:g>h g>b")))
    assert report.importable
    assert [(each.id, each.stops) for each in report.refused] == [("back", False)]
    assert [(each.step.key, each.step.after, each.step.when) for each in report.steps] == [
        ("a", (), ()),
        ("b", ("a",), ()),
    ]
    assert not report.questions
    everything_is_counted(report)


def test_what_is_left_of_a_decision_after_a_line_back_is_still_asked():
    nodes = _START + f"{_XOR}m task:a {_XOR}g task:b task:c"
    report = read(document(drawn(nodes, "s>m m>a a>g back:g>m g>b g>c")))
    (question,) = report.questions
    assert len(question.options) == 2
    assert [each.step.when for each in report.steps] == [(), ("g.o1",), ("g.o2",)]


def test_calls_are_gone_into_where_the_file_has_the_process_and_are_a_step_where_not():
    calls = (
        "<callActivity id='c' name='初审' calledElement='sub'/><callActivity id='d' name='会签' calledElement='away'/>"
    )
    sub = (
        "<process id='sub'>" + drawn("startEvent:s2 task:x task:y endEvent:e2", "i1:s2>x i2:x>y i3:y>e2") + "</process>"
    )
    body = drawn(_START + "task:a endEvent:e", "s>a a>c c>d d>e") + calls
    report = read(document(body, process="<process id='p'>{}</process>" + sub))
    assert report.importable and [ident for ident, _name in report.processes] == ["p"]
    assert [(each.step.key, each.step.after) for each in report.steps] == [
        ("a", ()),
        ("x", ("a",)),
        ("y", ("x",)),
        ("d", ("y",)),
    ]
    assert [(each.id, "不在这个文件里" in each.text) for each in report.remarks] == [("d", True)]
    assert not report.refused and report.taken["process"] == 2
    everything_is_counted(report)


def test_a_process_that_calls_itself_or_is_called_twice_is_named():
    calls = "".join(f"<callActivity id='{name}' calledElement='sub'/>" for name in "cd")
    sub = "<process id='sub'>" + drawn("startEvent:s2 task:x endEvent:e2", "i1:s2>x i2:x>e2") + "</process>"
    report = read(document(drawn(_START, "s>c c>d") + calls, process="<process id='p'>{}</process>" + sub))
    assert not report.importable and set(refused(report)) == {"d", "f2"}
    own = document(drawn(_START, "s>c") + "<callActivity id='c' calledElement='p'/>")
    assert "已经收过" in refused(read(own))["c"]


def test_events_sent_or_awaited_in_the_midst_are_steps_and_milestones_change_nothing():
    body = (
        drawn(_START + "intermediateThrowEvent:n task:a endEvent:e", "s>n n>a a>w w>t t>e")
        + "<intermediateCatchEvent id='w' name='等公示'><timerEventDefinition id='d1'/></intermediateCatchEvent>"
        + "<intermediateThrowEvent id='t' name='通知申请人'><messageEventDefinition id='d2'/></intermediateThrowEvent>"
    )
    report = read(document(body))
    assert [(each.step.name, each.step.after) for each in report.steps] == [
        ("", ()),
        ("等公示", ("a",)),
        ("通知申请人", ("w",)),
    ]
    assert {each.id for each in report.refused} == {"d1", "d2"} and report.importable
    everything_is_counted(report)


def test_how_a_flow_begins_and_what_its_end_says_is_named_and_left_out():
    body = (
        drawn("task:a", "s>a a>e")
        + "<startEvent id='s'><messageEventDefinition id='d1'/></startEvent>"
        + "<endEvent id='e'><messageEventDefinition id='d2'/></endEvent>"
    )
    report = read(document(body))
    assert report.importable and [(each.id, each.stops) for each in report.refused] == [("d1", False), ("d2", False)]


def test_a_task_done_many_times_and_an_empty_sub_process_are_one_step_each():
    body = (
        drawn(_START, "s>a a>b")
        + "<task id='a'><multiInstanceLoopCharacteristics id='m'/></task><subProcess id='b' name='初审'/>"
    )
    report = read(document(body))
    assert [(each.step.key, each.step.after) for each in report.steps] == [("a", ()), ("b", ("a",))]
    assert "几遍都做完" in refused(report)["m"] and report.importable
    assert [each.id for each in report.remarks] == ["b"]


def test_remarks_and_data_are_named_but_do_not_keep_the_flow_out():
    body = "<startEvent id='s'/><task id='a'/><textAnnotation id='t'/><dataObject id='d'/>" + flow("f1", "s", "a")
    report = read(document(body))
    assert report.importable and {each.id for each in report.refused} == {"t", "d"}
    assert not any(each.stops for each in report.refused)


@pytest.mark.parametrize(
    ("words", "kind"),
    [("收件", "receive"), ("现场勘察", "visit"), ("专家评审", "expert"), ("受理", "accept"), ("作出决定", "decide"),
     ("制证", "make"), ("送达", "deliver"), ("合并意见", "review")],
)  # fmt: skip
def test_the_kind_is_guessed_by_name(words, kind):
    assert guess(words) == kind


# Bad files


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)).replace("&a0;", "&a;")
    + f']><definitions xmlns="{MODEL}">&a9;</definitions>'
)
UNREADABLE = {
    "empty": (b"", "空的"),
    "not xml": (b"hello", "第 1 行不是合格的 XML"),
    "cut off": (document("<task id='a'/>")[:-20], "不是合格的 XML"),
    "wrong root": (b"<html><body/></html>", "不是 BPMN 的"),
    "no namespace": (b"<definitions><process/></definitions>", "命名空间"),
    "an older standard": (b"<definitions xmlns='http://www.omg.org/bpmn20'/>", "命名空间"),
    "entity bomb": (BOMB.encode(), "DOCTYPE"),
    "external entity": (
        f'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hosts">]><definitions xmlns="{MODEL}">&x;</definitions>'.encode(),
        "DOCTYPE"),
    "too deep": ((HEAD + "<subProcess>" * 200 + "</subProcess>" * 200 + "</definitions>").encode(), "超过 60 层"),
    "too many": ((HEAD + "<a/>" * 100_001 + "</definitions>").encode(), "太多了"),
    "a name without end": (document(f"<task id='a' name='{'x' * 20_001}'/>"), "超过 20000 个字"),
    "broken gzip": (gzip.compress(document("<task id='a'/>"))[:-8], "压缩文件"),
    "unknown encoding": (b'<?xml version="1.0" encoding="klingon"?><definitions/>', "编码"),
    "bytes of no encoding": (b"<?xml version='1.0' encoding='utf-8'?><definitions a='\xff\xfe'/>", "XML"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(UNREADABLE))
def test_bad_files_are_refused_in_one_sentence(name):
    content, words = UNREADABLE[name]
    with pytest.raises(bpmn.UnreadableFlow, match=words):
        read(content)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_hundred_megabytes_are_refused_without_being_held(tmp_path, packed):
    path = tmp_path / "large.bpmn"
    with gzip.open(path, "wb", compresslevel=1) if packed else path.open("wb") as stream:
        stream.write(HEAD.encode())
        for _n in range(100):
            stream.write(b" " * 1_000_000)
        stream.write(b"</definitions>")
    tracemalloc.start()
    try:
        with pytest.raises(bpmn.UnreadableFlow, match="超过 20 MB"):
            read_path(path)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@patient
@given(st.binary(max_size=300))
def test_any_bytes_are_refused_kindly(content):
    with pytest.raises(bpmn.UnreadableFlow):
        read(content)


@patient
@given(st.data())
def test_any_lines_between_any_nodes_are_taken_faithfully_or_refused(data):
    """Whatever is drawn: no fault of ours, everything counted, and what is taken can be saved as to its order."""
    tags = ["task", "exclusiveGateway", "parallelGateway", "inclusiveGateway", "endEvent", "subProcess", "startEvent"]
    kinds = data.draw(st.lists(st.sampled_from(tags), max_size=9))
    body = "<startEvent id='n0'/>" + "".join(f"<{tag} id='n{n}'/>" for n, tag in enumerate(kinds, 1))
    ends = st.integers(0, len(kinds))
    for n, (a, b) in enumerate(data.draw(st.lists(st.tuples(ends, ends), max_size=14))):
        body += flow(f"f{n}", f"n{min(a, b)}", f"n{max(a, b)}")
    report = read(document(body))
    left = Counter(each.kind for each in report.refused)
    for kind, count in report.elements.items():
        assert count == report.taken.get(kind, 0) + left[kind] + report.ignored.get(kind, 0), kind
    if report.importable:
        rules.longest_path([each.step for each in report.steps])
        names = {f"{one.key}.{key}" for one in report.questions for key, _label in one.options}
        assert names.issuperset(name for each in report.steps for name in each.step.when)
