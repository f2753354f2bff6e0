"""What was decided before, as the engine takes it: for trying rules on real pages and explaining one.

What a doctor had forgotten is tried no more; it stays as evidence, and one page can still be explained.
"""

import json
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from portal.content.models import Fragment
from portal.microsite.models import StoredArrangement
from portal.personalize.arrangement import Mode
from portal.personalize.backtest import Stored
from portal.personalize.codec import facts_from_json
from portal.personalize.facts import Facts
from portal.tracking.models import ForgottenHistory

_BATCH = 500
_PAGES = StoredArrangement.__table__.c


def recent_facts(db: Session, site_id: str, *, limit: int) -> list[Facts]:
    """Return what was known of each doctor when their newest personal page was decided, newest first."""
    c = _PAGES
    personal = (c.site_id == site_id) & (c.mode == Mode.PERSONAL) & c.hcp_id.is_not(None) & _not_forgotten()
    newest = select(c.hcp_id, func.max(c.at).label("at")).where(personal).group_by(c.hcp_id).subquery()
    rows = db.execute(
        select(c.hcp_id, c.facts)
        .join(newest, (newest.c.hcp_id == c.hcp_id) & (newest.c.at == c.at))
        .where(personal)
        .order_by(c.at.desc(), c.id)
        .limit(limit)
    )
    return [facts_from_json(text) for text in {row.hcp_id: row.facts for row in rows}.values()]


def latest_doctors(db: Session, site_id: str, *, most: int) -> list[str]:
    """Return the doctors whose pages were served last, newest first, by id."""
    c = _PAGES
    newest = select(c.hcp_id).where(_home(site_id), c.hcp_id.is_not(None)).group_by(c.hcp_id)
    return [hcp_id for hcp_id in db.scalars(newest.order_by(func.max(c.at).desc()).limit(most)) if hcp_id is not None]


def past_page(db: Session, arrangement_id: str) -> tuple[Stored, str] | None:
    """Return one page as it was served and its decision (canonical JSON), None where there is none."""
    found = next(_pages(db, _PAGES.id == arrangement_id), None)
    decision = db.scalar(select(_PAGES.decision).where(_PAGES.id == arrangement_id))
    return None if found is None or decision is None else (found, decision)


def past_pages(db: Session, site_id: str) -> Iterator[Stored]:
    """Yield every personal home page of a site as it was served, oldest first, without holding them all."""
    return _pages(db, _home(site_id))


def pages_after(
    db: Session, site_id: str, *, after: tuple[datetime, str] | None, until: datetime, most: int
) -> list[tuple[datetime, Stored]]:
    """Return the next pages in the order of `past_pages`, with their moments: after one page, until an instant."""
    c = _PAGES
    wanted = _home(site_id) & (c.at <= until)
    if after is not None:
        wanted &= (c.at > after[0]) | ((c.at == after[0]) & (c.id > after[1]))
    return list(_dated(db, wanted, most))


def count_pages(db: Session, site_id: str, *, until: datetime | None = None) -> int:
    """Return how many pages `past_pages` gives, those until an instant where one is named."""
    counted = select(func.count()).select_from(StoredArrangement).where(_home(site_id))
    return db.scalar(counted if until is None else counted.where(_PAGES.at <= until)) or 0


def _home(site_id: str) -> ColumnElement[bool]:
    return (_PAGES.site_id == site_id) & (_PAGES.page == "home") & _PAGES.visit_id.is_not(None) & _not_forgotten()


def _not_forgotten() -> ColumnElement[bool]:
    """Return the clause of pages that may still be used: not decided before their doctor had everything forgotten."""
    c, gone = _PAGES, ForgottenHistory.__table__.c
    mine = (gone.hcp_id == c.hcp_id, gone.site_id == c.site_id, gone.at >= c.at)
    return ~exists(select(gone.at).where(*mine))


def _pages(db: Session, wanted: ColumnElement[bool]) -> Iterator[Stored]:
    return (page for _, page in _dated(db, wanted))


def _dated(db: Session, wanted: ColumnElement[bool], most: int | None = None) -> Iterator[tuple[datetime, Stored]]:
    c = _PAGES
    rows = db.execute(
        select(c.at, c.id, c.hcp_id, c.facts, Fragment.html, c.decision)
        .join(Fragment, Fragment.hash == c.candidates)
        .where(wanted)
        .order_by(c.at, c.id)
        .limit(most)
        .execution_options(yield_per=_BATCH)
    )
    for at, page_id, hcp_id, facts, candidates, decision in rows:
        told = json.loads(decision)
        served = tuple(item["module"] for item in told["items"])
        yield at, Stored(page_id, hcp_id or "", facts, candidates, served, told["rule_set"], told["rule_set_version"])
