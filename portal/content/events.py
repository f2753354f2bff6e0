"""Audit events of the content room."""

from dataclasses import dataclass
from datetime import datetime

from portal.audit import Event


@dataclass(frozen=True, slots=True)
class SiteCreated(Event, name="site.created", words="made the site {key}"):
    """A site was made."""

    site: str
    key: str
    market: str
    language: str


@dataclass(frozen=True, slots=True)
class SiteChanged(Event, name="site.changed", words="changed settings of a site: {changed}"):
    """Settings of a site were changed."""

    site: str
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TopicCreated(Event, name="topic.created", words="made the topic {key}"):
    """A topic was made."""

    site: str
    topic: str
    key: str


@dataclass(frozen=True, slots=True)
class SubjectCreated(Event, name="content.created", words="made the {subject} {key}"):
    """An empty module or mandatory block was made."""

    site: str
    subject: str
    id: str
    key: str
    kind: str


@dataclass(frozen=True, slots=True)
class ContentImported(
    Event, name="content.imported", words="imported version {version} of label {set_id}: {drafts} drafts"
):
    """A label file was taken in and its drafts were made."""

    site: str
    label: str
    set_id: str
    version: int
    sha256: str
    drafts: int
    outdated: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VersionDrafted(Event, name="version.drafted", words="drafted {subject} {key}, version {number}"):
    """A new version was begun."""

    version: str
    subject: str
    key: str
    number: int
    sha256: str


@dataclass(frozen=True, slots=True)
class VersionEdited(Event, name="version.edited", words="edited the draft of {subject} {key}, version {number}"):
    """A draft was changed."""

    version: str
    subject: str
    key: str
    number: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class VersionSubmitted(
    Event, name="version.submitted", words="submitted {subject} {key}, version {number}, for review"
):
    """A draft was handed over for review and is edited no more."""

    version: str
    subject: str
    key: str
    number: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ChangesRequested(Event, name="version.changes-requested", words="sent {subject} {key}, version {number}, back"):
    """A reviewer sent a version back to its author."""

    version: str
    subject: str
    key: str
    number: int
    note: str


@dataclass(frozen=True, slots=True)
class VersionApproved(
    Event, name="version.approved", words="approved {subject} {key}, version {number}, as {approval_code}"
):
    """A version was approved by somebody who did not write it, and rendered."""

    version: str
    subject: str
    key: str
    number: int
    sha256: str
    approval_code: str
    author: str
    in_force_from: datetime
    in_force_until: datetime | None
    card: str
    page: str
    confirmed: bool
    note: str


@dataclass(frozen=True, slots=True)
class VersionSuperseded(
    Event, name="version.superseded", words="{subject} {key}, version {number}, ends where a later version begins"
):
    """The end of a version was set because a later one was approved."""

    version: str
    subject: str
    key: str
    number: int
    ends: datetime
    by_version: str


@dataclass(frozen=True, slots=True)
class VersionWithdrawn(Event, name="version.withdrawn", words="withdrew {subject} {key}, version {number}: {reason}"):
    """An approved version was withdrawn; it is served no more from that moment."""

    version: str
    subject: str
    key: str
    number: int
    reason: str
