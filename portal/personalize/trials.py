"""What a rule set does to real doctors: who is matched, which ties arise, which modules nobody gets to see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from portal.personalize.arrangement import Arrangement, Candidate, Item, Mode, Why
from portal.personalize.compiling import CompiledRules, aims_at, compile_rules
from portal.personalize.conditions import conditions_of
from portal.personalize.conflicts import Live
from portal.personalize.effects import After, Lower, Pin
from portal.personalize.engine import arrange, order_of
from portal.personalize.evaluate import is_impersonal, is_met
from portal.personalize.facts import Facts
from portal.personalize.findings import Finding, Kind
from portal.personalize.logic import is_certain, is_impossible
from portal.personalize.rules import RuleSet

_SCOPE = frozenset({Why.NOT_IN_FORCE, Why.OTHER_AUDIENCE, Why.OTHER_LANGUAGE, Why.DUPLICATE})
_TRIES = 20  # doctors on whom one rule is asked whether it is to blame for one module


@dataclass(frozen=True, slots=True)
class Trial:
    """One doctor with the page they would get and the page in the standard order."""

    facts: Facts
    page: Arrangement
    standard: dict[str, int]


def tried(
    rule_set: RuleSet | CompiledRules, candidates: tuple[Candidate, ...], history: Sequence[Facts]
) -> list[Trial]:
    """Give the personal pages of these doctors; those without a personal page say nothing of the rules."""
    compiled = compile_rules(rule_set)
    plain = compile_rules(compiled.rule_set.model_copy(update={"rules": ()}))
    trials = []
    for facts in history:
        page = arrange(facts, candidates, compiled)
        if page.mode is Mode.PERSONAL:
            bare = arrange(replace(facts, standard_order=True), candidates, plain)
            trials.append(Trial(facts, page, {item.module: item.place for item in bare.items}))
    return trials


def matching(live: tuple[Live, ...], trials: list[Trial]) -> Iterator[Finding]:
    """Yield rules that match none, or all, of the doctors they are for."""
    for one in live:
        when, place = one.rule.when, f"rules[{one.index}].when"
        if is_impossible(when) or is_impersonal(when) or is_certain(when):
            continue
        meant = [
            trial for trial in trials if not one.rule.audience or trial.facts.profile.audience in one.rule.audience
        ]
        met = sum(is_met(when, trial.facts) for trial in meant)
        if meant and met == 0:
            text = f"Matches none of {len(meant):,} doctors."
            yield Finding(Kind.NEVER, one.rule.id, place, text)
        elif met == len(meant) > 1 and conditions_of(when):
            text = f"Matches every one of {met:,} doctors."
            yield Finding(Kind.ALWAYS, one.rule.id, place, text, doctors=met)


def ties(live: tuple[Live, ...], trials: list[Trial]) -> Iterator[Finding]:
    """Yield rules whose points leave two modules level, so that the standard order decides between them."""
    index = {one.rule.id: one.index for one in live}
    counts: Counter[tuple[str, str]] = Counter()
    shown: dict[tuple[str, str], tuple[Facts, str, str]] = {}
    for trial in trials:
        met: set[tuple[str, str]] = set()
        for upper, lower in zip(trial.page.items, trial.page.items[1:], strict=False):
            pair = _level(upper, lower, index)
            if pair is not None:
                met.add(pair)
                shown.setdefault(pair, (trial.facts, upper.module, lower.module))
        counts.update(met)
    for pair, doctors in sorted(counts.items()):
        facts, upper_module, lower_module = shown[pair]
        text = (
            f"For {doctors:,} of {len(trials):,} doctors {upper_module} and {lower_module} end level; "
            "the standard order decides."
        )
        place = f"rules[{index[pair[0]]}].then"
        yield Finding(Kind.TIE, pair[0], place, text, (pair[1],), doctors, facts)


def _level(upper: Item, lower: Item, index: dict[str, int]) -> tuple[str, str] | None:
    """Give the two rules that left two neighbours level; None where they are apart or one rule moved both."""
    if upper.score != lower.score or upper.score == 0:
        return None
    moved = [{one.rule for one in item.contributions if one.points and one.rule in index} for item in (upper, lower)]
    alone = [sorted(mine - theirs) for mine, theirs in (moved, moved[::-1])]
    if not alone[0] or not alone[1]:
        return None
    first, second = sorted((alone[0][0], alone[1][0]))
    return first, second


def starving(
    live: tuple[Live, ...], candidates: tuple[Candidate, ...], trials: list[Trial], first_places: int
) -> Iterator[Finding]:
    """Yield modules that no doctor gets to see, or never early though the standard order shows them early."""
    index = {one.rule.id: one.index for one in live}
    for module in sorted({one.module for one in candidates}):
        hidden: Counter[str] = Counter()
        meant, best, standard = 0, 0, 0
        for trial in trials:
            if module not in trial.standard:
                continue
            meant += 1
            item = trial.page.of(module)
            if item is None:
                hidden.update(one.rule for one in trial.page.not_shown if one.module == module and one.rule)
            else:
                best = min(best or item.place, item.place)
                standard = min(standard or trial.standard[module], trial.standard[module])
        if meant and not best and hidden:
            rule = min(hidden, key=lambda name: (-hidden[name], name))
            text = f"{module} is hidden from every one of {meant:,} doctors it is for."
            yield Finding(Kind.STARVING, rule, f"rules[{index[rule]}].then", text, (module,), meant)
        elif meant and best > first_places >= standard:
            text = f"{module} is never among the first {first_places} places, where the standard order has it."
            yield Finding(Kind.STARVING, "", "rules", text, (module,), meant)


def displacing(
    rule_set: RuleSet,
    candidates: tuple[Candidate, ...],
    trials: list[Trial],
    mandatory: frozenset[str],
    guarded: frozenset[str] = frozenset(),
) -> Iterator[Finding]:
    """Yield rules that hide or push down a module that must be seen, with a doctor on whom they do.

    A `guarded` module may fall behind others that rise; only what is aimed at it and hides it or takes it down counts.
    """
    found: set[tuple[str, str]] = set()
    tries: Counter[tuple[str, str]] = Counter()
    place_of = {rule.id: place for place, rule in enumerate(rule_set.rules)}
    aimed = {module: _aimed_down(rule_set, candidates, module) for module in guarded - mandatory}
    without = _Without(rule_set, candidates)
    for trial in trials:
        acting = {trace.rule for trace in trial.page.rules if trace.state == "matched"}
        for module in sorted((mandatory | guarded) & trial.standard.keys()):
            item = trial.page.of(module)
            if item is not None and item.place <= trial.standard[module]:
                continue
            suspects = [rule for rule in aimed.get(module, place_of) if rule in acting and (rule, module) not in found]
            suspects = [rule for rule in suspects if tries[rule, module] < _TRIES]
            tries.update((rule, module) for rule in suspects)
            for rule in _to_blame(without, trial, module, item, suspects):
                found.add((rule, module))
                how = "hidden" if item is None else f"moved from place {trial.standard[module]} to {item.place}"
                text = f"{module} must be seen, and is {how}."
                where = f"rules[{place_of[rule]}].then"
                yield Finding(Kind.DISPLACES, rule, where, text, (module,), 1, trial.facts)


class _Without:
    """A rule set without one rule, made ready once for every doctor it is tried on."""

    def __init__(self, rule_set: RuleSet, candidates: tuple[Candidate, ...]) -> None:
        self.rule_set = rule_set
        self.candidates = candidates
        self.ready: dict[str, CompiledRules] = {}

    def order(self, rule: str, facts: Facts) -> tuple[str, ...]:
        """Give the modules of the page of these facts, from first to last."""
        if rule not in self.ready:
            rest = tuple(one for one in self.rule_set.rules if one.id != rule)
            self.ready[rule] = compile_rules(self.rule_set.model_copy(update={"rules": rest}))
        return order_of(facts, self.candidates, self.ready[rule])


def _aimed_down(rule_set: RuleSet, candidates: tuple[Candidate, ...], module: str) -> list[str]:
    """Give the rules that hide this module or take it, and not every module alike, further down."""
    here = [one for one in candidates if one.module == module]
    return [
        rule.id
        for rule in rule_set.rules
        if (rule.hides() or isinstance(rule.then, Lower | Pin | After))
        and not (isinstance(rule.then, Lower) and rule.then.target.everything)
        and any(aims_at(rule.then.target, one) for one in here)
    ]


def _to_blame(without: _Without, trial: Trial, module: str, item: Item | None, suspects: list[str]) -> list[str]:
    """Give those of the suspected rules without any one of which the module would stand higher.

    Where several hide it, the one that says so stands for all of them.
    """
    blamed = []
    for rule in suspects:
        order = without.order(rule, trial.facts)
        if module in order and (item is None or order.index(module) + 1 < item.place):
            blamed.append(rule)
    if not blamed and item is None:
        blamed = [left.rule for left in trial.page.not_shown if left.module == module and left.rule in suspects]
    return blamed
