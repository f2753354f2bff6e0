"""Sealing: committed events become leaves of the tree, and a signed checkpoint states its size and root."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, insert, select, text
from sqlalchemy.orm import Session

from portal.audit import tree
from portal.audit.actors import Actor
from portal.audit.checkpoints import Signer
from portal.audit.events import Event
from portal.audit.models import AuditCheckpoint, AuditEvent, AuditLeaf, AuditNode
from portal.audit.record import record

BATCH = 1_000
_LOCK = 7_040_016
# Numbers are given before they are committed: an event may appear this far behind the newest sealed one. A full round
# looks at every event and finds the ones that came later still.
_LOOKED_BACK = 50_000


@dataclass(frozen=True, slots=True)
class KeyMade(Event, name="audit.key-made", words="made the key that signs the audit log"):
    """The log has a key from here on; `verifier_key` is its public half."""

    verifier_key: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a round did: how many events were sealed, the size of the log, its newest signed note."""

    fresh: int
    size: int
    note: str


def seal(db: Session, signer: Signer, *, at: datetime, full: bool = False, limit: int = BATCH) -> Sealed:
    """Seal at most `limit` events that are committed and not yet sealed; one sealer at a time, the others wait.

    Every event is sealed once, late commits included: `full` looks at all events, otherwise at the newest ones.
    """
    if db.get_bind().dialect.name == "postgresql":
        db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    size = log_size(db)
    fresh = db.execute(_waiting(db, full).limit(limit)).all()
    if not fresh:
        return Sealed(0, size, newest_note(db) or "")
    read = reader(db)
    nodes = tree.grown(size, [tree.leaf_hash(body.encode()) for _seq, body in fresh], read)
    db.execute(insert(AuditLeaf), [{"place": size + i, "event_seq": seq} for i, (seq, _body) in enumerate(fresh)])
    db.execute(
        insert(AuditNode), [{"level": level, "place": place, "hash": value.hex()} for level, place, value in nodes]
    )
    size += len(fresh)
    note = signer.sign(size, tree.root(size, read), at=at)
    db.execute(insert(AuditCheckpoint).values(size=size, at=at, note=note))
    return Sealed(len(fresh), size, note)


def has_unsealed(db: Session, *, full: bool = False) -> bool:
    """Tell whether an event waits to be sealed."""
    return db.execute(_waiting(db, full).limit(1)).first() is not None


def waits_since(db: Session) -> datetime | None:
    """Return when the oldest of the newest events that wait to be sealed happened; None where nothing waits."""
    first = db.execute(_waiting(db, full=False).limit(1)).first()
    return None if first is None else db.scalar(select(AuditEvent.at).where(AuditEvent.seq == first.seq))


def is_announced(db: Session, signer: Signer) -> bool:
    """Tell whether the log says that this key signs it."""
    newest = db.scalar(
        select(AuditEvent.body).where(AuditEvent.name == KeyMade.name).order_by(AuditEvent.seq.desc()).limit(1)
    )
    return newest is not None and json.loads(newest)["about"]["verifier_key"] == signer.verifier_key


def announce_key(db: Session, signer: Signer, *, by: Actor, at: datetime) -> None:
    """Record that a key signs the log from here on, unless the log says so already."""
    if not is_announced(db, signer):
        record(db, KeyMade(verifier_key=signer.verifier_key), by=by, at=at)


def log_size(db: Session) -> int:
    """Return how many events are sealed."""
    newest = db.scalar(select(func.max(AuditLeaf.place)))
    return 0 if newest is None else newest + 1


def newest_note(db: Session) -> str | None:
    """Return the newest signed note."""
    return db.scalar(select(AuditCheckpoint.note).order_by(AuditCheckpoint.size.desc()).limit(1))


def newest_size(db: Session) -> int:
    """Return the size the newest checkpoint states."""
    return db.scalar(select(func.max(AuditCheckpoint.size))) or 0


def unsealed(db: Session) -> int:
    """Return how many events wait to be sealed."""
    waiting = (
        select(func.count())
        .select_from(AuditEvent)
        .outerjoin(AuditLeaf, AuditLeaf.event_seq == AuditEvent.seq)
        .where(AuditLeaf.place.is_(None))
    )
    return db.execute(waiting).scalar_one()


def _waiting(db: Session, full: bool) -> Select[int, str]:
    query = (
        select(AuditEvent.seq, AuditEvent.body)
        .outerjoin(AuditLeaf, AuditLeaf.event_seq == AuditEvent.seq)
        .where(AuditLeaf.place.is_(None))
        .order_by(AuditEvent.seq)
    )
    if full:
        return query
    newest = db.scalar(select(func.max(AuditLeaf.event_seq))) or 0
    return query.where(AuditEvent.seq > newest - _LOOKED_BACK)


def reader(db: Session) -> tree.Read:
    """Return how the tree reads stored subtrees, each once."""
    known: dict[tuple[int, int], bytes] = {}

    def read(level: int, place: int) -> bytes:
        if (level, place) not in known:
            found = db.scalar(select(AuditNode.hash).where(AuditNode.level == level, AuditNode.place == place))
            if found is None:
                raise LookupError(f"the log has no subtree {place} of level {level}")
            known[level, place] = bytes.fromhex(found)
        return known[level, place]

    return read


def place_of(db: Session, event_id: str) -> int | None:
    """Return where an event stands in the log; None while it is not sealed."""
    return db.scalar(
        select(AuditLeaf.place).join(AuditEvent, AuditEvent.seq == AuditLeaf.event_seq).where(AuditEvent.id == event_id)
    )


def bodies(db: Session, places: Sequence[int]) -> dict[int, str]:
    """Return the stored bytes of sealed events by place, as text."""
    rows = db.execute(
        select(AuditLeaf.place, AuditEvent.body)
        .join(AuditEvent, AuditEvent.seq == AuditLeaf.event_seq)
        .where(AuditLeaf.place.in_(places))
    ).all()
    return dict(rows)
