"""Every response carries the strict headers; nothing with a session is kept by the browser."""

import pytest
from django.test import Client

from yimen.people.models import User

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("address", ["/", "/nowhere", "/accounts/login/", "/api/v1/openapi.json", "/api/v1/nowhere"])
def test_every_response_has_the_strict_policy(client: Client, address):
    response = client.get(address)
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "data:" not in policy and "*" not in policy
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "camera=()" in response["Permissions-Policy"]


@pytest.mark.parametrize("logged_in, kept", [(False, "private, no-cache"), (True, "no-store")])
def test_pages_seen_with_a_session_are_not_stored(client: Client, logged_in, kept):
    if logged_in:
        client.force_login(User.objects.create_user("clerk", "a long enough one"), backend=ALLAUTH)
    assert client.get("/")["Cache-Control"] == kept


ALLAUTH = "allauth.account.auth_backends.AuthenticationBackend"
