"""The credential of one page view: what a beat carries instead of a cookie. Pure.

It names the page view, the moment the page was made and a nonce, under HMAC-SHA256 with a salt of its own, so that no
other token of the portal passes for it. Everything else (doctor, site, versions, sections, consent) stands in the row.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from itsdangerous import Signer
from itsdangerous.encoding import base64_encode

_SALT = "portal.tracking.view"
_SHAPE = re.compile(r"([0-9a-f]{32})([0-9a-f]{11})([0-9a-f]{12})\.([A-Za-z0-9_-]{43})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a good credential says: the page view's id and when the page was made (ms since 1970)."""

    view_id: str
    issued_ms: int


class Mint:
    """Makes and reads credentials with a ring of keys, oldest first; the last one signs."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take the ring."""
        signer = Signer(list(keys), salt=_SALT, digest_method=hashlib.sha256, key_derivation="hmac")
        self._keys = [signer.derive_key(key) for key in signer.secret_keys]  # once: it costs as much as signing

    def credential(self, view_id: str, *, nonce: str, at: datetime) -> str:
        """Return the credential of a view (32 hex characters) for a page made at `at`; `nonce` is 12 hex characters."""
        said = f"{view_id}{ms_of(at):011x}{nonce}"
        return f"{said}.{_signature(self._keys[-1], said)}"

    def read(self, credential: str) -> Ticket | None:
        """Return what a credential says, None if it is not ours."""
        shape = _SHAPE.fullmatch(credential)
        if shape is None:
            return None
        view_id, issued, nonce, signature = shape.groups()
        said = f"{view_id}{issued}{nonce}"
        if not any(hmac.compare_digest(signature, _signature(key, said)) for key in reversed(self._keys)):
            return None
        return Ticket(view_id, int(issued, 16))


def _signature(key: bytes, said: str) -> str:
    return base64_encode(hmac.digest(key, said.encode(), "sha256")).decode("ascii")


def ms_of(at: datetime) -> int:
    """Return a moment as whole ms since 1970."""
    return (at - _EPOCH) // _MS
