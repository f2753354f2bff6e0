"""The formula language: what it reads, what it refuses, and that it refuses nothing else than clearly."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.calculators import registry
from portal.calculators.calculator import DefinitionRefused, parse_definition
from portal.calculators.evaluation import evaluate
from portal.calculators.functions import FUNCTIONS
from portal.calculators.inputs import InputRefused
from portal.calculators.parser import parse
from portal.calculators.printing import formula
from portal.calculators.syntax import FormulaRefused, compact


def definition(formula: str, **changes: Any) -> dict[str, Any]:
    """A small calculator around one formula, in x (mg/dL), y (mg/dL), k (kg), n (whole), t (yes/no), c (choice)."""
    number = {"kind": "number", "label": "Number", "allowed": {"from": -1e6, "up_to": 1e6}}
    inputs: list[dict[str, Any]] = [
        {**number, "name": "x", "unit": "mg/dL", "other_units": [{"name": "x_g_l", "unit": "g/L", "times": 100}]},
        {**number, "name": "y", "unit": "mg/dL", "optional": True},
        {**number, "name": "k", "unit": "kg"},
        {**number, "name": "n", "kind": "integer", "points": [{"below": 0, "points": 0}, {"from": 0, "points": 2}]},
        {"name": "t", "kind": "boolean", "label": "Yes", "points": 3},
        {
            "name": "c",
            "kind": "choice",
            "label": "Choice",
            "options": [{"value": "one", "label": "1", "points": 1}, {"value": "two", "label": "2", "points": 5}],
        },
    ]
    return {
        "name": "small",
        "title": "Small",
        "purpose": "For tests.",
        "version": "1.0",
        "date": "2026-11-22",
        "approval_code": "T",
        "inputs": inputs,
        "tables": [{"name": "w", "columns": ["a", "b"], "rows": {"one": [1, 2], "two": [10, 20]}}],
        "outputs": [{"name": "out", "label": "Out", "is": formula, "decimals": 6}],
        "formula_text": ["out"],
        "worked_example": {"title": "None", "inputs": {}, "result": {}},
        "use_when": ["never"],
        "not_for": ["patients"],
        "pitfalls": ["none"],
        "references": [{"text": "None", "url": "https://example.org/"}],
        **changes,
    }


INPUTS: dict[str, object] = {"x": 4.0, "k": 2.0, "n": 3, "t": True, "c": "two"}


def value(formula: str, **inputs: object) -> object:
    return evaluate(parse_definition(json.dumps(definition(formula))), INPUTS | inputs).unrounded


@pytest.mark.parametrize(
    ("formula", "result"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("2 ^ 3 ^ 2", 512),
        ("-2 ^ 2", -4),
        ("10 - 4 - 3", 3),
        ("16 / 4 / 2", 2),
        ("1.5e1 + .5", 15.5),
        ("if(1 < 2 and not 2 < 1, 10, 20)", 10),
        ("if(1 > 2 or 2 > 1, 10, 20)", 10),
        ("case(1 > 2, 1, 2 > 3, 2, 3)", 3),
        ("min(3, 1, 2) + max(3, 1, 2) + clamp(9, 0, 5)", 9),
        ("sqrt(16) + abs(-3) + exp(0) + ln(1) + log10(100)", 10),
        ("round(2.345, 2) + round(2.5)", 5.35),
        ("points(n) + points(t) + points(c)", 10),
        ("count(t, not t, true)", 2),
        ("weighted(w, list(3, 4), c)", 110),
        ("cell(w, 'b', c)", 20),
        ("as_unit(x, '1') + as_unit(value_or(y, 7), '1')", 11),
        ("if(given(y), 1, 2)", 2),
        ("if(given_in(x, 'mg/dL'), 1, 2)", 1),
        ("if(c == 'two', 1, 2) + if(c != 'two', 1, 2)", 3),
        ("as_unit(x + 1[mg/dL], '1')", 5),
        ("x / 2[mg/dL]", 2),
    ],
)
def test_a_formula_means_what_it_says(formula: str, result: float) -> None:
    assert value(formula) == pytest.approx(result, rel=1e-12)


def test_the_unit_something_was_given_in_can_be_asked_for() -> None:
    inputs = {key: given for key, given in INPUTS.items() if key != "x"} | {"x_g_l": 0.04}
    calculator = parse_definition(json.dumps(definition("if(given_in(x, 'g/L'), as_unit(x, '1'), 0)")))
    assert evaluate(calculator, inputs).unrounded == 4


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("", "is: it is empty$"),
        ("1 +", "ends where a value"),
        ("1 2", "does not belong"),
        ("(1", "is missing after the bracket"),
        ("min(1, 2", "is missing after the arguments of min"),
        ("1 < 2 < 3", "cannot be chained"),
        ("nothing + 1", "no input or earlier step"),
        ("open(1)", "no function 'open'"),
        ("__import__('os')", "no meaning here"),
        ("x.__class__", "no meaning here"),
        ("x; x", "no meaning here"),
        ("lambda: 1", "does not belong|no meaning"),
        ("[1]", "value should stand"),
        ("1[stone]", "not a unit"),
        ("k ^ 999", "at most the power 12"),
        ("k ^ -1000000", "at most the power 12"),
        ("1 / x ^ 1000000", "at most the power 12"),
        ("*".join(["k ^ 12"] * 30), "beyond what can be measured"),
        ("x + k", "mixes"),
        ("x < k", "mixes"),
        ("if(t, x, k)", "mixes"),
        ("x + 1[kg]", "mixes"),
        ("x", "not 1"),
        ("x * k", "not 1"),
        ("t + 1", "cannot take a yes or no"),
        ("c + 1", "cannot take a text"),
        ("if(1, 2, 3)", "cannot take a plain number"),
        ("if(t, 1, 'one')", "different types"),
        ("if(t, 1)", "takes 3"),
        ("case(t, 1, 2, 3)", "pairs"),
        ("c == 'three'", "never be equal"),
        ("t == 1", "cannot take"),
        ("y + 1", "optional"),
        ("points(x)", "declares no points"),
        ("points(1)", "name of an input"),
        ("given_in(x, 'kg')", "one of the input's units"),
        ("weighted(w, list(1), c)", "2 terms"),
        ("weighted(w, list(1, 2), 'three')", "no row"),
        ("cell(w, 'z', c)", "columns"),
        ("cell(v, 'a', c)", "name of a table"),
        ("round(1, 9)", "0 to 6"),
        ("2 ^ x", "plain number"),
        ("list(1, 2)", "a number with decimals"),
        ("t", "a number with decimals"),
        ("'" + "a" * 90 + "'", "no meaning"),
        ("1e999", "too large"),
        ("(" * 60 + "1" + ")" * 60, "deeper"),
        (" + ".join(["1"] * 80), "deeper"),
        (" - " * 300 + "1", "deeper"),
        ("1 " * 3000, "longer|more than|at most"),
    ],
)
def test_what_a_formula_may_not_say_is_refused_with_its_place(formula: str, said: str) -> None:
    with pytest.raises(DefinitionRefused, match=said) as refused:
        parse_definition(json.dumps(definition(formula)))
    assert refused.value.problems[0].place.startswith("outputs")


@pytest.mark.parametrize(
    ("formula", "inputs"),
    [
        ("1 / as_unit(x, '1')", {"x": 0}),
        ("ln(x)", {"x": 0}),
        ("log10(x)", {"x": -1}),
        ("sqrt(x)", {"x": -1}),
        ("as_unit(x, '1') ^ 0.5", {"x": -1}),
        ("as_unit(x, '1') ^ -1", {"x": 0}),
        ("exp(x)", {"x": 100_000}),
        ("10 ^ as_unit(x, '1')", {"x": 1000}),
        ("1e300 * 1e300 * as_unit(x, '1')", {"x": 1}),
        ("weighted(w, list(1e308, 1e308), c)", {}),
    ],
)
def test_a_formula_without_a_result_refuses_its_inputs(formula: str, inputs: dict[str, object]) -> None:
    with pytest.raises(InputRefused, match="no result"):
        value(formula, **inputs)


@given(st.text(max_size=200))
@settings(max_examples=1500, deadline=None)
def test_any_text_is_read_or_clearly_refused(text: str) -> None:
    place = 0
    try:
        parse(text)
    except FormulaRefused as error:
        place = error.at
    assert 0 <= place <= len(text)


_SIGNS = [
    "+",
    "-",
    "*",
    "/",
    "^",
    "(",
    ")",
    ",",
    "<",
    ">",
    "==",
    "<=",
    "and",
    "or",
    "not",
    "true",
    "if(",
    "case(",
    "((",
]
_VALUES = ["x", "y", "k", "n", "t", "c", "w", "1", "0.5", "'one'", "'two'", "2[mg/dL]", "3[kg]", "'g/L'", "'a'"]
_WORDS = st.sampled_from([*FUNCTIONS, *_SIGNS, *_VALUES])


@given(st.lists(_WORDS, max_size=30))
@settings(max_examples=1500, deadline=None)
def test_any_jumble_of_words_is_a_calculator_or_clearly_refused(words: list[str]) -> None:
    try:
        calculator = parse_definition(json.dumps(definition(" ".join(words) or "1")))
    except DefinitionRefused:
        return
    for c in ("one", "two"):
        for x in (0, -1, 3):
            said = "no result"
            try:
                evaluate(calculator, INPUTS | {"c": c, "x": x})
            except InputRefused as error:
                said = str(error)
            assert "no result" in said


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["name", "inputs", "steps", "outputs", "is", "bands", "kind"]), inner)
        ),
    )
)
@settings(max_examples=300, deadline=None)
def test_any_json_is_a_definition_or_clearly_refused(document: object) -> None:
    with pytest.raises(DefinitionRefused) as refused:
        parse_definition(json.dumps(document))
    assert refused.value.problems


def test_every_shipped_formula_prints_and_packs() -> None:
    for name in registry.names():
        calculator = registry.get(name)
        for step in calculator.steps:
            assert formula(step.node)
            json.dumps(compact(step.node))


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "null",
        '{"name": 1}',
        '{"name": "a", "name": "a"}',
        "[" * 100_000,
        "1" * 5_000,
        '{"a": "' + "x" * 300_000 + '"}',
    ],
)
def test_what_is_no_definition_is_refused(text: str) -> None:
    with pytest.raises(DefinitionRefused):
        parse_definition(text)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"version": "one"}, "version"),
        ({"surprise": 1}, "surprise"),
        ({"steps": [{"name": "x", "is": "1"}]}, "steps.x"),
        ({"steps": [{"name": "min", "is": "1"}]}, "steps.min"),
        ({"steps": [{"name": "a", "is": "b"}, {"name": "b", "is": "1"}]}, "steps.a"),
        ({"steps": [{"name": "a", "unit": "kg", "is": "x"}]}, "steps.a"),
        ({"notes": [{"id": "a", "when": "1", "say": "s"}]}, "notes.a"),
        ({"refusals": [{"when": "1 +", "fields": ["x"], "say": "s"}]}, "refusals.1"),
        ({"bands": {"on": "nothing", "each": [{"id": "a", "label": "a", "meaning": "m"}]}}, "bands.on"),
        ({"bands": {"each": [{"id": "a", "label": "a", "meaning": "m", "equals": "q"}]}}, "bands.a"),
        ({"references": [{"text": "nowhere"}]}, "references"),
        ({"outputs": []}, "outputs"),
    ],
)
def test_a_mistake_in_a_definition_names_its_place(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(DefinitionRefused) as refused:
        parse_definition(json.dumps(definition("1", **changes)))
    assert place in [problem.place for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"outputs": []}, "outputs: it is empty"),
        ({"surprise": 1}, "surprise: there is no such key here"),
        ({"version": "one"}, "version: write two numbers with a point between them, such as 1.0"),
        ({"date": "yesterday"}, "date: write a day as 2026-11-22"),
        ({"title": 7}, "title: write a text in quotes"),
        ({"steps": {}}, "steps: write a list in square brackets"),
        ({"steps": [7]}, "steps.1: write an object in braces"),
        ({"steps": [{"name": "A", "is": "1"}]}, "steps.1.name: write a lower-case letter"),
        ({"steps": [{"name": "a"}]}, "steps.1.is: this is needed"),
        ({"inputs": [{"name": "x"}]}, "inputs.1: say the 'kind'"),
        ({"inputs": [{"name": "x", "kind": "date"}]}, "inputs.1: it is one of number, integer, boolean, choice, group"),
        ({"inputs": [{"name": "x", "kind": "number", "label": "X"}]}, "inputs.1.allowed: this is needed"),
        ({"tables": [{"name": "t", "columns": ["a"], "rows": {"r": [1]}}] * 2}, "tables.t: 't' is named twice"),
    ],
)
def test_a_mistake_in_a_definition_is_said_in_a_sentence(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(DefinitionRefused) as refused:
        parse_definition(json.dumps(definition("1", **changes)))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("2 \u2212 1", "'\u2212' (minus sign) has no meaning here; write - (at character 3)"),
        ("\u0445 + 1", "'\u0445' (cyrillic small letter ha) has no meaning here (at character 1)"),
        ("1 = 2", "'=' has no meaning here; write == (at character 3)"),
        ("1 \u202e", "U+202E (right-to-left override) has no meaning here"),
        ("1[cm] + 1[kg]", "'+' mixes cm with kg"),
        ("1[mg/dL] < 1[mmol/L]", "'<' mixes mg/dL with mmol/L"),
        ("1[kg/m2]", "it gives a number in kg/m2, not"),
    ],
)
def test_a_sign_and_a_unit_are_named_as_an_author_knows_them(formula: str, said: str) -> None:
    with pytest.raises(DefinitionRefused) as refused:
        parse_definition(json.dumps(definition(formula)))
    assert said in str(refused.value)


def test_very_large_definitions_are_refused_and_their_faults_counted() -> None:
    wide = [{"name": f"s{place}", "is": f"max({','.join(['x'] * 490)})"} for place in range(9)]
    with pytest.raises(DefinitionRefused, match="more than 4000 words"):
        parse_definition(json.dumps(definition("1", steps=wide)))
    with pytest.raises(DefinitionRefused) as refused:
        parse_definition(json.dumps({f"k{place}": 1 for place in range(2_000)}))
    assert len(refused.value.problems) == 51
    assert "more like these" in refused.value.problems[-1].message


def test_a_changed_formula_changes_the_fingerprint() -> None:
    one, other = (parse_definition(json.dumps(definition(formula))) for formula in ("1", "1 + 0"))
    assert one.fingerprint != other.fingerprint
    assert one.fingerprint == parse_definition(json.dumps(definition("1"))).fingerprint
