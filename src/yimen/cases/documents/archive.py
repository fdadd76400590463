"""
The archive of a finished case as one file (CERT-10): what is in it, and how it is checked without any database.

documents/   every document as it was given out, with its electronic seal where it has one
materials/   the files handed in
forms.json   what was filled in, personal values masked; the sealed original as text for whoever holds the key
ledger.json  every row of the case's history with its hash chain
seals.pem    the public certificates of the seals
index.pdf    the list of contents to read
manifest.json  the SHA-256 of everything
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.timezone import localdate, localtime

from yimen.cases import documents, queries
from yimen.cases.documents import store
from yimen.cases.models import Case, Notice, Upload
from yimen.ledger import chain
from yimen.ledger.models import Event
from yimen.lib import packing, pdf, signing
from yimen.lib.dates import long_day, long_moment
from yimen.lib.packing import Entry, Fault
from yimen.lib.uploads import Store

FORMAT = "yimen-archive/1"
LEDGER, SEALS, INDEX, FORMS = "ledger.json", "seals.pem", "index.pdf", "forms.json"


@dataclass(frozen=True)
class Contents:
    """What will be packed. head: what the manifest says of the case; hash of the last ledger row as hex."""

    entries: list[Entry]
    facts: dict[str, Any]
    head: str
    notice_count: int


def contents(case: Case, *, number: str, keep: str, at: datetime) -> Contents:
    """
    Return everything the archive of `case` holds; the same for the same case, number and moment.

    keep: how long it is kept, in words. Uploads whose file is gone are named in the index as missing.
    """
    notices = list(case.notices.select_related("signed__seal").order_by("issued_at", "pk"))
    rows = list(Event.objects.filter(region=case.region_id, stream=case.stream).order_by("seq"))
    certificates = sorted({one.signed.seal.certificate for one in notices if one.is_sealed})
    entries = [Entry(SEALS, "".join(certificates).encode(), {"what": "印章的公开证书"})]
    entries += [_document(n, notice) for n, notice in enumerate(notices, 1)]
    entries += list(_materials(case))
    with translation.override("zh-hans"):
        entries += _forms(case)
    entries.append(Entry(LEDGER, _json([_row(row) for row in rows]), {"what": "办理经过", "rows": len(rows)}))
    facts = {
        "format": FORMAT,
        "number": number,
        "case_no": case.case_no,
        "query_no": case.query_no,
        "item": case.version.name,
        "task_code": case.item.task_code,
        "department": case.department.name,
        "center": case.center.name,
        "region": case.region_id,
        "status": case.status,
        "outcome": case.outcome,
        "keep": keep,
    }
    entries.append(Entry(INDEX, _index(case, entries, facts, at=at), {"what": "卷内目录"}))
    return Contents(entries, facts, bytes(rows[-1].hash).hex() if rows else "", len(notices))


def _document(n: int, notice: Notice) -> Entry:
    about: dict[str, Any] = {
        "number": notice.number,
        "date": localdate(notice.issued_at).isoformat(),
        "sealed": notice.is_sealed,
    }
    with translation.override("zh-hans"):
        about["what"] = str(Notice.Kind(notice.kind).label)
    content = documents.pdf_of(notice)
    if notice.is_sealed:
        about["signed_sha256"] = notice.signed.sha256
    return Entry(f"documents/{n:03d}-{notice.kind}.pdf", content, about)


def _materials(case: Case) -> Iterator[Entry]:
    uploaded = Store(Path(settings.UPLOADS))
    uploads = case.uploads.filter(state=Upload.State.READY, removed_at=None).select_related("material").order_by("pk")
    for n, upload in enumerate(uploads, 1):
        path = uploaded.path(upload.pk)
        about = {
            "what": upload.material.name if upload.material else "附件",
            "date": localdate(upload.ready_at or upload.made_at).isoformat(),
        }
        suffix = re.sub(r"[^a-z0-9]", "", upload.kind.lower())[:8] or "bin"
        if path.is_file():
            yield Entry(f"materials/{n:03d}.{suffix}", partial(uploaded.open, upload.pk), about)
        else:
            yield Entry(f"materials/{n:03d}.missing", b"", about | {"missing": upload.sha256})


def _forms(case: Case) -> list[Entry]:
    if case.forms_sealed is None:
        return []
    sheets = [
        {"title": sheet.title, "rows": [[str(each.label), text] for each, text in sheet.rows]}
        for sheet in queries.form_sheets(case)
    ]
    said = {"sheets": sheets, "sealed": bytes(case.forms_sealed).hex()}
    return [Entry(FORMS, _json(said), {"what": "申请表所填内容"})]


def _row(row: Event) -> dict[str, Any]:
    return {
        "region": row.region,
        "stream": row.stream,
        "seq": row.seq,
        "kind": row.kind,
        "actor": row.actor,
        "role": row.role,
        "at": chain.stamp(row.at),
        "data": row.data,
        "previous": bytes(row.previous).hex(),
        "hash": bytes(row.hash).hex(),
    }


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode()


def _index(case: Case, entries: list[Entry], facts: dict[str, Any], *, at: datetime) -> bytes:
    listed = []
    for n, entry in enumerate(entries, 1):
        _size, _crc, digest = packing.measured(entry.content)
        what = entry.about["what"] + (f" {entry.about['number']}" if "number" in entry.about else "")
        if entry.about.get("sealed"):
            what += "（有电子印章）"
        if "missing" in entry.about:
            what += "（文件不在了）"
        listed.append([str(n), what, entry.about.get("date", ""), digest[:16]])
    with translation.override("zh-hans"):
        status = str(Case.Status(case.status).label)
        outcome = str(Case.Outcome(case.outcome).label) if case.outcome else ""
    data = {
        "issued_at": localtime(at).isoformat(),
        "organ": case.center.name,
        "title": "卷内目录",
        "number": facts["number"],
        "facts": [
            ["办件编号", f"{case.query_no}（{case.case_no}）"],
            ["事项", facts["item"]],
            ["办理机关", facts["department"]],
            ["申请人", case.applicant.masked_name],
            ["收件", long_moment(case.received_at)],
            ["结果", status + (f"，{outcome}" if outcome else "")],
            ["归档", long_day(localdate(at))],
            ["保管期限", facts["keep"]],
        ],
        "entries": listed,
        "note": "每个文件的完整哈希值写在 manifest.json 里。用 yimen archive verify 可以核对，不需要数据库。",
    }
    return pdf.render("cases/typst/archive.typ", data)


# -- checking, with nothing but the file --------------------------------------------------------------------------


@dataclass
class Report:
    """What checking an archive found. fault: the first thing wrong, None when all is as it was packed."""

    fault: Fault | None
    manifest: dict[str, Any]
    sha256: str
    document_count: int = 0
    sealed_count: int = 0
    row_count: int = 0
    seals: list[str] = field(default_factory=list)


def verify(path: Path, *, trusted: Collection[bytes] | None = None) -> Report:
    """
    Check an archive: every byte against the manifest, every seal, the chain of the history (CERT-8, CERT-10).

    trusted: the certificates (DER) seals must be of; None: those in the archive itself, which tells that nothing was
    changed since the seals were put on, but not whose they are.
    """
    look = _Look(trusted)
    manifest, fault = packing.verify(path, look)
    if fault is None and manifest.get("format") != FORMAT:
        fault = Fault(packing.MANIFEST, "not an archive of this kind")
    if fault is None and not look.has_ledger:
        fault = Fault(LEDGER, "missing")
    return Report(
        fault,
        manifest,
        store.sha256_of(path),
        look.document_count,
        look.sealed_count,
        look.row_count,
        sorted(look.signers),
    )


class _Look:
    """Looks into the entries that can say more than their hash."""

    def __init__(self, trusted: Collection[bytes] | None) -> None:
        self.trusted = trusted
        self.signers: set[str] = set()
        self.document_count = self.sealed_count = self.row_count = 0
        self.has_ledger = False

    def __call__(self, name: str, read: Callable[[], bytes], line: dict[str, Any]) -> str | None:
        if name == SEALS and self.trusted is None:
            self.trusted = signing.all_of(read().decode())
        if name == LEDGER:
            self.has_ledger = True
            rows = json.loads(read())
            self.row_count = len(rows)
            return broken_link(rows)
        if name.startswith("documents/"):
            self.document_count += 1
            if line.get("sealed"):
                return self._sealed(read())
        return None

    def _sealed(self, content: bytes) -> str | None:
        verdict = signing.verify(content, self.trusted or [])
        self.sealed_count += 1
        self.signers.add(verdict.signer)
        return None if verdict.is_good else f"seal: {verdict.fault}"


def broken_link(rows: list[dict[str, Any]]) -> str | None:
    """Return which row of a history does not follow from the one before; None when the chain holds from its start."""
    previous, stream = chain.START, rows[0]["stream"] if rows else ""
    for n, row in enumerate(rows, 1):
        body = chain.body(
            row["region"],
            row["stream"],
            row["kind"],
            row["actor"],
            row["role"],
            datetime.fromisoformat(row["at"]),
            row["data"],
        )
        expected = chain.digest(previous, n, body)
        if row["seq"] != n or row["stream"] != stream or row["previous"] != previous.hex():
            return f"row {n}: not the next"
        if row["hash"] != expected.hex():
            return f"row {n}: changed"
        previous = expected
    return None
