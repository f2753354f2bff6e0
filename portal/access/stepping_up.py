"""Stepping up: a second device proves with a code from the mailbox that it is the doctor's."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.access.events import CodeAsked, CodeRefused, VisitVerified
from portal.access.evidence import Confidence, Grade
from portal.access.models import Device, KnownDevice, LinkActivity, StepUpCode, Visit
from portal.access.states import CurrentVisit
from portal.audit import Actor, record
from portal.db import new_id, rates

CODE_LIFE = timedelta(minutes=10)
TRIES = 5
_DIGITS = 6
_LONGEST_ADDRESS = 254
_PER_LINK, _PER_DOCTOR, _PER_ASKER = (5, timedelta(hours=1)), (10, timedelta(days=1)), (20, timedelta(hours=1))


class CodeReason(StrEnum):
    """Why a code is refused, in one word for the log."""

    NONE = "none"  # nothing was asked for
    WRONG = "wrong"
    EXPIRED = "expired"
    LOCKED = "locked"
    USED = "used"
    STAFF = "staff"  # a member of staff was signed in on this device


class StepUpRefused(Exception):
    """A code that proves nothing; `left` says how many tries remain."""

    def __init__(self, reason: CodeReason, left: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.left = left


@dataclass(frozen=True, slots=True)
class AskedCode:
    """A code just made; it is for the mail only, and only where the address that was named is the doctor's."""

    code: str
    is_right: bool


def may_ask(db: Session, visit: CurrentVisit, asker: str, *, at: datetime) -> bool:
    """Count one request for a code by link, doctor and asker (a keyed hash); False past any limit."""
    counted = [
        rates.allow(db, f"code {what}", limit=limit, window=window, at=at)
        for what, (limit, window) in (
            (f"link {visit.link_id}", _PER_LINK),
            (f"doctor {visit.hcp_id}", _PER_DOCTOR),
            (f"asker {asker}", _PER_ASKER),
        )
    ]
    return all(counted)


def ask_code(
    db: Session, visit: CurrentVisit, named: str, *, on_file: tuple[str, ...], key: str, at: datetime
) -> AskedCode:
    """Make a code for a visit whose visitor named an address; `on_file` are those the mail went to.

    The same happens whether the address is right: a wrong one gets a code that nobody ever learns.
    """
    is_right = _is_one_of(named, on_file) and not _is_staffs(db, visit)
    code = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}d}"
    row_id = new_id()
    secret = code if is_right else secrets.token_hex(16)
    db.execute(update(StepUpCode).where(StepUpCode.visit_id == visit.id).values(expires_at=at))
    db.add(
        StepUpCode(
            id=row_id,
            visit_id=visit.id,
            code_hash=_hash(key, row_id, secret),
            created_at=at,
            expires_at=at + CODE_LIFE,
            tries=0,
        )
    )
    db.flush()  # the audit event names what stands
    event = CodeAsked(visit=visit.id, link=visit.link_id, hcp=visit.hcp_id, mailed=is_right)
    record(db, event, by=Actor.visitor(), at=at)
    return AskedCode(code, is_right)


def enter_code(db: Session, visit: CurrentVisit, code: str, *, key: str, address_hash: str, at: datetime) -> None:
    """Verify a visit by its newest code; raises StepUpRefused. The try is counted before the code is looked at."""
    newest = select(StepUpCode).where(StepUpCode.visit_id == visit.id)
    row = db.scalar(newest.order_by(StepUpCode.created_at.desc(), StepUpCode.id).limit(1).with_for_update())
    if row is None:
        raise StepUpRefused(CodeReason.NONE)
    if row.used_at is not None:
        raise StepUpRefused(CodeReason.USED)
    if row.expires_at <= at or row.created_at > at:  # a clock set back makes no code valid for longer
        raise StepUpRefused(CodeReason.EXPIRED)
    if row.tries >= TRIES:
        raise StepUpRefused(CodeReason.LOCKED)
    row.tries += 1
    given = "".join(code.split())
    if not hmac.compare_digest(row.code_hash, _hash(key, row.id, given[:32])):
        left = TRIES - row.tries
        reason = CodeReason.WRONG if left else CodeReason.LOCKED
        record(db, CodeRefused(visit=visit.id, hcp=visit.hcp_id, reason=reason), by=Actor.visitor(), at=at)
        raise StepUpRefused(reason, left)
    if _is_staffs(db, visit):
        raise StepUpRefused(CodeReason.STAFF)
    row.used_at = at
    _verify(db, visit, address_hash, at)


def _verify(db: Session, visit: CurrentVisit, address_hash: str, at: datetime) -> None:
    held = db.get_one(Visit, visit.id, with_for_update=True, populate_existing=True)
    held.confidence, held.grade = Confidence.VERIFIED, int(Grade.STEPPED_UP)
    if held.device_id is not None and db.get(KnownDevice, (held.link_id, held.device_id)) is None:
        db.add(KnownDevice(link_id=held.link_id, device_id=held.device_id, at=at))
    db.add(
        LinkActivity(
            id=new_id(),
            link_id=held.link_id,
            visit_id=held.id,
            at=at,
            kind="code",
            grade=int(Grade.STEPPED_UP),
            marks=list(held.marks),
            address_hash=address_hash,
        )
    )
    event = VisitVerified(visit=held.id, link=held.link_id, hcp=held.hcp_id)
    record(db, event, by=Actor.hcp(held.hcp_id), at=at)


def _is_staffs(db: Session, visit: CurrentVisit) -> bool:
    """Tell whether a member of staff was ever signed in on the device of a visit."""
    if visit.device_id is None:
        return False
    return db.scalar(select(Device.staff_seen_at).where(Device.id == visit.device_id)) is not None


def _is_one_of(named: str, on_file: tuple[str, ...]) -> bool:
    """Compare addresses without telling by time which letter differs; every one is compared."""
    given = hashlib.sha256(named.strip().lower()[:_LONGEST_ADDRESS].encode()).digest()
    fits = [hmac.compare_digest(given, hashlib.sha256(each.strip().lower().encode()).digest()) for each in on_file]
    return any(fits)


def _hash(key: str, row_id: str, code: str) -> str:
    return hmac.digest(key.encode(), f"step-up {row_id} {code}".encode(), hashlib.sha256).hex()
