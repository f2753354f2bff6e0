"""Moments as people type them in their zone, and back: nothing is guessed where the clocks change. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

EXAMPLE = "2026-12-01 08:00"


class MomentRefused(ValueError):
    """A text that stands for no moment, or for two; the text of the error says which, for the person."""


def read_moment(text: str, zone: tzinfo) -> datetime:
    """Return the moment (UTC) that a text says: in `zone` where it names no offset of its own.

    Raises MomentRefused where it is none, where the clocks skip it, and where they show it twice.
    """
    try:
        typed = datetime.fromisoformat(text.strip())
    except ValueError:
        raise MomentRefused(f"Write a day and a time, such as {EXAMPLE}.") from None
    try:
        if typed.tzinfo is not None:
            return typed.astimezone(UTC)
        first, second = (typed.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        kept = [each for each in (first, second) if each.astimezone(zone).replace(tzinfo=None) == typed]
    except OverflowError:  # a zone can carry the first and the last day out of the calendar
        raise MomentRefused(f"Write a day and a time, such as {EXAMPLE}.") from None
    if not kept:
        raise MomentRefused("The clocks skip this time that day. Write another one.")
    if first != second:
        offsets = " or ".join(typed_moment(each, zone)[-6:] for each in (first, second))
        raise MomentRefused(f"The clocks show this time twice that day. Add which: {offsets}.")
    return first


def typed_moment(at: datetime, zone: tzinfo) -> str:
    """Return the text that `read_moment` reads back: the local time, with its offset only where it comes twice."""
    local = at.astimezone(zone)
    whole = not (local.second or local.microsecond)
    text = local.replace(tzinfo=None).isoformat(sep=" ", timespec="minutes" if whole else "auto")
    is_plain = local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset()
    return text if is_plain else f"{text}{_offset(local.utcoffset())}"


def _offset(away: timedelta | None) -> str:
    minutes = round((away or timedelta()).total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
