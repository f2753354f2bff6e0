"""Who is behind an id, and which ids are behind what people type."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from portal.audit.models import AuditEvent
from portal.audit.queries import ActorKey
from portal.content.models import Site
from portal.hcp.models import Hcp
from portal.hcp.profiles import ERASED
from portal.staff.models import User

_MOST = 200


@dataclass(frozen=True, slots=True)
class DoctorName:
    """How a doctor is called on staff pages; an erased doctor has a reference only."""

    id: str
    ref: str
    name: str


def spoken(title: str | None, first: str | None, last: str | None) -> str:
    """Return `Dr Karla Meyer`, or that the doctor was erased."""
    return " ".join(part for part in (title, first, last) if part) if last else ERASED


def doctor_names(db: Session, ids: Iterable[str | None]) -> dict[str, DoctorName]:
    """Return the names of doctors by id; unknown ids are left out."""
    wanted = {each for each in ids if each}
    if not wanted:
        return {}
    rows = db.execute(select(Hcp.id, Hcp.ref, Hcp.title, Hcp.first_name, Hcp.last_name).where(Hcp.id.in_(wanted))).all()
    return {row.id: DoctorName(row.id, row.ref, spoken(row.title, row.first_name, row.last_name)) for row in rows}


def site_names(db: Session) -> dict[str, str]:
    """Return the brand and key of every site by id: `Lipitor (atorvastatin-us-en)`."""
    rows = db.execute(select(Site.id, Site.brand, Site.key)).all()
    return {row.id: f"{row.brand} ({row.key})" for row in rows}


def hcps_called(db: Session, text: str) -> list[str]:
    """Return the ids of the doctors with this reference, id or NPI, else of those whose name holds every word of it."""
    plain = text.strip().lower()
    exact = db.scalars(select(Hcp.id).where(or_(func.lower(Hcp.ref) == plain, Hcp.id == plain, Hcp.npi == plain))).all()
    if exact:
        return sorted(exact)
    words = [word for word in plain.split() if word not in ("dr", "dr.", "prof", "prof.")]
    if not words:
        return []
    held = [
        or_(Hcp.first_name.icontains(word, autoescape=True), Hcp.last_name.icontains(word, autoescape=True))
        for word in words
    ]
    return sorted(db.scalars(select(Hcp.id).where(*held).limit(_MOST)).all())


def actors_called(db: Session, text: str) -> list[ActorKey]:
    """Return the staff whose name or address holds `text`, the doctors it names, and the part so called."""
    plain = text.strip().lower()
    staff = db.scalars(
        select(User.id)
        .where(
            or_(
                User.id == plain,
                User.name.icontains(plain, autoescape=True),
                User.email.icontains(plain, autoescape=True),
            )
        )
        .limit(_MOST)
    ).all()
    keys = [ActorKey("staff", each) for each in sorted(staff)]
    keys += [ActorKey("hcp", each) for each in hcps_called(db, text)]
    part = select(AuditEvent.seq).where(AuditEvent.actor_kind == "system", AuditEvent.actor_id == plain).limit(1)
    if db.execute(part).first() is not None:
        keys.append(ActorKey("system", plain))
    return keys
