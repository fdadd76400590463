from contextlib import nullcontext
from datetime import date

import pytest

from yimen.catalog import actions, queries, rules
from yimen.catalog.actions import AnnouncedDay, MaterialDraft, NotReady
from yimen.catalog.models import CalendarDay, CalendarYear, FlowStep, ItemVersion
from yimen.catalog.tests.factories import (
    MATERIALS,
    NOW,
    make_department,
    make_draft,
    make_item,
    make_region,
    make_step,
    task_code,
)
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.lib.errors import DomainError
from yimen.people import reasons
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import in_ledger, make_staff, outsider

pytestmark = pytest.mark.django_db

NOTICE_2027 = "国办发明电〔2026〕0号（演示）"
DAYS_2027 = [
    AnnouncedDay(date(2027, 1, 1), False, "元旦"),
    AnnouncedDay(date(2027, 2, 8), False, "春节"),
    AnnouncedDay(date(2027, 2, 14), True, "春节"),
]


def kinds(stream):
    return list(Event.objects.filter(stream=stream).order_by("seq").values_list("kind", flat=True))


# The work calendar


def test_loading_the_official_days_again_changes_nothing():
    before = Event.objects.count()
    assert actions.load_official_calendar(NOW) == 0
    assert Event.objects.count() == before


def test_loading_the_official_days_keeps_what_was_set_by_hand_and_mends_the_rest():
    admin = make_staff(Role.SYSTEM_ADMIN)
    actions.set_calendar_day(date(2026, 10, 8), False, "国庆节", by=admin, at=NOW, reason="市政府公告第 8 号")
    CalendarDay.objects.filter(on=date(2026, 10, 1)).delete()
    CalendarDay.objects.filter(on=date(2026, 10, 2)).update(name="别的")

    assert actions.load_official_calendar(NOW) == 2
    assert actions.load_official_calendar(NOW) == 0
    assert CalendarDay.objects.get(on=date(2026, 10, 2)).name == "国庆节"
    assert CalendarDay.objects.get(on=date(2026, 10, 8)).is_local
    assert kinds("calendar:2026") == ["catalog.calendar_day_set", "catalog.calendar_loaded"]


@pytest.mark.parametrize("role, allowed", [(Role.SYSTEM_ADMIN, True), (Role.EDITOR, False), (None, False)])
def test_only_the_system_administrator_keeps_the_calendar(role, allowed):
    somebody = make_staff(role)
    with nullcontext() if allowed else pytest.raises(NotAllowed):
        actions.set_calendar_day(date(2027, 3, 1), False, "演示日", by=somebody, at=NOW, reason="依据通知")
    with nullcontext() if allowed else pytest.raises(NotAllowed):
        actions.announce_year(2027, NOTICE_2027, DAYS_2027, by=somebody, at=NOW)
    assert CalendarYear.objects.filter(pk=2027).exists() is allowed


def test_a_changed_day_counts_at_once_and_stands_in_the_history():
    admin = make_staff(Role.SYSTEM_ADMIN)
    friday = date(2026, 11, 20)
    assert queries.work_calendar().due(date(2026, 11, 18), 2).on == friday

    moved = actions.set_calendar_day(friday, False, "演示日", by=admin, at=NOW, reason="依据通知")

    assert (moved.was_workday, moved.is_workday) == (True, False)
    assert queries.work_calendar().due(date(2026, 11, 18), 2).on == date(2026, 11, 23)
    row = Event.objects.get(stream="calendar:2026")
    assert row.actor == admin.ledger_ref and not in_ledger("依据通知")
    assert [said.text for said in reasons.said_in("calendar:2026")] == ["依据通知"]
    again = actions.set_calendar_day(friday, False, "演示日", by=admin, at=NOW, reason="依据通知")
    assert again is None and Event.objects.filter(stream="calendar:2026").count() == 1


@pytest.mark.parametrize("name, reason", [("演示日", "  短 "), (" ", "依据通知")])
def test_a_day_is_not_set_without_a_name_and_a_reason(name, reason):
    with pytest.raises(actions.BadCalendar):
        actions.set_calendar_day(date(2026, 11, 20), False, name, by=SYSTEM, at=NOW, reason=reason)


