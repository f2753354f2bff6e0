"""Explanations say what the engine did, and undoing a named cause undoes its effect."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from hypothesis import given

from portal.personalize import (
    Candidate,
    Day,
    Facts,
    ModuleHistory,
    Names,
    Profile,
    Rule,
    RuleSet,
    State,
    arrange,
    explain,
)
from portal.personalize.conditions import Condition, conditions_of, group_word
from portal.personalize.evaluate import is_met
from tests.personalize import worlds
from tests.personalize.worlds import TITLES, doctor, rule, rule_set, standard_site

NAMES = Names(modules=TITLES)
READ = {"fact": "module_dwell_s", "of": "renal-dosing", "op": ">", "value": 60, "within_days": 90}
CARDIOLOGY = {"fact": "specialty", "op": "is", "value": "cardiology"}
RAISE = {"do": "raise", "target": {"modules": ["ckd-data"]}, "by": 3}


def history(back: int, dwell_ms: int) -> ModuleHistory:
    day = date.fromordinal(worlds.AT.date().toordinal() - back)
    return ModuleHistory(dwell_ms=dwell_ms, reads=1, days=(Day(day, dwell_ms, 1),))


def test_a_fit_names_what_was_and_what_was_asked() -> None:
    live = rule_set(rule(RAISE, {"all": [CARDIOLOGY, READ]}))
    facts = doctor(profile=Profile(specialty="cardiology"), modules={"renal-dosing": history(10, 82_000)})
    (one,) = explain.explained(facts, live, NAMES)
    assert one.state is State.MATCHED
    assert [fit.text for fit in one.fits] == [
        "specialty is cardiology",
        "read Renal dosing for 82 s in the last 90 days, more than 60 s",
    ]
    assert arrange(facts, standard_site(), live).order()[0] == "ckd-data"


def test_what_was_read_before_the_window_does_not_count() -> None:
    live = rule_set(rule(RAISE, READ))
    (one,) = explain.explained(doctor(modules={"renal-dosing": history(91, 82_000)}), live, NAMES)
    assert one.state is State.UNMATCHED
    assert one.fits[0].text == "read Renal dosing for 0 s in the last 90 days, not more than 60 s"


def test_what_is_not_known_is_said_to_be_not_known() -> None:
    asked = [CARDIOLOGY, {"fact": "sent", "op": "contains", "value": "dosing"}]
    fits = explain.explained(doctor(), rule_set(rule(RAISE, {"any": asked})), NAMES)[0].fits
    assert [fit.text for fit in fits] == ["specialty is not known", "modules sent do not include Dosing"]


@worlds.tried
@given(worlds.facts(), worlds.candidates, worlds.rule_sets())
def test_explained_states_are_those_of_the_page(facts: Facts, candidates: tuple[Candidate, ...], live: RuleSet) -> None:
    page = arrange(facts, candidates, live)
    told = explain.explained(facts, live)
    assert [(one.rule, one.state) for one in told] == [(trace.rule, trace.state) for trace in page.rules]
    assert all(fit.text for one in told for fit in one.fits)


@worlds.tried
@given(worlds.personal_facts(), worlds.rules)
def test_fits_carry_the_whole_condition(facts: Facts, one: Rule) -> None:
    agreed = iter([fit.met for fit in explain.fits_of(one, facts)])
    assert _meaning(one.when, agreed) == is_met(one.when, facts)


def _meaning(condition: Condition, met: Iterator[bool]) -> bool:
    """The plain meaning of a tree, taking the truth of its comparisons in reading order."""
    parts = [_meaning(part, met) for part in conditions_of(condition)]
    match group_word(condition):
        case "all":
            return all(parts)
        case "any":
            return any(parts)
        case "none":
            return not any(parts)
        case _:
            return next(met)


@worlds.tried
@given(worlds.personal_facts(), worlds.rule_sets())
def test_undoing_a_cause_takes_exactly_its_own_points_away(facts: Facts, live: RuleSet) -> None:
    site, quiet = standard_site(), live.model_copy(update={"rules": ()})
    for item in arrange(facts, site, quiet).items:
        found = explain.counterfactual(facts, site, quiet, item.module)
        assert found is not None
        if item.cause[0] in ("interest", "declared"):
            own = sum(one.points for one in item.contributions if one.cause == item.cause)
            assert found.score - found.other_score == own
            assert found.moves
            assert (found.other_place or 0) >= (found.place or 0)


def test_undoing_the_named_cause_moves_the_module() -> None:
    facts = doctor(
        interest={"safety": 8 / 60},
        modules={"warnings": ModuleHistory(dwell_ms=8_000, reads=1)},
        declared_interests=frozenset({"renal"}),
        rep_picks=("interactions",),
    )
    live = rule_set(rule({"do": "pin", "target": {"modules": ["dosing"]}, "place": 1}))
    for module, kind in (("warnings", "interest"), ("ckd-data", "declared"), ("interactions", "rep-pick")):
        found = explain.counterfactual(facts, standard_site(), live, module)
        assert found is not None
        assert found.cause[0] == kind
        assert found.other_place is not None
        assert found.place is not None
        assert found.other_place > found.place
    pinned = explain.counterfactual(facts, standard_site(), live, "dosing")
    assert pinned is not None
    assert pinned.moves


def test_forgetting_what_a_rule_asks_for_unmatches_it() -> None:
    live = rule_set(rule(RAISE, {"all": [CARDIOLOGY, READ]}))
    facts = doctor(profile=Profile(specialty="cardiology"), modules={"renal-dosing": history(10, 82_000)})
    first = arrange(facts, standard_site(), live).items[0]
    assert first.cause == ("rule", "r1")
    undone = explain.without(facts, first.cause, rule_set=live)
    assert arrange(undone, standard_site(), live).order() == worlds.MODULES


def test_the_account_of_a_module_adds_up_in_words() -> None:
    facts = doctor(interest={"safety": 2.5}, declared_interests=frozenset({"safety"}))
    item = arrange(facts, standard_site(), rule_set()).items[0]
    assert explain.account(item) == "+2.5 (@interest) +2 (@declared) = +4.5"
