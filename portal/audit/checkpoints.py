"""Checkpoints: signed statements of the log's size and root (C2SP tlog-checkpoint in a signed note, Ed25519)."""

import base64
import binascii
import hashlib
import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from portal.audit.canonical import instant

_ED25519 = b"\x01"
_NAME = re.compile(r"[A-Za-z0-9.:/_-]{1,120}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")
_DASH = "\u2014"


class CheckpointRefused(Exception):
    """A note that is no checkpoint of this log, or is not signed by its key; the text says why."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The size of the log and the root (32 bytes) of its tree at a moment, under the log's name."""

    origin: str
    size: int
    root: bytes
    at: str


class Signer:
    """The key of one log."""

    def __init__(self, name: str, seed: bytes) -> None:
        """Take the log's name and the 32 bytes of its private key."""
        self.name = name
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw()

    @property
    def verifier_key(self) -> str:
        """Return the public key as `name+id+key`, to be kept by whoever verifies."""
        key = base64.b64encode(_ED25519 + self.public).decode()
        return f"{self.name}+{_key_id(self.name, self.public).hex()}+{key}"

    def sign(self, size: int, root: bytes, *, at: datetime) -> str:
        """Return the signed note for a tree; the moment is its one extension line."""
        text = f"{self.name}\n{size}\n{base64.b64encode(root).decode()}\ntime {instant(at)}\n"
        signed = base64.b64encode(_key_id(self.name, self.public) + self._key.sign(text.encode())).decode()
        return f"{text}\n{_DASH} {self.name} {signed}\n"


def load_signer(folder: Path, name: str) -> Signer:
    """Return the log's signer; the key is a file that only its owner can read, made where there is none.

    The name is given once, when the key is made: a portal that moves to another address keeps its log.
    """
    path = folder / "audit-signing-key"
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        known, seed_hex = path.read_text(encoding="ascii").split()
        return Signer(known, bytes.fromhex(seed_hex))
    seed = os.urandom(32)
    with os.fdopen(handle, "w") as file:
        file.write(f"{name} {seed.hex()}\n")
        file.flush()
        os.fsync(file.fileno())
    return Signer(name, seed)


def opened(note: str, verifier_key: str) -> Checkpoint:
    """Return what a note states if the key signed it; raises CheckpointRefused."""
    name, key_id, public = _verifier(verifier_key)
    lines = note.split("\n")
    if len(lines) != 7 or lines[4] != "" or lines[6] != "" or not lines[3].startswith("time "):
        raise CheckpointRefused("this is not a signed note of six lines")
    origin, size, root = lines[:3]
    if origin != name:
        raise CheckpointRefused(f"this is the checkpoint of another log: {origin[:80]}")
    if not _SIZE.fullmatch(size):
        raise CheckpointRefused("the size is not a whole number")
    prefix = f"{_DASH} {name} "
    if not lines[5].startswith(prefix):
        raise CheckpointRefused("the signature line does not name this log")
    signature = _strict(lines[5][len(prefix) :], 68)
    if signature[:4] != key_id:
        raise CheckpointRefused("the note is signed with another key")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], "\n".join([*lines[:4], ""]).encode())
    except InvalidSignature:
        raise CheckpointRefused("the signature does not fit") from None
    return Checkpoint(origin, int(size), _strict(root, 32), lines[3].removeprefix("time "))


def _verifier(verifier_key: str) -> tuple[str, bytes, bytes]:
    parts = verifier_key.split("+", 2)
    if len(parts) != 3 or not _NAME.fullmatch(parts[0]):
        raise CheckpointRefused("the verifier key is not name+id+key")
    raw = _strict(parts[2], 33)
    if raw[:1] != _ED25519 or _key_id(parts[0], raw[1:]).hex() != parts[1]:
        raise CheckpointRefused("the verifier key does not fit its own id")
    return parts[0], bytes.fromhex(parts[1]), raw[1:]


def _key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def _strict(text: str, length: int) -> bytes:
    """Return the bytes of base64 with exactly one spelling."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise CheckpointRefused("not base64") from None
    if len(raw) != length or base64.b64encode(raw).decode() != text:
        raise CheckpointRefused("not base64 of the right length")
    return raw
