"""批量办理: one item for a list of people, on a day, at a place, everything prepared beforehand (S4-7, S4-8, S4-9)."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases.actions.common import WrongStep
from yimen.cases.actions.receiving import Handed, NotOffered, accept, receive
from yimen.cases.models import Case
from yimen.cases.models.bundles import Batch, BatchPerson
from yimen.cases.queries.bundles import edition_of
from yimen.catalog.models import ItemVersion
from yimen.catalog.queries import scenario
from yimen.catalog.rules import scenario as scenario_rules
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib import tables
from yimen.lib.errors import DomainError
from yimen.people import access, identity
from yimen.people import actions as people
from yimen.people.models import Applicant, ServiceCenter, Staff

MOST_PEOPLE = 1_000
# Cases made in one act, that is in one transaction; the rest by pressing again.
MOST_AT_ONCE = 200
LARGEST = 5_000_000
# What of a batch is its plan.
PLAN = ("name", "on", "place", "units", "checklist")
NAME, NUMBER, PHONE = "姓名", "身份证号", "手机号"
# What the columns of people's lists are called.
HEADINGS: Mapping[str, tuple[str, ...]] = {
    "name": (NAME, "名字", "申请人"),
    "id_number": (NUMBER, "身份证号码", "证件号码", "公民身份号码"),
    "phone": (PHONE, "手机", "电话", "联系电话", "手机号码"),
}


class BadBatch(DomainError):
    """What is typed does not make a batch."""


class BadList(DomainError):
    """
    The list has faults; nothing of it was taken. `faults`: (row as the spreadsheet shows it, sentence); `rows`: all of
    it as typed, to be put right and checked() again, empty when it could not be read.
    """

    def __init__(self, faults: Sequence[tuple[int, str]], rows: Sequence[Listed] = ()) -> None:
        self.faults, self.rows = list(faults), list(rows)
        super().__init__(_("名单里有 %(n)s 处要改，改好才能收下。这一次一个人也没有收进来。") % {"n": len(self.faults)})


@dataclass(frozen=True)
class Listed:
    """One person as the list has him; row: as the spreadsheet shows it."""

    row: int
    name: str = field(repr=False)
    id_number: str = field(repr=False)
    phone: str = field(repr=False)


@transaction.atomic
def plan_batch(
    version: ItemVersion,
    *,
    center: ServiceCenter,
    name: str,
    on: date,
    place: str,
    units: Sequence[str],
    checklist: Sequence[str],
    by: Staff,
    at: datetime,
) -> Batch:
    """
    Plan a batch: day, place, the units that come together, what is prepared beforehand (S4-8).

    Raises BadBatch, NotOffered, access.NotAllowed.
    """
    item = version.item
    access.require(by, "cases.receive", department=item.department, region=item.region_id)
    if item.published_id != version.pk:
        raise NotOffered(_("这个事项没有发布，请选一个正在办的事项。"))
    batch = Batch(region_id=item.region_id, center=center, version=version, checklist=[], made_by=by, made_at=at)
    _write_plan(batch, name=name, on=on, place=place, units=units, checklist=checklist, at=at)
    batch.save(force_insert=True)
    _record(batch, "batch.planned", by, at, {"item": item.task_code, "on": on.isoformat(), "units": batch.units})
    return batch


def _write_plan(
    batch: Batch, *, name: str, on: date, place: str, units: Sequence[str], checklist: Sequence[str], at: datetime
) -> None:
    asked, todo = ([one.strip() for one in of if one.strip()] for of in (units, checklist))
    if not name.strip() or not place.strip() or not asked or not todo:
        raise BadBatch(_("请写全：叫什么、在哪里办、哪些单位参加、要先准备什么。"))
    if on != batch.on and on < localdate(at):
        raise BadBatch(_("集中办理的日子已经过去了，请选今天或者以后的一天。"))
    ready = {line["text"]: line for line in batch.checklist}
    batch.name, batch.on, batch.place = name.strip()[:120], on, place.strip()[:160]
    batch.units = [one[:120] for one in asked[:20]]
    batch.checklist = [ready.get(one[:200], {"text": one[:200], "done_at": "", "by": ""}) for one in todo[:30]]


@transaction.atomic
def change_plan(
    batch_id: UUID,
    *,
    name: str,
    on: date,
    place: str,
    units: Sequence[str],
    checklist: Sequence[str],
    by: Staff,
    at: datetime,
) -> Batch:
    """
    Change a plan before anything was received; what is ready stays ready. The same plan again: nothing happens.

    Raises BadBatch, WrongStep once received, access.NotAllowed.
    """
    batch = _locked(batch_id, by)
    _expect_planned(batch)
    was = {name: getattr(batch, name) for name in PLAN}
    _write_plan(batch, name=name, on=on, place=place, units=units, checklist=checklist, at=at)
    if changed := [name for name in PLAN if getattr(batch, name) != was[name]]:
        batch.save(update_fields=changed)
        _record(batch, "batch.replanned", by, at, {"changed": changed, "on": on.isoformat()})
    return batch


@transaction.atomic
def tick(batch_id: UUID, place: int, *, by: Staff, at: datetime, is_ready: bool = True) -> Batch:
    """
    Tick off one line of what is prepared, or (not is_ready) take the tick back; a second time changes nothing.

    Raises WrongStep for no such line.
    """
    batch = _locked(batch_id, by)
    if not 0 <= place < len(batch.checklist):
        raise WrongStep(_("准备清单里没有这一条，请刷新页面。"))
    if bool(batch.checklist[place]["done_at"]) == is_ready:
        return batch
    batch.checklist[place] |= {"done_at": at.isoformat(), "by": by.number} if is_ready else {"done_at": "", "by": ""}
    batch.save(update_fields=["checklist"])
    _record(batch, "batch.prepared" if is_ready else "batch.unprepared", by, at, {"line": place})
    return batch


def read_list(content: bytes, name: str, *, today: date) -> list[Listed]:
    """
    Return the people of a csv or xlsx file; nothing is written. Raises BadList with every fault of every row,
    tables.Unreadable for what is no list.
    """
    if len(content) > LARGEST:
        raise tables.Unreadable(_("文件太大，最多 5 MB。请分成几份。"))
    limits = tables.Limits(size=LARGEST, unpacked=50_000_000, rows=MOST_PEOPLE, columns=60, text=1_000)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"list{Path(name).suffix[:8].lower()}"
        path.write_bytes(content)
        expect = [word for words in HEADINGS.values() for word in words]
        table = tables.open_table(path, name=name, expect=expect, limits=limits)
        columns = {key: next((one for one in words if one in table.headings), "") for key, words in HEADINGS.items()}
        if missing := [words[0] for key, words in HEADINGS.items() if not columns[key]]:
            raise BadList([(table.heading_row, _("没有“%(name)s”这一列。") % {"name": one}) for one in missing])
        rows = list(table.rows())
    found, problems = [], {}
    for record in rows:
        said = {key: str(record.values.get(heading, "")).strip() for key, heading in columns.items()}
        found.append(Listed(record.number, said["name"][:120], said["id_number"].upper()[:60], said["phone"][:60]))
        problems[record.number] = record.problem
    if not found:
        raise BadList([(table.heading_row, _("表头下面一个人也没有。"))])
    return checked(found, today=today, problems=problems)


def checked(rows: Sequence[Listed], *, today: date, problems: Mapping[int, str] | None = None) -> list[Listed]:
    """Return `rows` when all are right. problems: what reading found, by row. Raises BadList with every fault."""
    faults, seen = [], dict[str, int]()
    for one in rows:
        faults += [(one.row, fault) for fault in _faults(one, (problems or {}).get(one.row, ""), today, seen)]
        seen.setdefault(one.id_number, one.row)
    if faults:
        raise BadList(faults, rows)
    return list(rows)


def _faults(one: Listed, problem: str, today: date, seen: Mapping[str, int]) -> list[str]:
    """What is wrong with one row; no sentence repeats a number."""
    found = [problem] if problem else []
    if not one.name or "\x00" in one.name:
        found.append(_("没有写姓名。"))
    try:
        identity.check_resident_id(one.id_number, today=today)
    except identity.InvalidIdentity as error:
        found.append(str(error))
    else:
        if one.id_number in seen:
            found.append(_("和第 %(row)s 行是同一个人。") % {"row": seen[one.id_number]})
    try:
        identity.check_phone(one.phone)
    except identity.InvalidIdentity as error:
        found.append(str(error))
    return found


@transaction.atomic
def put_list(batch_id: UUID, listed: Sequence[Listed], *, by: Staff, at: datetime) -> Batch:
    """
    Write the list of people down, instead of the one before; all of it or nothing. Raises WrongStep once received.

    listed: of read_list(). The same list again leaves the same people.
    """
    batch = _locked(batch_id, by)
    _expect_planned(batch)
    if not listed or len(listed) > MOST_PEOPLE:
        raise BadBatch(_("一批最多 %(most)s 人，至少 1 人。") % {"most": MOST_PEOPLE})
    BatchPerson.objects.filter(batch=batch).delete()
    BatchPerson.objects.bulk_create(
        BatchPerson(region_id=batch.region_id, batch=batch, position=n, applicant=_registered(batch, one, by, at))
        for n, one in enumerate(listed, 1)
    )
    _record(batch, "batch.listed", by, at, {"people": len(listed)})
    return batch


@transaction.atomic
def add_person(batch_id: UUID, one: Listed, *, by: Staff, at: datetime) -> Batch:
    """Put one more person at the end of the list; who is on it already stays once. Raises BadBatch, WrongStep."""
    batch = _locked(batch_id, by)
    _expect_planned(batch)
    there = BatchPerson.objects.filter(batch=batch)
    if there.count() >= MOST_PEOPLE:
        raise BadBatch(_("一批最多 %(most)s 人，至少 1 人。") % {"most": MOST_PEOPLE})
    if faults := _faults(one, "", localdate(at), {}):
        raise BadBatch("".join(faults))
    applicant = _registered(batch, one, by, at)
    if not there.filter(applicant=applicant).exists():
        last = there.order_by("-position").values_list("position", flat=True).first() or 0
        BatchPerson.objects.create(region_id=batch.region_id, batch=batch, position=last + 1, applicant=applicant)
        _record(batch, "batch.person_added", by, at, {"people": there.count()})
    return batch


@transaction.atomic
def remove_person(batch_id: UUID, position: int, *, by: Staff, at: datetime) -> Batch:
    """Take one person off the list before it is received; gone already: nothing happens. Raises WrongStep."""
    batch = _locked(batch_id, by)
    _expect_planned(batch)
    there = BatchPerson.objects.filter(batch=batch)
    if there.filter(position=position).delete()[0]:
        _record(batch, "batch.person_removed", by, at, {"people": there.count()})
    return batch


def _expect_planned(batch: Batch) -> None:
    if batch.status == Batch.Status.CLOSED:
        raise WrongStep(_("这一批已经结束，不能再收。"))
    if batch.status != Batch.Status.PLANNED:
        raise WrongStep(_("这一批已经收件了，名单不能再换。漏了的人请另开一批，或者在窗口单独收。"))


def _registered(batch: Batch, one: Listed, by: Staff, at: datetime) -> Applicant:
    return people.register_applicant(
        region=batch.region_id,
        kind=Applicant.Kind.PERSON,
        name=one.name,
        id_number=one.id_number,
        phone=one.phone,
        by=by,
        at=at,
        is_demo=batch.center.is_demo,
    )


@dataclass(frozen=True)
class Received:
    """made: cases opened by this act; refused: people for whom it was not possible; left: still to do."""

    made: int
    refused: int
    left: int


@transaction.atomic
def receive_batch(
    batch_id: UUID,
    *,
    materials: Mapping[UUID, Handed],
    by: Staff,
    at: datetime,
    chosen: Collection[str] = (),
    most: int = MOST_AT_ONCE,
    again: bool = False,
) -> Received:
    """
    Open a case for everybody on the list who has none, each with his own numbers and receipt, at most `most` in one act
    (S4-7). Again, or by two at once: nobody gets a second one.

    materials: what everybody handed in, by ItemMaterial id. Whoever cannot be received has the reason in his row; the
    others go on. again: when nobody else is left, try those who could not be received before. Until the first case is
    open the item's newest edition counts. Raises WrongStep without a list or when it is closed, NotOffered,
    IncompleteAnswers, DeadEnd.
    """
    batch = _locked(batch_id, by)
    if batch.status == Batch.Status.CLOSED:
        raise WrongStep(_("这一批已经结束，不能再收。"))
    version = edition_of(batch)
    if version.item.published_id != version.pk:
        raise NotOffered(_("这个事项换了新版本，请另开一批。"))
    if set(materials) - {material.pk for material in version.materials.all()}:
        raise NotOffered(_("这个事项已经换了新版本，请刷新页面，按新的办事指南收件。"))
    scenario_rules.check_answers(scenario.questions_of(version), list(chosen))
    waiting = BatchPerson.objects.filter(batch=batch, case=None, fault="").select_related("applicant")
    if again and not waiting.exists():
        BatchPerson.objects.filter(batch=batch, case=None).update(fault="")
    people_now = list(waiting.order_by("position")[:most])
    if not people_now and not BatchPerson.objects.filter(batch=batch).exists():
        raise WrongStep(_("还没有名单。先把名单传上来，再一起收件。"))
    made = refused = 0
    for person in people_now:
        assert person.applicant is not None
        try:
            with transaction.atomic():
                case = receive(
                    version, person.applicant, center=batch.center, materials=materials, by=by, at=at, chosen=chosen
                )
                case.batch = batch
                case.save(update_fields=["batch"])
        except DomainError as error:
            person.fault, refused = str(error)[:300], refused + 1
        else:
            person.case, made = case, made + 1
        person.save(update_fields=["case", "fault"])
    if made and batch.status == Batch.Status.PLANNED:
        batch.status, batch.received_at, batch.version = Batch.Status.RECEIVED, at, version
        batch.save(update_fields=["status", "received_at", "version"])
    left = waiting.count()
    if people_now:
        _record(batch, "batch.received", by, at, {"made": made, "refused": refused, "left": left})
    return Received(made, refused, left)


@dataclass(frozen=True)
class Accepted:
    """count: cases accepted by this act; refused: (number, reason) of those that cannot be; left: still to do."""

    count: int
    refused: Sequence[tuple[str, str]]
    left: int


@transaction.atomic
def accept_batch(batch_id: UUID, *, by: Staff, at: datetime, most: int = MOST_AT_ONCE) -> Accepted:
    """
    Accept the cases of a batch that wait for it, at most `most` in one act, each as accept() does: what cannot be
    accepted stays as it is and says why. Again: only those that are left. Raises access.NotAllowed.
    """
    batch = _locked(batch_id, by)
    access.require(by, "cases.accept", department=batch.version.item.department, region=batch.region_id)
    received = Case.objects.filter(batch=batch, status=Case.Status.RECEIVED).order_by("query_no")
    count, refused = 0, list[tuple[str, str]]()
    for pk, number in received.values_list("pk", "query_no")[:most]:
        try:
            with transaction.atomic():
                accept(pk, by=by, at=at)
        except DomainError as error:
            refused.append((number, str(error)))
        else:
            count += 1
    if count:
        _record(batch, "batch.accepted", by, at, {"accepted": count, "refused": len(refused)})
    return Accepted(count, refused, received.count() - len(refused))


@transaction.atomic
def close_batch(batch_id: UUID, *, by: Staff, at: datetime) -> Batch:
    """
    End a batch when everybody has been received or turned down, or give up one that was only planned: its list goes.

    Closed already: nothing happens. Raises WrongStep while somebody is left.
    """
    batch = _locked(batch_id, by)
    if batch.status == Batch.Status.CLOSED:
        return batch
    there = BatchPerson.objects.filter(batch=batch)
    was_planned = batch.status == Batch.Status.PLANNED
    if was_planned:
        there.delete()
    elif there.filter(case=None, fault="").exists():
        raise WrongStep(_("名单上还有人没有收件，收完再结束。"))
    batch.status = Batch.Status.CLOSED
    batch.save(update_fields=["status"])
    _record(batch, "batch.given_up" if was_planned else "batch.closed", by, at, {})
    return batch


def _locked(pk: UUID, by: Staff) -> Batch:
    found = Batch.objects.select_for_update(of=("self",))
    batch = found.select_related("version__item__department", "version__item__published", "center").get(pk=pk)
    access.require(by, "cases.receive", department=batch.version.item.department, region=batch.region_id)
    return batch


def _record(batch: Batch, kind: str, by: Actor, at: datetime, data: dict[str, Any]) -> None:
    ledger.record(f"batch:{batch.pk}", kind, region=batch.region_id, by=by, at=at, data=data)
