"""A back-test gives the live order again to the last page, and says of a draft what would change."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from portal.personalize import Candidate, Facts, Profile, RuleSet, arrange
from portal.personalize.backtest import Stored, backtest, fidelity, tried
from portal.personalize.codec import candidates_to_json, facts_to_json
from portal.personalize.engine import order_of
from tests.personalize import worlds
from tests.personalize.worlds import MODULES, doctor, rule, rule_set, standard_site

LIVE = rule_set(rule({"do": "raise", "target": {"modules": ["ckd-data"]}, "by": 3}))
DRAFT = rule_set(
    rule(
        {"do": "hide", "target": {"modules": ["ckd-data"]}},
        {"fact": "segment", "op": "is", "value": "A"},
    )
)


def served(facts: Facts, live: RuleSet = LIVE, candidates: tuple[Candidate, ...] | None = None) -> Stored:
    site = standard_site() if candidates is None else candidates
    order = arrange(facts, site, live).order()
    return Stored("p", facts.subject, facts_to_json(facts), candidates_to_json(site), order, live.id, live.version)


def history(count: int) -> list[Stored]:
    return [
        served(doctor(subject=f"h{number % 7}", profile=Profile(segment="ABC"[number % 3])))._replace(
            id=f"page-{number}"
        )
        for number in range(count)
    ]


@worlds.tried
@given(worlds.facts(), worlds.candidates, worlds.rule_sets())
def test_the_order_alone_is_the_order_of_the_whole_arrangement(
    facts: Facts, candidates: tuple[Candidate, ...], live: RuleSet
) -> None:
    assert order_of(facts, candidates, live) == arrange(facts, candidates, live).order()


@worlds.tried
@given(st.lists(worlds.facts(), max_size=4), worlds.candidates, worlds.rule_sets())
def test_the_live_rule_set_gives_every_served_page_again(
    several: list[Facts], candidates: tuple[Candidate, ...], live: RuleSet
) -> None:
    pages = [served(facts, live, candidates) for facts in several]
    assert fidelity(pages, {(live.id, live.version): live}).is_whole()
    assert backtest(pages, live).changed == 0


def test_a_draft_is_told_by_pages_modules_doctors_and_what_is_lost() -> None:
    told: list[int] = []
    found = backtest(history(21), DRAFT, chunk=8, progress=told.append)
    assert told == [8, 16, 21]
    assert (found.pages, found.changed, len(found.seen_doctors)) == (21, 21, 7)
    assert found.modules["ckd-data"].vanishes == 7
    assert found.modules["ckd-data"].falls == 14
    assert found.rising() == tuple((module, 21) for module in sorted(MODULES[:-1]))
    assert found.falling() == (("ckd-data", 21),)
    assert sum(found.losing.values()) == 7
    assert found.doctors["h0"] == 3


def test_shared_out_among_processes_the_result_is_the_same() -> None:
    pages = history(50)
    pages[9] = pages[9]._replace(served=())
    sets = {(LIVE.id, LIVE.version): LIVE}
    both = tried(pages, DRAFT, sets, workers=2, chunk=7)
    assert both == (backtest(pages, DRAFT), fidelity(pages, sets))
    assert (both.history.same, both.history.different) == (49, ["page-9"])


def test_a_page_that_was_served_otherwise_or_cannot_be_read_is_named() -> None:
    good, other, broken, strange = history(4)
    pages = [
        good,
        other._replace(served=other.served[::-1]),
        broken._replace(facts="{"),
        strange._replace(rule_set_version=9),
    ]
    found = fidelity(pages, {(LIVE.id, LIVE.version): LIVE})
    assert (found.pages, found.same, found.different) == (4, 1, ["page-1"])
    assert found.refused == ["page-2", "page-3"]
    assert not found.is_whole()
    assert backtest(pages, LIVE).refused == ["page-2"]
