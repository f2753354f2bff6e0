"""Identifiers that leave the system: random, never counted up."""

import re
import secrets

ID_LENGTH = 32
_SHAPE = re.compile(r"[0-9a-f]{32}")


def new_id() -> str:
    """Return 128 random bits as 32 lower-case hex characters."""
    return secrets.token_hex(16)


def is_id(value: str) -> bool:
    """Tell whether `value` has the shape of an identifier."""
    return _SHAPE.fullmatch(value) is not None
