"""Writing an event, in the transaction of the deed."""

import secrets
from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from portal.audit.actors import Actor
from portal.audit.canonical import VERSION, commitment, dumps, instant, plain
from portal.audit.events import Event
from portal.audit.models import AuditEvent, AuditPersonal
from portal.db import new_id


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
        else:
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
