"""Reads: certificates of a holder, by number or check code, about to expire; what one was on a day."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from django.db.models import F, Q, QuerySet

from yimen.certificates import rules
from yimen.certificates.models import Certificate
from yimen.lib.ids import read_code
from yimen.people import access
from yimen.people.models import Applicant, Staff

State = Certificate.State
LEAST_NAME = 2


def state_on(certificate: Certificate, day: date) -> Certificate.State | None:
    """Return its state on `day`, None before it is in force; reads `changes`, which may be prefetched (CERT-9)."""
    changes = [(change.state, change.from_on) for change in certificate.changes.all()]
    return rules.state_on(certificate.valid_from, certificate.valid_until, changes, day)


def of_holder(holder: Applicant) -> QuerySet[Certificate]:
    """Return every certificate of `holder`, the newest first, with its changes ("my certificates")."""
    found = Certificate.objects.filter(region_id=holder.region_id, holder=holder)
    return found.select_related("item", "department", "replaced_by").prefetch_related("changes").order_by("-issued_at")


def valid_for(applicant: Applicant, on: date) -> list[Certificate]:
    """Return the certificates of `applicant` that are valid on `on`, so that they need not be handed in again."""
    return [one for one in of_holder(applicant) if state_on(one, on) == State.VALID]


def visible_to(staff: Staff) -> QuerySet[Certificate]:
    """Return the certificates `staff` may see: of the departments of his grants, or of the whole region."""
    found = Certificate.objects.filter(region_id=staff.region_id)
    grants = [grant for grant in staff.granted if grant.role in access.PERMISSIONS["certificates.view"]]
    if not grants or not staff.user.is_active:
        return found.none()
    if any(grant.department_id is None for grant in grants):
        return found
    return found.filter(department__in={grant.department_id for grant in grants})


def find(staff: Staff, *, text: str = "", state: str = "", ending_by: date | None = None) -> QuerySet[Certificate]:
    """
    Return what `staff` may see of them, the newest first: by the beginning of a number or of a firm's name. Persons are
    not looked for by name here: it would stand in an address (SEC-19).

    ending_by: only those valid now whose last day is not after it, the first to end first.
    """
    found = visible_to(staff).select_related("item", "department", "holder")
    if text:
        named = Q(number__startswith=text) | Q(case_no=text)
        if len(text) >= LEAST_NAME:
            holders = Applicant.objects.filter(
                region_id=staff.region_id, kind=Applicant.Kind.FIRM, name__startswith=text
            )
            named |= Q(holder__in=holders)
        found = found.filter(named)
    if state:
        found = found.filter(state=state)
    if ending_by is not None:
        return found.filter(state=State.VALID, valid_until__lte=ending_by).order_by("valid_until", "pk")
    return found.order_by("-issued_at", "-pk")


def get_for(staff: Staff, pk: UUID) -> Certificate | None:
    """Return one with its changes; None alike when there is none and when it is not his to see."""
    found = visible_to(staff).select_related("item", "department", "holder", "replaced_by", "replaces")
    return found.prefetch_related("changes__by").filter(pk=pk).first()


def by_number(region: str, number: str) -> Certificate | None:
    found = Certificate.objects.filter(region_id=region, number=number.strip())
    return found.select_related("item", "department", "holder").first()


def by_code(code: str) -> Certificate | None:
    """Return the certificate with this check code, however it was typed (CERT-11)."""
    found = Certificate.objects.filter(verify_code=read_code(code))
    return found.select_related("department", "holder", "region", "sealing__seal").prefetch_related("changes").first()


def of_case(region: str, case_no: str) -> Certificate | None:
    return Certificate.objects.filter(region_id=region, case_no=case_no).first() if case_no else None


def ending(region: str, *, today: date, days: int) -> QuerySet[Certificate]:
    """Return the valid certificates whose last day comes within `days` days, the first to end first (LAW-19)."""
    found = Certificate.objects.filter(
        region_id=region, state=State.VALID, valid_until__range=(today, today + timedelta(days=days))
    )
    return found.select_related("item", "department", "holder").order_by("valid_until", "pk")


def to_note(region: str, *, today: date) -> list[UUID]:
    """Return the certificates whose stored state may be behind: run out, or a change's first day has come."""
    found = Certificate.objects.filter(region_id=region, state__in=[State.VALID, State.LOST])
    run_out = found.filter(valid_until__lt=today).values_list("pk", flat=True)
    due = found.filter(changes__from_on__lte=today).exclude(changes__state=F("state")).values_list("pk", flat=True)
    return list(dict.fromkeys([*run_out, *due]))
