"""One chromium for all tests of a process; each test has contexts of its own."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from yimen.testing import CHROMIUM

PATIENCE = 90_000  # milliseconds


class Chromium:
    """
    Debian's chromium, started when it is first asked for and again when it has died.

    Playwright's loop belongs to this thread, and where a loop runs Django refuses its database. So between the tests
    that use the browser the loop is laid aside, as Playwright itself does around its calls.
    """

    def __init__(self) -> None:
        self.playwright: Any = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.browser: Any = None

    @contextlib.contextmanager
    def at_work(self) -> Iterator[Any]:
        """The browser, without any page; the pages made of it are closed at the end."""
        from playwright.sync_api import expect

        expect.set_options(timeout=PATIENCE)
        asyncio._set_running_loop(self.loop)
        try:
            if self.browser is None or not self.browser.is_connected():
                self._start()
            yield self.browser
            for context in self.browser.contexts:
                context.close()
        finally:
            asyncio._set_running_loop(None)

    def _start(self) -> None:
        from playwright.sync_api import sync_playwright

        if self.playwright is None:
            self.playwright = sync_playwright().start()
            self.loop = asyncio.get_running_loop()
        browser = self.playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=PATIENCE)
        browser.new_context, browser.new_page = patient(browser.new_context), patient(browser.new_page)
        self.browser = browser

    def stop(self) -> None:
        if self.playwright:
            asyncio._set_running_loop(self.loop)
            try:
                self.playwright.stop()
            finally:
                asyncio._set_running_loop(None)


def patient(make: Callable[..., Any]) -> Callable[..., Any]:
    """A busy machine is slow; that says nothing of the page."""

    def made(*args: Any, **kwargs: Any) -> Any:
        found = make(*args, **kwargs)
        found.set_default_timeout(PATIENCE)
        return found

    return made
