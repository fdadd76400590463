"""Forms as data: schemas that are refused with the field named, values judged, several forms asked as one."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yimen.catalog.rules import forms as rules
from yimen.catalog.rules.forms import Field, Form
from yimen.people.tests.factories import phone_number, resident_id

TODAY = date(2026, 11, 18)
FIELDS = (
    Field("name", "姓名", "person_name", is_required=True, prefill="applicant.name"),
    Field("id_no", "身份证号码", "id_number", is_required=True),
    Field("phone", "手机号", "phone"),
    Field("area", "面积（平方米）", "number", minimum=1, maximum=5000),
    Field("seats", "座位数", "integer", minimum=0),
    Field("opens_on", "开业日期", "date"),
    Field("kind", "业态", "choice", choices=("热食", "冷食")),
    Field("has_fume", "有没有油烟", "yes_no"),
    Field("about", "说明", "long", most=50),
    Field("firm", "信用代码", "credit_code"),
)
SCHEMA = rules.schema_of(FIELDS)


def reasons(**values):
    found = rules.check_values(SCHEMA, {"name": "林小满", "id_no": resident_id(1), **values}, today=TODAY)
    return {fault.name: fault for fault in found}


def test_fields_survive_being_a_schema():
    rules.check_schema(SCHEMA)
    again = rules.fields_of(SCHEMA)
    assert [one.name for one in again] == [one.name for one in FIELDS]
    assert again[3] == FIELDS[3]
    assert again[6].choices == ("热食", "冷食")
    assert rules.schema_of(again) == SCHEMA


def test_the_order_does_not_hang_on_the_order_of_keys():
    shuffled = {**SCHEMA, "properties": dict(sorted(SCHEMA["properties"].items()))}
    assert rules.fields_of(shuffled) == rules.fields_of(SCHEMA)


@pytest.mark.parametrize(
    "change, word",
    [
        pytest.param({"type": "array"}, "properties", id="not an object"),
        pytest.param({"$ref": "https://example.org/x"}, "$ref", id="a reference to elsewhere"),
        pytest.param({"required": ["nobody"]}, "nobody", id="required but not there"),
        pytest.param({"properties": {}}, "还没有一个字段", id="no fields"),
        pytest.param({"properties": {"Bad Name": {"type": "string", "title": "甲"}}}, "Bad Name", id="a bad name"),
        pytest.param({"properties": {"a": {"type": "string"}}}, "“a”还没写名称", id="no label"),
        pytest.param({"properties": {"a": {"type": "string", "title": "业态", "enum": []}}}, "“业态”", id="no choices"),
        pytest.param(
            {"properties": {"a": {"type": "string", "title": "编号", "pattern": "(a+)+$"}}}, "pattern", id="a pattern"
        ),
        pytest.param({"properties": {"a": {"type": "file", "title": "附件"}}}, "“附件”", id="an unknown type"),
        pytest.param(
            {"properties": {"a": {"type": "number", "title": "面积", "minimum": 9, "maximum": 1}}},
            "“面积”",
            id="bounds",
        ),
        pytest.param(
            {"properties": {"a": {"type": "string", "title": "姓名", "x-prefill": "moon.name"}}},
            "moon.name",
            id="source",
        ),
        pytest.param({"properties": {"a": {"type": "string", "title": "甲\x00"}}}, "坏字符", id="a NUL"),
        pytest.param({"additionalProperties": True}, "additionalProperties", id="anything goes"),
    ],
)
def test_a_wrong_schema_is_refused_and_the_field_named(change, word):
    schema = {"type": "object", "properties": {"a": {"type": "string", "title": "甲"}}, **change}
    with pytest.raises(rules.BadForm, match=word.replace("$", r"\$")):
        rules.check_schema(schema)


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["type", "properties", "required", "title", "a", "enum", "minimum", "format", "x-order"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_nonsense_is_refused_with_a_sentence(schema):
    try:
        rules.check_schema(schema)
    except rules.BadForm as error:
        assert error.faults and all(error.faults)
    else:
        rules.check_values(schema, {}, today=TODAY)


@pytest.mark.parametrize(
    "values, name, word",
    [
        pytest.param({"area": 0}, "area", "不能小于 1", id="too small"),
        pytest.param({"area": "很大"}, "area", "要填数字", id="not a number"),
        pytest.param({"seats": 2.5}, "seats", "要填整数", id="not whole"),
        pytest.param({"kind": "烧烤"}, "kind", "从列表里选", id="not a choice"),
        pytest.param({"opens_on": "2026-02-30"}, "opens_on", "没有这一天", id="no such day"),
        pytest.param({"about": "字" * 51}, "about", "最多写 50 个字", id="too long"),
        pytest.param({"has_fume": "也许"}, "has_fume", "是或者不是", id="neither yes nor no"),
        pytest.param({"id_no": "110101199003070000"}, "id_no", "校验位", id="ID check digit"),
        pytest.param({"phone": "12345"}, "phone", "手机号码", id="phone"),
        pytest.param({"firm": "91110000000000000X"}, "firm", "校验位", id="credit code"),
        pytest.param({"about": "说\x00明"}, "about", "坏字符", id="a NUL"),
        pytest.param({"area": float("nan")}, "area", "要填数字", id="not a number at all"),
        pytest.param({"more": "x"}, "more", "没有“more”这一栏", id="unknown field"),
    ],
)
def test_a_wrong_value_is_named_with_field_and_reason(values, name, word):
    found = reasons(**values)
    assert list(found) == [name]
    assert word in found[name].reason


def test_personal_values_are_never_repeated_whole():
    fault = reasons(id_no="110101199003070000")["id_no"]
    assert "110101199003070000" not in f"{fault.value}{fault.reason}"


def test_required_fields_are_asked_for_unless_they_are_kept_elsewhere():
    missing = rules.check_values(SCHEMA, {}, today=TODAY)
    assert [fault.name for fault in missing] == ["name", "id_no"]
    assert rules.check_values(SCHEMA, {}, today=TODAY, without={"name", "id_no"}) == []


def test_what_is_typed_becomes_values():
    typed = {
        "name": " 林小满 ", "id_no": resident_id(1).lower(), "phone": "138 0000 0417", "area": "３６.5", "seats": "12",
        "has_fume": "no", "kind": "", "opens_on": "2026-12-01",
    }  # fmt: skip
    values = rules.read_values(SCHEMA, typed)
    assert values == {
        "name": "林小满", "id_no": resident_id(1), "phone": "13800000417", "area": 36.5, "seats": 12,
        "has_fume": False, "opens_on": "2026-12-01",
    }  # fmt: skip
    assert rules.check_values(SCHEMA, values, today=TODAY) == []


def test_what_was_filled_in_before_is_offered_again_where_it_fits():
    earlier = {"area": 36, "kind": "烧烤", "phone": phone_number(1), "gone": "x"}
    assert rules.fitting(SCHEMA, earlier, today=TODAY) == {"area": 36}


# Several forms as one

FOOD = Form(
    "food",
    "食品经营许可申请书",
    rules.schema_of([FIELDS[0], FIELDS[3], Field("kind", "业态", "choice", choices=("热食",))]),
)
SIGN = Form(
    "sign",
    "户外招牌申请表",
    rules.schema_of([FIELDS[0], Field("area", "面积", "number", maximum=100), Field("kind", "招牌", "text")]),
)


def test_what_forms_share_is_asked_once_and_what_differs_is_named():
    merged = rules.merge_forms([FOOD, SIGN])
    assert merged.shared == ("name", "area")
    assert merged.clashes == ("kind",)
    assert [one.name for one in rules.fields_of(merged.schema)] == ["name", "area", "food.kind", "sign.kind"]
    assert merged.schema["properties"]["area"]["maximum"] == 100
    values = {"name": "林小满", "area": 36, "food.kind": "热食", "sign.kind": "灯箱"}
    assert rules.check_values(merged.schema, values, today=TODAY) == []
    assert rules.split_values(values, [FOOD, SIGN]) == {
        "food": {"name": "林小满", "area": 36, "kind": "热食"},
        "sign": {"name": "林小满", "area": 36, "kind": "灯箱"},
    }


def values_for(one):
    """Any value the field takes."""
    match one.kind:
        case "choice":
            return st.sampled_from(one.choices)
        case "yes_no":
            return st.booleans()
        case "integer":
            return st.integers(int(one.minimum or 0), int(one.maximum or 10**6))
        case "date":
            return st.dates().map(lambda day: f"{day:%Y}-{day:%m-%d}".zfill(10))
    return st.text("中文ab ", min_size=1, max_size=one.most or 20).filter(str.strip)


@st.composite
def form_lists(draw):
    """Up to four forms whose fields share a few names."""
    forms = []
    for n in range(draw(st.integers(1, 4))):
        fields = []
        for name in draw(st.lists(st.sampled_from("abcde"), min_size=1, max_size=4, unique=True)):
            kind = draw(st.sampled_from(["text", "integer", "choice", "yes_no", "date"]))
            low = draw(st.integers(0, 50))
            fields.append(
                Field(
                    name,
                    f"{name} 栏",
                    kind,
                    is_required=draw(st.booleans()),
                    choices=draw(st.sampled_from([("甲", "乙"), ("乙", "甲"), ("丙",)])) if kind == "choice" else (),
                    most=draw(st.integers(1, 30)) if kind == "text" else None,
                    minimum=low if kind == "integer" else None,
                    maximum=low + draw(st.integers(0, 60)) if kind == "integer" else None,
                )
            )
        forms.append(Form(f"form-{n}", f"第 {n} 张表", rules.schema_of(fields)))
    return forms


@settings(max_examples=150, deadline=None)
@given(form_lists(), st.data())
def test_one_answer_to_the_merged_form_fits_every_form(forms, data):
    merged = rules.merge_forms(forms)
    asked = rules.fields_of(merged.schema)
    names = {one.name for form in forms for one in rules.fields_of(form.schema)}
    plain = [one.name for one in asked if "." not in one.name]
    assert len(plain) == len(set(plain))
    assert set(plain) | set(merged.clashes) == names
    values = {one.name: data.draw(values_for(one)) for one in asked if one.is_required or data.draw(st.booleans())}
    assert rules.check_values(merged.schema, values, today=TODAY) == []
    split = rules.split_values(values, forms)
    for form in forms:
        assert rules.check_values(form.schema, split[form.key], today=TODAY) == []
    # Nothing typed is lost.
    kept = [value for form in forms for value in split[form.key].values()]
    assert all(value in kept for value in values.values())
