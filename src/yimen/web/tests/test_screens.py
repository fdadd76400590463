"""Screens, notices, the hall's page and the bulletin over HTTP; streams of zones, windows and several halls."""

import asyncio
import random
import re
from datetime import time, timedelta
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.timezone import localdate

from yimen.catalog import actions as catalog
from yimen.catalog.tests.factories import make_item
from yimen.hall import actions
from yimen.hall.actions import notices, places, screens
from yimen.hall.models import Hall, Notice, Screen, Window
from yimen.hall.queries.boards import Wait
from yimen.hall.tests.factories import make_hall, make_series, make_window, serve, take
from yimen.ledger.actions import SYSTEM
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_center, make_department, make_post, make_region, make_staff
from yimen.web import live
from yimen.web.display import payload, slides
from yimen.web.display.views import page_of
from yimen.web.tests.pages import Page
from yimen.web.tests.test_live import Screen as Watcher
from yimen.web.tests.test_live import in_thread, listening, run

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
TODAY = localdate(NOW)
BY = {"by": SYSTEM, "at": NOW}


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def hall(db):
    return make_hall(center=make_center(make_region(), name="青禾县政务服务中心"), code="main", name="一楼大厅")


def set_up(hall, code, layout, **fields):
    return screens.set_up_screen(hall, code=code, name=f"{code} 屏", layout=layout, **BY, **fields)


def text_of(client, address):
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def manager_client(region):
    client = Client()
    client.force_login(make_staff(Role.HALL_MANAGER, region=region, for_region=True).user, backend=BACKEND)
    return client


def post_notice(hall, title, **fields):
    defaults = {"text": "内容", "from_day": TODAY, "until_day": TODAY, "hall": hall}
    return notices.post_notice(hall.region, title=title, **BY, **(defaults | fields))


# -- pages ------------------------------------------------------------------------------------------------------------


def test_every_layout_has_its_page(client, hall):
    other = make_hall(hall.region, center=hall.center, code="second", name="二楼大厅")
    east = places.add_zone(hall, name="东区", **BY)
    window = make_window(make_series(hall, zone="东区"), number=3, zone=east)
    make_window(make_series(other, letter="B", name="户籍"), number=9)
    take(window.series.get())
    ticket = actions.call_next(window.pk, by=window.staff, at=NOW)
    set_up(hall, "east", "zone", zone=east)
    set_up(hall, "w3", "window", window=window)
    set_up(hall, "both", "halls", halls=[other])
    set_up(hall, "notices", "notices")
    set_up(hall, "map", "map", high_contrast=True)
    for code, words in {
        "main": [ticket.label, "综合窗口"],
        "east": [ticket.label, "东区"],
        "w3": [ticket.label, window.staff.name, "投诉"],
        "both": [ticket.label, "户籍", "二楼大厅"],
        "notices": ["愿意来"],
        "map": ["东区", 'data-number="3"', 'data-contrast="high"'],
    }.items():
        page = text_of(client, f"/screen/{code}/")
        assert all(word in page for word in words), code
        assert text_of(client, f"/screen/{code}/turns")
    assert client.get("/screen/nowhere/").status_code == 404
    screens.switch_screen(Screen.objects.get(code="map").pk, False, **BY)
    assert client.get("/screen/map/").status_code == client.get("/screen/map/turns").status_code == 404


def test_without_script_the_next_page_brings_the_next_turn(client, hall):
    set_up(hall, "notices", "notices", shows_figures=False, shows_openings=False)
    for n in (1, 2):
        post_notice(hall, f"公告 {n}", position=n)

    def shown(address):
        page = text_of(client, address)
        return re.search(r"<article[^>]*data-seconds=\"15\">.*?<h2>(.*?)</h2>", page, re.S)[1], page

    first, page = shown("/screen/notices/")
    assert (first, "url=?turn=1" in page) == ("公告 1", True)
    second, page = shown("/screen/notices/?turn=1")
    assert (second, "url=?turn=0" in page) == ("公告 2", True)
    assert shown("/screen/notices/?turn=x")[0] == "公告 1"


