"""Power lists, batches, delegations, entry into the hall: through the actions, with everything they leave behind."""

import threading
from contextlib import nullcontext
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from yimen.catalog.actions import powers as actions
from yimen.catalog.actions.powers import BatchLine, PowerDraft
from yimen.catalog.models import Delegation, HallEntry, ItemVersion, PowerEntry, PowerList
from yimen.catalog.queries import powers as queries
from yimen.catalog.rules.powers import EntryFault, Validity
from yimen.catalog.tests.factories import make_draft, make_item
from yimen.catalog.tests.power_factories import bulk_items, ensure_delegation, ensure_power
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.people import organisation
from yimen.people.access import NotAllowed
from yimen.people.models import Role, ServicePoint
from yimen.people.tests.factories import (
    NOW,
    make_center,
    make_department,
    make_post,
    make_region,
    make_staff,
    outsider,
)

pytestmark = pytest.mark.django_db
TODAY = NOW.date()
DAY = timedelta(days=1)


def power(n, **fields) -> PowerDraft:
    return PowerDraft(
        **({"code": f"52010{n:04d}000", "name": f"演示职权 {n}", "power_type": "01", "level": "3"} | fields)
    )


def publish(region, powers=None, *, on=TODAY, **fields) -> PowerList:
    draft = actions.begin_power_list(region, powers=powers, by=SYSTEM, at=NOW)
    return actions.publish_power_list(draft, effective_on=on, by=SYSTEM, at=NOW, **fields)


def batch(region, number, *lines, on=TODAY):
    return actions.record_batch(
        region, number=number, on=on, document_no=f"演府发〔2014〕{number}号", lines=lines, by=SYSTEM, at=NOW
    )


def acted(kind) -> int:
    return Event.objects.filter(kind=kind).count()


# Power lists


def test_an_edition_counts_from_its_day_on_and_is_written_by_one_and_published_by_another():
    editor, publisher = (
        make_staff(Role.EDITOR, Role.PUBLISHER, for_region=True),
        make_staff(Role.PUBLISHER, for_region=True),
    )
    region = editor.region
    draft = actions.begin_power_list(region, powers=[power(1)], name="演示清单", by=editor, at=NOW)
    actions.save_power(draft, power(2), by=editor, at=NOW)
    assert queries.power_list_in_force(region, TODAY) is None
    with pytest.raises(actions.SameHandOnList):
        actions.publish_power_list(draft, effective_on=TODAY, by=editor, at=NOW)
    actions.publish_power_list(draft, effective_on=TODAY + DAY, by=publisher, at=NOW)
    assert queries.power_list_in_force(region, TODAY) is None
    assert queries.power_list_in_force(region, TODAY + DAY) == draft
    kinds = Event.objects.filter(stream=f"power_list:{draft.pk}").order_by("seq").values_list("kind", flat=True)
    assert list(kinds) == ["powers.draft_begun", "powers.power_saved", "powers.published"]
    with pytest.raises(actions.NotADraftList):
        actions.save_power(draft, power(3), by=editor, at=NOW)


@pytest.mark.parametrize("role, may", [(Role.EDITOR, True), (Role.LEADER, False), (None, False)])
def test_who_may_write_the_list(role, may):
    staff = make_staff(role, for_region=True) if role else outsider()
    with nullcontext() if may else pytest.raises(NotAllowed):
        actions.begin_power_list(staff.region, powers=[power(1)], by=staff, at=NOW)
    assert PowerList.objects.exists() is may


def test_a_second_draft_waits_for_the_first():
    region = make_region()
    actions.begin_power_list(region, powers=[power(1)], by=SYSTEM, at=NOW)
    with pytest.raises(actions.NotADraftList, match="第 1 版还是草稿"):
        actions.begin_power_list(region, by=SYSTEM, at=NOW)


