"""Files sealed in chunks: what comes out is what went in, read as a stream; anything else does not open (SEC-44)."""

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.lib import crypto, sealed_files
from yimen.lib.sealed_files import CHUNK, HEAD, open_file, seal_file

OLD, NEW = "old-key-" * 5, "new-key-" * 5


@pytest.fixture(autouse=True)
def one_key(settings):
    settings.FIELD_KEY = OLD


def sealed(path, plain):
    with path.open("wb") as target:
        seal_file(io.BytesIO(plain), target)
    return path


def read(path):
    with open_file(path) as file:
        return file.read()


SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 7]


@pytest.mark.parametrize("size", SIZES)
def test_what_comes_out_is_what_went_in_and_nothing_of_it_lies_open(tmp_path, size):
    plain = random.Random(size).randbytes(size)
    path = sealed(tmp_path / "a", plain)
    assert read(path) == plain == b"".join(sealed_files.pieces(path))
    assert size < 16 or plain[:16] not in path.read_bytes()
    with open_file(path) as file:
        assert file.seek(0, io.SEEK_END) == size
    assert size == 0 or sealed(tmp_path / "b", plain).read_bytes() != path.read_bytes()


@given(begin=st.integers(0, 2 * CHUNK + 99), length=st.integers(0, CHUNK + 50))
def test_it_is_read_from_any_place(tmp_path_factory, begin, length):
    plain = random.Random(1).randbytes(2 * CHUNK + 50)
    path = tmp_path_factory.getbasetemp() / "anywhere"
    if not path.exists():
        sealed(path, plain)
    with open_file(path) as file:
        file.seek(begin)
        assert file.read(length) == plain[begin : begin + length]


def test_a_file_from_before_is_read_as_it_lies(tmp_path):
    path = tmp_path / "plain.pdf"
    path.write_bytes(b"%PDF-1.7 as it was")
    assert read(path) == b"%PDF-1.7 as it was"
    assert not sealed_files.is_current(path)


@pytest.mark.parametrize("what", ["a byte", "the head", "the end", "a chunk", "order", "another file", "nothing"])
def test_what_was_changed_does_not_open(tmp_path, what):
    plain = random.Random(2).randbytes(3 * CHUNK)
    path = sealed(tmp_path / "a", plain)
    whole = bytearray(path.read_bytes())
    stored = (len(whole) - HEAD) // 3
    match what:
        case "a byte":
            whole[HEAD + stored + 100] ^= 1
        case "the head":
            whole[HEAD - 1] ^= 1
        case "the end":
            del whole[-1:]
        case "a chunk":
            del whole[-stored:]
        case "order":
            first = whole[HEAD : HEAD + stored]
            whole[HEAD : HEAD + stored] = whole[HEAD + stored : HEAD + 2 * stored]
            whole[HEAD + stored : HEAD + 2 * stored] = first
        case "another file":
            other = sealed(tmp_path / "b", plain).read_bytes()
            whole[HEAD : HEAD + stored] = other[HEAD : HEAD + stored]
    path.write_bytes(whole)
    if what == "nothing":
        assert read(path) == plain
        return
    with pytest.raises(crypto.SealBroken):
        read(path)


def test_keys_change_and_old_files_open_until_they_are_sealed_anew(tmp_path, settings):
    path = sealed(tmp_path / "a", b"same")
    assert sealed_files.is_current(path)
    settings.FIELD_KEY = f"{NEW} {OLD}"
    assert not sealed_files.is_current(path)
    assert read(path) == b"same"
    settings.FIELD_KEY = NEW
    with pytest.raises(crypto.SealBroken, match="not here"):
        read(path)
