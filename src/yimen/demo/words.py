"""Words, searches in vain and questions of the demo centre, so that the editor's pages have something to do."""

from __future__ import annotations

from datetime import datetime, timedelta

from yimen.catalog import actions
from yimen.ledger.actions import PUBLIC, Actor

SYNONYMS = (
    ("摆夜市", ("户外广告设施设置许可", "个体工商户设立登记"), "去年夏天问得多（演示）"),
    ("学区证明", ("房产档案信息查询",), "本地学校的叫法（演示）"),
)
IN_VAIN = (("宠物火化", 7), ("无人机培训班", 4), ("领取消费券", 12))
QUESTIONS = ("村口想装一个快递柜，要找哪个部门？（演示）", "老房子漏雨，修房补助在哪里申请？（演示）")


def build(region: str, *, by: Actor, at: datetime) -> None:
    """Write them once; `by` may edit the catalogue, `at` is when the demo begins."""
    for word, means, note in SYNONYMS:
        actions.save_synonym(region, actions.SynonymDraft(word, means, note=note), by=by, at=at)
    for text, times in IN_VAIN:
        for n in range(times):
            actions.note_miss(text, region, at=at - timedelta(hours=n))
    for text in QUESTIONS:
        actions.leave_inquiry(region, text, "", by=PUBLIC, at=at)
