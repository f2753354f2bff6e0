"""What time takes away from mail: compositions that were begun and never sent."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from portal.audit import Actor, record
from portal.mailing.events import CompositionsPurged
from portal.mailing.models import Mailing, Sending

# Purpose: a sender can come back to what they began. They name doctors and hold free text.
COMPOSITION_LIFE = timedelta(days=30)


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
