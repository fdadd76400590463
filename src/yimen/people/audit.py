"""Reading the ledger as a whole: for the audit administrator alone, and each export is a row of it itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.timezone import make_aware
from django.utils.translation import gettext as _

from yimen.ledger import actions as ledger
from yimen.ledger.models import Event, Seal
from yimen.lib.errors import DomainError
from yimen.lib.ids import uuid7
from yimen.people import access
from yimen.people.models import Staff

MOST_EXPORTED = 50_000
NATION = "000000"  # where the work calendar is recorded
IMPORTED = "imported"  # where other systems' event logs stand (exchange)
# One row for each kind there is, without reading the others.
_KINDS = """
WITH RECURSIVE found AS (
    (SELECT kind FROM ledger_event WHERE region = %(region)s ORDER BY kind LIMIT 1)
    UNION ALL
    SELECT (SELECT kind FROM ledger_event WHERE region = %(region)s AND kind > found.kind ORDER BY kind LIMIT 1)
    FROM found WHERE found.kind IS NOT NULL
)
SELECT kind FROM found WHERE kind IS NOT NULL
"""


class TooMany(DomainError):
    """More rows than one file should hold."""


@dataclass(frozen=True)
class Wanted:
    """
    Which rows: kind exactly; actor a service number, or a ledger reference like "system"; stream how it begins;
    both days included, local. Empty means any.
    """

    kind: str = ""
    actor: str = ""
    stream: str = ""
    begins_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True)
class Health:
    """
    seal: the newest seal; unsealed_count: rows after it; checked: the newest "ledger.verified" row, whose data
    says intact, rows, seals and, when not intact, the first fault.
    """

    seal: Seal | None
    unsealed_count: int
    checked: Event | None


def rows(by: Staff, wanted: Wanted) -> QuerySet[Event]:
    """
    Return the rows of the reader's region and of those that are everybody's: no region (logins, checks), the nation
    (the work calendar), imported logs; newest first.

    Raises access.NotAllowed without the right.
    """
    access.require(by, "ledger.read")
    found = Event.objects.filter(region__in=_regions(by))
    if wanted.kind:
        found = found.filter(kind=wanted.kind)
    if wanted.stream:
        found = found.filter(stream__startswith=wanted.stream)
    if wanted.actor:
        staff = Staff.objects.filter(region_id=by.region_id, number=wanted.actor).first()
        found = found.filter(actor=staff.ledger_ref if staff else wanted.actor)
    if wanted.begins_on:
        found = found.filter(at__gte=make_aware(datetime.combine(wanted.begins_on, time())))
    if wanted.ends_on:
        found = found.filter(at__lt=make_aware(datetime.combine(wanted.ends_on + timedelta(days=1), time())))
    return found.order_by("-id")


@transaction.atomic
def export(by: Staff, wanted: Wanted, *, at: datetime) -> list[Event]:
    """
    Return the rows for a file, oldest first; who took how many of which goes to the ledger first.

    Raises TooMany above MOST_EXPORTED, access.NotAllowed without the right.
    """
    found = list(rows(by, wanted)[: MOST_EXPORTED + 1])
    if len(found) > MOST_EXPORTED:
        raise TooMany(_("超过 %(most)d 条，一个文件放不下。请把日期选短一些。") % {"most": MOST_EXPORTED})
    filters = {key: str(value) for key, value in asdict(wanted).items() if value}
    ledger.record(
        f"export:{uuid7()}",
        "ledger.exported",
        region=by.region_id,
        by=by,
        at=at,
        data={"count": len(found), "filters": filters},
    )
    return found[::-1]


def kinds(by: Staff) -> list[str]:
    """Return the kinds of rows there are for the reader."""
    access.require(by, "ledger.read")
    with connection.cursor() as cursor:
        found: set[str] = set()
        for region in _regions(by):
            cursor.execute(_KINDS, {"region": region})
            found |= {kind for (kind,) in cursor}
    return sorted(found)


def health(by: Staff) -> Health:
    """Tell how far the ledger is sealed and what the last check found."""
    access.require(by, "ledger.read")
    seal = Seal.objects.order_by("-pk").first()
    with connection.cursor() as cursor:
        place = [seal.tx, seal.last_id] if seal else [0, 0]
        cursor.execute("SELECT count(*) FROM ledger_event WHERE (tx, id) > (%s, %s)", place)
        unsealed = int(cursor.fetchone()[0])
    return Health(seal, unsealed, Event.objects.filter(region="", kind="ledger.verified").order_by("-at").first())


def names_of(by: Staff, events: Iterable[Event]) -> dict[str, str]:
    """Return how the staff among the actors are called, by ledger reference."""
    access.require(by, "ledger.read")
    references = {event.actor.removeprefix("staff:") for event in events if event.actor.startswith("staff:")}
    found = Staff.objects.filter(pk__in=[pk for pk in references if _is_id(pk)])
    return {staff.ledger_ref: str(staff) for staff in found}


def _regions(by: Staff) -> list[str]:
    return [by.region_id, "", NATION, IMPORTED]


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