def test_announcing_a_year_ends_its_being_provisional_and_says_what_moved():
    """CAL-7"""
    start = date(2026, 12, 30)
    before = queries.work_calendar().due(start, 2)
    assert (before.on, before.is_provisional) == (date(2027, 1, 1), True)

    change = actions.announce_year(2027, NOTICE_2027, DAYS_2027, by=SYSTEM, at=NOW)

    after = queries.work_calendar().due(start, 2)
    assert (after.on, after.is_provisional) == (date(2027, 1, 4), False)
    assert change.is_new
    assert [day.on for day in change.moved] == [day.on for day in DAYS_2027]
    assert actions.announce_year(2027, NOTICE_2027, DAYS_2027, by=SYSTEM, at=NOW).moved == ()
    assert kinds("calendar:2027") == ["catalog.calendar_announced"]


def test_a_second_notice_replaces_the_first_but_not_what_was_set_by_hand():
    actions.announce_year(2027, NOTICE_2027, DAYS_2027, by=SYSTEM, at=NOW)
    actions.set_calendar_day(date(2027, 3, 1), False, "演示日", by=SYSTEM, at=NOW, reason="依据通知")
    second = [DAYS_2027[0], AnnouncedDay(date(2027, 2, 9), False, "春节"), AnnouncedDay(date(2027, 3, 1), True, "错")]

    change = actions.announce_year(2027, "补充通知", second, by=SYSTEM, at=NOW)

    assert [day.on for day in change.moved] == [date(2027, 2, 8), date(2027, 2, 9), date(2027, 2, 14)]
    assert change.kept == (date(2027, 3, 1),)
    calendar = queries.work_calendar()
    assert calendar.is_workday(date(2027, 2, 8)) and not calendar.is_workday(date(2027, 3, 1))


@pytest.mark.parametrize(
    "year, notice, days",
    [
        (2027, " ", DAYS_2027),
        (2027, NOTICE_2027, []),
        (2027, NOTICE_2027, [*DAYS_2027, DAYS_2027[0]]),
        (2027, NOTICE_2027, [AnnouncedDay(date(2028, 1, 1), False, "元旦")]),
        (2027, NOTICE_2027, [AnnouncedDay(date(2026, 11, 30), False, "元旦")]),
        (2027, NOTICE_2027, [AnnouncedDay(date(2027, 1, 1), False, "")]),
        (27, NOTICE_2027, DAYS_2027),
    ],
)
def test_a_notice_that_cannot_be_right_changes_nothing(year, notice, days):
    with pytest.raises(actions.BadCalendar):
        actions.announce_year(year, notice, days, by=SYSTEM, at=NOW)
    assert not CalendarYear.objects.filter(pk=year).exists()


def test_the_calendar_kept_in_memory_never_outlives_a_change_of_the_table():
    """Also one made past the actions, and one that was taken back."""
    from django.db import transaction

    day = date(2026, 11, 20)
    assert queries.work_calendar().is_workday(day)
    with transaction.atomic():
        CalendarDay.objects.create(on=day, is_workday=False, name="演示日")
        assert not queries.work_calendar().is_workday(day)
        CalendarDay.objects.filter(on=day).update(is_workday=True)
        assert queries.work_calendar().is_workday(day)
        CalendarDay.objects.filter(on=day).update(is_workday=False)
        assert not queries.work_calendar().is_workday(day)
        transaction.set_rollback(True)
    assert queries.work_calendar().is_workday(day)


def test_the_latest_local_rule_not_after_the_day_counts():
    region, other = make_region(), make_region("500001", "别处")
    for value, day in ((3, date(2026, 1, 1)), (5, date(2026, 6, 1))):
        actions.set_local_rule(region, "demo_days", value, effective_on=day, reason="依据通知", by=SYSTEM, at=NOW)

    ask = [(region, date(2025, 12, 31)), (region, date(2026, 5, 31)), (region, date(2026, 6, 1)), (other, NOW.date())]
    assert [queries.local_rule(place, "demo_days", day, default=1) for place, day in ask] == [1, 3, 5, 1]


# Items


@pytest.fixture
def cast():
    department = make_department()
    return {
        "department": department,
        "editor": make_staff(Role.EDITOR, department=department),
        "publisher": make_staff(Role.PUBLISHER, department=department),
        "outsider": outsider(),
    }


