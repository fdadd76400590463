"""
The flow chart of an item (权力运行流程图, S1-22): every step with post, authority and limit, drawn from the flow.

Pure: plain values in, SVG and the same facts as text out. The SVG carries black on white of its own, for files and
paper; on a page its classes take the colours of the theme (flow.css).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from unicodedata import east_asian_width

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from yimen.catalog import rules
from yimen.lib import dates, layers
from yimen.lib.text import listed
from yimen.lib.workdays import Limit

START, END = " start", " end"  # no step's key holds a blank
WIDE, NARROW = 280.0, 168.0  # a step alone in its row, and one beside others: two of them fit a phone
NAME, TEXT = 16.0, 14.0  # sizes of letters
PAD, LEADING, GAP, MARGIN = 12.0, 1.45, 20.0, 4.0
PILL = (120.0, 34.0)
FONT = "Noto Sans SC, Noto Sans CJK SC, Microsoft YaHei, PingFang SC, sans-serif"
_NOT_FIRST = "，。、；：？！）》”’」』】〕…·,.;:?!)]}%"
_NOT_LAST = "（《“‘「『【〔([{"


@dataclass(frozen=True)
class ChartStep:
    """A step to draw. department: who does it; answers: what somebody must have answered for it to be needed."""

    step: rules.Step
    department: str = ""
    answers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fact:
    """What the chart says of a step, in words. follows: numbers of the steps that must be done before."""

    number: int
    name: str
    department: str
    post: str
    authority: str
    limit: str
    condition: str
    follows: tuple[int, ...]
    beside: tuple[int, ...]

    @property
    def who(self) -> str:
        return " · ".join(word for word in (self.department, self.post) if word)

    @property
    def order(self) -> str:
        """When it is done, in one sentence; "" for a first step that is alone."""
        return "".join(
            sentence
            for sentence, is_said in (
                (_("第 %(numbers)s 步做完就开始。") % {"numbers": _numbers(self.follows)}, self.follows),
                (_("和第 %(numbers)s 步同时办。") % {"numbers": _numbers(self.beside)}, self.beside),
            )
            if is_said
        )


def _numbers(numbers: Sequence[int]) -> str:
    return listed(str(number) for number in numbers)


@dataclass(frozen=True)
class Chart:
    """A chart ready to be shown: facts are the text that stands beside it, in the order of the steps."""

    facts: tuple[Fact, ...]
    drawing: layers.Drawing
    _lines: Mapping[str, tuple[_Row, ...]]
    _conditional: frozenset[str]

    @property
    def width(self) -> float:
        return self.drawing.width + 2 * MARGIN

    @property
    def height(self) -> float:
        return self.drawing.height + 2 * MARGIN

    def summary(self) -> str:
        """Return one sentence on the whole: how many steps, and which are done at the same time."""
        count = len(self.facts)
        said = ngettext("共 %(count)d 步。", "共 %(count)d 步。", count) % {"count": count}
        groups = dict.fromkeys(tuple(sorted({fact.number, *fact.beside})) for fact in self.facts if fact.beside)
        return said + "".join(_("第 %(numbers)s 步同时办。") % {"numbers": _numbers(group)} for group in groups)

    def parts(self, most: float) -> list[tuple[float, float]]:
        """Return where to cut the drawing, (begin, end) from the top: no part much higher than `most`, no box cut."""
        rows = sorted({(node.y, node.y + node.height) for node in self.drawing.nodes.values()})
        found, begin = [], 0.0
        for (_top, bottom), (top, end) in pairwise(rows):
            if end + MARGIN - begin > most and top > bottom > begin:
                cut = (bottom + top) / 2 + MARGIN
                found.append((begin, cut))
                begin = cut
        return [*found, (begin, self.height)]

    def svg(self, name: str, *, ident: str = "flow", part: tuple[float, float] | None = None) -> str:
        """
        Return the drawing as an SVG element.

        name: whose flow it is; ident: unlike any other id of the page; part: (begin, end) from the top, None for all.
        """
        title = escape(_("%(name)s的办理流程图") % {"name": name})
        beside = escape(_("每一步的岗位、权限和时限，图旁边用文字写着。"))
        begin, end = part or (0.0, self.height)
        # More than two side by side do not fit a phone: there they are moved sideways, not made too small to read.
        size = "" if self.width < 400 else " wide" if self.width < 600 else " wider"
        width, height = _n(self.width), _n(end - begin)
        parts = [
            f'<svg class="flow{size}" xmlns="http://www.w3.org/2000/svg" viewBox="0 {_n(begin)} {width} {height}"'
            f' width="{width}" height="{height}" role="img" aria-labelledby="{ident}-t {ident}-d" font-family="{FONT}">'
            f'<title id="{ident}-t">{title}</title><desc id="{ident}-d">{escape(_legal(self.summary()))}'
            f"{beside}</desc>"
        ]
        parts += [self._edge(line) for line in self.drawing.lines]
        parts += [self._box(node) for node in self.drawing.nodes.values()]
        return "".join(parts) + "</svg>"

    def _edge(self, line: layers.Line) -> str:
        points = [(x + MARGIN, y + MARGIN) for x, y in line.points]
        x, y = points[-1]
        path = "M" + "L".join(f"{_n(a)} {_n(b)}" for a, b in points)
        head = f"M{_n(x - 4.5)} {_n(y - 8)}L{_n(x)} {_n(y)}L{_n(x + 4.5)} {_n(y - 8)}z"
        return (
            f'<path class="fl" fill="none" stroke="#000" stroke-width="1.5" d="{path}"/><path class="fh" d="{head}"/>'
        )

    def _box(self, node: layers.Placed) -> str:
        x, y = node.x + MARGIN, node.y + MARGIN
        place = f'x="{_n(x)}" y="{_n(y)}" width="{_n(node.width)}" height="{_n(node.height)}"'
        if node.key in {START, END}:
            word = _("提出申请") if node.key == START else _("办完")
            return (
                f'<g class="fe"><rect {place} rx="{_n(node.height / 2)}" fill="#fff" stroke="#000" stroke-width="1.5"/>'
                f'<text x="{_n(x + node.width / 2)}" y="{_n(y + node.height / 2 + 5)}" text-anchor="middle"'
                f' font-size="{_n(TEXT)}">{escape(word)}</text></g>'
            )
        dashes = ' stroke-dasharray="6 4"' if node.key in self._conditional else ""
        parts = [
            f'<g class="fs{" fc" if dashes else ""}"><rect {place} rx="6" fill="#fff" stroke="#000"'
            f' stroke-width="1.5"{dashes}/>'
        ]
        at = y + PAD
        for row in self._lines[node.key]:
            # A hair of stroke where the font at hand has no bold, as on paper; pages take it off.
            bold = ' font-weight="700" stroke="#000" stroke-width="0.3"' if row.kind == "fn" else ""
            at += row.size * LEADING
            parts.append(
                f'<text class="{row.kind}" x="{_n(x + PAD)}" y="{_n(at - row.size * 0.4)}" font-size="{_n(row.size)}"'
                f"{bold}>{escape(row.text)}</text>"
            )
        return "".join(parts) + "</g>"


@dataclass(frozen=True)
class _Row:
    text: str
    kind: str
    size: float


def chart(steps: Sequence[ChartStep]) -> Chart:
    """
    Lay the flow out, top to bottom: what can be done at the same time stands side by side.

    Each step appears once, in a box that holds all its words; nothing overlaps. Raises rules.BrokenFlow for a loop,
    a key used twice or an `after` that names no step; what a step lacks is left out.
    """
    plain = [each.step for each in steps]
    rules.longest_path(plain)  # raises for what cannot be ordered
    after = rules.direct_after(plain)
    edges = [(name, step.key) for step in plain for name in after[step.key]]
    led_to = {source for source, _target in edges}
    edges = [
        *((START, step.key) for step in plain if not after[step.key]),
        *edges,
        *((step.key, END) for step in plain if step.key not in led_to),
    ]
    facts = _facts(steps, after)
    keys = [START, *(step.key for step in plain), END] if plain else [START, END]
    edges = edges or [(START, END)]
    rank = layers.ranks(keys, edges)
    # How many stand or pass by in a row.
    row_of = [*rank.values(), *(n for a, b in edges for n in range(rank[a] + 1, rank[b]))]
    width = {key: WIDE if row_of.count(rank[key]) == 1 else NARROW for key in keys}
    rows = {each.step.key: _rows(fact, width[each.step.key]) for each, fact in zip(steps, facts, strict=True)}
    height = {key: 2 * PAD + sum(row.size * LEADING for row in said) for key, said in rows.items()}
    tallest = {n: max((height[key] for key in rows if rank[key] == n), default=0) for n in set(rank.values())}
    nodes = [
        layers.Node(key, *PILL) if key in {START, END} else layers.Node(key, width[key], tallest[rank[key]])
        for key in keys
    ]
    drawing = layers.draw(nodes, edges, gap=GAP, rank_gap=30, track=10)
    return Chart(facts, drawing, rows, frozenset(each.step.key for each in steps if each.step.when))


def limit_words(days: int | None) -> str:
    """Return how long a step may take; "" when nobody said."""
    if days is None:
        return ""
    return dates.limit_words(Limit(days)) if days else _("当天")


def condition_words(each: ChartStep) -> str:
    """Return what must have been answered: of each question one of the answers named, for all the questions named."""
    answers = each.answers if len(each.answers) == len(each.step.when) else each.step.when
    by_question: dict[str, list[str]] = {}
    for name, answer in zip(each.step.when, answers, strict=True):
        by_question.setdefault(name.partition(".")[0], []).append(_("“%(answer)s”") % {"answer": _legal(answer)})
    return _("，并且选了").join(_("或").join(said) for said in by_question.values())


def _facts(steps: Sequence[ChartStep], after: Mapping[str, Sequence[str]]) -> tuple[Fact, ...]:
    number = {each.step.key: n for n, each in enumerate(steps, 1)}
    before = rules.all_before([each.step for each in steps])
    same: dict[tuple[str, ...], list[str]] = {}
    for each in steps:
        same.setdefault(tuple(sorted(after[each.step.key])), []).append(each.step.key)
    found = []
    for each in steps:
        step = each.step
        beside = [
            key for key in same[tuple(sorted(after[step.key]))] if key != step.key and key not in before[step.key]
        ]
        found.append(
            Fact(
                number[step.key],
                _legal(step.name),
                _legal(each.department),
                _legal(step.post),
                _legal(step.authority),
                limit_words(step.limit_days),
                _("选了%(answers)s才有这一步。") % {"answers": condition_words(each)} if step.when else "",
                tuple(sorted(number[name] for name in after[step.key])),
                tuple(sorted(number[key] for key in beside)),
            )
        )
    return tuple(found)


def _rows(fact: Fact, width: float) -> tuple[_Row, ...]:
    room = width - 2 * PAD
    said = [
        (f"{fact.number}. {fact.name}", "fn", NAME),
        (fact.condition, "fw", TEXT),
        (fact.department, "fp", TEXT),
        (_("岗位：%(post)s") % {"post": fact.post} if fact.post else "", "ft", TEXT),
        (_("权限：%(authority)s") % {"authority": fact.authority} if fact.authority else "", "ft", TEXT),
        (_("时限：%(limit)s") % {"limit": fact.limit} if fact.limit else "", "ft", TEXT),
    ]
    return tuple(_Row(line, kind, size) for text, kind, size in said if text for line in wrapped(text, room / size))


def wrapped(text: str, ems: float) -> list[str]:
    """
    Return `text` in lines no wider than `ems`, a Chinese character being 1: Chinese breaks anywhere but before a
    closing sign, other words at blanks, and inside only when longer than a line.
    """
    lines, line, used = [], "", 0.0
    for word in _words(" ".join(text.split())):
        wide = measure(word)
        if line and used + wide > ems:
            carried = ""
            # A closing sign does not begin a line, an opening one does not end one.
            if word[0] in _NOT_FIRST or line[-1] in _NOT_LAST:
                cut = len(line) - 1
                while cut > 0 and (line[cut] in _NOT_FIRST or line[cut - 1] in _NOT_LAST):
                    cut -= 1
                if cut > 0 and measure(line[cut:]) + wide <= ems:
                    line, carried = line[:cut], line[cut:]
            lines.append(line.rstrip())
            line, used = carried, measure(carried)
            if not line:
                word = word.lstrip()
                wide = measure(word)
        while wide > ems and len(word) > 1 and not line:
            cut = next((n for n in range(len(word), 0, -1) if measure(word[:n]) <= ems), 1)
            lines.append(word[:cut])
            word = word[cut:]
            wide = measure(word)
        line += word
        used += wide
    return [*lines, line.rstrip()] if line.strip() else lines


def _words(text: str) -> list[str]:
    words: list[str] = []
    for character in text:
        is_wide = east_asian_width(character) in "WFA"
        if words and not is_wide and character != " " and words[-1][-1] != " ":
            if east_asian_width(words[-1][-1]) not in "WFA":
                words[-1] += character
                continue
        elif words and character == " ":
            words[-1] += character
            continue
        words.append(character)
    return words


def measure(text: str) -> float:
    """Return the width of `text` in ems, rather too much than too little."""
    return sum(
        1.0
        if east_asian_width(character) in "WFA"
        else 0.32
        if character == " "
        else 0.7
        if character.isupper()
        else 0.6
        for character in text
    )


def _legal(text: str) -> str:
    """Drop what no XML file can hold."""
    return "".join(c for c in text if c in "\t\n" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff")


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
