"""Writes: registering applicants, revealing what is masked, granting and ending roles, opening accounts."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib import crypto
from yimen.lib.errors import DomainError
from yimen.people import access, identity
from yimen.people.models import (
    ADMINISTRATORS,
    Applicant,
    Department,
    Post,
    Region,
    Role,
    RoleGrant,
    ServiceCenter,
    Staff,
    User,
)

LEAST_REASON = 4
LONGEST_REASON = 200


class ReasonMissing(DomainError):
    """A masked number is only shown for a stated reason (SEC-19)."""


class AccountTaken(DomainError):
    """The login name or the service number belongs to somebody else."""


class WrongPlace(DomainError):
    """A department, centre or grant of another region, or for whom it is not meant."""


class LastAdministrator(DomainError):
    """Without this person nobody could do an administrator's work any more."""


class RolesApart(DomainError):
    """Administrator roles never meet in one hand (SEC-11, TRAP-9)."""


@transaction.atomic
def register_applicant(
    *,
    region: Region | str,
    kind: str,
    name: str,
    id_number: str,
    phone: str,
    by: Actor,
    at: datetime,
    contact_name: str = "",
    address: str = "",
    is_demo: bool = False,
) -> Applicant:
    """
    Return the applicant with this ID, made or brought up to date; what is left empty stays as it was.

    Raises identity.InvalidIdentity, naming the wrong part, for a number that cannot exist, and
    access.NotAllowed without the right. What changed is in the ledger, not from what to what.
    """
    code = region if isinstance(region, str) else region.pk
    # Staff only: whoever merely knows a number must not change the telephone that opens the progress query.
    access.require(by, "people.register", region=code)
    name = name.strip()
    if not name:
        raise identity.InvalidIdentity(_("请填写申请人的姓名或名称。"))
    id_number, phone = id_number.strip().upper(), identity.check_phone(phone)
    if kind == Applicant.Kind.PERSON:
        identity.check_resident_id(id_number, today=localdate(at))
    else:
        identity.check_credit_code(id_number)
    fields = {
        "name": name,
        "phone_sealed": crypto.seal(phone, "applicant.phone"),
        "phone_index": crypto.blind_index(phone, "applicant.phone"),
        "contact_name": contact_name.strip(),
        "address": address.strip(),
    }
    applicant, is_new = Applicant.objects.select_for_update().get_or_create(
        region_id=code,
        kind=kind,
        id_index=crypto.blind_index(id_number, "applicant.id"),
        defaults={**fields, "id_sealed": crypto.seal(id_number, "applicant.id"), "is_demo": is_demo, "created_at": at},
    )
    changed = []
    if not is_new:
        changed = [
            key for key in ("name", "contact_name", "address") if fields[key] not in ("", getattr(applicant, key))
        ]
        if bytes(applicant.phone_index) != fields["phone_index"]:
            changed += ["phone_sealed", "phone_index"]
        if changed:
            for key in changed:
                setattr(applicant, key, fields[key])
            applicant.save(update_fields=changed)
    if is_new or changed:
        ledger.record(
            f"applicant:{applicant.pk}",
            "people.registered" if is_new else "people.updated",
            region=code,
            by=by,
            at=at,
            data={"kind": kind} if is_new else {"changed": _plainly(changed)},
        )
    return applicant


def _plainly(columns: list[str]) -> list[str]:
    return sorted({"phone" if column.startswith("phone") else column for column in columns})


