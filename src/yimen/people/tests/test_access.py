import re
from contextlib import nullcontext
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yimen.ledger.actions import PUBLIC, SYSTEM
from yimen.ledger.models import Event
from yimen.people import access, actions
from yimen.people.access import PERMISSIONS, NotAllowed, allowed
from yimen.people.actions import LastAdministrator, ReasonMissing, RolesApart, WrongPlace
from yimen.people.models import ADMINISTRATORS, Role, RoleGrant, Staff
from yimen.people.tests.factories import (
    NOW,
    make_applicant,
    make_department,
    make_region,
    make_staff,
    outsider,
)

pytestmark = pytest.mark.django_db


def test_the_documentation_lists_every_permission_and_its_holders():
    text = (Path(__file__).parents[4] / "docs" / "permissions.md").read_text()
    rows = re.findall(r"^\| `([a-z]+\.[a-z_]+)` \| ([^|]+) \|", text, re.MULTILINE)
    documented = {name: {holder.strip() for holder in holders.split(",")} for name, holders in rows}
    assert documented == {name: {role.value for role in roles} for name, roles in PERMISSIONS.items()}


@pytest.mark.parametrize("case, expected", [("own", True), ("other", False), ("elsewhere", False), ("none", True)])
def test_a_grant_for_a_department_counts_there(case, expected):
    clerk = make_staff(Role.CLERK)
    department = {
        "own": clerk.department,
        "other": make_department(),
        "elsewhere": make_department(make_region("440000")),
        "none": None,
    }[case]
    assert allowed(clerk, "cases.accept", department=department) is expected


def test_a_grant_for_the_region_counts_in_all_its_departments_and_nowhere_else():
    leader = make_staff(Role.LEADER, for_region=True)
    assert allowed(leader, "cases.decide", department=make_department())
    elsewhere = make_department(make_region("440000"))
    assert not allowed(leader, "cases.decide", department=elsewhere)
    assert not allowed(leader, "cases.decide", region="440000")
    assert not allowed(leader, "cases.decide", department=elsewhere, region=leader.region_id)


def test_only_staff_and_the_platform_itself_may_do_anything():
    for permission in PERMISSIONS:
        assert allowed(SYSTEM, permission)
        assert not allowed(PUBLIC, permission)
        assert not allowed(outsider(), permission)


def test_a_refusal_says_who_can():
    with pytest.raises(NotAllowed, match="审批人员"):
        access.require(outsider(), "cases.decide", department=make_department(name="住建局（演示）"))


def _fresh(staff: Staff) -> Staff:
    return Staff.objects.get(pk=staff.pk)


def test_a_closed_account_and_an_ended_role_count_from_the_next_request():
    clerk, other = make_staff(Role.CLERK), make_staff(Role.CLERK)
    actions.disable_account(clerk, by=make_staff(Role.SYSTEM_ADMIN), at=NOW, reason="调离窗口")
    actions.end_role(other.grants.get(), by=make_staff(Role.SECURITY_ADMIN), at=NOW)
    for staff in (clerk, other):
        assert not allowed(_fresh(staff), "cases.accept", department=staff.department)


@pytest.mark.parametrize("role", ADMINISTRATORS)
def test_an_administrator_sees_no_case_and_no_number(role):
    administrator, applicant = make_staff(role), make_applicant()
    held = set(access.permissions_of(administrator))
    assert not any(name.startswith(("cases.", "hall.", "insight.")) for name in held)
    assert not held & {"people.register", "people.reveal"}
    for field in ("id", "phone"):
        with pytest.raises(NotAllowed):
            actions.reveal(applicant, field, reason="核对来电人身份", by=administrator, at=NOW)
    assert not Event.objects.filter(kind="people.revealed").exists()


@pytest.mark.parametrize("permission", ["people.manage", "people.grant", "ledger.read"])
def test_each_administrator_does_what_the_others_cannot(permission):
    assert sum(allowed(make_staff(role), permission) for role in ADMINISTRATORS) == 1


roles = st.sampled_from(list(Role))
steps = st.lists(st.tuples(st.sampled_from(["grant", "end"]), st.integers(0, 1), roles, st.booleans()), max_size=12)


