"""The lines of a process followed in every way its gateways can decide: which steps run, and after which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from django.utils.translation import gettext as _

from yimen.catalog.bpmn.names import TASKS
from yimen.catalog.bpmn.parse import Element

MOST_WAYS = 2_000
# Ways times nodes; beyond that nobody could look at them either.
MOST_WORK = 200_000

Condition = tuple[str, str]  # a gateway and the flow taken from it


class Unfaithful(Exception):
    """What the file says cannot be said with steps; reasons by the element's id."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__("the flow cannot be taken faithfully")
        self.reasons = dict(reasons)


@dataclass(frozen=True)
class Solution:
    """
    after: for each task the nearest tasks before it; when: for each task and each deciding gateway the flows that must
    have been taken, of each gateway at least one; optional: gateways that only let one step be skipped.
    """

    after: Mapping[str, tuple[str, ...]]
    when: Mapping[str, tuple[Condition, ...]]
    optional: frozenset[str]


@dataclass
class _Way:
    """One way through: the flows that carry it, and what each gateway decided."""

    flows: set[str] = field(default_factory=set)
    fired: set[str] = field(default_factory=set)
    chosen: dict[str, frozenset[str]] = field(default_factory=dict)

    def copy(self) -> _Way:
        return _Way(set(self.flows), set(self.fired), dict(self.chosen))


