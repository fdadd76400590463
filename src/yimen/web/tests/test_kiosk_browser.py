"""The kiosk on its glass, and a number taken by phone, in a real browser."""

import pytest
from django.utils import timezone

from yimen.hall.actions import kiosks as setting_up
from yimen.hall.actions.notices import post_notice
from yimen.hall.models import Kiosk, Ticket
from yimen.hall.tests.factories import take
from yimen.ledger.actions import SYSTEM
from yimen.testing import needs_chromium
from yimen.web.tests.looking import content, no_sideways, shot, violations
from yimen.web.tests.test_hall_browser import browser, hall, stage

__all__ = ["browser", "hall", "stage"]
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), needs_chromium]
GLASS = {"width": 1080, "height": 1920}
WAYS = [
    "",
    "take/",
    "progress/",
    "verify/",
    "opinion/",
    "check-in/",
    "items/",
    "hall/",
    "help/",
    "offline/",
]


@pytest.fixture
def kiosk(hall):
    setting_up.set_joining(hall.pk, latitude=30.0, longitude=120.0, radius=500, by=SYSTEM, at=timezone.now())
    hall.refresh_from_db()
    return setting_up.add_kiosk(hall, code="k1", name="东门自助机", idle_seconds=30, by=SYSTEM, at=timezone.now())


@pytest.fixture
def noticed(hall, kiosk):
    """A kiosk that says three notices."""
    now = timezone.now()
    day = timezone.localdate(now)
    for title in ("周六上午也开门", "个体户登记不收费", "高龄津贴满 80 岁就能领"):
        words = {"title": title, "text": "家里人带身份证来办，也可以请我们上门。"}
        post_notice(hall.region, **words, from_day=day, until_day=day, by=SYSTEM, at=now)


def without_answers(page) -> None:
    """The page that says the network is gone leaves as soon as it hears something: let it hear nothing."""
    page.route("**/alive/", lambda route: route.abort())


def watched(browser, **more):
    page = browser.new_context(locale="zh-CN", viewport=GLASS, **more).new_page()
    page.wrong = []
    page.on("console", lambda one: page.wrong.append(one.text) if one.type == "error" else None)
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    return page


# What stands in the middle of the glass: key text, and everything one can tap.
MEASURE = """() => {
  const seen = one => one.offsetParent !== null && !one.closest('.skip');
  const size = one => parseFloat(getComputedStyle(one).fontSize);
  const all = '.kiosk :is(a[href], button, summary, .kpick label, input.field)';
  const taps = [...document.querySelectorAll(all)].filter(seen)
    .map(one => one.getBoundingClientRect()).filter(box => box.width > 0);
  const keys = [...document.querySelectorAll('#main :is(h1, h2, .k b, .btn, .lead, label, legend)')].filter(seen);
  return {
    tap: Math.min(...taps.map(box => Math.min(box.width, box.height))),
    key: Math.min(...keys.map(size)),
    least: Math.min(...[...document.querySelectorAll('.kiosk *')].filter(one => seen(one) && one.childElementCount === 0
      && one.textContent.trim()).map(size)),
    line: Math.min(...[...document.querySelectorAll('#main p')].filter(seen)
      .map(one => parseFloat(getComputedStyle(one).lineHeight) / size(one))),
  };
}"""


def test_on_the_glass_everything_is_large_enough_for_the_old(stage, kiosk, browser):
    page = watched(browser)
    for way in WAYS:
        if way == "offline/":
            assert page.wrong == []
            without_answers(page)
        page.goto(f"{stage.address}/kiosk/k1/{way}")
        size = page.evaluate(MEASURE)
        assert size["tap"] >= 60 and size["key"] >= 30 and size["least"] >= 18, (way, size)
        assert size["line"] is None or size["line"] >= 1.2, (way, size)
        assert no_sideways(page), way
        shot(page, f"kiosk-{way.strip('/') or 'begin'}-1080")


@pytest.mark.parametrize("lying", [False, True], ids=["upright", "on its side"])
def test_the_start_stands_whole_on_the_glass_and_the_way_back_is_always_in_reach(stage, noticed, browser, lying):
    glass = {"width": GLASS["height"], "height": GLASS["width"]} if lying else GLASS
    for language in ("zh-CN", "zh-TW", "en-US"):
        page = browser.new_context(locale=language, viewport=glass).new_page()
        page.goto(f"{stage.address}/kiosk/k1/")
        page.wait_for_selector(".kfoot")
        shot(page, f"kiosk-start-{language}-{glass['width']}")
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight"), language
        page.goto(f"{stage.address}/kiosk/k1/opinion/")
        back = page.wait_for_selector("[data-start]")
        assert page.evaluate("document.documentElement.scrollHeight > innerHeight")
        assert back.bounding_box()["y"] + back.bounding_box()["height"] <= glass["height"]
        page.context.close()


