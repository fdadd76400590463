"""A second factor cannot be guessed: five wrong codes, then a wait like after five wrong passwords."""

from datetime import timedelta

import pytest
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.test import Client
from django.utils import timezone

from yimen.ledger.models import Event
from yimen.people import logins, second_factor
from yimen.people.models import SecondFactorTries, User

pytestmark = pytest.mark.django_db
PASSWORD = "four plain words here"
CODE = "/accounts/2fa/authenticate/"


@pytest.fixture
def user() -> User:
    return User.objects.create_user("0316", PASSWORD)


@pytest.fixture
def secret(user: User) -> str:
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    return secret


def right(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time())))))


def at_the_second_step() -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": "0316", "password": PASSWORD})
    return client


def wrong(secret: str) -> str:
    return "000000" if right(secret) != "000000" else "000001"


def test_five_wrong_codes_lock_and_the_right_one_works_after_the_time(user, secret):
    client = at_the_second_step()
    answers = [client.post(CODE, {"code": wrong(secret)}).status_code for _n in range(5)]
    assert answers == [200, 200, 200, 200, 429]
    page = client.post(CODE, {"code": right(secret)})
    assert page.status_code == 429 and "15 分钟后再试" in page.content.decode()
    other = at_the_second_step()
    assert other.post(CODE, {"code": right(secret)}).status_code == 429, "another browser does not begin anew"

    SecondFactorTries.objects.update(last_at=timezone.now() - timedelta(minutes=16))
    assert other.post(CODE, {"code": right(secret)}).status_code == 302
    assert "_auth_user_id" in other.session
    assert not SecondFactorTries.objects.exists()


def test_wrong_codes_are_in_the_ledger_without_a_name(user, secret):
    at_the_second_step().post(CODE, {"code": wrong(secret)})
    event = Event.objects.get(kind="people.login_failed")
    assert event.data == {"login": logins.login_index("0316"), "stage": "second_factor"}


def test_a_right_code_forgets_the_wrong_ones(user, secret):
    client = at_the_second_step()
    for _n in range(4):
        client.post(CODE, {"code": wrong(secret)})
    assert client.post(CODE, {"code": right(secret)}).status_code == 302
    assert second_factor.begin_try(user, at=timezone.now()) == 4


def test_confirming_oneself_again_counts_too(user, secret):
    client = at_the_second_step()
    client.post(CODE, {"code": right(secret)})
    address = "/accounts/2fa/reauthenticate/"
    answers = [client.post(address, {"code": wrong(secret)}).status_code for _n in range(6)]
    assert answers[-2:] == [429, 429]


def test_knocking_at_a_locked_login_does_not_keep_it_locked(user):
    began = timezone.now()
    for _n in range(5):
        second_factor.begin_try(user, at=began)
    for minute in range(1, 15):
        assert second_factor.begin_try(user, at=began + timedelta(minutes=minute)) is None
    assert second_factor.begin_try(user, at=began + timedelta(minutes=15)) == 4


def test_a_form_without_a_code_is_answered_kindly(user, secret):
    assert at_the_second_step().post(CODE, {}).status_code == 200