class Graph:
    """
    nodes, flows: what can be taken of `process`; roles: what each node is here: "task" for a step, "subProcess" for
    what is led through, "pass" for what changes nothing, else its tag; insides: what stands within a "subProcess".

    After solve() `dropped` holds the lines that go back to do again what was done, which are not part of the order.
    """

    def __init__(
        self,
        process: Element,
        nodes: Mapping[str, Element],
        flows: Sequence[Element],
        roles: Mapping[str, str],
        insides: Mapping[str, Element],
    ) -> None:
        self.nodes = nodes
        self.tag = dict(roles)
        self.dropped: dict[str, tuple[str, str]] = {}
        self.flow: dict[str, tuple[str, str]] = {}
        self.labels: dict[str, Element] = {}
        for number, flow in enumerate(flows):
            ident = flow.id or f" {number}"
            source, target = (flow.attributes[name].strip().rpartition(":")[2] for name in ("sourceRef", "targetRef"))
            # A sub-process is gone into at its start and left when all within is done.
            if self.tag[source] == "subProcess":
                source = f"{source} out"
            self.flow[ident] = source, target
            self.labels[ident] = flow
        for ident, scope in insides.items():
            self.tag[f"{ident} out"] = "out"
            for inner in scope.children:
                if inner.tag == "startEvent":
                    self.flow[f"{ident} in"] = ident, inner.id
                elif inner.tag == "endEvent":
                    self.flow[f"{inner.id} out"] = inner.id, f"{ident} out"
        self.incoming: dict[str, list[str]] = {ident: [] for ident in self.tag}
        self.outgoing: dict[str, list[str]] = {ident: [] for ident in self.tag}
        for flow_id, (source, target) in self.flow.items():
            self.outgoing[source].append(flow_id)
            self.incoming[target].append(flow_id)
        self.process = process
        self.deciding = self._deciding()

    def _deciding(self) -> list[Element]:
        """Return the gateways at which somebody chooses, in the order of the file."""
        return [
            node
            for ident, node in self.nodes.items()
            if node.tag in {"exclusiveGateway", "inclusiveGateway"} and len(self.outgoing[ident]) > 1
        ]

    def label(self, flow: str, by_id: Mapping[str, Element]) -> str:
        """Return what choosing this flow means, in words."""
        element = self.labels[flow]
        conditions = element.of("conditionExpression")
        condition = conditions[0].text if conditions else ""
        if element.name and condition and condition != element.name:
            return _("%(name)s（%(condition)s）") % {"name": element.name[:80], "condition": condition[:110]}
        if element.name or condition:
            return (element.name or condition)[:200]
        target = by_id[self.flow[flow][1].removesuffix(" out")]
        return (_("走“%(name)s”") % {"name": target.name})[:200] if target.name else _("走另一条路")

    def solve(self) -> Solution:
        """Return steps' order and conditions. Raises Unfaithful naming each element at fault."""
        order = self._order()
        if self.dropped:
            order, self.deciding = self._order(), self._deciding()
        self._reached(order)
        skips = self._skips()
        ways = self._ways(order, skips)
        after = self._after(order)
        when = {
            ident: ((skips[ident],) if ident in skips else ()) + self._condition(ident, ways)
            for ident in order
            if self.tag[ident] in TASKS or any(node.id == ident for node in self.deciding)
        }
        self._compare(order, ways, after)
        return Solution(after, when, frozenset(gateway for gateway, _flow in skips.values()))

    def _order(self) -> list[str]:
        """Return the nodes so that each comes after those before it; a line that closes a circle is at fault."""
        done: dict[str, None] = {}
        open_nodes: set[str] = set()
        back: dict[str, str] = {}
        roots = [ident for ident in self.tag if not self.incoming[ident]]
        for root in [*roots, *self.tag]:
            if root in done:
                continue
            open_nodes.add(root)
            stack = [(root, iter(self.outgoing[root]))]
            while stack:
                ident, flows = stack[-1]
                for flow in flows:
                    target = self.flow[flow][1]
                    if target in open_nodes:
                        back[flow] = _("它往回走，成了一个圈。退回重做不用画：哪一步都可以退回去。")
                    elif target not in done:
                        open_nodes.add(target)
                        stack.append((target, iter(self.outgoing[target])))
                        break
                else:
                    stack.pop()
                    open_nodes.discard(ident)
                    done[ident] = None
        if back:
            self._drop(back)
        return list(reversed(done))

    def _drop(self, back: Mapping[str, str]) -> None:
        """
        Leave out the lines that go back from a decision to do again what it decides on: any step can be returned to
        here without a line. Raises Unfaithful when one of them is something else.
        """
        for flow in back:
            source, target = self.flow[flow]
            is_decision = source in self.nodes and self.nodes[source].tag == "exclusiveGateway"
            goes_on = any(other not in back for other in self.outgoing[source])
            if not (is_decision and goes_on and self._comes_always(target, source)):
                raise Unfaithful(back)
        for flow in back:
            source, target = self.dropped[flow] = self.flow.pop(flow)
            self.outgoing[source].remove(flow)
            self.incoming[target].remove(flow)

    def _comes_always(self, first: str, ident: str) -> bool:
        """Whether there is no way to `ident` that does not come by `first`."""
        left = [root for root in self.tag if not self.incoming[root] and root != first]
        seen = set(left)
        while left:
            for flow in self.outgoing[left.pop()]:
                target = self.flow[flow][1]
                if target not in seen and target != first:
                    seen.add(target)
                    left.append(target)
        return ident not in seen

    def _reached(self, order: Sequence[str]) -> None:
        starts = [ident for ident in order if self.tag[ident] == "startEvent" and self._is_outermost(ident)]
        faults: dict[str, str] = {}
        if len(starts) > 1:
            for ident in [ident for ident in self.nodes if ident in starts][1:]:
                faults[ident] = _("已经有一个开始了；从几个地方都能开始的流程收不了。")
        reached: set[str] = set()
        for ident in order:
            if (
                ident in starts
                or any(self.flow[flow][0] in reached for flow in self.incoming[ident])
                or (not starts and not self.incoming[ident])
            ):
                reached.add(ident)
        for ident in order:
            if ident not in reached and ident in self.nodes:
                faults.setdefault(ident, _("从开始走不到它，不知道什么时候做。"))
        if faults:
            raise Unfaithful(faults)

    def _is_outermost(self, ident: str) -> bool:
        parent = self.nodes[ident].parent
        return parent is self.process

    def _skips(self) -> dict[str, Condition]:
        """Return the steps that a gateway only lets be skipped, with the choice that does not skip them."""
        found: dict[str, Condition] = {}
        for node in self.deciding:
            ways = self.outgoing[node.id]
            if node.tag != "exclusiveGateway" or len(ways) != 2 or len(self.incoming[node.id]) != 1:
                continue
            for taken, past in (ways, reversed(ways)):
                task, merge = self.flow[taken][1], self.flow[past][1]
                if (
                    self.tag[task] in TASKS
                    and len(self.incoming[task]) == len(self.outgoing[task]) == 1
                    and self.flow[self.outgoing[task][0]][1] == merge
                    and self.tag[merge] == "exclusiveGateway"
                    and len(self.incoming[merge]) == 2
                ):
                    found[task] = node.id, taken
        return found

    def _ways(self, order: Sequence[str], skips: Mapping[str, Condition]) -> list[_Way]:
        # A step that may be skipped is gone through in every way: whether it runs is its own affair.
        straight = dict(skips.values())
        ways = [_Way()]
        for ident in order:
            following: list[_Way] = []
            for way in ways:
                following += self._pass(ident, way, straight)
                if len(following) > MOST_WAYS or len(following) * len(order) > MOST_WORK:
                    raise Unfaithful({ident: _("到这里有太多种走法，没人核对得过来，请拆成几个流程。")})
            ways = following
        return ways

    def _pass(self, ident: str, way: _Way, straight: Mapping[str, str]) -> Iterable[_Way]:
        tag, incoming, outgoing = self.tag[ident], self.incoming[ident], self.outgoing[ident]
        come = [flow for flow in incoming if flow in way.flows]
        if incoming and not come:
            return [way]
        if tag == "parallelGateway" and len(come) < len(incoming):
            raise Unfaithful({ident: _("它要等的几条路不会都走到，会一直等下去。")})
        if tag not in {"parallelGateway", "inclusiveGateway", "endEvent", "out"} and len(come) > 1:
            raise Unfaithful({ident: _("几条同时走的路都到这里，会做好几遍；请先用并行网关合起来。")})
        way.fired.add(ident)
        if ident in straight:
            way.flows.add(straight[ident])
            return [way]
        if len(outgoing) < 2 or tag not in {"exclusiveGateway", "inclusiveGateway"}:
            way.flows.update(outgoing)
            return [way]
        most = 1 if tag == "exclusiveGateway" else len(outgoing)
        if 2 ** min(most, 20) > MOST_WAYS:
            raise Unfaithful({ident: _("到这里有太多种走法，没人核对得过来，请拆成几个流程。")})
        found = []
        for count in range(1, most + 1):
            for chosen in combinations(outgoing, count):
                other = way.copy()
                other.chosen[ident] = frozenset(chosen)
                other.flows.update(chosen)
                found.append(other)
        return found

    def _after(self, order: Sequence[str]) -> dict[str, tuple[str, ...]]:
        place = {ident: n for n, ident in enumerate(self.nodes)}
        nearest: dict[str, set[str]] = {}
        for ident in order:
            sources = [self.flow[flow][0] for flow in self.incoming[ident]]
            nearest[ident] = set().union(
                *({source} if self.tag[source] in TASKS else nearest[source] for source in sources)
            )
        return {
            ident: tuple(sorted(nearest[ident], key=place.__getitem__)) for ident in order if self.tag[ident] in TASKS
        }

    def _condition(self, ident: str, ways: Sequence[_Way]) -> tuple[Condition, ...]:
        """Return the flows, of each gateway at least one, that must have been taken exactly where `ident` runs."""
        with_it = [way for way in ways if ident in way.fired]
        if len(with_it) == len(ways):
            return ()
        found: list[Condition] = []
        for node in self.deciding:
            if all(node.id in way.chosen for way in with_it):
                taken = set().union(*(way.chosen[node.id] for way in with_it))
                if taken < set(self.outgoing[node.id]):
                    found += [(node.id, flow) for flow in self.outgoing[node.id] if flow in taken]
        # All the questions whose answers matter; fewer will do when the others follow from them.
        for gateway in dict.fromkeys(gateway for gateway, _flow in found):
            fewer = [condition for condition in found if condition[0] != gateway]
            if _holds(fewer, ways, with_it):
                found = fewer
        if not _holds(found, ways, with_it):
            raise Unfaithful({ident: _("要满足的条件太复杂，写不成情形：请把网关画得简单些。")})
        return tuple(found)

    def _compare(self, order: Sequence[str], ways: Sequence[_Way], after: Mapping[str, Sequence[str]]) -> None:
        """Make sure that in every way each step follows the same steps as in the file, and none is cut off."""
        terminating = [ident for ident, node in self.nodes.items() if node.of("terminateEventDefinition")]
        for way in ways:
            drawn: dict[str, set[str]] = {}
            said: dict[str, set[str]] = {}
            for ident in order:
                sources = [self.flow[flow][0] for flow in self.incoming[ident] if flow in way.flows]
                drawn[ident] = set().union(
                    *(drawn[name] | ({name} if self.tag[name] in TASKS else set()) for name in sources)
                )
                if ident in after:
                    said[ident] = set().union(
                        *(said[name] | ({name} if name in way.fired else set()) for name in after[ident])
                    )
                    if ident in way.fired and drawn[ident] != said[ident]:
                        raise Unfaithful({ident: _("它有时等、有时不等别的步骤，我们的步骤说不出来。")})
            self._compare_dropped(order, way)
            for ident in terminating:
                if ident in way.fired and any(name in way.fired and name not in drawn[ident] for name in after):
                    raise Unfaithful({ident: _("它会打断同时在办的别的步骤，收不了。")})

    def _compare_dropped(self, order: Sequence[str], way: _Way) -> None:
        """Make sure that where a line goes back nothing else is being done that would have to be done again, too."""
        if not self.dropped:
            return
        before: dict[str, set[str]] = {}
        for ident in order:
            sources = [self.flow[flow][0] for flow in self.incoming[ident] if flow in way.flows]
            before[ident] = set(sources).union(*(before[name] for name in sources))
        for flow, (source, target) in self.dropped.items():
            beside = (
                name
                for name in way.fired
                if self.tag[name] in TASKS
                and target in before[name]
                and name not in before[source]
                and source not in before[name]
            )
            if source in way.fired and any(beside):
                raise Unfaithful({flow: _("它往回走的时候，别的步骤还在同时办，说不出来。")})


def _holds(conditions: Sequence[Condition], ways: Sequence[_Way], with_it: Sequence[_Way]) -> bool:
    needed: dict[str, set[str]] = {}
    for gateway, flow in conditions:
        needed.setdefault(gateway, set()).add(flow)
    fits = [way for way in ways if all(way.chosen.get(name, frozenset()) & flows for name, flows in needed.items())]
    return len(fits) == len(with_it)
