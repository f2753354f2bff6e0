"""Questions about sendings: what waits, what went, one mail as sent."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from portal.db import is_id
from portal.mailing.models import Outbox, Sending
from portal.mailing.states import READERS_ONLY, STATE_WORDS, SendingKind, SendingState

_LISTED = 300


@dataclass(frozen=True, slots=True)
class SendingRow:
    """One sending in a list."""

    id: str
    kind: SendingKind
    mailing_id: str | None
    site_id: str
    hcp_id: str
    sender_id: str | None
    subject: str | None
    to_address: str | None
    state: SendingState
    reason: str | None
    status_code: str | None
    composed_at: datetime
    due_at: datetime
    handed_over_at: datetime | None
    finished_at: datetime | None
    attempts: int
    next_at: datetime | None

    @property
    def in_words(self) -> str:
        """Return where it stands, in words: `failed (no such address)`."""
        said = STATE_WORDS[self.state]
        return f"{said} ({self.reason})" if self.reason else said

    @property
    def is_readable(self) -> bool:
        """Tell whether staff may read its text at all."""
        return self.kind not in READERS_ONLY

    def can_be_undone(self, at: datetime) -> bool:
        """Tell whether it may still be taken back."""
        return self.state is SendingState.SCHEDULED and at < self.due_at


@dataclass(frozen=True, slots=True)
class MailAsSent:
    """The mail itself; erased ones have no text."""

    subject: str | None
    html: str | None
    text: str | None
    sha256: str


def waiting(db: Session) -> list[SendingRow]:
    """Return what is in the outbox, soonest first."""
    return _rows(db, _query().where(Outbox.sending_id.is_not(None)).order_by(Outbox.due_at, Sending.id).limit(_LISTED))


def due_since(db: Session, at: datetime) -> datetime | None:
    """Return since when the mail that is due longest has been due at `at`; None where none is."""
    return db.scalar(select(func.min(Outbox.due_at)).where(Outbox.due_at <= at))


def newest(
    db: Session, *, sender_id: str | None = None, hcp_id: str | None = None, mailing_id: str | None = None
) -> list[SendingRow]:
    """Return sendings, newest first, of a sender, to a doctor or of a mailing; at most 300."""
    query = _query()
    for column, value in (
        (Sending.sender_id, sender_id),
        (Sending.hcp_id, hcp_id),
        (Sending.mailing_id, mailing_id),
    ):
        if value is not None:
            query = query.where(column == value)
    return _rows(db, query.order_by(Sending.composed_at.desc(), Sending.id).limit(_LISTED))


def sending(db: Session, sending_id: str) -> SendingRow | None:
    """Return one sending, or nothing."""
    rows = _rows(db, _query().where(Sending.id == sending_id)) if is_id(sending_id) else []
    return rows[0] if rows else None


def as_sent(db: Session, sending_id: str) -> MailAsSent | None:
    """Return the mail of a sending exactly as it went out, or nothing."""
    row = db.execute(
        select(Sending.subject, Sending.html, Sending.text, Sending.sha256).where(Sending.id == sending_id)
    ).first()
    return MailAsSent(*row) if row is not None else None


def count_of(db: Session, states: Collection[SendingState]) -> int:
    """Return how many sendings are in one of `states`."""
    return len(db.scalars(select(Sending.id).where(Sending.state.in_(tuple(states)))).all())


def _query() -> Select[Sending, int | None, datetime | None]:
    return select(Sending, Outbox.attempts, Outbox.due_at).outerjoin(Outbox, Outbox.sending_id == Sending.id)


def _rows(db: Session, query: Select[Sending, int | None, datetime | None]) -> list[SendingRow]:
    return [
        SendingRow(
            id=row.id,
            kind=SendingKind(row.kind),
            mailing_id=row.mailing_id,
            site_id=row.site_id,
            hcp_id=row.hcp_id,
            sender_id=row.sender_id,
            subject=row.subject,
            to_address=row.to_address,
            state=SendingState(row.state),
            reason=row.reason,
            status_code=row.status_code,
            composed_at=row.composed_at,
            due_at=row.due_at,
            handed_over_at=row.handed_over_at,
            finished_at=row.finished_at,
            attempts=attempts or 0,
            next_at=next_at,
        )
        for row, attempts, next_at in db.execute(query).all()
    ]
