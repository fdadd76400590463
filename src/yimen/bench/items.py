"""Two thousand invented published items, so that the guide page and search have something to find."""

from __future__ import annotations

from itertools import product

from yimen.catalog import search
from yimen.catalog.models import CaseType, ItemMaterial, ItemType, ItemVersion, ServiceItem
from yimen.people.models import Department

OBJECTS = (
    "房产档案", "食品经营许可", "营业执照", "社会保险", "结婚登记", "居民身份证", "道路运输证", "卫生许可证",
    "医师执业", "民办学校", "户外广告", "建设工程规划", "取水许可", "林木采伐", "动物防疫", "特种设备",
    "残疾人证", "老年津贴",
    "失业登记", "生育登记", "住房公积金", "不动产权", "农药经营", "种子生产", "人力资源服务", "出版物零售", "电影放映",
    "文物保护", "消防安全", "排水许可", "燃气经营", "危险化学品", "烟草专卖", "律师执业", "公证办理", "法律援助",
    "船舶登记", "渔业捕捞", "外国人工作", "商品房预售",
)  # fmt: skip
ACTS = ("新办", "变更", "延续", "补发", "注销", "查询", "年度报告", "备案", "迁入", "信息更正")
PLACES = ("", "（个人）", "（单位）", "（一件事）", "（分中心办理）")


def fill(department: Department) -> list[str]:
    """Publish OBJECTS x ACTS x PLACES items of `department` and return their codes."""
    items, versions, materials = [], [], []
    for n, (thing, act, place) in enumerate(product(OBJECTS, ACTS, PLACES)):
        name = f"{thing}{act}{place}（演示）"
        item = ServiceItem(
            region_id=department.region_id, department=department, task_code=f"11500000MB2D06811W4{n:012d}", name=name,
            item_type=ItemType.LICENSE,
        )  # fmt: skip
        version = ItemVersion(
            item=item, number=1, state=ItemVersion.State.PUBLISHED, name=name, case_type=CaseType.PROMISED,
            promised_limit=5, statutory_limit=20, legal_basis="《演示条例》第一条", result_name=f"{thing}证明",
            themes=["开店办企业"], everyday_names=[f"办{thing}"],
        )  # fmt: skip
        search.index(item, version, department.name)
        items.append(item)
        versions.append(version)
        materials += [
            ItemMaterial(version=version, position=place, name=word)
            for place, word in enumerate(("申请表", "身份证", "场所证明", "授权委托书"))
        ]
    ServiceItem.objects.bulk_create(items, batch_size=500)
    ItemVersion.objects.bulk_create(versions, batch_size=500)
    for item, version in zip(items, versions, strict=True):
        item.published = version
    ServiceItem.objects.bulk_update(items, ["published"], batch_size=500)
    ItemMaterial.objects.bulk_create(materials, batch_size=2000)
    return [item.task_code for item in items]
