"""On the spot: what was found at each checkpoint, and the record that finishes the step (LAW-15, S2-33, S2-10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases import documents
from yimen.cases.actions import uploads
from yimen.cases.actions.common import WrongStep, checked_reasons, expect_not_moved, give, record, refuse_recused
from yimen.cases.actions.steps import expect_not_before, finish, open_tasks
from yimen.cases.actions.visits import _expect_open, _locked, expect_fit, next_visit
from yimen.cases.models import Case, Notice, SiteVisit, Task, Upload, VisitAnswer
from yimen.cases.rules import visits as rules
from yimen.catalog.models import CheckPoint
from yimen.catalog.queries import dictionaries
from yimen.lib.dates import long_moment
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Staff

FAILURES = "visit_failure"  # the dictionary of reasons
PICTURES = frozenset({"jpg", "png"})


class NotOnThisVisit(DomainError):
    """Only those who go write down what they found."""


class VisitIncomplete(DomainError):
    """A point is still open. faults: (id of the point or None, rules.visits.Fault)."""

    def __init__(self, message: str, faults: Sequence[tuple[UUID | None, rules.Fault]]) -> None:
        super().__init__(message)
        self.faults = faults


@transaction.atomic
def note_findings(
    visit_id: UUID, found: Mapping[UUID, rules.Found], *, by: Staff, at: datetime
) -> list[tuple[UUID, rules.Fault]]:
    """
    Keep what was found at some points, by id of the checkpoint; return those not kept and why.

    Answers may come one by one or all at once and again: what is the same already writes nothing. An empty finding
    takes an answer back. Raises NotOnThisVisit, WrongStep, access.NotAllowed.
    """
    case, visit = _locked(visit_id)
    _expect_surveyor(case, visit, by)
    points = {point.pk: point for point in case.version.check_points.all()}
    known = {answer.point_id: answer for answer in visit.answers.all()}
    reasons = set(dictionaries.words(FAILURES, localdate(at))) if any(one.failure for one in found.values()) else set()
    wrong: list[tuple[UUID, rules.Fault]] = []
    changed: dict[str, str] = {}
    for pk, one in found.items():
        if pk not in points or one.finding not in {"", *VisitAnswer.Finding.values}:
            raise WrongStep(_("核查要点变了，请刷新这一页。"))
        failure = one.failure if one.finding == rules.FAILED and one.failure in reasons else ""
        one = rules.Found(one.finding, failure, one.note.strip()[:300])
        if fault := rules.answer_fault(one):
            wrong.append((pk, fault))
        elif _keep(visit, points[pk], known.get(pk), one):
            changed[str(pk)] = one.finding
    if changed:
        if visit.started_at is None:
            visit.started_at = at
            visit.save(update_fields=["started_at"])
        record(case, "case.visit_noted", by=by, at=at, data={"visit": str(visit.pk), "points": changed})
    return wrong


def _keep(visit: SiteVisit, point: CheckPoint, answer: VisitAnswer | None, one: rules.Found) -> bool:
    """Write one answer; False when it stood so already."""
    if not one.finding and answer is None:
        return False
    said = {"finding": one.finding, "failure": one.failure, "note": one.note}
    if answer is None:
        VisitAnswer.objects.create(region_id=visit.region_id, visit=visit, point=point, **said)
        return True
    if all(getattr(answer, name) == value for name, value in said.items()):
        return False
    for name, value in said.items():
        setattr(answer, name, value)
    answer.save(update_fields=list(said))
    return True


class _Known(Exception):
    def __init__(self, upload: Upload) -> None:
        super().__init__()
        self.upload = upload


@transaction.atomic
def add_photo(
    visit_id: UUID, point_id: UUID, file: uploads.Incoming, *, by: Staff, at: datetime
) -> tuple[VisitAnswer, Upload]:
    """
    Keep a photo taken at a point, the same one once; it may come before the finding. Raises uploads.Refused for what
    is no picture, uploads.TooMuch, NotOnThisVisit, WrongStep, access.NotAllowed.
    """
    case, visit = _locked(visit_id)
    _expect_surveyor(case, visit, by)
    point = case.version.check_points.filter(pk=point_id).first()
    if point is None:
        raise WrongStep(_("核查要点变了，请刷新这一页。"))
    answer, _new = VisitAnswer.objects.get_or_create(
        visit=visit, point=point, defaults={"region_id": case.region_id, "finding": ""}
    )
    try:
        with transaction.atomic():
            upload = uploads.take(file, owner=by, region=case.region_id, at=at, case=case)
            if upload.kind not in PICTURES:
                raise DomainError(_("请拍照，或者选 JPG、PNG 图片。"))
            if known := answer.photos.filter(sha256=upload.sha256, removed_at=None).first():
                raise _Known(known)
    except _Known as again:
        return answer, again.upload  # the copy has no row and is swept up
    answer.photos.add(upload)
    if visit.started_at is None:
        visit.started_at = at
        visit.save(update_fields=["started_at"])
    data = {"visit": str(visit.pk), "point": str(point.pk), "upload": str(upload.pk)}
    record(case, "case.visit_photo", by=by, at=at, data=data)
    return answer, upload


@transaction.atomic
def drop_photo(visit_id: UUID, upload_id: UUID, *, by: Staff, at: datetime) -> None:
    """
    Take a photo out again while the visit is open; twice is once. Raises NotOnThisVisit, WrongStep, access.NotAllowed.
    """
    case, visit = _locked(visit_id)
    _expect_surveyor(case, visit, by)
    answer = visit.answers.filter(photos=upload_id).first()
    if answer is None:
        return
    upload = Upload.objects.select_for_update().get(pk=upload_id)
    answer.photos.remove(upload)
    uploads.drop(upload, by=by, at=at)
    data = {"visit": str(visit.pk), "point": str(answer.point_id), "upload": str(upload.pk)}
    record(case, "case.visit_photo_dropped", by=by, at=at, data=data)


@transaction.atomic
def close_visit(
    visit_id: UUID,
    *,
    by: Staff,
    at: datetime,
    signed_by: str,
    remarks: str = "",
    look_again: bool = False,
) -> SiteVisit:
    """
    Close the visit with what was found: it makes the record and finishes the step.

    One failing fails the visit; with look_again the step stays open then and the next visit is asked for, after the
    applicant has put things right. signed_by: who signed for the applicant on the spot. Raises VisitIncomplete
    (S2-33), NotOnThisVisit, steps.TooEarly, WrongStep, ReasonsMissing, access.NotAllowed.
    """
    case, visit = _locked(visit_id)
    people = _expect_surveyor(case, visit, by)
    expect_not_moved(case)
    expect_fit(visit.task, people)
    refuse_recused(case, people)
    assert visit.planned_for is not None
    if localdate(at) < localdate(visit.planned_for):
        raise WrongStep(_("约的日子还没到。提前去了的，请先把约的时间改过来。"))
    expect_not_before(visit.started_at or visit.called_at or visit.asked_at, at)
    points = list(case.version.check_points.all())
    answers = {answer.point_id: answer for answer in visit.answers.prefetch_related("photos")}
    found = {pk: rules.Found(one.finding, one.failure, one.note, len(one.photos.all())) for pk, one in answers.items()}
    wanted = [rules.Point(point.pk, point.is_mandatory, point.needs_photo) for point in points]
    if faults := rules.faults(wanted, found):
        raise VisitIncomplete(incomplete_words(faults, {point.pk: point for point in points}), faults)  # type: ignore[arg-type]
    if not points:
        raise WrongStep(_("这个事项没有核查要点，请在办件页上写意见办结。"))
    result = rules.result_of(found)
    if not signed_by.strip():
        raise DomainError(_("请写在场的人是谁签的字；没有人签的，写明为什么。"))
    if result == rules.FAILED:
        checked_reasons(remarks)
    visit.status, visit.result, visit.done_at = SiteVisit.Status.DONE, result, at
    visit.started_at = visit.started_at or at
    visit.remarks, visit.signed_by = remarks.strip(), signed_by.strip()[:60]
    letter = _record_letter(visit, points, answers, people, on=at)
    visit.record = give(case, Notice.Kind.VISIT_RECORD, by=by, at=at, letter=letter)
    visit.save()
    failures = {str(one.point_id): one.failure for one in answers.values() if one.failure}
    data = {
        "task": visit.task.step_key,
        "visit": str(visit.pk),
        "number": visit.number,
        "result": result,
        "failures": failures,
        "surveyors": [str(person.pk) for person in people],
    }
    if result == rules.FAILED and look_again:
        record(case, "case.visit_failed", by=by, at=at, data=data)
        visit.case = case
        next_visit(visit, at=at)
        return visit
    task = visit.task
    outcome = Task.Outcome.PASSED if result == rules.PASSED else Task.Outcome.REJECTED
    finish(task, outcome=outcome, opinion=remarks, by=by, at=at)
    task.surveyors.set(people)
    record(case, "case.task_done", by=by, at=at, data=data | {"outcome": outcome})
    open_tasks(case, at=at)
    return visit


def _expect_surveyor(case: Case, visit: SiteVisit, by: Staff) -> list[Staff]:
    """Return who goes. Raises unless the visit is agreed, by two or more, and `by` is one of them."""
    access.require(by, "cases.review", department=visit.task.department, region=visit.task.department.region_id)
    _expect_open(case, visit)
    if visit.status != SiteVisit.Status.AGREED:
        raise WrongStep(_("还没有约好时间和两名核查人员，请先打电话约好。"))
    people = list(visit.surveyors.order_by("pk"))
    if by.pk not in {person.pk for person in people}:
        raise NotOnThisVisit(_("核查结果由去现场的人来记。换人去的，请先改约定。"))
    return people


def incomplete_words(faults: Sequence[tuple[object, rules.Fault]], points: Mapping[object, CheckPoint]) -> str:
    """Return one sentence that names the first open point and counts the others."""
    key, fault = faults[0]
    if key is None:
        return _("核查单还是空的，至少要看一项。")
    words = {
        rules.Fault.EMPTY: _("“%(point)s”是必查的，还没有记"),
        rules.Fault.NO_REASON: _("“%(point)s”不合格，请选原因"),
        rules.Fault.NO_PHOTO: _("“%(point)s”要拍照，还没有照片"),
        rules.Fault.NOT_SAID_WHY_NA: _("“%(point)s”是必查的，不涉及要写明为什么"),
    }[fault] % {"point": points[key].text}
    if len(faults) == 1:
        return words + _("。")
    return _("%(first)s；另外还有 %(n)d 处。") % {"first": words, "n": len(faults) - 1}


def _record_letter(
    visit: SiteVisit,
    points: Sequence[CheckPoint],
    answers: Mapping[UUID, VisitAnswer],
    people: Sequence[Staff],
    *,
    on: datetime,
) -> documents.Letter:
    labels = {term.key: term.label for term in dictionaries.terms(FAILURES, localdate(on))}
    words = {"passed": "合格", "failed": "不合格", "na": "不涉及"}
    rows = []
    for n, point in enumerate(points, 1):
        answer = answers.get(point.pk)
        why = [labels.get(answer.failure, answer.failure), answer.note] if answer else []
        photos = len(answer.photos.all()) if answer else 0
        why += [f"照片 {photos} 张"] if photos else []
        found = words.get(answer.finding, "没有看") if answer else "没有看"
        rows.append((f"{n}", point.text + (f"（{point.standard}）" if point.standard else ""), found,
                     "；".join(part for part in why if part)))  # fmt: skip
    assert visit.started_at is not None
    facts = [
        ("核查时间", f"{long_moment(visit.started_at)} 到 {long_moment(on)}"),
        ("核查地点", visit.address),
        ("核查人员", f"{len(people)} 人，工号 {'、'.join(person.number for person in people)}"),
        ("核查次数", f"第 {visit.number} 次"),
        ("核查结果", words[visit.result]),
    ]
    return documents.Letter(
        opening=["核查人员到现场逐项看了下面各点，记录如下。"],
        facts=facts,
        head=("序号", "核查要点", "结果", "说明"),
        rows=rows,
        closing=[f"说明：{visit.remarks}" if visit.remarks else "没有其他说明。", f"在场人员签字：{visit.signed_by}"],
    )
