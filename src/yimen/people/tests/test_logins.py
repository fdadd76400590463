import pytest
from django.db import connection

from yimen.ledger.models import Event
from yimen.people import actions, logins
from yimen.people.models import Role, User
from yimen.people.tests.factories import NOW, PASSWORD, make_staff

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


def _try(client, username, password=PASSWORD, address="192.0.2.1"):
    return client.post(LOGIN, {"login": username, "password": password}, REMOTE_ADDR=address)


def _kinds():
    return list(Event.objects.filter(stream__startswith="login:").order_by("id").values_list("kind", flat=True))


def test_coming_and_going_are_in_the_ledger(client):
    staff = make_staff(Role.CLERK, username="zhao1")
    assert _try(client, "zhao1").status_code == 302
    client.post("/accounts/logout/")
    rows = Event.objects.filter(stream__startswith="login:").order_by("id")
    assert [(row.kind, row.actor, row.role, row.region) for row in rows] == [
        ("people.logged_in", staff.ledger_ref, "clerk", staff.region_id),
        ("people.logged_out", staff.ledger_ref, "clerk", staff.region_id),
    ]


def test_a_failed_login_leaves_no_name(client):
    _try(client, "Wang.Xiaoming", "some-secret-word")
    event = Event.objects.get(kind="people.login_failed")
    assert event.data == {"login": logins.login_index("wang.xiaoming")}
    with connection.cursor() as cursor, cursor.copy("COPY ledger_event TO STDOUT") as rows:
        text = b"".join(bytes(part) for part in rows).decode()
    assert "xiaoming" not in text.lower()
    assert "secret" not in text
    assert "192.0.2.1" not in text


def test_guessing_locks_one_name_at_one_address_and_nothing_else(client):
    make_staff(username="zhao1"), make_staff(username="qian2")
    for _ in range(5):
        answer = _try(client, "zhao1", "wrong")
    assert answer.status_code == 429
    assert "15 分钟" in answer.content.decode()
    locked = _try(client, "zhao1")
    assert locked.status_code == 429
    assert "_auth_user_id" not in client.session
    assert _try(client, "qian2").status_code == 302
    client.logout()
    assert _try(client, "zhao1", address="192.0.2.2").status_code == 302
    assert _kinds().count("people.login_failed") >= 5


@pytest.mark.parametrize("closed", [False, True])
def test_a_session_ends_when_the_account_is_closed(client, closed):
    staff = make_staff(Role.CLERK, username="zhao1")
    _try(client, "zhao1")
    if closed:
        actions.disable_account(staff, by=make_staff(Role.SYSTEM_ADMIN), at=NOW, reason="调离窗口")
    for _ in range(2):
        assert client.get("/accounts/password/change/").status_code == (302 if closed else 200)
        _try(client, "zhao1")


def test_a_temporary_password_ends_open_sessions(client):
    staff = make_staff(Role.CLERK, username="zhao1")
    _try(client, "zhao1")
    actions.renew_password(staff, "temporary-words", by=make_staff(Role.SYSTEM_ADMIN), at=NOW)
    assert client.get("/accounts/password/change/").status_code == 302
    assert User.objects.get(username="zhao1").must_change_password
