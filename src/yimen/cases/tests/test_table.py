"""
Every act on cases × every state of a case, and × every role: allowed and refused, from one table (ROWS).

An act of actions.__all__ that is not in the table fails here. For each act there is a case in which it is allowed; then
only the state changes, or only who acts. What is refused says so kindly and writes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from inspect import isfunction, signature
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils.timezone import localdate

from yimen.cases import actions
from yimen.cases.actions import Handed
from yimen.cases.models import Bar, Case, CaseMaterial, GapPromise, Recusal, SiteVisit
from yimen.cases.rules import visits as visit_rules
from yimen.cases.tests.factories import make_case, make_version
from yimen.catalog.models import CheckPoint, ItemFee, ItemMaterial
from yimen.certificates import actions as certificates
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.lib.errors import DomainError
from yimen.people.access import NotAllowed
from yimen.people.models import ADMINISTRATORS, Applicant, Role
from yimen.people.tests.factories import (
    make_applicant,
    make_center,
    make_department,
    make_region,
    make_staff,
    outsider,
)

pytestmark = pytest.mark.django_db

# A Wednesday, 9:05 in Shanghai.
AT = datetime(2026, 11, 18, 1, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LATER = AT + 2 * HOUR
WHY = "按实际情况写明的理由，能看懂。"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415478da63f8cfc0000003010100f7034143"
    "0000000049454e44ae426082"
)

STATES = "received accepted completed delivered declined withdrawn"
GUIDE, CLERK, APPROVER, SURVEYOR, LEADER = Role.GUIDE, Role.CLERK, Role.APPROVER, Role.SURVEYOR, Role.LEADER
MANAGER, EDITOR, SUPERVISOR = Role.HALL_MANAGER, Role.EDITOR, Role.SUPERVISOR

# How standing aside is said: where a step is taken on, where it is decided, and everywhere else.
STANDS_ASIDE = (actions.Recused, actions.NotSeparate, actions.BadHand)
# What actions gives besides acts: sums and questions that write nothing by themselves, or are parts of an act.
HELPERS = {
    *("add_clock", "clocks_for", "committable", "deciding_organ", "expect_no_stop", "extension_days", "heads_region"),
    *("is_joint", "last_day_to_extend", "missing_materials", "next_number", "plain_decision"),
}
# Of people, lists and bundles around a case: their own tests try who may do them and when.
TRIED_ELSEWHERE = {
    "test_people_around": {
        *("add_expert", "answer_priority", "answer_recusal", "ask_expert", "ask_priority", "ask_recusal", "end_agent"),
        *("end_priority",),
        *("end_team", "follow_case", "form_team", "join_team", "leave_team", "link_guidance", "note_advice"),
        *("note_agent_act", "note_guidance", "retire_expert", "start_agent"),
    },
}


@dataclass(frozen=True)
class Row:
    """
    One act. scene: where it is allowed; states: in which states of that case, "" where it has none; roles: who of its
    own unit; applicant: the case's own applicant too. `act(scene, by)` does it.
    """

    scene: str
    states: str
    roles: tuple[Role, ...]
    act: Callable[[Any, Any], Any]
    applicant: bool = False


ROWS = {
    # -- receiving
    "receive": Row("desk", "", (CLERK,), lambda s, by: actions.receive(
        s.version, s.applicant, center=s.center, materials={}, by=by, at=AT,
        channel=Case.Channel.WEB if isinstance(by, Applicant) else Case.Channel.WINDOW), applicant=True),
    "note_materials": Row("received", "received", (CLERK,), lambda s, by: actions.note_materials(
        s.case.pk, {s.material: Handed("missing")}, by=by, at=LATER), applicant=True),
    "accept": Row("received", "received", (CLERK,), lambda s, by: actions.accept(s.case.pk, by=by, at=LATER)),
    "accept_unanswered": Row("received", "received", (CLERK,), lambda s, by: actions.accept_unanswered(
        s.case.pk, by=by, at=AT + 8 * DAY)),
    "decline": Row("received", "received", (CLERK,), lambda s, by: actions.decline(
        s.case.pk, reasons=WHY, by=by, at=LATER)),
    "correct": Row("received", "received", (CLERK,), lambda s, by: actions.correct(
        s.case.pk, {s.material: "要盖章"}, by=by, at=LATER)),
    "commit": Row("provable", "received", (CLERK,), lambda s, by: actions.commit(
        s.case.pk, [s.row], "本人承诺没有违法记录，不实愿意承担法律责任。", by=by, at=LATER)),
    "withdraw": Row("running", "received accepted", (CLERK, APPROVER), lambda s, by: actions.withdraw(
        s.case.pk, reason="", by=by, at=LATER), applicant=True),
    # -- steps
    "complete_task": Row("running", "accepted", (APPROVER, SURVEYOR), lambda s, by: actions.complete_task(
        s.task, outcome="passed", opinion="", by=by, at=LATER)),
    "take_task": Row("running", "accepted", (APPROVER, SURVEYOR), lambda s, by: actions.take_task(
        s.task, by=by, at=LATER)),
    "hand_task": Row("running", "accepted", (LEADER,), lambda s, by: actions.hand_task(
        s.task, s.colleague.pk, reason="load", by=by, at=LATER)),
    "send_back": Row("reviewed", "accepted", (APPROVER, LEADER), lambda s, by: actions.send_back(
        s.case.pk, "review", reason=WHY, by=by, at=LATER)),
    "decide": Row("reviewed", "accepted", (APPROVER, LEADER), lambda s, by: actions.decide(
        s.case.pk, outcome="granted", by=by, at=LATER)),
    # -- clocks
    "open_stop": Row("running", "accepted", (APPROVER, LEADER), lambda s, by: actions.open_stop(
        s.case.pk, ground="testing", reason=WHY, needed_days=5, by=by, at=LATER)),
    "close_stop": Row("stopped", "accepted", (APPROVER, LEADER), lambda s, by: actions.close_stop(
        s.case.pk, result=WHY, by=by, at=LATER)),
    "ask_extension": Row("running", "accepted", (APPROVER,), lambda s, by: actions.ask_extension(
        s.case.pk, reason=WHY, by=by, at=LATER)),
    "answer_extension": Row("lengthening", "accepted", (LEADER,), lambda s, by: actions.answer_extension(
        s.case.pk, approve=True, by=by, at=LATER)),
    "answer_extension/no": Row("lengthening", "accepted", (LEADER,), lambda s, by: actions.answer_extension(
        s.case.pk, approve=False, answer=WHY, by=by, at=LATER)),
    "move_due_dates": Row("desk", "", (Role.SYSTEM_ADMIN,), lambda s, by: actions.move_due_dates(
        s.region.pk, by=by, at=LATER)),
    # -- gaps and commitments
    "make_up_gap": Row("gap", "accepted completed delivered", (CLERK,), lambda s, by: actions.make_up_gap(
        s.gap, by=by, at=LATER)),
    "note_overdue_gap": Row("gap", "accepted completed delivered", (CLERK,), lambda s, by: actions.note_overdue_gap(
        s.gap, by=by, at=AT + 40 * DAY)),
    "check_commitment": Row("committed", "accepted completed delivered", (APPROVER, SURVEYOR),
        lambda s, by: actions.check_commitment(s.case.pk, is_kept=True, findings="", by=by, at=LATER)),
    # -- moves
    "move": Row("running", "accepted", (APPROVER, LEADER), lambda s, by: actions.move(
        s.case.pk, kind="unit", receiver=s.colleague_unit, reason=WHY, by=by, at=LATER)),
    "send_up": Row("reviewed", "accepted", (APPROVER, LEADER), lambda s, by: actions.send_up(
        s.case.pk, receiver=s.above, opinion=WHY, by=by, at=LATER)),
    "receive_move": Row("sent", "accepted", (APPROVER, SURVEYOR), lambda s, by: actions.receive_move(
        s.case.pk, by=by, at=LATER)),
    "return_move": Row("signed", "accepted", (APPROVER, SURVEYOR), lambda s, by: actions.return_move(
        s.case.pk, outcome="passed", opinion="", by=by, at=LATER)),
    # -- hearings
    "tell_hearing_right": Row("running", "accepted", (APPROVER, SURVEYOR), lambda s, by: actions.tell_hearing_right(
        s.case.pk, subject=WHY, by=by, at=LATER)),
    "answer_hearing_right": Row("told", "accepted", (APPROVER, SURVEYOR), lambda s, by: actions.answer_hearing_right(
        s.case.pk, wants=True, by=by, at=LATER), applicant=True),
    "answer_hearing_right/no": Row("told_alone", "accepted", (CLERK,), lambda s, by: actions.answer_hearing_right(
        s.case.pk, wants=False, paper="说明书，第 3 册", by=by, at=LATER), applicant=True),
    "call_hearing": Row("asked", "accepted", (APPROVER, SURVEYOR), lambda s, by: actions.call_hearing(
        s.case.pk, planned_for=AT + 9 * DAY, place="听证室", chair=s.chair, by=by, at=LATER)),
    "close_hearing": Row("called", "accepted", (APPROVER, SURVEYOR), lambda s, by: actions.close_hearing(
        s.case.pk, text=WHY * 2, signed_by=["王小明", s.chair.name], by=by, at=AT + 9 * DAY)),
    "add_party": Row("told", "accepted", (APPROVER, SURVEYOR), lambda s, by: actions.add_party(
        s.case.pk, name="李邻居", interest="住在楼上", by=by, at=LATER)),
    "note_statement": Row("told", "accepted", (APPROVER, SURVEYOR), lambda s, by: actions.note_statement(
        s.case.pk, s.party, statement=WHY, by=by, at=LATER)),
    # -- visits
    "note_wish": Row("visit", "accepted", (APPROVER, SURVEYOR), lambda s, by: actions.note_wish(
        s.visit, "下周一上午", by=by, at=LATER), applicant=True),
    "plan_visit": Row("visit", "accepted", (APPROVER, SURVEYOR), lambda s, by: actions.plan_visit(
        s.visit, planned_for=AT + DAY, address="演示路 2 号", surveyors=s.pair, by=by, at=LATER)),
    "put_off_visit": Row("agreed", "accepted", (APPROVER, SURVEYOR), lambda s, by: actions.put_off_visit(
        s.visit, status="cancelled", reason=WHY, by=by, at=LATER)),
    "note_findings": Row("agreed", "accepted", (APPROVER, SURVEYOR), lambda s, by: actions.note_findings(
        s.visit, {s.point: visit_rules.Found("passed", note="好")}, by=by, at=AT + DAY)),
    "add_photo": Row("agreed", "accepted", (APPROVER, SURVEYOR), lambda s, by: actions.add_photo(
        s.visit, s.point, SimpleUploadedFile("a.png", PNG), by=by, at=AT + DAY)),
    "drop_photo": Row("photographed", "accepted", (APPROVER, SURVEYOR), lambda s, by: actions.drop_photo(
        s.visit, s.photo, by=by, at=AT + DAY)),
    "close_visit": Row("agreed", "accepted", (APPROVER, SURVEYOR), lambda s, by: actions.close_visit(
        s.visit, signed_by="王小明", by=by, at=AT + DAY)),
    # -- fees
    "issue_fee": Row("running", "accepted completed", (CLERK, APPROVER), lambda s, by: actions.issue_fee(
        s.case.pk, s.fee, amount="10", by=by, at=LATER)),
    "pay_fee": Row("charged", "accepted completed delivered", (CLERK, APPROVER), lambda s, by: actions.pay_fee(
        s.slip, channel="cash", by=by, at=LATER)),
    "cancel_fee": Row("charged", STATES, (CLERK, APPROVER), lambda s, by: actions.cancel_fee(
        s.slip, reason=WHY, by=by, at=LATER)),
    "waive_fee": Row("charged", STATES, (APPROVER, LEADER), lambda s, by: actions.waive_fee(
        s.slip, reason=WHY, by=by, at=LATER)),
    "refund_fee": Row("paid", STATES, (APPROVER, LEADER), lambda s, by: actions.refund_fee(
        s.slip, reason=WHY, by=by, at=LATER)),
    # -- results
    "deliver": Row("granted", "completed", (CLERK,), lambda s, by: actions.deliver(
        s.case.pk, how="window", by=by, at=LATER)),
    "make_certificate": Row("granted", "completed delivered", (CLERK, APPROVER), lambda s, by:
        actions.make_certificate(s.case.pk, by=by, at=LATER)),
    "revoke_decision": Row("granted", "completed delivered", (LEADER,), lambda s, by: actions.revoke_decision(
        s.case.pk, ground="procedure", finding=WHY, by=by, at=LATER)),
    "set_bar": Row("declined", "declined", (APPROVER, LEADER), lambda s, by: actions.set_bar(
        s.case.pk, "false_materials", finding=WHY, by=by, at=LATER)),
    "note_uploaded": Row("public", "completed delivered", (CLERK, LEADER, MANAGER), lambda s, by:
        actions.note_uploaded([s.notice], by=by, at=LATER)),
    "lift_bar": Row("barred", STATES, (LEADER,), lambda s, by: actions.lift_bar(s.bar, reason=WHY, by=by, at=LATER)),
    "apply_renewal": Row("renewable", "received accepted", (CLERK,), lambda s, by: actions.apply_renewal(
        s.case.pk, s.number, by=by, at=LATER)),
    "deem_renewed": Row("renewing", "received accepted", (CLERK,), lambda s, by: actions.deem_renewed(
        s.case.pk, by=by, at=AT + 60 * DAY)),
    # -- items and words
    "set_quota": Row("desk", "", (LEADER,), lambda s, by: actions.set_quota(
        s.version.item, 3, basis="《演示条例》第九条", effective_on=localdate(AT), by=by, at=AT)),
    "flag_public_safety": Row("desk", "", (Role.SYSTEM_ADMIN,), lambda s, by: actions.flag_public_safety(
        s.version.item, True, effective_on=localdate(AT), reason=WHY, by=by, at=AT)),
    "save_opinion": Row("desk", "", (CLERK, APPROVER, SURVEYOR, LEADER, SUPERVISOR), lambda s, by:
        actions.save_opinion("passed", "同意", "符合规定。", by=by, at=AT)),
    "save_opinion/unit": Row("desk", "", (LEADER,), lambda s, by: actions.save_opinion(
        "passed", "同意", "符合规定。", by=by, at=AT, for_department=s.unit)),
    "remove_opinion": Row("worded", "", (LEADER,), lambda s, by: actions.remove_opinion(s.words, by=by, at=AT)),
}  # fmt: skip


# -- the scenes -------------------------------------------------------------------------------------------------------


class World:
    """Cases of one unit, each where some acts are allowed; and somebody for every role, here and elsewhere."""

    def __init__(self) -> None:
        self.region = make_region()
        self.unit, self.colleague_unit = make_department(self.region), make_department(self.region)
        self.above = make_department(make_region("500200", "演示地市"))
        self.center = make_center(self.region)
        self.clerk = make_staff(CLERK, department=make_department(self.region), for_region=True)
        self.approver = make_staff(APPROVER, department=self.unit)
        self.chair = make_staff(LEADER, department=self.unit, name="主持人甲")
        self.people = {
            unit.pk: {role: make_staff(role, department=unit) for role in Role}
            for unit in (self.unit, self.colleague_unit)
        }
        self.nobody, self.stranger = outsider(self.region), make_applicant(region=self.region)
        self.scenes = {name: getattr(self, name)() for name in {row.scene for row in ROWS.values()}}

    def scene(self, case=None, **more):
        names = ("region", "unit", "colleague_unit", "above", "chair", "center")
        shared = {name: getattr(self, name) for name in names}
        colleague = self.people[self.unit.pk][APPROVER]
        return SimpleNamespace(**shared | {"case": case, "colleague": colleague, "holder": self.unit} | more)

    def version(self, **fields):
        version = make_version(department=self.unit, promised_days=20, **fields)
        ItemFee.objects.create(
            version=version, position=0, name="工本费", standard="每证 10 元", basis="《演示条例》", is_reducible=True
        )
        return version

    def desk(self):
        return self.scene(version=self.version(), applicant=make_applicant(region=self.region))

    def worded(self):
        leader = self.people[self.unit.pk][LEADER]
        words = actions.save_opinion("granted", "准予", "准予许可。", by=leader, at=AT, for_department=self.unit)
        return self.scene(words=words.pk)

    def received(self, version=None):
        case = make_case(version=version or self.version(), by=self.clerk, at=AT)
        return self.scene(case, material=case.materials.get(material__name="申请表").material_id)

    def running(self, version=None):
        scene = self.received(version)
        actions.accept(scene.case.pk, by=self.clerk, at=AT)
        scene.task = scene.case.tasks.get(done_at=None).pk
        scene.fee = scene.case.version.fees.get().pk
        return scene

    def reviewed(self, version=None):
        scene = self.running(version)
        actions.complete_task(scene.task, outcome="passed", opinion="", by=self.approver, at=AT)
        return scene

    def granted(self):
        scene = self.reviewed()
        actions.decide(scene.case.pk, outcome="granted", by=make_staff(APPROVER, department=self.unit), at=AT)
        return scene

    def public(self):
        scene = self.granted()
        scene.notice = scene.case.notices.get(kind="decision").pk
        return scene

    def stopped(self):
        scene = self.running()
        actions.open_stop(scene.case.pk, ground="testing", reason=WHY, needed_days=5, by=self.approver, at=AT)
        return scene

    def lengthening(self):
        scene = self.running()
        actions.ask_extension(scene.case.pk, reason=WHY, by=self.approver, at=AT)
        return scene

    def told(self):
        scene = self.running()
        actions.tell_hearing_right(scene.case.pk, subject=WHY, by=self.approver, at=AT)
        party = actions.add_party(scene.case.pk, name="张邻居", interest="住在楼下", by=self.approver, at=AT)
        scene.party = party.pk
        return scene

    def told_alone(self):
        scene = self.running()
        actions.tell_hearing_right(scene.case.pk, subject=WHY, by=self.approver, at=AT)
        return scene

    def asked(self):
        scene = self.told()
        actions.answer_hearing_right(scene.case.pk, wants=True, by=scene.case.applicant, at=AT)
        return scene

    def called(self):
        scene = self.asked()
        actions.call_hearing(
            scene.case.pk, planned_for=AT + 9 * DAY, place="听证室", chair=self.chair, by=self.approver, at=AT
        )
        return scene

    def visit(self):
        version = self.version(visit=True)
        point = CheckPoint.objects.create(version=version, position=1, text="看灶台", is_mandatory=True)
        scene = self.running(version)
        scene.visit, scene.point = SiteVisit.objects.get(case=scene.case).pk, point.pk
        scene.pair = [self.people[self.unit.pk][role] for role in (APPROVER, SURVEYOR)]
        return scene

    def agreed(self, after=HOUR):
        scene = self.visit()
        actions.plan_visit(
            scene.visit, planned_for=AT + after, address="演示路 2 号", surveyors=scene.pair, by=self.approver, at=AT
        )
        found = {scene.point: visit_rules.Found("passed")}
        actions.note_findings(scene.visit, found, by=scene.pair[0], at=AT + after)
        return scene

    def photographed(self):
        scene = self.agreed(after=6 * HOUR)
        photo = SimpleUploadedFile("a.png", PNG)
        scene.photo = actions.add_photo(scene.visit, scene.point, photo, by=scene.pair[0], at=AT + 6 * HOUR)[1].pk
        return scene

    def gap(self):
        version = self.version()
        later = ItemMaterial.objects.create(
            version=version, position=9, name="验资报告", necessity=ItemMaterial.Necessity.GAP_ALLOWED
        )
        scene = self.received(version)
        scene.case.materials.filter(material=later).update(state=CaseMaterial.State.LATER)
        actions.accept(scene.case.pk, by=self.clerk, at=AT)
        scene.gap = GapPromise.objects.get(case=scene.case).pk
        return scene

    def provable(self):
        version = self.version(extended={"commitment_materials": ["无违法记录证明"]})
        proof = ItemMaterial.objects.create(
            version=version, position=9, name="无违法记录证明", source=ItemMaterial.Source.GOVERNMENT
        )
        scene = self.received(version)
        scene.case.materials.filter(material=proof).update(state=CaseMaterial.State.MISSING)
        scene.row = scene.case.materials.get(material=proof).pk
        return scene

    def committed(self):
        scene = self.provable()
        ROWS["commit"].act(scene, self.clerk)
        actions.accept(scene.case.pk, by=self.clerk, at=LATER)
        return scene

    def sent(self):
        scene = self.running()
        actions.move(
            scene.case.pk, kind="unit", receiver=self.colleague_unit, reason=WHY, by=self.approver, at=AT
        )  # fmt: skip
        scene.holder = self.colleague_unit
        return scene

    def signed(self):
        scene = self.sent()
        actions.receive_move(scene.case.pk, by=self.people[self.colleague_unit.pk][APPROVER], at=AT)
        return scene

    def charged(self):
        scene = self.running()
        scene.slip = actions.issue_fee(scene.case.pk, scene.fee, amount="10", by=self.approver, at=AT).pk
        return scene

    def paid(self):
        scene = self.charged()
        actions.pay_fee(scene.slip, channel="cash", by=self.approver, at=AT)
        return scene

    def declined(self):
        scene = self.received()
        actions.flag_public_safety(
            scene.case.item, True, effective_on=localdate(AT), reason=WHY, by=SYSTEM, at=AT
        )  # fmt: skip
        actions.decline(scene.case.pk, reasons=WHY, ground=actions.Ground.FALSE, by=self.clerk, at=AT)
        return scene

    def barred(self):
        scene = self.declined()
        bar = actions.set_bar(scene.case.pk, Bar.Ground.FALSE_MATERIALS, finding=WHY, by=self.approver, at=AT)
        scene.bar = bar.pk
        return scene

    def renewable(self):
        scene = self.received()
        made = certificates.issue(
            scene.case.item, scene.case.applicant, name="演示许可证", series=self.center.letters, by=SYSTEM,
            valid_from=date(2026, 1, 1), valid_until=date(2026, 12, 31), at=AT - 300 * DAY,
        )  # fmt: skip
        scene.number = made.number
        return scene

    def renewing(self):
        scene = self.renewable()
        ROWS["apply_renewal"].act(scene, self.clerk)
        return scene


@pytest.fixture(autouse=True)
def uploads_aside(settings, tmp_path):
    settings.UPLOADS = tmp_path


@pytest.fixture(scope="module")
def world(once_for_module):
    return once_for_module(World)


def put(case: Case, status: str) -> None:
    """Change nothing but the state, and what a case in it always has."""
    is_decided = status in {Case.Status.COMPLETED, Case.Status.DELIVERED}
    Case.objects.filter(pk=case.pk).update(
        status=status,
        outcome=Case.Outcome.GRANTED if is_decided else "",
        completed_at=AT if is_decided else None,
        accepted_at=None if status == Case.Status.RECEIVED else AT,
        due_on=date(2026, 12, 16),
        reasons=WHY if status == Case.Status.DECLINED else "",
    )


def written() -> int:
    return Event.objects.count()


def refuses(act: Callable[[], Any], because: type[DomainError] | tuple[type[DomainError], ...]) -> bool:
    """Whether the act is refused with that, or does nothing and says so, and nothing is written either way."""
    before = written()
    try:
        with transaction.atomic():
            done = act()
    except because as refusal:
        assert str(refusal).endswith(("。", "？")), str(refusal)
        return written() == before
    return done is False and written() == before


IN_STATES = [
    pytest.param(name, state, id=f"{name}-{state}")
    for name, row in ROWS.items()
    for state in (STATES.split() if row.states else ())
]


@pytest.mark.parametrize(("name", "state"), IN_STATES)
def test_each_act_in_each_state_of_a_case(world, name, state):
    row = ROWS[name]
    scene = world.scenes[row.scene]
    by = world.people[scene.holder.pk][row.roles[0]]
    put(scene.case, state)
    if state not in row.states.split():
        assert refuses(lambda: row.act(scene, by), DomainError)
        return
    before = written()
    assert row.act(scene, by) is not False
    assert written() > before


@pytest.mark.parametrize("name", ROWS)
def test_each_act_by_each_role(world, name):
    """Of the unit whose case it is, of another unit, of the applicant and of another one, and of nobody at all."""
    row = ROWS[name]
    scene = world.scenes[row.scene]
    here = world.people[scene.holder.pk]
    (there,) = (people for unit, people in world.people.items() if unit != scene.holder.pk)
    may, wrong = set(), []
    for role, by in here.items():
        try:
            with transaction.atomic():
                row.act(scene, by)
                may.add(role)
                transaction.set_rollback(True)
        except NotAllowed:
            continue
    others = {"nobody": world.nobody, "stranger": world.stranger}
    own = getattr(scene, "applicant", scene.case and scene.case.applicant)
    if row.scene != "worded" and not name.startswith(("save_opinion", "move_due_dates")):
        others |= {f"{role} elsewhere": by for role, by in there.items() if role not in ADMINISTRATORS}
    if own is not None and not row.applicant:
        others["applicant"] = own
    for who, by in others.items():
        if not refuses(lambda by=by: row.act(scene, by), NotAllowed):
            wrong.append(who)
    assert (may, wrong) == (set(row.roles), [])
    if row.applicant:
        row.act(scene, own)


ASIDE = [name for name, row in ROWS.items() if row.states]


@pytest.mark.parametrize("name", ASIDE)
def test_nobody_who_stands_aside_does_anything_to_the_case(world, name):
    """SUP-11: whatever his role; a colleague in his place does it."""
    row = ROWS[name]
    scene = world.scenes[row.scene]
    for role in row.roles:
        by = world.people[scene.holder.pk][role]
        aside = Recusal.objects.create(
            region_id=scene.case.region_id, case=scene.case, staff=by, reason="亲属", asked_by="self", asked_at=AT,
            decided_at=AT, is_granted=True,
        )  # fmt: skip
        assert refuses(lambda by=by: row.act(scene, by), STANDS_ASIDE), role
        # Not yet granted, or not at all, he goes on.
        Recusal.objects.filter(pk=aside.pk).update(is_granted=False)
        with transaction.atomic():
            assert row.act(scene, by) is not False
            transaction.set_rollback(True)


@pytest.mark.parametrize("moved", [True, False])
@pytest.mark.parametrize("name", ["plan_visit", "close_visit"])
def test_a_visit_is_neither_planned_nor_closed_while_another_unit_has_the_case(world, name, moved):
    scene = world.scenes[ROWS[name].scene]
    by = world.people[scene.holder.pk][APPROVER]
    if moved:
        ROWS["move"].act(scene, by)
        assert refuses(lambda: ROWS[name].act(scene, by), actions.WrongStep)
        actions.receive_move(scene.case.pk, by=world.people[world.colleague_unit.pk][APPROVER], at=LATER)
        actions.return_move(
            scene.case.pk, outcome="passed", opinion="", by=world.people[world.colleague_unit.pk][APPROVER], at=LATER
        )
    assert ROWS[name].act(scene, by) is not False


@pytest.mark.parametrize(
    ("role", "here", "may"),
    [(SURVEYOR, True, True), (APPROVER, True, True), (CLERK, True, False), (SURVEYOR, False, False)],
    ids=["surveyor", "approver", "clerk", "surveyor of another unit"],
)
@pytest.mark.parametrize("kind", ["visit", "expert"])
def test_who_is_named_for_a_step_has_the_right_to_do_it(world, kind, role, here, may):
    version = world.version(visit=True)
    version.steps.filter(key="visit").update(kind=kind)
    scene = world.running(version)
    other = world.people[(world.unit if here else world.colleague_unit).pk][role]

    def act():
        pair = [world.approver, other]
        return actions.complete_task(
            scene.task, outcome="passed", opinion="", surveyors=pair, by=world.approver, at=LATER
        )

    assert act().done_at == LATER if may else refuses(act, actions.BadPlan)


def test_every_act_is_in_the_table():
    public = {name for name in actions.__all__ if isfunction(getattr(actions, name))}
    tried = {name.partition("/")[0] for name in ROWS}
    assert public - tried - HELPERS - set().union(*TRIED_ELSEWHERE.values()) == set()
    assert tried - public == set()
    acting = {name for name in public if "by" in signature(getattr(actions, name)).parameters}
    assert acting & HELPERS == set()
    assert set(STATES.split()) == set(Case.Status.values)
