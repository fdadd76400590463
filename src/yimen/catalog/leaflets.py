"""
What an edition says to citizens, read once: guide page, leaflet (明白纸), booklet and one-time notice all show a Sheet.

Pure but for the language of the reader: no query, no clock. catalog.queries.guides loads what is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from yimen.catalog.models import FlowStep, ItemForm, ItemMaterial, ItemVersion, ServiceItem
from yimen.catalog.rules.plans import day_of_steps
from yimen.lib.dates import limit_words, short_day
from yimen.lib.text import listed
from yimen.lib.workdays import LOCAL_ZONE, Calendar, Limit, Unit

# More names than this do not fit beside the large answer; longer standards of a fee neither.
_NAMES = 4
_SHORT_FEE = 10

# (department, name of the post): what the post has to do.
Duties = Mapping[tuple[UUID, str], str]


@dataclass(frozen=True)
class Place:
    """The centre as it signs its papers."""

    name: str
    motto: str = ""
    address: str = ""
    hours: str = ""
    phone: str = ""


@dataclass(frozen=True)
class Answer:
    """One of the four: the question, a short answer, one line why. Never empty."""

    question: str
    answer: str
    reason: str = ""


@dataclass(frozen=True)
class MaterialLine:
    """
    One material. by_us: the window looks it up, nobody brings it; is_conditional: only some situations need it.

    originals, copies: how many of each; count: the same in words; need: "" when it must be there from the start.
    """

    name: str
    originals: int
    copies: int
    count: str
    need: str
    note: str
    standard: str
    basis: str
    source: str
    by_us: bool
    is_conditional: bool
    is_later: bool
    form_key: str
    form_title: str
    has_sample: bool


@dataclass(frozen=True)
class StepLine:
    """
    One step with who does it and what he may decide (S3-13); limit in words, "" only when the flow has no clock.

    day: the working day it ends on at the latest, the first being that of acceptance (S1-54); 0: all at once.
    """

    name: str
    kind: str
    organ: str
    post: str
    authority: str
    duties: str
    limit: str
    after: tuple[str, ...]
    is_conditional: bool
    day: int = 0


@dataclass(frozen=True)
class FeeLine:
    name: str
    standard: str
    basis: str
    reduction: str


@dataclass(frozen=True)
class FormLine:
    """A form with its filled-in sample: (what is asked, what an example says)."""

    key: str
    title: str
    sample: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Head:
    """One head of GB/T 36114 (ITEM-21); text is never empty, is_stated tells whether anybody wrote it."""

    key: str
    label: str
    text: str
    is_stated: bool


@dataclass(frozen=True)
class Sheet:
    """Everything one item says, in the reader's language; empty texts were not stated."""

    code: str
    catalog_code: str
    name: str
    everyday: tuple[str, ...]
    type: str
    organ: str
    deciding: str
    plain: str
    answers: tuple[Answer, ...]
    materials: tuple[MaterialLine, ...]
    steps: tuple[StepLine, ...]
    fees: tuple[FeeLine, ...]
    has_fee: bool | None
    fee_note: str
    fee_basis: str
    faqs: tuple[tuple[str, str], ...]
    forms: tuple[FormLine, ...]
    heads: tuple[Head, ...]
    basis: str
    condition: str
    procedure: str
    promised: str
    statutory: str
    place: str
    hours: str
    phone: str
    complaint: str
    result: str
    promises: tuple[str, ...]
    center: Place
    version: str

    @property
    def bring(self) -> list[MaterialLine]:
        return [line for line in self.materials if not line.by_us]

    @property
    def fetched(self) -> list[MaterialLine]:
        return [line for line in self.materials if line.by_us]


