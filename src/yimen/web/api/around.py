"""
What else is done with a case by a department's system: who has a step, fees, visits, hearings, commitments, helpers,
messages, files (S2-14). The ids these calls take stand in GET /cases/{number}/course.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router
from pydantic import AwareDatetime, Field, StringConstraints

from yimen.cases import actions, queries
from yimen.cases.actions import messages
from yimen.cases.models import Case, FeeSlip, SiteVisit, Upload
from yimen.cases.queries.messages import file_of, messages_of
from yimen.people import actions as people
from yimen.people.models import Staff
from yimen.web import uploads
from yimen.web.api.cases import ANSWERS, Line, Long, Number, ReasonIn, Short, act, case_of
from yimen.web.api.clients import REFUSALS, ClientKey, Key, Schema, Strict, client_of

router = Router(tags=["cases"], auth=ClientKey())

Name = Annotated[str, StringConstraints(max_length=60)]
Amount = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=2)]
MOST_LINES = 200


def _person(case: Case, number: str) -> Staff:
    """The colleague with this service number in the case's region; 404 when there is none."""
    return Staff.objects.select_related("user").get(region_id=case.region_id, number=number)


# -- what there is ----------------------------------------------------------------------------------------------------


class RowOut(Schema):
    """what: fee, visit, gap, …; state: as on the case's page, in a word; until: by when, where there is a day."""

    what: str
    id: UUID
    state: str
    at: datetime
    until: date | None = None
    note: str = ""


class CourseOut(Schema):
    rows: list[RowOut]


def _rows(case: Case) -> Iterator[dict[str, Any]]:
    for fee in case.fees.select_related("fee"):
        yield {"what": "fee", "id": fee.pk, "state": fee.state, "at": fee.issued_at, "note": fee.fee.name}
    for visit in case.visits.all():
        yield {"what": "visit", "id": visit.pk, "state": visit.status, "at": visit.asked_at}
    for gap in case.gaps.select_related("material__material"):
        state = "open" if gap.made_up_at is None else "made_up"
        row = {"what": "gap", "id": gap.pk, "state": state, "at": gap.promised_at, "until": gap.due_on}
        yield row | {"note": gap.material.material.name}
    if (hearing := getattr(case, "hearing", None)) is not None:
        row = {"what": "hearing", "id": hearing.pk, "state": hearing.status, "at": hearing.told_at}
        yield row | {"until": hearing.hold_by or hearing.ask_by}
    for party in case.parties.all():
        state = "heard" if party.stated_at else "told"
        yield {"what": "party", "id": party.pk, "state": state, "at": party.told_at or case.received_at}
    if (commitment := getattr(case, "commitment", None)) is not None:
        state = {None: "open", True: "kept", False: "broken"}[commitment.is_kept]
        row = {"what": "commitment", "id": commitment.pk, "state": state, "at": commitment.signed_at}
        yield row | {"until": commitment.check_by}
    for agent in case.agents.all():
        state = "open" if queries.is_acting(agent, timezone.now()) else "ended"
        row = {"what": "agent", "id": agent.pk, "state": state, "at": agent.consented_at}
        yield row | {"until": agent.valid_until}
    for grant in case.priorities.all():
        granted = "open" if grant.approved_at is None else "granted"
        state = "refused" if grant.refused_at else "ended" if grant.ended_at else granted
        yield {"what": "priority", "id": grant.pk, "state": state, "at": grant.asked_at, "note": grant.reason}
    for recusal in case.recusals.all():
        decided = "granted" if recusal.is_granted else "refused"
        state = "open" if recusal.decided_at is None else decided
        yield {"what": "recusal", "id": recusal.pk, "state": state, "at": recusal.asked_at}
    for team in case.teams.all():
        state = "open" if team.ended_at is None else "ended"
        yield {"what": "team", "id": team.pk, "state": state, "at": team.formed_at, "note": team.name}
    for asked in case.expert_requests.all():
        state = "open" if asked.advised_at is None else "answered"
        yield {"what": "expert", "id": asked.pk, "state": state, "at": asked.asked_at}