@given(steps=steps)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_no_sequence_of_grants_puts_two_administrators_in_one_hand(db, steps):
    with transaction.atomic():
        staff = [make_staff(None), make_staff(None)]
        by = make_staff(Role.SECURITY_ADMIN)
        for verb, who, role, whole in steps:
            try:
                if verb == "grant":
                    department = None if whole else staff[who].department
                    actions.grant_role(staff[who], role, department=department, by=by, at=NOW)
                elif grant := staff[who].grants.filter(role=role, ended_at=None).first():
                    actions.end_role(grant, by=by, at=NOW)
            except (RolesApart, WrongPlace, LastAdministrator):
                pass
            for one in staff:
                held = list(one.grants.filter(ended_at=None).values_list("role", flat=True))
                if set(held) & set(ADMINISTRATORS):
                    assert len(held) == 1
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    "first, second, together",
    [
        (Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, False),
        (Role.AUDIT_ADMIN, Role.CLERK, False),
        (Role.CLERK, Role.SYSTEM_ADMIN, False),
        (Role.CLERK, Role.GUIDE, True),
    ],
)
def test_the_database_alone_keeps_administrators_apart(first, second, together):
    staff = make_staff(None)
    RoleGrant.objects.create(staff=staff, role=first, granted_at=NOW)
    with nullcontext() if together else pytest.raises(IntegrityError), transaction.atomic():
        RoleGrant.objects.create(staff=staff, role=second, granted_at=NOW)
    RoleGrant.objects.filter(staff=staff, role=first).update(ended_at=NOW)
    with transaction.atomic():
        RoleGrant.objects.get_or_create(staff=staff, role=second, ended_at=None, defaults={"granted_at": NOW})


def test_nobody_grants_himself_a_role():
    security = make_staff(Role.SECURITY_ADMIN)
    other = make_staff(None)
    with pytest.raises(RolesApart):
        actions.grant_role(security, Role.CLERK, by=security, at=NOW)
    actions.grant_role(other, Role.CLERK, by=security, at=NOW)
    assert allowed(_fresh(other), "cases.accept")


@pytest.mark.parametrize("role", [role for role in Role if role != Role.SECURITY_ADMIN])
def test_only_the_security_administrator_grants(role):
    with pytest.raises(NotAllowed):
        actions.grant_role(make_staff(None), Role.CLERK, by=make_staff(role), at=NOW)


def test_an_administrator_role_is_for_the_whole_region():
    staff = make_staff(None)
    with pytest.raises(WrongPlace):
        actions.grant_role(staff, Role.AUDIT_ADMIN, department=staff.department, by=SYSTEM, at=NOW)
    with pytest.raises(WrongPlace):
        actions.grant_role(staff, Role.CLERK, department=make_department(make_region("440000")), by=SYSTEM, at=NOW)


def test_the_last_administrator_stays():
    system, security = make_staff(Role.SYSTEM_ADMIN), make_staff(Role.SECURITY_ADMIN)
    auditor = make_staff(Role.AUDIT_ADMIN)
    with pytest.raises(LastAdministrator):
        actions.end_role(auditor.grants.get(), by=security, at=NOW)
    with pytest.raises(LastAdministrator):
        actions.disable_account(auditor, by=system, at=NOW, reason="不再任职")
    make_staff(Role.AUDIT_ADMIN)
    actions.disable_account(auditor, by=system, at=NOW, reason="不再任职")
    with pytest.raises(RolesApart):
        actions.disable_account(system, by=system, at=NOW, reason="不再任职")
    with pytest.raises(ReasonMissing):
        actions.disable_account(make_staff(None), by=system, at=NOW, reason="")


def test_accounts_grants_and_their_ends_are_in_the_ledger():
    system, security = make_staff(Role.SYSTEM_ADMIN), make_staff(Role.SECURITY_ADMIN)
    department = make_department()
    staff = actions.open_account(
        region=department.region, department=department, number="0417", name="赵一（演示）", username="zhao1",
        password="temporary-1", by=system, at=NOW,
    )  # fmt: skip
    assert staff.user.must_change_password
    grant = actions.grant_role(staff, Role.CLERK, department=department, by=security, at=NOW)
    actions.end_role(grant, by=security, at=NOW)
    actions.renew_password(staff, "temporary-2", by=system, at=NOW)
    actions.disable_account(staff, by=system, at=NOW, reason="调离窗口")
    rows = Event.objects.filter(stream=f"staff:{staff.pk}").order_by("seq").values_list("kind", "actor", "role")
    assert [kind for kind, _actor, _role in rows] == [
        "people.account_opened",
        "people.role_granted",
        "people.role_ended",
        "people.password_renewed",
        "people.account_closed",
    ]
    assert {(actor, role) for _kind, actor, role in rows} == {
        (system.ledger_ref, "system_admin"),
        (security.ledger_ref, "security_admin"),
    }
    assert "赵一" not in str(list(Event.objects.values_list("data", flat=True)))


@pytest.mark.parametrize("taken", [{"username": "ZHAO1", "number": "0418"}, {"username": "zhao2", "number": "0417"}])
def test_login_names_and_service_numbers_are_given_once(taken):
    department = make_department()
    account = {"region": department.region, "department": department, "name": "赵一（演示）", "password": "temporary-1"}
    actions.open_account(**account, username="zhao1", number="0417", by=SYSTEM, at=NOW)
    with pytest.raises(actions.AccountTaken):
        actions.open_account(**account, **taken, by=SYSTEM, at=NOW)
