"""The one decision of the portal: which approved modules a doctor sees, in which order, and why.

The function is pure and total. Scope comes first and no rule can widen it: a module out of force or for
another audience or language is never shown. Then the doctor's own word and hiding rules, which only
`require` overcomes; then points; then pins and "after" (see `placing`). Rules act in the order of
priority, then as listed. Without consent to profiling, on an unknown device, in the holdout, or where
the doctor asked for it, the page is in the standard order and nothing of the person is read at all.
"""

from __future__ import annotations

from collections.abc import Iterable

from portal.personalize.arrangement import (
    Arrangement,
    Candidate,
    Contribution,
    Item,
    Mode,
    NotShown,
    RuleTrace,
    State,
    Why,
)
from portal.personalize.chance import in_holdout, in_sample
from portal.personalize.compiling import CompiledRule, CompiledRules, Plan, compile_rules
from portal.personalize.effects import After, Hide, Interest, Limit, Lower, Pin, Raise, Require
from portal.personalize.facts import Confidence, Facts
from portal.personalize.placing import Placing
from portal.personalize.rules import RuleSet
from portal.personalize.scoring import Ledger, Sums, add_interest_rule, add_settings, repeated

_STANDARD_SENTENCE = {
    Mode.PERSONAL: "In the standard order",
    Mode.STANDARD: "In the standard order, as you asked",
    Mode.HOLDOUT: "In the standard order",
    Mode.NO_CONSENT: "In the standard order: nothing about you is used",
    Mode.UNKNOWN_DEVICE: "In the standard order: nothing about you is used",
}
_NO_CAUSE = ("standard", "")
_SCOPE_SENTENCE = {
    Why.NOT_IN_FORCE: "Not in force at this moment",
    Why.OTHER_AUDIENCE: "Meant for another audience",
    Why.OTHER_LANGUAGE: "Written in another language",
    Why.DUPLICATE: "Another version of this module stands in its place",
}


def mode_of(facts: Facts, rule_set: RuleSet) -> Mode:
    """Say what kind of page these facts allow."""
    if facts.confidence is Confidence.UNKNOWN:
        return Mode.UNKNOWN_DEVICE
    if not facts.consent_profiling:
        return Mode.NO_CONSENT
    if facts.standard_order:
        return Mode.STANDARD
    return Mode.HOLDOUT if in_holdout(facts.subject, rule_set) else Mode.PERSONAL


def arrange(facts: Facts, candidates: Iterable[Candidate], rule_set: RuleSet | CompiledRules) -> Arrangement:
    """Give the page for these facts: every candidate either has a place and a reason, or is left out with one."""
    compiled = compile_rules(rule_set)
    plan = compiled.plan(candidates)
    mode = mode_of(facts, compiled.rule_set)
    return _Page(seen(facts, mode), plan, compiled, mode, facts.subject).settled()


def order_of(facts: Facts, candidates: Iterable[Candidate], rule_set: RuleSet | CompiledRules) -> tuple[str, ...]:
    """Give the module keys of the page `arrange` gives, from first to last, without their reasons."""
    compiled = compile_rules(rule_set)
    plan = compiled.plan(candidates)
    mode = mode_of(facts, compiled.rule_set)
    order, _ = _Page(seen(facts, mode), plan, compiled, mode, facts.subject, Sums).ordered()
    return tuple([plan.standard[place].module for place in order])


def seen(facts: Facts, mode: Mode) -> Facts:
    """Give what a page of this mode may look at: everything on a personal page, else nothing of the person."""
    return facts if mode is Mode.PERSONAL else facts.blanked()


