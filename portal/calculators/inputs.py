"""Reads what was entered: every value named, finite, in range, and in the calculator's own unit."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from portal.calculators.calculator import Calculator
from portal.calculators.check import Leaf
from portal.calculators.definition import BooleanInput, ChoiceInput, GroupInput, NumberInput, OtherUnit

Value = float | bool | str


class Reason(StrEnum):
    """Why an input is refused."""

    MISSING = "missing"  # a required input was not given
    UNKNOWN = "unknown"  # the calculator has no such input
    NOT_A_NUMBER = "not_a_number"  # text, truth, NaN or infinity where a number belongs
    NOT_WHOLE = "not_whole"  # a fraction where a whole number belongs
    NOT_A_TRUTH = "not_a_truth"  # anything but true or false
    NOT_A_CHOICE = "not_a_choice"  # not one of the listed options
    NOT_A_GROUP = "not_a_group"  # a single value where named values belong
    OUT_OF_RANGE = "out_of_range"  # outside the allowed range
    GIVEN_TWICE = "given_twice"  # one quantity in two units
    IMPOSSIBLE = "impossible"  # values that cannot stand together
    UNDEFINED = "undefined"  # the formula has no result for these values


@dataclass(frozen=True, slots=True)
class Fault:
    """One refused input: its name as given, the reason, and a sentence that says what to do."""

    field: str
    reason: Reason
    message: str


class InputRefused(ValueError):
    """Inputs that a calculator cannot take, with every fault found."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(" ".join(fault.message for fault in faults))
        self.faults = faults

    @property
    def fields(self) -> dict[str, str]:
        """The message of each refused field."""
        return {fault.field: fault.message for fault in self.faults}


@dataclass(frozen=True, slots=True)
class Reading:
    """The values by path in canonical units, the unit each was given in, and those that are implausible."""

    values: Mapping[str, Value]
    units: Mapping[str, str]
    implausible: tuple[str, ...]


def read(calculator: Calculator, inputs: Mapping[str, object]) -> Reading:
    """Reads inputs under the names of the definition; raises InputRefused with every fault."""
    reader = _Reader(calculator)
    for name, raw in _flat(calculator, inputs, reader):
        reader.take(name, raw)
    reader.miss_nothing()
    if reader.faults:
        raise InputRefused(tuple(reader.faults))
    return Reading(reader.values, reader.units, tuple(reader.implausible))


class _Reader:
    def __init__(self, calculator: Calculator) -> None:
        self._calculator = calculator
        self.faults: list[Fault] = []
        self.values: dict[str, Value] = {}
        self.units: dict[str, str] = {}
        self.implausible: list[str] = []
        self._seen: dict[str, str] = {}
        self.missing_groups: set[str] = set()

    def blame(self, field: str, reason: Reason, message: str) -> None:
        self.faults.append(Fault(field, reason, message))

    def take(self, name: str, raw: object) -> None:
        known = self._calculator.names.get(name)
        if known is None:
            self.blame(_short(name), Reason.UNKNOWN, _unknown(self._calculator, name))
            return
        path, unit = known
        if path in self._seen:
            message = f"{_short(name)} is the same quantity as {self._seen[path]}: give one of them."
            self.blame(name, Reason.GIVEN_TWICE, message)
            return
        self._seen[path] = name
        leaf = self._calculator.inputs[path]
        if raw is None:
            if not leaf.optional:
                self.blame(name, Reason.MISSING, f"{leaf.label} ({name}) is missing.")
        elif isinstance(leaf, NumberInput):
            self._number(path, name, leaf, unit, raw)
        elif isinstance(leaf, BooleanInput):
            if isinstance(raw, bool):
                self.values[path] = raw
            else:
                self.blame(name, Reason.NOT_A_TRUTH, f"{leaf.label} ({name}) must be true or false.")
        elif isinstance(raw, str) and any(raw == option.value for option in leaf.options):
            self.values[path] = raw
        else:
            self.blame(name, Reason.NOT_A_CHOICE, f"{leaf.label} ({name}) must be one of {_options(leaf)}.")

    def _number(self, path: str, name: str, leaf: NumberInput, unit: OtherUnit | None, raw: object) -> None:
        if isinstance(raw, bool) or not isinstance(raw, int | float):
            message = f"{leaf.label} ({name}) must be a number, not {_said(raw)}."
            self.blame(name, Reason.NOT_A_NUMBER, message)
            return
        try:
            given = float(raw)
        except OverflowError:
            given = math.inf
        if not math.isfinite(given):
            self.blame(name, Reason.NOT_A_NUMBER, f"{leaf.label} ({name}) must be a finite number.")
            return
        value = unit.to_canonical(given) if unit else given
        if not leaf.allowed.holds(value):
            self.blame(name, Reason.OUT_OF_RANGE, _out_of_range(leaf, name, unit, given))
            return
        if leaf.kind == "integer" and not value.is_integer():
            self.blame(name, Reason.NOT_WHOLE, f"{leaf.label} ({name}) must be a whole number.")
            return
        self.values[path] = value
        self.units[path] = unit.unit if unit else leaf.unit
        if leaf.plausible and not leaf.plausible.holds(value):
            self.implausible.append(path)

    def miss_nothing(self) -> None:
        """Names every required input that was not given, with the names it goes by."""
        for path, leaf in self._calculator.inputs.items():
            if path in self._seen or leaf.optional or path.split(".")[0] in self.missing_groups:
                continue
            message = f"{leaf.label} is missing: give {_names_of(self._calculator, path, leaf)}."
            self.blame(path, Reason.MISSING, message)


