"""Receiving: five outcomes, one correction notice, what the law does when nobody answers, what serves again."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from yimen.cases import actions, documents, jobs, queries
from yimen.cases.actions import Handed
from yimen.cases.models import Case, CaseMaterial, Correction, Notice
from yimen.cases.tests.factories import make_case, make_version
from yimen.cases.tests.test_clocks import at_once
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.ledger.once import Answer, once
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import make_center, make_department, make_staff

pytestmark = pytest.mark.django_db

# Wednesday 18 November 2026, 9:05 in Shanghai; the last day to answer is Wednesday the 25th.
AT = datetime(2026, 11, 18, 1, 5, tzinfo=UTC)


def on(day: int, month: int = 11) -> datetime:
    return datetime(2026, month, day, 2, 5, tzinfo=UTC)


def clerk_of(case):
    return make_staff(Role.CLERK, department=make_department(case.region), for_region=True)


def by_name(case):
    return {row.material.name: row for row in case.materials.select_related("material")}


def kinds(case):
    return list(Event.objects.filter(stream=case.stream).order_by("seq").values_list("kind", flat=True))


def told(case, clerk, at=AT, **more):
    """Both required materials are missing and told."""
    rows = by_name(case)
    lines = {rows["申请表"].material_id: "没有签字，请在末页签字", rows["身份证"].material_id: "缺反面，请补复印件"}
    return actions.correct(case.pk, lines | more, by=clerk, at=at)


def bring(case, names, clerk, at, state="complete"):
    rows = by_name(case)
    return actions.note_materials(case.pk, {rows[name].material_id: Handed(state) for name in names}, by=clerk, at=at)


# -- the five outcomes (LAW-3) ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["not_needed", "not_ours", "fixed", "incomplete", "complete"])
def test_receiving_has_exactly_one_of_five_outcomes(outcome):
    case = make_case(at=AT, complete=outcome == "complete")
    clerk = clerk_of(case)
    match outcome:
        case "not_needed" | "not_ours":
            organ = "市人力资源和社会保障局" if outcome == "not_ours" else ""
            actions.decline(
                case.pk, reasons="这件事不用我们批准。", ground=outcome, right_organ=organ, by=clerk, at=on(18)
            )
            expected = "declined", {"receipt", "decline"}
        case "fixed":
            bring(case, ["申请表", "身份证"], clerk, on(18))
            actions.accept(case.pk, by=clerk, at=on(18))
            expected = "accepted", {"receipt", "acceptance"}
        case "incomplete":
            told(case, clerk)
            expected = "received", {"receipt", "correction"}
        case _:
            actions.accept(case.pk, by=clerk, at=on(18))
            expected = "accepted", {"receipt", "acceptance"}
    case.refresh_from_db()
    assert (case.status, set(case.notices.values_list("kind", flat=True))) == expected
    if case.status != "received":
        for act in (
            lambda: actions.accept(case.pk, by=clerk, at=on(18)),
            lambda: actions.decline(case.pk, reasons="这件事不用我们批准。", by=clerk, at=on(18)),
            lambda: told(case, clerk),
        ):
            with pytest.raises(actions.WrongStep):
                act()


@pytest.mark.parametrize(
    ("ground", "organ", "title", "refused"),
    [
        ("not_needed", "", "不受理告知书", None),
        ("not_ours", "市人力资源和社会保障局", "不予受理决定书", None),
        ("not_ours", " ", "", actions.ReasonsMissing),
        ("whatever", "", "", Exception),
    ],
    ids=["not needed", "another organ", "another organ unnamed", "no such ground"],
)
def test_the_decline_document_says_which_of_the_two_it_is(ground, organ, title, refused):
    case = make_case(at=AT)
    act = {"reasons": "这件事不用我们批准。", "ground": ground, "right_organ": organ, "by": clerk_of(case), "at": AT}
    if refused:
        with pytest.raises(refused):
            actions.decline(case.pk, **act)
        assert kinds(case) == ["case.received"]
        return
    actions.decline(case.pk, **act)
    notice = case.notices.get(kind=Notice.Kind.DECLINE)
    assert (notice.data["ground"], bool(notice.data["right_organ"])) == (ground, bool(organ))
    kept = str(list(Event.objects.values_list("data", flat=True)))  # words typed by hand stay out of it
    assert "不用我们批准" not in kept and (not organ or organ not in kept)
    assert title in text_of(notice) and (not organ or organ in text_of(notice))


def text_of(notice):
    from io import BytesIO

    from pypdf import PdfReader

    pages = PdfReader(BytesIO(documents.render(notice))).pages
    return "".join(page.extract_text() for page in pages).replace("\n", "").replace(" ", "")


# -- one correction notice (LAW-4, LAW-22) ----------------------------------------------------------------------------


def test_everything_missing_is_told_once_in_writing():
    case = make_case(at=AT, complete=False)
    correction = told(case, clerk_of(case))
    assert correction.answer_by == date(2026, 12, 2)
    assert [line.what for line in correction.lines.order_by("material__material__position")] == [
        "没有签字，请在末页签字",
        "缺反面，请补复印件",
    ]
    text = text_of(correction.notice)
    assert "补正告知书" in text and "申请表" in text and "缺反面" in text and "12月2日" in text
    assert kinds(case) == ["case.received", "case.correction_told"]


@pytest.mark.capability("S4-29", "S3-14")
@pytest.mark.parametrize("which", ["another item's", "shared", "invented"])
def test_a_correction_that_names_what_is_not_on_the_list_is_refused_and_logged(which):
    """LAW-22: nothing is told, nothing is marked, and the attempt stands in the ledger with who made it."""
    case = make_case(at=AT, complete=False)
    clerk = clerk_of(case)
    stranger = {
        "another item's": make_version().materials.all()[0].pk,
        "shared": by_name(case)["营业执照"].material_id,
        "invented": case.pk,
    }[which]
    with pytest.raises(actions.UnlistedAsked, match="不能要"):
        actions.correct(
            case.pk,
            {row.material_id: "没有带来" for name, row in by_name(case).items() if name != "营业执照"}
            | {stranger: "请另交一份证明"},
            by=clerk,
            at=AT,
        )
    assert not Correction.objects.filter(case=case).exists()
    assert not case.notices.filter(kind="correction").exists()
    row = Event.objects.get(stream=case.stream, kind="case.unlisted_material_asked")
    assert (row.data["asked"], row.actor) == ([str(stranger)], clerk.ledger_ref)


def test_the_trace_stays_when_the_act_came_as_a_keyed_form():
    """once() undoes the whole act with its savepoint; the row is written after that."""
    case = make_case(at=AT, complete=False)
    clerk = clerk_of(case)

    def produce():
        actions.correct(case.pk, {case.pk: "请另交一份证明"}, by=clerk, at=AT)
        return Answer(200, {})

    for _repeat in range(2):
        answer = once("cases.correct", "key-1", by=clerk, at=AT, body=b"x", produce=produce)
        assert (answer.status, answer.body["code"]) == (409, "UnlistedAsked")
    assert kinds(case) == ["case.received", "case.unlisted_material_asked"]


def test_a_second_correction_is_refused_and_logged():
    case = make_case(at=AT, complete=False)
    clerk = clerk_of(case)
    told(case, clerk)
    with pytest.raises(actions.ToldAlready, match="第二次"):
        told(case, clerk, at=on(19))
    assert case.notices.filter(kind="correction").count() == 1
    assert kinds(case) == ["case.received", "case.correction_told", "case.second_correction_asked"]


@pytest.mark.parametrize(
    "lines",
    [{}, {"申请表": "没有签字"}, {"申请表": "没有签字", "身份证": " "}, {"申请表": "没有签字", "身份证": "补" * 301}],
    ids=["nothing", "one left out", "not said what", "too long"],
)
def test_what_is_told_is_complete_and_clear(lines):
    case = make_case(at=AT, complete=False)
    rows = by_name(case)
    with pytest.raises(actions.NotAllTold):
        actions.correct(
            case.pk, {rows[name].material_id: what for name, what in lines.items()}, by=clerk_of(case), at=AT
        )
    assert kinds(case) == ["case.received"]


def test_a_material_that_is_there_but_wrong_counts_as_missing_until_put_right():
    case = make_case(at=AT)
    clerk, row = clerk_of(case), by_name(case)["身份证"]
    actions.correct(case.pk, {row.material_id: "已经过期，请带新的"}, by=clerk, at=AT)
    with pytest.raises(actions.MaterialsMissing, match="身份证"):
        actions.accept(case.pk, by=clerk, at=AT)
    bring(case, ["身份证"], clerk, on(19))
    assert actions.accept(case.pk, by=clerk, at=on(19)).status == Case.Status.ACCEPTED


def test_who_may_tell_what_is_missing():
    case = make_case(at=AT, complete=False)
    for nobody in (make_staff(Role.APPROVER, department=case.department), make_staff(Role.CLERK)):
        with pytest.raises(NotAllowed):
            told(case, nobody)


# -- nobody answers (LAW-5) -------------------------------------------------------------------------------------------


def test_after_a_correction_nobody_waits_for_us_until_everything_is_there():
    case = make_case(at=AT, complete=False)
    clerk = clerk_of(case)
    told(case, clerk, at=on(20))
    assert queries.waits_for_applicant(Case.objects.get(pk=case.pk))
    assert jobs.accept_all_unanswered(at=on(20, 12)) == 0  # a month later still his turn
    bring(case, ["申请表"], clerk, on(21, 12))
    assert Correction.objects.get(case=case).answered_at is None
    bring(case, ["身份证"], clerk, on(22, 12))
    correction = Correction.objects.get(case=case)
    assert correction.answered_at == on(22, 12) and not correction.lines.filter(done_at=None).exists()
    fresh = Case.objects.get(pk=case.pk)
    # Five working days from the 22nd of December: the 29th.
    assert jobs.accept_all_unanswered(at=on(29, 12)) == 0
    assert jobs.accept_all_unanswered(at=on(30, 12)) == 1
    fresh.refresh_from_db()
    assert (fresh.accept_mode, fresh.accepted_at) == (Case.AcceptMode.DEEMED, on(22, 12))
    assert {clock.started_on for clock in fresh.clocks.all()} == {date(2026, 12, 22)}


@pytest.mark.parametrize("late", [timedelta(days=1), timedelta(weeks=5), timedelta(days=200)], ids=str)
def test_the_job_may_run_late_and_twice(late):
    case = make_case(at=AT, complete=False)
    at = on(25) + late
    assert jobs.accept_all_unanswered(at=on(25)) == 0
    assert [jobs.accept_all_unanswered(at=at) for _again in range(2)] == [1, 0]
    case.refresh_from_db()
    assert (case.status, case.accept_mode, case.accepted_at) == ("accepted", "deemed", case.received_at)
    assert case.due_on == date(2026, 12, 1)
    assert kinds(case).count("case.accepted") == case.notices.filter(kind="acceptance").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_jobs_and_a_clerk_at_once_accept_it_once():
    case = make_case(at=AT, complete=False)
    clerk = clerk_of(case)
    job = lambda: actions.accept_unanswered(case.pk, by=SYSTEM, at=on(30))  # noqa: E731
    answers = at_once(job, job, lambda: actions.accept(case.pk, by=clerk, at=on(30)))
    case.refresh_from_db()
    assert (case.status, case.accept_mode) == ("accepted", "deemed"), answers
    assert kinds(case).count("case.accepted") == 1 and case.clocks.count() == 2
    connection.close()


@pytest.mark.parametrize("act", ["accept", "decline", "correct"])
def test_once_the_five_days_are_over_the_law_has_answered(act):
    """Also when the job has not run: accepting then is what the job does, nothing else is possible any more."""
    case = make_case(at=AT, complete=False)
    clerk, late = clerk_of(case), on(26)
    if act == "accept":
        case = actions.accept(case.pk, by=clerk, at=late)
        assert (case.accept_mode, case.accepted_at, case.accepted_by) == ("deemed", case.received_at, clerk)
        assert case.due_on == date(2026, 12, 1)
        return
    with pytest.raises(actions.WrongStep, match="视为已经受理"):
        if act == "decline":
            actions.decline(case.pk, reasons="这件事不用我们批准。", by=clerk, at=late)
        else:
            told(case, clerk, at=late)
    assert kinds(case) == ["case.received"]


@pytest.mark.django_db(transaction=True)
def test_accept_and_decline_at_once_one_wins():
    case = make_case(at=AT)
    one, two = clerk_of(case), clerk_of(case)
    answers = at_once(
        lambda: actions.accept(case.pk, by=one, at=on(18)),
        lambda: actions.decline(case.pk, reasons="这件事不用我们批准。", by=two, at=on(18)),
        lambda: actions.correct(case.pk, {by_name(case)["申请表"].material_id: "没有签字"}, by=two, at=on(18)),
    )
    case.refresh_from_db()
    assert case.status in {"accepted", "declined"} or kinds(case)[-1] == "case.correction_told"
    assert sum(isinstance(answer, Exception) for answer in answers) >= 1
    assert {"case.accepted", "case.declined"} - set(kinds(case))


# -- what was handed in before ----------------------------------------------------------------------------------------


def again_for(case, at):
    """The same applicant asks for another item whose list has a material of the same name."""
    return actions.receive(
        make_version(),
        case.applicant,
        center=make_center(case.region),
        materials={},
        by=clerk_of(case),
        at=at,
    )


def test_how_it_was_handed_in_is_kept():
    case = make_case(at=AT)
    row = by_name(case)["身份证"]
    handed = Handed("complete", form=CaseMaterial.Form.COPY)
    actions.note_materials(case.pk, {row.material_id: handed}, by=clerk_of(case), at=AT)
    assert by_name(case)["身份证"].form == "copy"


@pytest.mark.parametrize(
    ("at", "offered"),
    [(on(18, 12), True), (on(18) + timedelta(days=365), True), (on(18) + timedelta(days=366), False)],
    ids=["a month later", "on the last day", "too old"],
)
def test_a_material_handed_in_before_serves_again_for_a_year(at, offered):
    first = make_case(at=AT)
    second = again_for(first, at)
    earlier = by_name(first)["身份证"]
    found = queries.earlier_materials(second, at.date())
    assert ([row.pk for row in found.get("身份证", ())] == [earlier.pk]) is offered
    handed = {by_name(second)["身份证"].material_id: Handed("complete", reused_from=earlier.pk)}
    if not offered:
        with pytest.raises(actions.BadReuse, match="身份证"):
            actions.note_materials(second.pk, handed, by=clerk_of(second), at=at)
        return
    actions.note_materials(second.pk, handed, by=clerk_of(second), at=at)
    assert by_name(second)["身份证"].reused_from_id == earlier.pk


@pytest.mark.parametrize("foreign", ["another person's", "another material"])
def test_only_the_same_material_of_the_same_person_serves_again(foreign):
    first, other = make_case(at=AT), make_case(at=AT)
    second = again_for(first, on(20))
    source = by_name(other)["身份证"] if foreign == "another person's" else by_name(first)["申请表"]
    with pytest.raises(actions.BadReuse):
        actions.note_materials(
            second.pk,
            {by_name(second)["身份证"].material_id: Handed("complete", reused_from=source.pk)},
            by=clerk_of(second),
            at=on(20),
        )
    with pytest.raises(actions.BadReuse):
        actions.note_materials(
            second.pk,
            {by_name(second)["身份证"].material_id: Handed("complete", certificate_no="没有这张证")},
            by=clerk_of(second),
            at=on(20),
        )
