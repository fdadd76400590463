"""Departments' own systems (S2-14): their keys, what they may see, what changed since they last asked."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases.models import Case, Task
from yimen.exchange.models import ApiClient
from yimen.ledger import actions as ledger
from yimen.ledger.followers import horizon
from yimen.ledger.models import Event
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import ADMINISTRATORS, Staff

BEGINS = "ym_"
SHOWN = 9
MOST_CHANGES = 500


class BadClient(DomainError):
    """Such a client cannot be made."""


class BadCursor(DomainError):
    """A position that is none of ours."""


def is_machine(staff: Staff) -> bool:
    """
    Tell whether a system may act in the name of `staff`: an account no person uses.

    It is opened like any other and given its roles by the security administrator, but nobody has ever logged in with
    it; so a system administrator cannot act under the name of a living person (SEC-11).
    """
    return (
        staff.user.is_active
        and staff.user.must_change_password
        and not any(grant.role in ADMINISTRATORS for grant in staff.granted)
    )


@transaction.atomic
def make_client(
    name: str, staff_id: UUID, *, by: Staff, at: datetime, expires_on: date | None = None
) -> tuple[ApiClient, str]:
    """
    Let a department's system in; return it and its key, which is kept nowhere and cannot be shown again.

    The account gets a password nobody knows. Raises BadClient: the name is taken, the account is a person's or an
    administrator's, the last day is over. access.NotAllowed.
    """
    access.require(by, "exchange.manage")
    name = name.strip()
    if not name or len(name) > 80:
        raise BadClient(_("请写系统的名称，最多 80 个字。"))
    if expires_on is not None and expires_on < localdate(at):
        raise BadClient(_("有效期不能早于今天。"))
    staff = Staff.objects.select_for_update(of=("self",)).select_related("user").get(pk=staff_id, region=by.region_id)
    if not is_machine(staff):
        raise BadClient(
            _("这个账号有人登录过，或者是管理员。请为系统单独开一个账号，由安全管理员给它岗位，再来这里选它。")
        )
    if ApiClient.objects.filter(region_id=by.region_id, name=name, ended_at=None).exists():
        raise BadClient(_("已经有一个叫“%(name)s”的系统，请换个名称，或者先停用它。") % {"name": name})
    staff.user.set_unusable_password()
    staff.user.save(update_fields=["password"])
    key = BEGINS + secrets.token_urlsafe(32)
    client = ApiClient.objects.create(
        region_id=by.region_id,
        name=name,
        staff=staff,
        key_sha256=_hash(key),
        key_begins=key[:SHOWN],
        made_at=at,
        made_by=by,
        expires_on=expires_on,
    )
    record(client, "exchange.client_made", by=by, at=at, data={"staff": str(staff.pk)})
    return client, key


@transaction.atomic
def end_client(client_id: UUID, *, by: Staff, at: datetime) -> ApiClient:
    """End a key and its webhooks at once; ending again changes nothing. Raises access.NotAllowed."""
    access.require(by, "exchange.manage")
    client = ApiClient.objects.select_for_update(of=("self",)).get(pk=client_id, region=by.region_id)
    if client.ended_at is None:
        client.ended_at = at
        client.save(update_fields=["ended_at"])
        client.webhooks.filter(ended_at=None).update(ended_at=at)
        record(client, "exchange.client_ended", by=by, at=at, data={})
    return client


def client_by_key(key: str, *, at: datetime) -> ApiClient | None:
    """Return whose key this is; None alike for none of ours, ended or over, and an account closed or a person's."""
    client = ApiClient.objects.select_related("staff__user", "staff__region").filter(key_sha256=_hash(key)).first()
    if client is None or not is_live(client, at):
        return None
    ApiClient.objects.filter(pk=client.pk).exclude(last_used_on=localdate(at)).update(last_used_on=localdate(at))
    return client


