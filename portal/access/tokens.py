"""Signed tokens: one purpose, one salt; a token carries an id and nothing else.

A token is base32 (lower case, no padding) of: format byte, key id byte, payload, HMAC-SHA256. It has one spelling only,
no dots, and ends in a letter or digit, because mail filters mangle what does not. The keys form a ring: oldest first,
the last one signs.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from itsdangerous import Signer

_FORMAT = 1
_MAC_BYTES = 32
_HEAD_BYTES = 2
_ID_BYTES = 16
_SPELLING = re.compile(r"[a-z2-7]+")
LONGEST = 120


class Purpose(StrEnum):
    """What a token is for; each purpose is its own salt."""

    LINK = "link"
    DOOR = "door"
    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    OPT_IN = "opt-in"


LONG_LIVED = frozenset({Purpose.UNSUBSCRIBE, Purpose.PREFERENCES})  # these work long after a link is dead


class TokenRefused(Exception):
    """A token that is not ours, not for this purpose, or not whole."""


@dataclass(frozen=True, slots=True)
class DoorNonce:
    """What the button of a door page carries: which link, shown when, and randomness that makes it one-use."""

    link_id: str
    shown_at: datetime
    random: str


class TokenBox:
    """Signs and opens tokens with a ring of keys."""

    def __init__(self, keys: Sequence[str], *, long_lived: Sequence[str] = ()) -> None:
        """Take the ring, oldest first; the last key signs. `long_lived` keys are a ring of their own for saying no."""
        rings = {purpose: [*keys, *(long_lived if purpose in LONG_LIVED else ())] for purpose in Purpose}
        self._rings = {purpose: [_derived(key, purpose) for key in ring] for purpose, ring in rings.items()}

    def seal(self, purpose: Purpose, payload: bytes) -> str:
        """Return a token for `payload`."""
        key_id, key = self._rings[purpose][-1]
        body = bytes((_FORMAT, key_id)) + payload
        mac = hmac.digest(key, body, hashlib.sha256)
        return base64.b32encode(body + mac).decode("ascii").rstrip("=").lower()

    def open(self, purpose: Purpose, token: str, *, size: int) -> bytes:
        """Return the payload of exactly `size` bytes; raises TokenRefused for anything else."""
        return self._opened(purpose, token, size=size)[0]

    def _opened(self, purpose: Purpose, token: str, *, size: int) -> tuple[bytes, str]:
        whole = _HEAD_BYTES + size + _MAC_BYTES
        if len(token) != -(-whole * 8 // 5) or len(token) > LONGEST or not _SPELLING.fullmatch(token):
            raise TokenRefused
        try:
            raw = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
        except (binascii.Error, ValueError):
            raise TokenRefused from None
        if base64.b32encode(raw).decode("ascii").rstrip("=").lower() != token or raw[0] != _FORMAT:
            raise TokenRefused
        body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        signed_by = ""
        for key_id, key in self._rings[purpose]:
            if key_id == raw[1] and hmac.compare_digest(hmac.digest(key, body, hashlib.sha256), mac):
                signed_by = _mark(key)
        if not signed_by:
            raise TokenRefused
        return body[_HEAD_BYTES:], signed_by

    def for_id(self, purpose: Purpose, row_id: str) -> str:
        """Return the token that names the row `row_id` (32 hex characters)."""
        return self.seal(purpose, bytes.fromhex(row_id))

    def read_id(self, purpose: Purpose, token: str) -> str:
        """Return the row id a token names; raises TokenRefused."""
        return self.open(purpose, token, size=_ID_BYTES).hex()

    def read_link(self, token: str) -> tuple[str, str]:
        """Return the id of the link a token names and the mark of the key that signed it; raises TokenRefused."""
        payload, key_mark = self._opened(Purpose.LINK, token, size=_ID_BYTES)
        return payload.hex(), key_mark

    def key_marks(self) -> tuple[str, ...]:
        """Return the marks of the keys that may have signed a link, oldest first; a mark tells nothing of its key."""
        return tuple(_mark(key) for _, key in self._rings[Purpose.LINK])

    def door_nonce(self, link_id: str, *, at: datetime) -> str:
        """Return a nonce for the button of a door page shown at `at`."""
        stamp = int(at.timestamp()).to_bytes(5, "big")
        return self.seal(Purpose.DOOR, bytes.fromhex(link_id) + stamp + secrets.token_bytes(10))

    def read_door_nonce(self, nonce: str) -> DoorNonce:
        """Return what a door nonce carries; raises TokenRefused."""
        raw = self.open(Purpose.DOOR, nonce, size=_ID_BYTES + 15)
        shown_at = datetime.fromtimestamp(int.from_bytes(raw[_ID_BYTES : _ID_BYTES + 5], "big"), UTC)
        return DoorNonce(raw[:_ID_BYTES].hex(), shown_at, raw[_ID_BYTES + 5 :].hex())


def _derived(key: str, purpose: Purpose) -> tuple[int, bytes]:
    signer = Signer(key, salt=f"portal.{purpose}", digest_method=hashlib.sha256, key_derivation="hmac")
    derived = signer.derive_key()
    return hashlib.sha256(b"key id" + derived).digest()[0], derived


def _mark(key: bytes) -> str:
    return hashlib.sha256(b"key mark" + key).hexdigest()[:16]


def secret() -> str:
    """Return a fresh secret for a cookie: 256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def digest(value: str) -> str:
    """Return the SHA-256 (hex) under which a secret is stored."""
    return hashlib.sha256(value.encode()).hexdigest()
