"""Site visits: called back, agreed, made by two or more, closed with every mandatory point; reasons counted."""

import threading
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from yimen.cases import actions, documents, queries
from yimen.cases.models import Case, Notice, Recusal, SiteVisit, Task
from yimen.cases.queries import visits as found_visits
from yimen.cases.rules import visits as rules
from yimen.cases.tests.factories import make_case, make_version
from yimen.catalog.models import CheckPoint, FlowStep
from yimen.ledger.models import Event
from yimen.lib.errors import DomainError
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import make_department, make_staff

# A Wednesday, 9:05 in Shanghai.
AT = datetime(2026, 11, 18, 1, 5, tzinfo=UTC)
TOMORROW = AT + timedelta(days=1)
HOUR = timedelta(hours=1)


def make_points(version, *, mandatory=2, optional=1, photo=False):
    return CheckPoint.objects.bulk_create(
        CheckPoint(
            version=version, position=n, text=f"看第 {n} 处", is_mandatory=n <= mandatory, needs_photo=photo and n == 1
        )
        for n in range(1, mandatory + optional + 1)
    )


def make_visit(*, points=True, at=AT, photo=False, **fields):
    """An accepted case whose visit waits for a call, and two who may go."""
    version = fields.pop("version", None) or make_version(visit=True, **fields)
    if points:
        make_points(version, photo=photo)
    case = make_case(version=version, at=at)
    clerk = make_staff(Role.CLERK, department=make_department(case.region), for_region=True)
    actions.accept(case.pk, by=clerk, at=at)
    pair = [make_staff(Role.SURVEYOR, department=case.department) for _n in range(2)]
    return SiteVisit.objects.get(case=case), pair


def agree(visit, pair, *, at=AT, planned_for=TOMORROW, by=None, **fields):
    return actions.plan_visit(
        visit.pk, planned_for=planned_for, address="演示路 2 号", surveyors=pair, by=by or pair[0], at=at, **fields
    )


def note(visit, by, findings, *, at=TOMORROW):
    """findings: by position of the point."""
    points = {point.position: point.pk for point in visit.case.version.check_points.all()}
    return actions.note_findings(visit.pk, {points[n]: found for n, found in findings.items()}, by=by, at=at)


PASSED = rules.Found("passed")
FAILED = rules.Found("failed", "卫生不达标", "灶台有油污")


@pytest.mark.django_db
@pytest.mark.capability("S2-6", "S2-7")
def test_a_booking_asks_for_a_call_within_two_hours_and_setting_a_time_sends_the_notice():
    visit, pair = make_visit()
    assert (visit.status, visit.call_by - visit.asked_at) == (SiteVisit.Status.TO_CALL, timedelta(hours=2))
    assert list(found_visits.to_call(pair[0])) == [visit]
    assert rules.call_clock(visit.call_by, now=AT + 3 * HOUR).minutes_over == 60

    visit = agree(visit, pair, at=AT + 3 * HOUR, contact="王师傅", phone="13900000001", script={"ready": "电梯停下来"})
    assert visit.notice.kind == Notice.Kind.VISIT
    assert "电梯停下来" in str(visit.notice.data)
    assert documents.render(visit.notice).startswith(b"%PDF")
    row = Event.objects.get(kind="case.visit_agreed", stream=visit.case.stream)
    assert row.data["is_late"] is True
    assert "13900000001" not in str(row.data) + str(visit.notice.data)
    assert found_visits.contact_of(visit)["phone"] == "13900000001"
    assert not found_visits.to_call(pair[0]).exists()
    assert queries.timeline(visit.case)[0].notice == visit.notice


@pytest.mark.django_db
def test_the_visit_of_a_booking_counts_from_receipt_not_from_acceptance():
    version = make_version(visit=True)
    case = make_case(version=version, at=AT)
    clerk = make_staff(Role.CLERK, department=make_department(case.region), for_region=True)
    actions.accept(case.pk, by=clerk, at=AT + 5 * HOUR)
    assert SiteVisit.objects.get(case=case).asked_at == AT


def _one(visit, pair):
    return [pair[0]]


def _twice_the_same(visit, pair):
    return [pair[0], pair[0]]


def _recused(visit, pair):
    Recusal.objects.create(
        region_id=visit.region_id, case=visit.case, staff=pair[1], reason="亲戚", asked_by="system", asked_at=AT,
        is_granted=True,
    )  # fmt: skip
    return pair


def _no_surveyor(visit, pair):
    return [pair[0], make_staff(Role.CLERK, department=visit.case.department)]


