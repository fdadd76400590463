"""What the demo's leaflets, notices and service points need: duties of posts, places near home, plain words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.utils.timezone import localdate

from yimen.catalog.actions import plain, powers
from yimen.catalog.models import ServiceItem
from yimen.ledger.actions import SYSTEM
from yimen.people import actions as people
from yimen.people import points
from yimen.people.models import Department, Region, ServiceCenter, ServicePoint, Staff

DUTIES = {
    "综合受理岗": "清点材料，缺什么一次说清，收下的给凭证；能当场办的当场办好，结果也在这里交给您。",
    "审查岗": "看材料真不真、合不合规定；有疑问先打电话问您。",
    "勘察岗": "两个人一起到现场看，提前约您方便的时间。",
    "审批岗": "作出同意或不同意的决定；不同意的写明理由和怎么申诉。",
    "制证岗": "按决定做好证照。",
}
POINTS = (
    ("town", "529901101", "和畅镇便民服务中心（演示）", "和畅镇集市路 6 号", "周一至周六 8:30–17:30", "0899-1234601"),
    ("town", "529901102", "南坡乡便民服务中心（演示）", "南坡乡政府一楼", "周一至周五 9:00–17:00", "0899-1234602"),
    ("village", "529901101201", "柳树村便民服务点（演示）", "柳树村文化室旁", "周二、周四 9:00–12:00", "0899-1234611"),
)
# Which items a point handles, and the kinds of steps it may do.
AT_POINTS = {
    "社会保险参保证明打印": (("529901101", "529901102"), ("receive", "accept", "decide", "deliver")),
    "高龄津贴申领": (("529901101", "529901102", "529901101201"), ("receive", "accept")),
    "生育登记": (("529901101", "529901102"), ("receive", "accept")),
    "困难群众代办申请": (("529901101", "529901101201"), ("receive",)),
}
WORDS = {"图审": "请专业人员看图纸", "踏勘": "到现场看", "代办": "替您跑腿办"}


def begin(region: Region, center: ServiceCenter, organs: Iterable[Department], at: datetime) -> None:
    """Write down what each post does and open the service points; before people and items come."""
    for organ in organs:
        for name, duties in DUTIES.items():
            people.open_post(organ, name, duties=duties, by=SYSTEM, at=at)
    for kind, code, name, address, hours, phone in POINTS:
        points.open_point(
            region=region, center=center, kind=kind, code=code, name=name, address=address, hours=hours, phone=phone,
            by=SYSTEM, at=at,
        )  # fmt: skip


def build(region: Region, staff: Mapping[str, Staff], items: Iterable[ServiceItem], at: datetime) -> None:
    """Let the points handle some items, and add the place's own plain words."""
    found = {point.code: point for point in ServicePoint.objects.filter(region=region)}
    n = 0
    for item in items:
        codes, acts = AT_POINTS.get(item.name, ((), ()))
        for code in codes:
            n += 1
            powers.grant_delegation(
                item, point=found[code], acts=acts, letter_no=f"青授点〔{localdate(at).year}〕{n}号",
                signed_by="分管负责人（演示）", from_on=localdate(at), by=SYSTEM, at=at,
            )  # fmt: skip
    for word, said in WORDS.items():
        plain.set_word(region, word, said, by=staff["editor"], at=at)
