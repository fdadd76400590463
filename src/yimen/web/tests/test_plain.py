"""The table of official words, and the check of what an editor writes."""

import pytest
from django.test import Client

from yimen.catalog.actions import plain as actions
from yimen.catalog.models import JargonWord
from yimen.catalog.queries.plain import plain_words, shipped_words
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.people import access
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_center, make_region, make_staff
from yimen.web.tests.pages import Page

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture
def editor() -> Client:
    client = Client()
    client.force_login(make_staff(Role.EDITOR, region=make_center().region).user, backend=BACKEND)
    return client


def test_the_shipped_words_are_plain_themselves():
    words = shipped_words()
    assert len(words) > 100
    for word, plain in words.items():
        assert 1 < len(word) <= 40 and 0 < len(plain) <= 80 and word not in plain, word


@pytest.mark.parametrize(
    "word, plain, said",
    [
        ("行", "走", "2 到 40 个字"), ("没有的词", "", "请写上"), ("踏勘", "看" * 81, "最多写 80 个字"),
        ("踏勘", "去踏勘现场", "又用了"),
    ],
    ids=["short", "nothing said", "long", "in itself"],
)  # fmt: skip
def test_a_word_that_explains_nothing_is_refused(word, plain, said):
    with pytest.raises(actions.BadWord, match=said):
        actions.set_word(make_region(), word, plain, by=SYSTEM, at=NOW)
    assert not JargonWord.objects.exists()


def test_the_same_again_records_nothing_and_others_places_keep_their_words():
    for _time in range(2):
        actions.set_word(make_region(), "踏勘", "到现场看", by=SYSTEM, at=NOW)
    assert Event.objects.filter(kind="catalog.jargon_set").count() == 1
    assert "踏勘" in plain_words(make_region()) and "踏勘" not in plain_words(make_region("510000", "别处"))
    for _time in range(2):
        actions.drop_word(make_region(), "踏勘", by=SYSTEM, at=NOW)
    assert Event.objects.filter(kind="catalog.jargon_dropped").count() == 1


def test_only_editors_change_words():
    clerk = make_staff(Role.CLERK)
    with pytest.raises(access.NotAllowed):
        actions.set_word(clerk.region, "踏勘", "到现场看", by=clerk, at=NOW)
    with pytest.raises(access.NotAllowed):
        actions.drop_word(clerk.region, "踏勘", by=clerk, at=NOW)


def test_an_editor_adds_finds_and_drops_a_word(editor):
    page = Page.open(editor, "/workbench/plain").press("就这样说", official="踏勘单", plain="到现场看的记录")
    assert "“踏勘单”记下了" in page.text
    assert Page.open(editor, "/workbench/plain?q=踏勘单").press("不要了").status == 200
    assert "没有这个词" in Page.open(editor, "/workbench/plain?q=踏勘单").text
    refused = page.press("就这样说", official="", plain="x")
    assert refused.status == 422 and "请填写行话" in refused.text


@pytest.mark.parametrize("is_live", [True, False])
def test_a_text_is_checked_with_place_and_plain_word(editor, is_live):
    headers = {"HX-Request": "true"} if is_live else {}
    answer = editor.post("/workbench/plain/check", {"text": "请申请人到窗口。没有材料不能办理。"}, headers=headers)
    page = answer.content.decode()
    for said in ("有 2 处可以说得更明白", "“申请人”是行话，换成“来办事的人”", "第 2 个字", "说了两个“不”"):
        assert said in page
    assert ("<html" in page) != is_live
    good = editor.post("/workbench/plain/check", {"plain_text": "带身份证来窗口。"}, headers=headers)
    assert "说得明白" in good.content.decode()


@pytest.mark.parametrize("role", [*Role, None])
def test_the_pages_open_for_those_who_write(role):
    client = Client()
    client.force_login(make_staff(role).user, backend=BACKEND)
    assert client.get("/workbench/plain").status_code == (200 if role == Role.EDITOR else 403)
    may = role in {Role.EDITOR, Role.PUBLISHER}
    assert client.post("/workbench/plain/check", {"text": "好"}, headers={"HX-Request": "1"}).status_code == (
        200 if may else 403
    )
