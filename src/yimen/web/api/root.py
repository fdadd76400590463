"""
The API: one act, one call. The documentation page is off; the schema is at openapi.json.

A refusal is {"error": for people, "code": for programs}: 409 what the rules refuse, 403 whose roles do not cover it,
404 not there or not yours, 401 no valid key or session, 422 what cannot be read, 429 too often.
"""

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from yimen.lib.errors import DomainError
from yimen.web.api import appointments, around, cases, catalogue, clients, hall, refusals
from yimen.web.errors import api_error

api = NinjaAPI(title="Yimen", version="1", urls_namespace="api", docs_url=None, openapi_url="/openapi.json")


@api.exception_handler(DomainError)
def _refused(request: HttpRequest, error: DomainError) -> HttpResponse:
    return refusals.answer(type(error).__name__, str(error))


@api.exception_handler(ObjectDoesNotExist)
@api.exception_handler(Http404)
def _missing(request: HttpRequest, error: Exception) -> HttpResponse:
    return api_error(404, "not_found", _("没有找到。"))


@api.exception_handler(ValidationError)
def _unreadable(request: HttpRequest, error: ValidationError) -> HttpResponse:
    # Where it is wrong, never what was sent; "wanted" is what our functions call the body.
    skip = {"body", "wanted"}
    places = sorted({".".join(str(part) for part in one["loc"] if part not in skip) for one in error.errors})
    return api_error(422, "invalid", _("这几处看不懂：%(places)s。") % {"places": "、".join(places)})


@api.exception_handler(AuthenticationError)
def _stranger(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return api_error(401, "login_needed", _("请先登录。"))


@api.exception_handler(HttpError)
def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    if error.status_code == 403:
        return api_error(403, "csrf", _("这次提交没有经过本站页面。"))
    return api_error(error.status_code, "bad_request", _("请求看不懂。"))


@api.exception_handler(clients.TooManyCalls)
def _too_many(request: HttpRequest, error: clients.TooManyCalls) -> HttpResponse:
    response = api_error(429, "too_many", _("请求太多了，请过一会儿用同一个编号再试。"))
    response["Retry-After"] = "30"
    return response


api.add_router("", hall.router)
api.add_router("", appointments.router)
api.add_router("", catalogue.router)
api.add_router("", cases.router)
api.add_router("", around.router)
api.add_router("", clients.router)
