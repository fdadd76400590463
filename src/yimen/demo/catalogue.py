"""The demo's basic catalogue, papers nobody has to bring, an edition under review and one that waits for its day."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.timezone import localdate

from yimen.catalog import actions
from yimen.catalog.actions import FaqDraft
from yimen.catalog.models import ItemVersion
from yimen.people.models import Department, Region, Staff

SHARED = (
    (("营业执照", "个体工商户营业执照", "工商营业执照"), "市场监管总局企业登记库（演示）"),
    (("场所产权证明", "不动产权证书", "房产证"), "不动产登记系统（演示）"),
    (("户口簿", "户口本"), "公安人口库（演示）"),
)
FAQS = (
    FaqDraft("材料没带齐怎么办？", "先收下能收的，一次告诉您还缺什么，补齐了接着办。"),
    FaqDraft("可以让家里人来办吗？", "可以，带上您和他的身份证，再写一句委托的话。"),
)


def build(
    region: Region,
    organs: dict[str, Department],
    staff: dict[str, Staff],
    at: datetime,
) -> None:
    editor = staff["editor"]
    today = localdate(at)
    for names, holder in SHARED:
        actions.set_shared_document(
            region, names=names, holder=holder, available_on=today - timedelta(days=400), by=editor, at=at
        )
    published = ItemVersion.objects.filter(item__region=region, state=ItemVersion.State.PUBLISHED)
    versions = list(published.select_related("item__region").prefetch_related("materials").order_by("item__task_code"))
    for version in versions:
        if version.item.item_type != "20":
            _basic(version, editor, at)
    by_name = {version.name: version.item for version in versions}
    draft = actions.save_draft(
        by_name["户外广告设施设置许可"],
        {"promised_limit": 4, "prohibitions": "不能挡消防通道，不能超出屋顶。"},
        faqs=FAQS,
        by=editor,
        at=at,
    )
    actions.ask_review(draft, [organs["cgj"], organs["scjg"], organs["zjj"]], by=editor, at=at)
    first, second, _third = (opinion.review for opinion in actions.opinions_of(draft))
    actions.give_opinion(first, "agree", "", by=staff[f"approver-{_code(first.department, organs)}"], at=at)
    text = "请写清多大的招牌要画效果图。"
    actions.give_opinion(second, "change", text, by=staff[f"approver-{_code(second.department, organs)}"], at=at)
    later = actions.save_draft(
        by_name["高龄津贴申领"],
        {"promised_limit": 2, "effective_on": today + timedelta(days=90)},
        faqs=FAQS,
        by=editor,
        at=at,
    )
    actions.publish(later, by=staff["publisher"], at=at)


def _basic(version: ItemVersion, editor: Staff, at: datetime) -> None:
    """What the item says is the standard: the demo's items are the first to carry it out."""
    actions.add_basic(
        version.item.region,
        catalog_code=version.item.catalog_code,
        name=version.name,
        item_type=version.item.item_type,
        legal_basis=version.legal_basis,
        statutory_limit=version.statutory_limit,
        materials=[{"name": row.name, "necessity": row.necessity} for row in version.materials.all()],
        by=editor,
        at=at,
    )


def _code(department: Department, organs: dict[str, Department]) -> str:
    return next(code for code, organ in organs.items() if organ.pk == department.pk)
