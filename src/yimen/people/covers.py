"""
AB角 (HALL-6): who stands in for whom, and from when to when.

set_stand_in() names the B of an A beforehand; begin() and end() are the times in which B acts with A's authority.
What that means for rights is in Staff.granted, so that no check asks again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from yimen.ledger import actions as ledger
from yimen.ledger.actions import SYSTEM, Actor
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import PostCover, Staff, StandIn


class BadStandIn(DomainError):
    """Somebody cannot stand in for a person."""


class CoverRuns(DomainError):
    """The person is covered already, or stands in for somebody himself."""


@transaction.atomic
def set_stand_in(primary_id: UUID, stand_in_id: UUID | None, *, by: Actor, at: datetime) -> StandIn | None:
    """
    Name the B post of somebody, or nobody (None). The same one again changes nothing.

    Raises BadStandIn for himself, another region's person or a closed account; access.NotAllowed.
    """
    primary = _locked(primary_id)
    _require_lead(primary, by)
    known = StandIn.objects.filter(primary=primary).first()
    if (known.stand_in_id if known else None) == stand_in_id:
        return known
    stand_in = _fit(primary, stand_in_id) if stand_in_id else None
    if stand_in is None:
        StandIn.objects.filter(primary=primary).delete()
        found = None
    else:
        found, _made = StandIn.objects.update_or_create(primary=primary, defaults={"stand_in": stand_in, "set_at": at})
    data = {"stand_in": str(stand_in.pk) if stand_in else None}
    ledger.record(primary.ledger_ref, "people.stand_in_set", region=primary.region_id, by=by, at=at, data=data)
    return found


@transaction.atomic
def begin(primary_id: UUID, *, reason: str, by: Actor, at: datetime, stand_in_id: UUID | None = None) -> PostCover:
    """
    Let the B post act with A's authority from now on, by default the one that was set for A.

    A himself begins it with the B that was set; whoever leads, with anybody. Raises BadStandIn when nobody is set or
    fits, CoverRuns when A is covered already or B himself is away.
    """
    primary = _locked(primary_id)
    if stand_in_id is not None:
        _require_lead(primary, by)
    else:
        _require_for(primary, by)
        stand_in_id = StandIn.objects.filter(primary=primary).values_list("stand_in", flat=True).first()
    if stand_in_id is None:
        raise BadStandIn(_("还没有给%(name)s设 B 角。请先在“AB 角”里设好。") % {"name": primary.name})
    stand_in = _fit(primary, stand_in_id)
    running = PostCover.objects.filter(
        Q(primary=primary) | Q(primary=stand_in), region=primary.region_id, until_at=None
    )
    for cover in running:
        away = primary if cover.primary_id == primary.pk else stand_in
        raise CoverRuns(_("%(name)s现在已经由别人顶岗。先结束那一段再设。") % {"name": away.name})
    cover = PostCover.objects.create(
        region_id=primary.region_id, primary=primary, stand_in=stand_in, reason=reason.strip()[:80], from_at=at
    )
    data = {"cover": str(cover.pk), "stand_in": str(stand_in.pk)}
    ledger.record(primary.ledger_ref, "people.cover_begun", region=primary.region_id, by=by, at=at, data=data)
    return cover


@transaction.atomic
def end(cover_id: UUID, *, by: Actor, at: datetime) -> PostCover:
    """
    End a cover: from the next request on B has only his own rights.

    A, B or whoever leads ends it; ending twice is one end.
    """
    cover = PostCover.objects.select_for_update(of=("self",)).select_related("primary", "stand_in").get(pk=cover_id)
    if not (isinstance(by, Staff) and by.pk == cover.stand_in_id):
        _require_for(cover.primary, by)
    if cover.until_at is not None:
        return cover
    cover.until_at = max(at, cover.from_at)
    cover.save(update_fields=["until_at"])
    seconds = int((cover.until_at - cover.from_at).total_seconds())
    data = {"cover": str(cover.pk), "stand_in": str(cover.stand_in_id), "seconds": seconds}
    ledger.record(cover.primary.ledger_ref, "people.cover_ended", region=cover.region_id, by=by, at=at, data=data)
    return cover


def running(region: str) -> QuerySet[PostCover]:
    """Return the covers that run now in a region, the latest first."""
    return (
        PostCover.objects.filter(region=region, until_at=None)
        .select_related("primary__department", "stand_in__department")
        .order_by("-from_at")
    )


def covers_of(staff: Staff) -> list[PostCover]:
    """Return the covers in which somebody is A or B now."""
    return list(running(staff.region_id).filter(Q(primary=staff) | Q(stand_in=staff)))


def stand_in_of(staff: Staff) -> Staff | None:
    """Return the B post that was set for somebody."""
    return Staff.objects.filter(stands_in_for__primary=staff).first()


def led_by(staff: Staff) -> QuerySet[Staff]:
    """Return the people whose B post `staff` may set: of the units he leads, or of the whole region."""
    people = Staff.objects.filter(region_id=staff.region_id, user__is_active=True)
    roles = access.PERMISSIONS["people.cover"]
    departments = {grant.department_id for grant in staff.granted if grant.role in roles}
    if None not in departments:
        people = people.filter(department__in=departments)
    return people.select_related("department", "post", "stand_in__stand_in").order_by("department__name", "number")


def candidates(region: str, exclude: Iterable[UUID] = ()) -> QuerySet[Staff]:
    """Return the people of a region who can stand in."""
    people = Staff.objects.filter(region_id=region, user__is_active=True).exclude(pk__in=list(exclude))
    return people.select_related("department").order_by("department__name", "number")


def _locked(pk: UUID) -> Staff:
    """Two that begin at once queue here."""
    return Staff.objects.select_for_update(of=("self",), no_key=True).select_related("department").get(pk=pk)


def _fit(primary: Staff, pk: UUID) -> Staff:
    found = Staff.objects.filter(region_id=primary.region_id, user__is_active=True, pk=pk).first()
    if found is None or found.pk == primary.pk:
        raise BadStandIn(_("B 角要选本地另一位在岗的同事。"))
    return found


def _require_for(primary: Staff, by: Actor) -> None:
    """Everybody about himself; about others, who leads them."""
    if by is SYSTEM or (isinstance(by, Staff) and by.pk == primary.pk and by.user.is_active):
        return
    _require_lead(primary, by)


def _require_lead(primary: Staff, by: Actor) -> None:
    access.require(by, "people.cover", department=primary.department, region=primary.region_id)
