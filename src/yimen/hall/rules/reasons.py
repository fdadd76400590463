"""Why a ticket was called when it was, in words for people: pure functions (S3-12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.hall.rules.calling import Why
from yimen.hall.rules.waiting import BUSY_PEOPLE

# Why a window calls a number out of turn. What is said besides stays with the ticket, never in the ledger.
CHOSEN = {
    "returned": gettext_lazy("补好材料回来了"),
    "unwell": gettext_lazy("身体不适，等不了"),
    "urgent": gettext_lazy("赶车、赶考等急事"),
    "guided": gettext_lazy("导办员陪着来的"),
    "wrong": gettext_lazy("排错了队"),
    "other": gettext_lazy("其他原因"),
}


def reason(pick: Mapping[str, Any] | None, *, care: str = "", is_granted: bool = False, is_booked: bool = False) -> str:
    """
    Return the sentence for Ticket.pick; empty when it was not called yet.

    care: the words of its special care; is_granted: a leader approved; is_booked: it is an appointment.
    """
    if not pick:
        return ""
    values = {"ratio": pick.get("ratio"), "cap": pick.get("cap"), "minutes": pick.get("minutes"), "care": care}
    match pick.get("why"):
        case Why.TIME:
            return _("等得最久，先来先叫。")
        case Why.PRIORITY:
            return _("优先：%(first)s。") % {"first": first(care=care, is_granted=is_granted, is_booked=is_booked)}
        case Why.TURN:
            return _("叫一位优先的，接着叫 %(ratio)s 位普通的，轮到他。") % values
        case Why.CAP:
            return _("优先的已经连着叫了 %(cap)s 位，轮到普通的。") % values
        case Why.AGED:
            return _("比优先的多等了 %(minutes)s 分钟以上，先叫他。") % values
        case Why.EARLY:
            return _("预约还没到点，正好没有别人在等。")
        case Why.MOVED:
            return _("别处转到这个窗口的，时间不变，等得最久。")
        case Why.BACK:
            return _("挂起过，回来接着办。") if pick.get("from") == "held" else _("过号后回来了，接着办。")
        case Why.VISIT:
            return _("同一次来，接着办下一件。")
        case Why.CHOSEN:
            word, note = str(CHOSEN.get(str(pick.get("reason")), "")), pick.get("note")
            if note:
                word = _("%(word)s（%(note)s）") % {"word": word, "note": note}
            return _("窗口先叫他：%(why)s。") % {"why": word}
    return ""


def first(*, care: str = "", is_granted: bool = False, is_booked: bool = False) -> str:
    """Return why somebody has priority, in a few words."""
    if is_granted:
        return _("负责人批准的优先")
    return care or (_("预约到点") if is_booked else _("优先号"))


def light(longest_minutes: int, wait_limit: int, waiting: int = 0) -> str:
    """
    Return the light of a queue: go, wait or stop, by how long the first one has waited against the hall's limit; many
    who have just come are never "go".
    """
    if longest_minutes >= wait_limit:
        return "stop"
    return "wait" if longest_minutes * 2 >= wait_limit or waiting >= BUSY_PEOPLE else "go"
