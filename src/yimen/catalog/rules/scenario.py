"""
情形引导: which questions are asked, what the answers switch on, and what is wrong with a set of questions.

An option is named "question.option" everywhere. Pure functions over plain values; see docs/scenario.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Protocol, TypeVar

from django.utils.translation import gettext as _

from yimen.catalog.rules.flows import OFF_THE_CLOCK, Step, flow_faults, longest_path
from yimen.catalog.rules.limits import is_longer
from yimen.lib.errors import DomainError
from yimen.lib.text import listed
from yimen.lib.workdays import Limit

MOST_PATHS = 5_000
MOST_OPTIONS = 12
# Paths named in one sentence about many.
_NAMED = 3
DECIDE = "decide"


@dataclass(frozen=True)
class Option:
    """An answer. promised_limit: working days; dead_end: why this way ends here and where to go instead, or ""."""

    key: str
    label: str
    note: str = ""
    promised_limit: int | None = None
    dead_end: str = ""


@dataclass(frozen=True)
class Question:
    """A question and its answers in order; `when`: asked only where `applies(when, chosen)`."""

    key: str
    text: str
    options: tuple[Option, ...] = ()
    help: str = ""
    is_multiple: bool = False
    when: tuple[str, ...] = ()

    def names(self) -> list[str]:
        """Return the names of the options, "question.option"."""
        return [f"{self.key}.{option.key}" for option in self.options]


@dataclass(frozen=True)
class Thing:
    """A material or a form, as far as answers decide on it."""

    name: str
    when: tuple[str, ...] = ()


class TooManyPaths(DomainError):
    """There are more complete ways to answer than anybody could look at."""


class IncompleteAnswers(DomainError):
    """A question of the item has no answer, or an answer that is none of its options."""


class DeadEnd(DomainError):
    """One of the answers says that this cannot be done here."""


class _HasOrder(Protocol):
    @property
    def key(self) -> str: ...
    @property
    def after(self) -> Sequence[str]: ...
    @property
    def when(self) -> Sequence[str]: ...


class _HasWhen(Protocol):
    @property
    def when(self) -> Sequence[str]: ...


_W = TypeVar("_W", bound=_HasWhen)


def applies(when: Iterable[str], chosen: Collection[str]) -> bool:
    """
    Tell whether what carries `when` is needed by somebody who chose `chosen`.

    Of each question that `when` names, at least one of the named options must be chosen; an empty `when` is always.
    """
    named: dict[str, bool] = {}
    for name in when:
        question = name.partition(".")[0]
        named[question] = named.get(question, False) or name in chosen
    return all(named.values())


def applying(things: Iterable[_W], chosen: Collection[str]) -> list[_W]:
    """Return those of `things` that apply, in order."""
    return [thing for thing in things if applies(thing.when, chosen)]


def flow_for(steps: Sequence[_HasOrder], chosen: Collection[str]) -> dict[str, tuple[str, ...]]:
    """
    Return the keys of the steps that apply, in order, each with what it really waits for.

    A step that does not apply is passed over: whoever waits for it waits for what it would have waited for.
    """
    by_key = {step.key: step for step in steps}
    known: dict[str, bool] = {step.key: applies(step.when, chosen) for step in steps}

    def before(key: str, seen: frozenset[str]) -> Iterator[str]:
        for name in by_key[key].after:
            if name in seen or name not in by_key:
                continue
            if known[name]:
                yield name
            else:
                yield from before(name, seen | {name})

    return {
        step.key: tuple(dict.fromkeys(before(step.key, frozenset({step.key})))) for step in steps if known[step.key]
    }


def steps_for(steps: Sequence[Step], chosen: Collection[str]) -> tuple[Step, ...]:
    """Return the steps that apply, each waiting only for steps that apply."""
    flow = flow_for(steps, chosen)
    return tuple(replace(step, after=flow[step.key]) for step in steps if step.key in flow)


@dataclass(frozen=True)
class Walk:
    """
    How far somebody has come. asked: the questions answered, in order; chosen: their valid answers; next: the one to
    ask now; dead_end: the option at which it ends. later: how many more may follow `next` at most.
    """

    asked: tuple[Question, ...]
    chosen: tuple[str, ...]
    next: Question | None = None
    dead_end: Option | None = None
    later: int = 0

    @property
    def is_complete(self) -> bool:
        return self.next is None and self.dead_end is None

    def of(self, question: Question) -> list[Option]:
        """Return what was chosen of `question`."""
        return [option for option, name in zip(question.options, question.names(), strict=True) if name in self.chosen]


def walk(questions: Sequence[Question], answers: Collection[str]) -> Walk:
    """
    Go through the questions in order with `answers` (any names, in any order) until one has no valid answer.

    Answers to questions that are not asked and names nobody knows are dropped; two answers to a question that takes
    one are none.
    """
    asked: list[Question] = []
    chosen: list[str] = []
    for place, question in enumerate(questions):
        if not applies(question.when, chosen):
            continue
        given = [name for name in question.names() if name in answers]
        if not given or (len(given) > 1 and not question.is_multiple):
            later = sum(_may_follow(one, chosen, questions[place:]) for one in questions[place + 1 :])
            return Walk(tuple(asked), tuple(chosen), next=question, later=later)
        asked.append(question)
        chosen += given
        for option in question.options:
            if option.dead_end and f"{question.key}.{option.key}" in given:
                return Walk(tuple(asked), tuple(chosen), dead_end=option)
    return Walk(tuple(asked), tuple(chosen))


def askable(questions: Sequence[Question], answers: Collection[str]) -> list[Question]:
    """Return the questions that can be asked side by side by somebody who has these answers so far."""
    found: list[Question] = []
    chosen: set[str] = set()
    for question in questions:
        if applies(question.when, chosen):
            found.append(question)
            chosen |= set(question.names()) & set(answers)
    return found


def _may_follow(question: Question, chosen: Collection[str], open_ones: Sequence[Question]) -> bool:
    """Could it still be asked? Only answers to questions already passed are settled."""
    undecided = {one.key for one in open_ones}
    return applies([name for name in question.when if name.partition(".")[0] not in undecided], chosen)


def check_answers(questions: Sequence[Question], answers: Collection[str]) -> tuple[str, ...]:
    """
    Return the answers in order of the questions when they are complete and lead somewhere.

    Raises IncompleteAnswers naming the question, or the answer that fits none, and DeadEnd with the way out.
    """
    found = walk(questions, answers)
    if found.dead_end:
        raise DeadEnd(
            _("选了“%(label)s”，这里办不了：%(why)s") % {"label": found.dead_end.label, "why": found.dead_end.dead_end}
        )
    if found.next:
        raise IncompleteAnswers(_("请先回答：%(question)s") % {"question": found.next.text})
    if strange := sorted(set(answers) - set(found.chosen)):
        raise IncompleteAnswers(_("这个回答用不上，请重新选一遍：%(names)s。") % {"names": listed(strange)})
    return found.chosen


@dataclass(frozen=True)
class Scenario:
    """Everything answers decide on in one edition. promised: working days of the item, None when it promises none."""

    questions: tuple[Question, ...]
    materials: tuple[Thing, ...] = ()
    steps: tuple[Step, ...] = ()
    forms: tuple[Thing, ...] = ()
    promised: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What one way of answering comes to; promised: working days, as promise_for() says."""

    chosen: tuple[str, ...]
    materials: tuple[Thing, ...] = ()
    steps: tuple[Step, ...] = ()
    forms: tuple[Thing, ...] = ()
    promised: int | None = None
    takes: int = 0
    dead_end: Option | None = None


