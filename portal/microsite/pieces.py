"""A served page as a tree of pieces: stored fragments with slots, and the literals that fill them. Pure.

A piece is a string (literal HTML) or `{"f": <hash of a stored fragment>, "s": {slot: [pieces]}}`. Joining the tree
gives the served bytes again, whatever became of templates and modules since.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Piece = str | dict[str, Any]

_OPEN, _CLOSE = "\ue000", "\ue001"
_SLOT = re.compile(f"{_OPEN}([a-z0-9_:-]+){_CLOSE}")


def slot(name: str) -> str:
    """Return the mark that stands in a fragment where `name` will be filled in."""
    return f"{_OPEN}{name}{_CLOSE}"


def without_marks(text: str) -> str:
    """Return `text` without the characters that slots are marked with."""
    return text.replace(_OPEN, "").replace(_CLOSE, "")


def fragment_hash(html: str) -> str:
    """Return the SHA-256 (hex) of a fragment's UTF-8 bytes."""
    return hashlib.sha256(html.encode()).hexdigest()


def use(fragment: str, slots: Mapping[str, Sequence[Piece]] | None = None) -> Piece:
    """Return the piece for a stored fragment, by its hash, with its slots filled."""
    return {"f": fragment, "s": {name: list(filling) for name, filling in (slots or {}).items()}}


def hashes(pieces: Sequence[Piece]) -> set[str]:
    """Return the hashes of every fragment a page is made of."""
    found: set[str] = set()
    for piece in pieces:
        if isinstance(piece, dict):
            found.add(piece["f"])
            for filling in piece["s"].values():
                found |= hashes(filling)
    return found


def join(pieces: Sequence[Piece], fragments: Mapping[str, str]) -> str:
    """Return the HTML; raises KeyError for a fragment that is not given."""
    parts: list[str] = []
    _write(pieces, fragments, parts.append)
    return "".join(parts)


def _write(pieces: Sequence[Piece], fragments: Mapping[str, str], write: Callable[[str], None]) -> None:
    for piece in pieces:
        if isinstance(piece, str):
            write(piece)
            continue
        for index, part in enumerate(_SLOT.split(fragments[piece["f"]])):
            if index % 2:
                _write(piece["s"].get(part, ()), fragments, write)
            else:
                write(part)
