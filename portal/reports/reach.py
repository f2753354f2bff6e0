"""How many doctors a rule speaks of: its condition as one SQL expression over all of them.

Serving asks the same of one doctor with `personalize.evaluate`; a property test holds the two together.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Float, and_, case, false, func, literal, not_, or_, select, true
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from portal.hcp.models import Hcp
from portal.personalize.catalogue import FACTS, Op
from portal.personalize.conditions import AllOf, AnyOf, Comparison, Condition
from portal.personalize.evaluate import is_met, test_of
from portal.personalize.rules import Rule
from portal.reports.reach_facts import Frame, Known, blank, frame_for, known

_LIST = 200


@dataclass(frozen=True, slots=True)
class Reach:
    """How many doctors of all meet a condition."""

    matching: int
    doctors: int


def reach(
    db: Session, site_id: str, rules: Sequence[Rule], *, at: datetime, half_life_days: float
) -> tuple[Reach, ...]:
    """Return, for each rule, how many doctors its audience and condition fit at `at`; one statement for all."""
    frame = frame_for(db, site_id, at=at, half_life_days=half_life_days)
    counted = [func.sum(case((_fits(rule, frame), 1), else_=0)) for rule in rules]
    row = db.execute(select(func.count(), *counted).select_from(Hcp).where(*_everybody())).one()
    return tuple(Reach(int(matching or 0), row[0]) for matching in row[1:])


def matching_doctors(
    db: Session, site_id: str, condition: Condition, *, at: datetime, half_life_days: float, most: int = _LIST
) -> list[str]:
    """Return the ids of doctors who meet a condition, by reference, at most so many."""
    frame = frame_for(db, site_id, at=at, half_life_days=half_life_days)
    wanted = select(Hcp.id).where(*_everybody(), compiled(condition, frame)).order_by(Hcp.ref).limit(most)
    return list(db.scalars(wanted))


def compiled(condition: Condition, frame: Frame) -> ColumnElement[bool]:
    """Return a condition as SQL that is true or false for every row of `hcps`, never NULL."""
    match condition:
        case Comparison():
            return _comparison(condition, frame)
        case AllOf():
            return and_(true(), *(compiled(part, frame) for part in condition.all))
        case AnyOf():
            return or_(false(), *(compiled(part, frame) for part in condition.any))
        case _:
            return not_(or_(false(), *(compiled(part, frame) for part in condition.none)))


def _everybody() -> tuple[ColumnElement[bool], ...]:
    return Hcp.erased_at.is_(None), Hcp.access_revoked_at.is_(None)


def _fits(rule: Rule, frame: Frame) -> ColumnElement[bool]:
    asked = compiled(rule.when, frame)
    return and_(Hcp.audience.in_(rule.audience), asked) if rule.audience else asked


def _comparison(asked: Comparison, frame: Frame) -> ColumnElement[bool]:
    fact = known(asked, frame)
    if fact.same_for_all:
        return true() if is_met(asked, blank(frame.at)) else false()
    if fact.text is not None:
        return _text(asked, fact.text)
    if fact.number is not None:
        return _number(asked.op, fact.number, asked.value)
    if fact.flag is not None:
        return fact.flag if asked.value is True else not_(fact.flag)
    if fact.since is not None:
        return _days_ago(asked.op, fact.since, asked.value, frame.at)
    return _set(asked, fact)


def _text(asked: Comparison, text: ColumnElement[str]) -> ColumnElement[bool]:
    match asked.op:
        case Op.IS:
            return text == asked.value
        case Op.IS_NOT:
            return text != asked.value
        case Op.IN:
            return text.in_(asked.value if isinstance(asked.value, tuple) else ())
        case Op.EXISTS:
            return text != "" if asked.value is True else text == ""
    # An order is asked of steps only: those of its choices that fit are few and known.
    spec = FACTS[asked.fact]
    fitting = test_of(spec, asked.op, asked.value)
    return text.in_([choice for choice in spec.choices if fitting(choice)])


def _number(op: Op, number: ColumnElement[Any], value: object) -> ColumnElement[bool]:
    if op is Op.EXISTS:
        return number.is_not(None) if value is True else number.is_(None)
    if op is Op.IN:
        among = [literal(one, Float(53)) for one in value] if isinstance(value, tuple) else []
        return _sure(number.in_(among), false())
    bound = literal(value, Float(53))
    if op is Op.IS_NOT:
        return _sure(number != bound, true())
    return _sure(_ordered(op, number, bound), false())


def _sure(asked: ColumnElement[bool], otherwise: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return a comparison with a plain answer where the value is not known."""
    sure: ColumnElement[bool] = func.coalesce(asked, otherwise)
    return sure


def _ordered(op: Op, left: ColumnElement[Any], right: ColumnElement[float]) -> ColumnElement[bool]:
    match op:
        case Op.IS:
            return left == right
        case Op.MORE:
            return left > right
        case Op.AT_LEAST:
            return left >= right
        case Op.LESS:
            return left < right
        case _:
            return left <= right


def _days_ago(op: Op, then: ColumnElement[Any], value: object, at: datetime) -> ColumnElement[bool]:
    """Return the comparison of whole days since a moment, as comparisons of the moment itself."""

    def at_least(days: int) -> ColumnElement[bool]:
        if days <= 0:
            return then.is_not(None)
        try:
            return _sure(then <= at - timedelta(days=days), false())
        except OverflowError:
            return false()  # longer ago than there are dates

    def exactly(days: float) -> ColumnElement[bool]:
        return and_(at_least(int(days)), not_(at_least(int(days) + 1))) if days >= 0 and days % 1 == 0 else false()

    if op is Op.EXISTS:
        return then.is_not(None) if value is True else then.is_(None)
    if isinstance(value, tuple):
        return or_(false(), *(exactly(float(one)) for one in value))
    bound = float(str(value))
    match op:
        case Op.IS:
            return exactly(bound)
        case Op.IS_NOT:
            return not_(exactly(bound))
        case Op.MORE:
            return at_least(math.floor(bound) + 1)
        case Op.AT_LEAST:
            return at_least(math.ceil(bound))
        case Op.LESS:
            return and_(then.is_not(None), not_(at_least(math.ceil(bound))))
        case _:
            return and_(then.is_not(None), not_(at_least(math.floor(bound) + 1)))


def _set(asked: Comparison, fact: Known) -> ColumnElement[bool]:
    if asked.op is Op.EXISTS:
        some = fact.has_any if fact.has_any is not None else false()
        return some if asked.value is True else not_(some)
    return fact.has(str(asked.value)) if fact.has is not None else false()
