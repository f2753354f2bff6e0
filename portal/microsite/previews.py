"""The page a doctor would get at an instant, for staff: the same decision and composition, nothing written or counted.

What was read is kept as running totals, so the past is not computed from them: for an instant that is over, what was
known is taken from the page decided last before it.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.access.evidence import Confidence
from portal.access.states import CurrentVisit
from portal.hcp.profiles import HcpCard
from portal.hcp.queries import hcp_card
from portal.microsite import assemble, known, serve, sheets
from portal.microsite.assemble import Reader
from portal.microsite.known import History
from portal.microsite.models import StoredArrangement
from portal.microsite.serve import Desk
from portal.microsite.sheets import Decision
from portal.microsite.stock import SiteInForce, at_instant
from portal.personalize import Facts, Mode, arrange
from portal.personalize.codec import facts_from_json
from portal.tracking.choices import forgotten_at

STRIP = "Preview, nothing is counted"


@dataclass(frozen=True, slots=True)
class Preview:
    """A page for staff; `html` is None where the site serves nothing at that instant."""

    card: HcpCard
    site_key: str
    mode: str
    rests_on: datetime | None  # when what is known was written down; None: as of now
    html: bytes | None


def of(db: Session, desk: Desk, hcp_id: str, site_id: str, *, at: datetime, now: datetime) -> Preview | None:
    """Return the page of a doctor at `at`; None where the doctor or the site is missing."""
    card = hcp_card(db, hcp_id)
    if card is None or card.erased_at is not None:
        return None
    found = decided(db, hcp_id, site_id, at=at, now=now)
    if found is None:
        return Preview(card, "", "", None, None)
    decision, rests_on = found
    in_force = decision.in_force
    html = serve.preview(db, desk, decision, sheets.home(decision, prepared=""), strip=STRIP)
    return Preview(card, in_force.site.key, decision.arrangement.mode, rests_on, html)


def decided(
    db: Session, hcp_id: str, site_id: str, *, at: datetime, now: datetime, half_life_days: float | None = None
) -> tuple[Decision, datetime | None] | None:
    """Return what would be decided for a doctor at `at`, and when what it rests on was written down (None: now).

    None where the doctor is missing or erased, or the site serves nothing at that instant. A `half_life_days` that is
    tried bears on what is known now; what was known before had faded already when it was written down.
    """
    card, in_force = hcp_card(db, hcp_id), at_instant(db, site_id, at=at)
    found = known.of(db, hcp_id, site_id, before=at, at=at)
    if card is None or card.erased_at is not None or found is None or in_force is None:
        return None
    reader = Reader(card, found.consent, _visit(hcp_id, site_id, at))
    if at < now:
        return _as_known(db, reader, in_force, at=at)
    return serve.decide(reader, in_force, found, at=at, half_life_days=half_life_days), None


def _as_known(db: Session, reader: Reader, in_force: SiteInForce, *, at: datetime) -> tuple[Decision, datetime | None]:
    """Decide at an instant that is over, with what the newest personal page before it rested on."""
    a = StoredArrangement
    mine = (a.hcp_id == reader.card.id, a.site_id == in_force.site.id, a.at <= at, a.mode == Mode.PERSONAL)
    row = db.execute(select(a.at, a.facts).where(*mine).order_by(a.at.desc(), a.id).limit(1)).first()
    facts: Facts = assemble.facts(reader, History(), at=at)
    since = forgotten_at(db, reader.card.id, in_force.site.id)
    if row is not None and (not reader.may_profile or (since is not None and row.at <= since)):
        row = None
    if row is not None:
        facts = replace(facts_from_json(row.facts), at=at, standard_order=False)
    history = History(not_relevant=facts.not_relevant)
    arrangement = arrange(facts, in_force.candidates, in_force.compiled)
    return Decision(reader, facts, history, in_force, arrangement), row.at if row is not None else None


def _visit(hcp_id: str, site_id: str, at: datetime) -> CurrentVisit:
    """Return a visit that never was: the doctor's own device, at that instant."""
    return CurrentVisit(
        id="",
        link_id="",
        hcp_id=hcp_id,
        site_id=site_id,
        sender_id=None,
        confidence=Confidence.DEVICE,
        grade=0,
        standard_order=False,
        landing=None,
        link_modules=(),
        link_created_at=at,
        opened_at=at,
    )
