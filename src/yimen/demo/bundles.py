"""The demo's 一件事 (opening a farm) with one application on its way, and two batches: one done, one planned."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.utils.timezone import get_current_timezone, localdate
from stdnum.cn import ric

from yimen.cases import actions as cases
from yimen.cases.actions import Handed, batches
from yimen.cases.actions.batches import Listed
from yimen.cases.actions.bundles import go_on, receive_bundle
from yimen.cases.models import Case
from yimen.catalog import queries as catalog
from yimen.catalog.actions.bundles import BundleLine, publish_bundle, save_bundle
from yimen.catalog.models import ItemVersion
from yimen.catalog.queries import bundles as queries
from yimen.catalog.rules import bundles as rules
from yimen.demo import scenario
from yimen.demo.over import hand_over
from yimen.demo.results import _Office
from yimen.ledger.actions import SYSTEM

LICENCE, LAND, EIA, FARM, SIGNBOARD, JOBLESS = "00202", "00102", "01401", "01301", "00601", "00402"
PEOPLE = (
    ("归来（演示）", date(1979, 9, 1)),
    ("再启（演示）", date(1983, 9, 2)),
    ("同行（演示）", date(1988, 9, 3)),
    ("安稳（演示）", date(1992, 9, 4)),
)


def begin(now: datetime) -> None:
    """Make them on the working days before `now`."""
    calendar, today, office = catalog.work_calendar(), localdate(now), _Office()
    days = [day for back in range(20, 0, -1) if calendar.is_workday(day := today - timedelta(days=back))][-3:]
    _farm(office, _local(days[0], 9, 5))
    _batches(office, days, today)


def _farm(office: _Office, at: datetime) -> None:
    """Licence, land, then the environment's form and the permit side by side: each takes the results before it."""
    codes = {"licence": LICENCE, "land": LAND, "eia": EIA, "farm": FARM, "sign": SIGNBOARD}
    versions = {key: office.version(code) for key, code in codes.items()}
    bundle = save_bundle(
        lead=versions["farm"].item.department,
        code="farm",
        name="养殖场开办准营",
        everyday_names=("开养殖场", "办猪场"),
        plain_text="想办养殖场，从领执照到能开张，一张表、一次材料。执照、用地备案、环评备案、防疫合格证一路办下去，前一项的结果直接给后一项用，不用您来回跑。",
        promised_limit=14,
        lines=[
            BundleLine("licence", versions["licence"].item_id, feeds=_feeds(versions, "营业执照"), note="当场拿证"),
            BundleLine(
                "land", versions["land"].item_id, ("licence",), _feeds(versions, "用地备案表"), note="3 个工作日"
            ),
            BundleLine("eia", versions["eia"].item_id, after=("land",), note="当场拿回执"),
            BundleLine("farm", versions["farm"].item_id, after=("land",), note="两个人上门看一次"),
            BundleLine("sign", versions["sign"].item_id, after=("licence",), is_optional=True, note="要挂招牌才办"),
        ],
        is_demo=True,
        by=SYSTEM,
        at=at,
    )
    publish_bundle(bundle.pk, by=SYSTEM, at=at)
    answers = {key: scenario.answers(version) for key, version in versions.items()}
    offered = queries.offered_bundle(bundle.region_id, bundle.code)
    assert offered is not None
    lines = rules.to_bring([one.part for one in queries.offers(offered, (), answers)])
    made = receive_bundle(
        bundle,
        office.applicant("丰年（演示）", date(1985, 9, 9), at),
        center=office.center,
        answers=answers,
        materials={line.key: Handed("complete", form="original") for line in lines},
        by=office.clerk,
        at=at,
    )
    first = made.cases.get()
    _grant(office, first.pk, at + timedelta(minutes=10))
    go_on(made.pk, at=at + timedelta(minutes=25))


def _feeds(versions: dict[str, ItemVersion], paper: str) -> dict[str, str]:
    """Which line of which item this paper is."""
    return {
        key: str(material.position)
        for key, version in versions.items()
        if (material := version.materials.filter(name=paper).first())
    }


def _grant(office: _Office, pk: UUID, at: datetime) -> None:
    case = cases.accept(pk, by=office.clerk, at=at)
    cases.decide(case.pk, outcome="granted", by=office.clerk, at=at + timedelta(minutes=10))


def _batches(office: _Office, days: list[date], today: date) -> None:
    version = office.version(JOBLESS)
    at = _local(days[1], 9)
    fields: dict[str, Any] = {
        "center": office.center,
        "units": ["县人社局", "县总工会", "镇便民服务中心"],
        "checklist": ["空白登记表 10 份", "移动打印机 1 台", "提前一天打电话告知带身份证"],
        "by": office.clerk,
    }
    done = batches.plan_batch(
        version, name="纺织厂职工集中失业登记（演示）", on=days[2], place="纺织厂礼堂（演示）", at=at, **fields
    )
    for line in range(3):
        batches.tick(done.pk, line, by=office.clerk, at=at + timedelta(hours=1))
    people = [Listed(row, name, _number(born), f"138{born:%Y%m%d}") for row, (name, born) in enumerate(PEOPLE, 2)]
    batches.put_list(done.pk, people, by=office.clerk, at=at + timedelta(hours=2))
    _receive(office, done.pk, version, _local(days[2], 9, 30))
    batches.plan_batch(
        version,
        name="返乡务工人员集中失业登记（演示）",
        on=today + timedelta(days=7),
        place="青禾镇便民服务中心（演示）",
        at=_local(days[2], 15),
        **fields,
    )


def _receive(office: _Office, pk: UUID, version: ItemVersion, at: datetime) -> None:
    chosen = scenario.answers(version)
    materials = {one.pk: Handed("complete") for one in scenario.applying_materials(version, chosen)}
    batches.receive_batch(pk, materials=materials, chosen=chosen, by=office.clerk, at=at)
    for case in Case.objects.filter(batch=pk).order_by("query_no"):
        _grant(office, case.pk, at + timedelta(minutes=5))
        hand_over(case.pk, by=office.clerk, at=at + timedelta(minutes=20))


def _number(born: date) -> str:
    number = f"500101{born:%Y%m%d}000"
    return number + ric.calc_check_digit(number + "0")


def _local(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), get_current_timezone())
