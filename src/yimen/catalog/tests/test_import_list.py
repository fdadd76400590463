"""Any list becomes items: columns named or guessed, every error with its place, all or nothing (ITEM-10, ITEM-16)."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yimen.catalog import actions, columns, exports, importers, queries
from yimen.catalog.importers import Mode
from yimen.catalog.models import ItemMaterial, ItemVersion, ServiceItem
from yimen.catalog.tests.factories import NOW, make_department, make_item, make_region, task_code
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.lib import sheet
from yimen.lib.errors import DomainError
from yimen.people.access import NotAllowed
from yimen.people.models import Department, Role
from yimen.people.tests.factories import make_staff
from yimen.testing import shared

pytestmark = pytest.mark.django_db
REGION = "990000"
HEAD = "实施编码,事项名称,事项类型,实施主体,承诺办结时限,法定办结时限,申请材料,是否收费,收费依据"


@pytest.fixture
def region():
    return make_region(REGION, "演示省")


@pytest.fixture
def file(tmp_path):
    def make(*lines, name="某市清单.csv"):
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return make


def load(path, **options):
    return importers.import_list(path, by=options.pop("by", SYSTEM), at=NOW, **options)


def line(n, **cells):
    said = {
        "code": task_code(80000 + n),
        "name": f"清单事项{n}",
        "type": "公共服务",
        "dept": "演示局",
        "promised": "5个工作日",
    }
    said |= {"statutory": "20个工作日", "materials": "申请表；身份证", "fee": "否", "basis": ""}
    return ",".join((said | cells).values())


def wrong(report):
    return [(left.row, left.field) for left in report.left_out]


def test_a_list_is_published_as_what_its_source_says_and_found_at_once(region, file):
    report = load(file(HEAD, line(1), line(2)))
    item = queries.published_item(REGION, task_code(80001))
    version = item.published
    assert (report.rows, report.taken, report.refused, report.written) == (2, 2, 0, True)
    assert (item.source, item.department.name, item.item_type) == ("某市清单", "演示局", "20")
    assert (version.promised_limit, version.statutory_limit, version.has_fee) == (5, 20, False)
    assert [row.name for row in version.materials.all()] == ["申请表", "身份证"]
    assert version.is_stated("has_fee") and not version.is_stated("hours") and not version.is_stated("case_type")
    assert queries.search("清单事项1", region=REGION)[0] == item
    kinds = set(Event.objects.values_list("kind", flat=True))
    assert {"catalog.imported", "catalog.list_imported", "people.department_added"} <= kinds


def test_a_second_run_changes_nothing_and_a_changed_row_makes_a_new_edition(region, file):
    load(file(HEAD, line(1), line(2)))
    before = Event.objects.count()
    again = load(file(HEAD, line(1), line(2)))
    assert (again.taken, again.changed, again.unchanged) == (0, 0, 2) and Event.objects.count() == before

    report = load(file(HEAD, line(1), line(2, name="改了名字", materials="新表")))
    assert (report.changed, report.unchanged) == (1, 1)
    item = ServiceItem.objects.select_related("published").get(task_code=task_code(80002))
    assert (item.name, item.published.number) == ("改了名字", 2)
    assert [row.name for row in item.published.materials.all()] == ["新表"]
    assert item.versions.get(number=1).state == "replaced"
    assert queries.search("改了名字", region=REGION)[0] == item


def test_columns_are_named_by_hand_in_any_language(region, file):
    path = file("Ref;Title;Owner;Notes", "A-1;Report a pothole;Roads;urgent", "A-2;Bins;Waste;", name="list.csv")
    report = load(path, mapping={"Ref": "task_code", "Title": "事项名称", "Owner": "dept_name"}, source="council")
    item = ServiceItem.objects.select_related("published", "department").get(task_code="A-1")
    assert report.taken == 2 and (item.department.name, item.source) == ("Roads", "council")
    assert item.published.extended["Notes"] == "urgent"
    load(path, mapping={"Ref": "task_code", "Title": "name", "Owner": "-"}, department="Everybody", source="council")
    item.refresh_from_db()
    assert item.department.name == "Everybody"


@pytest.mark.parametrize(
    "mapping, word",
    [
        ({"没有": "name"}, "没有"),
        ({"事项名称": "nonsense"}, "nonsense"),
        ({"事项名称": "name", "事项类型": "name"}, "两列"),
    ],
)
def test_a_mapping_that_names_nothing_is_refused_with_what_there_is(region, file, mapping, word):
    with pytest.raises(DomainError, match=word):
        load(file(HEAD, line(1)), mapping=mapping)
    with pytest.raises(importers.Unreadable, match="事项名称"):
        load(file("甲,乙", "1,2"))


@pytest.mark.parametrize(
    "cells, field",
    [
        ({"name": ""}, "事项名称"),
        ({"name": "长" * 301}, "事项名称"),
        ({"type": "行政什么"}, "事项类型"),
        ({"promised": "很快"}, "承诺办结时限"),
        ({"promised": "99999天"}, "承诺办结时限"),
        ({"promised": "21个工作日"}, "承诺办结时限"),
        ({"fee": "也许"}, "是否收费"),
        ({"fee": "是"}, "收费依据"),
        ({"materials": "表；" + "长" * 501}, "申请材料"),
        ({"dept": "长" * 121}, "实施主体"),
        ({"code": task_code(80001)}, "实施编码"),
    ],
)
def test_one_bad_cell_keeps_everything_out_and_is_named_with_row_column_value_and_reason(region, file, cells, field):
    path = file(HEAD, line(1), line(2), line(3, **cells))
    report = load(path)
    assert (report.refused, report.written) == (1, False)
    assert wrong(report) == [(4, field)]
    assert report.left_out[0].reason and not ServiceItem.objects.exists() and not Department.objects.exists()

    skipped = load(path, skip_bad=True)
    assert (skipped.taken, skipped.refused, skipped.written) == (2, 1, True)
    assert ServiceItem.objects.count() == 2


def test_every_bad_cell_of_a_row_is_named(region, file):
    report = load(file(HEAD, line(1, type="?", promised="?", fee="?")))
    assert {field for _row, field in wrong(report)} == {"事项类型", "承诺办结时限", "是否收费"} and report.refused == 1


def test_long_numbers_in_a_cell_are_masked_in_the_report(region, file):
    report = load(file(HEAD, line(1, promised="找王某 13800000000")))
    assert "13800000000" not in report.left_out[0].value and "王某" in report.left_out[0].value


def test_a_preview_writes_nothing_and_says_what_would_be(region, file):
    report = load(file(HEAD, line(1)), preview=True)
    assert (report.taken, report.written) == (1, False)
    assert [(one.row, one.code, one.what) for one in report.listed] == [(2, task_code(80001), "new")]
    assert not ServiceItem.objects.exists() and not Event.objects.filter(kind="catalog.imported").exists()


def test_rows_beside_each_other_with_one_code_are_one_item(region, file):
    report = load(
        file("code,name,设定依据,材料名称", "a,甲,第一条,表", "a,甲,第二条,证", "b,乙,,", "a,丙,,"), skip_bad=True
    )
    item = ServiceItem.objects.select_related("published").get(task_code="a")
    assert item.published.legal_basis == "第一条\n第二条"
    assert [row.name for row in item.published.materials.all()] == ["表", "证"]
    assert report.merged == 1 and wrong(report) == [(5, "code")]


@pytest.mark.parametrize("code", ["http://example.org/terms/aanvraag", "带汉字", "A" * 60, "a b"])
def test_a_code_that_fits_no_column_is_kept_as_the_sources_own(region, file, code):
    load(file("code,name", f"{code},甲"))
    item = ServiceItem.objects.select_related("published").get()
    assert item.published.extended["source_code"] == code
    assert item.local_task_code == (code if len(code) <= 50 else "") and len(item.task_code) <= 36
    assert load(file("code,name", f"{code},甲")).unchanged == 1


def test_drafts_go_through_the_editors_own_checks(region, file):
    make_department(region, name="演示局")
    path = file(HEAD, line(1), line(2, code="ZZ"), line(3, dept="没有的局"), line(4, type=""))
    report = load(path, mode=Mode.DRAFT)
    assert [row for row, _field in wrong(report)] == [3, 4, 5] and not ServiceItem.objects.exists()
    report = load(path, mode=Mode.DRAFT, skip_bad=True)
    version = ItemVersion.objects.get()
    assert (report.taken, version.state, version.item.source) == (1, "draft", "")
    assert version.promised_limit == 5 and version.materials.count() == 2
    assert load(path, mode=Mode.DRAFT, skip_bad=True).unchanged == 1


def test_what_the_file_has_no_column_for_is_named_as_we_name_it_and_all_of_it(region, file):
    make_department(region, name="演示局")
    report = load(file("实施编码,事项名称", f"{task_code(80001)},甲许可"), mode=Mode.DRAFT)
    assert wrong(report) == [(2, "实施主体"), (2, "事项类型")]
    assert report.refused == 1 and not ServiceItem.objects.exists()


def test_what_is_ours_is_never_overwritten_a_change_becomes_a_draft(region, file):
    department = make_department(region, name="演示局")
    item = make_item(department=department, name="本地事项")
    before = item.published
    head = "实施编码,事项名称,办理地点"
    report = load(file(head, f"{item.task_code},本地事项,新地址 1 号"))
    item.refresh_from_db()
    assert (report.drafted, report.changed) == (1, 0) and item.published == before
    assert item.versions.get(state="draft").place == "新地址 1 号"
    report = load(file(head, f"{item.task_code},本地事项,别的地方"))
    assert report.refused == 1 and "草稿" in report.left_out[0].reason
    assert load(file("实施编码,事项名称,实施主体", f"{item.task_code},本地事项,别的局")).refused == 1


def test_only_those_who_may_import_do_and_only_publishers_publish_at_once(region, file):
    path = file(HEAD, line(1))
    department = make_department(region, name="演示局")
    clerk = make_staff(Role.CLERK, department=department)
    editor = make_staff(Role.EDITOR, department=department, for_region=True)
    for by, mode in ((clerk, Mode.DRAFT), (clerk, Mode.SOURCE), (editor, Mode.SOURCE)):
        with pytest.raises(NotAllowed):
            load(path, by=by, mode=mode)
    with pytest.raises(DomainError):
        load(
            path, by=make_staff(Role.EDITOR, Role.PUBLISHER, department=department, for_region=True), mode=Mode.PUBLISH
        )
    assert not ServiceItem.objects.exists()
    assert load(path, by=editor, mode=Mode.DRAFT).taken == 1
    assert "catalog.draft_saved" in set(Event.objects.filter(actor=editor.ledger_ref).values_list("kind", flat=True))


def test_publish_publishes_what_passes_and_leaves_the_rest_as_drafts(region, file):
    item = make_item(department=make_department(region, name="演示局"), name="样板")
    row = dict(zip(exports.headings(), list(exports.table(REGION))[1], strict=True))
    lines = [list(row.values()), list((row | {"受理条件": ""}).values())]
    path = file("x", name="new.xlsx")
    for n, cells in enumerate(lines):
        cells[list(row).index("实施编码")] = task_code(81000 + n)
        cells[list(row).index("事项名称")] = f"新事项{n}"
        cells[list(row).index("基本编码")] = ""
    with path.open("wb") as out:
        sheet.write_xlsx(out, [("事项", [list(row), *lines])])
    report = load(path, mode=Mode.PUBLISH)
    assert report.refused == 0, report.left_out
    assert report.taken == 2 and ServiceItem.objects.filter(name="新事项1", published=None).exists()
    assert len(report.notes) == 2 - report.published and item.pk


@pytest.mark.parametrize("form", ["xlsx", "csv", "jsonl"])
def test_what_is_exported_and_imported_again_changes_nothing(region, file, tmp_path, form):
    department = make_department(region, name="演示局")
    make_item(department=department, name="=cmd|' /C calc'!A0", quantity_limit="无", place="第一行\n第二行")
    make_item(department=department, immediate=True, everyday_names=["俗名一", "俗名二"], has_fee=False)
    fee = actions.FeeDraft("工本费", "每本 5 元", "《条例》第一条")
    draft = make_item(department=department, name="收费的").published
    draft = actions.save_draft(
        draft.item, {"effective_on": NOW.date()}, fees=[fee], faqs=[actions.FaqDraft("要多久？", "五天；\n不用多。")],
        by=SYSTEM, at=NOW,
    )  # fmt: skip
    actions.publish(draft, by=SYSTEM, at=NOW)
    load(file(HEAD, line(1), line(2, fee="", materials="")))
    path = tmp_path / f"out.{form}"
    if form == "xlsx":
        with path.open("wb") as out:
            sheet.write_xlsx(out, [("事项", exports.table(REGION))])
    else:
        parts = sheet.write_csv(exports.table(REGION)) if form == "csv" else exports.json_lines(REGION)
        path.write_text("".join(parts), encoding="utf-8", newline="")
    before = Event.objects.count()
    for mode in (Mode.SOURCE, Mode.DRAFT):
        report = load(path, mode=mode)
        assert (report.unchanged, report.left_out, report.drafted, report.changed) == (5, [], 0, 0)
    assert Event.objects.count() == before


@pytest.mark.parametrize(
    "word, key",
    [("事项名称", "name"), ("up_dept", None), ("dept_name", "department"), ("承诺时限（工作日）", "promised_limit")],
)
def test_headings_are_known_by_our_words_official_words_and_national_names(word, key):
    column = columns.column_named(word)
    assert (column.key if column else None) == key


VALUES = {
    "text": st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), max_size=20).filter(
        lambda t: t.lower() not in columns.NOTHING
    ),
    "bool": st.booleans(),
    "number": st.integers(0, 32767),
    "date": st.dates(NOW.date().replace(year=1950), NOW.date().replace(year=2100)),
}


@given(st.data())
def test_what_a_cell_is_written_as_is_what_it_is_read_as(data):
    column = data.draw(st.sampled_from([each for each in columns.columns().values() if each.kind in VALUES]))
    value = data.draw(VALUES[column.kind])
    if column.kind == "text" and column.most:
        value = value[: column.most]
    assert columns.read(column, columns.write(column, value)) == (value if value != "" else None)


@given(
    cell=st.one_of(
        st.none(),
        st.text(max_size=30),
        st.integers(),
        st.lists(st.text(max_size=5)),
        st.dictionaries(st.text(), st.text()),
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_cell_is_read_or_refused_with_a_reason(cell):
    for column in columns.columns().values():
        try:
            columns.read(column, cell)
        except columns.Wrong as wrong:
            assert str(wrong)


def test_a_material_line_in_braces_says_more_than_its_name(region, file, tmp_path):
    path = tmp_path / "list.jsonl"
    material = {"name": "身份证", "kind": "both", "necessity": "gap_allowed"}
    rows = [
        {"task_code": "a", "name": "甲", "materials": ["表", material]},
        {"task_code": "b", "name": "乙", "materials": [{"name": "表", "necessity": "also"}]},
    ]
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    report = load(path, skip_bad=True)
    assert wrong(report) == [(2, "materials")]
    assert list(ItemMaterial.objects.values_list("name", "kind", "necessity")) == [
        ("表", "original", "required"),
        ("身份证", "both", "gap_allowed"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, mapping, wanted",
    [
        (
            "nl_upl/UPL-actueel.csv",
            {"UniformeProductnaam": "name", "URI": "task_code", "Grondslaglabel": "legal_basis"},
            (1121, 1017, 104),
        ),
        (
            "uk_lgsl/local_services.csv",
            {"LGSL": "task_code", "Description": "name", "Providing Tier": "exercise_level"},
            (264, 264, 0),
        ),
    ],
)
def test_the_dutch_and_the_english_list_load(region, name, mapping, wanted):
    report = load(shared(f"data/catalogue/{name}"), mapping=mapping)
    assert (report.rows, report.taken, report.merged) == wanted and not report.left_out
    assert ServiceItem.objects.filter(published__isnull=False).count() == wanted[1]
    again = load(shared(f"data/catalogue/{name}"), mapping=mapping)
    assert again.unchanged == wanted[1]


@pytest.mark.slow
def test_the_guides_of_guangdong_come_back_as_they_went_out(tmp_path):
    importers.import_guangdong(shared("data/catalogue/guangdong_province.jsonl.gz"), by=SYSTEM, at=NOW)
    path = tmp_path / "out.xlsx"
    with path.open("wb") as out:
        sheet.write_xlsx(out, [("事项", exports.table("440000"))])
    report = load(path)
    assert (report.unchanged, report.refused, report.drafted) == (2024, 0, 0)
