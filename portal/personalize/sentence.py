"""Rules as sentences: written in parts for the builder, and read back without loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from portal.personalize import reading
from portal.personalize.catalogue import FACTS, Of, Op
from portal.personalize.codec import moment
from portal.personalize.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    NoneOf,
    conditions_of,
    group_word,
)
from portal.personalize.effects import (
    After,
    Effect,
    Hide,
    Interest,
    Limit,
    Lower,
    Pin,
    Raise,
    Require,
    Target,
)
from portal.personalize.grammar import (
    ALWAYS,
    KNOWN,
    ONCE_WORDS,
    WAY_BACK_WORDS,
    days,
    one_value,
    op_words,
    quoted,
    starred,
    unit_words,
    usable_titles,
    word,
)
from portal.personalize.rules import Rule
from portal.personalize.words import Names, number

_NO_NAMES = Names()
_CLOSERS = (")", ";", ",", ".", ":")


class Part(NamedTuple):
    """A few words of a rule's sentence, what they are, and the place in the rule they say."""

    kind: str
    text: str
    place: str


def parts(rule: Rule, names: Names = _NO_NAMES) -> tuple[Part, ...]:
    """Give the sentence of a rule in parts; joined as `joined` does they are what `write` gives."""
    return tuple(_rule(rule, names))


def joined(some: Iterator[Part] | tuple[Part, ...]) -> str:
    """Give parts as running text, with no space inside brackets or before a full stop."""
    text = ""
    for part in some:
        if part.text:
            tight = not text or text.endswith("(") or part.text in _CLOSERS
            text += part.text if tight else f" {part.text}"
    return text


def write(rule: Rule, names: Names = _NO_NAMES) -> str:
    """Give the whole sentence with id, name and everything set; `parse` reads it back to the same rule."""
    return f"[{rule.id}] {quoted(rule.name)}: {joined(_rule(rule, names))}"


def sentence(rule: Rule, names: Names = _NO_NAMES) -> str:
    """Give the sentence as a marketer reads it, without id and name."""
    return joined(_rule(rule, names))


def parse(text: str, names: Names = _NO_NAMES) -> Rule:
    """Give the rule that `write` wrote with the same names; raise RuleRefused naming the character."""
    return reading.parse(text, names)


def condition_text(condition: Condition, names: Names = _NO_NAMES) -> str:
    """Give a condition as the sentence says it."""
    return joined(_top(condition, names))


def effect_text(effect: Effect, names: Names = _NO_NAMES) -> str:
    """Give an effect as the sentence says it."""
    return joined(_effect(effect, names))


def _rule(rule: Rule, names: Names) -> Iterator[Part]:
    yield Part("word", "IF", "")
    yield from _top(rule.when, names)
    yield Part("word", "THEN", "")
    yield from _effect(rule.then, names)
    yield Part("word", "because", "")
    yield Part("because", quoted(rule.because), "because")
    yield Part("word", ".", "")
    if rule.audience:
        yield from _extra("For audience", ", ".join(word(key) for key in rule.audience), "audience")
    if rule.starts is not None:
        yield from _extra("From", moment(rule.starts), "starts")
    if rule.ends is not None:
        yield from _extra("Until", moment(rule.ends), "ends")
    if rule.sample_percent < 100:
        yield from _extra("For", f"{number(rule.sample_percent)} % of doctors", "sample_percent")
    if rule.priority:
        yield from _extra("Priority", str(rule.priority), "priority")
    if not rule.enabled:
        yield from _extra("Off because", quoted(rule.off_reason or ""), "off_reason")


def _extra(lead: str, text: str, place: str) -> Iterator[Part]:
    yield Part("word", lead, "")
    yield Part("setting", text, place)
    yield Part("word", ".", "")


def _top(when: Condition, names: Names) -> Iterator[Part]:
    inner = conditions_of(when)
    if isinstance(when, AllOf) and not inner:
        yield Part("word", ALWAYS, "when")
    elif isinstance(when, AllOf) and len(inner) == 1 and isinstance(inner[0], Comparison):
        yield from _comparison(inner[0], names, "when.all[0]")
    elif isinstance(when, AllOf | AnyOf) and len(inner) > 1:
        yield from _chain(when, names, "when")
    else:
        yield from _condition(when, names, "when")


