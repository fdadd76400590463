"""
Files handed in: taken at once or in pieces, looked into, kept under their own id (SEC-39, lesson 7).

Files come before rows. A piece is on the disk before its row says so; a file is whole, looked into and synced before
its row says READY. What a row says is therefore always there; what lies there without a row is swept up by a job.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any, Protocol
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from yimen.cases.models import ApplicationDraft, Case, Upload
from yimen.catalog.models import ItemMaterial
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib import crypto
from yimen.lib.each import one_by_one
from yimen.lib.errors import DomainError
from yimen.lib.ids import uuid7
from yimen.lib.uploads import FAULTS, Found, Refused, Store, WrongOffset, clean_name
from yimen.people.models import Region

NAME = "upload.name"

__all__ = ["FAULTS", "Refused", "TooMuch", "WrongOffset", "take"]


class TooMuch(DomainError):
    """All files of the draft or case together would be too large, or too many."""


class NotComing(DomainError):
    """The file is here already, was refused or was removed: no piece can be added."""


class Incoming(Protocol):
    """A file as a form brings it."""

    @property
    def name(self) -> str | None: ...

    @property
    def size(self) -> int | None: ...

    def chunks(self) -> Iterator[bytes]: ...


MOST_FILES = 200


def store() -> Store:
    """The folder files lie in."""
    return Store(Path(settings.UPLOADS))


def take(
    file: Incoming,
    *,
    owner: Actor,
    region: Region | str,
    at: datetime,
    case: Case | None = None,
    draft: ApplicationDraft | None = None,
    material: ItemMaterial | None = None,
) -> Upload:
    """
    Keep a file that came whole, and return its row. Whether `owner` may add to `case` or `draft` is for the caller.

    Call it outside or inside the act's transaction: a file whose act is undone is swept up later. Raises Refused
    (its `fault` is a key of FAULTS; the sentence says what to do instead), TooMuch.
    """
    pk, name = uuid7(), clean_name(file.name or "")
    if (file.size or 0) > settings.UPLOAD_MAX_BYTES:
        raise Refused("too_large")
    _check_room(case, draft, file.size or 0)
    here = store()
    try:
        here.add(pk, 0, iter(file.chunks()), most=settings.UPLOAD_MAX_BYTES)
        found = here.finish(pk, name, scanner=settings.CLAMD)
    except BaseException:
        here.remove(pk)
        raise
    upload = Upload(
        id=pk,
        region_id=_code(region),
        owner=owner.ledger_ref,
        draft=draft,
        case=case,
        material=material,
        name_sealed=crypto.seal(name, NAME),
        size=found.size,
        made_at=at,
    )
    with transaction.atomic():
        _lock_room(case, draft)
        _check_room(case, draft, found.size)
        _ready(upload, found, at)
        upload.save(force_insert=True)
        record_taken(upload, by=owner, at=at)
    return upload


@transaction.atomic
def start(
    name: str,
    size: int,
    *,
    owner: Actor,
    region: Region | str,
    at: datetime,
    case: Case | None = None,
    draft: ApplicationDraft | None = None,
    material: ItemMaterial | None = None,
) -> Upload:
    """
    Announce a file of `size` bytes that comes in pieces; a file of this name and size that stopped half-way in the
    same place goes on. Raises Refused, TooMuch.
    """
    if size <= 0:
        raise Refused("empty")
    if size > settings.UPLOAD_MAX_BYTES:
        raise Refused("too_large")
    name = clean_name(name)
    _lock_room(case, draft)
    begun = Upload.objects.filter(
        region_id=_code(region),
        owner=owner.ledger_ref,
        case=case,
        draft=draft,
        material=material,
        size=size,
        state=Upload.State.COMING,
        removed_at=None,
    )
    for one in begun:
        if name_of(one) == name:
            return one
    _check_room(case, draft, size)
    return Upload.objects.create(
        region_id=_code(region),
        owner=owner.ledger_ref,
        draft=draft,
        case=case,
        material=material,
        name_sealed=crypto.seal(name, NAME),
        size=size,
        made_at=at,
    )


@transaction.atomic
def add(upload_id: UUID, offset: int, piece: IO[bytes] | Iterator[bytes], *, by: Actor) -> Upload:
    """
    Add a piece that begins at byte `offset`; a piece sent again is written again and changes nothing.

    Raises WrongOffset, whose `at` says from where to go on, Refused("too_large") past the announced size, NotComing.
    """
    upload = _own(upload_id, by)
    if upload.state != Upload.State.COMING:
        raise NotComing(_("这个文件已经传完了，请刷新页面看看。"))
    if offset > upload.received:
        raise WrongOffset(upload.received)
    here = store().add(upload.pk, offset, piece, most=upload.size)
    if here > upload.received or offset < upload.received:
        upload.received = here
        upload.save(update_fields=["received"])
    return upload


def finish(upload_id: UUID, *, by: Actor, at: datetime) -> Upload:
    """
    Look into a file whose pieces are all here, and keep it; asked again, the same row comes back.

    A file that cannot be taken is REFUSED with its fault and gone. Raises WrongOffset while bytes are missing.
    """
    with transaction.atomic():
        upload = _own(upload_id, by)
        if upload.state != Upload.State.COMING:
            return upload
        if upload.received < upload.size:
            raise WrongOffset(upload.received)
        try:
            found = store().finish(upload.pk, name_of(upload), scanner=settings.CLAMD)
        except Refused as error:
            if error.fault == "scanner":
                raise
            upload.state, upload.fault = Upload.State.REFUSED, error.fault
            upload.save(update_fields=["state", "fault"])
            transaction.on_commit(lambda: store().remove(upload.pk))
            return upload
        _ready(upload, found, at)
        upload.save(update_fields=["state", "kind", "size", "received", "sha256", "ready_at"])
        record_taken(upload, by=by, at=at)
        return upload


@transaction.atomic
def remove(upload_id: UUID, *, by: Actor, at: datetime) -> Upload:
    """
    Take a file out of a draft again; twice is once. Raises DomainError for a file that was handed in with a case:
    what a case was decided on stays.
    """
    upload = _own(upload_id, by)
    if upload.removed_at is not None:
        return upload
    if upload.case_id is not None:
        raise DomainError(_("这个文件已经交上去了，不能拿走。要换，请传新的，经办人以新的为准。"))
    drop(upload, by=by, at=at)
    return upload


def again(
    upload: Upload, *, by: Actor, at: datetime, draft: ApplicationDraft, material: ItemMaterial | None = None
) -> Upload:
    """Hand in an earlier file of one's own once more, without sending it again. Raises TooMuch."""
    if upload.owner != by.ledger_ref or upload.state != Upload.State.READY or upload.removed_at is not None:
        raise DomainError(_("找不到这个文件了，请重新传一次。"))
    pk = uuid7()
    store().link(pk, upload.pk)
    try:
        with transaction.atomic():
            _lock_room(None, draft)
            _check_room(None, draft, upload.size)
            new = Upload(
                id=pk,
                region_id=upload.region_id,
                owner=upload.owner,
                draft=draft,
                material=material,
                name_sealed=crypto.seal(name_of(upload), NAME),
                size=upload.size,
                made_at=at,
            )
            _ready(new, Found(upload.kind, upload.size, upload.sha256), at)
            new.save(force_insert=True)
            record_taken(new, by=by, at=at, of=upload)
    except BaseException:
        store().remove(pk)
        raise
    return new


