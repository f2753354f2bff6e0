"""A rule as a form: every part a text that was typed or chosen, to and from the rule without loss.

A form keeps what a person typed even where it is wrong, so that it can be shown again; `judging` says what is wrong.
Conditions are named by their path: `n0` is the whole, `n0-2` its third part.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from portal.moments import typed_moment
from portal.personalize.conditions import (
    MAX_DEPTH,
    MAX_NODES,
    MAX_VALUES,
    Comparison,
    Condition,
    conditions_of,
    group_word,
)
from portal.personalize.effects import Target
from portal.personalize.rules import Rule, dump
from portal.personalize.words import number

ROOT = "n0"
WORDS = ("all", "any", "none")
_NODE = re.compile(r"(n0(?:-[0-9]{1,2})*)\.(word|fact|of|within|op|value|lines)")
TARGETS = ("modules", "topic", "kind", "everything")
_EFFECT_TEXTS = (
    "do",
    "aim",
    "topic",
    "kind",
    "by",
    "place",
    "module",
    "way_back",
    "count",
    "times",
    "within",
    "weight",
)
_USES: dict[str, tuple[str, ...]] = {
    "raise": ("by",),
    "lower": ("by",),
    "pin": ("place",),
    "after": ("module",),
    "hide": ("way_back",),
    "require": (),
    "limit": ("count", "times", "within_days", "by", "way_back"),
    "interest": ("weight",),
}


class FormRefused(Exception):
    """A form that no page of ours sends: too many or too deep conditions."""


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison as typed."""

    fact: str = ""
    of: str = ""
    within: str = ""
    op: str = ""
    values: tuple[str, ...] = ("",)


@dataclass(frozen=True, slots=True)
class Group:
    """Several conditions under one word: all, any or none."""

    word: str = "all"
    parts: tuple[Row | Group, ...] = ()


@dataclass(frozen=True, slots=True)
class EffectForm:
    """What the rule does, as typed; `aim` says what the modules are chosen by."""

    do: str = "raise"
    aim: str = "topic"
    modules: tuple[str, ...] = ()
    topic: str = ""
    kind: str = ""
    by: str = ""
    place: str = ""
    module: str = ""
    way_back: str = ""
    count: str = "reads"
    times: str = ""
    within: str = ""
    weight: str = ""


@dataclass(frozen=True, slots=True)
class RuleForm:
    """A whole rule as typed."""

    name: str = ""
    because: str = ""
    audience: tuple[str, ...] = ()
    priority: str = "0"
    starts: str = ""
    ends: str = ""
    sample: str = "100"
    enabled: bool = True
    off_reason: str = ""
    when: Group = field(default_factory=lambda: Group("all", (Row(),)))
    then: EffectForm = EffectForm()


def uses(do: str) -> tuple[str, ...]:
    """Give the fields that an effect has beside its target."""
    return _USES.get(do, ())


def form_of(rule: Rule, zone: tzinfo = UTC) -> RuleForm:
    """Give the form that stands for a rule, its dates as they are typed in `zone`."""
    when = rule.when
    return RuleForm(
        name=rule.name,
        because=rule.because,
        audience=rule.audience,
        priority=str(rule.priority),
        starts=typed_moment(rule.starts, zone) if rule.starts else "",
        ends=typed_moment(rule.ends, zone) if rule.ends else "",
        sample=number(rule.sample_percent),
        enabled=rule.enabled,
        off_reason=rule.off_reason or "",
        when=Group("all", (_row(when),)) if isinstance(when, Comparison) else _group(when),
        then=_effect_form(rule),
    )


def _group(condition: Condition) -> Group:
    parts = (_row(part) if isinstance(part, Comparison) else _group(part) for part in conditions_of(condition))
    return Group(group_word(condition), tuple(parts))


def _row(asked: Comparison) -> Row:
    values = asked.value if isinstance(asked.value, tuple) else (asked.value,)
    within = "" if asked.within_days is None else str(asked.within_days)
    return Row(asked.fact, asked.of or "", within, asked.op.value, tuple(_text(value) for value in values))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, float | int) else str(value)


