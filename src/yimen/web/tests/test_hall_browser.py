"""The kiosk, the slip, the phone and the hall screen in a real browser."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import uvicorn
from django.db import connection
from django.utils import timezone

from yimen.hall import actions
from yimen.hall.tests.factories import make_hall, make_series, make_window, take
from yimen.people.tests.factories import make_center, make_region
from yimen.testing import needs_chromium
from yimen.web.tests.looking import no_sideways, shot, violations

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    needs_chromium,
]


class Stage:
    """A web server in a thread, and a thread of its own for the database (the browser's loop owns this one)."""

    def __init__(self, port: int = 0) -> None:
        from yimen.web.asgi import application

        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", port))
        self.port = self.socket.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(application, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]}, daemon=True)
        self.thread.start()
        self.backstage = ThreadPoolExecutor(1)
        while not self.server.started:
            time.sleep(0.05)

    def do(self, act, *args, **kwargs):
        return self.backstage.submit(act, *args, **kwargs).result()

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)
        self.backstage.submit(lambda: connection.close()).result()
        self.backstage.shutdown()


@pytest.fixture
def stage(settings):
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    settings.DEMO = True
    one = Stage()
    settings.BASE_URL = one.address
    yield one
    one.close()


@pytest.fixture
def browser(chromium_of_the_session):
    """Chromium, started once for the process: every test has contexts of its own."""
    with chromium_of_the_session.at_work() as one:
        yield one


@pytest.fixture
def hall():
    center = make_center(make_region(), name="青禾县政务服务中心")
    hall = make_hall(center=center, code="main")
    names = ["综合窗口", "不动产", "社保医保", "公安户籍"]
    hall.lines = [make_series(hall, "ABCD"[n], name=name, position=n, zone="一楼东区") for n, name in enumerate(names)]
    for line, windows in zip(hall.lines, [[1, 2, 3, 5], [11, 12], [9, 10, 14], [15]], strict=True):
        line.windows_made = [make_window([line], number=number) for number in windows]
    return hall


def call(window, at=None):
    return actions.call_next(window.pk, by=window.staff, at=at or timezone.now())


def busy_morning(hall):
    now = timezone.now()
    for n in range(31):
        take(hall.lines[2], now)
        if n < 12:
            take(hall.lines[0], now)
        if n < 6:
            take(hall.lines[1], now), take(hall.lines[3], now)
    for line in hall.lines:
        ticket = call(line.windows_made[0])
        actions.finish(ticket.pk, by=line.windows_made[0].staff, at=now + timedelta(minutes=4))
        call(line.windows_made[0])


def test_a_call_comes_to_the_screen_by_itself(stage, hall, browser):
    window = hall.lines[0].windows_made[2]
    errors = []
    page = browser.new_page(locale="zh-CN", viewport={"width": 1920, "height": 1080})
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    stage.do(busy_morning, hall)
    page.goto(f"{stage.address}/screen/main/")
    page.wait_for_timeout(800)
    shot(page, "screen-1920")
    start = time.monotonic()
    ticket = stage.do(call, window)
    page.wait_for_function(
        "label => document.querySelector('[data-calling] .no').textContent === label", arg=ticket.label
    )
    assert page.inner_text("[data-calling] .to b") == "3"
    second = stage.do(call, hall.lines[1].windows_made[1])
    page.wait_for_function(
        "label => document.querySelector('[data-recent]').textContent.includes(label)", arg=second.label
    )
    standing = page.inner_text("[data-calling] .no")
    assert standing == ticket.label or time.monotonic() - start > 7  # stands for eight seconds
    page.wait_for_function(
        "label => document.querySelector('[data-calling] .no').textContent === label", arg=second.label
    )
    assert time.monotonic() - start > 7
    shot(page, "screen-1920-called")
    assert errors == []
    for width, height in [(1280, 720), (390, 844)]:
        page.set_viewport_size({"width": width, "height": height})
        shot(page, f"screen-{width}")
        assert no_sideways(page)


def test_a_screen_says_when_it_has_lost_us_and_comes_back(settings, hall, browser):
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    stage = Stage()
    page = browser.new_page(locale="zh-CN", viewport={"width": 1920, "height": 1080})
    page.goto(f"{stage.address}/screen/main/")
    page.wait_for_timeout(500)
    assert page.is_hidden("[data-lost]")
    stage.close()
    page.wait_for_selector("[data-lost]:not([hidden])")
    assert "连不上，正在重试" in page.inner_text("[data-lost]")
    shot(page, "screen-lost")


def test_a_citizen_takes_a_ticket_at_the_kiosk_and_follows_it(stage, hall, browser):
    stage.do(busy_morning, hall)
    page = browser.new_page(locale="zh-CN", viewport={"width": 1080, "height": 1920})
    page.goto(f"{stage.address}/kiosk/main/")
    shot(page, "kiosk-start-1080")
    for width, height in [(390, 844), (1280, 800)]:
        page.set_viewport_size({"width": width, "height": height})
        shot(page, f"kiosk-start-{width}")
        assert no_sideways(page), width
    page.set_viewport_size({"width": 1080, "height": 1920})
    page.click("text=取号")
    shot(page, "kiosk-choose-1080")
    page.click("text=不动产")
    page.wait_for_url("**/take/*/")
    page.click("summary")
    page.fill("#phone", "0042")
    shot(page, "kiosk-take-1080")
    page.dblclick("button.main")
    page.wait_for_selector("h1.no")
    assert page.inner_text("h1.no") == "B007"  # six before; the double tap is one ticket
    shot(page, "kiosk-slip-1080")
    slip = page.url
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 302, "height": 600})
    shot(page, "kiosk-slip-print")
    page.emulate_media(media="screen")
    for path, name in [(slip, "kiosk-slip"), (f"{stage.address}/kiosk/main/take/", "kiosk-choose")]:
        for width, height in [(390, 844), (1280, 800)]:
            page.set_viewport_size({"width": width, "height": height})
            page.goto(path)
            shot(page, f"{name}-{width}")
            assert no_sideways(page), (name, width)

    ticket_id = slip.rstrip("/").rsplit("/", 1)[1]
    phone = browser.new_page(locale="zh-CN", viewport={"width": 390, "height": 844})
    phone.goto(f"{stage.address}/t/{ticket_id}/")
    phone.wait_for_timeout(500)
    shot(phone, "ticket-waiting-390")
    assert no_sideways(phone)

    def reach():
        window = hall.lines[1].windows_made[1]
        while (ticket := call(window)).label != "B007":
            actions.finish(ticket.pk, by=window.staff, at=timezone.now())

    stage.do(reach)
    phone.wait_for_selector(".is-called")
    assert "12" in phone.inner_text(".is-called")
    shot(phone, "ticket-called-390")
    phone.set_viewport_size({"width": 1280, "height": 800})
    shot(phone, "ticket-called-1280")


def test_pages_have_no_accessibility_violations(stage, hall, browser):
    stage.do(busy_morning, hall)
    ticket = stage.do(take, hall.lines[0], timezone.now())
    for path in [
        "/kiosk/main/",
        "/kiosk/main/take/?q=社保",
        f"/kiosk/main/take/{hall.lines[0].pk}/",
        f"/kiosk/main/tickets/{ticket.pk}/",
        f"/t/{ticket.pk}/",
        "/screen/main/",
    ]:
        page = browser.new_page(locale="zh-CN", viewport={"width": 1280, "height": 800}, bypass_csp=True)
        page.goto(stage.address + path)
        found = violations(page)
        assert not found, (path, found)
        page.close()
