"""Seals of the demo's organs, and one kind of document with the place's own words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.utils.timezone import localdate

from yimen.cases.actions import templates
from yimen.cases.models import Notice
from yimen.certificates import seals
from yimen.ledger.actions import SYSTEM
from yimen.people.models import Department, Staff

SEALS = ("收件专用章", "行政审批专用章")


def build(organs: Iterable[Department], staff: Mapping[str, Staff], at: datetime) -> None:
    """Make the seals known, with the demo's own key, and let one edition of words count from tomorrow."""
    if not seals.current():
        return
    # The demo's past days carry seals too.
    since = localdate(at) - timedelta(days=30)
    for n, organ in enumerate(organs, 1):
        for m, name in enumerate(SEALS, 1):
            code = f"{organ.region_id}{n:04d}{m:03d}"
            seals.register(organ, name=name, code=code, valid_from=since, by=SYSTEM, at=at)
    words = {"closing": ["{center}，{hours}，随时恭候。"]}
    draft = templates.save_template(
        staff["editor"].region,
        Notice.Kind.RECEIPT,
        words,
        effective_on=localdate(at) + timedelta(days=1),
        change="结尾加了开放时间",
        by=staff["editor"],
        at=at,
    )
    templates.approve_template(draft.pk, by=staff["publisher"], at=at)
    templates.save_template(
        staff["editor"].region,
        Notice.Kind.VISIT,
        {"opening": ["我们会先打电话约时间，请保持手机畅通。"]},
        effective_on=localdate(at) + timedelta(days=7),
        change="先说会打电话",
        by=staff["editor"],
        at=at,
    )
