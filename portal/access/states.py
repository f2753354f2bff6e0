"""Frozen records that leave the access room, and its one refusal."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from portal.access.evidence import Confidence
from portal.hcp.profiles import HcpCard


class LinkReason(StrEnum):
    """Why a link is refused, in one word for the log; the page never says which."""

    MANGLED = "mangled"  # not a token of ours
    MISSING = "missing"  # the row is gone
    EXPIRED = "expired"
    REVOKED = "revoked"
    HCP_REVOKED = "hcp-revoked"
    NONCE = "nonce"  # the button's nonce is not for this link, too old, or of the future


class LinkRefused(Exception):
    """A link that opens nothing; `reason` is for the log only."""

    def __init__(self, reason: LinkReason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class LiveLink:
    """A link that may be opened now, with what the door says about it."""

    id: str
    hcp_id: str
    site_id: str
    sender_id: str | None
    device_id: str | None
    landing: str | None
    handed_over_at: datetime | None
    expires_at: datetime
    sending_id: str | None = None
    key_mark: str = ""  # which key of the ring signed the token


@dataclass(frozen=True, slots=True)
class CurrentVisit:
    """The visit a request belongs to."""

    id: str
    link_id: str
    hcp_id: str
    site_id: str
    sender_id: str | None
    confidence: Confidence
    grade: int
    standard_order: bool
    landing: str | None
    link_modules: tuple[str, ...]
    link_created_at: datetime
    opened_at: datetime
    device_id: str | None = None
    card: HcpCard | None = None  # whom the link is for; None for a visit that never was
    sender: str | None = None  # the name of who sent the link

    @property
    def is_known(self) -> bool:
        """Tell whether the visitor is taken to be the doctor."""
        return self.confidence is not Confidence.UNKNOWN


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link as its sender sees it."""

    id: str
    hcp_id: str
    site_id: str
    sender_id: str | None
    channel: str
    modules: tuple[str, ...]
    landing: str | None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    revoked_reason: str | None
    visits: int
    last_opened_at: datetime | None

    def state(self, at: datetime) -> str:
        """Return `revoked`, `expired` or `open`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at <= at else "open"
