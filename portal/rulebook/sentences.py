"""A rule as lines to read: IF, AND, THEN, because, each with its words and what they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from portal.personalize.conditions import AllOf, AnyOf, Comparison, Condition, NoneOf
from portal.personalize.rules import Rule, RuleSet
from portal.personalize.sentence import Part, parts
from portal.personalize.words import Names

_LEADS = {"IF": "IF", "THEN": "THEN", "because": "BECAUSE"}


class Line(NamedTuple):
    """One line of a rule: the word it begins with, and its parts."""

    word: str
    parts: tuple[Part, ...]


def lines(rule: Rule, names: Names) -> tuple[Line, ...]:
    """Give the sentence of a rule, one line for every condition of the outermost group and for what follows."""
    return tuple(_lines(rule, names))


def _lines(rule: Rule, names: Names) -> Iterator[Line]:
    gathered: list[Part] = []
    word, depth, in_conditions = "", 0, True
    for part in parts(rule.model_copy(update={"when": _plain(rule.when, outer=True)}), names):
        depth += {"open": 1, "close": -1}.get(part.kind, 0)
        breaks = part.kind == "group" and part.text in ("AND", "OR") and depth == 0 and in_conditions
        lead = _LEADS.get(part.text) if part.kind == "word" else None
        if lead is not None or breaks:
            if word:
                yield Line(word, tuple(gathered))
            word, gathered = lead or part.text, []
            in_conditions = in_conditions and lead != "THEN"
        elif word == "BECAUSE" and part.kind != "because":
            break  # audience, dates and the rest are shown beside the sentence
        elif part.text:
            gathered.append(part)
    yield Line(word, tuple(gathered))


def _plain(condition: Condition, *, outer: bool = False) -> Condition:
    """Give a condition that asks the same, without groups of one."""
    if isinstance(condition, Comparison):
        return condition
    if isinstance(condition, NoneOf):
        return NoneOf(none=tuple(_plain(part) for part in condition.none))
    found = condition.all if isinstance(condition, AllOf) else condition.any
    inner = tuple(_plain(part) for part in found)
    if len(inner) == 1 and not (outer and isinstance(inner[0], Comparison)):
        return inner[0]
    return AllOf(all=inner) if isinstance(condition, AllOf) or len(inner) == 1 else AnyOf(any=inner)


class Card(NamedTuple):
    """A rule as it is shown: itself, its place in the list, counted from 1, and its lines."""

    rule: Rule
    place: int
    lines: tuple[Line, ...]

    @property
    def id(self) -> str:
        """Give the rule's id."""
        return self.rule.id


def cards(rule_set: RuleSet, names: Names) -> tuple[Card, ...]:
    """Give every rule of a set as it is shown, in stated order."""
    return tuple(Card(rule, place, lines(rule, names)) for place, rule in enumerate(rule_set.rules, 1))
