"""The conditions of a rule: a closed tree of comparisons over declared facts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from portal.personalize.catalogue import FACTS, OPERATORS, FactSpec, FactType, Op

BLOCK_PREFIX = "block:"
MAX_DEPTH = 6
MAX_NODES = 60
MAX_VALUES = 50


def refuse(why: str) -> PydanticCustomError:
    """Give the error that names what is wrong at the place being checked."""
    return PydanticCustomError("refused", "{why}", {"why": why})


def _thousandths(value: float) -> float:
    if abs(value) > 1e9 or value != value:
        raise refuse("a number is between -1,000,000,000 and 1,000,000,000")
    if abs(value * 1000 - round(value * 1000)) > 1e-6 * max(1.0, abs(value)):
        raise refuse("a number has at most three decimals")
    return float(round(value * 1000) / 1000)


def _not_a_block(key: str) -> str:
    if key.startswith(BLOCK_PREFIX):
        raise refuse("mandatory blocks cannot be the subject of a rule")
    return key


def _printable(text: str) -> str:
    if not text.isprintable():
        raise refuse("the text holds characters that cannot be shown")
    return text


def _a_moment(value: object) -> object:
    if not isinstance(value, str | datetime):
        raise refuse("a moment is a date and time with a zone")
    return value


def _in_the_calendar(moment: datetime) -> datetime:
    if not 1970 <= moment.year <= 9000:  # so that no zone carries it out of the calendar
        raise refuse("a moment is between the years 1970 and 9000")
    return moment


Number = Annotated[float, Field(strict=True, allow_inf_nan=False), AfterValidator(_thousandths)]
Text = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_printable),
]
Sentence = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, min_length=3, max_length=300),
    AfterValidator(_printable),
]
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:#/-]{0,119}")
Key = Annotated[str, StringConstraints(strict=True, pattern=rf"^{KEY.pattern}$")]
ModuleKey = Annotated[Key, AfterValidator(_not_a_block)]
RuleId = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Count = Annotated[int, Field(strict=True)]
Switch = Annotated[bool, Field(strict=True)]
Moment = Annotated[AwareDatetime, BeforeValidator(_a_moment), AfterValidator(_in_the_calendar)]
Value = Annotated[bool, Field(strict=True)] | Number | Text | tuple[Number | Text, ...]


class Closed(BaseModel):
    """A frozen value that refuses any field it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Comparison(Closed):
    """One fact compared with one value; `of` names what the fact is about, `within_days` bounds it in time."""

    fact: Annotated[str, Field(strict=True)]
    of: ModuleKey | None = Field(default=None, validate_default=True)
    within_days: Annotated[int, Field(strict=True, ge=1, le=3650)] | None = Field(default=None, validate_default=True)
    op: Op
    value: Value

    @field_validator("fact")
    @classmethod
    def _is_declared(cls, fact: str) -> str:
        if fact not in FACTS:
            raise refuse(f"there is no fact {fact[:60]!r}")
        return fact

    @field_validator("of")
    @classmethod
    def _is_about(cls, of: str | None, info: ValidationInfo) -> str | None:
        spec = FACTS.get(info.data.get("fact", ""))
        if spec is not None and spec.of is not None and of is None:
            raise refuse(f"{spec.plain}: which {spec.of.value}?")
        if spec is not None and spec.of is None and of is not None:
            raise refuse(f"{spec.plain} is not about one thing")
        return of

    @field_validator("within_days")
    @classmethod
    def _is_dated(cls, within_days: int | None, info: ValidationInfo) -> int | None:
        spec = FACTS.get(info.data.get("fact", ""))
        if spec is not None and within_days is not None and not spec.windowed:
            raise refuse(f"{spec.plain} is not kept by day")
        return within_days

    @field_validator("op")
    @classmethod
    def _fits(cls, op: Op, info: ValidationInfo) -> Op:
        spec = FACTS.get(info.data.get("fact", ""))
        if spec is not None and op not in OPERATORS[spec.type]:
            raise refuse(f"{op.value!r} cannot be asked of {spec.plain}")
        return op

    @field_validator("value")
    @classmethod
    def _suits(cls, value: Value, info: ValidationInfo) -> Value:
        spec, op = FACTS.get(info.data.get("fact", "")), info.data.get("op")
        if spec is not None and isinstance(op, Op):
            _check_value(spec, op, value)
        return value


