"""Canonical JSON and commitments: the same deed gives the same bytes, everywhere and for ever."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any

VERSION = 1


def instant(value: datetime) -> str:
    """Return an aware datetime as UTC with microseconds and `Z` (RFC 3339)."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def dumps(value: Any) -> str:
    """Return JSON with sorted keys and no spaces; floats are refused, since their text differs between systems."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> Any:
    """Return `value` as JSON types; raises TypeError for anything without one exact text."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence | frozenset | set):
        items = [plain(item) for item in value]
        return items if isinstance(value, Sequence) else sorted(items)
    raise TypeError(f"{type(value).__name__} has no canonical form")


def commitment(salt: str, field: str, value: Any) -> str:
    """Return the SHA-256 (hex) that stands for a personal value in the log."""
    return hashlib.sha256(f"{salt}\n{field}\n{dumps(value)}".encode()).hexdigest()
