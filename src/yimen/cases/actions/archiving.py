"""
The archive of finished cases: packed into one file each, kept, handed over, deleted by two hands (CERT-10, LAW-30).

The file is on the disk before its row; a row that says "deleted" is committed before the file goes, and stays.
"""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases.actions import common
from yimen.cases.actions.common import WrongStep
from yimen.cases.documents import archive as packed
from yimen.cases.documents import store
from yimen.cases.models import ArchivePackage, Case, Notice, RetentionRule, SignedNotice
from yimen.catalog import queries as catalog
from yimen.catalog.models import ServiceItem
from yimen.ledger import actions as ledger
from yimen.ledger.actions import SYSTEM, Actor
from yimen.lib import packing
from yimen.lib.each import is_cut_off
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Region, Staff

log = logging.getLogger("yimen.cases")

FINISHED = (Case.Status.DELIVERED, Case.Status.DECLINED, Case.Status.WITHDRAWN)
# Local rules a place may set: days after the end of a case until it is packed, years an archive is kept. [GKU]
ARCHIVE_AFTER_KEY, ARCHIVE_AFTER_DAYS = "archive_after_days", 10
ARCHIVE_YEARS_KEY, ARCHIVE_YEARS = "archive_years", 10
LEAST_GROUND = 6


class NotYet(DomainError):
    """The archive cannot be touched like this now."""


class OneHand(DomainError):
    """Whoever asks for a deletion does not approve it."""


class GroundMissing(DomainError):
    """A deletion or a rule says why."""


def ended_at(case: Case) -> datetime | None:
    """Return when a finished case ended: delivered, withdrawn or declined; None while it goes on."""
    match case.status:
        case Case.Status.DELIVERED:
            return case.delivered_at
        case Case.Status.WITHDRAWN:
            return case.withdrawn_at
        case Case.Status.DECLINED:
            notices = case.notices.filter(kind=Notice.Kind.DECLINE).order_by("-issued_at")
            return notices.values_list("issued_at", flat=True).first() or case.received_at
    return None


def retention(case: Case, *, ended: datetime) -> tuple[date | None, str, str]:
    """
    Return until when the archive of a case is kept (None: for ever), by which rule, and that in Chinese words.

    The newest rule for the item counts, else the newest for every item, else the place's years (local rule). Years
    are counted from 1 January after the end of the case.
    """
    day = localdate(ended)
    rules = RetentionRule.objects.filter(region_id=case.region_id, effective_on__lte=day)
    mine = rules.filter(Q(item=case.item_id) | Q(item=None))
    rule = mine.order_by(F("item").asc(nulls_last=True), "-effective_on").first()
    if rule is None:
        years: int | None = catalog.local_rule(case.region_id, ARCHIVE_YEARS_KEY, day, default=ARCHIVE_YEARS)
        basis = "本地规则"
    else:
        years, basis = rule.years, rule.basis
    if years is None:
        return None, basis, "永久"
    until = date(day.year + years, 12, 31)
    return until, basis, f"{years} 年，到 {until.year} 年底"


@transaction.atomic
def archive(case_id: UUID, *, by: Actor, at: datetime) -> ArchivePackage:
    """
    Pack a finished case into its archive and return it; packed already and nothing new since: the one there is.

    A case that went on afterwards (a decision was revoked) gets another edition. Raises access.NotAllowed, WrongStep
    for a case not finished, NotYet while a document waits for its seal.
    """
    case = common.locked(case_id)
    access.require(by, "archive.keep", region=case.region_id)
    ended = ended_at(case)
    if ended is None:
        raise WrongStep(_("这件还没有办完，办完了才能归档。"))
    unsealed = Notice.objects.filter(case=case, wants_seal=True).exists()
    if unsealed or SignedNotice.objects.filter(notice__case=case, signed_at=None).exists():
        raise NotYet(_("还有文书在等电子印章，盖好了再归档。"))
    latest = ArchivePackage.objects.filter(case=case).order_by("-edition").first()
    if latest is not None and latest.notice_count == case.notices.count():
        return latest
    edition = latest.edition + 1 if latest else 1
    year = localdate(at).year
    serial = common.next_number(case.region_id, f"archive:{case.center.letters}", date(year, 1, 1))
    number = f"{case.center.letters}档〔{year}〕{serial}号"
    keep_until, basis, words = retention(case, ended=ended)
    contents = packed.contents(case, number=number, keep=words, at=at)
    path = f"archives/{case.region_id}/{year}/{case.pk}-{edition}.zip"
    with store.writing(path) as file:
        packing.write(file, contents.entries, contents.facts, at=at)
        size = file.tell()
    row = ArchivePackage.objects.create(
        region_id=case.region_id,
        case=case,
        edition=edition,
        number=number,
        made_at=at,
        head=contents.head,
        notice_count=contents.notice_count,
        entry_count=len(contents.entries),
        path=path,
        sha256=store.sha256_of(store.path_of(path)),
        size=size,
        keep_until=keep_until,
        retention_basis=basis,
    )
    data = {"archive": number, "sha256": row.sha256, "size": size, "edition": edition}
    common.record(case, "case.archived", by=by, at=at, data=data)
    return row


