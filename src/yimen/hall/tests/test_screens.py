"""Screens, notices, zones and facilities: set up by the hall manager, read by everybody."""

from contextlib import nullcontext
from datetime import time, timedelta

import pytest
from django.utils.timezone import localdate
from hypothesis import given
from hypothesis import strategies as st

from yimen.catalog.tests.factories import make_item
from yimen.hall import actions, setup
from yimen.hall.actions import notices, places, screens
from yimen.hall.models import Facility, Notice, Screen, Window
from yimen.hall.queries import boards
from yimen.hall.queries import screens as reads
from yimen.hall.rules import screens as rules
from yimen.hall.tests.factories import call, make_hall, make_series, make_window, serve, take
from yimen.ledger.models import Event
from yimen.people import work_cards
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_center, make_department, make_post, make_region, make_staff

TODAY = localdate(NOW)


@pytest.fixture
def manager(db):
    return make_staff(Role.HALL_MANAGER, for_region=True)


@pytest.fixture
def hall(manager):
    return make_hall(manager.region, code="main")


def set_up(hall, by, **fields):
    defaults = {"code": "east", "name": "东区屏", "layout": Screen.Layout.HALL}
    return screens.set_up_screen(hall, by=by, at=NOW, **(defaults | fields))


@pytest.mark.parametrize(("role", "allowed"), [(Role.HALL_MANAGER, True), (Role.CLERK, False)])
def test_only_the_hall_manager_sets_up_screens_notices_zones_and_facilities(db, role, allowed):
    somebody = make_staff(role, for_region=True)
    hall = make_hall(somebody.region)
    day = {"from_day": TODAY, "until_day": TODAY}
    for act in (
        lambda: set_up(hall, somebody),
        lambda: notices.post_notice(hall.region, title="停电", text="明天停电", by=somebody, at=NOW, **day),
        lambda: places.add_zone(hall, name="东区", by=somebody, at=NOW),
        lambda: places.add_facility(hall, kind="water", name="热水", by=somebody, at=NOW),
        lambda: work_cards.set_complaint_way(hall.center_id, "12345 转 2", by=somebody, at=NOW),
    ):
        with nullcontext() if allowed else pytest.raises(NotAllowed):
            act()
    assert Event.objects.filter(actor=somebody.ledger_ref).count() == (5 if allowed else 0)


def test_a_screens_code_is_its_own_and_no_halls(hall, manager):
    screen = set_up(hall, manager)
    assert reads.get_screen("east") == screen
    for code in ("east", "main", "Ost Eins", ""):
        with pytest.raises((screens.ScreenTaken, screens.ScreenIncomplete)):
            set_up(hall, manager, code=code)
    assert reads.get_screen("main").layout == Screen.Layout.HALL  # a hall's own code keeps working
    with pytest.raises(Screen.DoesNotExist):
        reads.get_screen("nowhere")


def test_a_screen_switched_off_is_not_found(hall, manager):
    screen = set_up(hall, manager)
    screens.switch_screen(screen.pk, False, by=manager, at=NOW)
    screens.switch_screen(screen.pk, False, by=manager, at=NOW)
    with pytest.raises(Screen.DoesNotExist):
        reads.get_screen("east")
    assert Event.objects.filter(kind="hall.screen_switched_off").count() == 1
    screens.switch_screen(screen.pk, True, by=manager, at=NOW)
    assert reads.get_screen("east") == screen


@pytest.mark.parametrize(
    "fields",
    [
        {"layout": "zone"},
        {"layout": "window"},
        {"layout": "halls"},
        {"layout": "cinema"},
        {"name": " "},
        {"language": "中文"},
        {"speech": "请到窗口"},
        {"speech": "请{label}到{window}号{hall}"},
        {"second_language": "yue-HK"},
        {"repeats": 9},
        {"volume": 101},
        {"quiet_from": time(12)},
    ],
    ids=lambda fields: "-".join(f"{name}" for name in fields),
)
def test_a_screen_that_could_not_work_is_refused(hall, manager, fields):
    with pytest.raises(screens.ScreenIncomplete):
        set_up(hall, manager, **fields)
    assert not Screen.objects.exists()


