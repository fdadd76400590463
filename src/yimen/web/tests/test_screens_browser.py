"""Screens in a real browser: one voice at a time, nothing said twice or lost, loss and return, every size, axe."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone

from yimen.hall import actions
from yimen.hall.actions import notices, places, screens
from yimen.hall.models import Screen
from yimen.hall.tests.factories import make_hall, make_series, make_window, take
from yimen.ledger.actions import SYSTEM
from yimen.people.tests.factories import make_center, make_region
from yimen.testing import needs_chromium
from yimen.web.display.views import page_of
from yimen.web.tests.looking import no_sideways, shot, violations
from yimen.web.tests.test_hall_browser import Stage, browser, stage

__all__ = ["browser", "stage"]
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), needs_chromium]

# A voice that takes 400 ms a sentence and notes when each begins and ends; no waiting for the screen's eight seconds.
FAKE = """
window.said = [];
window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
const voice = {
  speaking: 0,
  getVoices: () => window.voices || [{ lang: "zh-CN" }, { lang: "yue-HK" }],
  cancel() {},
  speak(one) {
    voice.speaking += 1;
    window.said.push({ text: one.text, lang: one.lang, volume: one.volume, together: voice.speaking });
    setTimeout(() => { voice.speaking -= 1; one.onend(); }, 400);
  },
};
Object.defineProperty(window, "speechSynthesis", { value: voice });
window.chimes = 0;
window.AudioContext = class {
  constructor() { this.state = "running"; this.currentTime = 0; this.destination = {}; }
  createOscillator() {
    window.chimes += 0.5;
    return { frequency: {}, connect: (next) => next, start() {}, stop() {} };
  }
  createGain() { return { gain: { setValueAtTime() {}, exponentialRampToValueAtTime() {} }, connect: (next) => next }; }
};
"""
NO_VOICE = "window.voices = [{ lang: 'en-US' }];" + FAKE


@pytest.fixture
def hall():
    hall = make_hall(center=make_center(make_region(), name="青禾县政务服务中心"), code="main", name="一楼大厅")
    series = make_series(hall)
    hall.made = [make_window([series]) for _n in range(4)]
    for _n in range(12):
        take(series, timezone.now())
    return hall


def call(window):
    return actions.call_next(window.pk, by=window.staff, at=timezone.now())


def apart(act, *args):
    """Do something in a thread with a connection of its own, as the browser's loop owns this one."""

    def run():
        try:
            return act(*args)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as one:
        return one.submit(run).result()


def speaking(hall, code="loud", **fields):
    by = {"by": SYSTEM, "at": timezone.now()}
    return screens.set_up_screen(hall, code=code, name=code, layout=fields.pop("layout", "hall"), **by, **fields)


def watch(browser, address, script=FAKE, size=(1920, 1080)):
    page = browser.new_page(locale="zh-CN", viewport={"width": size[0], "height": size[1]})
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.add_init_script(script)
    page.goto(address)
    page.wait_for_timeout(600)
    return page


def said(page):
    return page.evaluate("window.said")


def wait_for(page, count, timeout=90000):
    page.wait_for_function("count => window.said.length >= count", arg=count, timeout=timeout)


def test_calls_are_said_one_after_the_other_in_both_languages_and_none_is_lost(stage, hall, browser):
    stage.do(
        speaking, hall, repeats=2, second_language="yue-HK", second_speech="請{label}，去{window}號窗口", volume=60
    )
    page = watch(browser, f"{stage.address}/screen/loud/")
    called = [stage.do(call, window) for window in hall.made[:3]]
    wait_for(page, 12, 60000)
    page.wait_for_timeout(600)
    texts = [one["text"] for one in said(page)]
    first = ["请A零零一，到1号窗口", "請A零零一，去1號窗口"]
    assert texts[:4] == first * 2
    assert [text for text in texts if text.startswith("请")] == [
        f"请A零零{'一二三'[n]}，到{n + 1}号窗口" for n in range(3) for _twice in range(2)
    ]
    assert [ticket.label for ticket in called] == ["A001", "A002", "A003"]
    assert {one["together"] for one in said(page)} == {1}  # never two at once
    assert {(one["lang"], one["volume"]) for one in said(page)} == {("zh-CN", 0.6), ("yue-HK", 0.6)}
    page.reload()
    page.wait_for_timeout(2500)
    assert said(page) == [] and page.errors == []  # nothing is said again


def test_many_calls_at_once_are_said_once_each_and_a_window_that_goes_on_only_with_its_latest(stage, hall, browser):
    stage.do(speaking, hall, repeats=2)
    page = watch(browser, f"{stage.address}/screen/loud/")

    def burst():
        for window in hall.made:
            call(window)
        last = hall.made[3]
        actions.pass_over(last.tickets.get(status="called").pk, by=last.staff, at=timezone.now())
        return call(last).label

    latest = stage.do(burst)
    page.wait_for_function("label => window.said.some((one) => one.text.includes(label))", arg="零零五", timeout=90000)
    assert latest == "A005"
    texts = " ".join(one["text"] for one in said(page))
    assert all(number in texts for number in ("零零一", "零零二", "零零三"))
    assert "零零四" not in texts or texts.index("零零四") < texts.index("零零五")
    assert {one["together"] for one in said(page)} == {1}


