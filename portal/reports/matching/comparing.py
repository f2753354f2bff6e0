"""The comparisons of a rule as SQL over one value that is known: true or false, never NULL."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Double, and_, false, literal, not_, or_, true

from portal.db.base import UtcDateTime
from portal.personalize.catalogue import FactSpec, Op
from portal.personalize.conditions import Comparison
from portal.personalize.evaluate import test_of

Clause = ColumnElement[bool]


def constant(met: bool) -> Clause:
    """Give what is true of everybody or of nobody."""
    return true() if met else false()


def is_met_by(spec: FactSpec, asked: Comparison, known: Any) -> bool:
    """Say what the evaluator says of a value that is known beforehand."""
    return test_of(spec, asked.op, asked.value)(known)


def words(column: ColumnElement[Any], spec: FactSpec, asked: Comparison) -> Clause:
    """Compare a word; the empty word stands for what is not known."""
    match asked.op:
        case Op.IS:
            return column == asked.value
        case Op.IS_NOT:
            return column != asked.value
        case Op.IN:
            return column.in_(_several(asked))
        case Op.EXISTS:
            return column != "" if asked.value else column == ""
        case _:  # steps: those of the scale that lie on the right side
            return column.in_([choice for choice in spec.choices if is_met_by(spec, asked, choice)])


def thousandths(column: ColumnElement[Any], asked: Comparison) -> Clause:
    """Compare a whole number of thousandths; exact, because a rule's numbers have at most three decimals."""
    return _number(column, asked, lambda value: literal(round(value * 1000), BigInteger()))


def fractions(column: ColumnElement[Any], asked: Comparison) -> Clause:
    """Compare a number in double precision, as the evaluator does."""
    return _number(column, asked, lambda value: literal(value, Double()))


def _number(column: ColumnElement[Any], asked: Comparison, bound: Callable[[float], ColumnElement[Any]]) -> Clause:
    if asked.op is Op.EXISTS:
        return constant(asked.value is True)
    each = [bound(float(value)) for value in _several(asked)]
    match asked.op:
        case Op.IN:
            return or_(false(), *(column == value for value in each))
        case Op.IS:
            return column == each[0]
        case Op.IS_NOT:
            return column != each[0]
        case Op.MORE:
            return column > each[0]
        case Op.AT_LEAST:
            return column >= each[0]
        case Op.LESS:
            return column < each[0]
        case _:
            return column <= each[0]


def days_since(moment: ColumnElement[Any], asked: Comparison, at: datetime) -> Clause:
    """Compare the whole days from a moment to `at`, rounded down and never below zero."""
    if asked.op is Op.EXISTS:
        return constant(asked.value is True)
    each = [float(value) for value in _several(asked)]
    match asked.op:
        case Op.IN:
            return or_(false(), *(_exactly(moment, value, at) for value in each))
        case Op.IS:
            return _exactly(moment, each[0], at)
        case Op.IS_NOT:
            return not_(_exactly(moment, each[0], at))
        case Op.MORE:
            return _at_least(moment, math.floor(each[0]) + 1, at)
        case Op.AT_LEAST:
            return _at_least(moment, math.ceil(each[0]), at)
        case Op.LESS:
            return not_(_at_least(moment, math.ceil(each[0]), at))
        case _:
            return not_(_at_least(moment, math.floor(each[0]) + 1, at))


def _exactly(moment: ColumnElement[Any], value: float, at: datetime) -> Clause:
    if value < 0 or not value.is_integer():
        return false()
    return and_(_at_least(moment, int(value), at), not_(_at_least(moment, int(value) + 1, at)))


def _at_least(moment: ColumnElement[Any], days: int, at: datetime) -> Clause:
    if days <= 0:
        return true()
    if days >= at.toordinal():  # before the first day of the calendar
        return false()
    return moment <= literal(at - timedelta(days=days), UtcDateTime())


def _several(asked: Comparison) -> tuple[Any, ...]:
    return asked.value if isinstance(asked.value, tuple) else (asked.value,)