def sheet(
    item: ServiceItem,
    version: ItemVersion,
    *,
    promised: Limit,
    center: Place,
    duties: Duties,
    calendar: Calendar | None = None,
    today: date | None = None,
) -> Sheet:
    """
    Return what `version` says, from its loaded rows (materials, steps with department, fees, faqs, forms).

    calendar, today: name the last day for somebody who is accepted today; paper is read on other days and has none.
    """
    materials, steps = list(version.materials.all()), list(version.steps.all())
    forms = {form.key: form for form in version.forms.all()}
    lines = tuple(material_line(row, forms) for row in materials)
    step_lines = _steps(item, steps, duties)
    fees = tuple(
        FeeLine(row.name, row.standard, row.basis, row.reduction_basis if row.is_reducible else "")
        for row in version.fees.all()
    )
    decide = next((row for row in steps if row.kind == FlowStep.Kind.DECIDE), None)
    deciding = decide.department.name if decide and decide.department else item.department.name
    statutory = limit_words(version.statutory) if version.statutory else ""
    made = Sheet(
        code=item.task_code,
        catalog_code=item.catalog_code,
        name=version.name,
        everyday=tuple(version.everyday_names),
        type=str(item.get_item_type_display()),
        organ=item.department.name,
        deciding=deciding,
        plain=version.plain_text.strip(),
        answers=tuple(
            four_answers(
                version,
                lines,
                [step.name for step in step_lines],
                fees,
                promised=promised,
                calendar=calendar,
                today=today,
            )
        ),
        materials=lines,
        steps=step_lines,
        fees=fees,
        has_fee=version.has_fee or bool(fees) if version.is_stated("has_fee") or fees else None,
        fee_note=_beside(version.fee_note, [f"{fee.name}：{fee.standard}" for fee in fees]),
        fee_basis=_beside(version.fee_basis, [fee.basis for fee in fees]),
        faqs=tuple((row.question, row.answer) for row in version.faqs.all()),
        forms=tuple(FormLine(key, form.title, tuple(sample_rows(form))) for key, form in forms.items()),
        heads=(),
        basis=version.legal_basis.strip(),
        condition=version.accept_condition.strip(),
        procedure=version.procedure.strip(),
        promised=limit_words(promised) if promised.number else _("当场办结"),
        statutory=statutory,
        place=version.place.strip() or center.address,
        hours=version.hours.strip() or center.hours,
        phone=version.consult_way.strip() or item.department.phone or center.phone,
        complaint=version.complaint_way.strip() or "12345",
        result=version.result_name.strip(),
        promises=tuple(_promises(version, promised, fees, center)),
        center=center,
        version=_version(version),
    )
    return _with_heads(made, item, version)


def split_materials(lines: Iterable[MaterialLine]) -> tuple[list[MaterialLine], list[MaterialLine]]:
    """Return what to bring, and what the window looks up itself."""
    lines = list(lines)
    return [line for line in lines if not line.by_us], [line for line in lines if line.by_us]


def material_line(row: ItemMaterial, forms: Mapping[str, ItemForm]) -> MaterialLine:
    """Return a material as it is shown; forms: those of its edition by key."""
    count = max(row.copies, 1)
    originals, copies = {
        ItemMaterial.Kind.ORIGINAL.value: (count, 0),
        ItemMaterial.Kind.COPY.value: (0, count),
    }.get(row.kind, (1, count))
    words = []
    if originals:
        words.append(ngettext("原件 %(n)s 份", "原件 %(n)s 份", originals) % {"n": originals})
    if copies:
        words.append(ngettext("复印件 %(n)s 份", "复印件 %(n)s 份", copies) % {"n": copies})
    need = {
        ItemMaterial.Necessity.GAP_ALLOWED.value: _("可以后补"),
        ItemMaterial.Necessity.OPTIONAL.value: _("有就带"),
    }.get(row.necessity, "")
    form = forms.get(row.form_key) if row.form_key else None
    return MaterialLine(
        name=row.name,
        originals=originals,
        copies=copies,
        count=listed(words),
        need=need,
        note=row.note.strip(),
        standard=row.accept_standard.strip(),
        basis=row.legal_basis.strip(),
        source=str(row.get_source_display()),
        by_us=row.source == ItemMaterial.Source.SHARED,
        is_conditional=bool(row.when),
        is_later=row.necessity == ItemMaterial.Necessity.GAP_ALLOWED,
        form_key=form.key if form else "",
        form_title=form.title if form else "",
        has_sample=bool(form and form.sample),
    )