def test_zone_and_window_of_another_hall_are_refused(hall, manager):
    other = make_hall(manager.region)
    far = make_window(make_series(other), staffed=False)
    with pytest.raises(screens.ScreenIncomplete):
        set_up(hall, manager, layout="window", window=far)
    with pytest.raises(screens.ScreenIncomplete):
        set_up(hall, manager, layout="zone", zone=places.add_zone(other, name="西区", by=manager, at=NOW))
    several = set_up(hall, manager, layout="halls", halls=[hall, other])
    assert reads.halls_of(several) == [hall, other]


def test_a_notice_stands_from_its_first_day_through_its_last_unless_taken_down(hall, manager):
    notice = notices.post_notice(
        hall.region,
        title="周六开门",
        text="九点起",
        from_day=TODAY,
        until_day=TODAY + timedelta(days=2),
        by=manager,
        at=NOW,
    )

    def shown(days):
        return notice in reads.notices_of([hall], TODAY + timedelta(days=days))

    assert [shown(days) for days in (-1, 0, 2, 3)] == [False, True, True, False]
    assert notice in reads.notices_of([make_hall(manager.region)], TODAY)
    assert notice not in reads.notices_of([make_hall(make_region("500001"))], TODAY)
    notices.end_notice(notice.pk, by=manager, at=NOW)
    assert not shown(0)
    with pytest.raises(notices.NoticeIncomplete):
        notices.change_notice(notice.pk, title="再来", text="一次", from_day=TODAY, until_day=TODAY, by=manager, at=NOW)


@pytest.mark.parametrize(
    "fields",
    [{"title": ""}, {"text": " "}, {"until_day": TODAY - timedelta(days=1)}, {"kind": "advert"}, {"seconds": 1}],
    ids=lambda fields: next(iter(fields)),
)
def test_a_notice_without_what_it_needs_is_refused(hall, manager, fields):
    whole = {"title": "停电", "text": "明天停电", "from_day": TODAY, "until_day": TODAY}
    with pytest.raises(notices.NoticeIncomplete):
        notices.post_notice(hall.region, by=manager, at=NOW, **(whole | fields))
    assert not Notice.objects.exists()


@pytest.mark.capability("S4-37")
def test_a_window_shows_the_policy_notices_of_its_hall_and_its_own_today(hall, manager):
    series = make_series(hall)
    first, second = make_window(series), make_window(series)

    def post(title, kind=Notice.Kind.POLICY, at_windows=(), until=0, where=hall):
        day = {"from_day": TODAY, "until_day": TODAY + timedelta(days=until)}
        notices.post_notice(
            hall.region, title=title, text="内容", kind=kind, hall=where, windows=at_windows, by=manager, at=NOW, **day
        )

    post("登记不收费")
    post("高龄津贴", at_windows=[first])
    post("全县都有", where=None)
    post("周六开门", kind=Notice.Kind.PUBLIC)
    post("别的大厅", where=make_hall(manager.region))

    def at(window, day=TODAY):
        return {one.title for one in reads.notices_of([hall], day, window=window)}

    assert at(first) == {"登记不收费", "高龄津贴", "全县都有"}
    assert at(second) == {"登记不收费", "全县都有"}
    assert at(first, TODAY + timedelta(days=1)) == set()
    assert {one.title for one in reads.notices_of([hall], TODAY)} == {"登记不收费", "全县都有", "周六开门"}


@pytest.mark.capability("S3-20")
def test_any_number_of_zones_each_with_its_windows(hall, manager):
    series = make_series(hall, zone="")
    windows = [make_window(series, number=n, staffed=False) for n in range(1, 9)]
    names = ["就业和人才服务区", "社会保险区", "调解仲裁区", "劳动监察区", "自助办理区", "咨询区", "等候区"]
    zones = [places.add_zone(hall, name=name, by=manager, at=NOW) for name in names]
    for window, zone in zip(windows, [zones[0], zones[0], *zones[1:6]], strict=False):
        places.place_window(window.pk, zone=zone, department=None, by=manager, at=NOW)
    found = {
        place.zone.name if place.zone else "": [one.number for one in place.windows] for place in reads.places(hall)
    }
    assert found == {
        "就业和人才服务区": [1, 2], "社会保险区": [3], "调解仲裁区": [4], "劳动监察区": [5], "自助办理区": [6],
        "咨询区": [7], "等候区": [], "": [8],
    }  # fmt: skip
    with pytest.raises(places.ZoneTaken):
        places.add_zone(hall, name="咨询区", by=manager, at=NOW)
    with pytest.raises(places.PlaceIncomplete):
        places.place_window(
            make_window(make_series(make_hall(manager.region)), staffed=False).pk,
            zone=zones[0], department=None, by=manager, at=NOW,
        )  # fmt: skip


