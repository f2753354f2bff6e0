"""Plain words for numbers, durations and keys, as a doctor or a marketer reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Names:
    """The titles that sentences use in place of keys; a key without a title stands for itself."""

    modules: Mapping[str, str] = field(default_factory=dict)
    topics: Mapping[str, str] = field(default_factory=dict)
    calculators: Mapping[str, str] = field(default_factory=dict)


def number(value: float) -> str:
    """Give a number without needless decimals: `3`, `2.5`."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def points(thousandths: int) -> str:
    """Give thousandths of a point as points with a sign: `+3`, `-0.25`."""
    sign = "-" if thousandths < 0 else "+"
    whole, rest = divmod(abs(thousandths), 1000)
    return f"{sign}{whole}" + (f".{rest:03d}".rstrip("0") if rest else "")


def duration(milliseconds: int) -> str:
    """Give a duration in words: `1 second`, `8 seconds`, `2 min 10 s`, `1 h 5 min`."""
    seconds = round(milliseconds / 1000)
    if seconds == 0 and milliseconds > 0:
        return "less than a second"
    if seconds < 60:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def spoken(key: str) -> str:
    """Give a key as words: `patient-support` becomes `patient support`."""
    return key.replace("-", " ").replace("_", " ")


def times(count: int) -> str:
    """Give a count of times in words: `once`, `twice`, `5 times`."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
