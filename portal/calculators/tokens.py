"""Cuts a formula into tokens; every character belongs to exactly one token or is refused."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from portal.calculators.syntax import FormulaRefused

MAX_CHARACTERS = 4_000
MAX_TOKENS = 1_000


class Sort(StrEnum):
    """What a token is."""

    NUMBER = "number"
    UNIT = "unit"
    TEXT = "text"
    NAME = "name"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a formula with its place, counted from 0."""

    sort: Sort
    text: str
    at: int


# What print and other languages write, and what it is here.
_MEANT = {
    "\u2212": "-",
    "\u2013": "-",
    "\u00d7": "*",
    "\u00b7": "*",
    "\u00f7": "/",
    "\u2264": "<=",
    "\u2265": ">=",
    "\u2260": "!=",
    "\u00b2": "^ 2",
    "\u00b3": "^ 3",
    "=": "==",
    "&": "and",
    "|": "or",
    "!": "not",
    '"': "'",
}
_PATTERN = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*)"
    r"|(?P<text>'[^'\r\n]{0,80}')"
    r"|(?P<unit>\[[^\[\]\r\n]{1,40}\])"
    r"|(?P<sign><=|>=|==|!=|[-+*/^<>(),])",
    re.ASCII,
)


def tokens(formula: str) -> tuple[Token, ...]:
    """Cuts the formula, at most 4,000 characters and 1,000 tokens; raises FormulaRefused with the place."""
    if len(formula) > MAX_CHARACTERS:
        raise FormulaRefused(f"the formula is longer than {MAX_CHARACTERS} characters", at=MAX_CHARACTERS)
    found: list[Token] = []
    place = 0
    while place < len(formula):
        match = _PATTERN.match(formula, place)
        if match is None:
            raise FormulaRefused(_without_meaning(formula[place]), at=place)
        sort, text = match.lastgroup or "", match.group()
        if sort != "space":
            found.append(_token(Sort(sort), text, place))
        if len(found) > MAX_TOKENS:
            raise FormulaRefused(f"the formula has more than {MAX_TOKENS} words", at=place)
        place = match.end()
    found.append(Token(Sort.END, "", place))
    return tuple(found)


def _without_meaning(sign: str) -> str:
    """Says that a sign has no meaning, by its name where it may look like another, and what to write instead."""
    shown = f"'{sign}'" if sign.isprintable() else f"U+{ord(sign):04X}"
    named = "" if sign.isascii() else f" ({unicodedata.name(sign, f'U+{ord(sign):04X}').lower()})"
    meant = f"; write {_MEANT[sign]}" if sign in _MEANT else ""
    return f"{shown}{named} has no meaning here{meant}"


def _token(sort: Sort, text: str, place: int) -> Token:
    if sort is Sort.NUMBER and not math.isfinite(float(text)):
        raise FormulaRefused(f"the number {text[:20]} is too large", at=place)
    if sort in (Sort.TEXT, Sort.UNIT):
        return Token(sort, text[1:-1], place)
    return Token(sort, text, place)
