"""Verbs of the hcp room."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.orm import Session

from portal.audit import Actor, Event, record, record_all
from portal.db import new_id
from portal.hcp import consents
from portal.hcp.events import (
    AccessRestored,
    AccessRevoked,
    AdoptionStepChanged,
    ConsentRecorded,
    HcpAssigned,
    HcpCreated,
    HcpUnassigned,
    HcpUpdated,
    InterestsDeclared,
)
from portal.hcp.models import AdoptionStep, Assignment, Consent, DeclaredInterest, Hcp, Territory
from portal.hcp.profiles import STEPS, Profile
from portal.hcp.queries import consent_history


class HcpRefused(Exception):
    """A change to a doctor that may not be made; the text says why."""


def create_hcp(db: Session, ref: str, *, profile: Profile, by: Actor, at: datetime) -> str:
    """Add a doctor and return the id; raises HcpRefused if the reference is taken or the step unknown."""
    if db.scalar(select(Hcp.id).where(Hcp.ref == ref)) is not None:
        raise HcpRefused(f"The reference {ref} is taken.")
    hcp = Hcp(id=new_id(), ref=ref, created_at=at)
    _write(db, hcp, replace(profile, adoption_step=None))
    db.add(hcp)
    db.flush()  # steps and assignments name the row
    known = {name: value for name, value in asdict(profile).items() if value is not None}
    record(db, HcpCreated(hcp=hcp.id, ref=ref, profile=known), by=by, at=at)
    if profile.adoption_step is not None:
        set_adoption_step(db, hcp.id, step=profile.adoption_step, by=by, at=at)
    return hcp.id


def create_hcps(db: Session, wanted: Mapping[str, Profile], *, by: Actor, at: datetime) -> dict[str, str]:
    """Add many doctors by reference in a few statements and return their ids by reference.

    Raises IntegrityError where a reference or a number is taken at this moment.
    """
    territories = {key: ensure_territory(db, key) for key in {each.territory for each in wanted.values()} if key}
    ids = {ref: new_id() for ref in wanted}
    rows, steps = [], []
    events: list[Event] = []
    for ref, profile in wanted.items():
        known = {name: value for name, value in asdict(profile).items() if value is not None}
        events.append(HcpCreated(hcp=ids[ref], ref=ref, profile=known))
        if profile.adoption_step is not None:
            events.append(AdoptionStepChanged(hcp=ids[ref], before=None, after=profile.adoption_step))
            step = {"id": new_id(), "hcp_id": ids[ref], "step": profile.adoption_step, "by_id": by.id, "at": at}
            steps.append(step)
        row = asdict(profile) | {"id": ids[ref], "ref": ref, "created_at": at}
        territory = row.pop("territory")
        rows.append(row | {"territory_id": territories[territory] if territory else None})
    if rows:
        db.execute(insert(Hcp), rows)
    if steps:
        db.execute(insert(AdoptionStep), steps)
    record_all(db, events, by=by, at=at)
    return ids


def update_profile(db: Session, hcp_id: str, *, changes: Mapping[str, Any], by: Actor, at: datetime) -> bool:
    """Change fields of `Profile` by name; return False if nothing differs. Raises HcpRefused for an unknown field."""
    hcp = _existing(db, hcp_id)
    territory = db.scalar(select(Territory.key).where(Territory.id == hcp.territory_id)) if hcp.territory_id else None
    before = profile_of(hcp, territory)
    try:
        after = replace(before, **changes)
    except TypeError as unknown:
        raise HcpRefused(f"A doctor has no such field: {', '.join(changes)}.") from unknown
    differing = tuple(sorted(name for name, value in asdict(after).items() if value != getattr(before, name)))
    if not differing:
        return False
    if "adoption_step" in differing:
        if after.adoption_step is None:
            raise HcpRefused("A doctor can move on the adoption ladder, not leave it.")
        set_adoption_step(db, hcp_id, step=after.adoption_step, by=by, at=at)
    plain = tuple(name for name in differing if name != "adoption_step")
    if plain:
        _write(db, hcp, after)
        old, new = ({name: getattr(each, name) for name in plain} for each in (before, after))
        record(db, HcpUpdated(hcp=hcp_id, fields=plain, before=old, after=new), by=by, at=at)
    return True


def update_hcps(
    db: Session, wanted: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]], *, by: Actor, at: datetime
) -> None:
    """Change many doctors in a few statements: by id, the values of the fields before and after."""
    territories = {
        key: ensure_territory(db, key) for key in {new.get("territory") for _, new in wanted.values()} if key
    }
    events: list[Event] = []
    steps: list[dict[str, Any]] = []
    rows: dict[frozenset[str], list[dict[str, Any]]] = {}
    for hcp_id, (before, after) in wanted.items():
        row = dict(after)
        if "territory" in row:
            row["territory_id"] = territories[row.pop("territory")]
        if "adoption_step" in after:
            events.append(AdoptionStepChanged(hcp=hcp_id, before=before["adoption_step"], after=after["adoption_step"]))
            step = {"id": new_id(), "hcp_id": hcp_id, "step": after["adoption_step"], "by_id": by.id, "at": at}
            steps.append(step)
        plain = tuple(sorted(set(after) - {"adoption_step"}))
        if plain:
            old, new = ({name: each[name] for name in plain} for each in (before, after))
            events.append(HcpUpdated(hcp=hcp_id, fields=plain, before=old, after=new))
        rows.setdefault(frozenset(row), []).append(row | {"id": hcp_id})
    for alike in rows.values():
        db.execute(update(Hcp), alike)
    if steps:
        db.execute(insert(AdoptionStep), steps)
    record_all(db, events, by=by, at=at)


def set_adoption_step(db: Session, hcp_id: str, *, step: str, by: Actor, at: datetime) -> None:
    """Note the step of the adoption ladder a doctor is on, up or down; the step before stays in the history."""
    if step not in STEPS:
        raise HcpRefused(f"{step!r} is no step; they are {', '.join(STEPS)}.")
    hcp = _existing(db, hcp_id)
    before = hcp.adoption_step
    if before == step:
        return
    hcp.adoption_step = step
    db.execute(insert(AdoptionStep).values(id=new_id(), hcp_id=hcp_id, step=step, by_id=by.id, at=at))
    record(db, AdoptionStepChanged(hcp=hcp_id, before=before, after=step), by=by, at=at)


def ensure_territory(db: Session, key: str, *, name: str = "") -> str:
    """Return the id of a territory, made where missing."""
    found = db.scalar(select(Territory.id).where(Territory.key == key))
    if found is not None:
        return found
    territory = Territory(id=new_id(), key=key, name=name or key)
    db.add(territory)
    db.flush()  # doctors name the row
    return territory.id


def assign(db: Session, hcp_id: str, *, user_id: str, by: Actor, at: datetime) -> bool:
    """Give a doctor to a member of staff; return False if they have them already."""
    _existing(db, hcp_id)
    held = select(Assignment.id).where(
        Assignment.hcp_id == hcp_id,
        Assignment.user_id == user_id,
        or_(Assignment.until.is_(None), Assignment.until > at),
    )
    if db.scalar(held) is not None:
        return False
    db.add(Assignment(id=new_id(), hcp_id=hcp_id, user_id=user_id, since=at))
    db.flush()  # the next question in this transaction must see it
    record(db, HcpAssigned(hcp=hcp_id, user=user_id), by=by, at=at)
    return True


def unassign(db: Session, hcp_id: str, *, user_id: str, by: Actor, at: datetime) -> bool:
    """Take a doctor from a member of staff, from `at` on; return False if they did not have them."""
    _existing(db, hcp_id)
    held = db.scalars(
        select(Assignment).where(
            Assignment.hcp_id == hcp_id,
            Assignment.user_id == user_id,
            or_(Assignment.until.is_(None), Assignment.until > at),
        )
    ).all()
    for assignment in held:
        assignment.until = at
    if not held:
        return False
    record(db, HcpUnassigned(hcp=hcp_id, user=user_id), by=by, at=at)
    return True


def record_consent(
    db: Session,
    hcp_id: str,
    site_id: str | None,
    purpose: str,
    decision: str,
    source: str,
    wording: str,
    *,
    ends_at: datetime | None = None,
    decided_at: datetime | None = None,
    evidence: str | None = None,
    by: Actor,
    at: datetime,
) -> str:
    """Write down one decision of a doctor, for one site or (None) for all, and return its id.

    A yes may carry the moment it ends; a no does not end. `decided_at` is given where the decision was taken earlier.
    Raises ConsentRefused for an unknown decision, and for a yes to mail after the doctor unsubscribed: only the button
    in a mail to the address on file brings mail back.
    """
    known, taken_at = consents.check(purpose, decision), decided_at or at
    if ends_at is not None and (ends_at <= taken_at or not consents.is_yes(known, decision)):
        raise consents.ConsentRefused("Only a yes ends, and not before it begins.")
    if (known, decision) == (consents.Purpose.MAIL, consents.GIVEN) and source != consents.OPTED_IN:
        db.get(Hcp, hcp_id, with_for_update=True, populate_existing=True)
        if consents.is_unsubscribed(consent_history(db, hcp_id), site_id):
            raise consents.ConsentRefused(
                "The doctor unsubscribed. Only the doctor can bring mail back, by the button in a mail that asks."
            )
    consent_id = new_id()
    db.execute(
        insert(Consent).values(
            id=consent_id,
            hcp_id=hcp_id,
            site_id=site_id,
            purpose=known,
            decision=decision,
            source=source,
            wording=wording,
            at=taken_at,
            ends_at=ends_at,
        )
    )
    event = ConsentRecorded(hcp_id, site_id, known, decision, source, wording, ends_at, decided_at, evidence)
    record(db, event, by=by, at=at)
    return consent_id


def revoke_access(db: Session, hcp_id: str, *, reason: str, by: Actor, at: datetime) -> bool:
    """Shut every link and open visit of a doctor from the next request on; return False if they were shut."""
    hcp = _existing(db, hcp_id)
    if not reason.strip():
        raise HcpRefused("Say why; the reason is kept in the audit log.")
    if hcp.access_revoked_at is not None:
        return False
    hcp.access_revoked_at = at
    record(db, AccessRevoked(hcp=hcp_id, reason=reason.strip()), by=by, at=at)
    return True


def restore_access(db: Session, hcp_id: str, *, reason: str, by: Actor, at: datetime) -> bool:
    """Let a doctor's links open again; return False if they did."""
    hcp = _existing(db, hcp_id)
    if not reason.strip():
        raise HcpRefused("Say why; the reason is kept in the audit log.")
    if hcp.access_revoked_at is None:
        return False
    hcp.access_revoked_at = None
    record(db, AccessRestored(hcp=hcp_id, reason=reason.strip()), by=by, at=at)
    return True