def takes(steps: Sequence[Step]) -> int:
    """Return the working days of the slowest way to the decision; 0 for a flow that cannot run."""
    if flow_faults(steps):
        return 0
    return longest_path(steps, {step.kind for step in steps} - OFF_THE_CLOCK)


def promise_for(
    questions: Iterable[Question], chosen: Collection[str], *, flow_takes: int, promised: int | None
) -> int | None:
    """
    Return the working days promised to somebody who chose `chosen`, None when nothing is.

    The shortest limit of a chosen option that the flow can keep; the longest of them when it can keep none (which
    publishing refuses); without any, the item's.
    """
    limits = sorted(
        option.promised_limit
        for question in questions
        for option, name in zip(question.options, question.names(), strict=True)
        if name in chosen and option.promised_limit is not None
    )
    if not limits:
        return promised
    return next((limit for limit in limits if limit >= flow_takes), limits[-1])


def outcome(scenario: Scenario, chosen: Collection[str]) -> Outcome:
    """Return what these answers come to; a way that has ended needs nothing."""
    found = walk(scenario.questions, chosen)
    if found.dead_end:
        return Outcome(found.chosen, dead_end=found.dead_end)
    steps = steps_for(scenario.steps, found.chosen)
    days = takes(steps)
    return Outcome(
        found.chosen,
        tuple(applying(scenario.materials, found.chosen)),
        steps,
        tuple(applying(scenario.forms, found.chosen)),
        promise_for(scenario.questions, found.chosen, flow_takes=days, promised=scenario.promised),
        days,
    )


