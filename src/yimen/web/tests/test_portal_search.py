"""Searching on the portal: what is found, what is not, suggestions, questions left for the staff."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client

from yimen.catalog.models import Inquiry, SearchMiss
from yimen.catalog.tests.factories import make_item
from yimen.ledger.models import Event
from yimen.people.tests.factories import make_center

pytestmark = pytest.mark.django_db


@pytest.fixture
def item():
    found = make_item(name="食品经营许可", everyday_names=["卖早点"])
    make_center(region=found.region)
    return found


def test_what_is_not_in_the_catalogue_is_said_counted_and_may_be_asked(client, item):
    page = client.get("/search", {"q": "火星移民"}).content.decode()
    assert "目录里没有找到" in page and 'action="/ask"' in page
    client.get("/search", {"q": "火星移民"})
    assert SearchMiss.objects.get().count == 2
    assert "目录里没有找到" not in client.get("/search", {"q": "开饭馆"}).content.decode()
    assert SearchMiss.objects.count() == 1


def test_suggestions_name_items_and_keep_nothing(client, item):
    answer = client.get("/search/suggest", {"q": "shipin"})
    assert [row["name"] for row in answer.json()["items"]] == ["食品经营许可"]
    assert client.get("/search/suggest", {"q": "火星移民"}).json() == {"items": []}
    assert not SearchMiss.objects.exists()
    assert client.get(answer.json()["items"][0]["url"]).status_code == 200


def test_a_question_is_kept_with_its_telephone_sealed(client, item):
    fields = {"text": "给猫上户口", "phone": "13800000417", "_key": "one"}
    assert client.post("/ask", fields).status_code == 303
    assert client.post("/ask", fields).status_code == 303  # sent twice
    one = Inquiry.objects.get()
    assert one.text == "给猫上户口" and b"13800000417" not in bytes(one.phone_sealed)
    assert "13800000417" not in str(list(Event.objects.values_list("data", flat=True)))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"text": ""}, "请写一写"),
        ({"text": "办"}, "至少 4 个字"),
        ({"text": "给猫上户口", "phone": "12"}, "手机号码要 11 位"),
    ],
    ids=["empty", "short", "phone"],
)
def test_a_question_that_cannot_be_answered_says_why_and_stays(client, item, fields, said):
    page = client.post("/ask", {"phone": "", **fields, "_key": "k"})
    assert page.status_code == 422 and said in page.content.decode()
    assert fields["text"] in page.content.decode() and not Inquiry.objects.exists()


def test_one_address_cannot_flood_the_questions(item, monkeypatch):
    from yimen.web.limits import Limit
    from yimen.web.portal import finding

    monkeypatch.setattr(finding, "inquiries_limit", Limit(2))
    codes = [
        Client().post("/ask", {"text": f"第 {n} 个问题", "phone": "", "_key": f"k{n}"}).status_code for n in range(3)
    ]
    assert codes[:2] == [303, 303] and codes[2] == 409
    assert Inquiry.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_one_question_sent_many_times_at_once_counts_once(monkeypatch):
    from yimen.web.limits import Limit
    from yimen.web.portal import finding

    make_center(region=make_item(name="营业执照").region)
    monkeypatch.setattr(finding, "inquiries_limit", Limit(2))

    def send(key):
        try:
            return Client().post("/ask", {"text": f"办 {key} 要带什么", "phone": "", "_key": key}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(send, ["first"] * 8))
    assert codes == [303] * 8 and Inquiry.objects.count() == 1
    assert [send("second"), send("third"), send("first")] == [303, 409, 303]
