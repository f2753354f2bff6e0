"""The effect of a personal order: intervals that hold the truth as often as they say, and silence before."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from portal.personalize import effect, intervals
from portal.personalize.effect import MEASURES, Group, State, effect_of, group_of, grouped
from tests.personalize.worlds import rule_set

LIVE = rule_set(holdout_percent=20, holdout_salt="autumn")
WORLDS = 600
DOCTORS = 400


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


Draw = Callable[[random.Random, bool], float]


def _minutes(chance: random.Random, personal: bool) -> float:
    """Most doctors read a little, a few a lot, a third nothing; a personal order adds a fifth."""
    if chance.random() < 1 / 3:
        return 0.0
    return chance.lognormvariate(1.0, 0.8) * (1.2 if personal else 1.0)


def _returned(chance: random.Random, personal: bool) -> float:
    return float(chance.random() < (0.32 if personal else 0.25))


def _calculators(chance: random.Random, personal: bool) -> float:
    return float(sum(chance.random() < (0.10 if personal else 0.08) for _ in range(8)))


MEAN_OF_READERS = 2.718281828459045 ** (1.0 + 0.8**2 / 2)
TRUTH: dict[str, tuple[Draw, float]] = {
    "engaged_minutes": (_minutes, 2 / 3 * MEAN_OF_READERS * 0.2),
    "returned": (_returned, 0.07),
    "calculators": (_calculators, 0.16),
}


@pytest.mark.parametrize("name", MEASURES)
def test_the_interval_holds_a_known_effect_at_its_nominal_rate(name: str) -> None:
    draw, truth = TRUTH[name]
    held = 0
    for world in range(WORLDS):
        chance = random.Random(f"{name}-{world}")
        values = {
            f"w{world}-h{number}": draw(chance, group_of(f"w{world}-h{number}", LIVE) is Group.PERSONAL)
            for number in range(DOCTORS)
        }
        found = effect_of(MEASURES[name], *grouped(values, LIVE)).difference
        assert found is not None
        held += found.low <= truth <= found.high
    assert 0.925 <= held / WORLDS <= 0.975


def test_where_there_is_no_effect_one_is_seldom_claimed() -> None:
    claimed = 0
    for world in range(WORLDS):
        chance = random.Random(world)
        values = [_minutes(chance, False) for _ in range(240)]
        claimed += effect_of(MEASURES["engaged_minutes"], values[:180], values[180:]).state is not State.UNCLEAR
    assert claimed / WORLDS <= 0.075


def test_a_clear_effect_is_said_in_words() -> None:
    found = effect_of(MEASURES["returned"], [1, 1, 0, 1] * 100, [1, 0, 0, 0] * 25)
    assert found.state is State.HELPS
    assert found.text == (
        "Returned within 30 days: more with the personal order. Difference 50 percentage points "
        "(95 % interval 39.7 to 58.5; 400 doctors with it, 100 without)."
    )


def test_too_few_or_too_uniform_is_not_enough_data() -> None:
    few = effect_of(MEASURES["engaged_minutes"], [1.0] * 500, [2.0] * 49)
    assert (few.state, few.difference) == (State.NOT_ENOUGH, None)
    assert "there are 500 and 49" in few.text
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
