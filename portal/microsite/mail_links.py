"""Gives mailing its signed addresses: the one place where links of `access` and sendings of `mailing` meet."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.access.actions import issue_link, revoke_link
from portal.access.expiry import ending
from portal.access.models import Link, LinkActivity
from portal.access.tokens import Purpose, TokenBox
from portal.audit import Actor
from portal.mailing.ports import LinkWish

CHANNEL = "mail"


class MailLinks:
    """The addresses in a mail, and what becomes of its links."""

    def __init__(self, tokens: TokenBox, base_url: str) -> None:
        """Take the box that signs and the public address of the portal."""
        self._tokens = tokens
        self._base = base_url

    def until(
        self, db: Session, hcp_id: str, site_id: str, *, modules: Collection[str], most_days: int, at: datetime
    ) -> tuple[datetime, str]:
        """Return when links that begin at `at` end, and why in words."""
        found = ending(db, hcp_id, site_id, modules=modules, most_days=most_days, at=at)
        return found.at, found.reason

    def issue(self, db: Session, wish: LinkWish, *, by: Actor, at: datetime) -> str:
        """Make a link for one call to action and return its address."""
        link_id = issue_link(
            db,
            wish.hcp_id,
            wish.site_id,
            sender_id=wish.sender_id,
            expires_at=wish.expires_at,
            modules=wish.modules,
            landing=wish.landing,
            channel=CHANNEL,
            sending_id=wish.sending_id,
            action=wish.action,
            by=by,
            at=at,
        )
        return self.url_of(link_id)

    def url_of(self, link_id: str) -> str:
        """Return the address of a link."""
        return f"{self._base}/v/{self._tokens.for_id(Purpose.LINK, link_id)}"

    def unsubscribe(self, sending_id: str) -> str:
        """Return the address that unsubscribes the doctor of a sending."""
        return f"{self._base}/u/{self._tokens.for_id(Purpose.UNSUBSCRIBE, sending_id)}"

    def preferences(self, sending_id: str) -> str:
        """Return the address of the preference page of the doctor of a sending."""
        return f"{self._base}/p/{self._tokens.for_id(Purpose.PREFERENCES, sending_id)}"

    def opt_in(self, opt_in_id: str) -> str:
        """Return the address that confirms that mail is wanted."""
        return f"{self._base}/o/{self._tokens.for_id(Purpose.OPT_IN, opt_in_id)}"

    def inert(self, kind: str) -> str:
        """Return an address that opens nothing."""
        return f"{self._base}/{kind}/preview"

    def hand_over(self, db: Session, sending_id: str, *, at: datetime) -> None:
        """Note on every link of a sending when its mail was handed over."""
        db.execute(update(Link).where(Link.sending_id == sending_id).values(handed_over_at=at))

    def revoke(self, db: Session, sending_ids: Collection[str], *, reason: str, by: Actor, at: datetime) -> int:
        """Revoke every link of the sendings and return how many were open."""
        ids = db.scalars(select(Link.id).where(Link.sending_id.in_(set(sending_ids)), Link.revoked_at.is_(None)))
        return sum(revoke_link(db, link_id, reason=reason, by=by, at=at) for link_id in list(ids))

    def touched(self, db: Session, sending_ids: Collection[str]) -> set[str]:
        """Return those of the sendings of which a link was fetched by anything."""
        found = db.scalars(
            select(Link.sending_id)
            .join(LinkActivity, LinkActivity.link_id == Link.id)
            .where(Link.sending_id.in_(set(sending_ids)), LinkActivity.kind != "staff")
        )
        return {sending_id for sending_id in found if sending_id is not None}

    def newest(self, db: Session, hcp_id: str, *, at: datetime) -> Link | None:
        """Return the newest link of a doctor that was not revoked, ended or not; None where there is none."""
        query = select(Link).where(Link.hcp_id == hcp_id, Link.revoked_at.is_(None), Link.created_at <= at)
        return db.scalar(query.order_by(Link.created_at.desc(), Link.id).limit(1))
