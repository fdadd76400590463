"""
A department's system takes its cases and returns their results (S2-14): one call for each act, each with a key.

What may be done, in which order and by whom is said by cases.actions, here as on every page.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Path, Query, Router
from pydantic import Field, StringConstraints

from yimen.cases import actions, queries
from yimen.cases.models import Case, CaseMove, Task
from yimen.catalog.models import ItemVersion
from yimen.exchange import clients
from yimen.people import actions as people
from yimen.people.models import Applicant, Department, ServiceCenter, Staff
from yimen.people.queries import main_center
from yimen.web import documents
from yimen.web.api.clients import REFUSALS, ClientKey, Key, Schema, Strict, client_of, keyed

router = Router(tags=["cases"], auth=ClientKey())

Number = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{4,24}$"), Path()]
Short = Annotated[str, StringConstraints(max_length=80)]
Line = Annotated[str, StringConstraints(max_length=300)]
Long = Annotated[str, StringConstraints(max_length=2000)]
Code = Annotated[str, StringConstraints(pattern=r"^[-A-Za-z0-9_]{1,60}$")]
MOST_MATERIALS = 200


class MaterialIn(Strict):
    """material: the id of the line of the item's list; reused_from: a material of an earlier case of the applicant."""

    material: UUID
    state: Literal["complete", "missing", "later"]
    note: Annotated[str, StringConstraints(max_length=200)] = ""
    form: Literal["", "original", "copy", "electronic"] = ""
    reused_from: UUID | None = None
    certificate_no: Annotated[str, StringConstraints(max_length=60)] = ""


class ApplicantIn(Strict):
    kind: Literal["person", "firm"]
    name: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    id_number: Annotated[str, StringConstraints(min_length=6, max_length=24)]
    phone: Annotated[str, StringConstraints(min_length=5, max_length=24)]
    contact_name: Annotated[str, StringConstraints(max_length=60)] = ""
    address: Annotated[str, StringConstraints(max_length=160)] = ""


class ReceiveIn(Strict):
    """item: implementation code; center: code of the hall, else the main one; form_values: form → field → value."""

    item: Code
    applicant: ApplicantIn
    materials: list[MaterialIn] = Field([], max_length=MOST_MATERIALS)
    center: Code | None = None
    channel: Literal["window", "post", "other"] = "other"
    chosen: list[Short] = Field([], max_length=100)
    agent_name: Annotated[str, StringConstraints(max_length=60)] = ""
    form_values: dict[Short, dict[Short, Long | list[Line]]] | None = Field(None, max_length=20)


class MaterialsIn(Strict):
    materials: list[MaterialIn] = Field(min_length=1, max_length=MOST_MATERIALS)


class Nothing(Strict):
    """Nothing but the act itself."""


class DeclineIn(Strict):
    """ground: not_ours needs right_organ, whom to go to."""

    reasons: Long
    ground: Literal["not_needed", "not_ours", "false"]
    right_organ: Annotated[str, StringConstraints(max_length=120)] = ""


class CorrectionLineIn(Strict):
    material: UUID
    what: Annotated[str, StringConstraints(min_length=1, max_length=300)]


class CorrectIn(Strict):
    """Everything at once, and once only (LAW-4)."""

    lines: list[CorrectionLineIn] = Field(min_length=1, max_length=MOST_MATERIALS)


class StopIn(Strict):
    """ground: one of the eight of the law; needed_days: natural days."""

    ground: Literal["hearing", "tender", "auction", "inspection", "testing", "quarantine", "appraisal", "expert_review"]
    reason: Long
    needed_days: int = Field(ge=1, le=3650)


class StopResultIn(Strict):
    result: Long


class ReasonIn(Strict):
    reason: Long


class ExtensionAnswerIn(Strict):
    approve: bool
    answer: Long = ""


class StepIn(Strict):
    """task: from the case's steps; surveyors: service numbers, for a visit."""

    outcome: Literal["passed", "rejected"]
    opinion: Long = ""
    surveyors: list[Short] = Field([], max_length=10)


class SendBackIn(Strict):
    step: Short
    reason: Long


class DecideIn(Strict):
    """reasons: what refuses must say why."""

    outcome: Literal["granted", "refused"]
    reasons: Long = ""


class CertificateIn(Strict):
    valid_from: date | None = None
    valid_until: date | None = None


class DeliverIn(Strict):
    how: Literal["window", "post", "electronic"]
    receiver: Annotated[str, StringConstraints(max_length=60)] = ""


class MoveIn(Strict):
    """receiver: code of the department; region: its region's code when it is another."""

    kind: Literal["unit", "up", "down", "region"]
    receiver: Code
    region: Annotated[str, StringConstraints(pattern=r"^\d{2,12}$")] | None = None
    reason: Line
    opinion: Long = ""
    due_on: date | None = None


