"""Applying on line: which items can be, how far an application has come, what another edition changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

ONLINE_CHANNEL = "网上办理"
# 网上办理深度 that only inform; every other word means that an application can be sent.
ONLY_ADVICE = frozenset({"", "互联网咨询"})

STEPS = ("questions", "forms", "materials", "check")


def is_online(channels: Collection[str], depth: str) -> bool:
    """Tell whether an item's list says that it can be applied for on line (办理形式, 网上办理深度)."""
    return ONLINE_CHANNEL in channels or depth.strip() not in ONLY_ADVICE


def other_ways(channels: Iterable[str]) -> list[str]:
    """Return the other ways an item can be applied for; nobody is forced on line (LAW-24)."""
    return [one for one in channels if one != ONLINE_CHANNEL] or ["窗口办理"]


@dataclass(frozen=True)
class Edition:
    """What an applicant is asked in one edition: materials by name with how needed, labels of questions and fields."""

    materials: Mapping[str, str]
    questions: Sequence[str]
    fields: Sequence[str]
    promise: str


def changes(old: Edition, new: Edition) -> list[str]:
    """Return a sentence for each thing another edition asks differently; [] when nothing that an applicant meets."""
    said = []
    for name in new.materials:
        if name not in old.materials:
            said.append(_("多了一样材料：%(name)s。") % {"name": name})
        elif new.materials[name] != old.materials[name]:
            said.append(_("“%(name)s”现在是%(now)s。") % {"name": name, "now": new.materials[name]})
    said += [_("不用再交：%(name)s。") % {"name": name} for name in old.materials if name not in new.materials]
    said += [_("多问一个问题：%(text)s") % {"text": text} for text in new.questions if text not in old.questions]
    said += [_("不再问：%(text)s") % {"text": text} for text in old.questions if text not in new.questions]
    said += [_("表里多了一栏：%(label)s。") % {"label": label} for label in new.fields if label not in old.fields]
    said += [_("表里少了一栏：%(label)s。") % {"label": label} for label in old.fields if label not in new.fields]
    if new.promise != old.promise:
        said.append(_("办理时限从%(old)s改成%(new)s。") % {"old": old.promise, "new": new.promise})
    return said
