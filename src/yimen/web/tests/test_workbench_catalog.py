"""The catalogue editor's pages and the work calendar, each for those they are for."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.html import strip_tags

from yimen.catalog import actions, queries
from yimen.catalog.models import CalendarDay, CalendarYear, ItemVersion
from yimen.catalog.tests.factories import make_draft, make_item, make_step
from yimen.ledger.actions import SYSTEM
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_center, make_department, make_region, make_staff
from yimen.web.workbench.catalog.forms import EditionForm

pytestmark = pytest.mark.django_db
READERS = (Role.LEADER, Role.HALL_MANAGER, Role.SUPERVISOR)
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture
def enter(client):
    def enter(staff):
        client.force_login(staff.user, backend=BACKEND)
        return client

    return enter


@pytest.fixture
def department():
    return make_department()


def url(name, *args):
    return reverse(f"workbench:{name}", args=args)


def posted(response):
    """What the browser would send back from the item's page, every field as it stands."""
    context = response.context
    values = {"seen": context["seen"]}
    lists = [context[name] for name in ("materials", "steps", "fees", "faqs")]
    forms = [context["form"], *(form for one in lists for form in one), *(one.management_form for one in lists)]
    for form in forms:
        for field in form:
            value = field.value()
            if value is True:
                values[field.html_name] = "on"
            elif value is not None and value is not False:
                values[field.html_name] = value
    return values


def seen_by(client, version):
    """What the publish button sends to whoever has the page open."""
    return {"seen": client.get(url("item", version.item_id)).context["seen"]}


@pytest.mark.parametrize("role", [*Role, None])
def test_each_page_opens_for_its_roles_alone(enter, role):
    item, draft = make_item(), make_draft()
    client = enter(make_staff(role))
    editors, keepers = {Role.EDITOR, Role.PUBLISHER}, {Role.SYSTEM_ADMIN}
    reviewers, readers = editors | {Role.APPROVER, Role.LEADER}, editors | set(READERS)
    for address, roles in (
        (url("items"), editors),
        (url("item", item.pk), reviewers),
        (url("item-versions", item.pk), reviewers | readers),
        (url("item-compare", item.pk), reviewers | readers),
        (url("reviews"), reviewers),
        (url("item-ask", draft.item_id), {Role.EDITOR}),
        (url("basics"), readers),
        (url("basic-new"), {Role.EDITOR}),
        (url("shared-documents"), editors),
        (url("shared-document-new"), {Role.EDITOR}),
        (url("dictionaries"), editors | keepers),
        (url("dictionary-term", "level"), keepers),
        (url("item-new"), {Role.EDITOR}),
        (url("calendar"), keepers),
        (url("calendar-year", 2027), keepers),
    ):
        assert client.get(address).status_code == (200 if role in roles else 403), address
    for address, roles in (
        (url("item-publish", item.pk), {Role.PUBLISHER}),
        (url("item-withdraw", item.pk), {Role.PUBLISHER}),
        (url("item-take-back", item.pk), {Role.PUBLISHER}),
        (url("calendar-day"), keepers),
        (url("calendar-announce"), keepers),
    ):
        assert (client.post(address).status_code == 403) is (role not in roles), address


def test_an_item_of_another_region_is_not_there(enter):
    foreign = make_item(department=make_department(make_region("500001", "别处")))
    client = enter(make_staff(Role.EDITOR, Role.PUBLISHER))
    assert client.get(url("item", foreign.pk)).status_code == 404
    assert client.post(url("item-publish", foreign.pk)).status_code == 404
    assert foreign.name not in client.get(url("items")).content.decode()


def test_the_list_takes_as_many_queries_for_twenty_items_as_for_one(enter, django_assert_max_num_queries):
    client = enter(make_staff(Role.EDITOR))
    make_item(name="独一件")
    with django_assert_max_num_queries(30) as few:
        client.get(url("items"))
    for _n in range(12):
        make_item()
    with django_assert_max_num_queries(len(few)):
        page = client.get(url("items")).content.decode()
    assert "13" in page
    found = client.get(url("items"), {"q": "独一", "state": "published"}).content.decode()
    assert "独一件" in found and "演示事项" not in found
    assert client.get(url("items"), {"q": "%", "page": "x", "state": "?", "department": "?"}).status_code == 200


