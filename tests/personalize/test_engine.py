"""The arrangement of a page: total, pure, exact, and never beyond its scope."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.personalize import Candidate, Confidence, Facts, Mode, ModuleHistory, Profile, RuleSet, State, Why, arrange
from portal.personalize.codec import arrangement_to_json
from tests.personalize import worlds
from tests.personalize.worlds import MODULES, doctor, rule, rule_set, standard_site


@worlds.tried
@given(worlds.facts(), worlds.candidates, worlds.rule_sets())
def test_every_candidate_is_shown_or_left_out_and_never_both(
    facts: Facts, candidates: tuple[Candidate, ...], live: RuleSet
) -> None:
    page = arrange(facts, candidates, live)
    placed = [(item.module, item.version) for item in page.items]
    left = [(one.module, one.version) for one in page.not_shown]
    assert sorted(placed + left) == sorted((one.module, one.version) for one in candidates)
    assert len(set(page.order())) == len(page.items)
    assert [item.place for item in page.items] == list(range(1, len(page.items) + 1))
    assert all(one.sentence for one in page.not_shown)
    assert [trace.rule for trace in page.rules] == [one.id for one in live.rules]


@worlds.tried
@given(worlds.facts(), worlds.candidates, worlds.rule_sets())
def test_contributions_add_up_to_the_score_exactly(
    facts: Facts, candidates: tuple[Candidate, ...], live: RuleSet
) -> None:
    for item in arrange(facts, candidates, live).items:
        assert sum(given.points for given in item.contributions) == item.score
        assert isinstance(item.score, int)
        assert item.reason


@worlds.tried
@given(worlds.facts(), worlds.candidates, worlds.rule_sets(), st.randoms(use_true_random=False))
def test_the_order_of_candidates_and_of_what_is_known_does_not_matter(
    facts: Facts, candidates: tuple[Candidate, ...], live: RuleSet, chance: random.Random
) -> None:
    shuffled = list(candidates)
    chance.shuffle(shuffled)
    turned = replace(
        facts,
        interest=dict(reversed(list(facts.interest.items()))),
        modules=dict(reversed(list(facts.modules.items()))),
    )
    once = arrangement_to_json(arrange(facts, candidates, live))
    assert arrangement_to_json(arrange(turned, shuffled, live)) == once
    assert arrangement_to_json(arrange(facts, candidates, live.model_copy(deep=True))) == once


@worlds.tried
@given(worlds.facts(), worlds.candidates, worlds.rule_sets())
def test_nothing_out_of_scope_is_ever_shown(facts: Facts, candidates: tuple[Candidate, ...], live: RuleSet) -> None:
    by_version: dict[tuple[str, str], list[Candidate]] = {}
    for candidate in candidates:
        by_version.setdefault((candidate.module, candidate.version), []).append(candidate)
    for item in arrange(facts, candidates, live).items:
        assert any(_is_in_scope(one, facts) for one in by_version[item.module, item.version])


def _is_in_scope(one: Candidate, facts: Facts) -> bool:
    return (
        (one.in_force_from is None or one.in_force_from <= facts.at)
        and (one.in_force_until is None or facts.at < one.in_force_until)
        and (not one.audiences or facts.profile.audience in one.audiences)
        and (not one.language or not facts.profile.language or facts.profile.language[:2] == one.language[:2])
    )


silent = st.one_of(
    worlds.facts(consent=st.just(False)),
    worlds.facts(confidence=st.just(Confidence.UNKNOWN)),
)


@worlds.tried
@given(silent, worlds.facts(), worlds.candidates, worlds.rule_sets())
def test_without_consent_or_a_known_person_the_page_is_the_same_for_any_history(
    facts: Facts, other: Facts, candidates: tuple[Candidate, ...], live: RuleSet
) -> None:
    stranger = replace(
        other,
        at=facts.at,
        consent_profiling=facts.consent_profiling,
        confidence=facts.confidence,
        profile=replace(other.profile, audience=facts.profile.audience, language=facts.profile.language),
    )
    assert arrange(facts, candidates, live) == arrange(stranger, candidates, live)


@worlds.tried
@given(worlds.facts(), worlds.rule_sets())
def test_a_page_that_is_not_personal_keeps_the_standard_order(facts: Facts, live: RuleSet) -> None:
    page = arrange(facts, standard_site(), live)
    if page.mode is not Mode.PERSONAL:
        assert list(page.order()) == sorted(page.order(), key=MODULES.index)
        assert all(item.score == 0 for item in page.items)


@worlds.tried
@given(worlds.personal_facts(), worlds.rule_sets())
def test_ties_are_settled_by_the_standard_order_alone(facts: Facts, live: RuleSet) -> None:
    moving = {"pin", "after"}
    if any(one.then.do in moving for one in live.rules):
        return
    items = arrange(facts, standard_site(), live).items
    ranks = [(-item.score, MODULES.index(item.module)) for item in items]
    assert ranks == sorted(ranks)


def test_eight_seconds_on_warnings_change_the_order_and_say_so() -> None:
    facts = doctor(interest={"safety": 8 / 60}, modules={"warnings": ModuleHistory(dwell_ms=8_200, reads=1)})
    first = arrange(facts, standard_site(), rule_set()).items[0]
    assert (first.module, first.score) == ("warnings", 133)
    assert first.reason == "Because you spent 8 seconds on Warnings"


def test_a_glance_is_a_reason_and_not_counted_in_seconds() -> None:
    facts = doctor(interest={"safety": 0.01}, modules={"warnings": ModuleHistory(dwell_ms=600, reads=1)})
    first = arrange(facts, standard_site(), rule_set()).items[0]
    assert (first.module, first.score, first.reason) == ("warnings", 10, "Because you looked at Warnings")
    unread = arrange(replace(facts, modules={}), standard_site(), rule_set()).items[0]
    assert unread.reason == "Because you looked at safety"


def test_a_mandatory_block_is_never_a_candidate() -> None:
    with pytest.raises(ValueError, match="mandatory block"):
        Candidate("block:isi", "v1")


def test_a_pin_holds_its_place_and_the_first_claim_wins() -> None:
    live = rule_set(
        rule({"do": "pin", "target": {"modules": ["ckd-data", "renal-dosing"]}, "place": 2}),
        rule({"do": "pin", "target": {"modules": ["warnings"]}, "place": 2}),
        rule({"do": "pin", "target": {"modules": ["ckd-data"]}, "place": 1}),
    )
    page = arrange(doctor(), standard_site(), live)
    assert page.order() == ("efficacy", "ckd-data", "renal-dosing", "warnings", "dosing", "interactions")
    assert page.rules[2].overruled == ("ckd-data",)
    assert page.items[1].reason == "You asked about it"


def test_priority_decides_between_two_pins() -> None:
    live = rule_set(
        rule({"do": "pin", "target": {"modules": ["dosing"]}, "place": 1}),
        rule({"do": "pin", "target": {"modules": ["warnings"]}, "place": 1}, priority=5),
    )
    assert arrange(doctor(), standard_site(), live).order()[:2] == ("warnings", "dosing")


def test_a_pin_beyond_the_end_is_the_last_place() -> None:
    live = rule_set(rule({"do": "pin", "target": {"modules": ["efficacy"]}, "place": 99}))
    assert arrange(doctor(), standard_site(), live).order()[-1] == "efficacy"


def test_after_puts_a_module_directly_behind_another_even_a_pinned_one() -> None:
    live = rule_set(
        rule({"do": "after", "target": {"modules": ["ckd-data"]}, "module": "renal-dosing"}),
        rule({"do": "pin", "target": {"modules": ["renal-dosing"]}, "place": 6}),
    )
    order = arrange(doctor(), standard_site(), live).order()
    assert order == ("efficacy", "dosing", "warnings", "interactions", "renal-dosing", "ckd-data")


def test_a_circle_made_by_topics_is_cut_where_it_would_close() -> None:
    live = rule_set(
        rule({"do": "after", "target": {"topic": "safety"}, "module": "dosing"}),
        rule({"do": "after", "target": {"topic": "dosing"}, "module": "warnings"}),
    )
    page = arrange(doctor(), standard_site(), live)
    assert sorted(page.order()) == sorted(MODULES)
    assert page.rules[1].overruled == ("dosing",)


def test_hiding_gives_reason_and_way_back_and_require_overcomes_it() -> None:
    hide = rule({"do": "hide", "target": {"modules": ["efficacy", "dosing"]}, "way_back": "search"})
    keep = rule({"do": "require", "target": {"modules": ["dosing"]}})
    page = arrange(doctor(not_relevant=frozenset({"warnings"})), standard_site(), rule_set(hide, keep))
    assert [(one.module, one.why, one.rule, one.way_back) for one in page.not_shown] == [
        ("efficacy", Why.HIDDEN, "r1", "search"),
        ("warnings", Why.NOT_RELEVANT, "", "not-relevant"),
    ]


def test_a_limit_lowers_what_was_read_often_enough() -> None:
    live = rule_set(rule({"do": "limit", "target": {"everything": True}, "count": "reads", "times": 3, "by": 2}))
    facts = doctor(modules={"efficacy": ModuleHistory(reads=3), "dosing": ModuleHistory(reads=2)})
    last = arrange(facts, standard_site(), live).items[-1]
    assert (last.module, last.score) == ("efficacy", -2000)
    assert last.reason == "Shown later: because you have read this 3 times"


def test_a_rule_that_is_off_early_late_or_for_others_does_not_act() -> None:
    pin = {"do": "pin", "target": {"modules": ["ckd-data"]}, "place": 1}
    live = rule_set(
        rule(pin, enabled=False, off_reason="under review"),
        rule(pin, starts="2026-12-01T00:00:00Z"),
        rule(pin, ends="2026-11-01T00:00:00Z"),
        rule(pin, audience=["nurse"]),
        rule(pin, {"fact": "specialty", "op": "is", "value": "cardiology"}),
    )
    page = arrange(doctor(), standard_site(), live)
    assert page.order() == MODULES
    assert [trace.state for trace in page.rules] == [
        State.OFF,
        State.NOT_YET,
        State.ENDED,
        State.OTHER_AUDIENCE,
        State.UNMATCHED,
    ]


def test_a_sample_is_stable_and_near_its_share() -> None:
    live = rule_set(rule({"do": "pin", "target": {"modules": ["ckd-data"]}, "place": 1}, sample_percent=30))
    site = standard_site()
    inside = [arrange(doctor(subject=f"h{n}"), site, live).order()[0] == "ckd-data" for n in range(2000)]
    assert 0.26 < sum(inside) / 2000 < 0.34
    assert inside == [arrange(doctor(subject=f"h{n}"), site, live).order()[0] == "ckd-data" for n in range(2000)]


def test_only_hiding_and_requiring_by_audience_or_time_act_for_strangers() -> None:
    nurse = {"fact": "audience", "op": "is", "value": "nurse"}
    live = rule_set(
        rule({"do": "hide", "target": {"modules": ["dosing"]}}, nurse),
        rule({"do": "pin", "target": {"modules": ["ckd-data"]}, "place": 1}, nurse),
    )
    facts = Facts(worlds.AT, profile=Profile(audience="nurse"))
    page = arrange(facts, standard_site(), live)
    assert page.mode is Mode.UNKNOWN_DEVICE
    assert page.order() == tuple(key for key in MODULES if key != "dosing")
    assert page.rules[1].state is State.RESTING


def test_two_versions_of_one_module_never_stand_side_by_side() -> None:
    twice = (*standard_site(), Candidate("dosing", "dosing-2", "Dosing", ("dosing",), position=1))
    page = arrange(doctor(), twice, rule_set())
    assert [(one.version, one.why) for one in page.not_shown] == [("dosing-2", Why.DUPLICATE)]
