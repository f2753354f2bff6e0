"""Verbs of the access room: issue and revoke links, open and end visits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.access import tokens
from portal.access.events import LinkIssued, LinkOpened, LinkRevoked, VisitEnded
from portal.access.evidence import NOBODYS, Confidence, Grade, Mark, highest_grade
from portal.access.models import Device, KnownDevice, Link, LinkActivity, SpentNonce, Visit
from portal.access.queries import device_of
from portal.access.states import LinkReason, LinkRefused, LiveLink
from portal.audit import Actor, record
from portal.audit.canonical import instant
from portal.db import new_id

_NONCE_LIFE = timedelta(hours=12)
_CLOCK_SLACK = timedelta(minutes=2)


class AlreadyOpened(Exception):
    """The button was pressed twice: the first press has opened the visit."""


@dataclass(frozen=True, slots=True)
class OpenedVisit:
    """A visit just opened, with the secrets its two cookies carry."""

    id: str
    secret: str
    device_secret: str | None  # None: the device's cookie stays as it is
    confidence: Confidence


def issue_link(
    db: Session,
    hcp_id: str,
    site_id: str,
    *,
    sender_id: str | None,
    expires_at: datetime,
    ends_by: str = "",
    preset_id: str | None = None,
    modules: Sequence[str] = (),
    landing: str | None = None,
    channel: str = "copy",
    sending_id: str | None = None,
    action: str | None = None,
    by: Actor,
    at: datetime,
) -> str:
    """Make a link and return its id; `ends_by` says what ends it. Raises ValueError if it would be born expired."""
    if expires_at <= at:
        raise ValueError("a link cannot expire before it begins")
    link = Link(
        id=new_id(),
        hcp_id=hcp_id,
        site_id=site_id,
        sender_id=sender_id,
        sending_id=sending_id,
        action=action,
        modules=list(modules),
        landing=landing,
        channel=channel,
        created_at=at,
        expires_at=expires_at,
        preset_id=preset_id,
    )
    db.add(link)
    db.flush()  # the audit event names the row
    event = LinkIssued(
        link=link.id,
        hcp=hcp_id,
        site=site_id,
        channel=channel,
        expires_at=instant(expires_at),
        ends_by=ends_by,
        preset=preset_id,
    )
    record(db, event, by=by, at=at)
    return link.id


def revoke_link(db: Session, link_id: str, *, reason: str, by: Actor, at: datetime) -> bool:
    """Revoke a link and end its visits; return False if it was revoked before."""
    # No key changes: access records, which name the link, need not wait, and never wait for each other.
    link = db.get(Link, link_id, with_for_update={"key_share": True}, populate_existing=True)
    if link is None:
        raise LinkRefused(LinkReason.MISSING)
    if link.revoked_at is not None:
        return False
    link.revoked_at, link.revoked_by, link.revoked_reason = at, by.id, reason
    db.execute(update(Visit).where(Visit.link_id == link_id, Visit.ended_at.is_(None)).values(ended_at=at))
    record(db, LinkRevoked(link=link_id, hcp=link.hcp_id, reason=reason), by=by, at=at)
    return True


def touch_link(
    db: Session,
    link_id: str,
    *,
    kind: str,
    grade: Grade,
    marks: frozenset[Mark],
    address_hash: str,
    visit_id: str | None = None,
    at: datetime,
) -> None:
    """Write one line of link activity: the access record, robots included."""
    db.execute(
        insert(LinkActivity).values(
            id=new_id(),
            link_id=link_id,
            visit_id=visit_id,
            at=at,
            kind=kind,
            grade=int(grade),
            marks=sorted(marks),
            address_hash=address_hash,
        )
    )


def open_visit(
    db: Session,
    link: LiveLink,
    *,
    nonce: tokens.DoorNonce,
    device_secret: str | None,
    marks: frozenset[Mark],
    address_hash: str,
    is_staff: bool,
    lasts: timedelta,
    at: datetime,
) -> OpenedVisit:
    """Open a visit by gesture; raises LinkRefused for a wrong nonce, AlreadyOpened for a spent one.

    `link` and its doctor are locked, so that of two devices at once one is the first. The first device that opens a
    link of a mail is bound to it and is taken to be the doctor's; any other is unknown.
    """
    if nonce.link_id != link.id or not at - _NONCE_LIFE <= nonce.shown_at <= at + _CLOCK_SLACK:
        raise LinkRefused(LinkReason.NONCE)
    try:
        with db.begin_nested():  # a second press at the same moment loses here, and only here
            db.execute(insert(SpentNonce).values(nonce_hash=tokens.digest(nonce.random), at=at))
    except IntegrityError:
        raise AlreadyOpened from None
    device, fresh_secret = _device(db, device_secret, is_staff=is_staff, at=at)
    confidence = _bind(db, link, device, marks)
    visit = Visit(
        id=new_id(),
        token_hash="",
        link_id=link.id,
        hcp_id=link.hcp_id,
        site_id=link.site_id,
        device_id=device.id,
        confidence=confidence,
        grade=int(Grade.GESTURE),
        marks=sorted(marks),
        key_mark=link.key_mark or None,
        opened_at=at,
        expires_at=min(at + lasts, link.expires_at),
    )
    secret = tokens.secret()
    visit.token_hash = tokens.digest(secret)
    db.add(visit)
    db.flush()  # the activity and the event name the row
    touch_link(
        db,
        link.id,
        kind="gesture",
        grade=Grade.GESTURE,
        marks=marks,
        address_hash=address_hash,
        visit_id=visit.id,
        at=at,
    )
    event = LinkOpened(
        link=link.id,
        hcp=link.hcp_id,
        visit=visit.id,
        confidence=confidence,
        grade=int(Grade.GESTURE),
        marks=tuple(sorted(marks)),
    )
    by = Actor.hcp(link.hcp_id) if confidence is not Confidence.UNKNOWN else Actor.visitor()
    record(db, event, by=by, at=at)
    return OpenedVisit(visit.id, secret, fresh_secret, confidence)


def end_visit(db: Session, visit_id: str, *, reason: str, by: Actor, at: datetime) -> None:
    """End an open visit; one that has ended stays as it is."""
    visit = db.get(Visit, visit_id)
    if visit is None or visit.ended_at is not None:
        return
    visit.ended_at = at
    record(db, VisitEnded(visit=visit_id, hcp=visit.hcp_id, reason=reason), by=by, at=at)


def choose_standard_order(db: Session, visit_id: str, *, standard: bool) -> None:
    """Remember for the rest of the visit whether the doctor wants the standard order."""
    db.execute(update(Visit).where(Visit.id == visit_id).values(standard_order=standard))


def raise_grade(db: Session, visit_id: str, grade: Grade) -> None:
    """Raise the evidence grade of a visit as far as its marks allow; it never falls."""
    marks = db.scalar(select(Visit.marks).where(Visit.id == visit_id))
    proved = int(min(grade, highest_grade(marks or [])))
    db.execute(update(Visit).where(Visit.id == visit_id, Visit.grade < proved).values(grade=proved))


def mark_staff_device(db: Session, device_secret: str | None, *, at: datetime) -> str | None:
    """Note that a member of staff signed in on this device: it is never taken for a doctor's again.

    Returns the secret for a fresh device cookie where the browser has none that is known.
    """
    return _device(db, device_secret, is_staff=True, at=at)[1]


def _device(db: Session, secret: str | None, *, is_staff: bool, at: datetime) -> tuple[Device, str | None]:
    known = device_of(db, secret) if secret else None
    if known is not None:
        known.last_seen_at = at
        if is_staff and known.staff_seen_at is None:
            known.staff_seen_at = at
        return known, None
    fresh = tokens.secret()
    device = Device(
        id=new_id(),
        token_hash=tokens.digest(fresh),
        created_at=at,
        last_seen_at=at,
        staff_seen_at=at if is_staff else None,
    )
    db.add(device)
    db.flush()  # the visit names the row
    return device, fresh


def _bind(db: Session, link: LiveLink, device: Device, marks: frozenset[Mark]) -> Confidence:
    """Bind link and device at the first opening, and tell whether this device is the link's.

    The links of one mail share their device: who forwards a mail forwards all of them. A device that looked like a
    robot's and never engaged holds a mail only until a device without marks comes.
    """
    if device.staff_seen_at is not None or marks & NOBODYS:
        return Confidence.UNKNOWN
    same_mail = Link.sending_id == link.sending_id if link.sending_id else Link.id == link.id
    owned = {row.id: row.device_id for row in db.execute(select(Link.id, Link.device_id).where(same_mail))}
    visits_of_mail = Visit.link_id.in_(owned)
    known = set(db.scalars(select(KnownDevice.device_id).where(KnownDevice.link_id.in_(owned))))
    if device.id in known:
        return Confidence.DEVICE
    holders = {owner for owner in owned.values() if owner is not None}
    if not marks:
        rows = db.execute(select(Visit.device_id, Visit.marks, Visit.grade).where(visits_of_mail))
        holders &= {row.device_id for row in rows if not row.marks or row.grade >= int(Grade.ENGAGED)}
    if owned[link.id] in holders:
        return Confidence.DEVICE if owned[link.id] == device.id else Confidence.UNKNOWN
    if holders and device.id not in holders:
        return Confidence.UNKNOWN
    db.execute(update(Link).where(Link.id == link.id).values(device_id=device.id))
    others = Visit.device_id.not_in({device.id, *holders, *known})
    db.execute(update(Visit).where(visits_of_mail, others).values(confidence=Confidence.UNKNOWN))
    return Confidence.DEVICE
