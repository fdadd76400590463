"""What keeps an edition from being published (S1-4, LAW-21, LAW-26)."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from yimen.catalog.rules.flows import (
    AFTER_DECISION,
    DELIVERY_DAYS,
    OFF_THE_CLOCK,
    Step,
    decision_faults,
    flow_faults,
    longest_path,
)
from yimen.catalog.rules.limits import is_longer, working_days_in
from yimen.lib.workdays import Limit


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


@dataclass(frozen=True)
class AskedMaterial:
    """A material somebody is asked for. is_shared: the office looks it up itself, nobody has to bring it."""

    name: str
    legal_basis: str
    is_shared: bool = False


@dataclass(frozen=True)
class Sharing:
    """A paper the administration can look up itself. names: every way lists write it; holder: who has it."""

    names: tuple[str, ...]
    holder: str


_ASIDE = re.compile(r"[（(\[【][^）)\]】]*[）)\]】]|[《》“”\"\s]")
_SUFFIX = re.compile(r"(原件及复印件|原件和复印件|原件|复印件|复印本|扫描件|正副本|副本|正本|及|和)+$")


def plain_name(name: str) -> str:
    """Return a material's name without brackets, quotes and 原件/复印件/副本, so that two ways of writing it meet."""
    # Taking something out may bring together what is written as one character.
    while (bare := _ASIDE.sub("", unicodedata.normalize("NFKC", name)).lower()) != name:
        name = bare
    return _SUFFIX.sub("", bare) or bare


def obtainable_from(name: str, shared: Iterable[Sharing]) -> str:
    """Return who already has the paper `name`, or "" when nobody does (LAW-22)."""
    wanted = plain_name(name)
    return next((one.holder for one in shared if wanted in {plain_name(alias) for alias in one.names}), "")


def material_faults(materials: Iterable[AskedMaterial], shared: Sequence[Sharing]) -> list[str]:
    """Return a sentence for each material that nobody may be asked for: no basis, or to be had by sharing (LAW-22)."""
    faults = []
    for material in materials:
        if not material.legal_basis.strip():
            faults.append(_("材料“%(name)s”还没写依据：没有依据的材料不能要。") % {"name": material.name})
        if not material.is_shared and (holder := obtainable_from(material.name, shared)):
            faults.append(
                _("材料“%(name)s”能从%(holder)s查到，不能再要群众带；请把来源改成数据共享。")
                % {"name": material.name, "holder": holder}
            )
    return faults


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
