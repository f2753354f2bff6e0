"""Questions and answers as JSON: one evaluation, a line of a batch, the list of calculators."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from portal.calculators import registry
from portal.calculators.calculator import Calculator
from portal.calculators.definition import Output
from portal.calculators.evaluation import Figure, Outcome, evaluate
from portal.calculators.inputs import InputRefused
from portal.calculators.registry import SHIPPED, CalculatorUnknown, Library

LONGEST_LINE = 100_000
Answer = dict[str, Any]


class QuestionRefused(ValueError):
    """A question that is not the JSON asked for."""


def listing(library: Library = SHIPPED) -> list[Answer]:
    """Gives one entry per calculator: name, title, version, names of inputs, units of outputs, bands."""
    return [_entry(library.get(name), library.approval_code(name)) for name in library.names()]


def answer(name: str, inputs: dict[str, object], library: Library = SHIPPED) -> Answer:
    """Gives the outcome of one evaluation, or an `error` with its `fields`; raises CalculatorUnknown."""
    calculator = library.get(name)
    try:
        return _outcome(calculator, evaluate(calculator, inputs))
    except InputRefused as error:
        return {"calculator": name, "version": calculator.version, "error": str(error), "fields": error.fields}


def answers(lines: Iterable[bytes], library: Library = SHIPPED) -> Iterator[Answer]:
    """Gives one answer per line of JSON, `{"calculator": ..., "inputs": {...}}`; a bad line gives an `error`."""
    for number, line in enumerate(lines, 1):
        found: Answer = {}
        try:
            found = parse_object(line)
            yield _kept(found) | answer(*_question(found), library)
        except (QuestionRefused, CalculatorUnknown) as error:
            name = found.get("calculator")
            named = {"calculator": name} if isinstance(name, str) and len(name) <= 60 else {}
            yield _kept(found) | named | {"error": str(error), "line": number}


def parse_object(text: bytes | str) -> Answer:
    """Reads a JSON object of at most 100,000 bytes whose keys stand once; raises QuestionRefused."""
    if len(text) > LONGEST_LINE:
        raise QuestionRefused(f"It is longer than {LONGEST_LINE} bytes.")
    if not text.strip():
        raise QuestionRefused("It is empty.")
    try:
        words = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        found = json.loads(words, object_pairs_hook=_without_doubles)
    except UnicodeDecodeError as error:
        raise QuestionRefused("It is not UTF-8.") from error
    except RecursionError as error:
        raise QuestionRefused("It is nested too deeply.") from error
    except ValueError as error:
        raise QuestionRefused(f"It is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise QuestionRefused("It must be a JSON object.")
    return found


def in_words(calculator: Calculator, found: Answer) -> str:
    """Says an answer as lines of text."""
    if "error" in found:
        return str(found["error"])
    outputs = {output.name: output for output in calculator.definition.outputs}
    lines = [f"{calculator.definition.title}, version {calculator.version}"]
    lines += [
        f"{outputs[name].label}: {value} {_unit(outputs[name]) or ''}".rstrip()
        for name, value in found["outputs"].items()
    ]
    if found["band"]:
        lines.append(f"{found['band_label']}: {found['band_meaning']}")
    return "\n".join([*lines, *found["warnings"]])


def _question(found: Answer) -> tuple[str, dict[str, object]]:
    unknown = found.keys() - {"calculator", "inputs", "id"}
    if unknown:
        raise QuestionRefused(f"It has a key that is not known: {sorted(unknown)[0][:60]}.")
    name, inputs = found.get("calculator"), found.get("inputs")
    if not isinstance(name, str):
        raise QuestionRefused("'calculator' must be the name of a calculator.")
    if not isinstance(inputs, dict):
        raise QuestionRefused("'inputs' must be an object of values by name.")
    return name, inputs


def _kept(found: Answer) -> Answer:
    return {"id": found["id"]} if isinstance(found.get("id"), str | int) else {}


def _outcome(calculator: Calculator, outcome: Outcome) -> Answer:
    outputs = {output.name: output for output in calculator.definition.outputs}
    values = {figure.name: _whole(outputs[figure.name], figure) for figure in outcome.outputs}
    unrounded = {figure.name: figure.unrounded for figure in outcome.outputs}
    # A calculator of several results has no one value: it gives them by name.
    several = len(calculator.definition.outputs) > 1
    first = outcome.outputs[0]
    return {
        "calculator": outcome.calculator,
        "version": outcome.version,
        "value": values if several else values[first.name],
        "unit": _unit(outputs[first.name]),
        "band": outcome.band.id if outcome.band else None,
        "band_label": outcome.band.label if outcome.band else None,
        "band_meaning": outcome.band.meaning if outcome.band else None,
        "unrounded": unrounded if several else first.unrounded,
        "outputs": values,
        "warnings": list(outcome.warnings),
    }


def _whole(output: Output, figure: Figure) -> float | int | str:
    if output.decimals == 0 and isinstance(figure.value, float):
        return int(figure.value)
    return figure.value


def _unit(output: Output) -> str | None:
    return None if output.unit == "1" else output.unit


def _entry(calculator: Calculator, approval_code: str) -> Answer:
    written = calculator.definition
    return {
        "name": written.name,
        "title": written.title,
        "purpose": written.purpose,
        "version": written.version,
        "date": written.date.isoformat(),
        "approval_code": approval_code,
        "fingerprint": calculator.fingerprint,
        "inputs": list(calculator.names),
        "outputs": {output.name: _unit(output) for output in written.outputs},
        "bands": [band.id for band in written.bands.each] if written.bands else [],
        "recorded_bands": list(registry.recorded_bands(calculator)),
    }


def _without_doubles(pairs: list[tuple[str, Any]]) -> Answer:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found
