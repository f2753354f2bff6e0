"""Audit events of the staff room."""

from dataclasses import dataclass

from portal.audit import Event, Personal


@dataclass(frozen=True, slots=True)
class SignedIn(Event, name="staff.signed-in", words="signed in"):
    """A member of staff signed in."""

    user: str
    session: str
    browser: str


@dataclass(frozen=True, slots=True)
class SignedOut(Event, name="staff.signed-out", words="signed out"):
    """A staff session was ended: by its owner, from the list of sessions, by disabling, or by opening a visit."""

    user: str
    session: str
    reason: str


@dataclass(frozen=True, slots=True)
class SignInRefused(Event, name="staff.sign-in-refused", words="was refused at sign-in"):
    """A sign-in was refused; `reason` is for the log only."""

    email: Personal[str]
    reason: str
    user: str | None


@dataclass(frozen=True, slots=True)
class UserCreated(Event, name="user.created", words="created a user"):
    """A member of staff was given an account."""

    user: str
    email: Personal[str]
    full_name: Personal[str]
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RolesChanged(Event, name="user.roles-changed", words="changed the roles of a user"):
    """A member of staff has other roles."""

    user: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class PasswordChanged(Event, name="user.password-changed", words="changed a password"):
    """A member of staff has another password; the other sessions of the account have ended."""

    user: str


@dataclass(frozen=True, slots=True)
class UserDisabled(Event, name="user.disabled", words="disabled a user"):
    """An account was closed; it holds from the next request on."""

    user: str
    reason: str


@dataclass(frozen=True, slots=True)
class UserEnabled(Event, name="user.enabled", words="enabled a user"):
    """An account was opened again."""

    user: str
    reason: str
