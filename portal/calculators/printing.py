"""Writes formulas and numbers as a reader expects them in print."""

from __future__ import annotations

import math

from portal.calculators.syntax import Call, Name, Node, Number, Text, Truth
from portal.calculators.units import shown_unit

_SIGNS = {"*": "×", "/": "÷", "-": "−", "+": "+", "==": "=", "!=": "≠", "<=": "≤", ">=": "≥", "<": "<", ">": ">"}
_STRENGTH = {
    "or": 1,
    "and": 2,
    "==": 4,
    "!=": 4,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "^": 8,
}
_MINUS = 7


def formula(node: Node) -> str:
    """Writes a syntax tree with the signs of print: × ÷ − √ ≤, and 'a if b, else c'."""
    return _written(node)[0]


def figure(value: float, decimals: int | None = None) -> str:
    """Writes a number with its decimals, or with up to six significant digits where none are set."""
    value = value or 0.0  # a zero has no sign in print
    if decimals is not None:
        text = f"{value:.{decimals}f}"
    elif value == 0 or 1e-4 <= abs(value) < 1e7:
        digits = max(0, 5 - math.floor(math.log10(abs(value)))) if value else 0
        text = f"{value:.{min(digits, 6)}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        text = f"{value:.5g}"
    return text.replace("-", "−")


def _written(node: Node) -> tuple[str, int]:
    match node:
        case Number(value=value, unit=unit):
            mark = f" {shown_unit(unit)}" if unit and shown_unit(unit) else ""
            return figure(value) + mark, 9
        case Text(value=text):
            return f"“{text}”", 9
        case Truth(value=truth):
            return "yes" if truth else "no", 9
        case Name(path=path):
            return path, 9
        case Call():
            return _call(node)


def _call(call: Call) -> tuple[str, int]:
    function, arguments = call.function, call.arguments
    if function in _STRENGTH:
        return _binary(function, arguments[0], arguments[1])
    match function:
        case "negative":
            return f"−{_inside(arguments[0], _MINUS)}", _MINUS
        case "not":
            return f"not {_inside(arguments[0], 3)}", 3
        case "if" | "case":
            pairs = [
                f"{formula(arguments[place + 1])} if {formula(arguments[place])}"
                for place in range(0, len(arguments) - 1, 2)
            ]
            return f"({', '.join(pairs)}, else {formula(arguments[-1])})", 9
        case "sqrt":
            return f"√({formula(arguments[0])})", 9
        case "as_unit":
            return _written(arguments[0])
        case "points":
            return f"points for {formula(arguments[0])}", 9
        case "given":
            return f"{formula(arguments[0])} is given", 9
        case "given_in":
            unit = arguments[1].value if isinstance(arguments[1], Text) else ""
            return f"{formula(arguments[0])} is given in {shown_unit(unit)}", 9
        case _:
            return f"{function}({', '.join(formula(argument) for argument in arguments)})", 9


def _binary(operator: str, left: Node, right: Node) -> tuple[str, int]:
    strength = _STRENGTH[operator]
    if operator == "^":
        return f"{_inside(left, 9)}^{_inside(right, 9)}", strength
    # What stands to the right of − or ÷ keeps its brackets at equal strength.
    beside = strength + 1 if operator in ("-", "/") else strength
    sign = _SIGNS.get(operator, operator)
    return f"{_inside(left, strength)} {sign} {_inside(right, beside)}", strength


def _inside(node: Node, least: int) -> str:
    text, strength = _written(node)
    return text if strength >= least else f"({text})"
