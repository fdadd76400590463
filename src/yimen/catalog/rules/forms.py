"""
Forms as data: a small, closed part of JSON Schema 2020-12, what people typed judged by it, several forms asked once.

A schema is one object whose properties are the fields. Besides the standard keywords a field may carry "x-order" (its
place: the database keeps no order of keys), "x-prefill" (where its value comes from, PREFILLS) and "x-long" (a text of
several lines). Pure functions; see docs/scenario.md.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from jsonschema import Draft202012Validator, FormatChecker, SchemaError, ValidationError

from yimen.lib import mask
from yimen.lib.errors import DomainError
from yimen.people import identity

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MOST_FIELDS = 80
MOST_TEXT = 2_000
TEXT, LONG_TEXT = 100, 500
MOST_NUMBER = 10**12
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)

# What an editor chooses, and what it is in the schema.
KINDS: Mapping[str, tuple[Any, Mapping[str, Any]]] = {
    "text": (gettext_lazy("一行文字"), {"type": "string"}),
    "long": (gettext_lazy("多行文字"), {"type": "string", "x-long": True}),
    "number": (gettext_lazy("数字"), {"type": "number"}),
    "integer": (gettext_lazy("整数"), {"type": "integer"}),
    "date": (gettext_lazy("日期"), {"type": "string", "format": "date"}),
    "choice": (gettext_lazy("选一个"), {"type": "string"}),
    "yes_no": (gettext_lazy("是或不是"), {"type": "boolean"}),
    "person_name": (gettext_lazy("人的姓名"), {"type": "string", "format": "person-name"}),
    "id_number": (gettext_lazy("身份证号码"), {"type": "string", "format": "resident-id"}),
    "phone": (gettext_lazy("电话号码"), {"type": "string", "format": "phone"}),
    "credit_code": (gettext_lazy("统一社会信用代码"), {"type": "string", "format": "credit-code"}),
}
# Sources a value may be taken from; those of the applicant are kept as references, never copied.
PREFILLS: Mapping[str, Any] = {
    "applicant.name": gettext_lazy("申请人的姓名或名称"),
    "applicant.kind": gettext_lazy("申请人是个人还是单位"),
    "applicant.id_number": gettext_lazy("申请人的证件号码"),
    "applicant.phone": gettext_lazy("申请人的电话"),
    "earlier": gettext_lazy("他上次填的"),
}
_FIELD_WORDS = frozenset(
    {"type", "title", "description", "format", "enum", "minLength", "maxLength", "minimum", "maximum"}
    | {"x-order", "x-prefill", "x-long"}
)
_FORM_WORDS = frozenset({"$schema", "type", "title", "description", "properties", "required", "additionalProperties"})
_MASKS: Mapping[str, Callable[[str], str]] = {
    "id_number": mask.id_number,
    "phone": mask.phone,
    "person_name": mask.name,
}


class BadForm(DomainError):
    """A schema no form can be made of; `faults` has one sentence for each thing, naming the field."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = list(faults)
        super().__init__("".join(self.faults))


@dataclass(frozen=True)
class Field:
    """One field of a form, as an editor writes it and a page asks it. most: characters of a text."""

    name: str
    label: str
    kind: str = "text"
    help: str = ""
    is_required: bool = False
    prefill: str = ""
    choices: tuple[str, ...] = ()
    most: int | None = None
    minimum: float | None = None
    maximum: float | None = None

    @property
    def is_personal(self) -> bool:
        """Shown masked wherever it is only read."""
        return self.kind in _MASKS


@dataclass(frozen=True)
class Form:
    """A form: key, title, schema, and values that show how it is filled in."""

    key: str
    title: str
    schema: Mapping[str, Any]
    sample: Mapping[str, Any] = field(default_factory=dict)
    when: tuple[str, ...] = ()


@dataclass(frozen=True)
class ValueFault:
    """One wrong value: its field, what was given (masked where it is personal), and why it will not do."""

    name: str
    label: str
    value: str
    reason: str

    def __str__(self) -> str:
        return self.reason


