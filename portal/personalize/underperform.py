"""Modules that do less than they should, each with its evidence and none on the strength of a few doctors.

Every test compares one module with the others of its site, takes those with their own doubt, and is made
strict by the number of modules and tests: among modules all alike a site of any size seldom has one named.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median
from typing import NamedTuple

from portal.personalize.intervals import Interval, newcombe, wilson, z_of
from portal.personalize.words import duration

WORDS_A_MINUTE = 200
LEAST_SHOWN = 30
LEAST_READS = 20
LEAST_ANSWERS = 8
SHORT = 0.7  # a typical read below this share of the site's norm is short


class Weakness(StrEnum):
    """In what a module falls behind."""

    SKIPPED = "skipped-more-than-expected"
    SHORT_DWELL = "short-dwell-for-its-length"
    NOT_USEFUL = "seldom-found-useful"


@dataclass(frozen=True, slots=True)
class Record:
    """What became of one module version: per place on the page how often shown and passed by, and the rest.

    `dwell_ms` has one entry per read.
    """

    module: str
    version: str
    words: int = 0
    by_place: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    dwell_ms: tuple[int, ...] = ()
    useful: int = 0
    not_useful: int = 0

    def shown(self) -> int:
        """Give how often the module was on a page."""
        return sum(shown for shown, _ in self.by_place.values())

    def skipped(self) -> int:
        """Give how often it was shown and passed by."""
        return sum(skipped for _, skipped in self.by_place.values())

    def ratios(self) -> list[float]:
        """Give each read's time as a share of the time its words take at 200 words a minute."""
        needed = self.words / WORDS_A_MINUTE * 60_000
        return [ms / needed for ms in self.dwell_ms] if needed > 0 else []


class Weak(NamedTuple):
    """One weakness of one module version: the share found with its interval, what was expected, on how many."""

    module: str
    version: str
    kind: Weakness
    found: Interval
    expected: float
    size: int
    text: str


def underperforming(records: Sequence[Record], level: float = 0.95) -> tuple[Weak, ...]:
    """Give every weakness that chance does not explain at this level, worst first."""
    strict = 1 - (1 - level) / max(len(records) * len(Weakness), 1)
    found = [
        weak
        for place, record in enumerate(records)
        for weak in _weaknesses(record, [*records[:place], *records[place + 1 :]], strict)
    ]
    return tuple(sorted(found, key=lambda weak: (-abs(weak.found.value - weak.expected), weak.module, weak.kind)))


def _weaknesses(record: Record, others: list[Record], level: float) -> list[Weak]:
    tests = (_skipped(record, others, level), _short(record, others, level), _useless(record, others, level))
    return [weak for weak in tests if weak is not None]


def _skipped(record: Record, others: list[Record], level: float) -> Weak | None:
    """Compare with how often the other modules are passed by at the very places this one was shown at."""
    expected, doubt, compared, passed = 0.0, 0.0, 0, 0
    for place, (shown, skipped) in record.by_place.items():
        there = [one.by_place[place] for one in others if place in one.by_place]
        seen = sum(count for count, _ in there)
        if seen:
            usual = sum(count for _, count in there) / seen
            expected += shown * usual
            doubt += shown * shown * usual * (1 - usual) / seen
            compared += shown
            passed += skipped
    if compared < LEAST_SHOWN:
        return None
    share = wilson(passed, compared, level)
    usual = expected / compared
    if not _apart(share.value - usual, share.value - share.low, math.sqrt(doubt) / compared, level):
        return None
    text = f"Passed by on {passed:,} of {compared:,} pages; at its places {expected:,.0f} would be usual."
    return Weak(record.module, record.version, Weakness.SKIPPED, share, usual, compared, text)


def _short(record: Record, others: list[Record], level: float) -> Weak | None:
    """Compare each read with the site's usual share of the time the words need."""
    mine = record.ratios()
    rest = [ratio for one in others for ratio in one.ratios()]
    if len(mine) < LEAST_READS or len(rest) < LEAST_READS:
        return None
    norm = median(rest)
    below = wilson(sum(ratio < norm for ratio in mine), len(mine), level)
    apart = _apart(below.value - 0.5, below.value - below.low, 0.5 / math.sqrt(len(rest)), level)
    if not apart or median(mine) >= SHORT * norm:
        return None
    needed = record.words / WORDS_A_MINUTE * 60_000
    text = (
        f"A typical read lasts {duration(round(median(record.dwell_ms)))}; for {record.words:,} words "
        f"{duration(round(norm * needed))} is usual here ({len(mine):,} reads)."
    )
    return Weak(record.module, record.version, Weakness.SHORT_DWELL, below, 0.5, len(mine), text)


def _useless(record: Record, others: list[Record], level: float) -> Weak | None:
    answers = record.useful + record.not_useful
    rest = sum(one.useful + one.not_useful for one in others)
    if answers < LEAST_ANSWERS or rest < LEAST_ANSWERS:
        return None
    liked = sum(one.useful for one in others)
    usual, share = liked / rest, wilson(record.useful, answers, level)
    if newcombe(record.useful, answers, liked, rest, level).high >= 0:
        return None
    text = f"Found useful by {record.useful:,} of {answers:,} who answered; {usual:.0%} is usual here."
    return Weak(record.module, record.version, Weakness.NOT_USEFUL, share, usual, answers, text)


def _apart(difference: float, half: float, doubt: float, level: float) -> bool:
    """Say whether a difference exceeds its own half width and the doubt of what it is compared with."""
    return difference > math.hypot(half, z_of(level) * doubt)


class Beside(NamedTuple):
    """A newer version beside an older: differences of shares with their intervals, typical reads in ms.

    A difference is None where either version was shown, or answered about, too seldom.
    """

    skipped: Interval | None
    useful: Interval | None
    typical_ms: tuple[int | None, int | None]


def beside(old: Record, new: Record) -> Beside:
    """Compare a module's newer version with its older one: new minus old."""
    skipped = useful = None
    if min(old.shown(), new.shown()) >= LEAST_SHOWN:
        skipped = newcombe(new.skipped(), new.shown(), old.skipped(), old.shown())
    answers = new.useful + new.not_useful, old.useful + old.not_useful
    if min(answers) >= LEAST_ANSWERS:
        useful = newcombe(new.useful, answers[0], old.useful, answers[1])
    return Beside(skipped, useful, (_typical(old), _typical(new)))


def _typical(record: Record) -> int | None:
    return round(median(record.dwell_ms)) if len(record.dwell_ms) >= LEAST_READS else None
