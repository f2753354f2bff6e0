"""Where a definition begins: a small one that computes, parts to add to it, and a copy under a new name. Pure."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

TO_WRITE = "(to be written)"  # stands wherever the author has to put words; the lint refuses what still holds it
NO_ADDRESS = "https://doi.org/"  # the same for the address of a reference
CODE_SLOT = "{approval_code}"  # filled when a version is rendered, at its approval
LONGEST_NAME = 40

Written = dict[str, Any]


class PartRefused(ValueError):
    """A part that cannot be added, because the text is not a definition or the part is not known."""


def skeleton(name: str, title: str, purpose: str, *, on: datetime.date) -> str:
    """Give a definition that can be read and computes: one number in and out, its words still to be written."""
    return _text(
        {
            "name": name,
            "title": title,
            "purpose": purpose,
            "version": "1.0",
            "date": on.isoformat(),
            "approval_code": CODE_SLOT,
            "inputs": [_number("amount")],
            "steps": [],
            "outputs": [{"name": "result", "label": "Result", "is": "amount", "unit": "1", "decimals": 1}],
            "formula_text": [TO_WRITE],
            "worked_example": {"title": TO_WRITE, "inputs": {"amount": 50}, "result": {"result": 50}},
            "use_when": [TO_WRITE],
            "not_for": [TO_WRITE],
            "pitfalls": [TO_WRITE],
            "references": [{"text": TO_WRITE, "url": NO_ADDRESS}],
            "vectors": [_vector({"amount": 50}, {"result": 50})],
        }
    )


def copied(text: str, name: str, title: str, purpose: str, *, on: datetime.date) -> str:
    """Give a definition's text under another name, as its first version, without its approval code."""
    written = json.loads(text)
    named = {"name": name, "title": title, "purpose": purpose, "version": "1.0"}
    return _text(written | named | {"date": on.isoformat(), "approval_code": CODE_SLOT})


def with_part(text: str, part: str) -> str:
    """Give a definition's text with one more part, named apart from what is there; raises PartRefused."""
    if part not in PARTS:
        raise PartRefused("There is no such part to add.")
    try:
        written = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PartRefused(f"The definition is not JSON, so nothing can be added to it: {error}.") from None
    if not isinstance(written, dict):
        raise PartRefused("The definition must be a JSON object, so nothing can be added to it.")
    try:
        PARTS[part][1](written)
    except (AttributeError, KeyError, TypeError) as error:
        raise PartRefused("The definition is not of the shape that parts are added to; see what is to mend.") from error
    return _text(written)


def _add_input(given: Callable[[str], Written], value: object) -> Callable[[Written], None]:
    def add(written: Written) -> None:
        name = _free(written, "input")
        written.setdefault("inputs", []).append(given(name))
        for known in (written["worked_example"], *written.get("vectors", ())):
            known["inputs"][name] = value

    return add


def _add(place: str, made: Callable[[Written, str], Written], stem: str) -> Callable[[Written], None]:
    def add(written: Written) -> None:
        written.setdefault(place, []).append(made(written, _free(written, stem)))

    return add


def _add_output(written: Written) -> None:
    name = _free(written, "result")
    written["outputs"].append({"name": name, "label": TO_WRITE, "is": "0", "unit": "1", "decimals": 1})
    written["worked_example"]["result"][name] = 0


def _add_band(written: Written) -> None:
    bands = written.get("bands") or {"on": "value", "recordable": False, "each": []}
    ends: Written = {"from": 0} if bands["each"] else {}
    taken = {each["id"] for each in bands["each"]}
    key = next(f"band_{n}" for n in range(1, 100) if f"band_{n}" not in taken)
    bands["each"].append({"id": key, "label": TO_WRITE, **ends, "meaning": TO_WRITE})
    written["bands"] = bands


def _number(name: str) -> Written:
    allowed, usual = {"from": 0, "up_to": 100}, {"from": 1, "up_to": 99}
    return {"name": name, "kind": "number", "label": TO_WRITE, "unit": "1", "allowed": allowed, "plausible": usual}


def _yes_no(name: str) -> Written:
    return {"name": name, "kind": "boolean", "label": TO_WRITE, "points": 1}


def _choice(name: str) -> Written:
    options = [{"value": "first", "label": "First", "points": 0}, {"value": "second", "label": "Second", "points": 1}]
    return {"name": name, "kind": "choice", "label": TO_WRITE, "options": options}


def _vector(inputs: Written, expected: Written) -> Written:
    return {"inputs": dict(inputs), "expected": dict(expected), "tolerance": 0, "source": TO_WRITE}


# What an author can add with one press: key, what the button says, and how it is done.
PARTS: dict[str, tuple[str, Callable[[Written], None]]] = {
    "number": ("Number", _add_input(_number, 50)),
    "yes-no": ("Yes or no", _add_input(_yes_no, False)),
    "choice": ("Choice", _add_input(_choice, "first")),
    "step": ("Step", _add("steps", lambda _written, name: {"name": name, "label": TO_WRITE, "is": "0"}, "step")),
    "output": ("Result", _add_output),
    "band": ("Band", _add_band),
    "note": ("Note", _add("notes", lambda _written, name: {"id": name, "when": "true", "say": TO_WRITE}, "note")),
    "reference": (
        "Reference",
        _add("references", lambda _written, _name: {"text": TO_WRITE, "url": NO_ADDRESS}, ""),
    ),
    "vector": (
        "Known answer",
        _add(
            "vectors",
            lambda written, _name: _vector(written["worked_example"]["inputs"], written["worked_example"]["result"]),
            "",
        ),
    ),
}


def _free(written: Written, stem: str) -> str:
    """Give a name that nothing in the definition has."""
    taken = json.dumps(written)
    return next(f"{stem}_{n}" for n in range(1, 1_000) if f'"{stem}_{n}"' not in taken)


def _text(written: Written) -> str:
    return json.dumps(written, indent=1, ensure_ascii=False) + "\n"
