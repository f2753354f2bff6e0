"""A range with open or closed ends, as definitions write it: from, above, below, up_to."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Part(BaseModel):
    """A frozen part of a definition that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False, strict=True)


class Bounds(Part):
    """A range of numbers; an end that is not given is open to infinity."""

    from_: float | None = Field(default=None, alias="from")
    above: float | None = None
    below: float | None = None
    up_to: float | None = None

    @model_validator(mode="after")
    def _one_end_each(self) -> Self:
        if self.from_ is not None and self.above is not None:
            raise ValueError("give 'from' or 'above', not both")
        if self.up_to is not None and self.below is not None:
            raise ValueError("give 'up_to' or 'below', not both")
        if self.low > self.high or (self.low == self.high and not self.holds(self.low)):
            raise ValueError("the lower end lies above the upper end")
        return self

    @property
    def low(self) -> float:
        """The lower end, or minus infinity."""
        if self.from_ is not None:
            return self.from_
        return self.above if self.above is not None else float("-inf")

    @property
    def high(self) -> float:
        """The upper end, or infinity."""
        if self.up_to is not None:
            return self.up_to
        return self.below if self.below is not None else float("inf")

    def holds(self, value: float) -> bool:
        """Tells whether the value lies in the range."""
        if self.from_ is not None and value < self.from_:
            return False
        if self.above is not None and value <= self.above:
            return False
        if self.up_to is not None and value > self.up_to:
            return False
        return not (self.below is not None and value >= self.below)

    def in_words(self) -> str:
        """Says the range as a reader expects it: '18 to 120', 'above 100', '10 to below 400'."""
        lower = _said(self.from_, "") or _said(self.above, "above ")
        upper = _said(self.up_to, "") or _said(self.below, "below ")
        if lower and upper:
            return f"{lower} to {upper}"
        if lower:
            return f"{lower} or more" if self.from_ is not None else lower
        if upper:
            return f"{upper} or less" if self.up_to is not None else upper
        return "any number"


def _said(end: float | None, word: str) -> str:
    return "" if end is None else f"{word}{end:.10g}"
