"""How each kind of fact is read from the facts of one doctor."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from operator import attrgetter

from portal.personalize.facts import CalculatorHistory, Day, DayCount, Facts, ModuleHistory

FactValue = str | int | float | bool | date | frozenset[str] | None
Reader = Callable[[Facts, str, int | None], FactValue]

_NO_MODULE = ModuleHistory()
_NO_CALCULATOR = CalculatorHistory()


def module_of(facts: Facts, key: str) -> ModuleHistory:
    """Give what is known of one module, an empty history where nothing is."""
    return facts.modules.get(key, _NO_MODULE)


def calculator_of(facts: Facts, key: str) -> CalculatorHistory:
    """Give what is known of one calculator, an empty history where nothing is."""
    return facts.calculators.get(key, _NO_CALCULATOR)


def counted(facts: Facts, total: int, days: tuple[DayCount, ...], within: int | None) -> int:
    """Give how often something happened, whole or within the last days."""
    if within is None:
        return total
    first = facts.since(within)
    return sum(entry.times for entry in days if entry.day >= first)


def of_days(column: str) -> Callable[[Facts, str, int | None], int]:
    """Give a reader of one column of a module's history, whole or within the last days."""
    whole: Callable[[ModuleHistory], int] = attrgetter(column)
    of_day: Callable[[Day], int] = attrgetter(column)

    def read(facts: Facts, of: str, within: int | None) -> int:
        history = facts.modules.get(of)
        if history is None:
            return 0
        if within is None:
            return whole(history)
        first = facts.since(within)
        return sum([of_day(day) for day in history.days if day.day >= first])

    return read


_dwell_ms = of_days("dwell_ms")


def seconds(facts: Facts, of: str, within: int | None) -> float:
    """Give the seconds spent on a module, whole or within the last days."""
    return _dwell_ms(facts, of, within) / 1000


def days_ago(then: datetime | None, facts: Facts) -> int | None:
    """Give whole days since `then`, rounded down; None for never."""
    return None if then is None else max(0, (facts.at - then).days)


def yes_no(answer: bool | None) -> str:
    """Give an answer as a word, an empty one where there is none."""
    return "" if answer is None else ("yes" if answer else "no")
