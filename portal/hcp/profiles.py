"""What is known about a doctor, and how it is named. Pure."""

from dataclasses import dataclass
from datetime import datetime

from portal.personalize.catalogue import ADOPTION_STEPS, KNOWLEDGE_LEVELS

AUDIENCES = ("doctor", "pharmacist", "nurse", "payer")
SEGMENTS = ("A", "B", "C")
CHANNELS = ("email", "visit", "phone", "none")
STEPS, LEVELS = ADOPTION_STEPS, KNOWLEDGE_LEVELS

ERASED = "Erased doctor"


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything about a doctor that staff write down; `territory` is its key."""

    title: str = "Dr"
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    npi: str | None = None
    audience: str = "doctor"
    specialty: str | None = None
    segment: str | None = None
    decile: int | None = None
    adoption_step: str | None = None
    knowledge_level: str | None = None
    language: str = "en"
    market: str = "US"
    channel: str | None = None
    territory: str | None = None


@dataclass(frozen=True, slots=True)
class HcpCard:
    """A doctor as other rooms see them; names and address are None once erased."""

    id: str
    ref: str
    npi: str | None
    title: str
    first_name: str | None
    last_name: str | None
    email: str | None
    audience: str
    specialty: str | None
    segment: str | None
    decile: int | None
    adoption_step: str | None
    knowledge_level: str | None
    language: str
    market: str
    channel: str | None
    territory_key: str | None
    territory_name: str | None
    access_revoked_at: datetime | None
    erased_at: datetime | None

    @property
    def display(self) -> str:
        """Return the name in full: `Dr Karin Meier`."""
        return " ".join(filter(None, (self.title, self.first_name, self.last_name))) if self.last_name else ERASED

    @property
    def masked(self) -> str:
        """Return the name as a page may show it to whoever holds the link: `Dr K. M.`."""
        initials = [f"{name[0].upper()}." for name in (self.first_name, self.last_name) if name]
        return " ".join(filter(None, (self.title, *initials))) if self.last_name else ERASED

    @property
    def is_access_revoked(self) -> bool:
        """Tell whether no link of this doctor opens anything."""
        return self.access_revoked_at is not None or self.erased_at is not None
