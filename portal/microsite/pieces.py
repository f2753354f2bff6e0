"""A served page as a tree of pieces: stored fragments with slots, and the literals that fill them. Pure.

A piece is a string (literal HTML) or `{"f": <hash of a stored fragment>, "s": {slot: [pieces]}}`. Joining the tree
gives the served bytes again, whatever became of templates and modules since.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
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


def written(pieces: Sequence[Piece]) -> str:
    """Return a tree of pieces as JSON text."""
    return json.dumps(pieces, ensure_ascii=False, separators=(",", ":"))


def join(pieces: Sequence[Piece], fragments: Mapping[str, str]) -> str:
    """Return the HTML; raises KeyError for a fragment that is not given."""
    return "".join(parts_of(pieces, fragments))


def parts_of(pieces: Sequence[Piece], fragments: Mapping[str, str]) -> list[str]:
    """Return the HTML as the parts it is joined from; raises KeyError for a fragment that is not given."""
    parts: list[str] = []
    _write(pieces, fragments, parts.append)
    return parts


def _write(pieces: Sequence[Piece], fragments: Mapping[str, str], write: Callable[[str], None]) -> None:
    for piece in pieces:
        if isinstance(piece, str):
            write(piece)
            continue
        slots = piece["s"]
        for part, is_slot in _parts(fragments[piece["f"]]):
            if not is_slot:
                write(part)
            elif filling := slots.get(part):
                _write(filling, fragments, write)


@lru_cache(maxsize=1024)
def _parts(fragment: str) -> tuple[tuple[str, bool], ...]:
    """Return the parts of a fragment in their order, with whether each is the name of a slot."""
    return tuple((part, index % 2 == 1) for index, part in enumerate(_SLOT.split(fragment)) if part)
