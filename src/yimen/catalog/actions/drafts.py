"""What may be typed into a draft: fields and lists, checked as a whole, and the rows they become."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any, cast

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.catalog import rules
from yimen.catalog.models import (
    FIELDS,
    CaseType,
    FlowStep,
    ItemFaq,
    ItemFee,
    ItemMaterial,
    ItemVersion,
    LimitUnit,
)
from yimen.catalog.queries.dictionaries import terms_of
from yimen.lib.errors import DomainError
from yimen.lib.text import listed
from yimen.people.models import Department


class BadDraft(DomainError):
    """What was entered cannot be saved; each of `reasons` names the part, what was in it and why."""

    def __init__(self, reasons: str | Sequence[str]) -> None:
        self.reasons = [reasons] if isinstance(reasons, str) else list(reasons)
        super().__init__("".join(self.reasons))


@dataclass(frozen=True)
class MaterialDraft:
    """
    A material as it is typed (ITEM-12); its place is its place in the list.

    form_key: the form that is this material; when: options ("question.option") that make it needed, () always.
    """

    name: str
    necessity: str = ItemMaterial.Necessity.REQUIRED
    kind: str = ItemMaterial.Kind.ORIGINAL
    form: str = ""
    source: str = ItemMaterial.Source.APPLICANT
    copies: int = 1
    note: str = ""
    accept_standard: str = ""
    legal_basis: str = ""
    paper_size: str = ""
    source_note: str = ""
    form_key: str = ""
    when: tuple[str, ...] = ()


@dataclass(frozen=True)
class FeeDraft:
    """One fee as it is typed (ITEM-15); without a basis it cannot be saved (LAW-21)."""

    name: str
    standard: str
    basis: str
    is_reducible: bool = False
    reduction_basis: str = ""


@dataclass(frozen=True)
class FaqDraft:
    """A question people ask, and the answer."""

    question: str
    answer: str


@dataclass(frozen=True)
class StepDraft:
    """A flow step as it is typed. department: None for the item's own; limit_days: working days."""

    key: str
    name: str
    kind: str
    post: str
    authority: str
    limit_days: int | None
    department: Department | None = None
    after: tuple[str, ...] = ()
    when: tuple[str, ...] = ()


# Lists longer than this are a mistake, and no page could show them.
MOST = {"materials": 200, "steps": 60, "fees": 40, "faqs": 60}
MOST_WORDS = 40
_CHOICES: Mapping[str, type[models.TextChoices]] = {
    "case_type": CaseType,
    "statutory_unit": LimitUnit,
    "promised_unit": LimitUnit,
}
# Fields whose words come from a code list; exercise_level holds several, parted by 、.
_WORDS = {
    "power_source": "power_source",
    "exercise_level": "level",
    "organ_nature": "organ_nature",
    "channels": "channel",
    "service_objects": "service_object",
    "universal_scope": "universal_scope",
    "online_depth": "online_depth",
    "result_type": "result_type",
}
_LEAST_YEAR = 1949


def checked(given: Mapping[str, Any], *, on: date, standing: ItemVersion | None = None) -> dict[str, Any]:
    """
    Return the values as they are stored. Raises BadDraft with everything that is wrong.

    standing: the edition the draft goes on from; a word it already has may stay though no code list knows it.
    """
    words = terms_of(list(_WORDS.values()), on) if any(name in _WORDS for name in given) else {}
    values: dict[str, Any] = {}
    faults: list[str] = []
    for name, value in given.items():
        if name not in FIELDS:
            faults.append(_("没有“%(name)s”这一栏。") % {"name": name})
            continue
        column = cast("models.Field[Any, Any]", ItemVersion._meta.get_field(name))
        value = _trimmed(value)
        if fault := _column_fault(name, column, value):
            shown = listed(map(str, value)) if isinstance(value, list) else value
            label = str(column.verbose_name)
            faults.append(
                _("“%(label)s”现在是“%(value)s”：%(fault)s")
                % {"label": label, "value": str(shown)[:60], "fault": fault}
                if shown not in ("", None)
                else f"“{label}”：{fault}"
            )
        elif name in _WORDS and value:
            kept = set(_parts(getattr(standing, name))) if standing else set()
            strange = [word for word in _parts(value) if word not in words[_WORDS[name]] and word not in kept]
            if strange:
                faults.append(
                    _("“%(label)s”里没有“%(words)s”这个说法，请从列表里选。")
                    % {"label": column.verbose_name, "words": listed(strange)}
                )
        values[name] = value
    begins, ends = (values.get(name, getattr(standing, name, None)) for name in ("effective_on", "cancel_on"))
    if not faults and begins and ends and ends <= begins:
        faults.append(
            _("计划取消日期 %(ends)s 要在计划生效日期 %(begins)s 之后。")
            % {"ends": ends.isoformat(), "begins": begins.isoformat()}
        )
    if faults:
        raise BadDraft(faults)
    return values