def all_paths(questions: Sequence[Question], most: int = MOST_PATHS) -> list[Walk]:
    """
    Return every complete way to answer, each once, in order of the options.

    Raises TooManyPaths when there are more than `most`; nothing is shown half.
    """
    found: list[Walk] = []
    for each in _paths(tuple(questions), 0, (), ()):
        if len(found) == most:
            raise TooManyPaths(
                _("问题和回答合起来超过 %(most)d 种情形，没有人看得过来。请少问几个，或把能选几个的改成只选一个。")
                % {"most": most}
            )
        found.append(each)
    return found


def _paths(
    questions: tuple[Question, ...], place: int, asked: tuple[Question, ...], chosen: tuple[str, ...]
) -> Iterator[Walk]:
    while place < len(questions) and not applies(questions[place].when, chosen):
        place += 1
    if place == len(questions):
        yield Walk(asked, chosen)
        return
    question = questions[place]
    for picked in _answers(question):
        names = tuple(f"{question.key}.{option.key}" for option in picked)
        dead = next((option for option in picked if option.dead_end), None)
        if dead:
            yield Walk((*asked, question), chosen + names, dead_end=dead)
        else:
            yield from _paths(questions, place + 1, (*asked, question), chosen + names)


def _answers(question: Question) -> Iterator[tuple[Option, ...]]:
    sizes = range(1, len(question.options) + 1) if question.is_multiple else (1,)
    for size in sizes:
        yield from combinations(question.options, size)


def path_words(path: Walk) -> str:
    """Return a way in the words of its answers: 个人；热食 ＋ 冷食；本人来."""
    labels = [words_of(path, question) for question in path.asked]
    return "；".join(labels) if labels else _("不用选")


def words_of(path: Walk, question: Question) -> str:
    """Return what was chosen of one question: labels hold 、 themselves, so several are parted by ＋."""
    return " ＋ ".join(option.label for option in path.of(question))


# Faults


@dataclass(frozen=True)
class Finding:
    """Something to look at. keeps_back: the edition cannot be published like this."""

    text: str
    keeps_back: bool = True


@dataclass
class _Looked:
    """What was found by looking at every path."""

    used: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    slow: list[Walk] = field(default_factory=list)
    bare: list[Walk] = field(default_factory=list)
    undecided: list[Walk] = field(default_factory=list)
    open_ways: int = 0
    same: dict[tuple[object, ...], list[Walk]] = field(default_factory=dict)


