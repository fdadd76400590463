from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from yimen.hall import queries
from yimen.hall.models import Hall
from yimen.web.display import payload
from yimen.web.headers import PERMISSIONS_POLICY

# The chime of a screen nobody touches.
_WITH_SOUND = PERMISSIONS_POLICY.replace("autoplay=()", "autoplay=(self)")
BELOW = 4


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The screens there are; with one hall, its screen."""
    halls = queries.halls()
    if len(halls) == 1:
        return redirect("display:screen", halls[0].code)
    return render(request, "display/index.html", {"halls": halls})


@never_cache
@require_safe
def screen(request: HttpRequest, code: str) -> HttpResponse:
    """The hall's calling screen; live with script, every ten seconds without."""
    now = timezone.now()
    try:
        hall = queries.get_hall(code)
    except Hall.DoesNotExist:
        raise Http404 from None
    # A screen has no reader of its own: it speaks the centre's language whatever its browser asks for.
    with translation.override(settings.LANGUAGE_CODE):
        board = queries.board(hall, now)
        below = board.calls[1 : BELOW + 1]
        context = {
            "hall": hall,
            "board": board,
            "now": now,
            "current": board.calls[0] if board.calls else None,
            "below": [*below, *[None] * (BELOW - len(below))],
            "surge": payload.surge(board),
        }
        response = render(request, "display/screen.html", context)
    response["Permissions-Policy"] = _WITH_SOUND
    return response