def _effect_form(rule: Rule) -> EffectForm:
    raw = dump(rule)["then"]
    target: Target = rule.then.target
    aim = next(name for name in TARGETS if getattr(target, name) is not None)
    texts = {
        name: _text(raw[name])
        for name in ("by", "place", "module", "way_back", "count", "times", "weight")
        if name in raw
    }
    if "within_days" in raw:
        texts["within"] = str(raw["within_days"])
    return EffectForm(
        do=raw["do"],
        aim=aim,
        modules=target.modules or (),
        topic=target.topic or "",
        kind=target.kind or "",
        **texts,
    )


def read(fields: Mapping[str, Sequence[str]]) -> RuleForm:
    """Give the form that a browser sent; raise FormRefused where there are more conditions than a rule may have."""

    def one(name: str, otherwise: str = "") -> str:
        given = fields.get(name)
        return given[0].strip() if given else otherwise

    texts = {name: one(f"then.{name}") for name in _EFFECT_TEXTS}
    texts["do"] = texts["do"] if texts["do"] in _USES else "raise"
    texts["aim"] = texts["aim"] if texts["aim"] in TARGETS else "topic"
    then = EffectForm(modules=_several(fields.get("then.modules", ())), **texts)
    return RuleForm(
        name=one("name"),
        because=one("because"),
        audience=_several(fields.get("audience", ())),
        priority=one("priority", "0"),
        starts=one("starts"),
        ends=one("ends"),
        sample=one("sample", "100"),
        enabled=one("enabled", "yes") == "yes",
        off_reason=one("off_reason"),
        when=_read_conditions(fields),
        then=then,
    )


def _several(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(value.strip() for value in values[: MAX_VALUES + 1] if value.strip())


def _read_conditions(fields: Mapping[str, Sequence[str]]) -> Group:
    found: dict[tuple[int, ...], dict[str, Sequence[str]]] = {}
    for name, values in fields.items():
        match = _NODE.fullmatch(name)
        if match is None:
            continue
        path = tuple(int(step) for step in match[1].split("-")[1:])
        if len(path) > MAX_DEPTH:
            raise FormRefused(f"Conditions are nested more than {MAX_DEPTH} deep.")
        found.setdefault(path, {})[match[2]] = values
        if len(found) > MAX_NODES + 10:
            raise FormRefused(f"A rule has at most {MAX_NODES} conditions.")
    root = _read_node((), found)
    return root if isinstance(root, Group) else Group("all", (root,))


def _read_node(path: tuple[int, ...], found: Mapping[tuple[int, ...], Mapping[str, Sequence[str]]]) -> Row | Group:
    mine = found.get(path, {})

    def one(name: str) -> str:
        given = mine.get(name)
        return given[0].strip() if given else ""

    if "fact" in mine:
        lines = [line.strip() for line in one("lines").splitlines()]
        values = _several(lines if "lines" in mine else [value.strip() for value in mine.get("value", ())])
        return Row(one("fact"), one("of"), one("within"), one("op"), values or ("",))
    children = sorted(
        {other[: len(path) + 1] for other in found if len(other) > len(path) and other[: len(path)] == path}
    )
    word = one("word")
    return Group(word if word in WORDS else "all", tuple(_read_node(child, found) for child in children))


def fields_of(form: RuleForm) -> Iterable[tuple[str, str]]:
    """Yield the names and values that a page with this form sends back."""
    for name in ("name", "because", "priority", "starts", "ends", "sample", "off_reason"):
        yield name, getattr(form, name)
    yield from (("audience", key) for key in form.audience)
    yield "enabled", "yes" if form.enabled else "no"
    yield from ((f"then.{name}", getattr(form.then, name)) for name in _EFFECT_TEXTS)
    yield from (("then.modules", key) for key in form.then.modules)
    yield from _node_fields(ROOT, form.when)


def _node_fields(path: str, node: Row | Group) -> Iterable[tuple[str, str]]:
    if isinstance(node, Group):
        yield f"{path}.word", node.word
        for index, part in enumerate(node.parts):
            yield from _node_fields(f"{path}-{index}", part)
        return
    for name in ("fact", "of", "within", "op"):
        yield f"{path}.{name}", getattr(node, name)
    yield from ((f"{path}.value", value) for value in node.values)
