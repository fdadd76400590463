"""Power lists, entry into the hall, delegations and changes of organisation by their pages alone."""

import csv
import io
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from yimen.catalog.actions import powers as actions
from yimen.catalog.actions.powers import PowerDraft
from yimen.catalog.models import Delegation, HallEntry, PowerBatch, PowerList
from yimen.catalog.queries import powers as queries
from yimen.catalog.tests.factories import make_item
from yimen.catalog.tests.power_factories import bulk_items, ensure_delegation
from yimen.ledger.actions import SYSTEM
from yimen.people.models import OrganisationChange, Role, ServicePoint
from yimen.people.tests.factories import (
    NOW,
    in_ledger,
    make_center,
    make_department,
    make_post,
    make_region,
    make_staff,
)
from yimen.web.tests.pages import Page

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
TODAY = NOW.date()


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def client_of(*roles) -> Client:
    client = Client()
    client.force_login(make_staff(*roles, for_region=True).user, backend=BACKEND)
    return client


def power(n: int, **fields) -> PowerDraft:
    return PowerDraft(
        **({"code": f"52010{n:04d}000", "name": f"演示职权 {n}", "power_type": "01", "level": "3"} | fields)
    )


def published(region, powers, on=TODAY) -> PowerList:
    draft = actions.begin_power_list(region, powers=powers, by=SYSTEM, at=NOW)
    return actions.publish_power_list(draft, effective_on=on, by=SYSTEM, at=NOW)


@pytest.fixture
def center():
    return make_center()


@pytest.mark.parametrize("role", [*Role, None])
def test_each_page_opens_for_its_roles_alone(role, center):
    edition = published(center.region, [power(1)])
    item, unit = make_item(), make_department()
    client = client_of(role)
    views = {Role.EDITOR, Role.PUBLISHER, Role.LEADER, Role.HALL_MANAGER, Role.SUPERVISOR}
    pages = {
        "powers": views,
        f"powers/{edition.pk}": views,
        "powers/compare": views,
        "powers/new": {Role.EDITOR},
        "powers/batches/new": {Role.EDITOR},
        f"powers/{edition.pk}/power": {Role.EDITOR},
        f"powers/{edition.pk}/drop": {Role.EDITOR},
        f"powers/{edition.pk}/publish": {Role.PUBLISHER},
        "entry": views,
        "entry/items": views,
        "entry/delegations": views,
        f"entry/items/{item.pk}": views,
        f"entry/items/{item.pk}/enter": {Role.HALL_MANAGER, Role.LEADER, Role.EDITOR},
        f"entry/units/{unit.pk}/move-in": {Role.HALL_MANAGER},
        "organisation": views | {Role.SYSTEM_ADMIN},
        "organisation/new": {Role.SYSTEM_ADMIN},
        "organisation/transfer": {Role.PUBLISHER},
    }
    for address, may in pages.items():
        status = client.get(f"/workbench/{address}").status_code
        assert status == (200 if role in may else 403), address
        if role not in may:
            assert client.post(f"/workbench/{address}", {"_key": "k"}).status_code in {403, 405}, address


def test_what_belongs_elsewhere_is_not_there(center):
    elsewhere = make_region("440000", "别处")
    edition = published(elsewhere, [power(1)])
    lines = [actions.BatchLine(power(1).code, "cancel")]
    batch = actions.record_batch(elsewhere, number=1, on=TODAY, document_no="1号", lines=lines, by=SYSTEM, at=NOW)
    department = make_department(elsewhere)
    client = client_of(Role.EDITOR, Role.PUBLISHER, Role.HALL_MANAGER)
    for address in (
        f"powers/{edition.pk}",
        f"powers/{edition.pk}/power",
        f"powers/batches/{batch.pk}",
        f"entry/units/{department.pk}/move-in",
    ):
        assert client.get(f"/workbench/{address}").status_code == 404, address
    assert client.post(f"/workbench/powers/batches/{batch.pk}/apply", {"_key": "k"}).status_code == 404


