"""The text of a rule set as it is stored, and the changes that are made to a whole body."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from portal.personalize.catalogue import Op
from portal.personalize.codec import digest, rule_set_to_json
from portal.personalize.conditions import AllOf, Comparison, Condition
from portal.personalize.rules import Rule, RuleSet, dump, load_rule_set, parse_rule_set

_KEPT = 128
canonical = rule_set_to_json  # sorted keys, no spaces: the same rules give the same text
sha256 = digest


@lru_cache(maxsize=_KEPT)
def parsed(body: str) -> RuleSet:
    """Return the rule set that a stored body holds; the same text gives the same object. Raises RuleRefused."""
    return load_rule_set(body)


def stamped(given: RuleSet | Mapping[str, Any] | str, *, rule_set_id: str, version: int, site: str) -> RuleSet:
    """Return the given rules as this version of this site, whatever they call themselves. Raises RuleRefused."""
    raw: Any = load_rule_set(given) if isinstance(given, str) else given
    if isinstance(raw, RuleSet):
        raw = dump(raw)
    return parse_rule_set({**raw, "id": rule_set_id, "version": version, "site": site})


def without(rule_set: RuleSet, rules: Mapping[str, str]) -> RuleSet:
    """Return the rule set with the rules named switched off, each for its reason. Raises RuleRefused."""
    raw = dump(rule_set)
    for rule in raw["rules"]:
        if rule["id"] in rules:
            rule.update(enabled=False, off_reason=rules[rule["id"]])
    return parse_rule_set(raw)


def is_same(one: RuleSet, other: RuleSet) -> bool:
    """Tell whether two rule sets decide alike: the same settings and rules in the same order."""
    return one.settings == other.settings and one.rules == other.rules


def switched_on(rule_set: RuleSet, among: Collection[str]) -> frozenset[str]:
    """Return which of the rules named are switched on in a rule set."""
    return frozenset(rule.id for rule in rule_set.rules if rule.enabled and rule.id in among)


def acting_condition(rule: Rule) -> Condition:
    """Return a rule's condition with its audience, as one condition: whom it acts for."""
    if not rule.audience:
        return rule.when
    return AllOf(all=(rule.when, Comparison(fact="audience", op=Op.IN, value=rule.audience)))
