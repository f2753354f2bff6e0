"""Why a page is as it is: which rules fitted and which did not, and what would be otherwise without a cause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from portal.personalize.arrangement import Arrangement, Candidate, Item, State
from portal.personalize.catalogue import FACTS, FactSpec, FactType, Of, Op
from portal.personalize.compiling import compile_rules
from portal.personalize.conditions import Comparison, comparisons
from portal.personalize.engine import arrange, mode_of, seen, state_of
from portal.personalize.evaluate import is_met, value_of
from portal.personalize.facts import Facts, Profile
from portal.personalize.grammar import days, op_words, titles, unit_words
from portal.personalize.readers import FactValue
from portal.personalize.rules import Rule, RuleSet
from portal.personalize.sentence import sentence
from portal.personalize.words import Names, number, points

_NO_NAMES = Names()


class Fit(NamedTuple):
    """Whether one comparison, at its place in the rule, is met, and the words that say so."""

    place: str
    met: bool
    text: str


class Explained(NamedTuple):
    """What became of one rule for one doctor; `fits` is empty where the condition was not looked at."""

    rule: str
    name: str
    sentence: str
    state: State
    fits: tuple[Fit, ...]


_STATE_WORDS = {
    State.MATCHED: "Matched",
    State.UNMATCHED: "Did not match",
    State.OFF: "Switched off",
    State.NOT_YET: "Has not started",
    State.ENDED: "Has ended",
    State.OTHER_AUDIENCE: "Is for another audience",
    State.OUTSIDE_SAMPLE: "Acts for a share of doctors, and this one is not among them",
    State.RESTING: "Rests: this page uses nothing about the person",
}


def state_words(state: State) -> str:
    """Give what became of a rule in words."""
    return _STATE_WORDS[state]


def explained(facts: Facts, rule_set: RuleSet, names: Names = _NO_NAMES) -> tuple[Explained, ...]:
    """Say for every rule, in stated order, what became of it for these facts and why."""
    compiled = compile_rules(rule_set)
    mode = mode_of(facts, compiled.rule_set)
    visible = seen(facts, mode)
    found = []
    for one in sorted(compiled.rules, key=lambda rule: rule.index):
        state = state_of(one, visible, mode, facts.subject, compiled.rule_set.site)
        looked = state in (State.MATCHED, State.UNMATCHED)
        fits = fits_of(one.rule, visible, names) if looked else ()
        found.append(Explained(one.rule.id, one.rule.name, sentence(one.rule, names), state, fits))
    return tuple(found)


def fits_of(rule: Rule, facts: Facts, names: Names = _NO_NAMES) -> tuple[Fit, ...]:
    """Say for every comparison of a rule whether these facts meet it."""
    return tuple(fit_of(asked, facts, names, place) for place, asked in comparisons(rule.when))


def fit_of(asked: Comparison, facts: Facts, names: Names = _NO_NAMES, place: str = "") -> Fit:
    """Say whether one comparison is met: `read Renal dosing for 82 s, more than 60 s`."""
    met = is_met(asked, facts)
    return Fit(place, met, _fit_text(asked, FACTS[asked.fact], value_of(asked, facts), met, names))


def _fit_text(asked: Comparison, spec: FactSpec, known: FactValue, met: bool, names: Names) -> str:
    of = titles(names, spec.of).get(asked.of or "", asked.of or "") if spec.of is not None else ""
    lead = spec.lead.replace("{of}", of)
    window = f" {days(asked.within_days)}" if asked.within_days is not None else ""
    if spec.type is FactType.SET:
        return _set_text(asked, spec, known, lead, met, names)
    if known is None or known == "":
        return f"{lead} not known{window}"
    actual = f"{lead} {_said(spec, known)}{window}"
    same = known == asked.value or _said(spec, known) == str(asked.value)
    if asked.op is Op.EXISTS or (asked.op in (Op.IS, Op.IS_NOT) and same):
        return actual
    values = asked.value if isinstance(asked.value, tuple) else (asked.value,)
    wanted = ", ".join(_said(spec, value) for value in values)
    if asked.op in (Op.IS, Op.IS_NOT):
        return f"{actual}, not {wanted}"
    return f"{actual}, {'' if met else 'not '}{op_words(spec)[asked.op]} {wanted}"


def _set_text(asked: Comparison, spec: FactSpec, known: FactValue, lead: str, met: bool, names: Names) -> str:
    if asked.op is Op.EXISTS:
        return f"{lead} are known" if known else f"{lead} are not known"
    wanted = str(asked.value)
    name = titles(names, spec.values).get(wanted, wanted) if spec.values is not None else wanted
    return f"{lead} include {name}" if met else f"{lead} do not include {name}"


def _said(spec: FactSpec, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        rounded = round(float(value), 1) if abs(value) >= 10 else round(float(value), 3)
        return f"{number(rounded)} {unit_words(spec.unit, rounded)}".strip()
    return str(value)


def account(item: Item) -> str:
    """Give the sum behind a module's score: `+3 (ckd-first) +0.133 (@interest) = +3.133`."""
    given = [f"{points(one.points)} ({one.rule})" for one in item.contributions]
    return " ".join([*given, "=", points(item.score)]) if given else points(item.score)


