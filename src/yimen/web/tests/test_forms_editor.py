"""The editor's forms through the pages alone: fields, order, sample, preview, what several forms share."""

from io import BytesIO

import pytest
from django.test import Client
from pypdf import PdfReader

from yimen.catalog.queries import scenario
from yimen.catalog.rules import forms as rules
from yimen.catalog.tests.factories import make_draft
from yimen.catalog.tests.scenarios import make_scenario_draft, make_scenario_item
from yimen.ledger.models import Event
from yimen.people.models import Role
from yimen.people.tests.factories import make_center, make_department, make_region, make_staff
from yimen.web.tests.pages import Page
from yimen.web.tests.test_workbench_window import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def organ():
    region = make_region()
    make_center(region)
    return make_department(region)


@pytest.fixture
def editor(organ) -> Client:
    return client_of(make_staff(Role.EDITOR, department=organ))


def at(client, version, more="") -> Page:
    return Page.open(client, f"/workbench/items/{version.item_id}/forms{more}")


def forms(version):
    return scenario.forms_of(version.item.versions.order_by("-number").first())


def make(editor, draft, **more):
    fields = {
        "title": "登记表", "material": "申请表",
        "f-0-label": "店名", "f-0-name": "shop", "f-0-is_required": "on", "f-0-order": "2",
        "f-1-label": "业态", "f-1-kind": "choice", "f-1-choices": "热食、冷食", "f-1-order": "1",
        "f-2-label": "手机", "f-2-kind": "phone", "f-2-prefill": "applicant.phone",
    }  # fmt: skip
    return at(editor, draft, "/new/edit").press("保存草稿", **(fields | more))


def test_a_form_is_built_field_by_field_in_the_order_wanted(editor, organ):
    draft = make_draft(department=organ)
    page = make(editor, draft)
    assert "表格，1 张" in page.text
    [form] = forms(draft)
    assert [(one.name, one.label, one.kind) for one in rules.fields_of(form.schema)] == [
        ("field_2", "业态", "choice"), ("shop", "店名", "text"), ("field_3", "手机", "phone"),
    ]  # fmt: skip
    assert form.schema["required"] == ["shop"]
    assert draft.materials.get(name="申请表").form_key == form.key
    assert Event.objects.get(kind="catalog.forms_saved").data["changed"]["forms"][0]["title"] == "登记表"


@pytest.mark.parametrize(
    "wrong, word",
    [
        pytest.param({"f-1-choices": ""}, "字段“业态”要有至少一个选项", id="no choices"),
        pytest.param({"f-0-name": "店 名"}, "字段代号“店 名”", id="a bad name"),
        pytest.param({"f-2-name": "shop"}, "代号“shop”写了两次", id="twice"),
        pytest.param({"title": ""}, "请写表名", id="no title"),
        pytest.param({"f-0-label": "", "f-1-label": "", "f-2-label": ""}, "还没有一个字段", id="no fields"),
    ],
)
def test_a_wrong_form_is_refused_naming_the_field_and_nothing_is_saved(editor, organ, wrong, word):
    draft = make_draft(department=organ)
    page = make(editor, draft, **wrong)
    assert page.status == 422
    assert word in page.text
    assert forms(draft) == []


def test_a_sample_is_filled_in_judged_and_seen_on_paper(editor, organ):
    draft = make_draft(department=organ)
    make(editor, draft)
    [form] = forms(draft)
    assert editor.get(f"/workbench/items/{draft.item_id}/forms/{form.key}/sample.pdf").status_code == 404
    page = at(editor, draft, f"/{form.key}/sample")
    refused = page.press("保存草稿", **{"f-field_2": "烧烤"})
    assert refused.status == 422 and "“店名”还没填" in refused.text and "“业态”请从列表里选" in refused.text
    page.press("保存草稿", **{"f-shop": "满面馆（演示）", "f-field_2": "冷食"})
    assert forms(draft)[0].sample == {"shop": "满面馆（演示）", "field_2": "冷食"}
    answer = editor.get(f"/workbench/items/{draft.item_id}/forms/{form.key}/sample.pdf")
    assert "满面馆（演示）" in PdfReader(BytesIO(answer.content)).pages[0].extract_text()


def test_what_several_forms_share_is_said(editor, organ):
    draft = make_scenario_draft(department=organ)
    make(editor, draft, material="", **{"f-2-name": "area"})
    page = at(editor, draft)
    assert "分开填要写 8 栏，一起填只问" in page.text
    assert "只问一次店名" in page.text.replace("\n", "").replace(" ", "")
    assert "对不上" in page.text and "面积" in page.text


def test_changing_a_published_form_begins_a_draft_and_deleting_asks_first(editor, organ):
    version = make_scenario_item(department=organ)
    at(editor, version, "/apply/edit").press("保存草稿", title="申请书（新）")
    assert [one.title for one in forms(version)] == ["申请书（新）"]
    assert forms(version)[0].sample == scenario.forms_of(version)[0].sample
    assert scenario.forms_of(version)[0].title == "食品经营许可申请书"
    page = at(editor, version, "/apply/delete")
    assert "食品安全管理制度" in page.text
    page.press("删掉这张表")
    assert forms(version) == [] and len(scenario.forms_of(version)) == 1


def test_the_schema_can_be_taken_along(editor, organ):
    draft = make_scenario_draft(department=organ)
    schema = editor.get(f"/workbench/items/{draft.item_id}/forms/apply/schema.json").json()
    rules.check_schema(schema)
    assert schema["properties"]["owner"]["x-prefill"] == "applicant.name"


@pytest.mark.parametrize("role, status", [(Role.EDITOR, 200), (Role.CLERK, 403)])
def test_only_editors_may_write_forms(organ, role, status):
    draft = make_scenario_draft(department=organ)
    client = client_of(make_staff(role, department=organ))
    assert client.get(f"/workbench/items/{draft.item_id}/forms/apply/edit").status_code == status
