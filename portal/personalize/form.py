"""A rule as the fields of a form, and back: the builder's names are places in the rule.

`when.all[0].value` is the field of that value; lists are written one to a field with a number, a list of
values is one field with a value a line. Nothing is guessed: types come from the catalogue of facts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from portal.personalize.catalogue import FACTS, FactType, Op
from portal.personalize.rules import Rule, RuleRefused, dump, parse_rule
from portal.personalize.words import number

_PLACE = re.compile(r"[a-z_]{1,30}(?:\[[0-9]{1,3}\])?(?:\.[a-z_]{1,30}(?:\[[0-9]{1,3}\])?)*")
_STEP = re.compile(r"([a-z_]+)|\[([0-9]+)\]")
_WHOLE = frozenset({"priority", "place", "times", "within_days"})
_DECIMAL = frozenset({"by", "weight", "sample_percent"})
_LINES = frozenset({"modules", "audience"})
_SWITCHES = frozenset({"enabled", "everything"})
_NUMBER = re.compile(r"-?[0-9]{1,10}([.,][0-9]{1,6})?")
MAX_FIELDS = 600
MAX_STEPS = 24


def to_fields(rule: Rule) -> dict[str, str]:
    """Give the fields of a rule in reading order; an empty group is a field of its own with no text."""
    return dict(_flat(dump(rule), ""))


def _flat(value: Any, place: str) -> Iterable[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        name = place.rpartition(".")[2]
        if name in _LINES or name == "value":
            yield place, "\n".join(_text(one) for one in value)
        elif not value:
            yield place, ""
        for index, inner in enumerate(value):
            if isinstance(inner, dict):
                yield from _flat(inner, f"{place}[{index}]")
    else:
        yield place, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, int | float) else str(value)


def from_fields(fields: Mapping[str, str]) -> Rule:
    """Give the rule that these fields say; raise RuleRefused naming the field that is wrong.

    Fields left empty are as if they were not there; gaps in the numbering close up.
    """
    return parse_rule(to_json(fields))


def to_json(fields: Mapping[str, str]) -> dict[str, Any]:
    """Give the JSON value these fields say, not yet checked as a rule."""
    if len(fields) > MAX_FIELDS:
        raise RuleRefused([("", f"more than {MAX_FIELDS} fields")])
    tree: dict[str | int, Any] = {}
    for place, text in fields.items():
        steps = _steps(place)
        here = tree
        for step in steps[:-1]:
            inner = here.setdefault(step, {})
            if not isinstance(inner, dict):
                raise RuleRefused([(place, "this field stands inside another that is not a group")])
            here = inner
        is_group = steps[-1] in ("all", "any", "none") and not text
        if is_group:
            here.setdefault(steps[-1], {})
        elif text.strip() or steps[-1] in _LINES:
            if isinstance(here.get(steps[-1]), dict):
                raise RuleRefused([(place, "this field is a group, not a text")])
            here[steps[-1]] = text
    built = _built(tree, "")
    return built if isinstance(built, dict) else {}


def _steps(place: str) -> list[str | int]:
    if len(place) > 400 or not _PLACE.fullmatch(place):
        raise RuleRefused([(place[:60], "there is no such field")])
    steps: list[str | int] = [name if name else int(index) for name, index in _STEP.findall(place)]
    if len(steps) > MAX_STEPS:
        raise RuleRefused([(place[:60], "this field is nested too deep")])
    return steps


def _built(value: Any, place: str) -> Any:
    """Turn the tree of texts into JSON: numbered parts into lists, texts into what their field holds."""
    if not isinstance(value, dict):
        return value
    if "fact" in value:
        return _comparison(value, place)
    built: dict[str, Any] = {}
    for name, inner in value.items():
        here = f"{place}.{name}" if place else str(name)
        if isinstance(name, int):
            raise RuleRefused([(here, "a number was not expected here")])
        if name in ("all", "any", "none"):
            built[name] = _numbered(inner, here)
        elif isinstance(inner, dict):
            built[name] = _built(inner, here)
        else:
            built[name] = _typed(name, inner, here)
    return built


def _numbered(inner: Any, place: str) -> list[Any]:
    if not isinstance(inner, dict) or any(not isinstance(index, int) for index in inner):
        raise RuleRefused([(place, "a group holds numbered conditions")])
    return [_built(inner[index], f"{place}[{index}]") for index in sorted(inner)]


def _typed(name: str, text: str, place: str) -> Any:
    if name in _SWITCHES:
        return _switch(text, place)
    if name in _LINES:
        return _lines(text)
    if name in _WHOLE or name in _DECIMAL:
        return _number(text, place)
    return text


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _switch(text: str, place: str) -> bool:
    if text not in ("yes", "no"):
        raise RuleRefused([(place, "yes or no")])
    return text == "yes"


def _number(text: str, place: str) -> int | float:
    if not _NUMBER.fullmatch(text.strip()):
        raise RuleRefused([(place, "a number")])
    plain = text.strip().replace(",", ".")
    return float(plain) if "." in plain else int(plain)


def _comparison(fields: dict[str | int, Any], place: str) -> dict[str, Any]:
    raw: dict[str, Any] = {str(name): text for name, text in fields.items()}
    for name, text in raw.items():
        if not isinstance(text, str):
            raise RuleRefused([(f"{place}.{name}", "a comparison has no parts")])
    if "within_days" in raw:
        raw["within_days"] = _number(raw["within_days"], f"{place}.within_days")
    spec = FACTS.get(raw["fact"])
    if spec is None or "value" not in raw:
        return raw
    text, where = raw["value"], f"{place}.value"
    if raw.get("op") == Op.EXISTS or spec.type is FactType.FLAG:
        raw["value"] = _switch(text, where)
    elif raw.get("op") == Op.IN:
        lines = _lines(text)
        raw["value"] = [_number(one, where) for one in lines] if spec.type is FactType.NUMBER else lines
    elif spec.type is FactType.NUMBER:
        raw["value"] = _number(text, where)
    return raw
