"""Staff log in with our own pages; what we do not offer is not there."""

import re

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.test import Client

from yimen.people.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "four plain words here"


@pytest.fixture
def user() -> User:
    return User.objects.create_user("0316", PASSWORD)


def log_in(client: Client, password: str = PASSWORD):
    return client.post("/accounts/login/", {"login": "0316", "password": password})


@pytest.mark.parametrize(
    "address",
    ["signup/", "email/", "password/set/", "password/reset/", "login/code/confirm/", "confirm-email/", "2fa/webauthn/"],
)
def test_pages_we_do_not_offer_are_not_there(client: Client, user, address):
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get(f"/accounts/{address}").status_code == 404


@pytest.mark.parametrize("password, allowed", [(PASSWORD, True), ("wrong", False)])
def test_login(client: Client, user, password, allowed):
    response = log_in(client, password)
    assert ("_auth_user_id" in client.session) == allowed
    assert response.status_code == (302 if allowed else 200)


def test_five_wrong_passwords_lock_this_computer_out_kindly(client: Client, user):
    for _time in range(5):
        response = log_in(client, "wrong")
    assert response.status_code == 429 and "15 分钟后再试" in response.content.decode()
    assert log_in(client).status_code == 429


def test_first_login_leads_to_a_new_password(client: Client, user):
    user.must_change_password = True
    user.save(update_fields=["must_change_password"])
    assert log_in(client)["Location"] == "/accounts/password/change/"
    fresh = "some other plain words"
    form = {"oldpassword": PASSWORD, "password1": fresh, "password2": fresh}
    assert client.post("/accounts/password/change/", form).status_code == 302
    user.refresh_from_db()
    assert user.check_password(fresh) and not user.must_change_password


def test_two_factors_from_enrolment_to_login(client: Client, user):
    log_in(client)
    confirm = client.get("/accounts/2fa/totp/activate/")["Location"]
    assert "再确认一次是您本人" in client.get(confirm).content.decode()
    page = client.post(confirm, {"password": PASSWORD}, follow=True).content.decode()
    assert 'class="qr"' in page
    assert "data:" not in page and "style=" not in page
    secret = re.search(r'<p class="code">(\w+)</p>', page)[1]
    code = format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))
    assert client.post("/accounts/2fa/totp/activate/", {"code": code}).status_code == 302
    for address in ("", "recovery-codes/", "recovery-codes/generate/", "totp/deactivate/"):
        page = client.get(f"/accounts/2fa/{address}")
        assert page.status_code == 200 and 'data-surface="portal"' in page.content.decode()

    other = Client()
    assert log_in(other)["Location"] == "/accounts/2fa/authenticate/"
    assert "第二步" in other.get("/accounts/2fa/authenticate/").content.decode()
    assert "_auth_user_id" not in other.session


@pytest.mark.parametrize("address", ["login/", "inactive/"])
def test_account_pages_are_ours(client: Client, address):
    page = client.get(f"/accounts/{address}").content.decode()
    assert 'class="top"' in page and '<html lang="zh-Hans" data-surface="portal" data-theme="auto">' in page
