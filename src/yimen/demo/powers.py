"""
The demo's power list (two editions, twelve batches between), delegations and entry into the hall. All of it invented.

begin() goes before the items are published: what is not in the list cannot be. build() goes after them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from yimen.catalog import actions as catalog
from yimen.catalog.actions import powers as actions
from yimen.catalog.actions.powers import BatchLine, PowerDraft
from yimen.catalog.models import CaseType, ItemType, ServiceItem
from yimen.demo import centre
from yimen.ledger.actions import SYSTEM
from yimen.lib.workdays import LOCAL_ZONE
from yimen.people import actions as people
from yimen.people import organisation
from yimen.people.models import Department, Post, Region, ServiceCenter, ServicePoint, Staff

EDITIONS = (date(2013, 1, 1), date(2015, 7, 1))
# How many powers there were, and at least how many there are.
BEFORE, AFTER = 186, 70
BATCHES = tuple(date(2013 + (2 + n * 2) // 12, (2 + n * 2) % 12 + 1, 10 + n) for n in range(12))
HALL_POST = "窗口综合受理岗"
# The demo is built as of 60 days ago: one letter is about to end on the day people look.
ENDS_AFTER = 80

_SUBJECTS = {
    "czj": ("会计从业资格", "财政票据领购", "代理记账机构", "政府采购代理机构", "国有资产处置", "非税收入减免"),
    "cgj": ("临时占道", "户外广告", "建筑垃圾运输", "城市绿地占用", "夜间施工", "流动摊点", "门头牌匾"),
    "scjg": ("计量器具检定", "特种设备使用", "广告经营", "商标印制", "动产抵押", "食品小作坊", "药品零售"),
    "sfj": ("基层法律服务所", "法律援助", "公证机构", "司法鉴定机构"),
    "mzj": ("社会团体", "民办非企业单位", "殡葬设施", "地名命名", "养老机构", "慈善募捐"),
    "rsj": ("劳务派遣", "民办培训学校", "特殊工时制度", "职业中介机构", "退休人员待遇", "失业保险待遇"),
    "wjj": ("公共场所卫生", "医疗机构执业", "生育服务", "饮用水卫生", "放射诊疗", "乡村医生执业"),
    "zrj": ("临时用地", "采矿权", "土地复垦", "测绘成果使用", "建设用地改变用途"),
    "zjj": ("商品房预售", "燃气经营", "施工图审查", "物业服务企业资质", "白蚁防治", "城镇排水", "房屋租赁"),
}
_KINDS = (
    ("%s许可", ItemType.LICENSE),
    ("%s监督检查", ItemType.INSPECTION),
    ("%s年检", ItemType.OTHER),
    ("%s备案核准", ItemType.OTHER),
)


def begin(
    region: Region,
    organs: Mapping[str, Department],
    staff: Mapping[str, Staff],
    needed: Sequence[PowerDraft],
    at: datetime,
) -> None:
    """
    Make both editions and the batches between them.

    needed: the powers the demo's items stand on; both editions have them, whatever their number.
    """
    editor, publisher = staff["editor"], staff["publisher"]
    cut = BEFORE - AFTER
    keep = max(AFTER - len(needed), 0)
    others = _others(organs, keep + cut)
    first = actions.begin_power_list(
        region, name="青禾县行政权力清单（演示）", powers=[*needed, *others], by=editor, at=at
    )
    actions.publish_power_list(first, effective_on=EDITIONS[0], by=publisher, at=at)
    kept = {power.code for power in others[:: len(others) // keep][:keep]} if keep else set()
    gone = [power for power in others if power.code not in kept]
    for number, on in enumerate(BATCHES, 1):
        lines = [
            BatchLine(power.code, "delegate" if n % 3 == 2 else "cancel", to="各乡镇政府" if n % 3 == 2 else "")
            for n, power in enumerate(gone[number - 1 :: len(BATCHES)])
        ]
        document_no = f"青政发〔{on.year}〕{number + 5}号"
        batch = actions.record_batch(
            region, number=number, on=on, document_no=document_no, lines=lines, by=editor, at=at
        )
        draft = actions.apply_batch(batch, by=editor, at=at)
    actions.publish_power_list(draft, effective_on=EDITIONS[1], by=publisher, at=at)


def needed_for(items: Iterable[centre.Item], organs: Mapping[str, Department]) -> list[PowerDraft]:
    """The entries the demo's items stand on; a public service needs none."""
    return [
        PowerDraft(
            f"52{item.item_type}{item.code}000",
            item.name,
            item.item_type,
            "4",
            organs[item.organ],
            item.basis,
            _duties(item.item_type),
        )
        for item in items
        if item.item_type != ItemType.PUBLIC_SERVICE
    ]


def _others(organs: Mapping[str, Department], count: int) -> list[PowerDraft]:
    """Invented powers, the kinds in turn so that every organ keeps some and loses some."""
    found: list[PowerDraft] = []
    for pattern, kind in _KINDS:
        for code, subjects in _SUBJECTS.items():
            for subject in subjects:
                number = len(found) + 1
                name = pattern % subject
                basis = f"《{subject}管理办法（演示）》第{number % 30 + 1}条"
                found.append(
                    PowerDraft(f"52{kind.value}9{number:04d}000", name, kind, "4", organs[code], basis, _duties(kind))
                )
    return found[:count]


