"""Words for times and durations, the same on every page."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

UNKNOWN = "unknown"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def duration(milliseconds: float | None) -> str:
    """Gives a length of time in at most two units: "0.4 s", "8 s", "2 min 10 s", "1 h 5 min"; None is "unknown"."""
    if milliseconds is None:
        return UNKNOWN
    if milliseconds < 0:
        return f"-{duration(-milliseconds)}"
    if 0 < milliseconds < 950:
        return f"{max(0.1, milliseconds / 1000):.1f} s"
    seconds = int(milliseconds / 1000 + 0.5)
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    hours, minutes = divmod(minutes + (seconds >= 30), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def zone(name: str) -> ZoneInfo:
    """Gives the zone of an IANA name, and UTC for a name nobody knows, so that no page breaks on it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def day(on: date | datetime | None, tz: str | ZoneInfo = "UTC") -> str:
    """Gives a day in words, "14 Nov 2026", an aware datetime being seen from the zone; None is "unknown"."""
    if on is None:
        return UNKNOWN
    if isinstance(on, datetime):
        on = _local(on, tz)
    return f"{on.day} {MONTHS[on.month - 1]} {on.year}"


def when(at: datetime | None, tz: str | ZoneInfo = "UTC") -> str:
    """Gives an aware moment with its zone, "14 Nov 2026, 09:12 CET"; None is "unknown"."""
    if at is None:
        return UNKNOWN
    local = _local(at, tz)
    return f"{day(local, local.tzinfo if isinstance(local.tzinfo, ZoneInfo) else tz)}, {clock(at, tz)}"


def clock(at: datetime, tz: str | ZoneInfo = "UTC") -> str:
    """Gives the time of day with its zone: "09:12 CET", or "09:12 UTC+03" where a zone has no letters."""
    local = _local(at, tz)
    name = local.tzname() or "UTC"
    return f"{local:%H:%M} {name if name.isalpha() else 'UTC' + name}"


def ago(at: datetime | None, now: datetime) -> str:
    """Gives the distance from now in one whole unit: "3 hours ago", "in 2 days", "just now"; None is "never"."""
    if at is None:
        return "never"
    gap = now - at
    ahead, gap = gap < timedelta(0), abs(gap)
    minutes = int(gap.total_seconds() // 60)
    if minutes < 1:
        return "just now"
    for size, unit in ((60 * 24 * 365, "year"), (60 * 24 * 30, "month"), (60 * 24, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            count = minutes // size
            words = f"{count} {unit}{'' if count == 1 else 's'}"
            return f"in {words}" if ahead else f"{words} ago"
    raise AssertionError("every whole minute has a unit")


def instant(at: datetime) -> str:
    """Gives an aware moment for machines, ISO 8601 in UTC with Z and seconds: "2026-11-14T08:12:00Z"."""
    return _aware(at).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def count_of(number: int, one: str, many: str = "") -> str:
    """Gives a count with its noun: "1 doctor", "1,204 doctors"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a moment without a zone cannot be shown")
    return at


def _local(at: datetime, tz: str | ZoneInfo) -> datetime:
    return _aware(at).astimezone(zone(tz) if isinstance(tz, str) else tz)
