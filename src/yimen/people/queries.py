"""Reads: an applicant by number."""

from __future__ import annotations

from yimen.lib import crypto
from yimen.people import access
from yimen.people.models import Applicant, Staff


def find_applicant(staff: Staff, kind: str, id_number: str) -> Applicant | None:
    """
    Return the applicant of the staff member's region with this ID or credit code; None when there is none yet.

    Raises access.NotAllowed without the right to register applicants.
    """
    access.require(staff, "people.register")
    index = crypto.blind_index(id_number.strip().upper(), "applicant.id")
    return Applicant.objects.filter(region_id=staff.region_id, kind=kind, id_index=index).first()


def get_applicant_for(staff: Staff, pk: str) -> Applicant | None:
    """Return the applicant with this id, of the staff member's region."""
    access.require(staff, "people.register")
    return Applicant.objects.filter(region_id=staff.region_id, pk=pk).first()
