"""The one place that reads the wall clock; everything else is told the time."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current moment as an aware UTC datetime."""
    return datetime.now(UTC)


def hour_of(at: datetime) -> datetime:
    """Return the beginning of the hour in which `at` lies."""
    return at.replace(minute=0, second=0, microsecond=0)
