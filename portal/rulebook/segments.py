"""Saved segments: a condition under a name, with the rules that use it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from portal.audit import Actor, record
from portal.db import new_id
from portal.personalize.conditions import AllOf, AnyOf, Comparison, Condition, NoneOf, conditions_of
from portal.personalize.rules import Rule, parse_rule
from portal.rulebook.ledger import lock_site
from portal.rulebook.queries import RuleSetVersion, live_version, unreleased
from portal.rulebook.segment_events import SegmentDeleted, SegmentRenamed, SegmentSaved
from portal.rulebook.segment_models import StoredSegment
from portal.rulebook.states import Standing

_SHORTEST, _LONGEST = 3, 80


class SegmentRefused(Exception):
    """A deed on a segment that is not done; `sentence` tells the person why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Segment:
    """A condition under a name."""

    id: str
    site_id: str
    name: str
    condition: Condition
    author_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Use:
    """One rule of a live or coming version whose condition is the segment's or holds it."""

    rule_set_id: str
    version: int
    standing: Standing
    rule_id: str
    rule_name: str


def segments(db: Session, site_id: str) -> list[Segment]:
    """Return the segments of a site by name."""
    rows = db.scalars(select(StoredSegment).where(StoredSegment.site_id == site_id))
    return sorted((_segment(row) for row in rows), key=lambda each: (each.name.casefold(), each.id))


def segment(db: Session, segment_id: str) -> Segment | None:
    """Return one segment, None where there is none."""
    row = db.get(StoredSegment, segment_id)
    return _segment(row) if row is not None else None


def uses_of(db: Session, site_id: str, conditions: dict[str, Condition], at: datetime) -> dict[str, list[Use]]:
    """Return, for each condition by its key, the rules of the live and the coming versions that hold it."""
    live = live_version(db, site_id, at)
    versions: list[RuleSetVersion] = [*([live] if live else []), *unreleased(db, site_id, at)]
    return {
        key: [
            Use(version.id, version.version, version.standing(at), rule.id, rule.name)
            for version in versions
            for rule in version.rules.rules
            if holds(rule.when, condition)
        ]
        for key, condition in conditions.items()
    }


def holds(condition: Condition, part: Condition) -> bool:
    """Tell whether a condition is `part`, has it inside, or asks all that it asks in one group."""
    wanted = _plain(part)
    return any(_is_within(wanted, here) for here in _trees(_plain(condition)))


def save_segment(db: Session, site_id: str, *, name: str, condition: Condition, by: Actor, at: datetime) -> str:
    """Give a condition a name; return its id. Raises SegmentRefused where the name is taken or says nothing."""
    lock_site(db, site_id)
    kept, said = _named(db, site_id, name), _json(condition)
    segment_id = new_id()
    values = {"site_id": site_id, "name": kept, "condition": said, "author_id": by.id or "", "created_at": at}
    db.add(StoredSegment(id=segment_id, **values))
    db.flush()  # so that the row stands before the event that speaks of it
    record(db, SegmentSaved(segment_id, site_id, kept, said), by=by, at=at)
    return segment_id


def rename_segment(db: Session, segment_id: str, *, name: str, by: Actor, at: datetime) -> None:
    """Give a segment another name. Raises SegmentRefused where it is missing or the name cannot be had."""
    row = _locked(db, segment_id)
    before, row.name = row.name, _named(db, row.site_id, name, beside=segment_id)
    row.renamed_at = at
    if row.name != before:
        record(db, SegmentRenamed(segment_id, row.site_id, before, row.name), by=by, at=at)


def delete_segment(db: Session, segment_id: str, *, by: Actor, at: datetime) -> None:
    """Delete a segment. Raises SegmentRefused where it is missing or a live or coming rule uses it."""
    row = _locked(db, segment_id)
    found = uses_of(db, row.site_id, {segment_id: _segment(row).condition}, at)[segment_id]
    if found:
        rules = " and ".join(dict.fromkeys(f"“{use.rule_name}”" for use in found[:3]))
        raise SegmentRefused(f"“{row.name}” is used by {rules}. Change the rules first.")
    record(db, SegmentDeleted(segment_id, row.site_id, row.name, row.condition), by=by, at=at)
    db.execute(delete(StoredSegment).where(StoredSegment.id == segment_id))


def _locked(db: Session, segment_id: str) -> StoredSegment:
    found = db.execute(select(StoredSegment.site_id).where(StoredSegment.id == segment_id)).first()
    if found is not None:
        lock_site(db, found.site_id)
    row = db.get(StoredSegment, segment_id, populate_existing=True)
    if row is None:
        raise SegmentRefused("There is no such segment.")
    return row


def _named(db: Session, site_id: str, name: str, *, beside: str = "") -> str:
    """Return a name that can be had on this site."""
    kept = " ".join(name.split())
    if not _SHORTEST <= len(kept) <= _LONGEST or not kept.isprintable():
        raise SegmentRefused(f"Give the segment a name of {_SHORTEST} to {_LONGEST} characters.")
    taken = select(StoredSegment.id).where(
        StoredSegment.site_id == site_id, func.lower(StoredSegment.name) == kept.lower(), StoredSegment.id != beside
    )
    if db.scalar(taken) is not None:
        raise SegmentRefused(f"There is a segment “{kept}” already.")
    return kept


def _json(condition: Condition) -> str:
    return json.dumps(condition.model_dump(mode="json", exclude_none=True), sort_keys=True, separators=(",", ":"))


def probe(condition: object) -> Rule:
    """Return a rule that asks this condition, given as JSON or parsed, and does nothing of note. Raises RuleRefused."""
    raw = condition
    if isinstance(condition, Comparison | AllOf | AnyOf | NoneOf):
        raw = condition.model_dump(mode="json", exclude_none=True)
    asked = {"id": "asked", "name": "asked", "when": raw, "because": "asked"}
    return parse_rule({**asked, "then": {"do": "require", "target": {"everything": True}}})


def _segment(row: StoredSegment) -> Segment:
    when = probe(json.loads(row.condition)).when
    return Segment(row.id, row.site_id, row.name, when, row.author_id, row.created_at)


def _plain(condition: Condition) -> Condition:
    """Return a condition that asks the same, without groups of one and without groups in groups of the same word."""
    match condition:
        case Comparison():
            return condition
        case NoneOf(none=parts):
            return NoneOf(none=tuple(_plain(part) for part in parts))
        case AllOf(all=parts):
            flat = [_plain(part) for part in parts]
            spread = [inner for part in flat for inner in (part.all if isinstance(part, AllOf) else (part,))]
            return spread[0] if len(spread) == 1 else AllOf(all=tuple(spread))
        case AnyOf(any=parts):
            flat = [_plain(part) for part in parts]
            spread = [inner for part in flat for inner in (part.any if isinstance(part, AnyOf) else (part,))]
            return spread[0] if len(spread) == 1 else AnyOf(any=tuple(spread))


def _trees(condition: Condition) -> Iterator[Condition]:
    yield condition
    for part in conditions_of(condition):
        yield from _trees(part)


def _is_within(wanted: Condition, here: Condition) -> bool:
    if wanted == here:
        return True
    if isinstance(wanted, AllOf) and isinstance(here, AllOf):
        return bool(wanted.all) and all(part in here.all for part in wanted.all)
    return False
