"""How readers stand at this moment: what they agreed to when the page was made may have been taken back since."""

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Dialect, select
from sqlalchemy.orm import Session

from portal.db.prepared import PreparedRead, places
from portal.hcp.consents import ConsentRow, Purpose, Tracking, in_force
from portal.hcp.models import Consent
from portal.tracking.actions import Reader, Standing


def by_consent(db: Session, readers: Collection[Reader], *, at: datetime) -> Standing:
    """Return of which named readers consent to measuring (gone) or to profiling (unfed) is not in force at `at`."""
    doctors = sorted({hcp_id for _, hcp_id, _ in readers if hcp_id})
    decisions: dict[str, list[ConsentRow]] = {hcp_id: [] for hcp_id in doctors}
    connection = db.connection()
    for row in _decisions(connection.dialect, len(doctors)).rows(connection, doctors):
        if row["purpose"] != Purpose.MAIL:
            purpose, times = Purpose(row["purpose"]), (row["at"], row["ends_at"])
            decision = ConsentRow(row["site_id"], purpose, row["decision"], "", "", *times)
            decisions[row["hcp_id"]].append(decision)
    gone: set[Reader] = set()
    unfed: set[Reader] = set()
    for reader in readers:
        consent = in_force(decisions.get(reader[1] or "", ()), reader[2], at)
        if consent.tracking is not Tracking.IDENTIFIED:
            gone.add(reader)
        if not consent.profiling:
            unfed.add(reader)
    return Standing(frozenset(gone), frozenset(unfed))


@lru_cache(maxsize=256)
def _decisions(dialect: Dialect, count: int) -> PreparedRead:
    columns = (Consent.hcp_id, Consent.site_id, Consent.purpose, Consent.decision, Consent.at, Consent.ends_at)
    return PreparedRead(select(*columns).where(Consent.hcp_id.in_(places(count))), dialect)
