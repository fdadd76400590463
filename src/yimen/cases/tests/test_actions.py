"""What is done with a case, through the real actions on a real database."""

import threading
from contextlib import nullcontext
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from io import BytesIO

import pytest
from django.db import IntegrityError, connection, transaction
from pypdf import PdfReader

from yimen.cases import actions, documents, jobs, queries
from yimen.cases.actions import Handed
from yimen.cases.models import Case, CaseMaterial, Clock, Notice, QueryTries, Task
from yimen.cases.tests.factories import make_case, make_version
from yimen.catalog.models import ItemMaterial
from yimen.catalog.queries import work_calendar
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.lib.workdays import LOCAL_ZONE
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import make_department, make_staff

pytestmark = pytest.mark.django_db

# A Wednesday, 9:05 in Shanghai.
AT = datetime(2026, 11, 18, 1, 5, tzinfo=UTC)


def kinds(case):
    return list(Event.objects.filter(stream=case.stream).order_by("seq").values_list("kind", flat=True))


def clerk_of(case):
    return make_staff(Role.CLERK, department=make_department(case.region), for_region=True)


def approver_of(case):
    return make_staff(Role.APPROVER, department=case.department)


def test_receipt_gives_a_voucher_and_starts_no_clock():
    case = make_case(at=AT)
    assert case.status == Case.Status.RECEIVED
    assert not case.clocks.exists()
    assert [notice.kind for notice in case.notices.all()] == [Notice.Kind.RECEIPT]
    assert kinds(case) == ["case.received"]


@pytest.mark.capability("S1-28")
def test_an_immediate_case_is_accepted_and_finished_within_one_visit():
    case = make_case(immediate=True, at=AT)
    clerk = clerk_of(case)
    actions.accept(case.pk, by=clerk, at=AT + timedelta(minutes=2))
    actions.decide(case.pk, outcome="granted", by=clerk, at=AT + timedelta(minutes=5))
    case = actions.deliver(case.pk, how="window", by=clerk, at=AT + timedelta(minutes=6))
    assert (case.status, case.completed_on_time, case.due_on) == ("delivered", True, date(2026, 11, 18))
    assert kinds(case) == ["case.received", "case.accepted", "case.decided", "case.delivered"]
    assert not case.clocks.filter(ended_on=None).exists()


@pytest.mark.capability("S1-29")
def test_a_promised_case_without_its_own_promise_is_due_in_three_working_days():
    case = make_case(promised_days=None, at=datetime(2026, 4, 30, 2, tzinfo=UTC))
    case = actions.accept(case.pk, by=clerk_of(case), at=datetime(2026, 4, 30, 3, tzinfo=UTC))
    assert (case.due_on, case.due_is_provisional) == (date(2026, 5, 8), False)
    assert case.clocks.get(kind=Clock.Kind.PROMISED).due_on == date(2026, 5, 8)


def test_acceptance_late_in_the_evening_counts_from_the_local_day():
    """17:30 UTC is already tomorrow in Shanghai (CAL-10)."""
    case = make_case(promised_days=1, at=datetime(2026, 11, 17, 17, 0, tzinfo=UTC))
    case = actions.accept(case.pk, by=clerk_of(case), at=datetime(2026, 11, 17, 17, 30, tzinfo=UTC))
    assert case.due_on == date(2026, 11, 19)


def test_a_promise_into_an_unannounced_year_says_so():
    case = make_case(promised_days=20, at=datetime(2026, 12, 20, 2, tzinfo=UTC))
    case = actions.accept(case.pk, by=clerk_of(case), at=datetime(2026, 12, 21, 2, tzinfo=UTC))
    assert case.due_is_provisional
    notice = case.notices.get(kind=Notice.Kind.ACCEPTANCE)
    assert "暂定" in notice.data["due_note"]


@pytest.mark.parametrize(
    ("state", "accepted"), [("complete", True), ("missing", False), ("later", False)], ids=["there", "missing", "later"]
)
def test_all_missing_materials_are_named_at_once(state, accepted):
    case = make_case(at=AT)
    clerk = clerk_of(case)
    rows = list(case.materials.select_related("material"))
    assert len(rows) >= 2
    actions.note_materials(case.pk, {row.material_id: Handed(state) for row in rows}, by=clerk, at=AT)
    with nullcontext() if accepted else pytest.raises(actions.MaterialsMissing) as caught:
        actions.accept(case.pk, by=clerk, at=AT)
    if not accepted:
        assert all(row.material.name in str(caught.value) for row in rows if row.material.source != "shared")
        assert "营业执照" not in str(caught.value)  # we look that one up ourselves
        assert kinds(case)[-1] == "case.materials_noted"