@transaction.atomic(durable=True)
def reveal(applicant: Applicant, field: str, *, reason: str, by: Staff, at: datetime) -> str:
    """
    Return the ID number ("id") or phone ("phone") in clear; who looked and why goes to the ledger first (SEC-19).

    Its own transaction, committed before the value is returned: a caller cannot undo the row and keep the value.
    Raises ReasonMissing without a reason of at least four characters, access.NotAllowed without the right.
    """
    access.require(by, "people.reveal", region=applicant.region_id)
    if field not in {"id", "phone"}:
        raise DomainError(_("只能查看证件号码或手机号。"))
    if len(reason.strip()) < LEAST_REASON:
        raise ReasonMissing(_("请写明为什么要看，至少 4 个字；这会记入台账。"))
    Applicant.objects.select_for_update().get(pk=applicant.pk)
    ledger.record(
        f"applicant:{applicant.pk}",
        "people.revealed",
        region=applicant.region_id,
        by=by,
        at=at,
        data={"field": field, "reason": reason.strip()[:LONGEST_REASON]},
    )
    sealed = applicant.id_sealed if field == "id" else applicant.phone_sealed
    return crypto.open_sealed(bytes(sealed), f"applicant.{field}")


@transaction.atomic
def open_account(
    *,
    region: Region,
    department: Department,
    number: str,
    name: str,
    username: str,
    password: str | None,
    by: Actor,
    at: datetime,
    center: ServiceCenter | None = None,
    post: Post | None = None,
    must_change_password: bool = True,
) -> Staff:
    """
    Make a staff member with a login. The system administrator opens accounts but grants no roles.

    password: a temporary one, told once; None makes an account nobody can log in to. Raises AccountTaken,
    WrongPlace for a department or centre of another region.
    """
    access.require(by, "people.manage", region=region.pk)
    if department.region_id != region.pk or (center and center.region_id != region.pk):
        raise WrongPlace(_("这个部门或中心不在本地区。"))
    username, number, name = username.strip(), number.strip(), name.strip()
    if not (username and number and name):
        raise AccountTaken(_("请填写姓名、工号和登录名。"))
    if User.objects.filter(username__iexact=username).exists():
        raise AccountTaken(_("登录名 %(name)s 已经有人用了，请换一个。") % {"name": username})
    if Staff.objects.filter(region=region, number=number).exists():
        raise AccountTaken(_("工号 %(number)s 已经有人用了，请换一个。") % {"number": number})
    try:
        with transaction.atomic():
            user = User.objects.create_user(username, password, must_change_password=must_change_password)
            staff = Staff.objects.create(
                user=user, region=region, center=center, department=department, post=post, number=number, name=name
            )
    except IntegrityError:  # somebody else was a moment faster
        raise AccountTaken(_("登录名或工号刚被别人用了，请换一个。")) from None
    ledger.record(f"staff:{staff.pk}", "people.account_opened", region=region.pk, by=by, at=at, data={"number": number})
    return staff


@transaction.atomic
def grant_role(
    staff: Staff, role: Role | str, *, by: Actor, at: datetime, department: Department | None = None
) -> RoleGrant:
    """
    Give `staff` a role, for one department or the whole region.

    Raises RolesApart when an administrator role would meet any other role, or for a grant to oneself,
    WrongPlace for a department of another region, or any department with an administrator role.
    """
    access.require(by, "people.grant", region=staff.region_id)
    if role not in Role.values:
        raise WrongPlace(_("没有这个角色。"))
    if department and (department.region_id != staff.region_id or Role(role) in ADMINISTRATORS):
        raise WrongPlace(_("管理员角色管全地区，不能只给一个部门；别的角色只能给本地区的部门。"))
    staff = Staff.objects.select_for_update().get(pk=staff.pk)
    if isinstance(by, Staff) and by.pk == staff.pk:
        raise RolesApart(_("不能给自己授权，请另一位安全管理员来办。"))
    held = set(staff.grants.filter(ended_at=None).values_list("role", flat=True)) - {Role(role).value}
    if held and (Role(role) in ADMINISTRATORS or held & {admin.value for admin in ADMINISTRATORS}):
        raise RolesApart(_("系统、安全、审计管理员各由一人担任，也不能兼任别的岗位。请先收回原来的角色。"))
    try:
        with transaction.atomic():
            grant = RoleGrant.objects.create(
                staff=staff,
                role=role,
                department=department,
                granted_by=by if isinstance(by, Staff) else None,
                granted_at=at,
            )
    except IntegrityError:
        raise RolesApart(_("他已经有这个角色了。")) from None
    ledger.record(
        f"staff:{staff.pk}",
        "people.role_granted",
        region=staff.region_id,
        by=by,
        at=at,
        data={"role": str(Role(role).value), "department": str(department.pk) if department else None},
    )
    return grant


