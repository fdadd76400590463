from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

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
