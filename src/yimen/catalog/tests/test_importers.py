import gzip
import json
import time
from collections import Counter

import pytest

from yimen.catalog import actions, importers, queries
from yimen.catalog.models import ItemMaterial, ItemVersion, ServiceItem
from yimen.catalog.tests.factories import NOW, make_department, make_region, task_code
from yimen.catalog.tests.guides import guide, write
from yimen.catalog.tests.power_factories import ensure_power
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.people.access import NotAllowed
from yimen.people.models import Department, Region, Role
from yimen.people.tests.factories import make_staff
from yimen.testing import shared

pytestmark = pytest.mark.django_db
REGION = "990000"


def load(path, **options):
    return importers.import_guangdong(path, by=SYSTEM, at=NOW, **options)


@pytest.fixture
def file(tmp_path):
    return lambda *rows, name="list.jsonl": write(tmp_path / name, *rows)


def reasons(report):
    return [(left.row, left.field) for left in report.left_out]


@pytest.mark.parametrize("name", ["list.jsonl", "list.jsonl.gz"])
def test_a_guide_becomes_a_published_item_with_its_materials(file, name):
    report = load(file(guide(matter_daily="开馆  证"), name=name))

    item = queries.published_item(REGION, guide()["TASK_CODE"])
    version = item.published
    assert (report.taken, report.refused, report.left_out) == (1, 0, [])
    assert (item.name, item.source, item.item_type, item.catalog_code) == (
        "演示事项1",
        "guangdong",
        "01",
        "440120001000",
    )
    assert (item.region.name, item.department.name, item.department.uscc) == ("演示省", "演示厅", "11440232MB2D06811W")
    assert (version.statutory_limit, version.promised_limit, version.promised_unit) == (20, 5, "workday")
    assert (version.place, version.visit_count, version.complaint_way) == ("演示路 1 号", 1, "")
    assert (version.everyday_names, version.themes) == (["开馆 证"], ["创业"])
    assert version.service_objects == ["自然人", "企业法人"]
    assert [m.name for m in version.materials.all()] == ["申请表", "身份证"]
    assert version.extended["courier_service"] == "是" and "TASK_STATE" not in version.extended
    assert not version.is_stated("has_fee") and version.is_stated("place") and not version.needs_no_materials
    assert queries.search("开馆", region=REGION) == [item]


def test_none_means_none(file):
    nothing = dict.fromkeys(
        ["handle_time", "handle_time_limit", "accept_standard", "material_intro", "matter_level"], "无"
    )
    report = load(file(guide(**nothing)))
    version = ItemVersion.objects.get()
    assert report.left_out == [] and report.without_materials == 1
    assert (version.statutory_limit, version.promised_limit, version.accept_condition) == (None, None, "")
    assert version.needs_no_materials and version.materials.count() == 0


def test_an_empty_list_of_materials_is_not_taken_for_none(file):
    load(file(guide(material_intro=[])))
    version = ItemVersion.objects.get()
    assert not version.needs_no_materials and not version.is_stated("materials")


@pytest.mark.parametrize(
    "fields, field",
    [
        ({"handle_time_limit": "5"}, "handle_time_limit"),
        ({"handle_time": "约20(工作日)"}, "handle_time"),
        ({"handle_time_limit": "99999(工作日)"}, "handle_time_limit"),
        ({"handle_time_limit": "21(工作日)"}, "handle_time_limit"),
        ({"visit_number": "几次"}, "visit_number"),
        ({"matter_daily": "长" * 61}, "matter_daily"),
        ({"theme_category": ["创业", "长" * 61]}, "theme_category"),
        ({"theme_category": {"a": 1}}, "theme_category"),
        ({"service_object_name": ["自然人", 7]}, "service_object_name"),
        ({"material_intro": ["表", "长" * 501]}, "material_intro"),
        ({"accept_standard": ["一", "二"]}, "accept_standard"),
        ({"TASK_TYPE_TEXT": "行政什么", "matter_type": "也不知道"}, "TASK_TYPE_TEXT"),
        ({"CATAID": "440120009000"}, "CATAID"),
        ({"ORGCODE": "MB2D06812"}, "ORGCODE"),
        ({"TASK_CODE": "TE440000GD030003VV2440120001000", "ORGCODE": "GD030003V"}, "TASK_CODE"),
        ({"TASK_CODE": "ZJ-0001"}, "TASK_CODE"),
    ],
)
def test_a_value_that_cannot_be_taken_is_left_out_and_named_while_the_item_is_taken(file, fields, field):
    report = load(file(guide(**fields)))
    assert report.taken == 1
    assert reasons(report) == [(1, field)]
    left = report.left_out[0]
    assert left.reason and left.code == guide(**fields)["TASK_CODE"]
    assert not queries.published_item(REGION, left.code).department.uscc or field not in {"TASK_CODE", "ORGCODE"}


