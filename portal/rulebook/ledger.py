"""What every deed on rule sets shares: the lock of a site, its versions, the history of each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import column, func, insert, select, table, update
from sqlalchemy.orm import Session

from portal.audit import Actor
from portal.db import new_id
from portal.rulebook.models import RuleSetStep, StoredRuleSet
from portal.rulebook.refusals import Refusal, RuleSetRefused
from portal.rulebook.states import State, Step, may_follow

_SITES = table("sites", column("id"), column("key"))
_SHORTEST_NOTE = 3
_LONGEST_NOTE = 2000
_WROTE = (Step.DRAFTED, Step.EDITED, Step.REVERTED, Step.KILLED)


@dataclass(frozen=True, slots=True)
class Locked:
    """A site whose rule sets nobody else changes until this transaction ends."""

    site_id: str
    key: str


def lock_site(db: Session, site_id: str) -> Locked:
    """Lock the site's row (SQLite's writing transactions are alone anyway); raises RuleSetRefused if there is none."""
    row = db.execute(select(_SITES).where(_SITES.c.id == site_id).with_for_update()).first()
    if row is None:
        raise RuleSetRefused(Refusal.MISSING, "There is no such site.")
    return Locked(row.id, row.key)


def lock_version(db: Session, rule_set_id: str) -> tuple[Locked, StoredRuleSet]:
    """Lock the site of a version and return both as they are now; raises RuleSetRefused if there is no such version."""
    found = db.execute(select(StoredRuleSet.site_id).where(StoredRuleSet.id == rule_set_id)).first()
    if found is None:
        raise RuleSetRefused(Refusal.MISSING, "There is no such version.")
    site = lock_site(db, found.site_id)
    row = db.get(StoredRuleSet, rule_set_id, populate_existing=True)
    if row is None:
        raise RuleSetRefused(Refusal.MISSING, "There is no such version.")
    return site, row


def next_version(db: Session, site: Locked) -> int:
    """Return the number that the site's next version gets; the site is locked, so nobody else gets it."""
    highest = db.execute(select(func.max(StoredRuleSet.version)).where(StoredRuleSet.site_id == site.site_id)).scalar()
    return (highest or 0) + 1


def live_row(db: Session, site: Locked, at: datetime) -> StoredRuleSet | None:
    """Return the version that decides at `at`."""
    return db.scalars(
        select(StoredRuleSet)
        .where(StoredRuleSet.site_id == site.site_id, StoredRuleSet.live_from <= at)
        .where(StoredRuleSet.live_until.is_(None) | (StoredRuleSet.live_until > at))
        .order_by(StoredRuleSet.live_from.desc(), StoredRuleSet.version.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()


def scheduled_row(db: Session, site: Locked, at: datetime) -> StoredRuleSet | None:
    """Return the version that takes over after `at`."""
    return db.scalars(
        select(StoredRuleSet)
        .where(StoredRuleSet.site_id == site.site_id, StoredRuleSet.live_from > at)
        .where(StoredRuleSet.live_until.is_(None))
        .execution_options(populate_existing=True)
    ).first()


def insert_version(db: Session, **values: Any) -> None:
    """Write a new version; what is not given is empty."""
    empty: dict[str, Any] = {"note": "", "revision": 1}
    db.execute(insert(StoredRuleSet).values(**{**empty, **values}))


def change(db: Session, row: StoredRuleSet, **values: Any) -> None:
    """Write columns of a version at once, in the order the acts are told in."""
    db.execute(update(StoredRuleSet).where(StoredRuleSet.id == row.id).values(**values))
    db.refresh(row)


def move(row: StoredRuleSet, following: State, otherwise: str) -> None:
    """Raise RuleSetRefused with the sentence `otherwise` where this version cannot become `following`."""
    if not may_follow(row.state, following):
        raise RuleSetRefused(Refusal.STATE, otherwise)


def write_step(db: Session, rule_set_id: str, step: Step, note: str = "", *, by: Actor, at: datetime) -> None:
    """Write one line of a version's history."""
    values = {"id": new_id(), "rule_set_id": rule_set_id, "step": step, "by_id": by.id or "", "note": note, "at": at}
    db.execute(insert(RuleSetStep).values(**values))


def writers(db: Session, row: StoredRuleSet) -> frozenset[str]:
    """Return everybody who wrote any of a version: its author and all who changed it."""
    wrote = db.scalars(
        select(RuleSetStep.by_id).where(RuleSetStep.rule_set_id == row.id, RuleSetStep.step.in_(_WROTE)).distinct()
    )
    return frozenset(wrote) | {row.author_id, row.edited_by}


def said(note: str, what: str) -> str:
    """Return a note without space around it; raises RuleSetRefused where it says nothing or too much."""
    text = note.strip()
    if len(text) < _SHORTEST_NOTE:
        raise RuleSetRefused(Refusal.NOTE, f"Say {what}.")
    if len(text) > _LONGEST_NOTE:
        raise RuleSetRefused(Refusal.NOTE, f"A note has at most {_LONGEST_NOTE:,} characters.")
    return text