def scenario_faults(
    questions: Sequence[Question],
    materials: Sequence[Thing],
    steps: Sequence[Step],
    promised: int | None,
    *,
    forms: Sequence[Thing] = (),
    statutory: Limit | None = None,
) -> list[str]:
    """Return a sentence for each thing that keeps the edition from being published; see findings()."""
    scenario = Scenario(tuple(questions), tuple(materials), tuple(steps), tuple(forms), promised)
    return [finding.text for finding in findings(scenario, statutory=statutory) if finding.keeps_back]


def findings(scenario: Scenario, *, statutory: Limit | None = None) -> list[Finding]:
    """
    Return everything to mend or to know about the questions of an edition; nothing for one without any `when`.

    Faults: questions without options, names used twice, a `when` that names nothing or something asked later, what
    nobody can reach, promises longer than the law's, too many paths, and paths without materials (where others have
    some), without a decision, or slower than promised. Two paths that come to the same are only worth knowing.
    """
    found = [Finding(text) for text in _shape_faults(scenario, statutory)]
    if found or not scenario.questions:
        return found
    try:
        paths = all_paths(scenario.questions)
    except TooManyPaths as error:
        return [Finding(str(error))]
    looked = _look(scenario, paths)
    found += [Finding(text) for text in _unreached(scenario, paths, looked)]
    if not looked.open_ways:
        found.append(Finding(_("怎么答都办不成：每一种情形都到头了，请至少留一条能办的路。")))
    for ways, sentence in (
        (looked.slow, _("这样选，步骤比承诺的时限还长：%(ways)s。")),
        (looked.bare, _("这样选，一样材料也不要，别的情形却要：%(ways)s。")),
        (looked.undecided, _("这样选，没有一步作决定：%(ways)s。")),
    ):
        if ways:
            found.append(Finding(sentence % {"ways": _some(ways)}))
    alike = [ways for ways in looked.same.values() if len(ways) > 1]
    if alike:
        values = {"count": len(alike), "ways": _some(alike[0])}
        text = _("有 %(count)d 组情形要的完全一样，看看是不是可以少问。例如：%(ways)s。") % values
        found.append(Finding(text, keeps_back=False))
    return found


def _some(ways: Sequence[Walk]) -> str:
    shown = "、".join(f"（{path_words(way)}）" for way in ways[:_NAMED])
    if len(ways) <= _NAMED:
        return shown
    return _("%(shown)s……共 %(count)d 种") % {"shown": shown, "count": len(ways)}


def _shape_faults(scenario: Scenario, statutory: Limit | None) -> list[str]:
    faults: list[str] = []
    known: set[str] = set()
    keys: set[str] = set()
    for question in scenario.questions:
        values = {"question": question.text or question.key}
        if not question.text.strip():
            faults.append(_("有一个问题还没写字（代号 %(key)s）。") % {"key": question.key})
        if question.key in keys:
            faults.append(_("有两个问题的代号都是“%(key)s”，代号不能重复。") % {"key": question.key})
        keys.add(question.key)
        if not question.options:
            faults.append(_("“%(question)s”还没有写回答。") % values)
        if len(question.options) > MOST_OPTIONS:
            faults.append(_("“%(question)s”的回答太多，最多 %(most)d 个。") % (values | {"most": MOST_OPTIONS}))
        for name in question.when:
            if name not in known:
                faults.append(_("“%(question)s”要等一个前面没有的回答（%(name)s）。") % (values | {"name": name}))
        names = question.names()
        if len(set(names)) < len(names):
            faults.append(_("“%(question)s”有两个回答的代号一样。") % values)
        for option in question.options:
            if not option.label.strip():
                faults.append(_("“%(question)s”有一个回答还没写字。") % values)
            days = option.promised_limit
            if days is not None and statutory and is_longer(Limit(days), statutory):
                said = values | {"label": option.label}
                faults.append(_("“%(question)s”选“%(label)s”时承诺的时限比法定时限还长。") % said)
        known |= set(names)
    for thing in _things(scenario):
        for name in thing.when:
            if name not in known:
                faults.append(_("“%(thing)s”要看一个没有的回答（%(name)s）。") % {"thing": thing.name, "name": name})
    return faults


