"""Bundles: sealed events with their proofs, to be checked by the stand-alone verifier without this application.

A bundle is JSON lines in their shortest spelling. The first line is the head: `bundle` (format), `checkpoint` (signed
note), `key` (of the log), `whole` (1: every entry from 0 to the checkpoint's size, without proofs), `from` and
`consistency` (the size of an older checkpoint and the proof that this log begins with it; 0 and nothing where none was
asked for). Each further line is one entry: `place`, `event` (the stored bytes) and, where the bundle is not whole,
`proof` (hex).
"""

import json
from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy.orm import Session

from portal.audit import tree
from portal.audit.checkpoints import opened
from portal.audit.sealing import bodies, newest_note, place_of, reader

FORMAT = "portal-audit-bundle/1"
_BATCH = 1_000


class BundleRefused(Exception):
    """A bundle that cannot be made; the text says why."""


def bundle(
    db: Session, verifier_key: str, *, events: Collection[str] | None = None, since: str | None = None
) -> Iterator[bytes]:
    """Give the lines of a bundle of the given events, None for the whole log; `since` is an older signed note.

    Raises BundleRefused for an event that is not sealed and for a log without a checkpoint.
    """
    note = newest_note(db)
    if note is None:
        raise BundleRefused("Nothing is sealed yet: run `audit seal` first.")
    size = opened(note, verifier_key).size
    read = reader(db)
    old = opened(since, verifier_key).size if since is not None else 0
    if old > size:
        raise BundleRefused(f"The older checkpoint states {old} entries, the log has {size}.")
    proof = tree.consistency(old, size, read) if old else []
    places = range(size) if events is None else _places(db, events)
    yield _line(
        {
            "bundle": FORMAT,
            "checkpoint": note,
            "key": verifier_key,
            "whole": int(events is None),
            "from": old,
            "consistency": [value.hex() for value in proof],
        }
    )
    for start in range(0, len(places), _BATCH):
        some = places[start : start + _BATCH]
        stored = bodies(db, some)
        for place in some:
            entry: dict[str, Any] = {"place": place, "event": stored[place]}
            if events is not None:
                entry["proof"] = [value.hex() for value in tree.inclusion(place, size, read)]
            yield _line(entry)


def _places(db: Session, events: Collection[str]) -> list[int]:
    found = []
    for event_id in events:
        place = place_of(db, event_id)
        if place is None:
            raise BundleRefused(f"The event {event_id} does not exist or is not sealed yet.")
        found.append(place)
    return sorted(set(found))


def _line(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