@router.get("/cases/{number}/course", response={200: CourseOut, **REFUSALS}, summary="What there is beside the steps")
def case_course(request: HttpRequest, number: Number) -> Any:
    """Fees, visits, promised materials, hearing, commitment, helpers: with the ids the calls take; nothing personal."""
    return {"rows": list(_rows(case_of(request, number)))}


class FieldOut(Schema):
    field: str
    value: str


class FormOut(Schema):
    form: str
    fields: list[FieldOut]


class FormsOut(Schema):
    forms: list[FormOut]


@router.get("/cases/{number}/forms", response={200: FormsOut, **REFUSALS}, summary="What was filled in, masked")
def case_forms(request: HttpRequest, number: Number) -> Any:
    sheets = queries.form_sheets(case_of(request, number))
    return {
        "forms": [
            {"form": sheet.title, "fields": [{"field": field.label, "value": shown} for field, shown in sheet.rows]}
            for sheet in sheets
        ]
    }


class FileOut(Schema):
    """material: the line of the item's list it was handed in for; kind: pdf, jpeg, …; size: bytes."""

    id: UUID
    material: UUID | None
    name: str
    kind: str
    size: int


class FilesOut(Schema):
    files: list[FileOut]


@router.get("/cases/{number}/files", response={200: FilesOut, **REFUSALS}, summary="The files handed in")
def case_files(request: HttpRequest, number: Number) -> Any:
    rows = case_of(request, number).uploads.filter(state=Upload.State.READY, removed_at=None)
    shown = [(row, file_of(row)) for row in rows.order_by("material__position", "made_at")]
    return {
        "files": [
            {"id": file.pk, "material": row.material_id, "name": file.name, "kind": file.kind, "size": file.size}
            for row, file in shown
        ]
    }


@router.get("/cases/{number}/files/{file_id}", response={200: None, **REFUSALS}, summary="A file handed in, as it came")
def case_file(request: HttpRequest, number: Number, file_id: UUID) -> HttpResponse:
    return uploads.send(case_of(request, number).uploads.get(pk=file_id))


class RevealIn(Strict):
    """reason: why it has to be seen, at least four characters; it is kept with who asked."""

    field: Literal["id", "phone"]
    reason: Line


class RevealOut(Schema):
    value: str


@router.post(
    "/cases/{number}/reveal",
    response={200: RevealOut, **REFUSALS},
    summary="The applicant's ID or telephone number in clear",
)
def case_reveal(request: HttpRequest, number: Number, wanted: RevealIn) -> Any:
    """Each look is a row of the ledger. Takes no key: an answer kept would keep the number."""
    applicant = case_of(request, number).applicant
    by = client_of(request).staff
    return {"value": people.reveal(applicant, wanted.field, reason=wanted.reason, by=by, at=timezone.now())}


# -- messages ---------------------------------------------------------------------------------------------------------


class MessageOut(Schema):
    at: datetime
    text: str
    is_staff: bool
    is_unread: bool


class MessagesOut(Schema):
    messages: list[MessageOut]


class MessageIn(Strict):
    text: Long


@router.get("/cases/{number}/messages", response={200: MessagesOut, **REFUSALS}, summary="What was written, last 100")
def case_messages(request: HttpRequest, number: Number) -> Any:
    """Reading marks nothing as read; writing, or the call below, does."""
    case = case_of(request, number)
    messages.require(client_of(request).staff, case)
    return {"messages": messages_of(case)}


@router.post("/cases/{number}/messages", response=ANSWERS, summary="Write to the applicant")
def case_write(request: HttpRequest, number: Number, wanted: MessageIn, key: Key) -> Any:
    return act(request, "message", number, key, lambda case, by, at: messages.write(case.pk, wanted.text, by=by, at=at))


@router.post("/cases/{number}/messages/read", response=ANSWERS, summary="Mark what the applicant wrote as read")
def case_read(request: HttpRequest, number: Number, key: Key) -> Any:
    return act(request, "message_read", number, key, lambda case, by, at: messages.read(case.pk, by=by, at=at))


# -- who has a step ---------------------------------------------------------------------------------------------------


