"""Whether a condition is met by the facts of one doctor.

What is not known meets only `is_not` and `exists` false. Counts and minutes are known to be zero where
there is no history; days since something that never happened are not known.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from portal.personalize.catalogue import FACTS, FactSpec, FactType, Op
from portal.personalize.conditions import AllOf, AnyOf, Comparison, Condition, NoneOf
from portal.personalize.facts import Facts
from portal.personalize.readers import FactValue

Test = Callable[[Facts], bool]
ValueTest = Callable[[FactValue], bool]
_NUMBER = (int, float)


def value_of(comparison: Comparison, facts: Facts) -> FactValue:
    """Give the value of the fact that a comparison asks for."""
    return FACTS[comparison.fact].read(facts, comparison.of or "", comparison.within_days)


def is_met(condition: Condition, facts: Facts) -> bool:
    """Say whether the condition is met."""
    return compiled(condition)(facts)


def is_impersonal(condition: Condition) -> bool:
    """Say whether the condition asks for nothing that belongs to the person's history or profile."""
    match condition:
        case Comparison():
            return not FACTS[condition.fact].personal
        case AllOf(all=parts) | AnyOf(any=parts) | NoneOf(none=parts):
            return all(is_impersonal(part) for part in parts)


def compiled(condition: Condition) -> Test:
    """Give a function that says whether the condition is met; built once, called for every page."""
    match condition:
        case Comparison():
            return _comparison(condition)
        case AllOf(all=parts):
            return _every([compiled(part) for part in parts])
        case AnyOf(any=parts):
            return _some([compiled(part) for part in parts])
        case NoneOf(none=parts):
            some = _some([compiled(part) for part in parts])
            return lambda facts: not some(facts)


def _every(tests: list[Test]) -> Test:
    match tests:
        case []:
            return lambda _facts: True
        case [only]:
            return only
    first, rest = tests[0], _every(tests[1:])
    return lambda facts: first(facts) and rest(facts)


def _some(tests: list[Test]) -> Test:
    match tests:
        case []:
            return lambda _facts: False
        case [only]:
            return only
    first, rest = tests[0], _some(tests[1:])
    return lambda facts: first(facts) or rest(facts)


def _comparison(comparison: Comparison) -> Test:
    spec = FACTS[comparison.fact]
    read, of, within = spec.read, comparison.of or "", comparison.within_days
    test = test_of(spec, comparison.op, comparison.value)
    return lambda facts: test(read(facts, of, within))


def test_of(spec: FactSpec, op: Op, value: object) -> ValueTest:
    """Give the test of one value of a fact."""
    match op:
        case Op.EXISTS:
            return lambda known: (known is not None and known != "" and known != frozenset()) is value
        case Op.CONTAINS:
            return lambda known: isinstance(known, frozenset) and value in known
        case Op.IN:
            among = frozenset(value) if isinstance(value, tuple) else frozenset()
            return lambda known: known in among
        case Op.IS:
            wanted = _wanted(spec, value)
            return lambda known: known == wanted
        case Op.IS_NOT:
            unwanted = _wanted(spec, value)
            return lambda known: known != unwanted
        case _:
            return _ordered(spec, op, value)


def _wanted(spec: FactSpec, value: object) -> object:
    return date.fromisoformat(value) if spec.type is FactType.DATE and isinstance(value, str) else value


def rank_of(spec: FactSpec, known: object) -> float | None:
    """Give the place of a value on its fact's scale; None for what is not known or not on it."""
    if spec.type is FactType.STEP:
        return spec.choices.index(known) if isinstance(known, str) and known in spec.choices else None
    if isinstance(known, date):
        return known.toordinal()
    return known if isinstance(known, int | float) else None


def _ordered(spec: FactSpec, op: Op, value: object) -> ValueTest:
    found = rank_of(spec, _wanted(spec, value))
    bound = 0.0 if found is None else found
    if spec.type is not FactType.NUMBER:
        within = _ordered_number(op, bound)
        return lambda known: within(rank_of(spec, known))
    return _ordered_number(op, bound)


def _ordered_number(op: Op, bound: float) -> ValueTest:
    match op:
        case Op.MORE:
            return lambda known: isinstance(known, _NUMBER) and known > bound
        case Op.AT_LEAST:
            return lambda known: isinstance(known, _NUMBER) and known >= bound
        case Op.LESS:
            return lambda known: isinstance(known, _NUMBER) and known < bound
        case _:
            return lambda known: isinstance(known, _NUMBER) and known <= bound
