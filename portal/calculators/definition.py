"""What an author writes: a calculator as a JSON document, its shape checked key by key."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from portal.calculators.bounds import Bounds, Part

Line = Annotated[str, StringConstraints(min_length=1, max_length=600)]
Short = Annotated[str, StringConstraints(min_length=1, max_length=120)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
BandKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,23}$")]
Formula = Annotated[str, StringConstraints(min_length=1, max_length=4_000)]


class PointsBand(Bounds):
    """A stretch of a number that scores points."""

    points: int = Field(ge=0, le=100)


class OtherUnit(Part):
    """A further name and unit for the same quantity; the canonical value is value * times or value / divide_by."""

    name: Key
    unit: Short
    times: float | None = Field(default=None, gt=0)
    divide_by: float | None = Field(default=None, gt=0)
    decimals: int = Field(default=1, ge=0, le=4)

    @model_validator(mode="after")
    def _one_factor(self) -> Self:
        if (self.times is None) == (self.divide_by is None):
            raise ValueError("give either 'times' or 'divide_by'")
        return self

    def to_canonical(self, value: float) -> float:
        """Converts a value in this unit into the input's own."""
        return value * self.times if self.times is not None else value / (self.divide_by or 1.0)

    def from_canonical(self, value: float) -> float:
        """Converts a value in the input's own unit into this one."""
        return value / self.times if self.times is not None else value * (self.divide_by or 1.0)


class Option(Part):
    """One choice, or one step of a whole-number scale, with the points it scores."""

    value: str | int
    label: Short
    points: int | None = Field(default=None, ge=0, le=100)


class _Input(Part):
    name: Key
    label: Short
    hint: Line | None = None
    optional: bool = False


class NumberInput(_Input):
    """A measured number, or a whole number; a whole number with options is shown as a scale of buttons."""

    kind: Literal["number", "integer"]
    unit: Short = "1"
    allowed: Bounds
    plausible: Bounds | None = None
    other_units: tuple[OtherUnit, ...] = ()
    substance: Short | None = None
    points: tuple[PointsBand, ...] = ()
    options: tuple[Option, ...] = ()

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.allowed.low == float("-inf") or self.allowed.high == float("inf"):
            raise ValueError("'allowed' needs a lower and an upper end")
        if self.options and self.kind != "integer":
            raise ValueError("only a whole number can have a scale of options")
        for option in self.options:
            if not isinstance(option.value, int) or not self.allowed.holds(option.value):
                raise ValueError(f"the option {option.value!r} is not a whole number in the allowed range")
        return self


class BooleanInput(_Input):
    """A yes or no, with the points a yes scores."""

    kind: Literal["boolean"]
    points: int | None = Field(default=None, ge=0, le=100)


class ChoiceInput(_Input):
    """One of a closed list."""

    kind: Literal["choice"]
    options: tuple[Option, ...] = Field(min_length=2, max_length=12)

    @model_validator(mode="after")
    def _are_texts(self) -> Self:
        values = [option.value for option in self.options]
        if len(set(values)) != len(values):
            raise ValueError("two options have the same value")
        if not all(isinstance(value, str) and re.fullmatch(r"[a-z0-9_]{1,40}", value) for value in values):
            raise ValueError("an option's value is lower-case letters, digits and underscores")
        return self


LeafInput = Annotated[NumberInput | BooleanInput | ChoiceInput, Field(discriminator="kind")]


class GroupInput(Part):
    """Inputs that belong together under one name, as the regions of PASI."""

    kind: Literal["group"]
    name: Key
    label: Short
    inputs: tuple[LeafInput, ...] = Field(min_length=1, max_length=20)


AnyInput = Annotated[NumberInput | BooleanInput | ChoiceInput | GroupInput, Field(discriminator="kind")]


class Table(Part):
    """Numbers by row key and column, such as published coefficients."""

    name: Key
    columns: tuple[Short, ...] = Field(min_length=1, max_length=60)
    rows: dict[str, tuple[float, ...]] = Field(min_length=1, max_length=60)

    @model_validator(mode="after")
    def _is_rectangular(self) -> Self:
        for key, row in self.rows.items():
            if len(row) != len(self.columns):
                raise ValueError(f"row '{key}' has {len(row)} cells for {len(self.columns)} columns")
        return self


