"""How the reader likes to read: cookies of this browser, nothing about a person."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from yimen.web import context

YEAR = 365 * 24 * 3600


def _back(request: HttpRequest) -> HttpResponseRedirect:
    address = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()}):
        address = "/"
    return HttpResponseRedirect(address)


def _keep(request: HttpRequest, response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=YEAR, samesite="Lax", httponly=True, secure=request.is_secure())


@require_POST
def elder(request: HttpRequest) -> HttpResponse:
    """长辈版: the same pages and addresses, larger (A11Y-5)."""
    response = _back(request)
    if request.POST.get("on") == "1":
        _keep(request, response, context.ELDER_COOKIE, "1")
    else:
        response.delete_cookie(context.ELDER_COOKIE, samesite="Lax")
    return response


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    value = request.POST.get("theme", "")
    response = _back(request)
    if value in context.THEMES:
        _keep(request, response, context.THEME_COOKIE, value)
    return response


def not_offered(request: HttpRequest) -> HttpResponse:
    """Account pages this platform does not have: staff accounts are made by the security administrator."""
    raise Http404
