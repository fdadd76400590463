"""The board, scores, the record to take away, integrity checks and leaders' walk-throughs."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from yimen.cases import actions as cases
from yimen.cases.models import Case, Task
from yimen.cases.tests.factories import make_case
from yimen.ledger.models import Event
from yimen.lib.errors import DomainError
from yimen.people.access import PERMISSIONS, NotAllowed, allowed
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_department, make_region, make_staff, outsider
from yimen.supervision import actions, integrity, jobs, queries
from yimen.supervision.models import Card, WalkThrough
from yimen.supervision.tests.factories import accepted, after, make_office

pytestmark = pytest.mark.django_db
TODAY = NOW.date()


def card(office, colour="yellow", *, facts="让群众多跑了一趟。", at=NOW):
    return actions.give_by_hand(
        accepted(office, at=at).pk, trigger="other", colour=colour, facts=facts, handler=office.clerk.pk,
        by=office.supervisor, at=at,
    )  # fmt: skip


def test_the_board_counts_by_unit_what_is_due_and_which_cards_are_open():
    office, other = make_office(), make_office()
    due = accepted(office)
    card(office, "red")
    accepted(other, at=NOW + timedelta(days=1))
    on = due.due_on
    found = queries.board(office.supervisor, today=on)
    assert [(line.department, line.today, line.overdue, line.red) for line in found.lines] == [
        (office.organ, 2, 0, 1),
        (other.organ, 0, 0, 0),
    ]
    assert found.lines[1].week == 1
    assert found.late == 1  # the card's three days are long over
    tomorrow = queries.board(office.supervisor, today=on + timedelta(days=1))
    assert [(line.overdue, line.today) for line in tomorrow.lines] == [(2, 0), (0, 1)]
    assert [line.department for line in queries.board(office.leader, today=on).lines] == [office.organ]
    assert queries.board(outsider(office.region), today=on).lines == []


def test_the_board_takes_as_many_statements_for_many_cases_as_for_few():
    office = make_office()

    def statements():
        with CaptureQueriesContext(connection) as captured:
            queries.board(office.supervisor, today=TODAY + timedelta(days=13))
        return len(captured)

    card(office)
    few = statements()
    for n in range(1, 6):
        card(make_office(), at=NOW + timedelta(minutes=n))
    assert statements() == few


@pytest.mark.capability("SUP-7")
def test_cards_count_in_the_scores_of_units_and_persons_but_not_those_lifted():
    office, clean = make_office(), make_office()
    card(office, "yellow")
    card(office, "red", at=NOW + timedelta(minutes=1))
    lifted = card(office, "red", at=NOW + timedelta(minutes=2))
    actions.appeal(lifted.pk, text="当天系统停机，不是窗口的责任。", by=office.clerk, at=NOW)
    actions.decide(lifted.pk, act="lifted", text="已经核对停机记录。", by=office.supervisor, at=NOW)
    found = queries.ranking(office.supervisor, TODAY)
    scores = {name: (place, score.points, score.grade) for place, name, score in found.units}
    assert scores[office.organ.name] == (len(scores), 93, "good")
    assert scores[clean.organ.name] == (1, 100, "excellent")
    assert [(name, score.points) for _place, name, score in found.people] == [(str(office.clerk), 93)]
    earlier = queries.ranking(office.supervisor, date(2026, 9, 1))
    assert {score.points for _place, _name, score in earlier.units} == {100}
    quarter = queries.ranking(office.supervisor, date(2026, 10, 1), quarter=True)
    assert (quarter.since, quarter.until) == (date(2026, 10, 1), date(2026, 12, 31))
    assert len(quarter.people) == 1


def test_a_place_sets_points_and_grades_from_a_day_on():
    from yimen.catalog import actions as catalog

    office = make_office()
    card(office, "red")
    admin = make_staff(Role.SYSTEM_ADMIN, region=office.region)
    catalog.set_local_rule(
        office.region, "card_points_red", 40, effective_on=TODAY, reason="演示办法", by=admin, at=NOW
    )
    [(_place, _name, score)] = queries.ranking(office.supervisor, TODAY).people
    assert (score.points, score.grade) == (60, "failed")


@pytest.mark.capability("SUP-9")
def test_the_record_is_exported_with_its_eleven_columns_and_noted():
    office = make_office()
    one = card(office, "red")
    head, row = queries.export_cards(office.supervisor, queries.Wanted(), at=NOW)
    assert head == [
        "办件编号", "监察内容", "实施主体", "事项类型", "发牌时间", "监察编号", "规则编号", "预警类型代码",
        "状态时间", "处理结果", "责任部门",
    ]  # fmt: skip
    assert row == [
        one.case.case_no, f"其他违规：{one.case.item.name}", office.organ.name, "行政许可", "2026-11-18 09:05:00",
        one.number, "other-red-SUP-5", "3", "2026-11-18 09:05:00", "等答复", office.organ.name,
    ]  # fmt: skip
    assert Event.objects.get(kind="supervision.exported").data == {"what": "cards", "count": 1}
    assert len(queries.export_cards(office.supervisor, queries.Wanted(colour="yellow"), at=NOW)) == 1
    with pytest.raises(NotAllowed):
        queries.export_cards(office.clerk, queries.Wanted(), at=NOW)


@pytest.mark.capability("SUP-7")
def test_the_named_find_their_card_at_once_and_nobody_else_does():
    office = make_office()
    one = card(office)
    for named in (office.clerk, office.leader, office.manager):
        assert list(queries.waiting_for(named)) == [one]
        assert queries.waiting_count(named) == 1
        assert queries.card_for(named, one.pk) == one
    for other in (make_staff(Role.CLERK), outsider(office.region), make_office().leader):
        assert queries.waiting_count(other) == 0
        assert queries.card_for(other, one.pk) is None
    actions.answer(one.pk, text="没有讲清楚。", correction="当天上门补办。", by=office.clerk, at=NOW)
    assert queries.waiting_count(office.leader) == 0


def test_a_rule_can_be_tried_before_it_is_set():
    office = make_office()
    case = accepted(office)
    rule = actions.checked_rule(trigger="over_promise", colour="red", threshold={"days_over": 1}, effective_on=TODAY)
    assert queries.try_rule(office.region.pk, rule, on=case.due_on).count == 0
    on = case.due_on + timedelta(days=1)
    tried = queries.try_rule(office.region.pk, rule, on=on)
    assert (tried.count, tried.there, [row[0] for row in tried.rows]) == (1, 0, [case])
    assert not Card.objects.exists()
    jobs.watch_clocks(at=after(case.due_on, 4))
    assert queries.try_rule(office.region.pk, rule, on=on).there == 1
    elsewhere = actions.checked_rule(
        trigger="over_promise", colour="red", threshold={"days_over": 1}, effective_on=TODAY,
        department=make_office().organ.pk,
    )  # fmt: skip
    assert queries.try_rule(office.region.pk, elsewhere, on=on).count == 0


# -- integrity --------------------------------------------------------------------------------------------------------


def hits(office, staff=None):
    found = integrity.results(staff or office.supervisor, today=TODAY + timedelta(days=1))
    return {result.check.key: [hit.case for hit in result.hits] for result in found if result.hits}


def test_nothing_is_shown_where_all_is_well():
    office = make_office()
    case = accepted(office)
    cases.complete_task(case.tasks.get().pk, outcome="passed", opinion="", by=office.approver, at=NOW)
    cases.decide(case.pk, outcome="granted", by=office.leader, at=NOW)
    assert hits(office) == {}


def test_each_risk_is_found_and_says_why():
    office = make_office()
    tried = make_case(version=office.version, by=office.clerk, complete=False)
    other = make_office().version.materials.first()
    with pytest.raises(cases.UnlistedAsked):
        cases.correct(tried.pk, {other.pk: "再交一份证明"}, by=office.clerk, at=NOW)
    late = accepted(office)
    cases.complete_task(late.tasks.get().pk, outcome="passed", opinion="", by=office.approver, at=NOW)
    cases.decide(late.pk, outcome="granted", by=office.leader, at=NOW.replace(hour=22))
    # The platform itself refuses the next two; a case that was imported may have them.
    Case.objects.filter(pk=late.pk).update(accepted_by=office.leader)
    Task.objects.filter(case=late, kind="review").update(done_by=office.leader)
    back = make_case(version=office.version, by=office.clerk)
    cases.withdraw(back.pk, reason="先不办了", by=office.clerk, at=NOW + timedelta(hours=1))
    again = Case.objects.get(pk=make_case(version=office.version, by=office.clerk, at=NOW + timedelta(hours=2)).pk)
    Case.objects.filter(pk=again.pk).update(applicant=back.applicant)
    found = hits(office)
    assert found == {
        "same-person": [late],
        "reviewed-and-decided": [late],
        "unlisted": [tried],
        "out-of-hours": [late],
        "again": [again],
    }
    results = integrity.results(office.supervisor, today=TODAY + timedelta(days=1))
    assert all(hit.why for result in results for hit in result.hits)
    assert hits(office, make_office().leader) == {}
    assert hits(office, outsider(office.region)) == {}


def test_integrity_reads_in_as_many_statements_for_many_hits_as_for_few():
    office = make_office()

    def late(n):
        case = accepted(office, at=NOW + timedelta(minutes=n))
        task = case.tasks.get()
        cases.complete_task(task.pk, outcome="passed", opinion="", by=office.approver, at=NOW + timedelta(minutes=n))
        cases.decide(case.pk, outcome="granted", by=office.leader, at=NOW.replace(hour=22))
        Case.objects.filter(pk=case.pk).update(accepted_by=office.leader)

    def statements():
        with CaptureQueriesContext(connection) as captured:
            hits(office)
        return len(captured)

    late(0)
    statements()  # the calendar is kept from now on
    few = statements()
    for n in range(1, 5):
        late(n)
    assert statements() == few


# -- a supervisor changes nothing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "permission",
    [
        name
        for name in sorted(PERMISSIONS)
        if name.split(".")[0] in {"cases", "certificates", "hall", "catalog", "powers"}
    ],
)
def test_a_supervisor_reads_and_changes_nothing(permission):
    """SUP-12: of all that is done with cases, certificates, the hall and the catalogue, only the reading is theirs."""
    supervisor = make_staff(Role.SUPERVISOR, for_region=True)
    assert allowed(supervisor, permission) == permission.endswith(".view")


# -- walk-throughs ----------------------------------------------------------------------------------------------------

SAID = {"minutes": 35, "report": "窗口一次说清了要带什么。"}


@pytest.mark.capability("S4-26")
def test_each_leader_has_two_errands_tracked_until_both_are_done():
    office = make_office()
    second = make_staff(Role.LEADER, department=office.organ)
    until = TODAY + timedelta(days=30)
    new = actions.begin_campaign(office.region, "第四季度", due_on=until, by=office.supervisor, at=NOW)
    assert {(walk.leader, walk.kind) for walk in new} == {
        (leader, kind) for leader in (office.leader, second) for kind in ("inquiry", "certificate")
    }

    def state():
        return {
            walker.leader: {kind: walk.done_on for kind, walk in walker.walks.items()}
            for walker in queries.walkers(office.region, "第四季度")
        }

    assert state()[second] == {"inquiry": None, "certificate": None}
    one = WalkThrough.objects.get(leader=second, kind="inquiry")
    with pytest.raises(actions.NotNamed):
        actions.report_walk(one.pk, done_on=TODAY, **SAID, by=office.leader, at=NOW)
    actions.report_walk(
        one.pk, done_on=TODAY, **SAID, problems=["没有老花镜", " "], item=office.version.item_id, by=second, at=NOW
    )
    assert state()[second] == {"inquiry": TODAY, "certificate": None}
    assert state()[office.leader] == {"inquiry": None, "certificate": None}
    with pytest.raises(actions.NotNow):
        actions.report_walk(one.pk, done_on=TODAY, **SAID, by=second, at=NOW)
    head, *rows = queries.export_walks(office.supervisor, "第四季度", at=NOW)
    assert [row[3] for row in rows].count("已完成") == 1 and len(rows) == 4
    assert next(row for row in rows if row[3] == "已完成")[5:8] == ["35", office.version.item.name, "没有老花镜"]
    assert len(head) == len(rows[0])
    # Under the same name again only whoever came since is added.
    third = make_staff(Role.LEADER, department=office.organ)
    more = actions.begin_campaign(office.region, "第四季度", due_on=until, by=office.supervisor, at=NOW)
    assert {walk.leader for walk in more} == {third}


@pytest.mark.parametrize(
    "change",
    [
        {"minutes": 0},
        {"minutes": 2000},
        {"report": "好"},
        {"done_on": TODAY + timedelta(days=1)},
        {"done_on": TODAY - timedelta(days=1)},
        {"item": "00000000-0000-4000-8000-000000000000"},
    ],
    ids=["no-time", "too-long", "too-short", "tomorrow", "before", "no-item"],
)
def test_a_report_that_cannot_be_is_refused(change):
    office = make_office()
    actions.begin_campaign(office.region, "第四季度", due_on=TODAY, by=office.supervisor, at=NOW)
    walk = WalkThrough.objects.filter(leader=office.leader).first()
    good = {"done_on": TODAY, **SAID, "by": office.leader, "at": NOW}
    with pytest.raises(DomainError):
        actions.report_walk(walk.pk, **(good | change))
    actions.report_walk(walk.pk, **good)


def test_a_round_needs_a_name_a_day_and_somebody_to_begin_it():
    office = make_office()
    for name, day in (("", TODAY), ("第四季度", TODAY - timedelta(days=1))):
        with pytest.raises(DomainError):
            actions.begin_campaign(office.region, name, due_on=day, by=office.supervisor, at=NOW)
    with pytest.raises(NotAllowed):
        actions.begin_campaign(office.region, "第四季度", due_on=TODAY, by=office.leader, at=NOW)
    away = make_staff(Role.SUPERVISOR, department=make_department(make_region("510000", "别处")), for_region=True)
    with pytest.raises(DomainError, match="还没有哪位负责人"):
        actions.begin_campaign(away.region, "第四季度", due_on=TODAY, by=away, at=NOW)