def schema_of(fields: Sequence[Field]) -> dict[str, Any]:
    """Return the schema of these fields, in their order. Judge it with check_schema()."""
    properties: dict[str, Any] = {}
    for order, one in enumerate(fields, 1):
        said: dict[str, Any] = {**KINDS[one.kind][1], "title": one.label, "x-order": order}
        if one.help:
            said["description"] = one.help
        if one.prefill:
            said["x-prefill"] = one.prefill
        if one.kind == "choice":
            said["enum"] = list(one.choices)
        if one.kind in {"text", "long"}:
            said["maxLength"] = one.most or (LONG_TEXT if one.kind == "long" else TEXT)
        if one.kind in {"number", "integer"}:
            said |= {
                word: int(value) if float(value).is_integer() else value
                for word, value in (("minimum", one.minimum), ("maximum", one.maximum))
                if value is not None
            }
        properties[one.name] = said
    return {
        "$schema": DIALECT,
        "type": "object",
        "properties": properties,
        "required": [one.name for one in fields if one.is_required],
        "additionalProperties": False,
    }


def fields_of(schema: Mapping[str, Any]) -> list[Field]:
    """Return the fields of a schema that passed check_schema(), in their order."""
    required = set(schema.get("required", ()))
    said: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    ordered = sorted(said.items(), key=lambda item: (item[1].get("x-order", MOST_FIELDS), item[0]))
    return [
        Field(
            name,
            str(of.get("title", name)),
            _kind(of),
            str(of.get("description", "")),
            name in required,
            str(of.get("x-prefill", "")),
            tuple(str(each) for each in of.get("enum", ())),
            of.get("maxLength"),
            of.get("minimum"),
            of.get("maximum"),
        )
        for name, of in ordered
    ]


def _kind(of: Mapping[str, Any]) -> str:
    if "enum" in of:
        return "choice"
    if of.get("x-long"):
        return "long"
    kinds = {(words.get("type"), words.get("format")): kind for kind, (_word, words) in KINDS.items()}
    kinds[("string", None)] = "text"
    return kinds.get((of.get("type"), of.get("format")), "text")


def check_schema(schema: object) -> None:
    """Raise BadForm naming every field that is wrong, unless `schema` is one of those this module understands."""
    if not isinstance(schema, Mapping):
        raise BadForm([_("表的定义要是一个对象。")])
    faults = [
        _("表里有不认识的写法“%(word)s”。") % {"word": word} for word in sorted(map(str, set(schema) - _FORM_WORDS))
    ]
    properties = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(properties, Mapping):
        raise BadForm([*faults, _("表的定义要是 object，字段写在 properties 里。")])
    if schema.get("$schema", DIALECT) != DIALECT:
        faults.append(_("表的定义要用 JSON Schema 2020-12。"))
    if schema.get("additionalProperties", False) is not False:
        faults.append(_("additionalProperties 只能是 false：没列出来的不收。"))
    if not properties:
        faults.append(_("表里还没有一个字段。"))
    if len(properties) > MOST_FIELDS:
        faults.append(_("字段太多，一张表最多 %(most)d 个。") % {"most": MOST_FIELDS})
    required = schema.get("required", [])
    if not isinstance(required, Sequence) or isinstance(required, str) or not all(isinstance(n, str) for n in required):
        faults.append(_("required 要是字段代号的列表。"))
    else:
        faults += [
            _("必填的“%(name)s”不在字段里。") % {"name": name}
            for name in dict.fromkeys(required)
            if name not in properties
        ]
    for name, of in properties.items():
        faults += _field_faults(str(name), of)
    if "\x00" in str(schema) or "\\x00" in repr(schema):
        faults.append(_("表里有一个看不见的坏字符，请重新输入。"))
    if not faults:
        try:
            Draft202012Validator.check_schema(dict(schema))
        except SchemaError as error:
            path = [str(part) for part in error.absolute_path]
            name = path[1] if len(path) > 1 and path[0] == "properties" else "."
            faults.append(_("字段“%(name)s”的定义不对：%(why)s") % {"name": name, "why": error.message[:200]})
    if faults:
        raise BadForm(faults)


