"""What is asked of rule sets."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, or_, select
from sqlalchemy.orm import Session

from portal.personalize.rules import HALF_LIFE_DAYS, RuleSet
from portal.rulebook import bodies
from portal.rulebook.models import RuleSetStep, StoredRuleSet
from portal.rulebook.states import Origin, Standing, State, Step, standing


class LiveRuleSet(NamedTuple):
    """The rules that decide at one moment; `body` never changes for an id, so what is made from it can be kept."""

    id: str
    version: int
    body: str


@dataclass(frozen=True, slots=True)
class RuleSetVersion:
    """One version as stored."""

    id: str
    site_id: str
    version: int
    state: State
    origin: Origin
    body: str
    note: str
    based_on: int | None
    killed_rule: str | None
    author_id: str
    created_at: datetime
    edited_by: str
    edited_at: datetime
    revision: int
    submitted_at: datetime | None
    approved_at: datetime | None
    approved_by: str | None
    live_from: datetime | None
    live_until: datetime | None

    @property
    def rules(self) -> RuleSet:
        """Give the parsed rules."""
        return bodies.parsed(self.body)

    def standing(self, at: datetime) -> Standing:
        """Say where this version stands at `at`."""
        return standing(self.state, self.live_from, self.live_until, at)

    def was_live(self, at: datetime) -> bool:
        """Say whether this version decided at some time before `at` and no longer does."""
        return self.standing(at) is Standing.RETIRED


@dataclass(frozen=True, slots=True)
class VersionStep:
    """One line of a version's history."""

    rule_set_id: str
    step: Step
    by_id: str
    note: str
    at: datetime


_T = StoredRuleSet.__table__.c
_COLUMNS = tuple(_T[name] for name in RuleSetVersion.__dataclass_fields__)
_LIVE = (
    select(_T.id, _T.version, _T.body)
    .where(_T.site_id == bindparam("site"), _T.live_from <= bindparam("at"))
    .where(or_(_T.live_until.is_(None), _T.live_until > bindparam("at")))
    .order_by(_T.live_from.desc(), _T.version.desc())
    .limit(1)
)


def live_rule_set(db: Session, site_id: str, at: datetime) -> LiveRuleSet | None:
    """Return the rules that decide for a site at `at`, None before its first; one statement."""
    row = db.execute(_LIVE, {"site": site_id, "at": at}).first()
    return None if row is None else LiveRuleSet(row[0], row[1], row[2])


def half_life_days(db: Session, site_id: str, at: datetime) -> float:
    """Return the half-life of interest of a site at `at`: a setting of the rules that decide."""
    live = live_rule_set(db, site_id, at)
    return bodies.parsed(live.body).settings.half_life_days if live is not None else HALF_LIFE_DAYS


def rule_set(db: Session, rule_set_id: str) -> RuleSetVersion | None:
    """Return one version, None where there is none."""
    return next(iter(_versions(db, select(*_COLUMNS).where(_T.id == rule_set_id))), None)


def version_of(db: Session, site_id: str, version: int) -> RuleSetVersion | None:
    """Return a site's version by its number, None where there is none."""
    return next(iter(_versions(db, select(*_COLUMNS).where(_T.site_id == site_id, _T.version == version))), None)


def live_version(db: Session, site_id: str, at: datetime) -> RuleSetVersion | None:
    """Return the whole row of the version that decides at `at`."""
    live = live_rule_set(db, site_id, at)
    return rule_set(db, live.id) if live is not None else None


def history(db: Session, site_id: str) -> list[RuleSetVersion]:
    """Return every version of a site, newest first."""
    return _versions(db, select(*_COLUMNS).where(_T.site_id == site_id).order_by(_T.version.desc()))


def unreleased(db: Session, site_id: str, at: datetime) -> list[RuleSetVersion]:
    """Return what is under way for a site: drafts, in review, approved and scheduled, newest first."""
    under_way = or_(_T.state.in_((State.DRAFT, State.IN_REVIEW, State.APPROVED)), _T.live_from > at)
    return _versions(db, select(*_COLUMNS).where(_T.site_id == site_id, under_way).order_by(_T.version.desc()))


def awaiting_review(db: Session) -> list[RuleSetVersion]:
    """Return the versions of every site that wait for a reviewer, longest waiting first."""
    return _versions(db, select(*_COLUMNS).where(_T.state == State.IN_REVIEW).order_by(_T.submitted_at, _T.id))


def steps(db: Session, rule_set_id: str) -> list[VersionStep]:
    """Return what was done with a version, newest first."""
    c = RuleSetStep.__table__.c
    rows = db.execute(select(RuleSetStep).where(c.rule_set_id == rule_set_id).order_by(c.at.desc(), c.id)).scalars()
    return [VersionStep(row.rule_set_id, Step(row.step), row.by_id, row.note, row.at) for row in rows]


def last_note(db: Session, rule_set_id: str, step: Step) -> VersionStep | None:
    """Return the newest step of one kind in a version's history."""
    return next((each for each in steps(db, rule_set_id) if each.step is step), None)


def writers_of(db: Session, version: RuleSetVersion) -> frozenset[str]:
    """Return everybody who wrote any of a version and so cannot approve it."""
    wrote = (Step.DRAFTED, Step.EDITED, Step.REVERTED, Step.KILLED)
    found = {step.by_id for step in steps(db, version.id) if step.step in wrote}
    return frozenset(found) | {version.author_id, version.edited_by}


def killed_since(db: Session, site_id: str, version: int) -> list[RuleSetVersion]:
    """Return the versions after `version` that switched a rule off at once, oldest first."""
    found = select(*_COLUMNS).where(_T.site_id == site_id, _T.origin == Origin.KILL, _T.version > version)
    return _versions(db, found.order_by(_T.version))


def _versions(db: Session, statement: Select[Any]) -> list[RuleSetVersion]:
    rows = [dict(row._mapping) for row in db.execute(statement)]
    return [RuleSetVersion(**{**row, "state": State(row["state"]), "origin": Origin(row["origin"])}) for row in rows]
