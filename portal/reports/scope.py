"""Which doctors a member of staff may see by name: a rep those they look after now, a manager all of them."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.db import is_id
from portal.hcp import queries as hcps
from portal.hcp.profiles import HcpCard
from portal.staff.roles import Permission, Person, Role, may


def sees_everybody(person: Person) -> bool:
    """Tell whether a person sees every doctor, not only those they look after."""
    return Role.MANAGER in person.roles


def doctors_for(db: Session, person: Person, at: datetime) -> list[HcpCard]:
    """Return the doctors a person may see, by name; erased ones are left out."""
    return hcps.all_doctors(db) if sees_everybody(person) else hcps.doctors_of(db, person.id, at)


def doctor_for(db: Session, person: Person, hcp_id: str, at: datetime) -> HcpCard | None:
    """Return one doctor; None where there is none, and where it is none of theirs."""
    if not is_id(hcp_id):
        return None
    card = hcps.hcp_card(db, hcp_id)
    if card is None or card.erased_at is not None:
        return None
    return card if sees_everybody(person) or hcps.is_assigned(db, person.id, hcp_id, at) else None


def may_issue(db: Session, person: Person, hcp_id: str, at: datetime) -> bool:
    """Tell whether a person may issue a link to a doctor: they hold the right and look after the doctor."""
    return may(person, Permission.LINK_ISSUE) and hcps.is_assigned(db, person.id, hcp_id, at)


def may_send(db: Session, person: Person, hcp_id: str, at: datetime) -> bool:
    """Tell whether a person may mail a doctor: they hold the right and look after the doctor."""
    return may(person, Permission.MAIL_SEND) and hcps.is_assigned(db, person.id, hcp_id, at)


def may_note(db: Session, person: Person, hcp_id: str, at: datetime) -> bool:
    """Tell whether a person may note what was discussed with a doctor: they hold the right and look after them."""
    return may(person, Permission.VISIT_NOTE) and hcps.is_assigned(db, person.id, hcp_id, at)
