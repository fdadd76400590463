"""Citizens of the demo with accounts of their own: one application sent, one half filled in. All of it invented."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.timezone import localdate

from yimen.cases.actions import applying, messages
from yimen.cases.models import ApplicationDraft
from yimen.cases.queries import applying as drafts
from yimen.catalog.models import ItemVersion, ServiceItem
from yimen.demo import centre
from yimen.people import citizens
from yimen.people.models import Applicant, ServiceCenter

# Username, name, day of birth, telephone; the password is everybody's of the demo.
PEOPLE = (
    ("xiaoman", "林小满（演示）", date(1990, 4, 12), "13900007001"),
    ("laozhou", "周有福（演示）", date(1951, 9, 3), "13900007002"),
)
# The items that can be applied for on line; the others only at the window.
ONLINE = frozenset(
    {"00102", "00201", "00202", "00302", "00401", "00402", "00501", "00601", "01101", "01201", "01301", "01401"}
)
SENT, BEGUN = "00401", "00202"


def ways(code: str) -> dict[str, Any]:
    """Return how an item can be applied for, as its draft takes it."""
    if code not in ONLINE:
        return {"channels": ["窗口办理"]}
    return {"channels": ["窗口办理", "网上办理"], "online_depth": "互联网办理"}


@transaction.atomic
def build(at: datetime) -> None:
    """Two accounts; the first has sent an application with a question to the handler, and left another half filled."""
    from yimen.demo.life import invented_id

    center = ServiceCenter.objects.get(region=centre.REGION[0], letters=centre.CENTER["letters"])
    mine = [
        citizens.sign_up(
            region=centre.REGION[0],
            kind=Applicant.Kind.PERSON,
            name=name,
            id_number=invented_id(born),
            phone=phone,
            username=username,
            password=centre.PASSWORD,
            at=at,
            is_demo=True,
        ).applicant
        for username, name, born, phone in PEOPLE
    ]
    me, found = mine[0], {code: _version(code) for code in (SENT, BEGUN)}
    draft = _ready(applying.begin(found[SENT], me, at=at), at)
    case = applying.submit(draft.pk, edition=draft.edition, center=center, by=me, at=at + timedelta(minutes=4))
    messages.write(case.pk, "请问证明办好了能直接下载吗？", by=me, at=at + timedelta(minutes=6))
    draft = applying.begin(found[BEGUN], me, at=at + timedelta(minutes=20))
    fields = [one.name for one in drafts.form_fields(draft)][:1]
    typed = dict.fromkeys(fields, "青禾县一碗面馆（演示）")
    applying.save(draft.pk, edition=draft.edition, typed=typed, by=me, at=at + timedelta(minutes=22), step="forms")


def _version(code: str) -> ItemVersion:
    items = ServiceItem.objects.select_related("published__item__department").filter(region=centre.REGION[0])
    item = next(one for one in items if one.task_code.endswith(f"{code}000") and one.published)
    assert item.published is not None
    return item.published


def _ready(draft: ApplicationDraft, at: datetime) -> ApplicationDraft:
    """The first answers that lead on; what is missing is brought to the window, so that no file is needed."""
    filling = drafts.filling(draft, on=localdate(at))
    while (question := filling.walk.next) is not None:
        open_ways = [name for name, one in zip(question.names(), question.options, strict=True) if not one.dead_end]
        chosen = [*filling.walk.chosen, open_ways[0]]
        draft = applying.save(draft.pk, edition=draft.edition, chosen=chosen, by=draft.applicant, at=at)
        filling = drafts.filling(draft, on=localdate(at))
    handing = {str(line.material.pk): drafts.PAPER for line in filling.missing}
    return applying.save(draft.pk, edition=draft.edition, handing=handing, by=draft.applicant, at=at)