def test_an_item_goes_from_new_to_published_through_two_hands(enter, department):
    editor = make_staff(Role.EDITOR, department=department)
    client = enter(editor)
    said = {
        "name": "演示养犬登记",
        "task_code": "11440232MB2D06811W4002077777000",
        "department": department.pk,
        "item_type": "20",
        "case_type": "immediate",
    }
    response = client.post(url("item-new"), said)
    assert response.status_code == 302
    page = client.get(response.url)
    assert "申报材料还没写" in page.content.decode()
    values = posted(page) | {
        "accept_condition": "在本市居住",
        "everyday_names": "办狗证、狗牌",
        "has_fee": "0",
        "complaint_way": "12345",
        "plain_text": "带身份证来，当场登记。",
        "m-0-name": "身份证",
        "m-0-legal_basis": "《演示养犬规定》第八条",
        "s-0-key": "decide",
        "s-0-name": "决定",
        "s-0-kind": "decide",
        "s-0-post": "综合受理岗",
        "s-0-authority": "当场登记",
        "s-0-limit_days": "0",
    }
    assert client.post(response.url, values).status_code == 302
    assert "可以发布" in client.get(response.url).content.decode()
    version = ItemVersion.objects.get(item__name="演示养犬登记")
    assert version.everyday_names == ["办狗证", "狗牌"]

    client = enter(make_staff(Role.PUBLISHER, department=department))
    client.post(url("item-publish", version.item_id), seen_by(client, version))
    assert [item.name for item in queries.search("狗证", region=department.region)] == ["演示养犬登记"]
    client.post(url("item-withdraw", version.item_id), {"reason": "试办结束"})
    assert queries.search("狗证", region=department.region) == []


def test_a_code_that_is_wrong_or_taken_keeps_what_was_typed(enter, department):
    client = enter(make_staff(Role.EDITOR, department=department))
    said = {"name": "演示", "task_code": "12", "department": department.pk, "item_type": "20", "case_type": "promised"}
    page = client.post(url("item-new"), said)
    assert page.status_code == 422
    assert "31 位" in page.content.decode() and 'value="演示"' in page.content.decode()


def test_saving_an_unchanged_page_changes_nothing(enter, department):
    version = make_draft(department=department)
    client = enter(make_staff(Role.EDITOR, department=department))
    before = actions.editors_of(version)
    response = client.post(url("item", version.item_id), posted(client.get(url("item", version.item_id))))
    assert response.status_code == 302
    assert actions.editors_of(version) == before


@pytest.mark.capability("S1-23")
def test_a_step_without_a_post_is_told_and_nothing_is_saved(enter, department):
    version = make_draft(department=department)
    client = enter(make_staff(Role.EDITOR, department=department))
    address = url("item", version.item_id)
    values = posted(client.get(address)) | {"s-1-post": "", "place": "新地方"}
    page = client.post(address, values)
    assert page.status_code == 422
    assert "还没写岗位" in page.content.decode() and "新地方" in page.content.decode()
    version.refresh_from_db()
    assert version.place != "新地方"


def test_an_editor_of_another_department_reads_and_cannot_save(enter, department):
    version = make_draft(department=department)
    client = enter(make_staff(Role.EDITOR))
    address = url("item", version.item_id)
    page = client.get(address)
    assert page.status_code == 200 and "保存草稿" not in page.content.decode()
    assert client.post(address, posted(page)).status_code == 403


@pytest.mark.parametrize(
    "broken", [{"m-TOTAL_FORMS": "x"}, {"s-TOTAL_FORMS": "9999"}, {"promised_limit": "-3"}, {"m-0-kind": "?"}]
)
def test_a_form_that_was_tampered_with_is_refused(enter, department, broken):
    version = make_draft(department=department)
    client = enter(make_staff(Role.EDITOR, department=department))
    address = url("item", version.item_id)
    assert client.post(address, posted(client.get(address)) | broken).status_code == 422


def test_the_reasons_stand_beside_the_publish_button(enter, department):
    version = make_draft(department=department, accept_condition="")
    client = enter(make_staff(Role.PUBLISHER, department=department))
    assert "服务内容还没写" in client.get(url("item", version.item_id)).content.decode()
    page = client.post(url("item-publish", version.item_id), seen_by(client, version), follow=True)
    assert "服务内容还没写" in page.content.decode()
    version.refresh_from_db()
    assert version.state == "draft"