def archive_all(*, at: datetime, most: int = 2000) -> int:
    """Pack every case whose time has come, in every region; return how many. One that fails keeps no other waiting."""
    count = 0
    for region in Region.objects.order_by("code").values_list("pk", flat=True):
        days = catalog.local_rule(region, ARCHIVE_AFTER_KEY, localdate(at), default=ARCHIVE_AFTER_DAYS)
        for case_id in due_for_archive(region, before=at - timedelta(days=days), most=most):
            try:
                archive(case_id, by=SYSTEM, at=at)
                count += 1
            except NotYet:
                continue
            except Exception as error:
                if is_cut_off():
                    raise
                log.error("case %s could not be archived: %s", case_id, type(error).__name__)
    return count


def due_for_archive(region: str, *, before: datetime, most: int) -> list[UUID]:
    """Return cases that ended before a moment and have no archive, and those with a document younger than theirs."""
    ended = Q(status=Case.Status.DELIVERED, delivered_at__lt=before)
    ended |= Q(status=Case.Status.WITHDRAWN, withdrawn_at__lt=before)
    ended |= Q(status=Case.Status.DECLINED, received_at__lt=before)
    cases = Case.objects.filter(ended, region_id=region)
    fresh = cases.filter(archives=None).order_by("received_at").values_list("pk", flat=True)[:most]
    younger = Notice.objects.filter(region_id=region, issued_at__gt=before - timedelta(days=60))
    again = younger.filter(case__archives__made_at__lt=F("issued_at"), case__status__in=FINISHED)
    found = dict.fromkeys(fresh) | dict.fromkeys(again.values_list("case", flat=True)[:most])
    return list(found)


@transaction.atomic
def read_archive(archive_id: UUID, *, by: Staff, at: datetime) -> tuple[ArchivePackage, Path]:
    """
    Return an archive and where its file lies, to be sent to `by`; who took it is in the ledger.

    Raises access.NotAllowed, NotYet when the file is deleted or gone.
    """
    row = _locked(archive_id)
    access.require(by, "archive.read", region=row.region_id)
    path = store.path_of(row.path)
    if row.deleted_at is not None or not path.is_file():
        raise NotYet(_("这份档案的文件已经不在了，只剩登记。"))
    _record(row, "archive.read", by=by, at=at)
    return row, path


@transaction.atomic
def hand_over(archive_id: UUID, *, to: str, by: Staff, at: datetime) -> ArchivePackage:
    """
    Note that an archive was handed over to the archives office; the file stays until its own end.

    Raises access.NotAllowed, NotYet, GroundMissing.
    """
    row = _locked(archive_id)
    access.require(by, "archive.keep", region=row.region_id)
    if not to.strip():
        raise GroundMissing(_("请写移交给哪个档案馆（室）。"))
    if row.deleted_at is not None or row.handed_over_at is not None:
        raise NotYet(_("这份档案已经移交过，或者已经销毁了。"))
    row.handed_over_at, row.handed_over_to = at, to.strip()[:120]
    row.save(update_fields=["handed_over_at", "handed_over_to"])
    _record(row, "archive.handed_over", by=by, at=at, data={"to": row.handed_over_to})
    return row


