"""Audit events of the tracking room."""

from dataclasses import dataclass

from portal.audit import Event


@dataclass(frozen=True, slots=True)
class HistoryForgotten(Event, name="history.forgotten", words="had their history forgotten: {views} page views"):
    """A doctor was parted from everything they did on a site; `views` page views stay as counts without a name."""

    hcp: str
    site: str
    views: int


@dataclass(frozen=True, slots=True)
class InteractionsPurged(Event, name="interactions.purged", words="purged {count} events whose time was over"):
    """Events of one type that were older than their declared retention were deleted."""

    type: str
    before: str
    count: int


@dataclass(frozen=True, slots=True)
class RollUpRebuilt(Event, name="reports.rebuilt", words="counted the daily roll-up again: {modules} modules differed"):
    """The roll-up of doctors and modules that differed from the page views was written anew."""

    modules: int
    differences: int