def _flat(calculator: Calculator, inputs: Mapping[str, object], reader: _Reader) -> Iterator[tuple[str, object]]:
    groups = {item.name for item in calculator.definition.inputs if isinstance(item, GroupInput)}
    for name, raw in inputs.items():
        if name not in groups:
            # A dotted name is not a spelling of a nested one.
            yield (name if "." not in name else name.replace(".", " "), raw)
        elif isinstance(raw, Mapping):
            yield from ((f"{name}.{key}", value) for key, value in raw.items())
        else:
            reader.missing_groups.add(name)
            reader.blame(name, Reason.NOT_A_GROUP, f"{name} must hold its values by name.")


def _said(raw: object) -> str:
    """Says what stood where a number belongs; a list or an object, of any depth, by its kind."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, str):
        return _short(repr(raw[:60]))
    return "an object" if isinstance(raw, Mapping) else "a list" if isinstance(raw, list) else type(raw).__name__


def _unknown(calculator: Calculator, name: str) -> str:
    dotted = name.replace(" ", ".", 1)
    if " " in name and dotted in calculator.names:
        group, _, inner = dotted.partition(".")
        return f'{inner} belongs inside {group}: give {{"{group}": {{"{inner}": ...}}}}.'
    near = difflib.get_close_matches(_short(name), list(calculator.names), n=1)
    hint = f" Did you mean {near[0]}?" if near else f" It takes {', '.join(calculator.names)}."
    return f"{calculator.name} has no input named {_short(name)}.{hint}"


def _out_of_range(leaf: NumberInput, name: str, unit: OtherUnit | None, given: float) -> str:
    of_unit = f" {leaf.unit}" if leaf.unit not in ("1", "points", "score", "index", "ratio") else ""
    message = f"{leaf.label} ({name}) must be {leaf.allowed.in_words()}{of_unit}; {repr(given).removesuffix('.0')}"
    message += f" {unit.unit} was given." if unit else " was given."
    for other in leaf.other_units if unit is None else ():
        if leaf.allowed.holds(other.to_canonical(given)):
            message += f" If it is in {other.unit}, give {other.name}."
            break
    return message


def _names_of(calculator: Calculator, path: str, leaf: Leaf) -> str:
    units = [
        f"{name} ({other.unit if other else leaf.unit})" if isinstance(leaf, NumberInput) else name
        for name, (target, other) in calculator.names.items()
        if target == path
    ]
    return " or ".join(units)


def _options(leaf: ChoiceInput) -> str:
    return ", ".join(str(option.value) for option in leaf.options)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