@pytest.mark.parametrize("who, allowed", [("editor", True), ("publisher", False), ("outsider", False)])
def test_only_the_departments_editor_makes_items(cast, who, allowed):
    with nullcontext() if allowed else pytest.raises(NotAllowed):
        make_draft(department=cast["department"], by=cast[who])


def test_an_editor_of_another_department_may_not_touch_the_item(cast):
    version = make_draft(department=cast["department"])
    stranger = make_staff(Role.EDITOR)
    with pytest.raises(NotAllowed):
        actions.save_draft(version.item, {"name": "改名"}, by=stranger, at=NOW)


def test_a_code_is_given_once_in_a_region(cast):
    make = {"name": "演示事项", "item_type": "20", "case_type": "immediate", "by": SYSTEM, "at": NOW}
    department, code = cast["department"], task_code(90001)
    actions.create_item(region=department.region, department=department, task_code=code, **make)
    with pytest.raises(actions.CodeTaken):
        actions.create_item(region=department.region, department=department, task_code=code, **make)
    elsewhere = make_department(make_region("500001", "别处"))
    actions.create_item(region=elsewhere.region, department=elsewhere, task_code=code, **make)


def test_another_form_of_codes_is_a_setting_of_the_place(cast):
    """ITEM-5"""
    department = cast["department"]
    make = {"name": "演示事项", "item_type": "20", "case_type": "immediate", "by": SYSTEM, "at": NOW}
    with pytest.raises(rules.InvalidItemCode):
        actions.create_item(region=department.region, department=department, task_code="YM-0001", **make)
    scheme = rules.CodeScheme.UPLOAD
    rule = {"effective_on": NOW.date(), "reason": "按上报表结构", "by": SYSTEM, "at": NOW}
    actions.set_local_rule(department.region, actions.CODE_SCHEME, scheme, **rule)
    version = actions.create_item(region=department.region, department=department, task_code="YM-0001", **make)
    assert version.item.task_code == "YM-0001"


def test_publishing_makes_the_item_visible_and_later_editions_replace_it(cast):
    """ITEM-16"""
    first = make_draft(department=cast["department"], by=cast["editor"])
    actions.publish(first, by=cast["publisher"], at=NOW)
    draft = actions.save_draft(first.item, {"name": "新名字", "promised_limit": 8}, by=cast["editor"], at=NOW)

    item = queries.published_item(first.item.region, first.item.task_code)
    assert (item.published.number, item.published.promised_limit) == (1, 9)
    assert draft.number == 2 and draft.materials.count() == 3 and draft.steps.count() == 5

    actions.publish(draft, by=cast["publisher"], at=NOW)
    item = queries.published_item(first.item.region, first.item.task_code)
    assert (item.name, item.published.number, item.published.promised_limit) == ("新名字", 2, 8)
    first.refresh_from_db()
    assert first.state == ItemVersion.State.REPLACED
    assert kinds(f"item:{item.pk}") == [
        "catalog.item_created",
        "catalog.draft_saved",
        "catalog.published",
        "catalog.draft_saved",
        "catalog.published",
    ]


def test_whoever_edited_does_not_publish(cast):
    both = make_staff(Role.EDITOR, Role.PUBLISHER, department=cast["department"])
    version = make_draft(department=cast["department"], by=both)
    # A small change by somebody else afterwards does not make the draft another one.
    actions.save_draft(version.item, {"place": "别处"}, by=cast["editor"], at=NOW)
    with pytest.raises(actions.SameHand):
        actions.publish(version, by=both, at=NOW)
    actions.publish(version, by=cast["publisher"], at=NOW)


@pytest.mark.parametrize("who, allowed", [("publisher", True), ("editor", False), ("outsider", False)])
def test_only_the_publisher_publishes_and_withdraws(cast, who, allowed):
    version = make_draft(department=cast["department"])
    with nullcontext() if allowed else pytest.raises(NotAllowed):
        actions.publish(version, by=cast[who], at=NOW)
    published = make_item(department=cast["department"])
    with nullcontext() if allowed else pytest.raises(NotAllowed):
        actions.withdraw(published, reason="依据通知", by=cast[who], at=NOW)