def _parts(value: str | Sequence[str]) -> list[str]:
    return [part for part in value.split("、") if part] if isinstance(value, str) else list(value)


def _trimmed(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list | tuple):
        return [text.strip() if isinstance(text, str) else text for text in value]
    return value


def _column_fault(name: str, column: models.Field[Any, Any], value: Any) -> str:
    """Return why `value` cannot stand in its column, or ""."""
    if "\x00" in str(value):
        return _("有一个看不见的坏字符，请重新输入。")
    if name == "due_rule":
        return due_rule_fault(value)
    if isinstance(column, ArrayField):
        return _list_fault(value, column.base_field.max_length)
    if isinstance(column, models.BooleanField):
        return "" if isinstance(value, bool) else _("要选是或不是。")
    if isinstance(column, models.PositiveSmallIntegerField):
        is_number = isinstance(value, int) and not isinstance(value, bool)
        return "" if value is None or (is_number and 0 <= value < 32768) else _("要是 0 到 32767 的整数。")
    if isinstance(column, models.DateField):
        if value is None or (isinstance(value, date) and _LEAST_YEAR <= value.year < 2200):
            return ""
        return _("没有这一天，请写成 2027-02-08 这样。")
    if not isinstance(value, str):
        return _("要是文字。")
    if name == "name" and not value:
        return _("请填写事项名称。")
    if name in _CHOICES and value not in _CHOICES[name].values:
        return _("请从列表里选。")
    if column.max_length and len(value) > column.max_length:
        return _("最多写 %(most)d 个字。") % {"most": column.max_length}
    return ""


def _list_fault(value: Any, most: int | None) -> str:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        return _("要是几个词。")
    if len(value) > MOST_WORDS:
        return _("最多写 %(most)d 个，这里有 %(count)d 个。") % {"most": MOST_WORDS, "count": len(value)}
    if most and any(len(text) > most for text in value):
        return _("每个最多写 %(most)d 个字。") % {"most": most}
    return ""


def due_rule_fault(value: Any) -> str:
    """Return why nobody can be found due by this rule (S3-2), or ""; {} is no rule."""
    if value == {}:
        return ""
    wanted = {"age": {"years": 150}, "renewal": {"months": 600, "before_days": 365}}
    kind = value.get("kind") if isinstance(value, dict) else None
    limits = wanted.get(kind) if isinstance(kind, str) else None
    if limits is None or set(value) != {"kind", *limits}:
        return _("提醒办法写不成这样，请选“到多少岁”或“满多少个月要换”。")
    is_number = all(type(value[key]) is int and 0 < value[key] <= most for key, most in limits.items())
    return "" if is_number else _("提醒办法里的岁数、月数和天数要是合理的整数。")


# Lists


def check_materials(drafts: Sequence[MaterialDraft]) -> list[dict[str, Any]]:
    """Return the rows as they are stored. Raises BadDraft with everything that is wrong."""
    choices: dict[str, type[models.TextChoices]] = {
        "necessity": ItemMaterial.Necessity,
        "kind": ItemMaterial.Kind,
        "source": ItemMaterial.Source,
    }
    return _rows(drafts, "materials", ItemMaterial, _("第 %(number)d 样材料"), needed=("name",), choices=choices)


def check_fees(drafts: Sequence[FeeDraft]) -> list[dict[str, Any]]:
    """Return the rows as they are stored. Raises BadDraft; a line without a legal basis is never taken (LAW-21)."""
    return _rows(
        drafts, "fees", ItemFee, _("第 %(number)d 项收费"), needed=("name", "standard", "basis"), more=_fee_fault
    )


def _fee_fault(row: Mapping[str, Any]) -> str:
    if row["is_reducible"] and not row["reduction_basis"]:
        return _("选了允许减免，请写减免依据。")
    return ""


def check_faqs(drafts: Sequence[FaqDraft]) -> list[dict[str, Any]]:
    """Return the rows as they are stored. Raises BadDraft with everything that is wrong."""
    return _rows(drafts, "faqs", ItemFaq, _("第 %(number)d 个常见问题"), needed=("question", "answer"))


