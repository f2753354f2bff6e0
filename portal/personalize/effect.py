"""Does a personal order help? A standing holdout compared with everyone else, and said with its doubt.

Doctors are compared as they were assigned, whatever they were shown: who asks for the standard order stays
in the group the hash put them in. Only consenting doctors are assigned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from portal.personalize.chance import in_holdout
from portal.personalize.intervals import Interval, newcombe, welch
from portal.personalize.rules import RuleSet
from portal.personalize.words import number

LEVEL = 0.95


class Group(StrEnum):
    """The two groups that are compared."""

    PERSONAL = "personal"
    HOLDOUT = "holdout"


class Measured(StrEnum):
    """How a measure is compared."""

    MEAN = "mean"
    RATE = "rate"


# With fewer in either group the interval of a skewed mean holds the truth in less than 93 worlds of 100: measured by
# `python -m tests.personalize.coverage`.
LEAST = 80


class State(StrEnum):
    """What can be said of an effect."""

    NOT_ENOUGH = "not-enough-data"
    HELPS = "helps"
    HARMS = "harms"
    UNCLEAR = "no-clear-effect"


@dataclass(frozen=True, slots=True)
class Measure:
    """One declared measure; with fewer doctors in either group than `least` nothing is said."""

    name: str
    plain: str
    unit: str
    kind: Measured
    least: int = LEAST


MEASURES = {
    one.name: one
    for one in (
        Measure("engaged_minutes", "Engaged time on relevant topics", "min", Measured.MEAN),
        Measure("returned", "Returned within 30 days", "%", Measured.RATE),
        Measure("calculators", "Calculators completed", "", Measured.MEAN),
    )
}


@dataclass(frozen=True, slots=True)
class Effect:
    """The difference between the groups with its 95 % interval; None where there is not enough data."""

    measure: Measure
    state: State
    personal: int
    holdout: int
    difference: Interval | None
    text: str


def group_of(subject: str, rule_set: RuleSet) -> Group:
    """Give the group the site's hash puts this doctor in, the same for ever under one salt."""
    return Group.HOLDOUT if in_holdout(subject, rule_set) else Group.PERSONAL


def grouped(values: Mapping[str, float], rule_set: RuleSet) -> tuple[list[float], list[float]]:
    """Share out one value per subject into the personal group and the holdout."""
    personal: list[float] = []
    holdout: list[float] = []
    for subject in sorted(values):
        mine = holdout if group_of(subject, rule_set) is Group.HOLDOUT else personal
        mine.append(values[subject])
    return personal, holdout


def effect_of(measure: Measure, personal: Sequence[float], holdout: Sequence[float]) -> Effect:
    """Give the effect of the personal order on one measure, with one value per doctor.

    For a rate a value is 1 where it happened and 0 where not; raises ValueError for anything else.
    """
    counts = len(personal), len(holdout)
    if measure.kind is Measured.RATE and not {*personal, *holdout} <= {0, 1}:
        raise ValueError("a rate is made of zeros and ones")
    if min(counts) < measure.least:
        need = f"{measure.least} doctors in each group are needed, there are {counts[0]:,} and {counts[1]:,}."
        return Effect(measure, State.NOT_ENOUGH, *counts, None, f"Not enough data: {need}")
    if len({*personal, *holdout}) < 2:
        return Effect(measure, State.NOT_ENOUGH, *counts, None, "Not enough data: every doctor has the same value.")
    if measure.kind is Measured.RATE:
        found = newcombe(round(sum(personal)), counts[0], round(sum(holdout)), counts[1], LEVEL)
    else:
        found = welch(personal, holdout, LEVEL)
    state = State.HELPS if found.low > 0 else State.HARMS if found.high < 0 else State.UNCLEAR
    return Effect(measure, state, *counts, found, _text(measure, state, found, counts))


def _text(measure: Measure, state: State, found: Interval, counts: tuple[int, int]) -> str:
    verdict = {
        State.HELPS: "more with the personal order",
        State.HARMS: "less with the personal order",
        State.UNCLEAR: "no clear difference",
    }[state]
    value, low, high = (_amount(one, measure) for one in found)
    unit = "percentage points" if measure.kind is Measured.RATE else measure.unit
    return (
        f"{measure.plain}: {verdict}. Difference {value} {unit}".rstrip()
        + f" (95 % interval {low} to {high}; {counts[0]:,} doctors with it, {counts[1]:,} without)."
    )


def _amount(value: float, measure: Measure) -> str:
    shown = round(value * 100, 1) if measure.kind is Measured.RATE else round(value, 2)
    return number(shown + 0.0)
