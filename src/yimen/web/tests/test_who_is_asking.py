"""Who is asking is read in one statement, and counts as it stands at that moment (SEC-43)."""

import pytest
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.messages import success
from django.contrib.messages.storage import default_storage
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from yimen.ledger.actions import SYSTEM
from yimen.people import actions, covers, sessions
from yimen.people.models import ADMINISTRATORS, Role, RoleGrant, Staff, User
from yimen.people.tests.factories import NOW, PASSWORD, make_applicant, make_department, make_staff

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
CASES, LOGIN = reverse("workbench:cases"), reverse("account_login")


@pytest.fixture
def entered():
    """A client of somebody whose session this process has seen before."""

    def enter(staff):
        client = Client()
        client.force_login(staff.user, backend=BACKEND)
        client.get(CASES)
        return client

    return enter


def _is_let_in(client):
    return client.get(CASES).status_code == 200


def _is_sent_to_login(client):
    answer = client.get(CASES)
    return answer.status_code == 302 and answer["Location"].startswith(LOGIN)


def test_session_login_post_and_roles_take_one_statement(entered, django_assert_num_queries, rf):
    client = entered(make_staff(Role.CLERK))
    request = rf.get("/")
    request.session = sessions.SessionStore(client.cookies["yimen_session"].value)
    with django_assert_num_queries(1):
        user = sessions.user_of(request)
        assert [grant.role for grant in user.staff.granted] == [Role.CLERK]
        assert user.staff.user is user and user.staff.role_name == "clerk"


def test_a_process_that_has_not_seen_the_session_lets_the_same_people_in(entered):
    client = entered(make_staff(Role.CLERK))
    sessions._owners.clear()
    assert _is_let_in(client) and _is_let_in(client)


def test_a_closed_account_is_out_at_the_next_request(entered):
    staff = make_staff(Role.CLERK)
    client = entered(staff)
    assert _is_let_in(client)
    actions.disable_account(staff, by=SYSTEM, at=NOW, reason="离职，账号停用")
    assert _is_sent_to_login(client)


def test_an_ended_session_is_out_at_the_next_request(entered):
    client = entered(make_staff(Role.CLERK))
    assert _is_let_in(client)
    Session.objects.filter(session_key=client.cookies["yimen_session"].value).delete()
    assert _is_sent_to_login(client)


def test_a_session_past_its_time_is_out(entered):
    client = entered(make_staff(Role.CLERK))
    Session.objects.update(expire_date=timezone.now())
    assert _is_sent_to_login(client)


def test_a_new_password_ends_the_other_sessions(entered):
    staff = make_staff(Role.CLERK)
    client = entered(staff)
    user = User.objects.get(pk=staff.user_id)
    user.set_password(PASSWORD + "-new")
    user.save()
    assert _is_sent_to_login(client)
    assert not Session.objects.exclude(expire_date__lt=timezone.now()).exists()


def test_a_role_taken_away_and_one_given_count_at_the_next_request(entered):
    staff = make_staff(Role.CLERK)
    client = entered(staff)
    assert _is_let_in(client)
    actions.end_role(staff.grants.get(), by=SYSTEM, at=NOW)
    assert client.get(CASES).status_code == 403
    actions.grant_role(Staff.objects.get(pk=staff.pk), Role.APPROVER, by=SYSTEM, at=NOW)
    assert _is_let_in(client)


def test_a_cover_gives_rights_while_it_runs_and_no_longer(entered):
    department = make_department()
    away, there = make_staff(Role.CLERK, department=department), make_staff(None, department=department)
    client = entered(there)
    assert client.get(CASES).status_code == 403
    cover = covers.begin(away.pk, reason="开会", stand_in_id=there.pk, by=SYSTEM, at=NOW)
    assert _is_let_in(client)
    covers.end(cover.pk, by=SYSTEM, at=NOW)
    assert client.get(CASES).status_code == 403


@pytest.mark.parametrize("roles", [(), (Role.CLERK,), (Role.CLERK, Role.APPROVER), (Role.SYSTEM_ADMIN,)])
@pytest.mark.parametrize("covered", [None, Role.LEADER, Role.SECURITY_ADMIN])
def test_the_roles_are_those_the_model_tells(entered, rf, roles, covered):
    department = make_department()
    staff = make_staff(*(roles or [None]), department=department)
    if covered:
        covers.begin(
            make_staff(covered, department=department).pk, reason="开会", stand_in_id=staff.pk, by=SYSTEM, at=NOW
        )
    request = rf.get("/")
    request.session = sessions.SessionStore(entered(staff).cookies["yimen_session"].value)
    told = {(one.pk, one.staff_id, one.role, one.department_id) for one in sessions.user_of(request).staff.granted}
    plain = Staff.objects.get(pk=staff.pk)
    assert told == {(one.pk, one.staff_id, one.role, one.department_id) for one in plain.granted}
    assert not covered or (covered not in ADMINISTRATORS) == any(one.staff_id != staff.pk for one in plain.granted)
    assert RoleGrant.objects.filter(pk__in={one[0] for one in told}).count() == len(told)


def test_a_session_is_nobody_elses_though_its_key_was_anothers_before(entered, rf):
    """What is remembered of a key only says whom to ask for, never who it is."""
    clerk, other = make_staff(Role.CLERK), make_staff(Role.SYSTEM_ADMIN)
    client = entered(clerk)
    key = client.cookies["yimen_session"].value
    sessions._owners[key] = str(other.user_id)
    request = rf.get("/")
    request.session = sessions.SessionStore(key)
    assert sessions.user_of(request).pk == clerk.user_id


def test_a_forged_hash_is_nobody(entered):
    client = entered(make_staff(Role.CLERK))
    session = sessions.SessionStore(client.cookies["yimen_session"].value)
    session[HASH_SESSION_KEY] = "0" * 64
    session.save()
    assert _is_sent_to_login(client)


def test_a_citizen_with_an_account_is_no_staff(rf):
    applicant = make_applicant()
    applicant.user = User.objects.create_user("citizen-1", PASSWORD)
    applicant.save()
    client = Client()
    client.force_login(applicant.user, backend=BACKEND)
    request = rf.get("/")
    for _twice in range(2):
        request.session = sessions.SessionStore(client.cookies["yimen_session"].value)
        user = sessions.user_of(request)
        assert not hasattr(user, "staff") and user.applicant == applicant


@pytest.mark.parametrize("key", ["", "x" * 32, "\x00" * 32, "x" * 500])
def test_keys_nobody_was_given_are_nobody(key):
    client = Client()
    client.cookies["yimen_session"] = key
    assert client.get(LOGIN).status_code in {200, 400}
    assert client.get(CASES).status_code in {302, 400}


def test_what_is_said_after_an_act_does_not_write_the_session(rf, django_assert_num_queries):
    request = rf.get("/")
    request.session = sessions.SessionStore()
    request._messages = default_storage(request)
    success(request, "收下了。")
    response = HttpResponse()
    with django_assert_num_queries(0):
        request._messages.update(response)
    assert not request.session.modified and response.cookies["messages"]["httponly"]