def _duties(kind: str) -> str:
    if kind == ItemType.INSPECTION:
        said = "检查责任：两人以上，出示证件。|告知责任：当场说明查了什么。|处理责任：七日内给结果。"
    else:
        said = "受理责任：一次说清要补的材料。|审查责任：按公布的条件。|决定责任：在承诺时限内。|送达责任：十日内送达。"
    return said.replace("|", "\n")


def build(
    region: Region,
    center: ServiceCenter,
    organs: Mapping[str, Department],
    staff: Mapping[str, Staff],
    items: Sequence[ServiceItem],
    at: datetime,
) -> None:
    """Let the items into the hall with letters of delegation, leave four of them incomplete, and merge the sections."""
    today = at.astimezone(LOCAL_ZONE).date()
    faulty = dict(zip(_promised(items), ("in", "elsewhere", "letter", "acts"), strict=False))
    posts = {organ.pk: _hall_post(organ, at) for organ in organs.values()}
    point = ServicePoint.objects.filter(region=region).order_by("pk").first()
    lent_to_point = False
    for n, item in enumerate(items):
        fault = faulty.get(item.pk, "")
        organ = item.department
        if fault != "in":
            elsewhere = f"{organ.short_name}二楼窗口" if fault == "elsewhere" else ""
            on = today - timedelta(days=330 - n * 300 // max(len(items), 1))
            actions.enter_hall(item, center, on=on, elsewhere=elsewhere, by=SYSTEM, at=at)
        if fault == "letter":
            continue
        letter: dict[str, Any] = {
            "letter_no": f"青{organ.short_name or organ.name}授〔{today.year}〕{n + 1}号（演示）",
            "signed_by": f"{organ.short_name or organ.name}负责人（演示）",
            "from_on": date(today.year, 1, 1),
        }
        acts = ["receive", "accept"] if fault == "acts" else ["receive", "accept", "review", "decide", "deliver"]
        until_on = today + timedelta(days=ENDS_AFTER) if n == 1 else date(today.year + 1, 12, 31)
        actions.grant_delegation(item, post=posts[organ.pk], acts=acts, until_on=until_on, by=SYSTEM, at=at, **letter)
        if point and not lent_to_point and item.published and item.published.is_immediate:
            scope: dict[str, Any] = {
                "acts": ["receive", "accept"],
                "from_on": today,
                "letter_no": f"青授下〔{today.year}〕1号（演示）",
            }
            actions.grant_delegation(item, point=point, by=SYSTEM, at=at, **(letter | scope))
            lent_to_point = True
    for n, name in enumerate(("社会保险", "不动产登记"), 1):
        people.open_center(
            region=region,
            parent=center,
            code=f"branch-{n}",
            letters=f"Q{'SB'[n - 1]}",
            name=f"青禾县政务服务中心{name}分中心（演示）",
            address=f"青禾县和畅路 {n + 1} 号",
            hours=center.hours,
            phone=center.phone,
            is_demo=True,
            by=SYSTEM,
            at=at,
        )
    _organise(region, organs, staff, at)


def _promised(items: Sequence[ServiceItem]) -> list[UUID]:
    """Items that nobody expects to be decided at the window, the last ones first."""
    return [item.pk for item in reversed(items) if item.published and item.published.case_type == CaseType.PROMISED]


def _hall_post(organ: Department, at: datetime) -> Post:
    found = Post.objects.filter(department=organ, name=HALL_POST).first()
    return found or people.open_post(
        organ, HALL_POST, duties="在大厅收件、受理，授权范围内当场决定。", by=SYSTEM, at=at
    )


def _organise(region: Region, organs: Mapping[str, Department], staff: Mapping[str, Staff], at: datetime) -> None:
    """Sections merged from 46 to 20, and a bureau that holds two items of others."""
    words = ("审批一科", "审批二科", "管理科", "资质科")
    names = [one.short_name for one in organs.values()]
    before = [f"{name}{word}" for word in words for name in names][:46]
    after = [f"{name}行政审批科" for name in names] + [f"{name}审批服务科" for name in names]
    organisation.record_change(
        region,
        name="行政审批职能集中（演示）",
        on=date(2014, 3, 1),
        document_no="青编发〔2014〕3号（演示）",
        before=before,
        after=after[:20],
        by=SYSTEM,
        at=at,
    )
    bureau = people.open_department(
        region=region,
        code="xzspj",
        name="青禾县行政审批服务局（演示）",
        short_name="审批局",
        is_bureau=True,
        by=SYSTEM,
        at=at,
    )
    source = organs["zjj"]
    moved = []
    for n, name in enumerate(("燃气经营许可", "城镇污水排入排水管网许可")):
        draft = catalog.create_item(
            region=region,
            department=source,
            task_code=f"{source.uscc}45201980{n:02d}000",
            name=name,
            item_type=ItemType.LICENSE,
            case_type=CaseType.PROMISED,
            by=staff["editor"],
            at=at,
        )
        moved.append(draft.item)
    actions.transfer_items(
        source, bureau, moved, on=date(2018, 6, 1), document_no="青编发〔2018〕7号（演示）", by=SYSTEM, at=at
    )
