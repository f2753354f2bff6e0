"""A site, its people and a few rules, for the tests of rule sets."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from portal.audit import Actor
from portal.audit.models import AuditEvent
from portal.content.models import Site
from portal.db import Database, new_id
from portal.rulebook import actions

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ANNA, BERT, CARA = Actor.staff("a" * 32), Actor.staff("b" * 32), Actor.staff("c" * 32)
HOUR = timedelta(hours=1)


def a_site(database: Database, key: str = "demo-us-en") -> str:
    """Write a site and return its id."""
    site_id = new_id()
    with database.writing() as db:
        db.add(
            Site(
                id=site_id,
                key=key,
                brand="Demo",
                generic="demonil",
                market="US",
                language="en",
                settings={},
                created_at=AT,
            )
        )
    return site_id


def a_rule(rule_id: str = "renal", by: float = 5.0, **changed: Any) -> dict[str, Any]:
    """Return the JSON of a rule that raises a topic for cardiologists."""
    rule = {
        "id": rule_id,
        "name": f"Raise {rule_id}",
        "when": {"all": [{"fact": "specialty", "op": "is", "value": "cardiology"}]},
        "then": {"do": "raise", "target": {"topic": "efficacy"}, "by": by},
        "because": "Because you are a cardiologist",
    }
    return {**rule, **changed}


def rules(*given: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON of a rule set; id, version and site are set when it is stored."""
    return {"rules": list(given)}


def live(database: Database, site_id: str, *given: dict[str, Any], at: datetime = AT) -> str:
    """Take rules the whole way: Anna writes, Bert approves, live at `at`; return the version's id."""
    with database.writing() as db:
        draft = actions.draft_from(db, site_id, by=ANNA, at=at)
        actions.edit_draft(db, draft, body=rules(*given), by=ANNA, at=at)
        actions.submit(db, draft, note="as agreed", by=ANNA, at=at)
        actions.approve(db, draft, by=BERT, at=at)
        actions.go_live(db, draft, by=BERT, at=at)
    return draft


def in_review(database: Database, site_id: str, *given: dict[str, Any], at: datetime = AT) -> str:
    """Take rules as far as the review: Anna writes and submits; return the version's id."""
    with database.writing() as db:
        draft = actions.draft_from(db, site_id, by=ANNA, at=at)
        actions.edit_draft(db, draft, body=rules(*given), by=ANNA, at=at)
        actions.submit(db, draft, note="as agreed", by=ANNA, at=at)
    return draft


def deeds(database: Database) -> list[str]:
    """Return the names of the audit events, oldest first."""
    with database.reading() as db:
        return list(db.scalars(select(AuditEvent.name).order_by(AuditEvent.seq)))
