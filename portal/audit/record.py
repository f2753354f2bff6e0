"""Writing an event, in the transaction of the deed."""

import secrets
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
    db.execute(
        insert(AuditEvent).values(
            id=event_id,
            at=at,
            name=event.name,
            actor_kind=by.kind,
            actor_id=by.id,
            hcp_id=hcp_id,
            body=body,
        )
    )
    if personal:
        db.execute(insert(AuditPersonal).values(event_id=event_id, hcp_id=hcp_id, salt=salt, fields=personal))
    return event_id