class HandIn(Strict):
    """to: a service number, nothing: back to the post."""

    to: Short | None = None
    reason: Literal["away", "load", "skill", "recusal", "back"]


@router.post("/cases/{number}/steps/{task_id}/take", response=ANSWERS, summary="Take a waiting step")
def step_take(request: HttpRequest, number: Number, task_id: UUID, key: Key) -> Any:
    def do(case: Case, by: Staff, at: datetime) -> object:
        return actions.take_task(case.tasks.get(pk=task_id).pk, by=by, at=at)

    return act(request, "take_task", number, key, do)


@router.post("/cases/{number}/steps/{task_id}/hand", response=ANSWERS, summary="Hand a step to somebody else")
def step_hand(request: HttpRequest, number: Number, task_id: UUID, wanted: HandIn, key: Key) -> Any:
    def do(case: Case, by: Staff, at: datetime) -> object:
        task = case.tasks.select_related("department").get(pk=task_id)
        to = Staff.objects.get(region=task.department.region_id, number=wanted.to).pk if wanted.to else None
        return actions.hand_task(task.pk, to, reason=wanted.reason, by=by, at=at)

    return act(request, "hand_task", number, key, do)


# -- fees -------------------------------------------------------------------------------------------------------------


class FeeIn(Strict):
    """fee: a published fee of the item's version; amount: yuan."""

    fee: UUID
    amount: Amount
    quantity: Annotated[Decimal, Field(gt=0, max_digits=10, decimal_places=2)] = Decimal(1)


class PayIn(Strict):
    channel: Literal["cash", "card", "wechat", "alipay", "bank", "other"]
    receipt_no: Name = ""
    payer: Annotated[str, StringConstraints(max_length=120)] = ""


def _slip(case: Case, pk: UUID) -> FeeSlip:
    return case.fees.get(pk=pk)


@router.post("/cases/{number}/fees", response=ANSWERS, summary="Make a payment slip (缴费单)")
def fee_issue(request: HttpRequest, number: Number, wanted: FeeIn, key: Key) -> Any:
    def do(case: Case, by: Staff, at: datetime) -> object:
        return actions.issue_fee(case.pk, wanted.fee, amount=wanted.amount, quantity=wanted.quantity, by=by, at=at)

    return act(request, "issue_fee", number, key, do)


@router.post("/cases/{number}/fees/{fee_id}/pay", response=ANSWERS, summary="Note that it was paid")
def fee_pay(request: HttpRequest, number: Number, fee_id: UUID, wanted: PayIn, key: Key) -> Any:
    said = wanted.model_dump()
    return act(
        request,
        "pay_fee",
        number,
        key,
        lambda case, by, at: actions.pay_fee(_slip(case, fee_id).pk, **said, by=by, at=at),
    )


def _change(
    request: HttpRequest, number: str, fee_id: UUID, reason: str, key: str, change: Callable[..., FeeSlip]
) -> Any:
    def do(case: Case, by: Staff, at: datetime) -> object:
        return change(_slip(case, fee_id).pk, reason=reason, by=by, at=at)

    return act(request, change.__name__, number, key, do)


@router.post("/cases/{number}/fees/{fee_id}/waive", response=ANSWERS, summary="Waive a slip")
def fee_waive(request: HttpRequest, number: Number, fee_id: UUID, wanted: ReasonIn, key: Key) -> Any:
    return _change(request, number, fee_id, wanted.reason, key, actions.waive_fee)


@router.post("/cases/{number}/fees/{fee_id}/refund", response=ANSWERS, summary="Give back what was paid")
def fee_refund(request: HttpRequest, number: Number, fee_id: UUID, wanted: ReasonIn, key: Key) -> Any:
    return _change(request, number, fee_id, wanted.reason, key, actions.refund_fee)


@router.post("/cases/{number}/fees/{fee_id}/cancel", response=ANSWERS, summary="A slip made by mistake")
def fee_cancel(request: HttpRequest, number: Number, fee_id: UUID, wanted: ReasonIn, key: Key) -> Any:
    return _change(request, number, fee_id, wanted.reason, key, actions.cancel_fee)


