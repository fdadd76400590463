"""How much of what a guide should say an edition does say, in percent, and what is missing (S4-27)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Weight 3: without it no citizen can act on the guide (the five openings); 2: a field the law or ITEM-10 asks for;
# 1: extended fields (ITEM-11). Switches that are always yes or no are not counted.
_WEIGHTS: Mapping[str, tuple[int, Any]] = {
    "name": (3, _("事项名称")),
    "accept_condition": (3, _("受理条件")),
    "procedure": (3, _("办理流程")),
    "materials": (3, _("申请材料")),
    "promised_limit": (3, _("承诺办结时限")),
    "has_fee": (3, _("收不收费")),
    "steps": (3, _("步骤")),
    "legal_basis": (2, _("设定依据")),
    "power_source": (2, _("权力来源")),
    "exercise_level": (2, _("行使层级")),
    "organ_nature": (2, _("实施主体性质")),
    "statutory_limit": (2, _("法定办结时限")),
    "channels": (2, _("办理形式")),
    "service_objects": (2, _("服务对象")),
    "visit_count": (2, _("到办事现场次数")),
    "place": (2, _("办理地点")),
    "hours": (2, _("办理时间")),
    "consult_way": (2, _("咨询方式")),
    "complaint_way": (2, _("监督投诉方式")),
    "result_name": (2, _("审批结果名称")),
    "plain_text": (2, _("大白话说明")),
    "everyday_names": (2, _("大家平时怎么叫")),
    "themes": (2, _("主题")),
    "fee_note": (2, _("收费标准")),
    "fee_basis": (2, _("收费依据")),
    "material_basis": (2, _("每样材料的依据")),
    "forms": (1, _("表格和样表")),
    "faqs": (1, _("常见问题")),
    "universal_scope": (1, _("通办范围")),
    "online_depth": (1, _("网上办理深度")),
    "quantity_limit": (1, _("数量限制")),
    "prohibitions": (1, _("禁止性要求")),
    "visit_reason": (1, _("必须到现场的原因")),
    "result_type": (1, _("审批结果类型")),
    "result_sample": (1, _("审批结果样本")),
    "rights_and_duties": (1, _("申请人权利和义务")),
}
PARTS = tuple(_WEIGHTS)


@dataclass(frozen=True)
class Completeness:
    """
    percent: 0 to 100, 100 only when nothing is missing; missing: the parts by weight, with their names, translated when
    shown: a board looks at thousands of editions and shows none.
    """

    percent: int
    missing: tuple[tuple[str, str | Promise], ...]

    @property
    def labels(self) -> list[str]:
        return [str(label) for _name, label in self.missing]


def completeness(filled: Mapping[str, bool | None]) -> Completeness:
    """
    Return how complete an edition is. filled: for each of PARTS whether it is there; None or left out: does not apply.
    """
    asked = {name: is_there for name, is_there in filled.items() if name in _WEIGHTS and is_there is not None}
    total = sum(_WEIGHTS[name][0] for name in asked)
    there = sum(_WEIGHTS[name][0] for name, is_there in asked.items() if is_there)
    missing = sorted((name for name, is_there in asked.items() if not is_there), key=lambda name: -_WEIGHTS[name][0])
    percent = there * 100 // total if total else 0
    return Completeness(percent, tuple((name, _WEIGHTS[name][1]) for name in missing))
