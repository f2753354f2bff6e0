"""What the browser's engine is given: the checked definition with its syntax trees, and the words of the page."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from portal.calculators.bounds import Bounds
from portal.calculators.calculator import Calculator
from portal.calculators.check import Leaf
from portal.calculators.definition import GroupInput, NumberInput, OtherUnit, Output, Shown
from portal.calculators.syntax import compact
from portal.calculators.units import shown_unit

_MOST_DECIMALS = 8
# Every sentence the script can say; a page in another language passes its own.
WORDS: dict[str, str] = {
    "needed_one": "1 more value needed",
    "needed": "{n} more values needed",
    "mend": "Check the marked value",
    "range": "Must be {range}.",
    "whole": "Must be a whole number.",
    "number": "Use digits with one decimal point or comma.",
    "unusual": "Unusual: most values are {range}. Check it.",
    "read_as": "Read as {value}.",
    "converted": "Converted from {value}.",
    "unrounded": "{value} before rounding decides the class.",
    "change_unit": "{label}: unit {unit}. Change to {next}; a value entered is converted",
    "copied": "Copied",
    "not_copied": "Select the text to copy it",
    "was_reset": "All values cleared",
    "version": "Version {version} of {date}, {code}",
    "yes": "Yes",
    "no": "No",
    "no_result": "There is no result for these values.",
}


def browser_definition(calculator: Calculator, words: Mapping[str, str] = WORDS) -> dict[str, Any]:
    """Gives the definition as plain JSON values, formulas as trees; no worked example, no test values."""
    written = calculator.definition
    return {
        "name": written.name,
        "version": written.version,
        "title": written.title,
        "date": f"{written.date.day} {written.date:%B %Y}",
        "code": written.approval_code,
        "groups": [item.name for item in written.inputs if isinstance(item, GroupInput)],
        "inputs": [_input(path, leaf) for path, leaf in calculator.inputs.items()],
        "tables": {table.name: {"columns": table.columns, "rows": table.rows} for table in written.tables},
        "steps": [[step.name, compact(step.node)] for step in calculator.steps],
        "outputs": [
            _output(checked.output)
            | {"is": compact(checked.node), "when": compact(checked.when) if checked.when else None}
            for checked in calculator.outputs
        ],
        "bands": written.bands.model_dump(by_alias=True, exclude_none=True) if written.bands else None,
        "refusals": [
            {"when": compact(node), "fields": item.fields, "say": item.say}
            for item, node in zip(written.refusals, calculator.refusals, strict=True)
        ],
        "notes": [
            {"id": item.id, "when": compact(node), "say": item.say}
            for item, node in zip(written.notes, calculator.notes, strict=True)
        ],
        "references": [reference.text for reference in written.references],
        "words": dict(words),
    }


def browser_json(calculator: Calculator, words: Mapping[str, str] = WORDS) -> str:
    """Gives the definition for the `data-definition` attribute."""
    return json.dumps(browser_definition(calculator, words), ensure_ascii=False, separators=(",", ":"))


def range_in(leaf: NumberInput, other: OtherUnit | None, bounds: Bounds) -> str:
    """Says a range in one of an input's units, its ends rounded inwards so that every value said is taken."""
    converted = None
    for decimals in range(other.decimals, _MOST_DECIMALS + 1) if other else ():
        # A range narrower than the unit's decimals is said with more of them.
        if other and (converted := _inwards(bounds, other, 10.0**decimals)):
            break
    unit = shown_unit(other.unit if other and converted else leaf.unit)
    return f"{(converted or bounds).in_words()} {unit}".strip()


def _inwards(bounds: Bounds, other: OtherUnit, scale: float) -> Bounds | None:
    """Gives a range in another unit in steps of 1 / scale; None where no step lies in it or no number holds it."""
    low, high = (other.from_canonical(end) * scale for end in (bounds.low, bounds.high))
    ends: dict[str, float] = {}
    if bounds.low != -math.inf:
        if not math.isfinite(low):
            return None
        ends["from" if bounds.from_ is not None else "above"] = math.ceil(low) / scale
    if bounds.high != math.inf:
        if not math.isfinite(high):
            return None
        ends["up_to" if bounds.up_to is not None else "below"] = math.floor(high) / scale
    try:
        return Bounds.model_validate(ends)
    except ValidationError:
        return None


def _input(path: str, leaf: Leaf) -> dict[str, Any]:
    shared: dict[str, Any] = {"path": path, "name": leaf.name, "kind": leaf.kind, "label": leaf.label}
    if leaf.optional:
        shared["optional"] = True
    if isinstance(leaf, NumberInput):
        shared["allowed"] = leaf.allowed.model_dump(by_alias=True, exclude_none=True)
        if leaf.plausible:
            shared["plausible"] = leaf.plausible.model_dump(by_alias=True, exclude_none=True)
        shared["units"] = [_unit(leaf, None), *(_unit(leaf, other) for other in leaf.other_units)]
        if leaf.points:
            shared["points"] = [band.model_dump(by_alias=True, exclude_none=True) for band in leaf.points]
        if leaf.options:
            shared["options"] = [option.model_dump(exclude_none=True) for option in leaf.options]
    elif leaf.kind == "choice":
        shared["options"] = [option.model_dump(exclude_none=True) for option in leaf.options]
    elif leaf.points is not None:
        shared["points"] = leaf.points
    return shared


def _unit(leaf: NumberInput, other: OtherUnit | None) -> dict[str, Any]:
    unit = other.unit if other else leaf.unit
    given: dict[str, Any] = {
        "name": other.name if other else leaf.name,
        "unit": unit,
        "shown": shown_unit(unit),
        "range": range_in(leaf, other, leaf.allowed),
    }
    if leaf.plausible:
        given["usual"] = range_in(leaf, other, leaf.plausible)
    if other is not None:
        given |= {"times": other.times} if other.times is not None else {"divide_by": other.divide_by}
    return given


def _output(output: Output) -> dict[str, Any]:
    return {
        "name": output.name,
        "label": output.label,
        "shown": shown_unit(output.unit),
        "decimals": output.decimals,
        "at_least": output.at_least,
        "at_most": output.at_most,
        "shown_as": _shown(output.shown_as) if output.shown_as else None,
        "also": [_shown(item) for item in output.also],
    }


def _shown(item: Shown) -> dict[str, Any]:
    return {"shown": shown_unit(item.unit), "times": item.times, "decimals": item.decimals}
