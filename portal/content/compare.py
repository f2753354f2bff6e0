"""How two texts differ, word by word. Pure."""

from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum


class Kind(StrEnum):
    """What became of a run of words."""

    KEPT = "kept"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Change:
    """A run of words and what became of it."""

    kind: Kind
    text: str


def changes(before: str, after: str) -> list[Change]:
    """Return the runs of words that were kept, removed and added, in reading order."""
    old, new = before.split(), after.split()
    found: list[Change] = []
    # The heuristic for frequent words would call unchanged words changed in texts of more than 200 words.
    for what, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            found.append(Change(Kind.KEPT, " ".join(old[a:b])))
            continue
        if a < b:
            found.append(Change(Kind.REMOVED, " ".join(old[a:b])))
        if c < d:
            found.append(Change(Kind.ADDED, " ".join(new[c:d])))
    return found
