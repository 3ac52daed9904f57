"""Secrets at rest: AES-256-GCM under named keys, each secret bound to the row it belongs to.

A sealed secret is ``b"1" | key id length | key id | nonce (12 bytes) | ciphertext and tag`` and
opens only with the same associated data, so a ciphertext moved to another row stays shut. Of a
secret that need only be recognised, no more than a keyed hash is kept.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

VERSION = b"1"
NONCE_BYTES = 12
KEY_BYTES = 32


class SealBroken(Exception):
    """The secret does not open: another key, another row, or damaged bytes."""


class BadKey(ValueError):
    """A key in MUARA_CREDENTIAL_KEYS that cannot be read."""


@dataclass(frozen=True, slots=True)
class Key:
    """One AES-256 key and the name under which secrets refer to it."""

    key_id: str
    secret: bytes = field(repr=False)


def new_key() -> str:
    """Make a key in the form MUARA_CREDENTIAL_KEYS takes: ``id:base64``."""
    return f"{os.urandom(4).hex()}:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}"


def read_keys(lines: Iterable[str]) -> tuple[Key, ...]:
    """Read ``id:base64`` keys, newest first. Raise BadKey without repeating the key itself."""
    keys = tuple(_read_key(position, line) for position, line in enumerate(lines, start=1))
    if len({key.key_id for key in keys}) != len(keys):
        raise BadKey("two keys have the same id")
    return keys


def _read_key(position: int, line: str) -> Key:
    key_id, _, encoded = line.strip().partition(":")
    try:
        secret = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise BadKey(f"key number {position} is not base64 after its id and colon") from error
    if not key_id or len(secret) != KEY_BYTES:
        raise BadKey(f"key number {position} is not an id, a colon and {KEY_BYTES} bytes in base64")
    return Key(key_id, secret)


def seal(secret: str, *, belongs_to: str) -> bytes:
    """Encrypt under the newest key, bound to ``belongs_to`` (row and purpose)."""
    key = _keys()[0]
    nonce = os.urandom(NONCE_BYTES)
    key_id = key.key_id.encode()
    box = AESGCM(key.secret).encrypt(nonce, secret.encode(), _associated(key_id, belongs_to))
    return VERSION + bytes([len(key_id)]) + key_id + nonce + box


def unseal(sealed: bytes, *, belongs_to: str) -> str:
    """Decrypt what ``seal`` made for the same row and purpose. Raise SealBroken otherwise."""
    key_id, nonce, box = _split(bytes(sealed))
    secret = next((key.secret for key in _keys() if key.key_id.encode() == key_id), None)
    if secret is None:
        raise SealBroken("sealed with a key that is not configured")
    try:
        return AESGCM(secret).decrypt(nonce, box, _associated(key_id, belongs_to)).decode()
    except InvalidTag as error:
        raise SealBroken("does not belong to this row, or was changed") from error


def sealing_key_id(sealed: bytes) -> str:
    """Return the id of the key that a secret was sealed with."""
    return _split(bytes(sealed))[0].decode(errors="replace")


def newest_key_id() -> str:
    """Return the id of the key that new secrets are sealed with."""
    return _keys()[0].key_id


def keyed_hash(secret: str, *, belongs_to: str) -> str:
    """Return 64 hex digits that prove a short secret, and do not tell it without our newest key."""
    return _keyed_hash(_keys()[0], secret, belongs_to)


def has_keyed_hash(secret: str, kept: str, *, belongs_to: str) -> bool:
    """Tell in constant time whether ``keyed_hash`` made this, under any key that is configured."""
    made = [_keyed_hash(key, secret, belongs_to) for key in _keys()]
    return any([hmac.compare_digest(one, kept) for one in made])  # noqa: C419 - all are compared


def _keyed_hash(key: Key, secret: str, belongs_to: str) -> str:
    """Use a key of its own, derived for hashing, so that no key serves two purposes."""
    own = hmac.digest(key.secret, b"keyed hash of a short secret", hashlib.sha256)
    return hmac.new(own, f"{belongs_to}\0{secret}".encode(), hashlib.sha256).hexdigest()


def _split(sealed: bytes) -> tuple[bytes, bytes, bytes]:
    start = 2 + (sealed[1] if len(sealed) > 1 else 0)
    if sealed[:1] != VERSION or len(sealed) < start + NONCE_BYTES:
        raise SealBroken("not a sealed secret")
    return sealed[2:start], sealed[start : start + NONCE_BYTES], sealed[start + NONCE_BYTES :]


def _associated(key_id: bytes, belongs_to: str) -> bytes:
    return VERSION + b"\0" + key_id + b"\0" + belongs_to.encode()


def _keys() -> tuple[Key, ...]:
    keys: tuple[Key, ...] = settings.MUARA_KEYS
    return keys
