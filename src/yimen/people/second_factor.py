"""Tries at the second factor, counted in the database so that every process counts the same (SEC-53)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from yimen.people import logins
from yimen.people.models import SecondFactorTries, User

# The try is counted before the code is looked at, so that codes sent at once count each; a locked account stays
# locked for the time after the last try that counted, however often somebody knocks.
_COUNT = """
INSERT INTO people_secondfactortries AS tries (user_id, count, last_at) VALUES (%(user)s, 1, %(at)s)
ON CONFLICT (user_id) DO UPDATE SET
    count = CASE WHEN tries.last_at <= %(since)s THEN 1 ELSE LEAST(tries.count + 1, %(most)s + 1) END,
    last_at = CASE WHEN tries.last_at > %(since)s AND tries.count >= %(most)s THEN tries.last_at ELSE %(at)s END
RETURNING count
"""


def begin_try(user: User, *, at: datetime) -> int | None:
    """Count a try at `user`'s code; return how many are left after it, None when it must not be looked at any more."""
    most = settings.AXES_FAILURE_LIMIT
    since = at - timedelta(hours=settings.AXES_COOLOFF_TIME)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"user": user.pk, "at": at, "since": since, "most": most})
        count = int(cursor.fetchone()[0])
    return most - count if count <= most else None


def passed(user: User) -> None:
    """Forget the tries of somebody who gave the right code."""
    SecondFactorTries.objects.filter(user=user).delete()


def failed(user: User, *, at: datetime) -> None:
    """Record a wrong code in the ledger."""
    logins.record_failure(user.username, at=at, stage="second_factor")
