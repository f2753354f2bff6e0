"""What a touch of a link proves: grades and marks of a robot. Pure.

Grades: 0 fetched, 1 script ran, 2 gesture, 3 gesture and engaged, 4 stepped up. No browser signal proves a person: a
remote-controlled browser can produce all of them; marks say what speaks against one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum


class Grade(IntEnum):
    """What a link activity proves."""

    FETCHED = 0
    SCRIPT = 1
    GESTURE = 2
    ENGAGED = 3
    STEPPED_UP = 4


class Confidence(StrEnum):
    """How sure we are that the visitor is the HCP."""

    UNKNOWN = "unknown"
    DEVICE = "device"
    VERIFIED = "verified"


class Mark(StrEnum):
    """What speaks for a robot."""

    HEADLESS = "headless"  # the user agent says so itself
    PREFETCH = "prefetch"  # Sec-Purpose: prefetch or prerender
    NO_AGENT = "no-agent"  # no user agent at all
    HINTS_DISAGREE = "hints-disagree"  # user agent and client hints name different browsers
    TOO_SOON = "too-soon"  # opened within the quarantine after hand-over to the mail server
    BURST = "burst"  # several links of one mail within seconds
    MANY_HCPS = "many-hcps"  # one network address opens links of several doctors
    NO_GESTURE = "no-gesture"  # the browser did not report a user gesture where it always does
    HIDDEN_LINK = "hidden-link"  # followed a link no person can see
    STAFF_ADDRESS = "staff-address"  # from a network address where a member of staff was signed in within a day


# These speak for a robot whatever else happens: such a visit is automatic, binds no device and feeds no profile.
STRONG = frozenset({Mark.PREFETCH, Mark.NO_AGENT, Mark.HINTS_DISAGREE, Mark.BURST, Mark.HIDDEN_LINK})
# These lower the grade: such a visit is never confirmed by engagement alone.
LOWERING = frozenset({Mark.HEADLESS, Mark.TOO_SOON, Mark.MANY_HCPS, Mark.NO_GESTURE, Mark.STAFF_ADDRESS})
# With these a browser is taken for nobody's: it binds no device, sees the standard page and decides nothing.
NOBODYS = STRONG | {Mark.HEADLESS, Mark.STAFF_ADDRESS}
# Borne by the browser itself, not by the circumstances: its input after the gesture proves nothing either.
_OF_THE_BROWSER = STRONG | {Mark.HEADLESS, Mark.NO_GESTURE}


@dataclass(frozen=True, slots=True)
class Signs:
    """The headers of a request that evidence is read from."""

    user_agent: str
    client_hints: str
    platform_hint: str
    purpose: str
    fetch_user: str
    fetch_site: str


def marks_of(signs: Signs, *, handed_over_at: datetime | None, at: datetime, quarantine: timedelta) -> frozenset[Mark]:
    """Return the marks that one request bears by itself."""
    found: set[Mark] = set()
    agent = signs.user_agent
    if not agent.strip():
        found.add(Mark.NO_AGENT)
    if "headless" in agent.lower() or "headless" in signs.client_hints.lower():
        found.add(Mark.HEADLESS)
    if any(word in signs.purpose.lower() for word in ("prefetch", "prerender", "preview")):
        found.add(Mark.PREFETCH)
    if _hints_disagree(signs):
        found.add(Mark.HINTS_DISAGREE)
    if handed_over_at is not None and at - handed_over_at < quarantine:
        found.add(Mark.TOO_SOON)
    return frozenset(found)


def _hints_disagree(signs: Signs) -> bool:
    hints, platform, agent = signs.client_hints, signs.platform_hint.strip('"').lower(), signs.user_agent
    if hints and "Chromium" in hints and "Chrome/" not in agent and "CriOS" not in agent:
        return True
    spoken = {"windows": "Windows", "macos": "Macintosh", "linux": "Linux", "android": "Android"}.get(platform)
    return spoken is not None and bool(agent) and spoken not in agent


def is_confirmed(grade: int, marks: Iterable[str]) -> bool:
    """Tell whether a visit counts as a person's: engaged and without a mark, or stepped up."""
    found = {str(mark) for mark in marks}
    if grade >= Grade.STEPPED_UP:
        return not found & {str(mark) for mark in STRONG}
    return grade >= Grade.ENGAGED and not found & {str(mark) for mark in STRONG | LOWERING}


def highest_grade(marks: Iterable[str]) -> Grade:
    """Return how far input on the page can raise a visit that bears `marks`; a code from the mailbox goes further."""
    found = {str(mark) for mark in marks}
    return Grade.GESTURE if found & {str(mark) for mark in _OF_THE_BROWSER} else Grade.ENGAGED


def is_automatic(marks: Iterable[str]) -> bool:
    """Tell whether marks say that a machine did it."""
    return bool({str(mark) for mark in marks} & {str(mark) for mark in STRONG})
