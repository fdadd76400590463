"""
What makes an item fit to publish, and what its codes mean: pure functions over plain values.

Source: docs/rules/items.md
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from graphlib import CycleError, TopologicalSorter

from django.utils.translation import gettext as _
from stdnum.cn import uscc

from yimen.lib.errors import DomainError
from yimen.lib.text import listed
from yimen.lib.workdays import Limit, Unit


class InvalidItemCode(DomainError):
    """The code does not have the form its scheme asks for."""


class CodeScheme(IntEnum):
    """
    Which form item codes have; places and documents differ (ITEM-5). The number is a dated local rule.

    PRACTICE: 12 / 31 / 33 characters with meaning, as provinces use them; UPLOAD: the width of the national
    upload tables, up to 12 / 36 / 50; STANDARD: GB/T 39046, up to 10 / 24 / 24.
    """

    PRACTICE = 0
    UPLOAD = 1
    STANDARD = 2


_WIDTHS = {CodeScheme.UPLOAD: (12, 36, 50), CodeScheme.STANDARD: (10, 24, 24)}
_CATALOG = re.compile(r"(?P<region>\d{2})(?P<type_code>\d{2})(?P<main>\d{5})(?P<sub>[0-9A-Z]{3})", re.ASCII)
_TASK = re.compile(rf"(?P<organ>[0-9A-Z]{{18}})(?P<level>\d){_CATALOG.pattern}(?P<serial>\d{{2}})?", re.ASCII)


@dataclass(frozen=True)
class TaskCode:
    """
    What a 31- or 33-character implementation code says (ITEM-3).

    organ: the implementing organ's credit code; level: 行使层级 (ITEM-8); region: "00" national, else the
    province; type_code: 事项类型 as the province numbers it; sub: "000" when there is none; serial: of a
    handling item, else "".
    """

    organ: str
    level: str
    region: str
    type_code: str
    main: str
    sub: str
    serial: str = ""

    @property
    def catalog_code(self) -> str:
        """The 12-digit basic code (ITEM-2)."""
        return self.region + self.type_code + self.main + self.sub

    @property
    def is_organ_valid(self) -> bool:
        """Whether the organ's credit code passes GB 32100; published lists do hold some that fail (ITEM-4)."""
        return uscc.is_valid(self.organ)


def read_task_code(code: str) -> TaskCode:
    """Return the parts of a 31- or 33-character implementation code. Raises InvalidItemCode."""
    if len(code) not in {31, 33}:
        raise InvalidItemCode(
            _("实施编码要 31 位，业务办理项编码要 33 位，这个有 %(count)d 位。") % {"count": len(code)}
        )
    found = _TASK.fullmatch(code)
    if not found:
        raise InvalidItemCode(
            _("实施编码是 18 位信用代码（数字和大写字母），加 1 位层级，再加 12 位基本编码，请对照再看一次。")
        )
    return TaskCode(**{key: value or "" for key, value in found.groupdict().items()})


def check_codes(
    task_code: str, catalog_code: str = "", local_task_code: str = "", scheme: CodeScheme = CodeScheme.PRACTICE
) -> None:
    """Raise InvalidItemCode unless the codes have the form of `scheme` (ITEM-5); only the first must be there."""
    if not task_code:
        raise InvalidItemCode(_("请填写实施编码。"))
    if scheme == CodeScheme.PRACTICE:
        parts = read_task_code(task_code)
        if catalog_code and not _CATALOG.fullmatch(catalog_code):
            raise InvalidItemCode(_("基本编码要 12 位：2 位地区、2 位类型、5 位主项、3 位子项。"))
        if catalog_code and catalog_code != parts.catalog_code:
            raise InvalidItemCode(_("基本编码和实施编码的后 12 位不一样，请看是哪一个填错了。"))
        return
    for code, width in zip((catalog_code, task_code, local_task_code), _WIDTHS[scheme], strict=True):
        if len(code) > width:
            raise InvalidItemCode(
                _("编码最多 %(width)d 位，这个有 %(count)d 位。") % {"width": width, "count": len(code)}
            )
        if not re.fullmatch(r"[0-9A-Za-z-]*", code, re.ASCII):
            raise InvalidItemCode(_("编码只有数字和字母，请用半角再填一次，中间不要空格。"))


# Limits


# The fewest and the most days a limit of n can last; only used to compare limits in different units.
_FEWEST = {Unit.WORKDAY: 1.0, Unit.DAY: 1.0, Unit.HOUR: 1 / 24, Unit.MONTH: 28.0}
_MOST = {Unit.WORKDAY: 2.0, Unit.DAY: 1.0, Unit.HOUR: 1 / 24, Unit.MONTH: 31.0}
_LONGEST_HOLIDAY = 10


def is_longer(promised: Limit, statutory: Limit) -> bool:
    """
    Tell whether a promise breaks the law's limit (LAW-26): always decided in one unit; between units only when
    the promise is certainly longer, whatever the calendar.
    """
    if promised.unit == statutory.unit:
        return promised.number > statutory.number
    roll = 0 if statutory.unit == Unit.HOUR else _LONGEST_HOLIDAY
    return promised.number * _FEWEST[promised.unit] > statutory.number * _MOST[statutory.unit] + roll