def test_the_next_edition_begins_as_a_copy_and_changes_alone():
    region = make_region()
    first = publish(region, [power(1), power(2)])
    draft = actions.begin_power_list(region, by=SYSTEM, at=NOW)
    actions.save_power(draft, power(2, name="改了名字"), by=SYSTEM, at=NOW)
    actions.drop_power(draft, power(1).code, reason="依据已经废止", by=SYSTEM, at=NOW)
    assert list(draft.entries.values_list("name", flat=True)) == ["改了名字"]
    assert first.entries.count() == 2 and (draft.number, draft.name) == (2, first.name)


@pytest.mark.parametrize(
    "wrong, word",
    [
        ({"code": " "}, "编码还没写"),
        ({"code": "1" * 41}, "最多 40 个字符"),
        ({"name": ""}, "职权名称还没写"),
        ({"name": "名" * 301}, "最多写 300 个字"),
        ({"power_type": "99"}, "类型“99”不认识"),
        ({"level": "9"}, "行使层级“9”不认识"),
        ({"code": power(1).code}, "和第 1 项一样"),
    ],
    ids=["no-code", "long-code", "no-name", "long-name", "type", "level", "twice"],
)
def test_a_bad_line_leaves_nothing_behind(wrong, word):
    with pytest.raises(actions.BadPower, match=word):
        actions.begin_power_list(make_region(), powers=[power(1), power(2, **wrong)], by=SYSTEM, at=NOW)
    assert not PowerList.objects.exists() and not Event.objects.exists()


def test_an_empty_edition_or_one_before_the_last_is_not_published():
    region = make_region()
    empty = actions.begin_power_list(region, by=SYSTEM, at=NOW)
    with pytest.raises(actions.ListNotReady, match="空的"):
        actions.publish_power_list(empty, effective_on=TODAY, by=SYSTEM, at=NOW)
    actions.save_power(empty, power(1), by=SYSTEM, at=NOW)
    actions.publish_power_list(empty, effective_on=TODAY, by=SYSTEM, at=NOW)
    draft = actions.begin_power_list(region, by=SYSTEM, at=NOW)
    with pytest.raises(actions.ListNotReady, match="不能比它早"):
        actions.publish_power_list(draft, effective_on=TODAY - DAY, by=SYSTEM, at=NOW)


@pytest.mark.capability("S2-25", "S2-27")
def test_9300_powers_cut_to_3500_are_62_4_percent_fewer(django_assert_num_queries):
    region, organs = make_region(), [make_department(name=f"演示{n}局") for n in (1, 2)]
    before = [power(n, level="3" if n < 9000 else "4", department=organs[n % 2]) for n in range(9300)]
    after = [
        *before[:3496],
        *(power(n) for n in range(10_000, 10_003)),
        power(9299, name="改了名", level="4", department=organs[1]),
    ]
    first = publish(region, before)
    second = publish(region, after, on=TODAY + DAY)
    with django_assert_num_queries(2):
        found = queries.compare(first, second)
    assert (found.total.before, found.total.after, found.total.fewer) == (9300, 3500, Decimal("62.4"))
    assert (len(found.removed), len(found.added), len(found.changed)) == (5803, 3, 1)
    levels = {count.key: (count.before, count.after, count.fewer) for count in found.by_level}
    assert levels == {"3": (9000, 3499, Decimal("61.1")), "4": (300, 1, Decimal("99.7"))}
    assert sum(count.after for count in found.by_department) == 3500


# Batches


