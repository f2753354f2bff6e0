"""Writing rules and reviewing them: draft, edit, submit, approve or ask for changes.

Four eyes: whoever wrote any of a version does not approve it, and a change after the review starts it again.
Releasing is in `releases`, whose verbs are offered here too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit import Actor, record
from portal.db import new_id
from portal.personalize.rules import RuleRefused, RuleSet
from portal.rulebook import bodies
from portal.rulebook.events import (
    RuleSetApproved,
    RuleSetDiscarded,
    RuleSetDrafted,
    RuleSetEdited,
    RuleSetSentBack,
    RuleSetSubmitted,
)
from portal.rulebook.ledger import (
    change,
    insert_version,
    live_row,
    lock_site,
    lock_version,
    move,
    next_version,
    said,
    write_step,
    writers,
)
from portal.rulebook.models import StoredRuleSet
from portal.rulebook.refusals import Refusal, RuleSetRefused
from portal.rulebook.releases import go_live, kill_rule, propose_revert, revert, schedule, unschedule
from portal.rulebook.states import Origin, State, Step

__all__ = [
    "Seen",
    "approve",
    "discard",
    "draft_from",
    "edit_draft",
    "go_live",
    "kill_rule",
    "propose_revert",
    "request_changes",
    "revert",
    "schedule",
    "submit",
    "unschedule",
]

_NOT_REVIEWED = {"submitted_at": None, "approved_at": None, "approved_by": None, "approved_over": None}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a reviewer had on the screen: the revision, and the live version it was compared with."""

    revision: int
    live: str | None


def draft_from(db: Session, site_id: str, *, based_on_version: int | None = None, by: Actor, at: datetime) -> str:
    """Begin a draft with the rules of a version (the live one where none is named, none at first); return its id."""
    site = lock_site(db, site_id)
    base = _base(db, site_id, based_on_version) if based_on_version is not None else live_row(db, site, at)
    rule_set_id, version = new_id(), next_version(db, site)
    given: RuleSet | dict[str, Any] = bodies.parsed(base.body) if base is not None else {}
    body = bodies.stamped(given, rule_set_id=rule_set_id, version=version, site=site.key)
    insert_version(
        db,
        id=rule_set_id,
        site_id=site_id,
        version=version,
        state=State.DRAFT,
        origin=Origin.DRAFT,
        body=bodies.canonical(body),
        based_on=base.version if base is not None else None,
        author_id=by.id,
        created_at=at,
        edited_by=by.id,
        edited_at=at,
    )
    write_step(db, rule_set_id, Step.DRAFTED, by=by, at=at)
    based_on = base.version if base is not None else None
    record(db, RuleSetDrafted(rule_set_id, site_id, version, based_on), by=by, at=at)
    return rule_set_id


def _base(db: Session, site_id: str, version: int) -> StoredRuleSet:
    row = db.scalars(
        select(StoredRuleSet).where(StoredRuleSet.site_id == site_id, StoredRuleSet.version == version)
    ).first()
    if row is None:
        raise RuleSetRefused(Refusal.MISSING, f"There is no version {version}.")
    return row


def edit_draft(
    db: Session,
    rule_set_id: str,
    *,
    body: RuleSet | Mapping[str, Any] | str,
    note: str = "",
    revision: int | None = None,
    by: Actor,
    at: datetime,
) -> int:
    """Replace the rules of a version that is not released and return its new revision.

    A version in review or approved goes back to draft. Raises RuleSetRefused where the rules do not parse, and
    where `revision` is given and somebody else has changed the draft since.
    """
    site, row = lock_version(db, rule_set_id)
    if row.state not in (State.DRAFT, State.IN_REVIEW, State.APPROVED):
        raise RuleSetRefused(Refusal.STATE, "Only a version that is not released can be changed. Begin a new draft.")
    if revision is not None and revision != row.revision:
        raise RuleSetRefused(Refusal.EDITED, "Somebody else changed this draft in between. Look at it again first.")
    try:
        rules = bodies.stamped(body, rule_set_id=row.id, version=row.version, site=site.key)
    except RuleRefused as refused:
        raise RuleSetRefused(Refusal.RULES, "These rules cannot be kept.", refused.errors) from None
    text, review_ended = bodies.canonical(rules), row.state != State.DRAFT
    if text == row.body:
        return row.revision
    change(
        db,
        row,
        body=text,
        state=State.DRAFT,
        edited_by=by.id,
        edited_at=at,
        revision=row.revision + 1,
        **_NOT_REVIEWED,
    )
    write_step(db, row.id, Step.EDITED, note.strip()[:500], by=by, at=at)
    event = RuleSetEdited(
        row.id, row.site_id, row.version, row.revision, bodies.sha256(text), review_ended, note.strip()[:500]
    )
    record(db, event, by=by, at=at)
    return row.revision