def state_of(compiled: CompiledRule, facts: Facts, mode: Mode, subject: str, site: str) -> State:
    """Say what becomes of one rule on a page of this mode, given what that page may look at."""
    rule = compiled.rule
    if not rule.enabled:
        return State.OFF
    if rule.starts is not None and facts.at < rule.starts:
        return State.NOT_YET
    if rule.ends is not None and facts.at >= rule.ends:
        return State.ENDED
    if rule.audience and facts.profile.audience not in rule.audience:
        return State.OTHER_AUDIENCE
    if mode is not Mode.PERSONAL and compiled.rests_without_person:
        return State.RESTING
    if rule.sample_percent < 100 and not in_sample(subject, rule.id, site, rule.sample_percent):
        return State.OUTSIDE_SAMPLE
    return State.MATCHED if compiled.test(facts) else State.UNMATCHED


class _Page:
    """One page while it is being settled."""

    def __init__(
        self,
        facts: Facts,
        plan: Plan,
        compiled: CompiledRules,
        mode: Mode,
        subject: str,
        ledger: type[Ledger] = Ledger,
    ) -> None:
        self.facts = facts
        self.plan = plan
        self.compiled = compiled
        self.mode = mode
        self.subject = subject
        self.settings = compiled.rule_set.settings
        self.ledger = ledger(len(plan.standard))
        self.out: dict[int, tuple[Why, str, str, str]] = {}
        self.required: dict[int, Contribution] = {}
        self.ordering: list[tuple[int, CompiledRule]] = []
        self.states: list[State] = []
        self.placed_by: dict[int, CompiledRule] = {}

    def settled(self) -> Arrangement:
        """Give the whole arrangement."""
        order, placing = self.ordered()
        return Arrangement(
            self.mode,
            self.compiled.rule_set.id,
            self.compiled.rule_set.version,
            self._items(order),
            tuple([self._left_out(place) for place in sorted(self.out)]),
            self._traces(placing),
        )

    def ordered(self) -> tuple[list[int], Placing]:
        """Take the steps in their stated order; give the places of the shown candidates from first to last."""
        if self.mode is Mode.PERSONAL:
            for module in sorted(self.facts.not_relevant):
                for place in self.plan.places_of.get(module, ()):
                    self.out[place] = (Why.NOT_RELEVANT, "You marked it as not relevant", "", "not-relevant")
            add_settings(self.ledger, self.plan, self.facts, self.settings)
        for acting, rule in enumerate(self.compiled.rules):
            state = state_of(rule, self.facts, self.mode, self.subject, self.compiled.rule_set.site)
            self.states.append(state)
            if state is State.MATCHED:
                self._act(acting, rule)
        for place, contribution in self.required.items():
            self.out.pop(place, None)
            self.ledger.add((place,), contribution)
        self._leave_out_of_scope()
        shown = [place for place in range(len(self.plan.standard)) if place not in self.out]
        shown.sort(key=self.ledger.scores.__getitem__, reverse=True)
        placing = self._placing(shown)
        return placing.placed(shown), placing

    def _act(self, acting: int, compiled: CompiledRule) -> None:
        rule, targets = compiled.rule, self.plan.targets[acting]
        match rule.then:
            case Raise() | Lower():
                self.ledger.add(targets, compiled.contribution)
            case Interest():
                add_interest_rule(self.ledger, self.plan.by_topic[acting], self.facts, compiled, self.settings)
            case Limit():
                self._limit(compiled, rule.then, targets)
            case Hide(way_back=way_back):
                for place in targets:
                    self.out.setdefault(place, (Why.HIDDEN, rule.because, rule.id, way_back.value))
            case Require():
                for place in targets:
                    self.required.setdefault(place, compiled.contribution)
            case Pin() | After():
                self.ordering.append((acting, compiled))

    def _limit(self, compiled: CompiledRule, effect: Limit, targets: tuple[int, ...]) -> None:
        for place in targets:
            module = self.plan.standard[place].module
            sentence = repeated(effect, module, self.facts)
            if not sentence:
                continue
            if effect.way_back is not None:
                self.out.setdefault(place, (Why.REPEATED, sentence, compiled.rule.id, effect.way_back.value))
            else:
                cause = (effect.count.value, module)
                self.ledger.add((place,), compiled.contribution._replace(sentence=sentence, cause=cause))

    def _leave_out_of_scope(self) -> None:
        standard = self.plan.standard
        for scope, places in self.plan.scopes:
            why = scope.excludes(self.facts)
            if why is not None:
                left_out = (why, _SCOPE_SENTENCE[why], "", "")
                for place in places:
                    self.out[place] = left_out
        if self.plan.repeats:
            seen: set[str] = set()
            for place, candidate in enumerate(standard):
                scoped = self.out.get(place)
                if scoped is not None and scoped[0] in _SCOPE_SENTENCE:
                    continue
                if candidate.module in seen:
                    self.out[place] = (Why.DUPLICATE, _SCOPE_SENTENCE[Why.DUPLICATE], "", "")
                seen.add(candidate.module)

    def _placing(self, shown: list[int]) -> Placing:
        placing = Placing()
        if not self.ordering or not shown:
            return placing
        rank = {place: number for number, place in enumerate(shown)}
        for acting, compiled in self.ordering:
            if isinstance(compiled.rule.then, Pin):
                mine = [place for place in self.plan.targets[acting] if place in rank]
                if compiled.rule.then.target.modules is None:
                    mine.sort(key=rank.__getitem__)
                placing.pin(mine, compiled.rule.then.place - 1, acting, len(shown))
        module_at = {self.plan.standard[place].module: place for place in shown}
        for acting, compiled in self.ordering:
            if isinstance(compiled.rule.then, After) and compiled.rule.then.module in module_at:
                anchor = module_at[compiled.rule.then.module]
                placing.after([place for place in self.plan.targets[acting] if place in rank], anchor, acting)
        for place, (_, acting) in [*placing.pins.items(), *placing.anchors.items()]:
            self.placed_by[place] = self.compiled.rules[acting]
            self.ledger.add((place,), self.compiled.rules[acting].contribution)
        return placing

    def _items(self, order: list[int]) -> tuple[Item, ...]:
        """Give the shown items; a rule that placed one gives its reason, else what added or took away most."""
        standard, accounts, scores = self.plan.standard, self.ledger.accounts, self.ledger.scores
        sentence_here = _STANDARD_SENTENCE[self.mode]
        items = []
        for number, place in enumerate(order, 1):
            candidate, account, score = standard[place], accounts[place], scores[place]
            sentence, cause = sentence_here, _NO_CAUSE
            if place in self.placed_by:
                rule = self.placed_by[place].rule
                sentence, cause = rule.because, ("rule", rule.id)
            elif account:
                sentence, cause = _reason(account)
            items.append(Item(candidate.module, candidate.version, number, score, tuple(account), sentence, cause))
        return tuple(items)

    def _left_out(self, place: int) -> NotShown:
        candidate = self.plan.standard[place]
        why, sentence, rule, way_back = self.out[place]
        return NotShown(candidate.module, candidate.version, why, sentence, rule, way_back)

    def _traces(self, placing: Placing) -> tuple[RuleTrace, ...]:
        standard, traces = self.plan.standard, [RuleTrace("", State.OFF)] * len(self.states)
        for acting, (compiled, state) in enumerate(zip(self.compiled.rules, self.states, strict=True)):
            lost = placing.overruled.get(acting)
            modules = tuple([standard[place].module for place in lost]) if lost else ()
            traces[compiled.index] = RuleTrace(compiled.rule.id, state, modules)
        return tuple(traces)


def _reason(account: list[Contribution]) -> tuple[str, tuple[str, str]]:
    """Give the sentence and cause of what added most, or where nothing added, of what took away most."""
    best = worst = account[0]
    for contribution in account[1:]:
        if contribution.points > best.points:
            best = contribution
        elif contribution.points < worst.points:
            worst = contribution
    if best.points > 0 or worst.points == 0:
        return best.sentence, best.cause
    return f"Shown later: {worst.sentence[:1].lower()}{worst.sentence[1:]}", worst.cause
