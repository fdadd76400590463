"""常用意见: words for opinions and reasons, kept by somebody for himself or by a leader for his unit."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.cases.models import OpinionTemplate
from yimen.ledger import actions as ledger
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Department, Staff

# The act the words are for: what is chosen in the form beside them.
ACTS = {
    "passed": gettext_lazy("审查：符合要求"),
    "rejected": gettext_lazy("审查：不符合"),
    "granted": gettext_lazy("决定：准予"),
    "refused": gettext_lazy("决定：不予许可"),
    "declined": gettext_lazy("不予受理"),
}
LONGEST_TITLE, LONGEST, MOST_OWN = 40, 2000, 60


class BadOpinion(DomainError):
    """The template is incomplete, too long, one too many or named like another."""


@transaction.atomic
def save_opinion(
    act: str,
    title: str,
    text: str,
    *,
    by: Staff,
    at: datetime,
    pk: UUID | None = None,
    for_department: Department | None = None,
) -> OpinionTemplate:
    """
    Keep words under a title; pk: of the template that changes, which stays whose it is.

    for_department: for everybody of a unit, which needs cases.assign there. The ledger is told that, not what.
    Raises BadOpinion, access.NotAllowed, OpinionTemplate.DoesNotExist for what is not his to change.
    """
    access.require(by, "cases.view")
    title, text = title.strip(), text.strip()
    if act not in ACTS or not title or not text:
        raise BadOpinion(_("请选择用在哪一步，写上名称和内容。"))
    if len(title) > LONGEST_TITLE or len(text) > LONGEST:
        raise BadOpinion(_("名称最多 40 个字，内容最多 %(n)s 个字。") % {"n": LONGEST})
    if pk is not None:
        found = _own(pk, by)
    else:
        if for_department is not None:
            access.require(by, "cases.assign", department=for_department)
        owner = None if for_department else by
        department = for_department or by.department
        if OpinionTemplate.objects.filter(department=department, staff=owner).count() >= MOST_OWN:
            raise BadOpinion(_("常用意见最多存 %(n)s 条，请先删掉不用的。") % {"n": MOST_OWN})
        found = OpinionTemplate(region_id=by.region_id, department=department, staff=owner)
    found.act, found.title, found.text = act, title, text
    try:
        with transaction.atomic():
            found.save()
    except IntegrityError as error:
        raise BadOpinion(_("已经有一条同样名称的常用意见，请换一个名称。")) from error
    _record("case.opinion_kept", found, by, at)
    return found


@transaction.atomic
def remove_opinion(pk: UUID, *, by: Staff, at: datetime) -> None:
    """Delete a template; opinions written with it stay. Raises as save_opinion()."""
    found = _own(pk, by)
    _record("case.opinion_removed", found, by, at)
    found.delete()


def _own(pk: UUID, by: Staff) -> OpinionTemplate:
    found = (
        OpinionTemplate.objects.select_for_update(of=("self",))
        .select_related("department")
        .get(pk=pk, region_id=by.region_id)
    )
    if found.staff_id is None:
        access.require(by, "cases.assign", department=found.department)
    elif found.staff_id != by.pk:
        raise OpinionTemplate.DoesNotExist(pk)
    return found


def _record(kind: str, found: OpinionTemplate, by: Staff, at: datetime) -> None:
    data = {"template": str(found.pk), "act": found.act, "is_shared": found.staff_id is None}
    ledger.record(f"opinion:{found.pk}", kind, region=by.region_id, by=by, at=at, data=data)
