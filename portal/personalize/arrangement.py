"""What the engine is given and what it gives back: candidates, items, reasons, and what is left out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from portal.personalize.conditions import BLOCK_PREFIX


@dataclass(frozen=True, slots=True)
class Candidate:
    """One module version that may be shown; no audience means every audience, no language means any.

    `position` is its place in the standard order. Raises ValueError for a mandatory block, which is never
    a candidate, and for dates without a zone.
    """

    module: str
    version: str
    title: str = ""
    topics: tuple[str, ...] = ()
    kind: str = "article"
    audiences: tuple[str, ...] = ()
    language: str = ""
    position: int = 0
    words: int = 0
    in_force_from: datetime | None = None
    in_force_until: datetime | None = None

    def __post_init__(self) -> None:
        if self.module.startswith(BLOCK_PREFIX):
            raise ValueError(f"a mandatory block is not a candidate: {self.module}")
        for moment in (self.in_force_from, self.in_force_until):
            if moment is not None and moment.tzinfo is None:
                raise ValueError(f"a date without a zone: {self.module}")


class Mode(StrEnum):
    """Why the page has the order it has."""

    PERSONAL = "personal"
    STANDARD = "standard"  # the doctor asked for the standard order
    HOLDOUT = "holdout"  # kept in the standard order for comparison
    NO_CONSENT = "no-consent"
    UNKNOWN_DEVICE = "unknown-device"


class Why(StrEnum):
    """Why a candidate is not on the page."""

    NOT_IN_FORCE = "not-in-force"
    OTHER_AUDIENCE = "other-audience"
    OTHER_LANGUAGE = "other-language"
    DUPLICATE = "duplicate"  # another version of the same module stands in the list already
    NOT_RELEVANT = "not-relevant"  # the doctor said so
    HIDDEN = "hidden"  # by a rule
    REPEATED = "repeated"  # read or passed by as often as a rule allows


class State(StrEnum):
    """What became of a rule on one page."""

    MATCHED = "matched"
    UNMATCHED = "unmatched"
    OFF = "off"
    NOT_YET = "not-yet"
    ENDED = "ended"
    OTHER_AUDIENCE = "other-audience"
    OUTSIDE_SAMPLE = "outside-sample"
    RESTING = "resting"  # a rule about the person, on a page that uses nothing of the person


class Contribution(NamedTuple):
    """What one rule or setting adds to a module's score, in thousandths of a point."""

    rule: str
    kind: str
    points: int
    sentence: str
    cause: tuple[str, str] = ("", "")


class Item(NamedTuple):
    """One module on the page; its contributions add up to its score exactly."""

    module: str
    version: str
    place: int
    score: int
    contributions: tuple[Contribution, ...]
    reason: str
    cause: tuple[str, str]


class NotShown(NamedTuple):
    """One candidate that is not on the page, why, and where it is still found."""

    module: str
    version: str
    why: Why
    sentence: str
    rule: str = ""
    way_back: str = ""


class RuleTrace(NamedTuple):
    """What became of one rule; `overruled` names modules whose placing another rule decided."""

    rule: str
    state: State
    overruled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The decision for one page; every candidate is in exactly one of `items` and `not_shown`."""

    mode: Mode
    rule_set: str
    rule_set_version: int
    items: tuple[Item, ...]
    not_shown: tuple[NotShown, ...]
    rules: tuple[RuleTrace, ...]

    def order(self) -> tuple[str, ...]:
        """Give the module keys from first to last."""
        return tuple(item.module for item in self.items)

    def of(self, module: str) -> Item | None:
        """Give the shown item of a module, or None."""
        return next((item for item in self.items if item.module == module), None)
