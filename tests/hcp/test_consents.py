"""Which decision is in force: for any history, for any site."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.hcp.consents import (
    DECISIONS,
    GIVEN,
    REFUSED,
    ConsentRefused,
    ConsentRow,
    ConsentState,
    Purpose,
    Tracking,
    check,
    end_of,
    in_force,
    is_yes,
)

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ENDS = [
    datetime(2028, 2, 29, 12, tzinfo=UTC),  # a leap day
    datetime(2027, 3, 14, 7, tzinfo=UTC),  # New York sets its clocks forward
    datetime(2027, 10, 31, 1, tzinfo=UTC),  # Berlin sets its clocks back
    datetime(2027, 1, 1, tzinfo=UTC),
]


def row(
    purpose: Purpose, decision: str, minutes: int = 0, site: str | None = "s1", ends_at: datetime | None = None
) -> ConsentRow:
    return ConsentRow(site, purpose, decision, "letter", "wording", AT + timedelta(minutes=minutes), ends_at)


@st.composite
def rows(draw: st.DrawFn) -> ConsentRow:
    purpose = draw(st.sampled_from(list(Purpose)))
    decision = draw(st.sampled_from(DECISIONS[purpose]))
    return row(purpose, decision, draw(st.integers(0, 3)), draw(st.sampled_from(["s1", "s2", None])))


def test_what_was_never_decided_is_refused() -> None:
    state = in_force([], "s1", AT)
    assert (state.mail, state.tracking, state.profiling) == (False, Tracking.NONE, False)
    assert not state.is_tracking_decided


def test_a_decision_for_another_site_does_not_count() -> None:
    assert not in_force([row(Purpose.MAIL, GIVEN, site="s2")], "s1", AT).mail


def test_an_opt_out_without_scope_is_global() -> None:
    history = [row(Purpose.MAIL, GIVEN, 0), row(Purpose.MAIL, REFUSED, 1, None)]
    assert not in_force(history, "s1", AT).mail
    assert not in_force(history, "s9", AT).mail


def test_a_later_decision_for_the_site_is_newer_than_the_global_one() -> None:
    history = [row(Purpose.MAIL, REFUSED, 0, None), row(Purpose.MAIL, GIVEN, 1)]
    assert in_force(history, "s1", AT).mail
    assert not in_force(history, "s2", AT).mail


def test_one_consent_never_stands_for_another() -> None:
    state = in_force([row(Purpose.MAIL, GIVEN)], "s1", AT)
    assert state.mail
    assert not state.profiling
    assert state.tracking is Tracking.NONE


def test_of_two_decisions_of_one_instant_the_more_careful_holds() -> None:
    history = [row(Purpose.TRACKING, Tracking.IDENTIFIED), row(Purpose.TRACKING, Tracking.ANONYMOUS)]
    assert in_force(history, "s1", AT).tracking is Tracking.ANONYMOUS


@settings(deadline=None)
@given(st.lists(rows(), max_size=8).flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
def test_the_order_in_which_rows_are_read_changes_nothing(two: tuple[list[ConsentRow], list[ConsentRow]]) -> None:
    def said(state: ConsentState) -> tuple[bool, str, bool]:
        return state.mail, state.tracking, state.profiling

    assert said(in_force(two[0], "s1", AT)) == said(in_force(two[1], "s1", AT))


@settings(deadline=None)
@given(st.lists(rows(), max_size=8))
def test_a_global_refusal_after_everything_else_always_holds(history: list[ConsentRow]) -> None:
    last = [row(Purpose.MAIL, REFUSED, 9, None), row(Purpose.PROFILING, REFUSED, 9, None)]
    state = in_force([*history, *last, row(Purpose.TRACKING, Tracking.NONE, 9, None)], "s1", AT)
    assert (state.mail, state.tracking, state.profiling) == (False, Tracking.NONE, False)


@pytest.mark.parametrize(("purpose", "decision"), [("mail", "maybe"), ("tracking", "given"), ("sale", "given")])
def test_an_unknown_purpose_or_decision_is_refused(purpose: str, decision: str) -> None:
    with pytest.raises(ConsentRefused):
        check(purpose, decision)


@pytest.mark.parametrize("end", ENDS, ids=str)
@pytest.mark.parametrize(
    ("purpose", "decision"), [(Purpose.MAIL, GIVEN), (Purpose.PROFILING, GIVEN), (Purpose.TRACKING, "identified")]
)
def test_a_yes_ends_to_the_second(purpose: Purpose, decision: str, end: datetime) -> None:
    history = [row(purpose, DECISIONS[purpose][0], -1), row(purpose, decision, 0, ends_at=end)]
    for seconds, holds in ((-1, True), (0, False), (1, False), (-1, True)):  # the last: the clock is set back
        state = in_force(history, "s1", end + timedelta(seconds=seconds))
        held = {"mail": state.mail, "profiling": state.profiling, "tracking": state.is_tracking_decided}
        assert held[purpose] is holds
        assert state.ended_on(purpose) == (None if holds else end)


def test_a_yes_that_ended_leaves_the_purpose_undecided_and_nothing_older_comes_back() -> None:
    end = AT + timedelta(days=1)
    history = [row(Purpose.MAIL, GIVEN, 0), row(Purpose.MAIL, GIVEN, 1, ends_at=end)]
    assert in_force(history, "s1", end - timedelta(seconds=1)).mail
    state = in_force(history, "s1", end)
    assert not state.mail
    assert state.mail_decision is None


@settings(deadline=None)
@given(st.lists(rows(), max_size=8))
def test_ends_only_ever_take_away(history: list[ConsentRow]) -> None:
    later = AT + timedelta(days=1)
    ending = [replace(each, ends_at=later) if is_yes(each.purpose, each.decision) else each for each in history]
    assert in_force(ending, "s1", later - timedelta(seconds=1)).mail == in_force(history, "s1", AT).mail
    state = in_force(ending, "s1", later)
    assert (state.mail, state.tracking, state.profiling) == (False, Tracking.NONE, False)


def test_only_a_yes_ends_and_by_the_days_of_the_site() -> None:
    days = {"mail": 365, "tracking": 1}
    assert end_of(days, "mail", GIVEN, datetime(2028, 2, 28, tzinfo=UTC)) == datetime(2029, 2, 27, tzinfo=UTC)
    assert end_of(days, "tracking", "anonymous", AT) == AT + timedelta(days=1)
    for purpose, decision in (("mail", REFUSED), ("tracking", "none"), ("profiling", GIVEN)):
        assert end_of(days, purpose, decision, AT) is None
    for odd in (None, {}, {"mail": 0}, {"mail": "365"}, {"mail": 3651}, [365]):
        assert end_of(odd, "mail", GIVEN, AT) is None
