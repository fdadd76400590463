"""退回重办: a done step is opened again, with a reason (before the decision)."""

from __future__ import annotations

from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yimen.cases import actions
from yimen.cases.models import CaseMove
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench import acts
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page
from yimen.web.workbench.panels.base import Opened, Panel

BACK = "case-send-back"


def panel(opened: Opened) -> Panel | None:
    """Earlier rounds with the reason, for whoever sees the case; the form for who may send back."""
    case = opened.case
    steps = [task for task in opened.tasks if not task.step_key.startswith(CaseMove.STEP)]
    latest = {task.step_key: task for task in sorted(steps, key=lambda task: task.round)}
    earlier = [task for task in steps if task.round < latest[task.step_key].round and task.outcome]
    is_away = any(task.done_at is None and task not in steps for task in opened.tasks)
    done = [task for task in latest.values() if task.done_at is not None and task.outcome]
    may = case.status == case.Status.ACCEPTED and bool(done) and not is_away and opened.may("cases.send_back")
    if not earlier and not may:
        return None
    return Panel(
        "back",
        _("退回重办一步"),
        facts="workbench/panels/rounds.html" if earlier else "",
        acts="workbench/panels/back.html" if may else "",
        context={"case": case, "earlier": earlier, "tasks": done, "typed": opened.typed(BACK)},
        is_open=opened.act == BACK,
    )


@staff_page("cases.send_back")
@require_POST
@keyed("cases.send_back", stay=acts.stay)
def send_back(request: StaffRequest, number: str) -> Done:
    case = acts.case_of(request, number)
    step = posted_text(request, "step")
    if not step:
        raise Stay(refused=_("请选择退回哪一步。"))
    task = actions.send_back(case.pk, step, reason=posted_text(request, "reason"), by=request.staff, at=timezone.now())
    return acts.done(request, case, _("%(step)s退回重办了，整件的期限不变。") % {"step": task.name})


urlpatterns = [path("cases/<number:number>/send-back", send_back, name=BACK)]