def open_file(upload: Upload) -> IO[bytes]:
    """Return the file, open for reading. Raises FileNotFoundError once it was removed."""
    return store().open(upload.pk)


def name_of(upload: Upload) -> str:
    """Return the name its owner gave the file; it may name people."""
    return crypto.open_sealed(upload.name_sealed, NAME)


def remove_loose(*, at: datetime) -> int:
    """Remove files that belong to no case and no open draft for UPLOAD_KEPT_DAYS; return how many."""
    before = at - timedelta(days=settings.UPLOAD_KEPT_DAYS)
    # Files for several items lie with their draft until all items ended: what begins later takes them from there.
    is_open = Q(draft__isnull=False, draft__deleted_at=None) & ~Q(draft__bundle_case__finished_at__lt=before)
    loose = Upload.objects.filter(case=None, removed_at=None, made_at__lt=before).exclude(
        is_open & Q(state=Upload.State.READY)
    )

    @transaction.atomic
    def remove(pk: UUID) -> bool:
        upload = Upload.objects.select_for_update().get(pk=pk)
        if upload.case_id is not None or upload.removed_at is not None:
            return False
        drop(upload, by=ledger.SYSTEM, at=at)
        return True

    return one_by_one(list(loose.values_list("pk", flat=True)[:1000]), remove, what="loose file not removed")


