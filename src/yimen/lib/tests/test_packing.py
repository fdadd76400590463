"""A package proves itself: any byte changed, added or left out is found and the entry named."""

import io
import tracemalloc
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yimen.lib import packing
from yimen.lib.packing import Entry, Fault

AT = datetime(2026, 11, 22, 4, 0, 1)
ENTRIES = [Entry("documents/受理.pdf", b"%PDF" * 300, {"kind": "acceptance"}), Entry("ledger.json", b"[]", {})]


def packed(entries=ENTRIES, **head):
    out = io.BytesIO()
    packing.write(out, entries, head, at=AT)
    return out.getvalue()


def verified(tmp_path, content, more=None):
    path = tmp_path / "one.zip"
    path.write_bytes(content)
    return packing.verify(path, more)


def test_the_same_entries_give_the_same_bytes_that_any_zip_reader_reads(tmp_path):
    assert packed(case="A") == packed(case="A") != packed(case="B")
    with zipfile.ZipFile(io.BytesIO(packed())) as package:
        assert package.testzip() is None
        assert package.namelist() == ["documents/受理.pdf", "ledger.json", "manifest.json"]
        assert package.read("documents/受理.pdf") == ENTRIES[0].content
    manifest, fault = verified(tmp_path, packed(case="A"))
    assert fault is None and manifest["case"] == "A" and manifest["entries"][0]["kind"] == "acceptance"


def test_every_flipped_byte_is_found(tmp_path):
    content = packed()
    passed = []
    for place in range(0, len(content), 3):
        changed = bytearray(content)
        changed[place] ^= 1
        if verified(tmp_path, bytes(changed))[1] is None:
            passed.append(place)
    assert passed == []


@given(st.binary(min_size=1, max_size=40), st.integers(0, 2000))
@settings(max_examples=60, deadline=None)
def test_bytes_put_in_anywhere_are_found(tmp_path_factory, more, place):
    content = packed()
    place = min(place, len(content))
    changed = content[:place] + more + content[place:]
    assert verified(tmp_path_factory.mktemp("p"), changed)[1] is not None


def test_the_first_wrong_entry_is_named(tmp_path):
    content = packed()
    first = content.replace(b"%PDF", b"%PDX", 1)
    assert verified(tmp_path, first)[1] == Fault("documents/受理.pdf", "changed")
    assert verified(tmp_path, content.replace(b"[]", b"{}", 1))[1].entry == "ledger.json"


def test_an_entry_added_or_taken_away_is_named(tmp_path):
    added = io.BytesIO(packed())
    with zipfile.ZipFile(added, "a") as package:
        package.writestr("extra.txt", "x")
    assert verified(tmp_path, added.getvalue())[1] == Fault("extra.txt", "not in the manifest")
    less = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed())) as source, zipfile.ZipFile(less, "w") as target:
        for name in source.namelist()[1:]:
            target.writestr(name, source.read(name))
    assert verified(tmp_path, less.getvalue())[1] == Fault("documents/受理.pdf", "missing")


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + bytes(18)], ids=["empty", "text", "nothing in it"])
def test_what_is_no_package_is_said_so(tmp_path, content):
    assert verified(tmp_path, content)[1] is not None


@pytest.mark.parametrize("name", ["../up", "/root", "a//b", "", "a\\b", "manifest.json", "ledger.json"])
def test_no_name_leads_out_of_the_package_or_comes_twice(name):
    with pytest.raises(ValueError):
        packed([*ENTRIES, Entry(name, b"", {})])


def test_each_entry_may_be_looked_into_further(tmp_path):
    seen = []

    def more(name, read, line):
        seen.append((name, len(read()), line["size"]))
        return "not good" if name == "ledger.json" else None

    assert verified(tmp_path, packed(), more)[1] == Fault("ledger.json", "not good")
    assert seen == [("documents/受理.pdf", 1200, 1200), ("ledger.json", 2, 2)]


def test_large_files_do_not_fill_the_memory(tmp_path):
    large = tmp_path / "large"
    with large.open("wb") as file:
        for _ in range(48):
            file.write(bytes(1 << 20))
    tracemalloc.start()
    with (tmp_path / "one.zip").open("wb") as out:
        packing.write(out, [Entry("large", large, {})], {}, at=AT)
    assert packing.verify(Path(tmp_path / "one.zip"))[1] is None
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
