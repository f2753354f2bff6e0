"""The points of a personal page: what each setting and each matching rule adds to each module."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from portal.personalize.arrangement import Contribution
from portal.personalize.catalogue import FACTS
from portal.personalize.compiling import CompiledRule, Plan, thousandths
from portal.personalize.effects import Interest, Limit, Repeated
from portal.personalize.facts import Facts
from portal.personalize.rules import Settings
from portal.personalize.words import duration, spoken, times

_COUNTED = {
    Repeated.READS: FACTS["module_reads"].read,
    Repeated.SKIPS: FACTS["module_skips"].read,
}
_GLANCE_MS = 5_000
_DID = {Repeated.READS: "read this", Repeated.SKIPS: "passed by this"}


class Ledger:
    """The accounts of the candidates of one page: what was added to each, and the sums."""

    says_why = True

    def __init__(self, size: int) -> None:
        self.accounts: list[list[Contribution]] = [[] for _ in range(size)]
        self.scores = [0] * size

    def add(self, places: Iterable[int], contribution: Contribution) -> None:
        """Write one contribution to the account of each of these candidates."""
        accounts, scores, points = self.accounts, self.scores, contribution.points
        for place in places:
            accounts[place].append(contribution)
            scores[place] += points


class Sums(Ledger):
    """A ledger that keeps the sums alone: enough for the order, where nobody asks for the reasons."""

    says_why = False

    def add(self, places: Iterable[int], contribution: Contribution) -> None:
        """Add one contribution to the sum of each of these candidates."""
        scores, points = self.scores, contribution.points
        for place in places:
            scores[place] += points


def add_settings(ledger: Ledger, plan: Plan, facts: Facts, settings: Settings) -> None:
    """Add what the site's settings give: interest, declared interests, the rep's picks, fatigue."""
    if settings.interest_weight and facts.interest:
        sentences = _sources(plan, facts) if ledger.says_why else {}
        for topic, places in plan.topics.items():
            points = interest_points(facts.interest, topic, settings.interest_weight, settings)
            if points:
                if not ledger.says_why:
                    ledger.add(places, Contribution("", "", points, ""))
                    continue
                sentence = sentences.get(topic) or interest_sentence(topic, facts.interest[topic])
                contribution = Contribution("@interest", "interest", points, sentence, ("interest", topic))
                ledger.add(places, contribution)
    if settings.declared_weight:
        points = thousandths(settings.declared_weight)
        for topic in sorted(facts.declared_interests):
            sentence = f"Because you told us you are interested in {spoken(topic)}"
            contribution = Contribution("@declared", "declared", points, sentence, ("declared", topic))
            ledger.add(plan.topics.get(topic, ()), contribution)
    if settings.rep_pick_weight:
        _add_picks(ledger, plan, facts, thousandths(settings.rep_pick_weight))
    if settings.fatigue_reads and settings.fatigue_by:
        _add_fatigue(ledger, plan, facts, settings)


def _add_picks(ledger: Ledger, plan: Plan, facts: Facts, points: int) -> None:
    """Add the picks, one thousandth less for each later one so that their order is kept among equals."""
    for later, module in enumerate(dict.fromkeys(facts.rep_picks)):
        worth = max(points - later, 0)
        sentence = "Because your representative chose it for you"
        ledger.add(
            plan.places_of.get(module, ()),
            Contribution("@rep-picks", "rep-pick", worth, sentence, ("rep-pick", module)),
        )


def _add_fatigue(ledger: Ledger, plan: Plan, facts: Facts, settings: Settings) -> None:
    for module in sorted(facts.modules):
        reads = facts.modules[module].reads
        if reads < settings.fatigue_reads:
            continue
        sentence = f"Because you have read this {times(reads)}"
        points = -thousandths(settings.fatigue_by)
        ledger.add(
            plan.places_of.get(module, ()), Contribution("@fatigue", "limit", points, sentence, ("fatigue", module))
        )


def interest_points(interest: Mapping[str, float], topic: str, weight: float, settings: Settings) -> int:
    """Give thousandths of a point for the engaged minutes on one topic, up to the site's cap."""
    minutes = interest.get(topic, 0.0)
    return round(min(minutes, settings.interest_cap_minutes) * weight * 1000) if minutes > 0 else 0


def interest_sentence(topic: str, minutes: float) -> str:
    """Give the doctor's sentence for an interest whose reading is not among the candidates."""
    return _spent(round(minutes * 60_000), spoken(topic))


def _spent(milliseconds: int, what: str) -> str:
    """Give the doctor's sentence for time spent on something; a glance is not counted in seconds."""
    if milliseconds < _GLANCE_MS:
        return f"Because you looked at {what}"
    return f"Because you spent {duration(milliseconds)} on {what}"


def _sources(plan: Plan, facts: Facts) -> dict[str, str]:
    """Give, per topic, the sentence that names what was read: one module by its title, several by topic."""
    read: dict[str, list[tuple[str, int]]] = {}
    for module, seen in facts.modules.items():
        places = plan.places_of.get(module)
        if places and seen.dwell_ms > 0:
            candidate = plan.standard[places[0]]
            for topic in candidate.topics:
                read.setdefault(topic, []).append((candidate.title or candidate.module, seen.dwell_ms))
    return {
        topic: _spent(sum(ms for _, ms in parts), parts[0][0] if len(parts) == 1 else spoken(topic))
        for topic, parts in read.items()
    }


def add_interest_rule(
    ledger: Ledger,
    by_topic: tuple[tuple[str, tuple[int, ...]], ...],
    facts: Facts,
    rule: CompiledRule,
    settings: Settings,
) -> None:
    """Add the engaged minutes on each topic times the rule's weight to the modules on that topic."""
    effect = rule.rule.then
    if isinstance(effect, Interest):
        for topic, places in by_topic:
            points = interest_points(facts.interest, topic, effect.weight, settings)
            if points:
                contribution = rule.contribution._replace(points=points, cause=("interest", topic))
                ledger.add(places, contribution)


def repeated(effect: Limit, module: str, facts: Facts) -> str:
    """Give the doctor's sentence where a module was read or passed by often enough, else an empty one."""
    if module not in facts.modules:
        return ""
    count = _COUNTED[effect.count](facts, module, effect.within_days)
    if not isinstance(count, int) or count < effect.times:
        return ""
    return f"Because you have {_DID[effect.count]} {times(count)}"
