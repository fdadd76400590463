"""What may be handed in and what may not (SEC-39)."""

from __future__ import annotations

import hashlib
import io
import os
import resource
import socketserver
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from yimen.lib import uploads
from yimen.lib.tests import files


@pytest.fixture
def judge(tmp_path):
    def do(data: bytes, name: str, **options: str) -> uploads.Found:
        path = tmp_path / "file"
        path.write_bytes(data)
        return uploads.inspect(path, name, **options)

    do.path = tmp_path / "file"
    return do


GOOD = {
    "pdf": ("申请表.pdf", files.pdf()),
    "jpg": ("照片.JPG", files.picture()),
    "jpeg": ("照片.jpeg", files.picture()),
    "png": ("图.png", files.picture("PNG")),
    "docx": ("说明.docx", files.archive(files.DOCX)),
    "xlsx": ("名单.xlsx", files.archive(files.XLSX)),
    "ofd": ("发票.ofd", files.archive(files.OFD)),
    "no-suffix": ("照片", files.picture()),
}


@pytest.mark.parametrize("what", sorted(GOOD))
def test_what_people_have_is_taken(judge, what):
    name, data = GOOD[what]
    found = judge(data, name)
    assert found.kind == {"jpeg": "jpg", "no-suffix": "jpg"}.get(what, what)
    assert found.size == judge.path.stat().st_size > 0
    assert found.sha256 == uploads.hash_of(judge.path)