def _things(scenario: Scenario) -> list[Thing]:
    steps = [Thing(step.name, step.when) for step in scenario.steps]
    return [*scenario.materials, *steps, *scenario.forms]


def _look(scenario: Scenario, paths: Sequence[Walk]) -> _Looked:
    looked = _Looked()
    flows: dict[tuple[int, ...], tuple[tuple[Step, ...], int]] = {}
    whens = {one.when for one in _things(scenario)}
    for path in paths:
        looked.asked |= {question.key for question in path.asked}
        if path.dead_end:
            continue
        looked.open_ways += 1
        chosen = set(path.chosen)
        met = {when: applies(when, chosen) for when in whens}
        materials = [n for n, one in enumerate(scenario.materials) if met[one.when]]
        forms = [n for n, one in enumerate(scenario.forms) if met[one.when]]
        which = tuple(n for n, one in enumerate(scenario.steps) if met[one.when])
        if which not in flows:
            steps = steps_for(scenario.steps, chosen)
            flows[which] = steps, takes(steps)
        steps, days = flows[which]
        promised = promise_for(scenario.questions, chosen, flow_takes=days, promised=scenario.promised)
        looked.used |= {f"m{n}" for n in materials} | {f"f{n}" for n in forms} | {f"s{n}" for n in which}
        if scenario.materials and not materials:
            looked.bare.append(path)
        if scenario.steps and sum(step.kind == DECIDE for step in steps) != 1:
            looked.undecided.append(path)
        if promised is not None and days > promised:
            looked.slow.append(path)
        looked.same.setdefault((tuple(materials), which, tuple(forms), promised), []).append(path)
    return looked


def _unreached(scenario: Scenario, paths: Sequence[Walk], looked: _Looked) -> list[str]:
    faults = [
        _("“%(question)s”没有人会被问到：它要等的回答凑不到一起。") % {"question": question.text}
        for question in scenario.questions
        if question.key not in looked.asked
    ]
    kinds: Mapping[str, Sequence[Thing]] = {
        "m": scenario.materials,
        "s": [Thing(step.name, step.when) for step in scenario.steps],
        "f": scenario.forms,
    }
    for letter, things in kinds.items():
        faults += [
            _("“%(thing)s”哪种情形都用不上：它要的回答凑不到一起。") % {"thing": thing.name}
            for n, thing in enumerate(things)
            if looked.open_ways and f"{letter}{n}" not in looked.used
        ]
    return faults


# The short code of a checklist


_LETTERS = "ABCDEFGHJKLM"  # no I: it reads like a one


def short_code(number: int, questions: Sequence[Question], chosen: Collection[str]) -> str:
    """
    Return what is read aloud or typed to bring answers back: the edition's number, then a group of letters for each
    question asked, such as 3-A-BC-B.
    """
    groups = [
        "".join(
            letter for letter, name in zip(_LETTERS, question.names()[: len(_LETTERS)], strict=False) if name in chosen
        )
        for question in walk(questions, chosen).asked
    ]
    return "-".join([str(number), *groups])


def code_number(code: str) -> int | None:
    """Return the edition a short code speaks of, None for what is no short code."""
    head = code.strip().partition("-")[0]
    return int(head) if head.isascii() and head.isdigit() and 0 < len(head) <= 6 else None


def read_code(questions: Sequence[Question], code: str) -> tuple[str, ...]:
    """Return the answers a short code stands for, by the questions of its own edition; as many as make sense."""
    groups = code.strip().upper().replace("－", "-").split("-")[1:]
    chosen: tuple[str, ...] = ()
    for group in groups:
        question = walk(questions, chosen).next
        if question is None:
            break
        names = dict(zip(_LETTERS, question.names(), strict=False))
        chosen += tuple(names[letter] for letter in group if letter in names)
    return walk(questions, chosen).chosen
