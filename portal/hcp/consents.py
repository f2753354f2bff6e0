"""Consent: three decisions per doctor and brand, and which of them is in force. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Purpose(StrEnum):
    """What is decided on; one consent never stands for another."""

    MAIL = "mail"
    TRACKING = "tracking"
    PROFILING = "profiling"


class Tracking(StrEnum):
    """How a doctor's visits may be measured."""

    IDENTIFIED = "identified"
    ANONYMOUS = "anonymous"  # counted, never named, not in the representative's view
    NONE = "none"


GIVEN, REFUSED = "given", "refused"

# What may be decided, the most careful first: of two decisions of one instant the more careful is in force.
DECISIONS: dict[Purpose, tuple[str, ...]] = {
    Purpose.MAIL: (REFUSED, GIVEN),
    Purpose.TRACKING: (Tracking.NONE, Tracking.ANONYMOUS, Tracking.IDENTIFIED),
    Purpose.PROFILING: (REFUSED, GIVEN),
}


class ConsentRefused(Exception):
    """A decision that does not exist for its purpose; the text says which do."""


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """One decision as it was recorded; `site_id` None holds for every site."""

    site_id: str | None
    purpose: Purpose
    decision: str
    source: str
    wording: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ConsentState:
    """What is in force for one doctor and site; None where a purpose was never decided."""

    mail_decision: ConsentRow | None = None
    tracking_decision: ConsentRow | None = None
    profiling_decision: ConsentRow | None = None

    @property
    def mail(self) -> bool:
        """Tell whether mail may be sent."""
        return self.mail_decision is not None and self.mail_decision.decision == GIVEN

    @property
    def tracking(self) -> Tracking:
        """Return how visits may be measured; undecided means not at all."""
        return Tracking(self.tracking_decision.decision) if self.tracking_decision else Tracking.NONE

    @property
    def profiling(self) -> bool:
        """Tell whether what was read may change the page."""
        return self.profiling_decision is not None and self.profiling_decision.decision == GIVEN

    @property
    def is_tracking_decided(self) -> bool:
        """Tell whether the doctor was ever asked about tracking and answered."""
        return self.tracking_decision is not None


def check(purpose: str, decision: str) -> Purpose:
    """Return the purpose if `decision` exists for it; raises ConsentRefused."""
    try:
        known = Purpose(purpose)
    except ValueError:
        raise ConsentRefused(f"{purpose!r} is no purpose; they are {', '.join(Purpose)}.") from None
    if decision not in DECISIONS[known]:
        raise ConsentRefused(f"{decision!r} decides nothing about {known}; choose {' or '.join(DECISIONS[known])}.")
    return known


def in_force(rows: Iterable[ConsentRow], site_id: str) -> ConsentState:
    """Return what holds for `site_id`: per purpose the newest decision for it or for every site."""
    newest: dict[Purpose, ConsentRow] = {}
    for row in rows:
        if row.site_id is None or row.site_id == site_id:
            held = newest.get(row.purpose)
            if held is None or _rank(row) > _rank(held):
                newest[row.purpose] = row
    return ConsentState(
        mail_decision=newest.get(Purpose.MAIL),
        tracking_decision=newest.get(Purpose.TRACKING),
        profiling_decision=newest.get(Purpose.PROFILING),
    )


def _rank(row: ConsentRow) -> tuple[datetime, int, bool]:
    return row.at, -DECISIONS[row.purpose].index(row.decision), row.site_id is None
