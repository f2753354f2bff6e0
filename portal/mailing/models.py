"""Tables of the mailing room."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base


class MailPiece(Base):
    """A template or a fragment; what it says stands in its versions."""

    __tablename__ = "mail_pieces"
    __table_args__ = (UniqueConstraint("site_id", "key"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    key: Mapped[str] = mapped_column(String(24))
    kind: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime]


class MailPieceVersion(Base):
    """A state of a piece; from submission on its content stays, from approval on it only ends or is withdrawn."""

    __tablename__ = "mail_piece_versions"
    __table_args__ = (UniqueConstraint("piece_id", "number"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    piece_id: Mapped[str] = mapped_column(ForeignKey("mail_pieces.id"))
    number: Mapped[int] = mapped_column(Integer)
    title: Mapped[str] = mapped_column(String(120))
    subject: Mapped[str] = mapped_column(String(150))  # empty for fragments
    body: Mapped[str] = mapped_column(Text)  # MJML
    fields: Mapped[list[Any]]  # picklists and free text the sender may fill
    bounds: Mapped[dict[str, Any]]  # which fragments and modules the sender may pick, and how many
    audiences: Mapped[list[Any]]  # empty: everybody
    sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(12), index=True)
    author_id: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    approved_at: Mapped[datetime | None]
    approved_by: Mapped[str | None] = mapped_column(String(32))
    approval_code: Mapped[str | None] = mapped_column(String(60))
    in_force_from: Mapped[datetime | None]
    in_force_until: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_reason: Mapped[str | None] = mapped_column(Text)
    html: Mapped[str | None] = mapped_column(Text)  # rendered once, at approval
    text: Mapped[str | None] = mapped_column(Text)
    row_html: Mapped[str | None] = mapped_column(Text)  # one picked module, templates only
    rendered_sha256: Mapped[str | None] = mapped_column(String(64))


class MailReview(Base):
    """What a reviewer said of a version of a piece; never changed."""

    __tablename__ = "mail_reviews"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    version_id: Mapped[str] = mapped_column(ForeignKey("mail_piece_versions.id"), index=True)
    reviewer_id: Mapped[str] = mapped_column(String(32))
    outcome: Mapped[str] = mapped_column(String(12))
    note: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class Mailing(Base):
    """What a sender put together for one or more doctors: first a composition, then a group of sendings."""

    __tablename__ = "mailings"
    __table_args__ = (Index(None, "sender_id", "created_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    sender_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    template_id: Mapped[str] = mapped_column(ForeignKey("mail_piece_versions.id"))
    hcp_ids: Mapped[list[Any]]
    fragments: Mapped[list[Any]]  # ids of versions, in order
    modules: Mapped[list[Any]]  # keys, in order
    filled: Mapped[dict[str, Any]]  # field key to what the sender chose or wrote
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None] = mapped_column(String(32))
    revoked_reason: Mapped[str | None] = mapped_column(Text)


class Sending(Base):
    """One email to one HCP, exactly as sent; address and text are erasable, the SHA-256 of the HTML stays."""

    __tablename__ = "sendings"
    __table_args__ = (Index(None, "hcp_id", "due_at"), Index(None, "sender_id", "composed_at"))

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    mailing_id: Mapped[str | None] = mapped_column(ForeignKey("mailings.id"), index=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    hcp_id: Mapped[str] = mapped_column(ForeignKey("hcps.id"))
    sender_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    template_id: Mapped[str | None] = mapped_column(ForeignKey("mail_piece_versions.id"))
    fragments: Mapped[list[Any]]  # ids of versions, in order
    modules: Mapped[list[Any]]  # [{"key", "version"}], in order
    to_address: Mapped[str | None] = mapped_column(String(254))
    from_name: Mapped[str] = mapped_column(String(120))
    reply_to: Mapped[str | None] = mapped_column(String(254))
    subject: Mapped[str | None] = mapped_column(String(300))
    html: Mapped[str | None] = mapped_column(Text)
    text: Mapped[str | None] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    unsubscribe_url: Mapped[str | None] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(String(200), unique=True)
    state: Mapped[str] = mapped_column(String(12), index=True)
    reason: Mapped[str | None] = mapped_column(String(40))  # why it failed, was stopped or waits
    status_code: Mapped[str | None] = mapped_column(String(12))  # 5.1.1
    composed_at: Mapped[datetime]
    due_at: Mapped[datetime]
    handed_over_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class Outbox(Base):
    """What waits to be handed to the mail server; the row goes when the sending is settled."""

    __tablename__ = "outbox"

    sending_id: Mapped[str] = mapped_column(ForeignKey("sendings.id"), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    claim: Mapped[str | None] = mapped_column(String(32))
    claimed_until: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(String(40))


class DeliveryReport(Base):
    """What a mail server or a mailbox provider said of a sending later; append-only, without addresses."""

    __tablename__ = "delivery_reports"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    sending_id: Mapped[str] = mapped_column(ForeignKey("sendings.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    status_code: Mapped[str | None] = mapped_column(String(12))
    word: Mapped[str] = mapped_column(String(40))
    sha256: Mapped[str] = mapped_column(String(64))  # of the report; the same report counts once
    at: Mapped[datetime]


class Unsubscribe(Base):
    """An unsubscription as it came in; append-only."""

    __tablename__ = "unsubscribes"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    sending_id: Mapped[str] = mapped_column(ForeignKey("sendings.id"), index=True)
    hcp_id: Mapped[str] = mapped_column(ForeignKey("hcps.id"), index=True)
    site_id: Mapped[str | None] = mapped_column(String(32))  # None: every site
    method: Mapped[str] = mapped_column(String(12))
    at: Mapped[datetime]


class MailPreference(Base):
    """How often a doctor wants mail about a site."""

    __tablename__ = "mail_preferences"
    __table_args__ = (UniqueConstraint("hcp_id", "site_id"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    hcp_id: Mapped[str] = mapped_column(ForeignKey("hcps.id"))
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    frequency: Mapped[str] = mapped_column(String(12))
    at: Mapped[datetime]


class OptIn(Base):
    """A question whether mail is wanted; the answer is the button behind the link that was mailed."""

    __tablename__ = "opt_ins"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    hcp_id: Mapped[str] = mapped_column(ForeignKey("hcps.id"), index=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    sending_id: Mapped[str] = mapped_column(String(32))
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
