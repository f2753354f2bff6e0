"""Takes personal values out of the log; every proof holds, as the log carries commitments only."""

import json

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal.audit.models import AuditEvent, AuditPersonal


def erase_values(db: Session, hcp_id: str, *, called: frozenset[str] = frozenset()) -> int:
    """Delete the personal values of every event about a doctor, and every search for one of the words they are called.

    Returns how many events lost their values. Words are compared without regard to case.
    """
    doomed = list(db.scalars(select(AuditPersonal.event_id).where(AuditPersonal.hcp_id == hcp_id)))
    searches = (
        select(AuditPersonal.event_id, AuditPersonal.fields)
        .join(AuditEvent, AuditEvent.id == AuditPersonal.event_id)
        .where(AuditEvent.name.startswith("audit."), AuditPersonal.hcp_id.is_(None))
    )
    words = {word.casefold() for word in called}
    for event_id, fields in db.execute(searches).all():
        said = json.dumps(fields, ensure_ascii=False).casefold()
        if any(word in said for word in words):
            doomed.append(event_id)
    for start in range(0, len(doomed), 500):
        db.execute(delete(AuditPersonal).where(AuditPersonal.event_id.in_(doomed[start : start + 500])))
    return len(doomed)
