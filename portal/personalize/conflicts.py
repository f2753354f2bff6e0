"""Rules that get in each other's way, found from what they say alone, whatever the doctor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from portal.personalize.arrangement import Candidate
from portal.personalize.compiling import aims_at
from portal.personalize.conditions import AllOf, Comparison, Condition, conditions_of, group_word
from portal.personalize.effects import After, Hide, Interest, Limit, Lower, Pin, Raise, Require
from portal.personalize.example import example_of
from portal.personalize.findings import Finding, Kind
from portal.personalize.logic import implies, is_certain, is_impossible
from portal.personalize.rules import Rule, RuleSet


@dataclass(frozen=True, slots=True)
class Live:
    """One rule that can still act, its place in the list, its turn, and the modules it aims at."""

    rule: Rule
    index: int
    turn: tuple[int, int]
    aims: frozenset[str]


def live_rules(rule_set: RuleSet, candidates: tuple[Candidate, ...], at: datetime) -> tuple[Live, ...]:
    """Give the rules that are switched on and have not ended, in stated order."""
    found = []
    for index, rule in enumerate(rule_set.rules):
        if rule.enabled and (rule.ends is None or rule.ends > at):
            aims = frozenset(one.module for one in candidates if aims_at(rule.then.target, one))
            found.append(Live(rule, index, (-rule.priority, index), aims))
    return tuple(found)


def impossible_and_certain(live: tuple[Live, ...]) -> Iterator[Finding]:
    """Yield conditions, or branches of them, that no doctor or every doctor meets."""
    for one in live:
        place = f"rules[{one.index}].when"
        if is_impossible(one.rule.when):
            yield Finding(Kind.CONTRADICTORY, one.rule.id, place, "No doctor can meet this condition.")
            continue
        for where, branch in _branches(one.rule.when, place):
            if is_impossible(branch):
                text = "No doctor can meet this part of the condition."
                yield Finding(Kind.CONTRADICTORY, one.rule.id, where, text)
        if conditions_of(one.rule.when) and is_certain(one.rule.when):
            yield Finding(Kind.ALWAYS, one.rule.id, place, "Every doctor meets this condition.")


def _branches(condition: Condition, place: str) -> Iterator[tuple[str, Condition]]:
    """Yield every alternative of an `any` within a condition, and whatever stands in a `none`."""
    for index, part in enumerate(conditions_of(condition)):
        where = f"{place}.{group_word(condition)}[{index}]"
        if not isinstance(condition, AllOf):
            yield where, part
        if not isinstance(part, Comparison):
            yield from _branches(part, where)


def shadowed(live: tuple[Live, ...]) -> Iterator[Finding]:
    """Yield rules that never change a page because another rule always decides first."""
    kept = frozenset().union(*(one.aims for one in live if isinstance(one.rule.then, Require)))
    for one in live:
        if is_impossible(one.rule.when):
            continue
        for other in live:
            why = _shadow(one, other, kept) if other is not one else ""  # what costs least is asked first
            if why and _covers(other.rule, one.rule):
                place = f"rules[{one.index}]"
                yield Finding(Kind.SHADOWED, one.rule.id, place, why, (other.rule.id,))
                break


def _covers(wide: Rule, narrow: Rule) -> bool:
    """Say whether `wide` acts on every page on which `narrow` does."""
    return (
        wide.sample_percent >= 100
        and (not wide.audience or (bool(narrow.audience) and set(narrow.audience) <= set(wide.audience)))
        and (wide.starts is None or (narrow.starts is not None and wide.starts <= narrow.starts))
        and (wide.ends is None or (narrow.ends is not None and wide.ends >= narrow.ends))
        and implies(narrow.when, wide.when)
    )


def _shadow(one: Live, other: Live, kept: frozenset[str]) -> str:
    mine, theirs = one.rule.then, other.rule.then
    if not one.aims or not one.aims <= other.aims:
        return ""
    if isinstance(theirs, Hide) and not isinstance(mine, Require | Hide) and not one.aims & kept:
        return f"Rule {other.rule.id} always hides what this rule would move."
    if other.turn < one.turn:
        if isinstance(theirs, Hide) and isinstance(mine, Hide):
            return f"Rule {other.rule.id} always hides this already."
        if isinstance(theirs, Pin) and isinstance(mine, Pin):
            return f"Rule {other.rule.id} always puts this at its place first."
        if isinstance(theirs, After) and isinstance(mine, After):
            return f"Rule {other.rule.id} always puts this behind another module first."
        if isinstance(mine, Raise | Lower | Interest | Limit | Require) and mine == theirs and _same(one, other):
            return f"Rule {other.rule.id} says the same."
    if isinstance(theirs, Pin) and isinstance(mine, After):
        return f"Rule {other.rule.id} always pins this, and a pinned module stays."
    return ""


def _same(one: Live, other: Live) -> bool:
    return implies(other.rule.when, one.rule.when)


def contradictory(live: tuple[Live, ...], at: datetime) -> Iterator[Finding]:
    """Yield pairs of rules that can act together and say opposite things of the same module."""
    for place, one in enumerate(live):
        for other in live[place + 1 :]:
            text, kind = _opposed(one, other)
            if not text or not _may_meet(one.rule, other.rule):
                continue
            example = example_of(
                AllOf(all=(one.rule.when, other.rule.when)), at, next(iter(_audiences(one.rule, other.rule)), "")
            )
            if example is not None:
                where = f"rules[{other.index}].then"
                yield Finding(kind, other.rule.id, where, text, (one.rule.id,), example=example)


def _may_meet(one: Rule, other: Rule) -> bool:
    apart = (one.ends is not None and other.starts is not None and one.ends <= other.starts) or (
        other.ends is not None and one.starts is not None and other.ends <= one.starts
    )
    shared = not one.audience or not other.audience or bool(set(one.audience) & set(other.audience))
    return shared and not apart


def _audiences(one: Rule, other: Rule) -> list[str]:
    if one.audience and other.audience:
        return sorted(set(one.audience) & set(other.audience))
    return sorted(one.audience or other.audience)


def _opposed(one: Live, other: Live) -> tuple[str, Kind]:
    """Give what stands between two rules, either way round; an empty text where nothing does."""
    for here, there in ((one, other), (other, one)):
        text = _against(here, there)
        if text:
            return text, Kind.CONTRADICTORY
    mine, theirs = one.rule.then, other.rule.then
    if isinstance(mine, Pin) and isinstance(theirs, Pin) and one.rule.priority == other.rule.priority:
        if one.aims & other.aims and mine.place != theirs.place:
            both = ", ".join(sorted(one.aims & other.aims))
            return f"Both pin {both}, to different places; only their order in the list decides.", Kind.TIE
        if mine.place == theirs.place and one.aims != other.aims and one.aims and other.aims:
            return f"Both pin to place {mine.place}; only their order in the list decides.", Kind.TIE
    return "", Kind.CONTRADICTORY


def _against(here: Live, there: Live) -> str:
    mine, theirs = here.rule.then, there.rule.then
    both = ", ".join(sorted(here.aims & there.aims))
    if both and isinstance(mine, Require) and (isinstance(theirs, Hide) or there.rule.hides()):
        return f"One rule always shows {both}, the other hides it."
    if both and isinstance(mine, Pin) and isinstance(theirs, After):
        return f"One rule pins {both}, the other puts it behind another module; the pin wins."
    if isinstance(mine, After) and isinstance(theirs, Hide) and mine.module in there.aims and _equal(here, there):
        return f"One rule puts modules behind {mine.module}, the other hides it."
    if both and isinstance(mine, Pin) and isinstance(theirs, Hide) and _equal(here, there):
        return f"One rule pins {both}, the other hides it."
    if both and isinstance(mine, Raise) and isinstance(theirs, Lower) and _equal(here, there):
        return f"One rule raises {both}, the other lowers it, for the same doctors."
    return ""


def _equal(one: Live, other: Live) -> bool:
    return implies(one.rule.when, other.rule.when) and implies(other.rule.when, one.rule.when)