def test_a_zone_taken_away_leaves_its_windows_and_numbers(hall, manager):
    zone = places.add_zone(hall, name="东区", by=manager, at=NOW)
    series = make_series(hall, zone="东区")
    window = make_window(series)
    places.place_window(window.pk, zone=zone, department=None, by=manager, at=NOW)
    screen = set_up(hall, manager, layout="zone", zone=zone)
    with pytest.raises(places.PlaceIncomplete):
        places.remove_zone(zone.pk, by=manager, at=NOW)
    screens.change_screen(screen.pk, name="东区屏", layout="hall", by=manager, at=NOW)
    places.remove_zone(zone.pk, by=manager, at=NOW)
    places.remove_zone(zone.pk, by=manager, at=NOW)
    series.refresh_from_db(), window.refresh_from_db()
    assert (series.zone, window.zone) == (None, None)
    assert take(series).label == "A001"


@pytest.mark.capability("S1-15")
def test_ten_units_share_one_hall_one_queue_and_one_window(manager):
    hall = setup.open_hall(make_center(manager.region), code="one", name="一门大厅", by=manager, at=NOW)
    queue = setup.open_series(hall, letter="A", name="综合", by=manager, at=NOW)
    units = [make_department(manager.region, name=f"单位 {n}", short_name=f"单位{n}") for n in range(10)]
    items = [make_item(department=unit) for unit in units]
    setup.set_items_of_series(queue.pk, items, by=manager, at=NOW)
    window = setup.open_window(hall, number=1, name="综合窗口", series=[queue], by=manager, at=NOW)
    clerk = make_staff(Role.CLERK, region=manager.region)
    actions.sign_in(window.pk, by=clerk, at=NOW)
    window.refresh_from_db()
    for item in items:
        take(queue, item=item)
    served = [serve(window).item.department for _n in items]
    assert served == units
    (place,) = reads.places(hall)
    assert {unit.pk for unit in place.units[window.pk]} == {unit.pk for unit in units}


@pytest.mark.capability("S1-8")
def test_signing_in_shows_name_post_duty_promise_contact_and_complaint_way(hall, manager):
    post = make_post(make_department(manager.region), name="窗口受理岗")
    work_cards.describe_post(post.pk, duties="收件和受理", promise="一次说清", by=manager, at=NOW)
    work_cards.set_complaint_way(hall.center_id, "拨 12345", by=manager, at=NOW)
    clerk = make_staff(Role.CLERK, region=manager.region, post=post, name="林晓")
    clerk.phone = "0899-1"
    clerk.save()
    window = make_window(make_series(hall), staffed=False)

    def shown():
        hall.center.refresh_from_db()
        (now,) = boards.windows_now(hall)
        return now

    assert (shown().state, shown().card) == ("closed", None)
    actions.sign_in(window.pk, by=clerk, at=NOW)
    card = shown().card
    assert (card.name, card.number, card.post, card.duties) == ("林晓", clerk.number, "窗口受理岗", "收件和受理")
    assert (card.promise, card.contact, card.complaint) == ("一次说清", "0899-1", "拨 12345")
    actions.sign_out(window.pk, by=clerk, at=NOW)
    assert shown().card is None


def test_a_window_left_for_a_while_says_why_and_the_called_number_goes(hall):
    window = make_window(make_series(hall))
    take(window.series.get())
    ticket = call(window)
    (now,) = boards.windows_now(hall)
    assert (now.state, now.label, now.is_serving) == ("open", ticket.label, False)
    assert now.key == boards.calls(hall, NOW)[0].key
    actions.pause(window.pk, reason="meal", by=window.staff, at=NOW)
    (now,) = boards.windows_now(hall)
    assert (now.state, now.label, now.away.reason, now.away.stand_in) == ("paused", "", "用餐", "")


