"""Verbs of the staff room: accounts and sessions."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.audit import Actor, record
from portal.db import new_id
from portal.staff import passwords
from portal.staff.events import (
    PasswordChanged,
    RolesChanged,
    SignedIn,
    SignedOut,
    SignInRefused,
    UserCreated,
    UserDisabled,
    UserEnabled,
)
from portal.staff.models import StaffSession, User
from portal.staff.queries import digest, plain_email
from portal.staff.roles import Role

SEEN_EVERY = timedelta(minutes=1)


class AccountChange(Protocol):
    """The shape of `disable` and `enable`."""

    def __call__(self, db: Session, user_id: str, *, reason: str, by: Actor, at: datetime) -> bool:
        """Change the account; return False if there was nothing to change, raise UserRefused where it may not."""


class UserRefused(Exception):
    """A change to an account that may not be made; the text says why."""


def create_user(
    db: Session, email: str, *, name: str, password: str, roles: Iterable[Role], by: Actor, at: datetime
) -> str:
    """Make an account and return its id; raises PasswordRefused, and UserRefused if the address is taken."""
    address = plain_email(email)
    passwords.check_new(password, email=address)
    if db.scalar(select(User.id).where(User.email == address)) is not None:
        raise UserRefused("This address has an account already.")
    held = sorted(set(roles))
    user = User(
        id=new_id(),
        email=address,
        name=name.strip(),
        password_hash=passwords.hashed(password),
        roles=list(held),
        created_at=at,
    )
    try:
        with db.begin_nested():  # assignments and links name the row
            db.add(user)
    except IntegrityError:
        raise UserRefused("This address has an account already.") from None
    record(db, UserCreated(user=user.id, email=address, full_name=user.name, roles=tuple(held)), by=by, at=at)
    return user.id


def sign_in(db: Session, user_id: str, *, browser: str = "", by: Actor, at: datetime) -> str:
    """Open a session and return the secret its cookie carries."""
    secret = secrets.token_urlsafe(32)
    session = StaffSession(
        id=new_id(),
        token_hash=digest(secret),
        user_id=user_id,
        browser=browser[:60],
        created_at=at,
        last_seen_at=at,
    )
    db.add(session)
    db.flush()  # the event names the row
    record(db, SignedIn(user=user_id, session=session.id, browser=session.browser), by=by, at=at)
    return secret


def refuse_sign_in(db: Session, email: str, *, reason: str, user_id: str | None, by: Actor, at: datetime) -> None:
    """Record that a sign-in was refused."""
    record(db, SignInRefused(email=plain_email(email)[:254], reason=reason, user=user_id), by=by, at=at)


def sign_out(db: Session, session_id: str, *, reason: str, by: Actor, at: datetime) -> None:
    """End a session; one that has ended stays as it is."""
    session = db.get(StaffSession, session_id)
    if session is None or session.ended_at is not None:
        return
    session.ended_at = at
    record(db, SignedOut(user=session.user_id, session=session_id, reason=reason), by=by, at=at)


def end_own_session(db: Session, user_id: str, *, session_id: str, by: Actor, at: datetime) -> bool:
    """End a session that belongs to `user_id`; return False for another's and for none alike."""
    owner = db.scalar(select(StaffSession.user_id).where(StaffSession.id == session_id))
    if owner != user_id:
        return False
    sign_out(db, session_id, reason="ended", by=by, at=at)
    return True


def see(db: Session, session_id: str, *, at: datetime) -> None:
    """Note that a session is in use, at most once a minute."""
    db.execute(
        update(StaffSession)
        .where(StaffSession.id == session_id, StaffSession.last_seen_at <= at - SEEN_EVERY)
        .values(last_seen_at=at)
    )


def change_password(
    db: Session, user_id: str, *, password: str, keep_session: str | None, by: Actor, at: datetime
) -> None:
    """Set another password and end every session of the account but `keep_session`; raises PasswordRefused."""
    user = _existing(db, user_id)
    passwords.check_new(password, email=user.email)
    user.password_hash = passwords.hashed(password)
    _end_sessions(db, user_id, reason="password-changed", but=keep_session, by=by, at=at)
    record(db, PasswordChanged(user=user_id), by=by, at=at)


def change_roles(db: Session, user_id: str, *, roles: Iterable[Role], reason: str, by: Actor, at: datetime) -> None:
    """Give an account other roles; raises UserRefused without a reason or if nobody could manage users any more."""
    user = _existing(db, user_id)
    before, after = tuple(sorted(user.roles)), tuple(sorted(set(roles)))
    if before == after:
        return
    _needs(reason)
    if Role.ADMIN in before and Role.ADMIN not in after:
        _needs_another_admin(db, user_id)
    user.roles = list(after)
    record(db, RolesChanged(user=user_id, before=before, after=after, reason=reason.strip()), by=by, at=at)


def disable(db: Session, user_id: str, *, reason: str, by: Actor, at: datetime) -> bool:
    """Close an account and end its sessions; return False if it was closed before, raise UserRefused where it may not.

    A reason is required; nobody closes their own account, nor that of the last administrator.
    """
    user = _existing(db, user_id)
    _needs(reason)
    if user.disabled_at is not None:
        return False
    if by.id == user_id:
        raise UserRefused("You cannot disable your own account; another administrator can.")
    if Role.ADMIN in user.roles:
        _needs_another_admin(db, user_id)
    user.disabled_at = at
    _end_sessions(db, user_id, reason="disabled", but=None, by=by, at=at)
    record(db, UserDisabled(user=user_id, reason=reason.strip()), by=by, at=at)
    return True


def enable(db: Session, user_id: str, *, reason: str, by: Actor, at: datetime) -> bool:
    """Open a closed account again; return False if it was open, raise UserRefused without a reason."""
    user = _existing(db, user_id)
    _needs(reason)
    if user.disabled_at is None:
        return False
    user.disabled_at = None
    record(db, UserEnabled(user=user_id, reason=reason.strip()), by=by, at=at)
    return True


def _existing(db: Session, user_id: str) -> User:
    user = db.get(User, user_id, with_for_update=True)
    if user is None:
        raise UserRefused("There is no such account.")
    return user


def _needs(reason: str) -> None:
    if not reason.strip():
        raise UserRefused("Say why; the reason is kept in the audit log.")


def _needs_another_admin(db: Session, user_id: str) -> None:
    # Locked in one order, so that two administrators who disable each other leave one of the two.
    rows = db.scalars(select(User).where(User.disabled_at.is_(None)).order_by(User.id).with_for_update()).all()
    if not any(Role.ADMIN in row.roles for row in rows if row.id != user_id):
        raise UserRefused("This is the last administrator; make somebody else one first.")


def _end_sessions(db: Session, user_id: str, *, reason: str, but: str | None, by: Actor, at: datetime) -> None:
    open_ids = db.scalars(
        select(StaffSession.id).where(StaffSession.user_id == user_id, StaffSession.ended_at.is_(None))
    ).all()
    for session_id in open_ids:
        if session_id != but:
            sign_out(db, session_id, reason=reason, by=by, at=at)
