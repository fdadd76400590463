"""Lists only the portal shows."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import QuerySet
from django.utils.dateparse import parse_date

from yimen.cases.models import BundleCase, Case, Notice
from yimen.catalog import queries as catalog
from yimen.catalog.models import ServiceItem
from yimen.certificates import queries as certificates
from yimen.certificates.models import Certificate
from yimen.lib.ids import read_code
from yimen.ratings.models import Invitation

NEAREST = 3
_MOST_TRIES = 6


def _published(region: str) -> QuerySet[ServiceItem]:
    items = ServiceItem.objects.filter(region_id=region, published__isnull=False)
    return items.select_related("department", "published").order_by("name", "pk")


def items_of_themes(region: str, names: tuple[str, ...]) -> QuerySet[ServiceItem]:
    return _published(region).filter(published__themes__overlap=list(names))


def items_of_department(region: str, department: UUID) -> QuerySet[ServiceItem]:
    return _published(region).filter(department_id=department)


def nearest(region: str, text: str) -> list[ServiceItem]:
    """Up to three items that answer a part of what was typed, for when nothing answers all of it."""
    found: dict[UUID, ServiceItem] = {}
    words = "".join(text.split())[:14]
    pieces = [words[i : i + 2] for i in range(0, max(len(words) - 1, 1), 2)]
    for piece in pieces[:_MOST_TRIES]:
        for item in catalog.search(piece, limit=NEAREST, region=region):
            found.setdefault(item.pk, item)
        if len(found) >= NEAREST:
            break
    return list(found.values())[:NEAREST]


def notice_by_code(code: str) -> Notice | None:
    """The document with this check code, however it was typed; None when there is none."""
    return Notice.objects.select_related("case", "case__department").filter(verify_code=read_code(code)).first()


@dataclass(frozen=True)
class Verified:
    """What anybody may know of a certificate (CERT-11): no number of the holder, a person's name masked."""

    certificate: Certificate
    holder: str
    day: date
    state: Certificate.State | None


def certificate_by_code(code: str, on: str, today: date) -> Verified | None:
    """The certificate with this check code and its state on a day, today when none is given; None for no such code."""
    found = certificates.by_code(code)
    if found is None:
        return None
    try:
        day = parse_date(on.strip()) or today
    except ValueError:
        day = today
    return Verified(found, found.holder.masked_name, day, certificates.state_on(found, day))


def bundle_by_code(code: str) -> BundleCase | None:
    """Return the application whose one receipt carries this check code."""
    wanted = read_code(code)
    found = BundleCase.objects.select_related("bundle__lead", "applicant").filter(verify_code=wanted)
    return found.first() if wanted else None


def rating_token(case: Case) -> str:
    """The token to rate this matter, or the visit it was handled in, while nobody has; empty otherwise."""
    asked = Invitation.objects.filter(rating=None).values_list("made_at", "token")
    # Two looks at two indexes: no index answers "of this case or of a ticket of this case".
    found = asked.filter(case=case).union(asked.filter(ticket__case=case))
    return str(max(found, default=("", ""))[1])