class MoveBackIn(Strict):
    outcome: Literal["passed", "rejected"]
    opinion: Long


class ActOut(Schema):
    """Where the case stands after the act. id: of what the act made, if anything."""

    number: str
    case_no: str
    status: str
    outcome: str
    due_on: date | None
    id: str = ""


class StepOut(Schema):
    id: UUID
    step: str
    name: str
    kind: str
    department: str
    round: int
    opened_at: datetime
    due_on: date
    done_at: datetime | None
    outcome: str


class MaterialOut(Schema):
    material: UUID
    name: str
    state: str
    form: str


class DocumentOut(Schema):
    id: UUID
    kind: str
    number: str
    verify_code: str
    issued_at: datetime


class CaseOut(Schema):
    """applicant and agent: masked."""

    number: str
    case_no: str
    region: str
    item: str
    item_name: str
    department: str
    applicant: str
    applicant_kind: str
    agent: str
    channel: str
    mode: str
    status: str
    outcome: str
    reasons: str
    received_at: datetime
    accepted_at: datetime | None
    due_on: date | None
    completed_at: datetime | None
    delivered_at: datetime | None
    steps: list[StepOut]
    materials: list[MaterialOut]
    documents: list[DocumentOut]


class ChangeOut(Schema):
    """event: never the same for two rows, so that a repeat can be told."""

    event: int
    kind: str
    at: datetime
    number: str
    department: str
    status: str


class ChangesOut(Schema):
    """cursor: where to go on; more: there is more right now, also when this page is empty."""

    changes: list[ChangeOut]
    cursor: str
    more: bool


def case_of(request: HttpRequest, number: str) -> Case:
    case = queries.get_case_for(client_of(request).staff, number)
    if case is None:
        raise Http404
    return case


def _stands(case: Case, made: object = None) -> dict[str, Any]:
    case.refresh_from_db(fields=["status", "outcome", "due_on"])
    return {
        "number": case.query_no,
        "case_no": case.case_no,
        "status": str(case.status),
        "outcome": str(case.outcome),
        "due_on": case.due_on.isoformat() if case.due_on else None,
        "id": str(getattr(made, "pk", "")) if not isinstance(made, Case) else "",
    }


def act(
    request: HttpRequest, name: str, number: str, key: str, do: Callable[[Case, Staff, datetime], object]
) -> HttpResponse | Any:
    """One act on one case, once for its key: 404 alike for none and not yours."""
    case = case_of(request, number)
    by = client_of(request).staff
    return keyed(request, f"api.{name}", key, lambda: _stands(case, do(case, by, timezone.now())))


def _handed(lines: list[MaterialIn]) -> dict[UUID, actions.Handed]:
    return {
        line.material: actions.Handed(line.state, line.note, line.form, line.reused_from, line.certificate_no)
        for line in lines
    }


# -- reading ----------------------------------------------------------------------------------------------------------


@router.get("/cases", response={200: ChangesOut, **REFUSALS}, summary="What changed since a position")
def case_changes(
    request: HttpRequest,
    after: Annotated[str, Query(max_length=40)] = "",
    limit: Annotated[int, Query(ge=1, le=clients.MOST_CHANGES)] = 100,
) -> Any:
    """Oldest first. after: the cursor of the last answer, nothing for the beginning. No row is ever skipped."""
    found = clients.changes(client_of(request).staff, after, limit=limit)
    rows = [
        {
            "event": event.pk,
            "kind": event.kind,
            "at": event.at,
            "number": case.query_no,
            "department": case.department.code,
            "status": case.status,
        }
        for event, case in found.rows
    ]
    return {"changes": rows, "cursor": found.cursor, "more": found.more}


@router.get("/cases/{number}", response={200: CaseOut, **REFUSALS}, summary="One case, names masked")
def case_show(request: HttpRequest, number: Number) -> Any:
    case = case_of(request, number)
    tasks = case.tasks.select_related("department").order_by("opened_at", "pk")
    return {
        "number": case.query_no,
        "case_no": case.case_no,
        "region": case.region_id,
        "item": case.item.task_code,
        "item_name": case.version.name,
        "department": case.department.code,
        "applicant": case.applicant.masked_name,
        "applicant_kind": case.applicant.kind,
        "agent": case.masked_agent_name,
        "channel": case.channel,
        "mode": case.handling_mode,
        "status": case.status,
        "outcome": case.outcome,
        "reasons": case.reasons,
        "received_at": case.received_at,
        "accepted_at": case.accepted_at,
        "due_on": case.due_on,
        "completed_at": case.completed_at,
        "delivered_at": case.delivered_at,
        "steps": [_step(task) for task in tasks],
        "materials": [
            {"material": row.material_id, "name": row.material.name, "state": row.state, "form": row.form}
            for row in case.materials.select_related("material").order_by("material__position")
        ],
        "documents": list(case.notices.order_by("issued_at", "pk")),
    }


