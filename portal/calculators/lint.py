"""Finds what is wrong with a definition before anybody is shown its result; each finding names its place."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from portal.calculators.calculator import Calculator, DefinitionRefused, parse_definition
from portal.calculators.definition import NumberInput, Vector
from portal.calculators.evaluation import Figure, evaluate
from portal.calculators.extents import Extent, Range, extent_of_input
from portal.calculators.inputs import InputRefused
from portal.calculators.intervals import Survey
from portal.calculators.lint_bands import band_findings, rungs
from portal.calculators.skeleton import NO_ADDRESS, TO_WRITE
from portal.calculators.syntax import Name, Node, walk
from portal.calculators.units import MOLAR_MASSES, conversion, parse_unit

_WIDEST_SHARE = 0.05
_WIDEST_STEPS = 5


class Rule(StrEnum):
    """What a finding is about."""

    DEFINITION = "definition"  # it cannot be read or checked: names, types, units in formulas
    CONVERSION = "conversion"  # a unit factor that chemistry or arithmetic does not give
    UNDEFINED = "undefined"  # a division by zero or the like within the allowed ranges
    UNREACHABLE = "unreachable"  # a band, points or a note that no allowed input leads to
    GAP = "gap"  # a result without a band, or an answer without points
    OVERLAP = "overlap"  # a result with two bands, or an answer with two scores
    EXAMPLE = "example"  # the worked example does not come out
    VECTOR = "vector"  # a known answer does not come out
    UNUSED = "unused"  # an input, step or table that no formula names
    RANGE = "range"  # limits that contradict each other
    UNFINISHED = "unfinished"  # words that stand there to be replaced


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend: where, what about, and a sentence."""

    place: str
    rule: Rule
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message} ({self.rule})"


@lru_cache(maxsize=32)  # the same text is asked for at every step from draft to approval
def lint(text: str) -> tuple[Finding, ...]:
    """Gives every finding in a definition's JSON text; an empty tuple means that it may be reviewed."""
    try:
        calculator = parse_definition(text)
    except DefinitionRefused as error:
        return tuple(Finding(problem.place, Rule.DEFINITION, problem.message) for problem in error.problems)
    return lint_calculator(calculator)


def lint_calculator(calculator: Calculator) -> tuple[Finding, ...]:
    """Gives every finding in a checked calculator."""
    known, undefined = _surveyed(calculator)
    findings = [
        *_conversions(calculator),
        *_ranges(calculator),
        *undefined,
        *_points(calculator),
        *_unused(calculator),
        *_known_answers(calculator),
        *_unfinished("", calculator.definition.model_dump(mode="json", by_alias=True)),
    ]
    findings += [Finding(place, Rule(rule), message) for place, rule, message in band_findings(calculator, known)]
    return tuple(findings)


def _conversions(calculator: Calculator) -> Iterator[Finding]:
    for path, leaf in calculator.inputs.items():
        if not isinstance(leaf, NumberInput):
            continue
        place = f"inputs.{path}"
        mass = MOLAR_MASSES.get(leaf.substance or "")
        if leaf.substance and mass is None:
            yield Finding(place, Rule.CONVERSION, f"the molar mass of '{leaf.substance}' is not known here")
        for other in leaf.other_units:
            expected = conversion(parse_unit(other.unit), parse_unit(leaf.unit), molar_mass=mass)
            factor = other.to_canonical(1.0)
            if expected is None:
                yield Finding(
                    place, Rule.CONVERSION, f"{other.unit} does not convert to {leaf.unit} without a substance"
                )
            elif not math.isclose(factor, expected, rel_tol=5e-3):
                yield Finding(
                    place,
                    Rule.CONVERSION,
                    f"1 {other.unit} should be {expected:.6g} {leaf.unit}, not {factor:.6g} ({other.name})",
                )


def _ranges(calculator: Calculator) -> Iterator[Finding]:
    for path, leaf in calculator.inputs.items():
        if isinstance(leaf, NumberInput) and leaf.plausible:
            low, high = leaf.plausible.low, leaf.plausible.high
            if (low > -math.inf and low < leaf.allowed.low) or (high < math.inf and high > leaf.allowed.high):
                yield Finding(f"inputs.{path}", Rule.RANGE, "the plausible range goes beyond the allowed one")
    for output in calculator.definition.outputs:
        if output.at_least is not None and output.at_most is not None and output.at_least > output.at_most:
            yield Finding(f"outputs.{output.name}", Rule.RANGE, "the lower cap lies above the upper cap")


def _surveyed(calculator: Calculator) -> tuple[Mapping[str, Extent], list[Finding]]:
    """Bounds every step and output in order and collects where a formula may have no result."""
    known: dict[str, Extent] = {path: extent_of_input(leaf) for path, leaf in calculator.inputs.items()}
    findings: list[Finding] = []

    def bound(place: str, node: Node) -> Extent:
        told: set[str] = set()

        def alarm(message: str, at: int) -> None:
            told.add(f"{message} (at character {at + 1})")

        extent = Survey(calculator, known, alarm).extent(node)
        findings.extend(Finding(place, Rule.UNDEFINED, message) for message in sorted(told))
        return extent

    for step in calculator.steps:
        known[step.name] = bound(f"steps.{step.name}", step.node)
    for checked in calculator.outputs:
        if checked.when:
            _never(findings, calculator, known, f"outputs.{checked.output.name}.when", checked.when)
        known[f"outputs.{checked.output.name}"] = bound(f"outputs.{checked.output.name}", checked.node)
    for note, node in zip(calculator.definition.notes, calculator.notes, strict=True):
        bound(f"notes.{note.id}", node)
        _never(findings, calculator, known, f"notes.{note.id}", node)
    for number, node in enumerate(calculator.refusals, 1):
        bound(f"refusals.{number}", node)
        _never(findings, calculator, known, f"refusals.{number}", node)
    return known, findings


