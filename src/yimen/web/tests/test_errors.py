"""Error pages are friendly, show no trace, and need no database; a database away is 503, not 500."""

import pytest
from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import path

from yimen.web import errors
from yimen.web.urls import handler400, handler403, handler404, handler500  # noqa: F401
from yimen.web.urls import urlpatterns as real

TROUBLE: dict[str, Exception] = {
    "away": OperationalError("server closed the connection at 10.1.2.3"),
    "broken": InterfaceError("connection already closed"),
    "bug": ValueError("secret inside"),
}


def trouble(request: HttpRequest, kind: str) -> HttpResponse:
    raise TROUBLE[kind]


urlpatterns = [path("trouble/<kind>", trouble), path("api/v1/trouble/<kind>", trouble), *real]


@pytest.fixture
def client(settings):
    settings.ROOT_URLCONF = __name__
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("kind, status", [("away", 503), ("broken", 503), ("bug", 500)])
def test_database_away_is_a_503_that_comes_back_by_itself(client, kind, status):
    response = client.get(f"/trouble/{kind}?q=1")
    page = response.content.decode()
    assert response.status_code == status
    assert "10.1.2.3" not in page and "secret inside" not in page and "Traceback" not in page
    assert (response.get("Retry-After") == "3") == (status == 503)
    assert ('data-retry="3"' in page and "js/retry.js" in page) == (status == 503)
    assert (f'href="/trouble/{kind}?q=1"' in page) == (status == 503)  # without script
    assert "Content-Security-Policy" in response


def test_what_was_typed_goes_again_with_the_same_key(client):
    page = client.post("/trouble/away", {"_key": "k-1", "text": '<b>"两行\n文字', "tick": ["a", "b"]}).content.decode()
    assert "您填的都还在" in page
    assert page.count('name="tick"') == 2
    assert '<textarea name="_key" hidden>\nk-1</textarea>' in page
    assert "&lt;b&gt;&quot;两行\n文字</textarea>" in page


def test_a_password_is_never_sent_back(client):
    page = client.post("/trouble/away", {"login": "clerk", "password": "tell nobody"}).content.decode()
    assert "tell nobody" not in page and "后退" in page


@pytest.mark.parametrize("kind, status, code", [("away", 503, "database_away"), ("bug", 500, "our_fault")])
def test_the_api_answers_in_json(client, kind, status, code):
    response = client.get(f"/api/v1/trouble/{kind}")
    assert response.status_code == status and response.json()["code"] == code


def test_trouble_inside_a_middleware_is_the_same_503(client, monkeypatch):
    def fail(*args: object) -> None:
        raise OperationalError

    monkeypatch.setattr("yimen.people.sessions.SessionStore.load", fail)
    client.cookies["yimen_session"] = "x" * 32
    assert client.get("/accounts/login/").status_code == 503


@pytest.mark.parametrize(
    "view", [errors.bad_request, errors.forbidden, errors.not_found, errors.server_error, errors.csrf]
)
def test_error_pages_need_no_database(view):
    # No django_db mark: a query would fail the test.
    page = view(RequestFactory().get("/somewhere"))
    assert page.status_code in {400, 403, 404, 500} and "<h1>" in page.content.decode()


def test_a_server_that_only_reads_counts_as_away():
    error = InternalError()
    error.__cause__ = type("ReadOnly", (Exception,), {"sqlstate": "25006"})()
    assert errors.is_database_away(error)
    assert not errors.is_database_away(InternalError())


TICKET = "/t/01890a5d-ac96-774b-bcce-b302099a8057/"
OURS = "http://testserver/items?page=2"


@pytest.mark.parametrize(
    "address, came_from, back",
    [
        (f"{TICKET}leave", "", TICKET),
        (f"{TICKET}leave", OURS, OURS),
        (f"{TICKET}leave", "http://elsewhere.example/items", TICKET),
        (f"{TICKET}leave", f"http://testserver{TICKET}leave", TICKET),
        ("/settings/elder", "", "/"),
    ],
    ids=["above", "where one was", "never elsewhere", "not in a circle", "nothing above"],
)
def test_an_address_that_only_takes_forms_says_so_and_leads_back(client, address, came_from, back):
    response = client.get(address, HTTP_REFERER=came_from)
    page = response.content.decode()
    assert (response.status_code, response["Allow"]) == (405, "POST") and "<h1>" in page
    assert f'<a class="btn main" href="{back}">' in page


def test_the_api_says_in_json_that_the_method_is_wrong(client):
    response = client.get("/api/v1/webhooks/01890a5d-ac96-774b-bcce-b302099a8057/end")
    assert (response.status_code, response.json()["code"]) == (405, "wrong_method")