@pytest.mark.parametrize(
    "bad",
    [
        '{"TASK_CODE": "1',
        "[]",
        "7",
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a": "\\ud800"}',
        '"\udcff"',
        "[" * 100_000,
        guide(2, TASK_CODE=None),
        guide(2, TASK_CODE="一二三"),
        guide(2, TASK_CODE="A" * 37),
        guide(2, TASK_NAME=" 无 "),
        guide(2, TASK_NAME="长" * 301),
        guide(2, DEPT_NAME=None, ORGCODE=None),
        guide(2, AREACODE=None),
        guide(2, AREACODE="980000", AREA_CODE_TEXT=None),
        guide(1),
    ],
)
def test_a_bad_row_is_refused_and_the_others_are_taken(file, bad):
    report = load(file(guide(1), bad, guide(3)))
    assert (report.rows, report.taken, report.refused) == (3, 2, 1)
    refusal = [left for left in report.left_out if not left.field]
    assert [left.row for left in refusal] == [2] and refusal[0].reason
    assert set(ServiceItem.objects.values_list("name", flat=True)) == {"演示事项1", "演示事项3"}


def test_signs_postgresql_cannot_store_are_dropped(file):
    load(file(guide(TASK_NAME="演示\x00事项", CATANAME="目\x00录")))
    assert ItemVersion.objects.get().extended["CATANAME"] == "目录"
    assert ServiceItem.objects.get().name == "演示事项"


def test_a_byte_order_mark_and_empty_lines_do_no_harm(file):
    report = load(file("\ufeff" + json.dumps(guide(1)), "", "  ", guide(2)))
    assert (report.rows, report.taken, report.refused) == (2, 2, 0)


def test_a_second_run_changes_nothing(file):
    path = file(guide(1), guide(2, handle_time="?"))
    first = load(path)
    before = Event.objects.count()
    second = load(path)
    assert (second.taken, second.changed, second.unchanged) == (0, 0, 2)
    assert second.left_out == first.left_out
    assert Event.objects.count() == before
    assert ItemVersion.objects.count() == 2


def test_a_changed_row_makes_a_new_edition(file):
    """ITEM-16"""
    load(file(guide(1), guide(2)))
    report = load(file(guide(1), guide(2, TASK_NAME="演示新名", material_intro=["新表"])))

    assert (report.unchanged, report.changed) == (1, 1)
    item = queries.published_item(REGION, guide(2)["TASK_CODE"])
    assert (item.name, item.published.number) == ("演示新名", 2)
    assert [m.name for m in item.published.materials.all()] == ["新表"]
    old = item.versions.get(number=1)
    assert (old.state, old.cancel_on, old.materials.count()) == ("replaced", NOW.date(), 2)
    assert queries.search("新名", region=REGION) == [item]
    stream = Event.objects.filter(stream=f"item:{item.pk}").order_by("seq")
    assert [row.data["version"] for row in stream] == [1, 2]


def test_what_somebody_here_changed_is_not_overwritten(file):
    load(file(guide(1), guide(2), guide(3)))
    edited, drafted, withdrawn = (ServiceItem.objects.get(name=f"演示事项{n}") for n in (1, 2, 3))
    said = {"has_fee": False, "legal_basis": "依据", "case_type": "promised"}
    said |= {"complaint_way": "12345", "plain_text": "带身份证来就行。"}
    basis = [actions.MaterialDraft("申请表", legal_basis="依据")]
    ensure_power(edited)
    step = actions.StepDraft("decide", "决定", "decide", "岗", "权", 1)
    draft = actions.save_draft(edited, said, materials=basis, steps=[step], by=SYSTEM, at=NOW)
    actions.publish(draft, by=SYSTEM, at=NOW)
    actions.save_draft(drafted, {"place": "别处"}, by=SYSTEM, at=NOW)
    actions.withdraw(withdrawn, reason="已经取消", by=SYSTEM, at=NOW)

    report = load(file(*(guide(n, accept_standard="新条件") for n in (1, 2, 3))))

    assert (report.changed, report.refused) == (1, 2)
    drafted.refresh_from_db()
    assert drafted.published.number == 3 and drafted.versions.get(number=2).state == "draft"
    edited.refresh_from_db()
    assert edited.published_id == draft.pk


