"""Tables of the audit log; rows are inserted and read, never updated or deleted (triggers say so)."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base

_Serial = BigInteger().with_variant(Integer(), "sqlite")


class AuditEvent(Base):
    """One deed: who did what to what, when, in canonical JSON without personal values."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index(None, "name", "seq"),
        Index(None, "actor_kind", "actor_id", "seq"),
        Index(None, "hcp_id", "seq"),
        Index(None, "at"),
    )

    seq: Mapped[int] = mapped_column(_Serial, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(32), unique=True)
    at: Mapped[datetime]
    name: Mapped[str] = mapped_column(String(60))
    actor_kind: Mapped[str] = mapped_column(String(10))
    actor_id: Mapped[str | None] = mapped_column(String(32))
    hcp_id: Mapped[str | None] = mapped_column(String(32))
    body: Mapped[str] = mapped_column(Text)  # the canonical JSON, byte for byte what is sealed


class AuditPersonal(Base):
    """The personal values of one event and the salt of their commitments; erasing the row breaks no proof."""

    __tablename__ = "audit_personal"

    event_id: Mapped[str] = mapped_column(ForeignKey("audit_events.id"), primary_key=True)
    hcp_id: Mapped[str | None] = mapped_column(String(32), index=True)
    salt: Mapped[str] = mapped_column(String(64))
    fields: Mapped[dict[str, Any]]


class AuditLeaf(Base):
    """One sealed event at its place in the tree; the place is counted from 0 without gaps."""

    __tablename__ = "audit_leaves"

    place: Mapped[int] = mapped_column(_Serial, primary_key=True, autoincrement=False)
    event_seq: Mapped[int] = mapped_column(ForeignKey("audit_events.seq"), unique=True)


class AuditNode(Base):
    """The hash (hex) of a complete subtree of 2**level leaves, counted from the left; level 0 is a leaf's own."""

    __tablename__ = "audit_nodes"

    level: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    place: Mapped[int] = mapped_column(_Serial, primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(String(64))


class AuditCheckpoint(Base):
    """A signed statement of the log's size and root."""

    __tablename__ = "audit_checkpoints"

    size: Mapped[int] = mapped_column(_Serial, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    note: Mapped[str] = mapped_column(Text)
