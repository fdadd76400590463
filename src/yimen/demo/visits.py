"""
The demo's site visits and hearing: what is looked at on the spot, and cases that stand where one can see it.

An elevator inspection that waits for a call and one that is done, a health permit of three days (S1-54), a kitchen
that failed and is looked at again, a signboard whose neighbours may ask for a hearing. All of it invented.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta

from django.utils.timezone import get_current_timezone, localdate
from stdnum.cn import ric

from yimen.cases import actions as cases
from yimen.cases.actions import Handed
from yimen.cases.models import Case, CaseMaterial, SiteVisit, Task
from yimen.cases.rules.visits import Found
from yimen.catalog import queries as catalog
from yimen.catalog.actions.checkpoints import PointDraft, save_check_points
from yimen.catalog.models import ItemVersion
from yimen.demo import centre, scenario
from yimen.demo.over import make_if_lacking
from yimen.ledger.actions import Actor
from yimen.people import actions as people
from yimen.people.models import Applicant, ServiceCenter, Staff

_HYGIENE = (
    PointDraft("地面、墙面、台面干净，没有积水", "随手摸三处，手上没有油污、灰尘"),
    PointDraft("消毒、通风设施能用", "当场开机看一次"),
    PointDraft("卫生许可和从业人员健康证明挂在看得见的地方", "人和证对得上"),
    PointDraft("有毛巾、杯具的，消毒记录齐", "看最近一个月", is_mandatory=False),
)
POINTS: Mapping[str, Sequence[PointDraft]] = {
    "00201": (
        PointDraft("厨房、水池、门和布局图对得上", "位置、个数一样"),
        PointDraft("生熟分开，有独立的洗手池", "刀、板、容器有标记"),
        PointDraft("油烟净化、冷藏设备装好能用", "当场开机看一次"),
        PointDraft("食品安全管理制度上墙", "写了谁负责", is_mandatory=False),
    ),
    "00204": (
        PointDraft("制动器能可靠制停", "按检验规则试三次"),
        PointDraft("限速器、安全钳联动有效", "动作试验合格"),
        PointDraft("门锁和门的安全触点有效", "任何一层开门不能运行"),
        PointDraft("紧急报警装置能通话", "轿厢里按一次，有人答"),
        PointDraft("维护保养记录齐", "半个月一次，有签字", is_mandatory=False),
    ),
    "00301": _HYGIENE,
    "00303": _HYGIENE,
}
_TOGETHER = "两家挨着，一趟看完（演示）"


def prepare(draft: ItemVersion, item: centre.Item, *, by: Actor, at: datetime) -> ItemVersion:
    """Write the item's checkpoints into the draft."""
    points = POINTS.get(item.code)
    return save_check_points(draft.item, points, by=by, at=at) if points else draft


def look(task: Task, team: Sequence[Staff], *, at: datetime) -> None:
    """Do what is next for the visit of `task`: call back for a time three hours on, or look when the time is there."""
    visit = SiteVisit.objects.filter(task=task).order_by("-number").first()
    if visit is None or not task.case.version.check_points.exists():
        cases.complete_task(task.pk, outcome="passed", opinion="符合规定。", by=team[0], at=at, surveyors=team)
    elif visit.status == SiteVisit.Status.TO_CALL:
        _agree(visit, team, at=at, planned_for=at + timedelta(hours=3))
    elif visit.planned_for is not None and at >= visit.planned_for:
        points = visit.case.version.check_points.all()
        cases.note_findings(visit.pk, {point.pk: Found("passed") for point in points}, by=team[0], at=at)
        cases.close_visit(visit.pk, signed_by="店里负责人（演示）", by=team[0], at=at)


def _agree(visit: SiteVisit, team: Sequence[Staff], *, at: datetime, planned_for: datetime, ready: str = "") -> None:
    cases.plan_visit(
        visit.pk,
        planned_for=planned_for,
        address="青禾县和畅路 66 号（演示）",
        surveyors=team,
        contact="店里负责人（演示）",
        phone="13900000000",
        script={"ready": ready or "照常开着门，设备能用就行", "papers": "营业执照、健康证"},
        override=_TOGETHER,
        by=team[0],
        at=at,
    )


