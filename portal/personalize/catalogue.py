"""Every fact a rule may use, declared once: type, source, plain name, unit and choices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from portal.personalize.facts import Facts
from portal.personalize.readers import (
    Reader,
    calculator_of,
    counted,
    days_ago,
    module_of,
    of_days,
    seconds,
    yes_no,
)


class Op(StrEnum):
    """The comparisons a condition may make."""

    IS = "is"
    IS_NOT = "is_not"
    IN = "in"
    MORE = ">"
    AT_LEAST = ">="
    LESS = "<"
    AT_MOST = "<="
    CONTAINS = "contains"
    EXISTS = "exists"


class FactType(StrEnum):
    """What kind of value a fact has."""

    TEXT = "text"
    STEP = "step"  # a choice whose choices are ordered, lowest first
    NUMBER = "number"
    FLAG = "flag"
    SET = "set"
    DATE = "date"


class Of(StrEnum):
    """What a fact is asked about, for facts that are asked about something."""

    MODULE = "module"
    TOPIC = "topic"
    CALCULATOR = "calculator"


_ORDER = frozenset({Op.MORE, Op.AT_LEAST, Op.LESS, Op.AT_MOST})
_WORDS = frozenset({Op.IS, Op.IS_NOT, Op.IN, Op.EXISTS})
OPERATORS: dict[FactType, frozenset[Op]] = {
    FactType.TEXT: _WORDS,
    FactType.STEP: _WORDS | _ORDER,
    FactType.NUMBER: _WORDS | _ORDER,
    FactType.FLAG: frozenset({Op.IS}),
    FactType.SET: frozenset({Op.CONTAINS, Op.EXISTS}),
    FactType.DATE: _ORDER | {Op.IS},
}


@dataclass(frozen=True, slots=True)
class FactSpec:
    """One declared fact; `lead` is how a sentence about it begins, with `{of}` for what it is asked about.

    `values` says that its values are keys of modules or topics; `personal` that it belongs to the person.
    """

    name: str
    type: FactType
    source: str
    plain: str
    lead: str
    read: Reader
    unit: str = ""
    choices: tuple[str, ...] = ()
    of: Of | None = None
    values: Of | None = None
    windowed: bool = False
    personal: bool = True

    def operators(self) -> tuple[Op, ...]:
        """Give the comparisons that fit this fact's type, in the order of `Op`."""
        return tuple(op for op in Op if op in OPERATORS[self.type])


def _profile(name: str, plain: str, *, choices: tuple[str, ...] = (), personal: bool = True) -> FactSpec:
    return FactSpec(
        name,
        FactType.TEXT,
        "business data",
        plain,
        f"{plain} is",
        lambda facts, _of, _within: getattr(facts.profile, name),
        choices=choices,
        personal=personal,
    )


def _step(name: str, plain: str, choices: tuple[str, ...]) -> FactSpec:
    return FactSpec(
        name,
        FactType.STEP,
        "business data",
        plain,
        f"{plain} is",
        lambda facts, _of, _within: getattr(facts.profile, name),
        choices=choices,
    )


def _set(name: str, source: str, plain: str, values: Of, read: Callable[[Facts], frozenset[str]]) -> FactSpec:
    return FactSpec(name, FactType.SET, source, plain, plain, lambda facts, _of, _within: read(facts), values=values)


def _count(
    name: str, plain: str, lead: str, read: Reader, *, of: Of | None, unit: str = "times", windowed: bool = True
) -> FactSpec:
    return FactSpec(name, FactType.NUMBER, "measured", plain, lead, read, unit=unit, of=of, windowed=windowed)


