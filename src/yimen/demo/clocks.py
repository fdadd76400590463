"""
Cases whose clocks do not simply run: one told once what is missing, a test under way, a test that is over with an
extension after it and one asked for, one withdrawn and applied for again. All of it invented.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.utils.timezone import get_current_timezone, localdate

from yimen.cases import actions as cases
from yimen.cases.actions import Handed
from yimen.cases.models import Case
from yimen.catalog import queries as catalog
from yimen.catalog.models import ItemVersion
from yimen.demo import centre, scenario
from yimen.people import actions as people
from yimen.people.models import Applicant, ServiceCenter, Staff

# By the short code of an item in centre.ITEMS: one that is looked at longer.
ITEM = "00301"


def begin(now: datetime) -> None:
    """Make the cases; the latest of what happens to them lies in the days before `now`."""
    calendar, today = catalog.work_calendar(), localdate(now)
    days = [day for back in range(20, 0, -1) if calendar.is_workday(day := today - timedelta(days=back))]
    cast = _Cast()

    case = cast.received("许补签（演示）", date(1983, 9, 1), _local(days[-2], 9, 30))
    first, *_rest = case.materials.exclude(material__source="shared").order_by("material__position")
    lines = {first.material_id: "末页没有签字，请签好再交一次。"}
    cases.correct(case.pk, lines, by=cast.clerk, at=_local(days[-2], 9, 40))

    case = cast.accepted("常检测（演示）", date(1979, 9, 2), _local(days[-3], 10))
    cast.stop(case, "testing", "室内空气要请检测机构检测。", 12, _local(days[-2], 10))

    case = cast.accepted("程专家（演示）", date(1975, 9, 3), _local(days[-6], 10))
    cast.stop(case, "expert_review", "卫生设施布局要请专家评审。", 4, _local(days[-5], 10))
    cases.close_stop(case.pk, result="专家评审通过，意见已经存档。", by=cast.approver(case), at=_local(days[-4], 16))
    cases.ask_extension(
        case.pk, reason="专家提的整改要再核对一次。", by=cast.approver(case), at=_local(days[-4], 16, 30)
    )
    cases.answer_extension(case.pk, approve=True, answer="同意。", by=cast.staff["leader"], at=_local(days[-3], 9))

    case = cast.accepted("延等批（演示）", date(1990, 9, 4), _local(days[-2], 11))
    cases.ask_extension(case.pk, reason="要等市里对水源的复函。", by=cast.approver(case), at=_local(days[-1], 15))

    case = cast.received("回头办（演示）", date(1988, 9, 5), _local(days[-5], 14))
    cases.withdraw(case.pk, reason="店面要换地址，先不办了。", by=case.applicant, at=_local(days[-4], 9))
    cast.received("回头办（演示）", date(1988, 9, 5), _local(days[-1], 14), again=case.applicant)


class _Cast:
    def __init__(self) -> None:
        here = centre.REGION[0]
        self.staff = {one.user.username: one for one in Staff.objects.filter(region=here).select_related("user")}
        self.clerk = self.staff["clerk3"]
        self.center = ServiceCenter.objects.get(region=here, code=centre.CENTER["code"])
        name = next(item.name for item in centre.ITEMS if item.code == ITEM)
        self.version = ItemVersion.objects.select_related("item__department", "item__region").get(
            name=name, published_for__region=here
        )

    def approver(self, case: Case) -> Staff:
        return self.staff[f"approver-{case.department.code}"]

    def received(self, who: str, born: date, at: datetime, *, again: Applicant | None = None) -> Case:
        from yimen.demo.life import invented_id

        applicant = again or people.register_applicant(
            region=self.version.item.region,
            kind=Applicant.Kind.PERSON,
            name=who,
            id_number=invented_id(born),
            phone=f"139{born:%Y%m%d}",
            by=self.clerk,
            at=at,
            is_demo=True,
        )
        chosen = scenario.answers(self.version)
        return cases.receive(
            self.version,
            applicant,
            center=self.center,
            materials={row.pk: Handed("complete") for row in scenario.applying_materials(self.version, chosen)},
            chosen=chosen,
            by=self.clerk,
            at=at,
        )

    def accepted(self, who: str, born: date, at: datetime) -> Case:
        case = self.received(who, born, at)
        return cases.accept(case.pk, by=self.clerk, at=at + timedelta(minutes=12))

    def stop(self, case: Case, ground: str, reason: str, days: int, at: datetime) -> None:
        cases.open_stop(case.pk, ground=ground, reason=reason, needed_days=days, by=self.approver(case), at=at)


def _local(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), get_current_timezone())
