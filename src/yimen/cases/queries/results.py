"""What stands in the way of a decision, queues of limited places, bars, renewals about to lapse, fees by month."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.utils.timezone import localdate

from yimen.cases.models import Bar, Case, Correction, FeeSlip, Notice, Quota, Recusal, Renewal
from yimen.cases.queries.clocks import answer_due, answer_from, waits_for_applicant
from yimen.cases.rules import results as rules
from yimen.catalog import queries as catalog
from yimen.catalog.models import ItemVersion, LocalRule, ServiceItem
from yimen.catalog.models.items import SECRET
from yimen.catalog.queries import powers
from yimen.certificates import queries as certificates
from yimen.certificates.models import Certificate
from yimen.ledger.models import Event
from yimen.lib.workdays import LOCAL_ZONE
from yimen.people.models import Applicant, Staff

PUBLIC_SAFETY = "public_safety:"
PUBLICITY_DAYS = 7  # 双公示, working days [GKU]
# A value of the dictionary "result_type" (catalog.rules.codelists).
CERTIFICATE = "证照"
_RENEWABLE = frozenset({Certificate.State.VALID, Certificate.State.LOST, Certificate.State.EXPIRED})


# -- decisions --------------------------------------------------------------------------------------------------------


def is_recused(case: Case, staff: Staff) -> bool:
    """Tell whether `staff` stepped aside from this case, or was made to (SUP-11)."""
    return Recusal.objects.filter(case=case, staff=staff, is_granted=True).exists()


def public_decisions(region: str, *, text: str = "") -> QuerySet[Notice]:
    """
    Return the documents of granted licences, the newest first (LAW-18), by words of the item, number or name.

    Only licences: what the state gives a person (给付) is his own affair. A firm's name is looked for from
    its beginning. What was revoked is no longer among them, what touches a secret or privacy never was.
    """
    revoked = Notice.objects.filter(case=OuterRef("case"), kind=Notice.Kind.REVOCATION)
    found = Notice.objects.filter(
        ~Exists(revoked),
        region_id=region,
        kind=Notice.Kind.DECISION,
        case__outcome=Case.Outcome.GRANTED,
        case__item__item_type="01",
    ).exclude(case__version__extended__contains={SECRET: True})
    found = found.select_related("case__version", "case__department", "case__applicant", "publicity")
    if text:
        items = ServiceItem.objects.filter(region_id=region, name__icontains=text)
        firms = Applicant.objects.filter(region_id=region, kind=Applicant.Kind.FIRM, name__startswith=text)
        found = found.filter(Q(number=text) | Q(case__item__in=items) | Q(case__applicant__in=firms))
    return found.order_by("-issued_at", "-pk")


def grants_certificate(case: Case) -> bool:
    """Tell whether a grant of this item is a certificate (审批结果类型 证照), with or without a step for it."""
    return case.version.result_type == CERTIFICATE


def has_certificate(case: Case) -> bool:
    """Tell whether a certificate was made for the case."""
    return certificates.of_case(case.region_id, case.case_no) is not None


def to_publish(region: str, *, since: date, until: date) -> list[tuple[Notice, date]]:
    """Return the licences granted in these days, each with the last day to upload it (双公示, seven working days)."""
    begin, end = (datetime.combine(day, time(), LOCAL_ZONE) for day in (since, until + timedelta(days=1)))
    return with_last_day(public_decisions(region).filter(issued_at__gte=begin, issued_at__lt=end).order_by("issued_at"))


def publicity(region: str, *, today: date, is_uploaded: bool) -> QuerySet[Notice]:
    """
    Return the licences granted within a year that wait to be uploaded, the oldest first, none left out for its age; or
    those of the last thirty days that were, the newest first (双公示).
    """
    days = timedelta(days=30 if is_uploaded else 366)
    since = datetime.combine(today - days, time(), LOCAL_ZONE)
    found = public_decisions(region).filter(issued_at__gte=since, publicity__isnull=not is_uploaded)
    return found if is_uploaded else found.order_by("issued_at", "pk")


def with_last_day(notices: Iterable[Notice]) -> list[tuple[Notice, date]]:
    """Return each decision with the last day to upload it (双公示, seven working days)."""
    calendar = catalog.work_calendar()
    return [
        (notice, calendar.due(notice.issued_at.astimezone(LOCAL_ZONE).date(), PUBLICITY_DAYS).on) for notice in notices
    ]


# -- limited places ---------------------------------------------------------------------------------------------------


def quota_of(item_id: UUID, day: date) -> QuerySet[Quota]:
    """Return how many of the item may be granted to cases accepted on `day`; at most one row."""
    running = Q(ends_on=None) | Q(ends_on__gte=day)
    return Quota.objects.filter(running, item_id=item_id, effective_on__lte=day).order_by("-effective_on")


def placed(quota: Quota) -> QuerySet[Case]:
    """Return the cases that stand in the queue of this quota, in no order."""
    begin = datetime.combine(quota.effective_on, time(), LOCAL_ZONE)
    found = Case.objects.filter(
        region_id=quota.region_id, item_id=quota.item_id, quota_place__isnull=False, accepted_at__gte=begin
    )
    if quota.ends_on:
        found = found.filter(accepted_at__lt=datetime.combine(quota.ends_on + timedelta(days=1), time(), LOCAL_ZONE))
    # A later quota of the same item begins a queue of its own.
    later = Quota.objects.filter(item_id=quota.item_id, effective_on__gt=quota.effective_on).order_by("effective_on")
    next_on = later.values_list("effective_on", flat=True).first()
    return found.filter(accepted_at__lt=datetime.combine(next_on, time(), LOCAL_ZONE)) if next_on else found


def granted_count(quota: Quota) -> int:
    """Return how many places are given; one whose decision was revoked is free again."""
    revoked = Notice.objects.filter(case=OuterRef("pk"), kind=Notice.Kind.REVOCATION)
    granted = placed(quota).filter(~Exists(revoked), outcome=Case.Outcome.GRANTED)
    renewals = granted.filter(renewal__isnull=False)
    if not renewals.exists():
        return granted.count()
    # Who renews keeps his place: one place, however often.
    return granted.exclude(pk__in=_renewed_by(renewals).values("pk")).count()


def places(cases: Iterable[Case]) -> list[rules.Place]:
    """Return them as the rule reads them."""
    return [
        rules.Place(
            case=case.pk,
            accepted_at=case.accepted_at,
            number=case.quota_place,
            outcome=case.outcome,
            is_out=case.status == Case.Status.WITHDRAWN,
        )
        for case in cases
        if case.accepted_at is not None and case.quota_place is not None
    ]


def queue(quota: Quota) -> list[Case]:
    """Return the queue in the order the law wants it worked through."""
    cases = {case.pk: case for case in placed(quota).select_related("applicant", "version")}
    return [cases[place.case] for place in rules.in_order(places(cases.values()))]


def quotas(region: str) -> QuerySet[Quota]:
    found = Quota.objects.filter(region_id=region).select_related("item", "item__department")
    return found.order_by("item__name", "-effective_on")


# -- bars -------------------------------------------------------------------------------------------------------------


def bar_on(applicant_id: UUID, item_id: UUID, day: date) -> Bar | None:
    """Return the bar that keeps this applicant from this item on `day`, the one that lasts longest (LAW-27)."""
    return bars_on(applicant_id, item_id, day).first()


def bars_on(applicant_id: Any, item_id: Any, day: Any) -> QuerySet[Bar]:
    found = Bar.objects.filter(
        Q(item_id=item_id) | Q(item=None),
        applicant_id=applicant_id,
        lifted_at=None,
        from_on__lte=day,
        until_on__gte=day,
    )
    return found.order_by("-until_on")


def bars(region: str, *, running_on: date | None = None) -> QuerySet[Bar]:
    """Return the list of bars, the newest first; running_on: only those that stand then."""
    found = Bar.objects.filter(region_id=region).select_related("applicant", "item", "case", "set_by", "lifted_by")
    if running_on is not None:
        found = found.filter(lifted_at=None, from_on__lte=running_on, until_on__gte=running_on)
    return found.order_by("-set_at")


def is_public_safety(item: ServiceItem, day: date) -> bool:
    """
    Tell whether the item concerns public safety, health or life and property directly (LAL 78, 79) on `day`.

    A dated local rule "public_safety:<item id>", 1 or 0, set by actions.flag_public_safety.
    """
    return bool(catalog.local_rule(item.region_id, f"{PUBLIC_SAFETY}{item.pk}", day, default=0))


def public_safety_items(region: str, day: date) -> list[ServiceItem]:
    """Return the items flagged so on `day`, by name."""
    rules_of = LocalRule.objects.filter(region_id=region, key__startswith=PUBLIC_SAFETY, effective_on__lte=day)
    last = {rule.key.removeprefix(PUBLIC_SAFETY): rule.value for rule in rules_of.order_by("effective_on")}
    ids = [key for key, value in last.items() if value]
    return list(ServiceItem.objects.filter(region_id=region, pk__in=ids).select_related("department").order_by("name"))


# -- renewals ---------------------------------------------------------------------------------------------------------


def is_same_item(certificate: Certificate, case: Case) -> bool:
    """Tell whether the case is about the item the certificate was issued for, or the one that item was merged into."""
    if certificate.item_id == case.item_id:
        return True
    return ItemVersion.objects.filter(item=case.item_id, merged_from__item=certificate.item_id).exists()


def is_same_unit(certificate: Certificate, case: Case) -> bool:
    """Tell whether the unit that decides the case issued the certificate, or took the item over from who did."""
    if certificate.department_id == case.department_id:
        return True
    return powers.was_handed_over(certificate.item_id, case.region_id, by=certificate.department_id)


def lapsed_renewals(region: str, *, today: date) -> list[UUID]:
    """
    Return the cases whose renewal may count as granted by lapse of time (LAW-19), the oldest first; has_lapsed() tells.

    Only what was asked for in time: from receipt on, unless a correction is still with the applicant.
    """
    waits_for_papers = Correction.objects.filter(case=OuterRef("case"), answered_at=None)
    undecided = Q(case__status=Case.Status.ACCEPTED) | (
        Q(case__status=Case.Status.RECEIVED) & ~Exists(waits_for_papers)
    )
    found = Renewal.objects.filter(undecided, region_id=region, deemed_at=None, is_late=False, expires_on__lt=today)
    return list(found.order_by("expires_on", "pk").values_list("case_id", flat=True))


def has_lapsed(renewal: Renewal, case: Case, day: date) -> bool:
    """
    Tell whether the law has granted a renewal that nobody decided (LAW-19).

    Not when it was asked for late, when the certificate has ended meanwhile otherwise than by its day, or when every
    limited place is given or waited for by others before (LAW-20): then somebody has to decide.
    """
    if renewal.deemed_at is not None or renewal.is_late or renewal.expires_on >= day:
        return False
    if case.status == Case.Status.RECEIVED:
        if Correction.objects.filter(case=case, answered_at=None).exists():
            return False
    elif case.status != Case.Status.ACCEPTED:
        return False
    return may_be_renewed(renewal, day) and has_place(case, day)


def may_be_renewed(renewal: Renewal, day: date) -> bool:
    """Tell whether the certificate of a renewal still stands on `day`, or has only run out."""
    certificate = certificates.by_number(renewal.region_id, renewal.certificate_no)
    if certificate is None or certificate.replaced_by_id is not None:
        return False
    return certificates.state_on(certificate, day) in _RENEWABLE


def has_place(case: Case, day: date) -> bool:
    """Tell whether a limited place is left for `case` once all who stand before it on `day` got theirs (LAW-20)."""
    accepted_at = case.accepted_at or answer_from(case)
    quota = quota_of(case.item_id, localdate(accepted_at)).first()
    if quota is None or keeps_place(case, quota):
        return True
    before = placed(quota).filter(status=Case.Status.ACCEPTED, accepted_at__lt=accepted_at).exclude(pk=case.pk).count()
    before += len(accepted_by_law(quota, before=accepted_at, day=day, besides=case.pk))
    return granted_count(quota) + before < quota.number


def keeps_place(case: Case, quota: Quota) -> bool:
    """Tell whether `case` renews what was granted under this very quota: it needs no place besides that one."""
    return placed(quota).filter(pk__in=_renewed_by([case.pk]), outcome=Case.Outcome.GRANTED).exists()


def _renewed_by(cases: Iterable[UUID] | QuerySet[Case]) -> QuerySet[Case]:
    """Return the cases whose certificates `cases` renew."""
    renewals = Renewal.objects.filter(case__in=cases)
    issued = Certificate.objects.filter(
        region_id__in=renewals.values("region"), number__in=renewals.values("certificate_no")
    )
    return Case.objects.filter(region_id__in=renewals.values("region"), case_no__in=issued.values("case_no"))


def accepted_by_law(quota: Quota, *, before: datetime, day: date, besides: UUID | None = None) -> list[UUID]:
    """
    Return the cases the law had accepted under `quota` before that moment though no job has noted it yet (LAW-5).

    day: today; a case is accepted as of when its materials were there once five working days went by unanswered.
    """
    begin = datetime.combine(quota.effective_on, time(), LOCAL_ZONE)
    waiting = Case.objects.filter(
        region_id=quota.region_id, item_id=quota.item_id, status=Case.Status.RECEIVED, received_at__lt=before
    ).select_related("correction")
    calendar = catalog.work_calendar()
    return [
        case.pk
        for case in waiting
        if case.pk != besides
        and not waits_for_applicant(case)
        and begin <= answer_from(case) < before
        and day > answer_due(case, calendar)
    ]


def open_renewal(region: str, certificate_no: str) -> Renewal | None:
    """Return the renewal of this certificate that is not decided yet."""
    return Renewal.objects.filter(
        region_id=region, certificate_no=certificate_no, case__status__in=[Case.Status.RECEIVED, Case.Status.ACCEPTED]
    ).first()


# -- fees -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FeeLine:
    """What one published fee of an item brought in one month. basis: the law it stands on; money in yuan."""

    month: date
    department: str
    item: str
    fee: str
    basis: str
    count: int
    paid: Decimal
    refunded: Decimal

    @property
    def net(self) -> Decimal:
        return self.paid - self.refunded


_NOTHING = Decimal("0.00")


def fee_lines(region: str, *, since: date, until: date, department: UUID | None = None) -> list[FeeLine]:
    """
    Return the fees paid from the month of `since` to that of `until`, a line per month, organ, item, fee and basis,
    in one statement. A refund counts in the month of the payment.
    """
    begin = datetime.combine(since.replace(day=1), time(), LOCAL_ZONE)
    end = datetime.combine(_next_month(until), time(), LOCAL_ZONE)
    found = FeeSlip.objects.filter(
        region_id=region, paid_at__gte=begin, paid_at__lt=end, state__in=[FeeSlip.State.PAID, FeeSlip.State.REFUNDED]
    )
    if department is not None:
        found = found.filter(case__department_id=department)
    rows = (
        found.values(
            "basis",
            month=TruncMonth("paid_at", tzinfo=LOCAL_ZONE),
            department=F("case__department__name"),
            item=F("case__item__name"),
            name=F("fee__name"),
        )
        .annotate(count=Count("pk"), paid=Sum("amount"), refunded=Sum("amount", filter=Q(state=FeeSlip.State.REFUNDED)))
        .order_by("-month", "department", "item", "name", "basis")
    )
    return [
        FeeLine(
            month=row["month"].date(),
            department=row["department"],
            item=row["item"],
            fee=row["name"],
            basis=row["basis"],
            count=row["count"],
            paid=row["paid"],
            refunded=row["refunded"] or _NOTHING,
        )
        for row in rows
    ]


# A month counts as a jump above so many times the median of the months before it [GKU].
FEE_FACTOR_KEY, FEE_FACTOR = "fee_alarm_factor", 3


def fee_factor(region: str, day: date) -> int:
    """Return above how many times the usual a month's fees are marked (S1-60); a dated local rule."""
    return catalog.local_rule(region, FEE_FACTOR_KEY, day, default=FEE_FACTOR)


