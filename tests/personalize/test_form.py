"""A rule goes through the fields of a form without loss, and a wrong field is named."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.personalize import Rule, RuleRefused, dump, form, parse_rule, sentence
from tests.personalize import worlds

GOOD = {
    "id": "ckd-first",
    "name": "CKD first",
    "because": "You read about renal dosing",
    "then.do": "raise",
    "then.by": "2,5",
    "then.target.topic": "renal",
    "when.all[0].fact": "specialty",
    "when.all[0].op": "in",
    "when.all[0].value": "cardiology\nnephrology",
    "when.all[3].any[0].fact": "visits",
    "when.all[3].any[0].op": ">=",
    "when.all[3].any[0].value": "2",
    "when.all[3].any[0].within_days": "30",
}


@worlds.tried
@given(worlds.rules)
def test_form_json_and_sentence_say_the_same_rule(one: Rule) -> None:
    assert form.from_fields(form.to_fields(one)) == one
    assert parse_rule(dump(one)) == one
    assert form.from_fields(form.to_fields(sentence.parse(sentence.write(one)))) == one


def test_a_filled_form_reads_as_a_sentence() -> None:
    assert sentence.sentence(form.from_fields(GOOD)) == (
        "IF specialty is one of cardiology, nephrology AND ANY OF (visited at least 2 times in the last 30 days) "
        'THEN raise modules on *renal* by 2.5 because "You read about renal dosing".'
    )


@pytest.mark.parametrize(
    ("field", "text", "place"),
    [
        ("then.by", "much", "then.by"),
        ("when.all[0].fact", "height", "when.all[0].fact"),
        ("when.all[3].any[0].value", "many", "when.all[3].any[0].value"),
        ("when.all[3].any[0].within_days", "x", "when.all[3].any[0].within_days"),
        ("enabled", "maybe", "enabled"),
        ("when.all", "x", "when.all"),
        ("when.all[0].fact[1]", "x", "when.all[0].fact[1]"),
        ("id.more", "x", "id.more"),
        ("__class__", "x", "__class__"),
        ("x" * 500, "x", "x" * 60),
        ("colour", "red", "colour"),
        ("then.target.modules", "a\nb", "then.target"),
    ],
)
def test_a_wrong_field_is_named(field: str, text: str, place: str) -> None:
    with pytest.raises(RuleRefused) as refused:
        form.from_fields({**GOOD, field: text})
    assert place in [where for where, _ in refused.value.errors]


fields = st.sampled_from([*GOOD, "when.any", "when.none[1]", "when[0]", "then", "then.target", "a.b[1].c"])


@worlds.tried
@given(st.dictionaries(fields, st.text(max_size=6) | st.sampled_from(["yes", "2", "specialty", "is"])))
def test_any_fields_make_a_rule_or_are_refused(given_fields: dict[str, str]) -> None:
    with suppress(RuleRefused):
        assert isinstance(form.from_fields(given_fields), Rule)