def _step(task: Task) -> dict[str, Any]:
    fields = ("id", "name", "kind", "round", "opened_at", "due_on", "done_at", "outcome")
    return {field: getattr(task, field) for field in fields} | {
        "step": task.step_key,
        "department": task.department.code,
    }


@router.get(
    "/cases/{number}/documents/{document_id}",
    response={200: None, **REFUSALS},
    summary="A document of the case, application/pdf",
)
def case_document(request: HttpRequest, number: Number, document_id: UUID) -> HttpResponse:
    case = case_of(request, number)
    found = case.notices.select_related("signed").get(pk=document_id)
    return documents.pdf(found, f"{case.query_no}-{found.kind}.pdf")


# -- acts -------------------------------------------------------------------------------------------------------------


@router.post("/cases", response={201: ActOut, **REFUSALS}, summary="Receive an application (收件)")
def case_receive(request: HttpRequest, wanted: ReceiveIn, key: Key) -> Any:
    """The applicant is made or brought up to date by the ID number; whoever hands in gets a receipt."""
    by = client_of(request).staff
    version = ItemVersion.objects.select_related("item__department").get(
        item__region=by.region_id, item__task_code=wanted.item, item__published=F("pk")
    )
    centers = ServiceCenter.objects.filter(region=by.region_id)
    center = centers.get(code=wanted.center) if wanted.center else by.center or main_center()
    if center is None:
        raise Http404

    def produce() -> dict[str, Any]:
        at = timezone.now()
        applicant: Applicant = people.register_applicant(
            region=by.region_id, **wanted.applicant.model_dump(), by=by, at=at
        )
        case = actions.receive(
            version,
            applicant,
            center=center,
            materials=_handed(wanted.materials),
            by=by,
            at=at,
            channel=wanted.channel,
            agent_name=wanted.agent_name,
            chosen=wanted.chosen,
            form_values=wanted.form_values,
        )
        return _stands(case)

    return keyed(request, "api.receive", key, produce, status=201)


ANSWERS = {200: ActOut, **REFUSALS}


@router.post("/cases/{number}/materials", response=ANSWERS, summary="Note what was handed in since")
def case_materials(request: HttpRequest, number: Number, wanted: MaterialsIn, key: Key) -> Any:
    return act(
        request,
        "note_materials",
        number,
        key,
        lambda case, by, at: actions.note_materials(case.pk, _handed(wanted.materials), by=by, at=at),
    )


@router.post("/cases/{number}/accept", response=ANSWERS, summary="Accept (受理): the clocks begin")
def case_accept(request: HttpRequest, number: Number, key: Key, wanted: Nothing | None = None) -> Any:
    return act(request, "accept", number, key, lambda case, by, at: actions.accept(case.pk, by=by, at=at))


@router.post("/cases/{number}/decline", response=ANSWERS, summary="Decline (不予受理), with reasons")
def case_decline(request: HttpRequest, number: Number, wanted: DeclineIn, key: Key) -> Any:
    said = wanted.model_dump()
    return act(request, "decline", number, key, lambda case, by, at: actions.decline(case.pk, **said, by=by, at=at))


@router.post("/cases/{number}/correct", response=ANSWERS, summary="Tell once what is missing (一次告知补正)")
def case_correct(request: HttpRequest, number: Number, wanted: CorrectIn, key: Key) -> Any:
    lines = {line.material: line.what for line in wanted.lines}
    return act(request, "correct", number, key, lambda case, by, at: actions.correct(case.pk, lines, by=by, at=at))


@router.post("/cases/{number}/stop", response=ANSWERS, summary="Begin a special procedure (特别程序)")
def case_stop(request: HttpRequest, number: Number, wanted: StopIn, key: Key) -> Any:
    said = wanted.model_dump()
    return act(request, "open_stop", number, key, lambda case, by, at: actions.open_stop(case.pk, **said, by=by, at=at))


@router.post("/cases/{number}/stop/end", response=ANSWERS, summary="End the special procedure with its result")
def case_stop_end(request: HttpRequest, number: Number, wanted: StopResultIn, key: Key) -> Any:
    result = wanted.result
    return act(
        request,
        "close_stop",
        number,
        key,
        lambda case, by, at: actions.close_stop(case.pk, result=result, by=by, at=at),
    )