@pytest.mark.capability("S1-4")
def test_what_is_missing_is_told_all_at_once():
    version = make_draft(accept_condition="", procedure="", materials=[], steps=[], promised_limit=None)
    actions.save_draft(version.item, {}, no_materials=False, by=SYSTEM, at=NOW)
    with pytest.raises(NotReady) as refused:
        actions.publish(version, by=SYSTEM, at=NOW)
    words = ("服务内容", "办事程序", "申报材料", "办理时限", "还没有步骤")
    assert all(any(word in reason for reason in refused.value.reasons) for word in words)
    assert queries.published_item(version.item.region, version.item.task_code) is None


def test_a_published_edition_is_neither_published_again_nor_edited():
    item = make_item()
    with pytest.raises(actions.NotADraft):
        actions.publish(item.published, by=SYSTEM, at=NOW)
    draft = actions.save_draft(item, {"place": "别处"}, by=SYSTEM, at=NOW)
    assert draft.pk != item.published.pk
    item.published.refresh_from_db()
    assert item.published.place != "别处"


def test_a_withdrawn_item_is_no_longer_found():
    item = make_item(name="演示养犬登记")
    assert queries.search("养犬", region=item.region)
    actions.withdraw(item, reason="权力已取消", by=SYSTEM, at=NOW)
    assert not queries.search("养犬", region=item.region)
    with pytest.raises(DomainError):
        actions.withdraw(item, reason="权力已取消", by=SYSTEM, at=NOW)


def test_a_fee_without_legal_basis_is_refused_in_words():
    """LAW-21"""
    version = make_draft()
    with pytest.raises(actions.BadDraft, match="收费要有法律"):
        actions.save_draft(version.item, {"has_fee": True, "fee_note": "每件 10 元"}, by=SYSTEM, at=NOW)
    fee = {"has_fee": True, "fee_note": "每件 10 元", "fee_basis": "《演示收费条例》第三条"}
    actions.save_draft(version.item, fee, by=SYSTEM, at=NOW)
    with pytest.raises(actions.BadDraft):
        actions.save_draft(version.item, {"fee_basis": " "}, by=SYSTEM, at=NOW)


@pytest.mark.parametrize("missing", [{"post": " "}, {"authority": ""}, {"limit_days": None}])
@pytest.mark.capability("S1-23")
def test_a_step_without_post_authority_or_limit_cannot_be_saved(missing):
    version = make_draft()
    before = list(version.steps.values_list("name"))
    with pytest.raises(rules.BrokenFlow):
        actions.save_draft(version.item, {}, steps=[make_step(**missing)], by=SYSTEM, at=NOW)
    assert list(version.steps.values_list("name")) == before
    actions.save_draft(version.item, {}, steps=[make_step()], by=SYSTEM, at=NOW)
    assert version.steps.count() == 1


@pytest.mark.parametrize("missing", [{"post": ""}, {"authority": ""}, {"limit_days": None}])
@pytest.mark.capability("S1-23")
def test_the_database_itself_refuses_such_a_step(missing):
    from django.db import IntegrityError

    said = {"key": "x", "name": "步骤", "kind": "review", "post": "岗", "authority": "权", "limit_days": 1}
    version = make_draft()
    with pytest.raises(IntegrityError):
        FlowStep.objects.create(version=version, position=9, **(said | missing))


@pytest.mark.parametrize(
    "fields",
    [
        {"name": " "},
        {"name": "长" * 301},
        {"case_type": "sometimes"},
        {"promised_unit": "week"},
        {"promised_limit": -1},
        {"statutory_limit": 40000},
        {"state": "published"},
        {"number": 7},
    ],
)
def test_a_value_that_cannot_be_stored_is_refused_in_words(fields):
    version = make_draft()
    with pytest.raises(actions.BadDraft):
        actions.save_draft(version.item, fields, by=SYSTEM, at=NOW)


@pytest.mark.parametrize("material", [MaterialDraft(" "), MaterialDraft("表", kind="x"), MaterialDraft("长" * 501)])
def test_a_material_that_cannot_be_stored_is_refused_in_words(material):
    version = make_draft()
    with pytest.raises(actions.BadDraft):
        actions.save_draft(version.item, {}, materials=[material], by=SYSTEM, at=NOW)


def test_saving_the_same_again_leaves_no_row():
    version = make_draft()
    before = Event.objects.count()
    actions.save_draft(version.item, {"name": version.name}, materials=MATERIALS, by=SYSTEM, at=NOW)
    assert Event.objects.count() == before