ADOPTION_STEPS = ("unaware", "aware", "trial", "usage", "advocate")
KNOWLEDGE_LEVELS = ("basic", "intermediate", "advanced", "expert")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_ALL = (
    _profile("specialty", "specialty"),
    _profile("segment", "segment", choices=("A", "B", "C")),
    FactSpec(
        "decile",
        FactType.NUMBER,
        "business data",
        "decile",
        "decile is",
        lambda facts, _of, _within: facts.profile.decile,
        choices=tuple(str(place) for place in range(1, 11)),
    ),
    _step("adoption_step", "adoption step", ADOPTION_STEPS),
    _step("knowledge_level", "knowledge level", KNOWLEDGE_LEVELS),
    _profile("territory", "territory"),
    _profile("region", "region"),
    _profile("language", "language", personal=False),
    _profile("audience", "audience", personal=False),
    _profile("channel", "preferred channel"),
    _set(
        "declared_interests",
        "said by the doctor",
        "declared interests",
        Of.TOPIC,
        lambda facts: facts.declared_interests,
    ),
    FactSpec(
        "interest",
        FactType.NUMBER,
        "measured",
        "interest in a topic",
        "interest in {of} is",
        lambda facts, of, _within: facts.interest.get(of, 0),
        unit="min",
        of=Of.TOPIC,
    ),
    _count("module_dwell_s", "time spent on a module", "read {of} for", seconds, of=Of.MODULE, unit="s"),
    _count("module_reads", "reads of a module", "opened {of}", of_days("reads"), of=Of.MODULE),
    _count("module_skips", "passing by a module", "passed by {of}", of_days("skips"), of=Of.MODULE),
    _count("module_downloads", "downloads of a module", "downloaded {of}", of_days("downloads"), of=Of.MODULE),
    FactSpec(
        "module_completed",
        FactType.FLAG,
        "measured",
        "finished a module",
        "finished {of} is",
        lambda facts, of, _within: module_of(facts, of).completed,
        of=Of.MODULE,
    ),
    _count(
        "module_read_days_ago",
        "days since a module was read",
        "days since {of} was read are",
        lambda facts, of, _within: days_ago(module_of(facts, of).last_read_at, facts),
        of=Of.MODULE,
        unit="days",
        windowed=False,
    ),
    FactSpec(
        "module_useful",
        FactType.TEXT,
        "said by the doctor",
        "found a module useful",
        "found {of} useful is",
        lambda facts, of, _within: yes_no(module_of(facts, of).useful),
        choices=("yes", "no"),
        of=Of.MODULE,
    ),
    FactSpec(
        "module_answers",
        FactType.SET,
        "said by the doctor",
        "answers given in a module",
        "answers in {of}",
        lambda facts, of, _within: frozenset(module_of(facts, of).answers),
        of=Of.MODULE,
    ),
    _count(
        "calculator_opened",
        "openings of a calculator",
        "opened the calculator {of}",
        lambda facts, of, _within: calculator_of(facts, of).opened,
        of=Of.CALCULATOR,
        windowed=False,
    ),
    _count(
        "calculator_completed",
        "results from a calculator",
        "completed the calculator {of}",
        lambda facts, of, _within: calculator_of(facts, of).completed,
        of=Of.CALCULATOR,
        windowed=False,
    ),
    FactSpec(
        "calculator_band",
        FactType.TEXT,
        "measured",
        "last result band of a calculator",
        "last band of {of} is",
        lambda facts, of, _within: calculator_of(facts, of).last_band or "",
        of=Of.CALCULATOR,
    ),
    _count(
        "calculator_days_ago",
        "days since a calculator was used",
        "days since the calculator {of} was used are",
        lambda facts, of, _within: days_ago(calculator_of(facts, of).last_used_at, facts),
        of=Of.CALCULATOR,
        unit="days",
        windowed=False,
    ),
    _count(
        "mail_clicks",
        "links followed from mail",
        "followed links from mail",
        lambda facts, _of, within: counted(facts, facts.mail_clicks, facts.mail_click_days, within),
        of=None,
    ),
    _count(
        "visits",
        "visits",
        "visited",
        lambda facts, _of, within: counted(facts, facts.visits, facts.visit_days, within),
        of=None,
    ),
    _count(
        "visit_days_ago",
        "days since the last visit",
        "days since the last visit are",
        lambda facts, _of, _within: days_ago(facts.last_visit_at, facts),
        of=None,
        unit="days",
        windowed=False,
    ),
    _set("sent", "mailing", "modules sent", Of.MODULE, lambda facts: facts.sent),
    _set("discussed", "visit notes", "modules discussed", Of.MODULE, lambda facts: facts.discussed),
    _set(
        "rep_picks",
        "representative",
        "the representative's picks",
        Of.MODULE,
        lambda facts: frozenset(facts.rep_picks),
    ),
    _set(
        "not_relevant",
        "said by the doctor",
        "modules marked not relevant",
        Of.MODULE,
        lambda facts: facts.not_relevant,
    ),
    FactSpec(
        "date",
        FactType.DATE,
        "clock",
        "today's date (UTC)",
        "today is",
        lambda facts, _of, _within: facts.at.date(),
        personal=False,
    ),
    FactSpec(
        "weekday",
        FactType.TEXT,
        "clock",
        "day of the week (UTC)",
        "weekday is",
        lambda facts, _of, _within: WEEKDAYS[facts.at.weekday()],
        choices=WEEKDAYS,
        personal=False,
    ),
    FactSpec(
        "hour",
        FactType.NUMBER,
        "clock",
        "hour of the day (UTC)",
        "hour is",
        lambda facts, _of, _within: facts.at.hour,
        personal=False,
    ),
)

FACTS: dict[str, FactSpec] = {spec.name: spec for spec in _ALL}
