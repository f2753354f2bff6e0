"""Tables of rule sets: every version ever written, readable for ever, and what was done with each."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base

_OPEN_ENDED = text("live_from IS NOT NULL AND live_until IS NULL")


class StoredRuleSet(Base):
    """One version of a site's rules; `body` is canonical JSON and does not change once it left the draft."""

    __tablename__ = "rule_sets"
    __table_args__ = (
        UniqueConstraint("site_id", "version"),
        # The lives of a site's versions follow one another without gap or overlap; the last one has no end.
        Index(
            "uq_rule_sets_one_open_end",
            "site_id",
            unique=True,
            sqlite_where=_OPEN_ENDED,
            postgresql_where=_OPEN_ENDED,
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    version: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(12), index=True)
    origin: Mapped[str] = mapped_column(String(12))
    body: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)  # what this version is for, in the words of who submitted it
    based_on: Mapped[int | None] = mapped_column(Integer)  # the version whose body it began with
    killed_rule: Mapped[str | None] = mapped_column(String(64))  # the rule that a version of origin `kill` switched off
    author_id: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime]
    edited_by: Mapped[str] = mapped_column(String(32))
    edited_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(Integer)  # counts edits, so that two editors do not overwrite each other
    submitted_at: Mapped[datetime | None]
    approved_at: Mapped[datetime | None]
    approved_by: Mapped[str | None] = mapped_column(String(32))
    approved_over: Mapped[str | None] = mapped_column(String(32))  # the live version the reviewer compared it with
    live_from: Mapped[datetime | None]
    live_until: Mapped[datetime | None]


class RuleSetStep(Base):
    """One thing that was done with a version, and the note given with it; never changed."""

    __tablename__ = "rule_set_steps"
    __table_args__ = (Index(None, "rule_set_id", "at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    rule_set_id: Mapped[str] = mapped_column(ForeignKey("rule_sets.id"))
    step: Mapped[str] = mapped_column(String(30))
    by_id: Mapped[str] = mapped_column(String(32))
    note: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class StoredBacktest(Base):
    """One trial of a rule set on the pages served before; done in parts, so that its progress can be seen."""

    __tablename__ = "backtests"
    __table_args__ = (Index(None, "rule_set_id", "started_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    rule_set_id: Mapped[str] = mapped_column(ForeignKey("rule_sets.id"))
    revision: Mapped[int] = mapped_column(Integer)  # of the rule set when it began
    body: Mapped[str] = mapped_column(Text)  # what is tried, whatever becomes of the draft meanwhile
    by_id: Mapped[str] = mapped_column(String(32))
    started_at: Mapped[datetime]
    total: Mapped[int] = mapped_column(Integer)
    done: Mapped[int] = mapped_column(Integer)
    last_at: Mapped[datetime | None]  # the newest page done, and its id
    last_id: Mapped[str] = mapped_column(String(32))
    tally: Mapped[str] = mapped_column(Text)
    finished_at: Mapped[datetime | None]
