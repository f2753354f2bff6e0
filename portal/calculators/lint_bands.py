"""Finds gaps, overlaps and unreachable rungs in bands and points, by proof where possible and else by trial."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

from portal.calculators.bounds import Bounds
from portal.calculators.calculator import Calculator
from portal.calculators.definition import Bands, NumberInput
from portal.calculators.evaluation import Outcome, evaluate, settled
from portal.calculators.extents import Extent, Range, Texts
from portal.calculators.inputs import InputRefused, Reason
from portal.calculators.samples import Chance, Drawn, sample
from portal.calculators.syntax import walk

TRIALS = 3_000
_CORNERS = 400
_ENOUGH = (
    1_000_000  # words of formulas walked: the largest definition that ships gets all its trials, at about a second
)
Told = tuple[str, str, str]


def band_findings(calculator: Calculator, known: Mapping[str, Extent]) -> Iterator[Told]:
    """Gives place, rule and sentence for what is wrong with the bands, and for inputs that leave no result."""
    bands = calculator.definition.bands
    proved: set[str] = set()
    if bands:
        for place, rule, message in _static(calculator, bands, known):
            proved.add(place)
            yield place, rule, message
    reached: set[str] = set()
    without: str | None = None
    for drawn in trials(calculator):
        try:
            outcome = evaluate(calculator, drawn)
        except InputRefused as error:
            undefined = [fault for fault in error.faults if fault.reason is Reason.UNDEFINED]
            if undefined:
                yield f"formula.{undefined[0].field}", "undefined", f"{undefined[0].message} For example {drawn}."
                return
            continue
        if outcome.band is not None:
            reached.add(outcome.band.id)
        elif bands and without is None:
            without = f"{_read_on(bands, outcome)} has no band, for example {drawn}"
    if without and not any(rule == "gap" for _, rule, _ in _static(calculator, bands, known)):
        yield "bands", "gap", without
    for band in bands.each if bands else ():
        if band.id not in reached and f"bands.{band.id}" not in proved:
            yield (
                f"bands.{band.id}",
                "unreachable",
                f"none of {_CORNERS + _number_of_trials(calculator)} trials reached it",
            )


def trials(calculator: Calculator) -> Iterator[Drawn]:
    """Gives trial inputs: every limit at once, mixtures of limits, and values in between; always the same ones."""
    chance = Chance(1972)
    for number in range(_CORNERS):
        yield _corner(calculator, sample(calculator, chance), chance, number)
    for _ in range(_number_of_trials(calculator)):
        yield sample(calculator, chance)


def _number_of_trials(calculator: Calculator) -> int:
    """Gives how often to draw: fewer times for very large formulas, so that a check ends while its author waits."""
    roots = [step.node for step in calculator.steps] + [checked.node for checked in calculator.outputs]
    roots += [*calculator.notes, *calculator.refusals]
    return min(TRIALS, _ENOUGH // sum(1 for root in roots for _ in walk(root)))


def rungs(bands: Sequence[Bounds], reach: Range, step: float | None) -> Iterator[tuple[str, str]]:
    """Gives rule and sentence for each gap, overlap and unreachable rung within reach.

    `step` is the distance of the values that can occur, None where every number can.
    """
    for band in bands:
        if _last(band, reach, step) < _first(band, reach, step):
            yield "unreachable", f"no value is {band.in_words()}"
    ordered = sorted((band for band in bands if band.high >= reach.low), key=lambda band: (band.low, band.high))
    for lower, upper in itertools.pairwise(ordered):
        if lower.low > reach.high or upper.low > reach.high:
            continue
        distance = _distance(lower, upper, step)
        if distance > 0:
            yield "gap", f"nothing stands between {lower.in_words()} and {upper.in_words()}"
        elif distance < 0:
            yield "overlap", f"{lower.in_words()} and {upper.in_words()} overlap"
    if ordered and ordered[0].low > reach.low and not _leaves_out(ordered[0], reach.low):
        yield "gap", f"nothing stands below {ordered[0].in_words()}"
    highest = max((band.high for band in ordered), default=-math.inf)
    if ordered and highest < reach.high:
        yield "gap", f"nothing stands above {highest:.10g}"


def _static(calculator: Calculator, bands: Bands | None, known: Mapping[str, Extent]) -> Iterator[Told]:
    if bands is None:
        return
    output = calculator.definition.outputs[0]
    on = bands.on if bands.on not in ("value", "unrounded") else f"outputs.{output.name}"
    extent = known.get(on)
    if isinstance(extent, Texts):
        told = [band.equals for band in bands.each]
        for band in bands.each:
            if band.equals not in extent.values:
                yield f"bands.{band.id}", "unreachable", f"the result is never '{band.equals}'"
            elif told.count(band.equals) > 1:
                yield f"bands.{band.id}", "overlap", f"'{band.equals}' has two bands"
        for text in sorted(extent.values - set(told)):
            yield "bands", "gap", f"the result '{text}' has no band"
        return
    if not isinstance(extent, Range):
        return
    step = None
    if bands.on == "value" and output.decimals is not None:
        step = 10.0**-output.decimals
        extent = Range(settled(output, _held(extent.low)), settled(output, _held(extent.high)))
    for band in bands.each:
        if _last(band, extent, step) < _first(band, extent, step):
            yield f"bands.{band.id}", "unreachable", f"the result is never {band.in_words()}"
    for rule, message in rungs(bands.each, extent, step):
        # The bounds of a formula are wider than the truth: an end without a band is left to the trials.
        if rule == "overlap" or (rule == "gap" and "between" in message):
            yield "bands", rule, message


def _distance(lower: Bounds, upper: Bounds, step: float | None) -> float:
    """Gives how far apart two neighbours are: above 0 a gap, below 0 an overlap, 0 a fit."""
    if step is not None:
        everything = Range(-math.inf, math.inf)
        apart = _first(upper, everything, step) - _last(lower, everything, step)
        return 0.0 if math.isclose(apart, step, rel_tol=1e-6) else apart - step
    if lower.high != upper.low:
        return upper.low - lower.high
    closed = (lower.up_to is not None) + (upper.from_ is not None)
    return 1.0 - closed


def _first(band: Bounds, reach: Range, step: float | None) -> float:
    low = max(band.low, reach.low)
    if step is None or not math.isfinite(low):
        return math.nextafter(low, math.inf) if _leaves_out(band, low) else low
    value = math.ceil(low / step - 1e-6) * step
    return value + step if band.above is not None and math.isclose(value, band.above, abs_tol=step * 1e-6) else value


def _last(band: Bounds, reach: Range, step: float | None) -> float:
    high = min(band.high, reach.high)
    if step is None or not math.isfinite(high):
        return math.nextafter(high, -math.inf) if _leaves_out(band, high) else high
    value = math.floor(high / step + 1e-6) * step
    return value - step if band.below is not None and math.isclose(value, band.below, abs_tol=step * 1e-6) else value


def _leaves_out(band: Bounds, end: float) -> bool:
    return end in (band.above, band.below)


def _held(value: float) -> float:
    return min(max(value, -1e14), 1e14)


def _read_on(bands: Bands, outcome: Outcome) -> object:
    if bands.on == "value":
        return outcome.value
    return outcome.unrounded if bands.on == "unrounded" else outcome.steps[bands.on]


def _corner(calculator: Calculator, drawn: Drawn, chance: Chance, number: int) -> Drawn:
    """Moves inputs to their limits: in the first two corners all of them, later each by chance."""
    for path, leaf in calculator.inputs.items():
        if not isinstance(leaf, NumberInput):
            continue
        limits = [limit for limit in (leaf.allowed.low, leaf.allowed.high) if leaf.allowed.holds(limit)]
        if not limits or (number > 1 and chance.random() < 0.5):
            continue
        group, _, name = path.rpartition(".")
        place = drawn.get(group) if group else drawn
        if not isinstance(place, dict):
            continue
        for other in leaf.other_units:
            place.pop(other.name, None)
        limit = limits[min(number, len(limits) - 1)] if number < 2 else chance.choice(limits)
        place[name] = int(limit) if leaf.kind == "integer" else limit
    return drawn