def _never(
    findings: list[Finding], calculator: Calculator, known: Mapping[str, Extent], place: str, node: Node
) -> None:
    if not Survey(calculator, known, lambda _message, _at: None).truths(node).can_be_true:
        findings.append(Finding(place, Rule.UNREACHABLE, "no allowed input meets this condition"))


def _points(calculator: Calculator) -> Iterator[Finding]:
    for path, leaf in calculator.inputs.items():
        if not isinstance(leaf, NumberInput) or not leaf.points:
            continue
        reach = Range(leaf.allowed.low, leaf.allowed.high)
        step = 1.0 if leaf.kind == "integer" else None
        for rule, message in rungs(leaf.points, reach, step):
            yield Finding(f"inputs.{path}.points", Rule(rule), message)


def _unused(calculator: Calculator) -> Iterator[Finding]:
    nodes = [step.node for step in calculator.steps]
    nodes += [checked.node for checked in calculator.outputs]
    nodes += [checked.when for checked in calculator.outputs if checked.when]
    nodes += [*calculator.notes, *calculator.refusals]
    named = {node.path for root in nodes for node in walk(root) if isinstance(node, Name)}
    if calculator.definition.bands:
        named.add(calculator.definition.bands.on)
    for kind, names in (
        ("inputs", list(calculator.inputs)),
        ("steps", [step.name for step in calculator.steps]),
        ("tables", list(calculator.tables)),
    ):
        for name in names:
            if name not in named:
                yield Finding(f"{kind}.{name}", Rule.UNUSED, "no formula uses it")


def _unfinished(place: str, written: object) -> Iterator[Finding]:
    """Names every place where the words of an empty form still stand."""
    if isinstance(written, str) and (TO_WRITE in written or written == NO_ADDRESS):
        yield Finding(place, Rule.UNFINISHED, "this is still to be written")
    parts: Iterable[tuple[object, object]] = ()
    if isinstance(written, Mapping):
        parts = written.items()
    elif isinstance(written, list | tuple):
        parts = enumerate(written, 1)
    for key, part in parts:
        yield from _unfinished(f"{place}.{key}".lstrip("."), part)


def _known_answers(calculator: Calculator) -> Iterator[Finding]:
    written = calculator.definition
    example = written.worked_example
    yield from _compared(calculator, "worked_example", Rule.EXAMPLE, example.inputs, example.result, 0.0, False)
    for number, vector in enumerate(written.vectors, 1):
        place = f"vectors.{number}"
        if not vector.expected:
            yield Finding(place, Rule.VECTOR, "it states no expected value, and so proves nothing")
        yield from _too_wide(calculator, place, vector)
        yield from _compared(
            calculator, place, Rule.VECTOR, vector.inputs, vector.expected, vector.tolerance, vector.unrounded
        )


def _too_wide(calculator: Calculator, place: str, vector: Vector) -> Iterator[Finding]:
    """Finds a tolerance that would let a wrong formula pass: beyond 5 % of the value and 5 steps of its rounding."""
    for output in calculator.definition.outputs:
        expected = vector.expected.get(output.name)
        if isinstance(expected, str) or expected is None or output.decimals is None:
            continue
        widest = max(_WIDEST_SHARE * abs(expected), _WIDEST_STEPS * 10.0**-output.decimals)
        if vector.tolerance > widest * (1 + 1e-9):
            message = f"its tolerance of {vector.tolerance:g} proves nothing for {output.name}: at most {widest:g}"
            yield Finding(place, Rule.VECTOR, message)


def _compared(
    calculator: Calculator,
    place: str,
    rule: Rule,
    inputs: Mapping[str, object],
    expected: Mapping[str, float | str],
    tolerance: float,
    unrounded: bool,
) -> Iterator[Finding]:
    try:
        figures = {figure.name: figure for figure in evaluate(calculator, inputs).outputs}
    except InputRefused as error:
        yield Finding(place, rule, f"its inputs are refused: {error}")
        return
    for name, value in expected.items():
        figure = figures.get(name)
        if figure is None:
            yield Finding(place, rule, f"there is no output '{name}' for these inputs")
        elif not _near(figure, value, tolerance, unrounded):
            got = figure.unrounded if unrounded else figure.value
            yield Finding(place, rule, f"{name} should be {value}, and comes out as {got}")
    for name in figures.keys() - expected.keys() if rule is Rule.EXAMPLE else ():
        yield Finding(place, rule, f"the output '{name}' is not stated")


def _near(figure: Figure, expected: float | str, tolerance: float, unrounded: bool) -> bool:
    got = figure.unrounded if unrounded else figure.value
    if isinstance(got, str) or isinstance(expected, str):
        return got == expected
    return abs(got - expected) <= tolerance + 1e-12
