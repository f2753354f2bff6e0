"""What is known about a doctor on a site, as the doctor is told it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.hcp.discussions import discussions_of
from portal.hcp.queries import declared_interests
from portal.microsite.sheets import Decision
from portal.tracking import queries as tracking
from portal.tracking.choices import forgotten_at, saved_modules

_MOST = 100


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Everything kept about a doctor's doings on a site; times in ms, interest in minutes that fade."""

    visits: int
    last_visit_at: datetime | None
    modules: tuple[tuple[str, int, datetime], ...]  # title, engaged ms, last time
    topics: tuple[tuple[str, float], ...]  # name, minutes
    calculators: tuple[tuple[str, datetime, bool, str], ...]  # name, opened, completed, band
    declared: tuple[str, ...]  # keys
    saved: tuple[str, ...]  # titles
    not_relevant: tuple[str, ...]  # titles
    discussed: tuple[tuple[str, str], ...]  # title, day (YYYY-MM-DD)
    forgotten_at: datetime | None

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing was done yet."""
        return not (
            self.visits or self.modules or self.calculators or self.saved or self.not_relevant or self.discussed
        )


def of(db: Session, decision: Decision, *, at: datetime) -> Knowledge:
    """Return what is kept of the reader of a decision, whether or not it may be used at present."""
    visit, in_force = decision.reader.visit, decision.in_force
    hcp_id, site_id = visit.hcp_id, visit.site_id
    titles, names = in_force.titles(), dict(in_force.topics)
    dwell = tracking.dwell_by_module(db, hcp_id, site_id)
    interest = tracking.profile(db, hcp_id, site_id, at=at, half_life_days=in_force.half_life_days)
    visits = tracking.visits_of(db, hcp_id, site_id, before=at)
    uses = tracking.calculators_of(db, hcp_id)[:_MOST]
    return Knowledge(
        visits=visits.count,
        last_visit_at=visits.last_at,
        modules=tuple(
            (titles[each.module_key], int(each.eng_ms), each.last_at) for each in dwell if each.module_key in titles
        ),
        topics=tuple((names.get(key, key), value) for key, value in sorted(interest.items(), key=lambda e: -e[1])),
        calculators=tuple(
            (
                in_force.names.calculators.get(use.calculator, use.calculator),
                use.opened_at,
                bool(use.completed_at),
                use.band,
            )
            for use in uses
        ),
        declared=declared_interests(db, hcp_id, site_id),
        saved=tuple(titles[key] for key in saved_modules(db, hcp_id, site_id) if key in titles),
        not_relevant=tuple(titles[key] for key in tracking.not_relevant(db, hcp_id, site_id) if key in titles),
        discussed=tuple(
            (titles[row.module_key], row.day)
            for row in discussions_of(db, hcp_id)
            if row.site_id == site_id and row.module_key in titles
        ),
        forgotten_at=forgotten_at(db, hcp_id, site_id),
    )
