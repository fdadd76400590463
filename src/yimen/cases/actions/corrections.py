"""一次性补正告知: everything missing, told once, in writing, and nothing but what is on the list (LAW-4, LAW-22)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases.actions.common import expect, give, locked, record
from yimen.cases.actions.receiving import missing_materials, refuse_if_deemed
from yimen.cases.models import Case, CaseMaterial, Correction, CorrectionLine, Notice
from yimen.catalog import queries as catalog
from yimen.catalog.models import ItemMaterial
from yimen.ledger.actions import Actor
from yimen.lib.errors import DomainError, TracedError
from yimen.lib.text import listed
from yimen.people import access
from yimen.people.models import Staff

# Working days the applicant is asked to answer within; no law says how many, so the place may.
ANSWER_DAYS, ANSWER_DAYS_KEY = 10, "correction_answer_days"
LEAST_WHAT, MOST_WHAT = 2, 300


class UnlistedAsked(TracedError):
    """Somebody asked for what is not on the item's list: refused, and written down (LAW-22, S3-14, S4-29)."""


class ToldAlready(TracedError):
    """A second correction notice is a violation: refused, and written down (LAW-4)."""


class NotAllTold(DomainError):
    """Something that is missing was left out: everything is told at once, or asked for never (LAW-4)."""


def correct(case_id: UUID, lines: Mapping[UUID, str], *, by: Actor, at: datetime) -> Correction:
    """
    Tell the applicant once and in writing what is missing or wrong (补正告知书).

    lines: by ItemMaterial id, what is wrong with each and how to put it right; every required material that is not
    there must be among them, and what was marked complete is then missing. The five working days stop until all of it
    is there (note_materials), and begin anew that day.

    Raises UnlistedAsked, ToldAlready (both leave a ledger row although nothing else happens), NotAllTold naming what
    was left out, WrongStep after acceptance or when the five days are over (LAW-5), access.NotAllowed.
    """
    try:
        return _correct(case_id, lines, by=by, at=at)
    except TracedError as refusal:
        refusal.leave_trace()
        raise


@transaction.atomic
def _correct(case_id: UUID, lines: Mapping[UUID, str], *, by: Actor, at: datetime) -> Correction:
    case = locked(case_id)
    access.require(by, "cases.accept", department=case.department, region=case.region_id)
    expect(case, Case.Status.RECEIVED)
    rows = {row.material_id: row for row in case.materials.select_related("material")}
    refused = partial(_refused, case_id, by=by, at=at)
    if unlisted := set(lines) - {pk for pk, row in rows.items() if not _is_ours(row)}:
        raise UnlistedAsked(
            _("有 %(n)s 样不在这个事项的材料清单里，或者是我们自己能查到的，不能要；这次已经记下来了。")
            % {"n": len(unlisted)},
            partial(refused, "case.unlisted_material_asked", {"asked": sorted(str(pk) for pk in unlisted)}),
        )
    if Correction.objects.filter(case=case).exists():
        raise ToldAlready(
            _("这件已经一次告知过了，法律不允许再告知第二次；这次已经记下来了。请按第一次告知的内容看材料。"),
            partial(refused, "case.second_correction_asked", {"asked": sorted(str(pk) for pk in lines)}),
        )
    refuse_if_deemed(case, at)
    _expect_complete(rows, lines)
    answer_by = _answer_by(case, localdate(at))
    asked = [
        (rows[pk], what.strip()) for pk, what in sorted(lines.items(), key=lambda one: rows[one[0]].material.position)
    ]
    notice = give(case, Notice.Kind.CORRECTION, by=by, at=at, lines=asked, until=answer_by)
    correction = Correction.objects.create(
        region_id=case.region_id,
        case=case,
        notice=notice,
        told_by=by if isinstance(by, Staff) else None,
        told_at=at,
        answer_by=answer_by,
    )
    CorrectionLine.objects.bulk_create(
        CorrectionLine(region_id=case.region_id, correction=correction, material=row, what=what) for row, what in asked
    )
    for row, what in asked:
        row.state, row.note, row.form = CaseMaterial.State.MISSING, what[:200], ""
        row.reused_from, row.certificate_no = None, ""
    CaseMaterial.objects.bulk_update(
        [row for row, _what in asked], ["state", "note", "form", "reused_from", "certificate_no"]
    )
    data = {"materials": [str(row.material_id) for row, _what in asked], "notice": str(notice.pk)}
    record(case, "case.correction_told", by=by, at=at, data=data | {"answer_by": answer_by.isoformat()})
    return correction


def _is_ours(row: CaseMaterial) -> bool:
    """What we can look up ourselves must not be asked for (LAW-22)."""
    return row.material.source == ItemMaterial.Source.SHARED


def _expect_complete(rows: Mapping[UUID, CaseMaterial], lines: Mapping[UUID, str]) -> None:
    if not lines:
        raise NotAllTold(_("请至少写一样缺什么；材料都齐就直接受理。"))
    if left_out := [one.name for one in missing_materials(rows.values()) if one.pk not in lines]:
        raise NotAllTold(
            _("要一次说全：%(names)s也还没有，请一起写上。以后不能再补充告知。") % {"names": listed(left_out)}
        )
    if unclear := [rows[pk].material.name for pk, what in lines.items() if len(what.strip()) < LEAST_WHAT]:
        raise NotAllTold(_("请写明%(names)s缺什么、怎么补，让申请人一看就懂。") % {"names": listed(unclear)})
    if any(len(what.strip()) > MOST_WHAT for what in lines.values()):
        raise NotAllTold(_("每样最多写 %(n)s 个字，请写短一点。") % {"n": MOST_WHAT})


def _answer_by(case: Case, day: date) -> date:
    days = catalog.local_rule(case.region_id, ANSWER_DAYS_KEY, day, default=ANSWER_DAYS)
    return catalog.work_calendar().due(day, days).on


@transaction.atomic
def _refused(case_id: UUID, kind: str, data: dict[str, Any], *, by: Actor, at: datetime) -> None:
    record(locked(case_id), kind, by=by, at=at, data=data)
