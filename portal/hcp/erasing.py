"""Takes away who a doctor is; the row stays without a person, for what counts on it."""

from datetime import datetime

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from portal.hcp.actions import HcpRefused
from portal.hcp.models import AdoptionStep, Assignment, Hcp, PendingImport
from portal.hcp.noting import erase_evidence


def erase_person(db: Session, hcp_id: str, *, at: datetime) -> int:
    """Erase every personal value of a doctor and return how many notes beside consents there were.

    Reference, audience, market and language stay: the reference is never used again, the others are no person's.
    Files of doctors that wait to be confirmed go too, whoever is in them: they are kept for an hour at most. Raises
    HcpRefused for an unknown or erased doctor.
    """
    hcp = db.get(Hcp, hcp_id, with_for_update=True, populate_existing=True)
    if hcp is None or hcp.erased_at is not None:
        raise HcpRefused("There is no such doctor.")
    notes = erase_evidence(db, hcp_id)
    hcp.npi = hcp.first_name = hcp.last_name = hcp.email = None
    hcp.title = ""
    hcp.specialty = hcp.segment = hcp.decile = hcp.adoption_step = hcp.knowledge_level = hcp.channel = None
    hcp.territory_id = None
    hcp.erased_at = at
    db.execute(delete(AdoptionStep).where(AdoptionStep.hcp_id == hcp_id))
    db.execute(delete(PendingImport))
    open_ones = (Assignment.hcp_id == hcp_id, (Assignment.until.is_(None)) | (Assignment.until > at))
    db.execute(update(Assignment).where(*open_ones).values(until=at))
    return notes
