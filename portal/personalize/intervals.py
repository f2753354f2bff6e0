"""Intervals that stay honest with small numbers: Wilson for a share, Newcombe and Welch for differences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, variance
from typing import NamedTuple

_NORMAL = NormalDist()


class Interval(NamedTuple):
    """A value with the bounds that hold it at the stated level."""

    value: float
    low: float
    high: float


def z_of(level: float) -> float:
    """Give the normal quantile of a two-sided level: 1.96 for 0.95."""
    return _NORMAL.inv_cdf(0.5 + level / 2)


def wilson(met: int, of: int, level: float = 0.95) -> Interval:
    """Give a share with its score interval (Wilson 1927); all of nothing is anything from 0 to 1."""
    if of <= 0:
        return Interval(0.0, 0.0, 1.0)
    z, share = z_of(level), met / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return Interval(share, 0.0 if met == 0 else max(0.0, middle - half), 1.0 if met == of else min(1.0, middle + half))


def newcombe(met: int, of: int, other_met: int, other_of: int, level: float = 0.95) -> Interval:
    """Give the difference of two shares with its hybrid score interval (Newcombe 1998, method 10)."""
    one, two = wilson(met, of, level), wilson(other_met, other_of, level)
    difference = one.value - two.value
    below = math.hypot(one.value - one.low, two.high - two.value)
    above = math.hypot(one.high - one.value, two.value - two.low)
    return Interval(difference, max(-1.0, difference - below), min(1.0, difference + above))


def welch(values: Sequence[float], others: Sequence[float], level: float = 0.95) -> Interval:
    """Give the difference of two means with its interval for unequal variances (Welch 1947).

    Raises ValueError for fewer than two values on a side.
    """
    if min(len(values), len(others)) < 2:
        raise ValueError("a difference of means needs two values on each side")
    difference = fmean(values) - fmean(others)
    mine, theirs = variance(values) / len(values), variance(others) / len(others)
    if mine + theirs == 0:
        return Interval(difference, difference, difference)
    freedom = (mine + theirs) ** 2 / (mine**2 / (len(values) - 1) + theirs**2 / (len(others) - 1))
    half = t_of(level, freedom) * math.sqrt(mine + theirs)
    return Interval(difference, difference - half, difference + half)


def t_of(level: float, freedom: float) -> float:
    """Give Student's two-sided quantile by halving on the distribution; exact to about nine digits."""
    low, high = 0.0, 2.0
    while _inside(high, freedom) < level:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _inside(middle, freedom) < level else (low, middle)
    return (low + high) / 2


def _inside(t: float, freedom: float) -> float:
    """Give the probability that Student's variable lies between -t and t."""
    return 1 - _beta(freedom / (freedom + t * t), freedom / 2, 0.5)


def _beta(x: float, a: float, b: float) -> float:
    """Give the regularised incomplete beta function (continued fraction, Numerical Recipes 6.4)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    tiny = 1e-300
    c, d = 1.0, 1 / (_off_zero(1 - (a + b) * x / (a + 1), tiny))
    value = d
    for m in range(1, 300):
        step = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d, c = 1 / _off_zero(1 + step * d, tiny), _off_zero(1 + step / c, tiny)
        value *= d * c
        step = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d, c = 1 / _off_zero(1 + step * d, tiny), _off_zero(1 + step / c, tiny)
        value *= d * c
        if abs(d * c - 1) < 1e-13:
            break
    return value


def _off_zero(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny
