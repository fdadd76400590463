"""What a citizen finds without logging in, and what nobody else may see."""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from yimen.cases import actions as cases
from yimen.cases.models import Case
from yimen.cases.tests.factories import make_case, make_version
from yimen.catalog import leaflets, search
from yimen.catalog.models import ItemMaterial, ItemVersion
from yimen.hall.tests.factories import make_hall, make_series, make_window, take
from yimen.lib.workdays import Calendar, Limit, Unit
from yimen.people.models import Role
from yimen.people.tests.factories import make_center, make_department, make_staff
from yimen.web.templatetags.yimen import limit_words

pytestmark = pytest.mark.django_db
NOBODY = "01900000-0000-7000-8000-000000000000"


def findable(version: ItemVersion, name: str) -> ItemVersion:
    ItemVersion.objects.filter(pk=version.pk).update(name=name)
    version.name = version.item.name = name
    search.index(version.item, version, version.item.department.name)
    version.item.save(update_fields=["name", *search.INDEXED])
    return version


@pytest.fixture
def center():
    return make_center()


@pytest.fixture
def version(center) -> ItemVersion:
    return findable(make_version(department=make_department(center.region), themes=["准营准办"]), "食品经营许可")


def last_four(case: Case) -> str:
    return case.applicant.masked_phone[-4:]


def ask(client: Client, case: Case, phone_end: str):
    return client.post("/progress", {"number": case.query_no, "last_four": phone_end})


@pytest.fixture
def case(version) -> Case:
    at = timezone.now()
    made = make_case(version=version, at=at)
    clerk = make_staff(Role.CLERK, department=version.item.department, for_region=True)
    return cases.accept(made.pk, by=clerk, at=at)


def test_home_leads_to_search_themes_and_the_hall_now(client: Client, center, version):
    series = make_series(make_hall(center.region, center=center), name="综合窗口")
    make_window(series)
    take(series, at=timezone.now())
    page = client.get("/").content.decode()
    for said in ("您今天来办什么事？", "开店办企业", "大厅此刻", "综合窗口", "1 人", "1 个部门，1 项"):
        assert said in page


@pytest.mark.parametrize("text, found", [("食品经营", True), ("食品许可怎么办", True), ("钓鱼", False)])
def test_search_finds_or_offers_a_person(client: Client, version, text, found):
    page = client.get("/search", {"q": text}).content.decode()
    assert ("食品经营许可" in page) == found
    assert ("也可以直接问人" in page) != found


@pytest.mark.parametrize(
    "query", ["q=%01", "q=" + "%F0" * 40, *(f"q=a&page={n}" for n in ("0", "00", "x", "99999999999"))]
)
def test_search_survives_nonsense(client: Client, version, query):
    assert client.get(f"/search?{query}").status_code == 200


def test_a_page_number_longer_than_any_is_no_fault(client: Client, version):
    assert client.get("/search?q=a&page=" + "9" * 5000).status_code == 200


def test_nothing_found_names_the_nearest(client: Client, version):
    assert "食品经营许可" in client.get("/search", {"q": "飞行钓鱼跳舞唱歌种树食品"}).content.decode()


@pytest.mark.parametrize("address", ["/themes/firm", "/departments"])
def test_browsing_reaches_the_item(client: Client, version, address):
    assert client.get(address).status_code == 200
    assert "食品经营许可" in client.get("/themes/firm").content.decode()
    assert "食品经营许可" not in client.get("/themes/school").content.decode()
    assert "食品经营许可" in client.get(f"/departments/{version.item.department_id}").content.decode()


@pytest.mark.parametrize("address", ["/themes/nothing", "/items/nothing", f"/departments/{NOBODY}"])
def test_what_is_not_there_is_a_kind_404(client: Client, center, address):
    response = client.get(address)
    assert response.status_code == 404 and "没有找到这一页" in response.content.decode()