# -- materials that follow, commitments -------------------------------------------------------------------------------


class GapIn(Strict):
    form: Literal["original", "copy", "electronic"] = "original"
    note: Annotated[str, StringConstraints(max_length=200)] = ""


class CommitIn(Strict):
    """materials: lines of the item's list the commitment stands for; text: what is promised."""

    materials: list[UUID] = Field(min_length=1, max_length=MOST_LINES)
    text: Long


class CheckIn(Strict):
    is_kept: bool
    findings: Long


@router.post("/cases/{number}/gaps/{gap_id}", response=ANSWERS, summary="A promised material came (容缺后补)")
def gap_made_up(request: HttpRequest, number: Number, gap_id: UUID, wanted: GapIn, key: Key) -> Any:
    said = wanted.model_dump()

    def do(case: Case, by: Staff, at: datetime) -> object:
        return actions.make_up_gap(case.gaps.get(pk=gap_id).pk, **said, by=by, at=at)

    return act(request, "make_up_gap", number, key, do)


@router.post("/cases/{number}/commit", response=ANSWERS, summary="A commitment instead of proofs (告知承诺)")
def case_commit(request: HttpRequest, number: Number, wanted: CommitIn, key: Key) -> Any:
    def do(case: Case, by: Staff, at: datetime) -> object:
        rows = case.materials.filter(material__in=wanted.materials)
        found = {row.material_id: row.pk for row in rows}
        return actions.commit(case.pk, [found.get(pk, pk) for pk in wanted.materials], wanted.text, by=by, at=at)

    return act(request, "commit", number, key, do)


@router.post("/cases/{number}/commitment", response=ANSWERS, summary="Whether it was kept, found out later")
def commitment_check(request: HttpRequest, number: Number, wanted: CheckIn, key: Key) -> Any:
    said = wanted.model_dump()
    return act(
        request,
        "check_commitment",
        number,
        key,
        lambda case, by, at: actions.check_commitment(case.pk, **said, by=by, at=at),
    )


# -- visits: what was found is written down on the spot, by who went there -------------------------------------------


class VisitPlanIn(Strict):
    """surveyors: service numbers, two people or more; script: what the call settles; override: why booked twice."""

    planned_for: AwareDatetime
    address: Annotated[str, StringConstraints(max_length=200)]
    surveyors: list[Short] = Field(max_length=10)
    contact: Name = ""
    phone: Annotated[str, StringConstraints(max_length=24)] = ""
    script: dict[Short, Line] = Field({}, max_length=20)
    override: Annotated[str, StringConstraints(max_length=200)] = ""


class PutOffIn(Strict):
    status: Literal["missed", "cancelled"]
    reason: Annotated[str, StringConstraints(max_length=200)]


def _visit(case: Case, pk: UUID) -> SiteVisit:
    return case.visits.select_related("task__department").get(pk=pk)


@router.post("/cases/{number}/visits/{visit_id}/plan", response=ANSWERS, summary="Agree on a site visit (现场核查)")
def visit_plan(request: HttpRequest, number: Number, visit_id: UUID, wanted: VisitPlanIn, key: Key) -> Any:
    said = wanted.model_dump()
    numbers = said.pop("surveyors")

    def do(case: Case, by: Staff, at: datetime) -> object:
        visit = _visit(case, visit_id)
        surveyors = Staff.objects.filter(region=visit.task.department.region_id, number__in=numbers)
        return actions.plan_visit(visit.pk, surveyors=surveyors, **said, by=by, at=at)

    return act(request, "plan_visit", number, key, do)


@router.post("/cases/{number}/visits/{visit_id}/put-off", response=ANSWERS, summary="It did not take place, call again")
def visit_put_off(request: HttpRequest, number: Number, visit_id: UUID, wanted: PutOffIn, key: Key) -> Any:
    said = wanted.model_dump()
    return act(
        request,
        "put_off_visit",
        number,
        key,
        lambda case, by, at: actions.put_off_visit(_visit(case, visit_id).pk, **said, by=by, at=at),
    )


# -- hearings ---------------------------------------------------------------------------------------------------------


