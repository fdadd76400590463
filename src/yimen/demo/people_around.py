"""People around cases: priority asked and granted, a helper, guidance, a team, an expert, a recusal."""

from __future__ import annotations

from datetime import datetime, timedelta

from yimen.cases import actions as cases
from yimen.cases.models import Case
from yimen.demo import centre
from yimen.people.models import Staff

GUIDED = ("满面馆（演示）", "老街茶馆（演示）", "南门小吃（演示）")


def begin(now: datetime) -> None:
    """Use cases that are open by now; call it after those were made."""
    region, at = centre.REGION[0], now - timedelta(minutes=30)
    staff = {one.user.username: one for one in Staff.objects.filter(region=region).select_related("user")}
    leader, clerk, guide = staff["leader"], staff["clerk2"], staff["guide"]
    found = list(
        Case.objects.filter(region=region, status=Case.Status.ACCEPTED, accepted_at__lt=at)
        .select_related("item", "center", "department")
        .order_by("-received_at")[:2]
    )
    fields = ["消防", "排烟", "餐饮"]
    expert = cases.add_expert("鲁工（演示）", "云州设计院（演示）", fields, by=leader, at=at, is_demo=True)
    if len(found) < 2:
        return
    first, second = found
    for n, who in enumerate(GUIDED):
        day = at - timedelta(days=20 * n + 8)
        advice = "生熟要分两个水池，先改好再来申请。"
        cases.note_guidance(first.item, who, advice, center=first.center, by=guide, at=day, is_on_site=n == 0)
    grant = cases.ask_priority("project", "project", case_id=first.pk, by=clerk, at=at)
    cases.answer_priority(grant.pk, is_granted=True, answer="县重点项目。", by=leader, at=at)
    cases.ask_priority("urgent", "exam", case_id=second.pk, by=clerk, at=at)
    cases.start_agent(first.pk, "helper", staff=guide, consent="当面签了代办单", by=clerk, at=at)
    cases.note_agent_act(first.pk, "form", by=clerk, at=at)
    members = [(clerk, "收件"), (guide, "跑手续")]
    cases.form_team("重点项目专班（演示）", members, case_id=first.pk, by=leader, at=at)
    asked = cases.ask_expert(first.pk, expert.pk, "排烟管离窗户要几米？", by=leader, at=at)
    cases.note_advice(asked.pk, "按规范不少于二十米。", by=leader, at=at)
    cases.ask_recusal(second.pk, clerk, "申请人是他的邻居（演示）。", asker="applicant", by=clerk, at=at)
