"""One basic code, one standard (S2-12, ITEM-17): an implementation held against its entry in the basic catalogue."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from yimen.catalog.rules.limits import is_longer
from yimen.catalog.rules.publishing import plain_name
from yimen.lib.text import listed
from yimen.lib.workdays import Limit


@dataclass(frozen=True)
class Asked:
    """A material by name, and how needed it is ("required", "optional", "gap_allowed")."""

    name: str
    necessity: str


@dataclass(frozen=True)
class Standard:
    """
    What is laid down for, or said by, an item. materials: empty in an entry of the basic catalogue when none were laid
    down; then every implementation has its own.
    """

    name: str
    item_type: str
    statutory: Limit | None
    materials: tuple[Asked, ...] = ()


@dataclass(frozen=True)
class Deviation:
    """One difference. blocks: it keeps the edition from being published; otherwise it is only shown."""

    part: str
    sentence: str
    blocks: bool


def deviations(basic: Standard, said: Standard, *, is_handling_item: bool = False) -> list[Deviation]:
    """
    Return where `said` differs from the standard of its basic code.

    A handling item is one situation of the item: its name is its own, and it may ask for fewer materials.
    """
    found = []
    if said.name != basic.name and not is_handling_item:
        words = {"said": said.name, "basic": basic.name}
        found.append(Deviation("name", _("名称是“%(said)s”，基本目录里是“%(basic)s”，要一样。") % words, True))
    if said.item_type != basic.item_type:
        found.append(Deviation("item_type", _("事项类型和基本目录里的不一样。"), True))
    found += _limit(basic.statutory, said.statutory)
    if basic.materials:
        found += _materials(basic.materials, said.materials, is_handling_item)
    return found


def _limit(basic: Limit | None, said: Limit | None) -> list[Deviation]:
    if basic is None or said == basic:
        return []
    if said is None:
        return [Deviation("statutory", _("法定办结时限没有写，基本目录里有。"), True)]
    if is_longer(said, basic):
        return [Deviation("statutory", _("法定办结时限比基本目录里的长。"), True)]
    return [Deviation("statutory", _("法定办结时限和基本目录里的不一样。"), False)]


def _materials(basic: Sequence[Asked], said: Sequence[Asked], is_handling_item: bool) -> list[Deviation]:
    laid_down = {plain_name(row.name): row for row in basic}
    asked = {plain_name(row.name): row for row in said}
    found = []
    if more := [row.name for key, row in asked.items() if key not in laid_down]:
        found.append(Deviation("materials", _("多要了标准以外的材料：%(names)s。") % {"names": listed(more)}, True))
    missing = [row.name for key, row in laid_down.items() if key not in asked]
    if missing and not is_handling_item:
        found.append(
            Deviation("materials", _("标准里有、这里没有的材料：%(names)s。") % {"names": listed(missing)}, True)
        )
    other = [row.name for key, row in asked.items() if key in laid_down and row.necessity != laid_down[key].necessity]
    if other:
        found.append(
            Deviation("materials", _("要不要带和标准说的不一样：%(names)s。") % {"names": listed(other)}, True)
        )
    if twice := [name for name, count in Counter(row.name for row in said).items() if count > 1]:
        found.append(Deviation("materials", _("同一样材料列了两次：%(names)s。") % {"names": listed(twice)}, False))
    return found
