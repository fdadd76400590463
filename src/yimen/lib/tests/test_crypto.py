import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given, settings
from hypothesis import strategies as st

from yimen.lib import crypto
from yimen.lib.crypto import Keyring, SealBroken

OLD, NEW = "an old key of this installation, long enough".replace(" ", "-"), "n" * 40
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(texts, texts)
def test_what_was_sealed_opens_again(text, context):
    assert crypto.open_sealed(crypto.seal(text, context), context) == text


def test_the_same_text_is_never_sealed_to_the_same_bytes_and_is_not_in_them():
    first, second = (crypto.seal("13800000417", "applicant.phone") for _ in range(2))
    assert first != second
    assert b"13800000417" not in first


def test_every_flipped_bit_and_every_cut_is_refused():
    sealed = crypto.seal("13800000417", "applicant.phone")
    for position in range(len(sealed) * 8):
        broken = bytearray(sealed)
        broken[position // 8] ^= 1 << position % 8
        with pytest.raises(SealBroken):
            crypto.open_sealed(bytes(broken), "applicant.phone")
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            crypto.open_sealed(sealed[:length], "applicant.phone")


@pytest.mark.parametrize("context", ["applicant.phone", "applicant.id"])
def test_a_value_moved_to_another_column_does_not_open(context):
    sealed = crypto.seal("13800000417", "applicant.phone")
    if context == "applicant.phone":
        assert crypto.open_sealed(memoryview(sealed), context) == "13800000417"
    else:
        with pytest.raises(SealBroken):
            crypto.open_sealed(sealed, context)


def test_a_broken_seal_says_nothing_about_the_value():
    sealed = crypto.seal("13800000417", "applicant.phone")
    with pytest.raises(SealBroken) as caught:
        crypto.open_sealed(sealed, "applicant.id")
    assert "138" not in str(caught.value)
    assert "x" * 20 not in repr(Keyring(NEW)._keys)


def test_a_new_key_seals_while_the_old_one_still_opens():
    before, during, after = Keyring(OLD), Keyring(f"{NEW} {OLD}"), Keyring(NEW)
    old, new = before.seal("林小满（演示）", "t.c"), during.seal("林小满（演示）", "t.c")

    assert during.open_sealed(old, "t.c") == during.open_sealed(new, "t.c") == after.open_sealed(new, "t.c")
    assert [during.is_current(value) for value in (old, new)] == [False, True]
    for ring, value in [(before, new), (after, old)]:
        with pytest.raises(SealBroken):
            ring.open_sealed(value, "t.c")


def test_look_ups_survive_a_rotation_until_the_old_key_goes():
    before, during = Keyring(OLD), Keyring(f"{NEW}\n{OLD}")
    assert before.blind_index("13800000417", "t.c") == during.blind_index("13800000417", "t.c")


class OtherCipher:
    name = "other"

    def seal(self, key, plain, associated):
        return bytes(12) + ChaCha20Poly1305(key).encrypt(bytes(12), plain, associated)

    def open(self, key, sealed, associated):
        return ChaCha20Poly1305(key).decrypt(sealed[:12], sealed[12:], associated)


def test_another_cipher_can_follow_and_old_values_stay_readable():
    """SEC-50"""
    today, later = Keyring(NEW), Keyring(NEW, {**crypto.CIPHERS, 2: OtherCipher()})
    old, new = today.seal("旧", "t.c"), later.seal("新", "t.c")
    assert (old[0], new[0]) == (1, 2)
    assert (later.open_sealed(old, "t.c"), later.open_sealed(new, "t.c")) == ("旧", "新")
    with pytest.raises(SealBroken):
        today.open_sealed(new, "t.c")


@given(texts, texts, texts, texts)
@settings(max_examples=50)
def test_an_index_is_the_same_for_the_same_text_in_the_same_column_only(text, context, other_text, other_context):
    same = (text, context) == (other_text, other_context)
    assert (crypto.blind_index(text, context) == crypto.blind_index(other_text, other_context)) is same
    assert len(crypto.blind_index(text, context)) == 32


@pytest.mark.parametrize("keys", ["", "  ", "short", f"{NEW} short"])
def test_a_missing_or_short_key_stops_the_start(keys):
    with pytest.raises(ImproperlyConfigured):
        Keyring(keys)
