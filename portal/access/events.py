"""Audit events of the access room."""

from dataclasses import dataclass

from portal.audit import Event


@dataclass(frozen=True, slots=True)
class LinkIssued(Event, name="link.issued", words="issued a link"):
    """A signed link was made."""

    link: str
    hcp: str
    site: str
    channel: str
    expires_at: str
    ends_by: str = ""
    preset: str | None = None


@dataclass(frozen=True, slots=True)
class LinkRevoked(Event, name="link.revoked", words="revoked a link"):
    """A link was revoked; it holds from the next request on."""

    link: str
    hcp: str
    reason: str


@dataclass(frozen=True, slots=True)
class LinkOpened(Event, name="link.opened", words="opened a link by pressing its button"):
    """A person pressed the button behind a link."""

    link: str
    hcp: str
    visit: str
    confidence: str
    grade: int
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VisitEnded(Event, name="visit.ended", words="ended a visit"):
    """A visit was closed before its time."""

    visit: str
    hcp: str
    reason: str


@dataclass(frozen=True, slots=True)
class CodeAsked(Event, name="code.asked", words="asked for a code on another device"):
    """A visitor on an unknown device named an address; the code was mailed only if it was the doctor's."""

    visit: str
    link: str
    hcp: str
    mailed: bool


@dataclass(frozen=True, slots=True)
class CodeRefused(Event, name="code.refused", words="entered a code that does not fit"):
    """A code was tried in vain."""

    visit: str
    hcp: str
    reason: str


@dataclass(frozen=True, slots=True)
class VisitVerified(Event, name="visit.verified", words="proved another device with a code"):
    """A second device was proved to be the doctor's."""

    visit: str
    link: str
    hcp: str


@dataclass(frozen=True, slots=True)
class PresetMade(Event, name="link-preset.made", words="made the link preset {title}, version {number}"):
    """A preset for links was made, or its next version."""

    preset: str
    site: str
    title: str
    number: int
    purpose: str
    modules: tuple[str, ...]
    landing: str | None
    days: int
    replaces: str | None


@dataclass(frozen=True, slots=True)
class PresetRetired(Event, name="link-preset.retired", words="retired the link preset {title}"):
    """A preset is offered no longer; links issued with it stay as they are."""

    preset: str
    site: str
    title: str
    number: int
    reason: str