def test_a_material_that_may_follow_later_does_not_stop_acceptance():
    case = make_case(at=AT)
    row = case.materials.select_related("material").first()
    ItemMaterial.objects.filter(pk=row.material_id).update(necessity=ItemMaterial.Necessity.GAP_ALLOWED)
    clerk = clerk_of(case)
    actions.note_materials(case.pk, {row.material_id: Handed("later", "12 月 2 日前补")}, by=clerk, at=AT)
    assert actions.accept(case.pk, by=clerk, at=AT).status == Case.Status.ACCEPTED


def test_only_listed_materials_can_be_taken():
    case, other = make_case(at=AT), make_version()
    stranger = other.materials.first()
    with pytest.raises(actions.UnlistedMaterial):
        actions.note_materials(case.pk, {stranger.pk: Handed("complete")}, by=clerk_of(case), at=AT)


@pytest.mark.parametrize(
    ("fields", "due_on"),
    [
        ({"promised_days": 3, "promised_unit": "month"}, date(2027, 2, 18)),
        ({"promised_days": None, "statutory_limit": 2}, date(2026, 11, 20)),
        ({"promised_days": 9}, date(2026, 12, 1)),
    ],
)
def test_an_item_without_a_flow_is_decided_by_the_day_the_case_is_due(fields, due_on):
    version = make_version(**fields)
    version.steps.all().delete()
    case = make_case(version=version, at=AT)
    case = actions.accept(case.pk, by=clerk_of(case), at=AT)
    assert case.due_on == case.tasks.get().due_on == due_on


def test_granting_what_a_step_rejected_needs_reasons():
    case = make_case(promised_days=9, at=AT)
    approver = approver_of(case)
    actions.accept(case.pk, by=clerk_of(case), at=AT)
    review = case.tasks.get(kind="review")
    actions.complete_task(review.pk, outcome="rejected", opinion="面积和图纸对不上。", by=approver, at=AT)
    decider = approver_of(case)
    with pytest.raises(actions.ReasonsMissing):
        actions.decide(case.pk, outcome="granted", by=decider, at=AT)
    case = actions.decide(case.pk, outcome="granted", by=decider, at=AT, reasons="已经重新测量，面积相符。")
    assert (case.outcome, case.reasons) == ("granted", "已经重新测量，面积相符。")


def test_delivery_finishes_no_step_that_belongs_before_the_decision():
    version = make_version(promised_days=9)
    version.steps.filter(kind="review").update(after=["decide"])
    version.steps.filter(kind="decide").update(after=["accept"])
    case = make_case(version=version, at=AT)
    approver = approver_of(case)
    actions.accept(case.pk, by=clerk_of(case), at=AT)
    actions.decide(case.pk, outcome="granted", by=approver, at=AT)
    with pytest.raises(actions.WrongStep, match="审查"):
        actions.deliver(case.pk, how="window", by=clerk_of(case), at=AT)


@pytest.mark.parametrize(
    ("received", "last_day"),
    [
        (datetime(2026, 11, 18, 1, 5, tzinfo=UTC), date(2026, 11, 25)),
        (datetime(2026, 9, 29, 1, 5, tzinfo=UTC), date(2026, 10, 12)),  # over National Day, 10 October is worked
        (datetime(2026, 11, 17, 17, 0, tzinfo=UTC), date(2026, 11, 25)),  # already the 18th here
    ],
)
def test_a_case_nobody_answers_is_accepted_as_of_its_receipt(received, last_day):
    """LAW-5, TRAP-4: whatever is missing, with the clock back-dated; twice changes nothing."""
    case = make_case(promised_days=9, complete=False, at=received)
    in_time = datetime.combine(last_day, time(23, 59), LOCAL_ZONE)
    assert jobs.accept_all_unanswered(at=in_time) == 0
    late = in_time + timedelta(minutes=1)
    assert jobs.accept_all_unanswered(at=late) == 1
    assert jobs.accept_all_unanswered(at=late) == 0
    case.refresh_from_db()
    assert (case.status, case.accept_mode, case.accepted_at) == ("accepted", "deemed", received)
    clock = case.clocks.get(kind=Clock.Kind.PROMISED)
    assert clock.started_on == received.astimezone(LOCAL_ZONE).date()
    assert clock.due_on == case.due_on == work_calendar().due(clock.started_on, 9).on
    assert case.tasks.get().kind == "review"
    assert Event.objects.get(stream=case.stream, kind="case.accepted").data["mode"] == "deemed"
    assert queries.timeline(case)[0].title == "到期没有答复，依法从收到材料那天起算受理"
    notice = case.notices.get(kind=Notice.Kind.ACCEPTANCE)
    assert notice.data["is_deemed"] and notice.data["accepted_on"] == notice.data["received_on"]
    assert "自收到材料之日起即为受理" in text_of(notice)