def test_an_editor_brings_an_edition_in_and_a_publisher_publishes_it(center):
    make_department(name="演示局")
    editor = client_of(Role.EDITOR)
    page = Page.open(editor, "/workbench/powers")
    assert "还没有权力清单" in page.text
    page = page.follow("开始下一版")
    address, data = page.filled("存成草稿", name="演示县权力清单")
    wrong = "编码,职权名称,类型,部门\n1,甲,行政魔法,无名局\n"
    answer = editor.post(address, data | {"file": SimpleUploadedFile("list.csv", wrong.encode())})
    assert answer.status_code == 422 and "第 2 行，类型“行政魔法”" in answer.content.decode()
    assert not PowerList.objects.exists()

    right = "编码,职权名称,类型,部门\n" + "".join(f"52010{n:04d}000,演示职权 {n},行政许可,演示局\n" for n in range(40))
    address, data = Page.open(editor, "/workbench/powers/new").filled("存成草稿", name="演示县权力清单")
    answer = editor.post(address, data | {"file": SimpleUploadedFile("list.csv", right.encode())}, follow=True)
    page = Page(editor, answer)
    assert "第 1 版的草稿存好了" in page.text and "第 1 版，40 项" in page.text and "第 1 页，共 2 页" in page.text
    draft = PowerList.objects.get()
    page = Page.open(editor, f"/workbench/powers/{draft.pk}/power?code=520100003000")
    page = page.press("存进草稿", name="改了的职权", legal_basis="《演示法》第一条")
    assert draft.entries.filter(name="改了的职权", legal_basis="《演示法》第一条").exists()
    page = Page.open(editor, f"/workbench/powers/{draft.pk}/drop?code=520100004000").press("删掉", reason="录重了的")
    assert draft.entries.count() == 39 and not in_ledger("录重了的")
    assert "去掉了 1 项" in page.text and "演示职权 4" in page.text and "录重了的" in page.text
    assert (
        not page.has_button("发布") and "改了的职权" in Page.open(editor, f"/workbench/powers/{draft.pk}?q=改了").text
    )

    publisher = client_of(Role.PUBLISHER)
    page = Page.open(publisher, f"/workbench/powers/{draft.pk}").follow("核对发布")
    page = page.press("发布", effective_on=TODAY.isoformat())
    assert "第 1 版发布了" in page.text
    draft.refresh_from_db()
    assert draft.published_at == NOW
    assert "现行" in Page.open(publisher, "/workbench/powers").text


def test_who_wrote_an_edition_is_told_that_another_publishes_it(center):
    client = client_of(Role.EDITOR, Role.PUBLISHER)
    Page.open(client, "/workbench/powers/new").press("存成草稿", name="演示")
    draft = PowerList.objects.get()
    Page.open(client, f"/workbench/powers/{draft.pk}/power").press("存进草稿", code="1", name="甲")
    assert "请另一位发布人来发布" in Page.open(client, f"/workbench/powers/{draft.pk}").text
    page = Page.open(client, f"/workbench/powers/{draft.pk}/publish").press("发布")
    assert page.status == 409 and "请另一位发布人" in page.text


def test_a_batch_is_typed_and_applied_and_the_public_sees_what_went(center):
    published(center.region, [power(n) for n in range(30)])
    editor = client_of(Role.EDITOR)
    page = Page.open(editor, "/workbench/powers").follow("录入一批")
    page = page.press("存好这一批", document_no="演府发〔2014〕1号", lines="520100001000 卖掉")
    assert page.status == 422 and "第 1 行要写成" in page.text
    lines = "520100001000，取消\n520100002000 下放 各乡镇政府\n"
    page = page.press("存好这一批", document_no="演府发〔2014〕1号", lines=lines, number=3)
    assert "第 3 批录好了" in page.text and "各乡镇政府" in page.text
    page = page.press("并入下一版清单")
    assert "第 3 批并入了第 2 版草稿" in page.text and "第 2 版，28 项" in page.text
    assert PowerBatch.objects.get().applied_to.entries.count() == 28

    draft = PowerList.objects.get(published_at=None)
    actions.publish_power_list(draft, effective_on=TODAY, by=SYSTEM, at=NOW)
    public = Page.open(Client(), "/powers/changes")
    assert "第 3 批已取消" in public.text and "下放给各乡镇政府" in public.text and "6.7" in public.text
    assert "演示职权 5" in Page.open(Client(), "/powers?q=职权 5").text
    assert "演示职权 1 " not in Page.open(Client(), "/powers").text


