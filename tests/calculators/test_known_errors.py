"""Errors met in other implementations, each made impossible here."""

import math

import pytest

from portal.calculators import registry
from portal.calculators.evaluation import Outcome, evaluate
from portal.calculators.inputs import InputRefused


def ask(name: str, **inputs: object) -> Outcome:
    return evaluate(registry.get(name), inputs)


_SICK = {
    "bilirubin_mg_dl": 30,
    "inr": 5,
    "creatinine_mg_dl": 4,
    "sodium_mmol_l": 120,
    "albumin_g_dl": 1.5,
    "dialysis": True,
}


def test_meld_3_0_ends_at_40_and_says_what_it_was_before() -> None:
    outcome = ask("meld_3_0", sex="female", **_SICK)
    assert outcome.value == 40
    assert isinstance(outcome.unrounded, float)
    assert outcome.unrounded > 45


@pytest.mark.parametrize("name", ["meld_2002", "meld_na_2016"])
def test_older_meld_scores_lie_between_6_and_40(name: str) -> None:
    sick = {key: value for key, value in _SICK.items() if key != "albumin_g_dl"}
    well = {"bilirubin_mg_dl": 0.2, "inr": 0.8, "creatinine_mg_dl": 0.4, "dialysis": False, "sodium_mmol_l": 140}
    if name == "meld_2002":
        del sick["sodium_mmol_l"], well["sodium_mmol_l"]
    assert ask(name, **sick).value == 40
    assert ask(name, **well).value == 6


def test_meld_na_is_the_one_of_2016_with_sodium_only_above_11() -> None:
    low = {"bilirubin_mg_dl": 1, "inr": 1.3, "creatinine_mg_dl": 1, "dialysis": False}
    assert ask("meld_na_2016", sodium_mmol_l=125, **low).value == ask("meld_na_2016", sodium_mmol_l=137, **low).value
    assert "2016" in registry.get("meld_na_2016").definition.title


def test_ukeld_multiplies_milligrams_into_micromoles() -> None:
    in_umol = ask("ukeld", inr=2, bilirubin_umol_l=171, creatinine_umol_l=88.4, sodium_mmol_l=130)
    in_mg = ask("ukeld", inr=2, bilirubin_mg_dl=10, creatinine_mg_dl=1, sodium_mmol_l=130)
    assert isinstance(in_umol.unrounded, float)
    assert isinstance(in_mg.unrounded, float)
    assert math.isclose(in_umol.unrounded, in_mg.unrounded, rel_tol=1e-12)


@pytest.mark.parametrize(
    ("given", "category"),
    [
        ({"acr_mg_g": 28}, "A1"),
        ({"acr_mg_mmol": 3.1}, "A2"),  # 27.4 mg/g: the grid in mg/mmol decides
        ({"acr_mg_mmol": 2.9}, "A1"),
        ({"acr_mg_mmol": 3}, "A2"),
        ({"acr_mg_mmol": 30}, "A2"),
        ({"acr_mg_mmol": 31}, "A3"),  # 274 mg/g
        ({"acr_mg_g": 290}, "A2"),
        ({"acr_mg_g": 300}, "A2"),
        ({"acr_mg_g": 30}, "A2"),
        ({"acr_mg_g": 29.9}, "A1"),
    ],
)
def test_albuminuria_is_read_from_the_grid_of_its_own_unit(given: dict[str, float], category: str) -> None:
    value = ask("kdigo_risk", egfr=95, **given).value
    assert isinstance(value, str)
    assert value.split("|")[1] == category


def test_every_field_of_the_kdigo_grid() -> None:
    grid = {
        95: ("G1", "No CKD", "Moderate", "High"),
        75: ("G2", "No CKD", "Moderate", "High"),
        50: ("G3a", "Moderate", "High", "Very high"),
        35: ("G3b", "High", "Very high", "Very high"),
        20: ("G4", "Very high", "Very high", "Very high"),
        10: ("G5", "Very high", "Very high", "Very high"),
    }
    for egfr, (stage, *risks) in grid.items():
        for acr, category, risk in zip((10, 100, 500), ("A1", "A2", "A3"), risks, strict=True):
            assert ask("kdigo_risk", egfr=egfr, acr_mg_g=acr).value == f"{stage}|{category}|{risk}"


