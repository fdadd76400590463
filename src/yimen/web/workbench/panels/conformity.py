"""写我所做、做我所写: where a case went otherwise than its flow says (S3-37)."""

from __future__ import annotations

from django.utils.translation import gettext as _

from yimen.cases import queries
from yimen.web.workbench.around import told
from yimen.web.workbench.panels.base import Opened, Panel


def panel(opened: Opened) -> Panel | None:
    if not opened.tasks:
        return None
    (compared,) = queries.conformity_of([opened.case], today=opened.today, events=opened.events)
    if not compared.found:
        return None
    rows = told(compared)
    return Panel(
        "conformity", _("和流程对一对"), facts="workbench/panels/conformity.html", context={"rows": rows}, aside=True
    )