def _a_system(visit, pair):
    machine = make_staff(Role.SURVEYOR, department=visit.task.department, must_change_password=True)
    assert machine in found_visits.surveyors_for(visit.task)  # somebody new, who has not logged in yet
    machine.user.set_unusable_password()
    machine.user.save()
    assert machine not in found_visits.surveyors_for(visit.task)
    return [pair[0], machine]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("who", "error"),
    [
        (_one, actions.TooFewSurveyors),
        (_twice_the_same, actions.TooFewSurveyors),
        (_recused, actions.Recused),
        (_no_surveyor, actions.BadPlan),
        (_a_system, actions.BadPlan),
    ],
    ids=["one", "twice-the-same", "recused", "no-surveyor", "a-departments-system"],
)
def test_two_different_people_without_an_interest_go(who, error):
    visit, pair = make_visit()
    with pytest.raises(error):
        agree(visit, who(visit, pair))
    assert not Notice.objects.filter(kind=Notice.Kind.VISIT).exists()


@pytest.mark.django_db
def test_nobody_is_promised_to_two_places_at_once_unless_he_says_how():
    department = make_department()
    first, pair = make_visit(department=department)
    second, others = make_visit(department=department)
    agree(first, pair)
    near = TOMORROW + timedelta(minutes=60)
    with pytest.raises(actions.DoubleBooked):
        agree(second, [pair[0], others[0]], planned_for=near)
    with pytest.raises(actions.ReasonsMissing):
        agree(second, [pair[0], others[0]], planned_for=near, override="近")
    visit = agree(second, [pair[0], others[0]], planned_for=near, override="两家在同一栋楼里，挨着看")
    assert visit.script["override"] == "两家在同一栋楼里，挨着看"


@pytest.mark.django_db
@pytest.mark.parametrize("planned", [AT, AT - HOUR])
def test_a_visit_is_not_agreed_for_the_past(planned):
    visit, pair = make_visit()
    with pytest.raises(actions.BadPlan):
        agree(visit, pair, planned_for=planned)


@pytest.mark.django_db
def test_who_has_no_right_agrees_nothing():
    visit, pair = make_visit()
    with pytest.raises(NotAllowed):
        agree(visit, pair, by=make_staff(Role.SURVEYOR, department=make_department(visit.case.region)))


@pytest.mark.django_db
def test_a_visit_that_met_nobody_is_asked_for_again_under_the_next_number():
    visit, pair = make_visit()
    agree(visit, pair)
    with pytest.raises(actions.WrongStep):
        actions.put_off_visit(visit.pk, status="missed", reason="铁门锁着，没有人", by=pair[0], at=AT + HOUR)
    again = actions.put_off_visit(visit.pk, status="missed", reason="铁门锁着，没有人", by=pair[0], at=TOMORROW + HOUR)
    visit.refresh_from_db()
    assert (visit.status, again.number, again.status) == ("missed", 2, "to_call")
    assert (again.asked_at, again.address) == (TOMORROW + HOUR, "演示路 2 号")


@pytest.mark.django_db
@pytest.mark.capability("S2-33", "S2-10", "S4-11")
@pytest.mark.parametrize(
    ("findings", "closes"),
    [
        ({}, False),
        ({3: PASSED}, False),
        ({1: PASSED}, False),
        ({1: PASSED, 2: rules.Found("na")}, False),
        ({1: PASSED, 2: rules.Found("na", note="没有地下室")}, True),
        ({1: PASSED, 2: PASSED}, True),
    ],
    ids=["nothing", "only-optional", "one-of-two", "na-without-why", "na-with-why", "all"],
)
def test_a_visit_closes_only_with_every_mandatory_point(findings, closes):
    visit, pair = make_visit()
    agree(visit, pair)
    note(visit, pair[0], findings)
    if not closes:
        with pytest.raises(actions.VisitIncomplete):
            actions.close_visit(visit.pk, by=pair[0], at=TOMORROW + HOUR, signed_by="王小明")
        assert Task.objects.get(pk=visit.task_id).done_at is None
        return
    visit = actions.close_visit(visit.pk, by=pair[0], at=TOMORROW + HOUR, signed_by="王小明")
    task = Task.objects.get(pk=visit.task_id)
    assert (visit.result, task.outcome, task.done_at) == ("passed", "passed", TOMORROW + HOUR)
    assert set(task.surveyors.all()) == set(pair)
    assert visit.record.kind == Notice.Kind.VISIT_RECORD
    assert documents.render(visit.record).startswith(b"%PDF")
    assert visit.case.tasks.filter(kind=FlowStep.Kind.REVIEW, done_at=None).exists()


