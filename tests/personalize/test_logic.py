"""What is claimed of every doctor holds for each one tried, and examples meet their condition."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given

from portal.personalize import Facts, Rule, parse_rule
from portal.personalize.conditions import Condition
from portal.personalize.evaluate import is_met
from portal.personalize.example import example_of
from portal.personalize.logic import excludes, implies, is_certain, is_impossible
from tests.personalize import worlds
from tests.personalize.worlds import AT, rule


def when(raw: dict[str, Any]) -> Condition:
    return parse_rule(rule({"do": "require", "target": {"everything": True}}, raw)).when


def fact(name: str, op: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"fact": name, "op": op, "value": value, **more}


CARDIOLOGY = fact("specialty", "is", "cardiology")
OFTEN = fact("module_reads", ">=", 3, of="dosing")


@pytest.mark.parametrize(
    "raw",
    [
        {"any": []},
        {"all": [CARDIOLOGY, fact("specialty", "is", "nephrology")]},
        {"all": [CARDIOLOGY, fact("specialty", "is_not", "cardiology")]},
        {"all": [CARDIOLOGY, {"none": [{"any": [CARDIOLOGY, OFTEN]}]}]},
        {"all": [fact("decile", ">", 8), fact("decile", "<", 3)]},
        fact("decile", ">", 10),
        fact("visits", "<", 0),
        {"all": [fact("visits", ">", 2), fact("visits", "<", 3)]},
        {"all": [fact("visits", ">", 5, within_days=7), fact("visits", "<", 5, within_days=30)]},
        {"all": [fact("adoption_step", ">", "trial"), fact("adoption_step", "<", "usage")]},
        {"none": [{"all": []}]},
        {"all": [fact("sent", "contains", "dosing"), fact("sent", "exists", False)]},
    ],
)
def test_an_impossible_condition_is_known_to_be(raw: dict[str, Any]) -> None:
    assert is_impossible(when(raw))


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ({"all": [CARDIOLOGY, OFTEN]}, CARDIOLOGY),
        (CARDIOLOGY, fact("specialty", "in", ["cardiology", "nephrology"])),
        (OFTEN, fact("module_reads", ">", 1, of="dosing")),
        (fact("visits", ">", 3, within_days=7), fact("visits", ">", 3, within_days=90)),
        (fact("visits", ">", 3, within_days=7), fact("visits", ">=", 1)),
        (OFTEN, {"all": []}),
        (fact("specialty", "is", "nephrology"), {"none": [CARDIOLOGY]}),
        ({"any": [CARDIOLOGY, fact("specialty", "is", "nephrology")]}, fact("specialty", "exists", True)),
    ],
)
def test_what_follows_is_known_and_not_the_reverse(narrow: dict[str, Any], wide: dict[str, Any]) -> None:
    assert implies(when(narrow), when(wide))
    assert not implies(when(wide), when(narrow))


@worlds.tried
@given(worlds.rules, worlds.rules, worlds.personal_facts())
def test_claims_hold_for_every_doctor(one: Rule, other: Rule, facts: Facts) -> None:
    met, also = is_met(one.when, facts), is_met(other.when, facts)
    assert not (met and is_impossible(one.when))
    assert met or not is_certain(one.when)
    assert not (met and also and excludes(one.when, other.when))
    assert also or not (met and implies(one.when, other.when))


@worlds.tried
@given(worlds.rules)
def test_an_example_meets_its_condition_and_is_found_where_one_can_be(one: Rule) -> None:
    found = example_of(one.when, AT)
    if found is not None:
        assert is_met(one.when, found)
    assume(not is_impossible(one.when))
    names = [asked for asked in ("weekday", "date", "hour") if asked in one.model_dump_json()]
    assert found is not None or len(names) > 1