@pytest.mark.capability("S0-20")
def test_the_hall_board_shows_visits_handling_time_and_good_reviews_together(client, hall, monkeypatch):
    from yimen.ratings.models import RatingLevel
    from yimen.ratings.rules import Figures

    series = make_series(hall)
    window = make_window(series)
    for days in (1, 0, 0):
        take(series, NOW - timedelta(days=days))
        serve(window, NOW - timedelta(days=days), minutes=6)
    counts = dict.fromkeys(RatingLevel.values, 0) | {"very_good": 3, "bad": 1}
    monkeypatch.setattr("yimen.ratings.queries.figures", lambda *_args, **_more: Figures(counts, 4))
    page = text_of(client, "/screen/main/")
    (line,) = re.findall(r'<article class="turn figures".*?</article>', page, re.S)
    for words in ("今天 2 人来过", "前几天平均 1 人", "平均 6 分钟办好", "好评 75", "<svg"):
        assert words in line
    found = slides.figures(hall, NOW)
    assert [count for _day, count in found.visits] == [0, 0, 0, 0, 0, 1, 2]


@pytest.mark.capability("S1-5")
def test_one_change_of_an_item_is_on_guide_screen_and_bulletin_without_typing_it_again(client, hall):
    item = make_item(department=make_department(hall.region), name="食品经营许可")
    series = make_series(hall)
    series.items.add(item)
    set_up(hall, "notices", "notices", shows_figures=False)
    addresses = [f"/items/{item.task_code}", "/screen/notices/", "/bulletin"]

    def texts():
        return [re.sub(r"\s+", "", text_of(client, address)) for address in addresses]

    assert all("食品经营许可" in text for text in texts())
    assert not any("5个工作日" in text for text in texts())
    draft = catalog.save_draft(item, {"promised_limit": 5}, by=SYSTEM, at=NOW)
    catalog.publish(draft, by=SYSTEM, at=NOW)
    assert all("5个工作日" in text for text in texts())
    paper = client.get("/bulletin.pdf")
    assert (paper.status_code, paper["Content-Type"], paper.content[:5]) == (200, "application/pdf", b"%PDF-")
    assert "食品经营许可" not in text_of(client, "/bulletin?from=2026-01-01&until=2026-01-31")


@pytest.mark.capability("S1-18")
def test_the_window_map_shows_each_units_place(client, hall):
    zone = places.add_zone(hall, name="不动产区", **BY)
    units = [make_department(hall.region, name=f"青禾县单位{n}", short_name=f"单位{n}") for n in range(11)]
    for number, unit in enumerate(units, 1):
        window = make_window(make_series(hall, letter=f"{'ABCDEFGHIJK'[number - 1]}", zone=""), number=number)
        places.place_window(window.pk, zone=zone if number < 6 else None, department=unit, **BY)
    set_up(hall, "map", "map")
    page, board = text_of(client, "/halls/main"), text_of(client, "/screen/map/")
    assert "11 个窗口，11 个单位在这里办事" in page
    first, rest = page.split("其他窗口")
    assert all(unit.name in first for unit in units[:5]) and all(unit.name in rest for unit in units[5:])
    assert all(f'data-number="{n}"' in board and unit.short_name in board for n, unit in enumerate(units, 1))


def test_the_halls_page_has_its_notices_and_facilities(client, hall):
    post_notice(hall, "周六也开门")
    made = places.add_facility(hall, kind="copy", name="免费复印", place="导办台旁边", **BY)
    places.report_facility(made.pk, False, note="缺纸", **BY)
    page = text_of(client, "/halls/main")
    assert all(words in page for words in ("周六也开门", "免费复印", "导办台旁边", "在修", "缺纸"))
    assert client.get("/halls").url == "/halls/main"
    assert client.get("/halls/nowhere").status_code == 404
    assert "免费复印" in text_of(client, "/screen/main/turns")