def _check_value(spec: FactSpec, op: Op, value: Value) -> None:
    """Raise where the value is not of the kind this fact is compared with."""
    if op is Op.EXISTS or spec.type is FactType.FLAG:
        if not isinstance(value, bool):
            raise refuse(f"{spec.plain}: true or false")
        return
    if op is Op.IN:
        if not isinstance(value, tuple) or not 1 <= len(value) <= MAX_VALUES:
            raise refuse(f"{spec.plain}: a list of 1 to {MAX_VALUES} values")
        for one in value:
            _check_one(spec, one)
        return
    _check_one(spec, value)


def _check_one(spec: FactSpec, value: Value) -> None:
    if spec.type is FactType.NUMBER:
        if isinstance(value, bool) or not isinstance(value, float):
            raise refuse(f"{spec.plain}: a number")
        if spec.choices and not 1 <= value <= len(spec.choices):
            raise refuse(f"{spec.plain}: between {spec.choices[0]} and {spec.choices[-1]}")
        return
    if not isinstance(value, str):
        raise refuse(f"{spec.plain}: a word")
    if spec.type is FactType.DATE:
        try:
            written = date.fromisoformat(value).isoformat()
        except ValueError:
            written = ""
        if written != value:
            raise refuse(f"{spec.plain}: a date as 2026-11-30")
    elif spec.values is not None and not KEY.fullmatch(value):
        raise refuse(f"{spec.plain}: the key of a {spec.values.value}")
    elif spec.choices and value not in spec.choices:
        raise refuse(f"{spec.plain}: one of {', '.join(spec.choices)}")


class AllOf(Closed):
    """Met when every part is met; with no part it is always met."""

    all: tuple[Condition, ...]


class AnyOf(Closed):
    """Met when at least one part is met; with no part it is never met."""

    any: tuple[Condition, ...]


class NoneOf(Closed):
    """Met when no part is met."""

    none: tuple[Condition, ...]


_GROUPS: dict[str, type[Closed]] = {"all": AllOf, "any": AnyOf, "none": NoneOf}


def _kind_of_condition(raw: object) -> str | None:
    for word, model in _GROUPS.items():
        if isinstance(raw, model) or (isinstance(raw, dict) and word in raw):
            return f"<{word}>"
    if isinstance(raw, Comparison) or (isinstance(raw, dict) and "fact" in raw):
        return "<fact>"
    return None


Condition = Annotated[
    Annotated[AllOf, Tag("<all>")]
    | Annotated[AnyOf, Tag("<any>")]
    | Annotated[NoneOf, Tag("<none>")]
    | Annotated[Comparison, Tag("<fact>")],
    Discriminator(
        _kind_of_condition,
        custom_error_type="refused",
        custom_error_message="a condition is all, any, none, or a fact compared with a value",
    ),
]

for _group in (AllOf, AnyOf, NoneOf):
    _group.model_rebuild()


def conditions_of(condition: Condition) -> tuple[Condition, ...]:
    """Give the parts of a group; a comparison has none."""
    match condition:
        case AllOf():
            return condition.all
        case AnyOf():
            return condition.any
        case NoneOf():
            return condition.none
        case Comparison():
            return ()


def group_word(condition: Condition) -> str:
    """Give `all`, `any` or `none` for a group and an empty word for a comparison."""
    return next((word for word, model in _GROUPS.items() if isinstance(condition, model)), "")


def comparisons(condition: Condition, place: str = "when") -> Iterator[tuple[str, Comparison]]:
    """Yield every comparison of a tree with its place, in reading order."""
    if isinstance(condition, Comparison):
        yield place, condition
    for index, part in enumerate(conditions_of(condition)):
        yield from comparisons(part, f"{place}.{group_word(condition)}[{index}]")
