"""Turns a written definition into a calculator: every formula parsed and checked once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from portal.calculators.check import Leaf, Scope, agree, type_of
from portal.calculators.definition import Band, Definition, GroupInput, NumberInput, OtherUnit, Output, Table
from portal.calculators.functions import FUNCTIONS
from portal.calculators.parser import parse
from portal.calculators.syntax import FormulaRefused, Node, walk
from portal.calculators.types import NumberType, TextType, TruthType, Type
from portal.calculators.units import UnitRefused, parse_unit
from portal.calculators.wording import in_plain_words

_RESERVED = frozenset({"and", "or", "not", "true", "false", "value", "unrounded", *FUNCTIONS})
_MAX_CHARACTERS = 200_000
_MAX_WORDS = 4_000  # of all formulas together; the largest that ships has under 300
_MOST_TOLD = 50


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a definition, and where: `steps.kappa`, `bands.G3a`."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class DefinitionRefused(ValueError):
    """A definition that is not a calculator, with every problem found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class CheckedStep:
    """A step with its tree and type."""

    name: str
    node: Node
    type: Type
    unit: str | None


@dataclass(frozen=True, slots=True)
class CheckedOutput:
    """An output with its tree, its type and the tree of its condition."""

    output: Output
    node: Node
    type: Type
    when: Node | None


