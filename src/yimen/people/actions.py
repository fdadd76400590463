"""Writes: places and posts, applicants, what is masked, roles and accounts."""

from __future__ import annotations

import re
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib import crypto
from yimen.lib.errors import DomainError
from yimen.lib.ids import short_code
from yimen.people import access, identity, reasons
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
TEMPORARY_LENGTH = 12


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


class PlaceTaken(DomainError):
    """Another region, centre, department or post has this code or name."""


class PlaceIncomplete(DomainError):
    """A place lacks what the pages and papers show of it, or its code has the wrong form."""


@transaction.atomic
def open_region(code: str, name: str, *, by: Actor, at: datetime, parent: Region | None = None) -> Region:
    """
    Add a region by its code of GB/T 2260 (6, 9 or 12 digits). Staff open only those below their own.

    Raises PlaceTaken, PlaceIncomplete, access.NotAllowed.
    """
    access.require(by, "people.manage", region=parent.pk if parent else code)
    code, name = code.strip(), name.strip()
    if not re.fullmatch("[0-9]{6}([0-9]{3}){0,2}", code):
        raise PlaceIncomplete(_("区划代码是 6、9 或 12 位数字。"))
    if not name:
        raise PlaceIncomplete(_("请填写地区名称。"))
    if Region.objects.filter(pk=code).exists():
        raise PlaceTaken(_("区划 %(code)s 已经有了。") % {"code": code})
    region = Region.objects.create(code=code, name=name, parent=parent)
    data = {"name": name, "parent": parent.pk if parent else None}
    ledger.record(f"region:{code}", "people.region_opened", region=code, by=by, at=at, data=data)
    return region


@transaction.atomic
def open_center(
    *,
    region: Region,
    code: str,
    letters: str,
    name: str,
    address: str,
    hours: str,
    phone: str,
    by: Actor,
    at: datetime,
    motto: str = "",
    parent: ServiceCenter | None = None,
    is_demo: bool = False,
) -> ServiceCenter:
    """
    Add a centre, or with `parent` its branch (分中心).

    letters: one to four capitals that begin the numbers citizens read. Raises PlaceTaken, PlaceIncomplete, and
    WrongPlace for a parent of another region.
    """
    access.require(by, "people.manage", region=region.pk)
    if parent and parent.region_id != region.pk:
        raise WrongPlace(_("这个部门或中心不在本地区。"))
    code, letters, name = _code(code), letters.strip().upper(), name.strip()
    if not re.fullmatch("[A-Z]{1,4}", letters):
        raise PlaceIncomplete(_("编号开头是 1 到 4 个英文字母，例如 QH。"))
    address, hours, phone = address.strip(), hours.strip(), phone.strip()
    if not (name and address and hours and phone):
        raise PlaceIncomplete(_("请填写中心的名称、地址、办公时间和电话，门户和文书上都要用。"))
    _lock(region)
    same = ServiceCenter.objects.filter(region=region)
    if same.filter(code=code).exists():
        raise PlaceTaken(_("代号 %(code)s 已经有中心在用，请换一个。") % {"code": code})
    if same.filter(letters=letters).exists():
        raise PlaceTaken(_("编号开头 %(letters)s 已经有中心在用，请换一个。") % {"letters": letters})
    center = ServiceCenter.objects.create(
        region=region,
        parent=parent,
        code=code,
        letters=letters,
        name=name,
        motto=motto.strip(),
        address=address,
        hours=hours,
        phone=phone,
        is_demo=is_demo,
    )
    data = {"name": name, "letters": letters, "parent": str(parent.pk) if parent else None}
    ledger.record(f"center:{center.pk}", "people.center_opened", region=region.pk, by=by, at=at, data=data)
    return center


@transaction.atomic
def open_department(
    *,
    region: Region,
    code: str,
    name: str,
    by: Actor,
    at: datetime,
    short_name: str = "",
    uscc: str = "",
    phone: str = "",
    is_resident: bool = False,
    is_bureau: bool = False,
) -> Department:
    """
    Add an organ in whose name decisions are made. uscc: its credit code, checked when given.

    Raises PlaceTaken, PlaceIncomplete, identity.InvalidIdentity.
    """
    access.require(by, "people.manage", region=region.pk)
    code, name, uscc = _code(code), name.strip(), uscc.strip().upper()
    if not name:
        raise PlaceIncomplete(_("请填写部门名称。"))
    if uscc:
        identity.check_credit_code(uscc)
    _lock(region)
    same = Department.objects.filter(region=region)
    if same.filter(code=code).exists():
        raise PlaceTaken(_("代号 %(code)s 已经有部门在用，请换一个。") % {"code": code})
    if same.filter(name=name).exists():
        raise PlaceTaken(_("已经有“%(name)s”了。") % {"name": name})
    department = Department.objects.create(
        region=region,
        code=code,
        name=name,
        short_name=short_name.strip(),
        uscc=uscc,
        phone=phone.strip(),
        is_resident=is_resident,
        is_bureau=is_bureau,
    )
    data = {"name": name, "code": code}
    ledger.record(f"department:{department.pk}", "people.department_opened", region=region.pk, by=by, at=at, data=data)
    return department


@transaction.atomic
def open_post(department: Department, name: str, *, by: Actor, at: datetime, duties: str = "") -> Post:
    """Add a post (岗位) to a department. Raises PlaceTaken, PlaceIncomplete."""
    access.require(by, "people.manage", region=department.region_id)
    name = name.strip()
    if not name:
        raise PlaceIncomplete(_("请填写岗位名称。"))
    # One after the other: the row of the ledger goes to the department's stream.
    Department.objects.select_for_update(no_key=True).get(pk=department.pk)
    if Post.objects.filter(department=department, name=name).exists():
        raise PlaceTaken(_("%(department)s已经有“%(name)s”这个岗位。") % {"department": department.name, "name": name})
    post = Post.objects.create(department=department, name=name, duties=duties.strip())
    data = {"post": str(post.pk), "name": name}
    ledger.record(
        f"department:{department.pk}", "people.post_opened", region=department.region_id, by=by, at=at, data=data
    )
    return post


def _lock(region: Region) -> None:
    """Two who add the same code queue here; the second then sees the first one's."""
    Region.objects.select_for_update(no_key=True).get(pk=region.pk)


def _code(text: str) -> str:
    code = text.strip().lower()
    if not re.fullmatch("[a-z0-9][a-z0-9_-]{0,19}", code):
        raise PlaceIncomplete(_("代号用小写字母、数字和横线，最多 20 个，例如 scjg。"))
    return code


def temporary_password() -> str:
    """Return 60 random bits, in groups that can be read out over a counter."""
    code = short_code(TEMPORARY_LENGTH).lower()
    return "-".join(code[start : start + 4] for start in range(0, TEMPORARY_LENGTH, 4))


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
    stream, kind, region = f"applicant:{applicant.pk}", "people.revealed", applicant.region_id
    said = reasons.keep(stream, kind, reason.strip()[:LONGEST_REASON], region=region, by=by, at=at)
    ledger.record(stream, kind, region=region, by=by, at=at, data={"field": field} | said)
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
        stream, kind, region = f"staff:{staff.pk}", "people.account_closed", staff.region_id
        said = reasons.keep(stream, kind, reason.strip()[:LONGEST_REASON], region=region, by=by, at=at)
        ledger.record(stream, kind, region=region, by=by, at=at, data=said)


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
