"""What the workbench shows from the first day: B posts, steps somebody took, kept words and lists."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from yimen.cases import actions, lists
from yimen.people import covers
from yimen.people.models import Staff

# Neighbours at the windows stand in for each other, and the approver of one organ for that of another.
PAIRS = (("clerk1", "clerk2"), ("clerk2", "clerk1"), ("clerk3", "clerk4"), ("approver-scjg", "clerk3"))
WORDS = (
    ("passed", "符合要求", "经审查，申请材料齐全，符合法定条件。"),
    ("passed", "现场合格", "经现场核查，场所和设施符合要求。"),
    ("rejected", "面积不够", "经营场所面积达不到规定的要求，请调整以后再提交。"),
    ("granted", "准予", "经审查，符合法定条件，准予许可。"),
    ("refused", "不符合条件", "经审查，申请不符合法定条件。您可以补齐条件以后再申请。"),
)


def build(staff: Mapping[str, Staff], at: datetime) -> None:
    """Set B posts, keep the words of one approver and two lists; nothing here needs a case."""
    leader = staff["leader"]
    for primary, stand_in in PAIRS:
        if primary in staff and stand_in in staff:
            covers.set_stand_in(staff[primary].pk, staff[stand_in].pk, by=leader, at=at)
    approver = staff["approver-scjg"]
    for act, title, text in WORDS:
        actions.save_opinion(act, title, text, by=approver, at=at)
    lists.save_filter("cases", "在办的件", {"status": "accepted"}, is_shared=True, by=approver, at=at)
    lists.save_filter("tasks", "今天要办完的", {"due": "today"}, is_shared=False, by=approver, at=at)
