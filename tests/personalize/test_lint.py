"""Lint finds every seeded defect, names its rule and place, and keeps quiet about a sound rule set."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from portal.personalize import (
    Candidate,
    Facts,
    ModuleHistory,
    Profile,
    RuleSet,
    arrange,
    lint,
    logic,
    parse_rule_set,
)
from portal.personalize.lint import Kind
from portal.personalize.shown_on import example_words
from tests.personalize import worlds
from tests.personalize.worlds import AT, MODULES, doctor, rule, standard_site

SITE = standard_site()
SPECIALTIES = ("cardiology", "nephrology", "oncology")


def fact(name: str, op: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"fact": name, "op": op, "value": value, **more}


def is_specialty(name: str) -> dict[str, Any]:
    return fact("specialty", "is", name)


def raise_(module: str, by: float = 2, **more: Any) -> dict[str, Any]:
    return {"do": "raise", "target": {"modules": [module]}, "by": by, **more}


def pin(module: str, place: int = 1) -> dict[str, Any]:
    return {"do": "pin", "target": {"modules": [module]}, "place": place}


def hide(module: str) -> dict[str, Any]:
    return {"do": "hide", "target": {"modules": [module]}}


def doctors() -> list[Facts]:
    return [
        doctor(
            subject=f"h{number}",
            profile=Profile(specialty=SPECIALTIES[number % 3], segment="ABC"[number // 3 % 3], audience="doctor"),
            modules={MODULES[number % 6]: ModuleHistory(dwell_ms=5_000, reads=number % 4)},
        )
        for number in range(36)
    ]


SOUND = [
    rule(raise_("ckd-data", 3), is_specialty("nephrology"), id="sound-1"),
    rule(raise_("efficacy", 1.5), is_specialty("cardiology"), id="sound-2"),
    rule({"do": "limit", "target": {"everything": True}, "times": 3, "by": 0.7}, id="sound-3"),
]


def set_of(*rules: dict[str, Any], **settings: Any) -> RuleSet:
    return parse_rule_set({"id": "set", "version": 1, "site": "site", "settings": settings, "rules": list(rules)})


def test_a_sound_rule_set_has_no_findings() -> None:
    assert lint.lint(set_of(*SOUND), SITE, doctors(), at=AT) == ()


Seed = Callable[[random.Random], tuple[list[dict[str, Any]], str, str]]


def _some_module(chance: random.Random) -> str:
    return chance.choice(MODULES)


def _shadowed_by_hide(chance: random.Random) -> tuple[list[dict[str, Any]], str, str]:
    module, who = _some_module(chance), chance.choice(SPECIALTIES)
    wide = chance.choice([is_specialty(who), {"all": []}, fact("specialty", "in", sorted(SPECIALTIES))])
    narrow = {"all": [is_specialty(who), fact("segment", "is", "A")]}
    moved = chance.choice([raise_(module), pin(module, 3)])
    seeded = [rule(hide(module), wide, id="wide"), rule(moved, narrow, id="bad")]
    chance.shuffle(seeded)
    return seeded, "bad", "rules"


def _shadowed_pin(chance: random.Random) -> tuple[list[dict[str, Any]], str, str]:
    module, least = _some_module(chance), chance.randint(1, 5)
    wide, narrow = fact("visits", ">", least), fact("visits", ">=", least + 3)
    late = {"priority": -chance.randint(1, 9)}
    seeded = [rule(pin(module, 4), narrow, id="bad", **late), rule(pin(module, 2), wide, id="wide")]
    return seeded, "bad", "rules"


def _doubled(chance: random.Random) -> tuple[list[dict[str, Any]], str, str]:
    same = raise_(_some_module(chance), chance.randint(1, 9))
    when = fact("decile", ">", chance.randint(1, 8))
    return [rule(same, when, id="first"), rule(same, {"any": [when]}, id="bad")], "bad", "rules"


def _impossible(chance: random.Random) -> tuple[list[dict[str, Any]], str, str]:
    one, other = chance.sample(SPECIALTIES, 2)
    least = chance.randint(3, 8)
    when = chance.choice(
        [
            {"all": [is_specialty(one), is_specialty(other)]},
            {"all": [fact("decile", ">=", least), fact("decile", "<", least - 1)]},
            {"all": [is_specialty(one), {"none": [fact("specialty", "in", [one, other])]}]},
            {"all": [fact("visits", ">", least, within_days=7), fact("visits", "<=", least, within_days=30)]},
        ]
    )
    return [rule(raise_(_some_module(chance)), when, id="bad")], "bad", ".when"


def _required_and_hidden(chance: random.Random) -> tuple[list[dict[str, Any]], str, str]:
    module = _some_module(chance)
    keep = {"do": "require", "target": {"modules": [module]}}
    pair = [
        rule(keep, is_specialty(chance.choice(SPECIALTIES)), id="bad-1"),
        rule(hide(module), fact("segment", "is", "B"), id="bad-2"),
    ]
    chance.shuffle(pair)
    return pair, str(pair[1]["id"]), ".then"


def _raised_and_lowered(chance: random.Random) -> tuple[list[dict[str, Any]], str, str]:
    module, who = _some_module(chance), is_specialty(chance.choice(SPECIALTIES))
    lower = {"do": "lower", "target": {"modules": [module]}, "by": 1}
    return [rule(raise_(module), who, id="one"), rule(lower, {"any": [who]}, id="bad")], "bad", ".then"


def _never(chance: random.Random) -> tuple[list[dict[str, Any]], str, str]:
    when = chance.choice(
        [
            is_specialty("dermatology"),
            fact("module_reads", ">", chance.randint(9, 90), of=_some_module(chance)),
            {"all": [is_specialty("oncology"), fact("visits", ">=", chance.randint(1, 9))]},
        ]
    )
    return [rule(raise_(_some_module(chance)), when, id="bad")], "bad", ".when"


def _always(chance: random.Random) -> tuple[list[dict[str, Any]], str, str]:
    when = chance.choice(
        [
            fact("module_reads", "<", chance.randint(9, 90), of=_some_module(chance)),
            fact("specialty", "in", sorted(SPECIALTIES)),
            {"any": [fact("segment", "is", "A"), fact("segment", "is_not", "A")]},
        ]
    )
    return [rule(raise_(_some_module(chance), 1.1), when, id="bad")], "bad", ".when"


def _pins_to_one_place(chance: random.Random) -> tuple[list[dict[str, Any]], str, str]:
    one, other = chance.sample(MODULES, 2)
    place = chance.randint(1, 6)
    first = rule(pin(one, place), is_specialty("cardiology"), id="first")
    return [first, rule(pin(other, place), fact("segment", "is", "A"), id="bad")], "bad", ".then"


def _level_points(chance: random.Random) -> tuple[list[dict[str, Any]], str, str]:
    one, other = chance.sample(["dosing", "warnings", "interactions", "renal-dosing"], 2)
    who, by = is_specialty("oncology"), chance.randint(10, 60)
    return [rule(raise_(one, by), who, id="bad"), rule(raise_(other, by), who, id="other")], "bad", ".then"


def _hidden_from_all(chance: random.Random) -> tuple[list[dict[str, Any]], str, str]:
    module = _some_module(chance)
    halves = [fact("segment", "in", ["A"]), fact("segment", "in", ["B", "C"])]
    return [rule(hide(module), halves[0], id="half"), rule(hide(module), halves[1], id="bad")], "bad", ".then"


def _not_there(chance: random.Random) -> tuple[list[dict[str, Any]], str, str]:
    bad, place = chance.choice(
        [
            (rule(raise_("gone"), id="bad"), "modules[0]"),
            (rule({"do": "raise", "target": {"topic": "gone"}, "by": 1}, id="bad"), "target.topic"),
            (rule({"do": "raise", "target": {"kind": "gone"}, "by": 1}, id="bad"), "target.kind"),
            (rule({"do": "after", "target": {"modules": ["dosing"]}, "module": "gone"}, id="bad"), "then.module"),
            (rule(raise_("dosing"), fact("module_reads", ">", 1, of="gone"), id="bad"), "when.all[0].of"),
            (rule(raise_("dosing"), fact("interest", ">", 1, of="gone"), id="bad"), "when.all[0].of"),
            (rule(raise_("dosing"), fact("sent", "contains", "gone"), id="bad"), "when.all[0].value"),
            (rule(raise_("dosing"), fact("calculator_opened", ">", 1, of="gone"), id="bad"), "when.all[0].of"),
            (rule(raise_("dosing"), id="bad", ends="2026-11-01T00:00:00Z"), ".ends"),
        ]
    )
    return [bad], "bad", place


def _displaces(chance: random.Random) -> tuple[list[dict[str, Any]], str, str]:
    """A rule on something no doctor in history has, so that only a made-up doctor shows the harm."""
    when = chance.choice(
        [
            fact("decile", ">=", chance.randint(2, 10)),
            {"all": [is_specialty("dermatology"), fact("visits", ">", chance.randint(0, 9), within_days=30)]},
            fact("calculator_completed", ">", 2, of="fib4"),
        ]
    )
    harm = chance.choice(
        [
            hide("warnings"),
            {"do": "lower", "target": {"topic": "safety"}, "by": 3},
            pin(chance.choice(["interactions", "ckd-data"])),
            {"do": "limit", "target": {"modules": ["warnings"]}, "times": 2, "way_back": "search"},
        ]
    )
    return [rule(harm, when, id="bad")], "bad", ".then"


SEEDS: list[tuple[Kind, Seed]] = [
    (Kind.SHADOWED, _shadowed_by_hide),
    (Kind.SHADOWED, _shadowed_pin),
    (Kind.SHADOWED, _doubled),
    (Kind.CONTRADICTORY, _impossible),
    (Kind.CONTRADICTORY, _required_and_hidden),
    (Kind.CONTRADICTORY, _raised_and_lowered),
    (Kind.NEVER, _never),
    (Kind.ALWAYS, _always),
    (Kind.TIE, _pins_to_one_place),
    (Kind.TIE, _level_points),
    (Kind.STARVING, _hidden_from_all),
    (Kind.NOT_IN_FORCE, _not_there),
    (Kind.DISPLACES, _displaces),
]


@pytest.mark.parametrize(("kind", "seed"), SEEDS, ids=[f"{kind.value}{seed.__name__}" for kind, seed in SEEDS])
def test_every_seeded_defect_is_found_with_rule_and_place(kind: Kind, seed: Seed) -> None:
    for number in range(12):
        chance = random.Random(number)
        seeded, rule_id, place = seed(chance)
        sound = [one for one in SOUND if one["id"] != "sound-3"]
        whole = [*seeded, *sound] if chance.random() < 0.5 else [*sound, *seeded]
        found = lint.lint(
            set_of(*whole),
            SITE,
            doctors(),
            at=AT,
            mandatory=frozenset({"warnings"}),
            calculators=frozenset({"fib4"}),
        )
        hits = [one for one in found if one.kind is kind and one.rule == rule_id and place in one.place]
        assert hits, (number, whole, found)


def test_what_displaces_mandatory_content_comes_with_a_doctor_on_whom_it_does() -> None:
    live = set_of(rule(hide("warnings"), fact("decile", ">=", 9), id="bad"))
    (found,) = lint.lint(live, SITE, at=AT, mandatory=frozenset({"warnings"}))
    assert found.kind is Kind.DISPLACES
    assert found.example is not None
    assert arrange(found.example, SITE, live).of("warnings") is None


@pytest.mark.parametrize(
    "harm",
    [
        hide("warnings"),
        {"do": "hide", "target": {"topic": "safety"}},
        {"do": "lower", "target": {"topic": "safety"}, "by": 3},
        pin("warnings", 6),
        {"do": "after", "target": {"modules": ["warnings"]}, "module": MODULES[-1]},
        {"do": "limit", "target": {"everything": True}, "times": 2, "way_back": "search"},
    ],
    ids=lambda harm: str(harm["do"]),
)
def test_a_rule_aimed_at_a_guarded_module_is_found_with_a_doctor_in_words(harm: dict[str, Any]) -> None:
    live = set_of(*SOUND[:2], rule(harm, fact("decile", ">=", 9), id="bad"))
    found = lint.lint(live, SITE, at=AT, guarded=frozenset({"warnings"}))
    (hit,) = [one for one in found if one.kind is Kind.DISPLACES]
    assert (hit.rule, hit.others) == ("bad", ("warnings",))
    assert hit.example is not None
    page, plain = arrange(hit.example, SITE, live).of("warnings"), arrange(hit.example, SITE, set_of()).of("warnings")
    assert plain is not None
    assert page is None or page.place > plain.place
    words = example_words(hit, live)
    assert "decile is 9" in words
    assert ("read warnings twice" in words) == (harm["do"] == "limit")


def test_others_may_overtake_a_guarded_module_and_all_may_be_lowered_alike() -> None:
    overtaking = [
        rule(raise_("interactions", 9), is_specialty("cardiology"), id="up"),
        rule(pin("ckd-data"), fact("segment", "is", "A"), id="first"),
        rule({"do": "lower", "target": {"everything": True}, "by": 1}, fact("decile", ">", 5), id="all"),
        rule({"do": "limit", "target": {"everything": True}, "times": 3, "by": 0.7}, id="rest"),
    ]
    found = lint.lint(set_of(*overtaking), SITE, doctors(), at=AT, guarded=frozenset({"warnings"}))
    assert Kind.DISPLACES not in {one.kind for one in found}


def test_two_rules_that_both_hide_a_guarded_module_are_not_missed() -> None:
    both = [rule(hide("warnings"), fact("decile", ">", 5), id=name) for name in ("one", "two")]
    found = lint.lint(set_of(*both), SITE, at=AT, guarded=frozenset({"warnings"}))
    assert [one.rule for one in found if one.kind is Kind.DISPLACES] == ["one"]


def test_a_rule_that_names_a_mandatory_block_is_told_so() -> None:
    (found,) = lint.lint(set_of(rule(hide("isi"), id="bad")), SITE, at=AT, blocks=frozenset({"isi"}))
    assert (found.kind, found.place, found.others) == (Kind.DISPLACES, "rules[0].then.target.modules[0]", ("isi",))
    assert "mandatory block" in found.text


def test_many_rules_of_many_branches_are_looked_through_without_trying_everything_anew() -> None:
    chance = random.Random(3)

    def branch() -> dict[str, Any]:
        return fact("visits", chance.choice([">", "<="]), chance.randint(0, 9), within_days=chance.choice([7, 30]))

    many = [
        rule(
            chance.choice([hide("dosing"), pin("dosing", number % 6 + 1), raise_("dosing")]),
            {"all": [{"any": [branch(), is_specialty(chance.choice(SPECIALTIES))]} for _ in range(7)]},
            id=f"r{number}",
        )
        for number in range(60)
    ]
    logic._values_by_window.cache_clear()
    lint.lint(set_of(*many), SITE, at=AT)
    tried = logic._values_by_window.cache_info()
    assert tried.hits > tried.misses * 2


def test_a_module_pushed_out_of_the_first_places_starves() -> None:
    many = tuple(Candidate(f"m{number}", "v", f"M{number}", ("t",), position=number) for number in range(12))
    crowd = {"do": "pin", "target": {"modules": [f"m{number}" for number in range(2, 9)]}, "place": 1}
    found = lint.lint(set_of(rule(crowd)), many, doctors(), at=AT)
    assert ("m0",) in [one.others for one in found if one.kind is Kind.STARVING]


def test_rules_apart_in_time_or_audience_do_not_contradict() -> None:
    keep = {"do": "require", "target": {"modules": ["dosing"]}}
    apart = [
        rule(keep, id="a", ends="2026-12-01T00:00:00Z"),
        rule(hide("dosing"), id="b", starts="2026-12-01T00:00:00Z"),
        rule(keep, id="c", audience=["nurse"], starts="2026-12-01T00:00:00Z"),
        rule(hide("dosing"), id="d", audience=["pharmacist"]),
    ]
    found = lint.lint(set_of(*apart), SITE, at=AT)
    assert [(one.rule, one.others) for one in found if one.kind is Kind.CONTRADICTORY] == [
        ("c", ("b",)),
        ("d", ("a",)),
    ]


def test_a_module_no_longer_in_force_is_named() -> None:
    past = (replace(SITE[0], in_force_until=AT - timedelta(days=1)), *SITE[1:])
    found = lint.lint(set_of(rule(raise_("efficacy"))), past, at=AT)
    assert [(one.kind, one.place) for one in found] == [(Kind.NOT_IN_FORCE, "rules[0].then.target.modules[0]")]


@worlds.tried
@given(worlds.rule_sets(), worlds.personal_facts())
def test_a_rule_called_shadowed_changes_nothing_when_taken_out(live: RuleSet, facts: Facts) -> None:
    site = standard_site()
    for found in lint.lint(live, site, at=AT):
        if found.kind is Kind.SHADOWED and "says the same" not in found.text and facts.at >= AT:
            rest = tuple(one for one in live.rules if one.id != found.rule)
            other = live.model_copy(update={"rules": rest})
            assert arrange(facts, site, live).order() == arrange(facts, site, other).order()
