"""What a formula can give: ranges of numbers, sets of texts, possible answers, and how they combine."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from portal.calculators.check import Leaf
from portal.calculators.definition import BooleanInput, ChoiceInput, NumberInput
from portal.calculators.syntax import Node, Number, Text


@dataclass(frozen=True, slots=True)
class Range:
    """All numbers from low to high."""

    low: float
    high: float

    def joined(self, other: Range) -> Range:
        """Gives the smallest range that holds both."""
        return Range(min(self.low, other.low), max(self.high, other.high))

    def holds(self, value: float) -> bool:
        """Tells whether the value can occur."""
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts that can occur."""

    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Truths:
    """The answers that can occur."""

    can_be_true: bool
    can_be_false: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """A list of ranges."""

    ranges: tuple[Range, ...]


Extent = Range | Texts | Truths | Terms


def extent_of_input(leaf: Leaf) -> Extent:
    """Gives what an input can be."""
    match leaf:
        case NumberInput():
            return Range(leaf.allowed.low, leaf.allowed.high)
        case BooleanInput():
            return Truths(True, True)
        case ChoiceInput():
            return Texts(frozenset(str(option.value) for option in leaf.options))


def union(*extents: Extent) -> Extent:
    """Gives an extent that holds every one of the extents, which are of one kind."""
    ranges = [extent for extent in extents if isinstance(extent, Range)]
    if ranges:
        return Range(min(item.low for item in ranges), max(item.high for item in ranges))
    texts = [extent.values for extent in extents if isinstance(extent, Texts)]
    if texts:
        return Texts(frozenset().union(*texts))
    truths = [extent for extent in extents if isinstance(extent, Truths)]
    return Truths(any(item.can_be_true for item in truths), any(item.can_be_false for item in truths))


def narrowed(extent: Extent, comparison: str, truth: bool, right: Node) -> Extent | None:
    """Gives what is left of an extent once a comparison with a constant holds, or not; None when nothing is known."""
    if isinstance(extent, Texts) and isinstance(right, Text) and comparison in ("==", "!="):
        keeps = (comparison == "==") == truth
        values = extent.values & {right.value} if keeps else extent.values - {right.value}
        return Texts(values) if values else None
    if not isinstance(extent, Range) or not isinstance(right, Number):
        return None
    limit, low, high = right.value, extent.low, extent.high
    sign = comparison if truth else {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}.get(comparison, "")
    match sign:
        case "<":
            high = min(high, math.nextafter(limit, -math.inf))
        case "<=":
            high = min(high, limit)
        case ">":
            low = max(low, math.nextafter(limit, math.inf))
        case ">=":
            low = max(low, limit)
        case "==":
            low, high = limit, limit
    return Range(low, high) if low <= high else None


def compared(comparison: str, left: Range, right: Range) -> Truths:
    """Gives the answers a comparison of two ranges can have."""
    match comparison:
        case "<":
            return Truths(left.low < right.high, left.high >= right.low)
        case "<=":
            return Truths(left.low <= right.high, left.high > right.low)
        case ">":
            return Truths(left.high > right.low, left.low <= right.high)
        case ">=":
            return Truths(left.high >= right.low, left.low < right.high)
    touch = left.low <= right.high and right.low <= left.high
    certain = left.low == left.high == right.low == right.high
    return Truths(touch, not certain) if comparison == "==" else Truths(not certain, touch)


def corners(left: Range, right: Range, operation: Callable[[float, float], float]) -> Range:
    """Gives the range of an operation that is monotone in each argument."""
    values = [operation(a, b) for a in (left.low, left.high) for b in (right.low, right.high)]
    known = [0.0 if math.isnan(value) else value for value in values]
    return Range(min(known), max(known))


def added(ranges: list[Range]) -> Range:
    """Gives the range of a sum."""
    return Range(sum(item.low for item in ranges), sum(item.high for item in ranges))


def scaled(weight: float, item: Range) -> Range:
    """Gives the range of a multiple."""
    return Range(*sorted((weight * item.low, weight * item.high)))