@pytest.mark.parametrize("query", ["?from=x", "?from=2026-13-01", "?from=2020-01-01&until=2026-01-01", "?until=1"])
def test_a_period_nobody_can_read_gives_the_last_thirty_days(client, hall, query):
    assert f'value="{TODAY:%Y-%m-%d}"' in text_of(client, f"/bulletin{query}")


# -- staff ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.HALL_MANAGER, Role.CLERK, Role.EDITOR])
def test_the_pages_are_for_the_hall_manager(hall, role):
    client = Client()
    client.force_login(make_staff(role, region=hall.region, for_region=True).user, backend=BACKEND)
    window = make_window(make_series(hall))
    screen, notice = set_up(hall, "east", "hall"), post_notice(hall, "停电")
    post = make_post(make_department(hall.region))
    zone, thing = places.add_zone(hall, name="西区", **BY), places.add_facility(hall, kind="pc", name="电脑", **BY)
    for path in (
        "screens", f"{hall.pk}/screens/new", f"screens/{screen.pk}", "notices", "notices/new", f"notices/{notice.pk}",
        "places", f"{hall.pk}/zones/new", f"zones/{zone.pk}", f"windows/{window.pk}/place",
        f"{hall.pk}/facilities/new", f"facilities/{thing.pk}", "cards", f"cards/{post.pk}",
    ):  # fmt: skip
        status = client.get(f"/workbench/hall/{path}").status_code
        assert status == (200 if role == Role.HALL_MANAGER else 403), path


def test_a_manager_sets_up_a_screen_posts_a_notice_and_places_a_window_by_the_pages_alone(hall):
    client = manager_client(hall.region)
    window = make_window(make_series(hall, zone=""), staffed=False, number=4)
    unit = make_department(hall.region, name="青禾县税务局", short_name="税务局")
    page = Page.open(client, f"/workbench/hall/{hall.pk}/zones/new").press("加这个区", name="税务区")
    zone = hall.zones.get()
    page = Page.open(client, f"/workbench/hall/windows/{window.pk}/place").press(
        "就在这里", zone=str(zone.pk), department=str(unit.pk)
    )
    assert "青禾县税务局" in page.text
    page = Page.open(client, f"/workbench/hall/{hall.pk}/screens/new").press(
        "加这块屏", name="税务窗口屏", code="tax", layout="window", window=str(window.pk)
    )
    assert "/screen/tax/" in page.text
    assert "税务局" in text_of(client, "/screen/tax/")
    Page.open(client, "/workbench/hall/notices/new").press("发出去", title="征期到 15 日", text="别晚了", kind="policy")
    assert "征期到 15 日" in text_of(client, "/screen/tax/")
    Page.open(client, "/workbench/hall/notices").press("撤下")
    assert Notice.objects.get().ended_at == NOW
    assert "征期到 15 日" not in text_of(client, "/screen/tax/")
    refused = client.post(f"/workbench/hall/{hall.pk}/screens/new", {"name": "", "_key": "k"})
    assert refused.status_code == 422


def test_another_region_has_no_such_screens(hall):
    screen, notice = set_up(hall, "east", "hall"), post_notice(hall, "停电")
    client = manager_client(make_region("500001", "外地"))
    for path in (f"screens/{screen.pk}", f"notices/{notice.pk}", f"{hall.pk}/screens/new"):
        assert client.get(f"/workbench/hall/{path}").status_code == 404
    assert client.post(f"/workbench/hall/notices/{notice.pk}/end", {"_key": "k"}).status_code == 404


# -- streams ----------------------------------------------------------------------------------------------------------