def _condition(condition: Condition, names: Names, place: str) -> Iterator[Part]:
    if isinstance(condition, Comparison):
        yield from _comparison(condition, names, place)
    elif isinstance(condition, AllOf | AnyOf) and len(conditions_of(condition)) > 1:
        yield Part("open", "(", place)
        yield from _chain(condition, names, place)
        yield Part("close", ")", place)
    else:
        lead = {"all": "ALL OF", "any": "ANY OF", "none": "NONE OF"}[group_word(condition)]
        yield Part("group", lead, place)
        yield Part("open", "(", place)
        for index, inner in enumerate(conditions_of(condition)):
            if index:
                yield Part("word", ";", place)
            yield from _condition(inner, names, f"{place}.{group_word(condition)}[{index}]")
        yield Part("close", ")", place)


def _chain(condition: AllOf | AnyOf | NoneOf, names: Names, place: str) -> Iterator[Part]:
    between = "AND" if isinstance(condition, AllOf) else "OR"
    for index, inner in enumerate(conditions_of(condition)):
        if index:
            yield Part("group", between, place)
        yield from _condition(inner, names, f"{place}.{group_word(condition)}[{index}]")


def _comparison(asked: Comparison, names: Names, place: str) -> Iterator[Part]:
    spec = FACTS[asked.fact]
    before, _, after = spec.lead.partition("{of}")
    yield Part("fact", before.strip(), f"{place}.fact")
    if spec.of is not None:
        yield Part("of", starred(asked.of or "", usable_titles(names, spec.of)), f"{place}.of")
        yield Part("fact", after.strip(), f"{place}.fact")
    if asked.op is Op.EXISTS:
        yield Part("value", KNOWN[asked.value is True], f"{place}.value")
    else:
        yield Part("op", op_words(spec)[asked.op], f"{place}.op")
        values = asked.value if isinstance(asked.value, tuple) else (asked.value,)
        text = ", ".join(one_value(spec, value, names) for value in values)
        if spec.unit:
            last = values[-1]
            text += f" {unit_words(spec.unit, last if isinstance(last, float) and len(values) == 1 else 0)}"
        yield Part("value", text, f"{place}.value")
    if asked.within_days is not None:
        yield Part("window", days(asked.within_days), f"{place}.within_days")


def target_text(target: Target, names: Names = _NO_NAMES) -> str:
    """Give the modules an effect is for, in words."""
    if target.modules is not None:
        usable = usable_titles(names, Of.MODULE)
        return ", ".join(starred(key, usable) for key in target.modules)
    if target.topic is not None:
        return f"modules on {starred(target.topic, usable_titles(names, Of.TOPIC))}"
    if target.kind is not None:
        return f"modules of kind {word(target.kind)}"
    return "every module"


def _effect(effect: Effect, names: Names) -> Iterator[Part]:
    whom = Part("target", target_text(effect.target, names), "then.target")
    match effect:
        case Raise() | Lower() | Interest():
            yield Part("do", "lower" if isinstance(effect, Lower) else "raise", "then.do")
            yield whom
            yield Part("word", "by", "")
            if isinstance(effect, Interest):
                yield Part("number", number(effect.weight), "then.weight")
                yield Part("do", "for each minute of interest", "then.do")
            else:
                yield Part("number", number(effect.by), "then.by")
        case Pin():
            yield Part("do", "put", "then.do")
            yield whom
            yield Part("word", "at place", "")
            yield Part("number", str(effect.place), "then.place")
        case After():
            yield Part("do", "put", "then.do")
            yield whom
            yield Part("word", "right after", "")
            yield Part("target", starred(effect.module, usable_titles(names, Of.MODULE)), "then.module")
        case Hide():
            yield Part("do", "hide", "then.do")
            yield whom
            yield Part("word", ",", "")
            yield Part("way-back", WAY_BACK_WORDS[effect.way_back], "then.way_back")
        case Require():
            yield Part("do", "always show", "then.do")
            yield whom
        case Limit():
            yield from _limit(effect, whom)


def _limit(effect: Limit, whom: Part) -> Iterator[Part]:
    yield Part("do", "hide" if effect.by is None else "lower", "then.do")
    yield whom
    if effect.by is not None:
        yield Part("word", "by", "")
        yield Part("number", number(effect.by), "then.by")
    yield Part("do", ONCE_WORDS[effect.count], "then.count")
    yield Part("number", f"{effect.times} {unit_words('times', effect.times)}", "then.times")
    if effect.within_days is not None:
        yield Part("window", days(effect.within_days), "then.within_days")
    if effect.way_back is not None:
        yield Part("word", ",", "")
        yield Part("way-back", WAY_BACK_WORDS[effect.way_back], "then.way_back")
