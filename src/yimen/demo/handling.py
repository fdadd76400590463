"""
Cases handled in other ways than the plain one: a paper still to come and one overdue, a commitment to check, three
units at once with one step sent back, a case with another unit, one with the city above. All of it invented.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.utils.timezone import get_current_timezone, localdate

from yimen.cases import actions as cases
from yimen.cases.actions import Handed
from yimen.cases.actions.elsewhere import receive_elsewhere
from yimen.cases.models import Case, CaseMove
from yimen.catalog import queries as catalog
from yimen.catalog.models import ItemVersion
from yimen.catalog.models.items import QUICK_MINUTES
from yimen.demo import centre, scenario
from yimen.ledger.actions import SYSTEM
from yimen.people import actions as people
from yimen.people.models import Applicant, Department, Role, ServiceCenter, Staff

CITY = ("529900", "云州市（演示）")
ABOVE, FAR_CLERK = "approver-city", "clerk-city"
# By the short code of items in centre.ITEMS.
GAP, COMMITTED, JOINT, MOVED, SENT_UP = "00201", "00301", "00203", "00601", "01301"
# Promised at the window within so many minutes (S3-16).
QUICK = {"00101": 10, "00401": 5, "00502": 10}
PROOF = "卫生检测报告"
COMMITMENT = "我的场所符合卫生标准，检测报告半个月内能拿到。\n承诺不实的，愿意承担撤销许可的后果。"


def prepare(draft: ItemVersion, item: centre.Item) -> ItemVersion:
    """Say which proof of an item a commitment may replace (HALL-12), and what is done in minutes."""
    if item.code == COMMITTED:
        draft.extended[cases.COMMITMENT_MATERIALS] = [PROOF]
        draft.save(update_fields=["extended"])
    if item.code in QUICK:
        draft.extended[QUICK_MINUTES] = QUICK[item.code]
        draft.save(update_fields=["extended"])
    return draft


def begin(now: datetime) -> None:
    """Make the cases; the latest of them happen in the days before `now`."""
    calendar, today = catalog.work_calendar(), localdate(now)
    days = [day for back in range(40, 0, -1) if calendar.is_workday(day := today - timedelta(days=back))]
    cast = _Cast(now - timedelta(days=60))

    cast.accepted(GAP, "苗晚补（演示）", date(1982, 8, 1), _local(days[-2], 9, 20), 健康证="later")
    late = cast.accepted(GAP, "迟三月（演示）", date(1976, 8, 2), _local(days[-12], 9, 20), 健康证="later")
    for gap in late.gaps.all():
        cases.note_overdue_gap(gap.pk, by=SYSTEM, at=now)

    case = cast.received(COMMITTED, "诚守诺（演示）", date(1987, 8, 3), _local(days[-3], 10), **{PROOF: "missing"})
    rows = [row.pk for row in cases.committable(case, at=case.received_at)]
    cases.commit(case.pk, rows, COMMITMENT, by=cast.clerk, at=_local(days[-3], 10, 5))
    cases.accept(case.pk, by=cast.clerk, at=_local(days[-3], 10, 9))

    case = cast.accepted(JOINT, "众合餐（演示）", date(1991, 8, 4), _local(days[-3], 14))
    for n, task in enumerate(case.tasks.filter(kind="review").select_related("department").order_by("step_key")[:2]):
        cases.complete_task(
            task.pk,
            outcome="passed",
            opinion="符合要求。",
            by=cast.approver(task.department),
            at=_local(days[-2], 9 + n),
        )
    first = case.tasks.exclude(done_at=None).order_by("step_key")[0]
    boss = cast.approver(case.department)
    cases.send_back(case.pk, first.step_key, reason="布局图缺厨房那一页，请补看。", by=boss, at=_local(days[-2], 15))

    case = cast.accepted(MOVED, "唐招牌（演示）", date(1984, 8, 5), _local(days[-2], 10, 30))
    there = Department.objects.get(region=centre.REGION[0], code="zjj")
    cast.move(case, CaseMove.Kind.UNIT, there, "招牌挂在公房外墙上，请核对产权。", _local(days[-2], 16))

    case = cast.accepted(SENT_UP, "牧远山（演示）", date(1972, 8, 6), _local(days[-3], 11))
    for task in case.tasks.filter(kind="review").select_related("department"):
        by = cast.approver(task.department)
        cases.complete_task(task.pk, outcome="passed", opinion="材料符合规定。", by=by, at=_local(days[-2], 11))
    cast.move(case, CaseMove.Kind.REGION, cast.city, "场地跨两县，请市里核对另一半。", _local(days[-1], 10, 30))

    _taken_in_elsewhere(cast, _local(days[-2], 14, 20))


def _taken_in_elsewhere(cast: _Cast, at: datetime) -> None:
    """A shopkeeper who lives in the city hands his papers for a shop here in there; the answers decide which ones."""
    from yimen.demo.life import invented_id

    version = ItemVersion.objects.select_related("item__department", "item__region").get(
        published_for__region=centre.REGION[0], name=cast.names[GAP]
    )
    chosen = scenario.answers(version)
    handed = scenario.applying_materials(version, chosen)
    receive_elsewhere(
        version,
        {
            "kind": Applicant.Kind.PERSON,
            "name": "云中来（演示）",
            "id_number": invented_id(date(1986, 8, 7)),
            "phone": "13919860807",
            "is_demo": True,
        },
        materials={one.pk: Handed("complete") for one in handed},
        chosen=chosen,
        by=cast.far_clerk,
        at=at,
    )


class _Cast:
    """Who acts in these cases; the city above is opened `at`."""

    def __init__(self, at: datetime) -> None:
        here = centre.REGION[0]
        self.staff = {one.user.username: one for one in Staff.objects.filter(region=here).select_related("user")}
        self.clerk = self.staff["clerk2"]
        self.center = ServiceCenter.objects.get(region=here, code=centre.CENTER["code"])
        self.names = {item.code: item.name for item in centre.ITEMS}
        region = people.open_region(*CITY, by=SYSTEM, at=at)
        self.city = people.open_department(
            region=region, code="city-nyj", name="云州市农业农村局（演示）", short_name="市农业", by=SYSTEM, at=at
        )
        above = people.open_account(
            region=region,
            department=self.city,
            number="0901",
            name="海市审（演示）",
            username=ABOVE,
            password=centre.PASSWORD,
            must_change_password=False,
            by=SYSTEM,
            at=at,
        )
        people.grant_role(above, Role.APPROVER, department=self.city, by=SYSTEM, at=at)
        hall = people.open_center(
            region=region,
            code="yunzhou",
            letters="YZ",
            name="云州市政务服务中心（演示）",
            address="云州市人民路 1 号",
            hours=centre.CENTER["hours"],
            phone="0899-7654300",
            is_demo=True,
            by=SYSTEM,
            at=at,
        )
        self.far_clerk = people.open_account(
            region=region,
            department=self.city,
            center=hall,
            number="0902",
            name="云代收（演示）",
            username=FAR_CLERK,
            password=centre.PASSWORD,
            must_change_password=False,
            by=SYSTEM,
            at=at,
        )
        people.grant_role(self.far_clerk, Role.CLERK, department=None, by=SYSTEM, at=at)

    def approver(self, department: Department) -> Staff:
        return self.staff[f"approver-{department.code}"]

    def received(self, code: str, who: str, born: date, at: datetime, **states: str) -> Case:
        """states: by the name of a material; the others are complete."""
        from yimen.demo.life import invented_id

        version = ItemVersion.objects.select_related("item__department", "item__region").get(
            published_for__region=centre.REGION[0], name=self.names[code]
        )
        applicant = people.register_applicant(
            region=self.center.region,
            kind=Applicant.Kind.PERSON,
            name=who,
            id_number=invented_id(born),
            phone=f"139{born:%Y%m%d}",
            by=self.clerk,
            at=at,
            is_demo=True,
        )
        chosen = scenario.answers(version)
        handed = scenario.applying_materials(version, chosen)
        return cases.receive(
            version,
            applicant,
            center=self.center,
            materials={one.pk: Handed(states.get(one.name, "complete")) for one in handed},
            chosen=chosen,
            by=self.clerk,
            at=at,
        )

    def accepted(self, code: str, who: str, born: date, at: datetime, **states: str) -> Case:
        case = self.received(code, who, born, at, **states)
        return cases.accept(case.pk, by=self.clerk, at=at + timedelta(minutes=7))

    def move(self, case: Case, kind: str, to: Department, reason: str, at: datetime) -> None:
        cases.move(case.pk, kind=kind, receiver=to, reason=reason, by=self.approver(case.department), at=at)


def _local(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), get_current_timezone())
