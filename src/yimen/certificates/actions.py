"""
What is done with certificates: issue, replace, and the changes of LAW-28, each from a day on and on a ground.

The past is not rewritten: a change begins on the day it is made or later.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.catalog.models import ServiceItem
from yimen.certificates import rules
from yimen.certificates.models import Certificate, CertificateChange
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib import ids
from yimen.lib.acts import add, part
from yimen.lib.dates import long_day
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Applicant, Staff

State = Certificate.State
LEAST_GROUND = 6
# Clerks note a loss and a finding; everything else takes rights away and is the leader's.
_AT_THE_WINDOW = frozenset({State.LOST, State.VALID})


class WrongState(DomainError):
    """The certificate is not in a state from which this can be done."""


class NoGround(DomainError):
    """A change of a certificate says on what ground (LAW-28)."""


class WrongDay(DomainError):
    """The days of a certificate do not fit together, or lie in a past that has been told already."""


@part
def issue(
    item: ServiceItem,
    holder: Applicant,
    *,
    name: str,
    series: str,
    valid_from: date,
    valid_until: date | None,
    case_no: str = "",
    data: dict[str, Any] | None = None,
    replaces: Certificate | None = None,
    by: Actor,
    at: datetime,
) -> Certificate:
    """
    Make a certificate: gap-free number of `series` ("QH") and year, a check code, what is printed, frozen.

    valid_until: the last day, None for ever. replaces: the edition it takes the place of, from its first day on. Raises
    WrongDay, WrongState when `replaces` cannot be replaced, access.NotAllowed.
    """
    access.require(by, "certificates.issue", department=item.department, region=item.region_id)
    if valid_until is not None and valid_until < valid_from:
        raise WrongDay(_("有效期止不能早于有效期起，请改一下日期。"))
    year = localdate(at).year
    made = Certificate(
        region_id=item.region_id,
        number=f"{series}证〔{year}〕{_next(item.region_id, series, year):05d}号",
        name=name,
        item=item,
        department=item.department,
        holder=holder,
        case_no=case_no,
        valid_from=valid_from,
        valid_until=valid_until,
        verify_code=ids.short_code(12),
        issued_at=at,
        data={"organ": item.department.name, "holder": holder.name, "item": item.name} | (data or {}),
        is_demo=holder.is_demo,
    )
    add([made])
    facts = {
        "number": made.number,
        "item": item.task_code,
        "case_no": case_no,
        "valid_from": valid_from.isoformat(),
        "valid_until": valid_until.isoformat() if valid_until else "",
    }
    if replaces is not None:
        facts["replaces"] = replaces.number
        _replace(replaces.pk, made, by=by, at=at)
    ledger.note(made.stream, "certificate.issued", region=made.region_id, by=by, at=at, data=facts)
    return made


@transaction.atomic
def change_state(
    certificate_id: UUID, state: str, *, ground: str, by: Actor, at: datetime, from_on: date | None = None
) -> Certificate:
    """
    Withdraw, revoke, take away, cancel, report lost, or note as found again (`state` "valid"), from a day on.

    from_on: today when left out, never earlier. Raises NoGround, WrongDay, WrongState, access.NotAllowed.
    """
    if state not in State.values or state in {State.REPLACED, State.EXPIRED}:
        raise DomainError(_("请选择要做什么：撤回、撤销、吊销、注销、挂失，或者解除挂失。"))
    certificate = _locked(certificate_id)
    right = "certificates.report_lost" if state in _AT_THE_WINDOW else "certificates.change"
    access.require(by, right, department=certificate.department, region=certificate.region_id)
    return _change(certificate, State(state), ground=ground, from_on=from_on or localdate(at), by=by, at=at)


@transaction.atomic
def reissue(certificate_id: UUID, *, ground: str, by: Actor, at: datetime) -> Certificate:
    """Make a lost or spoiled certificate anew (补发) with what it said and the days it has left; the old one ends."""
    old = _locked(certificate_id)
    access.require(by, "certificates.issue", department=old.department, region=old.region_id)
    today = localdate(at)
    _checked(ground)
    if _state(old, today) not in {State.VALID, State.LOST}:
        raise WrongState(_("这张证现在是“%(state)s”，不能补发。") % {"state": old.get_state_display()})
    series = old.number.split("证", 1)[0]
    return issue(
        old.item,
        old.holder,
        name=old.name,
        series=series,
        valid_from=today,
        valid_until=old.valid_until,
        data=old.data,
        replaces=old,
        by=by,
        at=at,
    )


@transaction.atomic
def note_state(certificate_id: UUID, *, by: Actor, at: datetime) -> bool:
    """
    Bring `state` up to the day: expired, or a change whose first day has come. False when it was right already.

    What the certificate was on any day does not depend on it (rules.state_on).
    """
    certificate = _locked(certificate_id)
    access.require(by, "certificates.change", department=certificate.department, region=certificate.region_id)
    state = _state(certificate, localdate(at)) or State.VALID
    if state == certificate.state:
        return False
    certificate.state = state
    certificate.save(update_fields=["state"])
    data = {"number": certificate.number, "state": state.value}
    ledger.record(certificate.stream, "certificate.state_noted", region=certificate.region_id, by=by, at=at, data=data)
    return True


def _locked(pk: UUID) -> Certificate:
    found = Certificate.objects.select_for_update(of=("self",)).select_related("item", "department", "holder")
    certificate = found.filter(pk=pk).first()
    if certificate is None:
        raise WrongState(_("没有这张证照，请刷新页面再看。"))
    return certificate


def _state(certificate: Certificate, day: date) -> Certificate.State | None:
    changes = certificate.changes.values_list("state", "from_on")
    return rules.state_on(certificate.valid_from, certificate.valid_until, changes, day)


def _replace(pk: UUID, new: Certificate, *, by: Actor, at: datetime) -> None:
    old = _locked(pk)
    if old.replaced_by_id is not None:
        raise WrongState(_("这张证已经换发过了，请在新证上办理。"))
    from_on = max(new.valid_from, localdate(at))
    ground = f"由 {new.number} 换发，自 {long_day(from_on)}起以新证为准。"
    old.replaced_by = new
    old.save(update_fields=["replaced_by"])
    _change(old, State.REPLACED, ground=ground, from_on=from_on, by=by, at=at)


def _change(
    certificate: Certificate, state: Certificate.State, *, ground: str, from_on: date, by: Actor, at: datetime
) -> Certificate:
    ground, today = _checked(ground), localdate(at)
    if from_on < today:
        raise WrongDay(_("只能从今天或者以后的日子起变更，过去的状态不能改。"))
    before = _state(certificate, from_on)
    if before is None and state != State.CANCELLED:
        before = State.VALID
    if before is None or not rules.may_follow(before, state):
        raise WrongState(
            _("这张证是“%(before)s”，不能变成“%(after)s”。")
            % {"before": State(before or certificate.state).label, "after": state.label}
        )
    if certificate.changes.filter(from_on__gt=from_on).exclude(state=State.REPLACED).exists():
        raise WrongDay(_("这张证往后已经有别的变更，请先看它的经过。"))
    CertificateChange.objects.create(
        region_id=certificate.region_id,
        certificate=certificate,
        state=state,
        from_on=from_on,
        ground=ground,
        by=by if isinstance(by, Staff) else None,
        at=at,
    )
    now = _state(certificate, today) or State.VALID
    if now != certificate.state:
        certificate.state = now
        certificate.save(update_fields=["state"])
    # The ground is typed by hand and may name somebody: it stays out of what cannot forget.
    data = {"number": certificate.number, "state": state.value, "from": from_on.isoformat()}
    ledger.record(certificate.stream, "certificate.changed", region=certificate.region_id, by=by, at=at, data=data)
    return certificate


def _checked(ground: str) -> str:
    if len(ground.strip()) < LEAST_GROUND:
        raise NoGround(_("请写明依据和理由，至少 %(n)s 个字。") % {"n": LEAST_GROUND})
    return ground.strip()


def _next(region: str, series: str, year: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO certificates_certificatecounter (region_id, series, year, value) VALUES (%s, %s, %s, 1)"
            " ON CONFLICT (region_id, series, year)"
            " DO UPDATE SET value = certificates_certificatecounter.value + 1 RETURNING value",
            [region, series, year],
        )
        return int(cursor.fetchone()[0])
