"""Facts, candidates, arrangements and rule sets go to text and back without loss, one text for one value."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.personalize import Candidate, Facts, RuleSet, arrange, load_rule_set
from portal.personalize.codec import (
    CodecRefused,
    arrangement_from_json,
    arrangement_to_json,
    candidates_from_json,
    candidates_to_json,
    canonical,
    digest,
    facts_from_json,
    facts_to_json,
    rule_set_to_json,
)
from tests.personalize import worlds


@worlds.tried
@given(worlds.facts())
def test_facts_go_to_text_and_back(facts: Facts) -> None:
    text = facts_to_json(facts)
    assert facts_from_json(text) == facts
    assert facts_to_json(facts_from_json(text)) == text
    assert text == canonical(json.loads(text))


@worlds.tried
@given(worlds.facts(), worlds.candidates, worlds.rule_sets())
def test_an_arrangement_and_what_made_it_go_to_text_and_back(
    facts: Facts, candidates: tuple[Candidate, ...], live: RuleSet
) -> None:
    page = arrange(facts, candidates, live)
    text = arrangement_to_json(page)
    assert arrangement_from_json(text) == page
    assert text == canonical(json.loads(text))
    stored = candidates_to_json(candidates)
    assert candidates_to_json(reversed(candidates)) == stored
    assert load_rule_set(rule_set_to_json(live)) == live
    again = arrange(facts_from_json(facts_to_json(facts)), candidates_from_json(stored), live)
    assert arrangement_to_json(again) == text


READERS = [facts_from_json, candidates_from_json, arrangement_from_json]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"format":2}',
        '{"format":1}',
        '{"format":1,"at":"2026-01-01T00:00:00","confidence":"device"}',
        '{"format":1,"at":"2026-01-01T00:00:00Z","confidence":"sure"}',
        '{"format":1,"candidates":[{"module":"block:isi"}]}',
        '{"format":1,"candidates":[{"module":"a","extra":1}]}',
        '{"format":1,"items":3}',
        "[" * 100_000,
    ],
)
def test_what_is_not_such_a_text_is_refused(read: object, text: str) -> None:
    assert callable(read)
    with pytest.raises(CodecRefused):
        read(text)


@worlds.tried
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=3), st.lists, max_leaves=6))
def test_the_canonical_text_of_a_value_is_itself_canonical(value: object) -> None:
    text = canonical(value)
    assert canonical(json.loads(text)) == text
    assert len(digest(text)) == 64