BAD = {
    "empty": ("empty", "a.pdf", b""),
    "text": ("kind", "a.txt", "你好".encode()),
    "eicar": ("kind", "a.pdf", files.EICAR),
    "svg": ("kind", "a.svg", files.SVG),
    "svg-as-png": ("kind", "a.png", files.SVG),
    "html": ("kind", "a.html", files.HTML),
    "html-as-pdf": ("kind", "a.pdf", files.HTML),
    "xml-bomb": ("kind", "a.xml", files.LAUGHS),
    "program": ("kind", "a.exe", b"MZ" + bytes(200)),
    "program-as-pdf": ("kind", "a.pdf", b"MZ" + bytes(200)),
    "elf-as-jpg": ("kind", "a.jpg", b"\x7fELF" + bytes(200)),
    "gif": ("kind", "a.gif", files.picture("GIF")),
    "plain-zip": ("kind", "a.zip", files.archive({"a.txt": b"a"})),
    "old-word": ("kind", "a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
    "wrong-suffix": ("suffix", "a.pdf", files.picture()),
    "right-inside-wrong-name": ("kind", "a.pdf.exe", files.pdf()),
    "docm-by-name": ("kind", "a.docm", files.archive(files.DOCX)),
    "pdf-behind-html": ("kind", "a.pdf", files.HTML + files.pdf()),
    "pdf-and-zip": ("mixed", "a.pdf", files.pdf() + files.archive({"a.html": files.HTML})),
    "pdf-and-html": ("mixed", "a.pdf", files.pdf() + files.HTML),
    "half-pdf": ("broken", "a.pdf", files.pdf()[:200]),
    "locked-pdf": ("locked", "a.pdf", files.locked_pdf()),
    "half-picture": ("broken", "a.jpg", files.picture(size=(600, 600))[:900]),
    "huge-picture": ("pixels", "a.png", files.huge_png()),
    "macro": ("macro", "a.docx", files.archive(files.DOCX | {"word/vbaProject.bin": b"x"})),
    "macro-by-type": (
        "macro",
        "a.docx",
        files.archive(files.DOCX | {"[Content_Types].xml": b'<Types ContentType="x.macroEnabled.main+xml"/>'}),
    ),
    "embedded-object": ("macro", "a.docx", files.archive(files.DOCX | {"word/embeddings/a.bin": b"x"})),
    "climbing": ("paths", "a.docx", files.archive(files.DOCX | {"../../evil.xml": b"x"})),
    "climbing-with-backslash": ("paths", "a.docx", files.archive(files.DOCX | {"..\\evil.xml": b"x"})),
    "absolute": ("paths", "a.docx", files.archive(files.DOCX | {"/etc/cron.d/x": b"x"})),
    "link": ("paths", "a.docx", files.with_link()),
    "entity": ("paths", "a.docx", files.archive(files.DOCX | {"word/styles.xml": files.LAUGHS})),
    "nested-zip": ("nested", "a.docx", files.archive(files.DOCX | {"word/a.dat": files.archive({"a": b"a"})})),
    "program-within": ("nested", "a.xlsx", files.archive(files.XLSX | {"xl/a.dat": b"MZ" + bytes(99)})),
    "script-within": ("nested", "a.ofd", files.archive(files.OFD | {"Doc_0/a.js": b"x"})),
    "comment": ("mixed", "a.docx", files.archive(files.DOCX, comment=files.HTML)),
    "template-outside": (
        "outside",
        "a.docx",
        files.archive(
            files.DOCX
            | {
                "word/_rels/settings.xml.rels": b'<Relationship Type="http://x/attachedTemplate" '
                b'Target="http://evil/x.dotm" TargetMode="External"/>'
            }
        ),
    ),
    **{f"pdf-{what}": ("acting", "a.pdf", data) for what, data in files.acting_pdfs().items()},
}


@pytest.mark.parametrize("what", sorted(BAD))
def test_what_could_hurt_is_refused_with_its_reason(judge, what):
    fault, name, data = BAD[what]
    with pytest.raises(uploads.Refused) as refused:
        judge(data, name)
    assert refused.value.fault == fault
    assert str(refused.value) == str(uploads.FAULTS[fault])


def test_a_bomb_costs_neither_time_nor_memory(judge):
    data = files.bomb()
    assert len(data) < 250_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(uploads.Refused) as refused:
        judge(data, "a.docx")
    assert refused.value.fault == "unpacked"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


def test_a_picture_is_written_anew_without_what_hid_in_it(judge):
    picture = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "secret maker"
    exif[0x0112] = 6  # lies on its side
    Image.new("RGB", (60, 40)).save(picture, "JPEG", exif=exif, comment=b"<script>alert(1)</script>")
    data = picture.getvalue() + files.archive({"evil.html": files.HTML})
    judge(data, "a.jpg")
    kept = judge.path.read_bytes()
    assert b"secret" not in kept and b"script" not in kept and b"PK\x03\x04" not in kept
    with Image.open(judge.path) as turned:
        assert turned.size == (40, 60)


def test_a_large_photo_becomes_readable_not_refused(judge):
    judge(files.picture(size=(7000, 5000), quality=30), "a.jpg")
    with Image.open(judge.path) as kept:
        assert kept.width * kept.height <= uploads.MOST_PIXELS
        assert kept.width > 2000


@given(st.text(max_size=400))
def test_names_keep_what_can_be_read_and_nothing_else(name):
    kept = uploads.clean_name(name)
    assert 0 < len(kept.encode()) <= uploads.LONGEST_NAME
    assert "/" not in kept and "\\" not in kept and "\x00" not in kept and kept not in {".", ".."}
    assert uploads.clean_name(kept) == kept


def test_a_name_of_255_bytes_keeps_its_suffix():
    name = "租" * 84 + ".pdf"  # 256 bytes
    assert uploads.clean_name(name) == "租" * 83 + ".pdf"
    assert uploads.clean_name("../../etc/passwd") == "passwd"
    assert uploads.clean_name("C:\\证件\\身份证\u202egpj.exe") == "身份证gpj.exe"


# The scanner


@pytest.fixture
def clamd() -> Iterator[tuple[str, dict[str, bytes]]]:
    """Something that speaks as clamd does; `says` decides what."""
    says = {"answer": b"stream: OK\0", "got": b""}

    class Line(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            read = self.request.makefile("rb")
            assert read.read(10) == b"zINSTREAM\0"
            got = b""
            while size := int.from_bytes(read.read(4), "big"):
                got += read.read(size)
            says["got"] = got
            self.request.sendall(says["answer"])

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Line) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}", says
        server.shutdown()


