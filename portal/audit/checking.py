"""Checking the whole log: entries against the tree, checkpoints against the key, columns against their record."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.audit import tree
from portal.audit.canonical import commitment, instant
from portal.audit.checkpoints import Checkpoint, CheckpointRefused, opened
from portal.audit.events import Event, declared
from portal.audit.models import AuditCheckpoint, AuditEvent, AuditLeaf, AuditNode, AuditPersonal
from portal.audit.sealing import newest_size, unsealed

_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class LogVerified(Event, name="audit.verified", words="verified the audit log: {outcome}"):
    """The log was checked up to `size` entries; `first_bad` is the place of the first entry that does not hold."""

    size: int
    outcome: str
    first_bad: int | None


@dataclass(frozen=True, slots=True)
class Finding:
    """What checking found: entries that hold, and the first fault in words with its place, None where all holds."""

    size: int
    root: str
    waiting: int
    erased: int
    fault: str | None
    first_bad: int | None
    newest_at: datetime | None

    @property
    def holds(self) -> bool:
        """Tell whether everything sealed is what was sealed."""
        return self.fault is None


class _Broken(Exception):
    def __init__(self, fault: str, place: int | None = None) -> None:
        super().__init__(fault)
        self.fault = fault
        self.place = place


class _Growing:
    """A tree that is built again from the entries, keeping only the subtrees that no later entry joins."""

    def __init__(self) -> None:
        self.size = 0
        self._stack: list[tuple[int, int, bytes]] = []

    def add(self, leaf: bytes) -> list[tree.Node]:
        """Add a leaf and return the complete subtrees it made."""
        made = [(0, self.size, leaf)]
        while self._stack and self._stack[-1][0] == made[-1][0]:
            level, place, left = self._stack.pop()
            made.append((level + 1, place // 2, tree.node_hash(left, made[-1][2])))
        self._stack.append(made[-1])
        self.size += 1
        return made

    def root(self) -> bytes:
        """Return the root of everything added."""
        if not self._stack:
            return tree.EMPTY_ROOT
        value = self._stack[-1][2]
        for _level, _place, left in reversed(self._stack[:-1]):
            value = tree.node_hash(left, value)
        return value


def check(db: Session, verifier_key: str, *, trusted: Sequence[str] = ()) -> Finding:
    """Return whether the log is what was sealed; `trusted` are notes kept elsewhere, against a log cut short."""
    growing = _Growing()
    newest_at: datetime | None = None
    erased = 0
    try:
        stated = _stated(db, verifier_key, trusted)
        nodes = _nodes(db)
        for row in _entries(db):
            erased += _check_entry(row, growing.size)
            for level, place, value in growing.add(tree.leaf_hash(row.body.encode())):
                if next(nodes, None) != (level, place, value.hex()):
                    raise _Broken("the stored tree differs from its entries", growing.size - 1)
            newest_at = row.at
            expected = stated.pop(growing.size, None)
            if expected is not None and expected.root != growing.root():
                raise _Broken(f"the checkpoint of {growing.size} entries states another root", growing.size - 1)
        _check_end(db, growing.size, stated)
    except ValueError:  # a time that is none, JSON that is none
        fault = f"what is stored of entry {growing.size} cannot be read"
        return Finding(growing.size, growing.root().hex(), 0, erased, fault, growing.size, newest_at)
    except _Broken as broken:
        return Finding(growing.size, growing.root().hex(), 0, erased, broken.fault, broken.place, newest_at)
    return Finding(growing.size, growing.root().hex(), unsealed(db), erased, None, None, newest_at)


def _stated(db: Session, verifier_key: str, trusted: Sequence[str]) -> dict[int, Checkpoint]:
    """Return every checkpoint by size, stored and trusted; two that disagree are a fault."""
    found: dict[int, Checkpoint] = {}
    stored = db.scalars(select(AuditCheckpoint).order_by(AuditCheckpoint.size)).all()
    for note, row in [*[(row.note, row) for row in stored], *[(note, None) for note in trusted]]:
        try:
            checkpoint = opened(note, verifier_key)
        except CheckpointRefused as refused:
            raise _Broken(f"a checkpoint does not hold: {refused}") from None
        if row is not None and (checkpoint.size, checkpoint.at) != (row.size, instant(row.at)):
            raise _Broken(f"the checkpoint of {row.size} entries states {checkpoint.size} at {checkpoint.at}")
        if found.setdefault(checkpoint.size, checkpoint) != checkpoint:
            raise _Broken(f"two checkpoints of {checkpoint.size} entries disagree")
    found.pop(0, None)
    return found


def _check_end(db: Session, size: int, stated: dict[int, Checkpoint]) -> None:
    if stated:
        raise _Broken(f"the log has {size} entries, a checkpoint states {max(stated)}: it was cut short", size)
    if newest_size(db) != size:
        raise _Broken(f"no checkpoint states all {size} entries", size)
    stray = (
        select(AuditPersonal.event_id)
        .outerjoin(AuditEvent, AuditEvent.id == AuditPersonal.event_id)
        .where(AuditEvent.id.is_(None))
    )
    if db.execute(stray.limit(1)).first() is not None:
        raise _Broken("personal values belong to no event", size)
    nodes = db.execute(select(func.count()).select_from(AuditNode)).scalar_one()
    if nodes != sum(size >> level for level in range(size.bit_length())):
        raise _Broken("the stored tree has nodes that no entries make", size)


def _entries(db: Session) -> Iterator[Any]:
    """Give every sealed entry in order; a missing place or event is a fault."""
    expected = 0
    while True:
        rows = db.execute(
            select(
                AuditLeaf.place,
                AuditEvent.seq,
                AuditEvent.id,
                AuditEvent.at,
                AuditEvent.name,
                AuditEvent.actor_kind,
                AuditEvent.actor_id,
                AuditEvent.hcp_id,
                AuditEvent.body,
                AuditPersonal.salt,
                AuditPersonal.fields,
                AuditPersonal.hcp_id.label("personal_hcp_id"),
            )
            .outerjoin(AuditEvent, AuditEvent.seq == AuditLeaf.event_seq)
            .outerjoin(AuditPersonal, AuditPersonal.event_id == AuditEvent.id)
            .where(AuditLeaf.place >= expected)
            .order_by(AuditLeaf.place)
            .limit(_BATCH)
        ).all()
        for row in rows:
            if row.place != expected or row.body is None:
                raise _Broken(f"entry {expected} is missing", expected)
            yield row
            expected += 1
        if len(rows) < _BATCH:
            return


def _nodes(db: Session) -> Iterator[tuple[int, int, str]]:
    """Give every stored subtree in the order in which entries complete them."""
    tops: dict[int, Iterator[tuple[int, int, str]]] = {}
    place = 0
    while True:
        level = 0
        while level == 0 or (place + 1) % (1 << level) == 0:
            rows = tops.setdefault(level, _level(db, level))
            node = next(rows, None)
            if node is None:
                return
            yield node
            level += 1
        place += 1


def _level(db: Session, level: int) -> Iterator[tuple[int, int, str]]:
    after = -1
    while True:
        rows = db.execute(
            select(AuditNode.place, AuditNode.hash)
            .where(AuditNode.level == level, AuditNode.place > after)
            .order_by(AuditNode.place)
            .limit(_BATCH)
        ).all()
        for place, value in rows:
            yield level, place, value
            after = place
        if len(rows) < _BATCH:
            return


def _check_entry(row: Any, place: int) -> int:
    """Return 1 if the entry's personal values were erased, else 0; columns that differ from the record are a fault."""
    try:
        body = json.loads(row.body)
        actor, about = body["actor"], body["about"]
        said = (body["id"], body["at"], body["name"], actor["kind"], actor["id"])
    except (ValueError, KeyError, TypeError):
        raise _Broken(f"entry {place} is not a record", place) from None
    kind = declared().get(row.name)
    hcp_id = about.get(kind.hcp_field) if kind is not None else row.hcp_id
    if said != (row.id, instant(row.at), row.name, row.actor_kind, row.actor_id) or hcp_id != row.hcp_id:
        raise _Broken(f"entry {place} differs from its record", place)
    committed = {name: value["sha256"] for name, value in about.items() if _is_commitment(value)}
    if row.salt is None:
        return int(bool(committed))
    given = {name: commitment(row.salt, name, value) for name, value in row.fields.items()}
    if given != committed or row.personal_hcp_id != row.hcp_id:
        raise _Broken(f"the personal values of entry {place} are not those that were recorded", place)
    return 0


def _is_commitment(value: object) -> bool:
    return isinstance(value, dict) and set(value) == {"sha256"}
