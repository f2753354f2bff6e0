"""Every known answer comes out, in both engines."""

import json
import re

import pytest
from playwright.sync_api import Page

from portal.calculators import registry
from portal.calculators.answers import answer
from portal.calculators.calculator import parse_definition
from portal.calculators.evaluation import evaluate
from tests.calculators.engines import browser_answers
from tests.calculators.site import Site
from tests.calculators.vectors import FOLDER, Known, known_answers, published

KNOWN = list(known_answers())
# The published name of a score before rounding, and the calculator that computes it.
_UNROUNDED = {"meld_2002_unrounded": "meld_2002"}


def _fits(known: Known, value: object, tolerance: float) -> bool:
    if isinstance(known.expected, dict) and isinstance(value, dict):
        near = [abs(value[name] - wanted) <= tolerance + 1e-12 for name, wanted in known.expected.items()]
        return value.keys() == known.expected.keys() and all(near)
    if isinstance(known.expected, float) and isinstance(value, int | float):
        return abs(value - known.expected) <= tolerance + 1e-12
    return value == known.expected


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: f"{known.calculator}-{known.id}")
def test_a_known_answer_comes_out(known: Known) -> None:
    given = answer(known.calculator, known.inputs)
    assert _fits(known, given["value"], known.tolerance), given
    if known.band:
        assert given["band"] == known.band


def test_every_vector_file_has_its_calculator() -> None:
    assert {known.calculator for known in KNOWN} == set(registry.names())
    assert len(KNOWN) == 433


@pytest.mark.browser
def test_the_browser_gives_every_known_answer(sheet: Page, site: Site) -> None:
    sheet.goto(f"{site.url}/bmi")
    for name in registry.names():
        rows = [known for known in KNOWN if known.calculator == name]
        given = browser_answers(sheet, registry.get(name), [row.inputs for row in rows])
        for row, found in zip(rows, given, strict=True):
            values = {item[0]: item[1] for item in found["outputs"]}
            first = found["outputs"][0][1]
            assert _fits(row, values if isinstance(row.expected, dict) else first, row.tolerance), (row, found)
            assert not row.band or found["band"] == row.band


def _nearness(tolerance: str) -> tuple[int | None, float]:
    """The decimals to round to, or None, and how near the value must then be."""
    rounded = re.match(r"round(\d)", tolerance)
    return (int(rounded[1]), 1e-9) if rounded else (None, float(tolerance.split()[0]))


@pytest.mark.parametrize("row", published(), ids=lambda row: f"{row['calc']}-{row['expected'][:8]}")
def test_a_published_answer_comes_out(row: dict[str, str]) -> None:
    name = _UNROUNDED.get(row["calc"], row["calc"])
    inputs, decimals, near = json.loads(row["inputs"]), *_nearness(row["tolerance"])
    if name == "meld_na_2008_unrounded":
        _another_score(inputs, float(row["expected"]))
        return
    given = {figure.name: figure.unrounded for figure in evaluate(registry.get(name), inputs).outputs}
    expected = json.loads(row["expected"]) if row["expected"].startswith("{") else None
    wanted = expected or {next(iter(given)): float(row["expected"])}
    for output, value in wanted.items():
        got = given[output]
        assert isinstance(got, float)
        assert abs((round(got, decimals) if decimals is not None else got) - value) <= near, given


def _another_score(inputs: dict[str, object], expected: float) -> None:
    """The formula of 2008 gives the published number in this language, and the one of 2016 is not it."""
    definition = json.loads(registry.source("meld_na_2016"))
    definition["steps"][1:] = [
        {"name": "initial", "is": definition["steps"][1]["is"].removeprefix("round(").removesuffix(")")},
        {"name": "na", "is": "clamp(sodium_mmol_l, 125, 140) / 1[mmol/L]"},
        {"name": "meld_na", "is": "initial - na - 0.025 * initial * (140 - na) + 140"},
    ]
    of_2008 = evaluate(parse_definition(json.dumps(definition)), inputs)
    of_2016 = evaluate(registry.get("meld_na_2016"), inputs)
    assert isinstance(of_2008.unrounded, float)
    assert isinstance(of_2016.unrounded, float)
    assert abs(of_2008.unrounded - expected) < 0.0005
    assert abs(of_2016.unrounded - expected) > 0.1


def test_no_calculator_under_a_closed_licence_ships() -> None:
    text = (FOLDER / "licence_locked_calculators.csv").read_text()
    locked = [line.split(",")[0] for line in text.splitlines()[1:]]
    for title in locked:
        for word in re.split(r"[ /()-]+", title.lower()):
            assert word not in registry.names()
    for name in registry.NOT_OFFERED:
        with pytest.raises(registry.CalculatorUnknown, match="not offered"):
            registry.get(name)
