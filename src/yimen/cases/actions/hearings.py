"""听证 (LAW-16): the right told, asked for or given up, called, held, written down; and those whom a case touches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases import documents
from yimen.cases.actions.common import WrongStep, checked_reasons, expect, give, locked, record
from yimen.cases.models import Case, Hearing, InterestedParty, Notice, Recusal, SiteVisit
from yimen.cases.rules import hearings as rules
from yimen.catalog import queries as catalog
from yimen.ledger.actions import Actor
from yimen.lib import crypto
from yimen.lib.dates import long_day, long_moment, short_day
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Staff

NAME, PHONE = "party.name", "party.phone"
LEAST_RECORD, LEAST_PAPER = 20, 4
LAW = "《中华人民共和国行政许可法》第四十六条、第四十七条、第四十八条"


class TooLateToAsk(DomainError):
    """The five working days are over."""


class BadHearing(DomainError):
    """The hearing cannot be called or closed like this; the message says why."""


class NotImpartial(DomainError):
    """Whoever examined the case, or has an interest in it, does not preside (LAL 48)."""


class HearingOpen(DomainError):
    """No decision before the hearing was held, or given up (LAW-16)."""


@transaction.atomic
def tell_hearing_right(case_id: UUID, *, subject: str, by: Staff, at: datetime) -> Hearing:
    """
    Tell applicant and interested parties that they may ask for a hearing (LAL 46, 47).

    subject: what the case touches, and why it is told. Raises WrongStep when it was told already or the case is not
    being handled, ReasonsMissing, access.NotAllowed.
    """
    case = _case_of(case_id, by)
    if Hearing.objects.filter(case=case).exists():
        raise WrongStep(_("听证的权利已经告知过了，请刷新看最新进度。"))
    subject = checked_reasons(subject)
    last = rules.ask_by(localdate(at), catalog.work_calendar())
    letter = documents.Letter(
        opening=["这件申请直接关系重大利益，作出决定以前，您有权要求听证。", *documents.sentences(subject)],
        facts=[
            ("最晚哪天提出", long_day(last, weekday=True)),
            ("怎么提出", "打开网页查进度，点“要求听证”；也可以到窗口或者打电话"),
        ],
        closing=[
            f"从收到告知书起 {rules.ASK_DAYS} 个工作日内提出，我们在 {rules.HOLD_DAYS} 个工作日内组织听证。",
            "听证不收任何费用。不提出的，不影响申请继续办。",
            f"依据：{LAW}。",
        ],
    )  # fmt: skip
    notice = give(case, Notice.Kind.HEARING_RIGHT, by=by, at=at, letter=letter)
    hearing = Hearing.objects.create(
        region_id=case.region_id,
        case=case,
        subject=subject,
        told_at=at,
        told_by=by,
        told_notice=notice,
        ask_by=last,
    )
    parties = InterestedParty.objects.filter(case=case, told_at=None).update(told_at=at)
    record(case, "case.hearing_right_told", by=by, at=at, data={"ask_by": last.isoformat(), "parties": parties})
    return hearing


@transaction.atomic
def answer_hearing_right(
    case_id: UUID, *, wants: bool, by: Actor, at: datetime, party: UUID | None = None, paper: str = ""
) -> Hearing:
    """
    Ask for the hearing, or say that none is wanted. party: the interested party for whom staff writes it down.

    `by` is the applicant himself, or staff: who reviews writes down an asking; that it is given up only a clerk, with
    a paper the applicant signed (paper: which, and where it is kept). Whoever gave it up may still ask within the time;
    the asking cannot be taken back for somebody else. Raises TooLateToAsk, WrongStep, BadHearing, access.NotAllowed.
    """
    case = locked(case_id)
    is_applicant, paper = by.ledger_ref == case.applicant.ledger_ref, paper.strip()[:200]
    if not is_applicant:
        right = "cases.review" if wants else "cases.receive"
        access.require(by, right, department=case.department, region=case.region_id)
    expect(case, Case.Status.ACCEPTED)
    if not wants and not is_applicant and len(paper) < LEAST_PAPER:
        raise BadHearing(_("申请人不要听证，要有他签字的书面说明，或者由他自己在网上说。请写明是哪张、放在哪里。"))
    hearing = _hearing(case, Hearing.Status.TOLD, Hearing.Status.WAIVED)
    today = localdate(at)
    if wants and today > hearing.ask_by:
        raise TooLateToAsk(
            _("要求听证的时间到 %(day)s为止，已经过了。有意见可以随时写给办事的人。")
            % {"day": short_day(hearing.ask_by)}
        )
    if party is not None and not InterestedParty.objects.filter(case=case, pk=party).exists():
        raise BadHearing(_("没有这一位利害关系人，请先登记。"))
    if party is not None and not wants:
        raise BadHearing(_("只有申请人能说不要听证；别人不要求，就不用记。"))
    if wants:
        hearing.status, hearing.asked_at = Hearing.Status.ASKED, at
        hearing.asked_by = f"party:{party}" if party else "applicant"
        hearing.hold_by = rules.hold_by(today, catalog.work_calendar())
    else:
        if InterestedParty.objects.filter(case=case).exists() and today <= hearing.ask_by:
            raise WrongStep(_("还有利害关系人可以要求听证，等到 %(day)s再看。") % {"day": short_day(hearing.ask_by)})
        hearing.status, hearing.waiver_paper = Hearing.Status.WAIVED, paper
    hearing.save(update_fields=["status", "asked_at", "asked_by", "hold_by", "waiver_paper"])
    kind = "case.hearing_asked" if wants else "case.hearing_waived"
    data = {"who": "party" if party else "applicant", "on_paper": bool(paper)}
    if hearing.hold_by:
        data["hold_by"] = hearing.hold_by.isoformat()
    record(case, kind, by=by, at=at, data=data)
    return hearing


@transaction.atomic
def call_hearing(
    case_id: UUID, *, planned_for: datetime, place: str, chair: Staff, by: Staff, at: datetime, is_open: bool = True
) -> Hearing:
    """
    Give notice of time and place, at least seven days before; calling again moves it, with a new notice.

    Raises BadHearing for too short a notice or a day after the last one, NotImpartial, WrongStep, access.NotAllowed.
    """
    case = _case_of(case_id, by)
    hearing = _hearing(case, Hearing.Status.ASKED, Hearing.Status.CALLED)
    assert hearing.hold_by is not None
    day, first = localdate(planned_for), rules.earliest(localdate(at))
    if day < first:
        raise BadHearing(_("要提前 7 天通知，最早 %(day)s举行。") % {"day": short_day(first)})
    # Called too late it is held all the same, as soon as it can be: the right does not lapse with the organ's delay.
    last = max(hearing.hold_by, catalog.work_calendar().due(first - timedelta(days=1), 1).on)
    if day > last:
        raise BadHearing(_("要求听证后 20 个工作日内要举行，最晚 %(day)s。") % {"day": short_day(last)})
    if not place.strip():
        raise BadHearing(_("请写在哪里举行。"))
    require_impartial(case, chair)
    letter = documents.Letter(
        opening=["您要求的听证会定在下面的时间和地点，请准时参加。"],
        facts=[
            ("时间", long_moment(planned_for)),
            ("地点", place.strip()),
            ("主持人", f"{chair.department.name}，工号 {chair.number}，没有参加这件的审查"),
            ("是否公开", "公开举行" if is_open else "不公开，涉及秘密或者个人隐私"),
        ],
        closing=[
            "您可以带证据、请人代理，可以申辩和质证；认为主持人有利害关系的，可以申请回避。",
            "听证不收任何费用。听证要做笔录，您看过没有错再签字。",
            f"依据：{LAW}。",
        ],
    )
    hearing.call_notice = give(case, Notice.Kind.HEARING, by=by, at=at, letter=letter)
    hearing.status, hearing.called_at, hearing.planned_for = Hearing.Status.CALLED, at, planned_for
    hearing.place, hearing.chair, hearing.is_open = place.strip()[:160], chair, is_open
    hearing.save()
    data = {"planned_for": planned_for.isoformat(), "chair": str(chair.pk), "is_open": is_open}
    record(case, "case.hearing_called", by=by, at=at, data=data)
    return hearing


@transaction.atomic
def close_hearing(
    case_id: UUID, *, text: str, signed_by: Sequence[str], by: Staff, at: datetime, held_at: datetime | None = None
) -> Hearing:
    """
    Keep the record with its signatures; the decision rests on it (LAL 48).

    signed_by: everybody who signed, the chair among them by his name. held_at: when it began, at most now and on the
    day of the notice. Raises BadHearing, NotImpartial for a chair who examined the case meanwhile, WrongStep,
    access.NotAllowed.
    """
    case = _case_of(case_id, by)
    hearing = _hearing(case, Hearing.Status.CALLED)
    assert hearing.planned_for is not None and hearing.chair is not None
    held_at = held_at or hearing.planned_for
    if at < held_at or localdate(held_at) != localdate(hearing.planned_for):
        raise BadHearing(
            _("通知的是 %(when)s，到了那天才能记。改了时间的，请重新通知。")
            % {"when": long_moment(hearing.planned_for)}
        )
    require_impartial(case, hearing.chair)
    names = [name.strip()[:60] for name in signed_by if name.strip()]
    if len(text.strip()) < LEAST_RECORD:
        raise BadHearing(_("请写听证笔录：谁说了什么、出示了什么，至少 %(n)d 个字。") % {"n": LEAST_RECORD})
    if hearing.chair.name not in names or len(names) < 2:
        raise BadHearing(_("笔录要主持人和参加人都签字，请把签字的人都写上，一行一位。"))
    hearing.status, hearing.held_at, hearing.closed_at = Hearing.Status.HELD, held_at, at
    hearing.record, hearing.record_signed_by = text.strip(), names
    hearing.save(update_fields=["status", "held_at", "closed_at", "record", "record_signed_by"])
    data = {"held_at": held_at.isoformat(), "signatures": len(names)}
    record(case, "case.hearing_held", by=by, at=at, data=data)
    return hearing


@transaction.atomic
def add_party(case_id: UUID, *, name: str, interest: str, by: Staff, at: datetime, phone: str = "") -> InterestedParty:
    """
    Write down somebody whose interests the case touches directly; told at once when the right was told already.

    Raises BadHearing without a name or an interest, WrongStep, access.NotAllowed.
    """
    case = _case_of(case_id, by)
    if not name.strip() or not interest.strip():
        raise BadHearing(_("请写这一位是谁、这件和他有什么关系。"))
    hearing = Hearing.objects.select_for_update().filter(case=case).first()
    told = hearing is not None
    if hearing is not None and hearing.status in {Hearing.Status.TOLD, Hearing.Status.WAIVED}:
        # He has his own five working days, and no decision is made before they are over.
        hearing.ask_by = max(hearing.ask_by, rules.ask_by(localdate(at), catalog.work_calendar()))
        hearing.status = Hearing.Status.TOLD
        hearing.save(update_fields=["ask_by", "status"])
    party = InterestedParty.objects.create(
        region_id=case.region_id,
        case=case,
        name_sealed=crypto.seal(name.strip()[:60], NAME),
        phone_sealed=crypto.seal(phone.strip()[:40], PHONE) if phone.strip() else None,
        interest=interest.strip()[:200],
        told_at=at if told else None,
    )
    record(case, "case.party_added", by=by, at=at, data={"party": str(party.pk)})
    return party


@transaction.atomic
def note_statement(case_id: UUID, party_id: UUID, *, statement: str, by: Staff, at: datetime) -> InterestedParty:
    """Keep what an interested party said (LAL 36); a later statement is added, none is lost. Raises as add_party()."""
    case = _case_of(case_id, by)
    party = InterestedParty.objects.select_for_update().filter(case=case, pk=party_id).first()
    if party is None:
        raise BadHearing(_("没有这一位利害关系人，请先登记。"))
    said = checked_reasons(statement)
    party.statement = "\n".join(part for part in (party.statement, said) if part)
    party.stated_at, party.told_at = at, party.told_at or at
    party.save(update_fields=["statement", "stated_at", "told_at"])
    record(case, "case.party_heard", by=by, at=at, data={"party": str(party.pk)})
    return party


def require_impartial(case: Case, chair: Staff) -> None:
    """Raise NotImpartial when `chair` did a step of the case, went on a visit of it, or does not handle it (LAL 48)."""
    did = case.tasks.filter(done_by=chair).exists() or case.tasks.filter(surveyors=chair).exists()
    went = SiteVisit.objects.filter(case=case, surveyors=chair).exists()
    if did or went or chair.pk in {case.accepted_by_id, case.received_by_id}:
        raise NotImpartial(_("%(name)s参加过这件的审查，不能主持听证。请换一位。") % {"name": chair.name})
    if Recusal.objects.filter(case=case, staff=chair, is_granted=True).exists():
        raise NotImpartial(_("%(name)s已经回避这件，不能主持听证。请换一位。") % {"name": chair.name})


def settled_hearing(case: Case, at: datetime) -> Hearing | None:
    """
    Return the hearing the decision rests on, None when there was none; for the act that decides.

    Raises HearingOpen while one may be asked for, was asked for or is called.
    """
    hearing: Hearing | None = getattr(case, "hearing", None)
    if hearing is None:
        return None
    if rules.keeps_back(hearing.status, hearing.ask_by, localdate(at)):
        if hearing.status == Hearing.Status.TOLD:
            day = short_day(hearing.ask_by)
            raise HearingOpen(_("申请人到 %(day)s为止可以要求听证，现在还不能作决定。") % {"day": day})
        raise HearingOpen(_("听证还没有举行，举行并做好笔录以后才能作决定。"))
    return hearing if hearing.status == Hearing.Status.HELD else None


def cited(hearing: Hearing) -> str:
    """Return what the decision says of the hearing it rests on."""
    assert hearing.held_at is not None and hearing.call_notice is not None
    return f"{long_day(localdate(hearing.held_at))}举行的听证（{hearing.call_notice.number}）的笔录"


def _case_of(case_id: UUID, by: Staff) -> Case:
    case = locked(case_id)
    access.require(by, "cases.review", department=case.department, region=case.region_id)
    expect(case, Case.Status.ACCEPTED)
    return case


def _hearing(case: Case, *statuses: str) -> Hearing:
    hearing = (
        Hearing.objects.select_for_update(of=("self",))
        .select_related("chair__department", "call_notice")
        .filter(case=case)
        .first()
    )
    if hearing is None:
        raise WrongStep(_("这件还没有告知听证的权利。"))
    if hearing.status not in statuses:
        raise WrongStep(
            _("听证现在是“%(status)s”，这一步做不了。请刷新看最新进度。") % {"status": hearing.get_status_display()}
        )
    return hearing
