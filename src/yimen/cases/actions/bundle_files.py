"""Files handed in once for several items: each case that wants them gets its own, without a second copy on the disk."""

from __future__ import annotations

from datetime import datetime

from yimen.cases.actions.uploads import NAME, name_of, record_taken, store
from yimen.cases.models import ApplicationDraft, BundleCase, Case, Upload
from yimen.catalog.rules.merging import same_name
from yimen.lib import crypto
from yimen.lib.ids import uuid7


def hand_on(made: BundleCase, case: Case, *, at: datetime) -> int:
    """
    Give a case that has just begun the files of its application's draft that its own materials want; return how many.

    Inside the act's transaction: a link whose act is undone is swept up later.
    """
    draft = ApplicationDraft.objects.filter(bundle_case=made).select_related("applicant").first()
    if draft is None:
        return 0
    wanting = {same_name(row.material.name): row.material for row in case.materials.select_related("material")}
    count, here = 0, store()
    ready = Upload.objects.filter(draft=draft, state=Upload.State.READY, removed_at=None, material__isnull=False)
    for one in ready.select_related("material"):
        material = wanting.get(same_name(one.material.name)) if one.material else None
        if material is None:
            continue
        pk = uuid7()
        here.link(pk, one.pk)
        new = Upload.objects.create(
            id=pk,
            region_id=one.region_id,
            owner=one.owner,
            case=case,
            material=material,
            name_sealed=crypto.seal(name_of(one), NAME),
            kind=one.kind,
            size=one.size,
            received=one.size,
            sha256=one.sha256,
            state=Upload.State.READY,
            made_at=at,
            ready_at=at,
        )
        record_taken(new, by=draft.applicant, at=at, of=one)
        count += 1
    return count
