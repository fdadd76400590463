"""Writes to the questions and forms of a draft, and to what their answers switch on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Any, cast

from django.db import models, transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.catalog.actions.drafts import BadDraft
from yimen.catalog.actions.editions import record_item
from yimen.catalog.actions.items import begin, draft_of
from yimen.catalog.models import ItemForm, ItemVersion, ScenarioOption, ScenarioQuestion, ServiceItem
from yimen.catalog.queries import scenario as queries
from yimen.catalog.rules import forms as form_rules
from yimen.catalog.rules.forms import Form
from yimen.catalog.rules.scenario import MOST_OPTIONS, Question
from yimen.ledger.actions import Actor

MOST_QUESTIONS = 30
MOST_FORMS = 20
_KEY_OF = {"materials": "name", "steps": "key", "forms": "key"}


@transaction.atomic
def save_questions(
    item: ServiceItem,
    questions: Sequence[Question],
    *,
    by: Actor,
    at: datetime,
    materials: Mapping[str, Sequence[str]] | None = None,
    steps: Mapping[str, Sequence[str]] | None = None,
    forms: Mapping[str, Sequence[str]] | None = None,
    seen: str | None = None,
) -> ItemVersion:
    """
    Replace the questions of the item's draft and return it; without a draft one begins as save_draft() begins it.

    materials, steps, forms: by material name, step key and form key, the options ("question.option") that make each
    needed; those not named stay. Options that are gone are taken out of everything that named them. Whether the
    whole makes sense is judged when it is published (rules.scenario.findings); half-written questions may be saved.
    seen: as in save_draft(). Nothing changed: nothing is recorded. Raises BadDraft, ChangedMeanwhile,
    WaitsForItsDay, access.NotAllowed.
    """
    item, version = draft_of(item, by=by, seen=seen)
    _check_questions(questions)
    begin(version)
    before = queries.scenario_data(version)
    version.questions.all().delete()
    rows = [
        ScenarioQuestion(
            version=version,
            position=place,
            key=one.key,
            text=one.text.strip(),
            help=one.help.strip(),
            is_multiple=one.is_multiple,
            when=list(one.when),
        )
        for place, one in enumerate(questions, 1)
    ]
    ScenarioQuestion.objects.bulk_create(rows)
    ScenarioOption.objects.bulk_create(
        ScenarioOption(
            question=row,
            position=place,
            key=option.key,
            label=option.label.strip(),
            note=option.note.strip(),
            promised_limit=option.promised_limit,
            dead_end=option.dead_end.strip(),
        )
        for row, one in zip(rows, questions, strict=True)
        for place, option in enumerate(one.options, 1)
    )
    _drop_lost_names(version, questions)
    for kind, wanted in (("materials", materials), ("steps", steps), ("forms", forms)):
        _attach(version, kind, wanted or {}, {name for one in questions for name in one.names()})
    version = ItemVersion.objects.select_related("item").get(pk=version.pk)
    after = queries.scenario_data(version)
    if after != before:
        changed = {name: value for name, value in after.items() if value != before[name]}
        if "forms" in changed:
            changed["forms"] = [_summary(form) for form in changed["forms"]]
        record_item(item, "catalog.scenario_saved", by, at, {"version": version.number, "changed": changed})
    return version


def _check_questions(questions: Sequence[Question]) -> None:
    """Raise BadDraft with everything that cannot be stored."""
    faults = []
    if len(questions) > MOST_QUESTIONS:
        faults.append(_("最多问 %(most)d 个问题。") % {"most": MOST_QUESTIONS})
    if len({one.key for one in questions}) < len(questions):
        faults.append(_("有两个问题的代号一样。"))
    for one in questions:
        where = one.text.strip()[:30] or one.key
        faults += _faults_of(ScenarioQuestion, where, key=one.key, text=one.text.strip(), help=one.help.strip())
        if not one.text.strip():
            faults.append(_("问题还没写字。"))
        if len(one.options) > MOST_OPTIONS:
            faults.append(_("“%(question)s”最多 %(most)d 个回答。") % {"question": where, "most": MOST_OPTIONS})
        if len({option.key for option in one.options}) < len(one.options):
            faults.append(_("“%(question)s”有两个回答的代号一样。") % {"question": where})
        for option in one.options:
            if not option.label.strip():
                faults.append(_("“%(question)s”有一个回答还没写字。") % {"question": where})
            faults += _faults_of(
                ScenarioOption,
                where,
                key=option.key,
                label=option.label.strip(),
                note=option.note.strip(),
                dead_end=option.dead_end.strip(),
            )
            days = option.promised_limit
            if days is not None and not 0 <= days < 1000:
                faults.append(
                    _("“%(label)s”承诺的时限要是 0 到 999 个工作日，现在是 %(days)s。")
                    % {"label": option.label, "days": days}
                )
    if faults:
        raise BadDraft(faults)


def _faults_of(model: type[models.Model], where: str, **values: str) -> list[str]:
    """A sentence for each text that its column does not take."""
    faults = []
    for name, value in values.items():
        column = cast("models.Field[Any, Any]", model._meta.get_field(name))
        if "\x00" in value:
            faults.append(_("“%(where)s”里有一个看不见的坏字符，请重新输入。") % {"where": where})
        elif column.max_length and len(value) > column.max_length:
            said = {"where": where, "label": column.verbose_name, "most": column.max_length}
            faults.append(_("“%(where)s”的%(label)s最多写 %(most)d 个字。") % said)
        elif name == "key" and (
            not value or not value.replace("-", "").replace("_", "").isalnum() or not value.isascii()
        ):
            faults.append(_("代号“%(key)s”只能用字母、数字和横线。") % {"key": value[:40]})
    return faults


def _drop_lost_names(version: ItemVersion, questions: Sequence[Question]) -> None:
    """Take options that are no more out of every `when`; something that hung on lost options alone is for everybody."""
    known = {name for one in questions for name in one.names()}
    for rows in (version.questions.all(), version.materials.all(), version.steps.all(), version.forms.all()):
        for row in cast("Iterable[Any]", rows):
            kept = [name for name in row.when if name in known]
            if kept != row.when:
                row.when = kept
                row.save(update_fields=["when"])


def _attach(version: ItemVersion, kind: str, wanted: Mapping[str, Sequence[str]], known: set[str]) -> None:
    rows = {getattr(row, _KEY_OF[kind]): row for row in getattr(version, kind).all()}
    for key, names in wanted.items():
        if key not in rows:
            raise BadDraft(_("草稿里没有“%(key)s”，可能刚被去掉了。") % {"key": key})
        if strange := [name for name in names if name not in known]:
            raise BadDraft(_("“%(key)s”要看一个没有的回答（%(name)s）。") % {"key": key, "name": strange[0]})
        if rows[key].when != list(names):
            rows[key].when = list(names)
            rows[key].save(update_fields=["when"])


@transaction.atomic
def save_forms(
    item: ServiceItem,
    forms: Sequence[Form],
    *,
    by: Actor,
    at: datetime,
    materials: Mapping[str, str] | None = None,
    seen: str | None = None,
) -> ItemVersion:
    """
    Replace the forms of the item's draft and return it; drafts begin and `seen` counts as in save_questions().

    materials: by material name, the key of the form that is that material ("" for none). Raises rules.forms.BadForm
    naming each wrong field, BadDraft for keys, titles, samples that do not fit, and materials that are not there.
    """
    item, version = draft_of(item, by=by, seen=seen)
    check_forms(forms, today=localdate(at))
    begin(version)
    before = _form_data(version)
    known = {name for one in queries.questions_of(version) for name in one.names()}
    version.forms.all().delete()
    ItemForm.objects.bulk_create(
        ItemForm(
            version=version,
            position=place,
            key=one.key,
            title=one.title.strip(),
            schema=dict(one.schema),
            sample=dict(one.sample),
            when=[name for name in one.when if name in known],
        )
        for place, one in enumerate(forms, 1)
    )
    keys = {one.key for one in forms}
    rows = {row.name: row for row in version.materials.all()}
    for name, key in (materials or {}).items():
        if name not in rows or (key and key not in keys):
            raise BadDraft(_("草稿里没有“%(key)s”，可能刚被去掉了。") % {"key": name if name not in rows else key})
        rows[name].form_key = key
    for row in rows.values():
        row.form_key = row.form_key if row.form_key in keys else ""
        row.save(update_fields=["form_key"])
    version = ItemVersion.objects.select_related("item").get(pk=version.pk)
    if (after := _form_data(version)) != before:
        changed = {**after, "forms": [_summary(form) for form in after["forms"]]}
        record_item(item, "catalog.forms_saved", by, at, {"version": version.number, "changed": changed})
    return version


def _summary(form: Mapping[str, Any]) -> dict[str, Any]:
    """What the ledger keeps of a form: it holds no fractions, and bounds and samples have them."""
    text = json.dumps([form["schema"], form["sample"]], ensure_ascii=False, sort_keys=True)
    return {
        "key": form["key"],
        "title": form["title"],
        "when": form["when"],
        "fields": sorted(form["schema"].get("properties", {})),
        "sha256": sha256(text.encode()).hexdigest(),
    }


def _form_data(version: ItemVersion) -> dict[str, Any]:
    return {
        "forms": queries.scenario_data(version)["forms"],
        "materials": {row.name: row.form_key for row in version.materials.all() if row.form_key},
    }


def check_forms(forms: Sequence[Form], *, today: date) -> None:
    """Raise BadDraft or rules.forms.BadForm with everything wrong in these forms, the form named."""
    faults: list[str] = []
    if len(forms) > MOST_FORMS:
        faults.append(_("最多 %(most)d 张表。") % {"most": MOST_FORMS})
    if len({one.key for one in forms}) < len(forms):
        faults.append(_("有两张表的代号一样。"))
    for one in forms:
        if not one.title.strip():
            faults.append(_("有一张表还没写表名。"))
        faults += _faults_of(ItemForm, one.title.strip()[:30] or one.key, key=one.key, title=one.title.strip())
        try:
            form_rules.check_schema(one.schema)
        except form_rules.BadForm as error:
            faults += [f"{one.title}：{fault}" for fault in error.faults]
            continue
        if one.sample:
            wrong = form_rules.check_values(one.schema, one.sample, today=today)
            faults += [_("%(form)s的填写样例：%(why)s") % {"form": one.title, "why": fault.reason} for fault in wrong]
    if faults:
        raise form_rules.BadForm(faults)
