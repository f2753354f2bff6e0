"""Audit events of the microsite room."""

from dataclasses import dataclass

from portal.audit import Event


@dataclass(frozen=True, slots=True)
class PageServed(Event, name="page.served", words="was shown a page"):
    """A page left the portal; its arrangement can be replayed."""

    arrangement: str
    visit: str
    hcp: str
    site: str
    page: str
    mode: str
    rule_set: str
    sha256: str