def board_of(code):
    """What the database says the screen shows now."""
    screen = Screen.objects.filter(code=code).first() or Hall.objects.get(code=code)
    is_hall = isinstance(screen, Hall)
    spec = payload.Spec(code, Screen.Layout.HALL, (screen.pk,)) if is_hall else payload.spec_of(screen)
    halls = {one.pk: one for one in Hall.objects.select_related("center")}
    return payload.of_screen(spec, [payload.look(halls[pk], NOW) for pk in spec.halls])


class Board:
    """A screen as its page keeps it: a snapshot, then changes."""

    def __init__(self, watcher):
        self.watcher, self.told = watcher, None

    def hear(self, name, data):
        if name == "board":
            self.told = data
        elif name == "change":
            for key, value in data.items():
                if key in payload.ROWS:
                    names = {"waits": "letter", "windows": "number"}
                    new = {row[names[key]]: row for row in value}
                    self.told[key] = [new.get(row[names[key]], row) for row in self.told[key]]
                else:
                    self.told[key] = value

    def shown(self):
        told = {key: value for key, value in self.told.items() if key != "now"}
        return told | {"calls": told["calls"][: payload.CALLS_SHOWN]}

    async def settle(self, want):
        """Follow the events until the board is what the database says."""
        async with asyncio.timeout(15):
            while self.told is None or self.shown() != want:
                self.hear(*await self.watcher.events.get())


def scene_of_two_halls():
    hall = make_hall(code="main", name="一楼")
    other = make_hall(hall.region, center=hall.center, code="second", name="二楼")
    east = places.add_zone(hall, name="东区", **BY)
    a, b = make_series(hall, "A", zone="东区"), make_series(hall, "B", zone="")
    c = make_series(other, "A", zone="")
    windows = [make_window([a, b], zone=east), make_window([b]), make_window([c])]
    set_up(hall, "east", "zone", zone=east)
    set_up(hall, "w1", "window", window=windows[0])
    set_up(hall, "both", "halls", halls=[other])
    set_up(hall, "map", "map")
    return [a, b, c], windows


def whole(code):
    want = board_of(code)
    return want | {"calls": want["calls"][: payload.CALLS_SHOWN]}


CODES = ("main", "east", "w1", "both", "map")


