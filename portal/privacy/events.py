"""Audit events of the privacy room."""

from dataclasses import dataclass

from portal.audit import Event


@dataclass(frozen=True, slots=True)
class DataExported(Event, name="privacy.exported", words="took a copy of everything kept about a doctor"):
    """A copy of what is kept about a doctor was taken, `rows` rows of it."""

    hcp: str
    rows: int
    reason: str


@dataclass(frozen=True, slots=True)
class DoctorErased(Event, name="privacy.erased", words="erased what was kept about a doctor"):
    """The receipt of an erasure: what became of the doctor's rows, by count; it holds no personal value."""

    hcp: str
    reason: str
    views: int
    visits: int
    links: int
    mails: int
    notes: int
    audit_values: int
