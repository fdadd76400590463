"""The editor's rows, reviews, comparisons, the basic catalogue and word lists as pages."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.timezone import localdate

from yimen.cases import actions as cases
from yimen.cases.actions import Handed
from yimen.catalog import actions
from yimen.catalog.actions import FaqDraft, FeeDraft, MaterialDraft
from yimen.catalog.models import BasicItem, DictionaryTerm, DraftReview, ItemVersion, SharedDocument
from yimen.catalog.tests.factories import BASIS, make_draft, make_item
from yimen.ledger.actions import SYSTEM
from yimen.people.models import Role
from yimen.people.tests.factories import (
    NOW,
    in_ledger,
    make_applicant,
    make_center,
    make_department,
    make_region,
    make_staff,
)
from yimen.web.tests.test_workbench_catalog import enter, posted, seen_by, url  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db


@pytest.fixture
def department():
    return make_department()


@pytest.fixture
def editor(enter, department):  # noqa: F811
    return enter(make_staff(Role.EDITOR, department=department))


def names(page, key):
    return [form["question" if key == "faqs" else "name"].value() or "" for form in page.context[key]]


def keyed(page, **fields):
    """A form with the key its page carries."""
    text = page.content.decode()
    return {"_key": text.split('name="_key" value="')[1].split('"')[0]} | fields


# Rows


def test_rows_are_added_moved_and_taken_out_without_a_script_and_without_saving(editor, department):
    version = make_draft(department=department)
    address = url("item", version.item_id)
    page = editor.get(address)
    before = actions.mark_of(version)
    values = posted(page) | {"place": "还没保存的地方", "m-0-name": "改了的名字"}

    page = editor.post(address, values | {"act": "m:down:0"})
    assert page.status_code == 200 and names(page, "materials") == ["身份证", "改了的名字", "营业执照"]
    page = editor.post(address, posted(page) | {"act": "m:drop:2"})
    page = editor.post(address, posted(page) | {"act": "m:add"})
    assert names(page, "materials") == ["身份证", "改了的名字", ""]
    page = editor.post(address, posted(page) | {"act": "s:up:1"})
    page = editor.post(address, posted(page) | {"act": "q:add", "q-0-question": "多久？", "q-0-answer": "三天。"})
    assert names(page, "faqs") == ["多久？", ""]
    text = page.content.decode()
    assert "还没保存的地方" in text and "errs" not in text
    assert actions.mark_of(ItemVersion.objects.get(pk=version.pk)) == before

    page = editor.post(address, posted(page) | {"act": "save"})
    assert page.status_code == 302
    version.refresh_from_db()
    assert version.place == "还没保存的地方"
    assert [row.name for row in version.materials.all()] == ["身份证", "改了的名字"]
    assert [row.key for row in version.steps.all()][:2] == ["accept", "receive"]
    assert [row.question for row in version.faqs.all()] == ["多久？"]


@pytest.mark.parametrize("act", ["m:up:0", "m:down:99", "m:drop:-1", "m:fly:1", "x:add", "m", "::", "m:drop:x"])
def test_a_button_that_leads_nowhere_leaves_the_rows(editor, department, act):
    version = make_draft(department=department)
    address = url("item", version.item_id)
    page = editor.post(address, posted(editor.get(address)) | {"act": act})
    assert names(page, "materials") == [row.name for row in version.materials.all()]


def test_lists_and_due_rules_are_saved_from_the_page_and_stand_there_again(editor, department):
    version = make_draft(department=department)
    address = url("item", version.item_id)
    said = {
        "f-0-name": "工本费",
        "f-0-standard": "每本 5 元",
        "f-0-basis": "《演示条例》第九条",
        "f-0-is_reducible": "on",
        "f-0-reduction_basis": "低保户",
        "q-0-question": "能代办吗？",
        "q-0-answer": "能。",
        "m-0-paper_size": "A4",
        "m-0-accept_standard": "字迹清楚",
        "due_kind": "renewal",
        "due_months": "12",
        "due_before_days": "30",
        "has_fee": "",
        "joint_organs": "住建局，城管局",
        "pays_online": "on",
    }
    assert editor.post(address, posted(editor.get(address)) | said).status_code == 302
    version.refresh_from_db()
    assert version.due_rule == {"kind": "renewal", "months": 12, "before_days": 30}
    assert version.joint_organs == ["住建局", "城管局"] and version.pays_online
    assert version.fees.get().is_reducible and version.has_fee and version.faqs.get().answer == "能。"
    assert version.materials.first().paper_size == "A4"
    again = posted(editor.get(address))
    kept = {name: value for name, value in said.items() if name not in {"has_fee", "joint_organs"}}
    assert {name: str(again[name]) for name in kept} == kept and again["has_fee"] == "1"


def test_every_mistake_is_told_at_once_and_what_was_typed_stays(editor, department):
    version = make_draft(department=department)
    address = url("item", version.item_id)
    wrong = {"due_kind": "age", "due_years": "", "effective_on": "明天", "f-0-name": "工本费", "place": "我写的地方"}
    page = editor.post(address, posted(editor.get(address)) | wrong)
    text = page.content.decode()
    assert page.status_code == 422 and "还有 2 处要改" in text
    assert "我写的地方" in text and "工本费" in text and "有要改的" in text
    wrong = {"f-0-name": "工本费", "q-0-question": "为什么？", "place": "我写的地方"}
    page = editor.post(address, posted(editor.get(address)) | wrong)
    text = page.content.decode()
    assert page.status_code == 422
    assert "第 1 项收费还没写收费依据" in text and "第 1 个常见问题还没写回答" in text and "我写的地方" in text
    version.refresh_from_db()
    assert version.place != "我写的地方"


def test_the_page_takes_as_many_queries_for_many_rows_as_for_few(editor, department, django_assert_max_num_queries):
    version = make_draft(department=department)
    address = url("item", version.item_id)
    with django_assert_max_num_queries(60) as few:
        editor.get(address)
    materials = [MaterialDraft(f"材料 {n}", legal_basis=BASIS) for n in range(30)]
    fees = [FeeDraft(f"费 {n}", "5 元", BASIS) for n in range(9)]
    faqs = [FaqDraft(f"问 {n}", "答") for n in range(9)]
    actions.save_draft(version.item, {}, materials=materials, fees=fees, faqs=faqs, by=SYSTEM, at=NOW)
    with django_assert_max_num_queries(len(few)):
        editor.get(address)


@pytest.mark.capability("S4-27")
def test_the_list_and_the_page_say_how_complete_an_item_is(editor, department):
    version = make_draft(department=department)
    for page in (editor.get(url("items")), editor.get(url("item", version.item_id))):
        text = strip_tags(page.content.decode())
        assert " %" in text and "行使层级" in text


# Reviews


@pytest.mark.capability("S1-16")
def test_units_are_asked_on_one_page_and_answer_on_another(enter, department):  # noqa: F811
    version, unit = make_draft(department=department), make_department(department.region, name="协办单位（演示）")
    client = enter(make_staff(Role.EDITOR, department=department))
    page = client.get(url("item-ask", version.item_id))
    assert client.post(url("item-ask", version.item_id), keyed(page)).status_code == 422
    asked = keyed(page, departments=[unit.pk])
    assert client.post(url("item-ask", version.item_id), asked).status_code == 303
    assert client.post(url("item-ask", version.item_id), asked).status_code == 303, "the same form twice is one"
    review = DraftReview.objects.get()

    client = enter(make_staff(Role.APPROVER, department=unit))
    assert version.name in client.get(url("reviews")).content.decode()
    page = client.get(url("item", version.item_id))
    seen = {"seen": page.context["seen"]}
    refused = client.post(url("review-give", review.pk), keyed(page, verdict="change", text="", **seen))
    assert refused.status_code == 409 and "写明要改哪里" in refused.content.decode()
    assert 'value="change" checked' in refused.content.decode()
    said = keyed(page, verdict="change", text="请写清面积。", **seen)
    assert client.post(url("review-give", review.pk), said | {"_key": "another-key"}).status_code == 303
    assert "请写清面积" in client.get(url("reviews")).content.decode()

    client = enter(make_staff(Role.PUBLISHER, department=department))
    page = client.post(url("item-publish", version.item_id), seen_by(client, version), follow=True)
    assert "请写清面积" in page.content.decode()
    version.refresh_from_db()
    assert version.state == "draft"
    despite = seen_by(client, version) | {"despite": "上级要求今天公布"}
    client.post(url("item-publish", version.item_id), despite)
    version.refresh_from_db()
    assert version.state == "published"


def test_a_review_of_another_region_is_not_there(enter):  # noqa: F811
    foreign = make_department(make_region("500001", "别处"))
    version = make_draft(department=foreign)
    (review,) = actions.ask_review(version, [foreign], by=SYSTEM, at=NOW)
    client = enter(make_staff(Role.APPROVER))
    assert client.post(url("review-give", review.pk), {"_key": "k" * 8, "verdict": "agree"}).status_code == 404


# Its day


def test_an_edition_for_a_later_day_is_approved_and_can_be_taken_back(enter, department):  # noqa: F811
    later = localdate(timezone.now()) + timedelta(days=30)
    version = make_draft(department=department, effective_on=later)
    client = enter(make_staff(Role.PUBLISHER, department=department))
    page = client.post(url("item-publish", version.item_id), seen_by(client, version), follow=True)
    assert f"{later:%Y-%m-%d} 自动生效" in page.content.decode()
    assert "等生效" in client.get(url("items"), {"state": "approved"}).content.decode()
    page = client.post(url("item-take-back", version.item_id), follow=True)
    assert "又是草稿了" in page.content.decode()
    page = client.post(url("item-take-back", version.item_id), follow=True)
    assert "没有在等生效的版本" in page.content.decode()


# Running cases


def test_a_running_case_keeps_the_edition_it_was_accepted_under(enter, department):  # noqa: F811
    """ITEM-16"""
    item = make_item(department=department, promised_days=9)
    center, first = make_center(department.region), item.published
    clerk = make_staff(Role.CLERK, department=department)
    everything = {row.pk: Handed("complete") for row in first.materials.all()}
    receive = {"center": center, "materials": everything, "by": clerk, "at": NOW}
    applicant = make_applicant(region=department.region)
    case = cases.accept(cases.receive(first, applicant, **receive).pk, by=clerk, at=NOW)
    due = case.due_on

    materials = [MaterialDraft("新申请表", legal_basis=BASIS)]
    draft = actions.save_draft(item, {"promised_limit": 3}, materials=materials, by=SYSTEM, at=NOW)
    actions.publish(draft, by=SYSTEM, at=NOW)

    case.refresh_from_db()
    assert (case.version, case.due_on) == (first, due)
    text = strip_tags(enter(clerk).get(url("case", case.query_no)).content.decode())
    assert "营业执照" in text and "新申请表" not in text
    with pytest.raises(cases.NotOffered):
        cases.receive(ItemVersion.objects.get(pk=first.pk), applicant, **receive)


# Comparing


@pytest.mark.capability("S0-22")
def test_any_two_editions_are_compared_on_a_page(editor, department):
    item = make_item(department=department, promised_days=15)
    materials = [MaterialDraft("申请表", legal_basis=BASIS)]
    actions.save_draft(item, {"promised_limit": 3}, materials=materials, by=SYSTEM, at=NOW)
    text = strip_tags(editor.get(url("item-versions", item.pk)).content.decode())
    assert "各版本，2 版" in text
    page = editor.get(url("item-compare", item.pk), {"old": "1", "new": "2"})
    assert "材料 3 → 1，承诺 15 → 3 天" in page.content.decode()
    assert "<del>身份证</del>" in page.content.decode() and "少了 12 天" in page.content.decode()
    assert "这两版说的一样" in editor.get(url("item-compare", item.pk), {"old": "1", "new": "1"}).content.decode()
    assert editor.get(url("item-compare", item.pk)).context["difference"].old == 1
    assert f'href="{url("item-compare-pdf", item.pk)}?old=1&amp;new=2"' in page.content.decode()
    paper = editor.get(url("item-compare-pdf", item.pk), {"old": "1", "new": "2"})
    assert paper["Content-Type"] == "application/pdf" and paper.content.startswith(b"%PDF")
    for wrong in ({"old": "9"}, {"old": "x"}, {"new": "9" * 20}, {"old": "-1"}):
        for name in ("item-compare", "item-compare-pdf"):
            assert editor.get(url(name, item.pk), wrong).status_code == 404


def test_what_only_a_person_can_tell_is_pointed_out_beside_the_publishing(editor, department):
    draft = make_draft(department=department, plain_text="来一次，77 个工作日内给结果。")
    assert "校验位不对" not in editor.get(url("item", draft.item_id)).content.decode()
    draft.item.task_code = "11440233MB2D06811W4002000001000"
    draft.item.save(update_fields=["task_code"])
    text = strip_tags(editor.get(url("item", draft.item_id)).content.decode())
    assert "信用代码“11440233MB2D06811W”校验位不对" in text
    assert "“大白话说明”里写着 77 个工作日" in text


def test_a_draft_is_looked_at_as_citizens_would_see_it(editor, department):
    make_center(department.region)
    item = make_item(department=department)
    address = url("item-preview", item.pk)
    assert "还没发布，只有您看得到" not in editor.get(address).content.decode()
    faqs = [FaqDraft("可以代办吗？", "可以。")]
    actions.save_draft(item, {"plain_text": "新写的大白话。"}, faqs=faqs, by=SYSTEM, at=NOW)
    text = editor.get(address).content.decode()
    assert "还没发布，只有您看得到" in text and "新写的大白话" in text and "可以代办吗？" in text
    assert "新写的大白话" not in editor.get(address, {"number": "1"}).content.decode()
    assert "新写的大白话" not in editor.get(f"/items/{item.task_code}").content.decode()
    assert editor.get(address, {"number": "7"}).status_code == 404
    never = make_draft(department=department)
    assert editor.get(url("item-preview", never.item_id)).status_code == 200


# The basic catalogue


@pytest.mark.capability("S2-12")
def test_an_entry_is_added_items_follow_it_and_the_page_shows_who_differs(editor, department):
    said = {
        "catalog_code": "000117051000",
        "name": "演示许可",
        "item_type": "01",
        "legal_basis": "《演示法》第三条",
        "statutory_limit": "20",
        "statutory_unit": "workday",
        "materials": "申请表\n健康证，容缺后补\n身份证",
    }
    page = editor.get(url("basic-new"))
    wrong = editor.post(url("basic-new"), keyed(page, **said) | {"materials": "身份证,也许", "catalog_code": "12"})
    assert wrong.status_code == 422 and "第 1 行“也许”读不懂" in wrong.content.decode()
    refused = editor.post(url("basic-new"), keyed(page, **said) | {"catalog_code": "12", "_key": "second-key"})
    assert refused.status_code == 409 and "12 位" in refused.content.decode() and "演示许可" in refused.content.decode()
    assert editor.post(url("basic-new"), keyed(page, **said) | {"_key": "third-key"}).status_code == 303
    basic = BasicItem.objects.get()
    assert [row["necessity"] for row in basic.materials] == ["required", "gap_allowed", "required"]

    page = editor.get(f"{url('item-new')}?basic={basic.pk}")
    assert 'value="演示许可"' in page.content.decode()
    new = {"name": "演示许可", "task_code": "11440232MB2D06811W4000117051000", "department": department.pk}
    new |= {"item_type": "01", "case_type": "promised", "basic": basic.pk}
    assert editor.post(url("item-new"), new).status_code == 302
    version = ItemVersion.objects.get()
    assert [row.name for row in version.materials.all()] == ["申请表", "健康证", "身份证"]
    assert "一样" in editor.get(url("basic", basic.pk)).content.decode()

    materials = [*(MaterialDraft(row.name, row.necessity) for row in version.materials.all()), MaterialDraft("户口簿")]
    actions.save_draft(version.item, {}, materials=materials, by=SYSTEM, at=NOW)
    for address in (url("basic", basic.pk), url("item", version.item_id)):
        assert editor.get(address).content.decode().count("多要了标准以外的材料：户口簿") == 1

    page = editor.get(url("basic-edit", basic.pk))
    assert "健康证，容缺后补" in page.content.decode()
    changed = {**said, "materials": said["materials"] + "\n户口簿"}
    assert editor.post(url("basic-edit", basic.pk), keyed(page, **changed)).status_code == 303
    assert "有不一样" not in editor.get(url("basic", basic.pk)).content.decode()
    assert "演示许可" in editor.get(url("basics"), {"q": "0001"}).content.decode()
    assert "没有找到" in editor.get(url("basics"), {"q": "没有的"}).content.decode()


def test_an_entry_of_another_region_is_not_there(editor):
    foreign = make_region("500001", "别处")
    basic = actions.add_basic(foreign, catalog_code="000117051000", name="别处", item_type="01", by=SYSTEM, at=NOW)
    assert editor.get(url("basic", basic.pk)).status_code == 404
    assert editor.get(url("basic-edit", basic.pk)).status_code == 404


def test_a_new_item_from_nowhere_begins_empty(editor):
    for wrong in ("x", "01a202aa-5d0c-7000-9072-6db85cdebe3d"):
        assert editor.get(f"{url('item-new')}?basic={wrong}").context["form"].initial == {}


# Papers nobody brings, and code lists


def test_a_paper_nobody_has_to_bring_is_written_down_and_holds_an_item_back(editor, department):
    version = make_draft(department=department, materials=[MaterialDraft("户口簿", legal_basis=BASIS)])
    page = editor.get(url("shared-document-new"))
    said = {"names": "户口簿、户口本", "holder": "人口库（演示）", "available_on": "2026-01-01"}
    assert editor.post(url("shared-document-new"), keyed(page, **said, ended_on="昨天")).status_code == 422
    early = keyed(page, **said, ended_on="2025-01-01") | {"_key": "second-key"}
    assert "还早" in editor.post(url("shared-document-new"), early).content.decode()
    assert editor.post(url("shared-document-new"), keyed(page, **said) | {"_key": "third-key"}).status_code == 303
    document = SharedDocument.objects.get()
    assert "户口簿、户口本" in editor.get(url("shared-documents")).content.decode()
    assert "不能再要群众带" in editor.get(url("item", version.item_id)).content.decode()
    page = editor.get(url("shared-document", document.pk))
    assert "户口簿、户口本" in page.content.decode()
    over = keyed(page, **said, ended_on="2026-02-01")
    assert editor.post(url("shared-document", document.pk), over).status_code == 303
    assert "查不到了" in editor.get(url("shared-documents")).content.decode()
    assert "不能再要群众带" not in editor.get(url("item", version.item_id)).content.decode()


def test_a_code_is_changed_with_its_day_and_reason(enter):  # noqa: F811
    client = enter(make_staff(Role.SYSTEM_ADMIN))
    text = client.get(url("dictionaries")).content.decode()
    assert "材料必要性" in text and "暂定" in text
    page = client.get(f"{url('dictionary-term', 'necessity')}?key=required")
    assert 'value="required"' in page.content.decode()
    said = {"key": "required", "code": "01", "label": "必须", "effective_on": "2099-01-05", "reason": "新标准 GB/T 1"}
    address = url("dictionary-term", "necessity")
    assert client.post(address, keyed(page, **said) | {"effective_on": ""}).status_code == 422
    strange = client.post(address, keyed(page, **said) | {"key": "new", "_key": "second-key"})
    assert strange.status_code == 409 and "不能加新的" in strange.content.decode()
    assert client.post(address, keyed(page, **said) | {"_key": "third-key"}).status_code == 303
    assert DictionaryTerm.objects.get().code == "01"
    coming = client.get(url("dictionaries")).content.decode()
    assert "以后要变的" in coming and "新标准 GB/T 1" in coming and not in_ledger("新标准 GB/T 1")
    now = {"key": "optional", "code": "09", "effective_on": "2000-01-01", "reason": "接收方张三来电"}
    assert client.post(address, keyed(page, **said) | now | {"_key": "fourth-key"}).status_code == 303
    assert "接收方张三来电" in client.get(url("dictionaries")).content.decode() and not in_ledger("张三")
    assert client.get(url("dictionary-term", "nothing")).status_code == 404
    assert client.get(reverse("workbench:dictionaries")).status_code == 200
