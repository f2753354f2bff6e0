"""Tables of the tracking room. Ids of other rooms stand here as plain strings: rooms on one floor meet by id."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Float, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base


class PageView(Base):
    """One page shown within a visit. `eng_ms` is its dwell; NULL is unknown: no beat came (no script, or none yet)."""

    __tablename__ = "page_views"
    __table_args__ = (
        Index(None, "hcp_id", "opened_at"),
        Index(None, "visit_id"),
        Index(None, "opened_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    copy_of: Mapped[str | None] = mapped_column(String(32))  # the view whose page a browser restored from its cache
    hcp_id: Mapped[str | None] = mapped_column(String(32))  # None: counted without identity
    visit_id: Mapped[str | None] = mapped_column(String(32))
    site_id: Mapped[str] = mapped_column(String(32))
    page: Mapped[str] = mapped_column(String(80))
    arrangement_id: Mapped[str | None] = mapped_column(String(32))
    mode: Mapped[str] = mapped_column(String(12))
    feeds_profile: Mapped[bool] = mapped_column(Boolean)
    staff: Mapped[bool] = mapped_column(Boolean)
    # [[section, module key, module version, [topics], words], ...] as served
    sections: Mapped[list[Any]]
    grace_ms: Mapped[int] = mapped_column(Integer)
    half_life_days: Mapped[float | None] = mapped_column(Float)  # of interest, under the rules that decided the page
    opened_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]  # from here on nothing more is kept of this view
    last_at: Mapped[datetime | None]  # when the server last learnt something new
    begun_ms: Mapped[int | None] = mapped_column(Integer)  # from the making of the page to the start of measuring
    vis_ms: Mapped[int | None] = mapped_column(Integer)
    eng_ms: Mapped[int | None] = mapped_column(Integer)
    ret_ms: Mapped[int | None] = mapped_column(Integer)
    silences: Mapped[int | None] = mapped_column(Integer)
    pend_ms: Mapped[int | None] = mapped_column(Integer)
    blur_ms: Mapped[int | None] = mapped_column(Integer)
    idle_ms: Mapped[int | None] = mapped_column(Integer)
    gap_ms: Mapped[int | None] = mapped_column(Integer)
    video_ms: Mapped[int | None] = mapped_column(Integer)
    depth: Mapped[int | None] = mapped_column(Integer)  # percent of the page that was on screen at least once
    confirmed: Mapped[bool] = mapped_column(Boolean)  # trusted input arrived
    sent: Mapped[int | None] = mapped_column(Integer)  # the highest message number
    received: Mapped[int | None] = mapped_column(Integer)  # how many different messages arrived
    wall_ms: Mapped[int | None] = mapped_column(BigInteger)  # the reader's clock in the newest message; shown only
    state: Mapped[dict[str, Any] | None]  # the merged snapshot, as `dwell.dump` writes it
    refused: Mapped[list[Any]]  # numbers of refused messages: they stay refused when they come again


class SectionView(Base):
    """What one section of a page view got."""

    __tablename__ = "section_views"
    __table_args__ = (Index(None, "hcp_id", "module_key"), Index(None, "module_version"))

    view_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    section: Mapped[str] = mapped_column(String(161), primary_key=True)
    hcp_id: Mapped[str | None] = mapped_column(String(32))
    site_id: Mapped[str] = mapped_column(String(32))
    module_key: Mapped[str] = mapped_column(String(80))
    module_version: Mapped[str] = mapped_column(String(32))
    attention_ms: Mapped[int] = mapped_column(Integer)
    seen_ms: Mapped[int] = mapped_column(Integer)
    first: Mapped[int] = mapped_column(Integer)  # place in the order of first readings; 0: not read
    times: Mapped[int] = mapped_column(Integer)  # readings; above 1 it was read again
    passed: Mapped[bool] = mapped_column(Boolean)  # shown and passed by


class CalculatorUse(Base):
    """One use of a calculator on a page: opened, completed, and the band where declared. No input, ever."""

    __tablename__ = "calculator_uses"
    __table_args__ = (Index(None, "hcp_id", "opened_at"), Index(None, "calculator", "opened_at"))

    view_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    calculator: Mapped[str] = mapped_column(String(40), primary_key=True)
    hcp_id: Mapped[str | None] = mapped_column(String(32))
    site_id: Mapped[str] = mapped_column(String(32))
    version: Mapped[str] = mapped_column(String(20))
    opened_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    band: Mapped[str] = mapped_column(String(40))
    profiled: Mapped[bool] = mapped_column(Boolean)
    last_no: Mapped[int] = mapped_column(Integer)  # the number of the event that told the band


class Interaction(Base):
    """One declared event of a page view; rows are added, and purged when their type's time is over, never changed."""

    __tablename__ = "interactions"
    __table_args__ = (Index(None, "hcp_id", "at"), Index(None, "type", "at"))

    view_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    no: Mapped[int] = mapped_column(Integer, primary_key=True)  # 0: derived from section counters
    type: Mapped[str] = mapped_column(String(40), primary_key=True)
    subject: Mapped[str] = mapped_column(String(161), primary_key=True)
    hcp_id: Mapped[str | None] = mapped_column(String(32))
    site_id: Mapped[str] = mapped_column(String(32))
    value: Mapped[str] = mapped_column(String(40))
    version: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime]


