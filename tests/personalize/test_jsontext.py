"""The text of a rule set is read whole, or refused at a place that a person finds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from portal.personalize import RuleRefused, load_rule_set
from portal.personalize.jsontext import MAX_TEXT
from tests.personalize.worlds import rule

RAISE: dict[str, Any] = {"do": "raise", "target": {"topic": "a"}, "by": 1}


def text_of(*rules: dict[str, Any], **more: Any) -> str:
    return json.dumps({"id": "x", "version": 1, "site": "s", "rules": list(rules), **more})


def with_when(text: str) -> str:
    return text_of(rule(RAISE)).replace(json.dumps(rule(RAISE)["when"]), text)


WIDE = '{"any":[' + ",".join(['{"fact":"visits","op":">","value":1}'] * 100_000) + "]}"
TEXTS = [
    ("{\n  hello", "line 2, column 3", "not JSON"),
    (text_of(rule(RAISE)).replace('"by": 1', '"by": 1, "by": 50'), "rules[0].then.by", "given twice"),
    (text_of(rule(RAISE)).replace('"version": 1', '"version": 1, "rules": []'), "rules", "given twice"),
    (with_when('{"all":[],"all":[{"any":[]}]}'), "rules[0].when.all", "given twice"),
    (with_when('{"all":[' * 10_000 + "]}" * 10_000), "rules[0].when", "too deep"),
    (text_of(rule(RAISE), {"id": "?"}).replace('"?"', "[" * 9_000 + "]" * 9_000), "rules[1].id", "too deep"),
    (with_when(WIDE), "rules[0].when", "more than 60 conditions"),
    ("\n " + text_of(rule(RAISE)).replace('"by": 1', '"by": ' + "1" * 5_000), "line 2, column 192", "digits"),
    (" " * (MAX_TEXT + 1), "", "more than"),
    (text_of({**rule(RAISE), "k" * 9_000: 1}), "rules[0]." + "k" * 60 + "…", "no such field"),
    (text_of({**rule(RAISE), "a\n\x1b[31m": 1}), "rules[0].a\\n\\x1b[31m", "no such field"),
    (text_of({**rule(RAISE), "because": "\ud800bc"}), "rules[0].because", "whole characters"),
    ("[]", "", "an object is expected"),
    (text_of(version=10**30), "version", "less than"),
]


@pytest.mark.parametrize(
    ("text", "place", "why"), TEXTS, ids=[f"{n}-{place[:20]}" for n, (_, place, _) in enumerate(TEXTS)]
)
def test_a_text_is_refused_at_its_place(text: str, place: str, why: str) -> None:
    with pytest.raises(RuleRefused) as refused:
        load_rule_set(text)
    assert refused.value.place == place
    assert why in refused.value.why


def test_what_follows_from_another_fault_is_not_said_beside_it() -> None:
    block = {"do": "hide", "target": {"modules": ["block:isi"]}}
    huge = {"fact": "visits", "op": ">", "value": 1e300}
    with pytest.raises(RuleRefused) as refused:
        load_rule_set(text_of(rule(block, huge)))
    places = [place for place, _ in refused.value.errors]
    assert places == ["rules[0].when.value", "rules[0].then.target.modules[0]"]
