"""Questions about the audit log: newest first, by a search, one event with its personal values.

The room knows ids only; who is called what is asked of the functions in `Known`.
"""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, not_, or_, select
from sqlalchemy.orm import Session

from portal.audit.actors import ActorKind
from portal.audit.events import declared
from portal.audit.models import AuditEvent, AuditPersonal
from portal.audit.search import Qualifier, Search, SearchRefused, Term

PAGE = 50
COUNTED = 10_000
_KINDS = frozenset(kind.value for kind in ActorKind)
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class ActorKey:
    """An author as the log names them."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Known:
    """How to find ids by what people type: a name, a reference, an address, an id; nothing found is an empty list."""

    actors: Callable[[str], Collection[ActorKey]]
    hcps: Callable[[str], Collection[str]]


@dataclass(frozen=True, slots=True)
class EventRow:
    """One audit event as stored; `about` is the part of the body that its class declares."""

    seq: int
    id: str
    at: datetime
    name: str
    actor_kind: str
    actor_id: str | None
    hcp_id: str | None
    body: str

    @property
    def about(self) -> dict[str, Any]:
        """Return the fields of the event; a personal one is its commitment `{"sha256": …}`."""
        fields: dict[str, Any] = json.loads(self.body)["about"]
        return fields


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events newest first, and the numbers to go on from; None where there is nothing further."""

    rows: tuple[EventRow, ...]
    newer: int | None
    older: int | None


def conditions(search: Search, known: Known) -> list[ColumnElement[bool]]:
    """Return what an event must fulfil to be found; raises SearchRefused for a name that nobody bears."""
    wanted: list[ColumnElement[bool]] = []
    for qualifier in (Qualifier.ACTOR, Qualifier.ACTION, Qualifier.HCP, Qualifier.CREATED):
        if terms := search.of(qualifier, negated=False):
            wanted.append(or_(*[_clause(term, known) for term in terms]))
    wanted += [_clause(term, known) for term in search.of(Qualifier.WORD, negated=False)]
    # NOT of an unknown value is unknown: an event without a doctor must stay in `-hcp:…`.
    wanted += [not_(func.coalesce(_clause(term, known), false())) for term in search.terms if term.negated]
    return wanted


def events_page(
    db: Session,
    wanted: Sequence[ColumnElement[bool]],
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int = PAGE,
) -> EventPage:
    """Return at most `limit` events older than `before`, or the nearest newer than `after`, newest first."""
    if after is not None:
        query = _select(wanted).where(AuditEvent.seq > after).order_by(AuditEvent.seq)
        found = [_row(row) for row in db.execute(query.limit(limit + 1)).all()]
        rows = tuple(reversed(found[:limit]))
        return EventPage(rows, rows[0].seq if len(found) > limit else None, rows[-1].seq if rows else None)
    query = _select(wanted).order_by(AuditEvent.seq.desc())
    if before is not None:
        query = query.where(AuditEvent.seq < before)
    found = [_row(row) for row in db.execute(query.limit(limit + 1)).all()]
    rows = tuple(found[:limit])
    return EventPage(
        rows,
        rows[0].seq if rows and before is not None else None,
        rows[-1].seq if len(found) > limit else None,
    )


def count_events(db: Session, wanted: Sequence[ColumnElement[bool]], *, at_most: int = COUNTED) -> int:
    """Return how many events fulfil `wanted`, counting no further than `at_most` + 1."""
    some = select(AuditEvent.seq).where(*wanted).limit(at_most + 1).subquery()
    return db.execute(select(func.count()).select_from(some)).scalar_one()


def all_events(db: Session, wanted: Sequence[ColumnElement[bool]]) -> Iterator[EventRow]:
    """Give every event that fulfils `wanted`, newest first, a thousand at a time."""
    before: int | None = None
    while True:
        page = events_page(db, wanted, before=before, limit=_BATCH)
        yield from page.rows
        if page.older is None:
            return
        before = page.older


def event_of(db: Session, event_id: str) -> EventRow | None:
    """Return one event."""
    row = db.execute(_select([AuditEvent.id == event_id])).first()
    return _row(row) if row is not None else None


def personal_of(db: Session, event_id: str) -> dict[str, Any] | None:
    """Return the personal values of an event; None where it has none or they were erased."""
    return db.execute(select(AuditPersonal.fields).where(AuditPersonal.event_id == event_id)).scalar_one_or_none()


def newest_called(db: Session, name: str) -> EventRow | None:
    """Return the newest event of a name."""
    row = db.execute(_select([AuditEvent.name == name]).order_by(AuditEvent.seq.desc()).limit(1)).first()
    return _row(row) if row is not None else None


def events_about(db: Session, hcp_id: str, *, until: datetime, limit: int) -> list[EventRow]:
    """Return the newest events about one doctor up to a moment."""
    query = _select([AuditEvent.hcp_id == hcp_id, AuditEvent.at <= until]).order_by(AuditEvent.seq.desc())
    return [_row(row) for row in db.execute(query.limit(limit)).all()]


def _clause(term: Term, known: Known) -> ColumnElement[bool]:
    if term.qualifier is Qualifier.ACTOR:
        return _by_actor(term.value, known)
    if term.qualifier is Qualifier.ACTION:
        if term.value.endswith(".*"):
            return AuditEvent.name.startswith(term.value[:-1], autoescape=True)
        return AuditEvent.name == term.value
    if term.qualifier is Qualifier.HCP:
        ids = known.hcps(term.value)
        if not ids:
            raise SearchRefused(f"No doctor is known as “{term.value}”.", "Write hcp:H-1021 or a name.")
        return AuditEvent.hcp_id.in_(sorted(ids))
    if term.span is not None:
        bounds = []
        if term.span.start is not None:
            bounds.append(AuditEvent.at >= term.span.start)
        if term.span.end is not None:
            bounds.append(AuditEvent.at < term.span.end)
        return and_(*bounds)
    return _by_word(term.value)


def _by_actor(value: str, known: Known) -> ColumnElement[bool]:
    if value.lower() in _KINDS:
        return AuditEvent.actor_kind == value.lower()
    keys = known.actors(value)
    if not keys:
        raise SearchRefused(
            f"Nobody in the log is called “{value}”.",
            "Write a name or address of a colleague, a doctor's reference, or one of "
            f"{', '.join(f'actor:{kind}' for kind in sorted(_KINDS))}.",
        )
    return or_(*[and_(AuditEvent.actor_kind == key.kind, AuditEvent.actor_id == key.id) for key in keys])


def _by_word(value: str) -> ColumnElement[bool]:
    """Return the clause for a word: in the stored text, in the event's name, or in the sentence it is shown as."""
    spelled = json.dumps(value, ensure_ascii=False)[1:-1]
    said = sorted(name for name, kind in declared().items() if value.lower() in kind.words.lower())
    return or_(AuditEvent.body.icontains(spelled, autoescape=True), AuditEvent.name.in_(said))


def _select(wanted: Sequence[ColumnElement[bool]]) -> Any:
    return select(
        AuditEvent.seq,
        AuditEvent.id,
        AuditEvent.at,
        AuditEvent.name,
        AuditEvent.actor_kind,
        AuditEvent.actor_id,
        AuditEvent.hcp_id,
        AuditEvent.body,
    ).where(*wanted)


def _row(row: Any) -> EventRow:
    return EventRow(row.seq, row.id, row.at, row.name, row.actor_kind, row.actor_id, row.hcp_id, row.body)
