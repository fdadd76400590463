"""The editor's pages for the words people search with."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from yimen.catalog import actions, queries, search
from yimen.catalog.models import Inquiry, SearchMiss, ServiceItem, Synonym
from yimen.catalog.queries import finding
from yimen.catalog.tests.factories import make_item
from yimen.ledger.actions import PUBLIC
from yimen.ledger.models import Event
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_center, make_region, make_staff

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture
def item():
    found = make_item(name="户外广告设施设置许可")
    make_center(region=found.region)
    return found


@pytest.fixture
def editor(client, item):
    staff = make_staff(Role.EDITOR, department=item.department)
    client.force_login(staff.user, backend=BACKEND)
    return staff


def names(text, region):
    return [found.name for found in queries.search(text, region=region)]


def test_a_synonym_counts_from_the_next_search_on_and_its_end_too(client, editor, item):
    assert names("摆夜市", item.region) == []
    fields = {"word": "摆夜市", "means": "户外广告设施\n临时占道", "_key": "a"}
    page = client.post("/workbench/words/edit", fields, follow=True).content.decode()
    assert names("摆夜市", item.region) == [item.name]
    assert "户外广告设施设置许可" in page and "答上" in page  # the test box shows it at once
    client.post("/workbench/words/delete", {"word": "摆夜市", "_key": "b"})
    assert names("摆夜市", item.region) == []
    kinds = [*Event.objects.filter(kind__startswith="catalog.synonym").order_by("pk").values_list("kind", flat=True)]
    assert kinds == ["catalog.synonym_saved", "catalog.synonym_deleted"]


def test_a_word_of_one_region_means_nothing_in_another(item):
    elsewhere = make_region("500009", "别处")
    actions.save_synonym(
        elsewhere, actions.SynonymDraft("摆夜市", ("户外广告",)), by=make_staff(Role.EDITOR, region=elsewhere), at=NOW
    )
    assert names("摆夜市", item.region) == []


def test_a_mutual_synonym_is_found_from_both_sides(editor, item):
    draft = actions.SynonymDraft("户外广告", ("灯光秀牌",), is_mutual=True)
    actions.save_synonym(item.region, draft, by=editor, at=NOW)
    assert names("灯光秀牌", item.region) == [item.name]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"word": "店", "means": "商店"}, "至少写两个字"),
        ({"word": "", "means": "商店"}, "请填写"),
        ({"word": "商店", "means": "商店"}, "不用加"),
        ({"word": "店铺", "means": "长" * 61}, "最多"),
    ],
    ids=["one character", "empty", "itself", "too long"],
)
def test_a_synonym_that_cannot_help_is_refused_and_stays_in_the_form(client, editor, fields, said):
    page = client.post("/workbench/words/edit", {**fields, "_key": "a"})
    assert page.status_code in (409, 422) and said in page.content.decode()
    assert not Synonym.objects.exists()


def test_a_sheet_is_taken_whole_or_not_at_all_and_comes_out_as_it_went_in(client, editor, item):
    def send(text):
        file = SimpleUploadedFile("words.csv", text.encode("utf-8-sig"))
        return client.post("/workbench/words/import", {"file": file, "_key": text})

    head = "大家怎么说,目录里叫什么,互相,说明\n"
    page = send(head + "摆夜市,户外广告|占道,,\n店,商店,,\n").content.decode()
    assert "第 3 行" in page and not Synonym.objects.exists()
    assert send(head + "摆夜市,户外广告|占道,互相,夏天\n").status_code == 303
    row = Synonym.objects.get()
    assert (row.word, row.means, row.is_mutual, row.note) == ("摆夜市", ["户外广告", "占道"], True, "夏天")
    sheet = client.get("/workbench/words/export").content.decode()
    assert "摆夜市,户外广告|占道,互相,夏天" in sheet


def test_searches_in_vain_are_counted_without_long_numbers_and_settled(client, editor, item):
    for text in ("给猫上户口 13800000417", "给猫上户口 13800000417", "查 5001011990 0101 1234"):
        actions.note_miss(text, item.region, at=NOW)
    assert {row.text: row.count for row in SearchMiss.objects.all()} == {"给猫上户口 ******": 2, "查 ******": 1}
    page = client.get("/workbench/words/misses").content.decode()
    assert page.index("给猫上户口") < page.index("查 ******")
    miss = SearchMiss.objects.get(count=2)
    client.post(f"/workbench/words/misses/{miss.pk}/settle", {"_key": "a"})
    assert "给猫上户口" not in client.get("/workbench/words/misses").content.decode()
    actions.note_miss("给猫上户口 13800000417", item.region, at=NOW)
    assert "给猫上户口" in client.get("/workbench/words/misses").content.decode()


def test_a_question_is_answered_once_and_its_telephone_shown_for_a_reason_only(client, editor, item):
    one = actions.leave_inquiry(item.region, "给猫上户口怎么办", "13800000417", by=PUBLIC, at=NOW)
    at = f"/workbench/words/questions/{one.pk}"
    assert "13800000417" not in client.get("/workbench/words/questions").content.decode()
    assert client.post(f"{at}/phone", {"reason": ""}).status_code == 422
    assert "13800000417" in client.post(f"{at}/phone", {"reason": "给提问的人回话"}).content.decode()
    assert Event.objects.filter(kind="catalog.inquiry_phone_shown").count() == 1
    assert client.post(f"{at}/close", {"answer": "请到农业农村局", "_key": "a"}).status_code == 303
    one.refresh_from_db()
    assert (one.state, one.answer, one.phone_sealed) == (Inquiry.State.ANSWERED, "请到农业农村局", None)
    assert client.post(f"{at}/close", {"answer": "又一次", "_key": "b"}).status_code == 409


PAGES = ["words", "words/edit", "words/import", "words/export", "words/misses", "words/questions"]


@pytest.mark.parametrize(("role", "status"), [(Role.EDITOR, 200), (Role.CLERK, 403)], ids=["editor", "clerk"])
def test_the_pages_are_for_editors(client, item, role, status):
    client.force_login(make_staff(role, department=item.department).user, backend=BACKEND)
    assert {client.get(f"/workbench/{page}").status_code for page in PAGES} == {status}


def test_another_regions_misses_and_questions_are_not_there(client, editor):
    elsewhere = make_region("500009", "别处")
    actions.note_miss("别处的事", elsewhere, at=NOW)
    one = actions.leave_inquiry(elsewhere, "别处的问题", "", by=PUBLIC, at=NOW)
    shown = client.get("/workbench/words/misses").content + client.get("/workbench/words/questions").content
    assert "别处的" not in shown.decode()
    miss = SearchMiss.objects.get()
    assert client.post(f"/workbench/words/misses/{miss.pk}/settle", {"_key": "a"}).status_code == 404
    assert client.post(f"/workbench/words/questions/{one.pk}/close", {"_key": "b"}).status_code == 404
    assert client.post(f"/workbench/words/questions/{one.pk}/phone", {"reason": "看一看电话"}).status_code == 404


def test_what_is_found_is_the_same_with_and_without_the_lists(item):
    before = names("户外广告", item.region)
    assert actions.recount(item.region) > 10
    assert ServiceItem.objects.get(pk=item.pk).place
    assert names("户外广告", item.region) == names("户外广告", None) == before == [item.name]


def test_an_edition_is_found_at_once_and_by_its_old_name_no_longer(item):
    actions.recount(item.region)
    version = item.published
    version.name = "公园钓鱼备案"
    search.index(item, version, item.department.name)
    item.name = version.name
    item.save(update_fields=["name", *search.INDEXED])
    for _again in range(2):
        assert names("钓鱼备案", item.region) == ["公园钓鱼备案"]
        assert "公园钓鱼备案" not in names("户外广告", item.region)
        actions.recount(item.region)


def test_a_withdrawn_item_is_passed_over_until_the_lists_are_made_afresh(item):
    actions.recount(item.region)
    ServiceItem.objects.filter(pk=item.pk).update(published=None)
    assert names("户外广告", item.region) == []


def test_lists_too_long_to_be_read_unasked_are_read_when_needed(item, monkeypatch):
    actions.recount(item.region)
    monkeypatch.setattr(finding, "LONG", 0)
    assert names("户外广告", item.region) == names("户外广告", None) == [item.name]
