"""Logins in the ledger: who came in and went out, and what was tried, without a name or an address in clear."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from yimen.ledger import actions as ledger
from yimen.lib import crypto
from yimen.lib.ids import uuid7
from yimen.people.models import Staff, User


def login_index(username: str) -> str:
    """Return what stands in the ledger for a login name that failed, so that tries at one name can be counted."""
    return crypto.blind_index(username.strip().lower(), "login.username").hex()[:24]


def record_login(kind: str, user: User, *, at: datetime) -> None:
    """Record that `user` came in ("people.logged_in") or went out ("people.logged_out")."""
    staff = Staff.objects.filter(user=user).first()
    actor = staff or ledger.Nobody(f"user:{user.pk}")
    with transaction.atomic():
        # Each login is its own stream: somebody may come in at two places at once.
        ledger.record(_stream(), kind, region=staff.region_id if staff else "", by=actor, at=at)


def record_failure(username: str, *, at: datetime, stage: str = "") -> None:
    """Record "people.login_failed". stage: "second_factor" when the password was right and the code was not."""
    with transaction.atomic():
        data = {"login": login_index(username)} | ({"stage": stage} if stage else {})
        ledger.record(_stream(), "people.login_failed", region="", by=ledger.PUBLIC, at=at, data=data)


def connect() -> None:
    user_logged_in.connect(_logged_in, dispatch_uid="people.logged_in")
    user_logged_out.connect(_logged_out, dispatch_uid="people.logged_out")
    user_login_failed.connect(_login_failed, dispatch_uid="people.login_failed")


def _stream() -> str:
    return f"login:{uuid7()}"


def _logged_in(user: User, **kwargs: Any) -> None:
    record_login("people.logged_in", user, at=timezone.now())


def _logged_out(user: User | None, **kwargs: Any) -> None:
    if isinstance(user, User):
        record_login("people.logged_out", user, at=timezone.now())


def _login_failed(credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    record_failure(str(credentials.get("username") or credentials.get("login") or ""), at=timezone.now())
