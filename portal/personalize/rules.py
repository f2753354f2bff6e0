"""Rules and rule sets: parsed once, whole or refused with the place named."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from portal.personalize.conditions import (
    MAX_DEPTH,
    MAX_NODES,
    AllOf,
    Closed,
    Comparison,
    Condition,
    Count,
    Key,
    Moment,
    Number,
    RuleId,
    Sentence,
    Switch,
    Text,
    refuse,
)
from portal.personalize.effects import After, Effect, Hide, Limit
from portal.personalize.jsontext import TextRefused, place_of, read_json

MAX_RULES = 200
HALF_LIFE_DAYS = 30.0
MAX_VERSION = 1_000_000_000
_NO_VALUE = "a value is a word, a number, true or false, or a list of words or numbers"


class RuleRefused(Exception):
    """A rule or rule set that cannot be accepted; `errors` pairs each place with what is wrong there."""

    def __init__(self, errors: Iterable[tuple[str, str]]) -> None:
        self.errors = tuple(errors)
        self.place, self.why = self.errors[0]
        super().__init__("; ".join(f"{place}: {why}" if place else why for place, why in self.errors))


class Rule(Closed):
    """One sentence of the marketer: when, for whom, what then, and because of what."""

    id: RuleId
    name: Text
    when: Condition
    then: Effect
    because: Sentence
    audience: Annotated[tuple[Key, ...], Field(max_length=20)] = ()
    priority: Annotated[Count, Field(ge=-1000, le=1000)] = 0
    starts: Moment | None = None
    ends: Moment | None = Field(default=None, validate_default=True)
    sample_percent: Annotated[Number, Field(gt=0, le=100)] = 100.0
    enabled: Switch = True
    off_reason: Text | None = Field(default=None, validate_default=True)

    @field_validator("when")
    @classmethod
    def _is_a_group(cls, when: Condition) -> Condition:
        return AllOf(all=(when,)) if isinstance(when, Comparison) else when

    @field_validator("ends")
    @classmethod
    def _ends_after_it_starts(cls, ends: Moment | None, info: ValidationInfo) -> Moment | None:
        starts = info.data.get("starts")
        if ends is not None and starts is not None and ends <= starts:
            raise refuse("a rule ends after it starts")
        return ends

    @field_validator("off_reason")
    @classmethod
    def _says_why_it_is_off(cls, reason: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("enabled") is False and reason is None:
            raise refuse("a rule that is switched off says why")
        if info.data.get("enabled") is True and reason is not None:
            raise refuse("a rule that is on has no reason for being off")
        return reason

    def hides(self) -> bool:
        """Say whether this rule can take a module off the page."""
        return isinstance(self.then, Hide) or (isinstance(self.then, Limit) and self.then.way_back is not None)


class Settings(Closed):
    """What holds for every page of a site: weights in points, half-life in days, holdout in percent."""

    half_life_days: Annotated[Number, Field(ge=1, le=3650)] = HALF_LIFE_DAYS
    interest_weight: Annotated[Number, Field(ge=0, le=100)] = 1.0
    interest_cap_minutes: Annotated[Number, Field(gt=0, le=600)] = 60.0
    declared_weight: Annotated[Number, Field(ge=0, le=100)] = 2.0
    rep_pick_weight: Annotated[Number, Field(ge=0, le=100)] = 5.0
    fatigue_reads: Annotated[Count, Field(ge=0, le=1000)] = 0
    fatigue_by: Annotated[Number, Field(ge=0, le=100)] = 0.0
    holdout_percent: Annotated[Number, Field(ge=0, le=50)] = 0.0
    holdout_salt: Annotated[str, Field(strict=True, max_length=64)] = ""


class RuleSet(Closed):
    """A versioned list of rules of one site, in stated order."""

    id: Key
    version: Annotated[Count, Field(ge=1, le=MAX_VERSION)]
    site: Key
    settings: Settings = Settings()
    rules: Annotated[tuple[Rule, ...], Field(max_length=MAX_RULES)] = ()

    @model_validator(mode="after")
    def _stands_together(self) -> Self:
        seen: dict[str, int] = {}
        for index, rule in enumerate(self.rules):
            if rule.id in seen:
                raise _at(f"rules[{index}].id", f"rules[{seen[rule.id]}] has the id {rule.id!r} already")
            seen[rule.id] = index
        _refuse_circles(self.rules)
        return self


def _at(place: str, why: str) -> PydanticCustomError:
    return PydanticCustomError("refused", "{why}", {"why": why, "place": place})


def _refuse_circles(rules: tuple[Rule, ...]) -> None:
    """Raise where following "after" from module to module comes back to where it began."""
    behind: dict[str, dict[str, int]] = {}
    for index, rule in enumerate(rules):
        if isinstance(rule.then, After):
            for module in rule.then.target.modules or ():
                behind.setdefault(module, {}).setdefault(rule.then.module, index)
    done: set[str] = set()
    for start in behind:
        path: list[str] = []
        stack = [(start, iter(behind[start].items()))]
        path.append(start)
        while stack:
            _, ahead = stack[-1]
            anchor, index = next(ahead, ("", -1))
            if index < 0:
                stack.pop()
                done.add(path.pop())
            elif anchor in path:
                circle = " → ".join([*path[path.index(anchor) :], anchor])
                raise _at(f"rules[{index}].then.module", f"circular after: {circle}")
            elif anchor in behind and anchor not in done:
                path.append(anchor)
                stack.append((anchor, iter(behind[anchor].items())))


def _refuse_huge(raw: object, place: str) -> None:
    """Raise for a condition too deep or too large, before anything walks it."""
    waiting: list[tuple[object, int]] = [(raw, 1)]
    nodes = 0
    while waiting:
        node, depth = waiting.pop()
        nodes += 1
        if depth > MAX_DEPTH:
            raise RuleRefused([(place, f"conditions are nested more than {MAX_DEPTH} deep")])
        if nodes > MAX_NODES:
            raise RuleRefused([(place, f"more than {MAX_NODES} conditions")])
        if isinstance(node, dict):
            for word in ("all", "any", "none"):
                parts = node.get(word)
                if isinstance(parts, list | tuple):
                    waiting.extend((part, depth + 1) for part in parts[: MAX_NODES + 1])


_IN_WORDS = {
    "extra_forbidden": "there is no such field",
    "tuple_type": "a list is expected",
    "dict_type": "an object is expected",
    "model_type": "an object is expected",
    "model_attributes_type": "an object is expected",
    "string_pattern_mismatch": "a key is expected: letters (small ones in a rule's id), digits, - and _, no spaces",
    "string_unicode": "a text of whole characters is expected",
}


def _worded(error: ErrorDetails) -> tuple[str, str]:
    context = error.get("ctx", {})
    place = context["place"] if "place" in context else place_of(error["loc"])
    if place.endswith(".value") and error["type"] != "refused":
        return place, _NO_VALUE
    return place, _IN_WORDS.get(error["type"], error["msg"])


def _said_once(errors: list[ErrorDetails]) -> list[tuple[str, str]]:
    """Give each place with what is wrong there, without what only follows from something said already."""
    worded = [(error["type"], *_worded(error)) for error in errors]
    told = {place for kind, place, _ in worded if kind == "refused"}
    kept = [
        (place, why)
        for kind, place, why in worded
        if not (why == _NO_VALUE and place in told)
        and not (kind == "too_short" and any(other.startswith(f"{place}[") for other in told))
    ]
    return list(dict.fromkeys(kept))


def _parse(model: Any, raw: object) -> Any:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise RuleRefused(_said_once(error.errors(include_url=False))) from None


def parse_rule(raw: object) -> Rule:
    """Give the rule that a JSON value describes; raise RuleRefused naming each place that is wrong."""
    if isinstance(raw, dict):
        _refuse_huge(raw.get("when"), "when")
    rule: Rule = _parse(Rule, raw)
    return rule


def parse_rule_set(raw: object) -> RuleSet:
    """Give the rule set that a JSON value describes; raise RuleRefused naming each place that is wrong."""
    rules = raw.get("rules") if isinstance(raw, dict) else None
    if isinstance(rules, list | tuple):
        if len(rules) > MAX_RULES:
            raise RuleRefused([("rules", f"more than {MAX_RULES} rules")])
        for index, rule in enumerate(rules):
            if isinstance(rule, dict):
                _refuse_huge(rule.get("when"), f"rules[{index}].when")
    rule_set: RuleSet = _parse(RuleSet, raw)
    return rule_set


def load_rule_set(text: str) -> RuleSet:
    """Give the rule set in a JSON text; raise RuleRefused where it is not JSON or not a rule set."""
    try:
        return parse_rule_set(read_json(text))
    except TextRefused as refused:
        raise RuleRefused([(refused.place, refused.why)]) from None


def dump(model: Rule | RuleSet) -> dict[str, Any]:
    """Give the JSON value that parses back to the same rule or rule set."""
    raw: dict[str, Any] = model.model_dump(mode="json", exclude_none=True)
    return raw
