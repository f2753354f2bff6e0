"""Everything worth a second look in a rule set before a second person reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from portal.personalize.arrangement import Candidate
from portal.personalize.catalogue import FACTS, Of
from portal.personalize.conditions import comparisons
from portal.personalize.conflicts import Live, contradictory, impossible_and_certain, live_rules, shadowed
from portal.personalize.effects import After, Limit
from portal.personalize.example import example_of
from portal.personalize.facts import Facts, ModuleHistory
from portal.personalize.findings import Finding, Kind
from portal.personalize.rules import RuleSet
from portal.personalize.trials import displacing, matching, starving, ties, tried

__all__ = ["Finding", "Kind", "lint"]


def lint(
    rule_set: RuleSet,
    candidates: Iterable[Candidate],
    history: Sequence[Facts] = (),
    *,
    at: datetime,
    mandatory: frozenset[str] = frozenset(),
    guarded: frozenset[str] = frozenset(),
    blocks: frozenset[str] = frozenset(),
    calculators: frozenset[str] | None = None,
    first_places: int = 6,
) -> tuple[Finding, ...]:
    """Give every finding, by place in the list.

    `history` are real doctors to try the rules on; without any, only what follows from the rules alone is
    found. `mandatory` are the modules that must be seen where the standard order has them; `guarded` those that others
    may overtake, but that no rule should hide or take down; `blocks` the keys of the site's mandatory blocks, which no
    rule reaches; `calculators`, where given, are those in force.
    """
    site = tuple(candidates)
    live = live_rules(rule_set, site, at)
    trials = tried(rule_set, site, history)
    made_up = tried(rule_set, site, list(_made_up(live, at))) if mandatory or guarded else []
    found = [
        *_references(rule_set, site, at, calculators, blocks),
        *impossible_and_certain(live),
        *shadowed(live),
        *contradictory(live, at),
        *matching(live, trials),
        *ties(live, trials),
        *starving(live, site, trials, first_places),
        *displacing(rule_set, site, [*made_up, *trials], mandatory, guarded),
    ]
    once = {(one.kind, one.rule, one.place, one.text): one for one in reversed(found)}
    return tuple(sorted(once.values(), key=lambda one: _rank(one, rule_set)))


def _rank(finding: Finding, rule_set: RuleSet) -> tuple[int, str, str, str]:
    places = {rule.id: place for place, rule in enumerate(rule_set.rules)}
    return places.get(finding.rule, len(places)), finding.kind.value, finding.place, finding.text


def _made_up(live: tuple[Live, ...], at: datetime) -> Iterator[Facts]:
    """Yield for each rule that can act a doctor on whom it does, and who read all it limits often enough."""
    for one in live:
        when = max(at, one.rule.starts) if one.rule.starts is not None else at
        example = example_of(one.rule.when, when, next(iter(one.rule.audience), ""))
        if example is None:
            continue
        if isinstance(one.rule.then, Limit):
            often = one.rule.then.times
            known = {
                module: replace(example.modules.get(module, ModuleHistory()), reads=often, skips=often)
                for module in one.aims
            }
            example = replace(example, modules={**example.modules, **known})
        yield example


def _references(
    rule_set: RuleSet,
    candidates: tuple[Candidate, ...],
    at: datetime,
    calculators: frozenset[str] | None,
    blocks: frozenset[str],
) -> Iterator[Finding]:
    """Yield every mention of a module, topic, kind or calculator that is not in force, and rules that ended."""
    in_force = [
        one
        for one in candidates
        if (one.in_force_from is None or one.in_force_from <= at)
        and (one.in_force_until is None or at < one.in_force_until)
    ]
    there = {
        Of.MODULE: frozenset(one.module for one in in_force),
        Of.TOPIC: frozenset(topic for one in in_force for topic in one.topics),
        Of.CALCULATOR: calculators,
    }
    kinds = frozenset(one.kind for one in in_force)
    for index, rule in enumerate(rule_set.rules):
        if not rule.enabled:
            continue
        place, target = f"rules[{index}]", rule.then.target
        if rule.ends is not None and rule.ends <= at:
            yield Finding(Kind.NOT_IN_FORCE, rule.id, f"{place}.ends", "This rule has ended.")
        mentioned = [
            *((f"{place}.then.target.modules[{n}]", Of.MODULE, key) for n, key in enumerate(target.modules or ())),
            *([(f"{place}.then.target.topic", Of.TOPIC, target.topic)] if target.topic else []),
            *([(f"{place}.then.module", Of.MODULE, rule.then.module)] if isinstance(rule.then, After) else []),
        ]
        for where, asked in comparisons(rule.when, f"{place}.when"):
            spec = FACTS[asked.fact]
            if spec.of is not None and asked.of is not None:
                mentioned.append((f"{where}.of", spec.of, asked.of))
            if spec.values is not None and isinstance(asked.value, str):
                mentioned.append((f"{where}.value", spec.values, asked.value))
        for where, of, key in mentioned:
            known = there[of]
            if known is None or key in known:
                continue
            if of is Of.MODULE and key in blocks:
                text = f"{key} is a mandatory block: it stands on every page, and no rule can move or hide it."
                yield Finding(Kind.DISPLACES, rule.id, where, text, (key,))
            else:
                text = f"There is no {of.value} {key} in force."
                yield Finding(Kind.NOT_IN_FORCE, rule.id, where, text, (key,))
        if target.kind is not None and target.kind not in kinds:
            text = f"There is no module of kind {target.kind} in force."
            yield Finding(Kind.NOT_IN_FORCE, rule.id, f"{place}.then.target.kind", text, (target.kind,))
