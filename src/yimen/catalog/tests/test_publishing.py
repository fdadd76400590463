"""What keeps an edition from being published, each beside what lets it through; the day it counts from; its history."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.catalog import actions, queries, rules
from yimen.catalog.actions import BadDraft, FaqDraft, FeeDraft, MaterialDraft, NotReady
from yimen.catalog.models import ItemForm, ItemVersion, ScenarioOption, ScenarioQuestion, SharedDocument
from yimen.catalog.queries.dictionaries import code_of, words
from yimen.catalog.queries.shared import sharing_on
from yimen.catalog.rules.codelists import KINDS, SHIPPED
from yimen.catalog.rules.publishing import AskedMaterial, Sharing, material_faults, plain_name
from yimen.catalog.tests.factories import BASIS, MATERIALS, NOW, make_department, make_draft, make_item, make_step
from yimen.catalog.tests.power_factories import ensure_power
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import make_staff

TODAY = NOW.date()
LICENCE = Sharing(("营业执照", "个体工商户执照"), "登记库")


def save(version, fields=None, **lists):
    return actions.save_draft(version.item, fields or {}, by=SYSTEM, at=NOW, **lists)


def share(region, *names, **fields):
    values = {"holder": "登记库", "available_on": TODAY - timedelta(days=9)} | fields
    return actions.set_shared_document(region, names=names, by=SYSTEM, at=NOW, **values)


def history(item):
    return list(Event.objects.filter(stream=f"item:{item.pk}").order_by("seq").values_list("kind", flat=True))


# Materials


@pytest.mark.parametrize(
    "name", ["营业执照", "营业执照副本", "营业执照（复印件）", "《营业执照》原件", "营业执照原件及复印件", " 营业执照 "]
)
def test_a_paper_is_known_however_it_is_written(name):
    (fault,) = material_faults([AskedMaterial(name, "依据")], [LICENCE])
    assert "登记库" in fault
    assert material_faults([AskedMaterial(name, "依据", is_shared=True)], [LICENCE]) == []


@given(st.text(max_size=20))
def test_a_name_is_plain_once_and_stays_so(name):
    assert plain_name(plain_name(name)) == plain_name(name)


def test_a_material_without_basis_is_refused_even_when_it_is_looked_up():
    assert material_faults([AskedMaterial("租赁合同", "依据")], [LICENCE]) == []
    assert len(material_faults([AskedMaterial("租赁合同", " ")], [LICENCE])) == 1
    assert len(material_faults([AskedMaterial("营业执照", "", is_shared=True)], [LICENCE])) == 1


# Publishing, refused and allowed from one set-up

WRONG = {
    "content": ({"accept_condition": ""}, {}, "服务内容"),
    "procedure": ({"procedure": ""}, {"steps": []}, "办事程序"),
    "fee": ({"has_fee": True, "fee_note": "", "fee_basis": "《演示条例》"}, {}, "收费还没写"),
    "materials": ({}, {"materials": [], "no_materials": False}, "申报材料"),
    "limit": ({"promised_limit": None}, {}, "办理时限"),
    "basis": ({"legal_basis": ""}, {}, "设定依据"),
    "promise longer than the law": ({"promised_limit": 21}, {}, "比法定时限还长"),
    "path longer than the promise": ({"promised_limit": 1}, {}, "最长要"),
    "no steps": ({}, {"steps": []}, "还没有步骤"),
    "two decisions": ({}, {"steps": [make_step("decide"), make_step("again", kind="decide")]}, "只有一步"),
    "material without basis": ({}, {"materials": [MaterialDraft("申请表")]}, "还没写依据"),
    "material by sharing": ({}, {"materials": [MaterialDraft("户口本", legal_basis=BASIS)]}, "不能再要群众带"),
    "no leaflet text": ({"plain_text": " "}, {}, "大白话"),
    "no way to complain": ({"complaint_way": ""}, {}, "监督投诉"),
    "form without sample": ({}, {"materials": [MaterialDraft("表", legal_basis=BASIS, form_key="x")]}, "要填的表"),
}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.capability("S1-4")
@pytest.mark.parametrize("case", list(WRONG))
def test_each_reason_keeps_the_edition_back_and_without_it_it_is_published(case):
    fields, lists, word = WRONG[case]
    version = make_draft()
    share(version.item.region, "户口簿", "户口本")
    assert actions.publish_faults(version, TODAY) == []
    save(version, fields, **lists)
    with pytest.raises(NotReady) as refused:
        actions.publish(version, by=SYSTEM, at=NOW)
    assert [reason for reason in refused.value.reasons if word in reason], refused.value.reasons
    version.refresh_from_db()
    assert version.state == "draft"

    right = {name: getattr(make_draft(), name) for name in fields}
    save(version, right, materials=MATERIALS, steps=steps_of(make_draft()))
    assert actions.publish(version, by=SYSTEM, at=NOW).state == "published"


def steps_of(version):
    return [
        make_step(
            row.key, name=row.name, kind=row.kind, post=row.post, limit_days=row.limit_days, after=tuple(row.after)
        )
        for row in version.steps.all()
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("item_type, refused", [("01", True), ("20", False)], ids=["licence", "public service"])
def test_what_is_a_power_has_to_be_in_the_power_list(item_type, refused):
    """ITEM-22"""
    version = make_draft(item_type=item_type, has_power=False)
    faults = actions.publish_faults(version, TODAY)
    assert any("权力清单" in fault for fault in faults) is refused
    ensure_power(version.item)
    assert actions.publish_faults(version, TODAY) == []


@pytest.mark.django_db
def test_a_question_that_leads_nowhere_keeps_the_edition_back():
    version = make_draft()
    question = ScenarioQuestion.objects.create(version=version, position=1, key="kind", text="开什么店？")
    assert actions.publish_faults(version, TODAY)
    for n, key in enumerate(("new", "old"), 1):
        ScenarioOption.objects.create(question=question, position=n, key=key, label=key)
    assert actions.publish_faults(version, TODAY) == []


@pytest.mark.django_db
def test_all_reasons_are_told_at_once():
    version = make_draft(accept_condition="", plain_text="", complaint_way="", legal_basis="", has_power=False)
    save(version, materials=[MaterialDraft("申请表")])
    with pytest.raises(NotReady) as refused:
        actions.publish(version, by=SYSTEM, at=NOW)
    for word in ("服务内容", "设定依据", "依据：没有依据的材料", "大白话", "监督投诉", "权力清单"):
        assert any(word in reason for reason in refused.value.reasons), word


@pytest.mark.django_db
def test_a_paper_counts_as_to_be_looked_up_from_its_first_day_to_its_last():
    """LAW-22"""
    region = make_draft().item.region
    document = share(region, "户口簿", available_on=date(2026, 3, 2), ended_on=date(2026, 3, 4))
    asked = {day: bool(sharing_on(region, date(2026, 3, day))) for day in range(1, 6)}
    assert asked == {1: False, 2: True, 3: True, 4: True, 5: False}
    share(region, "户口簿", "户口本", available_on=date(2026, 3, 2), document=document)
    assert SharedDocument.objects.count() == 1 and sharing_on(region, date(2027, 1, 1))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [{"names": []}, {"names": ["长" * 81]}, {"holder": " "}, {"ended_on": date(2020, 1, 1)}, {"names": ["a\x00"]}],
    ids=["no name", "long", "no holder", "ends first", "nul"],
)
def test_a_paper_that_cannot_be_right_is_refused(wrong):
    region = make_department().region
    said = {"names": ["户口簿"], "holder": "人口库", "available_on": TODAY, "by": SYSTEM, "at": NOW}
    with pytest.raises(actions.BadSharing):
        actions.set_shared_document(region, **(said | wrong))
    assert not SharedDocument.objects.exists()
    with pytest.raises(NotAllowed):
        actions.set_shared_document(region, **(said | {"by": make_staff(Role.PUBLISHER)}))
    actions.set_shared_document(region, **said)


# Fees, questions people ask, all fields


@pytest.mark.django_db
def test_a_fee_line_without_a_basis_cannot_be_saved():
    """LAW-21"""
    version = make_draft()
    line = FeeDraft("工本费", "每本 5 元", "《演示收费条例》第三条")
    for wrong in (replace(line, basis=" "), replace(line, standard=""), replace(line, is_reducible=True)):
        with pytest.raises(BadDraft, match="第 1 项收费"):
            save(version, fees=[wrong])
    assert version.fees.count() == 0
    draft = save(version, fees=[line])
    assert (draft.has_fee, draft.fee_basis, draft.fee_note) == (True, line.basis, "工本费：每本 5 元")
    with pytest.raises(BadDraft, match="不能选不收费"):
        save(version, {"has_fee": False}, fees=[line])
    with pytest.raises(BadDraft, match="先去掉"):
        save(version, {"has_fee": False})
    save(version, {"has_fee": False}, fees=[])
    assert actions.publish(version, by=SYSTEM, at=NOW).state == "published"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"fields": {"name": ""}}, ("事项名称",)),
        ({"fields": {"promised_limit": -5}}, ("承诺办结时限", "-5")),
        ({"fields": {"visit_count": "两次"}}, ("到办事现场次数", "两次")),
        ({"fields": {"case_type": "sometimes"}}, ("办件类型", "sometimes")),
        ({"fields": {"organ_nature": "公司"}}, ("实施主体性质", "公司")),
        ({"fields": {"service_objects": ["自然人", "外星人"]}}, ("服务对象", "外星人")),
        ({"fields": {"exercise_level": "县级、街坊"}}, ("行使层级", "街坊")),
        ({"fields": {"pays_online": "maybe"}}, ("网上支付", "maybe")),
        ({"fields": {"cancel_on": date(2026, 1, 1), "effective_on": date(2026, 2, 1)}}, ("2026-01-01", "2026-02-01")),
        ({"fields": {"due_rule": {"kind": "age", "years": -1}}}, ("岁数",)),
        ({"fields": {"due_rule": {"kind": "moon"}}}, ("到多少岁",)),
        ({"fields": {"place": "a\x00b"}}, ("办理地点", "坏字符")),
        ({"fields": {"themes": ["主题"] * 41}}, ("最多写 40 个",)),
        ({"fields": {"everyday_names": "不是列表"}}, ("要是几个词",)),
        ({"materials": [MaterialDraft("表", kind="gold")]}, ("第 1 样材料", "gold")),
        ({"materials": [MaterialDraft("表", copies=-1)]}, ("第 1 样材料", "0 到 32767")),
        ({"materials": [MaterialDraft(f"表 {n}") for n in range(201)]}, ("最多 200 行",)),
        ({"faqs": [FaqDraft("问", " ")]}, ("第 1 个常见问题", "回答")),
        ({"steps": [make_step(kind="dance")]}, ("dance",)),
        ({"steps": [make_step(name="长" * 81)]}, ("最多写 80 个字",)),
    ],
    ids=lambda value: None,
)
def test_a_wrong_value_is_refused_with_its_field_and_itself_and_nothing_is_written(wrong, words):
    version = make_draft()
    mark, rows = actions.mark_of(version), Event.objects.count()
    fields = {"place": "新地方"} | wrong.get("fields", {})
    lists = {"materials": [MaterialDraft("新表")]} | {name: rows for name, rows in wrong.items() if name != "fields"}
    with pytest.raises(BadDraft) as refused:
        save(version, fields, **lists)
    assert all(word in str(refused.value) for word in words), str(refused.value)
    version = ItemVersion.objects.get(pk=version.pk)
    assert actions.mark_of(version) == mark and Event.objects.count() == rows


@pytest.mark.django_db
def test_everything_wrong_is_told_at_once():
    version = make_draft()
    with pytest.raises(BadDraft) as refused:
        save(version, {"name": "", "promised_limit": -1}, materials=[MaterialDraft("")], faqs=[FaqDraft("", "答")])
    assert len(refused.value.reasons) == 4


@pytest.mark.django_db
def test_a_word_an_edition_already_has_may_stay():
    """Published lists are wider than our code lists."""
    version = make_draft()
    ItemVersion.objects.filter(pk=version.pk).update(service_objects=["其他人"], exercise_level="区县")
    save(version, {"service_objects": ["其他人", "自然人"], "exercise_level": "区县、市级"})
    with pytest.raises(BadDraft):
        save(version, {"service_objects": ["外星人"]})


@pytest.mark.django_db
def test_every_field_and_list_is_written_marked_and_carried_into_the_next_draft():
    version = make_draft(by=SYSTEM)
    said = {
        "universal_scope": "跨市",
        "finishes_in_hall": False,
        "delivers_by_post": True,
        "pays_online": True,
        "takes_appointments": True,
        "on_terminals": True,
        "online_depth": "互联网受理",
        "quantity_limit": "每年 100 件",
        "prohibitions": "没有",
        "visit_reason": "要当面签字",
        "joint_organs": ["住建局", "城管局"],
        "intermediary": "没有",
        "result_type": "证照",
        "result_sample": "一张卡",
        "rights_and_duties": "可以复议",
        "town_code": "529901001",
        "due_rule": {"kind": "renewal", "months": 12, "before_days": 30},
    }
    marks = {actions.mark_of(version)}
    for name, value in said.items():
        marks.add(actions.mark_of(save(version, {name: value})))
    lists = {
        "materials": [replace(MATERIALS[0], paper_size="A4", source_note="窗口领", form_key="main", when=("a.b",))],
        "fees": [FeeDraft("工本费", "5 元", "《条例》", is_reducible=True, reduction_basis="低保户")],
        "faqs": [FaqDraft("多久？", "三天。")],
    }
    for name, rows in lists.items():
        save(
            version,
            {"has_fee": True, "fee_note": "5 元", "fee_basis": "《条例》"} if name == "fees" else {},
            **{name: rows},
        )
        marks.add(actions.mark_of(ItemVersion.objects.get(pk=version.pk)))
    ItemForm.objects.create(version=version, position=1, key="main", title="申请表", sample={"a": 1})
    marks.add(actions.mark_of(ItemVersion.objects.get(pk=version.pk)))
    question = ScenarioQuestion.objects.create(version=version, position=1, key="a", text="问？")
    ScenarioOption.objects.create(question=question, position=1, key="b", label="是")
    marks.add(actions.mark_of(ItemVersion.objects.get(pk=version.pk)))
    assert len(marks) == len(said) + len(lists) + 3, "each of them changes the mark"

    ItemVersion.objects.filter(pk=version.pk).update(state=ItemVersion.State.REPLACED)
    draft = save(version, {"place": "别处"})
    assert draft.number == 2 and {name: getattr(draft, name) for name in said} == said
    for name, rows in lists.items():
        assert [[getattr(row, key) for key in vars(rows[0])] for row in getattr(draft, name).all()] == [
            [list(value) if isinstance(value, tuple) else value for value in vars(row).values()] for row in rows
        ]
    assert draft.forms.get().sample == {"a": 1} and draft.questions.get().options.get().label == "是"
    assert version.questions.get().options.count() == 1


# The day it counts from


@pytest.mark.django_db
def test_an_edition_approved_today_is_published_on_its_day_even_late_and_once():
    item = make_item()
    draft = save(item.published, {"place": "新地方", "effective_on": TODAY + timedelta(days=10)})
    approved = actions.publish(draft, by=SYSTEM, at=NOW)
    assert approved.state == "approved"
    item.refresh_from_db()
    assert item.published.number == 1

    assert actions.put_in_force(NOW + timedelta(days=9)) == actions.DayChanges()
    late = NOW + timedelta(days=13)
    assert actions.put_in_force(late) == actions.DayChanges(published=1)
    assert actions.put_in_force(late) == actions.DayChanges()
    item.refresh_from_db()
    assert (item.published.number, item.published.effective_on) == (2, TODAY + timedelta(days=10))
    assert item.versions.get(number=1).state == "replaced"
    assert history(item)[-2:] == ["catalog.approved", "catalog.published"]


@pytest.mark.django_db
def test_an_approved_edition_is_not_written_into_until_it_is_taken_back():
    item = make_item()
    publisher = make_staff(Role.PUBLISHER, department=item.department)
    draft = save(item.published, {"effective_on": TODAY + timedelta(days=10)})
    actions.publish(draft, by=publisher, at=NOW)
    with pytest.raises(actions.WaitsForItsDay):
        save(draft, {"place": "别处"})
    with pytest.raises(actions.NotADraft):
        actions.publish(draft, by=publisher, at=NOW)
    with pytest.raises(NotAllowed):
        actions.take_back(draft, by=make_staff(Role.EDITOR, department=item.department), at=NOW)
    actions.take_back(draft, by=publisher, at=NOW)
    assert save(draft, {"place": "别处"}).number == 2
    with pytest.raises(actions.NotADraft):
        actions.take_back(draft, by=publisher, at=NOW)
    assert actions.put_in_force(NOW + timedelta(days=20)).published == 0


@pytest.mark.django_db
def test_an_approved_edition_that_got_a_fault_meanwhile_waits_for_somebody():
    item = make_item()
    materials = [*MATERIALS, MaterialDraft("户口簿", legal_basis=BASIS)]
    draft = save(item.published, {"effective_on": TODAY + timedelta(days=3)}, materials=materials)
    actions.publish(draft, by=SYSTEM, at=NOW)
    document = share(item.region, "户口簿", available_on=TODAY + timedelta(days=2))
    day = NOW + timedelta(days=3)
    assert actions.put_in_force(day) == actions.DayChanges(held=1)
    document.delete()
    assert actions.put_in_force(day) == actions.DayChanges(published=1)


@pytest.mark.django_db
def test_what_is_planned_for_a_day_is_judged_by_that_day():
    """A paper that can be looked up from next week on may still be asked for today."""
    draft = save(make_draft(), materials=[MaterialDraft("户口簿", legal_basis=BASIS)])
    share(draft.item.region, "户口簿", available_on=TODAY + timedelta(days=5))
    assert actions.publish_faults(draft, TODAY) == []
    save(draft, {"effective_on": TODAY + timedelta(days=6)})
    with pytest.raises(NotReady, match="户口簿"):
        actions.publish(draft, by=SYSTEM, at=NOW)


@pytest.mark.django_db
def test_an_edition_ends_on_its_day_and_cannot_begin_after_it():
    item = make_item(cancel_on=TODAY + timedelta(days=5))
    assert actions.put_in_force(NOW + timedelta(days=4)) == actions.DayChanges()
    assert actions.put_in_force(NOW + timedelta(days=8)) == actions.DayChanges(withdrawn=1)
    assert actions.put_in_force(NOW + timedelta(days=8)) == actions.DayChanges()
    version = item.versions.get()
    assert (version.state, version.cancel_on) == ("withdrawn", TODAY + timedelta(days=5))
    assert queries.published_item(item.region, item.task_code) is None
    over = make_draft(cancel_on=TODAY)
    with pytest.raises(NotReady, match="计划取消日期"):
        actions.publish(over, by=SYSTEM, at=NOW)


@pytest.mark.django_db
def test_the_next_edition_takes_over_on_the_day_the_last_one_ends():
    item = make_item(cancel_on=TODAY + timedelta(days=5))
    actions.publish(save(item.published, {"effective_on": TODAY + timedelta(days=5)}), by=SYSTEM, at=NOW)
    assert actions.put_in_force(NOW + timedelta(days=5)) == actions.DayChanges(published=1)
    item.refresh_from_db()
    assert item.published.number == 2 and item.published.cancel_on is None


@pytest.mark.django_db
def test_withdrawing_makes_what_waits_for_its_day_a_draft_again():
    item = make_item()
    approved = actions.publish(save(item.published, {"effective_on": TODAY + timedelta(days=5)}), by=SYSTEM, at=NOW)
    actions.withdraw(item, reason="权力已取消", by=SYSTEM, at=NOW)
    approved.refresh_from_db()
    assert approved.state == "draft"
    assert actions.put_in_force(NOW + timedelta(days=5)) == actions.DayChanges()


# Code lists


def test_every_shipped_word_fits_its_column_and_has_a_code():
    for kind, terms in SHIPPED.items():
        assert kind in KINDS and len({term.key for term in terms}) == len(terms)
        assert all(term.code and term.label and len(term.key) <= 20 and "、" not in term.key for term in terms)


@pytest.mark.django_db
def test_a_code_changes_from_its_day_on():
    """ITEM-13"""
    admin = make_staff(Role.SYSTEM_ADMIN)
    assert code_of("necessity", "gap_allowed", TODAY) == "3" and code_of("necessity", "nothing", TODAY) == ""
    said = {"code": "03", "label": "容缺后补", "effective_on": TODAY + timedelta(days=1), "reason": "新标准 GB/T 1"}
    for _twice in range(2):
        actions.set_term("necessity", "gap_allowed", by=admin, at=NOW, **said)
    assert code_of("necessity", "gap_allowed", TODAY) == "3"
    assert code_of("necessity", "gap_allowed", TODAY + timedelta(days=1)) == "03"
    assert Event.objects.filter(stream="dictionary:necessity").count() == 1


@pytest.mark.django_db
def test_a_new_word_of_an_open_list_can_be_chosen():
    said = {"code": "10", "label": "微信办理", "effective_on": TODAY, "reason": "省里通知", "by": SYSTEM, "at": NOW}
    with pytest.raises(BadDraft):
        save(make_draft(), {"channels": ["微信办理"]})
    actions.set_term("channel", "微信办理", **said)
    assert "微信办理" in words("channel", TODAY)
    save(make_draft(), {"channels": ["微信办理"]})


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "nothing"},
        {"kind": "necessity", "key": "new"},
        {"key": ""},
        {"key": "甲、乙"},
        {"code": "代码"},
        {"code": ""},
        {"label": " "},
        {"reason": "短"},
    ],
    ids=["kind", "fixed", "no key", "comma", "code", "no code", "label", "reason"],
)
def test_a_term_that_cannot_be_right_is_refused(wrong):
    said = {"kind": "level", "key": "开发区级", "code": "8", "label": "开发区", "effective_on": TODAY}
    said |= {"reason": "省里通知", "by": SYSTEM, "at": NOW}
    with pytest.raises(actions.BadTerm):
        actions.set_term(**(said | wrong))
    with pytest.raises(NotAllowed):
        actions.set_term(**(said | {"by": make_staff(Role.EDITOR)}))
    actions.set_term(**said)
    assert "开发区级" in words("level", TODAY)


def test_fees_and_limits_are_still_pure_rules():
    assert rules.fee_fault(False, "") == "" and rules.fee_fault(True, " ")
