"""A doctor made up to meet a condition: the counter-example a finding points at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from portal.personalize.catalogue import FACTS, WEEKDAYS, FactType, Of
from portal.personalize.conditions import Condition
from portal.personalize.evaluate import is_met
from portal.personalize.facts import (
    CalculatorHistory,
    Confidence,
    Day,
    DayCount,
    Facts,
    ModuleHistory,
    Profile,
)
from portal.personalize.logic import Chosen, examples
from portal.personalize.readers import FactValue

_PROFILE = frozenset(Profile.__dataclass_fields__)
_COLUMNS = {
    "module_dwell_s": "dwell_ms",
    "module_reads": "reads",
    "module_skips": "skips",
    "module_downloads": "downloads",
}


def example_of(condition: Condition, at: datetime, audience: str = "") -> Facts | None:
    """Give a consenting doctor who meets the condition, at `at` where it allows; None where none is found."""
    blank = Facts(
        at=at,
        subject="example",
        consent_profiling=True,
        confidence=Confidence.VERIFIED,
        profile=Profile(audience=audience),
    )
    for chosen in examples(condition):
        facts = _with(blank, chosen)
        if is_met(condition, facts):
            return facts
    return None


def _with(blank: Facts, chosen: Chosen) -> Facts:
    facts = replace(blank, at=_instant(blank.at, chosen))
    windows: dict[tuple[str, str], dict[int | None, FactValue]] = {}
    for (fact, of, window), value in chosen.items():
        windows.setdefault((fact, of), {})[window] = value
    for (fact, of), values in windows.items():
        facts = _with_fact(facts, fact, of, values)
    return facts


def _instant(at: datetime, chosen: Chosen) -> datetime:
    """Give the first instant on or after `at` that has the date, weekday and hour chosen."""
    day, hour = chosen.get(("date", "", None)), chosen.get(("hour", "", None))
    if isinstance(day, date):
        at = at.replace(year=day.year, month=day.month, day=day.day)
    if isinstance(hour, int):
        at = at.replace(hour=hour)
    weekday = chosen.get(("weekday", "", None))
    if isinstance(weekday, str) and weekday in WEEKDAYS and not isinstance(day, date):
        at += timedelta(days=(WEEKDAYS.index(weekday) - at.weekday()) % 7)
    return at


def _with_fact(facts: Facts, fact: str, of: str, values: Mapping[int | None, FactValue]) -> Facts:
    spec, value = FACTS[fact], next(iter(values.values()))
    if fact in _PROFILE:
        named: dict[str, Any] = {fact: value}
        return replace(facts, profile=replace(facts.profile, **named))
    if spec.of is Of.TOPIC:
        return replace(facts, interest={**facts.interest, of: float(_count(value))})
    if spec.of is Of.MODULE:
        history = _history(facts, facts.modules.get(of, ModuleHistory()), fact, values)
        return replace(facts, modules={**facts.modules, of: history})
    if spec.of is Of.CALCULATOR:
        use = _use(facts, facts.calculators.get(of, CalculatorHistory()), fact, value)
        return replace(facts, calculators={**facts.calculators, of: use})
    if spec.type is FactType.SET and isinstance(value, frozenset):
        held: dict[str, Any] = {fact: tuple(sorted(value)) if fact == "rep_picks" else value}
        return replace(facts, **held)
    if fact in ("visits", "mail_clicks"):
        days = tuple(DayCount(day, int(count)) for day, count in _spread(facts, values))
        total = int(sum(count for _, count in _spread(facts, values)))
        if fact == "visits":
            return replace(facts, visits=total, visit_days=days)
        return replace(facts, mail_clicks=total, mail_click_days=days)
    if fact == "visit_days_ago":
        return replace(facts, last_visit_at=_ago(facts, value))
    return facts


def _count(value: FactValue) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _ago(facts: Facts, value: FactValue) -> datetime | None:
    return None if value is None else facts.at - timedelta(days=_count(value))


def _spread(facts: Facts, values: Mapping[int | None, FactValue]) -> list[tuple[date, float]]:
    """Give dated counts that add up to each window's value: the rest of a longer one lies before the shorter."""
    spread: list[tuple[date, float]] = []
    so_far, back = 0.0, 0
    for window, value in values.items():
        rest = _count(value) - so_far
        if rest > 0:
            spread.append((facts.at.date() - timedelta(days=back), rest))
        so_far, back = max(so_far, _count(value)), (window or back) + 1
    return spread


def _history(facts: Facts, known: ModuleHistory, fact: str, values: Mapping[int | None, FactValue]) -> ModuleHistory:
    value = next(iter(values.values()))
    column = _COLUMNS.get(fact)
    if column is not None:
        scale = 1000 if column == "dwell_ms" else 1
        spread = [(day, round(count * scale)) for day, count in _spread(facts, values)]
        dated: list[Day] = []
        for day, count in spread:
            named: dict[str, Any] = {column: count}
            dated.append(Day(day, **named))
        total: dict[str, Any] = {column: sum(count for _, count in spread)}
        return replace(known, days=(*known.days, *dated), **total)
    match fact:
        case "module_completed":
            return replace(known, completed=value is True)
        case "module_read_days_ago":
            return replace(known, last_read_at=_ago(facts, value))
        case "module_useful":
            return replace(known, useful=None if value == "" else value == "yes")
        case _:
            return replace(known, answers=tuple(sorted(value)) if isinstance(value, frozenset) else ())


def _use(facts: Facts, known: CalculatorHistory, fact: str, value: FactValue) -> CalculatorHistory:
    match fact:
        case "calculator_opened":
            return replace(known, opened=int(_count(value)))
        case "calculator_completed":
            return replace(known, completed=int(_count(value)))
        case "calculator_band":
            return replace(known, last_band=str(value) or None)
        case _:
            return replace(known, last_used_at=_ago(facts, value))
