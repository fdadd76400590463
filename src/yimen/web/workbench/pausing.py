"""暂离: whoever sits at a window leaves for a while, the B post takes over; and the same ended (S2-20)."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yimen.hall import actions, queries
from yimen.web.once import Done, keyed
from yimen.web.workbench import window
from yimen.web.workbench.guard import StaffRequest, posted_id, posted_text, staff_page


def _at_window(request: StaffRequest, **context: object) -> HttpResponse:
    return window.at_window(request, **context)


@staff_page("hall.call")
@require_POST
@keyed("hall.pause", stay=_at_window)
def pause(request: StaffRequest) -> Done:
    found = queries.window_of(request.staff)
    if found is None:
        raise Http404
    kept = actions.pause(found.pk, reason=posted_text(request, "reason"), by=request.staff, at=timezone.now())
    if kept.stand_in is None:
        message = _("%(number)s 号窗口暂离了。还没有 B 角能顶，等候的人由同队的别的窗口叫。")
    else:
        message = _("%(number)s 号窗口暂离了，等候的人由%(name)s接着叫。")
    values = {"number": found.number, "name": kept.stand_in.name if kept.stand_in else ""}
    return Done(reverse("workbench:window"), message % values)


@staff_page("hall.call")
@require_POST
@keyed("hall.resume", stay=_at_window)
def resume(request: StaffRequest) -> Done:
    pk = posted_id(request, "window")
    if not queries.pauses_for(request.staff).filter(window=pk).exists():
        raise Http404
    found = actions.resume(pk, by=request.staff, at=timezone.now())
    return Done(reverse("workbench:window"), _("%(number)s 号窗口接着办。") % {"number": found.number})


urlpatterns = [
    path("window/pause", pause, name="window-pause"),
    path("window/resume", resume, name="window-resume"),
]
