"""A food licence whose materials and steps hang on answers, for tests: made through the real actions."""

from typing import Any

from yimen.catalog import actions
from yimen.catalog.actions import MaterialDraft, scenario
from yimen.catalog.models import ItemVersion
from yimen.catalog.rules.forms import Field, Form, schema_of
from yimen.catalog.rules.scenario import Option, Question
from yimen.catalog.tests.factories import NOW, make_draft, make_step
from yimen.ledger.actions import SYSTEM

QUESTIONS = (
    Question("who", "您用什么身份开店？", (Option("person", "个人"), Option("firm", "公司"))),
    Question(
        "food",
        "卖些什么？",
        (
            Option("hot", "热食"),
            Option("cold", "冷食、现榨", promised_limit=12),
            Option("stall", "流动摆摊", dead_end="流动摊贩到镇上便民服务中心备案，不用办这个证。"),
        ),
        is_multiple=True,
    ),
    Question("agent", "谁来办？", (Option("self", "本人"), Option("other", "别人代办")), when=("who.person",)),
)
MATERIALS = {
    "身份证": ("who.person",),
    "营业执照复印件": ("who.firm",),
    "食品安全管理制度": (),
    "专间布局图": ("food.cold",),
    "委托书": ("agent.other",),
}
FIELDS = (
    Field("owner", "经营者姓名", "person_name", is_required=True, prefill="applicant.name"),
    Field("mobile", "手机号", "phone", is_required=True, prefill="applicant.phone"),
    Field("shop", "店名", "text", is_required=True, most=40),
    Field("area", "面积（平方米）", "number", is_required=True, minimum=1, maximum=5000),
    Field("has_fume", "有没有油烟", "yes_no"),
)
FORM = Form(
    "apply",
    "食品经营许可申请书",
    schema_of(FIELDS),
    {"owner": "林小满（演示）", "mobile": "13800000417", "shop": "小满面馆（演示）", "area": 36, "has_fume": True},
)


def make_scenario_draft(**fields: Any) -> ItemVersion:
    """A draft that can be published: three questions, five materials, a site visit only for cold dishes, a form."""
    steps = [
        make_step("receive", name="收件", post="窗口综合受理岗"),
        make_step("accept", name="受理", post="窗口综合受理岗", after=("receive",)),
        make_step("review", name="审查", limit_days=2, after=("accept",)),
        make_step("visit", name="现场核查", limit_days=5, after=("review",)),
        make_step("decide", limit_days=1, after=("visit",)),
        make_step("deliver", name="送达", post="出件岗", after=("decide",)),
    ]
    materials = [MaterialDraft(name, legal_basis="《演示条例》第二条") for name in MATERIALS]
    materials.append(MaterialDraft("场所产权证明", source="shared", legal_basis="《演示条例》第二条"))
    draft = make_draft(**{"name": "食品经营许可（新办）", "materials": materials, "steps": steps} | fields)
    scenario.save_questions(
        draft.item,
        QUESTIONS,
        materials=MATERIALS,
        steps={"visit": ("food.cold",)},
        by=SYSTEM,
        at=NOW,
    )
    return scenario.save_forms(draft.item, [FORM], materials={"食品安全管理制度": "apply"}, by=SYSTEM, at=NOW)


def make_scenario_item(**fields: Any) -> ItemVersion:
    """The same, published."""
    draft = make_scenario_draft(**fields)
    return actions.publish(draft, by=SYSTEM, at=NOW)