def _steps(item: ServiceItem, steps: Sequence[FlowStep], duties: Duties) -> tuple[StepLine, ...]:
    names = {row.key: row.name for row in steps}
    days = day_of_steps(steps)
    is_planned = max(days.values(), default=1) > 1
    lines = []
    for row in steps:
        organ = row.department or item.department
        lines.append(
            StepLine(
                name=row.name,
                kind=row.kind,
                organ=organ.name,
                post=row.post,
                authority=row.authority,
                duties=duties.get((organ.pk, row.post), "").strip() or row.authority,
                limit=limit_words(Limit(row.limit_days)) if row.limit_days else _("当天"),
                after=tuple(names[key] for key in row.after if key in names),
                is_conditional=bool(row.when),
                day=days.get(row.key, 0) if is_planned else 0,
            )
        )
    return tuple(lines)


def sample_rows(form: ItemForm) -> list[tuple[str, str]]:
    """Return (what is asked, what the sample says) for each field of the form that the sample fills in."""
    return list(_sample(form.schema, form.sample, ""))


def _sample(schema: Mapping[str, Any], values: Any, before: str) -> Iterable[tuple[str, str]]:
    if not isinstance(values, Mapping):
        return
    asked = schema.get("properties", {})
    # The database keeps no order of keys; x-order does.
    ordered = sorted(asked, key=lambda name: (asked[name] or {}).get("x-order", len(asked)))
    for name in [*ordered, *(name for name in values if name not in asked)]:
        if name not in values:
            continue
        field, value = asked.get(name) or {}, values[name]
        label = f"{before}{field.get('title') or name}"
        if isinstance(value, Mapping):
            yield from _sample(field, value, f"{label} · ")
        elif isinstance(value, list):
            for n, one in enumerate(value, 1):
                if isinstance(one, Mapping):
                    yield from _sample(field.get("items", {}), one, f"{label} {n} · ")
            plain = [_said(field.get("items", {}), one) for one in value if not isinstance(one, Mapping)]
            if plain:
                yield label, listed(plain)
        else:
            yield label, _said(field, value)


def _said(field: Mapping[str, Any], value: Any) -> str:
    for choice in (*field.get("oneOf", ()), *field.get("anyOf", ())):
        if isinstance(choice, Mapping) and choice.get("const") == value and choice.get("title"):
            return str(choice["title"])
    if isinstance(value, bool):
        return _("是") if value else _("否")
    return "" if value is None else str(value)


# The four answers.


def four_answers(
    version: ItemVersion,
    materials: Sequence[MaterialLine],
    steps: Sequence[str],
    fees: Sequence[FeeLine] = (),
    *,
    promised: Limit,
    calendar: Calendar | None = None,
    today: date | None = None,
) -> list[Answer]:
    """Return what to bring, which steps, when done, what it costs (S3-11); steps: their names in order."""
    return [
        _what_to_bring(version, materials),
        _how_it_goes(version, steps),
        _when(version, promised, calendar, today),
        _cost(version, fees),
    ]


def _what_to_bring(version: ItemVersion, materials: Sequence[MaterialLine]) -> Answer:
    question = _("要带什么材料")
    bring, fetched = split_materials(materials)
    if not bring:
        if fetched or version.needs_no_materials:
            return Answer(question, _("不用带材料"), _("要核对的，我们自己查"))
        return Answer(question, _("请先问一声"), _("这件事的材料清单还没录全，打电话就能问清"))
    later = sum(line.is_later for line in bring)
    answer = ngettext("%(n)s 样", "%(n)s 样", len(bring)) % {"n": len(bring)}
    if any(line.is_conditional for line in bring):
        answer = pgettext("materials", "最多 %(things)s") % {"things": answer}
        reason = _("看您的情况，不一定都要")
    elif fetched:
        reason = _("%(name)s等 %(n)s 样我们自己查，不用您带") % {"name": fetched[0].name, "n": len(fetched)}
    elif later:
        reason = _("其中 %(n)s 样可以后补") % {"n": later}
    else:
        reason = _("清单外的，谁也不能向您要")
    return Answer(question, answer, reason)