@pytest.mark.django_db
@pytest.mark.capability("S2-10")
def test_the_step_is_neither_skipped_nor_closed_with_an_opinion_nor_back_dated():
    visit, pair = make_visit()
    case, approver = visit.case, make_staff(Role.APPROVER, department=visit.case.department)
    with pytest.raises(actions.WrongStep):
        actions.decide(case.pk, outcome="granted", by=approver, at=AT)
    with pytest.raises(actions.WrongStep):
        actions.complete_task(visit.task_id, outcome="passed", opinion="好", by=approver, at=AT, surveyors=pair)
    agree(visit, pair)
    note(visit, pair[0], {1: PASSED, 2: PASSED}, at=TOMORROW + HOUR)
    for early in (AT, TOMORROW):
        with pytest.raises(DomainError):
            actions.close_visit(visit.pk, by=pair[0], at=early, signed_by="王小明")
    assert not Task.objects.filter(pk=visit.task_id, done_at__isnull=False).exists()


@pytest.mark.django_db
def test_answers_come_again_without_a_trace_and_half_ones_are_named():
    visit, pair = make_visit()
    agree(visit, pair)
    assert note(visit, pair[0], {1: PASSED, 2: rules.Found("failed")})[0][1] == rules.Fault.NO_REASON
    note(visit, pair[0], {1: PASSED})
    assert Event.objects.filter(kind="case.visit_noted").count() == 1
    assert note(visit, pair[0], {2: rules.Found("failed", "没有这个原因")})[0][1] == rules.Fault.NO_REASON
    assert note(visit, pair[0], {2: FAILED}) == []
    with pytest.raises(actions.WrongStep):
        actions.note_findings(visit.pk, {UUID(int=0): PASSED}, by=pair[0], at=TOMORROW)
    with pytest.raises(actions.NotOnThisVisit):
        note(visit, make_staff(Role.SURVEYOR, department=visit.case.department), {1: PASSED})


@pytest.mark.django_db
@pytest.mark.parametrize("look_again", [True, False])
def test_one_failing_fails_the_visit_and_it_may_be_looked_at_again(look_again):
    visit, pair = make_visit()
    agree(visit, pair)
    note(visit, pair[0], {1: PASSED, 2: FAILED})
    close = {"by": pair[0], "at": TOMORROW + HOUR, "signed_by": "王小明", "look_again": look_again}
    with pytest.raises(actions.ReasonsMissing):
        actions.close_visit(visit.pk, **close)
    visit = actions.close_visit(visit.pk, remarks="灶台擦干净再来看。", **close)
    task = Task.objects.get(pk=visit.task_id)
    assert visit.result == "failed"
    assert (task.outcome, task.done_at is None) == (("", True) if look_again else ("rejected", False))
    assert SiteVisit.objects.filter(task=task, status="to_call", number=2).exists() is look_again


@pytest.mark.django_db
@pytest.mark.capability("S4-10")
def test_reasons_of_failing_are_counted_by_item_and_month():
    version = make_version(visit=True)
    visit, pair = make_visit(version=version)
    agree(visit, pair)
    note(visit, pair[0], {1: FAILED, 2: FAILED})
    actions.close_visit(visit.pk, by=pair[0], at=TOMORROW, signed_by="王小明", remarks="先打扫，再来看。")
    counted = found_visits.visit_failures(visit.region_id, date(2026, 11, 1), date(2026, 11, 30))
    assert [(one.month, one.name, one.label, one.count) for one in counted] == [
        (date(2026, 11, 1), version.name, "卫生不达标", 2)
    ]
    assert found_visits.visit_failures(visit.region_id, date(2026, 12, 1), date(2026, 12, 31)) == []
    whole = found_visits.visit_count(visit.region_id, date(2026, 11, 1), date(2026, 11, 30))
    assert (whole.made, whole.failed, whole.percent_failed) == (1, 1, 100)


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415478da63f8cfc0000003010100f7034143"
    "0000000049454e44ae426082"
)


@pytest.mark.django_db
def test_a_point_that_asks_for_a_photo_needs_one(settings, tmp_path):
    settings.UPLOADS = tmp_path
    visit, pair = make_visit(photo=True)
    agree(visit, pair)
    note(visit, pair[0], {1: PASSED, 2: PASSED})
    with pytest.raises(actions.VisitIncomplete, match="拍照"):
        actions.close_visit(visit.pk, by=pair[0], at=TOMORROW, signed_by="王小明")
    point = visit.case.version.check_points.get(position=1)
    answer, upload = actions.add_photo(visit.pk, point.pk, SimpleUploadedFile("a.png", PNG), by=pair[0], at=TOMORROW)
    assert (answer.finding, upload.case_id, list(answer.photos.all())) == ("passed", visit.case_id, [upload])
    assert actions.close_visit(visit.pk, by=pair[0], at=TOMORROW, signed_by="王小明").result == "passed"