@pytest.mark.capability("S2-25", "S2-27")
def test_the_page_compares_two_editions_by_level_and_lists_what_went(center, django_assert_max_num_queries):
    organs = [make_department(name=name) for name in ("甲局", "乙局")]
    before = [power(n, level="3" if n % 2 else "4", department=organs[n % 2]) for n in range(93)]
    published(center.region, before)
    published(center.region, before[:35])
    client = client_of(Role.LEADER)
    with django_assert_max_num_queries(25):
        page = Page.open(client, "/workbench/powers/compare?before=1&after=2")
    assert "62.4" in page.text and "93 项到 35 项" in page.text
    assert "市级" in page.text and "县级" in page.text and "甲局" in page.text
    assert "演示职权 92" not in page.text and "第 1 页，共 2 页" in page.text
    assert "演示职权 92" in Page.open(client, "/workbench/powers/compare?before=1&after=2&page=2").text
    sheet = client.get("/workbench/powers/compare?before=1&after=2&format=csv").content.decode("utf-8-sig")
    assert len(list(csv.reader(io.StringIO(sheet)))) == 1 + 58
    assert "没有这样的职权" in Page.open(client, "/workbench/powers/compare?show=added&before=1&after=2").text


@pytest.mark.parametrize("address", ["/powers", "/powers/changes"])
def test_without_a_list_the_public_page_says_so(center, address):
    assert "还没有" in Page.open(Client(), address).text


@pytest.mark.parametrize(
    "query", ["?page=x", "?department=nonsense", "?before=9&after=x", "?show=no", "?state=no", "?level=9"]
)
def test_nonsense_in_an_address_is_as_good_as_nothing(center, query):
    published(center.region, [power(1)])
    published(center.region, [power(1)])
    client = client_of(Role.EDITOR)
    for address in ("/powers", "/powers/changes", "/workbench/powers/compare", "/workbench/entry/items"):
        assert client.get(address + query).status_code == 200
    assert client.get("/workbench/entry/delegations" + query).status_code == 200


# Entry


@pytest.mark.capability("S1-37", "S0-13", "S1-36")
def test_the_page_of_entry_shows_72_84_percent_and_the_63_others(center):
    for _n in range(6):
        make_center(parent=center)
    first, second = make_department(name="甲局"), make_department(name="乙局", is_resident=False)
    items = [
        *bulk_items(make_item(department=first), 132),
        *bulk_items(make_item(department=second), 100),
    ]
    HallEntry.objects.bulk_create(HallEntry(item=item, center=center, entered_on=TODAY) for item in items[:169])
    client = client_of(Role.SUPERVISOR)
    page = Page.open(client, "/workbench/entry")
    assert "72.84" in page.text and "232 项里有 169 项在大厅" in page.text and "分中心 6 家" in page.text
    assert "2026 年 11 月" in page.text and "2025 年 12 月" in page.text
    one = Page.open(client, f"/workbench/entry?department={second.pk}")
    assert "100 项里有 37 项在大厅" in one.text and "37.00 %" in one.text and "甲局" not in one.text.split("各单位")[1]
    listed = Page.open(client, "/workbench/entry/items?show=others")
    assert "不在大厅办的，63 项" in listed.text and "第 1 页，共 3 页" in listed.text
    sheet = client.get("/workbench/entry/items?show=others&format=csv").content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(sheet)))
    assert len(rows) == 64 and {row[2] for row in rows[1:]} == {"乙局"}


