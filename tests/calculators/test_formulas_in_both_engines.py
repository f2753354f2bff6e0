"""Formulas nobody wrote: made by chance, checked once, and computed alike by both engines."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page

from portal.calculators.calculator import Calculator, DefinitionRefused, parse_definition
from portal.calculators.samples import Chance
from tests.calculators.engines import browser_answers, disagreement, python_answers
from tests.calculators.site import Site
from tests.calculators.test_language import INPUTS, definition

pytestmark = pytest.mark.browser

_NUMBERS = ("0", "1", "-1", "0.1", "2.5", "1e-9", "1e308", "3", "as_unit(x, '1')", "n", "as_unit(k, '1')", "points(c)")
_TRUTHS = ("t", "true", "c == 'one'", "given(y)", "given_in(x, 'g/L')")
_TWO = ("+", "-", "*", "/", "^")
_EDGES = (0.0, -0.0, 5e-324, 1.0, 0.5, 2.5, 1e6, -1e6, 0.285, 1.005, 0.1 + 0.2)


def a_number(chance: Chance, depth: int) -> str:
    if depth == 0 or chance.random() < 0.15:
        return chance.choice(_NUMBERS)
    one, two = a_number(chance, depth - 1), a_number(chance, depth - 1)
    match chance.randint(0, 7):
        case 0 | 1 | 2:
            return f"({one} {chance.choice(_TWO)} {two})"
        case 3:
            return f"if({a_truth(chance, depth - 1)}, {one}, {two})"
        case 4:
            return f"{chance.choice(('min', 'max'))}({one}, {two}, {chance.choice(_NUMBERS)})"
        case 5:
            return f"{chance.choice(('ln', 'log10', 'exp', 'sqrt', 'abs', '-'))}({one})"
        case 6:
            return f"round({one}, {chance.randint(0, 6)})"
        case _:
            return f"clamp({one}, {two}, {chance.choice(_NUMBERS)}) + count({a_truth(chance, depth - 1)})"


def a_truth(chance: Chance, depth: int) -> str:
    if depth == 0 or chance.random() < 0.2:
        return chance.choice(_TRUTHS)
    if chance.random() < 0.6:
        sign = chance.choice(("<", "<=", ">", ">=", "==", "!="))
        return f"({a_number(chance, depth - 1)} {sign} {a_number(chance, depth - 1)})"
    return f"(not {a_truth(chance, depth - 1)} {chance.choice(('and', 'or'))} {a_truth(chance, depth - 1)})"


def calculator(formula: str, **changes: Any) -> Calculator | None:
    try:
        return parse_definition(json.dumps(definition(formula, **changes)))
    except DefinitionRefused:
        return None


def test_formulas_made_by_chance_come_out_alike(sheet: Page, site: Site) -> None:
    sheet.goto(f"{site.url}/bmi")
    chance, compared = Chance(8), 0
    for _ in range(250):
        made = calculator(a_number(chance, 4))
        if made is None:
            continue
        questions: list[dict[str, object]] = [
            {**INPUTS, "x": chance.choice(_EDGES), "k": chance.choice(_EDGES), "n": chance.randint(-5, 5)}
            for _ in range(8)
        ]
        pairs = zip(python_answers(made, questions), browser_answers(sheet, made, questions), strict=True)
        for asked, (ours, theirs) in zip(questions, pairs, strict=True):
            assert not disagreement(ours, theirs), (made.definition.outputs[0].is_, asked)
        compared += 1
    assert compared > 150


def test_an_input_may_have_the_name_of_something_in_the_language_of_browsers(sheet: Page, site: Site) -> None:
    sheet.goto(f"{site.url}/bmi")
    for name in ("constructor", "watch", "length", "default"):
        inputs = [
            {"name": name, "kind": "number", "label": "N", "allowed": {"from": 0, "up_to": 9}, "optional": True},
            {
                "name": "valueof" if name == "constructor" else "constructor",
                "kind": "group",
                "label": "G",
                "inputs": [{"name": "b", "kind": "boolean", "label": "B", "points": 1}],
            },
        ]
        made = calculator(f"value_or({name}, 4)", inputs=inputs)
        assert made is not None
        group = inputs[1]["name"]
        questions: list[dict[str, object]] = [{name: 2, group: {"b": True}}, {group: {"b": True}}, {name: 2}, {}]
        pairs = zip(python_answers(made, questions), browser_answers(sheet, made, questions), strict=True)
        assert [disagreement(*pair) for pair in pairs] == ["", "", "", ""]