@pytest.mark.parametrize(
    "edit",
    [
        {"fields": {"fee_basis": "《演示条例》第二条"}},
        {"fields": {}, "materials": [actions.MaterialDraft("多要的一份表", legal_basis="《演示条例》")]},
        {"fields": {}, "steps": [make_step()]},
        {"fields": {}, "no_materials": True},
    ],
    ids=["field", "materials", "steps", "no materials"],
)
def test_what_the_publisher_did_not_see_is_not_published(enter, department, edit):
    version = make_draft(department=department)
    client = enter(make_staff(Role.PUBLISHER, department=department))
    seen = seen_by(client, version)
    actions.save_draft(
        version.item,
        edit["fields"],
        **{key: edit[key] for key in edit if key != "fields"},
        by=make_staff(Role.EDITOR, department=department),
        at=NOW,
    )
    for stale in (seen, {}, {"seen": "x"}):
        page = client.post(url("item-publish", version.item_id), stale, follow=True)
        assert "别人改过这一版" in page.content.decode()
        version.refresh_from_db()
        assert version.state == "draft"
    client.post(url("item-publish", version.item_id), seen_by(client, version))
    version.refresh_from_db()
    assert version.state == "published"


def test_an_editor_does_not_overwrite_another_unseen(enter, department):
    version = make_draft(department=department)
    client = enter(make_staff(Role.EDITOR, department=department))
    address = url("item", version.item_id)
    values = posted(client.get(address)) | {"hours": "我写的时间"}
    other = make_staff(Role.EDITOR, department=department)
    materials = [actions.MaterialDraft("别人加的材料")]
    actions.save_draft(version.item, {"place": "别人写的地方"}, materials=materials, by=other, at=NOW)
    page = client.post(address, values)
    text = page.content.decode()
    assert page.status_code == 409
    assert "别人改过这一版" in text and "别人写的地方" in text and "别人加的材料" in text and "我写的时间" in text
    version.refresh_from_db()
    assert version.place == "别人写的地方" and version.hours != "我写的时间"
    assert client.post(address, posted(page)).status_code == 302, "after looking, on purpose"
    version.refresh_from_db()
    assert version.hours == "我写的时间"


def test_the_same_form_sent_twice_is_one_draft(enter, department):
    version = make_draft(department=department)
    client = enter(make_staff(Role.EDITOR, department=department))
    address = url("item", version.item_id)
    values = posted(client.get(address)) | {"place": "新地方"}
    assert [client.post(address, values).status_code for _n in range(2)] == [302, 302]


def test_every_field_of_the_law_is_written_on_the_page_and_shown_in_the_guide(enter, department):
    version = make_draft(department=department)
    other = make_department(name="协办部门（演示）")
    client = enter(make_staff(Role.EDITOR, department=department))
    address = url("item", version.item_id)
    said = {
        "power_source": "法定本级行使",
        "organ_nature": "法定机关",
        "delegated_department": "演示受托部门",
        "promised_note": "自受理次日起算",
        "statutory_note": "自受理之日起",
        "special_procedures": "检验 5 个工作日",
        "effective_on": "2026-11-01",
        "cancel_on": "2030-01-01",
    }
    lists = {"channels": ["窗口办理", "网上办理"], "service_objects": ["自然人", "企业法人"]}
    lists["exercise_level"] = ["市级", "县级"]
    values = posted(client.get(address)) | said | lists | {"is_joint": "1", "s-2-department": str(other.pk)}
    assert client.post(address, values).status_code == 302
    version.refresh_from_db()
    assert {name: str(getattr(version, name)) for name in said} == said
    assert (version.channels, version.is_joint) == (["窗口办理", "网上办理"], True)
    assert version.exercise_level == "市级、县级"
    assert [step.department for step in version.steps.all()].count(other) == 1
    missing = set(actions.FIELDS) - set(EditionForm.base_fields)
    assert missing == {"due_rule"}, "no field of an edition is missing from the page; that one is three"

    too_long = values | {"everyday_names": "字" * 61, "seen": seen_by(client, version)["seen"]}
    assert "最多写 60 个字" in client.post(address, too_long).content.decode()
    client = enter(make_staff(Role.PUBLISHER, department=department))
    client.post(url("item-publish", version.item_id), seen_by(client, version))
    make_center(department.region)
    guide = strip_tags(client.get(f"/items/{version.item.task_code}").content.decode())
    for words in ("县级", "窗口办理、网上办理", "自然人、企业法人", "第 1 版"):
        assert words in guide


# The work calendar


