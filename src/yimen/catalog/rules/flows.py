"""Flows: steps with post, authority and limit, their order and the slowest way through (S1-23, ITEM-18)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from django.utils.translation import gettext as _

from yimen.lib.errors import DomainError
from yimen.lib.text import listed


@dataclass(frozen=True)
class Step:
    """A step of a flow. limit_days: working days, None when nobody said; after: keys of steps that must be done."""

    key: str
    name: str
    kind: str
    post: str
    authority: str
    limit_days: int | None
    after: tuple[str, ...] = ()
    when: tuple[str, ...] = ()


class BrokenFlow(DomainError):
    """A flow that cannot run; `reasons` has one sentence for each fault."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = list(reasons)
        super().__init__("".join(self.reasons))


# Receiving comes before the clock starts (LAW-14); making and delivering have a clock of their own (LAW-11).
OFF_THE_CLOCK = frozenset({"receive", "make", "deliver"})
AFTER_DECISION = frozenset({"make", "deliver"})
DELIVERY_DAYS = 10


def longest_path(steps: Iterable[Step], kinds: Collection[str] | None = None) -> int:
    """
    Return the working days of the slowest way through `steps`, taking every condition as chosen.

    kinds: only these kinds cost time, the others pass at once. Raises BrokenFlow for a loop, a step named twice
    or an `after` that names no step.
    """
    steps = list(steps)
    if reasons := _order_faults(steps):
        raise BrokenFlow(reasons)
    by_key = {step.key: step for step in steps}
    done: dict[str, int] = {}
    for key in _sorter(steps).static_order():
        step = by_key[key]
        cost = step.limit_days or 0 if kinds is None or step.kind in kinds else 0
        done[key] = cost + max((done[name] for name in step.after), default=0)
    return max(done.values(), default=0)


def slowest_way(steps: Iterable[Step], kinds: Collection[str] | None = None) -> list[str]:
    """Return the keys of one way that takes longest_path(), first step first; the earliest listed where several do."""
    steps = list(steps)
    if reasons := _order_faults(steps):
        raise BrokenFlow(reasons)
    by_key = {step.key: step for step in steps}
    ways: dict[str, tuple[int, list[str]]] = {}
    for key in _sorter(steps).static_order():
        step = by_key[key]
        cost = step.limit_days or 0 if kinds is None or step.kind in kinds else 0
        days, before = max((ways[name] for name in step.after), key=lambda way: way[0], default=(0, []))
        ways[key] = (days + cost, [*before, key])
    return max((ways[step.key] for step in steps), key=lambda way: way[0], default=(0, []))[1]


def direct_after(steps: Sequence[Step]) -> dict[str, tuple[str, ...]]:
    """
    Return for each step those of its `after` that no other of them waits for already: the lines of a drawing.

    `steps` must be without order faults.
    """
    by_key = {step.key: step for step in steps}
    before = all_before(steps)
    return {
        key: tuple(
            name
            for name in dict.fromkeys(step.after)
            if not any(name in before[other] for other in step.after if other != name)
        )
        for key, step in by_key.items()
    }


def all_before(steps: Sequence[Step]) -> dict[str, set[str]]:
    """Return for each step everything that must be done before it opens. `steps` must be without order faults."""
    by_key = {step.key: step for step in steps}
    before: dict[str, set[str]] = {}
    for key in _sorter(steps).static_order():
        before[key] = set(by_key[key].after).union(*(before[name] for name in by_key[key].after))
    return before


def faults_by_step(steps: Sequence[Step]) -> list[list[str]]:
    """Return for each step, in their order, what is wrong with it alone; a loop belongs to no one step."""
    known = [step.key for step in steps]
    found = []
    for number, step in enumerate(steps, 1):
        faults = _step_faults_of(step, number)
        if known.count(step.key) > 1:
            faults.append(_("别的步骤也用了代号“%(key)s”，代号不能重复。") % {"key": step.key})
        faults += [
            _("“%(step)s”要等“%(name)s”做完，可是没有这一步。") % {"step": step.name or step.key, "name": name}
            for name in step.after
            if name not in known
        ]
        if step.key in step.after:
            faults.append(_("一步不能等它自己做完。"))
        found.append(faults)
    return found


def flow_faults(steps: Sequence[Step]) -> list[str]:
    """Return a sentence for each fault: order, and steps without post, authority or limit (S1-23, ITEM-18)."""
    return [*_step_faults(steps), *_order_faults(steps)]


def _step_faults(steps: Sequence[Step]) -> list[str]:
    return [fault for number, step in enumerate(steps, 1) for fault in _step_faults_of(step, number)]


def _step_faults_of(step: Step, number: int) -> list[str]:
    missing = [
        word
        for word, is_there in (
            (_("名称"), step.name.strip()),
            (_("岗位"), step.post.strip()),
            (_("权限"), step.authority.strip()),
            (_("时限"), step.limit_days is not None and step.limit_days >= 0),
        )
        if not is_there
    ]
    if not missing:
        return []
    values = {"number": number, "name": step.name or step.key, "missing": listed(missing)}
    return [_("第 %(number)d 步“%(name)s”还没写%(missing)s。") % values]


def _order_faults(steps: Sequence[Step]) -> list[str]:
    faults, seen = [], set[str]()
    for step in steps:
        if step.key in seen:
            faults.append(_("有两步的代号都是“%(key)s”，代号不能重复。") % {"key": step.key})
        seen.add(step.key)
    for step in steps:
        for name in step.after:
            if name not in seen:
                faults.append(
                    _("“%(step)s”要等“%(name)s”做完，可是没有这一步。") % {"step": step.name or step.key, "name": name}
                )
    if not faults:
        try:
            _sorter(steps).prepare()
        except CycleError as error:
            loop = " → ".join(reversed(error.args[1]))
            faults.append(_("这几步互相等着，谁也开不了头：%(loop)s。退回重做不用画成圈。") % {"loop": loop})
    return faults


def decision_faults(steps: Sequence[Step]) -> list[str]:
    """
    Return a sentence for each step that would leave a case without an end: exactly one decision, with all that
    leads to it before it and making and delivering after it. `steps` must have passed flow_faults().
    """
    decisions = [step for step in steps if step.kind == "decide"]
    if len(decisions) != 1:
        return [_("要有一步“决定”，而且只有一步；现在有 %(count)d 步。") % {"count": len(decisions)}]
    before = all_before(steps)
    decision = decisions[0]
    return [
        _("“%(step)s”要排在“%(decision)s”后面。") % {"step": step.name, "decision": decision.name}
        if step.kind in AFTER_DECISION
        else _("“%(step)s”要排在“%(decision)s”前面。") % {"step": step.name, "decision": decision.name}
        for step in steps
        if step is not decision
        and (
            decision.key not in before[step.key]
            if step.kind in AFTER_DECISION
            else step.key not in before[decision.key]
        )
    ]


def _sorter(steps: Iterable[Step]) -> TopologicalSorter[str]:
    return TopologicalSorter({step.key: step.after for step in steps})
