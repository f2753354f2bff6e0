"""Frozen records that leave the tracking room."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from portal.tracking.dwell import Bracket, load
from portal.tracking.models import CalculatorUse
from portal.tracking.spans import Spans, overlap, shifted

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)

VIEW_COLUMNS = (
    *("id", "hcp_id", "visit_id", "site_id", "page", "arrangement_id", "mode", "feeds_profile", "opened_at"),
    *("last_at", "eng_ms", "begun_ms", "grace_ms", "confirmed", "state"),
)


@dataclass(frozen=True, slots=True)
class SectionRow:
    """What one section got: attention and seen in ms, place in the order of first readings (0: none), readings."""

    section: str
    module_key: str
    module_version: str
    attention_ms: int
    seen_ms: int
    first: int
    times: int
    passed: bool


@dataclass(frozen=True, slots=True)
class ViewRow:
    """One page view; `dwell_ms` None is unknown. `bracket` runs from what input proves to all that was visible."""

    id: str
    hcp_id: str | None
    visit_id: str | None
    site_id: str
    page: str
    arrangement_id: str | None
    mode: str
    feeds_profile: bool
    opened_at: datetime
    last_at: datetime | None
    dwell_ms: int | None
    bracket: Bracket | None
    returned_ms: int
    silences: int
    undecided_ms: int
    blur_ms: int
    idle_ms: int
    gap_ms: int
    video_ms: int
    depth: int
    confirmed: bool
    sent: int
    received: int
    spans: Spans  # ms since 1970 between which engaged time was credited, by the server's clock
    sections: tuple[SectionRow, ...]

    @property
    def delivery(self) -> float | None:
        """Return the share of sent messages that arrived, None where none did."""
        return self.received / self.sent if self.sent else None

    @classmethod
    def of(cls, row: Any, sections: Sequence[SectionRow]) -> "ViewRow":
        """Return the record of a page view, or of its `VIEW_COLUMNS`."""
        known = row.eng_ms is not None
        totals = load(row.state)
        begun = (row.opened_at - _EPOCH) // _MS + (row.begun_ms or 0)
        proven = max(0, totals.eng - totals.ret - row.grace_ms * totals.sil)
        return cls(
            id=row.id,
            hcp_id=row.hcp_id,
            visit_id=row.visit_id,
            site_id=row.site_id,
            page=row.page,
            arrangement_id=row.arrangement_id,
            mode=row.mode,
            feeds_profile=row.feeds_profile,
            opened_at=row.opened_at,
            last_at=row.last_at,
            dwell_ms=row.eng_ms,
            bracket=Bracket(proven, totals.vis) if known else None,
            returned_ms=totals.ret,
            silences=totals.sil,
            undecided_ms=totals.pend,
            blur_ms=totals.blur,
            idle_ms=totals.idle,
            gap_ms=totals.gap,
            video_ms=totals.vid,
            depth=totals.depth,
            confirmed=row.confirmed,
            sent=totals.sent,
            received=totals.received,
            spans=shifted(totals.spans, begun),
            sections=tuple(sections),
        )


@dataclass(frozen=True, slots=True)
class ModuleDwell:
    """What a doctor gave one module: engaged ms, views in which it was read, passed by, downloads, last time."""

    site_id: str
    module_key: str
    eng_ms: int
    reads: int
    skips: int
    downloads: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class CalculatorRow:
    """One use of a calculator; `band` is empty where the definition keeps it private or nothing was completed."""

    view_id: str
    calculator: str
    version: str
    opened_at: datetime
    completed_at: datetime | None
    band: str

    @classmethod
    def of(cls, row: CalculatorUse) -> "CalculatorRow":
        """Return the record of a row."""
        return cls(row.view_id, row.calculator, row.version, row.opened_at, row.completed_at, row.band)


@dataclass(frozen=True, slots=True)
class InteractionRow:
    """One declared event of a page view."""

    view_id: str
    no: int
    type: str
    subject: str
    value: str
    version: str
    at: datetime


@dataclass(frozen=True, slots=True)
class VisitSummary:
    """How many visits, and when the last one began."""

    count: int
    last_at: datetime | None


def united_ms(views: Sequence[ViewRow]) -> int:
    """Return the engaged ms of one doctor's views with no second counted twice."""
    return max(0, sum(view.dwell_ms or 0 for view in views) - overlap([view.spans for view in views]))