@pytest.mark.capability("S0-12")
def test_the_audit_is_mended_page_by_page(center):
    make_post(make_department(name="演示局"))
    item = make_item(name="演示许可")
    make_post(item.department, "综合受理岗")
    manager, leader = client_of(Role.HALL_MANAGER), client_of(Role.LEADER)

    def reason() -> str:
        page = Page.open(manager, "/workbench/entry/items?show=faults")
        said = [word for word in ("应进不进", "两头受理", "进不授权", "权不到位") if f"{word} 1" in page.text]
        return said[0] if "进驻有问题的，1 项" in page.text else ""

    assert reason() == "应进不进"
    page = Page.open(manager, f"/workbench/entry/items/{item.pk}").follow("进驻")
    page = Page.open(manager, f"/workbench/entry/items/{item.pk}/enter").press("从这天起进驻", elsewhere="局里二楼")
    assert "进驻记好了" in page.text and reason() == "两头受理"
    page.follow("第二个窗口").press("这样改", elsewhere="")
    assert reason() == "进不授权"
    values = {"letter_no": "演授〔2026〕1号", "signed_by": "钱局长（演示）"}
    page = Page.open(leader, f"/workbench/entry/items/{item.pk}").follow("录入一份授权书")
    page = page.press("存好这份授权", acts=["receive", "accept"], **values)
    assert "授权录好了" in page.text and reason() == "权不到位" and "授权书里没有决定" in page.text
    page = page.follow("录入一份授权书")
    page = page.press("存好这份授权", acts=["decide"], **(values | {"letter_no": "演授〔2026〕2号"}))
    assert reason() == "" and "进驻到位" in page.text
    page = page.follow("撤销").press("从这天起撤销", reason="签发人钱局长调走")
    assert "授权撤销了" in page.text and reason() == "权不到位"
    assert (
        Page.open(manager, f"/workbench/entry/items/{item.pk}")
        .follow("撤出")
        .press("从这天起撤出", reason="停办了的")
        .status
        == 200
    )
    assert HallEntry.objects.get().left_on == TODAY
    page = Page.open(manager, f"/workbench/entry/items/{item.pk}")
    assert "签发人钱局长调走" in page.text and "停办了的" in page.text
    Page.open(manager, f"/workbench/entry/items/{item.pk}/should-enter").press(
        "这样改", should_enter=[], reason="涉密事项"
    )
    assert reason() == ""
    assert "涉密事项" in Page.open(manager, f"/workbench/entry/items/{item.pk}").text
    assert not any(map(in_ledger, ("钱局长调走", "停办了的", "涉密事项")))


@pytest.mark.capability("S0-11")
def test_an_item_whose_window_may_not_decide_is_flagged(center):
    item = make_item(immediate=True, name="演示即办")
    client = client_of(Role.LEADER)
    assert "不能写可当场办理" in Page.open(client, f"/workbench/entry/items/{item.pk}").text
    ensure_delegation(item, until_on=TODAY + timedelta(days=5))
    assert "不能写可当场办理" not in Page.open(client, f"/workbench/entry/items/{item.pk}").text
    page = Page.open(client, "/workbench/entry/delegations?state=ending")
    assert "演示即办" in page.text and "快到期" in page.text
    assert "没有授权书" in Page.open(client, "/workbench/entry/delegations?state=revoked").text


@pytest.mark.capability("S4-35")
def test_a_leader_delegates_an_item_to_a_service_point(center):
    item = make_item()
    point = ServicePoint.objects.create(region=item.region, kind="village", code="v1", name="演示村服务点")
    page = Page.open(client_of(Role.LEADER), f"/workbench/entry/items/{item.pk}/delegate")
    page = page.press(
        "存好这份授权",
        post="",
        point=point.pk,
        acts=["receive"],
        letter_no="1号",
        signed_by="钱局长",
        until_on="2027-01-01",
    )
    lent = Delegation.objects.get()
    assert (lent.point, lent.post, lent.acts) == (point, None, ["receive"]) and "演示村服务点" in page.text
    assert list(queries.delegated_to_point(point, TODAY)) == [lent]


