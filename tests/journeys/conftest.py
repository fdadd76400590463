"""A whole platform in its own process and folder, and a browser to walk through it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from yimen.testing import CHROMIUM

# No traffic of the browser's own: the tests stay on this machine.
SWITCHES = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
PICTURES = os.environ.get("YIMEN_PICTURES")
READY_SECONDS = 180


@pytest.fixture(scope="session")
def platform(migrate_home):
    """The address of a quiet demo centre (places, people, items; no past cases), served by `yimen demo`."""
    home = Path(tempfile.mkdtemp(prefix="yimen-journey-"))
    home.chmod(0o755)  # the database's account must be able to pass; pytest's own folders are closed to it
    migrate_home(home / "home")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("YIMEN_", "DATABASE_"))}
    kept = {key: os.environ[key] for key in ("YIMEN_PG_BIN",) if key in os.environ}
    log = home / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "yimen.cli", "demo", "--quiet", "--port", str(port)],
            env=clean | kept | {"YIMEN_HOME": str(home / "home"), "PORT": str(port)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + READY_SECONDS
        while "Ctrl-C" not in log.read_text():
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, log.read_text()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def chromium():
    """
    Debian's chromium; skips where it is missing, fails in CI.

    Not for the session: while Playwright runs there is an event loop in this thread, and Django's tests refuse one.
    """
    if CHROMIUM is None:
        message = "chromium is not installed (apt-get install chromium)"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def person(chromium, platform):
    """person(width, height): a new browser of somebody's own; faults in scripts or the policy fail the test."""
    contexts, faults = [], []

    def heard(message):
        # A refusal (409, 422) is an answer, not a fault.
        if message.type == "error" and "Failed to load resource" not in message.text:
            faults.append(message.text)

    def open_browser(width, height=900, **options):
        context = chromium.new_context(
            base_url=platform, viewport={"width": width, "height": height}, locale="zh-CN", **options
        )
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", heard)
        return page

    yield open_browser
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def look():
    """look(page, name): axe finds nothing, nothing scrolls sideways; YIMEN_PICTURES names a folder for pictures."""
    from axe_playwright_python.sync_playwright import Axe

    def check(page, name):
        page.wait_for_timeout(150)  # a form just sent has left by now
        page.wait_for_load_state("load")
        results = Axe().run(page)
        assert results.violations_count == 0, f"{name}: {results.generate_report()}"
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} scrolls sideways by {wide} px"
        if PICTURES:
            size = page.viewport_size["width"]
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=f"{PICTURES}/{name}-{size}.png", full_page=True)

    return check
