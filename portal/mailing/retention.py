"""What time takes away from mail: compositions never sent, and what was for its reader alone and could not be sent."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from portal.audit import Actor, record
from portal.mailing.events import CompositionsPurged, WaitingMailPurged
from portal.mailing.models import Mailing, Sending
from portal.mailing.sendings import end
from portal.mailing.states import Block, SendingKind, SendingState

# Purpose: a sender can come back to what they began. They name doctors and hold free text.
COMPOSITION_LIFE = timedelta(days=30)
# Purpose: codes and links that were asked for wait for a mail server. Where none is set they would wait for ever.
WAITING_LIFE = {
    SendingKind.NOTICE: timedelta(days=1),  # a code works for minutes
    SendingKind.OPT_IN: timedelta(days=7),  # as long as the question may be answered
    SendingKind.FRESH: timedelta(days=7),
}


def purge_abandoned(db: Session, *, by: Actor, at: datetime) -> int:
    """Delete compositions older than their life that were never sent and return how many; a test of one stays."""
    before = at - COMPOSITION_LIFE
    query = select(Mailing.id).where(Mailing.sent_at.is_(None), Mailing.created_at < before).order_by(Mailing.id)
    ids = list(db.scalars(query.with_for_update(skip_locked=True)))  # one that is being sent now is locked, and stays
    if not ids:
        return 0
    db.execute(update(Sending).where(Sending.mailing_id.in_(ids)).values(mailing_id=None))
    db.execute(delete(Mailing).where(Mailing.id.in_(ids)))
    record(db, CompositionsPurged(before=before.date().isoformat(), count=len(ids)), by=by, at=at)
    return len(ids)


def purge_waiting(db: Session, *, by: Actor, at: datetime) -> int:
    """Stop mail with codes and links that waited longer than its life, throw its text away, and return how many."""
    count = 0
    for kind, life in WAITING_LIFE.items():
        query = select(Sending).where(
            Sending.kind == kind, Sending.state == SendingState.SCHEDULED, Sending.due_at < at - life
        )
        for sending in list(db.scalars(query.order_by(Sending.id).with_for_update(skip_locked=True))):
            end(db, sending, SendingState.STOPPED, Block.EXPIRED, at=at)
            count += 1
    if count:
        record(db, WaitingMailPurged(count=count), by=by, at=at)
    return count
