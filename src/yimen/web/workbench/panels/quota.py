"""名额: the place of a case among limited ones, and who goes before it (LAW-20)."""

from __future__ import annotations

from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases import queries
from yimen.cases.models import Case
from yimen.cases.rules import results as rules
from yimen.web.workbench.panels.base import Opened, Panel


def panel(opened: Opened) -> Panel | None:
    case = opened.case
    if case.quota_place is None or case.accepted_at is None:
        return None
    quota = queries.quota_of(case.item_id, localdate(case.accepted_at)).first()
    if quota is None:
        return None
    waiting = queries.placed(quota).filter(status=Case.Status.ACCEPTED)
    granted = queries.granted_count(quota)
    context = {
        "case": case,
        "quota": quota,
        "granted": granted,
        "left": max(quota.number - granted, 0),
        "before": rules.before(queries.places(waiting), case.pk) if case.status == Case.Status.ACCEPTED else [],
    }
    return Panel("quota", _("名额"), facts="workbench/panels/quota.html", context=context, aside=True)
