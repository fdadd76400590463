"""What every page knows: whose door this is, and how its reader likes to read."""

import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from yimen.people.queries import main_center

ELDER_COOKIE = "yimen_elder"
THEME_COOKIE = "yimen_theme"
THEMES = ("auto", "light", "dark")
_HTML_LANG = {"zh-hans": "zh-Hans", "zh-hant": "zh-Hant", "en": "en"}
_CENTER_SECONDS = 30


@dataclass(frozen=True)
class Center:
    """The centre as pages show it."""

    name: str
    region: str = ""
    motto: str = ""
    address: str = ""
    hours: str = ""
    phone: str = ""


class _Last:
    """The centre last read, and when (monotonic seconds)."""

    center: Center | None = None
    read_at: float = 0


def center() -> Center:
    """The main centre, read again every half minute; pages without a database show the last one read."""
    if _Last.center and not settings.TESTING and time.monotonic() - _Last.read_at < _CENTER_SECONDS:
        return _Last.center
    row = main_center()
    if row:
        _Last.center = Center(row.name, row.region_id, row.motto, row.address, row.hours, row.phone)
        _Last.read_at = time.monotonic()
        return _Last.center
    return _nameless()


def _nameless() -> Center:
    return Center(name=_("政务服务中心"), motto=_("一扇门，办所有事"))


def _look(request: HttpRequest) -> dict[str, Any]:
    language = get_language() or settings.LANGUAGE_CODE
    theme = request.COOKIES.get(THEME_COOKIE, "auto")
    return {
        "lang": _HTML_LANG.get(language, language),
        "language": language,
        "languages": settings.LANGUAGES,
        "is_elder": request.COOKIES.get(ELDER_COOKIE) == "1",
        "theme": theme if theme in THEMES else "auto",
        "is_demo": settings.DEMO,
        "here": request.get_full_path() if request.method == "GET" else request.path,
    }


def without_database(request: HttpRequest) -> dict[str, Any]:
    return {**_look(request), "center": _Last.center or _nameless(), "is_bare": True}


def site(request: HttpRequest) -> dict[str, Any]:
    return {"site": {**_look(request), "center": SimpleLazyObject(center), "is_bare": False}}
