"""What follows from a condition whatever the doctor: impossible, implied, excluded, and an example of it.

A condition is opened into alternatives of plain comparisons; for each fact the few values between which a
comparison can change its answer are tried. Where a condition opens into too many alternatives to try,
nothing is claimed about it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from portal.personalize.catalogue import FACTS, FactSpec, FactType, Op
from portal.personalize.conditions import AllOf, AnyOf, Comparison, Condition, NoneOf
from portal.personalize.evaluate import test_of
from portal.personalize.readers import FactValue

MAX_ALTERNATIVES = 256
_FINE = {"interest": 0.0005, "module_dwell_s": 0.001}  # the least step between two values
_LIMITS = {"decile": (1, 10), "hour": (0, 23)}


class Literal(NamedTuple):
    """One comparison that has to be met, or has to fail."""

    asked: Comparison
    met: bool


Subject = tuple[str, str]
Chosen = dict[tuple[str, str, int | None], FactValue]


def alternatives(condition: Condition, met: bool = True) -> list[tuple[Literal, ...]] | None:
    """Give the ways in which a condition can be met (or fail); None where there are too many to try."""
    match condition:
        case Comparison():
            return [(Literal(condition, met),)]
        case AllOf(all=parts):
            return _each(parts, met) if met else _either(parts, met)
        case AnyOf(any=parts):
            return _either(parts, met) if met else _each(parts, met)
        case NoneOf(none=parts):
            return _each(parts, False) if met else _either(parts, True)


def _either(parts: Iterable[Condition], met: bool) -> list[tuple[Literal, ...]] | None:
    found: list[tuple[Literal, ...]] = []
    for part in parts:
        ways = alternatives(part, met)
        if ways is None or len(found) + len(ways) > MAX_ALTERNATIVES:
            return None
        found.extend(ways)
    return found


def _each(parts: Iterable[Condition], met: bool) -> list[tuple[Literal, ...]] | None:
    found: list[tuple[Literal, ...]] = [()]
    for part in parts:
        ways = alternatives(part, met)
        if ways is None or len(found) * len(ways) > MAX_ALTERNATIVES:
            return None
        found = [(*before, *way) for before in found for way in ways]
    return found


def examples(condition: Condition) -> Iterator[Chosen]:
    """Yield, for each way the condition can be met, values of the facts it asks for that meet it."""
    for way in alternatives(condition) or ():
        chosen = _chosen(way)
        if chosen is not None:
            yield chosen


def is_impossible(condition: Condition) -> bool:
    """Say whether no doctor at all can meet the condition."""
    ways = alternatives(condition)
    return ways is not None and all(_chosen(way) is None for way in ways)


def implies(narrow: Condition, wide: Condition) -> bool:
    """Say whether every doctor who meets `narrow` meets `wide`."""
    return is_impossible(AllOf(all=(narrow, NoneOf(none=(wide,)))))


def excludes(one: Condition, other: Condition) -> bool:
    """Say whether no doctor can meet both."""
    return is_impossible(AllOf(all=(one, other)))


def is_certain(condition: Condition) -> bool:
    """Say whether every doctor meets the condition."""
    return is_impossible(NoneOf(none=(condition,)))


def _chosen(literals: tuple[Literal, ...]) -> Chosen | None:
    """Give one value per fact that satisfies all of these literals; None where there is none."""
    grouped: dict[Subject, list[Literal]] = {}
    for literal in literals:
        grouped.setdefault((literal.asked.fact, literal.asked.of or ""), []).append(literal)
    chosen: Chosen = {}
    for (fact, of), asked in grouped.items():
        found = _values_by_window(fact, tuple(asked))
        if found is None:
            return None
        chosen.update({(fact, of, window): value for window, value in found.items()})
    return chosen


@lru_cache(maxsize=8192)
def _values_by_window(fact: str, literals: tuple[Literal, ...]) -> Mapping[int | None, FactValue] | None:
    """Give a value for each window asked about, never less in a longer one: the windows hold each other.

    Kept, since the ways to meet two conditions at once ask the same of one fact over and over.
    """
    spec = FACTS[fact]
    points = _points(spec, [literal.asked for literal in literals])
    windows = sorted({literal.asked.within_days for literal in literals}, key=lambda days: days or math.inf)
    found: dict[int | None, FactValue] = {}
    least: float = -math.inf
    for window in windows:
        here = [literal for literal in literals if literal.asked.within_days == window]
        tests = [(test_of(spec, one.asked.op, one.asked.value), one.met) for one in here]
        for point in points:
            if len(windows) > 1 and isinstance(point, int | float) and point < least:
                continue
            if all(test(point) is met for test, met in tests):
                found[window] = point
                least = float(point) if isinstance(point, int | float) else least
                break
        else:
            return None
    return found


def _points(spec: FactSpec, asked: list[Comparison]) -> list[FactValue]:
    """Give the values, least first, among which every answer these comparisons can give occurs."""
    mentioned: list[object] = []
    for one in asked:
        if one.op is not Op.EXISTS:
            mentioned.extend(one.value if isinstance(one.value, tuple) else (one.value,))
    match spec.type:
        case FactType.FLAG:
            return [False, True]
        case FactType.NUMBER:
            return _numbers(spec, [value for value in mentioned if isinstance(value, float)])
        case FactType.DATE:
            return _dates([date.fromisoformat(value) for value in mentioned if isinstance(value, str)])
        case FactType.SET:
            return _sets(sorted({str(value) for value in mentioned}))
        case _:
            words = spec.choices or (*dict.fromkeys(str(value) for value in mentioned), "something else")
            return [*words] if spec.source == "clock" else ["", *words]


def _numbers(spec: FactSpec, mentioned: list[float]) -> list[FactValue]:
    low, high = _LIMITS.get(spec.name, (0, 10**10))
    fine = _FINE.get(spec.name)
    if fine is not None:
        near = {value + step for value in mentioned for step in (-fine, 0.0, fine)}
        return [0, *sorted(round(value, 4) for value in near if value > 0)]
    whole = {math.floor(value) + step for value in mentioned for step in (-1, 0, 1, 2)} | {low, low + 1}
    known: list[FactValue] = [value for value in sorted(whole) if low <= value <= high]
    return [None, *known] if _may_be_unknown(spec) else known


def _may_be_unknown(spec: FactSpec) -> bool:
    return spec.name == "decile" or spec.name.endswith("_days_ago")


def _dates(mentioned: list[date]) -> list[FactValue]:
    near = {day.toordinal() + step for day in mentioned for step in (-1, 0, 1)} or {date(2026, 1, 1).toordinal()}
    return [date.fromordinal(number) for number in sorted(near) if 0 < number <= date.max.toordinal()]


def _sets(mentioned: list[str]) -> list[FactValue]:
    most = mentioned[:8]
    held = itertools.chain.from_iterable(itertools.combinations(most, size) for size in range(len(most) + 1))
    return [frozenset(), frozenset({"something-else"}), *(frozenset(some) for some in held if some)]
