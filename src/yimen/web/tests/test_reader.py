"""Larger type, theme and language are the reader's choice: kept in cookies, set without script."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def test_elder_mode_is_the_same_address_with_larger_type(client: Client):
    assert 'data-mode="elder"' not in client.get("/progress").content.decode()
    back = client.post("/settings/elder", {"on": "1", "next": "/progress"})
    assert back.status_code == 302 and back["Location"] == "/progress"
    assert 'data-mode="elder"' in client.get("/progress").content.decode()
    client.post("/settings/elder", {"on": "0"})
    assert 'data-mode="elder"' not in client.get("/progress").content.decode()


@pytest.mark.parametrize("address", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", ""])
def test_settings_never_lead_off_the_site(client: Client, address):
    assert client.post("/settings/elder", {"on": "1", "next": address})["Location"] == "/"


@pytest.mark.parametrize("address", ["/settings/elder", "/settings/theme"])
def test_settings_change_only_by_intent(address):
    assert Client().get(address).status_code == 405
    assert Client(enforce_csrf_checks=True).post(address, {"on": "1"}).status_code == 403


@pytest.mark.parametrize("theme, shown", [("dark", "dark"), ("light", "light"), ("pink", "auto")])
def test_only_known_themes_are_kept(client: Client, theme, shown):
    client.post("/settings/theme", {"theme": theme})
    assert f'data-theme="{shown}"' in client.get("/").content.decode()


def test_language_switch_without_script(client: Client):
    back = client.post("/settings/language", {"language": "en", "next": "/progress"})
    assert back["Location"] == "/progress"
    page = client.get("/progress")
    assert 'lang="en"' in page.content.decode() and page["Content-Language"] == "en"
