"""What a guide says first: the four answers, from the published edition. Pure; the page only shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from yimen.cases import rules
from yimen.catalog.models import FlowStep, ItemMaterial, ItemVersion
from yimen.lib.text import listed
from yimen.lib.workdays import Calendar, Limit
from yimen.web.templatetags.yimen import day, limit_words

# More names than this do not fit beside the large answer.
_NAMES = 4


@dataclass(frozen=True)
class Answer:
    """One of the four: the question, a short answer, one line why. Never empty."""

    question: str
    answer: str
    reason: str = ""


@dataclass(frozen=True)
class Materials:
    """What to bring, and what the window looks up itself."""

    bring: Sequence[ItemMaterial]
    fetched: Sequence[ItemMaterial]


def split_materials(materials: Sequence[ItemMaterial]) -> Materials:
    shared = ItemMaterial.Source.SHARED
    return Materials([m for m in materials if m.source != shared], [m for m in materials if m.source == shared])


def four_answers(
    version: ItemVersion,
    materials: Materials,
    steps: Sequence[FlowStep],
    *,
    promised: Limit,
    calendar: Calendar,
    today: date,
) -> list[Answer]:
    return [
        _what_to_bring(version, materials),
        _how_it_goes(version, steps),
        _when(version, promised, calendar, today),
        _cost(version),
    ]


def _things(count: int) -> str:
    return ngettext("%(n)s 样", "%(n)s 样", count) % {"n": count}


def _steps(count: int) -> str:
    return ngettext("走 %(n)s 步", "走 %(n)s 步", count) % {"n": count}


def _what_to_bring(version: ItemVersion, materials: Materials) -> Answer:
    question = _("要带什么材料")
    if not materials.bring:
        if materials.fetched or version.needs_no_materials:
            return Answer(question, _("不用带材料"), _("要核对的，我们自己查"))
        return Answer(question, _("请先问一声"), _("这件事的材料清单还没录全，打电话就能问清"))
    later = sum(m.necessity == ItemMaterial.Necessity.GAP_ALLOWED for m in materials.bring)
    if materials.fetched:
        reason = _("%(name)s等 %(n)s 样我们自己查，不用您带") % {
            "name": materials.fetched[0].name, "n": len(materials.fetched),
        }  # fmt: skip
    elif later:
        reason = _("其中 %(n)s 样可以后补") % {"n": later}
    else:
        reason = _("清单外的，谁也不能向您要")
    return Answer(question, _things(len(materials.bring)), reason)


def _how_it_goes(version: ItemVersion, steps: Sequence[FlowStep]) -> Answer:
    question = _("走哪些程序")
    names = listed(step.name for step in steps[:_NAMES])
    visits = version.visit_count
    if visits is None:
        answer = _steps(len(steps)) if steps else _("到窗口就能办")
    elif visits == 0:
        answer = _("一趟不用跑，%(steps)s") % {"steps": _steps(len(steps))} if steps else _("一趟不用跑")
    else:
        answer = ngettext("跑 %(n)s 趟", "跑 %(n)s 趟", visits) % {"n": visits}
        if steps:
            answer = _("%(visits)s，%(steps)s") % {"visits": answer, "steps": _steps(len(steps))}
    if not names:
        names = _("每一步写在下面") if version.procedure else _("网上能办的，全程在网上")
        if visits:
            names = _("材料带齐，就不用再来")
    return Answer(question, answer, names)


def _when(version: ItemVersion, promised: Limit, calendar: Calendar, today: date) -> Answer:
    question = _("什么时候办好")
    if not promised.number:
        return Answer(question, _("当场办好"), _("材料齐，在窗口等着就能拿到结果"))
    statutory = version.statutory
    due_on, is_provisional = rules.due(today, promised, (), calendar, today=today)
    values = {"due": day(due_on), "law": limit_words(statutory) if statutory else ""}
    if is_provisional:
        reason = _("今天受理，暂定最晚 %(due)s；那年的放假安排还没公布") % values
    elif values["law"]:
        reason = _("今天受理，最晚 %(due)s；法定 %(law)s") % values
    else:
        reason = _("今天受理，最晚 %(due)s") % values
    return Answer(question, _("%(limit)s内") % {"limit": limit_words(promised)}, reason)


def _cost(version: ItemVersion) -> Answer:
    question = _("收不收费")
    if version.has_fee:
        return Answer(question, _("要收费"), _("多少钱、凭什么收，写在下面"))
    if not version.is_stated("has_fee"):
        return Answer(question, _("没有列收费"), _("清单里没写要收钱；谁向您收钱，请拨 12345"))
    return Answer(question, _("不收费"), _("谁向您收钱，请拨 12345"))
