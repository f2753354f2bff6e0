"""The view of a calculator's page, frozen: fields, table of points, worked example as computed, references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portal.calculators.browser import WORDS, browser_json, range_in
from portal.calculators.calculator import Calculator
from portal.calculators.check import Leaf
from portal.calculators.definition import Band, BooleanInput, ChoiceInput, Decision, GroupInput, NumberInput, Output
from portal.calculators.evaluation import Figure, evaluate
from portal.calculators.printing import figure, formula
from portal.calculators.units import shown_unit


@dataclass(frozen=True, slots=True)
class OptionView:
    """A button of a question; `points` as printed, such as +1."""

    value: str
    label: str
    points: str


@dataclass(frozen=True, slots=True)
class FieldView:
    """A field: a number with its first unit, or a question with options."""

    path: str
    id: str
    label: str
    hint: str
    optional: bool
    unit: str
    other_units: tuple[str, ...]
    range: str
    whole: bool
    options: tuple[OptionView, ...]


@dataclass(frozen=True, slots=True)
class PartView:
    """Fields that stand together; the label is empty for those outside a group."""

    id: str
    label: str
    fields: tuple[FieldView, ...]


@dataclass(frozen=True, slots=True)
class RowView:
    """A row of a table: what, how, and how much."""

    label: str
    detail: str
    value: str


@dataclass(frozen=True, slots=True)
class BandView:
    """A band with its meaning."""

    id: str
    label: str
    meaning: str


@dataclass(frozen=True, slots=True)
class ReferenceView:
    """A reference with the address it links to, empty where there is none."""

    text: str
    url: str
    link_text: str


@dataclass(frozen=True, slots=True)
class CalculatorView:
    """Everything the template of a calculator prints; `definition_json` is for its script."""

    name: str
    title: str
    purpose: str
    version: str
    date: str
    approval_code: str
    definition_json: str
    parts: tuple[PartView, ...]
    outputs: tuple[str, ...]
    bands: tuple[BandView, ...]
    points: tuple[RowView, ...]
    ranges: tuple[RowView, ...]
    formula: tuple[str, ...]
    steps: tuple[RowView, ...]
    example_title: str
    example_inputs: tuple[RowView, ...]
    example_steps: tuple[RowView, ...]
    example_results: tuple[RowView, ...]
    example_band: str
    decisions: tuple[Decision, ...]
    use_when: tuple[str, ...]
    not_for: tuple[str, ...]
    pitfalls: tuple[str, ...]
    references: tuple[ReferenceView, ...]
    recorded: str


def view(calculator: Calculator, words: Mapping[str, str] = WORDS) -> CalculatorView:
    """Gives the view of a calculator; its worked example is computed here, never typed."""
    written = calculator.definition
    outcome = evaluate(calculator, written.worked_example.inputs)
    return CalculatorView(
        name=written.name,
        title=written.title,
        purpose=written.purpose,
        version=written.version,
        date=f"{written.date.day} {written.date:%B %Y}",
        approval_code=written.approval_code,
        definition_json=browser_json(calculator, words),
        parts=tuple(_parts(calculator, words)),
        outputs=tuple(output.label for output in written.outputs),
        bands=_bands(calculator),
        points=tuple(_points(calculator, words)),
        ranges=tuple(_ranges(calculator)),
        formula=written.formula_text,
        steps=tuple(
            RowView(step.name, formula(step.node), shown_unit(step.unit) if step.unit else "")
            for step in calculator.steps
        ),
        example_title=written.worked_example.title,
        example_inputs=tuple(_example_inputs(calculator, written.worked_example.inputs, words)),
        example_steps=tuple(_example_steps(calculator, outcome.steps)),
        example_results=tuple(
            RowView(item.label, "", printed(_output(calculator, item), item)) for item in outcome.outputs
        ),
        example_band=_band_text(outcome.band),
        decisions=written.decisions,
        use_when=written.use_when,
        not_for=written.not_for,
        pitfalls=written.pitfalls,
        references=tuple(
            ReferenceView(
                reference.text,
                f"https://doi.org/{reference.doi}" if reference.doi else reference.url or "",
                f"doi:{reference.doi}"
                if reference.doi
                else (reference.url or "").removeprefix("https://").split("/")[0],
            )
            for reference in written.references
        ),
        recorded="opened, completed, version and class of result"
        if written.bands and written.bands.recordable
        else "opened, completed and version",
    )


def printed(output: Output, item: Figure) -> str:
    """Writes a result as the page and the command line show it, with its unit."""
    if isinstance(item.value, str):
        return item.value.replace("|", " · ")
    shown = output.shown_as
    if shown is not None:
        return f"{figure(item.value * shown.times, shown.decimals)} {shown_unit(shown.unit)}".strip()
    return f"{figure(item.value, output.decimals)} {shown_unit(output.unit)}".strip()


def _output(calculator: Calculator, item: Figure) -> Output:
    return next(output for output in calculator.definition.outputs if output.name == item.name)


def _bands(calculator: Calculator) -> tuple[BandView, ...]:
    bands = calculator.definition.bands
    return tuple(BandView(band.id, band.label, band.meaning) for band in bands.each) if bands else ()


def _parts(calculator: Calculator, words: Mapping[str, str]) -> Iterator[PartView]:
    loose: list[FieldView] = []
    for item in calculator.definition.inputs:
        if isinstance(item, GroupInput):
            fields = tuple(_field(calculator.name, f"{item.name}.{leaf.name}", leaf, words) for leaf in item.inputs)
            yield PartView(f"{calculator.name}-{item.name}", item.label, fields)
        else:
            loose.append(_field(calculator.name, item.name, item, words))
    if loose:
        yield PartView(calculator.name, "", tuple(loose))


def _field(calculator: str, path: str, leaf: Leaf, words: Mapping[str, str]) -> FieldView:
    number = leaf if isinstance(leaf, NumberInput) else None
    return FieldView(
        path=path,
        id=f"{calculator}-{path.replace('.', '-')}",
        label=leaf.label,
        hint=leaf.hint or _points_hint(number),
        optional=leaf.optional,
        unit=shown_unit(number.unit) if number else "",
        other_units=tuple(shown_unit(other.unit) for other in number.other_units) if number else (),
        range=range_in(number, None, number.allowed) if number else "",
        whole=number is not None and number.kind == "integer",
        options=tuple(_options(leaf, words)),
    )


def _points_hint(leaf: NumberInput | None) -> str:
    bands = leaf.points if leaf else ()
    return ", ".join(f"{band.in_words()}: {f'+{band.points}' if band.points else '0'}" for band in bands)


def _options(leaf: Leaf, words: Mapping[str, str]) -> Iterator[OptionView]:
    if isinstance(leaf, BooleanInput):
        has_points = leaf.points is not None
        yield OptionView("false", words["no"], "0" if has_points else "")
        yield OptionView("true", words["yes"], f"+{leaf.points}" if has_points else "")
        return
    for option in leaf.options:
        points = "" if option.points is None else f"+{option.points}" if option.points else "0"
        yield OptionView(str(option.value), option.label, points)


def _points(calculator: Calculator, words: Mapping[str, str]) -> Iterator[RowView]:
    for leaf in calculator.inputs.values():
        if isinstance(leaf, NumberInput) and leaf.points:
            for band in leaf.points:
                yield RowView(leaf.label, f"{band.in_words()} {shown_unit(leaf.unit)}".strip(), str(band.points))
        elif isinstance(leaf, BooleanInput) and leaf.points is not None:
            yield RowView(leaf.label, words["yes"], str(leaf.points))
        elif isinstance(leaf, ChoiceInput | NumberInput):
            for option in leaf.options:
                if option.points is not None:
                    yield RowView(leaf.label, option.label, str(option.points))


def _ranges(calculator: Calculator) -> Iterator[RowView]:
    for leaf in calculator.inputs.values():
        if isinstance(leaf, NumberInput) and not leaf.options:
            further = "; ".join(range_in(leaf, other, leaf.allowed) for other in leaf.other_units)
            yield RowView(leaf.label, further, range_in(leaf, None, leaf.allowed))


def _example_inputs(calculator: Calculator, inputs: Mapping[str, Any], words: Mapping[str, str]) -> Iterator[RowView]:
    for name, raw in _flat(inputs):
        path, other = calculator.names[name]
        leaf = calculator.inputs[path]
        group = next((i.label + ": " for i in calculator.definition.inputs if path.startswith(f"{i.name}.")), "")
        if isinstance(leaf, BooleanInput):
            text = words["yes"] if raw else words["no"]
        elif leaf.options:
            text = next(option.label for option in leaf.options if option.value == raw)
            text += f" ({raw})" if isinstance(leaf, NumberInput) else ""
        else:
            unit = other.unit if other else leaf.unit if isinstance(leaf, NumberInput) else ""
            text = f"{figure(float(raw))} {shown_unit(unit)}".strip()
        yield RowView(group + leaf.label, "", text)


def _flat(inputs: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, raw in inputs.items():
        if isinstance(raw, Mapping):
            yield from ((f"{name}.{key}", value) for key, value in raw.items())
        else:
            yield name, raw


def _example_steps(calculator: Calculator, steps: Mapping[str, Any]) -> Iterator[RowView]:
    labels = {step.name: step.label for step in calculator.definition.steps}
    for step in calculator.steps:
        value = steps[step.name]
        if isinstance(value, float):
            text = f"{figure(value)} {shown_unit(step.unit) if step.unit else ''}".strip()
            yield RowView(labels[step.name] or step.name, formula(step.node), text)
        elif isinstance(value, str):
            yield RowView(labels[step.name] or step.name, formula(step.node), value)


def _band_text(band: Band | None) -> str:
    return f"{band.label}. {band.meaning}" if band else ""
