from datetime import date
from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from yimen.catalog import queries
from yimen.catalog.actions import MaterialDraft
from yimen.catalog.models import LocalRule
from yimen.catalog.tests.factories import make_department, make_draft, make_item, make_region, make_step
from yimen.lib.workdays import Limit, Unit

pytestmark = pytest.mark.django_db


def statements(function):
    with CaptureQueriesContext(
        connection,
    ) as captured:
        function()
    return len(captured)


def load(item, key):
    found = queries.published_item(item.region_id, key)
    return (
        [m.name for m in found.published.materials.all()],
        [(s.name, s.department) for s in found.published.steps.all()],
        (found.department.name, found.region.name),
    )


def test_a_guide_takes_as_many_statements_for_twenty_materials_as_for_one():
    department = make_department()
    small = make_item(materials=[MaterialDraft("申请表", legal_basis="《演示条例》")], steps=[make_step()])
    reviews = [make_step(f"s{n}", kind="review", department=department) for n in range(19)]
    steps = [*reviews, make_step(after=tuple(step.key for step in reviews))]
    large = make_item(
        materials=[MaterialDraft(f"材料 {n}", legal_basis="《演示条例》") for n in range(20)], steps=steps
    )

    assert statements(lambda: load(small, small.task_code)) == statements(lambda: load(large, large.task_code)) == 3
    assert len(load(large, large.pk)[0]) == len(load(large, str(large.pk))[1]) == 20


def test_drafts_and_foreign_items_look_like_missing_ones():
    draft, item = make_draft(), make_item()
    elsewhere = make_region("500001", "别处")
    assert queries.published_item(draft.item.region, draft.item.task_code) is None
    assert queries.published_item(elsewhere, item.task_code) is None
    assert queries.published_item(item.region, "no-such-code") is None


def test_departments_and_themes_are_counted():
    small, large = make_department(name="小局"), make_department(name="大局")
    make_item(department=small, themes=("创业",))
    for _number in range(2):
        make_item(department=large, themes=("创业", "纳税"))
    make_draft(department=small)

    region = small.region
    assert [(row.name, row.item_count) for row in queries.items_by_department(region)] == [("大局", 2), ("小局", 1)]
    assert [(row.name, row.count) for row in queries.themes(region)] == [("创业", 3), ("纳税", 2)]


@pytest.fixture
def items():
    names = {
        "食品经营许可": ("开饭馆", "开小吃店"),
        "食品生产许可": (),
        "律师执业许可": (),
        "律师执业证注销": ("注销律师证",),
        "机动车驾驶证补领": ("驾照丢了",),
        "ETC 电子标签办理": (),
        "养犬登记": (),
    }
    return [make_item(name=name, everyday_names=words) for name, words in names.items()]


@pytest.mark.parametrize(
    "text, first",
    [
        ("食品经营许可", "食品经营许可"),
        ("开饭馆", "食品经营许可"),
        ("驾照", "机动车驾驶证补领"),
        ("怎么办理律师证注销", "律师执业证注销"),
        ("ＥＴＣ", "ETC 电子标签办理"),
        ("养犬", "养犬登记"),
        ("犬", "养犬登记"),
        ("律师 执业，许可", "律师执业许可"),
    ],
)
def test_search_puts_the_nearest_first(items, text, first):
    found = queries.search(text, region=items[0].region)
    assert found[0].name == first
    assert 0 < found[0].score <= 1


@pytest.mark.parametrize("text", ["", "  ，。", "量子纠缠", "zzz", "' OR 1=1 --", "%", "_", "\x00", "🙂"])
def test_nothing_near_is_an_empty_answer(items, text):
    assert queries.search(text, region=items[0].region) == []


def test_search_stays_in_its_region_and_pages_through_all(items):
    elsewhere = make_region("500001", "别处")
    assert queries.search("许可", region=elsewhere) == []
    whole = queries.search("许可", region=items[0].region)
    assert whole.total == len(whole) == 7  # all results are a 演示许可证
    assert all("许可" in item.name for item in whole[:3])
    pages = [queries.search("许可", limit=2, offset=n, region=items[0].region) for n in (0, 2, 4, 6, 8)]
    assert [item.name for page in pages for item in page] == [item.name for item in whole]
    assert all(a.score >= b.score - 0.05 for a, b in pairwise(whole))


def test_search_takes_the_same_statements_whatever_it_finds(items):
    def read(text):
        return [(item.department.name, item.published.promised_limit) for item in queries.search(text)]

    assert statements(lambda: read("养犬")) == statements(lambda: read("许可")) <= 7


def test_the_editors_list_finds_by_name_code_department_and_state():
    item, draft = make_item(name="演示甲"), make_draft(name="演示乙")
    region = item.region

    def names(**wanted):
        return {row.name for row in queries.editable_items(region, **wanted)}

    assert names() >= {"演示甲", "演示乙"}
    assert names(text="甲") == {"演示甲"}
    assert names(text=draft.item.task_code[:31]) == {"演示乙"}
    assert names(department=item.department_id) == {"演示甲"}
    assert "演示甲" in names(state="published") and "演示乙" in names(state="draft") and "演示乙" in names(state="none")


@pytest.mark.parametrize(
    ("fields", "promise"),
    [
        ({"promised_limit": 2, "promised_unit": "month"}, Limit(2, Unit.MONTH)),
        ({"promised_limit": 0}, Limit(0)),
        ({"promised_limit": None, "case_type": "immediate"}, Limit(0)),
        ({"promised_limit": None, "statutory_limit": None}, Limit(3)),
        ({"promised_limit": None, "statutory_limit": 20}, Limit(3)),
        ({"promised_limit": None, "statutory_limit": 2}, Limit(2)),
        ({"promised_limit": None, "statutory_limit": 24, "statutory_unit": "hour"}, Limit(24, Unit.HOUR)),
        ({"promised_limit": None, "statutory_limit": 2, "statutory_unit": "day"}, Limit(2, Unit.DAY)),
        ({"promised_limit": None, "statutory_limit": 1, "statutory_unit": "month"}, Limit(3)),
    ],
)
def test_the_promise_is_the_stated_one_or_the_default_within_the_law(fields, promise):
    """CASE-2, CASE-3, LAW-26"""
    version = make_item().published
    for name, value in fields.items():
        setattr(version, name, value)
    assert queries.promise_of(version, date(2026, 11, 18), region=version.item.region_id) == promise


def test_the_default_promise_is_what_the_place_has_set():
    version = make_item(statutory_limit=20).published
    version.promised_limit = None
    LocalRule.objects.create(
        region_id=version.item.region_id, key="promised_default_days", value=5, effective_on=date(2026, 11, 1)
    )
    said = [
        queries.promise_of(version, day, region=version.item.region_id)
        for day in (date(2026, 10, 31), date(2026, 11, 1))
    ]
    assert said == [Limit(3), Limit(5)]
