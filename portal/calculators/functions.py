"""The closed set of functions a formula may call, and the arithmetic both engines share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass


class Undefined(ArithmeticError):
    """A formula that has no result for these values: a division by zero, a root of a negative number."""


@dataclass(frozen=True, slots=True)
class Arity:
    """How many arguments a function takes; `most` None means any number."""

    least: int
    most: int | None


# Every function of the language; what each one means stands in docs/decisions/0010.
FUNCTIONS: dict[str, Arity] = {
    "if": Arity(3, 3),
    "case": Arity(3, None),
    "min": Arity(2, None),
    "max": Arity(2, None),
    "clamp": Arity(3, 3),
    "ln": Arity(1, 1),
    "log10": Arity(1, 1),
    "exp": Arity(1, 1),
    "sqrt": Arity(1, 1),
    "abs": Arity(1, 1),
    "round": Arity(1, 2),
    "points": Arity(1, 1),
    "count": Arity(1, None),
    "given": Arity(1, 1),
    "given_in": Arity(2, 2),
    "value_or": Arity(2, 2),
    "list": Arity(1, None),
    "weighted": Arity(3, None),
    "cell": Arity(3, None),
    "join": Arity(2, None),
    "as_unit": Arity(2, 2),
}

# How far below a half a number may lie, relative to its size, and still round up. Binary fractions put
# 0.285 * 100 at 28.499999999999996; a reader who rounds half up expects 29.
HALF = 1e-9
_TENS = (1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6)


def half_up(value: float, decimals: int) -> float:
    """Rounds half up to 0 to 6 decimals; a half lost to binary fractions still counts as one."""
    power = _TENS[decimals]
    scaled = value * power
    if abs(scaled) >= 1e15:
        return value
    return math.floor(scaled + 0.5 + HALF * max(1.0, abs(scaled))) / power


def divide(left: float, right: float) -> float:
    """Divides; raises Undefined instead of dividing by zero."""
    if right == 0:
        raise Undefined("it would divide by zero")
    return left / right


def power(base: float, exponent: float) -> float:
    """Raises to a power; raises Undefined where the result is not a real number."""
    if base == 0 and exponent < 0:
        raise Undefined("it would divide by zero")
    if base < 0 and not exponent.is_integer():
        raise Undefined("it would take a root of a negative number")
    try:
        return float(base**exponent)
    except OverflowError as error:
        raise Undefined("it would be larger than any number") from error


def natural_log(value: float) -> float:
    """Gives ln; raises Undefined for zero and below."""
    if value <= 0:
        raise Undefined("it would take the logarithm of a number that is not above zero")
    return math.log(value)


def decimal_log(value: float) -> float:
    """Gives log10; raises Undefined for zero and below."""
    if value <= 0:
        raise Undefined("it would take the logarithm of a number that is not above zero")
    return math.log10(value)


def exponential(value: float) -> float:
    """Gives e to the value; raises Undefined beyond the largest number."""
    try:
        return math.exp(value)
    except OverflowError as error:
        raise Undefined("it would be larger than any number") from error


def square_root(value: float) -> float:
    """Gives the square root; raises Undefined below zero."""
    if value < 0:
        raise Undefined("it would take a root of a negative number")
    return math.sqrt(value)


def clamp(value: float, low: float, high: float) -> float:
    """Gives the value, or the nearer of the two limits where it lies outside them."""
    return min(max(value, low), high)


def weighted_sum(weights: Sequence[float], terms: Sequence[float]) -> float:
    """Sums weight times term from the first to the last, in that order in both engines."""
    total = 0.0
    for weight, term in zip(weights, terms, strict=True):
        total += weight * term
    return total


UNARY: dict[str, Callable[[float], float]] = {
    "ln": natural_log,
    "log10": decimal_log,
    "exp": exponential,
    "sqrt": square_root,
    "abs": abs,
}

BINARY: dict[str, Callable[[float, float], float]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": divide,
    "^": power,
}

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