def is_live(client: ApiClient, at: datetime) -> bool:
    """Tell whether the key counts now; its last day counts whole."""
    is_over = client.expires_on is not None and client.expires_on < localdate(at)
    return client.ended_at is None and not is_over and is_machine(client.staff)


def record(client: ApiClient, kind: str, *, by: ledger.Actor, at: datetime, data: dict[str, Any]) -> None:
    ledger.record(f"client:{client.pk}", kind, region=client.region_id, by=by, at=at, data=data)


def visible(staff: Staff, ids: Collection[UUID]) -> dict[UUID, Case]:
    """Return those of these cases `staff` may see, in one statement, by the rule of cases.queries.get_case_for()."""
    departments = {grant.department_id for grant in staff.granted if grant.role in access.PERMISSIONS["cases.view"]}
    if not departments or not staff.user.is_active or not ids:
        return {}
    step = Task.objects.filter(case=OuterRef("pk"))
    if None in departments:
        may = Q(region=staff.region_id) | Exists(step.filter(department__region=staff.region_id))
    else:
        may = Q(region=staff.region_id, department__in=departments) | Exists(step.filter(department__in=departments))
    cases = Case.objects.filter(may, pk__in=ids).select_related("item", "department")
    return {case.pk: case for case in cases}


@dataclass(frozen=True)
class Changes:
    """rows: (ledger row, its case), oldest first; cursor: where to go on; more: there is more right now."""

    rows: list[tuple[Event, Case]]
    cursor: str
    more: bool


def changes(staff: Staff, cursor: str, *, limit: int = MOST_CHANGES) -> Changes:
    """
    Return what happened to cases `staff` may see after `cursor` ("": from the beginning). Raises BadCursor.

    Looks at `limit` rows of the ledger and no more, so a page may be empty and there may be more all the same. Rows
    come in the order of commitment, so none is ever skipped.
    """
    tx, last = _position(cursor)
    before = horizon()
    query = (
        "SELECT * FROM ledger_event WHERE (tx, id) > (%s, %s) AND tx < %s AND stream LIKE 'case:%%'"
        " ORDER BY tx, id LIMIT %s"
    )
    events = list(Event.objects.raw(query, [tx, last, before, limit]))
    cases = visible(staff, {case_id(event) for event in events})
    rows = [(event, cases[pk]) for event in events if (pk := case_id(event)) in cases]
    if events:
        tx, last = events[-1].tx, events[-1].pk
    return Changes(rows, f"{tx}.{last}", len(events) == limit)


def case_id(event: Event) -> UUID:
    return UUID(event.stream.removeprefix("case:"))


def _position(cursor: str) -> tuple[int, int]:
    if not cursor:
        return 0, 0
    if not re.fullmatch(r"\d{1,18}\.\d{1,18}", cursor):
        raise BadCursor(_("这个位置看不懂，请用上一次回答里的 cursor，原样送来。"))
    tx, last = cursor.split(".")
    return int(tx), int(last)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def clients_of(region: str) -> list[ApiClient]:
    """Return the clients of a region, those that live first, with their accounts and webhooks."""
    clients = ApiClient.objects.filter(region_id=region).select_related("staff__department", "staff__user")
    return sorted(clients.prefetch_related("webhooks"), key=lambda client: (client.ended_at is not None, client.name))


def free_accounts(region: str) -> list[Staff]:
    """Return the accounts a system may be given: no person uses them and they hold some role."""
    staff = Staff.objects.filter(region_id=region, user__is_active=True, user__must_change_password=True)
    staff = staff.filter(grants__ended_at=None, grants__isnull=False).exclude(
        grants__role__in=[role.value for role in ADMINISTRATORS]
    )
    return list(staff.distinct().select_related("department").order_by("number"))


__all__ = [
    "MOST_CHANGES",
    "BadClient",
    "BadCursor",
    "Changes",
    "case_id",
    "changes",
    "client_by_key",
    "clients_of",
    "end_client",
    "free_accounts",
    "is_live",
    "is_machine",
    "make_client",
    "record",
    "visible",
]
