"""Tables of the hcp room."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base


class Territory(Base):
    """A sales territory."""

    __tablename__ = "territories"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120))


class Hcp(Base):
    """A doctor or other professional a link can be for; `ref` is the stable reference staff and CRM use."""

    __tablename__ = "hcps"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    ref: Mapped[str] = mapped_column(String(64), unique=True)
    npi: Mapped[str | None] = mapped_column(String(10), unique=True)
    title: Mapped[str] = mapped_column(String(20), default="Dr")
    first_name: Mapped[str | None] = mapped_column(String(80))
    last_name: Mapped[str | None] = mapped_column(String(80))
    email: Mapped[str | None] = mapped_column(String(254), index=True)
    audience: Mapped[str] = mapped_column(String(20), default="doctor")
    specialty: Mapped[str | None] = mapped_column(String(80))
    segment: Mapped[str | None] = mapped_column(String(1))
    decile: Mapped[int | None]
    adoption_step: Mapped[str | None] = mapped_column(String(20))
    knowledge_level: Mapped[str | None] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(10), default="en")
    market: Mapped[str] = mapped_column(String(2), default="US")
    channel: Mapped[str | None] = mapped_column(String(20))
    territory_id: Mapped[str | None] = mapped_column(ForeignKey("territories.id"), index=True)
    created_at: Mapped[datetime]
    access_revoked_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]


class Assignment(Base):
    """Who looks after a doctor, from when until when."""

    __tablename__ = "assignments"
    __table_args__ = (Index(None, "user_id", "until"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    hcp_id: Mapped[str] = mapped_column(ForeignKey("hcps.id"), index=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    since: Mapped[datetime]
    until: Mapped[datetime | None]


class Consent(Base):
    """One decision of a doctor, never changed: the newest for a purpose and site is in force."""

    __tablename__ = "consents"
    __table_args__ = (Index(None, "hcp_id", "purpose", "at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    hcp_id: Mapped[str] = mapped_column(ForeignKey("hcps.id"))
    site_id: Mapped[str | None] = mapped_column(String(32))  # None: every site
    purpose: Mapped[str] = mapped_column(String(12))
    decision: Mapped[str] = mapped_column(String(12))
    source: Mapped[str] = mapped_column(String(40))
    wording: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    ends_at: Mapped[datetime | None]  # a yes may hold for a time; from this moment on nothing is decided


class ConsentEvidence(Base):
    """What staff noted beside a decision they wrote down: where its proof is; erasable, unlike the decision."""

    __tablename__ = "consent_evidence"

    consent_id: Mapped[str] = mapped_column(ForeignKey("consents.id"), primary_key=True)
    hcp_id: Mapped[str] = mapped_column(ForeignKey("hcps.id"), index=True)
    note: Mapped[str | None] = mapped_column(Text)
    by_id: Mapped[str | None] = mapped_column(String(32))
    at: Mapped[datetime]  # when it was written down; the decision says when it was taken


class DeclaredInterest(Base):
    """A topic a doctor said they care about."""

    __tablename__ = "declared_interests"
    __table_args__ = (UniqueConstraint("hcp_id", "site_id", "topic"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    hcp_id: Mapped[str] = mapped_column(ForeignKey("hcps.id"), index=True)
    site_id: Mapped[str] = mapped_column(String(32))
    topic: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]


class Discussion(Base):
    """A module that was discussed with a doctor in a visit; noted by who looks after them, kept for two years."""

    __tablename__ = "discussions"
    __table_args__ = (UniqueConstraint("hcp_id", "site_id", "module_key", "day"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    hcp_id: Mapped[str] = mapped_column(ForeignKey("hcps.id"))
    site_id: Mapped[str] = mapped_column(String(32))
    module_key: Mapped[str] = mapped_column(String(80))
    day: Mapped[str] = mapped_column(String(10), index=True)  # YYYY-MM-DD, as the person noted it
    by_id: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime]


class AdoptionStep(Base):
    """A step on the adoption ladder, with history; it can go down."""

    __tablename__ = "adoption_steps"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    hcp_id: Mapped[str] = mapped_column(ForeignKey("hcps.id"), index=True)
    step: Mapped[str] = mapped_column(String(20))
    by_id: Mapped[str | None] = mapped_column(String(32))
    at: Mapped[datetime]


class PendingImport(Base):
    """A checked file that waits for its confirmation; it holds personal values and lives for an hour at most."""

    __tablename__ = "pending_imports"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    file_name: Mapped[str] = mapped_column(String(120))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    specialties: Mapped[dict[str, Any]]  # taxonomy code to name, from the list loaded beside it
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
