"""Stable shares: the same subject always falls on the same side, with no chance involved."""

from __future__ import annotations

from hashlib import sha256

from portal.personalize.rules import RuleSet


def percent_of(*words: str) -> float:
    """Give a number from 0 up to 100 that is spread evenly over subjects and fixed for each."""
    joined = "\x1f".join(words).encode("utf-8", "surrogatepass")
    return int.from_bytes(sha256(joined).digest()[:8], "big") / 2**64 * 100


def in_sample(subject: str, rule_id: str, site: str, percent: float) -> bool:
    """Say whether a rule that acts for a share of doctors acts for this one."""
    return percent >= 100 or percent_of("sample", site, rule_id, subject) < percent


def in_holdout(subject: str, rule_set: RuleSet) -> bool:
    """Say whether this doctor belongs to the site's standing holdout, which sees the standard order."""
    percent = rule_set.settings.holdout_percent
    if percent <= 0 or not subject:
        return False
    return percent_of("holdout", rule_set.site, rule_set.settings.holdout_salt, subject) < percent