class Step(Part):
    """A named intermediate value."""

    name: Key
    is_: Formula = Field(alias="is")
    unit: Short | None = None
    label: Short | None = None


class Shown(Part):
    """A further unit to show an output in: value * times."""

    unit: Short
    times: float = Field(gt=0)
    decimals: int = Field(ge=0, le=4)


class Output(Part):
    """A result: its formula, then rounding half up to `decimals`, then the caps."""

    name: Key
    label: Short
    is_: Formula = Field(alias="is")
    unit: Short = "1"
    decimals: int | None = Field(default=None, ge=0, le=6)
    at_least: float | None = None
    at_most: float | None = None
    when: Formula | None = None
    shown_as: Shown | None = None
    also: tuple[Shown, ...] = ()


class Band(Bounds):
    """A stretch of the result, or one word of it, with what it means."""

    id: BandKey
    label: Short
    meaning: Line
    equals: Short | None = None


class Bands(Part):
    """The bands of the first output; `on` says whether they read the rounded value, the unrounded, or a step."""

    on: Annotated[str, StringConstraints(pattern=r"^(value|unrounded|[a-z][a-z0-9_]*)$")] = "value"
    recordable: bool = False
    each: tuple[Band, ...] = Field(min_length=1, max_length=30)


class Note(Part):
    """A sentence shown with the result when its condition holds."""

    id: Key
    when: Formula
    say: Line


class Refusal(Part):
    """A combination of inputs that has no result, with the fields to blame."""

    when: Formula
    fields: tuple[str, ...] = Field(min_length=1)
    say: Line


class Vector(Part):
    """A known answer: inputs, the expected value of each output named, and how near it must be."""

    inputs: dict[str, Any]
    expected: dict[str, float | str]
    tolerance: float = Field(default=0.0, ge=0)
    unrounded: bool = False
    source: Line


class Example(Part):
    """The worked example; the page computes it and the lint compares it with `result`."""

    title: Line
    inputs: dict[str, Any]
    result: dict[str, float | str]


class Decision(Part):
    """Where sources disagree: the question, what each says, the choice and its reason."""

    question: Line
    sources: tuple[Line, ...] = Field(min_length=1)
    chosen: Line
    because: Line


class Reference(Part):
    """A paper or document, with its DOI or address."""

    text: Line
    doi: Annotated[str, StringConstraints(pattern=r"^10\.[0-9]{4,9}/\S+$")] | None = None
    url: Annotated[str, StringConstraints(pattern=r"^https://\S+$")] | None = None


class Definition(Part):
    """A whole calculator as written; `compile_definition` turns it into one that can be evaluated."""

    name: Key
    title: Short
    purpose: Line
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}\.[0-9]{1,4}$")]
    date: datetime.date
    approval_code: Short
    inputs: tuple[AnyInput, ...] = Field(min_length=1, max_length=40)
    tables: tuple[Table, ...] = Field(default=(), max_length=10)
    steps: tuple[Step, ...] = Field(default=(), max_length=100)
    outputs: tuple[Output, ...] = Field(min_length=1, max_length=12)
    bands: Bands | None = None
    notes: tuple[Note, ...] = Field(default=(), max_length=20)
    refusals: tuple[Refusal, ...] = Field(default=(), max_length=20)
    formula_text: tuple[Line, ...] = Field(min_length=1)
    worked_example: Example
    decisions: tuple[Decision, ...] = ()
    use_when: tuple[Line, ...] = Field(min_length=1)
    not_for: tuple[Line, ...] = Field(min_length=1)
    pitfalls: tuple[Line, ...] = Field(min_length=1)
    references: tuple[Reference, ...] = Field(min_length=1)
    vectors: tuple[Vector, ...] = Field(default=(), max_length=200)

    @field_validator("references")
    @classmethod
    def _can_be_followed(cls, references: tuple[Reference, ...]) -> tuple[Reference, ...]:
        if not any(reference.doi or reference.url for reference in references):
            raise ValueError("at least one reference needs a DOI or an address")
        return references
