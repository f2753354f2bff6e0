"""Questions about staff and their sessions."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from portal.staff.models import StaffSession, User
from portal.staff.roles import Person, Role

LONGEST_SESSION = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A staff session in force and whose it is."""

    id: str
    person: Person
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Credentials:
    """What sign-in compares with."""

    user_id: str
    password_hash: str
    is_disabled: bool


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as its owner sees it."""

    id: str
    browser: str
    created_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class UserRow:
    """A member of staff as an administrator sees them."""

    id: str
    email: str
    name: str
    roles: tuple[Role, ...]
    created_at: datetime
    disabled_at: datetime | None
    last_seen_at: datetime | None


def digest(secret: str) -> str:
    """Return the SHA-256 (hex) under which a session's secret is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def plain_email(email: str) -> str:
    """Return the one spelling under which an address is stored."""
    return email.strip().lower()


def live_session(db: Session, secret: str, *, idle: timedelta, at: datetime) -> LiveSession | None:
    """Return the session of a cookie's secret; None once it ended, fell silent, grew old or its user was disabled."""
    row = db.execute(
        select(StaffSession.id, StaffSession.last_seen_at, User.id, User.name, User.email, User.roles)
        .join(User, User.id == StaffSession.user_id)
        .where(
            StaffSession.token_hash == digest(secret),
            StaffSession.ended_at.is_(None),
            StaffSession.last_seen_at > at - idle,
            StaffSession.created_at > at - LONGEST_SESSION,
            User.disabled_at.is_(None),
        )
    ).first()
    if row is None:
        return None
    session_id, last_seen_at, user_id, name, email, roles = row
    return LiveSession(session_id, Person(user_id, name, email, frozenset(map(Role, roles))), last_seen_at)


def credentials_of(db: Session, email: str) -> Credentials | None:
    """Return what sign-in compares with for an address, None where nobody has it."""
    row = db.execute(
        select(User.id, User.password_hash, User.disabled_at).where(User.email == plain_email(email))
    ).first()
    return Credentials(row[0], row[1], row[2] is not None) if row is not None else None


def person(db: Session, user_id: str) -> Person | None:
    """Return a member of staff, disabled or not."""
    row = db.execute(select(User.id, User.name, User.email, User.roles).where(User.id == user_id)).first()
    return Person(row[0], row[1], row[2], frozenset(map(Role, row[3]))) if row is not None else None


def names_of(db: Session, user_ids: Iterable[str]) -> dict[str, str]:
    """Return names by id, for lists of deeds; unknown ids are left out."""
    wanted = set(user_ids)
    if not wanted:
        return {}
    return dict(db.execute(select(User.id, User.name).where(User.id.in_(wanted))).all())


def ids_by_email(db: Session) -> dict[str, str]:
    """Return the ids of all enabled staff by address."""
    return dict(db.execute(select(User.email, User.id).where(User.disabled_at.is_(None))).all())


def users(db: Session) -> list[UserRow]:
    """Return every member of staff by name, with the last moment they were seen."""
    return _user_rows(db, _users().order_by(User.name, User.id))


def user_row(db: Session, user_id: str) -> UserRow | None:
    """Return one member of staff as an administrator sees them."""
    rows = _user_rows(db, _users().where(User.id == user_id))
    return rows[0] if rows else None


def sessions_of(db: Session, user_id: str, *, idle: timedelta, at: datetime) -> list[SessionRow]:
    """Return a person's sessions in force, newest first."""
    rows = db.scalars(
        select(StaffSession)
        .where(
            StaffSession.user_id == user_id,
            StaffSession.ended_at.is_(None),
            StaffSession.last_seen_at > at - idle,
            StaffSession.created_at > at - LONGEST_SESSION,
        )
        .order_by(StaffSession.last_seen_at.desc(), StaffSession.id)
    ).all()
    return [SessionRow(row.id, row.browser, row.created_at, row.last_seen_at) for row in rows]


def _users() -> Select[User, datetime | None]:
    seen = (
        select(StaffSession.user_id, func.max(StaffSession.last_seen_at).label("last"))
        .group_by(StaffSession.user_id)
        .subquery()
    )
    return select(User, seen.c.last).outerjoin(seen, seen.c.user_id == User.id)


def _user_rows(db: Session, query: Select[User, datetime | None]) -> list[UserRow]:
    return [
        UserRow(
            id=user.id,
            email=user.email,
            name=user.name,
            roles=tuple(map(Role, user.roles)),
            created_at=user.created_at,
            disabled_at=user.disabled_at,
            last_seen_at=last,
        )
        for user, last in db.execute(query).all()
    ]
