"""Editions of an item: the list, one by its number, and two held against each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from yimen.catalog.models import (
    FIELDS,
    FlowStep,
    ItemFee,
    ItemForm,
    ItemMaterial,
    ItemVersion,
    ScenarioQuestion,
    ServiceItem,
)
from yimen.catalog.models.items import COMMITMENT_MATERIALS, DECIDE_WITH_GAP, DECIDED_ABOVE, QUICK_MINUTES, SECRET
from yimen.catalog.rules.compare import Comparison, Line, Snapshot, compare
from yimen.catalog.rules.due import due_words
from yimen.catalog.rules.flows import Step
from yimen.catalog.rules.forms import KINDS, Field, Form, fields_of, sample_rows
from yimen.catalog.rules.publishing import plain_name
from yimen.lib.dates import limit_words
from yimen.lib.text import listed
from yimen.lib.workdays import Limit

_LISTS = ("materials", "steps__department", "fees", "faqs", "forms", "questions__options", "check_points")
# Number, unit and note of a limit are shown as one, and these say nothing to a reader.
_ASIDE = {"statutory_unit", "promised_unit", "due_rule", "has_fee", "effective_on", "cancel_on"}


def editions_of(item: ServiceItem) -> models.QuerySet[ItemVersion]:
    """Return all editions, the latest first."""
    return item.versions.order_by("-number")


def edition(item: ServiceItem, number: int) -> ItemVersion | None:
    """Return one edition by its number with all its lists; None when there is none."""
    return item.versions.filter(number=number).prefetch_related(*_LISTS).first()


def compare_editions(item: ServiceItem, old: int, new: int) -> Comparison | None:
    """Return the difference between two editions by number; None when one is missing. At most 18 queries."""
    before, after = edition(item, old), edition(item, new)
    return compare(snapshot(before), snapshot(after)) if before and after else None


def snapshot(version: ItemVersion) -> Snapshot:
    """Return an edition in words, as it is compared."""
    steps = list(version.steps.all())
    names = {step.key: step.name for step in steps}
    questions = list(version.questions.all())
    answers = {
        f"{one.key}.{option.key}": f"{one.text} {option.label}" for one in questions for option in one.options.all()
    }
    forms = list(version.forms.all())
    titles = {form.key: form.title for form in forms}
    fields = {_label(version, name): _said(getattr(version, name)) for name in FIELDS if name not in _ASIDE}
    fields[_label(version, "promised_limit")] = _limit(version.promised, version.get_promised_unit_display())
    fields[_label(version, "statutory_limit")] = _limit(version.statutory, version.get_statutory_unit_display())
    fields[_label(version, "case_type")] = str(version.get_case_type_display())
    fields[_label(version, "has_fee")] = _said(version.has_fee) if version.is_stated("has_fee") else ""
    fields[_("主动提醒谁")] = due_words(version.due_rule) if version.due_rule else ""
    fields |= _handling(version)
    return Snapshot(
        number=version.number,
        fields=fields,
        promised=version.promised if version.promised or not version.is_immediate else Limit(0),
        statutory=version.statutory,
        materials=[_material(row, titles, answers) for row in version.materials.all()],
        steps=[_step(row, names, answers) for row in steps],
        fees=[_fee(row) for row in version.fees.all()],
        lists={
            _("常见问题"): [Line(row.question, row.question, {_("回答"): row.answer}) for row in version.faqs.all()],
            _("表格"): [_form(row, answers) for row in forms],
            _("现场核查要点"): [
                Line(
                    row.text,
                    row.text,
                    _texts(
                        (
                            (_("合格标准"), row.standard),
                            (_("必查"), row.is_mandatory),
                            (_("要拍照"), row.needs_photo),
                        )
                    ),
                )
                for row in version.check_points.all()
            ],
            _("情形问题"): [_question(row, answers) for row in questions],
        },
        flow=[
            Step(row.key, row.name, row.kind, row.post, row.authority, row.limit_days, tuple(row.after))
            for row in steps
        ],
        visits=version.visit_count,
    )


def _label(version: ItemVersion, name: str) -> str:
    column: Any = version._meta.get_field(name)
    return _own_labels().get(name) or str(column.verbose_name)


def _own_labels() -> dict[str, str]:
    return {
        "name": _("事项名称"),
        "everyday_names": _("大家平时怎么叫"),
        "themes": _("主题"),
    }


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, list):
        return listed(str(one) for one in value)
    return "" if value is None else str(value)


def _limit(limit: Limit | None, unit: str) -> str:
    return f"{limit.number} {unit}" if limit else ""


def _texts(pairs: Iterable[tuple[str, Any]]) -> dict[str, str]:
    return {label: _said(value) for label, value in pairs}


def _handling(version: ItemVersion) -> dict[str, str]:
    """Return how its cases are handled, as it is compared."""
    labels = {
        DECIDE_WITH_GAP: _("容缺的材料还没补，也可以先作决定"),
        DECIDED_ABOVE: _("由上级决定，我们只作初审"),
        COMMITMENT_MATERIALS: _("哪些证明可以用告知承诺代替"),
        QUICK_MINUTES: _("承诺窗口几分钟办好"),
        SECRET: _("决定涉及国家秘密、商业秘密或者个人隐私，不公开"),
    }
    # What nobody set and what somebody set to no mean the same.
    return {label: _said(version.extended.get(key) or None) for key, label in labels.items()}


def _when(row: Any, answers: Mapping[str, str]) -> dict[str, str]:
    return {_("只在这样选时才有"): listed(answers.get(name, name) for name in row.when)}


def _form(row: ItemForm, answers: Mapping[str, str]) -> Line:
    fields = fields_of(row.schema)
    labels = [one.label for one in fields]
    asked = {f"{one.label}（{one.name}）" if labels.count(one.label) > 1 else one.label: _asked(one) for one in fields}
    sample = sample_rows(Form(row.key, row.title, row.schema, row.sample)) if row.sample else []
    filled = "；".join(f"{label}：{value}" for label, value in sample)
    return Line(row.key, row.title, asked | {_("填好的样子"): filled} | _when(row, answers))


def _asked(one: Field) -> str:
    parts: Sequence[str] = (
        str(KINDS[one.kind][0]),
        _("必填") if one.is_required else "",
        listed(one.choices),
        one.help,
        *(f"{sign} {value}" for sign, value in (("≥", one.minimum), ("≤", one.maximum)) if value is not None),
        f"≤ {one.most}" if one.most else "",
        one.prefill,
    )
    return "；".join(filter(None, parts))


def _question(row: ScenarioQuestion, answers: Mapping[str, str]) -> Line:
    options = list(row.options.all())
    texts = {
        _("回答"): listed(option.label for option in options),
        _("说明"): row.help,
        _("可以选几个"): _said(row.is_multiple),
    }
    for option in options:
        limit = _limit(Limit(option.promised_limit), _("个工作日")) if option.promised_limit is not None else ""
        texts[option.label] = "；".join(filter(None, (option.note, limit, option.dead_end)))
    return Line(row.key, row.text, texts | _when(row, answers))


def _material(row: ItemMaterial, titles: Mapping[str, str], answers: Mapping[str, str]) -> Line:
    return Line(
        plain_name(row.name),
        row.name,
        _texts(
            (
                (_("要不要"), row.get_necessity_display()),
                (_("原件还是复印件"), row.get_kind_display()),
                (_("从哪里来"), row.get_source_display()),
                (_("份数"), row.copies),
                (_("怎么填"), row.note),
                (_("受理标准"), row.accept_standard),
                (_("依据"), row.legal_basis),
                (_("规格"), row.paper_size),
                (_("来源说明"), row.source_note),
                (_("材料形式"), row.form),
                (_("要填的表"), titles.get(row.form_key, row.form_key)),
            )
        )
        | _when(row, answers),
    )


def _step(row: FlowStep, names: Mapping[str, str], answers: Mapping[str, str]) -> Line:
    days = limit_words(Limit(row.limit_days)) if row.limit_days else _("当场")
    return Line(
        row.key,
        row.name,
        _texts(
            (
                (_("种类"), row.get_kind_display()),
                (_("岗位"), row.post),
                (_("权限"), row.authority),
                (_("时限"), days),
                (_("部门"), row.department.name if row.department else ""),
                (_("等哪几步做完"), [names.get(key, key) for key in row.after]),
            )
        )
        | _when(row, answers),
    )


def _fee(row: ItemFee) -> Line:
    return Line(
        row.name,
        row.name,
        _texts(
            (
                (_("标准"), row.standard),
                (_("依据"), row.basis),
                (_("允许减免"), row.is_reducible),
                (_("减免依据"), row.reduction_basis),
            )
        ),
    )
