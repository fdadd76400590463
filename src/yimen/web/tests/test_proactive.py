"""Proactive notices on the pages: found, sent, called, seen by the citizen; the rule of an item."""

from datetime import date

import pytest
from django.test import Client
from django.utils import timezone
from stdnum.cn import ric

from yimen.cases.tests.factories import make_case, make_version
from yimen.notify.models import Message, OptOut
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_applicant, make_center, make_staff, outsider
from yimen.web.tests.pages import Page

pytestmark = pytest.mark.django_db
PHONE = "13900004321"


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def client_of(staff):
    client = Client()
    client.force_login(staff.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def item():
    make_center()
    return make_version(due_rule={"kind": "age", "years": 80}).item


@pytest.fixture
def clerk(item):
    return client_of(make_staff(Role.CLERK, department=item.department, for_region=True))


def old_person():
    day = date(1946, 11, 30)
    number = f"500101{day:%Y%m%d}000"
    return make_applicant(name="田桂芳", id_number=number + ric.calc_check_digit(number + "0"), phone=PHONE)


@pytest.mark.capability("S3-2")
def test_people_due_are_found_told_and_see_it_themselves(item, clerk):
    person = old_person()
    page = Page.open(clerk, "/workbench/proactive").follow(item.name)
    page = page.press("现在找一遍")
    assert "新找到 1 人" in page.text
    assert person.masked_name in page.text
    assert "田桂芳" not in page.text
    assert PHONE not in page.text
    page = page.press("给勾上的人发提醒")
    assert "发出去了，1 条" in page.text
    assert "现在没有要提醒的人" in page.text

    board = Page.open(clerk, "/workbench/proactive")
    assert "要打电话的，1 人" in board.text
    assert "没有要打的电话" in board.press("说过了").text

    case = make_case(version=make_version(department=item.department))
    type(case).objects.filter(pk=case.pk).update(applicant=person)
    citizen = Client()
    progress = Page.open(citizen, "/progress")
    seen = Page(citizen, citizen.post("/progress", {"number": case.query_no, "last_four": PHONE[-4:]}, follow=True))
    assert progress.status == 200
    assert "给您的提醒" in seen.text
    assert Message.objects.get().subject in seen.text


def test_some_are_dropped_and_some_want_no_more(item, clerk):
    old_person()
    page = Page.open(clerk, f"/workbench/proactive/{item.pk}").press("现在找一遍").press("勾上的都不发")
    assert "不发了" in page.text
    assert Message.objects.get().state == "dropped"
    Message.objects.update(state="sent", sent_at=NOW)
    page = Page.open(clerk, f"/workbench/proactive/{item.pk}?state=sent")
    page.press("以后不再提醒", who=str(Message.objects.get().pk))
    assert OptOut.objects.count() == 1


def test_nothing_chosen_is_said(item, clerk):
    old_person()
    page = Page.open(clerk, f"/workbench/proactive/{item.pk}").press("现在找一遍")
    page = page.press("给勾上的人发提醒", message=[])
    assert page.status == 422
    assert "请先勾上要处理的人" in page.text


def test_an_editor_sets_the_rule_in_the_draft(item):
    editor = client_of(make_staff(Role.EDITOR, department=item.department, for_region=True))
    page = Page.open(editor, f"/workbench/proactive?q={item.name}").follow(item.name)
    wrong = page.press("存进草稿", kind="renewal", months="", before_days="")
    assert wrong.status == 422
    assert wrong.text.count("请填写整数。") >= 2
    wrong.press("存进草稿", kind="renewal", months="12", before_days="30")
    assert item.versions.get(state="draft").due_rule == {"kind": "renewal", "months": 12, "before_days": 30}
    Page.open(editor, f"/workbench/proactive/{item.pk}/rule").press("存进草稿", kind="")
    assert item.versions.get(state="draft").due_rule == {}


def test_who_may_what(item):
    for staff in (outsider(), make_staff(Role.SYSTEM_ADMIN)):
        client = client_of(staff)
        assert client.get("/workbench/proactive").status_code == 403
        for path in ("", "/rule"):
            assert client.get(f"/workbench/proactive/{item.pk}{path}").status_code == 403
        assert client.post(f"/workbench/proactive/{item.pk}/send").status_code == 403
    assert Client().get("/workbench/proactive").status_code == 302


def test_without_rules_the_board_says_what_it_is_for():
    make_center()
    client = client_of(make_staff(Role.GUIDE))
    assert "还没有事项要主动提醒" in Page.open(client, "/workbench/proactive").text
