"""The effect of the personal order as a row to read and a bar to draw. Pure."""

from dataclasses import dataclass

from portal.personalize.effect import Measure, Measured, State
from portal.personalize.words import number
from portal.reports.effects import FEWEST, Line

_VERDICTS = {
    State.HELPS: ("More with the personal order", "good", "up"),
    State.HARMS: ("Less with the personal order", "bad", "down"),
    State.UNCLEAR: ("No clear difference", "", "minus"),
    State.NOT_ENOUGH: ("Not enough data", "", "clock"),
}


@dataclass(frozen=True, slots=True)
class Bar:
    """Where a difference and its interval are drawn, in percent from the left; no difference is at 50."""

    low: float
    value: float
    high: float


@dataclass(frozen=True, slots=True)
class EffectRow:
    """One measure in words; amounts are empty and the bar is missing where there is not enough data."""

    name: str
    verdict: str
    tone: str
    icon: str
    text: str
    personal: str
    holdout: str
    difference: str
    interval: str
    bar: Bar | None


def row_of(line: Line) -> EffectRow:
    """Give the row of one measure."""
    effect, measure = line.effect, line.effect.measure
    verdict, tone, icon = _VERDICTS[effect.state]
    if effect.difference is None:
        text = effect.text if min(effect.personal, effect.holdout) >= FEWEST else _too_few(measure)
        return EffectRow(measure.plain, verdict, tone, icon, text, "", "", "", "", None)
    value, low, high = effect.difference
    most = max(abs(low), abs(high)) * 1.15 or 1.0
    bar = Bar(*(round(50 + 50 * each / most, 2) for each in (low, value, high)))
    between = f"{_signed(low, measure)} to {_signed(high, measure)}"
    mine, theirs = (_with_unit(mean or 0.0, measure) for mean in (line.personal, line.holdout))
    difference = f"{_signed(value, measure)} {_unit_of_difference(measure)}".rstrip()
    return EffectRow(measure.plain, verdict, tone, icon, effect.text, mine, theirs, difference, between, bar)


def _too_few(measure: Measure) -> str:
    return f"Not enough data: {measure.least} doctors in each group are needed; one group has fewer than {FEWEST}."


def _signed(value: float, measure: Measure) -> str:
    shown = round(value * 100, 1) if measure.kind is Measured.RATE else round(value, 2)
    return f"+{number(shown)}" if shown > 0 else number(shown + 0.0)


def _unit_of_difference(measure: Measure) -> str:
    return "percentage points" if measure.kind is Measured.RATE else measure.unit


def _with_unit(value: float, measure: Measure) -> str:
    shown = round(value * 100, 1) if measure.kind is Measured.RATE else round(value, 2)
    return f"{number(shown)} {measure.unit}".rstrip()