def declare_interests(
    db: Session, hcp_id: str, site_id: str, *, topics: Iterable[str], by: Actor, at: datetime
) -> bool:
    """Set the topics a doctor cares about to exactly `topics`; return False if nothing changes."""
    wanted = set(topics)
    mine = (DeclaredInterest.hcp_id == hcp_id, DeclaredInterest.site_id == site_id)
    held = set(db.scalars(select(DeclaredInterest.topic).where(*mine)).all())
    if wanted == held:
        return False
    db.execute(delete(DeclaredInterest).where(*mine, DeclaredInterest.topic.in_(held - wanted)))
    for topic in sorted(wanted - held):
        db.execute(insert(DeclaredInterest).values(id=new_id(), hcp_id=hcp_id, site_id=site_id, topic=topic, at=at))
    record(db, InterestsDeclared(hcp=hcp_id, site=site_id, topics=tuple(sorted(wanted))), by=by, at=at)
    return True


def profile_of(hcp: Hcp, territory: str | None) -> Profile:
    """Return what is written down about a doctor; `territory` is the key of theirs."""
    return Profile(
        title=hcp.title,
        first_name=hcp.first_name,
        last_name=hcp.last_name,
        email=hcp.email,
        npi=hcp.npi,
        audience=hcp.audience,
        specialty=hcp.specialty,
        segment=hcp.segment,
        decile=hcp.decile,
        adoption_step=hcp.adoption_step,
        knowledge_level=hcp.knowledge_level,
        language=hcp.language,
        market=hcp.market,
        channel=hcp.channel,
        territory=territory,
    )


def _existing(db: Session, hcp_id: str) -> Hcp:
    hcp = db.get(Hcp, hcp_id, with_for_update=True)
    if hcp is None or hcp.erased_at is not None:
        raise HcpRefused("There is no such doctor.")
    return hcp


def _write(db: Session, hcp: Hcp, profile: Profile) -> None:
    for name, value in asdict(profile).items():
        if name == "territory":
            hcp.territory_id = ensure_territory(db, value) if value else None
        elif name == "email":
            hcp.email = value.strip().lower() if value else None
        elif name != "adoption_step":
            setattr(hcp, name, value)