def sweep(*, at: datetime) -> int:
    """Remove files without a row, left by acts that were undone more than a day ago; return how many."""
    here, old = store(), (at - timedelta(days=1)).timestamp()

    def remove(pk: UUID) -> bool:
        if Upload.objects.filter(pk=pk, removed_at=None).exists():
            return False
        here.remove(pk)
        return True

    return one_by_one((pk for pk, written in here.ids() if written < old), remove, what="stray file not removed")


def reseal_all() -> int:
    """Seal every kept file that lies here plain or under an older key anew, one by one (SEC-44); return how many."""
    here = store()

    @transaction.atomic
    def reseal(pk: UUID) -> bool:
        # Locked, so that nobody removes it meanwhile.
        kept = Upload.objects.select_for_update(of=("self",)).filter(pk=pk, state=Upload.State.READY, removed_at=None)
        return kept.exists() and here.reseal(pk)

    return one_by_one((pk for pk, _written in here.ids() if here.is_behind(pk)), reseal, what="file not sealed anew")


def _code(region: Region | str) -> str:
    return region if isinstance(region, str) else region.pk


def _own(upload_id: UUID, by: Actor) -> Upload:
    """The locked row of one's own; somebody else's is as good as none."""
    upload = Upload.objects.select_for_update(of=("self",)).filter(pk=upload_id, owner=by.ledger_ref).first()
    if upload is None:
        raise DomainError(_("找不到这个文件，请重新传一次。"))
    return upload


def _ready(upload: Upload, found: Found, at: datetime) -> None:
    upload.state, upload.kind, upload.sha256 = Upload.State.READY, found.kind, found.sha256
    upload.size = upload.received = found.size
    upload.ready_at = at


def record_taken(upload: Upload, *, by: Actor, at: datetime, of: Upload | None = None) -> None:
    data: dict[str, Any] = {"kind": upload.kind, "size": upload.size, "sha256": upload.sha256}
    data |= {"case": str(upload.case_id)} if upload.case_id else {}
    data |= {"of": str(of.pk)} if of else {}
    ledger.record(f"upload:{upload.pk}", "upload.taken", region=upload.region_id, by=by, at=at, data=data)


def drop(upload: Upload, *, by: Actor, at: datetime) -> None:
    """Take away a locked file whoever's it is; the act that calls it has asked for the right."""
    upload.removed_at = at
    upload.save(update_fields=["removed_at"])
    ledger.record(f"upload:{upload.pk}", "upload.removed", region=upload.region_id, by=by, at=at)
    transaction.on_commit(lambda: store().remove(upload.pk))


def _lock_room(case: Case | None, draft: ApplicationDraft | None) -> None:
    """Files of one draft or case are counted one after the other."""
    if case is not None:
        Case.objects.select_for_update(no_key=True).only("pk").get(pk=case.pk)
    elif draft is not None:
        ApplicationDraft.objects.select_for_update(no_key=True).only("pk").get(pk=draft.pk)


def _check_room(case: Case | None, draft: ApplicationDraft | None, size: int) -> None:
    if case is None and draft is None:
        return
    here = Upload.objects.filter(removed_at=None).exclude(state=Upload.State.REFUSED)
    here = here.filter(case=case) if case is not None else here.filter(draft=draft)
    sizes = here.aggregate(total=Sum("size"))["total"] or 0
    if sizes + size > settings.UPLOAD_TOTAL_BYTES or here.count() >= MOST_FILES:
        megabytes = settings.UPLOAD_TOTAL_BYTES // 1_000_000
        raise TooMuch(
            _("所有文件加起来最多 %(size)s MB、%(count)s 个，请拿掉不用的，或者压缩一下再传。")
            % {"size": megabytes, "count": MOST_FILES}
        )
