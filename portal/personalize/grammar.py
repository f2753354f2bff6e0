"""The words of rule sentences, shared by the writer and the reader so that neither can drift."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from portal.personalize.catalogue import FactSpec, FactType, Of, Op
from portal.personalize.effects import Repeated, WayBack
from portal.personalize.words import Names, number

_NUMBER_WORDS = {
    Op.IS: "exactly",
    Op.IS_NOT: "other than",
    Op.IN: "one of",
    Op.MORE: "more than",
    Op.AT_LEAST: "at least",
    Op.LESS: "less than",
    Op.AT_MOST: "at most",
}
_TEXT_WORDS = {**_NUMBER_WORDS, Op.IS: "", Op.IS_NOT: "not"}
_OP_WORDS: dict[FactType, dict[Op, str]] = {
    FactType.NUMBER: _NUMBER_WORDS,
    FactType.TEXT: _TEXT_WORDS,
    FactType.STEP: _TEXT_WORDS,
    FactType.FLAG: {Op.IS: ""},
    FactType.SET: {Op.CONTAINS: "include"},
    FactType.DATE: {
        Op.IS: "exactly",
        Op.MORE: "after",
        Op.AT_LEAST: "on or after",
        Op.LESS: "before",
        Op.AT_MOST: "on or before",
    },
}
KNOWN = {True: "known", False: "not known"}
TRUTH = {True: "yes", False: "no"}
WAY_BACK_WORDS = {
    WayBack.MORE: "still found behind show more",
    WayBack.SEARCH: "still found in search",
    WayBack.STANDARD_ORDER: "still found in the standard order",
}
ONCE_WORDS = {Repeated.READS: "once read", Repeated.SKIPS: "once passed by"}
ALWAYS = "always"
_RESERVED_WORDS = """
    known not one other more at less exactly include after before on yes no and or then if all any none of in
    always because for from until priority off every modules
"""
RESERVED = frozenset(_RESERVED_WORDS.split())
_BARE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def op_words(spec: FactSpec) -> Mapping[Op, str]:
    """Give how each comparison of this fact is said, but `exists`, which is said by its value."""
    return _OP_WORDS[spec.type]


def word(text: str) -> str:
    """Give a value as a bare word where it reads as one, else in quotation marks."""
    if _BARE.fullmatch(text) and text.lower() not in RESERVED:
        return text
    return quoted(text)


def quoted(text: str) -> str:
    """Give a text in quotation marks, with a backslash before any within."""
    return json.dumps(text, ensure_ascii=False)


def titles(names: Names, of: Of) -> Mapping[str, str]:
    """Give the titles of one kind of thing by key."""
    return {Of.MODULE: names.modules, Of.TOPIC: names.topics, Of.CALCULATOR: names.calculators}[of]


def usable_titles(names: Names, of: Of) -> dict[str, str]:
    """Give the titles that can stand for their key: printable, not shared, and not another thing's key."""
    given = titles(names, of)
    counts: dict[str, int] = {}
    for title in given.values():
        counts[title] = counts.get(title, 0) + 1
    return {
        key: title
        for key, title in given.items()
        if counts[title] == 1
        and title == " ".join(title.split())
        and title
        and title.isprintable()
        and "*" not in title
        and title[0] != "["
        and (title == key or title not in given)
    }


def starred(key: str, usable: Mapping[str, str]) -> str:
    """Give the name of a thing between stars; a key that could be taken for a title stands in brackets."""
    if key in usable:
        return f"*{usable[key]}*"
    return f"*[{key}]*" if key in usable.values() else f"*{key}*"


def key_of(name: str, usable: Mapping[str, str]) -> str:
    """Give the key that a name between stars stands for."""
    if name.startswith("[") and name.endswith("]"):
        return name[1:-1]
    return next((key for key, title in usable.items() if title == name), name)


def unit_words(unit: str, value: float) -> str:
    """Give the unit of a number, in the singular for one."""
    return {"times": "time", "days": "day"}.get(unit, unit) if value == 1 else unit


def days(count: int) -> str:
    """Give the window of a fact or a limit: `in the last 90 days`."""
    return f"in the last {count} {unit_words('days', count)}"


def one_value(spec: FactSpec, value: object, names: Names) -> str:
    """Give one value as the sentence says it, without its unit."""
    if isinstance(value, bool):
        return TRUTH[value]
    if isinstance(value, int | float):
        return number(value)
    if spec.values is not None:
        return starred(str(value), usable_titles(names, spec.values))
    return str(value) if spec.type is FactType.DATE else word(str(value))
