"""Signing staff in and out: Flask-Login over a session row, so that a session can be listed and ended from anywhere."""

import hashlib
import hmac
from datetime import timedelta
from enum import StrEnum
from typing import Any

from flask import Flask, Request, Response, current_app, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_login import LoginManager, current_user, login_user, logout_user
from sqlalchemy.orm import Session

from portal.access.actions import end_visit, mark_staff_device
from portal.access.watching import note_staff_address
from portal.audit import Actor
from portal.db import rates
from portal.staff import actions, passwords, queries
from portal.staff.browsers import browser_in_words
from portal.staff.roles import Person
from portal.web import guards, house, identity, navigation, network

_WINDOW = timedelta(minutes=15)
_TRIES_PER_EMAIL = 10
_TRIES_PER_ADDRESS = 100


class Refusal(StrEnum):
    """What the sign-in page says; why exactly stands in the audit log."""

    WRONG = "wrong"
    TOO_MANY = "too-many"


class SignInFailed(Exception):
    """A sign-in that was refused."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class SignedIn:
    """The signed-in member of staff as Flask-Login sees them."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, person: Person, session_id: str, secret: str) -> None:
        self.person = person
        self.session_id = session_id
        self._secret = secret

    def get_id(self) -> str:
        """Return the session's secret: the row can be revoked, a user id could not."""
        return self._secret


class _StaffSessions(SecureCookieSessionInterface):
    """The signed cookie under a salt of its own and SHA-256."""

    salt = "portal.staff-session"

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return the cookie's contents; where there is no cookie, nothing is prepared to check one."""
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    @staticmethod
    def digest_method(string: bytes = b"") -> Any:
        """Return the hash the signature is made with."""
        return hashlib.sha256(string)


def install(app: Flask) -> None:
    """Bind Flask-Login and the staff cookie to the application."""
    with app.app_context():
        secure = house.settings().secure
    app.config.update(
        SESSION_COOKIE_NAME="__Host-staff" if secure else "staff",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        PERMANENT_SESSION_LIFETIME=queries.LONGEST_SESSION,
    )
    app.session_interface = _StaffSessions()
    login = LoginManager()
    login.session_protection = None  # the row is the protection; an address may change under a phone
    login.user_loader(_load)
    login.init_app(app, add_context_processor=False)  # pages of doctors never ask for a staff session
    navigation.install(app)


def attempt(email: str, password: str) -> str:
    """Return the id of the user whose address and password these are; raises SignInFailed.

    Tries are counted before any hashing, and an address nobody has takes the same time.
    """
    email_key, address_key = _key("email", queries.plain_email(email)), _key("address", request.remote_addr or "")
    # Counted in a transaction of its own: the count stays whatever becomes of this request, and the write lock is
    # not held while hashing.
    with house.database().writing() as db:
        allowed, noteworthy = _count(db, email_key, address_key)
    if not allowed:
        if noteworthy:
            _refuse(email, "too-many", None)
        raise SignInFailed(Refusal.TOO_MANY)
    with house.database().reading() as db:
        found = queries.credentials_of(db, email)
    good = passwords.matches(password[: passwords.LONGEST + 1], found.password_hash if found else None)
    if found is None or not good or found.is_disabled:
        reason = "unknown" if found is None else "password" if not good else "disabled"
        _refuse(email, reason, found.user_id if found else None)
        raise SignInFailed(Refusal.WRONG)
    rates.pardon(house.db(), email_key, window=_WINDOW)
    return found.user_id


def is_own_password(person: Person, password: str) -> bool:
    """Tell whether `password` is the person's own; raises SignInFailed after too many tries."""
    db = house.db()
    house.keep()
    allowed, noteworthy = _count(db, _key("email", person.email), _key("address", request.remote_addr or ""))
    if not allowed:
        if noteworthy:
            _refuse(person.email, "too-many", person.id)
        raise SignInFailed(Refusal.TOO_MANY)
    found = queries.credentials_of(db, person.email)
    return passwords.matches(password[: passwords.LONGEST + 1], found.password_hash if found else None)


def enter(response: Response, user_id: str) -> None:
    """Open a staff session on `response`: another session and a visit of this browser end with it."""
    db, at, by = house.db(), house.now(), Actor.staff(user_id)
    leave("another-sign-in")
    visit = identity.current_visit()
    if visit is not None:
        end_visit(db, visit.id, reason="staff-signed-in", by=by, at=at)
    identity.forget_visit(response)
    fresh_device = mark_staff_device(db, identity.device_secret(), at=at)
    if fresh_device is not None:
        identity.remember_device(response, fresh_device)
    note_staff_address(db, network.address(), at=at)
    browser = browser_in_words(request.headers.get("User-Agent", ""))
    session.clear()
    secret = actions.sign_in(db, user_id, browser=browser, by=by, at=at)
    login_user(_load(secret))


def leave(reason: str) -> None:
    """End the staff session of this browser, where there is one; opening a visit calls this too."""
    if not current_user.is_authenticated:
        return
    by = Actor.staff(current_user.person.id)
    actions.sign_out(house.db(), current_user.session_id, reason=reason, by=by, at=house.now())
    logout_user()
    session.clear()


def idle() -> timedelta:
    """Return the silence that ends a staff session."""
    return timedelta(minutes=house.settings().staff_minutes)


def _load(secret: str) -> SignedIn | None:
    db, at = house.db(), house.now()
    live = queries.live_session(db, secret, idle=idle(), at=at)
    if live is None:
        return None
    if _is_staff_road() and at - live.last_seen_at >= actions.SEEN_EVERY:
        actions.see(db, live.id, at=at)
        note_staff_address(db, network.address(), at=at)
    return SignedIn(live.person, live.id, secret)


def _is_staff_road() -> bool:
    declared = guards.declaration_of(current_app, request.endpoint or "")
    return declared is not None and declared.public is guards.Public.STAFF


def _count(db: Session, email_key: str, address_key: str) -> tuple[bool, bool]:
    """Count a try; return whether it is allowed and whether a refusal is the first of its window.

    Only the first is written to the audit log: a flood of guesses must not flood the log.
    """
    at = house.now()
    by_email = rates.allow(db, email_key, limit=_TRIES_PER_EMAIL, window=_WINDOW, at=at)
    by_address = rates.allow(db, address_key, limit=_TRIES_PER_ADDRESS, window=_WINDOW, at=at)
    if by_email and by_address:
        return True, False
    blocked = address_key if by_email else email_key
    return False, rates.allow(db, f"{blocked} noted", limit=1, window=_WINDOW, at=at)


def _refuse(email: str, reason: str, user_id: str | None) -> None:
    by = Actor.system("sign-in")
    actions.refuse_sign_in(house.db(), email, reason=reason, user_id=user_id, by=by, at=house.now())
    house.keep()


def _key(kind: str, value: str) -> str:
    # Keyed, so that a stolen table does not tell the addresses.
    secret = house.settings().secret_key[-1].encode()
    return hmac.digest(secret, f"sign-in {kind} {value}".encode(), hashlib.sha256).hex()