@dataclass(frozen=True, slots=True)
class Calculator:
    """A checked calculator; `inputs` by path, `names` from every accepted name to its path and unit."""

    definition: Definition
    inputs: Mapping[str, Leaf]
    names: Mapping[str, tuple[str, OtherUnit | None]]
    tables: Mapping[str, Table]
    steps: tuple[CheckedStep, ...]
    outputs: tuple[CheckedOutput, ...]
    notes: tuple[Node, ...]
    refusals: tuple[Node, ...]

    @property
    def name(self) -> str:
        """The name under which the calculator is asked for."""
        return self.definition.name

    @property
    def version(self) -> str:
        """The version of the definition."""
        return self.definition.version

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the definition's canonical JSON, so that an edit without a new version shows."""
        canonical = json.dumps(self.definition.model_dump(mode="json", by_alias=True), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()


def parse_definition(text: str) -> Calculator:
    """Reads a definition from JSON text; raises DefinitionRefused with every problem found."""
    if len(text) > _MAX_CHARACTERS:
        raise DefinitionRefused((Problem("definition", f"it is longer than {_MAX_CHARACTERS} characters"),))
    try:
        json.loads(text, object_pairs_hook=_without_doubles)
        definition = Definition.model_validate_json(text)
    except ValidationError as error:
        raise DefinitionRefused(_told([Problem(place, said) for place, said in in_plain_words(error)])) from error
    except RecursionError as error:
        raise DefinitionRefused((Problem("definition", "it is nested too deeply"),)) from error
    except ValueError as error:
        raise DefinitionRefused((Problem("definition", f"it is not readable JSON: {error}"),)) from error
    return compile_definition(definition)


def compile_definition(definition: Definition) -> Calculator:
    """Parses and checks every formula of a definition; raises DefinitionRefused with every problem found."""
    return _Compiler(definition).calculator()


class _Compiler:
    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._problems: list[Problem] = []
        self._words = 0
        self._inputs: dict[str, Leaf] = {}
        self._names: dict[str, tuple[str, OtherUnit | None]] = {}
        self._steps: dict[str, Type] = {}
        self._tables = {table.name: table for table in definition.tables}

    def calculator(self) -> Calculator:
        written = self._definition
        for item in written.inputs:
            self._add_input(item)
        for table in written.tables:
            doubled = [other.name for other in written.tables].count(table.name) > 1
            self._claim(f"tables.{table.name}", table.name, doubled=doubled)
        before_steps = Scope(self._inputs, {}, self._tables)
        refusals = [
            self._truth(f"refusals.{place + 1}", item.when, before_steps) for place, item in enumerate(written.refusals)
        ]
        steps = [step for item in written.steps if (step := self._step(item.name, item.is_, item.unit))]
        scope = Scope(self._inputs, self._steps, self._tables)
        outputs = [output for item in written.outputs if (output := self._output(item, scope))]
        notes = [self._truth(f"notes.{item.id}", item.when, scope) for item in written.notes]
        self._check_names()
        if self._words > _MAX_WORDS:
            self._refuse("definition", f"all formulas together have more than {_MAX_WORDS} words")
        if not self._problems:
            self._check_bands(outputs[0])
        if self._problems:
            raise DefinitionRefused(_told(list(dict.fromkeys(self._problems))))
        return Calculator(
            definition=written,
            inputs=MappingProxyType(self._inputs),
            names=MappingProxyType(self._names),
            tables=MappingProxyType(self._tables),
            steps=tuple(steps),
            outputs=tuple(outputs),
            notes=tuple(node for node in notes if node is not None),
            refusals=tuple(node for node in refusals if node is not None),
        )

    def _refuse(self, place: str, message: str) -> None:
        self._problems.append(Problem(place, message))

    def _claim(self, place: str, name: str, *, doubled: bool) -> None:
        if name in _RESERVED:
            self._refuse(place, f"'{name}' is a word of the language")
        if doubled:
            self._refuse(place, f"'{name}' is named twice")

    def _add_input(self, item: Leaf | GroupInput) -> None:
        if isinstance(item, GroupInput):
            for leaf in item.inputs:
                self._add_leaf(f"{item.name}.{leaf.name}", leaf)
        else:
            self._add_leaf(item.name, item)

    def _add_leaf(self, path: str, leaf: Leaf) -> None:
        place = f"inputs.{path}"
        self._claim(place, path, doubled=path in self._names)
        self._inputs[path] = leaf
        self._names[path] = (path, None)
        if not isinstance(leaf, NumberInput):
            return
        prefix = path[: -len(leaf.name)]
        for unit in (leaf.unit, *(other.unit for other in leaf.other_units)):
            try:
                parse_unit(unit)
            except UnitRefused as error:
                self._refuse(place, str(error))
        for other in leaf.other_units:
            self._claim(place, other.name, doubled=prefix + other.name in self._names)
            self._names[prefix + other.name] = (path, other)

    def _check_names(self) -> None:
        step_names = [step.name for step in self._definition.steps]
        output_names = [output.name for output in self._definition.outputs]
        taken = [*self._names, *self._tables, *step_names]
        for name in step_names:
            self._claim(f"steps.{name}", name, doubled=taken.count(name) > 1)
        for name in output_names:
            self._claim(f"outputs.{name}", name, doubled=output_names.count(name) > 1)

    def _tree(self, place: str, formula: str, scope: Scope) -> tuple[Node, Type] | None:
        if self._words > _MAX_WORDS:
            return None
        try:
            node = parse(formula)
            self._words += sum(1 for _ in walk(node))
            return node, type_of(node, scope)
        except (FormulaRefused, UnitRefused) as error:
            self._refuse(place, str(error))
            return None

    def _truth(self, place: str, formula: str, scope: Scope) -> Node | None:
        checked = self._tree(place, formula, scope)
        if checked and not isinstance(checked[1], TruthType):
            self._refuse(place, "a condition is a yes or no")
        return checked[0] if checked else None

    def _step(self, name: str, formula: str, unit: str | None) -> CheckedStep | None:
        place = f"steps.{name}"
        checked = self._tree(place, formula, Scope(self._inputs, dict(self._steps), self._tables))
        if checked is None:
            # Later steps are checked as if this one were a plain number, so that one mistake is told once.
            self._steps[name] = NumberType()
            return None
        node, kind = checked
        if unit is not None:
            kind = self._in_unit(place, unit, kind)
        self._steps[name] = kind
        return CheckedStep(name, node, kind, unit)

    def _in_unit(self, place: str, unit: str, kind: Type) -> Type:
        try:
            return agree(unit, kind, 0)
        except FormulaRefused as error:
            self._refuse(place, error.message)
            return NumberType()

    def _output(self, output: Output, scope: Scope) -> CheckedOutput | None:
        place = f"outputs.{output.name}"
        checked = self._tree(place, output.is_, scope)
        when = self._truth(f"{place}.when", output.when, scope) if output.when else None
        if output.when and output is self._definition.outputs[0]:
            self._refuse(place, "the first output has no condition")
        if checked is None:
            return None
        node, kind = checked
        if isinstance(kind, NumberType):
            kind = self._in_unit(place, output.unit, kind)
            if output.decimals is None:
                self._refuse(place, "a number needs 'decimals'")
        elif not isinstance(kind, TextType) or output.decimals is not None:
            self._refuse(place, "an output is a number with decimals, or a text without")
        return CheckedOutput(output, node, kind, when)

    def _check_bands(self, first: CheckedOutput) -> None:
        bands = self._definition.bands
        if bands is None:
            return
        kind = first.type if bands.on in ("value", "unrounded") else self._steps.get(bands.on)
        if kind is None:
            self._refuse("bands.on", f"there is no step named '{bands.on}'")
        ids = [band.id for band in bands.each]
        for band in bands.each:
            for message in _band_problems(band, kind):
                self._refuse(f"bands.{band.id}", message)
            if ids.count(band.id) > 1:
                self._refuse(f"bands.{band.id}", "the band is named twice")


def _band_problems(band: Band, kind: Type | None) -> Iterator[str]:
    has_ends = not (band.low == float("-inf") and band.high == float("inf"))
    if isinstance(kind, TextType) and (band.equals is None or has_ends):
        yield "a band of a text has 'equals' and no ends"
    if isinstance(kind, NumberType) and band.equals is not None:
        yield "a band of a number has ends, not 'equals'"


def _told(problems: list[Problem]) -> tuple[Problem, ...]:
    """Gives the first problems, and how many more there are."""
    more = len(problems) - _MOST_TOLD
    if more <= 0:
        return tuple(problems)
    return (*problems[:_MOST_TOLD], Problem("definition", f"{more} more like these"))


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key '{key[:40]}' stands twice")
        found[key] = value
    return found
