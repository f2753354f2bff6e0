"""Releasing rules: live at once or at a moment, back to an older version, one rule off at once.

The lives of a site's versions follow one another without gap or overlap: whoever begins one ends the one before in
the same transaction, and a partial unique index refuses a second open end.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit import Actor, record
from portal.audit.canonical import instant
from portal.db import new_id
from portal.personalize.rules import RuleRefused
from portal.rulebook import bodies
from portal.rulebook.events import RuleKilled, RuleSetReverted, RuleSetScheduled, RuleSetUnscheduled, RuleSetWentLive
from portal.rulebook.ledger import (
    Locked,
    change,
    insert_version,
    live_row,
    lock_site,
    lock_version,
    move,
    next_version,
    said,
    scheduled_row,
    write_step,
    writers,
)
from portal.rulebook.models import StoredRuleSet
from portal.rulebook.refusals import Refusal, RuleSetRefused
from portal.rulebook.states import Origin, State, Step

_LONGEST_REASON = 200


def go_live(db: Session, rule_set_id: str, *, by: Actor, at: datetime) -> None:
    """Make an approved version decide from `at` on; the version before ends at the same moment.

    Raises RuleSetRefused where other rules went live since the review, or where another version is scheduled.
    """
    site, row = lock_version(db, rule_set_id)
    live = _ready(db, site, row, at)
    _hand_over(db, live, row, at)
    write_step(db, row.id, Step.LIVE, by=by, at=at)
    _record_live(db, row, live, by=by, at=at)


def schedule(db: Session, rule_set_id: str, *, since: datetime, by: Actor, at: datetime) -> None:
    """Make an approved version decide from `since` on; nothing else has to happen at that moment."""
    site, row = lock_version(db, rule_set_id)
    if since <= at:
        raise RuleSetRefused(Refusal.MOMENT, "Choose a moment that is still to come.")
    live = _ready(db, site, row, at)
    _hand_over(db, live, row, since)
    write_step(db, row.id, Step.SCHEDULED, instant(since), by=by, at=at)
    record(db, RuleSetScheduled(row.id, row.site_id, row.version, instant(since)), by=by, at=at)


def unschedule(db: Session, rule_set_id: str, *, by: Actor, at: datetime) -> None:
    """Take a version off the schedule; it stays approved, and the live version goes on."""
    site, row = lock_version(db, rule_set_id)
    if row.live_from is None or row.live_from <= at:
        raise RuleSetRefused(Refusal.STATE, "This version is not on the schedule.")
    _withdraw(db, site, row, State.APPROVED, at)
    write_step(db, row.id, Step.UNSCHEDULED, by=by, at=at)
    record(db, RuleSetUnscheduled(row.id, row.site_id, row.version, ""), by=by, at=at)


def revert(db: Session, rule_set_id: str, *, note: str, by: Actor, at: datetime) -> str:
    """Make the rules of a version that was live before decide again at once; return the id of the new version.

    The author of the old version is the author of the new one, and the reviewer who reverts is the second person:
    whoever wrote any of it is refused. Rules switched off since stay off.
    """
    site, target = lock_version(db, rule_set_id)
    if by.id in writers(db, target):
        raise RuleSetRefused(Refusal.FOUR_EYES, "You wrote some of that version: somebody else has to bring it back.")
    note = said(note, "why the rules go back")
    if scheduled_row(db, site, at) is not None:
        raise _another_scheduled()
    live, new = _copy(db, site, target, State.APPROVED, note, author=target.author_id, at=at)
    change(db, new, approved_at=at, approved_by=by.id, approved_over=live.id)
    _hand_over(db, live, new, at)
    write_step(db, new.id, Step.LIVE, note, by=by, at=at)
    _record_revert(db, new, target, live=True, by=by, at=at)
    _record_live(db, new, live, by=by, at=at)
    return new.id


def propose_revert(db: Session, rule_set_id: str, *, note: str, by: Actor, at: datetime) -> str:
    """Put the rules of a version that was live before to review again; return the id of the new version."""
    site, target = lock_version(db, rule_set_id)
    note = said(note, "why the rules go back")
    _, new = _copy(db, site, target, State.IN_REVIEW, note, author=by.id or "", at=at)
    write_step(db, new.id, Step.REVERTED, f"from version {target.version}", by=by, at=at)
    write_step(db, new.id, Step.SUBMITTED, note, by=by, at=at)
    _record_revert(db, new, target, live=False, by=by, at=at)
    return new.id


def kill_rule(db: Session, site_id: str, rule_id: str, *, reason: str, by: Actor, at: datetime) -> str:
    """Switch one live rule off from the next request on and return the id of the version that says so.

    One person may do it, since it only takes an effect away. A scheduled version that has the rule on goes back to
    draft; an approved one has to be reviewed again, since other rules are live than those it was compared with.
    """
    site = lock_site(db, site_id)
    live = live_row(db, site, at)
    rules = bodies.parsed(live.body) if live is not None else None
    rule = next((rule for rule in rules.rules if rule.id == rule_id), None) if rules is not None else None
    if live is None or rules is None or rule is None:
        raise RuleSetRefused(Refusal.MISSING, "There is no such rule among the live ones.")
    if not rule.enabled:
        raise RuleSetRefused(Refusal.STATE, "This rule is off already.")
    reason = said(reason, "why this rule is switched off")
    if len(reason) > _LONGEST_REASON:
        raise RuleSetRefused(Refusal.NOTE, f"A reason has at most {_LONGEST_REASON} characters.")
    new_rule_set, version = new_id(), next_version(db, site)
    try:
        body = bodies.without(rules, {rule_id: reason})
    except RuleRefused as refused:
        raise RuleSetRefused(Refusal.NOTE, f"This reason cannot be kept: {refused.why}.") from None
    body = bodies.stamped(body, rule_set_id=new_rule_set, version=version, site=site.key)
    following = _make_way(db, site, rule_id, by=by, at=at)
    change(db, live, live_until=at)
    insert_version(
        db,
        id=new_rule_set,
        site_id=site_id,
        version=version,
        state=State.RELEASED,
        origin=Origin.KILL,
        body=bodies.canonical(body),
        note=reason,
        based_on=live.version,
        killed_rule=rule_id,
        author_id=by.id,
        created_at=at,
        edited_by=by.id,
        edited_at=at,
        live_from=at,
        live_until=following.live_from if following is not None else None,
    )
    if following is not None:
        change(db, following, approved_over=new_rule_set)
    write_step(db, new_rule_set, Step.KILLED, f"{rule.name}: {reason}", by=by, at=at)
    record(db, RuleKilled(new_rule_set, site_id, version, rule_id, reason, live.id), by=by, at=at)
    return new_rule_set


def _ready(db: Session, site: Locked, row: StoredRuleSet, at: datetime) -> StoredRuleSet | None:
    """Return the live version that `row` may replace; raises RuleSetRefused where it may not."""
    move(row, State.RELEASED, "Only an approved version can be released.")
    if scheduled_row(db, site, at) is not None:
        raise _another_scheduled()
    live = live_row(db, site, at)
    if row.approved_over != (live.id if live is not None else None):
        raise RuleSetRefused(
            Refusal.MOVED_ON, "Other rules went live since this version was approved. It needs a fresh review."
        )
    return live


def _another_scheduled() -> RuleSetRefused:
    return RuleSetRefused(Refusal.SCHEDULED, "Another version is on the schedule. Take it off the schedule first.")


def _hand_over(db: Session, live: StoredRuleSet | None, row: StoredRuleSet, since: datetime) -> None:
    if live is not None:
        change(db, live, live_until=since)
    change(db, row, state=State.RELEASED, live_from=since, live_until=None)


def _withdraw(db: Session, site: Locked, row: StoredRuleSet, to: State, at: datetime) -> None:
    """Take a scheduled version off the schedule and let the live one go on without an end."""
    change(db, row, state=to, live_from=None)
    live = live_row(db, site, at)
    if live is not None:
        change(db, live, live_until=None)


def _make_way(db: Session, site: Locked, rule_id: str, *, by: Actor, at: datetime) -> StoredRuleSet | None:
    """Return the scheduled version; one that has the rule on goes back to draft instead."""
    following = scheduled_row(db, site, at)
    if following is None or not bodies.switched_on(bodies.parsed(following.body), {rule_id}):
        return following
    _withdraw(db, site, following, State.DRAFT, at)
    change(db, following, submitted_at=None, approved_at=None, approved_by=None, approved_over=None)
    note = f"rule {rule_id} was switched off"
    write_step(db, following.id, Step.UNSCHEDULED, note, by=by, at=at)
    record(db, RuleSetUnscheduled(following.id, site.site_id, following.version, note), by=by, at=at)
    return None


def _copy(
    db: Session, site: Locked, target: StoredRuleSet, state: State, note: str, *, author: str, at: datetime
) -> tuple[StoredRuleSet, StoredRuleSet]:
    """Write a new version with the rules of one that was live before; return the live version and the new one."""
    live = live_row(db, site, at)
    if live is None or target.live_from is None or target.live_from > at:
        raise RuleSetRefused(Refusal.STATE, "Only a version that was live before can be brought back.")
    rules = bodies.parsed(target.body)
    body = bodies.without(rules, _kept_off(db, target, live))
    if bodies.is_same(body, bodies.parsed(live.body)):
        raise RuleSetRefused(Refusal.UNCHANGED, "These are the live rules already.")
    new_rule_set, version = new_id(), next_version(db, site)
    insert_version(
        db,
        id=new_rule_set,
        site_id=site.site_id,
        version=version,
        state=state,
        origin=Origin.REVERT,
        body=bodies.canonical(bodies.stamped(body, rule_set_id=new_rule_set, version=version, site=site.key)),
        note=note,
        based_on=target.version,
        author_id=author,
        created_at=at,
        edited_by=author,
        edited_at=at,
        submitted_at=at,
    )
    new = db.get_one(StoredRuleSet, new_rule_set)
    return live, new


def _kept_off(db: Session, target: StoredRuleSet, live: StoredRuleSet) -> dict[str, str]:
    """Return the rules switched off since `target` that are not on again today, each with its reason."""
    kills = db.execute(
        select(StoredRuleSet.killed_rule, StoredRuleSet.note)
        .where(StoredRuleSet.site_id == target.site_id, StoredRuleSet.origin == Origin.KILL)
        .where(StoredRuleSet.version > target.version)
        .order_by(StoredRuleSet.version)
    )
    reasons = {row.killed_rule: row.note for row in kills}
    on_again = bodies.switched_on(bodies.parsed(live.body), reasons)
    on_then = bodies.switched_on(bodies.parsed(target.body), reasons)
    return {rule: reasons[rule] for rule in sorted(on_then - on_again)}


def _record_live(db: Session, row: StoredRuleSet, live: StoredRuleSet | None, *, by: Actor, at: datetime) -> None:
    replaced = live.id if live is not None else None
    event = RuleSetWentLive(row.id, row.site_id, row.version, bodies.sha256(row.body), replaced)
    record(db, event, by=by, at=at)


def _record_revert(
    db: Session, new: StoredRuleSet, target: StoredRuleSet, *, live: bool, by: Actor, at: datetime
) -> None:
    then, now = bodies.parsed(target.body), bodies.parsed(new.body)
    on = {rule.id for rule in now.rules if rule.enabled}
    kept_off = tuple(rule.id for rule in then.rules if rule.enabled and rule.id not in on)
    event = RuleSetReverted(new.id, new.site_id, new.version, target.version, live, kept_off, new.note)
    record(db, event, by=by, at=at)
