"""Tables of the access room."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base


class Link(Base):
    """The row behind a signed URL: for one HCP, one site, one sender."""

    __tablename__ = "links"
    __table_args__ = (Index(None, "hcp_id", "created_at"), Index(None, "sender_id", "created_at"))

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    hcp_id: Mapped[str] = mapped_column(ForeignKey("hcps.id"))
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    sender_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    sending_id: Mapped[str | None] = mapped_column(String(32), index=True)
    action: Mapped[str | None] = mapped_column(String(60))  # the call to action in the mail
    modules: Mapped[list[Any]]  # keys the sender picked, in order
    landing: Mapped[str | None] = mapped_column(String(60))  # module key to open first
    channel: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime]
    handed_over_at: Mapped[datetime | None]  # when the mail server took the mail
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None] = mapped_column(String(32))
    revoked_reason: Mapped[str | None] = mapped_column(Text)
    device_id: Mapped[str | None] = mapped_column(String(32))  # the first device that opened it by gesture
    preset_id: Mapped[str | None] = mapped_column(String(32))  # the version of the preset it was issued with


class LinkPreset(Base):
    """What links for one occasion lead to and how long they last; a change is the next number, the old one is kept."""

    __tablename__ = "link_presets"
    __table_args__ = (UniqueConstraint("series_id", "number"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    series_id: Mapped[str] = mapped_column(String(32))
    number: Mapped[int] = mapped_column(Integer)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    name: Mapped[str] = mapped_column(String(60))
    purpose: Mapped[str] = mapped_column(String(200))
    modules: Mapped[list[Any]]  # keys, in order
    landing: Mapped[str | None] = mapped_column(String(60))  # module key to open first
    days: Mapped[int] = mapped_column(Integer)
    author_id: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    retired_by: Mapped[str | None] = mapped_column(String(32))
    retired_reason: Mapped[str | None] = mapped_column(Text)


class Device(Base):
    """A browser that opened a link; the cookie carries the token, the row only its SHA-256."""

    __tablename__ = "devices"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    staff_seen_at: Mapped[datetime | None]  # a member of staff was signed in here: never a doctor's device


class Visit(Base):
    """What a person opens with a link by pressing the button."""

    __tablename__ = "visits"
    __table_args__ = (Index(None, "hcp_id", "opened_at"), Index(None, "link_id"))

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    link_id: Mapped[str] = mapped_column(ForeignKey("links.id"))
    hcp_id: Mapped[str] = mapped_column(ForeignKey("hcps.id"))
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    device_id: Mapped[str | None] = mapped_column(String(32))
    confidence: Mapped[str] = mapped_column(String(10))
    grade: Mapped[int] = mapped_column(Integer)
    marks: Mapped[list[Any]]  # marks of a robot, by name
    key_mark: Mapped[str | None] = mapped_column(String(16))  # the key that signed the link; the visit ends with it
    standard_order: Mapped[bool] = mapped_column(default=False)
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class LinkActivity(Base):
    """Every touch of a link, robots' too, with what it proves; nothing is deleted."""

    __tablename__ = "link_activity"
    __table_args__ = (Index(None, "link_id", "at"), Index(None, "address_hash", "at"))

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    link_id: Mapped[str] = mapped_column(ForeignKey("links.id"))
    visit_id: Mapped[str | None] = mapped_column(String(32), index=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(12))
    grade: Mapped[int] = mapped_column(Integer)
    marks: Mapped[list[Any]]
    address_hash: Mapped[str] = mapped_column(String(64))  # keyed hash of the network address, per day


class SpentNonce(Base):
    """A door nonce that was used; pressing the button twice opens one visit."""

    __tablename__ = "spent_nonces"

    nonce_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)


class KnownDevice(Base):
    """A further device that proved with a code to be the doctor's, for one link."""

    __tablename__ = "known_devices"

    link_id: Mapped[str] = mapped_column(ForeignKey("links.id"), primary_key=True)
    device_id: Mapped[str] = mapped_column(ForeignKey("devices.id"), primary_key=True)
    at: Mapped[datetime]


class StepUpCode(Base):
    """A six-digit code for one visit; one that was asked for with a wrong address is here too, and fits nothing."""

    __tablename__ = "step_up_codes"
    __table_args__ = (Index(None, "visit_id", "created_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    visit_id: Mapped[str] = mapped_column(ForeignKey("visits.id"))
    code_hash: Mapped[str] = mapped_column(String(64))  # keyed: six digits alone are guessed in no time
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(Integer, default=0)
    used_at: Mapped[datetime | None]


class StaffAddress(Base):
    """A network address (keyed hash, per day) from which a member of staff was signed in; kept for two days."""

    __tablename__ = "staff_addresses"

    address_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(index=True)
