"""Answers when something is wrong: friendly, without a trace, and without needing the database."""

import logging
import sys
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from yimen.web import context
from yimen.web.portal import kept

logger = logging.getLogger("yimen.web")

RETRY_SECONDS = 3
# After a failover the old connections may reach a server that only reads.
_READ_ONLY = "25006"
# Never sent back to the browser, not even to the person who typed them.
_SECRET_WORDS = ("password", "secret", "code")


def is_database_away(error: BaseException | None) -> bool:
    """True when the database is gone, restarting, full, or too busy: all pass, so asking again is right."""
    if isinstance(error, OperationalError | InterfaceError | psycopg.OperationalError | psycopg.InterfaceError):
        return True
    return isinstance(error, InternalError) and getattr(error.__cause__, "sqlstate", None) == _READ_ONLY


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def api_error(status: int, code: str, message: str) -> JsonResponse:
    """The one shape of a refusal in the API: error is for people, code for programs."""
    return JsonResponse({"error": message, "code": code}, status=status)


def _page(request: HttpRequest, status: int, template: str, **values: object) -> HttpResponse:
    # No request for the template: context processors would ask for the session, the user and the centre.
    html = render_to_string(template, {"site": context.without_database(request), **values})
    return HttpResponse(html, status=status)


def database_away(request: HttpRequest, error: BaseException | None = None) -> HttpResponse:
    """503: try again in a moment, with the same key and nothing lost."""
    logger.warning("Database away: %s on %s", type(error).__name__, request.method)
    if is_api(request):
        response: HttpResponse = api_error(503, "database_away", _("系统正忙，请稍后用同一个编号再试。"))
    else:
        response = _page(request, 503, "errors/503.html", **_what_to_send_again(request))
    response["Retry-After"] = str(RETRY_SECONDS)
    response["Cache-Control"] = "no-store"
    response._has_been_logged = True  # type: ignore[attr-defined]  # one line above says enough
    return response


def _what_to_send_again(request: HttpRequest) -> dict[str, object]:
    address = request.get_full_path()
    if request.method in {"GET", "HEAD"}:
        return {"again": address, "seconds": RETRY_SECONDS}
    fields = [(name, value) for name, values in request.POST.lists() for value in values]
    if request.FILES or any(word in name for name, _value in fields for word in _SECRET_WORDS):
        return {"again": None, "fields": None}
    return {"again": address, "fields": fields}


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if is_api(request):
        return api_error(400, "bad_request", _("请求看不懂。"))
    return _page(request, 400, "errors/400.html")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if is_api(request):
        return api_error(403, "not_allowed", _("这里不归您的岗位。"))
    return _page(request, 403, "errors/403.html")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if is_api(request):
        return api_error(404, "not_found", _("没有找到。"))
    return _page(request, 404, "errors/404.html")


def wrong_method(request: HttpRequest) -> HttpResponse:
    """405: an address that only takes a form was opened as a page, from the address bar or a bookmark."""
    if is_api(request):
        return api_error(405, "wrong_method", _("这个地址不这样用，请看接口说明。"))
    return _page(request, 405, "errors/405.html", again=way_back(request))


def way_back(request: HttpRequest) -> str:
    """Return the page of ours the reader came from, else the nearest one above this address."""
    came_from = request.META.get("HTTP_REFERER", "")
    if (
        url_has_allowed_host_and_scheme(came_from, allowed_hosts={request.get_host()})
        and urlsplit(came_from).path != request.path
    ):
        return came_from
    above = request.path
    while above := above.rstrip("/").rpartition("/")[0]:
        for address in (above, f"{above}/"):
            try:
                resolve(address)
            except Resolver404:
                continue
            return address
    return "/"


def server_error(request: HttpRequest) -> HttpResponse:
    error = sys.exc_info()[1]
    if is_database_away(error):
        return database_away(request, error)
    if is_api(request):
        return api_error(500, "our_fault", _("系统出错了，已经记下。请稍后再试。"))
    return _page(request, 500, "errors/500.html")


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was opened too long ago, in another browser, or came from elsewhere."""
    if settings.DEBUG:
        logger.warning("CSRF: %s", reason)
    if is_api(request):
        return api_error(403, "csrf", _("这次提交没有经过本站页面。"))
    if page := kept.keep(request):  # logged in again elsewhere meanwhile: the page comes back with what was typed
        return HttpResponseRedirect(page, status=303)
    return _page(request, 403, "errors/csrf.html", again=request.path)
