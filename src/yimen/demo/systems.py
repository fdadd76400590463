"""A department's system that spoke to our API for a while and was ended: what the page shows of one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from yimen.exchange import clients
from yimen.ledger.actions import SYSTEM
from yimen.people import actions as people
from yimen.people.models import Role, Staff


def build(staff: Mapping[str, Staff], at: datetime) -> None:
    """Let the market organ's system in and end it, so that no key of the demo opens anything."""
    admin, near = staff["sysadmin"], staff["approver-scjg"]
    account = people.open_account(
        region=near.region,
        department=near.department,
        center=near.center,
        number="9001",
        name="业务系统账号（演示）",
        username="system-scjg",
        password=None,
        by=SYSTEM,
        at=at,
    )
    people.grant_role(account, Role.APPROVER, department=near.department, by=SYSTEM, at=at)
    client, _key = clients.make_client("市场监管业务系统（演示）", account.pk, by=admin, at=at)
    clients.end_client(client.pk, by=admin, at=at + timedelta(minutes=1))