def without(
    facts: Facts,
    cause: tuple[str, str],
    *,
    candidates: Iterable[Candidate] = (),
    rule_set: RuleSet | None = None,
) -> Facts:
    """Give the facts as if this cause had not been, as named by an item or a contribution.

    An interest loses its topic and the time on its modules; a rule loses the facts it asks for.
    """
    kind, key = cause
    match kind:
        case "interest":
            return _without_interest(facts, key, candidates)
        case "declared":
            return replace(facts, declared_interests=facts.declared_interests - {key})
        case "rep-pick":
            return replace(facts, rep_picks=tuple(pick for pick in facts.rep_picks if pick != key))
        case "reads" | "skips" | "fatigue":
            return _without_counts(facts, key)
        case "rule":
            rule = next((one for one in rule_set.rules if one.id == key), None) if rule_set else None
            return _without_asked(facts, rule) if rule is not None else facts
        case _:
            return facts


def _without_interest(facts: Facts, topic: str, candidates: Iterable[Candidate]) -> Facts:
    about = {one.module for one in candidates if topic in one.topics}
    return replace(
        facts,
        interest={key: minutes for key, minutes in facts.interest.items() if key != topic},
        modules={
            key: replace(seen, dwell_ms=0, days=tuple(day._replace(dwell_ms=0) for day in seen.days))
            if key in about
            else seen
            for key, seen in facts.modules.items()
        },
    )


def _without_counts(facts: Facts, module: str) -> Facts:
    known = facts.modules.get(module)
    if known is None:
        return facts
    days_left = tuple(day._replace(reads=0, skips=0) for day in known.days)
    return replace(facts, modules={**facts.modules, module: replace(known, reads=0, skips=0, days=days_left)})


_EMPTY_PROFILE = Profile()


def _without_asked(facts: Facts, rule: Rule) -> Facts:
    """Forget every personal fact that a rule asks for."""
    for _, asked in comparisons(rule.when):
        spec, of = FACTS[asked.fact], asked.of or ""
        if not spec.personal:
            continue
        if spec.of is Of.MODULE:
            facts = replace(facts, modules={key: kept for key, kept in facts.modules.items() if key != of})
        elif spec.of is Of.CALCULATOR:
            kept_uses = {key: kept for key, kept in facts.calculators.items() if key != of}
            facts = replace(facts, calculators=kept_uses)
        elif spec.of is Of.TOPIC:
            facts = replace(facts, interest={key: kept for key, kept in facts.interest.items() if key != of})
        elif hasattr(_EMPTY_PROFILE, spec.name):
            empty = {spec.name: getattr(_EMPTY_PROFILE, spec.name)}
            facts = replace(facts, profile=replace(facts.profile, **empty))
        elif spec.type is FactType.SET:
            emptied: dict[str, Any] = {spec.name: () if spec.name == "rep_picks" else frozenset()}
            facts = replace(facts, **emptied)
        elif spec.name == "mail_clicks":
            facts = replace(facts, mail_clicks=0, mail_click_days=())
        else:
            facts = replace(facts, visits=0, visit_days=(), last_visit_at=None)
    return facts


def without_rule(rule_set: RuleSet, rule_id: str) -> RuleSet:
    """Give the rule set as if one rule were not in it."""
    return rule_set.model_copy(update={"rules": tuple(one for one in rule_set.rules if one.id != rule_id)})


class Counterfactual(NamedTuple):
    """Where a module stands and would stand without the cause its reason names; None is not on the page."""

    cause: tuple[str, str]
    place: int | None
    score: int
    other_place: int | None
    other_score: int

    @property
    def moves(self) -> bool:
        """Say whether undoing the cause changes the module's score or its place."""
        return (self.place, self.score) != (self.other_place, self.other_score)


def counterfactual(
    facts: Facts, candidates: tuple[Candidate, ...], rule_set: RuleSet, module: str
) -> Counterfactual | None:
    """Undo the cause that a module's reason names and say where it stands then; None if it is not shown.

    A module placed or weighed by a rule is tried without that rule; any other without the fact itself.
    """
    page = arrange(facts, candidates, rule_set)
    item = page.of(module)
    if item is None:
        return None
    other: Arrangement
    if item.cause[0] == "rule":
        other = arrange(facts, candidates, without_rule(rule_set, item.cause[1]))
    else:
        undone = without(facts, item.cause, candidates=candidates, rule_set=rule_set)
        other = arrange(undone, candidates, rule_set)
    moved = other.of(module)
    return Counterfactual(
        item.cause, item.place, item.score, moved.place if moved else None, moved.score if moved else 0
    )
