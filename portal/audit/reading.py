"""Audit events of reading: who looked at personal data, and who took a copy of the log."""

from dataclasses import dataclass

from portal.audit.events import Event, Personal


@dataclass(frozen=True, slots=True)
class CaseRead(Event, name="case.read", words="opened everything known about a doctor"):
    """A doctor's case was opened; `as_of` is the moment it was asked for, None for now."""

    hcp: str
    as_of: str | None


@dataclass(frozen=True, slots=True)
class DoctorRead(Event, name="doctor.read", words="opened a doctor's page"):
    """The page of one doctor was opened by the person who looks after them."""

    hcp: str
    part: str


@dataclass(frozen=True, slots=True)
class EventRead(Event, name="event.read", words="opened the personal values of an event"):
    """The personal values of one audit event were shown."""

    event: str
    hcp: str | None


@dataclass(frozen=True, slots=True)
class PageReplayed(Event, name="page.replayed", words="opened a page again as a doctor saw it"):
    """A served page was shown again from what is stored; `matches` tells whether it is the same, byte for byte."""

    arrangement: str
    hcp: str | None
    sha256: str
    matches: bool


@dataclass(frozen=True, slots=True)
class MailReread(Event, name="email.reread", words="opened an email again as it was sent"):
    """A mail was shown again from what is stored; `matches` tells whether it is what was sent, byte for byte."""

    sending: str
    hcp: str
    sha256: str
    matches: bool


@dataclass(frozen=True, slots=True)
class LogExported(Event, name="audit.exported", words="took {rows} events out of the audit log as {format}"):
    """A copy of the log was taken; `sha256` is that of the file, `query` what was searched for."""

    query: Personal[str]
    rows: int
    format: str
    zone: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ActivityExported(Event, name="activity.exported", words="took a doctor's activity out as {format}"):
    """What a doctor did was taken out as a file of `rows` lines."""

    hcp: str
    rows: int
    format: str
    sha256: str


@dataclass(frozen=True, slots=True)
class BackupTaken(Event, name="backup.taken", words="took a copy of the whole database"):
    """A copy of the database was written to a file of `size` bytes."""

    sha256: str
    size: int