@pytest.mark.capability("S4-36")
def test_facilities_say_where_they_are_and_whether_they_work(hall, manager):
    zone = places.add_zone(hall, name="东区", by=manager, at=NOW)
    water = places.add_facility(hall, kind="water", name="热水", place="东门右手边", zone=zone, by=manager, at=NOW)
    places.add_facility(make_hall(manager.region), kind="copy", name="别处的复印机", by=manager, at=NOW)
    assert list(reads.facilities(hall, on=TODAY)) == [water]
    guide = make_staff(Role.GUIDE, region=manager.region)
    places.report_facility(water.pk, False, note="换滤芯", by=guide, at=NOW)
    (found,) = reads.facilities(hall, on=TODAY)
    assert (found.works, found.note, found.place, found.zone) == (False, "换滤芯", "东门右手边", zone)
    with pytest.raises(NotAllowed):
        places.end_facility(water.pk, on=TODAY, by=guide, at=NOW)
    places.end_facility(water.pk, on=TODAY, by=manager, at=NOW)
    assert not reads.facilities(hall, on=TODAY).exists()
    assert Facility.objects.filter(hall=hall).exists()
    with pytest.raises(NotAllowed):
        places.report_facility(water.pk, True, by=make_staff(Role.CLERK, region=make_region("500001")), at=NOW)


def test_the_calls_of_a_zone_are_those_at_its_windows(hall, manager):
    east, west = (places.add_zone(hall, name=name, by=manager, at=NOW) for name in ("东", "西"))
    series = make_series(hall, zone="")
    windows = [make_window(series, zone=zone) for zone in (east, west)]
    for n in range(3):
        for window in windows:
            take(series, NOW + timedelta(seconds=n))
            serve(window, NOW + timedelta(seconds=n))
    found = boards.calls_by_zone(hall, NOW)
    assert {zone: {one.window for one in calls} for zone, calls in found.items()} == {
        east.pk: {windows[0].number}, west.pk: {windows[1].number}
    }  # fmt: skip
    assert [len(calls) for calls in found.values()] == [3, 3]
    everywhere = [one.key for one in boards.calls(hall, NOW, most=30)]
    assert [one.key for one in found[east.pk]] == [key for key in everywhere if key in {c.key for c in found[east.pk]}]


@pytest.mark.parametrize("rows", [1, 6], ids=["one", "six"])
def test_reading_windows_and_places_costs_the_same_for_one_and_for_six(hall, manager, django_assert_num_queries, rows):
    series = make_series(hall, zone="")
    for _n in range(rows):
        make_window(series, zone=places.add_zone(hall, name=f"区{_n}", by=manager, at=NOW))
        take(series)
    with django_assert_num_queries(1):
        assert len(boards.windows_now(hall)) == rows
    with django_assert_num_queries(3):  # no items: no units to read
        assert len(reads.places(hall)) == rows


def test_visits_and_handling_time_of_a_hall(hall):
    series = make_series(hall)
    window = make_window(series)
    for days in (2, 0, 0):
        at = NOW - timedelta(days=days)
        take(series, at)
        serve(window, at, minutes=4 if days else 6)
    found = reads.visits_by_day(hall, TODAY, days=4)
    assert [count for _day, count in found] == [0, 1, 0, 2]
    assert reads.handling_seconds(hall, TODAY, TODAY) == 360
    assert reads.handling_seconds(hall, TODAY - timedelta(days=1), TODAY - timedelta(days=1)) is None


@given(now=st.times(), start=st.times(), end=st.times())
def test_quiet_hours_and_the_rest_of_the_day_share_it_out(now, start, end):
    quiet = rules.is_quiet(now, start, end)
    if start == end:
        assert not quiet
    else:
        assert quiet != rules.is_quiet(now, end, start)  # the hours between the end and the start
    assert not rules.is_quiet(now, None, end)


@pytest.mark.parametrize(
    ("sentence", "good"),
    [
        ("请{label}到{window}号窗口", True),
        ("{window} {label}", True),
        ("请{label}", False),
        ("请{label}到{window}号{hall}", False),
        ("请{label}到{window}号}", False),
        ("", False),
    ],
)
def test_what_is_said_names_the_number_and_the_window_and_nothing_else(sentence, good):
    assert rules.is_speech(sentence) is good


@pytest.mark.parametrize(
    ("tag", "good"), [("zh-CN", True), ("yue-HK", True), ("bo", True), ("中文", False), ("zh_CN", False), ("", False)]
)
def test_language_tags(tag, good):
    assert rules.is_language(tag) is good


def test_a_window_of_another_region_is_not_placed(hall, manager):
    far = make_window(make_series(make_hall(make_region("500001"))), staffed=False)
    with pytest.raises(NotAllowed):
        places.place_window(far.pk, zone=None, department=None, by=manager, at=NOW)
    assert Window.objects.get(pk=far.pk).zone == far.zone
