"""Trials around a case: agents, priority, teams, experts, supervision."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils.timezone import localdate

from yimen.faults.world import Wish, World, now


def _supervised(act: str) -> Callable[[World], Wish]:
    """A card given by hand, answered, appealed, decided upon; a rule set; leaders' walk-throughs."""

    def make(world: World) -> Wish:
        from yimen.supervision import actions
        from yimen.supervision.models import WalkThrough

        n = next(world._people)
        watcher, watching = world.new_staff("supervisor")
        named, answering = world.new_staff("clerk")
        leader, leading = world.new_staff("leader")
        stranger = world.session("surveyor")
        day = f"{localdate(now()) + timedelta(days=n):%Y-%m-%d}"
        if act == "rule":
            fields = {"trigger": "near_limit", "colour": "reminder", "days_left": "2"}
            fields |= {"effective_on": day, "basis": "演示"}
            return Wish(watching, "/workbench/supervision/rules", fields, stranger)
        if act == "begin":
            return Wish(watching, "/workbench/walks/begin", {"name": f"第 {n} 轮（演示）", "due_on": day}, stranger)
        if act == "walk":
            due_on = localdate(now()) + timedelta(days=30)
            actions.begin_campaign(world.seed.region, f"第 {n} 轮（演示）", due_on=due_on, by=watcher, at=now())
            walk = WalkThrough.objects.filter(leader=leader).latest("assigned_at")
            fields = {"done_on": str(localdate(now())), "minutes": "40", "report": "窗口说得很清楚。"}
            return Wish(leading, f"/workbench/walks/{walk.pk}", fields, stranger)
        case = world.case("accepted", "promised")
        if act == "give":
            fields = {"trigger": "other", "colour": "yellow", "card_facts": f"第 {n} 次让人多跑（演示）。"}
            return Wish(watching, f"/workbench/cases/{case.query_no}/card", fields, stranger)
        card = actions.give_by_hand(
            case.pk, trigger="other", colour="yellow", facts=f"第 {n} 次让人多跑（演示）。", handler=named.pk,
            by=watcher, at=now(),
        )  # fmt: skip
        path, session = f"/workbench/cards/{card.pk}/{act}", answering
        said = {"text": "说明没有讲清楚。", "correction": "当天上门补办。"}
        fields = {"appeal": "不是窗口的责任。"} if act == "appeal" else said
        if act == "decide":
            actions.answer(card.pk, **said, by=named, at=now())
            session, fields = watching, {"act": "closed", "reasons": "整改到位，予以办结。"}
        return Wish(session, path, fields, stranger)

    return make


def _around(act: str) -> Callable[[World], Wish]:
    """People around a case: what each act needs to be there before it."""

    def make(world: World) -> Wish:
        from yimen.cases import actions
        from yimen.people.models import ServiceCenter

        case, n = world.case("accepted", "promised"), next(world._people)
        clerk, approver, leader = world.staff("clerk"), world.staff("approver"), world.staff("leader")
        path, role = f"/workbench/cases/{case.query_no}/{act}", "clerk"
        fields: dict[str, Any] = {}
        match act:
            case "priority":
                fields = {"kind": "urgent", "reason": "exam"}
            case "priority/ticket":
                path, fields = f"/workbench/{act}", {"kind": "urgent", "reason": "exam", "label": world.ticket().label}
            case "priority/end":
                grant = actions.ask_priority("urgent", "exam", case_id=case.pk, by=clerk, at=now())
                actions.answer_priority(grant.pk, is_granted=True, by=leader, at=now())
                path = f"/workbench/cases/{case.query_no}/priority/{grant.pk}/end"
                role, fields = "leader", {"end_reason": "材料已经补齐，不急了。"}
            case "priority/answer":
                grant = actions.ask_priority("urgent", "exam", case_id=case.pk, by=clerk, at=now())
                path, role, fields = f"/workbench/priority/{grant.pk}", "leader", {"answered": "yes"}
            case "agent/new":
                fields = {"kind": "helper", "number": clerk.number, "consent": "当面签了代办单"}
            case "agent/act" | "agent/end":
                actions.start_agent(case.pk, "helper", staff=clerk, consent="当面签了代办单", by=clerk, at=now())
                fields = {"what": "form"} if act == "agent/act" else {}
            case "guidance/new":
                path = f"/workbench/{act}"
                fields = {"item": str(case.item_id), "who": f"小店 {n}", "advice": "先改好水池再来申请。"}
            case "guidance":
                center, case = ServiceCenter.objects.get(pk=world.seed.center), world.case("received", "promised")
                told = actions.note_guidance(
                    case.item, f"小店 {n}", "先改好水池再来申请。", center=center, by=clerk, at=now()
                )
                path, fields = f"/workbench/cases/{case.query_no}/{act}", {"guidance": str(told.pk)}
            case "team/new":
                role = "leader"
                fields = {"name": f"专班 {n}", "members": f"{clerk.number} 收件\n{approver.number} 审查"}
            case "team/change":
                members = [(clerk, "收件"), (approver, "审查")]
                team = actions.form_team(f"专班 {n}", members, case_id=case.pk, by=leader, at=now())
                path, role = f"/workbench/teams/{team.pk}", "leader"
                fields = {"what": "join", "number": leader.number, "duty": "牵头"}
            case "recusal/new":
                fields = {"asker": "applicant", "number": approver.number, "reason": "申请人是他的姐夫。"}
            case "recusal/answer":
                reason = "申请人是他的姐夫。"
                asked = actions.ask_recusal(case.pk, approver, reason, asker="applicant", by=clerk, at=now())
                path = f"/workbench/cases/{case.query_no}/recusal/{asked.pk}"
                role, fields = "leader", {"answered": "no"}
            case _other:
                path, role, fields = _expert(act, case, n, approver, leader)
        return Wish(world.session(role), path, fields, world.session("guide"))

    return make


def _expert(act: str, case: Any, n: int, approver: Any, leader: Any) -> tuple[str, str, dict[str, Any]]:
    """The path, the role and the fields for one act on the directory, or on a question to an expert."""
    from yimen.cases import actions

    if act == "experts/new":
        return f"/workbench/{act}", "leader", {"name": f"专家 {n}", "organisation": "设计院", "fields_known": "消防"}
    expert = actions.add_expert(f"专家 {n}", "设计院", ["消防"], by=leader, at=now())
    if act == "experts/retire":
        return f"/workbench/experts/{expert.pk}/retire", "leader", {}
    question = "排烟管要离窗户几米？"
    if act == "expert/new":
        fields = {"expert": str(expert.pk), "question": question}
        return f"/workbench/cases/{case.query_no}/{act}", "approver", fields
    asked = actions.ask_expert(case.pk, expert.pk, question, by=approver, at=now())
    return f"/workbench/cases/{case.query_no}/expert/{asked.pk}", "approver", {"advice": "不少于二十米。"}