def random_act(dice, series, windows):
    window = dice.choice(windows)
    window.refresh_from_db()
    by = {"by": SYSTEM, "at": NOW + timedelta(seconds=dice.random() * 600)}
    ticket = window.tickets.filter(status__in=["called", "serving"]).first()
    match dice.choice(["take", "take", "call", "finish", "recall", "pause", "resume"]):
        case "take":
            take(dice.choice(series))
        case "call" if window.staff and window.paused_at is None:
            actions.call_next(window.pk, by=window.staff, at=by["at"])
        case "finish" if ticket:
            actions.start(ticket.pk, **by), actions.finish(ticket.pk, **by)
        case "recall" if ticket and ticket.status == "called":
            actions.recall(ticket.pk, **by)
        case "pause" if not ticket:
            actions.pause(window.pk, reason="meal", **by)
        case "resume":
            actions.resume(window.pk, **by)


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", [1, 2])
def test_after_random_acts_and_lost_connections_every_board_equals_the_database(admin_connection, seed):
    series, windows = scene_of_two_halls()
    dice = random.Random(seed)

    async def scene():
        boards = {
            code: Board(Watcher(code, path=f"/events/{'hall' if code == 'main' else 'screen'}/{code}"))
            for code in CODES
        }
        for board in boards.values():
            board.hear("board", await board.watcher.hear("board"))
        await listening()
        assert len(live.hub().feeds) == 2 and len(live.hub().topics) == 5  # one look a hall for all of them
        for n in range(24):
            await in_thread(lambda: random_act(dice, series, windows))
            if n % 8 == 5:
                admin_connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'yimen-live'"
                )
            if n % 8 == 7:
                for code, board in boards.items():
                    await board.settle(await in_thread(lambda code=code: whole(code)))
        for code, board in boards.items():
            assert board.shown() == await in_thread(lambda code=code: whole(code))
            await board.watcher.close()

    run(scene)


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_a_screen_set_up_anew_is_told_at_once_and_shows_it_when_it_comes_back():
    _series, windows = scene_of_two_halls()

    async def scene():
        first = Watcher("w1", path="/events/screen/w1")
        board = await first.hear("board")
        await listening()

        def change():
            screen = Screen.objects.get(code="w1")
            screens.change_screen(screen.pk, name="2 号屏", layout="window", window=windows[1], **BY)

        await in_thread(change)
        assert (await first.hear("change"))["setup"] != board["setup"]
        async with asyncio.timeout(15):
            await first.task
        again = Watcher("w1", path="/events/screen/w1")
        name = windows[1].staff.name
        while (told := await again.hear("board", "change")).get("window", {}).get("card", {}).get("name") != name:
            pass
        assert told["window"]["card"]["number"] == windows[1].staff.number
        await again.close()

    run(scene)


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_signing_in_and_a_notice_reach_the_window_screen():
    scene_of_two_halls()
    window = Window.objects.get(number=2, hall__code="main")
    hall = window.hall
    screens.set_up_screen(hall, code="w2", name="2 号屏", layout="window", window=window, **BY)
    clerk = window.staff
    actions.sign_out(window.pk, by=clerk, at=NOW)

    async def scene():
        screen = Watcher("w2", path="/events/screen/w2")
        board = await screen.hear("board")
        assert (board["window"]["state"], board["window"]["card"]) == ("closed", None)
        await listening()
        await in_thread(lambda: actions.sign_in(window.pk, by=clerk, at=NOW))
        while "window" not in (told := await screen.hear("change")):
            pass
        assert (told["window"]["state"], told["window"]["card"]["name"]) == ("open", clerk.name)
        await in_thread(lambda: post_notice(hall, "新政策", kind="policy"))
        while "notices" not in (told := await screen.hear("change")):
            pass
        assert told["notices"] != board["notices"]
        await screen.close()

    run(scene)


def test_a_burst_of_calls_is_told_one_by_one_and_a_snapshot_stays_small():
    def told(n):
        keys = [{"key": f"k-{i}", "label": f"A{i:03d}", "window": i} for i in range(n, 0, -1)]
        return {"day": "2026-11-18", "calls": keys[: payload.CALLS_KEPT], "waits": []}

    assert len(payload.changes(told(3), told(23))["calls"]) == 20
    assert len(payload.changes(told(20), told(21))["calls"]) == payload.CALLS_SHOWN
    assert len(payload.snapshot(told(30), NOW)["calls"]) == payload.CALLS_SHOWN
    assert payload.changes(told(30), told(30)) == {}


@pytest.mark.django_db
def test_a_screen_speaks_softly_in_its_quiet_hours(hall):
    screen = set_up(hall, "soft", "hall", quiet_from=time(9), quiet_until=time(10), quiet_volume=20)
    assert page_of(screen, NOW)["told"]["volume"] == 20  # 9:05
    assert page_of(screen, NOW + timedelta(hours=2))["told"]["volume"] == 100


@pytest.mark.parametrize(
    "said, proposed, expected",
    [
        ({UUID(int=1): "70–110"}, None, "不动产人多，要等约 70–110 分钟"),
        ({}, None, "不动产人多，前面 34 人"),
        ({UUID(int=1): "70–110"}, 7, "不动产人多，34 人在等，建议加开 7 号窗口"),
    ],
    ids=["as long as its row says", "nobody can say", "a window is proposed"],
)
def test_the_warning_of_a_crowd_says_the_minutes_of_its_row_and_no_others(said, proposed, expected):
    row = Wait(UUID(int=1), "B", "不动产", "", "5–6", True, 34, 77, 240.0, 2, proposed=proposed)
    assert payload.surge_of([row], said) == expected
