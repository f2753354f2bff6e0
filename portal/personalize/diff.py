"""The difference between two rule sets in words, so that a reviewer reads only what changed."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from portal.personalize.codec import moment
from portal.personalize.rules import Rule, RuleSet, Settings
from portal.personalize.sentence import condition_text, effect_text, sentence
from portal.personalize.words import Names, number

_NO_NAMES = Names()


class Changed(StrEnum):
    """What kind of change one entry of a diff is."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"
    SETTING = "setting"


class Change(NamedTuple):
    """One change: the rule it is about, the field in the newer set (the older, for what was removed)."""

    kind: Changed
    rule: str
    place: str
    text: str


_SETTINGS = {
    "half_life_days": ("Half-life of interest", "days"),
    "interest_weight": ("Points for each minute of interest", ""),
    "interest_cap_minutes": ("Most interest that counts", "min"),
    "declared_weight": ("Points for a declared interest", ""),
    "rep_pick_weight": ("Points for a pick of the representative", ""),
    "fatigue_reads": ("Reads from which a module is lowered", ""),
    "fatigue_by": ("Points a module read often is lowered by", ""),
    "holdout_percent": ("Doctors kept in the standard order for comparison", "%"),
    "holdout_salt": ("Draw of the comparison group", ""),
}


def diff(old: RuleSet, new: RuleSet, names: Names = _NO_NAMES) -> tuple[Change, ...]:
    """Give every change from one rule set to another; none where they decide alike by the letter."""
    return (*_settings(old.settings, new.settings), *_rules(old, new, names), *_moved(old, new))


def _settings(old: Settings, new: Settings) -> Iterator[Change]:
    for name, (plain, unit) in _SETTINGS.items():
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            was, now = (_amount(value, unit) for value in (before, after))
            yield Change(Changed.SETTING, "", f"settings.{name}", f"{plain}: was {was}, is now {now}.")


def _amount(value: object, unit: str) -> str:
    if isinstance(value, int | float):
        return f"{number(value)} {unit}".strip()
    return f'"{value}"'


def _rules(old: RuleSet, new: RuleSet, names: Names) -> Iterator[Change]:
    before = {rule.id: rule for rule in old.rules}
    after = {rule.id: rule for rule in new.rules}
    for place, rule in enumerate(old.rules):
        if rule.id not in after:
            text = f"{_called(rule)} is removed: {sentence(rule, names)}"
            yield Change(Changed.REMOVED, rule.id, f"rules[{place}]", text)
    for place, rule in enumerate(new.rules):
        where, known = f"rules[{place}]", before.get(rule.id)
        if known is None:
            yield Change(Changed.ADDED, rule.id, where, f"{_called(rule)} is added: {sentence(rule, names)}")
        elif known != rule:
            yield from _fields(known, rule, where, names)


def _called(rule: Rule) -> str:
    return f"Rule {rule.id} ({rule.name})"


def _fields(old: Rule, new: Rule, where: str, names: Names) -> Iterator[Change]:
    told = {
        "name": (old.name, new.name, "The name"),
        "when": (condition_text(old.when, names), condition_text(new.when, names), "The condition"),
        "then": (effect_text(old.then, names), effect_text(new.then, names), "The effect"),
        "because": (f'"{old.because}"', f'"{new.because}"', "The reason given to doctors"),
        "audience": (_listed(old.audience), _listed(new.audience), "The audience"),
        "priority": (str(old.priority), str(new.priority), "The priority"),
        "starts": (_when(old, "starts"), _when(new, "starts"), "The start"),
        "ends": (_when(old, "ends"), _when(new, "ends"), "The end"),
        "sample_percent": (_share(old), _share(new), "The share of doctors"),
    }
    for name, (before, after, plain) in told.items():
        if getattr(old, name) != getattr(new, name):
            text = f"{_called(new)}. {plain} was: {before}; is now: {after}."
            yield Change(Changed.CHANGED, new.id, f"{where}.{name}", text)
    if (old.enabled, old.off_reason) != (new.enabled, new.off_reason):
        state = "is switched on" if new.enabled else f'is switched off because "{new.off_reason}"'
        yield Change(Changed.CHANGED, new.id, f"{where}.enabled", f"{_called(new)} {state}.")


def _listed(audience: tuple[str, ...]) -> str:
    return ", ".join(audience) or "everyone"


def _when(rule: Rule, name: str) -> str:
    at = rule.starts if name == "starts" else rule.ends
    return moment(at) if at is not None else "open"


def _share(rule: Rule) -> str:
    return f"{number(rule.sample_percent)} %"


def _moved(old: RuleSet, new: RuleSet) -> Iterator[Change]:
    """Yield the fewest rules whose moving explains the new order of those in both sets."""
    before = {rule.id: place for place, rule in enumerate(old.rules)}
    after = [(place, rule) for place, rule in enumerate(new.rules) if rule.id in before]
    still = _longest_rising([before[rule.id] for _, rule in after])
    for number_in_common, (place, rule) in enumerate(after):
        if number_in_common not in still:
            text = f"{_called(rule)} stood at place {before[rule.id] + 1} of the list, stands now at {place + 1}."
            yield Change(Changed.MOVED, rule.id, f"rules[{place}]", text)


def _longest_rising(values: list[int]) -> set[int]:
    """Give the indices of one longest rising run within a list, not necessarily side by side."""
    length, back = [1] * len(values), [-1] * len(values)
    for here, value in enumerate(values):
        for there in range(here):
            if values[there] < value and length[there] + 1 > length[here]:
                length[here], back[here] = length[there] + 1, there
    kept: set[int] = set()
    here = max(range(len(values)), key=length.__getitem__, default=-1)
    while here >= 0:
        kept.add(here)
        here = back[here]
    return kept