@transaction.atomic
def ask_deletion(archive_id: UUID, *, ground: str, by: Staff, at: datetime) -> ArchivePackage:
    """
    Ask that an archive past its retention be deleted; somebody else decides.

    Raises access.NotAllowed, NotYet before its end or when asked already, GroundMissing.
    """
    row = _locked(archive_id)
    access.require(by, "archive.keep", region=row.region_id)
    if len(ground.strip()) < LEAST_GROUND:
        raise GroundMissing(_("请写明为什么可以销毁，至少 %(n)s 个字。") % {"n": LEAST_GROUND})
    if row.deleted_at is not None or row.deletion_asked_at is not None:
        raise NotYet(_("已经有人申请过销毁，或者已经销毁了。"))
    if row.keep_until is None:
        raise NotYet(_("这份档案永久保管，不能销毁。"))
    if row.keep_until >= localdate(at):
        raise NotYet(_("保管期限到 %(day)s，没有到期不能销毁。") % {"day": row.keep_until.isoformat()})
    row.deletion_asked_by, row.deletion_asked_at, row.deletion_ground = by, at, ground.strip()[:200]
    row.save(update_fields=["deletion_asked_by", "deletion_asked_at", "deletion_ground"])
    _record(row, "archive.deletion_asked", by=by, at=at)
    return row


@transaction.atomic
def answer_deletion(archive_id: UUID, *, approve: bool, by: Staff, at: datetime) -> ArchivePackage:
    """
    Let an archive be deleted, or not. The row stays: it is the deletion register (销毁清册).

    Raises access.NotAllowed, OneHand, NotYet when nobody asked or it is done.
    """
    row = _locked(archive_id)
    access.require(by, "archive.approve", region=row.region_id)
    if row.deletion_asked_at is None or row.deleted_at is not None:
        raise NotYet(_("这份档案没有等着批准的销毁申请。请刷新看最新情况。"))
    if row.deletion_asked_by_id == by.pk:
        raise OneHand(_("这个销毁申请是您自己提的，请另一位来批准。"))
    if not approve:
        row.deletion_asked_by, row.deletion_asked_at, row.deletion_ground = None, None, ""
        row.save(update_fields=["deletion_asked_by", "deletion_asked_at", "deletion_ground"])
        _record(row, "archive.deletion_refused", by=by, at=at)
        return row
    row.deleted_at, row.deleted_by = at, by
    row.save(update_fields=["deleted_at", "deleted_by"])
    _record(row, "archive.deleted", by=by, at=at, data={"sha256": row.sha256})
    transaction.on_commit(lambda: store.remove(row.path))
    return row


def sweep_deleted() -> int:
    """Remove the files of archives whose deletion was committed when somebody died before removing them."""
    count = 0
    rows = (
        ArchivePackage.objects.filter(deleted_at__isnull=False).order_by("-deleted_at").values_list("path", flat=True)
    )
    for path in rows[:5000]:
        if store.path_of(path).exists():
            store.remove(path)
            count += 1
    return count


@transaction.atomic
def set_retention(
    region: Region | str,
    *,
    item: ServiceItem | None,
    years: int | None,
    basis: str,
    effective_on: date,
    by: Staff,
    at: datetime,
) -> RetentionRule:
    """
    Set how many years the archives of an item (None: every other item) are kept, from a day on; years None: for ever.

    Archives that lie there keep their end. Raises access.NotAllowed, GroundMissing, NotYet for a past day.
    """
    code = region if isinstance(region, str) else region.pk
    access.require(by, "archive.keep", region=code)
    if len(basis.strip()) < LEAST_GROUND:
        raise GroundMissing(_("请写依据哪个文件，至少 %(n)s 个字。") % {"n": LEAST_GROUND})
    if effective_on < localdate(at) or (years is not None and not 1 <= years <= 100):
        raise NotYet(_("从今天或以后起算，年数写 1 到 100；永久保管不写年数。"))
    rule, _made = RetentionRule.objects.update_or_create(
        region_id=code, item=item, effective_on=effective_on, defaults={"years": years, "basis": basis.strip()[:200]}
    )
    data = {"item": item.task_code if item else "", "years": years, "from": effective_on.isoformat()}
    data |= common.unsaid(rule.basis, "basis")
    ledger.record(f"retention:{code}", "archive.retention_set", region=code, by=by, at=at, data=data)
    return rule


def _locked(archive_id: UUID) -> ArchivePackage:
    return ArchivePackage.objects.select_for_update(of=("self",)).select_related("case").get(pk=archive_id)


def _record(row: ArchivePackage, kind: str, *, by: Actor, at: datetime, data: dict[str, str] | None = None) -> None:
    said = {"number": row.number} | (data or {})
    ledger.record(row.stream, kind, region=row.region_id, by=by, at=at, data=said)