class HearingIn(Strict):
    subject: Long


class HearingAnswerIn(Strict):
    """party: an interested party who says so, nothing: the applicant; paper: where a signed waiver is kept."""

    wants: bool
    party: UUID | None = None
    paper: Annotated[str, StringConstraints(max_length=200)] = ""


class HearingCallIn(Strict):
    """chair: a service number, of somebody who did not examine the case."""

    planned_for: AwareDatetime
    place: Annotated[str, StringConstraints(max_length=160)]
    chair: Short
    is_open: bool = True


class HearingCloseIn(Strict):
    text: Annotated[str, StringConstraints(max_length=20_000)]
    signed_by: list[Name] = Field(min_length=1, max_length=50)
    held_at: AwareDatetime | None = None


class PartyIn(Strict):
    name: Annotated[str, StringConstraints(max_length=120)]
    interest: Annotated[str, StringConstraints(max_length=200)]
    phone: Annotated[str, StringConstraints(max_length=24)] = ""


class StatementIn(Strict):
    statement: Long


@router.post("/cases/{number}/hearing", response=ANSWERS, summary="Tell of the right to a hearing (听证)")
def hearing_tell(request: HttpRequest, number: Number, wanted: HearingIn, key: Key) -> Any:
    subject = wanted.subject
    return act(
        request,
        "tell_hearing_right",
        number,
        key,
        lambda case, by, at: actions.tell_hearing_right(case.pk, subject=subject, by=by, at=at),
    )


@router.post("/cases/{number}/hearing/answer", response=ANSWERS, summary="It is asked for, or not")
def hearing_answer(request: HttpRequest, number: Number, wanted: HearingAnswerIn, key: Key) -> Any:
    said = wanted.model_dump()
    return act(
        request,
        "answer_hearing_right",
        number,
        key,
        lambda case, by, at: actions.answer_hearing_right(case.pk, **said, by=by, at=at),
    )


@router.post("/cases/{number}/hearing/call", response=ANSWERS, summary="Say when, where and who presides")
def hearing_call(request: HttpRequest, number: Number, wanted: HearingCallIn, key: Key) -> Any:
    said = wanted.model_dump(exclude={"chair"})
    return act(
        request,
        "call_hearing",
        number,
        key,
        lambda case, by, at: actions.call_hearing(case.pk, chair=_person(case, wanted.chair), **said, by=by, at=at),
    )


@router.post("/cases/{number}/hearing/close", response=ANSWERS, summary="The signed record; the decision rests on it")
def hearing_close(request: HttpRequest, number: Number, wanted: HearingCloseIn, key: Key) -> Any:
    said = wanted.model_dump()
    return act(
        request,
        "close_hearing",
        number,
        key,
        lambda case, by, at: actions.close_hearing(case.pk, **said, by=by, at=at),
    )


@router.post("/cases/{number}/parties", response=ANSWERS, summary="An interested party (利害关系人)")
def party_add(request: HttpRequest, number: Number, wanted: PartyIn, key: Key) -> Any:
    said = wanted.model_dump()
    return act(request, "add_party", number, key, lambda case, by, at: actions.add_party(case.pk, **said, by=by, at=at))


@router.post("/cases/{number}/parties/{party_id}", response=ANSWERS, summary="What the party says")
def party_heard(request: HttpRequest, number: Number, party_id: UUID, wanted: StatementIn, key: Key) -> Any:
    def do(case: Case, by: Staff, at: datetime) -> object:
        party = case.parties.get(pk=party_id)
        return actions.note_statement(case.pk, party.pk, statement=wanted.statement, by=by, at=at)

    return act(request, "note_statement", number, key, do)


# -- helpers, priority, recusal ---------------------------------------------------------------------------------------


class AgentIn(Strict):
    """kind helper: number of the helper; attorney: name, scope and valid_until. consent: how the applicant agreed."""

    kind: Literal["helper", "attorney"]
    consent: Annotated[str, StringConstraints(max_length=200)]
    number: Short = ""
    name: Name = ""
    id_number: Annotated[str, StringConstraints(max_length=24)] = ""
    phone: Annotated[str, StringConstraints(max_length=24)] = ""
    scope: Annotated[str, StringConstraints(max_length=200)] = ""
    valid_until: date | None = None


