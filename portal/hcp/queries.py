"""Questions about doctors: who they are, who looks after them, what they consented to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, case, or_, select
from sqlalchemy.orm import Session

from portal.hcp.consents import DECISIONS, ConsentRow, ConsentState, Purpose, in_force
from portal.hcp.models import AdoptionStep, Assignment, Consent, DeclaredInterest, Hcp, Territory
from portal.hcp.profiles import HcpCard

__all__ = ["ConsentState", "HcpCard"]

# Columns of the tables, not attributes of the models: rows are read without the work of mapping objects.
_H, _TERRITORY = Hcp.__table__.c, Territory.__table__.c
IN_TERRITORY = _TERRITORY.id == _H.territory_id
# What an HcpCard is made of, in its order, from `hcps` joined with `territories`.
CARD = (
    *(_H[name] for name in ("id", "ref", "npi", "title", "first_name", "last_name", "email", "audience", "specialty")),
    *(_H[name] for name in ("segment", "decile", "adoption_step", "knowledge_level", "language", "market", "channel")),
    _TERRITORY.key,
    _TERRITORY.name,
    _H.access_revoked_at,
    _H.erased_at,
)


@dataclass(frozen=True, slots=True)
class Assigned:
    """Who looks after a doctor, since when."""

    user_id: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """One step on the adoption ladder, with when it was taken and by whom it was noted."""

    step: str
    by_id: str | None
    at: datetime


def hcp_card(db: Session, hcp_id: str) -> HcpCard | None:
    """Return a doctor, None where there is none."""
    return _first(db, _cards().where(Hcp.id == hcp_id))


def hcp_by_ref(db: Session, ref: str) -> HcpCard | None:
    """Return the doctor of a reference, None where there is none."""
    return _first(db, _cards().where(Hcp.ref == ref))


def hcps_by_email(db: Session, email: str) -> list[HcpCard]:
    """Return the doctors with an address, whatever its case; several may share one."""
    return _all(db, _cards().where(Hcp.email == email.strip().lower()))


def cards_of(db: Session, hcp_ids: Iterable[str]) -> dict[str, HcpCard]:
    """Return doctors by id; unknown ids are left out."""
    wanted = set(hcp_ids)
    return {card.id: card for card in _all(db, _cards().where(Hcp.id.in_(wanted)))} if wanted else {}


def all_doctors(db: Session) -> list[HcpCard]:
    """Return every doctor who is not erased, by name."""
    return _all(db, _cards().where(Hcp.erased_at.is_(None)))


def doctors_of(db: Session, user_id: str, at: datetime) -> list[HcpCard]:
    """Return the doctors a member of staff looks after at `at`, by name."""
    theirs = select(Assignment.hcp_id).where(Assignment.user_id == user_id, _in_force(at))
    return _all(db, _cards().where(Hcp.erased_at.is_(None), Hcp.id.in_(theirs)))


def is_assigned(db: Session, user_id: str, hcp_id: str, at: datetime) -> bool:
    """Tell whether a member of staff looks after a doctor at `at`."""
    return (
        db.scalar(
            select(Assignment.id).where(Assignment.user_id == user_id, Assignment.hcp_id == hcp_id, _in_force(at))
        )
        is not None
    )


def assigned_staff(db: Session, hcp_id: str, at: datetime) -> list[Assigned]:
    """Return who looks after a doctor at `at`, longest first."""
    rows = db.execute(
        select(Assignment.user_id, Assignment.since)
        .where(Assignment.hcp_id == hcp_id, _in_force(at))
        .order_by(Assignment.since, Assignment.id)
    ).all()
    return [Assigned(user_id, since) for user_id, since in rows]


def consent_in_force(db: Session, hcp_id: str, site_id: str, at: datetime) -> ConsentState:
    """Return what a doctor has decided for a site and holds at `at`; what was never decided is refused."""
    mine = or_(Consent.site_id == site_id, Consent.site_id.is_(None))
    return in_force(_consents(db, select(Consent).where(Consent.hcp_id == hcp_id, mine)), site_id, at)


def decision_in_force(
    purpose: Purpose, *, hcp_id: ColumnElement[str], site_id: ColumnElement[str], at: ColumnElement[datetime]
) -> ScalarSelect[str | None]:
    """Return as SQL what is decided for the doctor and site of two columns and holds at `at`; else NULL.

    The newest decision counts; of two of one instant the more careful, then the one for every site, then the one to
    end first.
    """
    c = Consent.__table__.c
    care = case({decision: place for place, decision in enumerate(DECISIONS[purpose])}, value=c.decision)
    everywhere = case((c.site_id.is_(None), 0), else_=1)
    return (
        select(case((or_(c.ends_at.is_(None), c.ends_at > at), c.decision)))
        .where(c.hcp_id == hcp_id, c.purpose == purpose.value, or_(c.site_id == site_id, c.site_id.is_(None)))
        .order_by(c.at.desc(), care, everywhere, c.ends_at.asc().nulls_last())
        .limit(1)
        .scalar_subquery()
    )


def consents_in_force(db: Session, hcp_ids: Iterable[str], site_id: str, at: datetime) -> dict[str, ConsentState]:
    """Return what several doctors have decided for a site and holds at `at`, in one query."""
    wanted = set(hcp_ids)
    mine = or_(Consent.site_id == site_id, Consent.site_id.is_(None))
    rows: dict[str, list[ConsentRow]] = {hcp_id: [] for hcp_id in wanted}
    for row in db.scalars(select(Consent).where(Consent.hcp_id.in_(wanted), mine)).all():
        rows[row.hcp_id].append(_consent(row))
    return {hcp_id: in_force(theirs, site_id, at) for hcp_id, theirs in rows.items()}


def consent_history(db: Session, hcp_id: str, site_id: str | None = None) -> list[ConsentRow]:
    """Return every decision of a doctor, newest first; with a site, those that bear on it."""
    query = select(Consent).where(Consent.hcp_id == hcp_id)
    if site_id is not None:
        query = query.where(or_(Consent.site_id == site_id, Consent.site_id.is_(None)))
    return _consents(db, query.order_by(Consent.at.desc(), Consent.id))


def declared_interests(db: Session, hcp_id: str, site_id: str) -> tuple[str, ...]:
    """Return the topics a doctor said they care about, by name."""
    return tuple(
        db.scalars(
            select(DeclaredInterest.topic)
            .where(DeclaredInterest.hcp_id == hcp_id, DeclaredInterest.site_id == site_id)
            .order_by(DeclaredInterest.topic)
        ).all()
    )


def adoption_history(db: Session, hcp_id: str) -> list[Step]:
    """Return the steps of a doctor on the adoption ladder, newest first."""
    rows = db.scalars(
        select(AdoptionStep).where(AdoptionStep.hcp_id == hcp_id).order_by(AdoptionStep.at.desc(), AdoptionStep.id)
    ).all()
    return [Step(row.step, row.by_id, row.at) for row in rows]


def _in_force(at: datetime) -> ColumnElement[bool]:
    return and_(Assignment.since <= at, or_(Assignment.until.is_(None), Assignment.until > at))


def _consents(db: Session, query: Select[Consent]) -> list[ConsentRow]:
    return [_consent(row) for row in db.scalars(query).all()]


def _consent(row: Consent) -> ConsentRow:
    return ConsentRow(
        row.site_id, Purpose(row.purpose), row.decision, row.source, row.wording, row.at, row.ends_at, row.id
    )


def _cards() -> Select[*tuple[Any, ...]]:
    return (
        select(*CARD)
        .select_from(Hcp.__table__)
        .outerjoin(Territory.__table__, IN_TERRITORY)
        .order_by(_H.last_name, _H.first_name, _H.ref)
    )


def _first(db: Session, query: Select[*tuple[Any, ...]]) -> HcpCard | None:
    found = _all(db, query)
    return found[0] if found else None


def _all(db: Session, query: Select[*tuple[Any, ...]]) -> list[HcpCard]:
    return [HcpCard(*row) for row in db.execute(query).all()]
