"""Reads a formula into a syntax tree by operator precedence (Pratt, POPL 1973)."""

from __future__ import annotations

from portal.calculators.functions import FUNCTIONS
from portal.calculators.syntax import Call, FormulaRefused, Name, Node, Number, Text, Truth
from portal.calculators.tokens import Sort, Token, tokens

MAX_DEPTH = 40
MAX_HEIGHT = 60

# Binding strength, loosest first. Comparisons do not chain: 1 < x < 3 has no agreed reading.
_STRENGTH = {
    "or": 10,
    "and": 20,
    "==": 40,
    "!=": 40,
    "<": 40,
    "<=": 40,
    ">": 40,
    ">=": 40,
    "+": 50,
    "-": 50,
    "*": 60,
    "/": 60,
    "^": 80,
}
_NOT = 30
_COMPARISON = 40
_MINUS = 70
_POWER = 80
_WORDS = frozenset({"and", "or", "not", "true", "false"})


def parse(formula: str) -> Node:
    """Reads one formula; raises FormulaRefused with the place of the first thing it cannot read."""
    reader = _Reader(tokens(formula))
    node = reader.expression(0, 0)
    reader.expect_end()
    return node


class _Reader:
    def __init__(self, words: tuple[Token, ...]) -> None:
        self._words = words
        self._next = 0
        self._heights: dict[int, int] = {}

    @property
    def _here(self) -> Token:
        return self._words[self._next]

    def _take(self) -> Token:
        token = self._here
        self._next += 1
        return token

    def _is_sign(self, text: str) -> bool:
        return self._here.sort is Sort.SIGN and self._here.text == text

    def _expect(self, sign: str, why: str) -> None:
        if not self._is_sign(sign):
            raise FormulaRefused(f"'{sign}' is missing {why}", at=self._here.at)
        self._take()

    def _call(self, token: Token, function: str, *arguments: Node) -> Call:
        # A long sum is a tall tree; its height is bounded so that whoever walks the tree may recurse.
        height = 1 + max((self._heights.get(id(argument), 0) for argument in arguments), default=0)
        if height > MAX_HEIGHT:
            raise FormulaRefused(f"the formula is nested deeper than {MAX_HEIGHT} levels", at=token.at)
        call = Call(function, arguments, token.at)
        self._heights[id(call)] = height
        return call

    def expect_end(self) -> None:
        """Refuses whatever follows a complete formula."""
        if self._here.sort is not Sort.END:
            raise FormulaRefused(f"'{self._here.text}' does not belong here", at=self._here.at)

    def expression(self, least: int, depth: int) -> Node:
        """Reads operators that bind tighter than `least`."""
        if depth > MAX_DEPTH:
            raise FormulaRefused(f"the formula is nested deeper than {MAX_DEPTH} levels", at=self._here.at)
        left = self._operand(depth + 1)
        while True:
            operator = self._here
            strength = _STRENGTH.get(operator.text, 0) if operator.sort in (Sort.SIGN, Sort.NAME) else 0
            if strength <= least:
                return left
            self._take()
            # Powers group from the right, everything else from the left.
            right = self.expression(_POWER - 1 if operator.text == "^" else strength, depth + 1)
            left = self._call(operator, operator.text, left, right)
            if strength == _COMPARISON and _STRENGTH.get(self._here.text) == _COMPARISON:
                raise FormulaRefused("comparisons cannot be chained; join them with 'and'", at=self._here.at)

    def _operand(self, depth: int) -> Node:
        token = self._take()
        match token.sort:
            case Sort.NUMBER:
                unit = self._take().text if self._here.sort is Sort.UNIT else None
                return Number(float(token.text), unit, token.at)
            case Sort.TEXT:
                return Text(token.text, token.at)
            case Sort.NAME:
                return self._named(token, depth)
            case Sort.SIGN if token.text == "(":
                inner = self.expression(0, depth)
                self._expect(")", "after the bracket's content")
                return inner
            case Sort.SIGN if token.text == "-":
                return self._call(token, "negative", self.expression(_MINUS, depth))
            case Sort.END:
                raise FormulaRefused("the formula ends where a value should stand", at=token.at)
            case _:
                raise FormulaRefused(f"a value should stand here, not '{token.text}'", at=token.at)

    def _named(self, token: Token, depth: int) -> Node:
        if token.text in ("true", "false"):
            return Truth(token.text == "true", token.at)
        if token.text == "not":
            return self._call(token, "not", self.expression(_NOT, depth))
        if token.text in _WORDS:
            raise FormulaRefused(f"a value should stand here, not '{token.text}'", at=token.at)
        if not self._is_sign("("):
            return Name(token.text, token.at)
        if token.text not in FUNCTIONS:
            known = ", ".join(sorted(FUNCTIONS))
            raise FormulaRefused(f"there is no function '{token.text}'; there are {known}", at=token.at)
        self._take()
        arguments = [] if self._is_sign(")") else [self.expression(0, depth)]
        while self._is_sign(","):
            self._take()
            arguments.append(self.expression(0, depth))
        self._expect(")", f"after the arguments of {token.text}")
        return self._call(token, token.text, *arguments)
