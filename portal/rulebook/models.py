"""The table of rule sets: every version ever written, readable for ever."""

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base


class StoredRuleSet(Base):
    """One version of a site's rules; `body` is canonical JSON and does not change once it left the draft."""

    __tablename__ = "rule_sets"
    __table_args__ = (UniqueConstraint("site_id", "version"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    version: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(12), index=True)
    body: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)
    based_on: Mapped[int | None] = mapped_column(Integer)
    author_id: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    approved_at: Mapped[datetime | None]
    approved_by: Mapped[str | None] = mapped_column(String(32))
    live_from: Mapped[datetime | None]
    live_until: Mapped[datetime | None]
