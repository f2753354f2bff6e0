"""The lint finds every seeded defect at its place, and nothing in what ships."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from portal.calculators import registry
from portal.calculators.lint import Rule, lint

Definition = dict[str, Any]
Seed = Callable[[Definition], None]


@pytest.mark.parametrize("name", registry.names())
def test_what_ships_is_clean(name: str) -> None:
    assert lint(registry.source(name)) == ()


def _input(definition: Definition, name: str) -> Definition:
    return next(item for item in definition["inputs"] if item["name"] == name)


def _step(definition: Definition, name: str) -> Definition:
    return next(item for item in definition["steps"] if item["name"] == name)


def _band(definition: Definition, name: str) -> Definition:
    return next(item for item in definition["bands"]["each"] if item["id"] == name)


def _without_band(name: str) -> Seed:
    return lambda it: it["bands"]["each"].remove(_band(it, name))


def _renamed_band(definition: Definition) -> None:
    _band(definition, "high")["equals"] = "enormous"


def _extra_text(definition: Definition) -> None:
    _step(definition, "advice")["is"] = (
        "case(score == 9, 'extreme', without_sex == 0, 'low', without_sex == 1, 'intermediate', 'high')"
    )


def _extra_band(definition: Definition) -> None:
    band = {"id": "sky", "label": "Sky", "above": 70000, "meaning": "Never."}
    definition["bands"]["each"].append(band)
    _band(definition, "obese_3")["up_to"] = 70000


def _far_band(definition: Definition) -> None:
    definition["bands"]["each"].append({"id": "never", "label": "Never", "from": 72.1, "meaning": "Never."})
    _band(definition, "severe")["below"] = 72.1


def _vector(definition: Definition) -> None:
    definition["vectors"][0]["expected"]["egfr"] = 81


def _late_vector(definition: Definition) -> None:
    definition["vectors"][2]["expected"]["egfr"] = 94.6


def _vector_inputs(definition: Definition) -> None:
    definition["vectors"][0]["inputs"]["scr_mg_dl"] = 500


def _change(*path: str | int, to: Any) -> Seed:
    def seed(definition: Definition) -> None:
        place: Any = definition
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to

    return seed


def _in(kind: str, name: str, key: str, to: Any) -> Seed:
    found = {"input": _input, "step": _step, "band": _band}[kind]
    return lambda definition: found(definition, name).__setitem__(key, to)


def _also(*seeds: Seed) -> Seed:
    def seed(definition: Definition) -> None:
        for one in seeds:
            one(definition)

    return seed


def _added(key: str, item: Any) -> Seed:
    return lambda definition: definition.setdefault(key, []).append(item)


def _zero_height(definition: Definition) -> None:
    _input(definition, "height_cm")["allowed"] = {"from": 0, "up_to": 272}


SEEDED: list[tuple[str, str, Seed, str, Rule]] = [
    # unreachable bands and conditions
    ("a band no text leads to", "fib4", _renamed_band, "bands.high", Rule.UNREACHABLE),
    ("a band above the largest result", "pasi", _far_band, "bands.never", Rule.UNREACHABLE),
    ("a band nothing in range reaches", "bmi", _extra_band, "bands.sky", Rule.UNREACHABLE),
    ("a band below the cap", "meld_2002", _in("band", "to_9", "below", 3), "bands.to_9", Rule.UNREACHABLE),
    (
        "points beyond the range",
        "cha2ds2_vasc",
        _in("input", "age_years", "allowed", {"from": 18, "up_to": 70}),
        "inputs.age_years.points",
        Rule.UNREACHABLE,
    ),
    ("a note never shown", "fib4", _change("notes", 0, "when", to="age_years < 10"), "notes.young", Rule.UNREACHABLE),
    (
        "a refusal never met",
        "ldl_friedewald",
        _change("refusals", 0, "when", to="hdl_mg_dl > 5000"),
        "refusals.1",
        Rule.UNREACHABLE,
    ),
    (
        "an output never given",
        "prevent_base",
        _change("outputs", 3, "when", to="age_years < 20"),
        "outputs.total_cvd_30y.when",
        Rule.UNREACHABLE,
    ),
    # gaps and overlaps
    ("a band taken away", "ckd_epi_2021_cr", _without_band("G3a"), "bands", Rule.GAP),
    ("a gap of one unit", "bmi", _in("band", "normal", "below", 24.9), "bands", Rule.GAP),
    ("both ends open", "apri", _in("band", "between", "up_to", 1.49), "bands", Rule.GAP),
    ("no band at the lower end", "ckd_epi_2021_cr", _without_band("G5"), "bands", Rule.GAP),
    ("no band at the upper end", "ldl_friedewald", _without_band("very_high"), "bands", Rule.GAP),
    ("a text without a band", "cha2ds2_vasc", _extra_text, "bands", Rule.GAP),
    ("a text band taken away", "kdigo_risk", _without_band("moderate"), "bands", Rule.GAP),
    (
        "points with a gap",
        "child_pugh",
        _change("inputs", 0, "points", 0, "below", to=1.9),
        "inputs.bilirubin_mg_dl.points",
        Rule.GAP,
    ),
    (
        "no points at the upper end",
        "child_pugh",
        _change("inputs", 2, "points", 2, to={"above": 2.3, "up_to": 5, "points": 3}),
        "inputs.inr.points",
        Rule.GAP,
    ),
    ("bands that overlap", "ckd_epi_2021_cr", _in("band", "G4", "below", 31), "bands", Rule.OVERLAP),
    ("a limit in two bands", "das28_esr", _in("band", "moderate", "above", 3.1), "bands", Rule.OVERLAP),
    (
        "points that overlap",
        "child_pugh",
        _change("inputs", 1, "points", 1, "up_to", to=3.6),
        "inputs.albumin_g_dl.points",
        Rule.OVERLAP,
    ),
    # units
    (
        "a factor the wrong way round",
        "ukeld",
        _change("inputs", 2, "other_units", to=[{"name": "creatinine_mg_dl", "unit": "mg/dL", "divide_by": 88.4}]),
        "inputs.creatinine_umol_l",
        Rule.CONVERSION,
    ),
    (
        "a factor of another substance",
        "ldl_friedewald",
        _change("inputs", 2, "substance", to="cholesterol"),
        "inputs.triglycerides_mg_dl",
        Rule.CONVERSION,
    ),
    (
        "ten times too much",
        "corrected_calcium",
        _change("inputs", 1, "other_units", to=[{"name": "albumin_g_l", "unit": "g/L", "times": 10}]),
        "inputs.albumin_g_dl",
        Rule.CONVERSION,
    ),
    (
        "inches as centimetres",
        "bmi",
        _change("inputs", 0, "other_units", to=[{"name": "height_in", "unit": "in", "divide_by": 2.54}]),
        "inputs.height_cm",
        Rule.CONVERSION,
    ),
    (
        "a substance that is not stated",
        "homa_ir",
        lambda it: it["inputs"][1].pop("substance"),
        "inputs.fasting_glucose_mg_dl",
        Rule.CONVERSION,
    ),
    (
        "an amount as a weight",
        "bmi",
        _change("inputs", 1, "other_units", to=[{"name": "weight_cm", "unit": "cm", "times": 1}]),
        "inputs.weight_kg",
        Rule.CONVERSION,
    ),
    (
        "a formula that adds two units",
        "ldl_friedewald",
        _in("step", "ldl", "is", "total_chol_mg_dl - hdl_mg_dl - 5[kg]"),
        "steps.ldl",
        Rule.DEFINITION,
    ),
    (
        "a height never brought to metres",
        "bmi",
        _in("step", "metres", "is", "height_cm"),
        "steps.metres",
        Rule.DEFINITION,
    ),
    ("a result in another unit", "qtc_hodges", _change("outputs", 0, "unit", to="s"), "outputs.qtc", Rule.DEFINITION),
    (
        "an input in another unit",
        "corrected_calcium",
        _change("inputs", 1, "unit", to="g/L"),
        "steps.corrected",
        Rule.DEFINITION,
    ),
    # no result within the ranges
    (
        "a division by zero",
        "fib4",
        _in("input", "platelets_1e9_l", "allowed", {"from": 0, "up_to": 2000}),
        "steps.index",
        Rule.UNDEFINED,
    ),
    ("a height of zero", "bmi", _zero_height, "steps.index", Rule.UNDEFINED),
    (
        "a logarithm of zero",
        "das28_esr",
        _in("input", "esr_mm_h", "allowed", {"from": 0, "up_to": 200}),
        "steps.score",
        Rule.UNDEFINED,
    ),
    (
        "a root below zero",
        "das28_esr",
        _in("input", "tender_28", "allowed", {"from": -1, "up_to": 28}),
        "steps.score",
        Rule.UNDEFINED,
    ),
    (
        "a difference that can be zero",
        "cockcroft_gault",
        _in("step", "clearance", "is", "as_unit(weight_kg / (age_years - 80), 'mL/min')"),
        "steps.clearance",
        Rule.UNDEFINED,
    ),
    (
        "an exponential without end",
        "prevent_base",
        _in("step", "age", "is", "(age_years - 55) * 100 / 1[years]"),
        "outputs.total_cvd_10y",
        Rule.UNDEFINED,
    ),
    (
        "a power of a negative number",
        "qtc_fridericia",
        _in("step", "corrected", "is", "qt_ms * (rr / 1[s] - 1) ^ (1 / 3)"),
        "steps.corrected",
        Rule.UNDEFINED,
    ),
    # answers that do not come out
    (
        "a wrong worked example",
        "bmi",
        _change("worked_example", "result", "bmi", to=22.8),
        "worked_example",
        Rule.EXAMPLE,
    ),
    (
        "an example with a refused input",
        "bmi",
        _change("worked_example", "inputs", "height_cm", to=17.8),
        "worked_example",
        Rule.EXAMPLE,
    ),
    (
        "an example that leaves out a result",
        "prevent_base",
        lambda it: it["worked_example"]["result"].pop("hf_10y"),
        "worked_example",
        Rule.EXAMPLE,
    ),
    (
        "a changed coefficient",
        "ascvd_pce",
        _change("tables", 0, "rows", "black_male", 0, to=2.5),
        "vectors.1",
        Rule.VECTOR,
    ),
    ("a failing vector", "ckd_epi_2021_cr", _vector, "vectors.1", Rule.VECTOR),
    ("a failing third vector", "ckd_epi_2021_cr", _late_vector, "vectors.3", Rule.VECTOR),
    ("a vector that states nothing", "bmi", _change("vectors", 0, "expected", to={}), "vectors.1", Rule.VECTOR),
    ("a tolerance for anything", "bmi", _change("vectors", 0, "tolerance", to=30), "vectors.1", Rule.VECTOR),
    ("a vector out of range", "ckd_epi_2021_cr", _vector_inputs, "vectors.1", Rule.VECTOR),
    (
        "a sign turned round",
        "cockcroft_gault",
        _in(
            "step",
            "clearance",
            "is",
            "as_unit((140 + age_years) * weight_kg / (72 * scr_mg_dl) * if(sex == 'female', 0.85, 1), 'mL/min')",
        ),
        "vectors.1",
        Rule.VECTOR,
    ),
    # leftovers and contradictions
    (
        "an input without use",
        "bmi",
        _added("inputs", {"name": "mood", "kind": "boolean", "label": "Mood", "optional": True}),
        "inputs.mood",
        Rule.UNUSED,
    ),
    ("a step without use", "bmi", _added("steps", {"name": "spare", "is": "1"}), "steps.spare", Rule.UNUSED),
    (
        "a table without use",
        "bmi",
        _added("tables", {"name": "spare", "columns": ["a"], "rows": {"b": [1]}}),
        "tables.spare",
        Rule.UNUSED,
    ),
    (
        "an implausible plausible range",
        "bmi",
        _in("input", "weight_kg", "plausible", {"from": 10, "up_to": 900}),
        "inputs.weight_kg",
        Rule.RANGE,
    ),
    ("caps that cross", "meld_2002", _change("outputs", 0, "at_least", to=41), "outputs.meld", Rule.RANGE),
    # what cannot be read at all
    ("a formula that ends early", "bmi", _in("step", "index", "is", "weight_kg /"), "steps.index", Rule.DEFINITION),
    (
        "a name that is nowhere",
        "bmi",
        _in("step", "index", "is", "weight / metres ^ 2"),
        "steps.index",
        Rule.DEFINITION,
    ),
    (
        "a choice that is not offered",
        "ckd_epi_2021_cr",
        _in("step", "kappa", "is", "if(sex == 'woman', 0.7, 0.9)"),
        "steps.kappa",
        Rule.DEFINITION,
    ),
    (
        "a row missing in a table",
        "ascvd_pce",
        lambda it: it["tables"][0]["rows"].pop("black_male"),
        "steps.total",
        Rule.DEFINITION,
    ),
]


@pytest.mark.parametrize(("name", "seed", "place", "rule"), [row[1:] for row in SEEDED], ids=[row[0] for row in SEEDED])
def test_a_seeded_defect_is_found_at_its_place(name: str, seed: Seed, place: str, rule: Rule) -> None:
    definition = copy.deepcopy(json.loads(registry.source(name)))
    seed(definition)
    findings = lint(json.dumps(definition))
    assert (place, rule) in {(finding.place, finding.rule) for finding in findings}, findings
    assert all(finding.message for finding in findings)


def test_reordering_bands_is_no_defect() -> None:
    definition = json.loads(registry.source("ckd_epi_2021_cr"))
    definition["bands"]["each"].reverse()
    assert lint(json.dumps(definition)) == ()


def test_a_guard_in_the_formula_is_understood() -> None:
    definition = json.loads(registry.source("das28_esr"))
    _input(definition, "esr_mm_h")["allowed"] = {"from": 0, "up_to": 200}
    _step(definition, "score")["is"] = _step(definition, "score")["is"].replace(
        "ln(esr_mm_h)", "if(esr_mm_h > 0, ln(esr_mm_h), 0)"
    )
    assert lint(json.dumps(definition)) == ()