def _field_faults(name: str, of: object) -> list[str]:
    if not NAME.fullmatch(name):
        return [_("字段代号“%(name)s”只能用小写字母、数字和下划线，字母开头，最多 40 个。") % {"name": name[:60]}]
    if not isinstance(of, Mapping):
        return [_("字段“%(name)s”的定义要是一个对象。") % {"name": name}]
    label = of.get("title")
    values = {"name": label if isinstance(label, str) and label.strip() else name}
    faults = []
    if not isinstance(label, str) or not label.strip():
        faults.append(_("字段“%(name)s”还没写名称。") % values)
    elif len(label) > TEXT:
        faults.append(_("字段“%(name)s”的名称太长。") % {"name": name})
    for word in sorted(map(str, set(of) - _FIELD_WORDS)):
        faults.append(_("字段“%(name)s”里有不认识的写法“%(word)s”。") % (values | {"word": word}))
    formats = {words.get("format") for _word, words in KINDS.values()}
    if of.get("type") not in {"string", "number", "integer", "boolean"} or of.get("format") not in formats:
        faults.append(_("字段“%(name)s”的种类不认识，请从列表里选。") % values)
    if of.get("format") and of.get("type") != "string":
        faults.append(_("字段“%(name)s”的种类和格式对不上。") % values)
    if "enum" in of and (
        of.get("type") != "string"
        or not isinstance(of["enum"], list)
        or not of["enum"]
        or not all(isinstance(each, str) and each.strip() for each in of["enum"])
        or len(set(of["enum"])) < len(of["enum"])
    ):
        faults.append(_("字段“%(name)s”要有至少一个选项，选项不能空、不能重复。") % values)
    if of.get("x-prefill", "") not in {"", *PREFILLS}:
        faults.append(_("字段“%(name)s”说的来源没有：%(source)s。") % (values | {"source": str(of["x-prefill"])[:60]}))
    if not isinstance(of.get("x-order", 0), int) or not isinstance(of.get("x-long", False), bool):
        faults.append(_("字段“%(name)s”的次序或多行写得不对。") % values)
    for low, high in (("minLength", "maxLength"), ("minimum", "maximum")):
        bounds = [of[word] for word in (low, high) if word in of]
        if not all(_is_bound(each, whole=low == "minLength") for each in bounds):
            faults.append(_("字段“%(name)s”的上下限要是数字。") % values)
        elif len(bounds) == 2 and bounds[0] > bounds[1]:
            faults.append(_("字段“%(name)s”的下限比上限还大。") % values)
    return faults


