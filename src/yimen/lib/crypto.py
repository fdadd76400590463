"""
Sealing of personal fields (SEC-44) in a form that lets ciphers and keys change (SEC-50).

A sealed value is: 1 byte format version, 4 bytes key id, then whatever the cipher of that version wrote. The version
names the cipher, the key id names the key, so old and new values can stand side by side in one column. Version, key id
and `context` (table and column, "applicant.phone") are authenticated: a value moved to another column does not open.

`settings.FIELD_KEY` holds one or more keys separated by white space. Every key opens, the first one seals, the last one
makes blind indexes, so that look-ups and unique constraints keep working while rows are sealed again. Put a new key in
front, re-seal, then drop the old one and rebuild the indexes in one go.
"""

import hashlib
import hmac
import os
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

SHORTEST_KEY = 32
KEY_ID_BYTES = 4
SALT_BYTES = 16


class SealBroken(Exception):
    """The stored bytes were changed, belong to another column, or were sealed with a key that is not here."""


class Cipher(Protocol):
    """One way to seal bytes. `key` is 32 bytes made for this cipher alone; open() raises SealBroken."""

    name: str

    def seal(self, key: bytes, plain: bytes, associated: bytes) -> bytes: ...

    def open(self, key: bytes, sealed: bytes, associated: bytes) -> bytes: ...


class Aes256Gcm:
    """AES-256-GCM with a random 12-byte nonce in front."""

    name = "aes-256-gcm"

    def seal(self, key: bytes, plain: bytes, associated: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + AESGCM(key).encrypt(nonce, plain, associated)

    def open(self, key: bytes, sealed: bytes, associated: bytes) -> bytes:
        try:
            return AESGCM(key).decrypt(sealed[:12], sealed[12:], associated)
        except (InvalidTag, ValueError):
            raise SealBroken("a sealed value does not open") from None


# SM4 becomes version 2 here; the highest version seals, every version opens.
CIPHERS: dict[int, Cipher] = {1: Aes256Gcm()}


@dataclass(frozen=True)
class Key:
    """One master key; a separate key is derived from it for each purpose (HKDF-SHA256)."""

    master: bytes = field(repr=False)

    @cached_property
    def id(self) -> bytes:
        return self.derive("key id")[:KEY_ID_BYTES]

    @cached_property
    def for_index(self) -> bytes:
        return self.derive("blind index")

    @cached_property
    def _for_cipher(self) -> dict[str, bytes]:
        return {}

    def for_cipher(self, name: str) -> bytes:
        made = self._for_cipher
        if name not in made:
            made[name] = self.derive(f"field {name}")
        return made[name]

    def derive(self, purpose: str, salt: bytes | None = None) -> bytes:
        return HKDF(algorithm=SHA256(), length=32, salt=salt, info=f"yimen {purpose}".encode()).derive(self.master)


@dataclass(frozen=True)
class FileKey:
    """The key of one file (lib.sealed_files). head: what stands in front of it and says how to get the key again."""

    head: bytes
    _key: bytes = field(repr=False)
    _cipher: Cipher

    def seal(self, plain: bytes, associated: bytes) -> bytes:
        return self._cipher.seal(self._key, plain, associated)

    def open(self, sealed: bytes, associated: bytes) -> bytes:
        return self._cipher.open(self._key, sealed, associated)

    @cached_property
    def overhead(self) -> int:
        """By how many bytes a sealed chunk is longer."""
        return len(self.seal(b"", b""))


class Keyring:
    """
    The keys of one installation and the ciphers it understands.

    Raises ImproperlyConfigured when there is no key or one is shorter than 32 characters.
    """

    def __init__(self, keys: str, ciphers: dict[int, Cipher] | None = None) -> None:
        parts = keys.split()
        if not parts or min(map(len, parts)) < SHORTEST_KEY:
            raise ImproperlyConfigured(f"Every field key must have at least {SHORTEST_KEY} characters.")
        self._keys = [Key(part.encode()) for part in parts]
        self._by_id = {key.id: key for key in reversed(self._keys)}
        self._ciphers = ciphers or CIPHERS

    def seal(self, text: str, context: str) -> bytes:
        key, version = self._keys[0], max(self._ciphers)
        head = bytes([version]) + key.id
        cipher = self._ciphers[version]
        return head + cipher.seal(key.for_cipher(cipher.name), text.encode(), head + context.encode())

    def open_sealed(self, sealed: bytes, context: str) -> str:
        head, body = sealed[: 1 + KEY_ID_BYTES], sealed[1 + KEY_ID_BYTES :]
        cipher, key = self._ciphers.get(head[0]) if head else None, self._by_id.get(head[1:])
        if cipher is None or key is None:
            raise SealBroken("a sealed value names a cipher or a key that is not here")
        return cipher.open(key.for_cipher(cipher.name), body, head + context.encode()).decode()

    def key_for_new_file(self) -> FileKey:
        return self._file_key(max(self._ciphers), self._keys[0], os.urandom(SALT_BYTES))

    def key_of_file(self, head: bytes) -> FileKey:
        cipher, key = self._ciphers.get(head[0]), self._by_id.get(head[1 : 1 + KEY_ID_BYTES])
        if cipher is None or key is None or len(head) != 1 + KEY_ID_BYTES + SALT_BYTES:
            raise SealBroken("a sealed file names a cipher or a key that is not here")
        return self._file_key(head[0], key, head[1 + KEY_ID_BYTES :])

    def _file_key(self, version: int, key: Key, salt: bytes) -> FileKey:
        cipher = self._ciphers[version]
        return FileKey(bytes([version]) + key.id + salt, key.derive(f"file {cipher.name}", salt), cipher)

    def is_current(self, sealed: bytes) -> bool:
        return sealed[: 1 + KEY_ID_BYTES] == bytes([max(self._ciphers)]) + self._keys[0].id

    def blind_index(self, text: str, context: str) -> bytes:
        # The length keeps ("ab", "c") and ("a", "bc") apart.
        label = context.encode()
        message = len(label).to_bytes(4, "big") + label + text.encode()
        return hmac.new(self._keys[-1].for_index, message, hashlib.sha256).digest()


@lru_cache(maxsize=8)
def _ring(keys: str) -> Keyring:
    return Keyring(keys)


def seal(text: str, context: str) -> bytes:
    """Return `text` encrypted for the column `context`; two calls never give the same bytes."""
    return _ring(settings.FIELD_KEY).seal(text, context)


def open_sealed(sealed: bytes | memoryview, context: str) -> str:
    """Return the text sealed for `context`; raises SealBroken when it was not, or was changed since."""
    return _ring(settings.FIELD_KEY).open_sealed(bytes(sealed), context)


def key_for_new_file() -> FileKey:
    """Return a key for one file and no other; its head goes in front of it."""
    return _ring(settings.FIELD_KEY).key_for_new_file()


def key_of_file(head: bytes) -> FileKey:
    """Return the key of a file by its head; raises SealBroken for a key that is not here."""
    return _ring(settings.FIELD_KEY).key_of_file(head)


def is_current(sealed: bytes | memoryview) -> bool:
    """True when `sealed` was made with today's cipher and first key; a rotation seals the others again."""
    return _ring(settings.FIELD_KEY).is_current(bytes(sealed))


def blind_index(text: str, context: str) -> bytes:
    """
    Return 32 bytes by which `text` can be looked up in the column `context` without being stored in clear.

    Give it one spelling only: the caller normalises (upper case, no spaces).
    """
    return _ring(settings.FIELD_KEY).blind_index(text, context)
