"""What an applicant has handed in before, or holds, and need not bring again (LAW-22, SC716 7)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from yimen.cases.models import Case, CaseMaterial
from yimen.catalog import queries as catalog
from yimen.catalog.models import ItemMaterial
from yimen.certificates import queries as certificates
from yimen.lib.workdays import LOCAL_ZONE, add_months
from yimen.people.models import Applicant

# For how many months a material handed in serves again; how long a paper stays true is for the place to say.
REUSE_MONTHS, REUSE_MONTHS_KEY = 12, "material_reuse_months"


def earlier_materials(case: Case, on: date) -> Mapping[str, Sequence[CaseMaterial]]:
    """
    Return what the applicant of `case` handed in complete with other cases and that still serves on the day `on`, by
    the material's name, the newest first. Never what itself was only taken over, so that nothing lives on for ever.
    """
    months = catalog.local_rule(case.region_id, REUSE_MONTHS_KEY, on, default=REUSE_MONTHS)
    found: dict[str, list[CaseMaterial]] = defaultdict(list)
    if not months:
        return found
    rows = (
        CaseMaterial.objects.filter(
            case__region_id=case.region_id,
            case__applicant=case.applicant_id,
            state=CaseMaterial.State.COMPLETE,
            reused_from=None,
            certificate_no="",
        )
        .exclude(case=case.pk)
        .exclude(material__source=ItemMaterial.Source.SHARED)
        .exclude(case__status__in=[Case.Status.DECLINED])
        .select_related("material", "case")
        .order_by("-case__received_at")
    )
    for row in rows:
        handed_on = row.case.received_at.astimezone(LOCAL_ZONE).date()
        if on <= add_months(handed_on, months):
            found[row.material.name].append(row)
    return found


def certificates_for(applicant: Applicant, on: date) -> Mapping[str, Sequence[str]]:
    """Return the numbers of the applicant's certificates valid on `on`, by the name a material list calls them."""
    found: dict[str, list[str]] = defaultdict(list)
    for one in certificates.valid_for(applicant, on):
        found[one.name].append(one.number)
    return found
