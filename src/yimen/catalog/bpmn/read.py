"""
A BPMN 2.0 file as steps: taken faithfully, or every element that cannot be taken is named with its line and reason.

Faithfully means: for every way the gateways can decide, exactly the same steps run, each after exactly the same
others, as in the file. That is tried out, way by way, before anything is called importable.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, BinaryIO

from django.utils.translation import gettext as _

from yimen.catalog import rules
from yimen.catalog.bpmn.graph import Graph, Unfaithful
from yimen.catalog.bpmn.names import AWAITED, CONTAINERS, COUNTED, GATEWAYS, SENT, TASKS
from yimen.catalog.bpmn.parse import Document, Element, UnreadableFlow, parse
from yimen.catalog.flowchart import ChartStep

__all__ = ["ImportedStep", "Question", "Refusal", "Report", "UnreadableFlow", "read"]

MOST_STEPS = 200
LONGEST = {"name": 80, "post": 60, "authority": 120}
MOST_DAYS = 32767
_KEY = re.compile(r"[-a-zA-Z0-9_]{1,40}")
# What a step is, by a word of its name or its post; the first that fits.
GUESSES = (
    ("receive", ("收件", "接件", "收取", "receive", "register")),
    ("visit", ("核查", "勘", "现场", "踏勘", "检验", "visit", "inspect")),
    ("expert", ("专家", "评审", "听证", "expert")),
    ("accept", ("受理", "accept")),
    ("make", ("制证", "打印", "制作", "print", "issue")),
    ("deliver", ("送达", "发证", "领取", "交付", "寄", "deliver", "send", "notify")),
    ("decide", ("决定", "审批", "签发", "批准", "核准", "decide", "decision", "approve", "approval")),
)
KINDS = frozenset({"receive", "accept", "review", "visit", "expert", "decide", "make", "deliver"})


@dataclass(frozen=True)
class Refusal:
    """An element that cannot be taken. stops: without it the order of steps is not what the file says."""

    id: str
    kind: str
    name: str
    line: int
    reason: str
    stops: bool = True


@dataclass(frozen=True)
class Remark:
    """An element that was taken, and what of it a reader should know."""

    id: str
    kind: str
    name: str
    line: int
    text: str


@dataclass(frozen=True)
class Question:
    """A gateway that decides, as a question whose answer must be known: options as (key, label)."""

    key: str
    text: str
    options: tuple[tuple[str, str], ...]
    is_multiple: bool = False
    when: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportedStep:
    """
    A task as a step. source, line: the task's id and place; kind_is_guess: the file does not say the kind;
    answers: what its options say.
    """

    step: rules.Step
    department: str = ""
    kind_is_guess: bool = True
    answers: tuple[str, ...] = ()
    source: str = ""
    line: int = 0

    @property
    def missing(self) -> tuple[str, ...]:
        """What must be asked before it can be saved (S1-23)."""
        step = self.step
        found = {"name": step.name, "post": step.post, "authority": step.authority}
        return tuple(
            [name for name, value in found.items() if not value.strip()]
            + ([] if step.limit_days is not None else ["limit_days"])
        )

    def as_json(self) -> dict[str, Any]:
        step = self.step
        return {
            "key": step.key,
            "name": step.name,
            "kind": step.kind,
            "kind_is_guess": self.kind_is_guess,
            "department": self.department,
            "post": step.post,
            "authority": step.authority,
            "limit_days": step.limit_days,
            "after": list(step.after),
            "when": list(step.when),
            "missing": list(self.missing),
            "source": self.source,
            "line": self.line,
        }


@dataclass(frozen=True)
class Report:
    """
    What a file holds and what of it was taken.

    elements: counts by kind; of each kind taken + refused + ignored is all there is. parts: what belongs to one of
    these. ignored: what other tools added. remarks: on what was taken. processes: (id, name) of all that could be read,
    one at a time. steps, questions: empty unless importable.
    """

    file: str
    root: str
    elements: Mapping[str, int]
    parts: Mapping[str, int]
    shapes: int
    edges: int
    taken: Mapping[str, int]
    refused: tuple[Refusal, ...]
    ignored: Mapping[str, int]
    steps: tuple[ImportedStep, ...] = ()
    questions: tuple[Question, ...] = ()
    importable: bool = False
    remarks: tuple[Remark, ...] = ()
    processes: tuple[tuple[str, str], ...] = ()

    def chart_steps(self) -> list[ChartStep]:
        """Return the steps as they are drawn and written."""
        labels = {f"{question.key}.{key}": label for question in self.questions for key, label in question.options}
        return [
            ChartStep(
                each.step,
                each.department,
                each.answers or tuple(labels.get(name, name) for name in each.step.when),
            )
            for each in self.steps
        ]

    def as_json(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "root": self.root,
            "elements": dict(sorted(self.elements.items())),
            "parts": dict(sorted(self.parts.items())),
            "shapes": self.shapes,
            "edges": self.edges,
            "taken": dict(sorted(self.taken.items())),
            "refused": [
                {
                    "id": each.id,
                    "kind": each.kind,
                    "name": each.name,
                    "line": each.line,
                    "reason": each.reason,
                    "stops": each.stops,
                }
                for each in self.refused
            ],
            "ignored": dict(sorted(self.ignored.items())),
            "remarks": [
                {"id": each.id, "kind": each.kind, "name": each.name, "line": each.line, "text": each.text}
                for each in self.remarks
            ],
            "processes": [{"id": ident, "name": name} for ident, name in self.processes],
            "questions": [
                {
                    "key": question.key,
                    "text": question.text,
                    "is_multiple": question.is_multiple,
                    "options": [{"key": key, "label": label} for key, label in question.options],
                    "when": list(question.when),
                }
                for question in self.questions
            ],
            "steps": [each.as_json() for each in self.steps],
            "importable": self.importable,
        }


def read(stream: BinaryIO, name: str, process: str = "") -> Report:
    """
    Read a BPMN 2.0 file, packed with gzip or not, and say what can be taken. name: what the file is called; process:
    the id of the one to read, needed where a file holds several that do not call each other.

    Raises UnreadableFlow for what is no such file: broken, with entities, too large (20 MB unpacked), another format;
    and when there is no such process in it.
    """
    return _Reader(parse(stream), name, process).report()


class _Reader:
    def __init__(self, document: Document, name: str, process: str) -> None:
        self.document, self.file, self.wanted = document, name, process
        self.refused: dict[Element, Refusal] = {}
        self.remarks: list[Remark] = []
        # What each node is in the graph, what stands within those that are led through, and what was gone into.
        self.roles: dict[str, str] = {}
        self.insides: dict[str, Element] = {}
        self.entered: list[Element] = []
        self.by_id: dict[str, Element] = {}
        self.nodes: dict[str, Element] = {}
        self.flows: list[Element] = []
        self.order: list[Element] = []

    def report(self) -> Report:
        root = self.document.root
        everything = list(root.all())
        elements = Counter(each.tag for each in everything if each.tag in COUNTED)
        parts = Counter(each.tag for each in everything if each.tag not in COUNTED and each is not root)
        for each in everything:
            self._know(each)
        self._judge(root)
        self._judge_flows()
        steps: tuple[ImportedStep, ...] = ()
        questions: tuple[Question, ...] = ()
        if not self._is_stopped and not self.tasks:
            self._refuse(self.main or root, _("里面一步也没有，没有可收的。"))
        if not self._is_stopped:
            try:
                steps, questions = self._translate()
            except Unfaithful as error:
                for ident, reason in error.reasons.items():
                    self._refuse(self.by_id.get(ident) or self.main or root, reason)
                if not self._is_stopped:
                    raise
        is_importable = not self._is_stopped
        ignored: Counter[str] = Counter()
        taken: Counter[str] = Counter()
        for each in everything:
            if each in self.refused or each.tag not in COUNTED:
                continue
            is_foreign = each.tag == "extensionElements" and not any(child.is_ours for child in each.children)
            (ignored if is_foreign else taken)[each.tag] += 1
        return Report(
            file=self.file,
            root=root.tag,
            elements=dict(elements),
            parts=dict(parts),
            shapes=self.document.drawn["BPMNShape"],
            edges=self.document.drawn["BPMNEdge"],
            taken=dict(taken),
            refused=tuple(self.refused[each] for each in everything if each in self.refused),
            ignored=dict(ignored),
            steps=steps if is_importable else (),
            questions=questions if is_importable else (),
            importable=is_importable,
            remarks=tuple(self.remarks) if is_importable else (),
            processes=tuple((each.id, each.name) for each in self.processes),
        )

    @property
    def _is_stopped(self) -> bool:
        return any(each.stops for each in self.refused.values())

    def _refuse(self, element: Element, reason: str, *, stops: bool = True) -> None:
        before = self.refused.get(element)
        if before is None or (stops and not before.stops):
            self.refused[element] = Refusal(element.id, element.tag, element.name, element.line, reason, stops)

    def _remark(self, element: Element, text: str) -> None:
        self.remarks.append(Remark(element.id, element.tag, element.name, element.line, text))

    def _refuse_all(self, element: Element, reason: str, within: str, *, stops: bool = True) -> None:
        """Refuse an element and, for `within`, everything counted inside it."""
        for each in element.all():
            if each is element or (each.tag in COUNTED and each.tag != "extensionElements"):
                self._refuse(each, reason if each is element else within, stops=stops)

    def _know(self, element: Element) -> None:
        if not element.id:
            return
        if element.id in self.by_id:
            first = self.by_id[element.id].line
            self._refuse(element, _("编号和第 %(line)d 行的重复了，分不清连的是哪一个。") % {"line": first})
        else:
            self.by_id[element.id] = element

    # What kind of thing each is.

    @cached_property
    def processes(self) -> list[Element]:
        """The processes somebody may want: those with anything in them that no other process calls."""
        drawn = [each for each in self.document.root.of("process") if _has_nodes(each)]
        called = {
            _local(call.attributes.get("calledElement", ""))
            for each in drawn
            for call in each.all()
            if call.tag == "callActivity"
        }
        return [each for each in drawn if each.id not in called] or drawn[:1]

    @cached_property
    def main(self) -> Element | None:
        """The process that is read: the one asked for, else the first."""
        if not self.wanted:
            return next(iter(self.processes), None)
        wanted = self.by_id.get(_local(self.wanted))
        if wanted is None or wanted.tag != "process" or not _has_nodes(wanted):
            known = "、".join(each.id for each in self.processes)
            raise UnreadableFlow(
                _("文件里没有流程“%(id)s”，有的是：%(known)s。") % {"id": self.wanted[:60], "known": known[:300]}
            )
        return wanted

    def _judge(self, root: Element) -> None:
        if self.main is not None:
            self.entered.append(self.main)
            self._judge_within(self.main)
        for child in root.children:
            match child.tag:
                case "process" if child in self.entered:
                    pass
                case "process" if _has_nodes(child):
                    self._judge_other(child)
                case "process":
                    self._refuse_all(
                        child, _("这个流程里没有步骤，不收。"), _("在没有步骤的流程里，不收。"), stops=False
                    )
                case "collaboration":
                    self._judge_collaboration(child)
                case "message":
                    self._refuse(child, _("往来的消息收不了，请在办理流程里用文字写明。"), stops=False)
                case "choreography":
                    self._refuse_all(child, _("编排图收不了，只收流程图。"), _("在编排图里，收不了。"))
                case tag if tag.startswith("global") and tag in COUNTED:
                    if child not in self.entered:
                        self._refuse(child, _("公用的任务没有哪一步用到它，不收。"), stops=False)
                case tag if tag in COUNTED and tag != "extensionElements":
                    self._refuse_all(child, _("流程外面的这种元素收不了。"), _("在收不了的元素里。"))

    def _judge_other(self, process: Element) -> None:
        if self.wanted:
            self._refuse_all(process, _("这次没有选它。"), _("在没有选的流程里。"), stops=False)
            return
        values = {"name": self.main.name or self.main.id if self.main else "", "id": process.id}
        self._refuse_all(
            process,
            _("已经有流程“%(name)s”了，一次只能收一个；要收的是这一个，就选“%(id)s”。") % values,
            _("在另一个流程里，一次只能收一个流程。"),
        )

    def _judge_collaboration(self, collaboration: Element) -> None:
        for child in collaboration.children:
            match child.tag:
                case "participant":
                    process = self.by_id.get(_local(child.attributes.get("processRef", "")))
                    if process is None or process.tag != "process" or not _has_nodes(process):
                        self._refuse(child, _("这一方没有画自己的步骤，只是对面的人，不收。"), stops=False)
                    elif process not in self.entered:
                        self._refuse(child, _("它的流程不是这次收的那一个。"), stops=not self.wanted)
                case "messageFlow":
                    ends = [self._called(child.attributes.get(name, "")) or "？" for name in ("sourceRef", "targetRef")]
                    self._refuse(
                        child,
                        _("从“%(source)s”传消息到“%(target)s”，这条线没有收，请在步骤里用文字写明。")
                        % {"source": ends[0], "target": ends[1]},
                        stops=False,
                    )
                case tag if tag in {"textAnnotation", "association", "group"}:
                    self._refuse(child, _NOTE(), stops=False)
                case tag if tag in COUNTED and tag != "extensionElements":
                    self._refuse_all(child, _("流程外面的这种元素收不了。"), _("在收不了的元素里。"))

    def _called(self, reference: str) -> str:
        element = self.by_id.get(_local(reference))
        return (element.name or element.id)[:60] if element is not None else _local(reference)[:60]

    def _judge_within(self, scope: Element) -> None:
        for child in scope.children:
            tag = child.tag
            if tag == "sequenceFlow":
                self.flows.append(child)
            elif tag in {"laneSet"}:
                pass
            elif tag in TASKS:
                self._judge_task(child)
            elif tag in {"startEvent", "endEvent"}:
                self._judge_event(child)
            elif tag in GATEWAYS:
                self._keep(child)
            elif tag in CONTAINERS:
                self._judge_container(child, child)
            elif tag == "callActivity":
                self._judge_call(child)
            elif tag in {"intermediateCatchEvent", "intermediateThrowEvent"}:
                self._judge_between(child)
            elif tag in {"textAnnotation", "association", "group"}:
                self._refuse(child, _NOTE(), stops=False)
            elif tag in {"dataObject", "dataObjectReference", "dataStoreReference"}:
                self._refuse(child, _("材料和数据不在流程里收，请写进材料清单。"), stops=False)
            elif tag in COUNTED and tag != "extensionElements":
                self._refuse_all(child, _reason(tag), _("在收不了的“%(name)s”里。") % {"name": child.name or child.id})

    def _keep(self, element: Element, role: str = "") -> None:
        if element.id and self.by_id.get(element.id) is element:
            self.nodes[element.id] = element
            self.roles[element.id] = role or element.tag
        elif not element.id:
            self._refuse(element, _("没有编号（id），别的元素连不到它。"))

    def _judge_task(self, task: Element) -> None:
        self._keep(task, "task")
        self.order.append(task)
        for each in task.of("standardLoopCharacteristics", "multiInstanceLoopCharacteristics"):
            self._refuse(each, _("要反复做几遍没有收：收成一步，几遍都做完才算做完。"), stops=False)
        if task.attributes.get("isForCompensation") == "true":
            self._refuse(task, _("出错后补救用的任务收不了。"))
        elif len(task.name) > LONGEST["name"]:
            self._refuse(task, _("步骤名称最多写 %(most)d 个字。") % {"most": LONGEST["name"]})
        elif len(self.order) > MOST_STEPS:
            self._refuse(task, _("步骤超过 %(most)d 个，请拆开。") % {"most": MOST_STEPS})

    def _judge_event(self, event: Element) -> None:
        self._keep(event)
        definitions = _definitions(event)
        if event.tag == "endEvent" and [each.tag for each in definitions] == ["terminateEventDefinition"]:
            return  # an end like any other, unless something else is still being done: the graph looks at that
        tags = {each.tag for each in definitions}
        is_start = event.tag == "startEvent"
        if not tags:
            return
        what = _TRIGGERS().get(definitions[0].tag, _("某件事"))
        if is_start and event.parent in self.entered and tags <= AWAITED:
            reason = _("流程由“%(what)s”开始，这一点没有收：我们的流程从收件开始。")
        elif not is_start and tags <= SENT:
            reason = _("结束时的“%(what)s”没有收，需要的话另画一步。")
        else:
            self._refuse(
                event,
                (_("要等%(what)s才开始的收不了。") if is_start else _("结束时还要%(what)s的收不了。")) % {"what": what},
            )
            for each in definitions:
                self._refuse(each, _("属于收不了的事件。"))
            return
        for each in definitions:
            self._refuse(each, reason % {"what": what}, stops=False)

    def _judge_between(self, event: Element) -> None:
        """An event in the midst: a milestone changes nothing, what is sent or waited for is a step."""
        definitions = _definitions(event)
        tags = {each.tag for each in definitions}
        is_throw = event.tag == "intermediateThrowEvent"
        if not tags and is_throw:
            self._keep(event, "pass")
        elif tags and tags <= (SENT if is_throw else AWAITED):
            self._judge_task(event)
            what = _TRIGGERS()[definitions[0].tag]
            for each in definitions:
                self._refuse(each, _("“%(what)s”收成一步，由岗位办完或等到了再往下走。") % {"what": what}, stops=False)
        else:
            name = event.name or event.id
            self._refuse_all(event, _reason(event.tag), _("在收不了的“%(name)s”里。") % {"name": name})

    def _judge_call(self, call: Element) -> None:
        called = self.by_id.get(_local(call.attributes.get("calledElement", "")))
        if called is not None and called.tag == "process" and _has_nodes(called):
            if called in self.entered:
                self._refuse(call, _("这个流程已经收过一次，不能再调用，请把那几步直接画进来。"))
                return
            self.entered.append(called)
            self._judge_container(call, called)
            return
        self._judge_task(call)
        if called is not None and called.tag.startswith("global"):
            self.entered.append(called)
        else:
            self._remark(call, _("它调用的流程不在这个文件里，收成了一步。"))

    def _judge_container(self, owner: Element, scope: Element) -> None:
        """Judge a sub-process, or a call with the process it calls."""
        starts = scope.of("startEvent")
        boundary = owner.parent.of("boundaryEvent") if owner.parent else []
        is_repeated = bool(owner.of("standardLoopCharacteristics", "multiInstanceLoopCharacteristics"))
        reason = ""
        if owner.attributes.get("triggeredByEvent") == "true":
            reason = _("由事件触发的子流程收不了。")
        elif not _has_nodes(scope):
            self._judge_task(owner)
            self._remark(owner, _("里面什么也没有画，收成了一步。"))
            return
        elif is_repeated:
            reason = _("要反复做几遍的子流程收不了。")
        elif len(starts) != 1:
            reason = _("子流程要正好有一个开始，这个有 %(count)d 个。") % {"count": len(starts)}
        elif not scope.of("endEvent"):
            reason = _("子流程没有结束，不知道做到哪里算完。")
        elif any(_local(each.attributes.get("attachedToRef", "")) == owner.id for each in boundary):
            reason = _("做到一半会被打断的子流程收不了。")
        if reason:
            within = _("在收不了的子流程“%(name)s”里。") % {"name": owner.name or owner.id}
            self._refuse_all(owner, reason, within)
            if scope is not owner:
                self._refuse_all(scope, within, within)
            return
        self._keep(owner, "subProcess")
        self.insides[owner.id] = scope
        self._judge_within(scope)

    def _judge_flows(self) -> None:
        for lane in self._lanes():
            for reference in lane.of("flowNodeRef"):
                if _local(reference.text) not in self.by_id:
                    self._refuse(
                        lane,
                        _("泳道里写着“%(id)s”，文件里没有它。") % {"id": reference.text[:60]},
                        stops=False,
                    )
        for flow in self.flows:
            ends = [_local(flow.attributes.get(name, "")) for name in ("sourceRef", "targetRef")]
            lost = next((end for end in ends if end not in self.by_id), None)
            bad = next((self.by_id[end] for end in ends if end in self.by_id and self._cannot(end)), None)
            if lost is not None:
                self._refuse(flow, _("线的一头连着“%(id)s”，文件里没有它。") % {"id": lost[:60]})
            elif bad is not None:
                self._refuse(flow, _("它连着收不了的“%(name)s”。") % {"name": bad.name or bad.id})
            elif flow.of("conditionExpression") and self.nodes[ends[0]].tag not in GATEWAYS:
                self._refuse(flow, _("带条件的线要从网关出来，直接从步骤出来的收不了。"))

    def _lanes(self) -> list[Element]:
        return [each for scope in self.entered for each in scope.all() if each.tag == "lane"]

    def _cannot(self, ident: str) -> bool:
        return ident not in self.nodes or self.nodes[ident] in self.refused

    @cached_property
    def tasks(self) -> list[Element]:
        return [task for task in self.order if task not in self.refused]

    # Steps.

    def _translate(self) -> tuple[tuple[ImportedStep, ...], tuple[Question, ...]]:
        assert self.main is not None
        graph = Graph(self.main, self.nodes, self.flows, self.roles, self.insides)
        found = graph.solve()
        for ident in graph.dropped:
            line = graph.labels[ident]
            self._refuse(line, _("往回走的线没有收：退回重做哪一步都可以，不用画。"), stops=False)
        keys = _keys_of(self.tasks)
        posts = self._posts()
        names = {node.id: _key_for(node, n, "q") for n, node in enumerate(graph.deciding, 1)}
        options = {
            node.id: {flow: f"o{n}" for n, flow in enumerate(graph.outgoing[node.id], 1)} for node in graph.deciding
        }
        # Our own choices carry the options they stand for.
        ours: dict[str, tuple[Element, str]] = {}
        for node in graph.deciding:
            choice = node.ours("choice")
            chosen = [flow for flow in graph.outgoing[node.id] if flow != node.attributes.get("default")]
            if choice is not None and node.id in found.optional and len(chosen) == 1:
                ours[node.id] = choice, chosen[0]

        def words(conditions: Sequence[tuple[str, str]], element: Element) -> tuple[str, ...]:
            said: dict[str, None] = {}
            sources: dict[str, str] = {}
            for gateway, flow in conditions:
                if gateway in ours:
                    these = ours[gateway][0].attributes.get("when", "").split()
                    if ours[gateway][1] != flow:
                        raise Unfaithful({gateway: _("“没有选”时才做的步骤收不了。")})
                else:
                    these = [f"{names[gateway]}.{options[gateway][flow]}"]
                for name in these:
                    question = name.partition(".")[0]
                    if sources.setdefault(question, gateway) != gateway:
                        raise Unfaithful({element.id: _("这一步要满足的条件太复杂，写不成情形。")})
                    said[name] = None
            return tuple(said)

        steps: list[ImportedStep] = []
        for task in self.tasks:
            after = tuple(keys[name] for name in found.after[task.id])
            conditions = found.when[task.id]
            own = [gateway for gateway, _flow in conditions if gateway in ours]
            answers = tuple(
                answer.text for gateway in own for answer in ours[gateway][0].children if answer.tag == "answer"
            )
            step = rules.Step(keys[task.id], task.name, "", "", "", None, after, words(conditions, task))
            steps.append(self._filled(task, step, posts.get(task.id, ("", "")), answers))
        steps = self._with_our_order(steps)
        questions = tuple(
            Question(
                names[node.id],
                node.name or _("第 %(line)d 行的网关走哪条路？") % {"line": node.line},
                tuple((options[node.id][flow], graph.label(flow, self.by_id)) for flow in graph.outgoing[node.id]),
                node.tag == "inclusiveGateway",
                words(found.when[node.id], node),
            )
            for node in graph.deciding
            if node.id not in ours
        )
        return tuple(steps), questions

    def _filled(self, task: Element, step: rules.Step, lane: tuple[str, str], answers: tuple[str, ...]) -> ImportedStep:
        department, post = lane
        ours = task.ours("step")
        if ours is None:
            kind = guess(f"{step.name} {post}")
            return ImportedStep(replace(step, kind=kind, post=post), department, True, answers, task.id, task.line)
        said = ours.attributes
        days = said.get("limitDays", "")
        kind = said.get("kind", "")
        step = replace(
            step,
            # A name with blanks of its own comes back as it was.
            name=task.attributes.get("name", ""),
            kind=kind if kind in KINDS else guess(step.name),
            post=said.get("post", post)[: LONGEST["post"]],
            authority=said.get("authority", "")[: LONGEST["authority"]],
            limit_days=int(days) if days.isascii() and days.isdigit() and int(days[:9]) <= MOST_DAYS else None,
        )
        return ImportedStep(step, said.get("department", department), kind not in KINDS, answers, task.id, task.line)

    def _with_our_order(self, steps: list[ImportedStep]) -> list[ImportedStep]:
        """Take `after` as we wrote it where it still means what the lines say, with what is superfluous in it."""
        by_source = {each.source: each for each in steps}
        written = []
        for task in self.tasks:
            ours = task.ours("step")
            each = by_source[task.id]
            if ours is None:
                return _in_order(steps)
            written.append(
                replace(each, step=replace(each.step, after=tuple(ours.attributes.get("after", "").split())))
            )
        try:
            rules.longest_path([each.step for each in written])
        except rules.BrokenFlow:
            return _in_order(steps)
        same = rules.all_before([each.step for each in written]) == rules.all_before([each.step for each in steps])
        return written if same else _in_order(steps)

    def _posts(self) -> dict[str, tuple[str, str]]:
        """Return (department, post) of each node by its lane: the lane's name is the post, that around it the unit."""
        found: dict[str, tuple[str, str]] = {}
        within: dict[str, tuple[str, str]] = {}
        for lane in self._lanes():
            outer = lane.parent.parent if lane.parent is not None else None
            department = outer.name if outer is not None and outer.tag == "lane" else ""
            post = lane.name
            if len(post) > LONGEST["post"]:
                self._refuse(
                    lane, _("泳道名称超过 %(most)d 个字，岗位另外填。") % {"most": LONGEST["post"]}, stops=False
                )
                post = ""
            for reference in lane.of("flowNodeRef"):
                ident = _local(reference.text)
                if ident not in found or (lane.parent is not None and lane.parent.tag == "childLaneSet"):
                    found[ident] = department, post
                    if (scope := self.insides.get(ident)) is not None:
                        within |= dict.fromkeys((each.id for each in scope.all() if each.id), (department, post))
        # A lane of its own within says more than the lane around all.
        return within | found