class AgentActIn(Strict):
    what: Short


class PriorityIn(Strict):
    """kind and reason: as on the form (urgent: exam, travel …)."""

    kind: Short
    reason: Short
    note: Line = ""


class AnswerIn(Strict):
    approve: bool
    answer: Line = ""


class RecusalIn(Strict):
    """person: the service number of who shall stand aside; asker: who wishes it."""

    person: Short
    reason: Annotated[str, StringConstraints(max_length=200)]
    asker: Literal["self", "applicant", "leader"]


class MemberIn(Strict):
    number: Short
    duty: Name


class TeamIn(Strict):
    name: Short
    members: list[MemberIn] = Field(min_length=2, max_length=50)
    note: Line = ""


class ExpertIn(Strict):
    expert: UUID
    question: Long


class AdviceIn(Strict):
    advice: Long


class GuidanceIn(Strict):
    guidance: UUID


@router.post("/cases/{number}/agent", response=ANSWERS, summary="Somebody acts for the applicant (代办)")
def agent_start(request: HttpRequest, number: Number, wanted: AgentIn, key: Key) -> Any:
    said = wanted.model_dump()
    kind, helper = said.pop("kind"), said.pop("number")

    def do(case: Case, by: Staff, at: datetime) -> object:
        staff = _person(case, helper) if kind == "helper" else None
        return actions.start_agent(case.pk, kind, staff=staff, **said, by=by, at=at)

    return act(request, "start_agent", number, key, do)


@router.post("/cases/{number}/agent/act", response=ANSWERS, summary="What the agent did")
def agent_act(request: HttpRequest, number: Number, wanted: AgentActIn, key: Key) -> Any:
    what = wanted.what
    return act(
        request,
        "note_agent_act",
        number,
        key,
        lambda case, by, at: actions.note_agent_act(case.pk, what, by=by, at=at),
    )


@router.post("/cases/{number}/agent/end", response=ANSWERS, summary="The applicant acts himself again")
def agent_end(request: HttpRequest, number: Number, key: Key) -> Any:
    return act(request, "end_agent", number, key, lambda case, by, at: actions.end_agent(case.pk, by=by, at=at))


@router.post("/cases/{number}/priority", response=ANSWERS, summary="Ask for priority (优先办理)")
def priority_ask(request: HttpRequest, number: Number, wanted: PriorityIn, key: Key) -> Any:
    said = wanted.model_dump()
    return act(
        request,
        "ask_priority",
        number,
        key,
        lambda case, by, at: actions.ask_priority(**said, case_id=case.pk, by=by, at=at),
    )


@router.post("/cases/{number}/priority/{grant_id}", response=ANSWERS, summary="Grant priority or refuse it")
def priority_answer(request: HttpRequest, number: Number, grant_id: UUID, wanted: AnswerIn, key: Key) -> Any:
    def do(case: Case, by: Staff, at: datetime) -> object:
        grant = case.priorities.get(pk=grant_id)
        return actions.answer_priority(grant.pk, is_granted=wanted.approve, answer=wanted.answer, by=by, at=at)

    return act(request, "answer_priority", number, key, do)


@router.post("/cases/{number}/priority/{grant_id}/end", response=ANSWERS, summary="No more priority")
def priority_end(request: HttpRequest, number: Number, grant_id: UUID, wanted: ReasonIn, key: Key) -> Any:
    def do(case: Case, by: Staff, at: datetime) -> object:
        return actions.end_priority(case.priorities.get(pk=grant_id).pk, reason=wanted.reason, by=by, at=at)

    return act(request, "end_priority", number, key, do)


@router.post("/cases/{number}/recusal", response=ANSWERS, summary="Ask somebody to stand aside (回避)")
def recusal_ask(request: HttpRequest, number: Number, wanted: RecusalIn, key: Key) -> Any:
    def do(case: Case, by: Staff, at: datetime) -> object:
        person = _person(case, wanted.person)
        return actions.ask_recusal(case.pk, person, wanted.reason, asker=wanted.asker, by=by, at=at)

    return act(request, "ask_recusal", number, key, do)


