"""What can be worked out before a doctor comes: once per rule set, and once per set of candidates.

Both are kept by identity of immutable values, so what is kept never changes an answer, only its speed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from portal.personalize.arrangement import Candidate, Contribution, Why
from portal.personalize.effects import Hide, Interest, Limit, Lower, Pin, Raise, Require, Target
from portal.personalize.evaluate import Test, compiled, is_impersonal
from portal.personalize.facts import Facts
from portal.personalize.rules import Rule, RuleSet

KEPT = 64


def thousandths(points: float) -> int:
    """Give points as whole thousandths, so that sums are exact."""
    return round(points * 1000)


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """One rule with its test built, what it adds where that is fixed, and its place in the rule set."""

    rule: Rule
    index: int
    test: Test
    rests_without_person: bool
    contribution: Contribution


class Scope(NamedTuple):
    """When, for whom and in which language a module may be shown at all."""

    since: datetime | None
    until: datetime | None
    audiences: tuple[str, ...]
    language: str

    def excludes(self, facts: Facts) -> Why | None:
        """Say why a module of this scope is not for this doctor at this instant; None where it is."""
        if (self.since is not None and facts.at < self.since) or (self.until is not None and facts.at >= self.until):
            return Why.NOT_IN_FORCE
        if self.audiences and facts.profile.audience not in self.audiences:
            return Why.OTHER_AUDIENCE
        if self.language and facts.profile.language and self.language != primary(facts.profile.language):
            return Why.OTHER_LANGUAGE
        return None


def primary(language: str) -> str:
    """Give the language of a tag without its region: `en` for `en-US`."""
    return language.replace("_", "-").partition("-")[0].lower()


@dataclass(frozen=True, slots=True)
class Plan:
    """One set of candidates in the standard order, with the places that topics and rules speak of.

    `scopes` groups the places by the limits they share; `targets` holds, for each rule in acting order,
    the places of its target.
    """

    candidates: tuple[Candidate, ...]
    standard: tuple[Candidate, ...]
    places_of: dict[str, tuple[int, ...]]
    topics: dict[str, tuple[int, ...]]
    scopes: tuple[tuple[Scope, tuple[int, ...]], ...]
    repeats: bool
    targets: tuple[tuple[int, ...], ...]
    by_topic: tuple[tuple[tuple[str, tuple[int, ...]], ...], ...]


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """A rule set ready to serve; `rules` are in acting order: higher priority first, then stated order."""

    rule_set: RuleSet
    rules: tuple[CompiledRule, ...]
    plans: dict[int, Plan] = field(default_factory=dict)

    def plan(self, candidates: Iterable[Candidate]) -> Plan:
        """Give the plan of these candidates; a tuple met before is recognised without looking into it."""
        if not isinstance(candidates, tuple):
            return _planned(tuple(candidates), self.rules)
        kept = self.plans.get(id(candidates))
        if kept is not None and kept.candidates is candidates:
            return kept
        plan = _planned(candidates, self.rules)
        if len(self.plans) >= KEPT:
            self.plans.clear()
        self.plans[id(candidates)] = plan
        return plan


_COMPILED: dict[int, CompiledRules] = {}


def compile_rules(rule_set: RuleSet | CompiledRules) -> CompiledRules:
    """Give the rule set ready to serve; the same object is compiled once."""
    if isinstance(rule_set, CompiledRules):
        return rule_set
    kept = _COMPILED.get(id(rule_set))
    if kept is not None and kept.rule_set is rule_set:
        return kept
    ranked = sorted(enumerate(rule_set.rules), key=lambda pair: (-pair[1].priority, pair[0]))
    fresh = CompiledRules(rule_set, tuple(_compiled_rule(index, rule) for index, rule in ranked))
    if len(_COMPILED) >= KEPT:
        _COMPILED.clear()
    _COMPILED[id(rule_set)] = fresh
    return fresh


def _compiled_rule(index: int, rule: Rule) -> CompiledRule:
    points = 0
    if isinstance(rule.then, Raise):
        points = thousandths(rule.then.by)
    elif isinstance(rule.then, Lower) or (isinstance(rule.then, Limit) and rule.then.by is not None):
        points = -thousandths(rule.then.by or 0.0)
    keeps_acting = isinstance(rule.then, Hide | Require) and is_impersonal(rule.when)
    return CompiledRule(
        rule,
        index,
        compiled(rule.when),
        not keeps_acting or rule.sample_percent < 100,
        Contribution(rule.id, rule.then.do, points, rule.because, ("rule", rule.id)),
    )


def in_standard_order(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Give candidates in the order of a page that nothing moves."""
    return tuple(sorted(candidates, key=_standard_order))


