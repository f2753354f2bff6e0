"""Which decision is in force: for any history, for any site."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
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
    in_force,
)

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def row(purpose: Purpose, decision: str, minutes: int = 0, site: str | None = "s1") -> ConsentRow:
    return ConsentRow(site, purpose, decision, "letter", "wording", AT + timedelta(minutes=minutes))


@st.composite
def rows(draw: st.DrawFn) -> ConsentRow:
    purpose = draw(st.sampled_from(list(Purpose)))
    decision = draw(st.sampled_from(DECISIONS[purpose]))
    return row(purpose, decision, draw(st.integers(0, 3)), draw(st.sampled_from(["s1", "s2", None])))


def test_what_was_never_decided_is_refused() -> None:
    state = in_force([], "s1")
    assert (state.mail, state.tracking, state.profiling) == (False, Tracking.NONE, False)
    assert not state.is_tracking_decided


def test_a_decision_for_another_site_does_not_count() -> None:
    assert not in_force([row(Purpose.MAIL, GIVEN, site="s2")], "s1").mail


def test_an_opt_out_without_scope_is_global() -> None:
    history = [row(Purpose.MAIL, GIVEN, 0), row(Purpose.MAIL, REFUSED, 1, None)]
    assert not in_force(history, "s1").mail
    assert not in_force(history, "s9").mail


def test_a_later_decision_for_the_site_is_newer_than_the_global_one() -> None:
    history = [row(Purpose.MAIL, REFUSED, 0, None), row(Purpose.MAIL, GIVEN, 1)]
    assert in_force(history, "s1").mail
    assert not in_force(history, "s2").mail


def test_one_consent_never_stands_for_another() -> None:
    state = in_force([row(Purpose.MAIL, GIVEN)], "s1")
    assert state.mail
    assert not state.profiling
    assert state.tracking is Tracking.NONE


def test_of_two_decisions_of_one_instant_the_more_careful_holds() -> None:
    history = [row(Purpose.TRACKING, Tracking.IDENTIFIED), row(Purpose.TRACKING, Tracking.ANONYMOUS)]
    assert in_force(history, "s1").tracking is Tracking.ANONYMOUS


@given(st.lists(rows(), max_size=8).flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
def test_the_order_in_which_rows_are_read_changes_nothing(two: tuple[list[ConsentRow], list[ConsentRow]]) -> None:
    def said(state: ConsentState) -> tuple[bool, str, bool]:
        return state.mail, state.tracking, state.profiling

    assert said(in_force(two[0], "s1")) == said(in_force(two[1], "s1"))


@given(st.lists(rows(), max_size=8))
def test_a_global_refusal_after_everything_else_always_holds(history: list[ConsentRow]) -> None:
    last = [row(Purpose.MAIL, REFUSED, 9, None), row(Purpose.PROFILING, REFUSED, 9, None)]
    state = in_force([*history, *last, row(Purpose.TRACKING, Tracking.NONE, 9, None)], "s1")
    assert (state.mail, state.tracking, state.profiling) == (False, Tracking.NONE, False)


@pytest.mark.parametrize(("purpose", "decision"), [("mail", "maybe"), ("tracking", "given"), ("sale", "given")])
def test_an_unknown_purpose_or_decision_is_refused(purpose: str, decision: str) -> None:
    with pytest.raises(ConsentRefused):
        check(purpose, decision)