class _Cast:
    """Who acts in these cases."""

    def __init__(self) -> None:
        region = centre.REGION[0]
        self.staff = {one.user.username: one for one in Staff.objects.filter(region=region).select_related("user")}
        self.clerk = self.staff["clerk2"]
        self.team = [self.staff["surveyor1"], self.staff["surveyor2"]]
        self.center = ServiceCenter.objects.get(region=region, code=centre.CENTER["code"])
        self.names = {item.code: item.name for item in centre.ITEMS}

    def case(self, code: str, who: str, born: date, at: datetime) -> Case:
        """An accepted case of `who`, received at `at`."""
        version = ItemVersion.objects.select_related("item__department", "item__region").get(
            published_for__region=centre.REGION[0], name=self.names[code]
        )
        number = f"500101{born:%Y%m%d}000"
        applicant = people.register_applicant(
            region=self.center.region,
            kind=Applicant.Kind.PERSON,
            name=who,
            id_number=number + ric.calc_check_digit(number + "0"),
            phone=f"139{born:%Y%m%d}",
            by=self.clerk,
            at=at,
            is_demo=True,
        )
        chosen = scenario.answers(version)
        handed = scenario.applying_materials(version, chosen)
        case = cases.receive(
            version,
            applicant,
            center=self.center,
            materials={material.pk: Handed(CaseMaterial.State.COMPLETE) for material in handed},
            chosen=chosen,
            by=self.clerk,
            at=at,
        )
        return cases.accept(case.pk, by=self.clerk, at=at + timedelta(minutes=6))

    def review(self, case: Case, who: str, at: datetime) -> None:
        for task in case.tasks.filter(kind="review", done_at=None):
            cases.complete_task(task.pk, outcome="passed", opinion="材料符合规定。", by=self.staff[who], at=at)

    def visit(
        self, case: Case, *, called: datetime, at: datetime, failing: int = 0, ready: str = "", look_again: bool = False
    ) -> None:
        """Call back, go there and close; failing: how many of the first points are not met."""
        visit = SiteVisit.objects.get(case=case, number=1)
        _agree(visit, self.team, at=called, planned_for=at, ready=ready)
        found = {
            point.pk: Found("failed", "卫生不达标" if n else "设施设备没有装好", "改好再看")
            if n < failing
            else Found("passed")
            for n, point in enumerate(case.version.check_points.all())
        }
        cases.note_findings(visit.pk, found, by=self.team[0], at=at + timedelta(minutes=5))
        cases.close_visit(
            visit.pk,
            by=self.team[0],
            at=at + timedelta(minutes=40),
            signed_by="店里负责人（演示）",
            remarks="排风口的油垢清干净，消毒柜通上电，改好再看一次。" if failing else "",
            look_again=look_again,
        )


def begin(now: datetime) -> None:
    """Make the cases; the latest of them happen in the hours before `now`."""
    calendar, today, cast = catalog.work_calendar(), localdate(now), _Cast()
    days = [day for back in range(25, 0, -1) if calendar.is_workday(day := today - timedelta(days=back))][-4:]

    # Three days: received on the first, looked at on the second, reviewed in the morning and issued in the afternoon.
    case = cast.case("00303", "杜三春（演示）", date(1979, 3, 3), _local(days[0], 9, 30))
    cast.visit(case, called=_local(days[0], 10, 20), at=_local(days[1], 10))
    cast.review(case, "approver-wjj", _local(days[2], 9, 40))
    cases.decide(case.pk, outcome="granted", by=cast.staff["leader"], at=_local(days[2], 14, 30))
    _make(case, cast, _local(days[2], 14, 50))
    cases.deliver(case.pk, how="window", by=cast.staff["clerk3"], at=_local(days[2], 15, 30))

    # An elevator whose report is there, and one whose owner waits for a call longer than two hours.
    case = cast.case("00204", "尹平安（演示）", date(1968, 4, 4), _local(days[1], 9, 10))
    cast.visit(case, called=_local(days[1], 10, 5), at=_local(days[2], 14), ready="请维保人员到场，电梯停下来")
    cast.review(case, "approver-scjg", _local(days[2], 15, 30))
    cases.decide(case.pk, outcome="granted", by=cast.staff["leader"], at=_local(days[3], 9, 30))
    case = cast.case("00204", "季云梯（演示）", date(1973, 5, 5), now - timedelta(minutes=165))
    visit = SiteVisit.objects.get(case=case)
    cases.note_wish(visit.pk, "后天上午，维保师傅在", by=case.applicant, at=now - timedelta(minutes=150))

    # A barber's shop that failed and is looked at again.
    case = cast.case("00301", "柏净（演示）", date(1985, 6, 6), _local(days[0], 11))
    cast.visit(case, called=_local(days[0], 12, 10), at=_local(days[1], 15), failing=2, look_again=True)
    again = SiteVisit.objects.get(case=case, number=2)
    soon = calendar.roll(today + timedelta(days=1))
    _agree(again, cast.team, at=_local(days[2], 11, 30), planned_for=_local(soon, 10), ready="改好的地方先拍给我们看")

    # A signboard that shines into windows.
    case = cast.case("00601", "招亮（演示）", date(1990, 7, 7), _local(days[2], 10))
    approver = cast.staff["approver-cgj"]
    at = _local(days[2], 16)
    cases.add_party(
        case.pk, name="窦夜明（演示）", interest="住在招牌对面，灯照进卧室", phone="13900000007", by=approver, at=at
    )
    subject = "门头的发光招牌正对居民楼，关系到对面住户的休息。"
    cases.tell_hearing_right(case.pk, subject=subject, by=approver, at=at + timedelta(minutes=10))


def _make(case: Case, cast: _Cast, at: datetime) -> None:
    make_if_lacking(case.pk, by=cast.staff["clerk3"], at=at)


def _local(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), get_current_timezone())