def guess(text: str) -> str:
    """Return the kind of a step by the words of its name and post; a review when nothing fits."""
    lowered = text.lower()
    return next((kind for kind, words in GUESSES if any(word in lowered for word in words)), "review")


def _in_order(steps: Sequence[ImportedStep]) -> list[ImportedStep]:
    """Return the steps so that each stands after those it waits for, else as in the file."""
    left, placed, found = list(steps), set[str](), list[ImportedStep]()
    while left:
        following = next(each for each in left if placed.issuperset(each.step.after))
        left.remove(following)
        placed.add(following.step.key)
        found.append(following)
    return found


def _has_nodes(scope: Element) -> bool:
    return any(
        child.tag.endswith(("Task", "task", "Event", "Gateway", "Process", "Activity", "transaction"))
        for child in scope.children
        if child.tag in COUNTED
    )


def _definitions(event: Element) -> list[Element]:
    return [each for each in event.children if each.tag.endswith(("EventDefinition", "eventDefinitionRef"))]


def _local(reference: str) -> str:
    """Return the id a reference means; a QName's prefix says nothing within one file."""
    return reference.strip().rpartition(":")[2]


def _keys_of(tasks: Iterable[Element]) -> dict[str, str]:
    keys: dict[str, str] = {}
    taken: set[str] = set()
    for n, task in enumerate(tasks, 1):
        ours = task.ours("step")
        wanted = ours.attributes.get("key", "") if ours is not None else task.id
        if not _KEY.fullmatch(wanted) or wanted in taken:
            wanted = f"step-{n}"
            while wanted in taken:
                wanted += "-1"
        keys[task.id] = wanted
        taken.add(wanted)
    return keys


