"""What time takes away: events that are older than the retention of their type."""

from datetime import datetime, timedelta

from sqlalchemy import CursorResult, delete
from sqlalchemy.orm import Session

from portal.audit import Actor, record
from portal.tracking.audit_events import InteractionsPurged
from portal.tracking.events import REGISTRY
from portal.tracking.models import Interaction


def purge_expired(db: Session, *, by: Actor, at: datetime) -> int:
    """Delete events older than the retention of their type and return how many; a type that lost any is recorded."""
    purged = 0
    for kind in REGISTRY.values():
        before = at - timedelta(days=kind.days)
        gone = db.execute(delete(Interaction).where(Interaction.type == kind.name, Interaction.at < before))
        count = gone.rowcount if isinstance(gone, CursorResult) else 0
        if count:
            event = InteractionsPurged(type=kind.name, before=before.date().isoformat(), count=count)
            record(db, event, by=by, at=at)
            purged += count
    return purged