def test_one_visit_leaves_nothing_behind(stage, hall, kiosk, browser):
    page = watched(browser)
    start = f"{stage.address}/kiosk/k1/"
    page.goto(start)
    page.click("text=English")
    page.wait_for_selector("html[lang=en]")
    page.click("a.k.main")
    page.wait_for_url("**/take/")
    page.click(".ks.rows a >> nth=1")
    page.wait_for_url(f"**/take/{hall.lines[1].pk}/")
    page.click("summary")
    page.click("#phone")
    for digit in "0042":
        page.click(f".kpad.digits button:text-is('{digit}')")
    assert page.input_value("#phone") == "0042"
    page.click("button.main")
    page.wait_for_selector("h1.no")
    label = page.inner_text("h1.no")
    ticket = stage.do(Ticket.objects.get)
    assert (ticket.label, ticket.phone_last_four) == (label, "0042")
    page.click("a[data-start]")
    page.wait_for_selector("html[lang=zh-Hans]")
    assert page.url == start
    assert [cookie["name"] for cookie in page.context.cookies()] in ([], ["csrftoken"])
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    for _n in range(3):
        page.go_back()
        page.wait_for_timeout(300)
        left = content(page)
        assert label not in left and "0042" not in left
    assert stage.do(lambda: Kiosk.objects.get().last_seen_at) is not None
    assert page.wrong == []


def test_it_goes_back_to_the_start_by_itself_and_a_touch_keeps_it(stage, kiosk, browser):
    page = watched(browser)
    page.clock.install()
    page.goto(f"{stage.address}/kiosk/k1/progress/")
    page.fill("#id_number", "QH-261118-00417")
    page.clock.run_for(20_000)
    assert page.is_visible("[data-idle]") and 1 <= int(page.inner_text("[data-left]")) <= 11
    shot(page, "kiosk-idle-1080")
    page.click("[data-idle] button")
    page.clock.run_for(14_000)
    assert page.url.endswith("/progress/") and page.is_hidden("[data-idle]")
    page.clock.run_for(17_000)
    page.wait_for_url(f"{stage.address}/kiosk/k1/")
    page.go_back()
    page.wait_for_timeout(300)
    assert "QH-261118-00417" not in content(page)


def test_without_the_network_it_says_so_and_takes_nothing(stage, hall, kiosk, browser):
    page = watched(browser)
    start = f"{stage.address}/kiosk/k1/"
    page.goto(start)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function(
        """async () => { for (const name of await caches.keys())
             if (await (await caches.open(name)).match(location.pathname + 'offline/')) return true; return false; }"""
    )
    page.goto(f"{start}hall/")
    page.goto(start)  # the worker has it now
    page.wait_for_timeout(1500)  # no question on its way that would still be answered
    page.context.set_offline(True)
    page.evaluate("dispatchEvent(new Event('offline'))")
    assert "现在不能取号" in page.inner_text("[data-offline]")
    shot(page, "kiosk-away-1080")
    page.goto(f"{start}hall/")
    assert "大厅里在哪儿" in page.inner_text("h1")
    page.goto(f"{start}take/{hall.lines[0].pk}/")
    assert page.inner_text("h1") == "网络断了"
    shot(page, "kiosk-offline-1080")
    page.context.set_offline(False)
    page.wait_for_url(start)
    page.wait_for_timeout(2000)  # both ways of hearing of it may lead here
    kept = page.evaluate(
        """async () => { const found = []; for (const name of await caches.keys())
             for (const one of await (await caches.open(name)).keys()) found.push(new URL(one.url).pathname);
             return found; }"""
    )
    assert not [path for path in kept if "tickets" in path or "progress" in path or f"{hall.lines[0].pk}" in path]


@pytest.mark.parametrize("script", [True, False])
def test_a_number_by_phone_followed_put_off_and_given_back(stage, hall, kiosk, browser, script):
    others = [stage.do(take, hall.lines[0], timezone.now()) for _n in range(2)]
    phone = browser.new_context(
        locale="zh-CN", viewport={"width": 390, "height": 844}, java_script_enabled=script,
        geolocation={"latitude": 30.001, "longitude": 120.0}, permissions=["geolocation"],
    ).new_page()  # fmt: skip
    phone.goto(f"{stage.address}/queues/main/join")
    phone.check(f"input[value='{hall.lines[0].pk}']")
    shot(phone, f"join-390-{script}")
    assert no_sideways(phone)
    if script:
        phone.click("[data-place] button")
    else:
        phone.fill("#code", hall.join_code.lower())
        phone.click("button.main")
    phone.wait_for_url("**/t/**")
    label = phone.inner_text("h1.no")
    assert "2" in phone.inner_text(".slip .lead") and label not in {other.label for other in others}
    stage.do(take, hall.lines[0], timezone.now())
    phone.click("text=还要几分钟")
    phone.wait_for_selector(".slip >> text=往后排过一次")
    shot(phone, f"ticket-put-off-390-{script}")
    phone.click("summary:has-text('不办了')")
    phone.click("text=取消这个号")
    phone.wait_for_selector(".slip >> text=已取消")
    assert stage.do(lambda: Ticket.objects.get(label=label).status) == "left"


def test_pages_have_no_accessibility_violations(stage, hall, kiosk, browser):
    ticket = stage.do(take, hall.lines[0], timezone.now())
    paths = [f"/kiosk/k1/{way}" for way in WAYS]
    for path in [*paths, "/queues/main/join", f"/t/{ticket.pk}/"]:
        page = browser.new_page(locale="zh-CN", viewport=GLASS, bypass_csp=True)
        if path.endswith("/offline/"):
            without_answers(page)
        page.goto(stage.address + path)
        found = violations(page)
        assert not found, (path, found)
        page.close()