def working_days_in(limit: Limit) -> int:
    """Return the working days a flow may take under `limit`; an upper bound for limits not in working days."""
    match limit.unit:
        case Unit.WORKDAY | Unit.DAY:
            return limit.number
        case Unit.HOUR:
            return -(-limit.number // 24)
        case Unit.MONTH:
            return limit.number * 23


# Flows


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


def flow_faults(steps: Sequence[Step]) -> list[str]:
    """Return a sentence for each fault: order, and steps without post, authority or limit (S1-23, ITEM-18)."""
    return [*_step_faults(steps), *_order_faults(steps)]


def _step_faults(steps: Sequence[Step]) -> list[str]:
    faults = []
    for number, step in enumerate(steps, 1):
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
        if missing:
            values = {"number": number, "name": step.name or step.key, "missing": listed(missing)}
            faults.append(_("第 %(number)d 步“%(name)s”还没写%(missing)s。") % values)
    return faults


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
    before: dict[str, set[str]] = {}
    by_key = {step.key: step for step in steps}
    for key in _sorter(steps).static_order():
        before[key] = set(by_key[key].after).union(*(before[name] for name in by_key[key].after))
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


# Publishing


@dataclass(frozen=True)
class Edition:
    """What the publishing check looks at. has_fee and material_count are None when nobody has stated them."""

    name: str
    needs_legal_basis: bool
    legal_basis: str
    accept_condition: str
    procedure: str
    material_count: int | None
    is_immediate: bool
    statutory: Limit | None
    promised: Limit | None
    has_fee: bool | None
    fee_note: str
    fee_basis: str
    steps: tuple[Step, ...]


def fee_fault(has_fee: bool, fee_basis: str) -> str:
    """Return why the fee cannot stand, or "": no fee without a law or regulation (LAW-21)."""
    if has_fee and not fee_basis.strip():
        return _("收费要有法律或行政法规作依据（行政许可法第五十八条）。请写上依据，没有依据就选不收费。")
    return ""


def limit_fault(promised: Limit | None, statutory: Limit | None) -> str:
    """Return why the promise cannot stand, or "": it may be shorter than the law's limit, never longer (LAW-26)."""
    if promised and statutory and is_longer(promised, statutory):
        return _("承诺时限比法定时限还长，只能一样或更短（优化营商环境条例第三十六条）。")
    return ""


def missing_openings(edition: Edition) -> list[str]:
    """Return a sentence for each of the five openings (五公开) a citizen could not read from the guide (S1-4)."""
    openings: Mapping[str, object] = {
        _("服务内容还没写：请写事项名称和受理条件。"): edition.name.strip() and edition.accept_condition.strip(),
        _("办事程序还没写：请写办理流程，或者画出步骤。"): edition.procedure.strip() or edition.steps,
        _("申报材料还没写：请列出材料；不用带材料的，请选“不用交材料”。"): edition.material_count is not None,
        _("办理时限还没写：请写承诺几个工作日，或者选即办件。"): edition.promised or edition.is_immediate,
        _("收费还没写：请选收不收费；收费的写上标准。"): edition.has_fee is False
        or (edition.has_fee and edition.fee_note.strip()),
    }
    return [sentence for sentence, is_there in openings.items() if not is_there]


def publish_faults(edition: Edition) -> list[str]:
    """Return everything that keeps an edition from being published, a sentence each; empty means it may be."""
    faults = missing_openings(edition)
    if edition.needs_legal_basis and not edition.legal_basis.strip():
        faults.append(_("设定依据还没写：没有依据的权力不能公布（优化营商环境条例第三十九条）。"))
    faults += filter(
        None,
        (
            fee_fault(bool(edition.has_fee), edition.fee_basis),
            limit_fault(edition.promised, edition.statutory),
        ),
    )
    if not edition.steps:
        faults.append(_("还没有步骤：至少要有一步，写明岗位、权限和时限。"))
    flow = flow_faults(edition.steps)
    faults += flow
    if flow or not edition.steps:
        return faults
    faults += decision_faults(edition.steps)
    allowed = working_days_in(edition.promised) if edition.promised else 0
    kinds = {step.kind for step in edition.steps}
    takes = longest_path(edition.steps, kinds - OFF_THE_CLOCK)
    if (edition.promised or edition.is_immediate) and takes > allowed:
        faults.append(
            _("步骤加起来最长要 %(takes)d 个工作日，承诺只有 %(allowed)d 个，请缩短步骤或改承诺。")
            % {"takes": takes, "allowed": allowed}
        )
    delivery = longest_path(edition.steps, AFTER_DECISION)
    if delivery > DELIVERY_DAYS:
        faults.append(
            _("制证和送达加起来要 %(takes)d 个工作日，最多 %(allowed)d 个（行政许可法第四十四条）。")
            % {"takes": delivery, "allowed": DELIVERY_DAYS}
        )
    return faults
