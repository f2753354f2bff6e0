"""The doctor a finding points at, in words."""

from __future__ import annotations

from portal.personalize.conditions import conditions_of
from portal.personalize.effects import Limit
from portal.personalize.explain import fits_of
from portal.personalize.findings import Finding
from portal.personalize.rules import RuleSet
from portal.personalize.words import Names, times

_NO_NAMES = Names()


def example_words(finding: Finding, rule_set: RuleSet, names: Names = _NO_NAMES) -> str:
    """Give what makes the finding's doctor an example: what its rules ask for and find; empty where it has none."""
    facts = finding.example
    if facts is None:
        return ""
    said: dict[str, None] = {}
    for rule in rule_set.rules:
        if rule.id != finding.rule and rule.id not in finding.others:
            continue
        if facts.profile.audience and rule.audience:
            said[f"audience is {facts.profile.audience}"] = None
        if conditions_of(rule.when):
            said.update(dict.fromkeys(fit.text for fit in fits_of(rule, facts, names)))
        if isinstance(rule.then, Limit):
            for module in sorted(set(finding.others) & facts.modules.keys()):
                count = getattr(facts.modules[module], rule.then.count.value)
                did = "read" if rule.then.count.value == "reads" else "passed by"
                said[f"{did} {names.modules.get(module, module)} {times(count)}"] = None
    return "; ".join(said) or "any doctor"
