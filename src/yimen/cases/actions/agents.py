"""代理、帮办代办: somebody acts for the applicant, with consent, for nothing (LAW-24, HALL-9)."""

from __future__ import annotations

import re
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases.actions.common import WrongStep, locked, record
from yimen.cases.models import AgentService, Case
from yimen.cases.queries.people import AGENT_ACTS
from yimen.lib.crypto import seal
from yimen.lib.errors import DomainError
from yimen.people import access, identity
from yimen.people.models import Staff


class BadAgent(DomainError):
    """Somebody cannot act for the applicant like this; the message says what is missing."""


@transaction.atomic
def start_agent(
    case_id: UUID,
    kind: str,
    *,
    consent: str,
    by: Staff,
    at: datetime,
    consented_at: datetime | None = None,
    staff: Staff | None = None,
    name: str = "",
    id_number: str = "",
    phone: str = "",
    scope: str = "",
    valid_until: date | None = None,
) -> AgentService:
    """
    Write down who acts for the applicant from now on: a helper of the centre (staff), or an attorney with name, what
    the power of attorney covers (scope) and until when.

    consent: how the applicant agreed. consented_at: before now when the paper is older. Never costs anything. Raises
    BadAgent, also while somebody else acts; identity.InvalidIdentity for numbers that cannot exist; WrongStep for a
    case that is over; access.NotAllowed.
    """
    case = locked(case_id)
    access.require(by, "cases.agent", department=case.department, region=case.region_id)
    _expect_running(case)
    consented_at = consented_at or at
    if consented_at > at:
        raise BadAgent(_("申请人同意的时间不能晚于现在。"))
    if len(consent.strip()) < 2:
        raise BadAgent(_("请写申请人是怎么同意的，例如“授权委托书原件一份”。没有同意，不能代办。"))
    if valid_until is not None and valid_until < localdate(at):
        raise BadAgent(_("这份委托已经过期了，请申请人另出一份。"))
    if kind == AgentService.Kind.HELPER:
        if staff is None or staff.region_id != case.region_id or not staff.user.is_active:
            raise BadAgent(_("请写帮办代办员的工号，要是本中心在岗的人。"))
        name = id_number = phone = ""
    elif kind == AgentService.Kind.ATTORNEY:
        staff = None
        if not name.strip() or not scope.strip() or valid_until is None:
            raise BadAgent(_("委托代理人要写清姓名、代办什么和委托到哪天。"))
        id_number, phone = id_number.strip().upper(), phone.strip()
        if re.fullmatch(r"\d+X?", id_number, re.ASCII):  # other papers' numbers have letters
            identity.check_resident_id(id_number, today=localdate(at))
        phone = identity.check_phone(phone) if phone else ""
    else:
        raise BadAgent(_("请选择由谁代办：帮办代办员，或者委托代理人。"))
    present = case.agents.filter(ended_at=None).first()
    if present is not None and not (present.valid_until and present.valid_until < localdate(at)):
        raise BadAgent(_("已经有人在代办这件。要换人，请先结束现在的代办。"))
    case.agents.filter(ended_at=None).update(ended_at=at)  # its day had passed
    agent = AgentService.objects.create(
        region_id=case.region_id,
        case=case,
        kind=kind,
        staff=staff,
        name=name.strip(),
        id_sealed=seal(id_number.strip(), "agentservice.id") if id_number.strip() else None,
        phone_sealed=seal(phone.strip(), "agentservice.phone") if phone.strip() else None,
        scope=scope.strip(),
        consent=consent.strip(),
        consented_at=consented_at,
        valid_until=valid_until,
    )
    data = {"agent": str(agent.pk), "kind": kind, "helper": str(staff.pk) if staff else None, "fee": 0}
    record(case, "case.agent_started", by=by, at=at, data=data)
    return agent


@transaction.atomic
def note_agent_act(case_id: UUID, what: str, *, by: Staff, at: datetime) -> None:
    """
    Write down what the agent did for the applicant. what: of queries.people.AGENT_ACTS.

    Raises BadAgent when nobody acts for the applicant on that day, access.NotAllowed.
    """
    case = locked(case_id)
    access.require(by, "cases.agent", department=case.department, region=case.region_id)
    agent = case.agents.filter(ended_at=None).first()
    if agent is None or (agent.valid_until and agent.valid_until < localdate(at)):
        raise BadAgent(_("现在没有人有权代办这件：没有委托，或者委托已经到期。"))
    if what not in AGENT_ACTS:
        raise BadAgent(_("请选择代办了什么。"))
    record(case, "case.agent_acted", by=by, at=at, data={"agent": str(agent.pk), "what": what})


@transaction.atomic
def end_agent(case_id: UUID, *, by: Staff, at: datetime) -> AgentService:
    """End the present agency, as the applicant wishes. Raises WrongStep when there is none, access.NotAllowed."""
    case = locked(case_id)
    access.require(by, "cases.agent", department=case.department, region=case.region_id)
    agent = case.agents.filter(ended_at=None).first()
    if agent is None:
        raise WrongStep(_("现在没有人在代办这件，请刷新看最新情况。"))
    agent.ended_at = at
    agent.save(update_fields=["ended_at"])
    record(case, "case.agent_ended", by=by, at=at, data={"agent": str(agent.pk)})
    return agent


def _expect_running(case: Case) -> None:
    if not case.is_open and case.status != Case.Status.COMPLETED:
        raise WrongStep(_("这件已经办完，不用再代办了。"))
