"""
Citizens' own accounts: signing up, and being believed.

Whoever signs up says who they are, and anybody can say anything. So the number typed makes an applicant that stands
apart: it is never the one a window knows by that number, is not found by it, and shows none of its cases; the answer is
the same whether that number is known here or not. The two become one when a window has compared the paper, or when a
case of theirs is proved (docs/apply-online.md).
"""

from __future__ import annotations

import re
from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib import crypto
from yimen.lib.errors import DomainError
from yimen.lib.ids import read_code, short_code
from yimen.people import access, identity
from yimen.people.actions import AccountTaken
from yimen.people.models import Account, Applicant, Region, Staff, User

CODE_LENGTH = 8
USERNAME = re.compile(r"[\w.@+-]{4,40}")


class BadAccount(DomainError):
    """A login name or password that will not do; field: "username" or "password"."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


class NotTheSame(DomainError):
    """The code or the paper is not that of the account; which of the two is not said."""


@transaction.atomic
def sign_up(
    *,
    region: Region | str,
    kind: str,
    name: str,
    id_number: str,
    phone: str,
    username: str,
    password: str,
    at: datetime,
    is_demo: bool = False,
) -> Account:
    """
    Open an account for somebody who says who they are.

    Raises identity.InvalidIdentity for a number that cannot exist, AccountTaken, BadAccount.
    """
    code = region if isinstance(region, str) else region.pk
    name, id_number, username = name.strip(), id_number.strip().upper(), username.strip()
    if not name:
        raise identity.InvalidIdentity(_("请填写姓名或名称。"))
    phone = identity.check_phone(phone)
    if kind == Applicant.Kind.PERSON:
        identity.check_resident_id(id_number, today=localdate(at))
    else:
        identity.check_credit_code(id_number)
    if not USERNAME.fullmatch(username):
        raise BadAccount("username", _("登录名用 4 到 40 个字母、数字或汉字，可以用手机号，中间不要空格。"))
    if User.objects.filter(username__iexact=username).exists():
        raise AccountTaken(_("登录名 %(name)s 已经有人用了，请换一个。") % {"name": username})
    try:
        validate_password(password, User(username=username))
    except ValidationError as error:
        raise BadAccount("password", " ".join(error.messages)) from error
    try:
        with transaction.atomic():
            user = User.objects.create_user(username, password)
    except IntegrityError:  # somebody else was a moment faster
        raise AccountTaken(_("登录名刚被别人用了，请换一个。")) from None
    applicant = Applicant.objects.create(
        region_id=code,
        kind=kind,
        name=name,
        id_sealed=crypto.seal(id_number, "applicant.id"),
        # Of this account alone: whoever looks a number up at the window does not meet what somebody only says.
        id_index=crypto.blind_index(f"{user.pk}:{id_number}", "applicant.id.declared"),
        phone_sealed=crypto.seal(phone, "applicant.phone"),
        phone_index=crypto.blind_index(phone, "applicant.phone"),
        user=user,
        is_demo=is_demo,
        created_at=at,
    )
    account = Account.objects.create(
        user=user,
        region_id=code,
        applicant=applicant,
        declared_index=crypto.blind_index(id_number, "applicant.id"),
        check_code=short_code(CODE_LENGTH),
        made_at=at,
    )
    _record(account, "people.signed_up", by=applicant, at=at, data={"kind": kind})
    return account


@transaction.atomic
def confirm(code: str, id_number: str, *, by: Staff, at: datetime) -> tuple[Account, Applicant]:
    """
    Believe an account after comparing the paper: `code` as its owner shows it, the number as the paper says.

    Returns the account and the applicant it had before; see link(). Raises NotTheSame alike for an unknown code and
    another number, access.NotAllowed.
    """
    access.require(by, "people.register", region=by.region_id)
    index = crypto.blind_index(id_number.strip().upper(), "applicant.id")
    accounts = Account.objects.select_for_update(of=("self",)).select_related("applicant", "user")
    account = accounts.filter(region_id=by.region_id, check_code=read_code(code)).first()
    if account is None or bytes(account.declared_index) != index:
        raise NotTheSame(_("确认码或证件号码对不上。请看申请人手机上的确认码，再对照证件填一次。"))
    before = account.applicant
    return link(account, by=by, at=at, how="window"), before


def link(account: Account, *, by: Actor, at: datetime, how: str) -> Account:
    """
    Make the account that of the applicant known by its number, or make its applicant known by it; call it inside the
    act that proved it, with the account locked. What the account's applicant had of his own goes along.
    """
    mine = account.applicant
    known = (
        Applicant.objects.select_for_update(of=("self",))
        .filter(region_id=account.region_id, kind=mine.kind, id_index=account.declared_index)
        .first()
    )
    if account.level == Account.Level.CHECKED and known is not None and known.pk == mine.pk:
        return account
    mine = Applicant.objects.select_for_update(of=("self",)).get(pk=mine.pk)
    if known is None:
        mine.id_index = bytes(account.declared_index)
        mine.save(update_fields=["id_index"])
    elif known.pk != mine.pk:
        if known.user_id is not None:
            raise NotTheSame(_("这位申请人已经有一个账户了，请用那个账户登录；忘了密码请到窗口找人帮忙。"))
        mine.user = None
        mine.save(update_fields=["user"])
        known.user_id = account.user_id
        known.save(update_fields=["user"])
        account.applicant = known
        account.save(update_fields=["applicant"])
        _hand_over(mine, known)
    account.level, account.checked_at = Account.Level.CHECKED, at
    account.checked_by = by if isinstance(by, Staff) else None
    account.check_code = short_code(CODE_LENGTH)
    account.save(update_fields=["level", "checked_at", "checked_by", "check_code"])
    data = {"how": how, "was": str(mine.pk)} if account.applicant_id != mine.pk else {"how": how}
    _record(account, "people.account_checked", by=by, at=at, data=data)
    return account


def _hand_over(mine: Applicant, known: Applicant) -> None:
    """What belonged to the one belongs to the other now; where both have the same (an opt-out), each keeps its own."""
    for relation in Applicant._meta.related_objects:
        field = relation.field
        if relation.related_model is Account or not isinstance(field, models.ForeignKey):
            continue
        rows = relation.related_model._default_manager.filter(**{field.name: mine.pk})
        try:
            with transaction.atomic():
                rows.update(**{field.name: known.pk})
        except IntegrityError:
            continue


def account_of(user: User) -> Account | None:
    """Return the account of a citizen's login with its applicant; None for staff."""
    return Account.objects.select_related("applicant").filter(user=user).first()


def _record(account: Account, kind: str, *, by: Actor, at: datetime, data: dict[str, str]) -> None:
    stream = f"account:{account.pk}"
    ledger.record(stream, kind, region=account.region_id, by=by, at=at, data=data)