def test_without_a_voice_for_the_language_the_chime_calls(stage, hall, browser):
    stage.do(speaking, hall, repeats=2)
    stage.do(speaking, hall, code="dumb", speaks=False)
    loud = watch(browser, f"{stage.address}/screen/loud/", NO_VOICE)
    dumb = watch(browser, f"{stage.address}/screen/dumb/", NO_VOICE)
    ticket = stage.do(call, hall.made[0])
    for page in (loud, dumb):
        page.wait_for_function(
            "label => document.querySelector('[data-calling] .no').textContent === label", arg=ticket.label
        )
    loud.wait_for_function("() => window.chimes >= 2")
    dumb.wait_for_timeout(300)
    assert said(loud) == [] == said(dumb)
    assert dumb.evaluate("window.chimes") == 0  # one voice a hall


def test_what_was_missed_while_the_server_was_away_is_said_once_and_the_board_is_right(settings, hall, browser):
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    one = Stage()
    screen = one.do(speaking, hall, repeats=1)
    page = watch(browser, f"{one.address}/screen/loud/")
    first = one.do(call, hall.made[0])
    wait_for(page, 1)
    one.close()
    page.wait_for_selector("[data-lost]:not([hidden])")
    missed = apart(call, hall.made[1])
    again = Stage(one.port)
    try:
        page.wait_for_selector("[data-lost]", state="hidden", timeout=90000)
        wait_for(page, 2)
        page.wait_for_timeout(1500)
        assert ["零零一" in one["text"] for one in said(page)] == [True, False]
        assert (first.label, missed.label) == ("A001", "A002")

        def truth():
            told = page_of(Screen.objects.get(pk=screen.pk), timezone.now())["told"]
            return [call["label"] for call in told["calls"]], str(told["waits"][0]["people"])

        labels, people = again.do(truth)
        below = page.locator("[data-recent] > li:not([hidden]) b").all_inner_texts()
        assert [page.inner_text("[data-calling] .no"), *(text.strip() for text in below)] == labels
        assert page.inner_text("[data-people]") == people
        assert page.errors == []
    finally:
        again.close()


def test_a_window_screen_follows_whoever_sits_there(stage, hall, browser):
    window = hall.made[0]
    stage.do(speaking, hall, code="w1", layout="window", window=window, speaks=False)
    page = watch(browser, f"{stage.address}/screen/w1/")
    assert page.inner_text("[data-field=name]") == window.staff.name
    ticket = stage.do(call, window)
    page.wait_for_function("label => document.querySelector('[data-over] .no').textContent === label", arg=ticket.label)
    shot(page, "window-called")
    stage.do(actions.pause, window.pk, reason="meal", by=window.staff, at=timezone.now())
    page.wait_for_selector("[data-over][data-state=paused]:not([data-called])")
    assert "暂停办理" in page.inner_text("[data-over]") and "用餐" in page.inner_text("[data-over]")
    shot(page, "window-paused")
    stage.do(actions.resume, window.pk, by=window.staff, at=timezone.now())
    page.wait_for_selector("[data-over][data-state=open]")


def test_every_layout_fits_every_panel_and_has_no_accessibility_violations(stage, hall, browser):
    def furnish():
        by = {"by": SYSTEM, "at": timezone.now()}
        zone, day = places.add_zone(hall, name="东区", **by), timezone.localdate()
        places.add_facility(hall, kind="water", name="饮用水", place="东门右手边", **by)
        notices.post_notice(hall.region, title="周六开门", text="九点到十一点半。", from_day=day, until_day=day, **by)
        for window in hall.made[:2]:
            places.place_window(window.pk, zone=zone, department=None, **by)
            call(window)
        speaking(hall, code="zone", layout="zone", zone=zone)
        speaking(hall, code="w1", layout="window", window=hall.made[0])
        speaking(hall, code="notices", layout="notices")
        speaking(hall, code="map", layout="map", high_contrast=True)

    stage.do(furnish)
    for path in (
        "screen/main/",
        "screen/zone/",
        "screen/w1/",
        "screen/notices/",
        "screen/map/",
        "halls/main",
        "bulletin",
    ):
        page = browser.new_page(locale="zh-CN", viewport={"width": 1920, "height": 1080}, bypass_csp=True)
        page.goto(f"{stage.address}/{path}")
        page.wait_for_timeout(300)
        found = violations(page)
        assert not found, (path, found)
        for size in [(1920, 1080), (1080, 1920), (1280, 800), (768, 1024), (390, 844)]:
            page.set_viewport_size({"width": size[0], "height": size[1]})
            assert no_sideways(page), (path, size)
            shot(page, f"{path.strip('/').replace('/', '-')}-{size[0]}")
        page.close()


def test_a_call_is_on_a_zone_board_soon_after_the_act(stage, hall, browser):
    zone = stage.do(places.add_zone, hall, name="东区", by=SYSTEM, at=timezone.now())
    stage.do(places.place_window, hall.made[0].pk, zone=zone, department=None, by=SYSTEM, at=timezone.now())
    stage.do(speaking, hall, code="zone", layout="zone", zone=zone, speaks=False)
    page = watch(browser, f"{stage.address}/screen/zone/")
    elsewhere, here = stage.do(call, hall.made[1]), stage.do(call, hall.made[0])
    page.wait_for_function("label => document.querySelector('.no').textContent === label", arg=here.label)
    assert elsewhere.label not in page.inner_text("main")