def _is_bound(value: object, *, whole: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return (isinstance(value, int) and 0 <= value <= MOST_TEXT) if whole else abs(value) <= MOST_NUMBER


# Values


def read_values(schema: Mapping[str, Any], typed: Mapping[str, str]) -> dict[str, Any]:
    """
    Return what was typed, by field name, as values of the schema; empty fields are left out.

    What cannot be read stays as it was typed, for check_values() to name.
    """
    values: dict[str, Any] = {}
    for one in fields_of(schema):
        text = typed.get(one.name, "").replace("\x00", "").strip()
        if text:
            values[one.name] = _read(one, text)
    return values


def _read(one: Field, text: str) -> Any:
    plain = unicodedata.normalize("NFKC", text)
    match one.kind:
        case "yes_no":
            return {"yes": True, "no": False}.get(text, text)
        case "integer" | "number":
            if re.fullmatch(r"[+-]?\d{1,15}", plain, re.ASCII):
                return int(plain)
            if one.kind == "number" and re.fullmatch(r"[+-]?\d{1,15}\.\d{1,6}", plain, re.ASCII):
                return float(plain)
            return text
        case "id_number" | "credit_code":
            return plain.upper()
        case "phone":
            try:
                return identity.check_phone(text)
            except identity.InvalidIdentity:
                return text
    return text


def check_values(
    schema: Mapping[str, Any], values: Mapping[str, Any], *, today: date, without: Collection[str] = ()
) -> list[ValueFault]:
    """
    Return a fault for each wrong value, in the order of the fields; none: it may be kept.

    today: against which a birth date is judged; without: fields whose value is kept elsewhere and not asked here.
    """
    fields = {one.name: one for one in fields_of(schema)}
    reasons: dict[str, str] = {}
    checker, said = _checker(today)
    for error in Draft202012Validator(dict(schema), format_checker=checker).iter_errors(dict(values)):
        for name in _names(error, values):
            if name not in without:
                reasons.setdefault(name, _reason(error, fields.get(name), name, said))
    for name, value in values.items():
        if isinstance(value, str) and len(value) > MOST_TEXT:
            values_of = {"label": fields[name].label if name in fields else name, "most": MOST_TEXT}
            reasons.setdefault(name, _("“%(label)s”最多写 %(most)d 个字。") % values_of)
        if isinstance(value, str) and "\x00" in value:
            label = fields[name].label if name in fields else name
            reasons[name] = _("“%(label)s”里有一个看不见的坏字符，请重新输入。") % {"label": label}
        if isinstance(value, float) and not math.isfinite(value):
            reasons[name] = _("“%(label)s”要填数字。") % {"label": fields[name].label if name in fields else name}
    ordered = [name for name in fields if name in reasons] + [name for name in reasons if name not in fields]
    return [
        ValueFault(
            name,
            fields[name].label if name in fields else name,
            shown(fields[name], values.get(name)) if name in fields else "",
            reasons[name],
        )
        for name in ordered
    ]


def _names(error: ValidationError, values: Mapping[str, Any]) -> list[str]:
    match error.validator:
        case "required":
            return [name for name in error.validator_value if name not in values]
        case "additionalProperties":
            return [name for name in values if name not in error.schema.get("properties", {})]
    return [str(error.absolute_path[0])] if error.absolute_path else []


def _reason(error: ValidationError, one: Field | None, name: str, said: Mapping[str, str]) -> str:
    if one is None:
        return _("没有“%(name)s”这一栏。") % {"name": name[:60]}
    values = {"label": one.label, "limit": error.validator_value}
    match error.validator:
        case "required":
            return _("“%(label)s”还没填。") % values
        case "enum":
            return _("“%(label)s”请从列表里选。") % values
        case "maxLength":
            return _("“%(label)s”最多写 %(limit)s 个字。") % values
        case "minLength":
            return _("“%(label)s”至少写 %(limit)s 个字。") % values
        case "minimum":
            return _("“%(label)s”不能小于 %(limit)s。") % values
        case "maximum":
            return _("“%(label)s”不能大于 %(limit)s。") % values
        case "format" if error.validator_value == "date":
            return _("“%(label)s”没有这一天，请写成 2027-02-08 这样。") % values
        case "format":
            return _("“%(label)s”：%(why)s") % (values | {"why": said.get(str(error.validator_value), "")})
    wanted = {
        "number": _("要填数字"), "integer": _("要填整数"), "yes_no": _("请选是或者不是"),
    }.get(one.kind, _("请重新填一遍"))  # fmt: skip
    return _("“%(label)s”%(wanted)s。") % (values | {"wanted": wanted})


def _checker(today: date) -> tuple[FormatChecker, dict[str, str]]:
    """The formats of KINDS and nothing else; the second keeps the sentence of the last refusal by format."""
    said: dict[str, str] = {}
    checker = FormatChecker(formats=())

    def by(name: str, judge: Callable[[str], object]) -> None:
        def check(value: object) -> bool:
            if not isinstance(value, str):
                return True
            try:
                judge(value)
            except (DomainError, ValueError) as error:
                said[name] = str(error)
                return False
            return True

        checker.checkers = {**checker.checkers, name: (check, ())}

    by("date", _check_date)
    by("resident-id", lambda value: identity.check_resident_id(value, today))
    by("credit-code", identity.check_credit_code)
    by("phone", identity.check_phone)
    by("person-name", _check_name)
    return checker, said


def _check_date(value: str) -> None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise ValueError
    date.fromisoformat(value)


def _check_name(value: str) -> None:
    if len(value.strip()) < 2 or len(value) > 60:
        raise DomainError(_("姓名要 2 到 60 个字，请对照证件。"))


def shown(one: Field, value: Any) -> str:
    """Return a value as it is read on a page: personal ones masked, yes and no as words."""
    match value:
        case None:
            return ""
        case True | False:
            return _("是") if value else _("不是")
        case str() if one.kind in _MASKS:
            return _MASKS[one.kind](value)
    return str(value)


def by_reference(schema: Mapping[str, Any]) -> set[str]:
    """Return the fields that are taken from the applicant, so that they are neither asked nor kept a second time."""
    return {one.name for one in fields_of(schema) if one.prefill.startswith("applicant.")}


def rows_of(schema: Mapping[str, Any], values: Mapping[str, Any]) -> list[tuple[Field, str]]:
    """Return every field with its value as it is read; "" where there is none."""
    return [(one, shown(one, values.get(one.name))) for one in fields_of(schema)]


def sample_rows(form: Form) -> list[tuple[str, str]]:
    """Return (label, value) of every field the sample fills in, in order; samples are invented and stand in clear."""
    rows = []
    for one in fields_of(form.schema):
        value = form.sample.get(one.name)
        if value is not None:
            rows.append((one.label, shown(one, value) if isinstance(value, bool) else str(value)))
    return rows


def fitting(schema: Mapping[str, Any], values: Mapping[str, Any], *, today: date) -> dict[str, Any]:
    """Return those of `values` that the form would take: what somebody filled in earlier may be offered again."""
    known = {one.name: one for one in fields_of(schema)}
    kept = {name: value for name, value in values.items() if name in known and not known[name].is_personal}
    wrong = {fault.name for fault in check_values(schema, kept, today=today)}
    return {name: value for name, value in kept.items() if name not in wrong}


# Several forms asked as one


@dataclass(frozen=True)
class Merged:
    """
    Several forms as one. shared: names of fields asked once for several forms; clashes: names that mean different
    things in them, each asked for every form apart under "form.name".
    """

    schema: Mapping[str, Any]
    shared: tuple[str, ...] = ()
    clashes: tuple[str, ...] = ()


def merge_forms(forms: Sequence[Form]) -> Merged:
    """
    Return one form that asks everything the forms ask, what they share once.

    Fields of one name are shared when type, format and choices are the same; of their bounds the tighter count. Such a
    field is required when one of the forms requires it.
    """
    of_name: dict[str, list[tuple[Form, Mapping[str, Any]]]] = {}
    for form in forms:
        for one in fields_of(form.schema):
            of_name.setdefault(one.name, []).append((form, form.schema["properties"][one.name]))
    properties: dict[str, Any] = {}
    required: list[str] = []
    shared: list[str] = []
    clashes: list[str] = []
    for name, rows in of_name.items():
        both: Mapping[str, Any] | None = rows[0][1]
        for _form, of in rows[1:]:
            both = _together(both, of) if both is not None else None
        if both is None:
            clashes.append(name)
        elif len(rows) > 1:
            shared.append(name)
        asked = [(name, both, [form for form, _of in rows])] if both is not None else [
            (f"{form.key}.{name}", {**of, "title": f"{of.get('title', name)}（{form.title}）"}, [form])
            for form, of in rows
        ]  # fmt: skip
        for key, of, wanted_by in asked:
            properties[key] = {**of, "x-order": len(properties) + 1}
            if any(name in form.schema.get("required", ()) for form in wanted_by):
                required.append(key)
    schema = {
        "$schema": DIALECT,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    return Merged(schema, tuple(shared), tuple(clashes))


def _together(one: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """One definition whose every value fits both, or None."""
    if any(one.get(word) != other.get(word) for word in ("type", "format")):
        return None
    if set(one.get("enum", ())) != set(other.get("enum", ())):
        return None
    both = {**other, **one}
    for low, high in (("minLength", "maxLength"), ("minimum", "maximum")):
        lows = [of[low] for of in (one, other) if low in of]
        highs = [of[high] for of in (one, other) if high in of]
        both |= ({low: max(lows)} if lows else {}) | ({high: min(highs)} if highs else {})
        if lows and highs and max(lows) > min(highs):
            return None
    return both


def referred(forms: Sequence[Form]) -> dict[str, dict[str, str]]:
    """
    Return for each form the fields that are taken from the applicant, with their source.

    A field asked once for several forms is taken from him when one of them says so.
    """
    sources = {one.name: one.prefill for one in fields_of(merge_forms(forms).schema)}
    found: dict[str, dict[str, str]] = {}
    for form in forms:
        names = [one.name for one in fields_of(form.schema)]
        of = {name: sources.get(name) or sources.get(f"{form.key}.{name}", "") for name in names}
        found[form.key] = {name: source for name, source in of.items() if source.startswith("applicant.")}
    return found


def split_values(values: Mapping[str, Any], forms: Sequence[Form]) -> dict[str, dict[str, Any]]:
    """Return the values of a merged form for each form by its key; the way back from merge_forms()."""
    found: dict[str, dict[str, Any]] = {}
    for form in forms:
        mine = found.setdefault(form.key, {})
        for one in fields_of(form.schema):
            for key in (f"{form.key}.{one.name}", one.name):
                if key in values:
                    mine[one.name] = values[key]
                    break
    return found
