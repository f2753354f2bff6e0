"""The types of formulas: numbers with units, yes or no, texts with their possible values, lists."""

from __future__ import annotations

from dataclasses import dataclass

from portal.calculators.units import Unit


@dataclass(frozen=True, slots=True)
class NumberType:
    """A number; unit None is a plain number, which may stand beside any unit."""

    unit: Unit | None = None


@dataclass(frozen=True, slots=True)
class TruthType:
    """Yes or no."""


@dataclass(frozen=True, slots=True)
class TextType:
    """A text that is one of a known set."""

    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class ListType:
    """A list of plain numbers of a known length."""

    length: int


Type = NumberType | TruthType | TextType | ListType


def in_words(kind: Type) -> str:
    """Names a type for a message."""
    match kind:
        case NumberType(unit=None):
            return "a plain number"
        case NumberType(unit=unit):
            return f"a number in {unit}"
        case TruthType():
            return "a yes or no"
        case TextType():
            return "a text"
        case ListType(length=length):
            return f"a list of {length} numbers"
