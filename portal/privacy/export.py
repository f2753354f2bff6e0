"""A copy of everything kept about a doctor: each table that names one, row by row."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, select
from sqlalchemy.orm import Session

from portal.access.models import KnownDevice, Link, LinkActivity, StepUpCode, Visit
from portal.audit import Actor, record
from portal.audit.models import AuditEvent, AuditPersonal
from portal.content.models import Site
from portal.db import Base
from portal.hcp.models import Hcp, Territory
from portal.mailing.models import DeliveryReport, Outbox, Sending
from portal.privacy.events import DataExported
from portal.tracking.models import PageView

# Secrets, and what only tells how a page was put together or a measurement is merged: nothing of the person is in it.
_LEFT_OUT = frozenset({"token_hash", "code_hash", "key_mark", "unsubscribe_url", "pieces", "candidates", "state"})
_LEFT_OUT_OF = {PageView.__tablename__: frozenset({"sections", "refused"})}
# Told apart from the other tables: the record, with the values that were committed to in it.
_APART = frozenset({AuditEvent.__tablename__, AuditPersonal.__tablename__})


def everything_about(db: Session, hcp_id: str) -> dict[str, Any] | None:
    """Return everything kept about a doctor, ready for JSON: the person, rows by table, audit events; None if unknown.

    Times are ISO 8601 UTC. Of links, visits and codes the secrets are left out.
    """
    hcp = db.execute(select(_table(Hcp)).where(Hcp.id == hcp_id)).mappings().first()
    if hcp is None:
        return None
    territory = db.scalar(select(Territory.name).where(Territory.id == hcp["territory_id"]))
    kept = {table.name: _rows(db, table, table.c.hcp_id == hcp_id) for table in _naming_a_doctor()}
    for model, clause in _leading_to(hcp_id):
        kept[model.__tablename__] = _rows(db, _table(model), clause)
    sites = {row.id: row.key for row in db.execute(select(Site.id, Site.key)).all()}
    return {
        "person": {**_plain(Hcp.__tablename__, hcp), "territory": territory},
        "sites": sites,
        "records": {name: rows for name, rows in sorted(kept.items()) if rows},
        "audit": _events(db, hcp_id),
    }


def take_copy(db: Session, hcp_id: str, *, reason: str, by: Actor, at: datetime) -> dict[str, Any] | None:
    """Return everything kept about a doctor and record that it was taken; None, and nothing recorded, if unknown."""
    copy = everything_about(db, hcp_id)
    if copy is None:
        return None
    rows = sum(len(rows) for rows in copy["records"].values()) + len(copy["audit"])
    record(db, DataExported(hcp=hcp_id, rows=rows, reason=reason), by=by, at=at)
    return {"taken_at": at.isoformat(), **copy}


def _naming_a_doctor() -> list[Table]:
    return [table for table in Base.metadata.sorted_tables if "hcp_id" in table.c and table.name not in _APART]


def _leading_to(hcp_id: str) -> list[tuple[Any, ColumnElement[bool]]]:
    """Return the tables that name no doctor but a row of theirs, and which of their rows those are."""
    links = select(Link.id).where(Link.hcp_id == hcp_id)
    visits = select(Visit.id).where(Visit.hcp_id == hcp_id)
    sendings = select(Sending.id).where(Sending.hcp_id == hcp_id)
    return [
        (LinkActivity, LinkActivity.link_id.in_(links)),
        (KnownDevice, KnownDevice.link_id.in_(links)),
        (StepUpCode, StepUpCode.visit_id.in_(visits)),
        (Outbox, Outbox.sending_id.in_(sendings)),
        (DeliveryReport, DeliveryReport.sending_id.in_(sendings)),
    ]


def _rows(db: Session, table: Table, clause: ColumnElement[bool]) -> list[dict[str, Any]]:
    found = db.execute(select(table).where(clause).order_by(*table.primary_key.columns)).mappings().all()
    return [_plain(table.name, row) for row in found]


def _plain(table: str, row: Mapping[Any, Any]) -> dict[str, Any]:
    left_out = _LEFT_OUT | _LEFT_OUT_OF.get(table, frozenset())
    return {
        str(name): value.isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
        if name not in left_out
    }


def _events(db: Session, hcp_id: str) -> list[dict[str, Any]]:
    query = (
        select(AuditEvent.body, AuditPersonal.fields)
        .outerjoin(AuditPersonal, AuditPersonal.event_id == AuditEvent.id)
        .where(AuditEvent.hcp_id == hcp_id)
        .order_by(AuditEvent.seq)
    )
    return [{**json.loads(body), "personal": personal} for body, personal in db.execute(query).all()]


def _table(model: Any) -> Table:
    table: Table = model.__table__
    return table
