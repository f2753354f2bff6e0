"""How readers stand at this moment: what they agreed to when the page was made may have been taken back since."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.hcp.consents import ConsentRow, Purpose, Tracking, in_force
from portal.hcp.models import Consent
from portal.tracking.actions import Reader, Standing


def by_consent(db: Session, readers: Collection[Reader]) -> Standing:
    """Return of which named readers consent to measuring (gone) or to profiling (unfed) is not in force."""
    doctors = sorted({hcp_id for _, hcp_id, _ in readers if hcp_id})
    decisions: dict[str, list[ConsentRow]] = {hcp_id: [] for hcp_id in doctors}
    rows = db.execute(
        select(Consent.hcp_id, Consent.site_id, Consent.purpose, Consent.decision, Consent.at).where(
            Consent.hcp_id.in_(doctors), Consent.purpose.in_((Purpose.TRACKING, Purpose.PROFILING))
        )
    )
    for hcp_id, site_id, purpose, decision, at in rows:
        decisions[hcp_id].append(ConsentRow(site_id, Purpose(purpose), decision, "", "", at))
    gone: set[Reader] = set()
    unfed: set[Reader] = set()
    for reader in readers:
        consent = in_force(decisions.get(reader[1] or "", ()), reader[2])
        if consent.tracking is not Tracking.IDENTIFIED:
            gone.add(reader)
        if not consent.profiling:
            unfed.add(reader)
    return Standing(frozenset(gone), frozenset(unfed))
