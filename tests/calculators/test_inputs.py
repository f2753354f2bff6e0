"""What is entered: each bound and its neighbours, wrong kinds, wrong names; always a clear refusal."""

import math
from typing import Any

import pytest

from portal.calculators import registry
from portal.calculators.calculator import Calculator
from portal.calculators.definition import NumberInput, OtherUnit
from portal.calculators.evaluation import evaluate
from portal.calculators.inputs import InputRefused, Reason

ALL = [registry.get(name) for name in registry.names()]


def good(calculator: Calculator) -> dict[str, Any]:
    return {
        name: dict(value) if isinstance(value, dict) else value
        for name, value in calculator.definition.worked_example.inputs.items()
    }


def put(inputs: dict[str, Any], calculator: Calculator, path: str, name: str, value: object) -> dict[str, Any]:
    """The inputs with one quantity given under the name of one of its units."""
    group, _, _ = path.rpartition(".")
    place = inputs[group] if group else inputs
    for known, (target, _) in calculator.names.items():
        if target == path:
            place.pop(known.rpartition(".")[2], None)
    place[name] = value
    return inputs


def met(calculator: Calculator, inputs: dict[str, Any]) -> set[Reason]:
    """The reasons for which inputs are refused, none where they are taken."""
    try:
        evaluate(calculator, inputs)
    except InputRefused as error:
        return {fault.reason for fault in error.faults if fault.message}
    return set()


def reasons(calculator: Calculator, inputs: dict[str, Any]) -> set[Reason]:
    """The reasons for which inputs are refused, at least one."""
    found = met(calculator, inputs)
    assert found
    return found


def numbers(calculator: Calculator) -> list[tuple[str, NumberInput]]:
    return [(path, leaf) for path, leaf in calculator.inputs.items() if isinstance(leaf, NumberInput)]


@pytest.mark.parametrize("calculator", ALL, ids=lambda calculator: calculator.name)
def test_each_bound_is_kept_to_the_last_bit(calculator: Calculator) -> None:
    for path, leaf in numbers(calculator):
        for bound, outward in ((leaf.allowed.low, -math.inf), (leaf.allowed.high, math.inf)):
            beyond = put(good(calculator), calculator, path, leaf.name, math.nextafter(bound, outward))
            assert Reason.OUT_OF_RANGE in reasons(calculator, beyond)
            within = bound if leaf.allowed.holds(bound) else math.nextafter(bound, -outward)
            inputs = put(good(calculator), calculator, path, leaf.name, within)
            # A cross-check of two values may object; the range itself may not.
            assert met(calculator, inputs) <= {Reason.IMPOSSIBLE}


@pytest.mark.parametrize("calculator", ALL, ids=lambda calculator: calculator.name)
@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 1e400, 10**400, -(10**400), True, "1", "", [], {}, b"1"]
)
def test_what_is_not_a_finite_number_is_refused(calculator: Calculator, value: object) -> None:
    for path, leaf in numbers(calculator):
        given = reasons(calculator, put(good(calculator), calculator, path, leaf.name, value))
        assert given == {Reason.NOT_A_NUMBER}


@pytest.mark.parametrize("calculator", ALL, ids=lambda calculator: calculator.name)
def test_what_is_not_an_answer_is_refused(calculator: Calculator) -> None:
    for path, leaf in calculator.inputs.items():
        if isinstance(leaf, NumberInput):
            continue
        wanted = Reason.NOT_A_TRUTH if leaf.kind == "boolean" else Reason.NOT_A_CHOICE
        for value in (1, 0, "yes", "Female", "x" * 1_000_000, math.nan, ["female"], {"a": 1}):
            assert reasons(calculator, put(good(calculator), calculator, path, leaf.name, value)) == {wanted}


