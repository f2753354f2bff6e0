"""What is thrown at rules: texts too deep or too many, shares that must never move, sets in which nothing acts."""

import itertools
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.personalize import Facts, RuleRefused, RuleSet, arrange, in_holdout, in_sample, load_rule_set
from portal.personalize.chance import percent_of
from tests.personalize import worlds
from tests.personalize.worlds import MODULES, doctor, rule, rule_set, standard_site

SHARES = (93.972317490213, 2.561902480638)
HELD_OUT = [13, 24, 26, 27, 28, 30, 37, 38, 39]
SAMPLED = [3, 4, 10, 13, 15, 16, 18]
RAISE = {"do": "raise", "target": {"topic": "renal"}, "by": 1}


def text_of(when: str, rules: int = 1) -> str:
    one = '{"id":"r%d","name":"A rule","because":"You asked","then":' + json.dumps(RAISE) + ',"when":' + when + "}"
    listed = ",".join(one % number for number in range(rules))
    return f'{{"id":"s","version":1,"site":"x","rules":[{listed}]}}'


@pytest.mark.parametrize(
    "text",
    [
        text_of('{"all":[' * 10_000 + "]}" * 10_000),
        text_of('{"none":[' * 300 + "]}" * 300),
        text_of('{"fact":"visits","op":">","value":' + "9" * 5_000 + "}"),
        text_of('{"fact":"visits","op":">","value":1e999}'),
        text_of('{"fact":"visits","op":">","value":NaN}'),
        text_of('{"all":[]}', rules=5_000),
        text_of('{"all":[' + ",".join(['{"fact":"visits","op":">","value":1}'] * 5_000) + "]}"),
        text_of('{"fact":"height","op":">","value":1}'),
        '{"id":' + "[" * 100_000,
    ],
    ids=["deep", "too-deep", "long-number", "huge-number", "nan", "5000-rules", "wide", "unknown-fact", "brackets"],
)
def test_what_is_absurd_is_refused_at_once_and_in_words(text: str) -> None:
    begun = time.process_time()
    with pytest.raises(RuleRefused) as refused:
        load_rule_set(text)
    assert refused.value.why
    assert time.process_time() - begun < 5


def test_shares_are_the_same_for_ever_in_every_process_and_database() -> None:
    # Written down once: a change of these figures would draw every sample and every holdout anew.
    assert percent_of("holdout", "atorvastatin-us-en", "autumn", "h1") == pytest.approx(SHARES[0], abs=1e-9)
    assert percent_of("sample", "atorvastatin-us-en", "r1", "h1") == pytest.approx(SHARES[1], abs=1e-9)
    live = rule_set(holdout_percent=20, holdout_salt="autumn")
    assert [number for number in range(40) if in_holdout(f"h{number}", live)] == HELD_OUT
    assert [number for number in range(20) if in_sample(f"h{number}", "r1", "site", 30)] == SAMPLED


@worlds.tried
@given(worlds.facts(), worlds.candidates, worlds.rule_sets())
def test_a_set_in_which_every_rule_is_over_decides_as_an_empty_one(
    facts: Facts, candidates: tuple[Any, ...], live: RuleSet
) -> None:
    over = live.model_copy(
        update={"rules": tuple(one.model_copy(update={"starts": None, "ends": facts.at}) for one in live.rules)}
    )
    empty = live.model_copy(update={"rules": ()})
    mine, theirs = arrange(facts, candidates, over), arrange(facts, candidates, empty)
    assert (mine.items, mine.not_shown) == (theirs.items, theirs.not_shown)


@worlds.tried
@given(st.lists(st.tuples(st.sampled_from(MODULES), st.integers(1, 200)), min_size=1, max_size=9))
def test_pins_that_clash_lose_no_module_and_are_settled_by_the_list(pins: list[tuple[str, int]]) -> None:
    raw = [rule({"do": "pin", "target": {"modules": [module]}, "place": place}) for module, place in pins]
    order = arrange(doctor(), standard_site(), rule_set(*raw)).order()
    assert sorted(order) == sorted(MODULES)
    first = {}
    for module, place in pins:
        first.setdefault(module, place)
    taken: set[int] = set()
    for module, place in first.items():
        here = min(place, len(MODULES)) - 1
        free = [spot for spot in itertools.chain(range(here, len(MODULES)), range(here, -1, -1)) if spot not in taken]
        taken.add(free[0])
        assert order.index(module) == free[0]