@router.post("/cases/{number}/extension", response=ANSWERS, summary="Ask for more time (延长审批期限)")
def case_extension(request: HttpRequest, number: Number, wanted: ReasonIn, key: Key) -> Any:
    reason = wanted.reason
    return act(
        request,
        "ask_extension",
        number,
        key,
        lambda case, by, at: actions.ask_extension(case.pk, reason=reason, by=by, at=at),
    )


@router.post("/cases/{number}/extension/answer", response=ANSWERS, summary="Approve or refuse more time")
def case_extension_answer(request: HttpRequest, number: Number, wanted: ExtensionAnswerIn, key: Key) -> Any:
    said = wanted.model_dump()
    return act(
        request,
        "answer_extension",
        number,
        key,
        lambda case, by, at: actions.answer_extension(case.pk, **said, by=by, at=at),
    )


@router.post("/cases/{number}/steps/{task_id}", response=ANSWERS, summary="Finish a step, with an opinion")
def case_step(request: HttpRequest, number: Number, task_id: UUID, wanted: StepIn, key: Key) -> Any:
    def do(case: Case, by: Staff, at: datetime) -> Task:
        task = case.tasks.get(pk=task_id)
        people_there = Staff.objects.filter(region_id=case.region_id, number__in=wanted.surveyors)
        return actions.complete_task(
            task.pk, outcome=wanted.outcome, opinion=wanted.opinion, surveyors=people_there, by=by, at=at
        )

    return act(request, "complete_task", number, key, do)


@router.post("/cases/{number}/send-back", response=ANSWERS, summary="Open an earlier step again")
def case_send_back(request: HttpRequest, number: Number, wanted: SendBackIn, key: Key) -> Any:
    return act(
        request,
        "send_back",
        number,
        key,
        lambda case, by, at: actions.send_back(case.pk, wanted.step, reason=wanted.reason, by=by, at=at),
    )


@router.post("/cases/{number}/decide", response=ANSWERS, summary="Grant or refuse")
def case_decide(request: HttpRequest, number: Number, wanted: DecideIn, key: Key) -> Any:
    said = wanted.model_dump()
    return act(request, "decide", number, key, lambda case, by, at: actions.decide(case.pk, **said, by=by, at=at))


@router.post("/cases/{number}/certificate", response=ANSWERS, summary="Make the certificate")
def case_certificate(request: HttpRequest, number: Number, wanted: CertificateIn, key: Key) -> Any:
    said = wanted.model_dump()
    return act(
        request,
        "make_certificate",
        number,
        key,
        lambda case, by, at: actions.make_certificate(case.pk, **said, by=by, at=at),
    )


@router.post("/cases/{number}/deliver", response=ANSWERS, summary="Deliver the result (送达)")
def case_deliver(request: HttpRequest, number: Number, wanted: DeliverIn, key: Key) -> Any:
    said = wanted.model_dump()
    return act(request, "deliver", number, key, lambda case, by, at: actions.deliver(case.pk, **said, by=by, at=at))


@router.post("/cases/{number}/withdraw", response=ANSWERS, summary="Withdraw, as the applicant asked")
def case_withdraw(request: HttpRequest, number: Number, wanted: ReasonIn, key: Key) -> Any:
    reason = wanted.reason
    return act(
        request, "withdraw", number, key, lambda case, by, at: actions.withdraw(case.pk, reason=reason, by=by, at=at)
    )


@router.post("/cases/{number}/move", response=ANSWERS, summary="Hand to another department, level or region")
def case_move(request: HttpRequest, number: Number, wanted: MoveIn, key: Key) -> Any:
    def do(case: Case, by: Staff, at: datetime) -> CaseMove:
        receiver = Department.objects.get(region=wanted.region or by.region_id, code=wanted.receiver)
        return actions.move(
            case.pk,
            kind=wanted.kind,
            receiver=receiver,
            reason=wanted.reason,
            opinion=wanted.opinion,
            due_on=wanted.due_on,
            by=by,
            at=at,
        )

    return act(request, "move", number, key, do)


@router.post("/cases/{number}/move/receive", response=ANSWERS, summary="Sign for a case handed here")
def case_move_receive(request: HttpRequest, number: Number, key: Key, wanted: Nothing | None = None) -> Any:
    return act(request, "receive_move", number, key, lambda case, by, at: actions.receive_move(case.pk, by=by, at=at))


@router.post("/cases/{number}/move/return", response=ANSWERS, summary="Give it back with the result")
def case_move_return(request: HttpRequest, number: Number, wanted: MoveBackIn, key: Key) -> Any:
    said = wanted.model_dump()
    return act(
        request, "return_move", number, key, lambda case, by, at: actions.return_move(case.pk, **said, by=by, at=at)
    )
