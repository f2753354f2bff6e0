"""What mailing asks of the room that owns links; a floor above joins the two."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from portal.audit import Actor


@dataclass(frozen=True, slots=True)
class LinkWish:
    """A link for one call to action of one sending; `landing` None opens the personal page."""

    hcp_id: str
    site_id: str
    sender_id: str | None
    sending_id: str
    action: str
    landing: str | None
    modules: tuple[str, ...]
    expires_at: datetime


class Links(Protocol):
    """Signed addresses, and what becomes of the links in a mail."""

    def until(
        self, db: Session, hcp_id: str, site_id: str, *, modules: Collection[str], most_days: int, at: datetime
    ) -> tuple[datetime, str]:
        """Return when links that begin at `at` end, and why in words."""

    def issue(self, db: Session, wish: LinkWish, *, by: Actor, at: datetime) -> str:
        """Make a link and return its address."""

    def unsubscribe(self, sending_id: str) -> str:
        """Return the address that unsubscribes the doctor of a sending."""

    def preferences(self, sending_id: str) -> str:
        """Return the address of the preference page of the doctor of a sending."""

    def opt_in(self, opt_in_id: str) -> str:
        """Return the address that confirms that mail is wanted."""

    def inert(self, kind: str) -> str:
        """Return an address for previews and tests that opens nothing; `kind` is v, u or p."""

    def hand_over(self, db: Session, sending_id: str, *, at: datetime) -> None:
        """Note on every link of a sending when its mail was handed over."""

    def revoke(self, db: Session, sending_ids: Collection[str], *, reason: str, by: Actor, at: datetime) -> int:
        """Revoke every link of the sendings and return how many were open."""

    def touched(self, db: Session, sending_ids: Collection[str]) -> set[str]:
        """Return those of the sendings of which a link was fetched by anything."""
