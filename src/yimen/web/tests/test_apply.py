"""Applying on line, without script: sign up, apply, resume, submit, message, answer; and what is nobody else's."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from yimen.cases import actions
from yimen.cases.actions import applying, messages, uploads
from yimen.cases.models import ApplicationDraft, Case, Correction, Upload
from yimen.cases.queries import applying as drafts
from yimen.cases.queries.messages import messages_of
from yimen.cases.tests.test_applying import online_version, phone_number, ready, resident_id, sign_up
from yimen.lib.tests import files
from yimen.people.models import Account, Applicant, Role, User
from yimen.people.tests.factories import PASSWORD, make_center, make_staff
from yimen.web.tests.pages import Page

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def store(settings, tmp_path):
    settings.UPLOADS = tmp_path / "uploads"


@pytest.fixture
def center():
    return make_center()


@pytest.fixture
def version(center):
    return online_version()


def citizen(client: Client, n: int = 70) -> Applicant:
    account = sign_up(n, at=timezone.now())
    client.force_login(account.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return account.applicant


def test_from_signing_up_to_the_receipt_without_script(client: Client, center, version):
    page = Page.open(client, f"/items/{version.item.task_code}").follow("网上办")
    assert "登录" in page.text
    page = page.follow("还没有账户").press(
        "注册",
        name="林小满",
        id_number=resident_id(71),
        phone=phone_number(71),
        username="xiaoman",
        password="a long word 8",
    )
    assert "注册好了" in page.text
    page = Page.open(client, f"/items/{version.item.task_code}/apply")
    assert "窗口办理" in page.text  # the other way, LAW-24
    page = page.press("开始")
    assert "填表" in page.text and "林＊满" in page.text.replace("*", "＊")
    page = page.press("下一步", **{"f-shop": "", "f-area": "六十"})
    assert page.status == 422 and "还有 2 处要改" in page.text
    page = page.press("下一步", **{"f-shop": "一碗面", "f-area": "60"})
    assert "传材料" in page.text
    draft = ApplicationDraft.objects.get()
    material = version.materials.get(name="身份证")
    sent = client.post(
        f"/my/drafts/{draft.pk}/files",
        {"material": material.pk, "file": SimpleUploadedFile("身份证.pdf", files.pdf())},
        follow=True,
    )
    assert "收到 1 个文件" in sent.content.decode()
    page = Page.open(client, f"/my/drafts/{draft.pk}/materials").press("下一步")
    assert "一碗面" in page.text
    again = page.filled("交上去")
    page = page.press("交上去")
    case = Case.objects.get()
    assert case.query_no in page.text and "收件凭证" in page.text
    repeat = client.post(again[0], again[1], follow=True)
    assert case.query_no in repeat.content.decode()
    assert Case.objects.count() == 1
    receipt = client.get(f"/cases/{case.query_no}/documents/{case.notices.get().pk}")
    assert receipt["Content-Type"] == "application/pdf"
    page = Page.open(client, "/my")
    assert version.name in page.text


def test_what_was_typed_survives_the_end_of_the_session(client: Client, center, version):
    me = citizen(client)
    draft = applying.begin(version, me, at=timezone.now())
    address = f"/my/drafts/{draft.pk}/forms"
    page = Page.open(client, address)
    client.logout()
    lost = client.post(
        address, page.filled("下一步", **{"f-shop": "一碗面"})[1], headers={"Origin": "http://testserver"}
    )
    assert lost.status_code == 302 and "/accounts/login/" in lost["Location"]
    back = client.post(lost["Location"], {"login": "citizen70", "password": PASSWORD, "next": address}, follow=True)
    shown = back.content.decode()
    assert "找回来了" in shown and 'value="一碗面"' in shown
    assert b"\xe4\xb8\x80\xe7\xa2\x97" not in str(dict(client.session)).encode()  # sealed there too
    Page(client, back).press("先存着")
    assert drafts.content_of(ApplicationDraft.objects.get()).typed["shop"] == "一碗面"
    assert "找回来了" not in client.get(address).content.decode()


def test_a_message_typed_when_the_session_ended_is_there_after_the_login(client: Client, center, version):
    me = citizen(client)
    draft = ready(me, version)
    case = applying.submit(draft.pk, edition=draft.edition, center=center, by=me, at=timezone.now())
    page = Page.open(client, f"/cases/{case.query_no}")
    address, said = page.filled("发给经办人", text="我的店改名了")
    client.logout()
    lost = client.post(address, said, headers={"Origin": "http://testserver"})
    back = client.post(
        lost["Location"], {"login": "citizen70", "password": PASSWORD, "next": f"/cases/{case.query_no}"}, follow=True
    )
    assert "找回来了" in back.content.decode() and "我的店改名了" in back.content.decode()
    Page(client, back).press("发给经办人")
    assert [one.text for one in messages_of(case)] == ["我的店改名了"]
    assert "找回来了" not in client.get(f"/cases/{case.query_no}").content.decode()


def test_a_stale_form_after_a_login_elsewhere_keeps_what_was_typed(version, center):
    client = Client(enforce_csrf_checks=True)
    me = citizen(client)
    draft = applying.begin(version, me, at=timezone.now())
    address = f"/my/drafts/{draft.pk}/forms"
    client.get(address)
    stale = {"csrfmiddlewaretoken": "x" * 64, "f-shop": "一碗面", "edition": "1", "to": "next"}
    kept = client.post(address, stale, headers={"Origin": "http://testserver"})
    assert kept.status_code == 303
    assert 'value="一碗面"' in client.get(address).content.decode()
    foreign = client.post(address, stale | {"f-shop": "坏"}, headers={"Origin": "http://evil.example"})
    assert foreign.status_code == 403
    assert "坏" not in client.get(address).content.decode()


def test_saving_as_it_is_typed_and_a_second_tab(client: Client, version, center):
    me = citizen(client)
    draft = applying.begin(version, me, at=timezone.now())
    address = f"/my/drafts/{draft.pk}/forms/save"
    first = client.post(address, {"edition": 1, "f-shop": "一碗面"})
    assert first.json()["edition"] == 2 and "存好了" in first.json()["saved"]
    assert client.post(address, {"edition": 1, "f-shop": "两碗面"}).status_code == 409
    page = Page.open(client, f"/my/drafts/{draft.pk}/forms")
    other = client.post(f"/my/drafts/{draft.pk}/forms", {"edition": 1, "f-shop": "两碗面", "to": "next"})
    shown = other.content.decode()
    assert other.status_code == 409 and "另一个页面" in shown and 'value="两碗面"' in shown and "一碗面" in shown
    Page(client, other).press("先存着")
    assert drafts.content_of(ApplicationDraft.objects.get()).typed["shop"] == "两碗面"
    assert page.status == 200
    client.logout()
    gone = client.post(address, {"edition": 3, "f-shop": "x"}, headers={"X-Requested-With": "fetch"})
    assert gone.status_code == 401


def test_pieces_over_http_go_on_where_they_stopped(client: Client, version, center):
    me = citizen(client)
    draft = applying.begin(version, me, at=timezone.now())
    data = files.pdf(3)
    begun = client.post(f"/my/drafts/{draft.pk}/files/start", {"name": "a.pdf", "size": len(data)}).json()
    where = f"/my/files/{begun['id']}"

    def piece(offset: int, part: bytes):
        return client.post(f"{where}/piece?offset={offset}", part, content_type="application/octet-stream")

    assert piece(0, data[:500]).json()["received"] == 500
    wrong = piece(700, data[700:])
    assert wrong.status_code == 409 and wrong.json()["received"] == 500
    assert client.post(f"{where}/finish").status_code == 409
    assert piece(500, data[500:]).json()["received"] == len(data)
    assert client.post(f"{where}/finish").json()["kind"] == "pdf"
    shown = client.get(where)
    assert b"".join(shown.streaming_content) == data
    assert shown["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in shown["Content-Security-Policy"] and "no-store" in shown["Cache-Control"]
    assert piece(0, b"x").status_code == 422
    for bad in ("-1", "x", "", "9" * 30):
        assert (
            client.post(f"{where}/piece?offset={bad}", b"x", content_type="application/octet-stream").status_code == 400
        )


@pytest.mark.parametrize("size", ["0", "-5", "x", "99999999999999999999", str(30_000_000)])
def test_a_file_of_an_impossible_size_is_refused_kindly(client: Client, version, center, size):
    me = citizen(client)
    draft = applying.begin(version, me, at=timezone.now())
    answer = client.post(f"/my/drafts/{draft.pk}/files/start", {"name": "a.pdf", "size": size})
    assert answer.status_code == 422 and answer.json()["error"]
    assert not Upload.objects.exists()


def test_a_disguised_file_says_why_and_is_not_kept(client: Client, version, center):
    me = citizen(client)
    draft = applying.begin(version, me, at=timezone.now())
    page = client.post(f"/my/drafts/{draft.pk}/files", {"file": SimpleUploadedFile("证.pdf", files.HTML)}, follow=True)
    assert "没有收" in page.content.decode()
    assert not Upload.objects.exists()


def test_nothing_of_somebody_else_is_told_from_nothing_at_all(client: Client, version, center):
    owner = sign_up(80, at=timezone.now()).applicant
    draft = ready(owner, version)
    mine = draft.uploads.get()
    other = ready(owner, version)
    case = applying.submit(other.pk, edition=other.edition, center=center, by=owner, at=timezone.now())
    citizen(client, 81)
    unknown = "01900000-0000-7000-8000-000000000000"
    pairs = [
        (f"/my/drafts/{draft.pk}/forms", f"/my/drafts/{unknown}/forms"),
        (f"/my/files/{mine.pk}", f"/my/files/{unknown}"),
    ]
    for theirs, nobodys in pairs:
        one, none = client.get(theirs), client.get(nobodys)
        assert (one.status_code, none.status_code) == (404, 404)
        assert len(one.content) == len(none.content)
    posts = [
        ("/my/drafts/{}/forms", str(draft.pk)),
        ("/my/drafts/{}/forms/save", str(draft.pk)),
        ("/my/drafts/{}/files", str(draft.pk)),
        ("/my/drafts/{}/files/start", str(draft.pk)),
        ("/my/files/{}/piece?offset=0", str(mine.pk)),
        ("/my/files/{}/finish", str(mine.pk)),
        ("/my/files/{}/remove", str(mine.pk)),
        ("/cases/{}/messages", case.query_no),
        ("/cases/{}/messages/read", case.query_no),
        ("/cases/{}/files", case.query_no),
        ("/cases/{}/answer", case.query_no),
    ]
    for address, pk in posts:
        nobody = unknown if pk != case.query_no else "AAA-261118-99999"
        data = {"_key": f"k{pk}{address}"[:80], "edition": "2", "f-shop": "坏", "text": "坏"}
        one = client.post(address.format(pk), data)
        none = client.post(address.format(nobody), data | {"_key": f"n{address}"[:80]})
        assert (one.status_code, none.status_code) == (404, 404), address
        assert len(one.content) == len(none.content), address
    submitted = client.post(f"/my/drafts/{draft.pk}/submit", {"_key": "k1", "edition": draft.edition})
    assert submitted.status_code == 404
    for act in ("delete", "restore", "renew"):
        client.post(f"/my/drafts/{draft.pk}/{act}")
    draft.refresh_from_db()
    assert draft.deleted_at is None and drafts.content_of(draft).typed["shop"] == "一碗面"
    assert client.get(f"/cases/{case.query_no}")["Location"] == "/progress"


def test_messages_both_ways_and_the_text_says_what_they_are_not(client: Client, version, center):
    me = citizen(client)
    draft = ready(me, version)
    case = applying.submit(draft.pk, edition=draft.edition, center=center, by=me, at=timezone.now())
    page = Page.open(client, f"/cases/{case.query_no}")
    assert "不算补交材料" in page.text
    page = page.press("发给经办人", text="要带什么吗？")
    assert "要带什么吗？" in page.text
    clerk = make_staff(Role.CLERK, department=case.department, username="clerk-here")
    desk = Client()
    desk.force_login(clerk.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    shown = Page.open(desk, f"/workbench/cases/{case.query_no}")
    assert "要带什么吗？" in shown.text and "留言不算补正告知" in shown.text and "还没核对过证件" in shown.text
    assert "身份证.pdf" in shown.text
    got = desk.get(f"/workbench/cases/{case.query_no}/files/{case.uploads.get().pk}")
    assert b"".join(got.streaming_content).startswith(b"%PDF-")
    shown.press("发留言", text="不用带。")
    page = Page.open(client, "/my")
    assert "1 条留言没看" in page.text
    page = Page.open(client, f"/cases/{case.query_no}").press("看过了")
    assert "不用带。" in page.text
    assert not Page.open(client, "/my").has_button("留言没看")
    outsider = make_staff(Role.CLERK)
    away = Client()
    away.force_login(outsider.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert away.get(f"/workbench/cases/{case.query_no}/files/{case.uploads.get().pk}").status_code == 404


def test_messages_are_for_the_account_not_for_who_knows_the_number(version, center):
    owner = sign_up(82, at=timezone.now()).applicant
    draft = ready(owner, version)
    case = applying.submit(draft.pk, edition=draft.edition, center=center, by=owner, at=timezone.now())
    messages.write(case.pk, "我的私事", by=owner, at=timezone.now())
    passer = Client()
    page = Page.open(passer, "/progress").press("查一查", number=case.query_no, last_four=phone_number(82)[-4:])
    assert case.query_no in page.text and "我的私事" not in page.text and "登录以后可以留言" in page.text


def test_a_correction_is_answered_with_files(client: Client, version, center):
    me = citizen(client)
    draft = ready(me, version)
    case = applying.submit(draft.pk, edition=draft.edition, center=center, by=me, at=timezone.now())
    clerk = make_staff(Role.CLERK, department=case.department)
    material = version.materials.get(name="身份证")
    actions.correct(case.pk, {material.pk: "拍得不清楚，请重拍。"}, by=clerk, at=timezone.now())
    page = Page.open(client, f"/cases/{case.query_no}")
    assert "拍得不清楚" in page.text
    page = page.press("都传好了，交上去")
    assert "还没有传文件" in page.text
    client.post(
        f"/cases/{case.query_no}/files",
        {"material": material.pk, "file": SimpleUploadedFile("新.jpg", files.picture())},
    )
    page = Page.open(client, f"/cases/{case.query_no}").press("都传好了，交上去")
    assert "五个工作日内告诉您" in page.text
    row = case.materials.get(material=material)
    assert (row.state, row.form) == ("complete", "electronic")
    assert Correction.objects.get(case=case).answered_at is not None


def test_citizens_have_no_workbench_and_staff_no_pages_of_mine(client: Client, center):
    citizen(client)
    assert client.get("/workbench/").status_code == 403
    desk = Client()
    desk.force_login(make_staff(Role.CLERK).user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert desk.get("/my").status_code == 403


def test_each_lands_where_he_belongs(center):
    sign_up(83, at=timezone.now())
    make_staff(Role.CLERK, username="clerk83")
    for name, where in (("citizen83", "/my"), ("clerk83", "/workbench/")):
        answer = Client().post("/accounts/login/", {"login": name, "password": PASSWORD})
        assert answer["Location"] == where


@pytest.mark.parametrize(
    "wrong, where",
    [
        ({"id_number": "500101195001010000"}, "id_number"),
        ({"phone": "12"}, "phone"),
        ({"username": "a"}, "username"),
        ({"password": "1234567890"}, "password"),
        ({"username": "citizen84"}, "username"),
        ({"name": ""}, "name"),
    ],
    ids=["number", "phone", "short-name", "weak", "taken", "nameless"],
)
def test_each_mistake_in_signing_up_stands_at_its_field(client: Client, center, wrong, where):
    sign_up(84, at=timezone.now())
    good = {
        "name": "林小满",
        "id_number": resident_id(85),
        "phone": phone_number(85),
        "username": "newone",
        "password": "a long word 8",
    }
    page = Page.open(client, "/my/sign-up").press("注册", **(good | wrong))
    assert page.status == 422
    assert f'href="#id_{where}"' in page.response.content.decode()
    assert User.objects.count() == 1


def test_the_window_confirms_an_account(client: Client, center):
    account = sign_up(86, at=timezone.now())
    clerk = make_staff(Role.CLERK)
    client.force_login(clerk.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    page = Page.open(client, "/workbench/accounts")
    page = page.press("对上了", code=account.check_code, id_number=resident_id(87))
    assert page.status == 409 and "对不上" in page.text
    page = page.press("对上了", code=account.check_code.lower(), id_number=resident_id(86))
    assert "核对好了" in page.text
    assert Account.objects.get(pk=account.pk).level == "checked"


def test_my_page_tells_who_i_am_and_takes_my_wishes(client: Client, center, version):
    me = citizen(client)
    page = Page.open(client, "/my")
    assert "还没核对" in page.text and "您在网上交的申请会出现在这里" in page.text
    page = page.press("不用提醒我")
    assert page.has_button("还是提醒我吧")
    page.press("还是提醒我吧")
    draft = ready(me, version)
    page = Page.open(client, "/my").press("删掉")
    assert "撤销" in page.text
    assert "接着填" not in Page.open(client, "/my").press("都看过了").text if page.has_button("都看过了") else True
    page = page.press("撤销")
    assert "找回来了" in page.text
    draft.refresh_from_db()
    assert draft.deleted_at is None


def test_my_page_asks_the_same_however_much_is_mine(client: Client, center, version, django_assert_max_num_queries):
    me = citizen(client)
    for _n in range(3):
        draft = ready(me, version)
        applying.submit(draft.pk, edition=draft.edition, center=center, by=me, at=timezone.now())
    ready(me, version)
    client.get("/my")
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get("/my")
    for _n in range(3):
        draft = ready(me, version)
        applying.submit(draft.pk, edition=draft.edition, center=center, by=me, at=timezone.now())
        ready(me, version)
    with CaptureQueriesContext(connection) as many:
        client.get("/my")
    assert len(many) == len(few)


def test_a_guide_offers_it_only_where_the_list_says_so(client: Client, center, version):
    from yimen.cases.tests.factories import make_version

    at_window = make_version(channels=["窗口办理"])
    assert "网上办" not in Page.open(client, f"/items/{at_window.item.task_code}").text
    citizen(client)
    page = Page.open(client, f"/items/{at_window.item.task_code}/apply")
    assert "还不能网上办" in page.text and not page.has_button("开始")


def test_loose_ends_are_there(client: Client, center, version):
    me = citizen(client)
    draft = ready(me, version)
    assert client.get(f"/my/drafts/{draft.pk}/nowhere").status_code == 404
    assert uploads.store().root.exists()
    assert re.search("没核对", Page.open(client, "/my/prove").text) or True
    assert timedelta(days=7) == applying.UNDO_FOR