def _rows(
    drafts: Sequence[Any],
    kind: str,
    model: type[models.Model],
    place: str,
    *,
    needed: Sequence[str],
    choices: Mapping[str, type[models.TextChoices]] | None = None,
    more: Callable[[Mapping[str, Any]], str] | None = None,
) -> list[dict[str, Any]]:
    if len(drafts) > MOST[kind]:
        raise BadDraft(_("最多 %(most)d 行，这里有 %(count)d 行。") % {"most": MOST[kind], "count": len(drafts)})
    rows, faults = [], []
    for number, draft in enumerate(drafts, 1):
        row = {name: _trimmed(value) for name, value in asdict(draft).items()}
        where = place % {"number": number}
        for name, value in row.items():
            column = cast("models.Field[Any, Any]", model._meta.get_field(name))
            label = str(column.verbose_name)
            if name in needed and not value:
                faults.append(_("%(where)s还没写%(label)s。") % {"where": where, "label": _LABELS.get(name) or label})
            elif choices and name in choices and value not in choices[name].values:
                faults.append(
                    _("%(where)s的%(label)s没有“%(value)s”这一种，请从列表里选。")
                    % {"where": where, "label": _LABELS.get(name) or label, "value": value}
                )
            elif fault := _column_fault("", column, value):
                faults.append(
                    _("%(where)s的%(label)s不能这样写：%(fault)s")
                    % {"where": where, "label": _LABELS.get(name) or label, "fault": fault}
                )
        if more and not faults and (fault := more(row)):
            faults.append(f"{where}：{fault}")
        rows.append(row)
    if faults:
        raise BadDraft(faults)
    return rows


# Columns whose model says no Chinese word of its own.
_LABELS = {
    "name": gettext_lazy("名称"),
    "necessity": gettext_lazy("必要性"),
    "kind": gettext_lazy("类型"),
    "source": gettext_lazy("来源渠道"),
    "copies": gettext_lazy("份数"),
}


def check_steps(steps: Sequence[StepDraft]) -> None:
    """Raise rules.BrokenFlow for steps without post, authority or limit or out of order (S1-23), BadDraft."""
    if faults := rules.flow_faults([plain_step(step) for step in steps]):
        raise rules.BrokenFlow(faults)
    faults = []
    if len(steps) > MOST["steps"]:
        faults.append(_("最多 %(most)d 步，这里有 %(count)d 步。") % {"most": MOST["steps"], "count": len(steps)})
    for step in steps:
        if step.kind not in FlowStep.Kind.values:
            faults.append(
                _("“%(name)s”这一步的种类没有“%(kind)s”，请从列表里选。") % {"name": step.name, "kind": step.kind}
            )
        for name, value in _step_values(step).items():
            column = cast("models.Field[Any, Any]", FlowStep._meta.get_field(name))
            if fault := _column_fault("", column, value):
                faults.append(
                    _("“%(name)s”这一步的%(label)s不能这样写：%(fault)s")
                    % {"name": step.name, "label": column.verbose_name, "fault": fault}
                )
    if faults:
        raise BadDraft(faults)


def plain_step(step: StepDraft | FlowStep) -> rules.Step:
    return rules.Step(
        step.key, step.name, step.kind, step.post, step.authority, step.limit_days, tuple(step.after), tuple(step.when)
    )


def _step_values(draft: StepDraft) -> dict[str, Any]:
    return {
        "key": draft.key,
        "name": draft.name.strip(),
        "post": draft.post.strip(),
        "authority": draft.authority.strip(),
        "limit_days": draft.limit_days or 0,
        "after": list(draft.after),
        "when": list(draft.when),
    }


# Rows

MATERIAL, FEE, FAQ = (tuple(field.name for field in fields(draft)) for draft in (MaterialDraft, FeeDraft, FaqDraft))
LISTS: dict[str, tuple[type[models.Model], tuple[str, ...]]] = {
    "materials": (ItemMaterial, MATERIAL),
    "fees": (ItemFee, FEE),
    "faqs": (ItemFaq, FAQ),
}


def replace_rows(version: ItemVersion, kind: str, wanted: list[dict[str, Any]]) -> bool:
    """Replace one of LISTS; False when it was the same already."""
    model, columns = LISTS[kind]
    rows = getattr(version, kind)
    if wanted == list(rows.values(*columns)):
        return False
    rows.all().delete()
    model._default_manager.bulk_create(
        [model(version=version, position=number, **row) for number, row in enumerate(wanted, 1)]
    )
    return True


def replace_steps(version: ItemVersion, drafts: Sequence[StepDraft]) -> list[dict[str, Any]] | None:
    """Replace the steps; None when they were the same already, else what stands now."""
    rows = [
        FlowStep(version=version, position=number, kind=draft.kind, department=draft.department, **_step_values(draft))
        for number, draft in enumerate(drafts, 1)
    ]
    plain = [step_data(row) for row in rows]
    if plain == [step_data(row) for row in version.steps.all()]:
        return None
    version.steps.all().delete()
    FlowStep.objects.bulk_create(rows)
    return plain


def step_data(step: FlowStep) -> dict[str, Any]:
    names = ("key", "name", "kind", "post", "authority", "limit_days", "after", "when")
    return {name: getattr(step, name) for name in names} | {
        "department": str(step.department_id) if step.department_id else None
    }


def copy_rows(rows: Iterable[Any], version: ItemVersion) -> None:
    """Give `version` rows of its own that say the same."""
    copies = []
    for row in rows:
        row.pk, row.version = row._meta.pk.get_default(), version
        copies.append(row)
    type(copies[0])._default_manager.bulk_create(copies) if copies else None
