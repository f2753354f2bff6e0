"""Changes to the list of rules in a draft, as JSON values to be judged as a whole."""

from __future__ import annotations

from typing import Any

from portal.personalize.rules import Rule, RuleSet, dump


def with_rule(rule_set: RuleSet, rule: Rule) -> dict[str, Any]:
    """Give the set with this rule in the place of the one with its id, or at the end."""
    raw = dump(rule_set)
    raw["rules"] = [dump(rule) if one["id"] == rule.id else one for one in raw["rules"]]
    if all(one.id != rule.id for one in rule_set.rules):
        raw["rules"].append(dump(rule))
    return raw


def without(rule_set: RuleSet, rule_id: str) -> dict[str, Any]:
    """Give the set without one rule."""
    raw = dump(rule_set)
    raw["rules"] = [one for one in raw["rules"] if one["id"] != rule_id]
    return raw


def moved(rule_set: RuleSet, rule_id: str, by: int) -> dict[str, Any]:
    """Give the set with one rule that many places further down; at an end it stays."""
    raw = dump(rule_set)
    rules: list[dict[str, Any]] = raw["rules"]
    here = next((place for place, one in enumerate(rules) if one["id"] == rule_id), None)
    if here is not None and 0 <= here + by < len(rules):
        rules.insert(here + by, rules.pop(here))
    return raw
