import json
from collections.abc import Callable, Iterable
from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.utils.functional import SimpleLazyObject

from yimen.people import sessions
from yimen.web import errors, headers

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class SecurityHeaders:
    """Strict headers on everything that leaves (SEC-36)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        headers.protect(request, response)
        return response


class DatabaseAway:
    """
    A database that cannot answer is a 503 with Retry-After, never a 500 (assurance lesson 8).

    Views end in process_exception; what breaks inside another middleware ends in errors.server_error,
    which gives the same answer.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            response = self.get_response(request)
        except Exception as error:
            if not errors.is_database_away(error):
                raise
            response = errors.database_away(request, error)
        headers.protect(request, response)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return errors.database_away(request, exception) if errors.is_database_away(exception) else None


class WhoIsAsking(AuthenticationMiddleware):
    """Django's, with the login read together with its session (people.sessions)."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _user_of(request))  # type: ignore[assignment]


def _user_of(request: Any) -> Any:
    if not hasattr(request, "_cached_user"):
        request._cached_user = sessions.user_of(request)
    return request._cached_user


class WrongMethod:
    """A page for whoever opens an address that only takes forms, where Django answers 405 with nothing to read."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        if request.method not in {"GET", "HEAD"} and not errors.is_api(request):
            return response
        page = errors.wrong_method(request)
        page["Allow"] = response["Allow"]
        return page


NUL = "\x00"


class NoNul:
    """
    Answer 400 to what holds the one character no database takes: in the path, the query, a cookie, a form's fields and
    file names, or the texts of JSON. What is in an uploaded file is its own matter.

    Stands after the language and before all that asks the database.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return errors.bad_request(request) if _has_nul(request) else self.get_response(request)


def _has_nul(request: HttpRequest) -> bool:
    if NUL in request.path or any(NUL in text for pair in request.COOKIES.items() for text in pair):
        return True
    if _in_pairs(request.GET.lists()):
        return True
    if request.method in {"GET", "HEAD"}:
        return False
    if errors.is_api(request) or request.content_type == "application/json":
        # Left unparsed unless it may hold one; a form here is for the API to refuse.
        return b"\x00" in request.body or (b"\\u0000" in request.body and _in_json(request.body))
    files = (str(file.name) for _field, listed in request.FILES.lists() for file in listed)
    return _in_pairs(request.POST.lists()) or _in_pairs(request.FILES.lists()) or any(NUL in name for name in files)


def _in_pairs(pairs: Iterable[tuple[str, list[Any]]]) -> bool:
    return any(NUL in name or any(NUL in value for value in values if isinstance(value, str)) for name, values in pairs)


def _in_json(body: bytes) -> bool:
    try:
        return _in_value(json.loads(body))
    except (ValueError, RecursionError):
        return False  # the API says itself that it cannot be read


def _in_value(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_in_value(each) for pair in value.items() for each in pair)
    if isinstance(value, list):
        return any(map(_in_value, value))
    return isinstance(value, str) and NUL in value
