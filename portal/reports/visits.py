"""Visits as a report counts them: confirmed, unconfirmed, automatic; the doctor's own apart from other people's."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from portal.access.evidence import Confidence, Grade, is_automatic, is_confirmed
from portal.access.models import Device, Visit
from portal.hcp.consents import ConsentRow, Purpose, Tracking, in_force
from portal.hcp.models import Consent
from portal.tracking.models import ForgottenHistory, PageView

_NEVER = datetime.min.replace(tzinfo=UTC)


class Standing(StrEnum):
    """How a visit counts."""

    CONFIRMED = "confirmed"  # engaged, and nothing speaks for a robot
    UNCONFIRMED = (
        "unconfirmed"  # the button was pressed; engagement is not proven, or something weak speaks for a robot
    )
    AUTOMATIC = "automatic"  # something strong speaks for a robot


class Whose(StrEnum):
    """Whose visit it is taken to be."""

    DOCTOR = "doctor"
    OTHER = "other"  # a second device: never the doctor's, never named
    STAFF = "staff"  # a device on which a colleague was signed in


@dataclass(frozen=True, slots=True)
class VisitRow:
    """One visit with what it counts as."""

    id: str
    hcp_id: str
    link_id: str
    site_id: str
    opened_at: datetime
    confidence: str
    grade: int
    marks: tuple[str, ...]
    standing: Standing
    whose: Whose

    @property
    def counts(self) -> bool:
        """Tell whether the visit stands in totals: the doctor's own and confirmed."""
        return self.standing is Standing.CONFIRMED and self.whose is Whose.DOCTOR


def standing(grade: int, marks: Collection[str]) -> Standing:
    """Return how a visit counts by its grade (0 to 4) and the marks of a robot it bears."""
    if is_automatic(marks) or grade < Grade.GESTURE:
        return Standing.AUTOMATIC
    return Standing.CONFIRMED if is_confirmed(grade, marks) else Standing.UNCONFIRMED


def visits_of(db: Session, hcp_id: str) -> list[VisitRow]:
    """Return every visit of one doctor's links, newest first, whoever made it."""
    return _rows(db, _visits().where(Visit.hcp_id == hcp_id))


def visits_since(db: Session, hcp_ids: Collection[str] | None, since: datetime) -> list[VisitRow]:
    """Return the visits of several doctors (None: of all) since a moment, newest first."""
    query = _visits().where(Visit.opened_at >= since)
    return _rows(db, query if hcp_ids is None else query.where(Visit.hcp_id.in_(hcp_ids)))


def nameable(
    db: Session, visits: Sequence[VisitRow], decisions: Mapping[str, Sequence[ConsentRow]], *, at: datetime
) -> list[VisitRow]:
    """Return the visits that may be shown by name, in the order given; `decisions` are those of each doctor by id.

    The doctor allows it at `at`, and did when the visit began or while it lasted: who counts anonymously is never
    named. Nor is a visit that began before the doctor had their history forgotten.
    """
    kept = [visit for visit in visits if allows(decisions.get(visit.hcp_id, ()), visit.site_id, at=at)]
    if kept:
        gone = _forgotten(db, {visit.hcp_id for visit in kept})
        kept = [visit for visit in kept if visit.opened_at > gone.get((visit.hcp_id, visit.site_id), _NEVER)]
    if not kept:
        return []
    measured = set(
        db.scalars(
            select(PageView.visit_id)
            .where(PageView.visit_id.is_not(None), PageView.opened_at >= min(visit.opened_at for visit in kept))
            .where(PageView.hcp_id.in_({visit.hcp_id for visit in kept}))
            .distinct()
        )
    )
    return [
        visit
        for visit in kept
        if visit.id in measured
        or allows(decisions[visit.hcp_id], visit.site_id, at=visit.opened_at, known=visit.opened_at)
    ]


def _forgotten(db: Session, hcp_ids: Collection[str]) -> dict[tuple[str, str], datetime]:
    """Return when doctors last had their history on a site forgotten, by doctor and site."""
    f = ForgottenHistory
    rows = db.execute(select(f.hcp_id, f.site_id, f.at).where(f.hcp_id.in_(hcp_ids)))
    return {(hcp_id, site_id): at for hcp_id, site_id, at in rows}


def decisions_on_tracking(db: Session, hcp_ids: Collection[str] | None) -> dict[str, list[ConsentRow]]:
    """Return what doctors (None: all) ever decided on being measured, by doctor."""
    query = select(Consent).where(Consent.purpose == Purpose.TRACKING)
    if hcp_ids is not None:
        query = query.where(Consent.hcp_id.in_(hcp_ids))
    found: dict[str, list[ConsentRow]] = {}
    for row in db.scalars(query).all():
        decision = ConsentRow(row.site_id, Purpose.TRACKING, row.decision, row.source, row.wording, row.at, row.ends_at)
        found.setdefault(row.hcp_id, []).append(decision)
    return found


def allows(decisions: Sequence[ConsentRow], site_id: str, *, at: datetime, known: datetime | None = None) -> bool:
    """Tell whether a doctor's decisions (those up to `known`) let visits to a site be measured by name at `at`."""
    taken = decisions if known is None else [row for row in decisions if row.at <= known]
    return in_force(taken, site_id, at).tracking is Tracking.IDENTIFIED


_COLUMNS = (
    Visit.id,
    Visit.hcp_id,
    Visit.link_id,
    Visit.site_id,
    Visit.opened_at,
    Visit.confidence,
    Visit.grade,
    Visit.marks,
    Device.staff_seen_at,
)


def _visits() -> Select[Any]:
    return select(*_COLUMNS).outerjoin(Device, Device.id == Visit.device_id).order_by(Visit.opened_at.desc(), Visit.id)


def _rows(db: Session, query: Select[Any]) -> list[VisitRow]:
    return [
        VisitRow(
            id=visit_id,
            hcp_id=hcp_id,
            link_id=link_id,
            site_id=site_id,
            opened_at=opened_at,
            confidence=confidence,
            grade=grade,
            marks=tuple(marks),
            standing=standing(grade, marks),
            whose=_whose(confidence, staff_seen_at),
        )
        for visit_id, hcp_id, link_id, site_id, opened_at, confidence, grade, marks, staff_seen_at in db.execute(query)
    ]


def _whose(confidence: str, staff_seen_at: datetime | None) -> Whose:
    if confidence != Confidence.UNKNOWN:
        return Whose.DOCTOR
    return Whose.STAFF if staff_seen_at is not None else Whose.OTHER
