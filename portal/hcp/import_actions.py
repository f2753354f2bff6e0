"""Saving a checked file of doctors, and keeping it for an hour until somebody confirms it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.audit import Actor, record
from portal.db import new_id
from portal.hcp import actions
from portal.hcp.events import HcpsImported
from portal.hcp.import_hcps import Check, Known, KnownHcp, Outcome
from portal.hcp.models import Assignment, Hcp, PendingImport, Territory

_KEPT_FOR = timedelta(hours=1)


class ImportRefused(Exception):
    """A file with errors was to be saved."""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that waits for its confirmation."""

    id: str
    file_name: str
    body: bytes
    specialties: Mapping[str, str]
    expires_at: datetime


def known_of(db: Session, *, staff: Mapping[str, str], at: datetime) -> Known:
    """Return what a file is compared with at `at`; `staff` are ids by address."""
    territories = dict(db.execute(select(Territory.id, Territory.key)).all())
    held: dict[str, set[str]] = {}
    in_force = select(Assignment.hcp_id, Assignment.user_id).where(
        Assignment.since <= at, or_(Assignment.until.is_(None), Assignment.until > at)
    )
    for hcp_id, user_id in db.execute(in_force).all():
        held.setdefault(hcp_id, set()).add(user_id)
    rows = db.scalars(select(Hcp)).all()
    living = [row for row in rows if row.erased_at is None]
    return Known(
        hcps={
            row.ref: KnownHcp(
                row.id,
                actions.profile_of(row, territories.get(row.territory_id or "")),
                frozenset(held.get(row.id, set())),
            )
            for row in living
        },
        ref_by_npi={row.npi: row.ref for row in living if row.npi},
        erased_refs=frozenset(row.ref for row in rows if row.erased_at is not None),
        staff=staff,
    )


def save_import(db: Session, check: Check, *, by: Actor, at: datetime) -> None:
    """Save every row of a check that has no errors; raises ImportRefused otherwise. All rows or none."""
    if check.errors:
        raise ImportRefused(f"The file has {len(check.errors)} errors; nothing was saved.")
    try:
        with db.begin_nested():
            fresh = {row.ref: row.profile for row in check.planned if row.hcp_id is None}
            ids = actions.create_hcps(db, fresh, by=by, at=at)
            changed = [row for row in check.planned if row.hcp_id is not None and row.changes]
            actions.update_hcps(db, {row.hcp_id or "": (row.before, row.changes) for row in changed}, by=by, at=at)
            for row in check.planned:
                if row.user_id is not None:
                    _hand_over(db, row.hcp_id or ids[row.ref], row.user_id, by=by, at=at)
    except IntegrityError:
        raise ImportRefused("Somebody changed the same doctors at this moment; check the file again.") from None
    event = HcpsImported(
        sha256=check.sha256,
        layout=check.layout,
        rows=check.rows,
        created=check.count(Outcome.NEW),
        updated=check.count(Outcome.CHANGED),
        unchanged=check.count(Outcome.SAME),
    )
    record(db, event, by=by, at=at)


def keep_file(
    db: Session, user_id: str, *, file_name: str, body: bytes, specialties: Mapping[str, str], at: datetime
) -> str:
    """Keep a file until it is confirmed and return its id; a file kept before by the same person goes."""
    drop_expired(db, at=at)
    db.execute(delete(PendingImport).where(PendingImport.user_id == user_id))
    kept = PendingImport(
        id=new_id(),
        user_id=user_id,
        file_name=file_name[:120],
        body=body,
        specialties=dict(specialties),
        created_at=at,
        expires_at=at + _KEPT_FOR,
    )
    db.add(kept)
    return kept.id


def kept_file(db: Session, user_id: str, *, kept_id: str, at: datetime) -> KeptFile | None:
    """Return a file that this person keeps; another's, an expired and a missing one are alike None."""
    mine = (PendingImport.id == kept_id, PendingImport.user_id == user_id, PendingImport.expires_at > at)
    row = db.scalar(select(PendingImport).where(*mine).with_for_update())  # two confirmations at once: one finds it
    return KeptFile(row.id, row.file_name, row.body, row.specialties, row.expires_at) if row is not None else None


def drop_file(db: Session, user_id: str, *, kept_id: str) -> None:
    """Throw a kept file away."""
    db.execute(delete(PendingImport).where(PendingImport.id == kept_id, PendingImport.user_id == user_id))


def drop_expired(db: Session, *, at: datetime) -> None:
    """Throw away every file whose hour is over."""
    db.execute(delete(PendingImport).where(PendingImport.expires_at <= at))


def _hand_over(db: Session, hcp_id: str, user_id: str, *, by: Actor, at: datetime) -> None:
    """Give the doctor to the person the file names; whoever had them no longer has."""
    others = select(Assignment.user_id).where(
        Assignment.hcp_id == hcp_id,
        Assignment.user_id != user_id,
        or_(Assignment.until.is_(None), Assignment.until > at),
    )
    for other in set(db.scalars(others).all()):
        actions.unassign(db, hcp_id, user_id=other, by=by, at=at)
    actions.assign(db, hcp_id, user_id=user_id, by=by, at=at)
