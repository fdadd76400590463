"""
A round of reform and what came of it: an item cut from 15 days to 3, months of cases before and after, what people
were refused for, rules of the house in editions, and who is due for the old-age allowance.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.timezone import localdate

from yimen.cases import actions as cases
from yimen.cases import bulk, proactive
from yimen.cases.actions import Handed
from yimen.cases.models import Case
from yimen.catalog import actions as catalog
from yimen.catalog import queries
from yimen.catalog.actions import StepDraft, reform
from yimen.catalog.models import ItemVersion, ServiceItem
from yimen.centre import actions as rulebook
from yimen.demo import centre
from yimen.demo.over import hand_over
from yimen.ledger.actions import SYSTEM
from yimen.lib.workdays import add_months
from yimen.people import actions as people
from yimen.people.models import Applicant, Department, ServiceCenter, Staff

HYGIENE, DISCLOSURE, ALLOWANCE, AID = "公共场所卫生许可（新办）", "政府信息公开申请", "高龄津贴申领", "法律援助申请"
AFTER = timedelta(days=30)
# Working days from acceptance to the decision, before and after the round.
TIMES = {DISCLOSURE: ((7, 9), (3, 6)), AID: ((2, 2), (1, 2))}


def build(
    center: ServiceCenter,
    organs: Mapping[str, Department],
    staff: Mapping[str, Staff],
    versions: Sequence[ItemVersion],
    at: datetime,
) -> None:
    """Live through sixty days from `at`, the round of reform in their middle."""
    chance = random.Random("reform")
    items = {version.name: version.item for version in versions}
    folk = [_person(center, chance, n, at) for n in range(14)]
    _past(items, folk, center, staff, chance, at + timedelta(days=1), 0)
    _round(items, organs, staff, at + AFTER)
    _past(items, folk, center, staff, chance, at + AFTER + timedelta(hours=1), 1)
    _failed(items, folk, center, staff, at + AFTER + timedelta(days=9))
    _rules(organs, staff, at)
    allowance = ServiceItem.objects.select_related("published", "department").get(pk=items[ALLOWANCE].pk)
    proactive.find_due(allowance, by=SYSTEM, at=at + 2 * AFTER)


def _person(center: ServiceCenter, chance: random.Random, n: int, at: datetime) -> Applicant:
    """The first three turn 80 about now."""
    from yimen.demo.life import invented_id

    turning = add_months(date(localdate(at).year - 80, 1, 1), localdate(at + 2 * AFTER).month - 1)
    born = turning + timedelta(days=3 + 7 * n) if n < 3 else date(1955, 1, 1) + timedelta(days=chance.randrange(15_000))
    return people.register_applicant(
        region=center.region,
        kind=Applicant.Kind.PERSON,
        name=f"{chance.choice(centre.SURNAMES)}{chance.choice(centre.GIVEN)}（演示）",
        id_number=invented_id(born),
        phone=f"1390001{n:04d}",
        by=SYSTEM,
        at=at,
        is_demo=True,
    )


def _past(
    items: Mapping[str, ServiceItem],
    folk: Sequence[Applicant],
    center: ServiceCenter,
    staff: Mapping[str, Staff],
    chance: random.Random,
    begins: datetime,
    period: int,
) -> None:
    """Cases received over nine days and decided within the period."""
    calendar = queries.work_calendar()
    rows = []
    for name, times in TIMES.items():
        version = _published(items[name])
        for n in range(24):
            received = begins + timedelta(hours=9 * n)
            accepted = received + timedelta(minutes=20)
            took = chance.randint(*times[period])
            last = calendar.due(localdate(accepted), took).on
            completed = accepted + timedelta(days=(last - localdate(accepted)).days, hours=1)
            rows.append(
                bulk.PastCase(
                    version,
                    chance.choice(folk[3:]),
                    received,
                    accepted,
                    completed,
                    completed + timedelta(hours=2),
                    clerk=staff["clerk2"],
                    decided_by=staff["leader"],
                    reviewed_by=staff[f"approver-{_code(name)}"],
                )
            )
    bulk.load(rows, center=center, by=SYSTEM)


def _published(item: ServiceItem) -> ItemVersion:
    found = ItemVersion.objects.select_related("item__department", "item__region")
    return found.get(item=item, state=ItemVersion.State.PUBLISHED)


def _code(name: str) -> str:
    return next(item.organ for item in centre.ITEMS if item.name == name)


def _round(
    items: Mapping[str, ServiceItem], organs: Mapping[str, Department], staff: Mapping[str, Staff], at: datetime
) -> None:
    """Three items get shorter, simpler editions; one of them then waits as a draft made of two."""
    editor, publisher = staff["editor"], staff["publisher"]
    opened = reform.open_round(
        items[HYGIENE].region,
        f"{localdate(at).year} 年流程再造",
        begun_on=localdate(at),
        note="只减不加：能查到的不让带，能并的步骤并起来，承诺往实际办得到的天数压。",
        by=editor,
        at=at,
    )
    hygiene = next(item for item in centre.ITEMS if item.name == HYGIENE)
    disclosure = next(item for item in centre.ITEMS if item.name == DISCLOSURE)
    editions: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        (
            HYGIENE,
            {
                "promised_limit": 3,
                "plain_text": "开理发店、宾馆、浴室要办。第一天收材料，第二天上门看，第三天下午出证，不收费。",
                "procedure": "到任意综合窗口交材料，齐了当场受理，受理后 3 个工作日内给结果。",
            },
            {
                "steps": _one_look(centre.flow(replace(hygiene, promised=3), dict(organs))),
                "materials": [one for one in hygiene.materials if one.name != "公共场所卫生许可申请书"],
            },
        ),
        (
            DISCLOSURE,
            {"promised_limit": 10},
            {"materials": [replace(disclosure.materials[1], note="窗口可以代填，签个字就行")]},
        ),
        (ALLOWANCE, {"due_rule": {"kind": "age", "years": 80}}, {}),
    ]
    for name, fields, lists in editions:
        draft = catalog.save_draft(items[name], fields, by=editor, at=at, **lists)
        reform.put_in_round(opened, draft, by=editor, at=at)
        catalog.publish(draft, by=publisher, at=at + timedelta(minutes=1))
    reform.merge(items[HYGIENE], items["食品经营许可（新办）"], by=editor, at=at + timedelta(days=20))


def _one_look(steps: Sequence[StepDraft]) -> list[StepDraft]:
    """Whoever visits the place looks at the papers there: no review of its own before."""
    kept = [step for step in steps if step.key != "review"]
    return [replace(step, after=("accept",), limit_days=2) if step.key == "visit" else step for step in kept]


def _failed(
    items: Mapping[str, ServiceItem],
    folk: Sequence[Applicant],
    center: ServiceCenter,
    staff: Mapping[str, Staff],
    at: datetime,
) -> None:
    """What goes wrong: papers left at home, the wrong office, a refusal."""
    clerk = staff["clerk2"]

    def receive(name: str, n: int, missing: int = -1) -> Any:
        version = _published(items[name])
        materials = list(version.materials.all())
        handed = {one.pk: Handed("missing" if place == missing else "complete") for place, one in enumerate(materials)}
        return cases.receive(version, folk[n % len(folk)], center=center, materials=handed, by=clerk, at=at), materials

    for n in range(5):
        case, materials = receive(AID, n + 3, missing=2 if n < 4 else 0)
        noted = {one.pk: Handed("complete") for one in materials}
        cases.note_materials(case.pk, noted, by=clerk, at=at + timedelta(hours=1))
        cases.accept(case.pk, by=clerk, at=at + timedelta(hours=1))
        _done(case, staff, at + timedelta(hours=3))
    declined = (
        ("这件事归户口所在地的司法局办理。", {"ground": "not_ours", "right_organ": "户口所在地的司法局"}),
        ("案件已经重复申请，上一次还在办。", {"ground": "not_needed"}),
    )
    for n, (reasons, ground) in enumerate(declined):
        case, _materials = receive(AID, n + 9)
        cases.decline(case.pk, reasons=reasons, **ground, by=clerk, at=at + timedelta(minutes=10))
    case, _materials = receive(DISCLOSURE, 11)
    cases.accept(case.pk, by=clerk, at=at + timedelta(minutes=5))
    later, approver = at + timedelta(days=2), staff["approver-dzb"]
    for task in case.tasks.filter(done_at=None, kind="review"):
        cases.complete_task(task.pk, outcome="rejected", opinion="写的内容分不清要哪份文件。", by=approver, at=later)
    why = "申请内容不明确，补正后仍不符合条件。"
    cases.decide(case.pk, outcome="refused", reasons=why, by=staff["leader"], at=later)
    cases.deliver(case.pk, how="post", by=clerk, at=later + timedelta(hours=2))


def _done(case: Case, staff: Mapping[str, Staff], at: datetime) -> None:
    """Looked at, granted and handed over, in time."""
    for task in case.tasks.filter(done_at=None, kind="review"):
        by = staff[f"approver-{case.department.code}"]
        cases.complete_task(task.pk, outcome="passed", opinion="符合援助条件。", by=by, at=at)
    cases.decide(case.pk, outcome="granted", by=staff["leader"], at=at + timedelta(hours=1))
    hand_over(case.pk, by=staff["clerk3"], at=at + timedelta(hours=2))


_PROMISE = """一、您来办事，第一个接待您的人负责到底，不让您自己找下一个窗口。
二、缺什么材料，一次全部告诉您，写在纸上。
三、材料齐全，当场受理；承诺的日子写在受理通知书上。
四、{days}
五、没做到的，请拨 12345，三个工作日内答复您。"""


def _rules(organs: Mapping[str, Department], staff: Mapping[str, Staff], at: datetime) -> None:
    """Rules of the house: one in two editions and public, two in force, a draft."""
    office, writer, leader = organs["dzb"], staff["manager"], staff["leader"]
    first, later = localdate(at), localdate(at + AFTER)
    shelf = (
        ("QHZW-CN-01", "政务服务承诺", "promise", _PROMISE.format(days="超过承诺日期的，主动打电话向您说明。"), True),
        ("QHZW-ZD-01", "首问负责制", "rule", "第一条 谁先接待，谁负责到底。\n第二条 不属于本岗位的，当面交接。", True),
        (
            "QHZW-ZD-02",
            "窗口考勤和顶岗制度",
            "rule",
            "第一条 窗口不能空岗，离开前要有人顶岗。\n第二条 请假提前一天报大厅管理岗。",
            False,
        ),
        (
            "QHZW-GC-01",
            "现场核查工作规程",
            "procedure",
            "第一条 两人以上，出示证件。\n第二条 当场写明看到了什么。",
            False,
        ),
    )
    for number, title, kind, text, is_public in shelf:
        edition = rulebook.open_document(
            office.region, office, number=number, title=title, kind=kind, text=text,
            effective_on=first, is_public=is_public, by=writer, at=at,
        )  # fmt: skip
        if kind != "procedure":
            rulebook.approve(edition.document, 1, by=leader, at=at)
        if kind == "promise":
            text = _PROMISE.format(days="超过承诺日期的，主动打电话向您说明，并当面道歉。")
            rulebook.save_edition(
                edition.document, text=text, change="超期的要当面道歉", effective_on=later, by=writer, at=at + AFTER
            )
            rulebook.approve(edition.document, 2, by=leader, at=at + AFTER)
