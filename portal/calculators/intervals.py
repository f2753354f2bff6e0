"""Bounds what a formula can give over the allowed ranges, and finds where it may have no result."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import product

from portal.calculators.calculator import Calculator
from portal.calculators.check import Leaf
from portal.calculators.definition import BooleanInput, NumberInput
from portal.calculators.evaluation import points_of
from portal.calculators.extents import (
    Extent,
    Range,
    Terms,
    Texts,
    Truths,
    added,
    compared,
    corners,
    narrowed,
    scaled,
    union,
)
from portal.calculators.functions import FUNCTIONS, half_up
from portal.calculators.syntax import Call, Name, Node, Number, Text, Truth

Alarm = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Survey:
    """Walks a tree over extents; every place that may have no result is told to `alarm`."""

    calculator: Calculator
    known: Mapping[str, Extent]
    alarm: Alarm

    def extent(self, node: Node) -> Extent:
        """Gives an extent that holds every value the node can take."""
        match node:
            case Number(value=value):
                return Range(value, value)
            case Truth(value=truth):
                return Truths(truth, not truth)
            case Text(value=text):
                return Texts(frozenset({text}))
            case Name(path=path):
                return self.known[path]
            case Call():
                return self._call(node)

    def range(self, node: Node) -> Range:
        """Gives the range of a node that the check has found to be a number."""
        extent = self.extent(node)
        return extent if isinstance(extent, Range) else Range(-math.inf, math.inf)

    def truths(self, node: Node) -> Truths:
        """Gives the answers of a node that the check has found to be a yes or no."""
        extent = self.extent(node)
        return extent if isinstance(extent, Truths) else Truths(True, True)

    def _call(self, call: Call) -> Extent:
        match call.function:
            case "if" | "case":
                return self._branches(list(call.arguments))
            case "and" | "or" | "not" | "given" | "given_in" | "==" | "!=" | "<" | "<=" | ">" | ">=":
                return self._condition(call)
            case "list":
                return Terms(tuple(self.range(argument) for argument in call.arguments))
            case "join":
                parts = [self._texts(argument) for argument in call.arguments]
                separator = next(iter(parts[0]))
                return Texts(frozenset(separator.join(texts) for texts in product(*map(sorted, parts[1:]))))
            case "weighted" | "cell":
                return self._table(call)
            case "points":
                name = call.arguments[0]
                return self._points(self.calculator.inputs[name.path]) if isinstance(name, Name) else Range(0, 0)
            case "value_or":
                own, otherwise = self.extent(call.arguments[0]), self.extent(call.arguments[1])
                return union(own, otherwise)
            case "as_unit":
                return self.extent(call.arguments[0])
            case "count":
                return Range(0, len(call.arguments))
            case _:
                return self._arithmetic(call, [self.range(argument) for argument in call.arguments])

    def _branches(self, arguments: list[Node]) -> Extent:
        *pairs, otherwise = arguments
        survey, found = self, list[Extent]()
        for condition, value in zip(pairs[::2], pairs[1::2], strict=True):
            answers = survey.truths(condition)
            if answers.can_be_true:
                found.append(survey.assuming(condition, True).extent(value))
            if not answers.can_be_false:
                return union(*found)
            survey = survey.assuming(condition, False)
        return union(*found, survey.extent(otherwise))

    def assuming(self, condition: Node, truth: bool) -> Survey:
        """Gives a survey that knows a condition to hold, or not; only comparisons of a name narrow it."""
        if isinstance(condition, Call) and condition.function == ("and" if truth else "or"):
            left, right = condition.arguments
            return self.assuming(left, truth).assuming(right, truth)
        if isinstance(condition, Call) and condition.function == "not":
            return self.assuming(condition.arguments[0], not truth)
        if not isinstance(condition, Call) or len(condition.arguments) != 2:
            return self
        left, right = condition.arguments
        if not isinstance(left, Name) or left.path not in self.known:
            return self
        left_over = narrowed(self.known[left.path], condition.function, truth, right)
        return replace(self, known={**self.known, left.path: left_over}) if left_over else self

    def _condition(self, call: Call) -> Truths:
        match call.function:
            case "and" | "or":
                left = self.truths(call.arguments[0])
                # The right side is only reached where the left one leaves the question open.
                right = self.assuming(call.arguments[0], call.function == "and").truths(call.arguments[1])
                if call.function == "and":
                    return Truths(left.can_be_true and right.can_be_true, left.can_be_false or right.can_be_false)
                return Truths(left.can_be_true or right.can_be_true, left.can_be_false and right.can_be_false)
            case "not":
                inner = self.truths(call.arguments[0])
                return Truths(inner.can_be_false, inner.can_be_true)
            case "given" | "given_in":
                return Truths(True, True)
        left_side, right_side = self.extent(call.arguments[0]), self.extent(call.arguments[1])
        if isinstance(left_side, Texts) and isinstance(right_side, Texts):
            same = bool(left_side.values & right_side.values)
            certain = len(left_side.values | right_side.values) == 1
            return Truths(same, not certain) if call.function == "==" else Truths(not certain, same)
        if isinstance(left_side, Range) and isinstance(right_side, Range):
            return compared(call.function, left_side, right_side)
        return Truths(True, True)

    def _texts(self, node: Node) -> frozenset[str]:
        extent = self.extent(node)
        return extent.values if isinstance(extent, Texts) else frozenset()

    def _table(self, call: Call) -> Range:
        first, second, *keys = call.arguments
        table = self.calculator.tables[first.path if isinstance(first, Name) else ""]
        rows = [table.rows["_".join(parts)] for parts in product(*(sorted(self._texts(key)) for key in keys))]
        if call.function == "cell":
            place = table.columns.index(next(iter(self._texts(second))))
            return Range(min(row[place] for row in rows), max(row[place] for row in rows))
        terms = self.extent(second)
        ranges = terms.ranges if isinstance(terms, Terms) else ()
        sums = [added([scaled(weight, item) for weight, item in zip(row, ranges, strict=True)]) for row in rows]
        return Range(min(item.low for item in sums), max(item.high for item in sums))

    def _points(self, leaf: Leaf) -> Range:
        if isinstance(leaf, NumberInput) and leaf.points:
            reached = [band for band in leaf.points if band.high >= leaf.allowed.low and band.low <= leaf.allowed.high]
            scores = [float(band.points) for band in reached] or [0.0]
        elif isinstance(leaf, BooleanInput):
            scores = [points_of(leaf, False), points_of(leaf, True)]
        else:
            scores = [float(option.points or 0) for option in leaf.options]
        return Range(min(scores), max(scores))

    def _arithmetic(self, call: Call, ranges: list[Range]) -> Range:
        first = ranges[0]
        match call.function:
            case "+":
                return added(ranges)
            case "-":
                return Range(first.low - ranges[1].high, first.high - ranges[1].low)
            case "negative":
                return Range(-first.high, -first.low)
            case "*":
                return corners(first, ranges[1], lambda a, b: a * b)
            case "/":
                if ranges[1].holds(0):
                    self.alarm("it may divide by zero", call.at)
                    return Range(-math.inf, math.inf)
                return corners(first, ranges[1], lambda a, b: a / b)
            case "^":
                return self._power(call, first, ranges[1])
            case "ln" | "log10":
                if first.low <= 0:
                    self.alarm("it may take the logarithm of a number that is not above zero", call.at)
                log = math.log if call.function == "ln" else math.log10
                return Range(log(first.low) if first.low > 0 else -math.inf, log(first.high) if first.high > 0 else 0.0)
            case "sqrt":
                if first.low < 0:
                    self.alarm("it may take a root of a negative number", call.at)
                return Range(math.sqrt(max(first.low, 0)), math.sqrt(max(first.high, 0)))
            case "exp":
                if first.high > 700:
                    self.alarm("it may be larger than any number", call.at)
                return Range(math.exp(min(first.low, 700)), math.exp(first.high) if first.high <= 700 else math.inf)
            case "abs":
                least = 0.0 if first.holds(0) else min(abs(first.low), abs(first.high))
                return Range(least, max(abs(first.low), abs(first.high)))
            case "min":
                return Range(min(item.low for item in ranges), min(item.high for item in ranges))
            case "max":
                return Range(max(item.low for item in ranges), max(item.high for item in ranges))
            case "clamp":
                low, high = ranges[1], ranges[2]
                return Range(min(max(first.low, low.low), high.low), min(max(first.high, low.high), high.high))
            case "round":
                decimals = int(ranges[1].low) if ranges[1:] else 0
                return Range(half_up(first.low, decimals), half_up(first.high, decimals))
        raise KeyError(f"{call.function} is not among {sorted(FUNCTIONS)}")

    def _power(self, call: Call, base: Range, exponent: Range) -> Range:
        whole = exponent.low == exponent.high and float(exponent.low).is_integer()
        if base.holds(0) and exponent.low < 0:
            self.alarm("it may divide by zero", call.at)
            return Range(-math.inf, math.inf)
        if base.low < 0:
            if not whole:
                self.alarm("it may take a root of a negative number", call.at)
                return Range(-math.inf, math.inf)
            reach = max(abs(base.low), abs(base.high)) ** exponent.low
            even = exponent.low % 2 == 0
            return Range(0.0 if even else base.low**exponent.low, reach if even else base.high**exponent.low)
        try:
            return corners(base, exponent, lambda a, b: a**b)
        except OverflowError:
            self.alarm("it may be larger than any number", call.at)
            return Range(0.0, math.inf)