def _how_it_goes(version: ItemVersion, steps: Sequence[str]) -> Answer:
    question = _("走哪些程序")
    names, visits, count = listed(steps[:_NAMES]), version.visit_count, len(steps)
    walked = ngettext("走 %(n)s 步", "走 %(n)s 步", count) % {"n": count}
    if visits is None:
        answer = walked if steps else _("到窗口就能办")
    elif visits == 0:
        answer = _("一趟不用跑，%(steps)s") % {"steps": walked} if steps else _("一趟不用跑")
    else:
        answer = ngettext("跑 %(n)s 趟", "跑 %(n)s 趟", visits) % {"n": visits}
        if steps:
            answer = _("%(visits)s，%(steps)s") % {"visits": answer, "steps": walked}
    if not names:
        names = _("每一步写在下面") if version.procedure else _("网上能办的，全程在网上")
        if visits:
            names = _("材料带齐，就不用再来")
    return Answer(question, answer, names)


def _when(version: ItemVersion, promised: Limit, calendar: Calendar | None, today: date | None) -> Answer:
    question = _("什么时候办好")
    if not promised.number:
        return Answer(question, _("当场办好"), _("材料齐，在窗口等着就能拿到结果"))
    answer = _("%(limit)s内") % {"limit": limit_words(promised)}
    law = limit_words(version.statutory) if version.statutory else ""
    if calendar is None or today is None:
        reason = _("从受理第二天算起；法定 %(law)s") % {"law": law} if law else _("从受理第二天算起")
        return Answer(question, answer, reason)
    due = calendar.due_for(datetime.combine(today, time(), LOCAL_ZONE), promised)
    values = {"due": short_day(due.on, year=due.on.year != today.year, weekday=True), "law": law}
    if due.is_provisional:
        reason = _("今天受理，暂定最晚 %(due)s；那年的放假安排还没公布") % values
    elif law:
        reason = _("今天受理，最晚 %(due)s；法定 %(law)s") % values
    else:
        reason = _("今天受理，最晚 %(due)s") % values
    return Answer(question, answer, reason)


def _cost(version: ItemVersion, fees: Sequence[FeeLine]) -> Answer:
    question = _("收不收费")
    if version.has_fee or fees:
        if len(fees) == 1 and len(fees[0].standard) <= _SHORT_FEE:
            return Answer(question, fees[0].standard, _("除了这一项，谁也不能再收"))
        return Answer(question, _("要收费"), _("多少钱、凭什么收，写在下面"))
    if not version.is_stated("has_fee"):
        return Answer(question, _("没有列收费"), _("清单里没写要收钱；谁向您收钱，请拨 12345"))
    return Answer(question, _("不收费"), _("谁向您收钱，请拨 12345"))


# What the centre answers for, and the heads of the standard.


def _promises(version: ItemVersion, promised: Limit, fees: Sequence[FeeLine], center: Place) -> Iterable[str]:
    if center.motto:
        yield center.motto
    yield _("缺什么，一次说清；收了材料，当场给凭证。")
    if not promised.number:
        yield _("材料齐的，当场办结。")
    elif version.statutory and promised.unit == version.statutory.unit == Unit.WORKDAY and (
        saved := version.statutory.number - promised.number
    ) > 0:  # fmt: skip
        yield _("承诺 %(limit)s内办好，比法定时限快 %(saved)s 个工作日；超了，公开说明原因。") % {
            "limit": limit_words(promised), "saved": saved,
        }  # fmt: skip
    else:
        yield _("承诺 %(limit)s内办好；超了，公开说明原因。") % {"limit": limit_words(promised)}
    if version.is_stated("has_fee") and not version.has_fee and not fees:
        yield _("办这件事不收一分钱，表格免费。")
    else:
        yield _("只按公布的标准收费，表格免费。")


def _beside(text: str, lines: Iterable[str]) -> str:
    """Return what `text` says beside the lines of fees; it was filled in from them where nobody wrote it."""
    said = text.strip()
    return "" if said == "；".join(dict.fromkeys(lines)) else said


def _version(version: ItemVersion) -> str:
    on = short_day(version.effective_on, year=True) if version.effective_on else ""
    values = {"number": version.number, "on": on}
    return _("第 %(number)s 版，%(on)s起") % values if values["on"] else _("第 %(number)s 版") % values