def test_cockcroft_gault_says_which_weight_it_used() -> None:
    values = {"age_years": 40, "sex": "male", "weight_kg": 72, "scr_mg_dl": 1.0}
    assert any("not stated" in warning for warning in ask("cockcroft_gault", **values).warnings)
    stated = ask("cockcroft_gault", weight_basis="ideal", **values)
    assert stated.value == 100
    assert any("ideal body weight" in warning for warning in stated.warnings)


def test_si_units_are_converted_not_given_a_formula_of_their_own() -> None:
    values = {"age_years": 25, "sex": "female", "weight_kg": 60}
    assert (
        ask("cockcroft_gault", scr_umol_l=88.4, **values).value == ask("cockcroft_gault", scr_mg_dl=1, **values).value
    )


@pytest.mark.parametrize(
    ("triglycerides", "is_taken"),
    [(399, True), (math.nextafter(400, 0), True), (400, False), (math.nextafter(400, 500), False), (900, False)],
)
def test_friedewald_stops_below_400(triglycerides: float, is_taken: bool) -> None:
    inputs = {"total_chol_mg_dl": 250, "hdl_mg_dl": 50, "triglycerides_mg_dl": triglycerides}
    if is_taken:
        assert isinstance(ask("ldl_friedewald", **inputs).value, float)
    else:
        with pytest.raises(InputRefused, match="below 400"):
            ask("ldl_friedewald", **inputs)


def test_an_impossible_ldl_is_called_so() -> None:
    outcome = ask("ldl_friedewald", total_chol_mg_dl=130, hdl_mg_dl=95, triglycerides_mg_dl=380)
    assert "impossible" in outcome.notes
    assert outcome.band is not None
    assert outcome.band.id == "impossible"  # never "optimal"
    with pytest.raises(InputRefused, match="lower than total"):
        ask("ldl_friedewald", total_chol_mg_dl=100, hdl_mg_dl=100, triglycerides_mg_dl=100)


@pytest.mark.parametrize("name", ["corrected_sodium_katz", "corrected_sodium_hillier"])
def test_sodium_is_corrected_only_above_100(name: str) -> None:
    with pytest.raises(InputRefused, match="above 100"):
        ask(name, sodium_mmol_l=130, glucose_mg_dl=100)
    assert ask(name, sodium_mmol_l=130, glucose_mg_dl=math.nextafter(100, 200)).value == 130


def test_the_limits_of_child_pugh_belong_to_the_middle_class() -> None:
    at_limits = {"bilirubin_mg_dl": 3, "albumin_g_dl": 2.8, "inr": 2.3, "ascites": "none", "encephalopathy": "none"}
    assert ask("child_pugh", **at_limits).value == 8
    beyond = {
        "bilirubin_mg_dl": math.nextafter(3, 9),
        "albumin_g_dl": math.nextafter(2.8, 0),
        "inr": math.nextafter(2.3, 9),
    }
    assert ask("child_pugh", **(at_limits | beyond)).value == 11


def test_thirty_year_risks_end_before_60() -> None:
    example = dict(registry.get("prevent_base").definition.worked_example.inputs)
    assert len(ask("prevent_base", **(example | {"age_years": 59})).outputs) == 6
    older = ask("prevent_base", **(example | {"age_years": 60}))
    assert [figure.name for figure in older.outputs] == ["total_cvd_10y", "ascvd_10y", "hf_10y"]
    assert "no_30_years" in older.notes


def test_the_stage_is_read_before_rounding() -> None:
    outcome = ask("ckd_epi_2021_cr", scr_mg_dl=3.84, age_years=83, sex="male")
    assert (outcome.value, outcome.band.id if outcome.band else "") == (15, "G5")


def test_fib4_raises_its_lower_limit_from_65_years() -> None:
    inputs = {"ast_u_l": 40, "alt_u_l": 40, "platelets_1e9_l": 230}
    younger, older = ask("fib4", age_years=64, **inputs), ask("fib4", age_years=65, **inputs)
    assert younger.band is not None
    assert older.band is not None
    assert (younger.band.id, older.band.id) == ("between", "low")


def test_halves_round_up_as_on_paper() -> None:
    # 0.285 * 100 is 28.499999999999996 in binary; on paper 0.285 is 0.29.
    from portal.calculators.functions import half_up

    assert half_up(0.285, 2) == 0.29
    assert half_up(2.5, 0) == 3
    assert half_up(-2.5, 0) == -2
    assert half_up(1.0049999, 2) == 1.0
    assert half_up(1e300, 2) == 1e300
