"""The basic catalogue: one code, one standard; and codes of items under it."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.catalog import actions, rules
from yimen.catalog.actions import MaterialDraft
from yimen.catalog.models import BasicItem
from yimen.catalog.queries.basic import deviations_of, implementations, with_deviations
from yimen.catalog.rules.standard import Asked, Standard, deviations
from yimen.catalog.tests.factories import BASIS, NOW, make_department, make_draft, make_region
from yimen.catalog.tests.power_factories import ensure_power
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.lib.workdays import Limit
from yimen.people.access import NotAllowed
from yimen.people.models import Region, Role
from yimen.people.tests.factories import make_staff

CODE = "000117051000"
ORGANS = ("11440232MB2D06811W", "12441500196720244T")
MATERIALS = ({"name": "申请表", "necessity": "required"}, {"name": "身份证", "necessity": "required"})
STANDARD = Standard("演示许可", "01", Limit(20), (Asked("申请表", "required"), Asked("身份证", "optional")))
NAMES = st.lists(st.sampled_from(["申请表", "身份证", "照片", "合同"]), unique=True)


def add_basic(region, **fields):
    values = {"catalog_code": CODE, "name": "演示许可", "item_type": "01", "statutory_limit": 20}
    values |= {"materials": MATERIALS, "legal_basis": "《演示法》第三条"}
    return actions.add_basic(region, by=SYSTEM, at=NOW, **(values | fields))


def create(department, organ=ORGANS[0], level="4", serial="", **fields):
    values = {"name": "演示许可", "item_type": "01", "case_type": "promised"}
    return actions.create_item(
        region=department.region,
        department=department,
        task_code=f"{organ}{level}{CODE}{serial}",
        by=SYSTEM,
        at=NOW,
        **(values | fields),
    )


def finish(version, **fields):
    """Write what an edition still needs to be published."""
    said = {"accept_condition": "在本市居住。", "procedure": "收件、受理、决定。", "has_fee": False}
    said |= {"complaint_way": "12345", "plain_text": "带身份证来。", "promised_limit": 5}
    drafts = [MaterialDraft(row.name, necessity=row.necessity, legal_basis=BASIS) for row in version.materials.all()]
    step = actions.StepDraft("decide", "决定", "decide", "审批岗", "作出决定", 1)
    ensure_power(version.item)
    values = {"materials": drafts, "steps": [step]} | fields
    return actions.save_draft(version.item, said, by=SYSTEM, at=NOW, **values)


# Rules


@given(NAMES, NAMES)
def test_what_is_the_same_has_no_difference_and_every_other_list_has(laid_down, asked):
    basic = Standard("甲", "01", None, tuple(Asked(name, "required") for name in laid_down))
    said = Standard("甲", "01", None, tuple(Asked(name, "required") for name in asked))
    found = deviations(basic, said)
    if laid_down:
        assert bool(found) is (set(laid_down) != set(asked))
    else:
        assert found == []
    assert [one for one in deviations(basic, said, is_handling_item=True) if "没有的材料" in one.sentence] == []


@pytest.mark.parametrize(
    "change, part, blocks",
    [
        ({"name": "别的名字"}, "name", True),
        ({"item_type": "07"}, "item_type", True),
        ({"statutory": Limit(30)}, "statutory", True),
        ({"statutory": None}, "statutory", True),
        ({"statutory": Limit(10)}, "statutory", False),
        ({"materials": (*STANDARD.materials, Asked("户口簿", "required"))}, "materials", True),
        ({"materials": STANDARD.materials[:1]}, "materials", True),
        ({"materials": (STANDARD.materials[0], Asked("身份证", "required"))}, "materials", True),
    ],
    ids=["name", "type", "longer", "no limit", "shorter", "more", "fewer", "needed"],
)
def test_each_difference_is_named(change, part, blocks):
    from dataclasses import replace

    assert deviations(STANDARD, STANDARD) == []
    (found,) = deviations(STANDARD, replace(STANDARD, **change))
    assert (found.part, found.blocks) == (part, blocks)


def test_a_handling_item_has_its_own_name_and_may_ask_for_less_but_not_for_more():
    less = Standard("演示许可（变更）", "01", Limit(20), STANDARD.materials[:1])
    assert deviations(STANDARD, less, is_handling_item=True) == []
    more = Standard("演示许可", "01", Limit(20), (Asked("户口簿", "required"),))
    assert [one.part for one in deviations(STANDARD, more, is_handling_item=True)] == ["materials"]


# Codes


@pytest.mark.parametrize(
    "code, organ, level, region, type_code",
    [
        ("11440232MB2D06811W4000117051000", "11440232MB2D06811W", "4", "00", "01"),
        ("12441500196720244T3442199806003", "12441500196720244T", "3", "44", "21"),
        ("11440000MB2D0164XH2440289876000", "11440000MB2D0164XH", "2", "44", "02"),
    ],
)
def test_the_three_published_codes_say_what_the_standard_says(code, organ, level, region, type_code):
    """ITEM-4"""
    parts = rules.read_task_code(code)
    assert (parts.organ, parts.level, parts.region, parts.type_code) == (organ, level, region, type_code)
    assert parts.catalog_code == code[-12:] and parts.is_organ_valid


@pytest.mark.parametrize("code", ["", "00011705100", "0001170510000", "00Ａ117051000", "000117051 00", "x"])
def test_a_basic_code_of_another_form_is_refused_with_the_code(code):
    """TRAP-2"""
    with pytest.raises(rules.InvalidItemCode, match="12 位"):
        rules.check_catalog_code(code)
    rules.check_catalog_code(CODE)
    rules.check_catalog_code("YM-1", rules.CodeScheme.UPLOAD)
    with pytest.raises(rules.InvalidItemCode):
        rules.check_catalog_code("0" * 11, rules.CodeScheme.STANDARD)


# The catalogue


@pytest.fixture
def department():
    return make_department()


@pytest.mark.django_db
@pytest.mark.capability("S2-12")
def test_two_units_with_one_basic_code_have_one_standard(department):
    basic = add_basic(department.region)
    other = make_department(department.region)
    first, second = create(department), create(other, ORGANS[1], "3")

    for version in (first, second):
        assert version.item.basic == basic and version.item.catalog_code == CODE
        assert [row.name for row in version.materials.all()] == ["申请表", "身份证"]
        assert (version.legal_basis, version.statutory_limit) == ("《演示法》第三条", 20)
    assert set(implementations(basic)) == {first.item, second.item}

    draft = finish(first)
    more = [*draft.materials.all(), "户口簿"]
    asked = [MaterialDraft(str(row), legal_basis=BASIS) for row in more]
    actions.save_draft(draft.item, {"name": "另一个名字"}, materials=asked, by=SYSTEM, at=NOW)
    with pytest.raises(actions.NotReady) as refused:
        actions.publish(draft, by=SYSTEM, at=NOW)
    assert any("另一个名字" in reason for reason in refused.value.reasons)
    assert any("户口簿" in reason for reason in refused.value.reasons)

    actions.save_draft(draft.item, {"name": "演示许可"}, materials=asked[:2], by=SYSTEM, at=NOW)
    assert actions.publish(draft, by=SYSTEM, at=NOW).state == "published"
    actions.publish(finish(second), by=SYSTEM, at=NOW)
    assert [found for _item, _version, found in with_deviations(basic, implementations(basic))] == [[], []]


@pytest.mark.django_db
def test_the_catalogue_of_the_place_above_binds_the_place_below(department):
    above = make_region("500000", "演示省")
    Region.objects.filter(pk=department.region_id).update(parent=above)
    department.region.refresh_from_db()
    version = create(department)
    assert version.item.basic is None
    basic = add_basic(above)
    version.item.refresh_from_db()
    assert version.item.basic == basic, "items that were there already carry it out from now on"
    with pytest.raises(actions.BadBasic, match="只有一个标准"):
        add_basic(department.region, name="自己的标准")
    elsewhere = make_department(make_region("610001", "别处"))
    assert create(elsewhere).item.basic is None


@pytest.mark.django_db
def test_a_handling_item_hangs_under_its_item(department):
    """ITEM-1, ITEM-3"""
    with pytest.raises(rules.InvalidItemCode, match="还没有"):
        create(department, serial="01", name="演示许可（新办）")
    parent = create(department)
    child = create(department, serial="01", name="演示许可（新办）")
    assert child.item.parent == parent.item and len(child.item.task_code) == 33
    assert child.item.catalog_code == CODE


@pytest.mark.django_db
def test_local_codes_are_kept_and_judged(department):
    """ITEM-5"""
    version = create(department, local_task_code="QH-0001", local_catalog_code="QH.1")
    assert (version.item.local_task_code, version.item.local_catalog_code) == ("QH-0001", "QH.1")
    with pytest.raises(rules.InvalidItemCode, match="“本地 1”"):
        create(department, ORGANS[1], local_catalog_code="本地 1")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong, word",
    [
        ({"catalog_code": "12"}, "12 位"),
        ({"name": " "}, "名称"),
        ({"name": "长" * 301}, "300"),
        ({"item_type": "99"}, "99"),
        ({"statutory_limit": -1}, "-1"),
        ({"statutory_unit": "week"}, "week"),
        ({"materials": [{"name": ""}]}, "第 1 样"),
        ({"materials": [{"name": "表", "necessity": "maybe"}]}, "必要性"),
        ({"materials": [{"name": "身份证"}, {"name": "身份证复印件"}]}, "两次"),
        ({"legal_basis": "a\x00b"}, "坏字符"),
    ],
    ids=["code", "empty", "long", "type", "limit", "unit", "no name", "necessity", "twice", "nul"],
)
def test_an_entry_that_cannot_be_right_is_refused_and_nothing_is_written(department, wrong, word):
    with pytest.raises(actions.BadBasic, match=word):
        add_basic(department.region, **wrong)
    assert not BasicItem.objects.exists()
    basic = add_basic(department.region)
    if "catalog_code" not in wrong:
        with pytest.raises(actions.BadBasic, match=word):
            actions.change_basic(basic, by=SYSTEM, at=NOW, **wrong)


@pytest.mark.django_db
def test_changing_an_entry_is_recorded_once_and_asks_for_the_right(department):
    basic = add_basic(department.region)
    editor = make_staff(Role.EDITOR, department=department)
    with pytest.raises(NotAllowed):
        actions.change_basic(basic, by=make_staff(Role.CLERK), at=NOW, name="改名")
    for _twice in range(2):
        actions.change_basic(basic, by=editor, at=NOW, name="改名", cancelled_on=date(2027, 1, 1))
    rows = Event.objects.filter(stream=f"basic:{basic.pk}").order_by("seq")
    assert [row.kind for row in rows] == ["catalog.basic_added", "catalog.basic_changed"]
    assert rows[1].data["changed"] == {"name": "改名", "cancelled_on": "2027-01-01"}


@pytest.mark.django_db
def test_a_cancelled_entry_is_neither_begun_nor_published(department):
    basic = add_basic(department.region)
    version = finish(create(department))
    assert deviations_of(version, NOW.date()) == []
    actions.change_basic(basic, by=SYSTEM, at=NOW, cancelled_on=NOW.date())
    with pytest.raises(actions.NotReady, match="已取消"):
        actions.publish(version, by=SYSTEM, at=NOW)
    with pytest.raises(actions.BadDraft, match="已取消"):
        create(make_department(department.region), ORGANS[1])


@pytest.mark.django_db
def test_an_item_of_another_type_than_its_entry_is_refused(department):
    add_basic(department.region)
    with pytest.raises(actions.BadDraft, match="行政许可"):
        create(department, item_type="07")


@pytest.mark.django_db
def test_without_an_entry_nothing_is_compared():
    assert deviations_of(make_draft(), NOW.date()) == []