@transaction.atomic
def end_role(grant: RoleGrant, *, by: Actor, at: datetime) -> None:
    """
    Take a role back; the next request already goes without it.

    Raises LastAdministrator when nobody else who can log in holds this administrator role.
    """
    staff = Staff.objects.select_for_update().get(pk=grant.staff_id)
    access.require(by, "people.grant", region=staff.region_id)
    if grant.ended_at is None:
        _keep_one(staff, [grant.role], by)
    if RoleGrant.objects.filter(pk=grant.pk, ended_at=None).update(ended_at=at):
        data = {"role": grant.role, "department": str(grant.department_id) if grant.department_id else None}
        ledger.record(f"staff:{staff.pk}", "people.role_ended", region=staff.region_id, by=by, at=at, data=data)


@transaction.atomic
def disable_account(staff: Staff, *, by: Actor, at: datetime, reason: str) -> None:
    """
    Shut a login; open sessions end with their next request.

    Raises LastAdministrator for the last holder of an administrator role, RolesApart for one's own account.
    """
    staff = Staff.objects.select_for_update().get(pk=staff.pk)
    access.require(by, "people.manage", region=staff.region_id)
    if isinstance(by, Staff) and by.pk == staff.pk:
        raise RolesApart(_("不能停用自己的账号，请另一位系统管理员来办。"))
    if len(reason.strip()) < LEAST_REASON:
        raise ReasonMissing(_("请写明为什么停用，至少 4 个字；这会记入台账。"))
    _keep_one(staff, [grant.role for grant in staff.granted], by)
    if User.objects.filter(pk=staff.user_id, is_active=True).update(is_active=False):
        data = {"reason": reason.strip()[:LONGEST_REASON]}
        ledger.record(f"staff:{staff.pk}", "people.account_closed", region=staff.region_id, by=by, at=at, data=data)


@transaction.atomic
def renew_password(staff: Staff, password: str, *, by: Actor, at: datetime) -> None:
    """
    Set a temporary password, to be changed at the next login; open sessions end.

    A closed account is not opened by it: raises WrongPlace. Raises RolesApart for one's own account.
    """
    staff = Staff.objects.select_for_update().select_related("user").get(pk=staff.pk)
    access.require(by, "people.manage", region=staff.region_id)
    if isinstance(by, Staff) and by.pk == staff.pk:
        raise RolesApart(_("自己的密码请在“账号安全”里改。"))
    if not staff.user.is_active:
        raise WrongPlace(_("这个账号已经停用。"))
    staff.user.set_password(password)
    staff.user.must_change_password = True
    staff.user.save(update_fields=["password", "must_change_password"])
    ledger.record(f"staff:{staff.pk}", "people.password_renewed", region=staff.region_id, by=by, at=at)


def _keep_one(staff: Staff, roles: list[str], by: Actor) -> None:
    """The platform itself may take the last one away; people may not lock everybody out."""
    for role in {role.value for role in ADMINISTRATORS} & set(roles):
        # All holders are locked, so that two who take each other's role away queue here.
        holders = RoleGrant.objects.select_for_update(of=("self",)).filter(
            role=role, ended_at=None, staff__region_id=staff.region_id, staff__user__is_active=True
        )
        if by is not ledger.SYSTEM and not {grant.staff_id for grant in holders} - {staff.pk}:
            raise LastAdministrator(_("他是最后一位%(role)s，请先安排好接替的人。") % {"role": str(Role(role).label)})