@pytest.mark.parametrize("calculator", ALL, ids=lambda calculator: calculator.name)
def test_missing_and_unknown_inputs_are_named(calculator: Calculator) -> None:
    required = [path for path, leaf in calculator.inputs.items() if not leaf.optional]
    with pytest.raises(InputRefused) as refused:
        evaluate(calculator, {})
    assert sorted(refused.value.fields) == sorted(required)
    assert reasons(calculator, good(calculator) | {"surprise": 1}) == {Reason.UNKNOWN}
    with pytest.raises(InputRefused) as refused:
        evaluate(calculator, good(calculator) | {"q" * 10_000: 1})
    assert len(str(refused.value)) < 2_000


def other_names() -> list[tuple[Calculator, str, NumberInput, OtherUnit]]:
    return [
        (calculator, path, leaf, other)
        for calculator in ALL
        for path, leaf in numbers(calculator)
        for other in leaf.other_units
    ]


@pytest.mark.parametrize(
    ("calculator", "path", "leaf", "other"), other_names(), ids=lambda item: getattr(item, "name", str(item))
)
def test_another_unit_gives_the_same_answer(
    calculator: Calculator, path: str, leaf: NumberInput, other: OtherUnit
) -> None:
    inputs = good(calculator)
    place, _ = next((name, found) for name, found in calculator.names.items() if found[0] == path and name in inputs)
    converted = other.from_canonical(float(inputs[place]))
    given = evaluate(calculator, put(dict(inputs), calculator, path, other.name, converted)).unrounded
    expected = evaluate(calculator, inputs).unrounded
    assert given == expected if isinstance(expected, str) else given == pytest.approx(expected, rel=1e-12)
    twice = {**inputs, other.name: converted}
    assert reasons(calculator, twice) == {Reason.GIVEN_TWICE}


def test_a_value_in_the_wrong_unit_is_refused_with_the_right_name() -> None:
    with pytest.raises(InputRefused, match="give scr_umol_l"):
        evaluate(registry.get("ckd_epi_2021_cr"), {"scr_mg_dl": 96, "age_years": 55, "sex": "male"})
    with pytest.raises(InputRefused, match="Did you mean scr_umol_l"):
        evaluate(registry.get("ckd_epi_2021_cr"), {"scr_umol": 96, "age_years": 55, "sex": "male"})


def test_groups_hold_their_values_by_name() -> None:
    pasi = registry.get("pasi")
    whole = good(pasi)
    assert reasons(pasi, whole | {"head": 3}) == {Reason.NOT_A_GROUP}
    flat = {key: value for key, value in whole.items() if key != "head"} | {"head.area": 1}
    assert reasons(pasi, flat) == {Reason.UNKNOWN, Reason.MISSING}
    assert reasons(pasi, whole | {"head": {**whole["head"], "area": 2.5}}) == {Reason.NOT_WHOLE}
    assert evaluate(pasi, whole | {"head": {**whole["head"], "area": 2.0}}).value == 14.4


def test_an_unusual_value_is_taken_with_a_warning() -> None:
    outcome = evaluate(registry.get("ckd_epi_2021_cr"), {"scr_mg_dl": 16, "age_years": 105, "sex": "female"})
    assert len(outcome.warnings) == 2
    assert "0.3 to 15 mg/dL" in outcome.warnings[1]


def test_a_dotted_name_is_told_where_it_belongs() -> None:
    pasi = registry.get("pasi")
    with pytest.raises(InputRefused) as refused:
        evaluate(pasi, good(pasi) | {"trunk.area": 2})
    assert 'area belongs inside trunk: give {"trunk": {"area": ...}}.' in str(refused.value)


@pytest.mark.parametrize(
    ("value", "said"), [(True, "not true."), ("1,5", "not '1,5'."), ([1], "not a list."), ({"a": 1}, "not an object.")]
)
def test_what_stands_for_a_number_is_said_as_it_was_written(value: object, said: str) -> None:
    with pytest.raises(InputRefused, match=said):
        evaluate(registry.get("bmi"), {"height_cm": value, "weight_kg": 70})
