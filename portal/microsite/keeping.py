"""Keeping served pages: what must be durable before a page leaves, written for many pages in one transaction.

A page is made from what was read before. Here, where nothing can change any more, it is asked once again whether that
still holds: a page whose visit ended, whose doctor withdrew a consent or was erased, or whose site has changed in the
meantime is not kept, and what is not kept is not shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, cast

from sqlalchemy import Dialect, Table, bindparam, insert, select
from sqlalchemy.orm import Session

from portal.access.models import Link, Visit
from portal.access.states import CurrentVisit
from portal.audit import Actor, Event
from portal.audit.record import record_deeds
from portal.content.models import Site
from portal.db import UtcDateTime
from portal.db.prepared import PreparedRead, PreparedWrite, ids_given, json_text, places
from portal.hcp.consents import Purpose
from portal.hcp.models import Hcp
from portal.hcp.queries import decision_in_force
from portal.microsite.known import Known
from portal.microsite.models import StoredArrangement
from portal.microsite.stock import Stock
from portal.tracking.choices import record_choice
from portal.tracking.models import ForgottenHistory
from portal.tracking.statements import open_views


class Stamp(NamedTuple):
    """What a page rests on besides the history: if any of it differs when the page is kept, the page is made anew."""

    confidence: str
    standard_order: bool
    revision: int
    tracking: str | None
    profiling: str | None
    forgotten_at: datetime | None

    @classmethod
    def of(cls, visit: CurrentVisit, known: Known) -> "Stamp":
        """Return the stamp of what was read."""
        tracking, profiling = known.consent.tracking_decision, known.consent.profiling_decision
        return cls(
            visit.confidence.value,
            visit.standard_order,
            known.revision,
            tracking.decision if tracking else None,
            profiling.decision if profiling else None,
            known.forgotten_at,
        )


@dataclass(frozen=True, slots=True)
class Page:
    """A page that is ready: its bytes, the parts they were joined from, and what must be durable before they leave."""

    html: bytes
    parts: Sequence[str]
    visit_id: str
    stamp: Stamp
    arrangement: Mapping[str, Any]
    view: Mapping[str, Any] | None
    event: Event
    by: Actor
    at: datetime
    fragments: Mapping[str, str]
    found: int | None = None  # how many modules a search gave


def keep(db: Session, stock: Stock, pages: Sequence[Page]) -> list[bool]:
    """Write what pages must leave behind and tell of each whether it may be shown; commits nothing."""
    connection = db.connection()
    standing = _standing(db, sorted({page.visit_id for page in pages}), max(page.at for page in pages))
    good = [page for page in pages if standing.get(page.visit_id) == page.stamp]
    for page in good:
        stock.store(db, page.fragments, page.at)
    if views := [page.view for page in good if page.view is not None]:
        open_views(connection.dialect).run(connection, views)
    if good:
        _arrangements(connection.dialect).run(connection, [page.arrangement for page in good])
        record_deeds(db, [(page.event, page.by, page.at) for page in good])
    for page in good:
        if page.found is not None and page.view is not None:
            _record_search(db, page.view["id"], page.arrangement, page.found, page.at)
    kept = {id(page) for page in good}
    return [id(page) in kept for page in pages]


def _record_search(db: Session, view_id: str, arrangement: Mapping[str, Any], found: int, at: datetime) -> None:
    """Write that something was searched for; that, and nothing that was typed, is the event."""
    visit_id, site_id = arrangement["visit_id"], arrangement["site_id"]
    told = {"type": "search.done", "subject": "module", "value": str(found)}
    record_choice(db, view_id, visit_id=visit_id, site_id=site_id, **told, at=at)


def _standing(db: Session, visit_ids: Sequence[str], at: datetime) -> dict[str, Stamp]:
    connection = db.connection()
    rows = _open_visits(connection.dialect, len(visit_ids)).ask(connection, {**ids_given(visit_ids), "at": at})
    return {visit_id: Stamp(*stamp) for visit_id, *stamp in rows}


@lru_cache(maxsize=256)
def _open_visits(dialect: Dialect, count: int) -> PreparedRead:
    visits, links, doctors, sites = (model.__table__ for model in (Visit, Link, Hcp, Site))
    at = bindparam("at", type_=UtcDateTime())
    v, f = visits.c, ForgottenHistory.__table__.c
    forgotten = select(f.at).where(f.hcp_id == v.hcp_id, f.site_id == v.site_id).scalar_subquery()
    question = (
        select(
            v.id,
            v.confidence,
            v.standard_order,
            sites.c.revision,
            decision_in_force(Purpose.TRACKING, hcp_id=v.hcp_id, site_id=v.site_id, at=at).label("tracking"),
            decision_in_force(Purpose.PROFILING, hcp_id=v.hcp_id, site_id=v.site_id, at=at).label("profiling"),
            forgotten.label("forgotten_at"),
        )
        .select_from(visits)
        .join(links, links.c.id == v.link_id)
        .join(doctors, doctors.c.id == v.hcp_id)
        .join(sites, sites.c.id == v.site_id)
        .where(
            v.id.in_(places(count)),
            v.ended_at.is_(None),
            links.c.revoked_at.is_(None),
            doctors.c.access_revoked_at.is_(None),
            doctors.c.erased_at.is_(None),
        )
    )
    return PreparedRead(question, dialect)


@lru_cache(maxsize=8)
def _arrangements(dialect: Dialect) -> PreparedWrite:
    """Return the write of arrangements, whose pieces come as JSON text."""
    table = cast(Table, StoredArrangement.__table__)
    names = [column.name for column in table.c if column.name != "pieces"]
    return PreparedWrite(insert(table).values(pieces=json_text("pieces", table.c.pieces, dialect)), dialect, names)