@pytest.mark.capability("S1-35")
def test_a_unit_moves_in_by_its_page_when_all_is_delegated(center):
    unit = make_department(name="演示民政局", is_resident=False)
    item = make_item(department=unit, name="婚姻登记")
    client = client_of(Role.HALL_MANAGER)
    page = Page.open(client, "/workbench/entry").follow("整体进驻")
    page = page.press("整体进驻")
    assert page.status == 409 and "婚姻登记" in page.text
    ensure_delegation(item)
    page = page.press("整体进驻", _key="another-key")
    assert "演示民政局进驻了" in page.text
    unit.refresh_from_db()
    assert unit.is_resident and HallEntry.objects.get().item == item


@pytest.mark.capability("S1-53")
def test_the_list_of_items_not_finished_in_the_hall(center):
    health = make_department(name="演示卫健局")
    done, open_ = make_item(department=health, name="甲证"), make_item(department=health, name="乙证")
    actions.enter_hall(done, center, on=TODAY, by=SYSTEM, at=NOW)
    ensure_delegation(done)
    page = Page.open(client_of(Role.LEADER), f"/workbench/entry/items?show=unfinished&department={health.pk}")
    assert "大厅里办不结的，1 项" in page.text and "乙证" in page.text and "甲证" not in page.text
    assert open_.published.finishes_in_hall


# Organisation


@pytest.mark.capability("S1-34")
def test_the_history_shows_46_sections_merged_to_20(center):
    client = client_of(Role.SYSTEM_ADMIN)
    page = Page.open(client, "/workbench/organisation").follow("录入一次调整")
    before = "\n".join(f"科室 {n}" for n in range(46))
    page = page.press("存好这次调整", name="审批职能集中", before=before, after="审批科\n审批科")
    assert page.status == 409 and "写了两次" in page.text
    after = "\n".join(f"审批科 {n}" for n in range(20))
    page = page.press("存好这次调整", after=after, _key="another-key")
    assert "审批职能集中录好了" in page.text and "56.5 %" in page.text
    change = OrganisationChange.objects.get()
    assert (len(change.before), len(change.after)) == (46, 20)


@pytest.mark.capability("S4-34")
def test_a_publisher_hands_items_to_a_bureau_and_the_page_names_where_they_came_from(center):
    source = make_department(name="演示住建局")
    make_department(name="演示行政审批服务局", is_bureau=True)
    item, kept = make_item(department=source, name="燃气许可"), make_item(department=source, name="留下的")
    client = client_of(Role.PUBLISHER)
    page = Page.open(client, f"/workbench/organisation/transfer?source={source.pk}")
    page = page.press("划转", items=[item.pk], document_no="演编发〔2018〕3号")
    assert "1 项划给了演示行政审批服务局" in page.text and "燃气许可" in page.text and "演示住建局" in page.text
    item.refresh_from_db()
    kept.refresh_from_db()
    assert item.department.is_bureau and kept.department == source


def test_lists_ask_the_same_number_of_questions(center):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = client_of(Role.EDITOR)
    addresses = (
        "/workbench/powers",
        "/workbench/entry",
        "/workbench/entry/items",
        "/workbench/entry/delegations",
        "/powers",
    )

    def asked() -> list[int]:
        counts = []
        for address in addresses:
            with CaptureQueriesContext(
                connection,
            ) as found:
                assert client.get(address).status_code == 200
            counts.append(len(found))
        return counts

    published(center.region, [power(1)])
    first = make_item()
    ensure_delegation(first)
    actions.enter_hall(first, center, on=TODAY, by=SYSTEM, at=NOW)
    asked()
    one = asked()
    for n in range(6):
        item = make_item()
        ensure_delegation(item)
        actions.enter_hall(item, center, on=TODAY, by=SYSTEM, at=NOW)
        published(center.region, [power(1), power(n + 2)])
    assert asked() == one
