"""The registry of events beside dwell: every type with its purpose, how long it is kept and who may see it. Pure.

What is not declared here is refused, however it is spelt; what is declared and never arrives is reported as unused.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from portal.tracking.beats import Occurrence
from portal.tracking.drops import Drop


class Viewer(StrEnum):
    """Who may see events of a type with the doctor's name; everybody else sees counts at most."""

    REP = "rep"
    MARKETER = "marketer"
    COMPLIANCE = "compliance"
    DOCTOR = "doctor"


class Subject(StrEnum):
    """What the subject of an event names."""

    MODULE = "module"  # a module's key, or module#section
    CALCULATOR = "calculator"  # a calculator's name
    PAGE = "page"  # the page it happened on
    SEARCH = "search"  # the kind of result, never what was typed


class Value(StrEnum):
    """What the value of an event may be."""

    NONE = "none"  # no value
    BAND = "band"  # the id of a result band that the calculator's definition declares
    CHOICE = "choice"  # the id of one of the offered answers
    YES_NO = "yes-no"
    COUNT = "count"  # 0 to 999


@dataclass(frozen=True, slots=True)
class EventType:
    """One declared type; `days` is how long its rows are kept."""

    name: str
    purpose: str
    days: int
    viewers: frozenset[Viewer]
    subject: Subject
    value: Value = Value.NONE
    derived: bool = False  # made by the server from section counters, never sent


_ALL = frozenset(Viewer)
_CARE = frozenset({Viewer.REP, Viewer.COMPLIANCE, Viewer.DOCTOR})
_YEARS_TWO = 730
_YEAR = 365

_TYPES = (
    EventType("module.opened", "Tells reading from scrolling past: on screen and attended for 1 s.", _YEARS_TWO, _ALL,
              Subject.MODULE, derived=True),
    EventType("module.skipped", "Finds modules that are shown and passed by.", _YEARS_TWO, _ALL, Subject.MODULE,
              derived=True),
    EventType("module.expanded", "Finds which folded details are wanted.", _YEARS_TWO, _ALL, Subject.MODULE),
    EventType("module.downloaded", "Tells which leaflets are taken along.", _YEARS_TWO, _ALL, Subject.MODULE),
    EventType("module.useful", "Finds modules to revise, by the reader's own yes or no.", _YEARS_TWO, _ALL,
              Subject.MODULE, Value.YES_NO),
    EventType("module.saved", "Keeps a module for the reader's next visit.", _YEARS_TWO, _ALL, Subject.MODULE),
    EventType("module.unsaved", "Takes a module off the reader's list.", _YEARS_TWO, _ALL, Subject.MODULE),
    EventType("module.dismissed", "Lowers what the reader called not relevant.", _YEARS_TWO, _ALL, Subject.MODULE),
    EventType("question.answered", "Fits later pages to the reader's answer.", _YEARS_TWO, _ALL, Subject.MODULE,
              Value.CHOICE),
    EventType("calculator.opened", "Tells which calculators are used; no input is known.", _YEARS_TWO, _ALL,
              Subject.CALCULATOR),
    EventType("calculator.completed", "Tells which calculators give a result, and its band where declared.",
              _YEARS_TWO, _ALL, Subject.CALCULATOR, Value.BAND),
    EventType("calculator.copied", "Tells whether results are carried into notes; not which.", _YEAR, _ALL,
              Subject.CALCULATOR),
    EventType("page.printed", "Tells whether the page is wanted on paper.", _YEAR, _CARE, Subject.PAGE),
    EventType("order.standard", "Tells whether the personal order is unwanted.", _YEARS_TWO, _ALL, Subject.PAGE),
    EventType("search.done", "Finds what readers look for and do not find; what they typed stays with them.", _YEAR,
              _CARE, Subject.SEARCH, Value.COUNT),
)  # fmt: skip

REGISTRY: dict[str, EventType] = {kind.name: kind for kind in _TYPES}

_BAND = re.compile(r"[a-z][a-z0-9._-]{0,39}", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,3}", re.ASCII)
_SHAPES: dict[Value, re.Pattern[str]] = {
    Value.NONE: re.compile(""),
    Value.BAND: re.compile(rf"(?:{_BAND.pattern})?", re.ASCII),
    Value.CHOICE: _BAND,
    Value.YES_NO: re.compile("yes|no"),
    Value.COUNT: _COUNT,
}
_SUBJECTS: dict[Subject, re.Pattern[str]] = {
    Subject.MODULE: re.compile(r"[a-z0-9][a-z0-9._:-]{0,79}(#[a-z0-9][a-z0-9._:-]{0,79})?", re.ASCII),
    Subject.CALCULATOR: re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII),
    Subject.PAGE: re.compile(r"[a-z0-9][a-z0-9._:-]{0,79}", re.ASCII),
    Subject.SEARCH: re.compile(r"[a-z][a-z-]{0,39}", re.ASCII),
}
_VERSION = re.compile(r"[0-9a-z._-]{0,20}", re.ASCII)


def refusal(event: Occurrence) -> Drop | None:
    """Return why the registry refuses an event, None where it is declared just so."""
    kind = REGISTRY.get(event.type)
    if kind is None or kind.derived:
        return Drop.UNDECLARED_EVENT
    if (
        not _SUBJECTS[kind.subject].fullmatch(event.subject)
        or not _SHAPES[kind.value].fullmatch(event.value)
        or not _VERSION.fullmatch(event.version)
    ):
        return Drop.UNDECLARED_VALUE
    return None


def names_calculator(event: Occurrence) -> bool:
    """Tell whether an event, declared or not, says that it is about the use of a calculator."""
    kind = REGISTRY.get(event.type)
    return kind is not None and kind.subject is Subject.CALCULATOR


def is_calculator(event: Occurrence) -> bool:
    """Tell whether an event is about the use of a calculator."""
    return REGISTRY[event.type].subject is Subject.CALCULATOR
