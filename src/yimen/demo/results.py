"""
The demo's results: places that are limited, a certificate, one about to end, somebody barred, a fee. All invented.

The gas stations have two places: the first is granted and has its certificate, the second and third wait for their
turn, a fourth handed in a report that does not exist.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.utils.timezone import get_current_timezone, localdate
from stdnum.cn import ric

from yimen.cases import actions as cases
from yimen.cases.actions import Handed
from yimen.cases.actions.fees import note_fee_jumps
from yimen.cases.models import Case, CaseMaterial
from yimen.catalog import queries as catalog
from yimen.catalog.models import ItemVersion
from yimen.certificates import actions as certificates
from yimen.demo import centre, scenario
from yimen.demo.over import hand_over
from yimen.ledger.actions import SYSTEM
from yimen.people import actions as people
from yimen.people.models import Applicant, ServiceCenter, Staff

GAS, HYGIENE, SIGNBOARD, DISCLOSURE = "01202", "00301", "00601", "01101"


class _Office:
    def __init__(self) -> None:
        region = centre.REGION[0]
        self.staff = {one.user.username: one for one in Staff.objects.filter(region=region).select_related("user")}
        self.clerk, self.leader = self.staff["clerk2"], self.staff["leader"]
        self.center = ServiceCenter.objects.select_related("region").get(region=region, code=centre.CENTER["code"])
        self.names = {item.code: item.name for item in centre.ITEMS}

    def version(self, code: str) -> ItemVersion:
        found = ItemVersion.objects.select_related("item__department", "item__region")
        return found.get(published_for__region=centre.REGION[0], name=self.names[code])

    def applicant(self, who: str, born: date, at: datetime) -> Applicant:
        number = f"500101{born:%Y%m%d}000"
        return people.register_applicant(
            region=self.center.region,
            kind=Applicant.Kind.PERSON,
            name=who,
            id_number=number + ric.calc_check_digit(number + "0"),
            phone=f"138{born:%Y%m%d}",
            by=self.clerk,
            at=at,
            is_demo=True,
        )

    def received(self, code: str, applicant: Applicant, at: datetime) -> Case:
        version = self.version(code)
        chosen = scenario.answers(version)
        handed = scenario.applying_materials(version, chosen)
        materials = {material.pk: Handed(CaseMaterial.State.COMPLETE) for material in handed}
        return cases.receive(
            version, applicant, center=self.center, materials=materials, chosen=chosen, by=self.clerk, at=at
        )

    def ready(self, code: str, who: str, born: date, at: datetime, approver: str) -> Case:
        """Accepted and reviewed: it waits for its decision."""
        case = self.received(code, self.applicant(who, born, at), at)
        cases.accept(case.pk, by=self.clerk, at=at + timedelta(minutes=8))
        for task in case.tasks.filter(kind="review", done_at=None):
            cases.complete_task(
                task.pk, outcome="passed", opinion="材料符合规定。", by=self.staff[approver], at=at + timedelta(hours=1)
            )
        return case


def begin(now: datetime) -> None:
    """Make them on the working days before `now`."""
    calendar, today, office = catalog.work_calendar(), localdate(now), _Office()
    days = [day for back in range(25, 0, -1) if calendar.is_workday(day := today - timedelta(days=back))][-4:]
    gas = office.version(GAS).item
    begun = _local(days[0], 8, 40)
    cases.set_quota(
        gas,
        2,
        basis="青禾县燃气发展规划：本年新增供应站 2 个（演示）",
        effective_on=days[0],
        by=office.leader,
        at=begun,
    )
    cases.flag_public_safety(gas, True, effective_on=days[0], reason="燃气安全，直接关系公共安全", by=SYSTEM, at=begun)
    first, *_waiting, false = (
        office.ready(GAS, who, born, _local(days[2], 9, minute), "approver-zjj")
        for who, born, minute in (
            ("安平（演示）", date(1976, 8, 1), 5),
            ("康宁（演示）", date(1980, 8, 2), 15),
            ("顺遂（演示）", date(1984, 8, 3), 25),
            ("假三（演示）", date(1988, 8, 4), 35),
        )
    )
    cases.decide(first.pk, outcome="granted", by=office.leader, at=_local(days[3], 10))
    cases.make_certificate(
        first.pk, valid_until=days[3].replace(year=days[3].year + 3, day=1), by=office.clerk, at=_local(days[3], 10, 30)
    )
    cases.deliver(first.pk, how="window", by=office.staff["clerk3"], at=_local(days[3], 11))
    cases.decide(
        false.pk,
        outcome="refused",
        reasons="安全评价报告的编号在出具单位查不到，报告是假的。如果能提供真实的报告，期满后可以重新申请。",
        by=office.leader,
        at=_local(days[3], 15),
    )
    cases.set_bar(
        false.pk,
        "false_materials",
        finding="出具单位书面答复：没有出过这份报告。",
        by=office.leader,
        at=_local(days[3], 16),
    )

    # A health permit that ends in some weeks, and its holder at the window.
    hygiene = office.version(HYGIENE)
    holder = office.applicant("续春（演示）", date(1982, 8, 5), _local(days[2], 9))
    held = certificates.issue(
        hygiene.item,
        holder,
        name=hygiene.result_name,
        series=office.center.letters,
        valid_from=today - timedelta(days=4 * 365 - 45),
        valid_until=today + timedelta(days=45),
        by=SYSTEM,
        at=_local(days[2], 9),
    )
    case = office.received(HYGIENE, holder, _local(days[3], 9, 20))
    cases.apply_renewal(case.pk, held.number, by=office.clerk, at=_local(days[3], 9, 25))

    # A signboard that stands on the pavement: its fee is due.
    case = office.ready(SIGNBOARD, "招来（演示）", date(1991, 8, 6), _local(days[3], 10), "approver-cgj")
    cases.issue_fee(
        case.pk, case.version.fees.get().pk, amount="18.00", quantity="60", by=office.clerk, at=_local(days[3], 10, 20)
    )
    fees(office, today)


def fees(office: _Office, today: date) -> None:
    """What was charged in the last weeks: a fee now and then of those who ask for very much, paid and handed out."""
    calendar = catalog.work_calendar()
    ago = [
        next(day for more in range(15) if calendar.is_workday(day := today - timedelta(days=back + more)))
        for back in (110, 80, 47, 33, 19, 5)
    ]
    for n, day in enumerate(ago):
        at = _local(day, 9, 20)
        case = office.ready(DISCLOSURE, f"多问 {n + 1}（演示）", date(1979, 8, 11 + n), at, "approver-dzb")
        # The last one asks for so much that the month stands out.
        fee, quantity = case.version.fees.get(), 1 + n % 2 if day != ago[-1] else 9
        amount = f"{quantity * 100}.00"
        at += timedelta(hours=2)
        slip = cases.issue_fee(case.pk, fee.pk, amount=amount, quantity=str(quantity), by=office.clerk, at=at)
        cases.pay_fee(slip.pk, channel="wechat", by=office.clerk, at=at + timedelta(minutes=5))
        cases.decide(case.pk, outcome="granted", by=office.leader, at=at + timedelta(hours=1))
        hand_over(case.pk, by=office.clerk, at=at + timedelta(hours=2))
    note_fee_jumps(office.center.region_id, by=SYSTEM, at=_local(today, 6, 15))


def _local(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), get_current_timezone())