def test_an_item_made_here_is_not_overwritten(file):
    department = make_department(make_region(REGION, "演示省"))
    code = task_code(90002)
    make = {"name": "本地事项", "item_type": "20", "case_type": "immediate", "by": SYSTEM, "at": NOW}
    actions.create_item(region=department.region, department=department, task_code=code, **make)
    report = load(file(guide(TASK_CODE=code, CATAID=None), guide(2)))
    assert (report.taken, report.refused) == (1, 1)
    assert ServiceItem.objects.get(task_code=code).name == "本地事项"


def test_departments_are_found_again_by_code_credit_code_or_name(file):
    region = make_region(REGION, "演示省")
    by_name = make_department(region, name="演示厅", code="ysst")
    load(file(guide(1)))
    assert ServiceItem.objects.get().department == by_name
    assert Department.objects.count() == 1


def test_items_can_go_to_another_region_that_exists(file):
    with pytest.raises(importers.Unreadable, match="500000"):
        load(file(guide()), region_code="500000")
    assert not Region.objects.filter(pk=REGION).exists()
    make_region("500000", "演示市")
    load(file(guide()), region_code="500000")
    assert ServiceItem.objects.get().region_id == "500000"


@pytest.mark.parametrize("role, allowed", [(Role.EDITOR, True), (Role.CLERK, False)])
def test_only_those_who_may_import_do(file, role, allowed):
    somebody = make_staff(role, for_region=True)
    path = file(guide())
    if allowed:
        importers.import_guangdong(path, by=somebody, at=NOW)
    else:
        with pytest.raises(NotAllowed):
            importers.import_guangdong(path, by=somebody, at=NOW)
    assert ServiceItem.objects.exists() is allowed


def test_a_file_that_is_no_list_is_one_sentence(tmp_path):
    packed = gzip.compress((json.dumps(guide()) + "\n").encode() * 50)
    files = {
        "empty.jsonl": b"",
        "empty.jsonl.gz": gzip.compress(b""),
        "plain.jsonl.gz": b"{}\n",
        "cut.jsonl.gz": packed[:-20],
        "spoilt.jsonl.gz": packed[:30] + b"\xff\xff\xff" + packed[33:],
        "picture.jsonl": bytes(range(256)) * 4,
        "one-line.jsonl": b"x" * 1_000_002,
        "prose.txt": "办事指南\n第二行\n".encode(),
    }
    for name, raw in files.items():
        (tmp_path / name).write_bytes(raw)
    for path in [*(tmp_path / name for name in files), tmp_path, tmp_path / "missing.jsonl"]:
        with pytest.raises(importers.Unreadable) as refused:
            load(path)
        assert len(str(refused.value)) > 8 and "\n" not in str(refused.value)
    assert not ServiceItem.objects.exists()


@pytest.mark.slow
def test_the_guides_of_guangdong_are_taken_whole():
    path = shared("data/catalogue/guangdong_province.jsonl.gz")
    wanted = json.loads(shared("data/catalogue/reference.json").read_text())["guangdong_province"]

    started = time.perf_counter()
    report = load(path)
    print(f"{report.rows} guides in {time.perf_counter() - started:.1f} s")

    versions = ItemVersion.objects.filter(item__region="440000")
    assert (report.rows, report.taken, report.refused) == (wanted["rows"], wanted["rows"], 0)
    assert ServiceItem.objects.values("task_code").distinct().count() == wanted["distinct_task_codes"]
    assert ServiceItem.objects.values("name").distinct().count() == wanted["distinct_names"]
    assert Department.objects.filter(region="440000").count() == wanted["departments"]
    types = Counter(str(item.get_item_type_display()) for item in ServiceItem.objects.only("item_type"))
    assert types == wanted["by_type"]
    assert {row.name: row.count for row in queries.service_objects("440000")} == wanted["by_object"]
    themes = {row.name: row.count for row in queries.themes("440000")}
    assert {name: themes[name] for name in wanted["by_theme"]} == wanted["by_theme"]
    assert versions.filter(statutory_limit__isnull=False).count() == wanted["with_legal_limit"]
    assert versions.filter(promised_limit__isnull=False).count() == wanted["with_promised_limit"]
    # The reference counts the word for "none" as a line; here it is not a material.
    lines = ItemMaterial.objects.filter(version__in=versions).count()
    assert lines + report.without_materials == wanted["material_lines"]
    assert (report.materials, report.without_materials) == (lines, 1446)
    # Six codes begin with a credit code that fails its check; nothing else could not be taken.
    assert Counter(left.field for left in report.left_out) == {"TASK_CODE": 6}

    before = Event.objects.count()
    again = load(path)
    assert (again.unchanged, Event.objects.count()) == (wanted["rows"], before)
