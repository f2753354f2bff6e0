"""Consent: three decisions per doctor and brand, and which of them is in force. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
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
UNSUBSCRIBED = "unsubscribe"  # how a refusal that came by way of a mail begins its source
OPTED_IN = "double opt-in"  # the source of a yes to mail that was confirmed from the mailbox
ANSWERED = "question by mail"  # the source of a no to the question whether mail is wanted
LONGEST_DAYS = 3650

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
    ends_at: datetime | None = None
    id: str = ""

    def is_over(self, at: datetime) -> bool:
        """Tell whether the decision has ended at `at`: nothing is decided from its end on."""
        return self.ends_at is not None and self.ends_at <= at


@dataclass(frozen=True, slots=True)
class ConsentState:
    """What is in force for one doctor and site; None where a purpose was never decided or its decision has ended."""

    mail_decision: ConsentRow | None = None
    tracking_decision: ConsentRow | None = None
    profiling_decision: ConsentRow | None = None
    ended: tuple[ConsentRow, ...] = ()  # the newest decision of a purpose, where it has ended

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

    @property
    def first_to_end(self) -> ConsentRow | None:
        """Return the decision in force that ends before the others; None where none ends."""
        held = (self.mail_decision, self.tracking_decision, self.profiling_decision)
        ending = [row for row in held if row is not None and row.ends_at is not None]
        return min(ending, key=lambda row: (row.ends_at, row.purpose), default=None)

    def ended_on(self, purpose: str) -> datetime | None:
        """Return when the newest decision on a purpose ended; None where it holds, or where there is none."""
        return next((row.ends_at for row in self.ended if row.purpose == purpose), None)


def is_unsubscribed(rows: Iterable[ConsentRow], site_id: str | None) -> bool:
    """Tell whether the doctor unsubscribed by way of a mail and did not opt in again by one; None asks for any site."""
    own = [
        row
        for row in rows
        if row.purpose is Purpose.MAIL
        and (site_id is None or row.site_id in (None, site_id))
        and (row.source.startswith(UNSUBSCRIBED) or row.source == OPTED_IN)
    ]
    return bool(own) and max(own, key=_rank).decision == REFUSED


def is_yes(purpose: str, decision: str) -> bool:
    """Tell whether a decision allows anything: only these end, a no holds until the doctor says otherwise."""
    return decision != DECISIONS[Purpose(purpose)][0]


def end_of(days: object, purpose: str, decision: str, at: datetime) -> datetime | None:
    """Return when a decision taken at `at` ends by a site's setting (days by purpose); None where it does not end."""
    given = days.get(purpose) if isinstance(days, Mapping) else None
    if not isinstance(given, int) or not 1 <= given <= LONGEST_DAYS or not is_yes(purpose, decision):
        return None
    return at + timedelta(days=given)


def check(purpose: str, decision: str) -> Purpose:
    """Return the purpose if `decision` exists for it; raises ConsentRefused."""
    try:
        known = Purpose(purpose)
    except ValueError:
        raise ConsentRefused(f"{purpose!r} is no purpose; they are {', '.join(Purpose)}.") from None
    if decision not in DECISIONS[known]:
        raise ConsentRefused(f"{decision!r} decides nothing about {known}; choose {' or '.join(DECISIONS[known])}.")
    return known


def in_force(rows: Iterable[ConsentRow], site_id: str, at: datetime) -> ConsentState:
    """Return what holds for `site_id` at `at`: per purpose the newest decision for it or for every site.

    A newest decision that has ended leaves its purpose undecided: what was decided before it does not come back.
    """
    newest: dict[Purpose, ConsentRow] = {}
    for row in rows:
        if row.site_id is None or row.site_id == site_id:
            held = newest.get(row.purpose)
            if held is None or _rank(row) > _rank(held):
                newest[row.purpose] = row
    kept = {purpose: row for purpose, row in newest.items() if not row.is_over(at)}
    return ConsentState(
        mail_decision=kept.get(Purpose.MAIL),
        tracking_decision=kept.get(Purpose.TRACKING),
        profiling_decision=kept.get(Purpose.PROFILING),
        ended=tuple(row for purpose, row in sorted(newest.items()) if purpose not in kept),
    )


def _rank(row: ConsentRow) -> tuple[datetime, int, bool, float]:
    soon = -row.ends_at.timestamp() if row.ends_at is not None else float("-inf")  # of two alike the one to end first
    return row.at, -DECISIONS[row.purpose].index(row.decision), row.site_id is None, soon
