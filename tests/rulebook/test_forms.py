"""A rule goes through its form without loss, and every fault of a form is shown at its field."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.personalize import Rule, parse_rule
from portal.rulebook import forms, reshaping
from portal.rulebook.forms import FormRefused, Group, Row, RuleForm
from portal.rulebook.judging import fresh_id, judge
from tests.personalize import worlds
from tests.rulebook.rooms import a_rule


def sent(form: RuleForm) -> RuleForm:
    """Return the form as it comes back from a browser."""
    fields: dict[str, list[str]] = {}
    for name, value in forms.fields_of(form):
        fields.setdefault(name, []).append(value)
    return forms.read(fields)


def two_rows() -> RuleForm:
    return RuleForm(when=Group("all", (Row(fact="specialty"), Row(fact="segment"))))


@worlds.tried
@given(worlds.rules)
def test_a_rule_comes_back_from_its_form_unchanged(rule: Rule) -> None:
    judged = judge(sent(forms.form_of(rule)), rule.id)
    assert judged.errors == {}
    assert judged.rule == rule


def test_every_fault_is_shown_at_its_field_at_once() -> None:
    form = RuleForm(
        name="",
        because="x",
        priority="soon",
        sample="200",
        enabled=False,
        when=Group("all", (Row(), Row("specialty", op="is"), Row("visits", within="a", op=">", values=("many",)))),
        then=forms.EffectForm(do="raise", aim="modules", by="1e9"),
    )
    assert set(judge(form, "new").errors) == {
        "name",
        "because",
        "priority",
        "sample",
        "off_reason",
        "n0-0.fact",
        "n0-1.value",
        "n0-2.value",
        "n0-2.within",
        "then.modules",
        "then.by",
    }


def test_a_limit_hides_or_lowers() -> None:
    lowers = {"do": "limit", "target": {"everything": True}, "times": 3, "by": 2}
    rule = parse_rule(a_rule(then=lowers))
    form = forms.form_of(rule)
    hides = judge(replace(form, then=replace(form.then, way_back="more")), rule.id)
    assert judge(form, rule.id).rule == rule
    assert hides.rule is not None
    assert hides.rule.model_dump(exclude_none=True)["then"] == {
        "do": "limit",
        "target": {"everything": True},
        "count": "reads",
        "times": 3,
        "way_back": "more",
    }


def test_a_moment_typed_without_a_zone_is_utc() -> None:
    rule = parse_rule(a_rule(starts="2026-12-01T08:00Z"))
    assert judge(replace(forms.form_of(rule), starts="2026-12-01T08:00"), rule.id).rule == rule


def test_and_adds_a_row_inside_its_group() -> None:
    form = reshaping.changed(two_rows(), "and:n0")
    assert form.when.parts == (Row(fact="specialty"), Row(fact="segment"), Row())


def test_or_puts_an_alternative_below_the_whole() -> None:
    once = reshaping.changed(two_rows(), "or")
    assert (once.when.word, len(once.when.parts)) == ("any", 2)
    twice = reshaping.changed(once, "or")
    assert len(twice.when.parts) == 3
    assert twice.when.parts[0] == two_rows().when


def test_a_group_of_alternatives_stands_among_the_rows() -> None:
    form = reshaping.changed(two_rows(), "group:n0")
    assert form.when.parts[2] == Group("any", (Row(), Row()))
    deeper = reshaping.changed(form, "and:n0-2")
    assert deeper.when.parts[2] == Group("any", (Row(), Row(), Row()))


def test_a_row_is_removed_and_unknown_acts_do_nothing() -> None:
    assert reshaping.changed(two_rows(), "remove:n0-0").when.parts == (Row(fact="segment"),)
    for act in ("remove:n0-9", "remove:n0-0-1", "remove:n0", "burn:n0", "and:", "and:../x", "", "and:n0-0"):
        assert reshaping.changed(two_rows(), act) == two_rows()


@pytest.mark.parametrize(
    ("act", "field"),
    [
        ("and:n0", "n0-2.fact"),
        ("group:n0", "n0-2-0.fact"),
        ("or", "n0-1-0.fact"),
        ("remove:n0-1", "n0.word"),
        ("shape", ""),
        ("and:n0-9", ""),
        ("burn:n0", ""),
    ],
)
def test_a_pressed_button_leads_on_to_what_it_added(act: str, field: str) -> None:
    assert reshaping.focused(reshaping.changed(two_rows(), act), act) == field


def test_a_form_that_no_page_sends_is_refused() -> None:
    with pytest.raises(FormRefused):
        forms.read({f"n0-{index}.fact": ["visits"] for index in range(90)})
    with pytest.raises(FormRefused):
        forms.read({"n0-0-0-0-0-0-0-0.fact": ["visits"]})


names = st.sampled_from(
    [
        "name",
        "n0.word",
        "n0-0.fact",
        "n0-0.op",
        "n0-0.value",
        "n0-1.lines",
        "n0-1-2.fact",
        "then.do",
        "then.by",
        "then.aim",
    ]
)
texts = st.text(max_size=6) | st.sampled_from(["visits", ">", "2", "any", "limit", "everything", "interest", "\n"])


@worlds.tried
@given(st.dictionaries(names, st.lists(texts, max_size=3)))
def test_any_fields_are_judged(fields: dict[str, list[str]]) -> None:
    with suppress(FormRefused):
        judged = judge(forms.read(fields), "r1")
        assert (judged.rule is None) == bool(judged.errors)


def test_a_new_rule_gets_an_id_from_its_name() -> None:
    assert fresh_id("CKD data first!", frozenset()) == "ckd-data-first"
    assert fresh_id("CKD data first", frozenset({"ckd-data-first"})) == "ckd-data-first-2"
    assert fresh_id("«»", frozenset()) == "rule"
