"""Moments typed in a zone: read back without loss, and never guessed where the clocks change."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.moments import MomentRefused, read_moment, typed_moment
from portal.personalize.rules import parse_rule
from portal.rulebook.forms import form_of
from portal.rulebook.judging import judge
from tests.personalize.worlds import tried
from tests.rulebook.rooms import a_rule

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe")


@tried
@given(
    st.datetimes(datetime(1900, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(ZONES),
    st.data(),
)
def test_what_is_typed_is_read_back(at: datetime, name: str, data: st.DataObject) -> None:
    zone = ZoneInfo(name)
    if data.draw(st.booleans()):  # near the change of the clocks, more often than chance has it
        at = data.draw(st.sampled_from([datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)]))
        at = at.replace(hour=data.draw(st.integers(0, 3)), minute=data.draw(st.integers(0, 59)))
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    if offset.total_seconds() % 60 == 0:  # the local times of long ago had seconds, which no offset in a text has
        assert read_moment(typed_moment(at, zone), zone) == at


@pytest.mark.parametrize(
    ("typed", "utc"),
    [
        ("2026-03-29 01:59", "2026-03-29T00:59:00+00:00"),
        ("2026-03-29 03:00", "2026-03-29T01:00:00+00:00"),
        ("2026-10-25 01:59", "2026-10-24T23:59:00+00:00"),
        ("2026-10-25 02:30+02:00", "2026-10-25T00:30:00+00:00"),
        ("2026-10-25 02:30+01:00", "2026-10-25T01:30:00+00:00"),
        ("2026-10-25T03:00", "2026-10-25T02:00:00+00:00"),
        ("2026-07-01T08:00Z", "2026-07-01T08:00:00+00:00"),
        ("2026-07-01", "2026-06-30T22:00:00+00:00"),
    ],
)
def test_a_moment_is_that_of_the_zone(typed: str, utc: str) -> None:
    assert read_moment(typed, BERLIN).isoformat() == utc


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("2026-03-29 02:30", "skip this time"),
        ("2026-10-25 02:30", r"twice that day. Add which: \+02:00 or \+01:00"),
        ("tomorrow", "such as"),
        ("", "such as"),
        ("0001-01-01 00:00", "such as"),
        ("9999-12-31T23:59-14:00", "such as"),
        ("2026-13-01 08:00", "such as"),
        ("2026-12-01 24:61", "such as"),
    ],
)
def test_what_is_no_moment_or_two_is_refused_in_words(typed: str, said: str) -> None:
    with pytest.raises(MomentRefused, match=said):
        read_moment(typed, BERLIN)


def test_the_builder_shows_and_takes_local_time() -> None:
    rule = parse_rule(a_rule(starts="2026-07-01T06:00:00Z", ends="2026-10-25T01:30:00Z"))
    form = form_of(rule, BERLIN)
    assert (form.starts, form.ends) == ("2026-07-01 08:00", "2026-10-25 02:30+01:00")
    assert judge(form, rule.id, BERLIN).rule == rule
    wrong = judge(form_of(parse_rule(a_rule())), "r", BERLIN)
    assert wrong.errors == {}


def test_every_fault_of_a_date_is_told_at_its_field() -> None:
    form = replace(form_of(parse_rule(a_rule())), starts="2026-03-29 02:30", ends="soon")
    judged = judge(form, "r", BERLIN)
    assert judged.rule is None
    assert set(judged.errors) == {"starts", "ends"}
