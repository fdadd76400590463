"""
Who is asking, in one statement: the session, its login, the staff member and the roles that count now (SEC-43).

Nothing of it is kept between requests: a login that is closed, a session that is ended and a role that is taken away
count from the very next request. What is remembered is only whose session a key was, so that the statement can ask for
the login as well; the session that comes back says whether that is still so.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends import db
from django.db import connection
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from yimen.lib.reading import Maker
from yimen.people.models import ADMINISTRATORS, RoleGrant, Staff, User

MOST_REMEMBERED = 20_000
_owners: dict[str, str] = {}

_USER = [str(field.column) for field in User._meta.concrete_fields]
_STAFF = [str(field.column) for field in Staff._meta.concrete_fields]
_GRANT = ("id", "staff_id", "role", "department_id")
# The roles as Staff.granted reads them.
_ASK = f"""
SELECT s.session_data, {", ".join(f"u.{column}" for column in _USER)}, {", ".join(f"p.{column}" for column in _STAFF)},
  (SELECT json_agg(json_build_array({", ".join(f"g.{column}" for column in _GRANT)}))
   FROM people_rolegrant g WHERE g.ended_at IS NULL AND (g.staff_id = p.id OR g.role <> ALL(%s) AND g.staff_id IN (
     SELECT c.primary_id FROM people_postcover c JOIN people_staff a ON a.id = c.primary_id
     JOIN people_user v ON v.id = a.user_id WHERE c.stand_in_id = p.id AND c.until_at IS NULL AND v.is_active)))
FROM django_session s
LEFT JOIN people_user u ON u.id = %s LEFT JOIN people_staff p ON p.user_id = u.id
WHERE s.session_key = %s AND s.expire_date > %s
"""  # noqa: S608 - our own columns
_PEOPLE = [role.value for role in ADMINISTRATORS]


class SessionStore(db.SessionStore):
    """Django's sessions in the database; `owner` is whose it is, as far as one statement tells."""

    owner: User | None = None

    def load(self) -> dict[str, Any]:
        key = self.session_key
        if not key or "\x00" in key:
            self._session_key = None
            return {}
        with connection.cursor() as cursor:
            cursor.execute(_ASK, [_PEOPLE, _owners.get(key), key, timezone.now()])
            row = cursor.fetchone()
        if row is None:
            self._session_key = None
            _owners.pop(key, None)
            return {}
        data: dict[str, Any] = self.decode(row[0])
        if owner := data.get(auth.SESSION_KEY):
            _remember(key, owner)
            self.owner = _login(row[1:], owner)
        return data

    def save(self, must_create: bool = False) -> None:
        super().save(must_create)
        values: dict[str, Any] = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        if owner := values.get(auth.SESSION_KEY):
            _remember(str(self.session_key), owner)


def _remember(key: str, owner: str) -> None:
    if len(_owners) >= MOST_REMEMBERED:
        _owners.clear()
    _owners[key] = owner


def _login(row: tuple[Any, ...], owner: str) -> User | None:
    """The login with its staff member and his roles as they came; None when they are another's."""
    user_values, staff_values, grants = row[: len(_USER)], row[len(_USER) : -1], row[-1]
    user = _made(_MAKE_USER, user_values)
    if user is None or str(user.pk) != owner:
        return None
    staff = _made(_MAKE_STAFF, staff_values)
    if staff is not None:
        user._state.fields_cache["staff"] = staff
        staff._state.fields_cache["user"] = user
        staff.granted = [
            RoleGrant(id=UUID(pk), staff_id=UUID(of), role=role, department_id=UUID(department) if department else None)
            for pk, of, role, department in (json.loads(grants) if isinstance(grants, str) else grants or ())
        ]
        for grant in staff.granted:
            grant._state.adding = False
    return user


_MAKE_USER, _MAKE_STAFF = (
    Maker(model, [field.attname for field in model._meta.concrete_fields]) for model in (User, Staff)
)


def _made(maker: Maker, values: tuple[Any, ...]) -> Any:
    found = maker.made(values)
    return found if found.pk is not None else None


def user_of(request: HttpRequest) -> User | AnonymousUser:
    """Return who is asking. In any doubt Django is asked, which takes the statements it takes and ends bad sessions."""
    session = request.session
    if auth.SESSION_KEY not in session:
        return AnonymousUser()
    owner = getattr(session, "owner", None)
    if (
        isinstance(owner, User)
        and owner.is_active
        and str(owner.pk) == session[auth.SESSION_KEY]
        and session.get(auth.BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS
        and constant_time_compare(session.get(auth.HASH_SESSION_KEY, ""), owner.get_session_auth_hash())
    ):
        return owner
    user: User | AnonymousUser = auth.get_user(request)
    return user
