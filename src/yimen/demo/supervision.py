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
    for day in (*days[1:], today):
        at = now if day == today else _local(day, 8, 5)
        for batch in watching.batches(watching.running(region, watching.book_of(region), on=day)):
            actions.give_cards(region, batch, by=SYSTEM, at=at)
    _answers(region, watcher, _local(days[-1], 15))

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


def _answers(region: str, watcher: Staff, at: datetime) -> None:
    """Those whose step was late first have said why; what they put right is taken note of, but for the last one's."""
    late = Card.objects.filter(region=region, trigger=Trigger.STEP_OVERDUE, state=Card.State.OPEN, issued_at__lt=at)
    for n, card in enumerate(late.select_related("handler").order_by("issued_at", "number")[: len(_SAID)]):
        if card.handler is None:
            continue
        text, correction = _SAID[n]
        actions.answer(card.pk, text=text, correction=correction, by=card.handler, at=at + timedelta(minutes=5 * n))
        if n + 1 < len(_SAID) and watcher.pk not in card.named:
            done = at + timedelta(minutes=40 + 5 * n)
            actions.decide(card.pk, act="closed", text="说明属实，已经补办，予以办结。", by=watcher, at=done)


_SAID = (
    ("负责人外出学习，没有把件转给同事。", "已经定了 AB 岗，外出前先转件。"),
    ("申请人那两天不在本地，没有约上时间。", "已经改约，约不上的当天写明原因。"),
    ("手上的件太多，看漏了一件。", "每天早上先看“今天到期”，这一件正在补办。"),
)


def _local(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), get_current_timezone())
