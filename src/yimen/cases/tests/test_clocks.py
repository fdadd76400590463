"""Stops and the extension, through the real actions: on which ground, by whom, what moves, what is told."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from yimen.cases import actions, documents, queries
from yimen.cases.models import Case, Clock, ClockStop, Extension, Notice
from yimen.cases.tests.factories import make_case, make_version
from yimen.ledger.models import Event
from yimen.lib.workdays import Limit, Unit
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import make_department, make_staff

pytestmark = pytest.mark.django_db

# Monday 9 November 2026, 10:05 in Shanghai: the day of look.md's case.
AT = datetime(2026, 11, 9, 2, 5, tzinfo=UTC)


def on(day: int, month: int = 11) -> datetime:
    return datetime(2026, month, day, 2, 5, tzinfo=UTC)


class Scene:
    """An accepted case with the people around it."""

    def __init__(self, **fields):
        self.case = make_case(at=AT, **fields)
        clerk = make_staff(Role.CLERK, department=make_department(self.case.region), for_region=True)
        self.clerk = clerk
        self.case = actions.accept(self.case.pk, by=clerk, at=AT)
        self.approver = make_staff(Role.APPROVER, department=self.case.department)
        self.leader = make_staff(Role.LEADER, department=self.case.department)

    def stop(self, at, days=5, ground="testing"):
        return actions.open_stop(
            self.case.pk, ground=ground, reason="空气质量要检测", needed_days=days, by=self.approver, at=at
        )

    def close(self, at):
        return actions.close_stop(self.case.pk, result="检测合格，报告已收到", by=self.approver, at=at)

    def extend(self, at, by=None):
        actions.ask_extension(self.case.pk, reason="要等上级部门的复函", by=self.approver, at=at)
        return actions.answer_extension(self.case.pk, approve=True, by=by or self.leader, at=at)

    def dues(self):
        self.case.refresh_from_db()
        assert self.case.due_on == self.case.clocks.get(kind="promised").due_on
        return {clock.kind: clock.due_on for clock in self.case.clocks.all()}

    def last(self):
        return Event.objects.filter(stream=self.case.stream).order_by("-seq")[0]


def test_the_case_of_the_look_book_stops_for_three_working_days():
    """12 to 16 November: three working days and a weekend; ten working days from 9 November then end on the 26th."""
    scene = Scene(promised_days=10)
    stop = scene.stop(on(12), days=5)
    assert scene.dues() == {"promised": date(2026, 11, 26), "statutory": date(2026, 12, 10)}
    assert scene.case.due_is_provisional
    told = stop.notice.data
    assert stop.notice.kind == Notice.Kind.STOP and "第四十五条" in told["opening"][0]
    assert dict(told["facts"])["需要的时间"].startswith("5 天") and "检测" in told["opening"][0]
    assert documents.render(stop.notice).startswith(b"%PDF")
    moved = {one["clock"]: (one["from"], one["to"]) for one in scene.last().data["moved"]}
    assert moved["promised"] == ("2026-11-23", "2026-11-26")

    scene.close(on(16))
    assert scene.dues()["promised"] == date(2026, 11, 26) and not scene.case.due_is_provisional
    view = queries.clock_views(scene.case, today=date(2026, 11, 18))["promised"]
    assert (view.due_on, view.stopped_days, view.rest_days, view.days_left) == (date(2026, 11, 26), 3, 4, 6)
    assert [stop.notice_no for stop in view.stops] == [stop.notice.number]


@pytest.mark.parametrize(
    ("closed", "due"),
    [(on(12), date(2026, 11, 24)), (on(13), date(2026, 11, 25)), (on(20), date(2026, 12, 2))],
    ids=["same day", "early", "late"],
)
def test_what_counts_in_the_end_are_the_days_it_really_took(closed, due):
    scene = Scene(promised_days=10)
    scene.stop(on(12), days=5)
    scene.close(closed)
    assert scene.dues()["promised"] == due
    assert scene.last().kind == "case.stop_closed" and scene.last().data["needed_days"] == 5


def test_several_stops_one_after_another_and_never_two_at_once():
    scene = Scene(promised_days=10)
    first = scene.stop(on(10), days=1)
    with pytest.raises(actions.WrongStep, match="已经有一个"):
        scene.stop(on(10), ground="hearing")
    scene.close(on(10))
    second = scene.stop(on(10), days=2, ground="expert_review")
    scene.close(on(11))
    assert first.notice.number != second.notice.number
    # The 10th is in both and left out once.
    assert scene.dues()["promised"] == date(2026, 11, 25)
    with pytest.raises(actions.WrongStep, match="没有在进行"):
        scene.close(on(12))


@pytest.mark.parametrize("ground", ["visit", "site_visit", "survey", "correction", "", "HEARING"])
def test_only_the_eight_grounds_stop_a_clock_and_a_site_visit_is_none(ground):
    """LAW-12, LAW-13."""
    assert len(ClockStop.Ground.values) == 8
    scene = Scene(promised_days=10)
    before = scene.dues()
    with pytest.raises(actions.BadStop, match="现场核查不在其中"):
        scene.stop(on(10), ground=ground)
    assert scene.dues() == before
    assert not scene.case.stops.exists() and not scene.case.notices.filter(kind="stop").exists()


@pytest.mark.parametrize(
    ("days", "reason"), [(0, "要检测空气质量"), (-1, "要检测空气质量"), (731, "要检测空气质量"), (5, " ")]
)
def test_a_stop_without_a_time_or_a_reason_is_none(days, reason):
    scene = Scene(promised_days=10)
    with pytest.raises((actions.BadStop, actions.ReasonsMissing)):
        actions.open_stop(
            scene.case.pk, ground="testing", reason=reason, needed_days=days, by=scene.approver, at=on(10)
        )
    assert not scene.case.stops.exists()


def test_who_may_stop_a_clock():
    scene = Scene(promised_days=10)
    for nobody in (scene.clerk, make_staff(Role.APPROVER, department=make_department(scene.case.region))):
        with pytest.raises(NotAllowed):
            actions.open_stop(
                scene.case.pk, ground="testing", reason="要检测空气质量", needed_days=3, by=nobody, at=on(10)
            )


def test_a_site_visit_leaves_the_clock_alone():
    """LAW-13: the visit is a step like any other; the clocks run through it."""
    scene = Scene(promised_days=9, visit=True)
    assert scene.case.tasks.get().kind == "visit"
    view = queries.clock_views(scene.case, today=date(2026, 11, 16))["promised"]
    assert view.stopped_days == 0 and scene.dues()["promised"] == date(2026, 11, 20)


def test_the_open_task_waits_with_the_clock():
    scene = Scene(promised_days=10)
    assert scene.case.tasks.get().due_on == date(2026, 11, 10)
    scene.stop(on(10), days=3)
    assert scene.case.tasks.get().due_on == date(2026, 11, 13)
    scene.close(on(11))
    assert scene.case.tasks.get().due_on == date(2026, 11, 12)


def test_while_it_runs_the_stored_day_is_what_a_page_shows_whenever_it_is_asked():
    scene = Scene(promised_days=10)
    scene.stop(on(12), days=5)
    shown = {
        queries.clock_views(scene.case, today=date(2026, 11, 12) + timedelta(days=n))["promised"].due_on
        for n in range(60)
    }
    assert shown == {scene.dues()["promised"]}


def test_a_clock_of_its_own_stops_too_and_delivery_does_not():
    scene = Scene(promised_days=10)
    lower = actions.add_clock(scene.case, Clock.Kind.LOWER_REVIEW, day=date(2026, 11, 9), limit=Limit(20))
    delivery = actions.add_clock(scene.case, Clock.Kind.DELIVERY, day=date(2026, 11, 9), limit=Limit(10))
    assert (lower.due_on, delivery.due_on) == (date(2026, 12, 7), date(2026, 11, 23))
    scene.stop(on(12), days=1)
    assert scene.dues()["lower"] == date(2026, 12, 8) and scene.dues()["delivery"] == date(2026, 11, 23)
    assert actions.add_clock.__doc__


def test_a_list_shows_what_the_pages_show_in_three_statements(django_assert_num_queries):
    scenes = [Scene(promised_days=10) for _n in range(3)]
    scenes[0].stop(on(12))
    scenes[1].extend(on(12))
    cases, today = [Case.objects.get(pk=scene.case.pk) for scene in scenes], date(2026, 11, 13)
    queries.promised_views(cases, today=today)  # the calendar is read once
    with django_assert_num_queries(4):  # the calendar's version, clocks, stops, extensions
        found = queries.promised_views(cases, today=today)
    for case in cases:
        assert found[case.pk] == queries.clock_views(case, today=today)["promised"]
        assert found[case.pk].due_on == case.due_on


# -- extension --------------------------------------------------------------------------------------------------------


def test_the_leader_lengthens_once_by_ten_working_days_and_says_why():
    scene = Scene(promised_days=10)
    extension = scene.extend(on(18))
    assert extension.days == 10
    assert scene.dues() == {"promised": date(2026, 12, 7), "statutory": date(2026, 12, 21)}
    told = extension.notice.data
    assert dict(told["facts"])["延长理由"] == "要等上级部门的复函" and "10 个工作日" in told["opening"][0]
    assert "本行政机关负责人" in told["opening"][0] and documents.render(extension.notice).startswith(b"%PDF")
    assert scene.last().kind == "case.extended" and len(scene.last().data["moved"]) == 2
    view = queries.clock_views(scene.case, today=date(2026, 11, 18))["promised"]
    assert (view.extended_days, view.days_left) == (10, 13)
    with pytest.raises(actions.NotExtended, match="只允许一次"):
        scene.extend(on(19))


def test_nobody_approves_his_own_and_only_a_leader_approves():
    scene = Scene(promised_days=10)
    both = make_staff(Role.APPROVER, Role.LEADER, department=scene.case.department)
    actions.ask_extension(scene.case.pk, reason="要等上级部门的复函", by=both, at=on(18))
    with pytest.raises(actions.NotExtended, match="自己"):
        actions.answer_extension(scene.case.pk, approve=True, by=both, at=on(18))
    with pytest.raises(NotAllowed):
        actions.answer_extension(scene.case.pk, approve=True, by=scene.approver, at=on(18))
    assert scene.dues()["promised"] == date(2026, 11, 23)


def test_a_refused_extension_changes_nothing_and_may_be_asked_for_again():
    scene = Scene(promised_days=10)
    actions.ask_extension(scene.case.pk, reason="要等上级部门的复函", by=scene.approver, at=on(16))
    with pytest.raises(actions.WrongStep, match="正在等审批"):
        actions.ask_extension(scene.case.pk, reason="要等上级部门的复函", by=scene.approver, at=on(16))
    actions.answer_extension(scene.case.pk, approve=False, answer="复函昨天已经到了", by=scene.leader, at=on(17))
    assert scene.dues()["promised"] == date(2026, 11, 23)
    with pytest.raises(actions.WrongStep, match="没有等您审批"):
        actions.answer_extension(scene.case.pk, approve=True, by=scene.leader, at=on(17))
    scene.extend(on(18))
    assert scene.dues()["promised"] == date(2026, 12, 7)
    assert not scene.case.notices.filter(kind="extension").exclude(data__title="延长审批期限告知书").exists()


@pytest.mark.parametrize(
    ("day", "promised", "statutory"),
    [(on(23), date(2026, 12, 7), date(2026, 12, 21)), (on(24), date(2026, 11, 23), date(2026, 12, 21))],
    ids=["on the last day", "the promise is broken"],
)
def test_a_limit_that_has_passed_is_not_brought_back(day, promised, statutory):
    scene = Scene(promised_days=10)
    scene.extend(day)
    assert scene.dues() == {"promised": promised, "statutory": statutory}


def test_after_the_laws_limit_no_extension_is_asked_for_or_approved():
    scene = Scene(promised_days=10)
    actions.ask_extension(scene.case.pk, reason="要等上级部门的复函", by=scene.approver, at=on(7, 12))
    with pytest.raises(actions.NotExtended, match="已经过了"):
        actions.answer_extension(scene.case.pk, approve=True, by=scene.leader, at=on(8, 12))
    other = Scene(promised_days=10)
    with pytest.raises(actions.NotExtended, match="已经过了"):
        actions.ask_extension(other.case.pk, reason="要等上级部门的复函", by=other.approver, at=on(8, 12))


@pytest.mark.parametrize(
    ("item_type", "stated", "limit"),
    [("01", None, 20), ("01", 15, 15), ("20", None, None), ("20", 15, 15)],
    ids=["licence", "licence with its own", "service", "service with its own"],
)
def test_a_licence_without_a_limit_of_its_own_has_the_laws_twenty_days(item_type, stated, limit):
    """LAW-8; the acceptance notice says where the limit comes from."""
    version = make_version(statutory_limit=stated)
    version.item.item_type = item_type
    version.item.save(update_fields=["item_type"])
    scene = Scene(version=version)
    clock = scene.case.clocks.filter(kind="statutory").first()
    assert (clock and clock.limit) == limit
    told = scene.case.notices.get(kind=Notice.Kind.ACCEPTANCE).data["statutory"]
    assert ("行政许可法第四十二条" in told) is (stated is None and limit is not None)


def test_joint_handling_has_forty_five_days_and_fifteen_more_from_the_head_of_government():
    """LAW-9."""
    version = make_version(promised_days=30, is_joint=True, statutory_limit=None)
    scene = Scene(version=version)
    assert scene.case.clocks.get(kind="statutory").limit == 45
    assert scene.dues()["statutory"] == date(2027, 1, 11)
    actions.ask_extension(scene.case.pk, reason="要等上级部门的复函", by=scene.approver, at=on(18))
    with pytest.raises(actions.NotExtended, match="人民政府负责人"):
        actions.answer_extension(scene.case.pk, approve=True, by=scene.leader, at=on(18))
    head = make_staff(Role.LEADER, department=make_department(scene.case.region), for_region=True)
    extension = actions.answer_extension(scene.case.pk, approve=True, by=head, at=on(18))
    assert extension.days == 15 and "本级人民政府负责人" in extension.notice.data["opening"][0]
    assert scene.dues()["statutory"] == date(2027, 2, 1)


@pytest.mark.parametrize(
    "limit", [Limit(30, Unit.DAY), Limit(1, Unit.MONTH), Limit(48, Unit.HOUR)], ids=lambda one: one.unit.value
)
def test_every_unit_stops_and_is_lengthened(limit):
    version = make_version(promised_days=limit.number, promised_unit=limit.unit.value)
    scene = Scene(version=version)
    before = scene.dues()["promised"]
    scene.stop(on(10), days=7)
    scene.close(on(12))
    stopped = scene.dues()["promised"]
    assert before < stopped <= before + timedelta(days=5)
    scene.extend(on(13))
    assert queries.clock_views(scene.case, today=date(2026, 11, 13))["promised"].extended_days in {0, 10}
    assert scene.dues()["promised"] >= stopped + timedelta(days=10)


# -- at once ----------------------------------------------------------------------------------------------------------


def at_once(*acts):
    """Run the acts in threads of their own; return what each answered: a value or the error."""
    answers, barrier = [None] * len(acts), threading.Barrier(len(acts))

    def run(n, act):
        barrier.wait()
        try:
            answers[n] = act()
        except Exception as error:
            answers[n] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n, act)) for n, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.django_db(transaction=True)
def test_two_officers_at_once_one_wins_and_the_other_is_told():
    scene = Scene(promised_days=10)
    other = make_staff(Role.LEADER, department=scene.case.department)
    for act, kind in (
        (lambda: scene.stop(on(12)), "case.stop_opened"),
        (lambda: scene.close(on(13)), "case.stop_closed"),
        (
            lambda: actions.ask_extension(scene.case.pk, reason="要等上级部门的复函", by=scene.approver, at=on(16)),
            "case.extension_asked",
        ),
    ):
        answers = at_once(act, act)
        assert sum(isinstance(answer, actions.WrongStep) for answer in answers) == 1, answers
        assert Event.objects.filter(stream=scene.case.stream, kind=kind).count() == 1
    leaders = [scene.leader, other]
    answers = at_once(
        *(lambda who=who: actions.answer_extension(scene.case.pk, approve=True, by=who, at=on(17)) for who in leaders)
    )
    assert sum(isinstance(answer, actions.WrongStep) for answer in answers) == 1
    assert Extension.objects.get(case=scene.case).approved_by in leaders
    assert scene.case.notices.filter(kind="extension").count() == scene.case.stops.count() == 1
    assert Case.objects.get(pk=scene.case.pk).due_on == scene.dues()["promised"]