def _how_to_bring(line: MaterialLine) -> list[str]:
    return [_("我们自己查，不用带")] if line.by_us else [word for word in (line.count, line.need) if word]


def _with_heads(made: Sheet, item: ServiceItem, version: ItemVersion) -> Sheet:
    scope = [listed(version.service_objects), version.universal_scope.strip()]
    ways = [listed(version.channels)]
    if version.visit_count is not None:
        ways.append(
            ngettext("到现场 %(n)s 次", "到现场 %(n)s 次", version.visit_count) % {"n": version.visit_count}
            if version.visit_count
            else _("不用到现场")
        )
    ways += [version.visit_reason.strip(), version.online_depth.strip()]
    ways += [
        word
        for is_so, word in (
            (version.takes_appointments, _("可以预约")),
            (version.on_terminals, _("自助终端能办")),
            (version.pays_online, _("可以网上付款")),
        )
        if is_so
    ]
    limits = [
        _("承诺 %(limit)s") % {"limit": made.promised},
        _("法定 %(limit)s") % {"limit": made.statutory} if made.statutory else "",
        version.promised_note.strip() or version.statutory_note.strip(),
        version.special_procedures.strip(),
    ]
    fee = [
        made.fee_note,
        *(
            "，".join(
                part
                for part in (
                    f"{line.name} {line.standard}",
                    _("依据：%(basis)s") % {"basis": line.basis},
                    _("可以减免：%(basis)s") % {"basis": line.reduction} if line.reduction else "",
                )
                if part
            )
            for line in made.fees
        ),
        _("依据：%(basis)s") % {"basis": made.fee_basis} if made.fee_basis else "",
    ]
    if made.has_fee is False:
        fee = [_("不收费")]
    deliver = [_("可以寄给您") if version.delivers_by_post else "", _("到窗口领取") if version.visit_count else ""]
    materials = [f"{n}. {line.name}（{listed(_how_to_bring(line))}）" for n, line in enumerate(made.materials, 1)]
    flow = [f"{n}. {step.name}：{step.organ} {step.post}，{step.limit}" for n, step in enumerate(made.steps, 1)]
    if version.needs_no_materials and not materials:
        materials = [_("不用交材料")]
    codes = [
        made.name,
        _("基本编码 %(code)s") % {"code": made.catalog_code} if made.catalog_code else "",
        _("实施编码 %(code)s") % {"code": made.code},
    ]
    rows: list[tuple[str, str, Iterable[str]]] = [
        ("name", _("事项名称和编码"), codes),
        ("scope", _("适用范围"), scope),
        ("basis", _("办理依据"), [made.basis]),
        ("accepting", _("受理机构"), [made.organ, version.delegated_department.strip()]),
        ("deciding", _("决定机构"), [made.deciding, version.exercise_level, listed(version.joint_organs)]),
        ("quantity", _("数量限制"), [version.quantity_limit.strip()]),
        ("condition", _("申请条件"), [made.condition]),
        ("prohibitions", _("禁止性要求"), [version.prohibitions.strip()]),
        ("materials", _("申请材料"), materials),
        ("intake", _("申请接收"), [made.place, made.hours]),
        ("procedure", _("办理流程"), [made.procedure, *flow]),
        ("ways", _("办理方式"), ways),
        ("limit", _("办结时限"), limits),
        ("fee", _("收费依据及标准"), fee),
        ("result", _("审批结果"), [made.result, version.result_type.strip(), version.result_sample.strip()]),
        ("delivery", _("结果送达"), deliver),
        ("rights", _("申请人权利和义务"), [version.rights_and_duties.strip()]),
        ("consult", _("咨询途径"), [made.phone]),
        ("complaint", _("监督和投诉渠道"), [made.complaint]),
        ("where", _("地址和时间"), [made.place, made.hours]),
        ("progress", _("进程查询"), [_("在网上“查进度”里输入办件编号和手机号后四位，或者打电话问。")]),
    ]  # fmt: skip
    heads = []
    for key, label, parts in rows:
        text = "\n".join(part for part in parts if part)
        heads.append(Head(key, label, text or _("没有列出"), bool(text)))
    return replace(made, heads=tuple(heads))