def aims_at(target: Target, candidate: Candidate) -> bool:
    """Say whether a candidate is among the modules of a target."""
    if target.modules is not None:
        return candidate.module in target.modules
    if target.topic is not None:
        return target.topic in candidate.topics
    if target.kind is not None:
        return target.kind == candidate.kind
    return True


def _aimed(target: Target, standard: tuple[Candidate, ...]) -> tuple[int, ...]:
    return tuple(place for place, candidate in enumerate(standard) if aims_at(target, candidate))


def _planned(candidates: tuple[Candidate, ...], rules: tuple[CompiledRule, ...]) -> Plan:
    standard = in_standard_order(candidates)
    places_of: dict[str, tuple[int, ...]] = {}
    topics: dict[str, list[int]] = {}
    for place, candidate in enumerate(standard):
        places_of[candidate.module] = (*places_of.get(candidate.module, ()), place)
        for topic in sorted(set(candidate.topics)):
            topics.setdefault(topic, []).append(place)
    grouped = {topic: tuple(topics[topic]) for topic in sorted(topics)}
    targets = tuple(_aimed_in_order(rule.rule, standard) for rule in rules)
    return Plan(
        candidates,
        standard,
        places_of,
        grouped,
        _scopes(standard),
        len(places_of) < len(standard),
        targets,
        tuple(
            _split(aimed, grouped) if isinstance(rule.rule.then, Interest) else ()
            for rule, aimed in zip(rules, targets, strict=True)
        ),
    )


def _aimed_in_order(rule: Rule, standard: tuple[Candidate, ...]) -> tuple[int, ...]:
    """Give the places of a rule's target; a pin that names its modules keeps the order it names them in."""
    aimed = _aimed(rule.then.target, standard)
    named = rule.then.target.modules
    if isinstance(rule.then, Pin) and named is not None:
        return tuple(sorted(aimed, key=lambda place: named.index(standard[place].module)))
    return aimed


def _split(aimed: tuple[int, ...], topics: dict[str, tuple[int, ...]]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    wanted = set(aimed)
    split = ((topic, tuple(place for place in places if place in wanted)) for topic, places in topics.items())
    return tuple((topic, places) for topic, places in split if places)


def _standard_order(candidate: Candidate) -> tuple[object, ...]:
    """Rank by position, then key and version; the rest only makes the order of exact doubles irrelevant."""
    return (
        candidate.position,
        candidate.module,
        candidate.version,
        candidate.title,
        candidate.topics,
        candidate.kind,
        candidate.audiences,
        candidate.language,
        candidate.words,
        str(candidate.in_force_from),
        str(candidate.in_force_until),
    )


def _scopes(standard: tuple[Candidate, ...]) -> tuple[tuple[Scope, tuple[int, ...]], ...]:
    grouped: dict[Scope, list[int]] = {}
    for place, one in enumerate(standard):
        scope = Scope(one.in_force_from, one.in_force_until, one.audiences, primary(one.language))
        if any(scope):
            grouped.setdefault(scope, []).append(place)
    return tuple((scope, tuple(places)) for scope, places in grouped.items())
