"""The effect of a personal order: intervals that hold the truth as often as they say, and silence before."""

from __future__ import annotations

import pytest

from portal.personalize import effect, intervals
from portal.personalize.effect import LEAST, MEASURES, Group, State, effect_of, group_of
from tests.personalize.coverage import covered
from tests.personalize.worlds import rule_set

LIVE = rule_set(holdout_percent=20, holdout_salt="autumn")
WORLDS = 400


def test_the_holdout_is_stable_of_the_right_size_and_drawn_anew_with_the_salt() -> None:
    subjects = [f"h{number}" for number in range(5000)]
    first = [group_of(subject, LIVE) for subject in subjects]
    assert first == [group_of(subject, LIVE) for subject in subjects]
    assert 0.18 < first.count(Group.HOLDOUT) / 5000 < 0.22
    anew = rule_set(holdout_percent=20, holdout_salt="winter")
    both = sum(
        one is Group.HOLDOUT and group_of(subject, anew) is Group.HOLDOUT
        for subject, one in zip(subjects, first, strict=True)
    )
    assert 0.03 < both / 5000 < 0.05
    wider = rule_set(holdout_percent=30, holdout_salt="autumn")
    assert all(
        group_of(subject, wider) is Group.HOLDOUT
        for subject, one in zip(subjects, first, strict=True)
        if one is Group.HOLDOUT
    )


# The long form is `python -m tests.personalize.coverage`: more worlds, and groups of five sizes.
@pytest.mark.parametrize("effect", [True, False], ids=["with-an-effect", "without"])
@pytest.mark.parametrize("name", MEASURES)
def test_the_interval_holds_the_truth_at_its_nominal_rate(name: str, effect: bool) -> None:
    for personal, holdout in ((160, 80), (100, 100)):
        found = covered(name, personal, holdout, effect=effect, worlds=WORLDS)
        assert 0.92 <= found.held <= 0.98, (personal, holdout)
        assert found.silent == 0
        if not effect:
            assert found.claimed <= 0.08, (personal, holdout)


def test_with_few_doctors_nothing_is_said_in_any_world() -> None:
    for name in MEASURES:
        assert covered(name, 300, LEAST - 1, effect=True, worlds=20).silent == 1


def test_a_clear_effect_is_said_in_words() -> None:
    found = effect_of(MEASURES["returned"], [1, 1, 0, 1] * 100, [1, 0, 0, 0] * 25)
    assert found.state is State.HELPS
    assert found.text == (
        "Returned within 30 days: more with the personal order. Difference 50 percentage points "
        "(95 % interval 39.7 to 58.5; 400 doctors with it, 100 without)."
    )


def test_too_few_or_too_uniform_is_not_enough_data() -> None:
    few = effect_of(MEASURES["engaged_minutes"], [1.0] * 500, [2.0] * (LEAST - 1))
    assert (few.state, few.difference) == (State.NOT_ENOUGH, None)
    assert "there are 500 and 79" in few.text
    assert effect_of(MEASURES["calculators"], [0.0] * 500, [0.0] * 500).state is State.NOT_ENOUGH
    with pytest.raises(ValueError, match="zeros and ones"):
        effect_of(MEASURES["returned"], [0.5] * 60, [1.0] * 60)
    assert effect.LEVEL == 0.95


def test_the_intervals_agree_with_published_figures() -> None:
    # Newcombe 1998, table II: 56/70 and 48/80, method 10.
    assert [round(one, 4) for one in intervals.newcombe(56, 70, 48, 80)] == [0.2, 0.0524, 0.3339]
    assert [round(one, 4) for one in intervals.newcombe(9, 10, 3, 10)] == [0.6, 0.1705, 0.8090]
    assert [round(one, 4) for one in intervals.newcombe(0, 10, 0, 10)] == [0.0, -0.2775, 0.2775]
    # Student's quantiles from the usual tables.
    for freedom, quantile in ((1, 12.706), (2, 4.303), (10, 2.228), (30, 2.042), (120, 1.980), (1e6, 1.960)):
        assert intervals.t_of(0.95, freedom) == pytest.approx(quantile, abs=6e-4)
    assert intervals.wilson(0, 0) == (0.0, 0.0, 1.0)
    assert [round(one, 4) for one in intervals.wilson(0, 10)] == [0.0, 0.0, 0.2775]
    with pytest.raises(ValueError, match="two values"):
        intervals.welch([1.0], [1.0, 2.0])