@router.post("/cases/{number}/recusal/{recusal_id}", response=ANSWERS, summary="Whether he stands aside")
def recusal_answer(request: HttpRequest, number: Number, recusal_id: UUID, wanted: AnswerIn, key: Key) -> Any:
    def do(case: Case, by: Staff, at: datetime) -> object:
        return actions.answer_recusal(case.recusals.get(pk=recusal_id).pk, is_granted=wanted.approve, by=by, at=at)

    return act(request, "answer_recusal", number, key, do)


@router.post("/cases/{number}/team", response=ANSWERS, summary="Form a team for the case (专班)")
def team_form(request: HttpRequest, number: Number, wanted: TeamIn, key: Key) -> Any:
    def do(case: Case, by: Staff, at: datetime) -> object:
        members = [(_person(case, one.number), one.duty) for one in wanted.members]
        return actions.form_team(wanted.name, members, case_id=case.pk, note=wanted.note, by=by, at=at)

    return act(request, "form_team", number, key, do)


@router.post("/cases/{number}/expert", response=ANSWERS, summary="Ask an expert of the directory")
def expert_ask(request: HttpRequest, number: Number, wanted: ExpertIn, key: Key) -> Any:
    return act(
        request,
        "ask_expert",
        number,
        key,
        lambda case, by, at: actions.ask_expert(case.pk, wanted.expert, wanted.question, by=by, at=at),
    )


@router.post("/cases/{number}/expert/{request_id}", response=ANSWERS, summary="What the expert advises")
def expert_advice(request: HttpRequest, number: Number, request_id: UUID, wanted: AdviceIn, key: Key) -> Any:
    def do(case: Case, by: Staff, at: datetime) -> object:
        return actions.note_advice(case.expert_requests.get(pk=request_id).pk, wanted.advice, by=by, at=at)

    return act(request, "note_advice", number, key, do)


@router.post("/cases/{number}/guidance", response=ANSWERS, summary="The guidance there was before")
def guidance_link(request: HttpRequest, number: Number, wanted: GuidanceIn, key: Key) -> Any:
    return act(
        request,
        "link_guidance",
        number,
        key,
        lambda case, by, at: actions.link_guidance(wanted.guidance, case.pk, by=by, at=at),
    )


# -- after the decision -----------------------------------------------------------------------------------------------


class RevokeIn(Strict):
    """ground: of the law, by its key; finding: what was found."""

    ground: Short
    finding: Long


class BarIn(Strict):
    ground: Literal["false_materials", "fraud", "false_commitment"]
    finding: Long


class RenewalIn(Strict):
    certificate_no: Annotated[str, StringConstraints(min_length=1, max_length=60)]


@router.post("/cases/{number}/revoke", response=ANSWERS, summary="Revoke the decision")
def case_revoke(request: HttpRequest, number: Number, wanted: RevokeIn, key: Key) -> Any:
    said = wanted.model_dump()
    return act(
        request,
        "revoke_decision",
        number,
        key,
        lambda case, by, at: actions.revoke_decision(case.pk, **said, by=by, at=at),
    )


@router.post("/cases/{number}/bar", response=ANSWERS, summary="Bar who handed in false materials")
def case_bar(request: HttpRequest, number: Number, wanted: BarIn, key: Key) -> Any:
    ground, finding = wanted.ground, wanted.finding
    return act(
        request,
        "set_bar",
        number,
        key,
        lambda case, by, at: actions.set_bar(case.pk, ground, finding=finding, by=by, at=at),
    )


@router.post("/cases/{number}/renewal", response=ANSWERS, summary="The case renews a certificate (延续)")
def case_renewal(request: HttpRequest, number: Number, wanted: RenewalIn, key: Key) -> Any:
    no = wanted.certificate_no
    return act(
        request, "apply_renewal", number, key, lambda case, by, at: actions.apply_renewal(case.pk, no, by=by, at=at)
    )
