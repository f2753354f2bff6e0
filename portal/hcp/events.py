"""Audit events of the hcp room; names, addresses and numbers of a person are erasable."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.audit import Event, Personal


@dataclass(frozen=True, slots=True)
class HcpCreated(Event, name="hcp.created", words="added a doctor"):
    """A doctor was added."""

    hcp: str
    ref: Personal[str]
    profile: Personal[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class HcpUpdated(Event, name="hcp.updated", words="changed what is known about a doctor"):
    """What is known about a doctor was changed; `fields` names what, the values are personal."""

    hcp: str
    fields: tuple[str, ...]
    before: Personal[Mapping[str, Any]]
    after: Personal[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class AdoptionStepChanged(Event, name="hcp.adoption-step-changed", words="moved a doctor on the adoption ladder"):
    """A doctor is on another step of the ladder; it can go down."""

    hcp: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class HcpAssigned(Event, name="hcp.assigned", words="assigned a doctor"):
    """A member of staff looks after a doctor from now on."""

    hcp: str
    user: str


@dataclass(frozen=True, slots=True)
class HcpUnassigned(Event, name="hcp.unassigned", words="took a doctor from a representative"):
    """A member of staff no longer looks after a doctor."""

    hcp: str
    user: str


@dataclass(frozen=True, slots=True)
class ConsentRecorded(Event, name="consent.recorded", words="recorded a decision on {purpose}: {decision}"):
    """A doctor decided on one purpose; `site` None holds for every site."""

    hcp: str
    site: str | None
    purpose: str
    decision: str
    source: str
    wording: str
    ends_at: datetime | None = None
    decided_at: datetime | None = None  # where it was written down later
    evidence: Personal[str | None] = None


@dataclass(frozen=True, slots=True)
class AccessRevoked(Event, name="hcp.access-revoked", words="revoked a doctor's access"):
    """No link of this doctor opens anything, from the next request on."""

    hcp: str
    reason: str


@dataclass(frozen=True, slots=True)
class AccessRestored(Event, name="hcp.access-restored", words="restored a doctor's access"):
    """Links of this doctor that are in date open again."""

    hcp: str
    reason: str


@dataclass(frozen=True, slots=True)
class InterestsDeclared(Event, name="hcp.interests-declared", words="declared interests"):
    """A doctor said which topics matter to them; the list is complete."""

    hcp: str
    site: str
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DiscussionNoted(Event, name="discussion.noted", words="noted what was discussed on {day}"):
    """Modules were discussed with a doctor in a visit on a day (YYYY-MM-DD)."""

    hcp: str
    site: str
    day: str
    modules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DiscussionTakenBack(Event, name="discussion.taken-back", words="took back a note of {day}"):
    """A note that a module was discussed was a mistake and is gone."""

    hcp: str
    site: str
    day: str
    module: str


@dataclass(frozen=True, slots=True)
class DiscussionsPurged(Event, name="discussions.purged", words="purged {count} notes of visits whose time was over"):
    """Notes of visits before a day (YYYY-MM-DD) were deleted."""

    before: str
    count: int


@dataclass(frozen=True, slots=True)
class HcpsImported(Event, name="hcps.imported", words="imported doctors: {created} new, {updated} changed"):
    """A checked file was saved; `sha256` is of its bytes."""

    sha256: str
    layout: str
    rows: int
    created: int
    updated: int
    unchanged: int
