"""What a new account needs, field by field. Pure."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from portal.staff.roles import Role

_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+")


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account as it was asked for."""

    name: str
    email: str
    roles: tuple[str, ...]

    def faults(self) -> list[tuple[str, str]]:
        """Return (field, sentence) for everything that is missing or wrong."""
        found: list[tuple[str, str]] = []
        if not 1 <= len(self.name) <= 120 or not self.name.isprintable():
            found.append(("name", "Enter a name of at most 120 characters."))
        if len(self.email) > 254 or not _EMAIL.fullmatch(self.email.lower()):
            found.append(("email", "Enter an email address such as name@company.example."))
        return found + role_faults(self.roles)


def role_faults(roles: Sequence[str]) -> list[tuple[str, str]]:
    """Return (field, sentence) where no role or an unknown one is chosen."""
    if not roles:
        return [("roles-0", "Choose at least one role.")]
    return [] if set(roles) <= set(Role) else [("roles-0", "Choose roles from the list.")]


def first_password() -> str:
    """Return a random password to hand over once: 96 random bits."""
    return secrets.token_urlsafe(12)