@pytest.mark.parametrize("answer", ["accepted", "declined"])
def test_a_case_answered_in_time_stays_as_it_is(answer):
    case = make_case(at=AT)
    clerk = clerk_of(case)
    if answer == "accepted":
        actions.accept(case.pk, by=clerk, at=AT)
    else:
        actions.decline(case.pk, reasons="这件事归区住建局办，请到 2 号楼。", by=clerk, at=AT)
    before = kinds(case)
    later = AT + timedelta(days=60)
    assert jobs.accept_all_unanswered(at=later) == 0
    assert actions.accept_unanswered(case.pk, by=SYSTEM, at=later) is False
    case.refresh_from_db()
    assert (case.status, kinds(case)) == (answer, before)
    assert case.accept_mode == ("decided" if answer == "accepted" else "")


@pytest.mark.capability("S1-31")
@pytest.mark.parametrize(
    ("reasons", "done"), [("", False), ("  不行 ", False), ("这件事归区住建局办，请到 2 号楼。", True)]
)
def test_refusing_to_accept_needs_reasons(reasons, done):
    case = make_case(at=AT)
    with nullcontext() if done else pytest.raises(actions.ReasonsMissing):
        actions.decline(case.pk, reasons=reasons, by=clerk_of(case), at=AT, right_organ="区住建局（演示）")
    case.refresh_from_db()
    assert (case.status == Case.Status.DECLINED) is done
    assert case.notices.filter(kind=Notice.Kind.DECLINE).exists() is done


def test_the_reasons_of_a_refusal_stay_out_of_the_ledger_which_cannot_forget():
    case, reasons = make_case(at=AT), "申请人王小明住在邻区，请到那里办。"
    case = actions.decline(case.pk, reasons=reasons, by=clerk_of(case), at=AT)
    data = Event.objects.get(stream=case.stream, kind="case.declined").data
    assert (data["reasons_sha256"], data["reasons_length"]) == (sha256(reasons.encode()).hexdigest(), len(reasons))
    assert "王小明" not in str(data)
    assert next(row for row in queries.timeline(case) if row.kind == "case.declined").text == reasons


@pytest.mark.parametrize(
    ("role", "shown"),
    [
        (Role.SURVEYOR, ["visit", "review"]),
        (Role.APPROVER, ["visit", "review", "decide"]),
        (Role.LEADER, ["decide"]),
        (Role.CLERK, []),
        (Role.SUPERVISOR, []),
    ],
)
@pytest.mark.parametrize("for_region", [True, False])
def test_my_tasks_are_those_my_roles_may_do(role, shown, for_region):
    case = make_case(visit=True, at=AT)
    staff = make_staff(role, department=case.department, for_region=for_region)
    stranger = make_staff(role, department=make_department(case.region))
    approver, other = approver_of(case), approver_of(case)
    actions.accept(case.pk, by=clerk_of(case), at=AT)
    seen = []
    for _step in range(2):
        seen += [task.kind for task in queries.open_tasks(staff)]
        assert not queries.open_tasks(stranger).exists()
        task = case.tasks.get(done_at=None)
        actions.complete_task(
            task.pk, outcome="passed", opinion="符合要求", by=approver, at=AT, surveyors=[approver, other]
        )
    seen += [task.kind for task in queries.open_tasks(staff)]
    assert seen == shown


