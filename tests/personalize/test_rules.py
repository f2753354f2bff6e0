"""What cannot be a rule is refused, with the place named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.personalize import RuleRefused, RuleSet, dump, load_rule_set, parse_rule_set
from portal.personalize.rules import MAX_RULES
from tests.personalize import worlds
from tests.personalize.worlds import rule

RAISE: dict[str, Any] = {"do": "raise", "target": {"modules": ["dosing"]}, "by": 3}
READ: dict[str, Any] = {"fact": "module_reads", "of": "dosing", "op": ">", "value": 2}


def raw_set(*rules: Any, **more: Any) -> dict[str, Any]:
    return {"id": "set", "version": 1, "site": "site", "rules": list(rules), **more}


def nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = READ
    for _ in range(depth):
        inner = {"all": [inner]}
    return inner


def behind(module: str, anchor: str, rule_id: str) -> dict[str, Any]:
    return rule({"do": "after", "target": {"modules": [module]}, "module": anchor}, id=rule_id)


WRONG: list[tuple[Any, str]] = [
    (None, ""),
    ([], ""),
    (raw_set(rule(RAISE), extra=1), "extra"),
    (raw_set(rule(RAISE), version="1"), "version"),
    (raw_set(rule(RAISE), version=True), "version"),
    (raw_set(rule(RAISE), settings={"half_life_days": 0}), "settings.half_life_days"),
    (raw_set(rule(RAISE), settings={"holdout_percent": 90}), "settings.holdout_percent"),
    (raw_set(rule(RAISE), settings={"interest_weight": float("nan")}), "settings.interest_weight"),
    (raw_set(3), "rules[0]"),
    (raw_set(rule(RAISE), rule(RAISE)), "rules[1].id"),
    (raw_set(rule(RAISE, id="Not an id")), "rules[0].id"),
    (raw_set(rule(RAISE, because="")), "rules[0].because"),
    (raw_set(rule(RAISE, because="a\nb c")), "rules[0].because"),
    (raw_set(rule(RAISE, priority=1.5)), "rules[0].priority"),
    (raw_set(rule(RAISE, enabled="no")), "rules[0].enabled"),
    (raw_set(rule(RAISE, enabled=False)), "rules[0].off_reason"),
    (raw_set(rule(RAISE, off_reason="x")), "rules[0].off_reason"),
    (raw_set(rule(RAISE, sample_percent=0)), "rules[0].sample_percent"),
    (raw_set(rule(RAISE, starts="2026-12-01T00:00:00")), "rules[0].starts"),
    (raw_set(rule(RAISE, starts=1_800_000_000)), "rules[0].starts"),
    (raw_set(rule(RAISE, starts="0001-01-01T00:00:00+14:00")), "rules[0].starts"),
    (raw_set(rule(RAISE, ends="9999-12-31T23:59:59-14:00")), "rules[0].ends"),
    (raw_set(rule(RAISE, nested(10_000))), "rules[0].when"),
    (raw_set(rule({**RAISE, "by": 1e308})), "rules[0].then.by"),
    (raw_set(rule({**RAISE, "by": float("nan")})), "rules[0].then.by"),
    (raw_set(rule({**RAISE, "by": 10**400})), "rules[0].then.by"),
    (raw_set(*[rule(RAISE, id=f"r{n}") for n in range(5_000)]), "rules"),
    (raw_set(rule(RAISE, starts="2026-12-01T00:00:00Z", ends="2026-11-01T00:00:00Z")), "rules[0].ends"),
    (raw_set(rule(RAISE, {"all": [READ, {"fact": "height", "op": "is", "value": 2}]})), "rules[0].when.all[1].fact"),
    (raw_set(rule(RAISE, {**READ, "of": None})), "rules[0].when.of"),
    (raw_set(rule(RAISE, {**READ, "of": "block:isi"})), "rules[0].when.of"),
    (raw_set(rule(RAISE, {"fact": "segment", "of": "x", "op": "is", "value": "A"})), "rules[0].when.of"),
    (raw_set(rule(RAISE, {**READ, "op": "contains"})), "rules[0].when.op"),
    (raw_set(rule(RAISE, {**READ, "op": "~"})), "rules[0].when.op"),
    (raw_set(rule(RAISE, {**READ, "value": "2"})), "rules[0].when.value"),
    (raw_set(rule(RAISE, {**READ, "value": True})), "rules[0].when.value"),
    (raw_set(rule(RAISE, {**READ, "value": float("inf")})), "rules[0].when.value"),
    (raw_set(rule(RAISE, {**READ, "value": 0.00001})), "rules[0].when.value"),
    (raw_set(rule(RAISE, {**READ, "value": 1e300})), "rules[0].when.value"),
    (raw_set(rule(RAISE, {**READ, "op": "in", "value": []})), "rules[0].when.value"),
    (raw_set(rule(RAISE, {**READ, "op": "in", "value": [[[]]]})), "rules[0].when.value"),
    (raw_set(rule(RAISE, {**READ, "within_days": 0})), "rules[0].when.within_days"),
    (raw_set(rule(RAISE, {"fact": "decile", "op": "is", "value": 3, "within_days": 3})), "rules[0].when.within_days"),
    (raw_set(rule(RAISE, {"fact": "segment", "op": "is", "value": "D"})), "rules[0].when.value"),
    (raw_set(rule(RAISE, {"fact": "decile", "op": ">", "value": 11})), "rules[0].when.value"),
    (raw_set(rule(RAISE, {"fact": "date", "op": ">", "value": "20261101"})), "rules[0].when.value"),
    (raw_set(rule(RAISE, {"fact": "sent", "op": "contains", "value": "a b"})), "rules[0].when.value"),
    (raw_set(rule(RAISE, {"fact": "module_completed", "of": "a", "op": "is", "value": "yes"})), "rules[0].when.value"),
    (raw_set(rule(RAISE, {"some": [READ]})), "rules[0].when"),
    (raw_set(rule(RAISE, {"all": READ})), "rules[0].when.all"),
    (raw_set(rule(RAISE, {"all": [READ], "any": [READ]})), "rules[0].when.any"),
    (raw_set(rule(RAISE), rule(RAISE, nested(500), id="deep")), "rules[1].when"),
    (raw_set(rule(RAISE, {"any": [READ] * 100})), "rules[0].when"),
    (raw_set(rule({**RAISE, "do": "delete"})), "rules[0].then"),
    (raw_set(rule({**RAISE, "by": 1000})), "rules[0].then.by"),
    (raw_set(rule({**RAISE, "by": -1})), "rules[0].then.by"),
    (raw_set(rule({**RAISE, "by": "3"})), "rules[0].then.by"),
    (raw_set(rule({**RAISE, "target": {}})), "rules[0].then.target"),
    (raw_set(rule({**RAISE, "target": {"topic": "a", "kind": "b"}})), "rules[0].then.target"),
    (raw_set(rule({**RAISE, "target": {"modules": ["block:isi"]}})), "rules[0].then.target.modules[0]"),
    (raw_set(rule({**RAISE, "target": {"modules": ["a", "a"]}})), "rules[0].then.target"),
    (raw_set(rule({"do": "hide", "target": {"everything": True}})), "rules[0].then.target"),
    (raw_set(rule({"do": "hide", "target": {"topic": "a"}, "way_back": "gone"})), "rules[0].then.way_back"),
    (raw_set(rule({"do": "pin", "target": {"topic": "a"}, "place": 0})), "rules[0].then.place"),
    (raw_set(rule({"do": "limit", "target": {"topic": "a"}, "times": 2})), "rules[0].then"),
    (raw_set(rule({"do": "after", "target": {"topic": "a"}, "module": "block:isi"})), "rules[0].then.module"),
    (raw_set(behind("a", "a", "x")), "rules[0].then.module"),
    (raw_set(behind("a", "b", "x"), behind("b", "c", "y"), behind("c", "a", "z")), "rules[2].then.module"),
    (raw_set(*[rule(RAISE, id=f"r{n}") for n in range(MAX_RULES + 1)]), "rules"),
]


@pytest.mark.parametrize(("raw", "place"), WRONG, ids=[f"{n}-{place}" for n, (_, place) in enumerate(WRONG)])
def test_what_is_wrong_is_refused_with_its_place(raw: Any, place: str) -> None:
    with pytest.raises(RuleRefused) as refused:
        parse_rule_set(raw)
    assert place in [where for where, _ in refused.value.errors]
    assert refused.value.why
    assert "<" not in refused.value.place


def test_all_that_is_wrong_is_said_at_once() -> None:
    raw = raw_set(rule({**RAISE, "by": 0}, {**READ, "op": "?"}), rule(RAISE, id="second", because=""))
    with pytest.raises(RuleRefused) as refused:
        parse_rule_set(raw)
    places = [place for place, _ in refused.value.errors]
    assert places == ["rules[0].when.op", "rules[0].then.by", "rules[1].because"]


@pytest.mark.parametrize("text", ["", "{", "[" * 200_000, "nul", '{"id":' * 5_000, " " * 2_000_000])
def test_a_text_that_is_no_rule_set_is_refused(text: str) -> None:
    with pytest.raises(RuleRefused):
        load_rule_set(text)


def test_a_long_chain_of_after_that_is_no_circle_is_accepted() -> None:
    chain = [behind(f"m{n}", f"m{n + 1}", f"r{n}") for n in range(150)]
    assert len(parse_rule_set(raw_set(*chain)).rules) == 150


@worlds.tried
@given(worlds.rule_sets())
def test_a_rule_set_goes_to_json_and_back(live: RuleSet) -> None:
    assert parse_rule_set(json.loads(json.dumps(dump(live)))) == live


scrap = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["is", "dosing"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["all", "any", "fact", "op", "value", "do", "target", "by"]), inner, max_size=4
        )
    ),
    max_leaves=10,
)


@worlds.tried
@given(scrap, scrap)
def test_any_value_is_a_rule_or_refused(when: Any, then: Any) -> None:
    try:
        parse_rule_set(raw_set({**rule(RAISE), "when": when, "then": then}))
    except RuleRefused as refused:
        first = refused.place
    else:
        first = "rules"
    assert first.startswith("rules")
