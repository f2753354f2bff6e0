"""Tables of the content room.

A version is immutable once it has left the draft: only `state` and the dates of its life change after that.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base


class Site(Base):
    """One brand in one market and language, such as `atorvastatin-us-en`."""

    __tablename__ = "sites"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    key: Mapped[str] = mapped_column(String(60), unique=True)
    brand: Mapped[str] = mapped_column(String(80))
    generic: Mapped[str] = mapped_column(String(120))
    market: Mapped[str] = mapped_column(String(2))
    language: Mapped[str] = mapped_column(String(10))
    settings: Mapped[dict[str, Any]]  # audience line, declaration, contacts, required blocks, thresholds
    created_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(Integer, default=0, server_default="0")  # rises with what may be served


class Topic(Base):
    """What modules can be about, in the order staff see them."""

    __tablename__ = "topics"
    __table_args__ = (UniqueConstraint("site_id", "key"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    key: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(80))
    position: Mapped[int] = mapped_column(Integer)


class Label(Base):
    """An imported label (SPL XML): where quoted text comes from."""

    __tablename__ = "labels"
    __table_args__ = (UniqueConstraint("site_id", "set_id", "version"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    document_id: Mapped[str] = mapped_column(String(64))
    set_id: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(Integer)
    effective_on: Mapped[str] = mapped_column(String(8))  # YYYYMMDD as printed in the label
    title: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    imported_at: Mapped[datetime]
    imported_by: Mapped[str] = mapped_column(String(32))


class LabelSection(Base):
    """One section of an imported label, as sanitised HTML and plain text."""

    __tablename__ = "label_sections"
    __table_args__ = (Index(None, "label_id", "position"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    label_id: Mapped[str] = mapped_column(ForeignKey("labels.id"))
    parent_id: Mapped[str | None] = mapped_column(String(32))
    code: Mapped[str] = mapped_column(String(16))
    number: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    highlight: Mapped[str] = mapped_column(Text)  # what the label's own Highlights say of it, as HTML; may be empty
    position: Mapped[int] = mapped_column(Integer)


class Module(Base):
    """A unit of content; what it says stands in its versions."""

    __tablename__ = "modules"
    __table_args__ = (UniqueConstraint("site_id", "key"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    key: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]


class Block(Base):
    """A mandatory block of a site; no rule knows it."""

    __tablename__ = "mandatory_blocks"
    __table_args__ = (UniqueConstraint("site_id", "key"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    key: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]


class _Versioned:
    """Columns that versions of modules and of mandatory blocks share."""

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[int] = mapped_column(Integer)
    title: Mapped[str] = mapped_column(String(200))
    summary: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)  # sanitised HTML
    words: Mapped[int] = mapped_column(Integer)
    sections: Mapped[list[Any]]  # [{"key", "title", "words"}], in order
    source: Mapped[dict[str, Any]]  # label: set_id, version, effective_on, section code and number
    approval_code: Mapped[str | None] = mapped_column(String(60))
    sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(12), index=True)
    author_id: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    approved_at: Mapped[datetime | None]
    approved_by: Mapped[str | None] = mapped_column(String(32))
    in_force_from: Mapped[datetime | None]
    in_force_until: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_reason: Mapped[str | None] = mapped_column(Text)
    card_hash: Mapped[str | None] = mapped_column(String(64))  # fragments rendered at approval
    page_hash: Mapped[str | None] = mapped_column(String(64))


class ModuleVersion(_Versioned, Base):
    """An immutable state of a module."""

    __tablename__ = "module_versions"
    __table_args__ = (UniqueConstraint("module_id", "number"),)

    module_id: Mapped[str] = mapped_column(ForeignKey("modules.id"))
    topics: Mapped[list[Any]]
    key_message: Mapped[str] = mapped_column(Text)
    audiences: Mapped[list[Any]]  # empty: everybody
    position: Mapped[int] = mapped_column(Integer)  # place in the standard order
    calculator: Mapped[str | None] = mapped_column(String(40))
    calculator_version: Mapped[str | None] = mapped_column(String(20))
    definition: Mapped[str | None] = mapped_column(Text)  # the calculator's definition, as JSON text


class BlockVersion(_Versioned, Base):
    """An immutable state of a mandatory block."""

    __tablename__ = "block_versions"
    __table_args__ = (UniqueConstraint("block_id", "number"),)

    block_id: Mapped[str] = mapped_column(ForeignKey("mandatory_blocks.id"))
    position: Mapped[int] = mapped_column(Integer)


class Review(Base):
    """What a reviewer said of a version; never changed."""

    __tablename__ = "reviews"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    version_id: Mapped[str] = mapped_column(String(32), index=True)
    reviewer_id: Mapped[str] = mapped_column(String(32))
    outcome: Mapped[str] = mapped_column(String(12))
    note: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class Fragment(Base):
    """A piece of served HTML by the SHA-256 of its UTF-8 bytes; written once, kept for replay."""

    __tablename__ = "fragments"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    html: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