def _key_for(node: Element, n: int, prefix: str) -> str:
    return node.id if _KEY.fullmatch(node.id) and len(node.id) <= 30 else f"{prefix}{n}"


def _NOTE() -> str:
    return _("图上的注释和框线不影响办理，没有收。")


def _TRIGGERS() -> dict[str, str]:
    return {
        "messageEventDefinition": _("收到或发出消息"),
        "timerEventDefinition": _("到了某个时间"),
        "errorEventDefinition": _("出错"),
        "escalationEventDefinition": _("上报"),
        "signalEventDefinition": _("发出信号"),
        "terminateEventDefinition": _("立刻终止别的步骤"),
        "conditionalEventDefinition": _("满足某个条件"),
        "compensateEventDefinition": _("补救"),
    }


def _reason(tag: str) -> str:
    reasons = {
        "eventBasedGateway": _("看先发生哪件事再走的网关收不了：我们的步骤做完才往下走。"),
        "complexGateway": _("复杂网关收不了，请改画成并行或排他网关。"),
        "adHocSubProcess": _("没有先后的子流程收不了，请画出先后。"),
        "boundaryEvent": _("挂在步骤边上、会打断它的事件收不了；超期由时钟来管，不用画。"),
        "intermediateCatchEvent": _("中途等这种事的收不了，请画成一步，写明谁办、几天。"),
        "intermediateThrowEvent": _("中途发出这种事的收不了，请画成一步。"),
    }
    return reasons.get(tag, _("这种元素收不了。"))