class DropCount(Base):
    """How many beats (or parts of them) were dropped on a day, by reason."""

    __tablename__ = "drops"

    day: Mapped[str] = mapped_column(String(10), primary_key=True)  # YYYY-MM-DD, UTC
    reason: Mapped[str] = mapped_column(String(24), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)


class Interest(Base):
    """Engaged ms a doctor gave a topic, decayed to `at` in place."""

    __tablename__ = "interest"

    hcp_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    topic: Mapped[str] = mapped_column(String(40), primary_key=True)
    value_ms: Mapped[float] = mapped_column(Float)
    at: Mapped[datetime]


class DailyDwell(Base):
    """The roll-up: what a doctor gave a module on a day, confirmed views only; hcp_id "" counts without identity.

    Rows with `profiled` may feed rules (confident identity, consent to profiling); the others are for reports only.
    """

    __tablename__ = "daily_dwell"
    __table_args__ = (Index(None, "site_id", "day"),)

    hcp_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    module_key: Mapped[str] = mapped_column(String(80), primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)  # YYYY-MM-DD, UTC
    profiled: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    eng_ms: Mapped[int] = mapped_column(BigInteger)
    reads: Mapped[int] = mapped_column(Integer)  # page views in which it got at least 5 s
    skips: Mapped[int] = mapped_column(Integer)  # page views in which it was shown and passed by
    downloads: Mapped[int] = mapped_column(Integer)
    completed: Mapped[bool] = mapped_column(Boolean)  # read for at least half of its reading time in one view
    useful: Mapped[bool | None]  # the newest answer of the day
    answers: Mapped[str] = mapped_column(Text)  # ids of the answers given, each with a line feed after it
    last_at: Mapped[datetime]


class NotRelevant(Base):
    """A module a doctor called not relevant; the row goes when they take it back."""

    __tablename__ = "not_relevant"

    hcp_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    module_key: Mapped[str] = mapped_column(String(80), primary_key=True)
    at: Mapped[datetime]


class SavedModule(Base):
    """A module a doctor put by for later; the row goes when they take it off their list."""

    __tablename__ = "saved_modules"

    hcp_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    module_key: Mapped[str] = mapped_column(String(80), primary_key=True)
    at: Mapped[datetime]


class ForgottenHistory(Base):
    """When a doctor last had their history on a site forgotten: nothing decided before may be used again."""

    __tablename__ = "forgotten_histories"

    hcp_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime]
