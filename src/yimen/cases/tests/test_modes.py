"""Gaps, commitments, joint approval, going back, handing on: through the real actions on a real database."""

import threading
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from yimen.cases import actions, jobs, queries
from yimen.cases.actions import GapOpen, Handed, NotCommittable, ReasonsMissing, TooEarly, WrongStep
from yimen.cases.models import (
    Bar,
    Case,
    CaseMaterial,
    CaseMove,
    Clock,
    HandlingMode,
    Notice,
    Task,
)
from yimen.cases.tests.factories import make_case, make_version
from yimen.catalog.models import FlowStep, ItemMaterial, LocalRule
from yimen.ledger.models import Event
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import make_applicant, make_center, make_department, make_region, make_staff

pytestmark = pytest.mark.django_db

# A Wednesday, 9:05 in Shanghai.
AT = datetime(2026, 11, 18, 1, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def kinds(case):
    return list(Event.objects.filter(stream=case.stream).order_by("seq").values_list("kind", flat=True))


def clerk_in(region):
    return make_staff(Role.CLERK, department=make_department(region), for_region=True)


def approver_at(department):
    return make_staff(Role.APPROVER, department=department)


def received(version, *, at=AT, **states):
    """A received case; states by the material's name, else complete."""
    region = version.item.region
    clerk = clerk_in(region)
    handed = {row.pk: Handed(states.get(row.name, "complete")) for row in version.materials.all()}
    case = actions.receive(
        version, make_applicant(region=region), center=make_center(region), materials=handed, by=clerk, at=at
    )
    return case, clerk


# --- 容缺受理 (HALL-11) ---


def version_with_gap(**extended):
    version = make_version(promised_days=15)
    ItemMaterial.objects.create(
        version=version, position=9, name="验资报告", necessity=ItemMaterial.Necessity.GAP_ALLOWED
    )
    version.extended = extended
    version.save(update_fields=["extended"])
    return version


def accepted_with_gap(**extended):
    case, clerk = received(version_with_gap(**extended), 验资报告="later")
    case = actions.accept(case.pk, by=clerk, at=AT)
    review(case, at=AT + HOUR)
    return case, clerk


def review(case, *, at=AT + HOUR, outcome="passed", opinion=""):
    for task in case.tasks.filter(done_at=None, kind=FlowStep.Kind.REVIEW).select_related("department"):
        actions.complete_task(task.pk, outcome=outcome, opinion=opinion, by=approver_at(task.department), at=at)


def decide(case, *, at=AT + 2 * HOUR, outcome="granted", reasons="", by=None):
    return actions.decide(case.pk, outcome=outcome, reasons=reasons, by=by or approver_at(case.department), at=at)


def test_a_material_that_may_follow_becomes_a_promise_with_its_own_day_and_document():
    case, _clerk = accepted_with_gap()
    gap = case.gaps.get()
    # Ten working days after 18 November.
    assert (gap.material.material.name, gap.due_on, case.handling_mode) == (
        "验资报告",
        date(2026, 12, 2),
        HandlingMode.SUPPLEMENT,
    )
    notice = case.notices.get(kind=Notice.Kind.SUPPLEMENT)
    assert notice.data["table"]["rows"][0][0] == "验资报告"
    assert kinds(case)[1:3] == ["case.accepted", "case.gap_promised"]


def test_a_place_sets_its_own_days_for_gaps_from_a_day_on():
    version = version_with_gap()
    LocalRule.objects.create(region=version.item.region, key="gap_days", value=5, effective_on=date(2026, 11, 1))
    case, clerk = received(version, 验资报告="later")
    actions.accept(case.pk, by=clerk, at=AT)
    assert case.gaps.get().due_on == date(2026, 11, 25)


@pytest.mark.parametrize(
    ("extended", "makes_up", "raises"),
    [
        ({}, False, GapOpen),
        ({}, True, None),
        ({"decide_with_gap": True}, False, None),
    ],
    ids=["open", "made-up", "item-says-so"],
)
def test_nothing_is_granted_while_a_gap_is_open_unless_the_item_says_so(extended, makes_up, raises):
    case, clerk = accepted_with_gap(**extended)
    if makes_up:
        actions.make_up_gap(case.gaps.get().pk, by=clerk, at=AT + HOUR)
    with pytest.raises(raises) if raises else nullcontext():
        decide(case)
    case.refresh_from_db()
    assert case.status == (Case.Status.ACCEPTED if raises else Case.Status.COMPLETED)


def test_a_gap_never_made_up_ends_in_a_refusal_that_says_so():
    case, _clerk = accepted_with_gap()
    with pytest.raises(GapOpen, match="还没补齐"):
        decide(case, outcome="refused", reasons="验资报告没有补交。")
    late = datetime(2026, 12, 3, 2, tzinfo=UTC)
    with pytest.raises(GapOpen, match="过了补交的日子"):
        decide(case, at=late)
    case = decide(case, outcome="refused", reasons="材料不齐，不符合条件。", at=late)
    assert "到期没有补齐" in case.reasons and "验资报告" in case.reasons


def test_a_gap_is_made_up_once_by_any_clerk_and_not_twice():
    case, _clerk = accepted_with_gap()
    gap = case.gaps.get()
    other = clerk_in(case.region)
    actions.make_up_gap(gap.pk, by=other, at=AT + HOUR, form="copy")
    row = CaseMaterial.objects.get(pk=gap.material_id)
    assert (row.state, row.form) == ("complete", "copy")
    with pytest.raises(WrongStep):
        actions.make_up_gap(gap.pk, by=other, at=AT + HOUR)
    assert kinds(case).count("case.gap_made_up") == 1


def test_an_overdue_gap_is_listed_and_noted_once_however_often_the_job_runs():
    case, clerk = accepted_with_gap()
    gap = case.gaps.get()
    on_the_day, after = datetime(2026, 12, 2, 2, tzinfo=UTC), datetime(2026, 12, 3, 2, tzinfo=UTC)
    assert jobs.note_overdue_gaps(at=on_the_day) == 0
    assert [jobs.note_overdue_gaps(at=after), jobs.note_overdue_gaps(at=after + DAY)] == [1, 0]
    assert kinds(case).count("case.gap_overdue") == 1
    assert list(queries.open_gaps(clerk)) == [gap]
    actions.make_up_gap(gap.pk, by=clerk, at=after)
    assert not queries.open_gaps(clerk).exists()


# --- 告知承诺 (HALL-12) ---

COMMITMENT = "我承诺场地符合消防要求，情况不实的，愿意承担撤销许可的后果。"


def version_with_proof(**extended):
    version = make_version()
    ItemMaterial.objects.create(
        version=version, position=9, name="无违法记录证明", source=ItemMaterial.Source.GOVERNMENT
    )
    version.extended = {"commitment_materials": ["无违法记录证明"], **extended}
    version.save(update_fields=["extended"])
    return version


def committed():
    case, clerk = received(version_with_proof(), 无违法记录证明="missing")
    row = case.materials.get(material__name="无违法记录证明")
    commitment = actions.commit(case.pk, [row.pk], COMMITMENT, by=clerk, at=AT)
    return case, clerk, commitment


def test_a_commitment_replaces_the_proofs_the_item_names_and_is_checked_later():
    case, clerk, commitment = committed()
    case = actions.accept(case.pk, by=clerk, at=AT)
    assert case.handling_mode == HandlingMode.COMMITMENT
    assert commitment.check_by == date(2026, 12, 30)  # thirty working days
    assert COMMITMENT in "".join(commitment.notice.data["closing"])
    approver = approver_at(case.department)
    assert list(queries.commitments_to_check(approver)) == [commitment]
    actions.check_commitment(case.pk, is_kept=True, findings="现场看过，属实", by=approver, at=AT + DAY)
    assert not queries.commitments_to_check(approver).exists()
    assert not Bar.objects.exists()


@pytest.mark.parametrize("name", ["申请表", "营业执照"])
def test_a_commitment_replaces_nothing_else(name):
    case, clerk = received(version_with_proof(), 无违法记录证明="missing", **{name: "missing"})
    row = case.materials.get(material__name=name)
    with pytest.raises(NotCommittable):
        actions.commit(case.pk, [row.pk], COMMITMENT, by=clerk, at=AT)


def test_a_place_may_allow_it_for_every_proof_from_a_day_on():
    version = version_with_proof(commitment_materials=[])
    case, _clerk = received(version, 无违法记录证明="missing")
    assert actions.committable(case, at=AT) == []
    LocalRule.objects.create(
        region=version.item.region, key="commitment_for_proofs", value=1, effective_on=date(2026, 11, 1)
    )
    assert [row.material.name for row in actions.committable(case, at=AT)] == ["无违法记录证明"]


def test_marking_a_material_as_committed_without_a_commitment_is_refused():
    case, clerk = received(version_with_proof(), 无违法记录证明="committed")
    with pytest.raises(NotCommittable):
        actions.accept(case.pk, by=clerk, at=AT)


def test_a_broken_commitment_before_the_decision_bars_and_cannot_be_granted():
    case, clerk, _commitment = committed()
    actions.accept(case.pk, by=clerk, at=AT)
    review(case)
    approver = approver_at(case.department)
    with pytest.raises(ReasonsMissing):
        actions.check_commitment(case.pk, is_kept=False, findings="不实", by=approver, at=AT + HOUR)
    actions.check_commitment(case.pk, is_kept=False, findings="有两次处罚记录，承诺不实", by=approver, at=AT + HOUR)
    bar = Bar.objects.get(case=case)
    assert (bar.ground, bar.until_on) == (Bar.Ground.FALSE_COMMITMENT, date(2027, 11, 18))
    with pytest.raises(actions.CommitmentBroken):
        decide(case)
    assert "承诺与事实不符" in decide(case, outcome="refused", reasons="不符合法定条件。").reasons


def test_a_broken_commitment_after_the_grant_waits_in_a_list_to_be_revoked():
    case, clerk, commitment = committed()
    actions.accept(case.pk, by=clerk, at=AT)
    review(case)
    decide(case)
    approver = approver_at(case.department)
    actions.check_commitment(case.pk, is_kept=False, findings="有两次处罚记录，承诺不实", by=approver, at=AT + DAY)
    assert list(queries.broken_commitments(approver)) == [commitment]


# --- 联合审批 (S1-21, S1-30, S2-13) ---


def joint_version(*others, promised_days=20):
    """receive, accept, then a review each at the own department and the others, then visit-free decide and deliver."""
    version = make_version(promised_days=promised_days, statutory_limit=None)
    steps = {step.key: step for step in version.steps.all()}
    for n, department in enumerate(others, start=1):
        FlowStep.objects.create(
            version=version,
            position=20 + n,
            key=f"review-{n}",
            name=f"{department.short_name}审查",
            kind=FlowStep.Kind.REVIEW,
            department=department,
            post="审查岗",
            authority="提出意见",
            limit_days=2 + n,
            after=["accept"],
        )
    steps["decide"].after = ["review", *(f"review-{n}" for n in range(1, len(others) + 1))]
    steps["decide"].save(update_fields=["after"])
    return version


@pytest.mark.capability("S1-21")
@pytest.mark.capability("S1-30")
def test_units_work_in_parallel_each_with_its_own_day_inside_the_whole_limit():
    fire, police = make_department(), make_department()
    case, clerk = received(joint_version(fire, police))
    case = actions.accept(case.pk, by=clerk, at=AT)
    assert case.handling_mode == HandlingMode.JOINT
    tasks = {task.department: task for task in case.tasks.select_related("department")}
    assert set(tasks) == {case.department, fire, police}
    assert len({task.due_on for task in tasks.values()}) == 3
    assert all(AT.date() < task.due_on <= case.due_on for task in tasks.values())
    # LAW-9: 45 working days for what several organs handle together.
    clock = case.clocks.get(kind=Clock.Kind.STATUTORY)
    assert (clock.limit, clock.due_on) == (45, date(2027, 1, 20))

    for n, (department, task) in enumerate(tasks.items()):
        units = queries.unit_steps(case.tasks.select_related("department"))
        assert (len(units), sum(unit.done_at is not None for unit in units)) == (3, n)
        with pytest.raises(WrongStep):
            decide(case, at=AT + 3 * HOUR)
        actions.complete_task(task.pk, outcome="passed", opinion="同意", by=approver_at(department), at=AT + HOUR)
    assert decide(case, at=AT + 3 * HOUR).outcome == "granted"


def test_two_units_finishing_at_once_open_the_decision_once(transactional_db):
    fire = make_department()
    case, clerk = received(joint_version(fire))
    actions.accept(case.pk, by=clerk, at=AT)
    tasks = list(case.tasks.select_related("department"))
    people = [approver_at(task.department) for task in tasks]
    together(
        *(
            lambda task=task, by=by: actions.complete_task(task.pk, outcome="passed", opinion="", by=by, at=AT + HOUR)
            for task, by in zip(tasks, people, strict=True)
        )
    )
    assert case.tasks.filter(step_key="decide").count() == 1


def together(*acts):
    """Run acts at once, each on a connection of its own; return what each raised, None where nothing."""
    errors, start = [None] * len(acts), threading.Barrier(len(acts))

    def run(n, act):
        try:
            start.wait()
            act()
        except Exception as error:
            errors[n] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


# --- 退回重办 ---


def sent_to_decision(department=None):
    """A joint case all of whose reviews are done; the decision waits."""
    other = department or make_department()
    case, clerk = received(joint_version(other))
    case = actions.accept(case.pk, by=clerk, at=AT)
    review(case)
    return case, other


def test_going_back_opens_the_step_under_the_next_round_and_what_followed_waits_for_it():
    case, _other = sent_to_decision()
    before = case.due_on
    leader = approver_at(case.department)
    task = actions.send_back(case.pk, "review-1", reason="图纸缺一页，请补看", by=leader, at=AT + 2 * HOUR)
    assert (task.round, task.done_at) == (2, None)
    case.refresh_from_db()
    assert case.due_on == before
    assert [one.step_key for one in case.tasks.filter(done_at=None)] == ["review-1"]
    with pytest.raises(WrongStep, match="审查"):
        decide(case, at=AT + 3 * HOUR)
    first = case.tasks.get(step_key="review-1", round=1)
    assert first.outcome == "passed" and "图纸缺一页" in first.opinion
    assert "case.sent_back" in [row.kind for row in queries.timeline(case)]

    review(case, at=AT + 3 * HOUR)
    # The other review stands as it was: only what waited for the step comes again.
    assert case.tasks.filter(step_key="review").count() == 1
    assert case.tasks.get(step_key="decide", done_at=None).round == 2
    assert decide(case, at=AT + 4 * HOUR).outcome == "granted"


@pytest.mark.parametrize("state", ["open", "decided", "no-reason", "other-unit"])
def test_going_back_is_refused(state):
    case, other = sent_to_decision()
    by, key, reason, error = approver_at(case.department), "review-1", "图纸缺一页，请补看", WrongStep
    match state:
        case "open":
            key = "decide"
        case "decided":
            decide(case)
        case "no-reason":
            reason, error = "再看", ReasonsMissing
        case "other-unit":
            by, error = approver_at(other), NotAllowed
    count = case.tasks.count()
    with pytest.raises(error):
        actions.send_back(case.pk, key, reason=reason, by=by, at=AT + 3 * HOUR)
    assert case.tasks.count() == count


def test_two_who_send_back_at_once_open_it_once(transactional_db):
    case, _other = sent_to_decision()
    people = [approver_at(case.department) for _n in range(2)]
    errors = together(
        *(
            lambda by=by: actions.send_back(case.pk, "review-1", reason="图纸缺一页，请补看", by=by, at=AT + 2 * HOUR)
            for by in people
        )
    )
    assert sorted(type(error).__name__ for error in errors) == ["NoneType", "WrongStep"]
    assert case.tasks.filter(step_key="review-1").count() == 2


# --- 必经步骤 (S2-10, S4-11) ---


@pytest.mark.capability("S2-10")
@pytest.mark.capability("S4-11")
def test_a_safety_inspection_can_be_neither_skipped_nor_back_dated():
    case = make_case(visit=True, at=AT)
    actions.accept(case.pk, by=clerk_in(case.region), at=AT)
    visit = case.tasks.get(kind=FlowStep.Kind.VISIT)
    people = [make_staff(Role.SURVEYOR, department=case.department) for _n in range(2)]
    with pytest.raises(WrongStep, match="现场核查"):
        decide(case)
    with pytest.raises(TooEarly, match="办理时间不能写得比它早"):
        actions.complete_task(
            visit.pk, outcome="passed", opinion="", by=people[0], surveyors=people, at=visit.opened_at - HOUR
        )
    actions.complete_task(visit.pk, outcome="passed", opinion="", by=people[0], surveyors=people, at=AT + DAY)
    review(case, at=AT + DAY)
    with pytest.raises(TooEarly):
        decide(case, at=AT + HOUR)
    case.refresh_from_db()
    assert (case.status, visit.outcome) == (Case.Status.ACCEPTED, "")
    assert decide(case, at=AT + DAY).outcome == "granted"


def test_an_inspection_beside_the_way_to_the_decision_is_not_forgotten():
    """A flow that lets the decision open before the inspection still cannot be decided without it."""
    version = make_version()
    FlowStep.objects.create(
        version=version,
        position=30,
        key="inspect",
        name="安全检验",
        kind=FlowStep.Kind.REVIEW,
        post="检验岗",
        authority="检验",
        limit_days=1,
        after=["review"],
    )
    case, clerk = received(version)
    actions.accept(case.pk, by=clerk, at=AT)
    review(case)
    Task.objects.filter(case=case, step_key="inspect").delete()
    with pytest.raises(WrongStep, match="安全检验"):
        decide(case)


# --- 转办、上报 (S2-16, LAW-10, HALL-17) ---


def in_another(code, name):
    region = make_region(code, name)
    return make_department(region, name=f"{name}住建局")


def reviewed():
    case, clerk = received(make_version())
    case = actions.accept(case.pk, by=clerk, at=AT)
    review(case)
    return case, clerk


@pytest.mark.capability("S2-16")
def test_a_case_goes_from_a_unit_to_the_city_to_a_district_and_back_under_one_number():
    case, _clerk = reviewed()
    city, district = in_another("500200", "演示地市"), in_another("500201", "演示乙区")
    unit, at_city, at_district = (approver_at(one) for one in (case.department, city, district))
    stranger = approver_at(make_department(district.region))
    number = case.query_no
    assert queries.get_case_for(at_city, number) is None

    actions.move(
        case.pk,
        kind="up",
        receiver=city,
        reason="超出本级权限，报市里",
        opinion="初审符合要求",
        by=unit,
        at=AT + 2 * HOUR,
    )
    assert list(queries.moves_here(at_city)) == list(queries.moves_sent(unit))
    assert [task.case for task in queries.open_tasks(at_city)] == [case]
    assert not queries.open_tasks(unit).exists()
    with pytest.raises(WrongStep, match="转给别的部门"):
        actions.send_back(case.pk, "review", reason="想再看看材料", by=unit, at=AT + 3 * HOUR)
    with pytest.raises(WrongStep):
        decide(case, by=unit, at=AT + 3 * HOUR)
    with pytest.raises(WrongStep, match="签收"):
        actions.return_move(case.pk, outcome="passed", opinion="", by=at_city, at=AT + 3 * HOUR)

    actions.receive_move(case.pk, by=at_city, at=AT + 3 * HOUR)
    actions.move(case.pk, kind="down", receiver=district, reason="场地在乙区，请核对", by=at_city, at=AT + 4 * HOUR)
    assert not queries.open_tasks(at_city).exists()
    assert [task.case.query_no for task in queries.open_tasks(at_district)] == [number]
    with pytest.raises(NotAllowed):
        actions.receive_move(case.pk, by=at_city, at=AT + 5 * HOUR)
    actions.receive_move(case.pk, by=at_district, at=AT + 5 * HOUR)
    actions.return_move(case.pk, outcome="passed", opinion="场地属实", by=at_district, at=AT + 6 * HOUR)

    # Back at the city, which decides what was sent up to it (LAW-10).
    assert [task.case for task in queries.open_tasks(at_city)] == [case]
    decided = decide(case, by=at_city, at=AT + 7 * HOUR)
    assert (decided.query_no, decided.outcome, decided.handling_mode) == (number, "granted", HandlingMode.UPWARD)
    assert decided.notices.get(kind=Notice.Kind.DECISION).data["organ"] == city.name
    assert not CaseMove.objects.filter(case=case, closed_at=None).exists()
    assert Case.objects.filter(applicant=case.applicant).count() == 1

    # While and after it was there, and exactly this case.
    assert [queries.get_case_for(one, number) for one in (unit, at_city, at_district)] == [case] * 3
    assert queries.get_case_for(stranger, number) is None
    assert queries.visible_to(at_city).count() == 0


def test_the_first_review_has_its_own_twenty_days_which_end_when_it_is_sent_up():
    case, _clerk = reviewed()
    unit = approver_at(case.department)
    city = in_another("500200", "演示地市")
    actions.send_up(case.pk, receiver=city, opinion="初审符合要求，请决定", by=unit, at=AT + 2 * DAY)
    clock = case.clocks.get(kind=Clock.Kind.LOWER_REVIEW)
    assert (clock.limit, clock.started_on, clock.due_on) == (20, date(2026, 11, 18), date(2026, 12, 16))
    assert clock.ended_on == date(2026, 11, 20)
    letter = case.notices.get(kind=Notice.Kind.TRANSFER).data
    assert "不用重新交材料" in "".join(letter["closing"]) and case.department.name in "".join(letter["closing"])


def test_an_item_the_organ_above_decides_is_not_decided_below():
    version = make_version(extended={"decided_above": True})
    case, clerk = received(version)
    case = actions.accept(case.pk, by=clerk, at=AT)
    assert case.handling_mode == HandlingMode.UPWARD
    unit, city = approver_at(case.department), in_another("500200", "演示地市")
    with pytest.raises(WrongStep, match="初审还没办完"):
        actions.send_up(case.pk, receiver=city, opinion="初审符合要求", by=unit, at=AT + HOUR)
    review(case)
    with pytest.raises(WrongStep, match="由上级决定"):
        decide(case)
    actions.send_up(case.pk, receiver=city, opinion="初审符合要求", by=unit, at=AT + 2 * HOUR)
    above = approver_at(city)
    actions.receive_move(case.pk, by=above, at=AT + 3 * HOUR)
    with pytest.raises(NotAllowed):
        decide(case, by=unit, at=AT + 4 * HOUR)
    assert decide(case, by=above, at=AT + 4 * HOUR).outcome == "granted"


def test_a_receiver_acts_on_nothing_but_the_move_and_asks_for_no_materials():
    case, _clerk = reviewed()
    city = in_another("500200", "演示地市")
    actions.move(
        case.pk,
        kind="region",
        receiver=city,
        reason="请协助核对场地",
        by=approver_at(case.department),
        at=AT + 2 * HOUR,
    )
    above, their_clerk = approver_at(city), clerk_in(city.region)
    task = case.tasks.get(step_key="move-1")
    material = case.materials.first()
    for act in (
        lambda: actions.complete_task(task.pk, outcome="passed", opinion="", by=above, at=AT + 3 * HOUR),
        lambda: actions.note_materials(case.pk, {material.material_id: Handed("missing")}, by=their_clerk, at=AT + DAY),
        lambda: actions.decline(case.pk, reasons="请重新交材料", by=their_clerk, at=AT + DAY),
        lambda: decide(case, by=above, at=AT + DAY),
    ):
        with pytest.raises((NotAllowed, WrongStep)):
            act()
    material.refresh_from_db()
    assert material.state == "complete"


@pytest.mark.parametrize(
    "wrong", ["kind", "home", "due-past", "due-late", "no-reason", "no-opinion", "not-allowed", "received"]
)
def test_a_case_is_not_handed_on_like_this(wrong):
    case, _clerk = reviewed() if wrong != "received" else received(make_version())
    other = make_department(case.region)
    ask = {"kind": "unit", "receiver": other, "reason": "请协助核对场地", "by": approver_at(case.department)}
    error = actions.BadMove
    match wrong:
        case "kind":
            ask["kind"] = "region"
        case "home":
            ask["receiver"] = case.department
        case "due-past":
            ask["due_on"] = date(2026, 11, 17)
        case "due-late":
            ask["due_on"] = case.due_on + DAY
        case "no-reason":
            ask["reason"], error = "看", ReasonsMissing
        case "no-opinion":
            ask |= {"kind": "up", "receiver": in_another("500200", "演示地市")}
            error = ReasonsMissing
        case "not-allowed":
            ask["by"], error = approver_at(other), NotAllowed
        case "received":
            error = WrongStep
    with pytest.raises(error):
        actions.move(case.pk, at=AT + 2 * HOUR, **ask)
    assert not case.moves.exists()


@pytest.mark.parametrize(
    ("kind", "to", "allowed"),
    [("up", "city", True), ("up", "neighbour", False), ("region", "neighbour", True), ("down", "city", False)],
)
def test_only_an_organ_above_is_asked_to_decide(kind, to, allowed):
    case, _clerk = reviewed()
    places = {"city": in_another("500200", "演示地市"), "neighbour": in_another("500300", "演示邻县")}
    type(case.region).objects.filter(pk__in=[case.region_id, "500300"]).update(parent="500200")
    ask = {"kind": kind, "receiver": places[to], "reason": "请协助核对场地", "opinion": "材料齐全，现场符合要求。"}
    with nullcontext() if allowed else pytest.raises(actions.BadMove, match="这一级"):
        actions.move(case.pk, **ask, by=approver_at(case.department), at=AT + 2 * HOUR)
    assert case.moves.count() == allowed


@pytest.mark.parametrize("outcome", ["passed", "rejected", "returned"])
def test_a_case_comes_back_with_an_opinion_and_goes_on_at_home(outcome):
    case, _clerk = reviewed()
    other, unit = make_department(case.region), approver_at(case.department)
    actions.move(case.pk, kind="unit", receiver=other, reason="请协助核对场地", by=unit, at=AT + 2 * HOUR)
    there = approver_at(other)
    actions.receive_move(case.pk, by=there, at=AT + 3 * HOUR)
    with pytest.raises(WrongStep):
        actions.receive_move(case.pk, by=there, at=AT + 3 * HOUR)
    moved = actions.return_move(case.pk, outcome=outcome, opinion="场地核对过了", by=there, at=AT + 4 * HOUR)
    assert moved.opinion == "场地核对过了"
    with pytest.raises(WrongStep):
        actions.return_move(case.pk, outcome=outcome, opinion="场地核对过了", by=there, at=AT + 4 * HOUR)
    with pytest.raises(ReasonsMissing) if outcome == "rejected" else nullcontext():
        decide(case, at=AT + 5 * HOUR)


def test_two_officers_hand_a_case_on_at_once_and_it_goes_to_one_place(transactional_db):
    case, _clerk = reviewed()
    receivers = [make_department(case.region) for _n in range(2)]
    people = [approver_at(case.department) for _n in range(2)]
    errors = together(
        *(
            lambda to=to, by=by: actions.move(
                case.pk, kind="unit", receiver=to, reason="请协助核对场地", by=by, at=AT + 2 * HOUR
            )
            for to, by in zip(receivers, people, strict=True)
        )
    )
    assert sorted(type(error).__name__ for error in errors) == ["NoneType", "NotAllowed"]
    assert case.moves.count() == 1
