"""The character no database takes is a kind 400 wherever it stands, and asks no database."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

JSON = "application/json"


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.parametrize(
    "address",
    ["/verify/%00", "/items/%00", "/items/a%00b/", "/kiosk/take/?q=%00", "/?%00=1", "/progress/?number=a%00"],
)
def test_in_an_address(client, address):
    answer = client.get(address)
    page = answer.content.decode()
    assert answer.status_code == 400 and "看不懂" in page and 'class="top"' in page
    assert "Content-Security-Policy" in answer.headers


@pytest.mark.parametrize("field", [{"_key": "\0"}, {"_key": "x", "name": "a\0b"}, {"a\0b": "1"}])
def test_in_a_form(client, field):
    assert client.post("/kiosk/take/", field).status_code == 400, "multipart"
    encoded = "&".join(f"{name}={value}" for name, value in field.items()).replace("\0", "%00")
    form = "application/x-www-form-urlencoded"
    assert client.post("/kiosk/take/", encoded, content_type=form).status_code == 400


def test_in_the_name_of_a_field_with_a_file(client):
    assert client.post("/kiosk/take/", {"a\0": SimpleUploadedFile("x.csv", b"1")}).status_code == 400


@pytest.mark.parametrize("body", [b'{"series": "A\\u0000"}', b'{"a": [{"b\\u0000": 1}]}', b'{"series": "\0"}'])
def test_in_json(client, body):
    answer = client.post("/api/v1/halls/a/tickets", body, content_type=JSON)
    assert answer.status_code == 400 and answer.json()["code"] == "bad_request"


def test_in_a_cookie(client):
    client.cookies["yimen_session"] = "\0" * 32
    assert client.get("/").status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize("body", [b'{"series": "\\\\u0000"}', b'{"series": "\\u0000'])
def test_what_only_looks_like_it_is_for_the_api_to_judge(client, body):
    assert client.post("/api/v1/halls/a/tickets", body, content_type=JSON).status_code in {400, 404, 422}


@pytest.mark.django_db
def test_a_file_may_hold_what_it_likes(client):
    answer = client.post("/kiosk/take/", {"_key": "x" * 20, "file": SimpleUploadedFile("x.bin", b"\0\0")})
    assert answer.status_code != 400
