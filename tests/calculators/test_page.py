"""The page without a script: everything a reader needs, nothing that could submit or keep a value."""

import json
import re

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from portal.calculators import registry
from portal.calculators.browser import range_in
from portal.calculators.definition import NumberInput
from portal.calculators.evaluation import evaluate
from portal.calculators.page import view
from tests.calculators.site import PORTAL

_MACRO = '{% from "calculators/calculator.html" import calculator %}{{ calculator(view) }}'


def html(name: str) -> str:
    pages = Environment(loader=FileSystemLoader(PORTAL / "templates"), autoescape=True, undefined=StrictUndefined)
    return pages.from_string(_MACRO).render(view=view(registry.get(name)))


@pytest.mark.parametrize("name", registry.names())
def test_the_page_shows_formula_limits_example_and_sources(name: str) -> None:
    written, page = registry.get(name).definition, html(name)
    for text in (*written.formula_text, *written.use_when, *written.not_for, *written.pitfalls):
        assert text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#39;") in page
    for reference in written.references:
        assert reference.doi is None or f"https://doi.org/{reference.doi}" in page.replace("&lt;", "<").replace(
            "&gt;", ">"
        )
    assert f"version {written.version} of 22 November 2026" in page
    assert written.approval_code in page
    assert all(decision.because.split(".")[0] in page for decision in written.decisions)


@pytest.mark.parametrize("name", registry.names())
def test_no_field_has_a_name_and_nothing_can_submit(name: str) -> None:
    page = html(name)
    body = re.sub(r'data-definition="[^"]*"', "", page)
    assert not re.search(r"\sname\s*=", body)
    assert not re.search(r"<form\b|type=\"submit\"|formaction|\son[a-z]+=|\sstyle=|<script|<style", body)
    for button in re.findall(r"<button[^>]*>", body):
        assert 'type="button"' in button
    for field in re.findall(r"<input[^>]*>", body):
        assert 'autocomplete="off"' in field
        assert "value=" not in field
    assert 'aria-checked="true"' not in body
    assert "data-work hidden" in body


@pytest.mark.parametrize("name", registry.names())
def test_every_id_stands_once_and_every_field_is_labelled(name: str) -> None:
    page = html(name)
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for target in re.findall(r'(?:for|aria-labelledby)="([^"]+)"', page):
        assert target in ids
    for described in re.findall(r'aria-describedby="([^"]+)"', page):
        assert set(described.split()) <= set(ids)


@pytest.mark.parametrize("name", registry.names())
def test_the_worked_example_is_the_one_computed(name: str) -> None:
    calculator = registry.get(name)
    outcome = evaluate(calculator, calculator.definition.worked_example.inputs)
    shown = view(calculator)
    assert len(shown.example_results) == len(outcome.outputs)
    first = outcome.outputs[0].value
    printed = shown.example_results[0].value
    if isinstance(first, float):
        number = float(printed.split()[0].replace("−", "-"))
        assert number == pytest.approx(first * (100 if "%" in printed and first < 1 else 1))


def test_points_stand_in_a_table() -> None:
    rows = {(row.label, row.detail): row.value for row in view(registry.get("cha2ds2_vasc")).points}
    assert rows["Age", "75 or more years"] == "2"
    assert rows["Stroke, TIA or thromboembolism before", "Yes"] == "2"
    assert len(view(registry.get("child_pugh")).points) == 15
    assert view(registry.get("bmi")).points == ()


def test_the_browser_is_given_no_example_and_no_test_value() -> None:
    given = json.loads(view(registry.get("ckd_epi_2021_cr")).definition_json)
    assert not {"worked_example", "vectors"} & given.keys()
    assert given["version"] == "1.0"


def test_said_ranges_are_taken_in_every_unit() -> None:
    ckd = registry.get("ckd_epi_2021_cr")
    words = {row.label: row.detail for row in view(ckd).ranges}["Serum creatinine"]
    low, high = (float(end) for end in re.findall(r"[\d.]+", words)[:2])
    for value in (low, high):
        assert evaluate(ckd, {"age_years": 50, "sex": "male", "scr_umol_l": value}).outputs


def test_recorded_bands_are_words_of_the_measuring_script() -> None:
    shape = re.compile(r"[a-z][a-z0-9._-]{0,39}")
    for name in registry.names():
        calculator = registry.get(name)
        recorded = registry.recorded_bands(calculator)
        assert all(shape.fullmatch(word) for word in recorded)
        bands = calculator.definition.bands
        assert bool(recorded) == bool(bands and bands.recordable)
    assert registry.recorded_bands(registry.get("ckd_epi_2021_cr"))["g3a"] == "G3a"
    assert registry.recorded_bands(registry.get("has_bled")) == {}


@pytest.mark.parametrize(
    ("allowed", "other", "said"),
    [
        ({"from": 130, "up_to": 320}, {"times": 38.67, "decimals": 2}, "3.37 to 8.27 mmol/L"),
        ({"from": 110, "up_to": 190}, {"times": 100, "decimals": 0}, "1.1 to 1.9 mmol/L"),  # no whole number lies in it
        ({"from": 1, "up_to": 1.7e308}, {"times": 1e-9, "decimals": 0}, "1 to 1.7e+308 mg/dL"),  # no number holds it
        ({"from": 1, "up_to": 1}, {"times": 3, "decimals": 0}, "1 to 1 mg/dL"),
    ],
)
def test_any_range_can_be_said_in_any_unit(allowed: dict[str, float], other: dict[str, float], said: str) -> None:
    units = [{"name": "b", "unit": "mmol/L", **other}]
    written = {"name": "a", "kind": "number", "label": "A", "unit": "mg/dL", "allowed": allowed, "other_units": units}
    leaf = NumberInput.model_validate_json(json.dumps(written))
    assert range_in(leaf, leaf.other_units[0], leaf.allowed) == said
