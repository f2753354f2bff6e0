"""Passwords of staff: argon2id, and the same work for an address nobody has."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
LONGEST = 128

HASHER = PasswordHasher()


class PasswordRefused(Exception):
    """A new password that is too short, too long or too close to the address; the text says which."""


def check_new(password: str, *, email: str) -> None:
    """Raise PasswordRefused for a password that may not be set (NIST SP 800-63B: length, not composition)."""
    if len(password) < SHORTEST:
        raise PasswordRefused(f"Choose a password of at least {SHORTEST} characters.")
    if len(password) > LONGEST:
        raise PasswordRefused(f"Choose a password of at most {LONGEST} characters.")
    own = email.split("@")[0].lower()
    if len(set(password)) < 5 or (len(own) > 3 and own in password.lower()):
        raise PasswordRefused("Choose a password that is harder to guess: not your address, not one repeated sign.")


def hashed(password: str) -> str:
    """Return the argon2id hash of `password`."""
    return HASHER.hash(password)


def matches(password: str, password_hash: str | None) -> bool:
    """Tell whether `password` belongs to the hash; None costs the same time and is always false."""
    try:
        good = HASHER.verify(password_hash or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return good and password_hash is not None


@cache
def _nobody() -> str:
    return HASHER.hash("nobody has this address")
