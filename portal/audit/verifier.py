"""Checks a bundle of the audit log without the application: needs Python and the package `cryptography`, nothing else.

    python verifier.py BUNDLE [--key NAME+ID+KEY] [--trusted-checkpoint FILE]

Exit code 0: every entry is in the log that the checkpoint states, and the log begins with the trusted checkpoint's.
Exit code 1: it does not hold, and why. Exit code 2: wrong usage. Keep the key and an old checkpoint yourself: what a
bundle says of its own key proves only that the bundle agrees with itself.
"""

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "portal-audit-bundle/1"
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_DECODE = json.JSONDecoder().decode
_HEAD = ["bundle", "checkpoint", "key", "whole", "from", "consistency"]


class Refused(Exception):
    """What does not hold."""


def verify(lines: Iterable[bytes], key: str | None = None, trusted: str | None = None) -> tuple[int, int]:
    """Return (entries checked, size of the log); raises Refused naming what does not hold."""
    stream = iter(lines)
    head = _parsed(next(stream, b""), _HEAD)
    whole, old, own_key = head["whole"], head["from"], head["key"]
    if head["bundle"] != FORMAT or whole not in (0, 1) or type(whole) is not int or type(old) is not int:
        raise Refused("the head is not that of a bundle")
    if key is not None and key != own_key:
        raise Refused("the bundle is signed with another key than yours")
    size, root = _checkpoint(head["checkpoint"], own_key)
    consistency = _hashes(head["consistency"])
    wanted = _checkpoint(trusted, own_key) if trusted is not None else None
    if wanted is not None and wanted[0] > size:
        raise Refused(f"the log was cut short: you trust {wanted[0]} entries, the bundle states {size}")
    count = _whole(stream, size, root, wanted) if whole else _some(stream, size, root)
    if old or consistency:
        _begins(old, size, consistency, root, wanted)
    elif wanted is not None and not whole and wanted != (size, root):
        raise Refused("the bundle does not prove that its log begins with your checkpoint; ask for one that does")
    return count, size


def _whole(stream: Iterable[bytes], size: int, root: bytes, wanted: "tuple[int, bytes] | None") -> int:
    stack: list[tuple[int, bytes]] = []
    count = 0
    sha256 = hashlib.sha256
    for line in stream:
        value, level, place = sha256(b"\x00" + _event(line, count)).digest(), 0, count
        while place % 2:  # the second of two subtrees: join them
            value = sha256(b"\x01" + stack.pop()[1] + value).digest()
            level, place = level + 1, place // 2
        stack.append((level, value))
        count += 1
        if wanted is not None and count == wanted[0] and _folded(stack) != wanted[1]:
            raise Refused(f"the first {count} entries are not those of your checkpoint")
    if count != size:
        raise Refused(f"the bundle holds {count} entries, its checkpoint states {size}")
    if _folded(stack) != root:
        raise Refused("an entry differs from what was sealed")
    return count


def _event(line: bytes, place: int) -> bytes:
    """Return the bytes of the entry on a line, which is the one at `place` in its shortest spelling."""
    start = f'{{"place":{place},"event":'.encode()
    if not line.startswith(start) or not line.endswith(b"}\n"):
        raise Refused(f"entry {place} is missing, or its line is not written as a bundle's lines are")
    try:
        event = _DECODE(line[len(start) : -2].decode("utf-8"))
        again = _ENCODE(event).encode()
    except (ValueError, RecursionError):
        raise Refused(f"entry {place} is not JSON in UTF-8") from None
    if type(event) is not str or again != line[len(start) : -2]:
        raise Refused(f"entry {place} is not a text in its shortest spelling")
    return event.encode()


def _some(stream: Iterable[bytes], size: int, root: bytes) -> int:
    count, before = 0, -1
    for line in stream:
        entry = _parsed(line, ["place", "event", "proof"])
        place = entry["place"]
        if type(place) is not int or not before < place < size:
            raise Refused(f"line {count + 2}: the place is not in the log, or out of order")
        value = hashlib.sha256(b"\x00" + _bytes(entry["event"], place)).digest()
        if _climbed(value, place, size, _hashes(entry["proof"])) != root:
            raise Refused(f"entry {place} is not in the log that the checkpoint states")
        before = place
        count += 1
    return count


def _climbed(value: bytes, place: int, size: int, proof: list[bytes]) -> bytes:
    """Return the root that a proof leads to, going up the tree level by level; RFC 6962, section 2.1.1."""
    rest = list(reversed(proof))
    last = size - 1
    while last:
        if place == last and not place % 2:
            pass  # the right edge: nothing beside it on this level
        elif not rest:
            raise Refused("a proof is too short")
        elif place % 2:
            value = hashlib.sha256(b"\x01" + rest.pop() + value).digest()
        else:
            value = hashlib.sha256(b"\x01" + value + rest.pop()).digest()
        place, last = place // 2, last // 2
    if rest:
        raise Refused("a proof is too long")
    return value


