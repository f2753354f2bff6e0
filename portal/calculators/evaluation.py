"""Evaluates a calculator: inputs, steps, outputs with rounding and caps, band and notes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from portal.calculators.bounds import Bounds
from portal.calculators.calculator import Calculator, CheckedOutput
from portal.calculators.check import Leaf
from portal.calculators.definition import Band, BooleanInput, NumberInput, Output, Table
from portal.calculators.functions import BINARY, COMPARISONS, UNARY, Undefined, clamp, half_up, weighted_sum
from portal.calculators.inputs import Fault, InputRefused, Reading, Reason, Value, read
from portal.calculators.syntax import Call, Name, Node, Number, Text, Truth

Result = Value | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """One output: the value after rounding and caps, and before them; a text is the same in both."""

    name: str
    label: str
    value: float | str
    unrounded: float | str
    unit: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a calculator gives: its first output, the band that output falls in, all outputs, and warnings."""

    calculator: str
    version: str
    value: float | str
    unrounded: float | str
    unit: str
    band: Band | None
    outputs: tuple[Figure, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    steps: Mapping[str, Result]


def evaluate(calculator: Calculator, inputs: Mapping[str, object]) -> Outcome:
    """Computes the outcome for inputs named as in the definition; raises InputRefused, and nothing else."""
    reading = read(calculator, inputs)
    machine = Machine(calculator, reading)
    faults = tuple(
        Fault(field, Reason.IMPOSSIBLE, written.say)
        for written, node in zip(calculator.definition.refusals, calculator.refusals, strict=True)
        if machine.truth(node)
        for field in written.fields
    )
    if faults:
        raise InputRefused(faults)
    place = ""
    try:
        for step in calculator.steps:
            place = step.name
            machine.results[step.name] = machine.value(step.node)
        figures: list[Figure] = []
        for checked in calculator.outputs:
            place = checked.output.name
            if checked.when is None or machine.truth(checked.when):
                figures.append(_figure(checked, machine))
        place = "notes"
        notes = [
            written
            for written, node in zip(calculator.definition.notes, calculator.notes, strict=True)
            if machine.truth(node)
        ]
    except Undefined as error:
        message = f"The formula has no result for these values: {error} ({place})."
        raise InputRefused((Fault(place, Reason.UNDEFINED, message),)) from error
    return Outcome(
        calculator=calculator.name,
        version=calculator.version,
        value=figures[0].value,
        unrounded=figures[0].unrounded,
        unit=figures[0].unit,
        band=_band(calculator, figures[0], machine),
        outputs=tuple(figures),
        notes=tuple(note.id for note in notes),
        warnings=(*_implausible(calculator, reading), *(note.say for note in notes)),
        steps={step.name: machine.results[step.name] for step in calculator.steps},
    )


class Machine:
    """Walks syntax trees over one reading of the inputs."""

    def __init__(self, calculator: Calculator, reading: Reading) -> None:
        self._inputs: Mapping[str, Leaf] = calculator.inputs
        self._tables: Mapping[str, Table] = calculator.tables
        self._reading = reading
        self.results: dict[str, Result] = dict(reading.values)

    def value(self, node: Node) -> Result:
        """Gives the value of a node; raises Undefined where it has none."""
        match node:
            case Number(value=number):
                return number
            case Name(path=path):
                return self.results[path]
            case Call():
                return self._call(node)
            case Truth(value=truth):
                return truth
            case Text(value=text):
                return text

    def number(self, node: Node) -> float:
        """Gives the value of a node that the check has found to be a number."""
        value = self.value(node)
        if isinstance(value, str | tuple):
            raise TypeError(f"a checked number is {value!r}")
        return float(value)

    def truth(self, node: Node) -> bool:
        """Gives the value of a node that the check has found to be a yes or no."""
        return self.value(node) is True

    def _call(self, call: Call) -> Result:
        function, arguments = call.function, call.arguments
        if function in BINARY:
            return _finite(BINARY[function](self.number(arguments[0]), self.number(arguments[1])))
        if function in COMPARISONS:
            return COMPARISONS[function](self.number(arguments[0]), self.number(arguments[1]))
        if function in UNARY:
            return UNARY[function](self.number(arguments[0]))
        match function:
            case "if" | "case":
                for place in range(0, len(arguments) - 1, 2):
                    if self.truth(arguments[place]):
                        return self.value(arguments[place + 1])
                return self.value(arguments[-1])
            case "and":
                return self.truth(arguments[0]) and self.truth(arguments[1])
            case "or":
                return self.truth(arguments[0]) or self.truth(arguments[1])
            case "not":
                return not self.truth(arguments[0])
            case "==":
                return self.value(arguments[0]) == self.value(arguments[1])
            case "!=":
                return self.value(arguments[0]) != self.value(arguments[1])
            case "negative":
                return -self.number(arguments[0])
            case "min":
                return min(self.number(argument) for argument in arguments)
            case "max":
                return max(self.number(argument) for argument in arguments)
            case "clamp":
                return clamp(*(self.number(argument) for argument in arguments))
            case "round":
                return half_up(self.number(arguments[0]), int(self.number(arguments[1])) if arguments[1:] else 0)
            case "count":
                return float(sum(self.truth(argument) for argument in arguments))
            case "list":
                return tuple(self.number(argument) for argument in arguments)
            case "as_unit":
                return self.value(arguments[0])
            case "join":
                separator, *texts = (str(self.value(argument)) for argument in arguments)
                return separator.join(texts)
            case _:
                return self._about(function, arguments)

    def _about(self, function: str, arguments: tuple[Node, ...]) -> Result:
        name = arguments[0].path if isinstance(arguments[0], Name) else ""
        match function:
            case "points":
                return points_of(self._inputs[name], self.results[name])
            case "given":
                return name in self._reading.values
            case "given_in":
                return self._reading.units.get(name) == self.value(arguments[1])
            case "value_or":
                return self.results[name] if name in self.results else self.value(arguments[1])
            case "cell" | "weighted":
                table = self._tables[name]
                row = table.rows["_".join(str(self.value(key)) for key in arguments[2:])]
                if function == "cell":
                    return row[table.columns.index(str(self.value(arguments[1])))]
                terms = self.value(arguments[1])
                return _finite(weighted_sum(row, terms if isinstance(terms, tuple) else ()))
            case _:
                raise TypeError(f"a checked formula calls {function}")


def points_of(leaf: Leaf, value: Result) -> float:
    """Gives the points an answer scores, as the input declares them."""
    if isinstance(leaf, BooleanInput):
        return float(leaf.points or 0) if value is True else 0.0
    if isinstance(leaf, NumberInput) and leaf.points and isinstance(value, float):
        for band in leaf.points:
            if band.holds(value):
                return float(band.points)
        return 0.0
    for option in leaf.options:
        if option.value == value:
            return float(option.points or 0)
    return 0.0


def settled(output: Output, unrounded: float) -> float:
    """Rounds half up, then applies the caps."""
    value = half_up(unrounded, output.decimals or 0)
    if output.at_least is not None:
        value = max(value, output.at_least)
    return min(value, output.at_most) if output.at_most is not None else value


def _figure(checked: CheckedOutput, machine: Machine) -> Figure:
    output = checked.output
    if output.decimals is None:
        text = str(machine.value(checked.node))
        return Figure(output.name, output.label, text, text, output.unit)
    unrounded = machine.number(checked.node)
    return Figure(output.name, output.label, settled(output, unrounded), unrounded, output.unit)


def _band(calculator: Calculator, first: Figure, machine: Machine) -> Band | None:
    bands = calculator.definition.bands
    if bands is None:
        return None
    read_on = {"value": first.value, "unrounded": first.unrounded}.get(bands.on, machine.results.get(bands.on))
    for band in bands.each:
        if band.equals == read_on if isinstance(read_on, str) else _holds(band, read_on):
            return band
    return None


def _holds(band: Bounds, value: Result | None) -> bool:
    return isinstance(value, float) and band.holds(value)


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise Undefined("it would be larger than any number")
    return value


def _implausible(calculator: Calculator, reading: Reading) -> list[str]:
    warnings = []
    for path, leaf in calculator.inputs.items():
        if path in reading.implausible and isinstance(leaf, NumberInput) and leaf.plausible:
            unit = "" if leaf.unit in ("1", "points", "score", "index", "ratio") else f" {leaf.unit}"
            usual = leaf.plausible.in_words()
            warnings.append(f"{leaf.label} is unusual: most values are {usual}{unit}. Check it.")
    return warnings