@pytest.mark.django_db
def test_an_item_without_points_is_finished_with_an_opinion_and_its_visit_with_it():
    visit, pair = make_visit(points=False)
    actions.complete_task(visit.task_id, outcome="passed", opinion="好", by=pair[0], at=AT + HOUR, surveyors=pair)
    visit.refresh_from_db()
    assert (visit.status, visit.result, set(visit.surveyors.all())) == ("done", "passed", set(pair))


@pytest.mark.django_db
def test_a_visit_never_stops_the_clock():
    visit, pair = make_visit()
    due = Case.objects.get(pk=visit.case_id).due_on
    agree(visit, pair)
    note(visit, pair[0], {1: PASSED, 2: PASSED})
    actions.close_visit(visit.pk, by=pair[0], at=TOMORROW, signed_by="王小明")
    assert Case.objects.get(pk=visit.case_id).due_on == due
    assert not visit.case.stops.exists()


def _both(works):
    """Run both at once on connections of their own; return the results and the errors."""
    results, begin = [], threading.Barrier(len(works))

    def run(work):
        try:
            begin.wait(10)
            results.append(work())
        except DomainError as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_two_close_the_same_visit_and_one_wins():
    visit, pair = make_visit()
    agree(visit, pair)
    note(visit, pair[0], {1: PASSED, 2: PASSED})
    ends = _both([lambda by=by: actions.close_visit(visit.pk, by=by, at=TOMORROW, signed_by="王小明") for by in pair])
    assert sorted(isinstance(end, actions.WrongStep) for end in ends) == [False, True]
    assert Notice.objects.filter(case=visit.case, kind=Notice.Kind.VISIT_RECORD).count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_surveyor_cannot_be_promised_to_two_visits_planned_at_once():
    department = make_department()
    one, pair = make_visit(department=department)
    other, others = make_visit(department=department)
    ends = _both([
        lambda: agree(one, [pair[0], pair[1]]),
        lambda: agree(other, [others[0], pair[0]], by=others[0]),
    ])  # fmt: skip
    assert sorted(isinstance(end, actions.DoubleBooked) for end in ends) == [False, True]


# Rules


@given(st.datetimes(datetime(2007, 1, 1), datetime(2026, 12, 31)), st.integers(0, 48), st.integers(-10_000, 10_000))
def test_a_call_is_in_time_or_over_never_both(asked, hours, minutes):
    due = rules.call_by(asked, hours)
    clock = rules.call_clock(due, now=due + timedelta(minutes=minutes))
    assert (clock.minutes_left, clock.minutes_over) == (max(0, -minutes), max(0, minutes))
    assert clock.is_over is (minutes > 0)
    late = rules.call_clock(due, now=due + timedelta(days=30), called_at=due + timedelta(minutes=minutes))
    assert (late.minutes_left, late.minutes_over) == (0, max(0, minutes))


_found = st.builds(
    rules.Found, st.sampled_from(["", "passed", "failed", "na"]), st.sampled_from(["", "其他"]),
    st.sampled_from(["", " ", "没有"]), st.integers(0, 2),
)  # fmt: skip


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=6), st.data())
def test_a_visit_without_faults_has_an_answer_at_every_mandatory_point(kinds, data):
    points = [rules.Point(n, *kind) for n, kind in enumerate(kinds)]
    found = {point.key: data.draw(_found) for point in points if data.draw(st.booleans())}
    wrong = rules.faults(points, found)
    said = {point.key: found.get(point.key, rules.Found()) for point in points}
    fine = all(
        (bool(one.finding) or not point.is_mandatory)
        and not (one.finding == "failed" and not one.failure)
        and not (one.finding == "na" and point.is_mandatory and not one.note.strip())
        and not (one.finding in {"passed", "failed"} and point.needs_photo and not one.photos)
        for point, one in ((point, said[point.key]) for point in points)
    ) and (not points or any(one.finding for one in said.values()))
    assert (not wrong) is fine


@given(st.lists(_found, max_size=5))
def test_one_failing_is_enough(found):
    result = rules.result_of(dict(enumerate(found)))
    assert (result == "failed") is any(one.finding == "failed" for one in found)
