"""Two editions of an item side by side: what was removed, added, changed, and one line that says it (S0-22, S1-55)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from django.utils.translation import gettext as _

from yimen.catalog.rules.flows import OFF_THE_CLOCK, BrokenFlow, Step, longest_path
from yimen.lib.workdays import Limit, Unit


@dataclass(frozen=True)
class Line:
    """
    One row of a list. key: what makes it the same row in both editions; texts: label and words of each thing it says.
    """

    key: str
    name: str
    texts: Mapping[str, str]


@dataclass(frozen=True)
class Snapshot:
    """
    An edition in words. fields: label and text, in the order of the guide; promised, statutory: limits; lists: by the
    list's name, in order; flow: for the slowest way.
    """

    number: int
    fields: Mapping[str, str]
    promised: Limit | None
    statutory: Limit | None
    materials: Sequence[Line] = ()
    steps: Sequence[Line] = ()
    fees: Sequence[Line] = ()
    lists: Mapping[str, Sequence[Line]] = field(default_factory=dict)
    flow: Sequence[Step] = ()
    visits: int | None = None


@dataclass(frozen=True)
class Piece:
    """Words of a text: "same", "gone" or "new"."""

    state: str
    text: str


@dataclass(frozen=True)
class Change:
    """A text in both editions, and its words one by one."""

    label: str
    before: str
    after: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class ChangedLine:
    """A row that is in both and says something else."""

    name: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class ListChange:
    """What became of a list. before, after: how many rows."""

    before: int
    after: int
    removed: tuple[Line, ...] = ()
    added: tuple[Line, ...] = ()
    changed: tuple[ChangedLine, ...] = ()

    @property
    def is_any(self) -> bool:
        return bool(self.removed or self.added or self.changed)


@dataclass(frozen=True)
class Comparison:
    """
    old, new: numbers of the editions. days: promised (before, after) in working days, None where a side has no
    promise or another unit; path: working days of the slowest way.
    """

    old: int
    new: int
    fields: tuple[Change, ...]
    materials: ListChange
    steps: ListChange
    fees: ListChange
    lists: Mapping[str, ListChange]
    days: tuple[int, int] | None
    statutory_days: tuple[int, int] | None
    path: tuple[int, int] | None
    visits: tuple[int, int] | None

    @property
    def days_saved(self) -> int | None:
        """Promised working days fewer than before: 15 to 3 is 12; negative when it takes longer."""
        return self.days[0] - self.days[1] if self.days else None

    @property
    def is_same(self) -> bool:
        lists = (self.materials, self.steps, self.fees, *self.lists.values())
        return not self.fields and not any(one.is_any for one in lists)

    @property
    def summary(self) -> str:
        """One line: 材料 6 → 4，步骤 7 → 5，承诺 15 → 3 天; what stayed the same is left out."""
        parts = []
        for label, (before, after) in (
            (_("材料 %(before)d → %(after)d"), (self.materials.before, self.materials.after)),
            (_("步骤 %(before)d → %(after)d"), (self.steps.before, self.steps.after)),
            (_("收费 %(before)d → %(after)d 项"), (self.fees.before, self.fees.after)),
            (_("承诺 %(before)d → %(after)d 天"), self.days or (0, 0)),
            (_("跑 %(before)d → %(after)d 次"), self.visits or (0, 0)),
        ):
            if before != after:
                parts.append(label % {"before": before, "after": after})
        return "，".join(parts) or (_("一样") if self.is_same else _("件数和天数没有变，内容有改动"))


_WORD = re.compile(r"\d+(?:\.\d+)?|[A-Za-z]+|\s+|.", re.DOTALL)
_LONGEST = 4000


def words(text: str) -> list[str]:
    """Return what counts as one word when two texts are compared: a number, a Latin word, else a character."""
    return _WORD.findall(text)


def diff_words(before: str, after: str) -> tuple[Piece, ...]:
    """
    Return the words of both texts in one line. Those "same" and "gone" make up `before`, "same" and "new" `after`.

    Texts beyond 4,000 words are not taken apart: everything is gone and new.
    """
    old, new = words(before), words(after)
    if max(len(old), len(new)) > _LONGEST:
        return tuple(Piece(state, text) for state, text in (("gone", before), ("new", after)) if text)
    pieces = []
    for act, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if act == "equal":
            pieces.append(Piece("same", "".join(old[a:b])))
            continue
        pieces += [Piece("gone", "".join(old[a:b]))] if b > a else []
        pieces += [Piece("new", "".join(new[c:d]))] if d > c else []
    return tuple(pieces)


def compare(old: Snapshot, new: Snapshot) -> Comparison:
    """Return everything that differs between two editions; the order of rows alone is no difference."""
    return Comparison(
        old=old.number,
        new=new.number,
        fields=_texts(old.fields, new.fields),
        materials=compare_lists(old.materials, new.materials),
        steps=compare_lists(old.steps, new.steps),
        fees=compare_lists(old.fees, new.fees),
        lists={
            name: compare_lists(old.lists.get(name, ()), new.lists.get(name, ()))
            for name in dict.fromkeys((*old.lists, *new.lists))
        },
        days=_days(old.promised, new.promised),
        statutory_days=_days(old.statutory, new.statutory),
        path=_paths(old.flow, new.flow),
        visits=None if old.visits is None or new.visits is None else (old.visits, new.visits),
    )


def compare_lists(old: Sequence[Line], new: Sequence[Line]) -> ListChange:
    """Return what became of a list; rows with the same key are the same row."""
    before, after = _keyed(old), _keyed(new)
    pairs = [(before[key], after[key]) for key in before if key in after]
    gone = [line for key, line in before.items() if key not in after]
    come = [line for key, line in after.items() if key not in before]
    changed = []
    for one, other in pairs:
        changes = _texts({_("名称"): one.name, **one.texts}, {_("名称"): other.name, **other.texts})
        if changes:
            changed.append(ChangedLine(other.name, changes))
    return ListChange(len(old), len(new), tuple(gone), tuple(come), tuple(changed))


def _keyed(lines: Iterable[Line]) -> dict[str, Line]:
    """A key that stands twice is two rows."""
    found: dict[str, Line] = {}
    for line in lines:
        key = line.key
        while key in found:
            key += "+"
        found[key] = line
    return found


def _texts(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[Change, ...]:
    labels = dict.fromkeys((*new, *old))
    return tuple(
        Change(label, old.get(label, ""), new.get(label, ""), diff_words(old.get(label, ""), new.get(label, "")))
        for label in labels
        if old.get(label, "") != new.get(label, "")
    )


def _days(old: Limit | None, new: Limit | None) -> tuple[int, int] | None:
    if old is None or new is None or old.unit != new.unit or old.unit not in (Unit.WORKDAY, Unit.DAY):
        return None
    return old.number, new.number


def _paths(old: Sequence[Step], new: Sequence[Step]) -> tuple[int, int] | None:
    if not old or not new:
        return None
    try:
        found = [longest_path(flow, {step.kind for step in flow} - OFF_THE_CLOCK) for flow in (old, new)]
    except BrokenFlow:
        return None
    return found[0], found[1]