def _begins(old: int, size: int, proof: list[bytes], root: bytes, wanted: "tuple[int, bytes] | None") -> None:
    """Check that the log of `size` entries begins with that of `old`; RFC 6962, section 2.1.2."""
    if not 0 < old <= size:
        raise Refused("the consistency proof is for a size that cannot be")
    if wanted is None or wanted[0] != old:
        raise Refused("the consistency proof is not for the checkpoint you trust; give that one")
    first, second = _both(0, size, old, list(proof), wanted[1])
    if first != wanted[1] or second != root:
        raise Refused("the log does not begin with your checkpoint's")


def _both(start: int, end: int, old: int, proof: list[bytes], old_root: bytes) -> tuple[bytes, bytes]:
    """Return the roots of the old and the new log, taking the proof from its far end."""
    if old == end:
        if start == 0:
            left = old_root
        elif proof:
            left = proof.pop(0)
        else:
            raise Refused("the consistency proof is too short")
        if proof:
            raise Refused("the consistency proof is too long")
        return left, left
    if not proof:
        raise Refused("the consistency proof is too short")
    beside = proof.pop()
    middle = start + (1 << ((end - start - 1).bit_length() - 1))
    if old <= middle:
        first, second = _both(start, middle, old, proof, old_root)
        return first, hashlib.sha256(b"\x01" + second + beside).digest()
    first, second = _both(middle, end, old, proof, old_root)
    return hashlib.sha256(b"\x01" + beside + first).digest(), hashlib.sha256(b"\x01" + beside + second).digest()


def _folded(stack: list[tuple[int, bytes]]) -> bytes:
    if not stack:
        return hashlib.sha256(b"").digest()
    value = stack[-1][1]
    for _level, left in reversed(stack[:-1]):
        value = hashlib.sha256(b"\x01" + left + value).digest()
    return value


def _checkpoint(note: object, key: object) -> tuple[int, bytes]:
    """Return (size, root) of a signed note (C2SP signed-note, Ed25519)."""
    if type(note) is not str or type(key) is not str or key.count("+") < 2:
        raise Refused("the checkpoint or the key is not a text")
    name, key_id, encoded = key.split("+", 2)
    public = _strict(encoded, 33)
    own_id = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
    if public[:1] != b"\x01" or own_id.hex() != key_id:
        raise Refused("the key does not fit its own id")
    lines = note.split("\n")
    if len(lines) != 7 or lines[4] or lines[6] or lines[0] != name or not lines[5].startswith(f"\u2014 {name} "):
        raise Refused("the checkpoint is not a signed note of this log")
    signature = _strict(lines[5][len(name) + 3 :], 68)
    if signature[:4] != own_id:
        raise Refused("the checkpoint is signed with another key")
    try:
        signed = "\n".join([*lines[:4], ""]).encode()
        Ed25519PublicKey.from_public_bytes(public[1:]).verify(signature[4:], signed)
    except (InvalidSignature, ValueError):
        raise Refused("the signature of the checkpoint does not fit") from None
    return int(lines[1]), _strict(lines[2], 32)


def _parsed(line: bytes, names: list[str]) -> dict[str, object]:
    """Return a line's object; only the one shortest spelling of it is accepted."""
    try:
        value = _DECODE(line.decode("utf-8"))
        again = _ENCODE(value).encode() + b"\n"
    except (ValueError, RecursionError):
        raise Refused("a line is not JSON in UTF-8") from None
    if type(value) is not dict or list(value) != names or again != line:
        raise Refused("a line is not written as a bundle's lines are")
    return value


def _bytes(event: object, place: int) -> bytes:
    if type(event) is not str:
        raise Refused(f"entry {place} is not a text")
    return event.encode()


def _hashes(proof: object) -> list[bytes]:
    if type(proof) is not list or len(proof) > 128:
        raise Refused("a proof is not a list")
    found = []
    for each in proof:
        if type(each) is not str or len(each) != 64 or each.strip("0123456789abcdef"):
            raise Refused("a proof holds something that is not a hash")
        found.append(bytes.fromhex(each))
    return found


def _strict(text: str, length: int) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise Refused("not base64") from None
    if len(raw) != length or base64.b64encode(raw).decode() != text:
        raise Refused("not base64 of the right length")
    return raw


def main(arguments: "list[str] | None" = None) -> int:
    """Check a file and say what came of it."""
    parser = argparse.ArgumentParser(description="Check a bundle of the audit log.")
    parser.add_argument("bundle")
    parser.add_argument("--key", help="the log's key, as you keep it")
    parser.add_argument("--trusted-checkpoint", help="a file with an older signed checkpoint, as you keep it")
    given = parser.parse_args(arguments)
    try:
        trusted = None
        if given.trusted_checkpoint:
            with open(given.trusted_checkpoint, encoding="utf-8", newline="") as file:
                trusted = file.read()
        with open(given.bundle, "rb") as lines:
            count, size = verify(lines, given.key, trusted)
    except OSError as missing:
        print(f"{missing.filename}: {missing.strerror}", file=sys.stderr)
        return 2
    except UnicodeDecodeError:
        print("DOES NOT HOLD: the trusted checkpoint is not a text in UTF-8")
        return 1
    except Refused as refused:
        print(f"DOES NOT HOLD: {refused}")
        return 1
    print(f"holds: {count} entries of a log of {size}")
    if given.key is None:
        print("The key is the bundle's own: compare it with one you keep (--key).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