def test_the_guide_answers_the_four_questions_first(client: Client, version):
    page = client.get(f"/items/{version.item_id}").content.decode()
    places = [
        page.index(question) for question in ("要带什么材料", "走哪些程序", "什么时候办好", "收不收费", "更细的规定")
    ]
    assert places == sorted(places)
    for said in ("2 样", "9 个工作日内", "不收费", "这 1 样不用带", "法定 20 个工作日"):
        assert said in page
    assert client.get(f"/items/{version.item.task_code}").status_code == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"promised_days": None},
        {"promised_days": None, "statutory_limit": 2},
        {"promised_days": None, "statutory_limit": 24, "statutory_unit": "hour"},
        {"promised_days": 0},
        {"immediate": True},
        {"promised_days": 2, "promised_unit": "month"},
    ],
)
def test_the_guide_promises_what_the_clock_then_keeps(client: Client, center, fields):
    """CASE-3, LAW-26: one promise for the guide, the window and the clock."""
    version = make_version(department=make_department(center.region), **fields)
    case = make_case(version=version, at=timezone.now())
    clerk = make_staff(Role.CLERK, department=version.item.department, for_region=True)
    case = cases.accept(case.pk, by=clerk, at=timezone.now())
    clock = case.clocks.get(kind="promised")
    page = client.get(f"/items/{version.item_id}").content.decode()
    said = limit_words(Limit(clock.limit, Unit(clock.unit)))
    assert (f"{said}内" in page) if clock.limit else ("当场办好" in page)


@pytest.mark.parametrize(
    ("fields", "said", "unsaid"),
    [
        ({"promised_days": 9}, ["还剩 <b>9</b> 个工作日", "我们承诺得更早"], []),
        ({"promised_days": 20}, ["还剩 <b>20</b> 个工作日"], ["我们承诺得更早"]),
        ({"promised_days": 90, "promised_unit": "day", "statutory_limit": 100}, ["</b> 天"], ["</b> 个工作日"]),
        (
            {"promised_days": 3, "promised_unit": "month", "statutory_limit": 100},
            ["</b> 天"],
            ["</b> 个工作日", "None"],
        ),
        ({"promised_days": 48, "promised_unit": "hour"}, ["还剩 <b>2</b> 天"], ["</b> 个工作日", "None"]),
    ],
)
def test_a_case_says_its_time_in_its_own_unit_and_promises_nothing_else(client: Client, center, fields, said, unsaid):
    # Early in the day, so that 48 hours end in two days.
    now = timezone.localtime().replace(hour=1, minute=0)
    case = make_case(version=make_version(department=make_department(center.region), **fields), at=now)
    clerk = make_staff(Role.CLERK, department=case.department, for_region=True)
    cases.accept(case.pk, by=clerk, at=now)
    ask(client, case, last_four(case))
    page = client.get(f"/cases/{case.query_no}").content.decode()
    assert [text for text in said if text not in page] == []
    assert [text for text in [*unsaid, "有人在催", "会告诉您", "只会一次说清"] if text in page] == []


def test_a_received_case_says_until_when_it_is_answered(client: Client, case):
    Case.objects.filter(pk=case.pk).update(status=Case.Status.RECEIVED, due_on=None, accepted_at=None)
    ask(client, case, last_four(case))
    page = client.get(f"/cases/{case.query_no}").content.decode()
    assert "到时没有答复，就从收到材料那天起算受理" in page


def answers(**fields: object) -> list[str]:
    materials = fields.pop("materials", [])
    version = ItemVersion(**{"case_type": "promised", "promised_limit": 9, "statutory_limit": 20} | fields)
    calendar = Calendar(frozenset(), frozenset(), frozenset({2026}))
    lines = [leaflets.material_line(ItemMaterial(**material), {}) for material in materials]
    four = leaflets.four_answers(
        version, lines, [], promised=version.promised or Limit(0), calendar=calendar, today=date(2026, 11, 18)
    )
    assert all(answer.answer for answer in four)
    return [f"{answer.answer}｜{answer.reason}" for answer in four]


def test_an_answer_is_never_empty_and_never_invented():
    bring, _process, when, cost = answers()
    assert bring.startswith("请先问一声") and cost.startswith("不收费")
    assert when == "9 个工作日内｜今天受理，最晚 12 月 1 日（周二）；法定 20 个工作日"
    assert answers(extended={"no_materials": True})[0].startswith("不用带材料")
    assert answers(extended={"not_stated": ["has_fee"]})[3].startswith("没有列收费")
    assert answers(promised_limit=None, case_type="immediate")[2].startswith("当场办好")
    assert answers(visit_count=0)[1].startswith("一趟不用跑")
    assert answers(promised_limit=40)[2].count("暂定") == 1