@pytest.mark.parametrize(
    "answer, fault",
    [(b"stream: OK\0", ""), (b"stream: Eicar-Test FOUND\0", "virus"), (b"ERROR\0", "scanner"), (b"", "scanner")],
    ids=["clean", "found", "error", "nothing"],
)
def test_the_scanner_decides_and_closed_is_no(judge, clamd, answer, fault):
    address, says = clamd
    says["answer"] = answer
    data = files.pdf()
    if not fault:
        judge(data, "a.pdf", scanner=address)
    else:
        with pytest.raises(uploads.Refused) as refused:
            judge(data, "a.pdf", scanner=address)
        assert refused.value.fault == fault
    assert says["got"] == data


def test_without_the_scanner_nothing_is_taken(judge):
    with pytest.raises(uploads.Refused) as refused:
        judge(files.pdf(), "a.pdf", scanner="127.0.0.1:1")
    assert refused.value.fault == "scanner"


# Where files lie


@pytest.fixture
def store(tmp_path) -> uploads.Store:
    return uploads.Store(tmp_path / "uploads")


def test_pieces_make_the_file_whatever_is_sent_twice(store):
    pk, data = uuid4(), files.pdf(3)
    third = len(data) // 3
    assert store.add(pk, 0, io.BytesIO(data[:third]), most=len(data)) == third
    assert store.add(pk, 0, io.BytesIO(data[:third]), most=len(data)) == third  # the answer was lost
    with pytest.raises(uploads.WrongOffset) as wrong:
        store.add(pk, third + 1, io.BytesIO(data[third + 1 :]), most=len(data))
    assert wrong.value.at == third
    store.add(pk, third, io.BytesIO(data[third:]), most=len(data))
    assert store.finish(pk, "a.pdf").size == len(data)
    with store.open(pk) as file:
        assert file.read() == data
    assert store.finish(pk, "a.pdf").size == len(data)  # again, after the row was lost


def test_more_than_announced_is_refused_and_cut_off(store):
    pk = uuid4()
    store.add(pk, 0, io.BytesIO(b"12345"), most=8)
    with pytest.raises(uploads.Refused) as refused:
        store.add(pk, 5, io.BytesIO(b"6789"), most=8)
    assert refused.value.fault == "too_large"
    assert store.coming(pk).read_bytes() == b"12345"


def test_files_and_folders_are_synced_before_anything_is_said(store, monkeypatch):
    synced: list[str] = []
    real = os.fsync

    def note(handle: int) -> None:
        synced.append("folder" if Path(f"/proc/self/fd/{handle}").resolve().is_dir() else "file")
        real(handle)

    monkeypatch.setattr(os, "fsync", note)
    pk = uuid4()
    store.add(pk, 0, io.BytesIO(files.pdf()), most=10_000)
    store.finish(pk, "a.pdf")
    assert synced == ["file", "folder", "file", "folder"]


def test_a_file_under_two_ids_stays_when_one_goes(store):
    first, second = uuid4(), uuid4()
    store.add(first, 0, io.BytesIO(files.pdf()), most=10_000)
    store.finish(first, "a.pdf")
    store.link(second, first)
    store.remove(first)
    with store.open(second) as file:
        assert file.read() == files.pdf()
    assert [pk for pk, _at in store.ids()] == [second]
    assert all(at <= time.time() for _pk, at in store.ids())


def test_what_was_kept_is_sealed_and_its_hash_is_of_the_plain_bytes(store):
    pk, data = uuid4(), files.pdf(3)
    store.add(pk, 0, io.BytesIO(data), most=len(data))
    found = store.finish(pk, "a.pdf")
    assert (found.size, found.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert not store.coming(pk).exists()
    assert all(data[:8] not in path.read_bytes() for path in store.root.rglob("*") if path.is_file())


def test_a_file_from_before_is_read_and_sealed_once(store):
    pk, data = uuid4(), files.pdf()
    store.path(pk).parent.mkdir(parents=True)
    store.path(pk).write_bytes(data)
    for is_done in (True, False):
        with store.open(pk) as file:
            assert file.read() == data
        assert store.reseal(pk) is is_done
    assert data[:8] not in store.path(pk).read_bytes()
