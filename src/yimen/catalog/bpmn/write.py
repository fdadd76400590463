"""A flow as a BPMN 2.0 file other tools open: lanes by post, gateways for splits, joins and conditions, a diagram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from django.utils.translation import gettext as _

from yimen.catalog import rules
from yimen.catalog.bpmn.names import DC, DD, DI, MODEL, OURS, XSI
from yimen.catalog.flowchart import ChartStep, condition_words, limit_words
from yimen.lib import layers

# (along, across) the way of the flow.
TASK, GATEWAY, EVENT = (170.0, 80.0), (50.0, 50.0), (36.0, 36.0)
HEAD, LANE_PAD, EDGE = 30.0, 24.0, 40.0
# Whoever only looks at a site or hands over works by hand; the rest at a screen.
BY_HAND = frozenset({"visit", "deliver"})

for _prefix, _uri in (("bpmn", MODEL), ("bpmndi", DI), ("dc", DC), ("di", DD), ("xsi", XSI), ("yimen", OURS)):
    ET.register_namespace(_prefix, _uri)


@dataclass
class _Node:
    tag: str
    name: str = ""
    lane: int = 0
    size: tuple[float, float] = GATEWAY
    step: ChartStep | None = None
    when: tuple[str, ...] = ()
    default: str = ""
    incoming: list[str] = field(default_factory=list)
    outgoing: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Flow:
    source: str
    target: str
    name: str = ""
    condition: str = ""


def write(steps: Sequence[ChartStep], *, name: str, code: str, organ: str) -> bytes:
    """
    Return the flow as a BPMN 2.0 document, UTF-8, the same bytes for the same flow; read() gives the steps back.

    name, code: of the item; organ: who carries it out. A step with `when` stands between two exclusive gateways with
    a default way past it. Raises rules.BrokenFlow for a flow without order.
    """
    return _Writer(steps, name, code, organ).document()


class _Writer:
    def __init__(self, steps: Sequence[ChartStep], name: str, code: str, organ: str) -> None:
        self.steps, self.name, self.code, self.organ = steps, name, code, organ
        plain = [each.step for each in steps]
        rules.longest_path(plain)
        self.after = rules.direct_after(plain)
        lanes = dict.fromkeys((each.department, each.step.post) for each in steps)
        self.lanes = {lane: number for number, lane in enumerate(lanes)}
        self.nodes: dict[str, _Node] = {}
        self.flows: dict[str, _Flow] = {}
        self._build()

    def _build(self) -> None:
        following: dict[str, list[str]] = {each.step.key: [] for each in self.steps}
        for key, names in self.after.items():
            for name in names:
                following[name].append(key)
        firsts = [each.step.key for each in self.steps if not self.after[each.step.key]]
        lasts = [key for key, others in following.items() if not others]
        lane_of = {each.step.key: self.lanes[each.department, each.step.post] for each in self.steps}
        self.nodes["start"] = _Node("startEvent", _("提出申请"), lane_of[firsts[0]] if firsts else 0, EVENT)
        leaves = {"start": self._split("start", "start", firsts)}
        # Each step is a block with one way in and one way out.
        enters: dict[str, str] = {}
        for each in self.steps:
            key, step = each.step.key, each.step
            lane, task = lane_of[key], f"step_{key}"
            tag = "manualTask" if step.kind in BY_HAND else "userTask"
            node = _Node(tag, step.name, lane, TASK, each)
            first = last = task
            if len(self.after[key]) > 1:
                first = f"join_{key}"
                self.nodes[first] = _Node("parallelGateway", "", lane)
            if step.when:
                choice, merge = f"choice_{key}", f"merge_{key}"
                words = condition_words(each)
                asked = _("选了%(answers)s吗？") % {"answers": words}
                self.nodes[choice] = _Node("exclusiveGateway", asked, lane, when=step.when)
                if first != task:
                    self._flow(first, choice)
                else:
                    first = choice
                self.nodes[task] = node
                self.nodes[merge] = _Node("exclusiveGateway", "", lane)
                self._flow(choice, task, _("选了%(answers)s") % {"answers": words}, " ".join(step.when))
                self._flow(task, merge)
                self.nodes[choice].default = self._flow(choice, merge, _("没有选"))
                last = merge
            else:
                self.nodes[task] = node
                if first != task:
                    self._flow(first, task)
            enters[key] = first
            leaves[key] = self._split(last, key, following[key])
        for key in firsts:
            self._flow(leaves["start"], enters[key])
        for key, names in self.after.items():
            for name in names:
                self._flow(leaves[name], enters[key])
        last_lane = lane_of[lasts[-1]] if lasts else 0
        end = "end"
        if len(lasts) > 1:
            self.nodes["end.join"] = _Node("parallelGateway", "", last_lane)
            for key in lasts:
                self._flow(leaves[key], "end.join")
        self.nodes[end] = _Node("endEvent", _("办完"), last_lane, EVENT)
        if len(lasts) > 1:
            self._flow("end.join", end)
        else:
            self._flow(leaves[lasts[0]] if lasts else "start", end)

    def _split(self, node: str, key: str, following: Sequence[str]) -> str:
        if len(following) < 2:
            return node
        split = "start.split" if key == "start" and node == "start" else f"split_{key}"
        self.nodes[split] = _Node("parallelGateway", "", self.nodes[node].lane)
        self._flow(node, split)
        return split

    def _flow(self, source: str, target: str, name: str = "", condition: str = "") -> str:
        ident = f"flow_{len(self.flows) + 1}"
        self.flows[ident] = _Flow(source, target, name, condition)
        self.nodes[source].outgoing.append(ident)
        self.nodes[target].incoming.append(ident)
        return ident

    # The file.

    def document(self) -> bytes:
        root = ET.Element(
            _q(MODEL, "definitions"),
            {
                "id": "definitions",
                "name": _clean(self.name),
                "targetNamespace": OURS,
                "exporter": "Yimen",
            },
        )
        collaboration = ET.SubElement(root, _q(MODEL, "collaboration"), {"id": "collaboration"})
        ET.SubElement(
            collaboration,
            _q(MODEL, "participant"),
            {"id": "pool", "name": _clean(self.organ), "processRef": "process"},
        )
        process = ET.SubElement(
            root, _q(MODEL, "process"), {"id": "process", "name": _clean(self.name), "isExecutable": "false"}
        )
        _documentation(process, _("%(name)s（%(code)s）的办理流程") % {"name": self.name, "code": self.code})
        self._lane_set(process)
        for ident, node in self.nodes.items():
            self._node(process, ident, node)
        for ident, flow in self.flows.items():
            self._sequence(process, ident, flow)
        self._diagram(root)
        ET.indent(root)
        text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
        return text + b"\n"

    def _lane_set(self, process: ET.Element) -> None:
        if not self.lanes:
            return
        lane_set = ET.SubElement(process, _q(MODEL, "laneSet"), {"id": "lanes"})
        for (department, post), number in self.lanes.items():
            words = " · ".join(word for word in (department, post) if word)
            lane = ET.SubElement(lane_set, _q(MODEL, "lane"), {"id": f"lane_{number}", "name": _clean(words)})
            for ident, node in self.nodes.items():
                if node.lane == number:
                    ET.SubElement(lane, _q(MODEL, "flowNodeRef")).text = ident

    def _node(self, process: ET.Element, ident: str, node: _Node) -> None:
        attributes = {"id": ident}
        if node.name:
            attributes["name"] = _clean(node.name)
        if node.tag.endswith("Gateway"):
            attributes["gatewayDirection"] = "Diverging" if len(node.outgoing) > 1 else "Converging"
        if node.default:
            attributes["default"] = node.default
        element = ET.SubElement(process, _q(MODEL, node.tag), attributes)
        if node.step:
            step = node.step.step
            facts = [
                _("岗位：%(post)s") % {"post": step.post},
                _("权限：%(authority)s") % {"authority": step.authority},
                _("时限：%(limit)s") % {"limit": limit_words(step.limit_days)},
            ]
            _documentation(element, "\n".join(facts))
            ours = {
                "key": step.key,
                "kind": step.kind,
                "department": node.step.department,
                "post": step.post,
                "authority": step.authority,
                "after": " ".join(step.after),
            }
            if step.limit_days is not None:
                ours["limitDays"] = str(step.limit_days)
            _extend(element, "step", {name: _clean(value) for name, value in ours.items()})
        elif node.when:
            _extend(element, "choice", {"when": " ".join(node.when)}, node_answers(self.steps, ident))
        for flow in node.incoming:
            ET.SubElement(element, _q(MODEL, "incoming")).text = flow
        for flow in node.outgoing:
            ET.SubElement(element, _q(MODEL, "outgoing")).text = flow

    def _sequence(self, process: ET.Element, ident: str, flow: _Flow) -> None:
        attributes = {"id": ident, "sourceRef": flow.source, "targetRef": flow.target}
        if flow.name:
            attributes["name"] = _clean(flow.name)
        element = ET.SubElement(process, _q(MODEL, "sequenceFlow"), attributes)
        if flow.condition:
            condition = ET.SubElement(
                element, _q(MODEL, "conditionExpression"), {_q(XSI, "type"): "bpmn:tFormalExpression"}
            )
            condition.text = flow.condition

    # The diagram.

    def _diagram(self, root: ET.Element) -> None:
        drawing = layers.draw(
            [layers.Node(ident, node.size[1], node.size[0], node.lane) for ident, node in self.nodes.items()],
            [(flow.source, flow.target) for flow in self.flows.values()],
            gap=40,
            rank_gap=50,
            track=12,
            band_pad=LANE_PAD,
        ).across()
        left = 2 * HEAD + EDGE
        diagram = ET.SubElement(root, _q(DI, "BPMNDiagram"), {"id": "diagram"})
        plane = ET.SubElement(diagram, _q(DI, "BPMNPlane"), {"id": "plane", "bpmnElement": "collaboration"})
        width = left + drawing.width + EDGE
        _shape(plane, "pool", (0, 0, width, drawing.height), isHorizontal="true")
        for number, (begin, end) in enumerate(drawing.bands if self.lanes else ()):
            _shape(plane, f"lane_{number}", (HEAD, begin, width - HEAD, end - begin), isHorizontal="true")
        for ident, node in self.nodes.items():
            place = drawing.nodes[ident]
            more = {"isMarkerVisible": "true"} if node.tag == "exclusiveGateway" else {}
            _shape(plane, ident, (left + place.x, place.y, place.width, place.height), **more)
        lines = {(line.source, line.target): line for line in drawing.lines}
        for ident, flow in self.flows.items():
            edge = ET.SubElement(plane, _q(DI, "BPMNEdge"), {"id": f"{ident}_di", "bpmnElement": ident})
            for x, y in lines[flow.source, flow.target].points:
                ET.SubElement(edge, _q(DD, "waypoint"), {"x": _n(left + x), "y": _n(y)})


def node_answers(steps: Sequence[ChartStep], ident: str) -> tuple[str, ...]:
    """Return what the options of a choice say, in the order of its `when`."""
    return next((each.answers for each in steps if f"choice_{each.step.key}" == ident), ())


def _extend(element: ET.Element, tag: str, values: dict[str, str], answers: Sequence[str] = ()) -> None:
    extension = ET.SubElement(element, _q(MODEL, "extensionElements"))
    ours = ET.SubElement(extension, _q(OURS, tag), values)
    for answer in answers:
        ET.SubElement(ours, _q(OURS, "answer")).text = _clean(answer)


def _documentation(element: ET.Element, text: str) -> None:
    ET.SubElement(element, _q(MODEL, "documentation")).text = _clean(text)


def _shape(plane: ET.Element, ident: str, bounds: tuple[float, float, float, float], **attributes: str) -> None:
    shape = ET.SubElement(plane, _q(DI, "BPMNShape"), {"id": f"{ident}_di", "bpmnElement": ident, **attributes})
    x, y, width, height = (_n(value) for value in bounds)
    ET.SubElement(shape, _q(DC, "Bounds"), {"x": x, "y": y, "width": width, "height": height})


def _q(uri: str, tag: str) -> str:
    return f"{{{uri}}}{tag}"


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _clean(text: str) -> str:
    """Drop what no XML file can hold."""
    return "".join(
        c for c in text if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff"
    )