@pytest.mark.capability("S1-6")
def test_progress_opens_with_number_and_phone_end(client: Client, case):
    response = ask(client, case, last_four(case))
    assert response.status_code == 302 and response["Location"] == f"/cases/{case.query_no}"
    page = client.get(response["Location"])
    text = page.content.decode()
    assert "正在办理" in text and "这个日子怎么算出来的" in text and "材料收下了" in text
    assert case.accepted_by.name not in text  # people are shown by post
    assert case.applicant.name not in text and "no-store" in page["Cache-Control"]
    document = case.notices.get(kind="receipt")
    paper = client.get(f"/cases/{case.query_no}/documents/{document.pk}")
    assert paper["Content-Type"] == "application/pdf" and paper.content.startswith(b"%PDF")


def test_wrong_phone_and_missing_number_read_the_same(client: Client, case):
    right = last_four(case)
    wrong = ask(client, case, "0000" if right != "0000" else "1111")
    missing = client.post("/progress", {"number": "ZZ-260101-00001", "last_four": right})
    for response in (wrong, missing):
        assert response.status_code == 422 and "没有查到" in response.content.decode()
    strip = lambda response, number: response.content.decode().replace(number, "").split("csrfmiddlewaretoken")[0]  # noqa: E731
    assert strip(wrong, case.query_no) == strip(missing, "ZZ-260101-00001")


def test_guessing_has_an_end(client: Client, case):
    for _time in range(20):
        ask(client, case, "x")  # not even a guess
    for _time in range(20):
        assert client.post("/progress", {"number": "ZZ-260101-00001", "last_four": "1234"}).status_code == 422
    refused = ask(client, case, last_four(case))
    assert refused.status_code == 429 and "试了太多次" in refused.content.decode()


def test_a_case_is_only_seen_where_it_was_opened(client: Client, case, settings):
    address = f"/cases/{case.query_no}"
    document = f"{address}/documents/{case.notices.first().pk}"
    ask(client, case, last_four(case))
    for stranger in (Client(),):
        assert stranger.get(address)["Location"] == "/progress"
        assert stranger.get(document)["Location"] == "/progress"
    assert client.get(address).status_code == 200
    client.post("/progress/leave")
    assert client.get(address).status_code == 302
    assert client.get(document).status_code == 302


def test_an_opened_case_closes_by_itself(client: Client, case, monkeypatch):
    ask(client, case, last_four(case))
    later = timezone.now() + timedelta(minutes=31)
    monkeypatch.setattr("yimen.web.portal.views.timezone.now", lambda: later)
    assert client.get(f"/cases/{case.query_no}").status_code == 302


def test_another_cases_document_is_not_there(client: Client, case, version):
    other = make_case(version=version, at=timezone.now())
    ask(client, case, last_four(case))
    assert client.get(f"/cases/{case.query_no}/documents/{other.notices.first().pk}").status_code == 404


def test_anybody_can_check_a_document_and_learns_no_name(client: Client, case):
    notice = case.notices.get(kind="acceptance")
    code = f"{notice.verify_code[:4]} {notice.verify_code[4:].lower()}"
    page = client.post("/verify", {"code": code}, follow=True).content.decode()
    assert "是真的" in page and notice.number in page and case.applicant.name not in page
    wrong = client.get("/verify/NONE0000NONE")
    assert wrong.status_code == 404 and "没有查到这份文书" in wrong.content.decode()


@pytest.mark.parametrize("address", ["/progress", "/verify", "/queues", "/unresolved", "/departments", "/search"])
def test_every_page_stands_without_data(client: Client, address):
    assert client.get(address).status_code == 200


def test_a_longer_list_costs_no_more_queries(
    client: Client, version, django_assert_num_queries, django_assert_max_num_queries
):
    with django_assert_max_num_queries(6) as first:
        client.get("/themes/firm")
    for n in range(5):
        findable(make_version(department=version.item.department, themes=["准营准办"]), f"许可 {n}")
    with django_assert_num_queries(len(first)):
        client.get("/themes/firm")
