"""Both engines asked the same question, their answers in one shape."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from playwright.sync_api import Page

from portal.calculators.browser import browser_json
from portal.calculators.calculator import Calculator
from portal.calculators.evaluation import evaluate
from portal.calculators.inputs import InputRefused, Reason

Answer = dict[str, Any]
RELATIVE = 1e-9

_ASK = """([definition, questions]) => {
  const read = JSON.parse(definition);
  return JSON.stringify(JSON.parse(questions).map((inputs) => {
    const found = portalCalculators.evaluate(read, inputs);
    if (!found.ok) return { faults: found.faults.map(([field, reason]) => [field, reason]) };
    return {
      outputs: found.outputs.map((item) => [item.output.name, item.value, item.unrounded]),
      band: found.band?.id ?? null,
      notes: found.notes.map((note) => note.id),
      unusual: found.unusual.length,
    };
  }));
}"""


def python_answers(calculator: Calculator, questions: Sequence[dict[str, object]]) -> list[Answer]:
    """Gives the Python engine's answers."""
    return [_python(calculator, inputs) for inputs in questions]


def browser_answers(page: Page, calculator: Calculator, questions: Sequence[dict[str, object]]) -> list[Answer]:
    """Gives the JavaScript engine's answers; the page has loaded js/calculator.js."""
    answers: list[Answer] = json.loads(page.evaluate(_ASK, [browser_json(calculator), json.dumps(questions)]))
    return answers


def disagreement(ours: Answer, theirs: Answer) -> str:
    """Says how two answers differ, or nothing where they agree to 1e-9 relative."""
    if ("faults" in ours) != ("faults" in theirs):
        return f"{ours} against {theirs}"
    if "faults" in ours:
        same = sorted(map(tuple, ours["faults"])) == sorted(map(tuple, theirs["faults"]))
        return "" if same else f"{ours} against {theirs}"
    for key in ("band", "notes", "unusual"):
        if ours[key] != theirs[key]:
            return f"{key}: {ours[key]} against {theirs[key]}"
    if [item[0] for item in ours["outputs"]] != [item[0] for item in theirs["outputs"]]:
        return f"{ours} against {theirs}"
    for left, right in zip(ours["outputs"], theirs["outputs"], strict=True):
        for place, what in ((1, "value"), (2, "unrounded")):
            if not _near(left[place], right[place]):
                return f"{what} of {left[0]}: {left[place]!r} against {right[place]!r}"
    return ""


def relative_error(ours: Answer, theirs: Answer) -> float:
    """Gives the largest relative difference of the unrounded numbers of two answers."""
    pairs = zip(ours.get("outputs", ()), theirs.get("outputs", ()), strict=False)
    return max((_distance(left[2], right[2]) for left, right in pairs), default=0.0)


def _python(calculator: Calculator, inputs: dict[str, object]) -> Answer:
    try:
        outcome = evaluate(calculator, inputs)
    except InputRefused as error:
        # The browser does not name the step in which a formula ends without a result.
        return {
            "faults": [
                ["" if fault.reason is Reason.UNDEFINED else fault.field, fault.reason.value] for fault in error.faults
            ]
        }
    return {
        "outputs": [[figure.name, figure.value, figure.unrounded] for figure in outcome.outputs],
        "band": outcome.band.id if outcome.band else None,
        "notes": list(outcome.notes),
        "unusual": len(outcome.warnings) - len(outcome.notes),
    }


def _near(left: float | str, right: float | str) -> bool:
    if isinstance(left, str) or isinstance(right, str):
        return left == right
    return math.isclose(left, right, rel_tol=RELATIVE, abs_tol=1e-12)


def _distance(left: float | str, right: float | str) -> float:
    if isinstance(left, str) or isinstance(right, str) or left == right:
        return 0.0
    return abs(left - right) / max(abs(left), abs(right))
