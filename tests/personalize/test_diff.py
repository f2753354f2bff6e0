"""The difference of two rule sets is told in words, whole and no more."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from portal.personalize import RuleSet, diff
from portal.personalize.diff import Changed
from tests.personalize import worlds
from tests.personalize.worlds import rule, rule_set

RAISE = {"do": "raise", "target": {"modules": ["ckd-data"]}, "by": 3}
CARDIOLOGY = {"fact": "specialty", "op": "is", "value": "cardiology"}


@worlds.tried
@given(worlds.rule_sets(), worlds.rule_sets())
def test_nothing_is_said_where_nothing_differs_and_something_where_it_does(old: RuleSet, new: RuleSet) -> None:
    assert diff.diff(old, old) == ()
    same = old.settings == new.settings and old.rules == new.rules
    assert (diff.diff(old, new) == ()) is same


@worlds.tried
@given(worlds.rule_sets(), st.randoms(use_true_random=False))
def test_a_new_order_is_told_by_rules_that_moved_and_never_by_all(old: RuleSet, chance: random.Random) -> None:
    shuffled = list(old.rules)
    chance.shuffle(shuffled)
    changes = diff.diff(old, old.model_copy(update={"rules": tuple(shuffled)}))
    assert all(change.kind is Changed.MOVED for change in changes)
    assert bool(changes) is (tuple(shuffled) != old.rules)
    assert len(changes) < max(len(old.rules), 1)


def test_each_kind_of_change_reads_as_words() -> None:
    old = rule_set(
        rule(RAISE, CARDIOLOGY, id="a"),
        rule(RAISE, id="b", name="Second"),
        rule(RAISE, id="c"),
    )
    new = rule_set(
        rule(RAISE, id="c"),
        rule({**RAISE, "by": 5}, CARDIOLOGY, id="a", enabled=False, off_reason="too strong"),
        rule({"do": "require", "target": {"topic": "renal"}}, id="d"),
        half_life_days=45,
    )
    told = [(change.kind.value, change.place, change.text) for change in diff.diff(old, new)]
    assert told == [
        ("setting", "settings.half_life_days", "Half-life of interest: was 30 days, is now 45 days."),
        (
            "removed",
            "rules[1]",
            'Rule b (Second) is removed: IF always THEN raise *ckd-data* by 3 because "You asked about it".',
        ),
        (
            "changed",
            "rules[1].then",
            "Rule a (A rule). The effect was: raise *ckd-data* by 3; is now: raise *ckd-data* by 5.",
        ),
        ("changed", "rules[1].enabled", 'Rule a (A rule) is switched off because "too strong".'),
        (
            "added",
            "rules[2]",
            'Rule d (A rule) is added: IF always THEN always show modules on *renal* because "You asked about it".',
        ),
        ("moved", "rules[1]", "Rule a (A rule) stood at place 1 of the list, stands now at 2."),
    ]
