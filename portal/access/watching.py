"""What many touches of links say together: bursts, crowds, traps and the addresses of staff.

A touch is judged with those before it, and what it shows of them is added to their visits; nothing is deleted.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.access.evidence import STRONG, Confidence, Mark
from portal.access.models import Link, LinkActivity, StaffAddress, Visit
from portal.access.states import LiveLink

TRAP = "hidden"
_TRAP_MEMORY = timedelta(minutes=10)
_STAFF_MEMORY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class NetworkAddress:
    """A network address as keyed hashes: `hash` under today's key, `hashes` under today's and yesterday's.

    A local address (loopback) names no network: people and staff of a demo on one machine all have it.
    """

    hash: str
    hashes: tuple[str, ...]
    is_local: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on touches look automatic."""

    burst_links: int
    burst: timedelta
    crowd_doctors: int
    crowd: timedelta


def watch(db: Session, link: LiveLink, address: NetworkAddress, limits: Limits, *, at: datetime) -> frozenset[Mark]:
    """Return the marks that a touch of `link` at `at` bears by its company, and mark the visits of that company."""
    found: set[Mark] = set()
    if _is_burst(db, link, limits, at):
        found.add(Mark.BURST)
    if not address.is_local and _is_crowd(db, link, address, limits, at):
        found.add(Mark.MANY_HCPS)
    if _touched_trap(db, link, address, at):
        found.add(Mark.HIDDEN_LINK)
    if not address.is_local and _is_staffs(db, address, at):
        found.add(Mark.STAFF_ADDRESS)
    return frozenset(found)


def spring_trap(db: Session, link: LiveLink, address: NetworkAddress, *, at: datetime) -> None:
    """Mark the visits of a link that were opened from an address which then followed the hidden link."""
    mine = (LinkActivity.link_id == link.id, LinkActivity.address_hash.in_(address.hashes))
    _add_mark(db, Mark.HIDDEN_LINK, *mine, since=at - _TRAP_MEMORY)


def note_staff_address(db: Session, address: NetworkAddress, *, at: datetime) -> None:
    """Remember for a day that a member of staff was signed in at an address; a local one is not remembered."""
    if address.is_local:
        return
    seen = update(StaffAddress).where(StaffAddress.address_hash == address.hash).values(seen_at=at)
    if not db.execute(seen.returning(StaffAddress.address_hash)).all():
        try:
            with db.begin_nested():  # another request of the same address may come first
                db.execute(insert(StaffAddress).values(address_hash=address.hash, seen_at=at))
        except IntegrityError:
            return
    db.execute(delete(StaffAddress).where(StaffAddress.seen_at < at - 2 * _STAFF_MEMORY))


def _is_burst(db: Session, link: LiveLink, limits: Limits, at: datetime) -> bool:
    if link.sending_id is None:
        return False
    since = at - limits.burst
    siblings = select(Link.id).where(Link.sending_id == link.sending_id)
    touched = set(
        db.scalars(
            select(LinkActivity.link_id)
            .where(LinkActivity.link_id.in_(siblings), LinkActivity.at > since, LinkActivity.kind != "staff")
            .distinct()
        )
    ) | {link.id}
    if len(touched) < limits.burst_links:
        return False
    _add_mark(db, Mark.BURST, LinkActivity.link_id.in_(touched), since=since)
    return True


def _is_crowd(db: Session, link: LiveLink, address: NetworkAddress, limits: Limits, at: datetime) -> bool:
    since = at - limits.crowd
    here = LinkActivity.address_hash.in_(address.hashes)
    doctors = set(
        db.scalars(
            select(Link.hcp_id)
            .join(LinkActivity, LinkActivity.link_id == Link.id)
            .where(here, LinkActivity.at > since, LinkActivity.kind != "staff")
            .distinct()
        )
    ) | {link.hcp_id}
    if len(doctors) < limits.crowd_doctors:
        return False
    _add_mark(db, Mark.MANY_HCPS, here, since=since)
    return True


def _touched_trap(db: Session, link: LiveLink, address: NetworkAddress, at: datetime) -> bool:
    query = select(LinkActivity.id).where(
        LinkActivity.link_id == link.id,
        LinkActivity.kind == TRAP,
        LinkActivity.address_hash.in_(address.hashes),
        LinkActivity.at > at - _TRAP_MEMORY,
    )
    return db.scalar(query.limit(1)) is not None


def _is_staffs(db: Session, address: NetworkAddress, at: datetime) -> bool:
    query = select(StaffAddress.seen_at).where(
        StaffAddress.address_hash.in_(address.hashes), StaffAddress.seen_at > at - _STAFF_MEMORY
    )
    return db.scalar(query.limit(1)) is not None


def _add_mark(db: Session, mark: Mark, *which: ColumnElement[bool], since: datetime) -> None:
    """Add a mark to the visits whose gesture is among the activity `which` since a moment."""
    ids = select(LinkActivity.visit_id).where(*which, LinkActivity.at > since, LinkActivity.visit_id.is_not(None))
    for visit in db.scalars(select(Visit).where(Visit.id.in_(ids)).order_by(Visit.id).with_for_update()):
        if mark in visit.marks:
            continue
        visit.marks = sorted({*visit.marks, mark})
        if mark in STRONG and visit.confidence == Confidence.DEVICE:
            visit.confidence = Confidence.UNKNOWN
