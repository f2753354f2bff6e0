"""Erases a doctor in every room, in one transaction, and leaves a receipt without a personal value."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, union
from sqlalchemy.orm import Session

from portal.access.actions import end_visit, revoke_link
from portal.access.models import Link, Visit
from portal.audit import Actor, record
from portal.audit.erasing import erase_values
from portal.hcp.actions import HcpRefused
from portal.hcp.erasing import erase_person
from portal.hcp.models import DeclaredInterest, Discussion, Hcp
from portal.mailing.erasing import erase_mail
from portal.privacy.events import DoctorErased
from portal.tracking.choices import forget_history
from portal.tracking.models import DailyDwell, PageView

_SHORTEST_WORD = 3  # of a name that is looked for in searches; shorter ones stand in any text


@dataclass(frozen=True, slots=True)
class Erasure:
    """What became of a doctor's rows; `event` is the receipt in the audit log, the rest are counts."""

    event: str
    views: int
    visits: int
    links: int
    mails: int
    notes: int
    audit_values: int


def erase_doctor(db: Session, hcp_id: str, *, reason: str, by: Actor, at: datetime) -> Erasure:
    """Erase every personal value of a doctor; counts, decisions, served pages and proofs stay without a person.

    Links end, open visits end, mail that waits is stopped. Raises HcpRefused for an unknown or erased doctor and where
    no reason is given.
    """
    if not reason.strip():
        raise HcpRefused("Say why; the reason is kept in the audit log.")
    hcp = db.get(Hcp, hcp_id, with_for_update=True, populate_existing=True)
    if hcp is None or hcp.erased_at is not None:
        raise HcpRefused("There is no such doctor.")
    names = [hcp.first_name, hcp.last_name, hcp.email, hcp.npi, hcp.ref]
    called = frozenset(name for name in names if name and len(name) >= _SHORTEST_WORD)
    ended = list(db.scalars(select(Visit.id).where(Visit.hcp_id == hcp_id, Visit.ended_at.is_(None))))
    for visit_id in ended:
        end_visit(db, visit_id, reason="the doctor was erased", by=by, at=at)
    revoked = list(db.scalars(select(Link.id).where(Link.hcp_id == hcp_id, Link.revoked_at.is_(None))))
    for link_id in revoked:
        revoke_link(db, link_id, reason="the doctor was erased", by=by, at=at)
    mails = erase_mail(db, hcp_id, at=at)
    views = sum(forget_history(db, hcp_id, site_id, by=by, at=at) for site_id in _sites_of(db, hcp_id))
    notes = erase_person(db, hcp_id, at=at)
    values = erase_values(db, hcp_id, called=called)
    counts = {"views": views, "visits": len(ended), "links": len(revoked), "mails": mails}
    counts |= {"notes": notes, "audit_values": values}
    event = record(db, DoctorErased(hcp=hcp_id, reason=reason.strip(), **counts), by=by, at=at)
    return Erasure(event, **counts)


def _sites_of(db: Session, hcp_id: str) -> list[str]:
    models = (Link, PageView, DailyDwell, DeclaredInterest, Discussion)
    held = union(*(select(model.site_id).where(model.hcp_id == hcp_id) for model in models))
    return sorted(db.scalars(held))
