"""
Cards and walk-throughs of the demo: a card that waits, one answered, one appealed, one closed, a rule of the place's
own, a round in which the leader has done one of his two errands. All of it invented.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.utils.timezone import get_current_timezone, localdate

from yimen.cases.models import Case
from yimen.catalog import queries as catalog
from yimen.demo import centre
from yimen.ledger.actions import SYSTEM
from yimen.people.models import Staff
from yimen.supervision import actions, watching
from yimen.supervision.models import Card, Colour, Trigger


def begin(now: datetime) -> None:
    """Give the cards on the working days before `now`, over the cases that are there."""
    region, today, calendar = centre.REGION[0], localdate(now), catalog.work_calendar()
    staff = {one.user.username: one for one in Staff.objects.filter(region=region).select_related("user")}
    days = [day for back in range(12, 0, -1) if calendar.is_workday(day := today - timedelta(days=back))][-4:]
    watcher, clerk, leader = staff["supervisor"], staff["clerk1"], staff["leader"]
    actions.set_rule(
        region,
        trigger=Trigger.NEAR_LIMIT,
        colour=Colour.REMINDER,
        threshold={"days_left": 2, "percent": 80},
        effective_on=days[0],
        basis="青禾县行政审批电子监察办法（演示）",
        by=watcher,
        at=_local(days[0], 9),
    )
    cases = list(Case.objects.filter(region=region, status=Case.Status.ACCEPTED).order_by("received_at")[:4])
    facts = (
        "群众反映：窗口让他自己去对面打印店复印，多等了半小时。",
        "受理后两天没有把材料转给审查岗，当事人来问才转。",
        "申请人说交过的照片又被要了一次，核对后属实。",
        "电话里答复的材料和清单上的不一样，群众多跑了一趟。",
    )
    cards: list[Card] = [
        actions.give_by_hand(
            case.pk,
            trigger=Trigger.OTHER,
            colour=Colour.RED if n == 2 else Colour.YELLOW,
            facts=said,
            handler=clerk.pk,
            by=watcher,
            at=_local(days[-2], 10, 5 * n),
        )
        for n, (case, said) in enumerate(zip(cases, facts, strict=False))
    ]
    said = {"text": "当天复印机坏了，没有讲清楚。", "correction": "复印机已经修好，窗口免费复印，并向当事人道了歉。"}
    for card in cards[1:2] + cards[3:4]:
        actions.answer(card.pk, **said, by=clerk, at=_local(days[-1], 11))
    if len(cards) > 2:
        text = "那张照片尺寸不合格，第一次就当面说过，有告知单。"
        actions.appeal(cards[2].pk, text=text, by=clerk, at=_local(days[-1], 14))
    if len(cards) > 3:
        actions.decide(cards[3].pk, act="closed", text="整改到位，予以办结。", by=watcher, at=_local(days[-1], 16))
    due = watching.running(region, watching.book_of(region), on=today)
    for batch in watching.batches(due):
        actions.give_cards(region, batch, by=SYSTEM, at=now)

    round_ = actions.begin_campaign(
        region, f"{today.year} 年换位体验", due_on=today + timedelta(days=20), by=watcher, at=_local(days[0], 9, 30)
    )
    for walk in round_:
        if walk.leader_id == leader.pk and walk.kind == walk.Kind.INQUIRY:
            actions.report_walk(
                walk.pk,
                done_on=days[-1],
                minutes=25,
                report="在综合窗口问开小店要办什么，窗口一次说清，还给了明白纸。",
                problems=["导办台没有老花镜", "二楼的指示牌被植物挡住了"],
                by=leader,
                at=_local(days[-1], 17),
            )


def _local(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), get_current_timezone())