@pytest.mark.capability("S2-26")
def test_twelve_batches_take_their_powers_out_of_the_next_edition():
    region = make_region()
    publish(region, [power(n) for n in range(40)])
    for number in range(1, 13):
        lines = [
            BatchLine(power(number).code, "cancel"),
            BatchLine(power(20 + number).code, "delegate", to="演示镇政府"),
        ]
        one = batch(region, number, *lines)
        draft = actions.apply_batch(one, by=SYSTEM, at=NOW)
    assert PowerList.objects.filter(published_at=None).get() == draft and draft.entries.count() == 40 - 24
    found = list(queries.batches(region))
    assert [(one.number, one.cancelled, one.delegated) for one in found] == [(n, 1, 1) for n in range(1, 13)]
    assert {(one.on, one.document_no, one.applied_to) for one in found[:1]} == {(TODAY, "演府发〔2014〕1号", draft)}
    why = queries.cuts(region)[power(25).code]
    assert (why.batch, why.to, why.name) == (5, "演示镇政府", "演示职权 25")
    with pytest.raises(actions.AlreadyApplied, match="已经并入第 2 版"):
        actions.apply_batch(one, by=SYSTEM, at=NOW)


@pytest.mark.parametrize(
    "lines, word",
    [
        ([], "没有写一项"),
        ([BatchLine("nowhere", "cancel")], "清单里没有编码 nowhere"),
        ([BatchLine(power(1).code, "sell")], "取消.*或.*下放"),
        ([BatchLine(power(1).code, "delegate")], "下放要写给谁"),
        ([BatchLine(power(1).code, "cancel", to="镇")], "取消不用写"),
        ([BatchLine(power(1).code, "cancel")] * 2, "写了两次"),
    ],
    ids=["none", "unknown", "act", "to-nobody", "cancelled-to", "twice"],
)
def test_a_bad_batch_is_refused_whole(lines, word):
    region = make_region()
    publish(region, [power(1)])
    with pytest.raises(actions.BadBatch, match=word):
        batch(region, 1, *lines)
    assert acted("powers.batch_recorded") == 0


