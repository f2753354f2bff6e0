"""Times and durations read the same everywhere."""

from datetime import UTC, date, datetime, timedelta

import pytest

from portal.web import formats

AT = datetime(2026, 11, 14, 8, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (None, "unknown"),
        (0, "0 s"),
        (1, "0.1 s"),
        (400, "0.4 s"),
        (999, "1 s"),
        (8_000, "8 s"),
        (8_499, "8 s"),
        (8_500, "9 s"),
        (59_499, "59 s"),
        (59_500, "1 min"),
        (60_000, "1 min"),
        (130_000, "2 min 10 s"),
        (3_599_499, "59 min 59 s"),
        (3_599_500, "1 h"),
        (3_900_000, "1 h 5 min"),
        (7_170_000, "2 h"),
        (-130_000, "-2 min 10 s"),
    ],
)
def test_a_duration_has_at_most_two_units(milliseconds: float | None, words: str) -> None:
    assert formats.duration(milliseconds) == words


def test_a_moment_carries_its_zone() -> None:
    assert formats.when(AT, "Europe/Paris") == "14 Nov 2026, 09:12 CET"
    assert formats.when(AT, "UTC") == "14 Nov 2026, 08:12 UTC"
    assert formats.when(AT + timedelta(days=200), "Europe/Paris") == "2 Jun 2027, 10:12 CEST"
    assert formats.when(None, "UTC") == "unknown"


def test_a_zone_without_letters_is_written_as_an_offset() -> None:
    assert formats.when(AT, "America/Sao_Paulo") == "14 Nov 2026, 05:12 UTC-03"


def test_the_day_is_the_day_of_the_zone() -> None:
    late = datetime(2026, 11, 14, 23, 30, tzinfo=UTC)
    assert formats.when(late, "Europe/Paris") == "15 Nov 2026, 00:30 CET"
    assert formats.day(late, "Europe/Paris") == "15 Nov 2026"
    assert formats.day(date(2026, 11, 14)) == "14 Nov 2026"


def test_an_unknown_zone_is_utc_and_breaks_no_page() -> None:
    for name in ("Nowhere/Town", "", "../etc/passwd"):
        assert formats.when(AT, name) == "14 Nov 2026, 08:12 UTC"


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=59), "59 minutes ago"),
        (timedelta(hours=3, minutes=59), "3 hours ago"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(days=31), "1 month ago"),
        (timedelta(days=800), "2 years ago"),
        (timedelta(hours=-30), "in 1 day"),
    ],
)
def test_a_distance_is_one_unit(gap: timedelta, words: str) -> None:
    assert formats.ago(AT - gap, AT) == words


def test_never_is_a_word() -> None:
    assert formats.ago(None, AT) == "never"


def test_a_moment_for_machines_is_utc() -> None:
    assert formats.instant(AT.astimezone(formats.zone("Europe/Paris"))) == "2026-11-14T08:12:30Z"


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        formats.when(datetime(2026, 11, 14), "UTC")


def test_a_count_has_its_noun() -> None:
    assert formats.count_of(1, "doctor") == "1 doctor"
    assert formats.count_of(1204, "doctor") == "1,204 doctors"
    assert formats.count_of(0, "entry", "entries") == "0 entries"
