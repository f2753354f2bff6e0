"""The syntax tree of a formula: five kinds of node, frozen, and its compact form for the browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


class FormulaRefused(ValueError):
    """A formula that cannot be read or checked; `at` is the place in its text, counted from 0."""

    def __init__(self, message: str, *, at: int) -> None:
        super().__init__(f"{message} (at character {at + 1})")
        self.message = message
        self.at = at


@dataclass(frozen=True, slots=True)
class Number:
    """A number written in a formula, with its unit where one is declared: `0.8[mg/g]`."""

    value: float
    unit: str | None
    at: int


@dataclass(frozen=True, slots=True)
class Text:
    """A text in single quotes."""

    value: str
    at: int


@dataclass(frozen=True, slots=True)
class Truth:
    """`true` or `false`."""

    value: bool
    at: int


@dataclass(frozen=True, slots=True)
class Name:
    """An input (`head.area`) or an earlier step (`kappa`)."""

    path: str
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function or an operator applied to its arguments, left to right."""

    function: str
    arguments: tuple[Node, ...]
    at: int


Node = Number | Text | Truth | Name | Call

# A node for the browser: a number or truth is itself, a string is a name, ["'", text] is a text,
# any other list is a function followed by its arguments.
Compact = float | bool | str | list["Compact"]


def compact(node: Node) -> Compact:
    """Writes the tree as nested JSON lists, read by `static/js/calculator.js`."""
    match node:
        case Number(value=value):
            return int(value) if value.is_integer() and abs(value) < 1e15 else value
        case Truth(value=truth):
            return truth
        case Text(value=text):
            return ["'", text]
        case Name(path=path):
            return path
        case Call(function=function, arguments=arguments):
            return [function, *(compact(argument) for argument in arguments)]


def walk(node: Node) -> Iterator[Node]:
    """Gives the node and everything below it, parents first."""
    yield node
    if isinstance(node, Call):
        for argument in node.arguments:
            yield from walk(argument)