def test_a_batch_whose_powers_are_not_in_the_list_is_not_applied():
    region = make_region()
    publish(region, [power(1)])
    one = batch(region, 1, BatchLine("elsewhere", "cancel", name="别的职权"))
    with pytest.raises(actions.BadBatch, match="elsewhere"):
        actions.apply_batch(one, by=SYSTEM, at=NOW)
    assert PowerList.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_apply_the_same_batch_apply_it_once():
    region = make_region()
    publish(region, [power(n) for n in range(50)])
    one = batch(region, 1, *(BatchLine(power(n).code, "cancel") for n in range(10)))
    editors = [make_staff(Role.EDITOR, for_region=True) for _n in range(8)]
    start, answers = threading.Barrier(len(editors)), []

    def apply(editor) -> None:
        try:
            start.wait()
            actions.apply_batch(one, by=editor, at=NOW)
            answers.append("applied")
        except actions.AlreadyApplied:
            answers.append("already")
        finally:
            connection.close()

    threads = [threading.Thread(target=apply, args=[editor]) for editor in editors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["already"] * 7 + ["applied"]
    assert PowerList.objects.get(published_at=None).entries.count() == 40
    assert acted("powers.batch_applied") == 1


# An item needs its power


def test_an_item_has_power_while_its_code_is_in_the_edition_in_force():
    version = make_draft(name="演示许可")
    item = version.item
    PowerList.objects.all().delete()
    assert "还没有公布权力清单" in queries.power_fault(item, TODAY)
    publish(item.region, [power(1)])
    assert "没有 " + queries.power_code(item) in queries.power_fault(item, TODAY)
    ensure_power(item)
    assert queries.has_power(item, TODAY) and queries.power_fault(item, TODAY) == ""
    public = make_draft(item_type="20").item
    assert queries.has_power(public, TODAY)


def test_what_a_batch_cancelled_cannot_come_back_in_another_form():
    region = make_region()
    item = make_draft(name="演示收费许可").item
    code = queries.power_code(item)
    publish(region, [power(1), power(2, code=code, name=item.name)], on=TODAY + DAY)
    one = batch(region, 3, BatchLine(code, "cancel"), on=TODAY + DAY)
    assert "第 3 批已取消" in queries.power_fault(item, TODAY + DAY)
    draft = actions.apply_batch(one, by=SYSTEM, at=NOW)
    actions.publish_power_list(draft, effective_on=TODAY + DAY, by=SYSTEM, at=NOW)
    assert "演府发〔2014〕3号" in queries.power_fault(item, TODAY + DAY)
    # Another item with the old name is the same power under a new code.
    renamed = make_draft(name="演示收费许可").item
    assert "第 3 批已取消" in queries.power_fault(renamed, TODAY + DAY)

    for again in (power(9, code=code), power(9, name="演示收费 许可")):
        draft = actions.begin_power_list(region, by=SYSTEM, at=NOW)
        actions.save_power(draft, again, by=SYSTEM, at=NOW)
        with pytest.raises(actions.CameBack, match="第 3 批已取消"):
            actions.publish_power_list(draft, effective_on=TODAY + DAY, by=SYSTEM, at=NOW)
        draft.delete()
    draft = actions.begin_power_list(region, by=SYSTEM, at=NOW)
    actions.save_power(draft, power(9, code=code), by=SYSTEM, at=NOW)
    actions.publish_power_list(draft, effective_on=TODAY + DAY, reinstated_by="演示法第九条", by=SYSTEM, at=NOW)
    assert queries.power_fault(item, TODAY + DAY) == ""
    said = Event.objects.filter(kind="powers.published").latest("id").data
    assert (said["reinstated_by"], said["reinstated"]) == ("演示法第九条", [code])


def test_published_items_without_power_are_listed():
    item, public = make_item(), make_item(item_type="20")
    assert list(queries.items_without_power(item.region, TODAY)) == []
    batch(item.region, 1, BatchLine(queries.power_code(item), "cancel"), on=TODAY + DAY)
    assert list(queries.items_without_power(item.region, TODAY)) == []
    assert list(queries.items_without_power(item.region, TODAY + DAY)) == [item]
    PowerEntry.objects.all().delete()
    assert list(queries.items_without_power(item.region, TODAY)) == [item] and public.published


def test_an_editor_of_one_unit_writes_its_powers_alone():
    own, other = make_department(), make_department()
    editor = make_staff(Role.EDITOR, department=own)
    powers = [power(1, department=own), power(2, department=other)]
    draft = actions.begin_power_list(own.region, powers=powers, by=SYSTEM, at=NOW)
    actions.save_power(draft, power(1, department=own, name="新名"), by=editor, at=NOW)
    for act in (
        lambda: actions.save_power(draft, power(2, department=own), by=editor, at=NOW),
        lambda: actions.save_power(draft, power(3, department=other), by=editor, at=NOW),
        lambda: actions.drop_power(draft, power(2).code, reason="录重了的", by=editor, at=NOW),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert set(draft.entries.values_list("name", flat=True)) == {"新名", "演示职权 2"}


# Delegations


@pytest.mark.capability("S0-11")
def test_an_immediate_item_is_shown_as_finished_at_the_window_while_a_letter_lets_the_window_decide():
    item, other = make_item(immediate=True), make_item(immediate=True)
    assert not queries.can_finish_at_window(item, TODAY)
    (standing,) = queries.standings(item.region, TODAY, item=item.pk)
    assert (standing.acts, standing.is_fully_delegated) == (None, False)
    lent = ensure_delegation(item, acts=["receive", "accept"])
    assert not queries.can_finish_at_window(item, TODAY)
    full = ensure_delegation(item, until_on=TODAY)
    assert queries.can_finish_at_window(item, TODAY) and not queries.can_finish_at_window(item, TODAY + DAY)
    assert queries.finishing_items(item.region, TODAY) == {item.pk} and other.pk not in queries.finishing_items(
        item.region, TODAY
    )
    actions.revoke_delegation(full, on=TODAY, reason="签发人更换", by=SYSTEM, at=NOW)
    assert not queries.can_finish_at_window(item, TODAY) and lent.revoked_on is None


def test_a_promised_item_is_never_finished_at_once():
    item = make_item()
    ensure_delegation(item)
    assert not queries.can_finish_at_window(item, TODAY)


@pytest.mark.parametrize(
    "wrong, word",
    [
        ({"acts": []}, "授权做哪几步"),
        ({"acts": ["fly"]}, "授权做哪几步"),
        ({"letter_no": " "}, "文号和签发人"),
        ({"signed_by": ""}, "文号和签发人"),
        ({"post": None}, "哪个岗位"),
        ({"from_on": TODAY, "until_on": TODAY - DAY}, "比生效日期还早"),
    ],
    ids=["no-acts", "bad-act", "no-letter", "unsigned", "nobody", "backwards"],
)
def test_a_letter_with_something_missing_is_no_delegation(wrong, word):
    item = make_item()
    with pytest.raises(actions.BadDelegation, match=word):
        ensure_delegation(item, **wrong)
    assert not Delegation.objects.exists()


def test_only_the_units_leader_or_an_editor_lends_its_power():
    item = make_item()
    own, other = make_staff(Role.LEADER, department=item.department), make_staff(Role.LEADER)
    values = {"acts": ["decide"], "letter_no": "1号", "signed_by": "钱局长", "from_on": TODAY}
    post = make_post(item.department)
    for staff, may in ((other, False), (outsider(), False), (own, True)):
        with nullcontext() if may else pytest.raises(NotAllowed):
            actions.grant_delegation(item, post=post, by=staff, at=NOW, **values)
    assert Delegation.objects.get().entered_by == own
    with pytest.raises(actions.BadDelegation, match="录入过"):
        actions.grant_delegation(item, post=post, by=own, at=NOW, **values)


def test_delegations_are_listed_by_how_they_stand():
    item = make_item()
    spans = {
        Validity.VALID: {},
        Validity.ENDING: {"until_on": TODAY + 9 * DAY},
        Validity.COMING: {"from_on": TODAY + DAY},
        Validity.ENDED: {"until_on": TODAY - DAY},
        Validity.REVOKED: {},
    }
    made = {state: ensure_delegation(item, **span) for state, span in spans.items()}
    actions.revoke_delegation(made[Validity.REVOKED], on=TODAY, reason="不再需要", by=SYSTEM, at=NOW)
    for state in (Validity.ENDING, Validity.COMING, Validity.ENDED, Validity.REVOKED):
        assert list(queries.delegations(item.region, TODAY, state=state)) == [made[state]], state
    assert queries.delegations(item.region, TODAY, state=Validity.VALID).count() == 2
    assert queries.delegations(item.region, TODAY).count() == 5


@pytest.mark.capability("S4-35")
def test_an_item_is_delegated_to_a_service_point_with_date_and_scope():
    item = make_item()
    point = ServicePoint.objects.create(region=item.region, kind="town", code="t1", name="演示镇便民服务中心")
    lent = ensure_delegation(item, point=point, acts=["receive", "accept"], from_on=TODAY, until_on=TODAY + DAY)
    for on, there in ((TODAY - DAY, []), (TODAY, [lent]), (TODAY + DAY, [lent]), (TODAY + 2 * DAY, [])):
        assert list(queries.delegated_to_point(point, on)) == there
    assert lent.acts == ["receive", "accept"]
    (standing,) = queries.standings(item.region, TODAY)
    assert standing.acts is None, "what a village may do says nothing about the hall"
    point.closed_on = TODAY
    point.save()
    with pytest.raises(actions.BadDelegation, match="已经撤销"):
        ensure_delegation(item, point=point, from_on=TODAY)


# Entry into the hall


@pytest.mark.capability("S0-12")
def test_the_audit_names_one_of_four_reasons_and_falls_to_nothing_when_all_is_mended():
    center = make_center()
    manager = make_staff(Role.HALL_MANAGER)
    out, two, none, half, excused, good = items = [make_item(name=f"演示事项{n}") for n in "一二三四五六"]
    for item in (two, none, half, good):
        elsewhere = "局里二楼窗口" if item is two else ""
        actions.enter_hall(item, center, on=TODAY, elsewhere=elsewhere, by=manager, at=NOW)
    for item in (two, good):
        ensure_delegation(item)
    lent = ensure_delegation(half, acts=["receive", "accept"])
    actions.set_should_enter(excused, False, reason="涉密事项", by=manager, at=NOW)

    def found():
        by_reason = queries.audit(queries.standings(center.region, TODAY))
        return {fault: [one.item_id for one in rows] for fault, rows in by_reason.items()}

    assert found() == {
        EntryFault.NOT_IN: [out.pk],
        EntryFault.TWO_COUNTERS: [two.pk],
        EntryFault.NOT_DELEGATED: [none.pk],
        EntryFault.HALF_DELEGATED: [half.pk],
    }
    actions.enter_hall(out, center, on=TODAY, by=manager, at=NOW)
    ensure_delegation(out)
    actions.set_elsewhere(two.entries.get(), "", by=manager, at=NOW)
    ensure_delegation(none)
    ensure_delegation(half, acts=["decide"], letter_no="补授〔2026〕1号")
    assert sum(map(len, found().values())) == 0
    actions.revoke_delegation(lent, on=TODAY, reason="签发人更换", by=SYSTEM, at=NOW)
    assert found()[EntryFault.HALF_DELEGATED] == [half.pk]
    assert len(items) == 6


@pytest.mark.capability("S1-37", "S0-13")
def test_169_of_232_items_are_in_the_hall_with_the_63_others_named(django_assert_num_queries):
    center = make_center()
    first, second = make_department(name="甲局"), make_department(name="乙局")
    items = [*bulk_items(make_item(department=first), 132), *bulk_items(make_item(department=second), 100)]
    HallEntry.objects.bulk_create(
        HallEntry(item=item, center=center, entered_on=date(2026, 9, 10) if n < 100 else TODAY)
        for n, item in enumerate(items[:169])
    )
    with django_assert_num_queries(1):
        standing = queries.standings(center.region, TODAY)
    found = queries.coverage(standing)
    assert (found.assigned, found.entered, found.rate) == (232, 169, Decimal("72.84"))
    assert {one.item_id for one in standing if not one.is_in} == {item.pk for item in items[169:]}
    by_unit = {unit.name: unit.coverage for unit in queries.units(center.region, standing)}
    assert {name: (one.entered, one.assigned) for name, one in by_unit.items()} == {
        "甲局": (132, 132),
        "乙局": (37, 100),
    }

    ItemVersion.objects.filter(item__in=items).update(effective_on=date(2026, 10, 5))
    with django_assert_num_queries(1):
        months = queries.trend(center.region, TODAY, months=3)
    told = [(one.on, one.coverage.entered, one.coverage.assigned) for one in months]
    assert told == [(date(2026, 9, 30), 0, 0), (date(2026, 10, 31), 100, 232), (TODAY, 169, 232)]


def test_an_item_that_left_the_hall_or_was_withdrawn_is_counted_no_more():
    from yimen.catalog.actions import withdraw

    center, manager = make_center(), make_staff(Role.HALL_MANAGER)
    left, gone = make_item(name="甲"), make_item(name="乙")
    for item in (left, gone):
        actions.enter_hall(item, center, on=TODAY, by=manager, at=NOW)
    with pytest.raises(actions.BadEntry, match="已经进驻"):
        actions.enter_hall(left, center, on=TODAY, by=manager, at=NOW)
    withdraw(gone, reason="依据已经废止", by=SYSTEM, at=NOW)
    actions.leave_hall(left.entries.get(), on=TODAY + DAY, reason="搬到分中心", by=manager, at=NOW)
    for on, entered in ((TODAY, 1), (TODAY + DAY, 0)):
        found = queries.coverage(queries.standings(center.region, on))
        assert (found.assigned, found.entered) == (1, entered)
        last = queries.trend(center.region, on)[-1].coverage
        assert (last.assigned, last.entered) == (1, entered)
    actions.enter_hall(left, center, on=TODAY + 3 * DAY, by=manager, at=NOW)
    with pytest.raises(NotAllowed):
        actions.leave_hall(left.entries.get(left_on=None), on=TODAY, reason="不让进", by=make_staff(), at=NOW)


@pytest.mark.capability("S1-35")
def test_a_unit_moves_in_only_when_every_item_it_brings_is_fully_delegated():
    center, manager = make_center(), make_staff(Role.HALL_MANAGER)
    department = make_department(name="演示民政局", is_resident=False)
    full, half, bare = (make_item(department=department, name=name) for name in ("婚姻登记", "低保审批", "殡葬审批"))
    ensure_delegation(full)
    ensure_delegation(half, acts=["accept"])
    with pytest.raises(actions.NotDelegated) as refused:
        actions.move_in(department, center, on=TODAY, by=manager, at=NOW)
    assert (
        "低保审批" in str(refused.value) and "殡葬审批" in str(refused.value) and "婚姻登记" not in str(refused.value)
    )
    department.refresh_from_db()
    assert not department.is_resident and not HallEntry.objects.exists()

    ensure_delegation(half, acts=["decide"], letter_no="补授〔2026〕2号")
    actions.set_should_enter(bare, False, reason="在殡仪馆办理", by=manager, at=NOW)
    moved = actions.move_in(department, center, on=TODAY, by=manager, at=NOW)
    assert moved.is_resident and set(HallEntry.objects.values_list("item_id", flat=True)) == {full.pk, half.pk}
    assert acted("people.moved_in") == 1

    def state(on=TODAY):
        return {unit.name: unit.state for unit in queries.units(center.region, queries.standings(center.region, on))}

    assert state()["演示民政局"] == "in"
    lent = full.delegations.get()
    actions.revoke_delegation(lent, on=TODAY, reason="签发人更换", by=SYSTEM, at=NOW)
    assert state()["演示民政局"] == "partial"


@pytest.mark.django_db(transaction=True)
def test_a_unit_that_moves_in_meets_one_of_its_items_on_the_way():
    """move_in and enter_hall at once: whoever comes second is told kindly, and the item is in once."""
    center, department = make_center(), make_department(is_resident=False)
    item = make_item(department=department)
    ensure_delegation(item)
    start, answers = threading.Barrier(6), []

    def act(n: int) -> None:
        try:
            start.wait()
            if n % 2:
                actions.enter_hall(item, center, on=TODAY, by=SYSTEM, at=NOW)
            else:
                actions.move_in(department, center, on=TODAY, by=SYSTEM, at=NOW)
            answers.append("done")
        except actions.BadEntry:
            answers.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=[n]) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6 and HallEntry.objects.filter(left_on=None).count() == 1
    assert 1 <= answers.count("done") <= 2


@pytest.mark.capability("S1-36")
def test_27_units_and_6_branches_are_counted():
    main = make_center()
    for _n in range(6):
        make_center(parent=main)
    for n in range(30):
        make_department(is_resident=n < 27)
    make_department(make_region("440000", "别处"))
    found = queries.presence(main.region)
    assert (found.units, found.branches) == (27, 6)


@pytest.mark.capability("S1-53")
def test_items_not_finished_in_the_hall_stand_out():
    center, manager = make_center(), make_staff(Role.HALL_MANAGER)
    health = make_department(name="演示卫健局")
    done, sent_away, undelegated = (make_item(department=health, name=name) for name in ("甲证", "乙证", "丙证"))
    for item in (done, sent_away, undelegated):
        actions.enter_hall(item, center, on=TODAY, by=manager, at=NOW)
    for item in (done, sent_away):
        ensure_delegation(item)
    sent_away.published.finishes_in_hall = False
    sent_away.published.save()
    found = queries.standings(center.region, TODAY, department=health.pk)
    assert [one.name for one in found if not one.is_finished_in_hall] == ["丙证", "乙证"]


# Organs that change


@pytest.mark.capability("S4-34")
def test_a_bureau_holds_items_of_others_and_says_where_they_came_from():
    publisher = make_staff(Role.PUBLISHER, for_region=True)
    source, plain = make_department(name="演示住建局"), make_department(name="演示财政局")
    bureau = make_department(name="演示行政审批服务局", is_bureau=True)
    item, kept = make_item(department=source), make_item(department=source)
    lent = ensure_delegation(item)
    values = {"on": TODAY, "document_no": "演编发〔2018〕3号", "by": publisher, "at": NOW}
    with pytest.raises(actions.BadEntry, match="不是行政审批服务局"):
        actions.transfer_items(source, plain, [item], **values)
    with pytest.raises(actions.BadEntry, match="不是演示财政局的"):
        actions.transfer_items(plain, bureau, [item], **values)
    with pytest.raises(NotAllowed):
        actions.transfer_items(source, bureau, [item], **(values | {"by": make_staff(Role.EDITOR)}))
    with pytest.raises(actions.BadEntry, match="还没到"):
        actions.transfer_items(source, bureau, [item], **(values | {"on": TODAY + DAY}))
    coming = ensure_delegation(item, from_on=TODAY + DAY)
    assert actions.transfer_items(source, bureau, [item], **values) == 1
    coming.refresh_from_db()
    assert coming.revoked_on == coming.from_on
    (held,) = queries.held_for_others(source.region)
    assert (held.item, held.item.department, held.source, held.on) == (item, bureau, "演示住建局", TODAY)
    assert held.document_no == "演编发〔2018〕3号"
    kept.refresh_from_db()
    lent.refresh_from_db()
    assert kept.department == source and lent.revoked_on == TODAY


@pytest.mark.capability("S1-34")
def test_46_sections_merged_to_20_are_56_5_percent_fewer():
    from yimen.catalog.rules.powers import reduction

    admin = make_staff(Role.SYSTEM_ADMIN)
    values = {"name": "相对集中行政审批权", "on": TODAY, "at": NOW, "document_no": "演编发〔2014〕1号"}
    before, after = [f"科室 {n}" for n in range(46)], [f"审批科 {n}" for n in range(20)]
    with pytest.raises(NotAllowed):
        organisation.record_change(admin.region, before=before, after=after, by=make_staff(), **values)
    for wrong in ([], ["一科", " 一科 "]):
        with pytest.raises(organisation.BadChange):
            organisation.record_change(admin.region, before=before, after=wrong, by=admin, **values)
    change = organisation.record_change(admin.region, before=before, after=after, by=admin, **values)
    assert reduction(len(change.before), len(change.after)) == Decimal("56.5")
    assert acted("people.organisation_changed") == 1


@pytest.mark.parametrize("count", [1, 6])
def test_lists_ask_the_same_number_of_questions(count, django_assert_num_queries):
    center = make_center()
    for _n in range(count):
        item = make_item()
        ensure_delegation(item)
        actions.enter_hall(item, center, on=TODAY, by=SYSTEM, at=NOW)
    with django_assert_num_queries(2):
        queries.units(center.region, queries.standings(center.region, TODAY))
    with django_assert_num_queries(2):
        rows = list(queries.delegations(center.region, TODAY))
        assert all(row.item.department.name and row.post.department.name for row in rows)
    with django_assert_num_queries(1):
        queries.finishing_items(center.region, TODAY)


def test_powers_of_another_place_do_not_count():
    item = make_draft().item
    elsewhere = make_region("440000", "别处")
    publish(elsewhere, [power(1, code=queries.power_code(item))])
    PowerEntry.objects.filter(power_list__region=item.region).delete()
    assert not queries.has_power(item, TODAY)
