"""The table of arrangements: one row for every page served."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base


class StoredArrangement(Base):
    """The decision behind one served page: facts, candidates, rules, order, and the pieces it was joined from."""

    __tablename__ = "arrangements"
    __table_args__ = (Index(None, "hcp_id", "at"), Index(None, "site_id", "at"), Index(None, "rule_set_id"))

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime]
    site_id: Mapped[str] = mapped_column(String(32))
    visit_id: Mapped[str | None] = mapped_column(String(32), index=True)  # None: a preview
    hcp_id: Mapped[str | None] = mapped_column(String(32))
    page: Mapped[str] = mapped_column(String(60))  # `home` or a module's key
    mode: Mapped[str] = mapped_column(String(20))
    rule_set_id: Mapped[str] = mapped_column(String(32))
    facts: Mapped[str] = mapped_column(Text)  # canonical JSON
    candidates: Mapped[str] = mapped_column(String(64))  # hash of the fragment that lists them
    decision: Mapped[str] = mapped_column(Text)  # canonical JSON: order, reasons, contributions
    pieces: Mapped[list[Any]]  # fragment hashes (strings of 64) and literal HTML ({"html": …}), in order
    page_sha256: Mapped[str] = mapped_column(String(64))