def test_a_year_without_a_notice_is_marked_provisional(enter):
    client = enter(make_staff(Role.SYSTEM_ADMIN))
    assert "暂定" in client.get(url("calendar-year", 2027)).content.decode()
    page = client.get(url("calendar-year", 2026)).content.decode()
    assert "已公布" in page and "10 月 · 18 个工作日" in page
    assert client.get(url("calendar-year", 1800)).status_code == 404


def test_a_day_is_changed_with_its_reason(enter):
    client = enter(make_staff(Role.SYSTEM_ADMIN))
    said = {"on": "2026-11-20", "is_workday": "0", "name": "演示日", "reason": "依据通知"}
    assert client.post(url("calendar-day"), said | {"reason": ""}).status_code == 422
    assert client.post(url("calendar-day"), said | {"on": "2026-02-30"}).status_code == 422
    assert client.post(url("calendar-day"), said).status_code == 302
    assert "演示日" in client.get(url("calendar-year", 2026)).content.decode()
    assert "没有改动" in client.post(url("calendar-day"), said, follow=True).content.decode()


LINES = "日期,上不上班,名称\n2027-01-01,休,元旦\n2027-02-14，班，春节\n"


@pytest.mark.parametrize("as_file", [False, True])
def test_a_notice_is_pasted_or_uploaded(enter, as_file):
    client = enter(make_staff(Role.SYSTEM_ADMIN))
    said = {"year": "2027", "notice": "演示通知"}
    said |= {"file": SimpleUploadedFile("2027.csv", LINES.encode())} if as_file else {"lines": LINES}
    page = client.post(url("calendar-announce"), said, follow=True).content.decode()
    assert "有 2 天和原来不一样" in page
    assert CalendarYear.objects.get(pk=2027).notice == "演示通知"
    assert CalendarDay.objects.filter(on__year=2027).count() == 2


@pytest.mark.parametrize(
    "lines", ["", "2027-01-01", "2027-02-30,休,元旦", "2027-01-01,也许,元旦", "2030-01-01,休,元旦", "a\x01b"]
)
def test_a_notice_that_cannot_be_read_is_told_line_by_line(enter, lines):
    client = enter(make_staff(Role.SYSTEM_ADMIN))
    page = client.post(url("calendar-announce"), {"year": "2027", "notice": "演示通知", "lines": lines})
    assert page.status_code == 422
    assert not CalendarYear.objects.filter(pk=2027).exists()


def test_an_upload_that_is_no_text_is_refused(enter):
    client = enter(make_staff(Role.SYSTEM_ADMIN))
    for raw in (b"\xff\xfe\x00", b"2027-01-01," * 10_000):
        said = {"year": "2027", "notice": "演示通知", "file": SimpleUploadedFile("x.csv", raw)}
        assert client.post(url("calendar-announce"), said).status_code == 422


def test_days_set_by_hand_are_named_when_a_notice_leaves_them(enter):
    from datetime import date

    actions.set_calendar_day(date(2027, 1, 1), False, "演示日", by=SYSTEM, at=NOW, reason="依据通知")
    client = enter(make_staff(Role.SYSTEM_ADMIN))
    said = {"year": "2027", "notice": "演示通知", "lines": LINES}
    assert "2027-01-01" in client.post(url("calendar-announce"), said, follow=True).content.decode()


@pytest.mark.parametrize(
    ("proofs", "kept"), [("身份证", True), ("没有的证明", False)], ids=["on the list", "not on it"]
)
def test_how_cases_are_handled_is_set_in_the_editor(enter, department, proofs, kept):
    version = make_draft(department=department)
    client = enter(make_staff(Role.EDITOR, department=department))
    address = url("item", version.item_id)
    names = [row.name for row in version.materials.all()]
    wish = {"decide_with_gap": "on", "is_secret": "on", "quick_minutes": "10"}
    wish["commitment_materials"] = names[0] if kept else proofs
    answer = client.post(address, posted(client.get(address)) | wish)
    version.refresh_from_db()
    assert answer.status_code == (302 if kept else 422)
    said = {key: version.extended.get(key) for key in ("decide_with_gap", "is_secret", "commitment_materials")}
    assert said == (
        {"decide_with_gap": True, "is_secret": True, "commitment_materials": names[:1]} if kept else dict.fromkeys(said)
    )
    assert version.extended.get("quick_minutes") == (10 if kept else None)
    assert "decided_above" not in version.extended
