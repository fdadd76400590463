"""The catalogue for others: CPSV-AP 3.2 that meets its shapes, and the national upload tables with what is missing."""

import csv
import io
import json
import zipfile

import pytest

from yimen.catalog import actions, exports, importers
from yimen.catalog.tests.factories import NOW, make_department, make_item
from yimen.exchange import cpsv, upspec
from yimen.ledger.actions import SYSTEM
from yimen.lib.workdays import Limit, Unit
from yimen.testing import shared

pytestmark = pytest.mark.django_db
BASE = "https://centre.example"
SHAPES = "data/catalogue/eu_cpsv_ap_3.2.0/cpsv-ap-SHACL.ttl"


def document(region, **which):
    return json.loads("".join(cpsv.region_document(region, base=BASE, **which)))


def conforms(data):
    rdflib, pyshacl = pytest.importorskip("rdflib"), pytest.importorskip("pyshacl")
    graph = rdflib.Graph().parse(data=json.dumps(data), format="json-ld")
    shapes = rdflib.Graph().parse(shared(SHAPES))
    conforms, _graph, text = pyshacl.validate(graph, shacl_graph=shapes)
    return conforms, text, graph


@pytest.fixture
def item():
    made = make_item(
        department=make_department(name="演示市场监管局"), name="食品经营许可（演示）", everyday_names=["开饭馆"],
        service_objects=["自然人"], themes=["开店办企业"], consult_way="0851-00000000", plain_text="开饭馆先办这个证。",
    )  # fmt: skip
    fees = [actions.FeeDraft("工本费", "每本 5 元", "《条例》第一条")]
    draft = actions.save_draft(made, {"effective_on": NOW.date()}, fees=fees, by=SYSTEM, at=NOW)
    actions.publish(draft, by=SYSTEM, at=NOW)
    made.refresh_from_db()
    return made


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_linked_data_meets_the_shapes_of_cpsv_ap_and_says_it_in_chinese(item):
    data = document(item.region_id)
    good, text, graph = conforms(data)
    assert good, text
    service = next(node for node in data["@graph"] if node["type"] == "PublicService")
    assert service["identifier"] == item.task_code and service["processingTime"] == "P9D"
    kinds = {node["type"] for node in data["@graph"]}
    assert {"Evidence", "Cost", "Channel", "ContactPoint", "Rule", "Output", "PublicOrganisation", "Concept"} <= kinds
    assert all(literal.language == "zh" for literal in graph.objects() if str(literal) == item.name)
    assert [literal for literal in graph.objects() if str(literal) == item.name]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_shapes_do_find_what_is_missing(item):
    data = document(item.region_id)
    for node in data["@graph"]:
        if node["type"] == "PublicService":
            del node["title"], node["hasCompetentAuthority"]
    good, text, _graph = conforms(data)
    assert not good and "title" in text


@pytest.mark.parametrize(
    "limit, words",
    [(Limit(5), "P5D"), (Limit(3, Unit.DAY), "P3D"), (Limit(8, Unit.HOUR), "PT8H"), (Limit(2, Unit.MONTH), "P2M")],
)
def test_a_limit_is_a_duration(limit, words):
    assert cpsv.duration(limit) == words


def test_addresses_are_told_once_and_never_broken_by_a_code(item):
    item.task_code = "a b/ü"
    item.save(update_fields=["task_code"])
    ids = [node["id"] for node in document(item.region_id)["@graph"]]
    assert len(ids) == len(set(ids)) and not any(" " in one or "ü" in one for one in ids)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_all_the_real_guides_of_guangdong_meet_the_shapes():
    importers.import_guangdong(shared("data/catalogue/guangdong_province.jsonl.gz"), by=SYSTEM, at=NOW)
    data = document("440000")
    assert sum(node["type"] == "PublicService" for node in data["@graph"]) == 2024
    good, text, _graph = conforms(data)
    assert good, text[:2000]


# The national upload


def packed(region):
    out = io.BytesIO()
    summary = upspec.write_zip(out, exports.editions(region), NOW.date())
    files = zipfile.ZipFile(out)
    return summary, {
        name: list(csv.reader(io.StringIO(files.read(name).decode("utf-8-sig")))) for name in files.namelist()
    }


def test_the_upload_tables_carry_national_names_and_codes(item):
    summary, tables = packed(item.region_id)
    head, row = tables["up_task_general_basic.csv"]
    said = dict(zip(head, row, strict=True))
    assert said["task_code"] == item.task_code and said["dept_name"] == "演示市场监管局"
    assert (said["anticipate_day"], said["anticipate_type"]) == ("20", "1")
    assert (said["promise_day"], said["promise_type"], said["server_type"]) == ("9", "1", "1")
    assert said["办件类型"] == "2" and said["是否收费"] == "1"
    assert len(tables["up_task_general_material.csv"]) == 4 and len(tables["fees.csv"]) == 2
    head, row = tables["up_task_general_material.csv"][:2]
    assert dict(zip(head, row, strict=True))["is_need"] == "1"
    assert summary.counts["up_task_directory"] == 1
    known = {row[1]: row[4] for row in tables["columns.csv"][1:]}
    assert known["task_code"] == "是" and known["事项名称"] == "否"


def test_what_the_upload_lacks_is_named_row_by_row(item):
    summary, tables = packed(item.region_id)
    lacking = {(one.table, one.column) for one in summary.missing}
    assert ("up_task_general_basic", "权力来源") in lacking and ("up_task_general_basic", "承诺办结时限") not in lacking
    assert len(tables["missing.csv"]) == len(summary.missing) + 1
    item.catalog_code = "1234567890123"[:12]
    item.local_task_code = "x" * 50
    item.save()
    assert not [one for one in packed(item.region_id)[0].missing if "最多" in one.reason]


def test_a_word_without_a_code_is_missing_too(item):
    version = item.published
    type(version).objects.filter(pk=version.pk).update(channels=["托梦办理"])
    missing = [one for one in packed(item.region_id)[0].missing if one.column == "办理形式"]
    assert "托梦办理" in missing[0].reason


def test_the_same_as_json(item):
    out = io.StringIO()
    upspec.write_json(out, exports.editions(item.region_id), NOW.date())
    said = json.loads(out.getvalue())
    assert said["tables"]["up_task_general_basic"][0]["task_code"] == item.task_code
    assert "事项名称" in said["columns_without_national_name"]["up_task_general_basic"]
