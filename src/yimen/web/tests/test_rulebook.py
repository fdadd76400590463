"""Rules of the house on the pages: written, approved by another, compared, public, printed."""

import pytest
from django.test import Client

from yimen.centre import actions
from yimen.centre.models import Document
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, in_ledger, make_center, make_department, make_staff, outsider
from yimen.web.tests.pages import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    make_center()
    department = make_department()
    return [make_staff(role, department=department, for_region=True) for role in (Role.HALL_MANAGER, Role.LEADER)]


def client_of(staff):
    client = Client()
    client.force_login(staff.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.mark.capability("S3-36")
def test_a_rule_from_draft_to_the_portal_and_its_next_edition(people):
    writer, leader = map(client_of, people)
    page = Page.open(writer, "/workbench/rulebook").follow("新立一份")
    page = page.press("存成草稿", number="FW-01", title="服务承诺", kind="promise", text="三天办结。", is_public="on")
    assert "草稿，等人批准" in page.text
    document = Document.objects.get()
    assert "服务承诺" not in Page.open(Client(), "/rulebook").text
    assert Client().get(f"/rulebook/{document.pk}").status_code == 404
    assert not page.has_button("批准")

    page = Page.open(leader, f"/workbench/rulebook/{document.pk}").press("批准第 1 版")
    assert "现行有效" in page.text
    public = Page.open(Client(), "/rulebook").follow("服务承诺")
    assert "三天办结。" in public.text

    page = Page.open(writer, f"/workbench/rulebook/{document.pk}").follow("改一版")
    page = page.press("存成草稿", text="两天办结。", change="再快一天")
    assert "第 2 版" in page.text
    page = Page.open(leader, f"/workbench/rulebook/{document.pk}?edition=2").press("批准第 2 版")
    compared = page.follow("和上一版比")
    assert "三天办结。" in compared.text
    assert "两天办结。" in compared.text
    assert "去掉 1 行，新写 1 行" in compared.text
    old = Page.open(writer, f"/workbench/rulebook/{document.pk}?edition=1")
    assert "三天办结。" in old.text
    assert "旧的一版" in old.text
    assert "两天办结。" in Page.open(Client(), f"/rulebook/{document.pk}").text

    page = Page.open(leader, f"/workbench/rulebook/{document.pk}").press("从这天起废止", reason="并入新制度")
    assert "已废止" in page.text and "并入新制度" in page.text and not in_ledger("并入新制度")
    assert Client().get(f"/rulebook/{document.pk}").status_code == 404


def test_what_is_wrong_in_the_form_is_kept_and_explained(people):
    writer, leader = map(client_of, people)
    page = Page.open(writer, "/workbench/rulebook/new").press(
        "存成草稿", number="", kind="rule", title="首问负责", text="谁接谁办。"
    )
    assert page.status == 422
    assert "请填写文件编号。" in page.text
    assert "谁接谁办。" in page.text
    page = page.press("存成草稿", number="ZW-1", kind="rule")
    document = Document.objects.get()
    Page.open(leader, f"/workbench/rulebook/{document.pk}").press("批准第 1 版")
    again = Page.open(leader, f"/workbench/rulebook/{document.pk}").press("从这天起废止", reason="旧")
    assert again.status in {403, 409, 422}
    assert "至少 4 个字" in again.text


def test_any_staff_read_but_only_those_whose_work_it_is_write(people):
    document = actions.open_document(
        people[0].region, people[0].department, number="ZW-1", title="首问负责", kind="rule", text="谁接谁办。",
        effective_on=NOW.date(), by=people[0], at=NOW,
    ).document  # fmt: skip
    stranger = client_of(outsider())
    assert stranger.get("/workbench/rulebook").status_code == 200
    assert stranger.get(f"/workbench/rulebook/{document.pk}").status_code == 200
    assert stranger.get(f"/workbench/rulebook/{document.pk}/compare").status_code == 200
    for path in (
        "new",
        f"{document.pk}/edit",
        f"{document.pk}/approve",
        f"{document.pk}/repeal",
        f"{document.pk}/public",
    ):
        assert stranger.post(f"/workbench/rulebook/{path}").status_code == 403
    assert Client().get("/workbench/rulebook").status_code == 302


def test_searching_and_an_empty_shelf(people):
    writer = client_of(people[0])
    assert "还没有制度文件" in Page.open(writer, "/workbench/rulebook").text
    assert "没有找到这样的文件" in Page.open(writer, "/workbench/rulebook?q=首问&state=draft").text
    assert "还没有公开的制度" in Page.open(Client(), "/rulebook").text
