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


class ReasonMissing(DomainError):
    """A masked number is only shown for a stated reason (SEC-19)."""


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
    Return the applicant with this ID, made or brought up to date (name, phone).

    Raises identity.InvalidIdentity, naming the wrong part, for a number that cannot exist.
    """
    if isinstance(by, Staff):
        access.require(by, "people.register")
    code = region if isinstance(region, str) else region.pk
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
    changed = ["phone"] if not is_new and not applicant.phone_ends_with(phone[-4:]) else []
    if not is_new:
        changed += [
            key for key in ("name", "contact_name", "address") if fields[key] and getattr(applicant, key) != fields[key]
        ]
        if changed:
            for key, value in fields.items():
                setattr(applicant, key, value)
            applicant.save(update_fields=list(fields))
    if is_new or changed:
        ledger.record(
            f"applicant:{applicant.pk}",
            "people.registered" if is_new else "people.updated",
            region=code,
            by=by,
            at=at,
            data={"kind": kind} if is_new else {"changed": changed},
        )
    return applicant


@transaction.atomic
def reveal(applicant: Applicant, field: str, *, reason: str, by: Staff, at: datetime) -> str:
    """
    Return the ID number ("id") or phone ("phone") in clear; who looked and why goes to the ledger first (SEC-19).

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
        data={"field": field, "reason": reason.strip()},
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
    """Make a staff member with a login. The system administrator opens accounts but grants no roles."""
    access.require(by, "people.manage", region=region.pk)
    user = User.objects.create_user(username, password, must_change_password=must_change_password)
    staff = Staff.objects.create(
        user=user, region=region, center=center, department=department, post=post, number=number, name=name
    )
    ledger.record(f"staff:{staff.pk}", "people.account_opened", region=region.pk, by=by, at=at, data={"number": number})
    return staff


@transaction.atomic
def grant_role(
    staff: Staff, role: Role | str, *, by: Actor, at: datetime, department: Department | None = None
) -> RoleGrant:
    """
    Give `staff` a role, for one department or the whole region.

    Raises RolesApart when an administrator role would meet any other role, or for a grant to oneself.
    """
    access.require(by, "people.grant", region=staff.region_id)
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
    """Take a role back; the next request already goes without it."""
    access.require(by, "people.grant", region=grant.staff.region_id)
    if RoleGrant.objects.filter(pk=grant.pk, ended_at=None).update(ended_at=at):
        ledger.record(
            f"staff:{grant.staff_id}",
            "people.role_ended",
            region=grant.staff.region_id,
            by=by,
            at=at,
            data={"role": grant.role},
        )


@transaction.atomic
def disable_account(staff: Staff, *, by: Actor, at: datetime, reason: str) -> None:
    """Shut a login; open sessions end with their next request."""
    access.require(by, "people.manage", region=staff.region_id)
    if User.objects.filter(pk=staff.user_id, is_active=True).update(is_active=False):
        ledger.record(
            f"staff:{staff.pk}", "people.account_closed", region=staff.region_id, by=by, at=at, data={"reason": reason}
        )
