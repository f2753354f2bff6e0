"""Writing an event, in the transaction of the deed."""

import secrets
from collections.abc import Iterable
from dataclasses import MISSING, fields
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import Dialect, Table, insert
from sqlalchemy.orm import Session

from portal.audit.actors import Actor
from portal.audit.canonical import VERSION, commitment, dumps, instant, plain
from portal.audit.events import Event
from portal.audit.models import AuditEvent, AuditPersonal
from portal.db import new_id
from portal.db.prepared import PreparedWrite


def record(db: Session, event: Event, *, by: Actor, at: datetime) -> str:
    """Write one audit event and return its id; commits nothing."""
    row, personal = _rows(event, by, at)
    db.execute(insert(AuditEvent).values(row))
    if personal is not None:
        db.execute(insert(AuditPersonal).values(personal))
    return str(row["id"])


def record_all(db: Session, events: Iterable[Event], *, by: Actor, at: datetime) -> None:
    """Write many audit events of one deed, in their order, in two statements; commits nothing."""
    written = [_rows(event, by, at) for event in events]
    personal = [each for _, each in written if each is not None]
    if written:
        db.execute(insert(AuditEvent), [row for row, _ in written])
    if personal:
        db.execute(insert(AuditPersonal), personal)


def record_deeds(db: Session, deeds: Iterable[tuple[Event, Actor, datetime]]) -> None:
    """Write the audit events of many deeds, each with its own author and moment; commits nothing.

    For hot roads: the statements are compiled once.
    """
    written = [_rows(event, by, at) for event, by, at in deeds]
    connection = db.connection()
    if written:
        _events(connection.dialect).run(connection, [row for row, _ in written])
    if personal := [each for _, each in written if each is not None]:
        db.execute(insert(AuditPersonal), personal)


@lru_cache(maxsize=8)
def _events(dialect: Dialect) -> PreparedWrite:
    names = [column.name for column in AuditEvent.__table__.c if column.name != "seq"]
    return PreparedWrite(insert(cast(Table, AuditEvent.__table__)).inline(), dialect, names)


def _rows(event: Event, by: Actor, at: datetime) -> tuple[dict[str, Any], dict[str, Any] | None]:
    event_id = new_id()
    personal_names = event.personal_fields()
    salt = secrets.token_hex(32) if personal_names else ""
    about: dict[str, Any] = {}
    personal: dict[str, Any] = {}
    for field in fields(event):
        value = getattr(event, field.name)
        if field.name in personal_names and value is not None:
            personal[field.name] = plain(value)
            about[field.name] = {"sha256": commitment(salt, field.name, value)}
        elif value is not None or field.default is MISSING:  # what may be left out and is not there is not written
            about[field.name] = value
    hcp_id = getattr(event, event.hcp_field, None)
    body = dumps(
        {
            "v": VERSION,
            "id": event_id,
            "at": instant(at),
            "name": event.name,
            "actor": {"kind": by.kind, "id": by.id},
            "about": about,
        }
    )
    row = {
        "id": event_id,
        "at": at,
        "name": event.name,
        "actor_kind": by.kind,
        "actor_id": by.id,
        "hcp_id": hcp_id,
        "body": body,
    }
    kept = {"event_id": event_id, "hcp_id": hcp_id, "salt": salt, "fields": personal} if personal else None
    return row, kept
