"""Why a page has its order, in plain words: what adds up for each module, and what would change it. Pure."""

from dataclasses import dataclass

from portal.microsite.sheets import Decision
from portal.personalize import Why
from portal.personalize.explain import counterfactual
from portal.personalize.words import points

_AUDIENCE = (Why.OTHER_AUDIENCE, Why.OTHER_LANGUAGE)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that counts for a module: points with a sign, and the sentence."""

    points: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Placed:
    """One module on the page; `sum` is exactly what the lines add up to."""

    key: str
    title: str
    place: int
    reason: str
    lines: tuple[Line, ...]
    sum: str
    otherwise: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One module that is not among the cards, why, and whether it can be opened all the same."""

    key: str
    title: str
    why: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Account:
    """The whole answer."""

    placed: tuple[Placed, ...]
    left_out: tuple[LeftOut, ...]
    topics: tuple[tuple[str, float], ...]  # name and minutes, fading; the most first


def account(decision: Decision) -> Account:
    """Return the account of an order."""
    titles, reachable = decision.in_force.titles(), set(decision.reachable())
    placed = tuple(
        Placed(
            key=item.module,
            title=titles[item.module],
            place=item.place,
            reason=item.reason,
            lines=tuple(Line(points(each.points), each.sentence) for each in item.contributions),
            sum=points(item.score),
            otherwise=_otherwise(decision, item.module) if item.contributions else "",
        )
        for item in decision.arrangement.items
    )
    left_out = tuple(
        LeftOut(each.module, titles[each.module], each.sentence, each.module in reachable)
        for each in decision.arrangement.not_shown
        if each.why not in _AUDIENCE
    )
    names = dict(decision.in_force.topics)
    by_minutes = sorted(decision.facts.interest.items(), key=lambda each: (-each[1], each[0]))
    return Account(placed, left_out, tuple((names.get(key, key), minutes) for key, minutes in by_minutes))


def _otherwise(decision: Decision, module: str) -> str:
    """Return where a module would stand without the cause its reason names."""
    in_force = decision.in_force
    tried = counterfactual(decision.facts, in_force.candidates, in_force.compiled.rule_set, module)
    if tried is None:
        return ""
    if tried.other_place is None:
        return "Without that it would not be on this page."
    if tried.other_place == tried.place:
        return "Without that it would stand in the same place, with fewer points." if tried.moves else ""
    return f"Without that it would stand in place {tried.other_place}."
