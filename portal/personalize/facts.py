"""What a rule may know about one doctor at one instant, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple


class Confidence(StrEnum):
    """How sure the portal is that the visitor is the doctor the link was made for."""

    UNKNOWN = "unknown"
    DEVICE = "device"
    VERIFIED = "verified"


class Day(NamedTuple):
    """What one doctor did with one module on one UTC day: one row of the daily roll-up."""

    day: date
    dwell_ms: int = 0
    reads: int = 0
    skips: int = 0
    downloads: int = 0


class DayCount(NamedTuple):
    """How often something happened on one UTC day."""

    day: date
    times: int


@dataclass(frozen=True, slots=True)
class ModuleHistory:
    """Everything one doctor did with one module; `days` carries the dated share of the totals."""

    dwell_ms: int = 0
    reads: int = 0
    skips: int = 0
    completed: bool = False
    last_read_at: datetime | None = None
    useful: bool | None = None
    downloads: int = 0
    answers: tuple[str, ...] = ()
    days: tuple[Day, ...] = ()


@dataclass(frozen=True, slots=True)
class CalculatorHistory:
    """How often one doctor opened and completed one calculator, and the last declared result band."""

    opened: int = 0
    completed: int = 0
    last_band: str | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """What the business data says of the doctor; an empty word means it is not known."""

    specialty: str = ""
    segment: str = ""
    decile: int | None = None
    adoption_step: str = ""
    knowledge_level: str = ""
    territory: str = ""
    region: str = ""
    language: str = ""
    audience: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that one decision may rest on: one doctor, one instant.

    `interest` holds engaged minutes per topic, already decayed to `at`. `subject` is a stable opaque key
    used for samples and the holdout only. Raises ValueError for a naive `at`.
    """

    at: datetime
    subject: str = ""
    consent_profiling: bool = False
    confidence: Confidence = Confidence.UNKNOWN
    profile: Profile = Profile()
    declared_interests: frozenset[str] = frozenset()
    interest: Mapping[str, float] = field(default_factory=dict)
    modules: Mapping[str, ModuleHistory] = field(default_factory=dict)
    calculators: Mapping[str, CalculatorHistory] = field(default_factory=dict)
    mail_clicks: int = 0
    mail_click_days: tuple[DayCount, ...] = ()
    visits: int = 0
    visit_days: tuple[DayCount, ...] = ()
    last_visit_at: datetime | None = None
    sent: frozenset[str] = frozenset()
    discussed: frozenset[str] = frozenset()
    rep_picks: tuple[str, ...] = ()
    not_relevant: frozenset[str] = frozenset()
    standard_order: bool = False

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("the instant of the facts has no time zone")
        if self.at.tzinfo is not UTC:
            object.__setattr__(self, "at", self.at.astimezone(UTC))
        if type(self.confidence) is not Confidence:
            object.__setattr__(self, "confidence", Confidence(self.confidence))

    def is_personal(self) -> bool:
        """Say whether history and profile may be used: profiling was agreed to and the person is known."""
        return self.consent_profiling and self.confidence is not Confidence.UNKNOWN

    def blanked(self) -> Facts:
        """Give the same instant with nothing of the person left but audience and language."""
        return Facts(
            at=self.at,
            consent_profiling=self.consent_profiling,
            confidence=self.confidence,
            profile=Profile(language=self.profile.language, audience=self.profile.audience),
            standard_order=self.standard_order,
        )

    def since(self, within_days: int) -> date:
        """Give the first UTC day that counts as within the last `within_days` days."""
        return _first_day(self.at.date(), within_days)


@lru_cache(maxsize=256)
def _first_day(today: date, within_days: int) -> date:
    return today - timedelta(days=min(within_days, today.toordinal() - 1))


def decayed(value: float, at_then: datetime, at_now: datetime, half_life_days: float) -> float:
    """Give what is left at `at_now` of a value written at `at_then` that halves every `half_life_days` days.

    Time running backwards leaves the value as it is. Raises ValueError for a half-life of zero or less.
    """
    if half_life_days <= 0:
        raise ValueError("a half-life is more than zero days")
    days = max(0.0, (at_now - at_then).total_seconds() / 86_400)
    return float(value * 0.5 ** (days / half_life_days))
