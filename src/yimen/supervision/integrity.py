"""
廉政风险点 (SUP-10): checks over what cases did, read only. A hit is no proof of anything: it says where to look.

Checks the data cannot answer yet are not here; those the platform makes impossible are listed as such, so that a
reader knows nobody forgot them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import ExtractHour, TruncDate
from django.utils.functional import Promise
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.cases import queries as cases
from yimen.cases.models import Case, ClockStop, FeeSlip, Task
from yimen.cases.rules.results import fits_standard
from yimen.catalog import queries as catalog
from yimen.catalog.models import CaseType, FlowStep
from yimen.ledger.models import Event
from yimen.lib.dates import short_day
from yimen.lib.workdays import LOCAL_ZONE
from yimen.people.models import Staff
from yimen.supervision.queries import cases_for

MOST = 50
OPENS, CLOSES = 8, 19
LEAST_STOPS = 2
SOON_AGAIN = 30


@dataclass(frozen=True)
class Hit:
    """A case and why it is shown. staff: who acted, where that is what matters."""

    case: Case
    why: str
    staff: Staff | None = None


@dataclass(frozen=True)
class Check:
    """One risk: its rule in words and where it comes from; find is empty where the platform makes it impossible."""

    key: str
    name: str | Promise
    rule: str | Promise
    basis: str
    find: Callable[[QuerySet[Case], datetime], Iterator[Hit]] | None = None


@dataclass(frozen=True)
class Result:
    check: Check
    hits: list[Hit]
    is_cut: bool


def _same_person(seen: QuerySet[Case], since: datetime) -> Iterator[Hit]:
    tasks = (
        Task.objects.filter(
            case__in=seen, kind=FlowStep.Kind.DECIDE, done_at__gte=since, done_by=F("case__accepted_by")
        )
        .exclude(case__case_type=CaseType.IMMEDIATE)
        .select_related("case__version", "done_by")
        .order_by("-done_at")
    )
    for task in tasks[: MOST + 1]:
        yield Hit(task.case, _("受理和决定是同一个人。"), task.done_by)


def _reviewed_and_decided(seen: QuerySet[Case], since: datetime) -> Iterator[Hit]:
    examined = Task.objects.filter(
        case=OuterRef("case"), done_by=OuterRef("done_by"), kind__in=[FlowStep.Kind.REVIEW, FlowStep.Kind.VISIT]
    )
    tasks = (
        Task.objects.filter(Exists(examined), case__in=seen, kind=FlowStep.Kind.DECIDE, done_at__gte=since)
        .exclude(case__case_type=CaseType.IMMEDIATE)
        .select_related("case__version", "done_by")
        .order_by("-done_at")
    )
    for task in tasks[: MOST + 1]:
        yield Hit(task.case, _("审查和决定是同一个人。"), task.done_by)


def _of_ledger(kind: str, why: Callable[[], str]) -> Callable[[QuerySet[Case], datetime], Iterator[Hit]]:
    def find(seen: QuerySet[Case], since: datetime) -> Iterator[Hit]:
        regions = seen.order_by().values_list("region", flat=True).distinct()[:1]
        rows = Event.objects.filter(region__in=list(regions), kind=kind, at__gte=since).order_by("-at")[: MOST + 1]
        events = [(UUID(row.stream.partition(":")[2]), row) for row in rows]
        by_id = {case.pk: case for case in seen.filter(pk__in=[pk for pk, _row in events]).select_related("version")}
        actors = {row.actor.partition(":")[2] for _pk, row in events if row.actor.startswith("staff:")}
        staff = {f"staff:{one.pk}": one for one in Staff.objects.filter(pk__in=actors)}
        for pk, row in events:
            if pk in by_id:
                yield Hit(by_id[pk], why(), staff.get(row.actor))

    return find


def _stops(seen: QuerySet[Case], since: datetime) -> Iterator[Hit]:
    often = (
        ClockStop.objects.filter(case__in=seen, opened_at__gte=since)
        .values("case")
        .annotate(n=Count("pk"))
        .filter(n__gte=LEAST_STOPS)
        .order_by("-n")[: MOST + 1]
    )
    counts = {row["case"]: row["n"] for row in often}
    by_id = Case.objects.select_related("version").in_bulk(counts)
    for pk, n in counts.items():
        yield Hit(by_id[pk], _("停计了 %(n)s 次。") % {"n": n})


def _again(seen: QuerySet[Case], since: datetime) -> Iterator[Hit]:
    first = seen.order_by().values_list("region", flat=True).first()
    if first is None:
        return
    for pair in cases.withdrawn_and_again(first, since=since, among=seen):
        if pair.days <= SOON_AGAIN:
            values = {"number": pair.withdrawn.query_no, "days": pair.days}
            yield Hit(pair.again, _("%(number)s 撤回 %(days)s 天以后又报，时限重新起算。") % values)


def _out_of_hours(seen: QuerySet[Case], since: datetime) -> Iterator[Hit]:
    calendar, today = catalog.work_calendar(), localdate(since)
    last = today + timedelta(days=400)
    rest = [day for n in range((last - today).days) if not calendar.is_workday(day := today + timedelta(days=n))]
    done = (
        seen.filter(completed_at__gte=since)
        .exclude(case_type=CaseType.IMMEDIATE)
        .annotate(hour=ExtractHour("completed_at", tzinfo=LOCAL_ZONE), day=TruncDate("completed_at", tzinfo=LOCAL_ZONE))
        .filter(Q(hour__lt=OPENS) | Q(hour__gte=CLOSES) | Q(day__in=rest))
        .select_related("version")
        .order_by("-completed_at")
    )
    for case in done[: MOST + 1]:
        assert case.completed_at is not None
        at = case.completed_at.astimezone(LOCAL_ZONE)
        yield Hit(case, _("决定的时间是 %(day)s %(time)s。") % {"day": short_day(at.date()), "time": f"{at:%H:%M}"})


def _order_broken(seen: QuerySet[Case], since: datetime) -> Iterator[Hit]:
    earlier = Case.objects.filter(
        Q(status=Case.Status.ACCEPTED) | Q(completed_at__gt=OuterRef("completed_at")),
        region=OuterRef("region"),
        item=OuterRef("item"),
        quota_place__lt=OuterRef("quota_place"),
    )
    found = (
        seen.filter(Exists(earlier), quota_place__isnull=False, outcome=Case.Outcome.GRANTED, completed_at__gte=since)
        .select_related("version")
        .order_by("-completed_at")
    )
    for case in found[: MOST + 1]:
        yield Hit(case, _("第 %(n)s 位先准予了，前面还有没决定的。") % {"n": case.quota_place})


def _fees(seen: QuerySet[Case], since: datetime) -> Iterator[Hit]:
    slips = (
        FeeSlip.objects.filter(case__in=seen, issued_at__gte=since)
        .exclude(state=FeeSlip.State.CANCELLED)
        .select_related("fee", "case__version", "issued_by")
        .order_by("-issued_at")
    )
    for slip in slips.iterator(chunk_size=500):
        if not fits_standard(slip.amount, slip.quantity, slip.fee.standard):
            values = {"amount": slip.amount, "standard": slip.fee.standard}
            why = _("收 %(amount)s 元，和公布的标准“%(standard)s”对不上。") % values
            yield Hit(slip.case, why, slip.issued_by)


def _second_correction() -> str:
    return _("已经一次告知过，又要告知第二次，被系统拒绝。")


def _unlisted() -> str:
    return _("要了清单以外的材料，被系统拒绝。")


def _unpublished() -> str:
    return _("要收目录以外的费用，被系统拒绝。")


CHECKS = (
    Check(
        "same-person",
        gettext_lazy("受理和决定是同一个人"),
        gettext_lazy("当场办结的件除外。受理、审查、决定应当分开。"),
        "SUP-10",
        _same_person,
    ),
    Check(
        "reviewed-and-decided",
        gettext_lazy("审查和决定是同一个人"),
        gettext_lazy("当场办结的件除外。人手少的地方可以在“本地规则”里放开，放开以后也列在这里。"),
        "SUP-10",
        _reviewed_and_decided,
    ),
    Check(
        "second-correction",
        gettext_lazy("第二次补正告知"),
        gettext_lazy("需要补正的，应当一次告知全部内容。"),
        "行政许可法第三十二条",
        _of_ledger("case.second_correction_asked", _second_correction),
    ),
    Check(
        "unlisted",
        gettext_lazy("要清单以外的材料"),
        gettext_lazy("只能要公布的材料；我们自己能查到的也不能要。"),
        "行政许可法第三十一条",
        _of_ledger("case.unlisted_material_asked", _unlisted),
    ),
    Check(
        "stops",
        gettext_lazy("反复停计时限"),
        gettext_lazy("同一件停计两次以上的，要看每一次有没有必要。没有书面通知的停计，系统不允许。"),
        "行政许可法第四十五条",
        _stops,
    ),
    Check(
        "again",
        gettext_lazy("撤回以后又报"),
        gettext_lazy("同一个人同一个事项，撤回后三十天以内又报的。可能是为了让时限重新起算。"),
        "SUP-10",
        _again,
    ),
    Check(
        "out-of-hours",
        gettext_lazy("下班时间作决定"),
        gettext_lazy("休息日，或者早 8 点以前、晚 7 点以后作的决定。"),
        "SUP-10",
        _out_of_hours,
    ),
    Check(
        "order",
        gettext_lazy("名额没有按先后"),
        gettext_lazy("名额有限的事项，按受理先后作决定。"),
        "行政许可法第五十七条",
        _order_broken,
    ),
    Check(
        "fees",
        gettext_lazy("收费和公布的标准对不上"),
        gettext_lazy("按缴费单的金额、数量和公布的标准核对。"),
        "行政许可法第五十八条",
        _fees,
    ),
    Check(
        "unpublished",
        gettext_lazy("目录以外收费"),
        gettext_lazy("只能收公布的费用。"),
        "行政许可法第五十八条",
        _of_ledger("case.fee_refused", _unpublished),
    ),
    Check(
        "one-on-site",
        gettext_lazy("一个人去现场核查"),
        gettext_lazy("不会发生：不足两名工作人员，核查提交不了。"),
        "行政许可法第三十四条",
    ),
    Check(
        "stop-without-notice",
        gettext_lazy("没有书面通知就停计"),
        gettext_lazy("不会发生：停计和通知书是同一步。"),
        "行政许可法第四十五条",
    ),
)


def results(staff: Staff, *, today: date, days: int = 90) -> list[Result]:
    """
    Return every check with its latest hits since `days` days, at most MOST each, of the cases `staff` watches over.

    The same number of statements however many cases; each looks only at what its index finds since that day.
    """
    since = datetime.combine(today - timedelta(days=days), time(), LOCAL_ZONE)
    seen = cases_for(staff)
    found = []
    for check in CHECKS:
        hits: list[Hit] = []
        for hit in check.find(seen, since) if check.find else ():
            hits.append(hit)
            if len(hits) > MOST:
                break
        found.append(Result(check, hits[:MOST], len(hits) > MOST))
    return found
