"""The history of a case as it is told, from the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.cases.models import AgentService, Case, Clock, Notice, PriorityGrant, Task
from yimen.cases.queries.people import AGENT_ACTS, agent_word, agents_of
from yimen.ledger.models import Event
from yimen.lib.dates import short_day
from yimen.lib.reading import Given, Question
from yimen.people.models import Department, Staff


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
    "case.delivered": (gettext_lazy("结果已送到"), Notice.Kind.DELIVERY),
    "case.visit_agreed": (gettext_lazy("约好了现场核查"), Notice.Kind.VISIT),
    "case.visit_put_off": (gettext_lazy("现场核查没有查成，要另约"), None),
    "case.visit_failed": (gettext_lazy("现场核查没有通过，整改后再查"), Notice.Kind.VISIT_RECORD),
    "case.hearing_right_told": (gettext_lazy("告知了听证的权利"), Notice.Kind.HEARING_RIGHT),
    "case.hearing_asked": (gettext_lazy("要求听证"), None),
    "case.hearing_waived": (gettext_lazy("不要求听证"), None),
    "case.hearing_called": (gettext_lazy("通知了听证的时间地点"), Notice.Kind.HEARING),
    "case.hearing_held": (gettext_lazy("听证已经举行"), None),
    "case.gap_promised": (gettext_lazy("有材料答应后补"), Notice.Kind.SUPPLEMENT),
    "case.gap_made_up": (gettext_lazy("后补的材料交来了"), None),
    "case.gap_overdue": (gettext_lazy("后补的材料过了期限还没交"), None),
    "case.committed": (gettext_lazy("签了告知承诺书"), Notice.Kind.COMMITMENT),
    "case.commitment_checked": (gettext_lazy("核查了承诺"), None),
    "case.sent_back": (gettext_lazy("退回重办一步"), None),
    "case.moved": (gettext_lazy("转给别的部门办"), Notice.Kind.TRANSFER),
    "case.move_received": (gettext_lazy("接件的部门签收了"), None),
    "case.move_returned": (gettext_lazy("办完退回来了"), None),
    "case.due_moved": (gettext_lazy("放假安排公布了，到期日重新算过"), None),
    "case.certificate_made": (gettext_lazy("证照做好了"), None),
    "case.renewal_asked": (gettext_lazy("申请延续证照"), None),
    "case.fee_issued": (gettext_lazy("开了缴费单"), Notice.Kind.FEE),
    "case.fee_paid": (gettext_lazy("费用缴好了"), None),
    "case.fee_waived": (gettext_lazy("费用减免了"), None),
    "case.fee_refunded": (gettext_lazy("费用退还了"), None),
    "case.fee_cancelled": (gettext_lazy("缴费单作废了"), None),
    "case.revoked": (gettext_lazy("决定被撤销"), Notice.Kind.REVOCATION),
    "case.barred": (gettext_lazy("记入不得再次申请"), None),
    "case.bar_lifted": (gettext_lazy("可以重新申请了"), None),
    "case.correction_told": (gettext_lazy("告诉了您还缺什么"), Notice.Kind.CORRECTION),
    "case.stop_opened": (gettext_lazy("时限停计，做特别程序"), Notice.Kind.STOP),
    "case.stop_closed": (gettext_lazy("特别程序结束，时限接着算"), None),
    "case.extended": (gettext_lazy("经批准延长了时限"), Notice.Kind.EXTENSION),
    "case.withdrawn": (gettext_lazy("申请撤回了"), Notice.Kind.WITHDRAWAL),
    "case.priority_granted": (gettext_lazy("经批准优先办理"), None),
    "case.priority_ended": (gettext_lazy("不再优先办理"), None),
    "case.agent_started": (gettext_lazy("有人代办这件"), None),
    "case.agent_acted": (gettext_lazy("代办了一步"), None),
    "case.agent_ended": (gettext_lazy("代办结束了"), None),
    "case.team_follows": (gettext_lazy("有专班全程跟着办"), None),
    "case.expert_asked": (gettext_lazy("请了专家"), None),
    "case.expert_advised": (gettext_lazy("专家给了意见"), None),
    "case.recusal_decided": (gettext_lazy("回避申请有结果了"), None),
}


# Acts that give a document only sometimes.
_MAY_GIVE = {"case.task_done": Notice.Kind.VISIT_RECORD, "case.hearing_held": Notice.Kind.HEARING}


def events_of(case: Case) -> list[Event]:
    """Return everything the ledger holds of a case, newest first."""
    return _EVENTS.ask(region=case.region_id, stream=case.stream)


# The chain's hashes are for who checks it.
_EVENTS = Question(
    lambda: (
        Event.objects.filter(region=Given("region"), stream=Given("stream")).defer("previous", "hash").order_by("-seq")
    )
)


def timeline(
    case: Case, *, events: Sequence[Event] | None = None, agents: Sequence[AgentService] | None = None
) -> list[TimelineRow]:
    """
    Return the case's history from the ledger, newest first, in a constant number of statements.

    events, agents: those of the case, when they are read already.
    """
    if events is None:
        events = events_of(case)
    given = list(case.notices.all())
    papers = {str(notice.pk): notice for notice in given}
    papers |= {notice.number: notice for notice in given}
    # Of several of a kind, each stands where it was given.
    of_moment = {(notice.kind, notice.issued_at): notice for notice in given}
    notices = {notice.kind: notice for notice in given}
    tasks = {task.step_key: task for task in case.tasks.all()}
    staff_ids = {event.actor.removeprefix("staff:") for event in events if event.actor.startswith("staff:")}
    posts = {
        str(person.pk): person for person in Staff.objects.filter(pk__in=staff_ids).select_related("post", "department")
    }
    places = _places(events)
    if agents is None:
        agents = agents_of(case)
    rows = []
    for event in events:
        if event.kind not in _TITLES or event.data.get("clock", Clock.Kind.PROMISED) != Clock.Kind.PROMISED:
            continue  # the citizen is promised one day; the other clocks move silently
        task = tasks.get(event.data.get("task", ""))
        _title, document = _TITLES[event.kind]
        document = document or _MAY_GIVE.get(event.kind)
        paper = papers.get(event.data.get("notice", "")) or (of_moment.get((document, event.at)) if document else None)
        if paper is None and document and event.kind not in _MAY_GIVE:
            paper = notices.get(document)
        rows.append(
            TimelineRow(
                at=event.at,
                kind=event.kind,
                title=_said(event, task),
                text=_detail(event, task, case, places),
                post=" · ".join(
                    filter(None, [_post(posts.get(event.actor.removeprefix("staff:"))), agent_word(agents, event)])
                ),
                notice=paper,
            )
        )
    return rows


def _said(event: Event, task: Task | None) -> str:
    match event.kind:
        case "case.task_done" if task is not None:
            return _("%(step)s办完了") % {"step": task.name}
        case "case.sent_back" if task is not None:
            return _("%(step)s退回重办") % {"step": task.name}
        case "case.accepted" if event.data.get("mode") == Case.AcceptMode.DEEMED:
            return _("到期没有答复，依法从收到材料那天起算受理")
        case "case.decided":
            granted = event.data.get("outcome") == Case.Outcome.GRANTED
            return _("办好了，同意您的申请") if granted else _("没有同意您的申请")
        case _:
            return str(_TITLES[event.kind][0])


def _places(events: Sequence[Event]) -> dict[str, str]:
    """The names of the departments a case went to and came from; asks only for a case that was handed on."""
    keys = {event.data.get(key, "") for event in events if event.kind.startswith("case.move") for key in ("from", "to")}
    keys.discard("")
    found = Department.objects.filter(pk__in=keys) if keys else ()
    return {str(department.pk): department.name for department in found}


def _detail(event: Event, task: Task | None, case: Case, places: dict[str, str]) -> str:
    match event.kind:
        case "case.gap_promised" | "case.gap_overdue":
            return _("说好最晚 %(day)s补交") % {"day": short_day(date.fromisoformat(event.data["due_on"]))}
        case "case.commitment_checked":
            return _("属实") if event.data["is_kept"] else _("与事实不符")
        case "case.moved":
            day = short_day(date.fromisoformat(event.data["due_on"]))
            return _("转到%(place)s，那边最晚 %(day)s办完") % {"place": places.get(event.data["to"], ""), "day": day}
        case "case.move_received" if place := places.get(event.data["to"]):
            return place
        case "case.move_returned" if place := places.get(event.data["from"]):
            return place
        case "case.accepted":
            due_on = date.fromisoformat(event.data["due_on"])
            return _("最晚 %(day)s出结果") % {"day": short_day(due_on)}
        case "case.agent_acted":
            return str(AGENT_ACTS.get(event.data["what"], ""))
        case "case.priority_granted":
            kind, reason = PriorityGrant.Kind(event.data["kind"]), PriorityGrant.Reason(event.data["reason"])
            return f"{kind.label} · {reason.label}"
        case "case.recusal_decided":
            return _("他不再办这件") if event.data["is_granted"] else _("不用回避")
        case "case.due_moved":
            return _moved(event.data)
        case "case.stop_opened" | "case.stop_closed" | "case.extended":
            found = (one for one in event.data.get("moved", ()) if one["clock"] == Clock.Kind.PROMISED)
            return next((_moved(one) for one in found if one["from"] != one["to"]), "")
        case "case.declined":
            return case.reasons  # the ledger cannot forget, so it holds only their SHA-256
        case "case.delivered":
            ways = {"window": _("窗口领取"), "post": _("邮寄"), "electronic": _("电子送达")}
            return str(ways.get(event.data.get("how", ""), ""))
        case _:
            return ""


def _moved(data: dict[str, Any]) -> str:
    days = {key: short_day(date.fromisoformat(data[key])) for key in ("from", "to")}
    return _("由 %(before)s改为 %(after)s") % {"before": days["from"], "after": days["to"]}


def _post(person: Staff | None) -> str:
    if person is None:
        return ""
    post = person.post.name if person.post else _("工作人员")
    return f"{person.department.name} · {post}"
