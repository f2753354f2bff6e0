"""The doctors of a site as rules may see them: the profile is blank where profiling is not agreed to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, String, case, func, literal, null, or_, select

from portal.hcp.consents import DECISIONS, GIVEN, Purpose, Tracking
from portal.hcp.models import Consent, Hcp, Territory

PROFILE = {
    "specialty": Hcp.specialty,
    "segment": Hcp.segment,
    "adoption_step": Hcp.adoption_step,
    "knowledge_level": Hcp.knowledge_level,
    "territory": Territory.key,
    "region": Hcp.market,
    "channel": Hcp.channel,
}
NUMBERS = {"decile": Hcp.decile}
OPEN = {"language": Hcp.language, "audience": Hcp.audience}  # not personal: a page knows them without consent


@dataclass(frozen=True, slots=True)
class Ground:
    """What a condition is compiled on: the doctors, the site, the instant, the half-life in days, the database."""

    people: CTE
    site_id: str
    at: datetime
    half_life_days: float
    dialect: str


def people(site_id: str, at: datetime) -> CTE:
    """Return one row per doctor who can be served at `at`: id, whether the page may be personal, and the profile."""
    profiling = _agreed(site_id, Purpose.PROFILING, GIVEN, at).subquery()
    tracking = _agreed(site_id, Purpose.TRACKING, Tracking.IDENTIFIED, at).subquery()
    # Joined, not asked for in every column, so that the decisions are gone through once.
    both = select(profiling.c.hcp_id).join(tracking, tracking.c.hcp_id == profiling.c.hcp_id).cte("agreed")
    agreed = both.c.hcp_id.is_not(None)
    known: list[ColumnElement[Any]] = [
        case((agreed, func.coalesce(column, literal("", String()))), else_=literal("", String())).label(name)
        for name, column in PROFILE.items()
    ]
    known += [case((agreed, column), else_=null()).label(name) for name, column in NUMBERS.items()]
    known += [column.label(name) for name, column in OPEN.items()]
    return (
        select(Hcp.id, agreed.label("personal"), *known)
        .outerjoin(both, both.c.hcp_id == Hcp.id)
        .outerjoin(Territory, Territory.id == Hcp.territory_id)
        .where(Hcp.erased_at.is_(None), Hcp.access_revoked_at.is_(None))
        .cte("people")
    )


def _agreed(site_id: str, purpose: Purpose, wanted: str, at: datetime) -> Select[str]:
    """Return the doctors whose decision in force is the one wanted: newest, most careful, for all, first to end."""
    care = case({decision: place for place, decision in enumerate(DECISIONS[purpose])}, value=Consent.decision)
    everywhere = case((Consent.site_id.is_(None), 0), else_=1)
    soonest = Consent.ends_at.asc().nulls_last()
    order = (Consent.at.desc(), care, everywhere, soonest)
    place = func.row_number().over(partition_by=Consent.hcp_id, order_by=order)
    ranked = (
        select(Consent.hcp_id, Consent.decision, Consent.ends_at, place.label("place"))
        .where(Consent.purpose == purpose, or_(Consent.site_id == site_id, Consent.site_id.is_(None)))
        .subquery()
    )
    holds = or_(ranked.c.ends_at.is_(None), ranked.c.ends_at > at)
    return select(ranked.c.hcp_id).where(ranked.c.place == 1, ranked.c.decision == wanted, holds)
