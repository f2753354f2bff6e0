"""When a link ends and why: the earliest of policy, the modules it leads to, and the doctor's consent."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from portal.content.queries import earliest_expiry
from portal.hcp.queries import consent_in_force


class Cause(StrEnum):
    """What ends a link, one word each."""

    CHOSEN = "chosen"  # the days that were asked for
    POLICY = "policy"  # the most days this portal allows
    MODULE = "module"  # a module it leads to is not in force any longer
    CONSENT = "consent"  # a yes of the doctor ends


_WORDS = {
    Cause.CHOSEN: "the days chosen for it",
    Cause.POLICY: "the longest that links last here",
    Cause.MODULE: "content it leads to is in force no longer",
    Cause.CONSENT: "the doctor's consent ends then",
}


@dataclass(frozen=True, slots=True)
class Ending:
    """When a link ends, and what ends it."""

    at: datetime
    cause: Cause

    @property
    def reason(self) -> str:
        """Return what ends it, in words that follow “because” or a colon."""
        return _WORDS[self.cause]


def ending(
    db: Session,
    hcp_id: str,
    site_id: str,
    *,
    modules: Collection[str],
    most_days: int,
    days: int | None = None,
    at: datetime,
) -> Ending:
    """Return when a link that begins at `at` ends: the earliest cause; of two at one instant the first of `Cause`.

    `modules` are keys of what it leads to, `most_days` is policy, `days` what was asked for.
    """
    found = [Ending(at + timedelta(days=most_days), Cause.POLICY)]
    if days is not None and days < most_days:
        found.insert(0, Ending(at + timedelta(days=days), Cause.CHOSEN))
    module = earliest_expiry(db, site_id, modules, at) if modules else None
    if module is not None:
        found.append(Ending(module, Cause.MODULE))
    consent = consent_in_force(db, hcp_id, site_id, at).first_to_end
    if consent is not None and consent.ends_at is not None:
        found.append(Ending(consent.ends_at, Cause.CONSENT))
    return min(found, key=lambda each: each.at)
