"""The history of a case as it is told, from the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.cases.models import Case, Clock, Notice, Task
from yimen.ledger.models import Event
from yimen.lib.dates import short_day
from yimen.people.models import Staff


@dataclass(frozen=True)
class TimelineRow:
    """
    One thing that happened. post: who did it, by post only; a citizen never sees a name here (S1-6).

    notice: the document given with it, if any.
    """

    at: datetime
    kind: str
    title: str
    text: str
    post: str
    notice: Notice | None = None


_TITLES = {
    "case.received": (gettext_lazy("材料收下了"), Notice.Kind.RECEIPT),
    "case.materials_noted": (gettext_lazy("材料补齐了"), None),
    "case.accepted": (gettext_lazy("已经受理"), Notice.Kind.ACCEPTANCE),
    "case.declined": (gettext_lazy("没有受理"), Notice.Kind.DECLINE),
    "case.task_done": (gettext_lazy("办完一步"), None),
    "case.decided": (gettext_lazy("有结果了"), Notice.Kind.DECISION),
    "case.delivered": (gettext_lazy("结果已送到"), None),
    "case.due_moved": (gettext_lazy("放假安排公布了，到期日重新算过"), None),
}


def timeline(case: Case) -> list[TimelineRow]:
    """Return the case's history from the ledger, newest first, in a constant number of statements."""
    events = list(Event.objects.filter(region=case.region_id, stream=case.stream).order_by("-seq"))
    notices = {notice.kind: notice for notice in case.notices.all()}
    tasks = {task.step_key: task for task in case.tasks.all()}
    staff_ids = {event.actor.removeprefix("staff:") for event in events if event.actor.startswith("staff:")}
    posts = {
        str(person.pk): person for person in Staff.objects.filter(pk__in=staff_ids).select_related("post", "department")
    }
    rows = []
    for event in events:
        if event.kind not in _TITLES or event.data.get("clock", Clock.Kind.PROMISED) != Clock.Kind.PROMISED:
            continue  # the citizen is promised one day; the other clocks move silently
        task = tasks.get(event.data.get("task", ""))
        _title, document = _TITLES[event.kind]
        rows.append(
            TimelineRow(
                at=event.at,
                kind=event.kind,
                title=_said(event, task),
                text=_detail(event, task, case),
                post=_post(posts.get(event.actor.removeprefix("staff:"))),
                notice=notices.get(document) if document else None,
            )
        )
    return rows


def _said(event: Event, task: Task | None) -> str:
    match event.kind:
        case "case.task_done" if task is not None:
            return _("%(step)s办完了") % {"step": task.name}
        case "case.accepted" if event.data.get("mode") == Case.AcceptMode.DEEMED:
            return _("到期没有答复，依法从收到材料那天起算受理")
        case "case.decided":
            granted = event.data.get("outcome") == Case.Outcome.GRANTED
            return _("办好了，同意您的申请") if granted else _("没有同意您的申请")
        case _:
            return str(_TITLES[event.kind][0])


def _detail(event: Event, task: Task | None, case: Case) -> str:
    match event.kind:
        case "case.accepted":
            due_on = date.fromisoformat(event.data["due_on"])
            return _("最晚 %(day)s出结果") % {"day": short_day(due_on)}
        case "case.due_moved":
            days = {key: short_day(date.fromisoformat(event.data[key])) for key in ("from", "to")}
            return _("由 %(before)s改为 %(after)s") % {"before": days["from"], "after": days["to"]}
        case "case.declined":
            return case.reasons  # the ledger cannot forget, so it holds only their SHA-256
        case "case.delivered":
            ways = {"window": _("窗口领取"), "post": _("邮寄"), "electronic": _("电子送达")}
            return str(ways.get(event.data.get("how", ""), ""))
        case _:
            return ""


def _post(person: Staff | None) -> str:
    if person is None:
        return ""
    post = person.post.name if person.post else _("工作人员")
    return f"{person.department.name} · {post}"
