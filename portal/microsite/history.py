"""What was decided before, as the engine takes it: for trying rules on real pages."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from portal.content.models import Fragment
from portal.microsite.models import StoredArrangement
from portal.personalize.arrangement import Mode
from portal.personalize.codec import facts_from_json
from portal.personalize.facts import Facts

_BATCH = 500


class PastPage(NamedTuple):
    """One decision as stored, still in its texts."""

    id: str
    at: datetime
    hcp_id: str | None
    rule_set_id: str
    facts: str
    candidates: str
    decision: str


def recent_facts(db: Session, site_id: str, *, limit: int) -> list[Facts]:
    """Return what was known of each doctor when their newest personal page was decided, newest first."""
    c = StoredArrangement.__table__.c
    personal = (c.site_id == site_id) & (c.mode == Mode.PERSONAL) & c.hcp_id.is_not(None)
    newest = select(c.hcp_id, func.max(c.at).label("at")).where(personal).group_by(c.hcp_id).subquery()
    rows = db.execute(
        select(c.hcp_id, c.facts)
        .join(newest, (newest.c.hcp_id == c.hcp_id) & (newest.c.at == c.at))
        .where(personal)
        .order_by(c.at.desc(), c.id)
        .limit(limit)
    )
    return [facts_from_json(text) for text in {row.hcp_id: row.facts for row in rows}.values()]


def past_page(db: Session, arrangement_id: str) -> PastPage | None:
    """Return one stored decision, None where there is none."""
    return next(_pages(db, StoredArrangement.id == arrangement_id), None)


def past_pages(db: Session, site_id: str, *, since: datetime | None = None) -> Iterator[PastPage]:
    """Yield every stored decision of a site, oldest first, without holding them all."""
    wanted = StoredArrangement.site_id == site_id
    return _pages(db, wanted if since is None else and_(wanted, StoredArrangement.at >= since))


def count_pages(db: Session, site_id: str, *, since: datetime | None = None) -> int:
    """Return how many decisions of a site are stored."""
    counted = select(func.count()).select_from(StoredArrangement).where(StoredArrangement.site_id == site_id)
    return db.scalar(counted if since is None else counted.where(StoredArrangement.at >= since)) or 0


def _pages(db: Session, wanted: ColumnElement[bool]) -> Iterator[PastPage]:
    c = StoredArrangement.__table__.c
    rows = db.execute(
        select(c.id, c.at, c.hcp_id, c.rule_set_id, c.facts, Fragment.html, c.decision)
        .join(Fragment, Fragment.hash == c.candidates)
        .where(wanted)
        .order_by(c.at, c.id)
        .execution_options(yield_per=_BATCH)
    )
    return (PastPage(*row) for row in rows)
