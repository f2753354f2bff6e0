"""How many doctors a condition is true of, and who they are."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from portal.hcp.models import Hcp
from portal.personalize.conditions import Condition
from portal.personalize.evaluate import is_impersonal
from portal.reports.matching.comparing import Clause
from portal.reports.matching.compiling import clause
from portal.reports.matching.people import Ground, people


class Way(StrEnum):
    """What the numbers of a condition give reason to say."""

    NOBODY = "nobody"
    EVERYBODY = "everybody"
    SOME = "some"


@dataclass(frozen=True, slots=True)
class Matches:
    """How many doctors a condition is true of, of how many who can be served, and the most it could be."""

    matched: int
    of: int
    within_reach: int

    @property
    def way(self) -> Way:
        """Tell whether the condition parts the doctors it can reach at all."""
        if not self.matched:
            return Way.NOBODY
        return Way.EVERYBODY if self.matched == self.within_reach else Way.SOME


@dataclass(frozen=True, slots=True)
class Doctor:
    """A doctor of a list, as staff who write rules see them: the reference and what rules may look at, no name."""

    id: str
    ref: str
    specialty: str
    audience: str


def matching(db: Session, site_id: str, condition: Condition, *, at: datetime, half_life_days: float) -> Matches:
    """Return how many doctors a rule with this condition acts for at `at`.

    A doctor who never came is taken to be known: the first visit on a first device is. Where profiling is not
    agreed to, a rule that looks at the person rests, and one that does not sees language, audience and the clock.
    """
    ground = _ground(db, site_id, at=at, half_life_days=half_life_days)
    met = _acts(condition, ground)
    row = db.execute(
        select(
            func.coalesce(func.sum(case((met, 1), else_=0)), 0),
            func.count(),
            func.coalesce(func.sum(case((ground.people.c.personal, 1), else_=0)), 0),
        ).select_from(ground.people)
    ).one()
    matched, doctors, agreed = (int(count) for count in row)
    return Matches(matched, doctors, doctors if is_impersonal(condition) else agreed)


def who(
    db: Session, site_id: str, condition: Condition, *, at: datetime, half_life_days: float, limit: int
) -> list[Doctor]:
    """Return the doctors a rule with this condition acts for, by reference, at most `limit`."""
    ground = _ground(db, site_id, at=at, half_life_days=half_life_days)
    c = ground.people.c
    rows = db.execute(
        select(c.id, Hcp.ref, func.coalesce(Hcp.specialty, ""), c.audience)
        .join(Hcp, Hcp.id == c.id)
        .where(_acts(condition, ground))
        .order_by(Hcp.ref)
        .limit(limit)
    )
    return [Doctor(*row) for row in rows]


def met_by(condition: Condition, ground: Ground) -> Select[str]:
    """Return the question for the doctors whose facts meet a condition, whether or not a rule would rest."""
    return select(ground.people.c.id).where(clause(condition, ground))


def _acts(condition: Condition, ground: Ground) -> Clause:
    met = clause(condition, ground)
    return met if is_impersonal(condition) else ground.people.c.personal & met


def _ground(db: Session, site_id: str, *, at: datetime, half_life_days: float) -> Ground:
    return Ground(people(site_id, at), site_id, at, half_life_days, db.get_bind().dialect.name)
