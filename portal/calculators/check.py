"""Checks a formula once: every name exists, every argument has the right type, and units agree."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from portal.calculators.definition import BooleanInput, ChoiceInput, NumberInput, Table
from portal.calculators.functions import COMPARISONS, FUNCTIONS, UNARY
from portal.calculators.syntax import Call, FormulaRefused, Name, Node, Number, Text, Truth
from portal.calculators.types import ListType, NumberType, TextType, TruthType, Type, in_words
from portal.calculators.units import Unit, UnitRefused, parse_unit

Leaf = NumberInput | BooleanInput | ChoiceInput
_T = TypeVar("_T", NumberType, TruthType, TextType, ListType)
_MOST_TEXTS = 400


@dataclass(frozen=True, slots=True)
class Scope:
    """What a formula may name: inputs by path, earlier steps by name, tables by name."""

    inputs: Mapping[str, Leaf]
    steps: Mapping[str, Type]
    tables: Mapping[str, Table]


def type_of(node: Node, scope: Scope) -> Type:
    """Gives the type of a formula; raises FormulaRefused with the place of the first mistake."""
    match node:
        case Number(unit=None):
            return NumberType()
        case Number(unit=unit, at=at):
            return _number(_read_unit(unit or "", at))
        case Truth():
            return TruthType()
        case Text(value=value):
            return TextType(frozenset({value}))
        case Name():
            return _name_type(node, scope)
        case Call():
            return _call_type(node, scope)


def type_of_input(leaf: Leaf) -> Type:
    """Gives the type an input has inside formulas."""
    match leaf:
        case NumberInput():
            return _number(parse_unit(leaf.unit))
        case BooleanInput():
            return TruthType()
        case ChoiceInput():
            return TextType(frozenset(str(option.value) for option in leaf.options))


def agree(declared: str, actual: Type, at: int) -> NumberType:
    """Gives the type of a number declared to be in a unit; a plain number takes the unit, another unit is refused."""
    if not isinstance(actual, NumberType):
        raise FormulaRefused(f"it gives {in_words(actual)}, not a number in {declared}", at=at)
    unit = _number(_read_unit(declared, at))
    if actual.unit is not None and not _fits(actual.unit, unit.unit):
        raise FormulaRefused(f"it gives {in_words(actual)}, not {declared}", at=at)
    return unit


def _name_type(node: Name, scope: Scope) -> Type:
    if node.path in scope.steps:
        return scope.steps[node.path]
    leaf = scope.inputs.get(node.path)
    if leaf is None:
        raise FormulaRefused(f"there is no input or earlier step named '{node.path}'", at=node.at)
    if leaf.optional:
        raise FormulaRefused(f"'{node.path}' is optional: use given() or value_or()", at=node.at)
    return type_of_input(leaf)


def _call_type(call: Call, scope: Scope) -> Type:
    arity = FUNCTIONS.get(call.function)
    if arity is not None:
        most = arity.most if arity.most is not None else len(call.arguments)
        if not arity.least <= len(call.arguments) <= most:
            wanted = f"{arity.least}" if arity.most == arity.least else f"at least {arity.least}"
            raise FormulaRefused(f"{call.function} takes {wanted} arguments", at=call.at)
    special = _SPECIAL.get(call.function)
    if special is not None:
        return special(call, scope)
    types = [type_of(argument, scope) for argument in call.arguments]
    if call.function in ("and", "or", "not", "count"):
        for kind, argument in zip(types, call.arguments, strict=True):
            _want(TruthType, kind, argument.at, call.function)
        return NumberType() if call.function == "count" else TruthType()
    if call.function in ("==", "!="):
        return _equality(call, types)
    units = [_unit_of(kind, argument.at, call) for kind, argument in zip(types, call.arguments, strict=True)]
    if call.function in COMPARISONS:
        _common(units, call)
        return TruthType()
    return NumberType(_unit_result(call, units))


def _unit_result(call: Call, units: list[Unit | None]) -> Unit | None:
    match call.function:
        case "+" | "-" | "min" | "max" | "clamp":
            return _common(units, call)
        case "*":
            return _product(units[0], units[1])
        case "/":
            return _product(units[0], Unit(1.0, ()) / units[1] if units[1] else None)
        case "^":
            exponent = call.arguments[1]
            if units[1] is not None:
                raise FormulaRefused("an exponent is a plain number", at=exponent.at)
            whole = _literal(exponent)
            if units[0] and whole is not None and whole.is_integer():
                return _plain_is_none(units[0].power(int(whole)))
            return None
        case "abs" | "negative":
            return units[0]
        case "round":
            decimals = call.arguments[1] if len(call.arguments) == 2 else Number(0.0, None, call.at)
            if not isinstance(decimals, Number) or decimals.value not in range(7):
                raise FormulaRefused("round takes 0 to 6 decimals, written as a number", at=decimals.at)
            return units[0]
        case function if function in UNARY:
            # A logarithm or root of a measured quantity belongs to a fitted relation; its result is plain.
            return None
        case function:
            raise FormulaRefused(f"there is no operator '{function}'", at=call.at)


def _literal(node: Node) -> float | None:
    """Gives a number that is written out, with its minus."""
    if isinstance(node, Call) and node.function == "negative":
        inner = _literal(node.arguments[0])
        return None if inner is None else -inner
    return node.value if isinstance(node, Number) else None


def _equality(call: Call, types: list[Type]) -> Type:
    left, right = types
    if isinstance(left, TextType) and isinstance(right, TextType):
        if not left.values & right.values:
            known = ", ".join(sorted(left.values | right.values)[:20])
            raise FormulaRefused(f"these can never be equal; the values are {known}", at=call.at)
        return TruthType()
    units = [_unit_of(kind, argument.at, call) for kind, argument in zip(types, call.arguments, strict=True)]
    _common(units, call)
    return TruthType()


def _branches(call: Call, scope: Scope) -> Type:
    *paired, otherwise = call.arguments
    if len(paired) % 2:
        raise FormulaRefused(f"{call.function} takes pairs of condition and value, then a last value", at=call.at)
    for condition in paired[::2]:
        _want(TruthType, type_of(condition, scope), condition.at, call.function)
    results = [type_of(result, scope) for result in (*paired[1::2], otherwise)]
    if all(isinstance(kind, TextType) for kind in results):
        return TextType(frozenset().union(*(kind.values for kind in results if isinstance(kind, TextType))))
    if all(isinstance(kind, TruthType) for kind in results):
        return TruthType()
    if all(isinstance(kind, NumberType) for kind in results):
        return NumberType(_common([kind.unit for kind in results if isinstance(kind, NumberType)], call))
    raise FormulaRefused(f"the values of {call.function} are of different types", at=call.at)


def _about_input(call: Call, scope: Scope) -> Type:
    name = call.arguments[0]
    leaf = scope.inputs.get(name.path) if isinstance(name, Name) else None
    if leaf is None:
        raise FormulaRefused(f"{call.function} needs the name of an input", at=name.at)
    match call.function:
        case "given":
            return TruthType()
        case "value_or":
            kind, otherwise = type_of_input(leaf), type_of(call.arguments[1], scope)
            if isinstance(kind, NumberType) and isinstance(otherwise, NumberType):
                return NumberType(_common([kind.unit, otherwise.unit], call))
            if isinstance(kind, TextType) and isinstance(otherwise, TextType):
                return TextType(kind.values | otherwise.values)
            return _want(TruthType, otherwise, call.arguments[1].at, call.function)
        case "given_in":
            units = {leaf.unit, *(other.unit for other in leaf.other_units)} if isinstance(leaf, NumberInput) else set()
            asked = call.arguments[1]
            if not isinstance(asked, Text) or asked.value not in units:
                raise FormulaRefused(f"given_in needs one of the input's units in quotes: {sorted(units)}", at=asked.at)
            return TruthType()
        case _:
            if leaf.optional or not _scores(leaf):
                raise FormulaRefused(f"the input '{leaf.name}' declares no points", at=call.at)
            return NumberType()


def _scores(leaf: Leaf) -> bool:
    match leaf:
        case NumberInput():
            return bool(leaf.points) or (bool(leaf.options) and all(o.points is not None for o in leaf.options))
        case BooleanInput():
            return leaf.points is not None
        case ChoiceInput():
            return all(option.points is not None for option in leaf.options)


def _table(call: Call, scope: Scope) -> Type:
    first, second, *keys = call.arguments
    table = scope.tables.get(first.path) if isinstance(first, Name) else None
    if table is None:
        raise FormulaRefused(f"{call.function} needs the name of a table", at=first.at)
    if call.function == "cell":
        if not isinstance(second, Text) or second.value not in table.columns:
            raise FormulaRefused(f"the columns of '{table.name}' are {', '.join(table.columns)}", at=second.at)
    else:
        terms = _want(ListType, type_of(second, scope), second.at, call.function)
        if terms.length != len(table.columns):
            raise FormulaRefused(
                f"the table '{table.name}' weighs {len(table.columns)} terms, the list has {terms.length}", at=second.at
            )
    for key in row_keys([_want(TextType, type_of(key, scope), key.at, call.function) for key in keys], call):
        if key not in table.rows:
            raise FormulaRefused(f"the table '{table.name}' has no row '{key}'", at=call.at)
    return NumberType()


def row_keys(keys: list[TextType], call: Call) -> list[str]:
    """Gives every row key that a lookup can ask for, its parts joined by underscores."""
    return sorted(_joined(keys, "_", call)) if keys else []


def _joined(parts: list[TextType], separator: str, call: Call) -> frozenset[str]:
    size = 1
    for part in parts:
        size *= len(part.values)
    if size > _MOST_TEXTS:
        raise FormulaRefused(f"more than {_MOST_TEXTS} texts can come of this", at=call.at)
    return frozenset(separator.join(texts) for texts in itertools.product(*(sorted(p.values) for p in parts)))


def _join(call: Call, scope: Scope) -> Type:
    types = [_want(TextType, type_of(argument, scope), argument.at, call.function) for argument in call.arguments]
    if len(types[0].values) != 1:
        raise FormulaRefused("the separator is written as one text", at=call.arguments[0].at)
    return TextType(_joined(types[1:], next(iter(types[0].values)), call))


def _list(call: Call, scope: Scope) -> Type:
    for argument in call.arguments:
        _want(NumberType, type_of(argument, scope), argument.at, call.function)
    return ListType(len(call.arguments))


def _as_unit(call: Call, scope: Scope) -> Type:
    value, unit = call.arguments
    _want(NumberType, type_of(value, scope), value.at, call.function)
    if not isinstance(unit, Text):
        raise FormulaRefused("as_unit needs the unit in quotes", at=unit.at)
    return _number(_read_unit(unit.value, unit.at))


_SPECIAL: dict[str, Callable[[Call, Scope], Type]] = {
    "if": _branches,
    "case": _branches,
    "given": _about_input,
    "given_in": _about_input,
    "value_or": _about_input,
    "points": _about_input,
    "cell": _table,
    "weighted": _table,
    "join": _join,
    "list": _list,
    "as_unit": _as_unit,
}


def _want(wanted: type[_T], kind: Type, at: int, function: str) -> _T:
    if not isinstance(kind, wanted):
        raise FormulaRefused(f"{function} cannot take {in_words(kind)} here", at=at)
    return kind


def _unit_of(kind: Type, at: int, call: Call) -> Unit | None:
    if not isinstance(kind, NumberType):
        raise FormulaRefused(f"'{call.function}' cannot take {in_words(kind)} here", at=at)
    return kind.unit


def _common(units: list[Unit | None], call: Call) -> Unit | None:
    found: Unit | None = None
    for unit in units:
        if unit is not None and found is not None and not unit.same_as(found):
            raise FormulaRefused(f"'{call.function}' mixes {found} with {unit}", at=call.at)
        found = found if found is not None else unit
    return found


def _product(left: Unit | None, right: Unit | None) -> Unit | None:
    if left is None or right is None:
        return left if left is not None else right
    return _plain_is_none(left * right)


def _plain_is_none(unit: Unit) -> Unit | None:
    return None if unit.is_plain else unit


def _number(unit: Unit) -> NumberType:
    return NumberType(_plain_is_none(unit))


def _fits(actual: Unit, declared: Unit | None) -> bool:
    return actual.same_as(declared if declared is not None else Unit(1.0, ()))


def _read_unit(text: str, at: int) -> Unit:
    try:
        return parse_unit(text)
    except UnitRefused as error:
        raise FormulaRefused(str(error), at=at) from error
