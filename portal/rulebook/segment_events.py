"""What the audit log says of segments."""

from dataclasses import dataclass

from portal.audit import Event


@dataclass(frozen=True, slots=True)
class SegmentSaved(Event, name="segment.saved", words="saved the segment “{label}”"):
    """A condition got a name; `condition` is its JSON."""

    segment: str
    site: str
    label: str
    condition: str


@dataclass(frozen=True, slots=True)
class SegmentRenamed(Event, name="segment.renamed", words="renamed a segment “{label}”"):
    """A segment has another name."""

    segment: str
    site: str
    before: str
    label: str


@dataclass(frozen=True, slots=True)
class SegmentDeleted(Event, name="segment.deleted", words="deleted the segment “{label}”"):
    """A segment is gone; no rule used it. `condition` is its JSON."""

    segment: str
    site: str
    label: str
    condition: str
