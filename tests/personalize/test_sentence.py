"""A rule reads as a sentence, and the sentence is the rule."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.personalize import Names, Rule, RuleRefused, parse_rule, sentence
from tests.personalize import worlds
from tests.personalize.worlds import TITLES, rule

EXAMPLE = parse_rule(
    rule(
        {"do": "raise", "target": {"modules": ["ckd-data"]}, "by": 3},
        {
            "all": [
                {"fact": "specialty", "op": "is", "value": "cardiology"},
                {"fact": "module_dwell_s", "of": "renal-dosing", "op": ">", "value": 60, "within_days": 90},
            ]
        },
    )
)
NAMES = Names(modules={**TITLES, "ckd-data": "CKD data"}, topics={"renal": "Renal"})


def test_the_example_of_the_builder_reads_as_it_should() -> None:
    assert sentence.sentence(EXAMPLE, NAMES) == (
        "IF specialty is cardiology AND read *Renal dosing* for more than 60 s in the last 90 days "
        'THEN raise *CKD data* by 3 because "You asked about it".'
    )


title = st.sampled_from(["Dosing", "dosing", "renal-dosing", "Two  spaces", "A *star*", "[x]", "", "Wärme, 2: (b)."])
some_names = st.builds(
    Names,
    modules=st.dictionaries(worlds.modules, title, max_size=6),
    topics=st.dictionaries(worlds.topics, title, max_size=4),
    calculators=st.dictionaries(st.sampled_from(worlds.CALCULATORS), title, max_size=2),
)


@worlds.tried
@given(worlds.rules, some_names)
def test_a_sentence_reads_back_to_the_same_rule(one: Rule, names: Names) -> None:
    text = sentence.write(one, names)
    again = sentence.parse(text, names)
    assert again == one, text
    assert sentence.write(again, names) == text


@worlds.tried
@given(worlds.rules)
def test_the_parts_join_to_the_sentence_and_point_into_the_rule(one: Rule) -> None:
    given_parts = sentence.parts(one)
    assert sentence.joined(given_parts) == sentence.sentence(one)
    for part in given_parts:
        if part.place:
            _look_up(one, part.place)


def _look_up(one: Rule, place: str) -> None:
    found: Any = one
    for step in place.replace("[", ".").replace("]", "").split("."):
        found = found[int(step)] if step.isdigit() else getattr(found, step)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "at its end"),
        ("IF always", "character 1"),
        ('[a] "n": IF always THEN shout because "x".', "character 25"),
        ('[a] "n": IF specialty is a AND segment is A OR decile is exactly 3 THEN', "character 45"),
        ('[a] "n": IF height is tall THEN', "character 13"),
        ('[a] "n": IF visited more than many times THEN', "character 31"),
        ('[a] "n": IF always THEN raise *x* by 3 because "abc". Tomorrow.', "character 55"),
        ('[a] "unclosed', "character 5"),
    ],
)
def test_what_is_not_a_sentence_is_refused_where_it_stops_being_one(text: str, place: str) -> None:
    with pytest.raises(RuleRefused) as refused:
        sentence.parse(text)
    assert refused.value.place.endswith(place)


def test_a_sentence_with_a_forbidden_value_is_refused_by_the_rule_itself() -> None:
    with pytest.raises(RuleRefused) as refused:
        sentence.parse('[a] "n": IF always THEN raise *block:isi* by 3 because "abc".')
    assert refused.value.place == "then.target.modules[0]"


@worlds.tried
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(RuleRefused):
        sentence.parse(text)


def test_a_long_or_deep_sentence_is_refused() -> None:
    with pytest.raises(RuleRefused):
        sentence.parse("x" * 40_000)
    with pytest.raises(RuleRefused):
        sentence.parse('[a] "n": IF ' + "(" * 9_000)
