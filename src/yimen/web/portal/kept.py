"""
What was typed when the session ended in the middle: kept sealed in the new one, shown again after the login (REL-19).

Only of our own pages (their Origin), only drafts and messages about a case, never longer than the session.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from django.http import HttpRequest

from yimen.lib import crypto

MOST = 60_000  # characters
_KEY, _CONTEXT = "kept", "session.kept"
# Where things are typed; what is in brackets is the page that shows them again.
_PLACES = re.compile(r"(/my/drafts/[0-9a-f-]{36}/(?:questions|forms|materials))|(/cases/[\w-]{1,60})/messages")
_FIELDS, _WHOLE = ("f-", "a-", "say-"), ("a", "text")


def keep(request: HttpRequest) -> str:
    """Keep what this POST of one of our pages brought; return the page that shows it again, "" when it is not kept."""
    place = _PLACES.fullmatch(request.path)
    if request.method != "POST" or not place or not is_ours(request):
        return ""
    fields = {name: values for name, values in request.POST.lists() if name in _WHOLE or name.startswith(_FIELDS)}
    text = json.dumps(fields, ensure_ascii=False)
    if not fields or len(text) > MOST:
        return ""
    page = str(place[1] or place[2])
    request.session[_KEY] = [page, crypto.seal(text, _CONTEXT).hex()]
    return page


def found(request: HttpRequest) -> Mapping[str, list[str]]:
    """Return what was kept for this address; {} when there is none."""
    path, sealed = request.session.get(_KEY, ("", ""))
    if path != request.path:
        return {}
    kept: Mapping[str, list[str]] = json.loads(crypto.open_sealed(bytes.fromhex(sealed), _CONTEXT))
    return kept


def forget(request: HttpRequest) -> None:
    if _KEY in request.session:
        del request.session[_KEY]


def is_ours(request: HttpRequest) -> bool:
    """Tell whether the browser says that a page of this site sent the request."""
    said = request.headers.get("Origin", "") or request.headers.get("Referer", "")
    origin = urlsplit(said)
    return bool(said) and (origin.scheme, origin.netloc) == (request.scheme, request.get_host())
