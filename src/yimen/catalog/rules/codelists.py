"""
The words a guide chooses from, and the codes exports write for them (ITEM-6, ITEM-8, ITEM-9, ITEM-13, ITEM-14).

What is shipped here holds until a place sets a dated row of its own (`catalog.queries.dictionaries`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Term:
    """
    key: our word or choice; code, label: what an export writes for it. is_provisional: the code is widely used but
    stands in no document we have read, so check it against the platform that receives it.
    """

    key: str
    code: str
    label: str
    is_provisional: bool = False


def _words(*words: str, first: int = 1, is_provisional: bool = False) -> tuple[Term, ...]:
    return tuple(Term(word, str(n), word, is_provisional) for n, word in enumerate(words, first))


KINDS = {
    "item_type": _("事项类型"),
    "case_type": _("办件类型"),
    "level": _("行使层级"),
    "organ_nature": _("实施主体性质"),
    "power_source": _("权力来源"),
    "service_object": _("服务对象"),
    "channel": _("办理形式"),
    "universal_scope": _("通办范围"),
    "online_depth": _("网上办理深度"),
    "result_type": _("审批结果类型"),
    "limit_unit": _("时限单位"),
    "necessity": _("材料必要性"),
    "material_kind": _("材料类型"),
    "material_form": _("材料形式"),
    "material_source": _("材料来源渠道"),
    "visit_failure": _("现场核查不合格的原因"),
}

SHIPPED: Mapping[str, tuple[Term, ...]] = {
    "item_type": (
        *(
            Term(code, code, word)
            for code, word in (
                *(("01", "行政许可"), ("02", "行政处罚"), ("03", "行政强制"), ("04", "行政征收"), ("05", "行政给付")),
                *(
                    ("06", "行政检查"),
                    ("07", "行政确认"),
                    ("08", "行政奖励"),
                    ("09", "行政裁决"),
                    ("10", "其他行政权力"),
                ),
                ("20", "公共服务"),
            )
        ),
    ),
    "case_type": (Term("immediate", "1", "即办件"), Term("promised", "2", "承诺件"), Term("other", "9", "其他")),
    "level": _words("国家级", "省级", "市级", "县级", "乡镇（街道）级", "村（社区）级", "分级管理"),
    "organ_nature": (*_words("法定机关", "授权组织", "受委托组织"), Term("其他", "9", "其他")),
    "power_source": _words(
        "法定本级行使", "上级授权", "上级下放", "同级授权", "同级委托", "上级委托", is_provisional=True
    ),
    "service_object": _words("自然人", "企业法人", "事业法人", "社会组织法人", "行政机关", "其他组织"),
    "channel": _words("窗口办理", "网上办理", "快递申请", "自助终端办理", "上门办理", is_provisional=True),
    "universal_scope": (*_words("全国", "跨省", "跨市", "跨县"), Term("全省", "9", "全省", is_provisional=True)),
    "online_depth": _words(
        *("互联网咨询", "互联网收件", "互联网预审", "互联网受理", "互联网办理", "互联网办理结果信息反馈"),
        "互联网电子证照反馈",
        is_provisional=True,
    ),
    "result_type": _words("证照", "批文", "其他", is_provisional=True),
    "limit_unit": (
        Term("workday", "1", "工作日", True),
        Term("day", "2", "自然日", True),
        Term("hour", "3", "小时", True),
        Term("month", "4", "月", True),
    ),
    "necessity": (
        Term("required", "1", "必要", True),
        Term("optional", "2", "非必要", True),
        Term("gap_allowed", "3", "容缺后补", True),
    ),
    "material_kind": (
        Term("original", "1", "原件", True),
        Term("copy", "2", "复印件", True),
        Term("both", "3", "原件和复印件", True),
    ),
    "material_form": (
        Term("paper", "1", "纸质", True),
        Term("electronic", "2", "电子", True),
        Term("both", "3", "纸质和电子", True),
    ),
    "material_source": (
        Term("applicant", "10", "申请人自备", True),
        Term("government", "20", "政府部门核发", True),
        Term("shared", "20", "政府部门核发", True),
        Term("other", "99", "其他", True),
    ),
    # Ours: no national list is known, so the codes are provisional.
    "visit_failure": _words(
        *("卫生不达标", "布局和图纸不一致", "设施设备没有装好", "消防安全隐患", "没有按制度做", "缺人员或者健康证明"),
        *("还没有准备好", "检测或者检验不合格", "其他"),
        is_provisional=True,
    ),
}
# Kinds whose key is the word itself, so that a place may add words; the keys of the others are fixed choices.
OPEN_KINDS = frozenset(
    {"level", "organ_nature", "power_source", "service_object", "channel", "universal_scope", "online_depth"}
    | {"result_type", "visit_failure"}
)
