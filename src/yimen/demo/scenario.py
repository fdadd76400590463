"""
The demo's questions and forms: what people are asked before they are told what to bring. All of it invented.

prepare() goes between an item's draft and its publishing; answers() picks one way for a case of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from random import Random
from uuid import UUID

from stdnum.cn import ric

from yimen.catalog import actions as catalog
from yimen.catalog.actions import MaterialDraft
from yimen.catalog.actions import scenario as actions
from yimen.catalog.models import ItemMaterial, ItemVersion
from yimen.catalog.queries import scenario as queries
from yimen.catalog.rules.forms import Field, Form, schema_of
from yimen.catalog.rules.scenario import Option, Question, all_paths, applying
from yimen.demo import centre
from yimen.people.models import Staff

_LAW = "行政许可法第二十九条"
_WARRANT = MaterialDraft("授权委托书", note="写明托谁办、办什么，签字", legal_basis=_LAW)
_AGENT_ID = MaterialDraft("代办人身份证", note="核对原件，当场还给您", legal_basis=_LAW)
_AGENT = Question("agent", "谁来窗口办？", (Option("self", "本人来"), Option("other", "别人代办")))
_BY_AGENT = {"授权委托书": ("agent.other",), "代办人身份证": ("agent.other",)}
_WHO = Question(
    "who",
    "您用什么身份开店？",
    (Option("person", "个人", "个体工商户也选这个"), Option("firm", "公司", "营业执照上写着“有限公司”")),
)


@dataclass(frozen=True)
class Asked:
    """What is asked for one item, and what the answers switch on (materials by name, steps by key)."""

    questions: tuple[Question, ...] = ()
    extra: tuple[MaterialDraft, ...] = ()
    materials: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    steps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    forms: tuple[Form, ...] = ()
    form_of: Mapping[str, str] = field(default_factory=dict)


_OWNER = (
    Field("owner", "经营者姓名", "person_name", "和身份证一样", is_required=True, prefill="applicant.name"),
    Field("id_number", "经营者身份证号码", "id_number", is_required=True, prefill="applicant.id_number"),
    Field("phone", "手机号", "phone", "查进度、领结果都用它", is_required=True, prefill="applicant.phone"),
)
_SHOP = (
    Field("shop_name", "店名", "text", "和招牌上写的一样", is_required=True, most=60, prefill="earlier"),
    Field("address", "店面地址", "text", "写到门牌号", is_required=True, most=120, prefill="earlier"),
    Field("area", "店面面积（平方米）", "number", is_required=True, minimum=1, maximum=5000, prefill="earlier"),
)
_SHOP_SAMPLE = {"shop_name": "满面馆（演示）", "address": "青禾县和畅路 8 号一楼（演示）", "area": 46}
# Invented, with a right check character; the area 529901 is not in use.
_BODY = "52990119880520002"
_OWNER_SAMPLE = {
    "owner": "林小满（演示）",
    "id_number": _BODY + ric.calc_check_digit(_BODY + "0"),
    "phone": "13800000417",
}

_FOOD = Form(
    "food-licence",
    "食品经营许可申请书",
    schema_of(
        (
            *_OWNER,
            *_SHOP,
            Field("business", "主要卖什么", "long", "照实写，例如：面条、凉菜、自制酸梅汤", is_required=True, most=200),
            Field("staff_count", "从业人员几个人", "integer", is_required=True, minimum=1, maximum=500),
            Field("has_fume", "厨房有没有油烟", "yes_no", is_required=True),
            Field("opens_on", "打算哪天开业", "date"),
        )
    ),
    {
        **_OWNER_SAMPLE, **_SHOP_SAMPLE, "business": "面条、凉菜、自制酸梅汤", "staff_count": 3, "has_fume": True,
        "opens_on": "2026-12-20",
    },
)  # fmt: skip
_SIGN = Form(
    "sign",
    "户外广告设置申请表",
    schema_of(
        (
            *_OWNER,
            Field("shop_name", "店名", "text", is_required=True, most=60, prefill="earlier"),
            Field("address", "招牌挂在哪里", "text", "写到门牌号", is_required=True, most=120, prefill="earlier"),
            Field("sign_kind", "招牌种类", "choice", is_required=True, choices=("门头招牌", "灯箱", "电子屏", "墙面喷绘")),
            Field("width", "宽（米）", "number", is_required=True, minimum=0.1, maximum=60),
            Field("height", "高（米）", "number", is_required=True, minimum=0.1, maximum=30),
            Field("is_lit", "晚上发不发光", "yes_no", is_required=True),
        )
    ),
    {
        **_OWNER_SAMPLE, "shop_name": "满面馆（演示）", "address": "青禾县和畅路 8 号一楼（演示）", "sign_kind": "门头招牌",
        "width": 4.2, "height": 0.9, "is_lit": True,
    },
)  # fmt: skip
_TRADER = Form(
    "trader",
    "个体工商户登记申请书",
    schema_of(
        (
            *_OWNER,
            *_SHOP,
            Field("trade", "经营范围", "long", "做什么生意，照实写", is_required=True, most=300),
            Field("staff_count", "从业人员几个人", "integer", minimum=1, maximum=500),
        )
    ),
    {**_OWNER_SAMPLE, **_SHOP_SAMPLE, "trade": "小餐饮", "staff_count": 3},
)
_JOBLESS = Form(
    "jobless",
    "失业登记表",
    schema_of(
        (
            *_OWNER,
            Field("left_on", "哪天起没有工作", "date", is_required=True),
            Field("reason", "怎么没有工作的", "choice", is_required=True, choices=("合同到期", "单位解除", "自己离职", "店关了", "刚毕业")),
            Field("wants_training", "要不要参加免费培训", "yes_no"),
        )
    ),
    {**_OWNER_SAMPLE, "left_on": "2026-10-31", "reason": "合同到期", "wants_training": True},
)  # fmt: skip

_SITE = (
    Field("site", "养殖场在哪里", "text", "写到村、组", is_required=True, most=120, prefill="earlier"),
    Field("animals", "养什么", "choice", is_required=True, choices=("猪", "牛", "羊", "鸡鸭鹅")),
    Field("stock", "打算养多少头（只）", "integer", is_required=True, minimum=1, maximum=100_000),
)
_SITE_SAMPLE = {"site": "青禾镇桃源村三组（演示）", "animals": "羊", "stock": 120}
_LAND = Form(
    "farm-land",
    "设施农业用地备案申请表",
    schema_of(
        (
            *_OWNER,
            *_SITE,
            Field("land_area", "用多少地（亩）", "number", is_required=True, minimum=0.1, maximum=1000),
            Field("land_years", "用几年", "integer", is_required=True, minimum=1, maximum=30),
        )
    ),
    {**_OWNER_SAMPLE, **_SITE_SAMPLE, "land_area": 6.5, "land_years": 10},
)
_EIA = Form(
    "farm-eia",
    "建设项目环境影响登记表",
    schema_of(
        (
            *_OWNER,
            *_SITE,
            Field("waste", "粪污怎么处理", "choice", is_required=True, choices=("还田", "沼气池", "请人拉走")),
            Field("near_homes", "离最近的人家多少米", "integer", is_required=True, minimum=0, maximum=100_000),
        )
    ),
    {**_OWNER_SAMPLE, **_SITE_SAMPLE, "waste": "还田", "near_homes": 600},
)
_PREVENTION = Form(
    "farm-prevention",
    "动物防疫条件审查申请表",
    schema_of((*_OWNER, *_SITE, Field("vet", "请了哪位兽医", "person_name", "还没请就空着"))),
    {**_OWNER_SAMPLE, **_SITE_SAMPLE, "vet": "白术（演示）"},
)

_SKETCH = MaterialDraft(
    "专用操作区布局图", note="标出凉菜间或现榨区，手画也行", legal_basis="食品经营许可管理办法第十三条"
)
_MANAGER = MaterialDraft("食品安全管理人员任命书", note="盖公章", legal_basis="食品安全法第四十四条")
_WALL = MaterialDraft("墙面使用协议", kind=ItemMaterial.Kind.COPY, legal_basis="城市市容和环境卫生管理条例第十一条")
_POWER = MaterialDraft(
    "用电安全承诺书", note="窗口有空白的，签字就行", legal_basis="城市市容和环境卫生管理条例第十一条"
)
_LETTER = MaterialDraft("单位介绍信", note="盖公章", legal_basis="社会保险法第七十四条")
_FUME = MaterialDraft("油烟净化器合格证", kind=ItemMaterial.Kind.COPY, legal_basis="大气污染防治法第八十一条")
_PICTURE = MaterialDraft(
    "招牌效果图", note="手机拍的现场照片上画出来也行", legal_basis="城市市容和环境卫生管理条例第十一条"
)

BY_CODE: Mapping[str, Asked] = {
    "00201": Asked(
        questions=(
            Question(
                "goods",
                "您的店现场做吃的吗？",
                (
                    Option("made", "现场做、现场加热或者拼装"),
                    Option(
                        "packed", "只卖袋装、瓶装的预包装食品",
                        dead_end="只卖预包装食品不用办这个证。到 3 号综合窗口做“仅销售预包装食品备案”，当场办好，不收费。",
                    ),
                ),
            ),
            _WHO,
            Question(
                "make",
                "做些什么？",
                (
                    Option("hot", "热食：炒菜、面条、早点", promised_limit=9),
                    Option("cold", "冷食：凉菜、凉皮", promised_limit=9),
                    Option("fresh", "自制现榨：奶茶、果汁、酸梅汤", promised_limit=9),
                    Option("simple", "只加热、拼装，不现做", "不用上门看，更快", promised_limit=5),
                ),
                "做几样就选几样。",
                is_multiple=True,
            ),
            _AGENT,
        ),
        extra=(
            MaterialDraft("食品经营许可申请书", note="窗口有空白表，也可以先在网上填好打印", legal_basis="食品经营许可管理办法第十三条"),
            _SKETCH, _MANAGER, _WARRANT, _AGENT_ID,
        ),
        materials={
            "专用操作区布局图": ("make.cold", "make.fresh"), "食品安全管理人员任命书": ("who.firm",), **_BY_AGENT,
        },
        steps={"visit": ("make.hot", "make.cold", "make.fresh")},
        forms=(_FOOD,),
        form_of={"食品经营许可申请书": "food-licence"},
    ),
    "00601": Asked(
        questions=(
            Question(
                "kind",
                "挂哪一种？",
                (
                    Option("board", "门头招牌"),
                    Option("lit", "灯箱、电子屏", "晚上发光的都算"),
                    Option(
                        "tower", "立柱的大广告牌",
                        dead_end="立柱广告牌先要规划许可。请到 5 号不动产窗口找自然资源局办，拿到批复再来挂。",
                    ),
                ),
            ),
            Question("wall", "挂在谁的墙上？", (Option("own", "自己店面的墙上"), Option("others", "别人的墙面或者楼顶"))),
            _AGENT,
        ),
        extra=(_POWER, _WALL, _WARRANT, _AGENT_ID),
        materials={"用电安全承诺书": ("kind.lit",), "墙面使用协议": ("wall.others",), **_BY_AGENT},
        forms=(_SIGN,),
        form_of={"户外广告设置申请表": "sign"},
    ),
    "00401": Asked(
        questions=(
            Question(
                "where",
                "在哪里参的保？",
                (
                    Option("here", "在本县"),
                    Option("away", "在外地", dead_end="外地的参保证明我们打不出来。手机上“国家社会保险公共服务平台”能打，不用跑。"),
                ),
            ),
            Question("for", "给谁打？", (Option("me", "打自己的"), Option("family", "帮家里人打"), Option("firm", "单位来打"))),
        ),
        extra=(_WARRANT, _LETTER),
        materials={"授权委托书": ("for.family",), "单位介绍信": ("for.firm",)},
    ),
    "00501": Asked(
        questions=(
            Question(
                "age",
                "老人满 80 岁了吗？",
                (
                    Option("yes", "满了，或者这个月满"),
                    Option("no", "还没满", dead_end="满 80 岁那个月起就能申领。到时候我们会提醒，也可以先留个电话在导办台。"),
                ),
            ),
            Question("comes", "谁来办？", (Option("self", "老人自己来"), Option("family", "家里人来"))),
        ),
        extra=(_AGENT_ID,),
        materials={"代办人身份证": ("comes.family",)},
    ),
    "00102": Asked(forms=(_LAND,), form_of={"设施农业用地备案申请表": "farm-land"}),
    "01401": Asked(forms=(_EIA,), form_of={"建设项目环境影响登记表": "farm-eia"}),
    "01301": Asked(forms=(_PREVENTION,), form_of={"动物防疫条件审查申请表": "farm-prevention"}),
    "00202": Asked(forms=(_TRADER,), form_of={"个体工商户登记申请书": "trader"}),
    "00402": Asked(forms=(_JOBLESS,), form_of={"失业登记表": "jobless"}),
    "00203": Asked(
        questions=(
            Question("sign", "要挂招牌吗？", (Option("yes", "要挂"), Option("no", "不挂，或者原来就有"))),
            Question("fume", "厨房有油烟吗？", (Option("yes", "有，炒菜、油炸"), Option("no", "没有，只蒸煮、冷拼"))),
            _AGENT,
        ),
        extra=(_PICTURE, _FUME, _WARRANT, _AGENT_ID),
        materials={"招牌效果图": ("sign.yes",), "油烟净化器合格证": ("fume.yes",), **_BY_AGENT},
        # Without a sign the city management office has nothing to look at.
        steps={"review-cgj": ("sign.yes",)},
        forms=(_TRADER, _FOOD, Form(_SIGN.key, _SIGN.title, _SIGN.schema, _SIGN.sample, ("sign.yes",))),
        form_of={"开小餐饮店一张表": "food-licence"},
    ),
}  # fmt: skip


def questions_for(code: str) -> tuple[Question, ...]:
    """Return the questions of the demo item with this five-digit code; () for most."""
    return BY_CODE[code].questions if code in BY_CODE else ()


def forms_for(code: str) -> tuple[Form, ...]:
    """Return the forms of the demo item with this five-digit code; () for most."""
    return BY_CODE[code].forms if code in BY_CODE else ()


def prepare(draft: ItemVersion, item: centre.Item, *, by: Staff, at: datetime) -> ItemVersion:
    """Write the item's questions, the materials only they ask for, and its forms into the draft."""
    asked = BY_CODE.get(item.code)
    if asked is None:
        return draft
    if asked.extra:
        draft = catalog.save_draft(draft.item, {}, materials=[*item.materials, *asked.extra], by=by, at=at)
    if asked.forms:
        draft = actions.save_forms(draft.item, asked.forms, materials=asked.form_of, by=by, at=at)
    if asked.questions:
        whens = {one.key: one.when for one in asked.forms if one.when}
        draft = actions.save_questions(
            draft.item, asked.questions, materials=asked.materials, steps=asked.steps, forms=whens, by=by, at=at
        )
    return draft


@lru_cache(maxsize=256)
def _ways(version: UUID) -> tuple[tuple[str, ...], ...]:
    questions = queries.questions_of(ItemVersion.objects.get(pk=version))
    return tuple(path.chosen for path in all_paths(questions) if path.is_complete) if questions else ()


def answers(version: ItemVersion, chance: Random | None = None) -> tuple[str, ...]:
    """Return one way of answering that leads somewhere, the first without `chance`; () where nothing is asked."""
    ways = _ways(version.pk)
    if not ways:
        return ()
    return chance.choice(ways) if chance else ways[0]


def applying_materials(version: ItemVersion, chosen: tuple[str, ...]) -> list[ItemMaterial]:
    """Return the materials such a case has to bring or have looked up."""
    return applying(version.materials.all(), chosen)