@dataclass(frozen=True)
class FeeMonth:
    """A month's total. usual: the median of the months before, None while there are fewer than three."""

    month: date
    total: Decimal
    count: int
    usual: Decimal | None
    has_jumped: bool


def fee_months(lines: Iterable[FeeLine], *, since: date, until: date, factor: int) -> list[FeeMonth]:
    """Return every month from `since` to `until`, the newest first; a month without fees counts as nought."""
    totals: dict[date, Decimal] = {}
    counts: dict[date, int] = {}
    month = since.replace(day=1)
    while month <= until:
        totals[month], counts[month] = _NOTHING, 0
        month = _next_month(month)
    for line in lines:
        if line.month in totals:
            totals[line.month] += line.net
            counts[line.month] += line.count
    found, earlier = [], list[Decimal]()
    for month, total in totals.items():
        usual = rules.usual(earlier)
        found.append(FeeMonth(month, total, counts[month], usual, rules.jumped(total, earlier, factor)))
        # The months before anything was ever charged say nothing about what is usual.
        if earlier or total:
            earlier.append(total)
    return found[::-1]


def fee_stream(month: date) -> str:
    return f"fees:{month:%Y-%m}"


def noted_fee_jumps(region: str, today: date) -> dict[date, FeeMonth]:
    """Return what actions.note_fee_jumps() left of this month and the last, by month; one statement, however many."""
    this = today.replace(day=1)
    last = (this - timedelta(days=1)).replace(day=1)
    rows = Event.objects.filter(region=region, stream__in=[fee_stream(this), fee_stream(last)])
    said = {row.stream: row.data for row in rows}
    return {
        month: FeeMonth(month, Decimal(data["total"]), 0, Decimal(data["usual"]), True)
        for month in (this, last)
        if (data := said.get(fee_stream(month))) is not None
    }


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def due_fees(case: Case) -> QuerySet[FeeSlip]:
    return FeeSlip.objects.filter(case=case, state=FeeSlip.State.DUE)
