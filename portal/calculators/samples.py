"""Draws inputs of a calculator from a seed: values in range, on and beside the limits, in every unit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TypeVar

from portal.calculators.calculator import Calculator
from portal.calculators.check import Leaf
from portal.calculators.definition import BooleanInput, ChoiceInput, NumberInput

Drawn = dict[str, object]
_T = TypeVar("_T")


class Chance:
    """The same numbers for the same seed, on every machine: a linear congruential generator (Knuth's MMIX)."""

    def __init__(self, seed: int) -> None:
        self._state = seed
        self.random()

    def random(self) -> float:
        """Gives the next number from 0 to below 1."""
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self._state >> 11) / 2.0**53

    def uniform(self, low: float, high: float) -> float:
        """Gives a number between two."""
        return low + (high - low) * self.random()

    def randint(self, low: int, high: int) -> int:
        """Gives a whole number from low to high, both included."""
        return low + int(self.random() * (high - low + 1))

    def choice(self, items: Sequence[_T]) -> _T:
        """Gives one of the items."""
        return items[int(self.random() * len(items))]


def sample(calculator: Calculator, chance: Chance) -> Drawn:
    """Draws one set of inputs within the allowed ranges, under names of any declared unit."""
    drawn: Drawn = {}
    for path, leaf in calculator.inputs.items():
        if leaf.optional and chance.random() < 0.4:
            continue
        name, value = _draw(leaf, chance)
        group = path.rpartition(".")[0]
        if group:
            inner = drawn.setdefault(group, {})
            if isinstance(inner, dict):
                inner[name] = value
        else:
            drawn[name] = value
    return drawn


def edges(leaf: NumberInput) -> Iterator[float]:
    """Gives both limits of the allowed range and the numbers next to them on either side."""
    for limit in (leaf.allowed.low, leaf.allowed.high):
        yield math.nextafter(limit, -math.inf)
        yield limit
        yield math.nextafter(limit, math.inf)


def _draw(leaf: Leaf, chance: Chance) -> tuple[str, object]:
    match leaf:
        case BooleanInput():
            return leaf.name, chance.random() < 0.5
        case ChoiceInput():
            return leaf.name, chance.choice(leaf.options).value
        case NumberInput(kind="integer"):
            low, high = math.ceil(leaf.allowed.low), math.floor(leaf.allowed.high)
            return leaf.name, chance.randint(low, high)
        case NumberInput():
            return _number(leaf, chance)


def _number(leaf: NumberInput, chance: Chance) -> tuple[str, float]:
    value = _inside(leaf, chance)
    other = chance.choice((None, *leaf.other_units)) if chance.random() < 0.3 else None
    if other is None:
        return leaf.name, value
    converted = other.from_canonical(value)
    # The way back may miss a limit by the last bit.
    return (other.name, converted) if leaf.allowed.holds(other.to_canonical(converted)) else (leaf.name, value)


def _inside(leaf: NumberInput, chance: Chance) -> float:
    bounds = leaf.plausible if leaf.plausible and chance.random() < 0.7 else leaf.allowed
    low = bounds.low if bounds.low > -math.inf else leaf.allowed.low
    high = bounds.high if bounds.high < math.inf else leaf.allowed.high
    # Ranges over several orders of magnitude are drawn on a logarithmic scale, so that small values occur.
    if low > 0 and high / low > 50 and chance.random() < 0.7:
        value = math.exp(chance.uniform(math.log(low), math.log(high)))
    else:
        value = chance.uniform(low, high)
    if chance.random() < 0.6:
        value = round(value, chance.choice((0, 1, 2)))
    if chance.random() < 0.03:
        value = chance.choice((low, high))
    return value if leaf.allowed.holds(value) else (leaf.allowed.low + leaf.allowed.high) / 2
