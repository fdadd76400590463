"""Reads: applicants by number, accounts by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet

from yimen.lib import crypto
from yimen.people import access, identity
from yimen.people.models import Applicant, RoleGrant, ServiceCenter, Staff


def find_applicant(staff: Staff, kind: str, id_number: str) -> Applicant | None:
    """
    Return the applicant of the staff member's region with this ID or credit code; None when there is none yet.

    Raises access.NotAllowed without the right to register applicants.
    """
    access.require(staff, "people.register")
    index = crypto.blind_index(id_number.strip().upper(), "applicant.id")
    return Applicant.objects.filter(region_id=staff.region_id, kind=kind, id_index=index).first()


def get_applicant_for(staff: Staff, pk: UUID | str) -> Applicant | None:
    """Return the applicant with this id, of the staff member's region; None also without the right to see any."""
    if not (access.allowed(staff, "people.register") or access.allowed(staff, "people.reveal")):
        return None
    return Applicant.objects.filter(region_id=staff.region_id, pk=pk).first()


def find_staff(by: Staff, *, text: str = "", state: str = "") -> QuerySet[Staff]:
    """
    Return the accounts of the reader's region, by service number, each with its grants that are running.

    text: part of a name, or how a service number or login name begins; state: "active", "closed" or empty.
    Raises access.NotAllowed unless `by` manages accounts or grants roles.
    """
    if not access.allowed(by, "people.grant"):
        access.require(by, "people.manage")
    found = _accounts(by)
    if text := text.strip():
        found = found.filter(
            Q(name__icontains=text) | Q(number__istartswith=text) | Q(user__username__istartswith=text)
        )
    if state in {"active", "closed"}:
        found = found.filter(user__is_active=state == "active")
    return found.order_by("number")


def get_staff_for(by: Staff, pk: UUID) -> Staff | None:
    """Return an account of the reader's region; None also without the right to see accounts."""
    if not (access.allowed(by, "people.grant") or access.allowed(by, "people.manage")):
        return None
    return _accounts(by).filter(pk=pk).first()


def _accounts(by: Staff) -> QuerySet[Staff]:
    running = RoleGrant.objects.filter(ended_at=None).select_related("department").order_by("granted_at")
    return (
        Staff.objects.filter(region_id=by.region_id)
        .select_related("user", "department", "post", "center")
        .prefetch_related(Prefetch("grants", queryset=running, to_attr="running"))
    )


def only_region() -> str:
    """Return the code of the region all centres stand in; empty when there is none, or more than one."""
    codes = set(ServiceCenter.objects.values_list("region_id", flat=True))
    return codes.pop() if len(codes) == 1 else ""


def main_center() -> ServiceCenter | None:
    """Return the centre that is nobody's branch, the first of several; None before one is set up."""
    return ServiceCenter.objects.filter(parent=None).order_by("pk").first()


def birth_dates(people: Iterable[Applicant], today: date) -> Iterator[tuple[UUID, date]]:
    """Yield the day each person was born, read from the sealed number, which goes nowhere; others are left out."""
    for one in people:
        try:
            number = crypto.open_sealed(one.id_sealed, "applicant.id")
            yield one.pk, identity.check_resident_id(number, today).birth_on
        except (identity.InvalidIdentity, crypto.SealBroken):
            continue