@pytest.mark.capability("S1-31")
def test_no_code_at_all_can_store_a_refusal_without_reasons():
    case = make_case(at=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(status="declined", reasons="")


def test_a_decision_waits_for_every_earlier_step_and_a_visit_needs_two():
    case = make_case(promised_days=9, visit=True, at=AT)
    approver = approver_of(case)
    actions.accept(case.pk, by=clerk_of(case), at=AT)
    with pytest.raises(actions.WrongStep, match="现场核查"):
        actions.decide(case.pk, outcome="granted", by=approver, at=AT)
    visit = case.tasks.get(kind="visit")
    for team, enough in (([approver], False), ([approver, approver], False), ([approver, approver_of(case)], True)):
        with nullcontext() if enough else pytest.raises(actions.TooFewSurveyors):
            actions.complete_task(visit.pk, outcome="passed", opinion="符合", by=approver, at=AT, surveyors=team)
    with pytest.raises(actions.WrongStep):
        actions.complete_task(visit.pk, outcome="passed", opinion="再来", by=approver, at=AT, surveyors=team)
    for task in case.tasks.filter(kind="review", done_at=None):
        actions.complete_task(task.pk, outcome="passed", opinion="同意", by=approver, at=AT)
    case = actions.decide(case.pk, outcome="granted", by=approver_of(case), at=AT + timedelta(days=2))
    assert (case.status, case.completed_on_time) == ("completed", True)
    assert case.clocks.get(kind=Clock.Kind.DELIVERY).due_on == date(2026, 12, 4)


def test_a_refusal_names_reasons_and_remedies():
    case = make_case(immediate=True, at=AT)
    clerk = clerk_of(case)
    actions.accept(case.pk, by=clerk, at=AT)
    with pytest.raises(actions.ReasonsMissing):
        actions.decide(case.pk, outcome="refused", by=clerk, at=AT)
    actions.decide(case.pk, outcome="refused", reasons="登记的面积与现场不一致。", by=clerk, at=AT)
    data = case.notices.get(kind=Notice.Kind.DECISION).data
    assert data["reasons"] == ["登记的面积与现场不一致。"]
    assert data["remedies"]["reconsideration_limit"] == "60 日"


def test_a_late_decision_is_marked_late():
    case = make_case(immediate=True, at=AT)
    clerk = clerk_of(case)
    actions.accept(case.pk, by=clerk, at=AT)
    assert actions.decide(case.pk, outcome="granted", by=clerk, at=AT + timedelta(days=1)).completed_on_time is False


@pytest.mark.parametrize(("own", "allowed"), [(True, True), (False, False)])
def test_a_departments_clerk_accepts_only_its_own_items(own, allowed):
    case = make_case(at=AT)
    clerk = make_staff(Role.CLERK, department=case.department if own else make_department(case.region))
    with nullcontext() if allowed else pytest.raises(NotAllowed):
        actions.accept(case.pk, by=clerk, at=AT)


@pytest.mark.parametrize("role", [Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN, Role.GUIDE])
def test_administrators_see_no_case(role):
    case = make_case(at=AT)
    someone = make_staff(role, department=case.department)
    assert queries.get_case_for(someone, case.query_no) is None
    assert queries.get_case_for(clerk_of(case), case.query_no) == case


def test_a_citizen_finds_the_case_by_number_and_last_four():
    case = make_case(at=AT)
    found = [
        queries.find_for_citizen(number, tail, asker="10.0.0.1", at=AT)
        for number, tail in (
            (case.query_no, phone_tail(case)),
            (case.query_no.lower().replace("-", " "), phone_tail(case)),
            (case.query_no, "0000"),
            ("QH-000101-00001", phone_tail(case)),
            ("'; drop", "12"),
        )
    ]
    assert found == [case, case, None, None, None]


def test_guessing_stops_after_twenty_wrong_tries():
    case = make_case(at=AT)
    for _n in range(queries.MOST_WRONG_TRIES):
        assert queries.find_for_citizen(case.query_no, "0000", asker="10.0.0.2", at=AT) is None
    with pytest.raises(queries.TooManyTries):
        queries.find_for_citizen(case.query_no, phone_tail(case), asker="10.0.0.2", at=AT)
    assert queries.find_for_citizen(case.query_no, phone_tail(case), asker="10.0.0.3", at=AT) == case
    assert (
        queries.find_for_citizen(case.query_no, phone_tail(case), asker="10.0.0.2", at=AT + timedelta(hours=1)) == case
    )


@pytest.mark.django_db(transaction=True)
def test_guessing_from_many_threads_stops_after_twenty_too():
    case, answers = make_case(at=AT), []
    start = threading.Barrier(32)

    def guess():
        start.wait()
        try:
            answers.append(queries.find_for_citizen(case.query_no, "0000", asker="10.0.0.4", at=AT))
        except queries.TooManyTries:
            answers.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _n in range(32)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert (answers.count(None), answers.count("refused")) == (queries.MOST_WRONG_TRIES, 12)


def test_right_answers_do_not_count():
    case = make_case(at=AT)
    for _n in range(queries.MOST_WRONG_TRIES * 2):
        assert queries.find_for_citizen(case.query_no, phone_tail(case), asker="10.0.0.5", at=AT) == case


def test_guesses_are_forgotten_after_a_day():
    queries.find_for_citizen("QH-000101-00001", "0000", asker="10.0.0.6", at=AT)
    assert queries.forget_tries(at=AT + timedelta(hours=23)) == 0
    assert queries.forget_tries(at=AT + timedelta(hours=25)) == 1
    assert not QueryTries.objects.exists()


def phone_tail(case):
    return case.applicant.masked_phone[-4:]


@pytest.mark.capability("S1-6")
def test_progress_shows_times_and_posts_but_no_names():
    case = make_case(immediate=True, at=AT)
    clerk = clerk_of(case)
    actions.accept(case.pk, by=clerk, at=AT)
    rows = queries.timeline(case)
    assert [row.kind for row in rows] == ["case.accepted", "case.received"]
    assert clerk.department.name in rows[0].post and clerk.name not in str(rows)


def text_of(notice):
    pages = PdfReader(BytesIO(documents.render(notice))).pages
    return "".join(page.extract_text() for page in pages).replace(" ", "").replace("\n", "")


def test_the_documents_say_what_was_decided():
    case = make_case(promised_days=9, at=AT)
    actions.accept(case.pk, by=clerk_of(case), at=AT)
    for kind, words in ((Notice.Kind.RECEIPT, "收件凭证"), (Notice.Kind.ACCEPTANCE, "2026年12月1日")):
        text = text_of(case.notices.get(kind=kind))
        assert words in text and case.query_no in text


@pytest.mark.capability("S1-33")
def test_the_ledger_row_appears_at_finish_and_cannot_be_edited():
    case = make_case(immediate=True, at=AT)
    clerk = clerk_of(case)
    actions.accept(case.pk, by=clerk, at=AT)
    assert "case.decided" not in kinds(case)
    actions.decide(case.pk, outcome="granted", by=clerk, at=AT)
    assert kinds(case)[-1] == "case.decided"
    for change in ("UPDATE ledger_event SET actor = 'x'", "DELETE FROM ledger_event", "TRUNCATE ledger_event"):
        with pytest.raises(Exception, match=r"denied|append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)


@pytest.mark.django_db(transaction=True)
def test_two_people_deciding_at_once_decide_once():
    case = make_case(immediate=True, at=AT)
    clerk = clerk_of(case)
    actions.accept(case.pk, by=clerk, at=AT)
    start, answers = threading.Barrier(8), []

    def press():
        start.wait()
        try:
            answers.append(actions.decide(case.pk, outcome="granted", by=clerk, at=AT).status)
        except actions.WrongStep:
            answers.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=press) for _n in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(answers) == ["completed"] + ["refused"] * 7
    assert kinds(case).count("case.decided") == 1


def test_lists_cost_the_same_for_one_and_twenty(django_assert_max_num_queries):
    case = make_case(promised_days=9, at=AT)
    clerk, approver = clerk_of(case), approver_of(case)
    actions.accept(case.pk, by=clerk, at=AT)
    with django_assert_max_num_queries(3):
        [
            (task.case.query_no, task.case.version.name, str(task.case.applicant))
            for task in queries.open_tasks(approver)
        ]
    for _n in range(20):
        other = make_case(version=case.version, at=AT)
        actions.accept(other.pk, by=clerk, at=AT)
    with django_assert_max_num_queries(3):
        rows = [
            (task.case.query_no, task.case.version.name, str(task.case.applicant))
            for task in queries.open_tasks(approver)
        ]
    assert len(rows) >= 21
    assert Task.objects.count() and CaseMaterial.objects.count()


def test_an_agents_name_is_masked():
    assert Case(agent_name="林小满").masked_agent_name == "林*满"