def submit(db: Session, rule_set_id: str, *, note: str, by: Actor, at: datetime) -> None:
    """Ask for a review; the note says what the change is for. Raises RuleSetRefused where nothing differs from live."""
    site, row = lock_version(db, rule_set_id)
    move(row, State.IN_REVIEW, "Only a draft can be put to review.")
    note = said(note, "what this change is for, so that the reviewer and the next person understand it")
    live = live_row(db, site, at)
    if live is not None and bodies.is_same(bodies.parsed(live.body), bodies.parsed(row.body)):
        raise RuleSetRefused(Refusal.UNCHANGED, "Nothing differs from the live rules, so there is nothing to review.")
    change(db, row, state=State.IN_REVIEW, submitted_at=at, note=note)
    write_step(db, row.id, Step.SUBMITTED, note, by=by, at=at)
    record(db, RuleSetSubmitted(row.id, row.site_id, row.version, bodies.sha256(row.body), note), by=by, at=at)


def approve(
    db: Session, rule_set_id: str, *, note: str = "", seen: Seen | None = None, by: Actor, at: datetime
) -> None:
    """Approve a version in review as somebody who wrote none of it; it is released by `go_live` or `schedule`.

    Raises RuleSetRefused for whoever wrote any of it, and where the page the reviewer judged is no longer true.
    """
    site, row = lock_version(db, rule_set_id)
    if row.state != State.IN_REVIEW:
        raise RuleSetRefused(Refusal.STATE, "Only a version in review can be approved.")
    if by.id in writers(db, row):
        raise RuleSetRefused(Refusal.FOUR_EYES, "You wrote some of this version, so somebody else has to approve it.")
    live = live_row(db, site, at)
    over = live.id if live is not None else None
    if seen is not None and (seen.revision != row.revision or seen.live != over):
        raise RuleSetRefused(Refusal.MOVED_ON, "This page is out of date. Look at the changes again, then decide.")
    note = note.strip()[:2000]
    change(db, row, state=State.APPROVED, approved_at=at, approved_by=by.id, approved_over=over)
    write_step(db, row.id, Step.APPROVED, note, by=by, at=at)
    event = RuleSetApproved(row.id, row.site_id, row.version, bodies.sha256(row.body), over, note)
    record(db, event, by=by, at=at)


def request_changes(db: Session, rule_set_id: str, *, note: str, by: Actor, at: datetime) -> None:
    """Send a version in review back to its author; the note says what to change."""
    _, row = lock_version(db, rule_set_id)
    if row.state != State.IN_REVIEW:
        raise RuleSetRefused(Refusal.STATE, "Only a version in review can be sent back.")
    note = said(note, "what should be changed")
    change(db, row, state=State.DRAFT, **_NOT_REVIEWED)
    write_step(db, row.id, Step.CHANGES, note, by=by, at=at)
    record(db, RuleSetSentBack(row.id, row.site_id, row.version, note), by=by, at=at)


def discard(db: Session, rule_set_id: str, *, by: Actor, at: datetime) -> None:
    """Give up a draft; it stays readable in the history."""
    _, row = lock_version(db, rule_set_id)
    move(row, State.DISCARDED, "Only a draft can be discarded.")
    change(db, row, state=State.DISCARDED)
    write_step(db, row.id, Step.DISCARDED, by=by, at=at)
    record(db, RuleSetDiscarded(row.id, row.site_id, row.version), by=by, at=at)
