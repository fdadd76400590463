"""Looking at a page in a browser: its picture, its width, what axe says; also while it is still on its way."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

SHOTS = os.environ.get("YIMEN_SHOTS", "")


def shot(page, name: str) -> None:
    """The page's picture in the folder YIMEN_SHOTS names; without it nothing."""
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def no_sideways(page) -> bool:
    """Whether nothing has to be moved sideways to be read."""
    return _of_one_page(page, lambda: page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"))


def violations(page) -> list[tuple[str, list[str]]]:
    """What axe finds, as (rule, the elements' HTML)."""
    from axe_playwright_python.sync_playwright import Axe

    found = _of_one_page(page, lambda: Axe().run(page).response["violations"])
    return [(rule["id"], [node["html"][:120] for node in rule["nodes"]]) for rule in found]


def content(page) -> str:
    """The page's HTML, also of one that goes on by itself."""
    return str(_of_one_page(page, page.content))


def _of_one_page(page, look: Callable[[], Any]) -> Any:
    """A click does not wait for the page it leads to, and that page may come in the midst of a look."""
    from playwright.sync_api import Error

    for is_last in (False, False, True):
        page.wait_for_timeout(50)
        page.wait_for_function("document.readyState === 'complete' && document.body !== null")
        try:
            return look()
        except Error as error:
            words = ("navigation", "navigating", "destroyed", "of null")
            if is_last or not any(word in error.message for word in words):
                raise
    raise AssertionError("unreachable")
